//! `trailseal lookup-events`.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use trailseal_evidence::{
    Completeness,
    events::{LookupError, ScannedEvents},
    inputs::{FileList, FileSource, Inputs},
    scan::{ScanOptions, Summary},
};
use trailseal_query::{
    lookup::{
        AskedPage, DEFAULT_MAX_RESULTS, Extensions, Limit, Lookup, LookupSource as _, Position, RecordPage,
        Request, RequestError,
    },
    row::TimeFormat,
};

use crate::{
    clock,
    commands::options::{
        index::IndexSearch,
        input::{self, Input},
        number::{Threads, at_least_one},
        output::{OutputFile, QuietOption},
        span::Window,
        time::{DATE_HINT, FROM_OF_LOOKUP, TO_OF_LOOKUP, Times, also, of_lookup},
        zone::{TZ_OF_LOOKUP, ZoneOption},
    },
    destination::Out,
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::{
        lookup::{Form, Writer},
        query::summary::{self, Told},
    },
};

mod attributes;

/// Bytes of rows that are held at a time; what does not fit is found by another scan.
const HELD_BYTES: usize = 256 << 20;

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
Examples:
  trailseal lookup-events ./archive --lookup-attributes AttributeKey=EventName,AttributeValue=ConsoleLogin
  trailseal lookup-events ./archive --region us-east-1 --from 2024-03-01 --max-items 20 --output table
  trailseal lookup-events ./archive --all-regions --event-category insight

Exit status:
  0  done, whether or not there are events
  2  could not run: wrong arguments, a rejected request, unreadable root, interrupted
  3  done, but part of the input could not be read";

/// Answer `aws cloudtrail lookup-events` from an archive
///
/// The parameters, the answer and the error codes are those of the AWS CLI, newest events first; there is no limit
/// of 90 days, and no throttling. Like the service it finds management events of one region, by one attribute:
/// what goes beyond that has an option of its own.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("from", |arg| of_lookup(arg, FROM_OF_LOOKUP)),
    mut_arg("to", |arg| of_lookup(arg, TO_OF_LOOKUP)),
    mut_arg("tz", |arg| also(arg, TZ_OF_LOOKUP)),
    mut_arg("file", |arg| arg.long("output-file"))
)]
pub(crate) struct Args {
    /// Folders that hold the archive, files, patterns in quotes ('logs/**/*.json.gz'), or `-` for standard input
    ///
    /// Without one, standard input, where that is a pipe or a file.
    #[arg(value_name = "ROOT")]
    inputs: Vec<PathBuf>,

    /// Which events: `AttributeKey=KEY,AttributeValue=VALUE`, or the same as JSON
    ///
    /// KEY is `EventId`, `EventName`, `ReadOnly`, `Username`, `ResourceType`, `ResourceName`, `EventSource` or
    /// `AccessKeyId`. The value is compared as a whole and in this case.
    #[arg(long, value_name = "ATTRIBUTE", help_heading = "Request")]
    lookup_attributes: Vec<String>,

    #[command(flatten, next_help_heading = "Request")]
    times: Times,

    #[command(flatten, next_help_heading = "Request")]
    zone: ZoneOption,

    /// `insight`: Insights events in place of management events
    #[arg(long, visible_alias = "category", value_name = "CATEGORY", help_heading = "Request")]
    event_category: Option<String>,

    /// Only events of this region; else that of `AWS_REGION` or `AWS_DEFAULT_REGION`, or the archive's only one
    #[arg(long, value_name = "REGION", conflicts_with = "all_regions", help_heading = "Request")]
    region: Option<String>,

    /// One page of so many events, 1 to 50, and the token of the next
    #[arg(
        long,
        value_name = "N",
        allow_hyphen_values = true,
        conflicts_with_all = ["max_items", "starting_token", "page_size"],
        help_heading = "Pages"
    )]
    max_results: Option<i64>,

    /// The page after that which gave this token, with the same parameters
    #[arg(
        long,
        value_name = "TOKEN",
        conflicts_with_all = ["max_items", "starting_token", "page_size"],
        help_heading = "Pages"
    )]
    next_token: Option<String>,

    /// No more than so many events, and a token if there are more; without it all are printed
    #[arg(
        short = 'n',
        long,
        visible_alias = "limit",
        value_name = "N",
        value_parser = at_least_one,
        allow_negative_numbers = true,
        help_heading = "Pages"
    )]
    max_items: Option<u64>,

    /// Go on where `--max-items` stopped
    #[arg(long, value_name = "TOKEN", help_heading = "Pages")]
    starting_token: Option<String>,

    /// Events of a page, 1 to 50; they matter to `--output text`, whose columns are those of a page
    #[arg(long, value_name = "N", allow_hyphen_values = true, help_heading = "Pages")]
    page_size: Option<i64>,

    /// How events are written
    ///
    /// Without this option: json; with -o by the file's ending: .json, .jsonl, .txt (text).
    #[arg(
        short = 't',
        long,
        visible_alias = "format",
        value_name = "FORMAT",
        value_enum,
        help_heading = "Output"
    )]
    output: Option<Form>,

    #[command(flatten, next_help_heading = "Output")]
    to: OutputFile,

    /// How `EventTime` is written: as version 2 of the AWS CLI does, or the number of version 1
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "iso8601", help_heading = "Output")]
    cli_timestamp_format: TimestampFormat,

    #[command(flatten, next_help_heading = "Output")]
    quiet: QuietOption,

    /// Several attributes, which must all match
    #[arg(long, help_heading = "Beyond the service")]
    match_all: bool,

    /// Data events as well
    #[arg(long, conflicts_with = "event_category", help_heading = "Beyond the service")]
    include_data_events: bool,

    /// Network activity events as well
    #[arg(long, conflicts_with = "event_category", help_heading = "Beyond the service")]
    include_network_activity_events: bool,

    /// Events of all regions
    #[arg(long, help_heading = "Beyond the service")]
    all_regions: bool,

    #[command(flatten, next_help_heading = "Beyond the service")]
    window: Window,

    #[command(flatten, next_help_heading = "Index")]
    index: IndexSearch,

    #[command(flatten, next_help_heading = "Limits")]
    threads: Threads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum TimestampFormat {
    /// 2023-07-10T11:42:36+00:00
    Iso8601,
    /// 1688989356.0
    Wire,
}

/// What the ending of a file's name stands for.
const ENDINGS: [(&str, Form); 4] =
    [("json", Form::Json), ("jsonl", Form::Jsonl), ("ndjson", Form::Jsonl), ("txt", Form::Text)];

/// Answers the request.
///
/// # Errors
/// [`CommandError`] when the request is rejected, or the scan could not be made.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let begun = Instant::now();
    let form = args.to.format(args.output, &ENDINGS, Form::Json)?;
    let roots = input::expand(&Input::of(&args.roots()))?;
    let mut destination = args.to.destination(&roots, false, interrupt)?;
    let inputs = Inputs::open(&roots)?;
    let request = args.request(&inputs)?;
    let now = clock::second();
    // Asked for first without looking at the files: what is wrong with the request needs none.
    let is_sound = matches!(request.check(now, 0), Err(RequestError::TokenOfOtherData) | Ok(_));
    // A token is bound to the files that are listed, and these are read.
    let list = (is_sound && args.needs_tokens()).then(|| inputs.list());
    let fingerprint = list.as_ref().map_or(0, FileList::fingerprint);
    let lookup = request.check(now, fingerprint);
    let lookup = lookup.map_err(|error| rejected(&error))?;
    if let Some(region) = request.region.as_ref().filter(|_| args.region.is_none() && !args.quiet.is_quiet) {
        output::note(&format!("events of {region} only; --all-regions for all"));
    }
    let files: &dyn FileSource = list.as_ref().map_or(&inputs, |list| list);
    let counts = Counts::new("searching", interrupt.clone());
    let index = args.index.open(inputs.given());
    let options = ScanOptions {
        index: index.as_ref(),
        // events are found by their own times, however late they were delivered
        delivery_delay: i64::MAX,
        spool: Some(std::env::temp_dir()),
        threads: args.threads.count,
        ..ScanOptions::default()
    };
    let answer = Answer {
        args,
        form,
        request: &request,
        lookup: &lookup,
        events: ScannedEvents::new(files, fingerprint, options, &counts),
        reads_stdin: files.reads_stdin(),
        counts: &counts,
        interrupt,
    };
    let (summary, token) = destination.write(|out, _| answer.write(out))?;
    if !args.quiet.is_quiet {
        args.index.note(index.as_ref(), begun.elapsed(), &roots);
    }
    Ok(tell(args, form, &summary, token.as_deref()))
}

/// Whether a word in the place of a ROOT is an attribute.
fn is_attribute(word: &Path) -> bool {
    word.to_str().is_some_and(|text| text.starts_with("AttributeKey=")) && !word.exists()
}

impl Args {
    /// Where events are read from.
    fn roots(&self) -> Vec<PathBuf> {
        self.inputs.iter().filter(|input| !is_attribute(input)).cloned().collect()
    }

    /// The attributes: those behind the option, and others side by side with them, as the AWS CLI takes them.
    fn attributes(&self) -> Vec<String> {
        let others = self.inputs.iter().filter(|input| is_attribute(input));
        let others = others.map(|input| input.display().to_string());
        self.lookup_attributes.iter().cloned().chain(others).collect()
    }

    fn request(&self, inputs: &Inputs) -> Result<Request, CommandError> {
        let attributes = attributes::parse(&self.attributes()).map_err(|error| {
            CommandError::new(format!("Error parsing parameter '--lookup-attributes': {error}"))
        })?;
        if let Some(size @ (..1 | 51..)) = self.page_size {
            let error = if size < 1 {
                RequestError::TooFewResults { value: size }
            } else {
                RequestError::TooManyResults { value: size }
            };
            return Err(rejected(&error));
        }
        let extensions = Extensions {
            several_attributes: self.match_all,
            data_events: self.include_data_events,
            network_activity_events: self.include_network_activity_events,
            window: self.window.seconds,
        };
        Ok(Request {
            attributes,
            start_time: self.times.from(&self.zone.zone),
            end_time: self.times.to(&self.zone.zone),
            event_category: self.event_category.clone(),
            max_results: self.max_results,
            next_token: self.next_token.clone().or_else(|| self.starting_token.clone()),
            region: self.region(inputs)?,
            extensions,
        })
    }

    /// The region that answers; `None` for all.
    fn region(&self, inputs: &Inputs) -> Result<Option<String>, CommandError> {
        if self.all_regions {
            return Ok(None);
        }
        let from_environment = || {
            let names = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter();
            names.filter_map(|name| std::env::var(name).ok()).find(|region| !region.is_empty())
        };
        if let Some(region) = self.region.clone().or_else(from_environment) {
            return Ok(Some(region));
        }
        let mut regions = inputs.regions().into_iter();
        match (regions.next(), regions.next()) {
            (Some(only), None) => Ok(Some(only)),
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(regions).collect::<Vec<_>>().join(", ");
                Err(CommandError::new(format!("the archive holds several regions: {all}"))
                    .hint("choose one with --region, or take all with --all-regions"))
            }
            (None, _) => Err(CommandError::new("the folders do not say which region the events are of")
                .hint("choose one with --region, or take all with --all-regions")),
        }
    }

    /// Whether one page is asked for, and not all that there is.
    fn is_one_page(&self) -> bool {
        self.max_results.is_some() || self.next_token.is_some()
    }

    fn token_option(&self) -> &'static str {
        if self.is_one_page() { "--next-token" } else { "--starting-token" }
    }

    fn needs_tokens(&self) -> bool {
        self.is_one_page() || self.max_items.is_some() || self.starting_token.is_some()
    }

    fn times(&self) -> TimeFormat {
        match self.cli_timestamp_format {
            TimestampFormat::Iso8601 => TimeFormat::Iso8601,
            TimestampFormat::Wire => TimeFormat::Wire,
        }
    }
}

/// Finds the rows, as many scans as it takes, and writes them.
struct Answer<'r> {
    args: &'r Args,
    form: Form,
    request: &'r Request,
    lookup: &'r Lookup,
    events: ScannedEvents<'r>,
    reads_stdin: bool,
    counts: &'r Counts,
    interrupt: &'r Interrupt,
}

impl Answer<'_> {
    /// The rows; what was read for them, and the token of what comes after them.
    fn write(self, out: &mut Out) -> Result<(Summary, Option<String>), CommandError> {
        let args = self.args;
        let page_size =
            args.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(DEFAULT_MAX_RESULTS);
        let mut writer = Writer::new(self.form, args.times(), page_size, args.is_one_page(), out);
        let mut left = self.wanted();
        let mut after = self.lookup.after.clone();
        let token = loop {
            let page = self.page(left, after.as_ref())?;
            let has_more = page.has_more();
            left -= page.len();
            for (position, record) in page.into_rows() {
                after = Some(position);
                writer.row(record)?;
            }
            if !has_more || left == 0 {
                break after.filter(|_| has_more).map(|after| self.lookup.token(after));
            }
            if writer.holds_all() {
                return Err(CommandError::new("there are too many events for one table")
                    .hint("take fewer with --max-items, or another --output"));
            }
            if self.reads_stdin {
                return Err(CommandError::new("there are too many events to sort from standard input")
                    .hint("write it to a file first"));
            }
        };
        let summary = self.events.summary();
        if summary.has_no_file() {
            return Err(input::no_file(&args.roots()));
        }
        writer.finish(token.as_deref())?;
        Ok((summary, token))
    }

    /// The rows that are wanted at all.
    fn wanted(&self) -> usize {
        if self.args.is_one_page() {
            self.lookup.max_results.unwrap_or(DEFAULT_MAX_RESULTS)
        } else {
            self.args.max_items.map_or(usize::MAX, |items| usize::try_from(items).unwrap_or(usize::MAX))
        }
    }

    /// The first rows after a position, as many as memory bears.
    fn page(&self, rows: usize, after: Option<&Position>) -> Result<RecordPage, CommandError> {
        let mut lookup = self.lookup.clone();
        lookup.after = after.cloned();
        let limit = Limit { rows, bytes: HELD_BYTES };
        let asked = AskedPage { request: self.request, lookup: &lookup, account: None, limit };
        let page = self.counts.watch(!self.args.quiet.is_quiet, || self.events.page(&asked));
        if self.interrupt.is_wanted() {
            return Err(CommandError::interrupted());
        }
        page.map_err(|error| match error {
            LookupError::Scanned(error) => error.into(),
            other => CommandError::caused(other),
        })
    }
}

/// What people need to know beside the answer; the exit status.
fn tell(args: &Args, form: Form, summary: &Summary, token: Option<&str>) -> u8 {
    if let Some(token) = token.filter(|_| form == Form::Jsonl && !args.quiet.is_quiet) {
        output::note(&format!("there are more: {} {token}", args.token_option()));
    }
    let completeness = Completeness::of(&ScanOptions::default(), summary, &Default::default());
    let told = Told {
        unverified: Some(summary::BY_COMMAND),
        copies: Some(summary::LOOKED_UP_ONCE),
        completeness,
        ..Told::default()
    };
    // Nobody can be told that stderr is gone.
    let _ = if args.quiet.is_quiet {
        summary::write_reasons(summary, &told, &mut output::notes())
    } else {
        summary::write(summary, &told, &mut output::notes())
    };
    summary::status(&told.completeness, false)
}

/// In the words of the AWS CLI, and with the service's code.
fn rejected(error: &RequestError) -> CommandError {
    let message = match error.code() {
        "ParamValidation" => format!("Parameter validation failed: {error}"),
        code => format!("An error occurred ({code}) when calling the LookupEvents operation: {error}"),
    };
    let rejected = CommandError::new(message);
    match error {
        RequestError::SeveralAttributes { .. } => {
            rejected.hint("--match-all takes several, which must all match")
        }
        RequestError::StartAfterEnd { .. } => rejected.hint(DATE_HINT),
        _ => rejected,
    }
}
