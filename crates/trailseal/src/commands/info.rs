//! `trailseal info`.

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    time::Instant,
};

use clap::ValueEnum;
use trailseal_analysis::info::{ArchiveInfo, FileKind, FilesOfKind, info};
use trailseal_evidence::{
    Completeness,
    inputs::Inputs,
    scan::{ScanOptions, Summary},
};

use crate::{
    commands::options::{
        input::{self, Input},
        output::OutputFile,
        scan::ScanLimits,
        time::{EventTimes, TimeSpan},
    },
    destination::Destination,
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        info::{self as render, kind_text},
        plain::{grouped, shown},
        query::summary::{self, Told},
        shell::shell_word,
    },
};

/// Days beyond which a histogram has steps of a day.
const HOURLY_DAYS: i64 = 3;

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
Every file is read once, and nothing is verified: that there are digests says nothing of what
they prove. Events that are there twice count twice. Accounts and regions are those of the
events; trails, chains, and hours without a log file are told by the names of files, and an hour
without one may be an hour in which nothing happened. Failed are events with the field error (see
`trailseal query`). Of more than 500,000 different keys, addresses and so on it is said that they
are more.

The calls that stop or change logging, or destroy what was logged, are these, of any trail,
bucket or key:
  cloudtrail   CreateTrail, DeleteTrail, UpdateTrail, StartLogging, StopLogging,
               PutEventSelectors, PutInsightSelectors, DeleteEventDataStore,
               UpdateEventDataStore, StartEventDataStoreIngestion,
               StopEventDataStoreIngestion, DeregisterOrganizationDelegatedAdmin
  config       StopConfigurationRecorder, DeleteConfigurationRecorder, DeleteDeliveryChannel
  ec2          DeleteFlowLogs
  guardduty    DeleteDetector, UpdateDetector
  kms          DisableKey, ScheduleKeyDeletion
  logs         DeleteLogGroup, DeleteLogStream
  macie2       DisableMacie
  s3           DeleteBucket, DeleteBucketPolicy, PutBucketPolicy, PutBucketLifecycle,
               PutBucketLifecycleConfiguration, PutBucketVersioning
  securityhub  DisableSecurityHub

Examples:
  trailseal info ./archive
      What is there, and what to ask next.
  trailseal info ./client ./export.zip -t json | jq .access_keys.newest
      The access keys that were seen last for the first time.

Exit status:
  0  done
  2  could not run: wrong arguments, unreadable input, nothing of CloudTrail's, interrupted
  3  ran, but some input is damaged, or the archive does not reach the time that is asked for";

/// Say what an archive holds: files, accounts, regions, times, who acted, what stopped logging
///
/// Read an archive once, in any shape that `query` reads, and say what it holds: files by kind, accounts and
/// regions with their events, failures and times, hours without a log file, trails and digest chains by their names,
/// who acted, with which keys, from where, calls that stop or change logging, what is damaged, and what to ask next.
#[derive(Debug, clap::Args)]
#[command(mut_arg("signed_margin", |arg| arg.hide(true)))]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten, next_help_heading = "Filter")]
    times: EventTimes,

    /// How it is written
    ///
    /// Without this option: text; with --output by the file's ending: .txt, .json.
    #[arg(short = 't', long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    format: Option<InfoFormat>,

    #[command(flatten, next_help_heading = "Output")]
    to: OutputFile,

    /// Only errors on stderr
    #[arg(short, long, overrides_with = "quiet", conflicts_with_all = ["verbose", "stats"], help_heading = "Output")]
    quiet: bool,

    /// Everything that is listed in part otherwise: accounts and regions, hours, calls, files, damage
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// What the run took, on stderr
    #[arg(long, help_heading = "Output")]
    stats: bool,

    #[command(flatten)]
    limits: ScanLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InfoFormat {
    /// For people
    Text,
    /// One JSON document (schema trailseal.info/1)
    Json,
}

/// What the ending of a file's name stands for.
const ENDINGS: [(&str, InfoFormat); 2] = [("txt", InfoFormat::Text), ("json", InfoFormat::Json)];

/// Reads an archive, and says what it holds.
///
/// # Errors
/// [`CommandError`] when the run could not be made, there is nothing of CloudTrail's, or the output could not be written.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let begun = Instant::now();
    let roots = input::expand(&args.input)?;
    let format = args.to.format(args.format, &ENDINGS, InfoFormat::Text)?;
    let mut destination = args.to.destination(&roots, format == InfoFormat::Text, interrupt)?;
    let span = args.times.span()?;
    let wanted = args.times.local_time()?;
    if !args.quiet {
        span.notes().iter().for_each(|note| output::note(note));
    }
    let counts = Counts::new("reading", interrupt.clone());
    let options = args.scan_options(span);
    let done = counts.watch(!args.quiet, || {
        let inputs = Inputs::open(&roots)?;
        Ok::<_, CommandError>(info(&inputs, &options, &wanted, &counts)?)
    });
    let (info, summary) = match done {
        _ if interrupt.is_wanted() => return Err(CommandError::interrupted()),
        done => done?,
    };
    let completeness = Completeness::of(&options, &summary, &Default::default());
    let told = Told { completeness, verbose: args.verbose, ..Told::default() };
    if info.is_nothing() {
        return Err(nothing(&info, &args.input));
    }
    args.write(&info, &summary, &told, span, &mut destination)?;
    if args.stats {
        // Nobody can be told that stderr is gone.
        let threads = args.limits.threads.running();
        let _ = summary::write_stats(&summary, begun.elapsed(), threads, &mut output::notes());
    }
    Ok(summary::status(&told.completeness, false))
}

impl Args {
    fn scan_options(&self, span: TimeSpan) -> ScanOptions<'static> {
        ScanOptions {
            from: span.from,
            to: span.to,
            delivery_delay: span.late,
            max_record: usize::try_from(self.limits.max_record_size).unwrap_or(usize::MAX),
            max_inflated: self.limits.max_inflated_size,
            stat_files: !self.quiet,
            spool: Some(std::env::temp_dir()),
            threads: self.limits.threads.count,
            ..ScanOptions::default()
        }
    }

    /// Writes the answer, and on stderr why it is not all, where nobody would see it on stdout.
    fn write(
        &self,
        info: &ArchiveInfo,
        summary: &Summary,
        told: &Told,
        span: TimeSpan,
        destination: &mut Destination<'_>,
    ) -> Result<(), CommandError> {
        let (is_text, is_file) = (destination.is_for_people, destination.target.is_some());
        destination.write(|out, width| {
            if !is_text {
                return Ok(render::json(info, out)?);
            }
            let screen = render::InfoScreen {
                info,
                width,
                is_verbose: self.verbose,
                next: next(info, &self.input, span),
                reasons: &|out| summary::write_reasons(summary, told, out),
            };
            Ok(screen.write(out)?)
        })?;
        if !is_text || is_file || !io::stdout().is_terminal() {
            // Nobody can be told that stderr is gone.
            let _ = summary::write_reasons(summary, told, &mut anstream::stderr());
        }
        Ok(())
    }
}

/// There is nothing to say anything of.
fn nothing(info: &ArchiveInfo, input: &Input) -> CommandError {
    let roots: Vec<String> = given(input).map(|root| root.display().to_string()).collect();
    let message = format!("nothing to tell of: no event, log file or digest in {}", roots.join(", "));
    let kind = |of: &FilesOfKind| {
        let names: Vec<_> = of.names.iter().take(3).map(|name| shown(name)).collect();
        let what = format!("{} {}", grouped(of.files), kind_text(of.kind, of.files));
        let more = if of.files > names.len() as u64 { ", …" } else { "" };
        if names.is_empty() { what } else { format!("{what} ({}{more})", names.join(", ")) }
    };
    let kinds: Vec<String> = info.files.kinds.iter().map(kind).collect();
    CommandError::new(message).hint(if kinds.is_empty() {
        "there is no file: is it the right folder, and is it mounted?".to_owned()
    } else {
        format!("what is there: {}", kinds.join("; "))
    })
}

/// The paths as they were given, in any way.
fn given(input: &Input) -> impl Iterator<Item = &PathBuf> {
    input.roots.iter().chain(&input.directories).chain(&input.files)
}

/// The same as words for a shell; `None` where something can be read once only, or has a name that is no text.
fn words(input: &Input) -> Option<String> {
    let is_again = |root: &PathBuf| {
        let found = std::fs::metadata(root);
        root != Path::new("-") && found.map_or(true, |found| found.is_dir() || found.is_file())
    };
    let is_word = |root: &PathBuf| root.to_str().is_some_and(|text| shown(text) == text);
    if given(input).next().is_none() || !given(input).all(|root| is_again(root) && is_word(root)) {
        return None;
    }
    let words: Option<Vec<String>> = given(input).map(|root| root.to_str().map(shell_word)).collect();
    Some(words?.join(" "))
}

/// The times that were asked for, as options.
fn times(span: TimeSpan) -> String {
    let option =
        |name: &str, time: Option<_>| time.map(|time| format!(" --{name} {time}")).unwrap_or_default();
    option("from", span.from) + &option("to", span.to)
}

/// The filter that finds all calls that stop or change logging, of those that were made.
fn changes(info: &ArchiveInfo) -> Option<String> {
    let made: Vec<_> = info.logging.calls.iter().filter(|call| call.events > 0).collect();
    let mut sources: Vec<&str> = made.iter().map(|call| call.event_source).collect();
    sources.dedup();
    let sources = sources.iter().map(|source| ["--event-source", source.trim_end_matches(".amazonaws.com")]);
    let names = made.iter().map(|call| ["--event-name", call.event_name]);
    let words: Vec<&str> = sources.chain(names).flatten().collect();
    (!words.is_empty()).then(|| format!(" {}", words.join(" ")))
}

/// What to ask next: commands that can be run as they are.
fn next(info: &ArchiveInfo, input: &Input, span: TimeSpan) -> Vec<String> {
    let Some(roots) = words(input) else { return Vec::new() };
    let times = times(span);
    let mut next = Vec::new();
    let are_folders = given(input).all(|root| root.is_dir());
    if are_folders && info.of_kind(FileKind::Digest) > 0 {
        next.push(format!("trailseal verify {roots}"));
    }
    next.extend(changes(info).map(|filter| format!("trailseal query {roots}{times}{filter} --timeline")));
    if let Some(key) = &info.follow {
        next.push(format!("trailseal follow {key} {roots}{times}"));
    }
    let events = &info.events.span;
    if events.failed > 0 {
        next.push(format!("trailseal query {roots}{times} --error --count-by principal,error --top 20"));
    }
    if let (Some(first), Some(last)) = (events.first, events.last) {
        let step = if last.since(first) > HOURLY_DAYS * 24 * 3600 { "1d" } else { "1h" };
        next.push(format!("trailseal query {roots}{times} --histogram {step}"));
    }
    next
}
