//! `trailseal verify`.

use std::{
    io::{self, IsTerminal as _, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::ValueEnum;
use trailseal_archive::{Timestamp, open};
use trailseal_evidence::report::{Report, SCHEMA, Verdict};
use trailseal_evidence::{Baseline, Expectations, Options, RegionDetail, index, inputs::Inputs};
use trailseal_query::Zone;
use trailseal_verify::{Code, KeyRing, Limits, Policy};

use crate::{
    clock,
    commands::options::{
        index::IndexUse,
        input,
        keys::{self, Objects},
        list::listed,
        number::Threads,
        packed,
        size::size,
        statement::Statement,
        time::{DATE_HINT, Times, of_aws, time},
    },
    error::{Cause, CommandError},
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        aws::AwsText,
        json, jsonl,
        plain::{shown, span},
        stats::Stats,
        style::Style,
        text,
    },
};

mod advice;
mod allowed;
mod missing;
mod report_file;
mod unpacked;

use allowed::allowed_code;
use missing::Missing;
use report_file::ReportFile;
use unpacked::UnpackedRoots;

/// An earlier report is no larger.
const MAX_BASELINE: u64 = 4 << 30;

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
Exit status:
  0  everything in scope is proven
  1  at least one violation is proven (altered, missing though signed, planted, forged)
  2  could not run: wrong arguments, nothing to verify, unusable keys, unreadable root, interrupted
  3  no violation, but not everything could be proven (missing key or signature, gap, stale head …)
  With --format aws it is 0 or 1 (and 2), as that of `aws cloudtrail validate-logs`.

Signatures are looked for, in this order: in a sidecar beside the digest file
(<digest file>.metadata.json, the output of `aws s3api head-object`), in the file
given with --metadata, in extended attributes (user.signature), and in the digest's
successor.";

/// What `--from` means here.
const FROM: &str = "Digests are taken whose windows of an hour end after it, and the logs that they name, of which the \
                    first may be a little older.";

/// What `--to` means here.
const TO: &str = "Digests are taken whose windows begin before it.";

/// Prove that an archive is what AWS signed (also: validate-logs)
///
/// Prove that the digest and log files below ROOT are what AWS signed, and name whatever is not. All
/// organizations, accounts, regions and trails found are verified in one run. Nothing is written below ROOT,
/// and no network is used.
#[derive(Debug, clap::Args)]
#[command(mut_arg("from", |arg| of_aws(arg, FROM)), mut_arg("to", |arg| of_aws(arg, TO)))]
pub(crate) struct Args {
    /// Folders that hold the archive: a copy of a bucket, of several, or of parts of one; or zip and tar files of such
    ///
    /// A zip or tar file (also compressed) is unpacked into a folder for temporary files, which is removed at the end. What
    /// is in it is called archive.zip!name.
    #[arg(value_name = "ROOT", required_unless_present = "directories")]
    roots: Vec<PathBuf>,

    /// The same as ROOT, for a folder (repeatable)
    #[arg(short = 'd', long = "directory", value_name = "DIR", action = clap::ArgAction::Append)]
    directories: Vec<PathBuf>,

    /// Public keys that you trust: a file, or a folder whose .json, .der and .pem files are read (repeatable)
    ///
    /// What `aws cloudtrail list-public-keys` prints, or bare PEM or DER keys. Keys that lie inside the archive
    /// are never picked up by themselves. Without this option the command says which keys the archive needs.
    #[arg(long, value_name = "KEYS", help_heading = "Evidence")]
    keys: Vec<PathBuf>,

    #[command(flatten, next_help_heading = "Evidence")]
    objects: Objects,

    /// Only events of this account (repeatable)
    #[arg(long = "account", visible_alias = "account-id", value_name = "ID", help_heading = "Scope")]
    accounts: Vec<String>,

    /// Only events of this region (repeatable)
    #[arg(long = "region", value_name = "REGION", help_heading = "Scope")]
    regions: Vec<String>,

    /// Only the trail with this name (repeatable)
    #[arg(long = "trail", value_name = "NAME", help_heading = "Scope")]
    trails: Vec<String>,

    /// The same by the trail's ARN, as `aws cloudtrail validate-logs` has it; only the name in it is used
    #[arg(long = "trail-arn", value_name = "ARN", value_parser = trail_name, help_heading = "Scope")]
    trail_arns: Vec<String>,

    #[command(flatten, next_help_heading = "Scope")]
    times: Times,

    /// The archive must reach up to this time: a newest digest that ends earlier is `head_stale`
    ///
    /// In any form that --from takes.
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true, help_heading = "Judgement")]
    as_of: Option<Timestamp>,

    /// An earlier JSON report: its newest digests must still be in their chains
    #[arg(long, value_name = "FILE", help_heading = "Judgement")]
    baseline: Option<PathBuf>,

    #[command(flatten, next_help_heading = "Judgement")]
    statement: Statement,

    /// Let findings of this code, if they are of status 3, be notes (repeatable); violations cannot be allowed
    #[arg(long = "allow", value_name = "CODE", value_parser = allowed_code, help_heading = "Judgement")]
    allowed: Vec<Code>,

    /// This account must be in the archive (repeatable)
    #[arg(long = "expect-account", value_name = "ID", help_heading = "Judgement")]
    expected_accounts: Vec<String>,

    /// This region must be in the archive, for every account (repeatable)
    #[arg(long = "expect-region", value_name = "REGION", help_heading = "Judgement")]
    expected_regions: Vec<String>,

    /// What is written to stdout
    #[arg(
        short = 't',
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Output"
    )]
    format: ReportFormat,

    /// Only the commands that get what was missing: signatures, public keys, days that were not copied
    ///
    /// As a script for `sh`; nothing where nothing is missing. Without --keys, all keys are missing.
    #[arg(long, conflicts_with_all = ["format", "verbose"], help_heading = "Output")]
    what_is_missing: bool,

    /// Write the JSON report to this file as well; it cannot lie below a ROOT
    #[arg(short = 'o', long, visible_alias = "output", value_name = "FILE", help_heading = "Output")]
    report: Option<PathBuf>,

    /// Replace the file of --report if there is one
    #[arg(short = 'C', long, requires = "report", help_heading = "Output")]
    clobber: bool,

    /// Only errors on stderr, and of the text only the verdict line; -qq not even that when all is well
    #[arg(
        short,
        long = "quiet",
        action = clap::ArgAction::Count,
        conflicts_with = "verbose",
        help_heading = "Output"
    )]
    quietness: u8,

    /// Notes as well, nothing left out; with --format aws also the valid files
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// What the run took, when and on which machine, on stderr, and as `stats` in JSON
    #[arg(long, help_heading = "Output")]
    stats: bool,

    /// Make an index of the archive, or bring it up to date, in the same run (`trailseal index`)
    #[arg(long, conflicts_with = "no_index", help_heading = "Index")]
    index: bool,

    #[command(flatten, next_help_heading = "Index")]
    index_use: IndexUse,

    #[command(flatten, next_help_heading = "Limits")]
    threads: Threads,

    /// Inflated bytes of one log file; a larger one is `limit_exceeded` (K, M, G: powers of 1024)
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = size, help_heading = "Limits")]
    max_inflated_size: u64,

    /// Inflated bytes of one digest file
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size, help_heading = "Limits")]
    max_digest_size: u64,

    /// Log files that one digest may name
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_log_files, help_heading = "Limits")]
    max_log_files: usize,

    /// Hash with the portable code, one file at a time, instead of several interleaved with SHA instructions
    #[arg(long, help_heading = "Limits")]
    portable_hash: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// Findings, chains, coverage and a verdict, for people
    Text,
    /// One JSON document (schema trailseal.verify/1)
    Json,
    /// One JSON object a line: every digest and log, findings, chains, and last the summary
    Jsonl,
    /// The text of `aws cloudtrail validate-logs`, for scripts that parse it; not with --as-of, --baseline or --expect-…
    Aws,
}

/// Verifies, and says so.
///
/// # Errors
/// [`CommandError`] when the run could not be made or its output not be written.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    args.check()?;
    input::must_exist(args.given())?;
    let archives = packed::archives(args.given())?;
    let mut options = args.options()?;
    let _unpacked = UnpackedRoots::take_the_place(&mut options, &archives, interrupt, args.is_quiet())?;
    if args.keys.is_empty() && !args.what_is_missing {
        return Err(advice::how_to_get_keys(&options));
    }
    let key_paths = keys::paths(&args.keys);
    let loaded = keys::load(&key_paths)?;
    if !args.is_quiet() {
        note_ignored(&loaded.ignored);
    }
    options.keys = KeyRing::new(loaded.content.keys);
    options.key_files = loaded.files;
    let report_file = match &args.report {
        Some(path) => Some(ReportFile::check(path, &options, args.clobber)?),
        None => None,
    };

    let (begun, time) = (Instant::now(), Some(clock::second()));
    let counts = Counts::new("verifying", interrupt.clone());
    let mut sink = ReportSink::new(args);
    let is_shown = !args.is_quiet() && matches!(args.format, ReportFormat::Text | ReportFormat::Json);
    if args.index {
        args.make_index(&options, is_shown, interrupt)?;
    }
    options.index = args.index_use.open(&options.roots);
    let result = counts
        .watch(is_shown, || trailseal_evidence::verify(&options, &counts, &mut |detail| sink.unit(detail)));
    sink.check()?;
    let report = match result {
        _ if interrupt.is_wanted() => return Err(interrupted(args.format)),
        result => result.map_err(|error| explain(error, &options))?,
    };
    let stats =
        args.stats.then(|| Stats { time, host: host(), ..stats(&report, &counts, begun, &args.threads) });
    if let Some(file) = report_file {
        file.write(&report, stats.as_ref(), interrupt)?;
    }
    if !args.is_quiet() {
        args.index_use.note(options.index.as_ref(), begun.elapsed(), &options.roots);
    }
    let missing = missing::missing(&report, &key_paths, &options.unpacked);
    let status = sink.finish(&report, stats.as_ref(), &missing)?;
    if let Some(stats) = &stats {
        write_stats(stats);
    }
    Ok(status)
}

impl Args {
    fn is_quiet(&self) -> bool {
        self.quietness > 0
    }

    /// Makes an index of the folders among the roots. The verdict does not hang on it.
    fn make_index(
        &self,
        options: &Options,
        is_shown: bool,
        interrupt: &Interrupt,
    ) -> Result<(), CommandError> {
        // what was unpacked of archive files is gone afterwards
        let is_folder = |root: &&PathBuf| options.unpacked.iter().all(|unpacked| unpacked.folder != **root);
        let folders: Vec<PathBuf> = options.roots.iter().filter(is_folder).cloned().collect();
        if folders.is_empty() {
            output::note(&"archive files are not indexed: unpack them");
            return Ok(());
        }
        let folder = self.index_use.folder.needed()?;
        let counts = Counts::new("indexing", interrupt.clone());
        let inputs = Inputs::open(&folders)?;
        let made = counts.watch(is_shown, || index::make(&folder, &inputs, self.threads.count, &counts));
        match made {
            _ if interrupt.is_wanted() => Err(interrupted(self.format)),
            Err(error) => {
                output::note(&format!("the index could not be made: {error}"));
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// The roots, given in either way.
    fn given(&self) -> impl Iterator<Item = &PathBuf> {
        self.roots.iter().chain(&self.directories)
    }

    /// What clap cannot check.
    fn check(&self) -> Result<(), CommandError> {
        let (from, to) = self.span();
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            let message = format!("--from ({from}) is not before --to ({to})");
            return Err(CommandError::new(message).hint(DATE_HINT));
        }
        if let Some(option) = self.unsayable() {
            let message = format!("--format aws has no line for what {option} asks");
            let hint = "--format text, json and jsonl have; or leave the option out";
            return Err(CommandError::new(message).hint(hint));
        }
        Ok(())
    }

    /// The first moment, and the first that is not asked for; reports are in UTC, and so is what is read for them.
    fn span(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let zone = Zone::utc();
        (self.times.from(&zone), self.times.until(&zone))
    }

    /// An option whose findings the chosen format would keep to itself: their absence would be read as an answer.
    fn unsayable(&self) -> Option<&'static str> {
        let given = [
            (self.as_of.is_some(), "--as-of"),
            (!self.expected_accounts.is_empty(), "--expect-account"),
            (!self.expected_regions.is_empty(), "--expect-region"),
            (self.baseline.is_some(), "--baseline"),
        ];
        given
            .into_iter()
            .find(|(is_given, _)| *is_given && self.format == ReportFormat::Aws)
            .map(|(_, option)| option)
    }

    fn options(&self) -> Result<Options, CommandError> {
        // validate-logs also takes in a digest that ends where the span begins, and lists an hour further.
        let edge = i64::from(self.format == ReportFormat::Aws);
        let (from, to) = self.span();
        let policy = Policy {
            start: from.map(|from| from.plus(-edge)),
            end: to.map(|to| to.plus(edge * 3601)),
            accounts: listed(&self.accounts),
            regions: listed(&self.regions),
            trails: listed(&self.trails).into_iter().chain(self.trail_arns.iter().cloned()).collect(),
            allowed: self.allowed.clone(),
        };
        let limits = Limits {
            max_inflated_log: self.max_inflated_size,
            max_inflated_digest: self.max_digest_size,
            max_log_files: self.max_log_files,
        };
        Ok(Options {
            roots: self.given().cloned().collect(),
            maps: self.objects.maps.clone(),
            manifest: self.objects.manifest()?,
            policy,
            whole_digests: self.format == ReportFormat::Aws,
            statement: self.statement.read()?,
            expect: Expectations {
                as_of: self.as_of,
                accounts: listed(&self.expected_accounts),
                regions: listed(&self.expected_regions),
                baseline: self.baseline.as_deref().map(read_baseline).transpose()?,
            },
            limits,
            threads: self.threads.count,
            portable_hash: self.portable_hash,
            ..Options::default()
        })
    }
}

/// The name in the ARN of a trail.
fn trail_name(text: &str) -> Result<String, String> {
    let name = text
        .strip_prefix("arn:")
        .filter(|rest| rest.contains(":cloudtrail:"))
        .and_then(|rest| rest.split_once(":trail/"))
        .map(|(_, name)| name.to_owned());
    name.filter(|name| !name.is_empty()).ok_or_else(|| {
        "an ARN of a trail is needed, as arn:aws:cloudtrail:us-east-1:111122223333:trail/NAME".to_owned()
    })
}

fn read_baseline(path: &Path) -> Result<Baseline, CommandError> {
    let fail = |cause: Cause| {
        CommandError::file("use the earlier report", path, cause)
            .hint("make one with `trailseal verify … --report FILE` or --format json")
    };
    let bytes = open::read_stream(path, MAX_BASELINE).map_err(|error| fail(error.into()))?;
    let baseline: Baseline = serde_json::from_slice(&bytes)
        .map_err(|_| fail("it is no JSON report of `trailseal verify`".into()))?;
    if baseline.schema != SCHEMA {
        return Err(fail(format!("its schema is {:?}, not {SCHEMA:?}", baseline.schema).into()));
    }
    if !baseline.proves_something() {
        return Err(fail("it had proven nothing that this archive could be held against".into()));
    }
    Ok(baseline)
}

/// An error of the verification; where there was nothing to verify, with what there is.
fn explain(error: trailseal_evidence::Error, options: &Options) -> CommandError {
    let is_empty = matches!(error, trailseal_evidence::Error::NothingToVerify(_));
    let error = packed::explain(error, options);
    let everywhere = Options { roots: options.roots.clone(), ..Options::default() };
    let there =
        if is_empty { trailseal_evidence::key_needs(&everywhere).unwrap_or_default() } else { Vec::new() };
    if there.is_empty() {
        return error;
    }
    let there: Vec<String> =
        there.iter().map(|need| format!("{} {}", shown(&need.region), span(need.first, need.last))).collect();
    error.hint(format!("there are digests, by their names and ends: {}", there.join("; ")))
}

fn note_ignored(ignored: &[PathBuf]) {
    if let Some((first, rest)) = ignored.split_first() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        output::note(&format!("not a key file by its name, and not read: {}{more}", first.display()));
    }
}

fn interrupted(format: ReportFormat) -> CommandError {
    let error = CommandError::interrupted();
    match format {
        ReportFormat::Jsonl => error.hint("the lines on stdout are not whole: they have no summary"),
        ReportFormat::Aws => error.hint("the text on stdout is not whole"),
        ReportFormat::Text | ReportFormat::Json => error,
    }
}

fn stats(report: &Report, counts: &Counts, begun: Instant, threads: &Threads) -> Stats {
    let seconds = begun.elapsed().as_secs_f64();
    let (files, bytes_read) = counts.done();
    let per_second = |count: f64| (count / seconds.max(1e-6) * 10.0).round() / 10.0;
    Stats {
        time: None,
        host: None,
        seconds: (seconds * 1000.0).round() / 1000.0,
        threads: threads.running(),
        files,
        bytes_read,
        bytes_inflated: report.totals.bytes_inflated,
        files_per_second: per_second(files as f64),
        megabytes_per_second: per_second(report.totals.bytes_inflated as f64 / 1e6),
    }
}

/// The machine's name, where the kernel tells it in a file.
fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn write_stats(stats: &Stats) {
    let time = stats.time.map_or(String::new(), |time| format!("checked at {time}"));
    let host = stats.host.as_ref().map_or(String::new(), |host| format!(" on {}", shown(host)));
    // Nobody can be told that stderr is gone.
    let _ = writeln!(
        anstream::stderr(),
        "stats: {time}{host}, {:.3} s, {} files ({:.1} files/s), {} bytes read, {} bytes inflated ({:.1} MB/s), threads: {}",
        stats.seconds,
        stats.files,
        stats.files_per_second,
        stats.bytes_read,
        stats.bytes_inflated,
        stats.megabytes_per_second,
        stats.threads,
    );
}

/// Where the run's output goes, as it comes.
struct ReportSink {
    /// Whether only the commands that get what was missing are written.
    lists_missing: bool,
    format: ReportFormat,
    style: Style,
    /// Whether the text says nothing when all is well.
    is_silent: bool,
    aws: AwsText,
    data: io::BufWriter<output::DataOut>,
    /// The first failure to write; it ends the run.
    failure: Option<io::Error>,
}

impl ReportSink {
    fn new(args: &Args) -> Self {
        let Args { format, verbose, what_is_missing, .. } = *args;
        Self {
            lists_missing: what_is_missing,
            format,
            style: Style { width: output::width(), verbose, quiet: args.is_quiet() },
            is_silent: args.quietness > 1,
            aws: AwsText::new(args.span().0, args.span().1, verbose),
            data: output::data(),
            failure: None,
        }
    }

    /// An account and region has been judged.
    fn unit(&mut self, detail: &RegionDetail<'_>) -> ControlFlow<()> {
        let result = match self.format {
            ReportFormat::Jsonl => jsonl::write_unit(detail, &mut self.data),
            ReportFormat::Aws => {
                let mut err = output::Quiet::new(anstream::stderr());
                self.aws.unit(detail, &mut self.data, &mut err)
            }
            ReportFormat::Text | ReportFormat::Json => Ok(()),
        };
        result.map_or_else(
            |error| {
                self.failure = Some(error);
                ControlFlow::Break(())
            },
            ControlFlow::Continue,
        )
    }

    /// # Errors
    /// What could not be written so far.
    fn check(&mut self) -> Result<(), CommandError> {
        self.failure.take().map_or(Ok(()), |error| Err(error.into()))
    }

    /// Whether the reference's words cannot say what was found.
    fn is_violated_in_silence(&self, report: &Report) -> bool {
        report.verdict == Verdict::Violated && !self.aws.saw_invalid()
    }

    /// Writes the rest; the exit status.
    fn finish(
        mut self,
        report: &Report,
        stats: Option<&Stats>,
        missing: &[Missing],
    ) -> Result<u8, CommandError> {
        match self.format {
            _ if self.lists_missing => missing::write(missing, &mut self.data)?,
            ReportFormat::Text if self.is_silent && report.exit_status == 0 => {}
            ReportFormat::Text => {
                let mut screen = output::screen();
                text::write(report, &self.style, &mut screen)?;
                screen.flush()?;
                if !self.style.quiet {
                    missing::tell(missing);
                }
            }
            ReportFormat::Json => json::write(report, stats, &mut self.data)?,
            ReportFormat::Jsonl => jsonl::write_report(report, stats, &mut self.data)?,
            ReportFormat::Aws => {}
        }
        self.data.flush()?;
        // Scripts get the reference's lines and nothing else; people get the reason for the exit status.
        let is_read_by_people = self.format == ReportFormat::Aws && io::stderr().is_terminal();
        if is_read_by_people && self.is_violated_in_silence(report) {
            output::note(
                &"violations were found that this format has no line for: see --format text or json",
            );
        }
        Ok(match self.format {
            ReportFormat::Aws => {
                let has_no_digests = report.findings.iter().any(|finding| finding.code == Code::NoDigests);
                u8::from(self.aws.saw_invalid() || report.verdict == Verdict::Violated || has_no_digests)
            }
            _ => report.exit_status,
        })
    }
}
