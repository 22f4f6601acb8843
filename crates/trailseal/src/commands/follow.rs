//! `trailseal follow`.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::ValueEnum;
use trailseal_analysis::follow::follow;
use trailseal_evidence::{Completeness, inputs::Inputs, ledger::Ledger, scan::ScanOptions};

use crate::{
    commands::{
        evidence,
        options::{
            access_key::upper_case_key,
            input::{self, Input},
            keys::VerifiedWith,
            scan::ScanLimits,
            time::{EventTimes, TimeSpan, also},
            zone::TZ_OF_FOLLOW,
        },
    },
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        follow as render,
        query::summary::{self, Told},
    },
};

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
A key is followed through events whose response holds new credentials: AssumeRole in all its
forms, GetSessionToken, GetFederationToken, CreateAccessKey, GetRoleCredentials, CreateSession
and whatever else answers with an access key. Events that were delivered twice count once.

What records do not link by key is not followed: what a console session does after
GetSigninToken, ConsoleLogin or SwitchRole (it has keys of its own; search for its session name
with `trailseal query --principal`), credentials that a service hands out (instance profiles,
Lambda), what a user or role that was created does, and events of accounts and regions that are
not in the archive. With --from, links that were made before it are not seen.

Examples:
  trailseal follow AKIAIOSFODNN7EXAMPLE ./archive
      The key, the roles it assumed, the keys that came back, and what those did.
  trailseal follow AKIAIOSFODNN7EXAMPLE ./archive -t json | jq '.edges[] | [.time, .event_name, .role_arn]'
      The same as one JSON document, with the eventID of every link.

Exit status:
  0  done
  1  --fail-if-none: the archive has no event of the key
  2  could not run: wrong arguments, unreadable input, interrupted
  3  ran, but some input is damaged; with --verified-with also when a digest or log file of the
     time span is missing, altered, uncovered or not proven: events may be missing then, even if
     all that are shown are verified";

/// Follow an access key: the roles it assumed, the keys that came back, what those did
///
/// Follow an access key through an archive: the credentials that were issued to it, those that were issued to
/// these, and so on, and for every key who held it, from where and with what it was used, when, for what, and
/// what failed. The archive is read twice.
#[derive(Debug, clap::Args)]
#[command(mut_arg("tz", |arg| also(arg, TZ_OF_FOLLOW)))]
pub(crate) struct Args {
    /// The access key, as AKIAIOSFODNN7EXAMPLE
    #[arg(value_name = "KEY")]
    key: String,

    #[command(flatten)]
    input: Input,

    #[command(flatten, next_help_heading = "Filter")]
    times: EventTimes,

    /// Follow so many links from the key; 0 for the key alone
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Filter")]
    depth: Option<u32>,

    /// What is written to stdout
    #[arg(
        short = 't',
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Output"
    )]
    format: FollowFormat,

    /// Exit with status 1 when the archive has no event of the key
    #[arg(long, help_heading = "Output")]
    fail_if_none: bool,

    /// Only errors on stderr
    #[arg(short, long, conflicts_with_all = ["verbose", "stats"], help_heading = "Output")]
    quiet: bool,

    /// Every value in the text, and every damaged place in the summary
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// What the run took, on stderr
    #[arg(long, help_heading = "Output")]
    stats: bool,

    #[command(flatten)]
    verified: VerifiedWith,

    #[command(flatten)]
    limits: ScanLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FollowFormat {
    /// A tree, for people
    Text,
    /// One JSON document (schema trailseal.follow/1)
    Json,
    /// One JSON object a line: every key, every link, and last the summary
    Jsonl,
}

/// Follows a key.
///
/// # Errors
/// [`CommandError`] when the run could not be made or its output not be written.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let begun = Instant::now();
    let key = args.key.trim();
    if key.is_empty()
        || key.len() > 128
        || !key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return Err(CommandError::new(format!("{key:?} is no access key"))
            .hint("access keys look like AKIAIOSFODNN7EXAMPLE and stand before ROOT"));
    }
    if let Some(upper) = upper_case_key(key) {
        return Err(CommandError::new(format!("{key:?} is no access key: they are in upper case"))
            .hint(format!("trailseal follow {upper} …")));
    }
    let roots = input::expand(&args.input).map_err(|error| {
        let is_swapped = Path::new(key).exists() && args.input.roots.len() == 1;
        let hints = if is_swapped { vec!["KEY stands before ROOT".to_owned()] } else { error.hints };
        CommandError { hints, ..error }
    })?;
    let is_pipe = |root: &PathBuf| {
        root.as_os_str() == "-"
            || std::fs::metadata(root).is_ok_and(|found| !found.is_dir() && !found.is_file())
    };
    if roots.iter().any(is_pipe) {
        return Err(CommandError::new("the archive is read twice, which a pipe cannot be")
            .hint("put the events into a file first"));
    }
    let span = args.times.span()?;
    let counted = args.times.local_time()?;
    if !args.quiet {
        for note in span.notes() {
            output::note(&note);
        }
    }
    let counts = Counts::new("following", interrupt.clone());
    let done = counts.watch(!args.quiet, || {
        let ledger = evidence::load(&args.verified, &roots, args.limits.threads.count, &counts)?;
        let options = args.scan_options(span, ledger.as_ref());
        let inputs = Inputs::open(&roots)?;
        let (followed, summary) = follow(key, args.depth, &counted, &inputs, &options, &counts)?;
        let labels = ledger.is_some().then_some(summary.row_labels);
        let completeness = Completeness::of(&options, &summary, &labels.unwrap_or_default());
        Ok::<_, CommandError>((followed, summary, labels, completeness))
    });
    let (followed, summary, labels, completeness) = match done {
        _ if interrupt.is_wanted() => return Err(CommandError::interrupted()),
        done => done?,
    };
    match args.format {
        FollowFormat::Text => {
            let mut out = output::screen();
            render::text(&followed, args.verbose, &mut out)?;
            out.flush()?;
        }
        FollowFormat::Json => {
            let mut out = output::data();
            render::json(&followed, &mut out)?;
            out.flush()?;
        }
        FollowFormat::Jsonl => {
            let mut out = output::data();
            render::jsonl(&followed, &mut out)?;
            out.flush()?;
        }
    }
    let told = Told {
        labels,
        unverified: Some(summary::BY_OPTION),
        completeness,
        notes: followed.notes.clone(),
        verbose: args.verbose,
        duplicates: Some(followed.duplicates),
        ..Told::default()
    };
    if !args.quiet {
        // Nobody can be told that stderr is gone.
        let _ = summary::write(&summary, &told, &mut output::notes());
    }
    if args.stats {
        // Nobody can be told that stderr is gone.
        let _ = summary::write_stats(
            &summary,
            begun.elapsed(),
            args.limits.threads.running(),
            &mut output::notes(),
        );
    }
    let is_none = followed.nodes.iter().all(|node| node.events == 0) && followed.edges.is_empty();
    Ok(summary::status(&told.completeness, args.fail_if_none && is_none))
}

impl Args {
    fn scan_options<'a>(&self, span: TimeSpan, ledger: Option<&'a Ledger>) -> ScanOptions<'a> {
        ScanOptions {
            from: span.from,
            to: span.to,
            delivery_delay: span.late,
            signed_margin: span.signed_margin,
            ledger,
            only_integrity: None,
            hash_files: false,
            check_json: true,
            max_record: usize::try_from(self.limits.max_record_size).unwrap_or(usize::MAX),
            max_inflated: self.limits.max_inflated_size,
            stat_files: !self.quiet,
            spool: Some(std::env::temp_dir()),
            threads: self.limits.threads.count,
        }
    }
}
