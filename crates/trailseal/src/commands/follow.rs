//! `trailseal follow`.

use std::{path::PathBuf, time::Instant};

use clap::ValueEnum;
use trailseal_analysis::{
    fields::Fields,
    follow::{Followed, follow, timeline},
    row_format::RowFormat,
    rows::{RowOrder, RowsAsked},
};
use trailseal_archive::temporary;
use trailseal_evidence::{
    Completeness,
    inputs::{FileSource, Inputs},
    ledger::Ledger,
    scan::ScanOptions,
};

use crate::{
    commands::{
        evidence,
        options::{
            index::IndexSearch,
            input::{self, Input},
            keys::VerifiedWith,
            output::OutputFile,
            scan::ScanLimits,
            time::{EventTimes, TimeSpan, also},
            zone::TZ_OF_FOLLOW,
        },
        query::sink::{EventSink, Shape},
    },
    destination::Out,
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        follow as render,
        plain::plural,
        query::{
            cells::{self, EventFormat},
            summary::{self, Told},
        },
        zone::ShownZone,
    },
};

mod start;

/// Memory for sorting a timeline; what needs more is sorted by way of a temporary file.
const SORT_MEMORY: u64 = 256 << 20;
/// What ROOT is here.
const ROOTS: &str =
    "Folders, files, or patterns in quotes ('logs/**/*.json.gz'); no pipes, since they are read twice";
/// Columns of a terminal below which a timeline is without who, which service and which resource.
const WIDE: usize = 150;

/// The formats that endings stand for.
const ENDINGS: [(&str, FollowFormat); 5] = [
    ("txt", FollowFormat::Text),
    ("json", FollowFormat::Json),
    ("jsonl", FollowFormat::Jsonl),
    ("ndjson", FollowFormat::Jsonl),
    ("csv", FollowFormat::Csv),
];

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
A key is followed through events whose response holds new credentials: AssumeRole in all its
forms, GetSessionToken, GetFederationToken, CreateAccessKey, GetRoleCredentials, CreateSession
and whatever else answers with an access key. Events that were delivered twice count once.

What is new stands before what is frequent. The time for which a key was used is cut into eight
parts; addresses and user agents that were seen in more than half of them are usual, where that
time is two hours or more. What is usual for a key is usual for the keys that were issued to it.
Addresses and user agents that are not (they came once, late, or a few times) are shown first,
and keys that were issued or used from them, or led to such keys, are drawn, at most 20 beside
each other, the least usual first; the others are counted. --all shows everything; JSON, CSV and
tables always hold it. Who uses the owner's address and user agent looks like the owner.

What records do not link by key is not followed: what a console session does after
GetSigninToken, ConsoleLogin or SwitchRole (it has keys of its own; search for its session name
with `trailseal query --principal`), credentials that a service hands out (instance profiles,
Lambda), what a user or role that was created does, and events of accounts and regions that are
not in the archive. With --from, links that were made before it are not seen.

Examples:
  trailseal follow AKIAIOSFODNN7EXAMPLE ./archive
      The key, the roles it assumed, the keys that came back, and what those did.
  trailseal follow --source-ip 198.51.100.7 ./archive -t timeline
      Event by event: all that came from an address with any key, and all that was done with the
      keys that were issued there.
  trailseal follow --principal ci-deploy ./archive -o keys.csv
      All keys of a user, and those that were issued to them, one a row.
  trailseal follow AKIAIOSFODNN7EXAMPLE ./archive -t json | jq '.edges[] | [.time, .event_name, .role_arn]'
      The same as one JSON document, with the eventID of every link.

Exit status:
  0  done
  1  --fail-if-none: the archive has no event of the keys
  2  could not run: wrong arguments, unreadable input, interrupted
  3  ran, but some input is damaged; with --keys also when a digest or log file of the
     time span is missing, altered, uncovered or not proven: events may be missing then, even if
     all that are shown are verified";

/// Follow access keys: the roles they assumed, the keys that came back, what those did
///
/// Follow access keys through an archive: the credentials that were issued to them, those that were issued to
/// these, and so on, and for every key who held it, from where and with what it was used, when, for what, and
/// what failed. It starts from a key, from all keys of a user or role, or from all that were used from an address.
/// The archive is read twice, for a timeline three times; with an index (`trailseal index`) what may hold a link or an event of
/// these keys.
#[derive(Debug, clap::Args)]
#[command(mut_arg("roots", |arg| arg.help(ROOTS).long_help(None)))]
#[command(mut_arg("tz", |arg| also(arg, TZ_OF_FOLLOW)))]
#[allow(clippy::doc_markdown, reason = "the help is no Markdown")]
pub(crate) struct Args {
    /// The access key, as AKIAIOSFODNN7EXAMPLE, or several with commas between them
    ///
    /// An ARN in its place is that of --principal, an address that of --source-ip. With --access-key, --principal or
    /// --source-ip, KEY can be left out.
    #[arg(value_name = "KEY")]
    key: Option<String>,

    #[command(flatten)]
    input: Input,

    /// Start from this access key; the same as KEY (repeatable)
    #[arg(long = "access-key", value_name = "KEY", help_heading = "Start")]
    access_keys: Vec<String>,

    /// Start from the keys of whoever has this name: an ARN, id or name of a user, role or session (repeatable)
    ///
    /// As for `trailseal query`: also a source identity, and * and ? are allowed. It starts from all keys with which they
    /// acted.
    #[arg(long = "principal", value_name = "PRINCIPAL", help_heading = "Start")]
    principals: Vec<String>,

    /// Follow only what came from this address, network or range (repeatable); alone: start from the keys used there
    ///
    /// Of the keys from which it starts, only events from there count, and only keys that were issued there are followed;
    /// of those everything counts, wherever it came from.
    #[arg(long = "source-ip", value_name = "ADDRESS", help_heading = "Start")]
    source_ips: Vec<String>,

    #[command(flatten, next_help_heading = "Filter")]
    times: EventTimes,

    /// Follow so many links from the key; 0 for the key alone
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Filter")]
    depth: Option<u32>,

    /// How it is written
    ///
    /// Without this option: text; with --output by the file's ending: .txt, .json, .jsonl, .csv.
    #[arg(short = 't', long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    format: Option<FollowFormat>,

    /// In the text everything, also what is usual
    #[arg(long, help_heading = "Output")]
    all: bool,

    #[command(flatten, next_help_heading = "Output")]
    to: OutputFile,

    /// Exit with status 1 when the archive has no event of the keys
    #[arg(long, help_heading = "Output")]
    fail_if_none: bool,

    /// Only errors on stderr
    #[arg(short, long, overrides_with = "quiet", conflicts_with_all = ["verbose", "stats"], help_heading = "Output")]
    quiet: bool,

    /// The same as --all, and every damaged place in the summary
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,

    /// What the run took, on stderr
    #[arg(long, help_heading = "Output")]
    stats: bool,

    #[command(flatten)]
    verified: VerifiedWith,

    #[command(flatten, next_help_heading = "Index")]
    index: IndexSearch,

    #[command(flatten)]
    limits: ScanLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FollowFormat {
    /// A tree, for people
    Text,
    /// One line an event of all the keys, in order of time
    Timeline,
    /// One row a key, in columns for people
    Table,
    /// One row a key, comma-separated with a header, safe to open in a spreadsheet
    Csv,
    /// One JSON document (schema trailseal.follow/1)
    Json,
    /// One JSON object a line: every key, every link, and last the summary
    Jsonl,
}

impl FollowFormat {
    fn is_for_people(self) -> bool {
        matches!(self, Self::Text | Self::Timeline | Self::Table)
    }
}

/// Follows keys.
///
/// # Errors
/// [`CommandError`] when the run could not be made or its output not be written.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let begun = Instant::now();
    let asked = start::asked(args)?;
    let format = args.to.format(args.format, &ENDINGS, FollowFormat::Text)?;
    let roots = input::expand(&asked.input).map_err(|error| {
        let hints = if asked.is_swapped() { vec!["KEY stands before ROOT".to_owned()] } else { error.hints };
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
    let maps = args.verified.objects.maps.iter().map(|map| &map.folder);
    let mut place = args.to.destination(roots.iter().chain(maps), format.is_for_people(), interrupt)?;
    let span = args.times.span()?;
    let counted = args.times.local_time()?;
    if !args.quiet {
        for note in span.notes() {
            output::note(&note);
        }
    }
    let zone = ShownZone::of(&args.times.zone.zone);
    let counts = Counts::new("following", interrupt.clone());
    let index = args.index.open(&roots);
    let done = counts.watch(!args.quiet, || {
        let ledger = evidence::load(&args.verified, &roots, args.limits.threads.count, &counts)?;
        let options = ScanOptions { index: index.as_ref(), ..args.scan_options(span, ledger.as_ref()) };
        let inputs = Inputs::open(&roots)?;
        // with an index most of what a pass takes is to list the files
        let index = index.as_ref().filter(|index| !index.is_empty());
        let list = index.map(|index| if index.trusts() { inputs.list_unasked() } else { inputs.list() });
        let files = list.as_ref().map_or(&inputs as &dyn FileSource, |list| list);
        let (followed, summary) = follow(&asked.starts, args.depth, &counted, files, &options, &counts)?;
        if format == FollowFormat::Timeline {
            place.write(|out, width| {
                let fields = Fields::of_timeline_of_keys(width.is_some_and(|width| width < WIDE));
                let fields = if ledger.is_some() { fields.and(Fields::of_label()) } else { fields };
                let rows = RowsAsked {
                    order: RowOrder::Oldest,
                    limit: None,
                    sort_memory: SORT_MEMORY,
                    spill: temporary::outside(&std::env::temp_dir(), inputs.given()),
                };
                let mut sink =
                    EventSink::new(out, Shape::Timeline(Shape::names(&fields)), width, &zone, &counts);
                let format = RowFormat::Cells(fields);
                timeline(
                    &followed,
                    &asked.starts,
                    files,
                    &options,
                    &counted,
                    &counts,
                    &rows,
                    &format,
                    &mut sink,
                )?;
                Ok(sink.finish(None)?)
            })?;
        }
        let labels = ledger.is_some().then_some(summary.row_labels);
        let completeness = Completeness::of(&options, &summary, &labels.unwrap_or_default());
        Ok::<_, CommandError>((followed, summary, labels, completeness))
    });
    let (followed, summary, labels, completeness) = match done {
        _ if interrupt.is_wanted() => return Err(CommandError::interrupted()),
        done => done?,
    };
    if summary.has_no_file() {
        return Err(input::no_file(&roots));
    }
    let left_out = if format == FollowFormat::Timeline {
        Vec::new()
    } else {
        place.write(|out, width| write(&followed, format, args.all || args.verbose, width, &zone, out))?
    };
    let is_found = |key: &str| {
        followed.nodes.iter().any(|node| node.key == key && node.events + node.elsewhere > 0)
            || followed.edges.iter().any(|edge| edge.to == key)
    };
    let mut notes = start_notes(&followed, &asked);
    notes.extend(asked.oddities(&is_found).into_iter().map(|text| format!("note: {text}")));
    notes.extend(followed.notes.iter().cloned());
    if !left_out.is_empty() {
        notes.push(format!("not shown for want of room: {} (-t csv has them)", left_out.join(", ")));
    }
    let told = Told {
        labels,
        unverified: Some(summary::BY_OPTION),
        completeness,
        notes,
        verbose: args.verbose,
        duplicates: Some(followed.duplicates),
        ..Told::default()
    };
    if !args.quiet {
        args.index.note(index.as_ref(), begun.elapsed(), &roots);
    }
    // Nobody can be told that stderr is gone.
    let _ = if args.quiet {
        summary::write_reasons(&summary, &told, &mut output::notes())
    } else {
        summary::write(&summary, &told, &mut output::notes())
    };
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

/// From how many keys it starts, where the user did not name one.
fn start_notes(followed: &Followed, asked: &start::Asked) -> Vec<String> {
    let (count, phrase) = (followed.keys.len() as u64, asked.starts.phrase());
    let note = match (count, phrase.is_empty()) {
        (0, _) => format!("note: no event {phrase} has an access key"),
        (1, true) => return Vec::new(),
        (_, true) => format!("starts from {}", plural(count, "key")),
        (_, false) if !asked.keys.is_empty() => {
            format!("starts from {}: of these what was done {phrase}", plural(count, "key"))
        }
        (_, false) => format!("starts from {} with events {phrase}", plural(count, "key")),
    };
    vec![note]
}

/// Writes the keys; the columns for which there was no room.
fn write(
    followed: &Followed,
    format: FollowFormat,
    all: bool,
    width: Option<usize>,
    zone: &ShownZone,
    out: &mut Out,
) -> Result<Vec<String>, CommandError> {
    match format {
        FollowFormat::Text => render::text(followed, all, width, zone, out)?,
        FollowFormat::Json => render::json(followed, out)?,
        FollowFormat::Jsonl => render::jsonl(followed, out)?,
        FollowFormat::Csv => {
            cells::write(EventFormat::Csv, &followed.table(), None, zone, out)?;
        }
        FollowFormat::Table | FollowFormat::Timeline => {
            let (table, left_out) = render::fitting(followed.table(), width);
            let gone = cells::write(EventFormat::Table, &table, width, zone, out)?;
            return Ok(left_out.into_iter().map(str::to_owned).chain(gone).collect());
        }
    }
    Ok(Vec::new())
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
            seen: None,
            spool: Some(std::env::temp_dir()),
            index: None,
            threads: self.limits.threads.count,
        }
    }
}
