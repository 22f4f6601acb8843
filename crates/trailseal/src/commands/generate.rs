//! `trailseal generate OUT`: write a signed archive, as CloudTrail would.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trailseal_archive::Timestamp;
use trailseal_generate::{Error, GenerationProgress, LoggingGap, Options, Summary, Tally, generate};

use super::options::{number::Threads, time::time};
use crate::{
    error::{CommandError, chained},
    output,
    render::{
        plain::{grouped, plural},
        shell::shell_word,
    },
};

/// Work that takes longer than this shows its progress.
const QUIET: Duration = Duration::from_secs(1);

/// Write a signed archive to try things on: log files, hourly digests, metadata and public keys.
///
/// Everything is made up, and the same for the same options: inflated files, keys and signatures.
/// OUT/archive/BUCKET then holds what a bucket would hold, OUT/keys the public keys. Check it with
///
///   trailseal verify OUT/archive --keys OUT/keys
///
/// Large ones: 8,000 log files, 1.5 GB inflated, a million events:
///
///   trailseal generate OUT --accounts 2 --region us-east-1,eu-west-1,ap-southeast-2
///       --hours 111 --events-per-hour 1500
///
/// 100,000 log files of one event each, in ten chains:
///
///   trailseal generate OUT --accounts 5 --region us-east-1,eu-west-1
///       --hours 100 --events-per-hour 100 --max-events-per-file 1
///
/// A year of digests without log files: --hours 8760 --events-per-hour 0
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct GenerateArgs {
    /// The folder to fill; it must be empty or not exist
    #[arg(value_name = "OUT")]
    pub(crate) out: PathBuf,

    /// Number of accounts
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "What")]
    pub(crate) accounts: u32,

    /// Regions, separated by commas (repeatable)
    #[arg(
        long = "region",
        visible_alias = "regions",
        value_name = "REGION",
        value_delimiter = ',',
        default_value = "us-east-1",
        help_heading = "What"
    )]
    pub(crate) regions: Vec<String>,

    /// When logging starts; on a full hour, minute and second are made up
    ///
    /// In any form that `trailseal verify --from` takes.
    #[arg(
        long,
        visible_alias = "from",
        value_name = "TIME",
        default_value = "2024-03-01",
        value_parser = time,
        allow_hyphen_values = true,
        help_heading = "What"
    )]
    pub(crate) start: Timestamp,

    /// Hours of logging, with a digest each besides the starting digest
    #[arg(long, value_name = "N", default_value_t = 24, help_heading = "What")]
    pub(crate) hours: u32,

    /// Events an hour for each account and region, on average; 0 for digests only
    #[arg(long, value_name = "N", default_value_t = 600, help_heading = "What")]
    pub(crate) events_per_hour: u32,

    /// At most so many events in a log file
    #[arg(long, value_name = "N", default_value_t = 2000, help_heading = "What")]
    pub(crate) max_events_per_file: u32,

    /// Decides all that the other options leave open
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "What")]
    pub(crate) seed: u64,

    /// Make it the trail of an organization, such as o-exampleorgid
    #[arg(long, value_name = "ID", help_heading = "Trail")]
    pub(crate) organization_id: Option<String>,

    /// The trail's S3 key prefix
    #[arg(long, value_name = "PREFIX", help_heading = "Trail")]
    pub(crate) prefix: Option<String>,

    /// The bucket's name
    #[arg(long, value_name = "NAME", default_value = "example-audit-logs", help_heading = "Trail")]
    pub(crate) bucket: String,

    /// The trail's name
    #[arg(long, value_name = "NAME", default_value = "audit", help_heading = "Trail")]
    pub(crate) trail: String,

    /// The region in which the trail was created [default: the first region]
    #[arg(long, value_name = "REGION", help_heading = "Trail")]
    pub(crate) home_region: Option<String>,

    /// A trail in each region instead of one for all
    #[arg(long, conflicts_with = "home_region", help_heading = "Trail")]
    pub(crate) single_region: bool,

    /// New signing keys every N hours; 0 for never
    #[arg(long, value_name = "N", default_value_t = 672, help_heading = "Events of the trail")]
    pub(crate) rotate_keys_hours: u32,

    /// No log files in every N-th hour
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = "Events of the trail"
    )]
    pub(crate) empty_every: u32,

    /// Stop logging after N hours
    #[arg(long, value_name = "N", requires = "gap_hours", help_heading = "Events of the trail")]
    pub(crate) gap_at: Option<u32>,

    /// Start logging again N hours (and some minutes) later
    #[arg(long, value_name = "N", requires = "gap_at", help_heading = "Events of the trail")]
    pub(crate) gap_hours: Option<u32>,

    /// Write N backfill digests with late log files
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        help_heading = "Events of the trail"
    )]
    pub(crate) backfill: u32,

    /// No DIGEST.metadata.json beside the digests, as after `aws s3 sync`
    #[arg(long, help_heading = "Files")]
    pub(crate) no_sidecars: bool,

    /// gzip level, 0 to 9
    #[arg(long, value_name = "N", default_value_t = trailseal_generate::DEFAULT_GZIP_LEVEL, help_heading = "Files")]
    pub(crate) gzip_level: u32,

    #[command(flatten, next_help_heading = "Limits")]
    pub(crate) threads: Threads,
}

impl GenerateArgs {
    /// What the arguments mean.
    fn options(&self) -> Options {
        Options {
            accounts: self.accounts,
            regions: self.regions.clone(),
            start: self.start,
            hours: self.hours,
            events_per_hour: self.events_per_hour,
            seed: self.seed,
            organization_id: self.organization_id.clone(),
            prefix: self.prefix.clone(),
            bucket: self.bucket.clone(),
            trail: self.trail.clone(),
            home_region: self.home_region.clone(),
            multi_region: !self.single_region,
            rotate_keys_hours: self.rotate_keys_hours,
            empty_every: self.empty_every,
            gap: self.gap_at.zip(self.gap_hours).map(|(at_hour, hours)| LoggingGap { at_hour, hours }),
            backfill: self.backfill,
            sidecars: !self.no_sidecars,
            gzip_level: self.gzip_level,
            threads: self.threads.running(),
            max_events_per_file: self.max_events_per_file,
        }
    }
}

/// Generates, showing progress on a terminal, and ends with a summary on standard error. `interrupted` is
/// what Ctrl-C sets.
///
/// # Errors
/// [`CommandError`] when the archive could not be written.
pub(crate) fn run(args: &GenerateArgs, interrupted: &AtomicBool) -> Result<u8, CommandError> {
    let started = Instant::now();
    let screen = Screen {
        interrupted,
        started,
        bar: OnceLock::new(),
        files: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    };
    let result = generate(&args.options(), &args.out, &screen);
    if let Some(bar) = screen.bar.get() {
        bar.finish_and_clear();
    }
    let summary = match result {
        Err(Error::Interrupted) => return Err(CommandError::interrupted()),
        result => result.map_err(|error| {
            CommandError::new(format!("generate {}: {}", args.out.display(), chained(&error)))
        })?,
    };
    // Nobody can be told that stderr is gone, and the archive is written.
    let _ = write_summary(&summary, started.elapsed());
    Ok(0)
}

fn write_summary(summary: &Summary, took: Duration) -> io::Result<()> {
    let Tally { log_files, events, inflated, compressed, digest_files, backfill_digest_files } =
        summary.written;
    let seconds = took.as_secs_f64();
    let backfill = match backfill_digest_files {
        0 => String::new(),
        files => format!(" and {} backfill", grouped(files)),
    };
    let mut notes = output::notes();
    writeln!(
        notes,
        "{} with {} ({} inflated, {} compressed), {}{backfill} digests in {}, {}",
        plural(log_files, "log file"),
        plural(events, "event"),
        HumanBytes(inflated),
        HumanBytes(compressed),
        grouped(digest_files),
        plural(summary.chains, "chain"),
        plural(summary.public_keys, "public key"),
    )?;
    writeln!(notes, "logging from {} to {}", summary.start, summary.end)?;
    writeln!(notes, "{seconds:.1} s, {:.1} MB/s inflated", inflated as f64 / 1e6 / seconds.max(1e-3))?;
    drop(notes);
    // a command stays on its line
    let word = |path: &Path| shell_word(&path.to_string_lossy());
    writeln!(
        anstream::stderr(),
        "next: trailseal verify {} --keys {}",
        word(&summary.archive),
        word(&summary.keys)
    )
}

/// Progress on standard error, if that is a terminal.
struct Screen<'a> {
    interrupted: &'a AtomicBool,
    started: Instant,
    bar: OnceLock<ProgressBar>,
    files: AtomicU64,
    bytes: AtomicU64,
}

impl GenerationProgress for Screen<'_> {
    fn begin(&self, hours: u64) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(hours), ProgressDrawTarget::hidden());
        let style = "{bar:30} {pos}/{len} hours  {msg}  {elapsed} ({eta} left)";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        // set only here, and begin is called once
        let _ = self.bar.set(bar);
    }

    fn hour(&self, written: &Tally) {
        let Some(bar) = self.bar.get() else { return };
        if bar.is_hidden() && self.started.elapsed() > QUIET {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        let files = self.files.fetch_add(written.log_files, Ordering::Relaxed) + written.log_files;
        let bytes = self.bytes.fetch_add(written.inflated, Ordering::Relaxed) + written.inflated;
        bar.set_message(format!("{} log files, {}", HumanCount(files), HumanBytes(bytes)));
        bar.inc(1);
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}
