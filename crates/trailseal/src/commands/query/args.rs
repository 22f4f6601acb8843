//! The options of `trailseal query`.

use std::path::PathBuf;

use clap::ValueEnum;
use trailseal_analysis::{Sameness, rows::RowOrder};
use trailseal_archive::Timestamp;
use trailseal_query::aggregate::Step;

use crate::{
    commands::options::{
        index::IndexSearch,
        input::Input,
        keys::VerifiedWith,
        number::at_least_one,
        output::OutputFile,
        scan::ScanLimits,
        size::size,
        time::{EventTimes, also, time},
        zone::TZ_OF_QUERY,
    },
    render::query::cells::EventFormat,
};

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
Filters of different kinds must all hold; of one that is given several times, one is enough.
Fields are paths into the record, as userIdentity.sessionContext.sessionIssuer.arn; a path
through a list, or to one, stands for all its elements, and may lead into JSON that stands in a
text (requestParameters.policyDocument.Statement.Action). These names work like fields:
  principal                                who acted: 111122223333:role/Ops for all its sessions
  username, resource_name, resource_type   as LookupEvents derives them
  error                                    errorCode, else errorMessage, else a failed sign-in
  category                                 Management, Data, NetworkActivity, Insight
  hour, day, weekday                       of the event time, in UTC
  file, record, sha256                     where the event is, and the hash of that file's content
  integrity or label                       what is proven (--keys)

Examples:
  trailseal query ./archive --event-name ConsoleLogin --from -7d
      Who signed in during the last seven days.
  trailseal query ./archive --access-key AKIAIOSFODNN7EXAMPLE --timeline
      Everything that an access key did, as a timeline.
  trailseal query ./archive --error='*Denied*' --count-by userIdentity.arn,eventName --top 20
      Who was denied what, how often, and when.
  trailseal query ./archive --where \"eventName LIKE 'Put%' AND NOT userAgent ILIKE '%terraform%'\"
      Conditions as in SQL.
  trailseal query ./archive --source-ip 198.51.100.0/24 --fields eventTime,username,eventName -o x.csv
      What came from a network, as CSV.
  trailseal query 'logs/**/*.json.gz' --histogram 1h --by eventName
      Events by the hour.
  zcat *.json.gz | trailseal query - -k i-0abcd1234 | jq .eventName
      From standard input, wherever in the event the text stands.
  trailseal query ./archive --keys ./keys --event-name 'Delete*' --provenance
      With proof: every event's file, its hash, and whether AWS signed it.

Exit status:
  0  done, whether or not anything matched
  1  --fail-if-none: nothing matched
  2  could not run: wrong arguments, unreadable input, interrupted
  3  ran, but some input is damaged; with --keys also when a digest or log file of the
     time span is missing, altered, uncovered or not proven: events may be missing then, even if
     all that are shown are verified";

/// Search the events of an archive: filter, print, count
///
/// Search CloudTrail events in folders and files of any shape: log files as CloudTrail delivers them, JSON, JSON
/// Lines, `lookup-events` output, EventBridge and CloudWatch Logs exports; gzip, zip, tar and zstd. The shape is
/// told from the content. Events go to stdout; what was read, left out or damaged is told on stderr. Nothing is
/// written below ROOT, and no network is used.
#[derive(Debug, clap::Args)]
#[command(mut_arg("tz", |arg| also(arg, TZ_OF_QUERY)))]
#[allow(clippy::doc_markdown, reason = "the help is no Markdown")]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) input: Input,

    #[command(flatten)]
    pub(crate) filter: Filter,

    #[command(flatten)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) aggregate: Aggregate,

    #[command(flatten)]
    pub(crate) evidence: Evidence,

    #[command(flatten, next_help_heading = "Index")]
    pub(crate) index: IndexSearch,

    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Which events are wanted.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter")]
#[allow(clippy::doc_markdown, reason = "the help is no Markdown")]
pub(crate) struct Filter {
    /// A condition in the syntax of SQL's WHERE (repeatable: all must hold)
    ///
    /// =, <>, <, >, LIKE, ILIKE, IN, BETWEEN, IS NULL, AND, OR, NOT; cidr(sourceIPAddress, '10.0.0.0/8') and
    /// anywhere('i-0abc'). A field that is absent is neither equal nor unequal to anything.
    #[arg(short = 'w', long = "where", value_name = "EXPR")]
    pub(crate) conditions: Vec<String>,

    /// Take fields that no event record is known to have
    ///
    /// Without it a misspelt field is an error and not an empty answer.
    #[arg(long)]
    pub(crate) allow_unknown_fields: bool,

    #[command(flatten)]
    pub(crate) times: EventTimes,

    /// Only events with this name; here and below, * and ? stand for any text and character, and a comma separates
    /// values (repeatable)
    #[arg(long = "event-name", value_name = "GLOB")]
    pub(crate) event_names: Vec<String>,

    /// Only events of this service, as s3 or s3.amazonaws.com (repeatable)
    #[arg(long = "event-source", value_name = "SERVICE")]
    pub(crate) event_sources: Vec<String>,

    /// Only events of this user name, as LookupEvents has it (repeatable)
    #[arg(long = "username", value_name = "NAME")]
    pub(crate) usernames: Vec<String>,

    /// Only events of this access key (repeatable)
    #[arg(long = "access-key", value_name = "KEY")]
    pub(crate) access_keys: Vec<String>,

    /// Only the event with this id (repeatable)
    #[arg(long = "event-id", value_name = "ID")]
    pub(crate) event_ids: Vec<String>,

    /// Only events of whoever has this name: an ARN, id or name of a user, role, session or service (repeatable)
    ///
    /// Also a source identity, the id of an Identity Center user, and the field `principal`; * and ? are allowed.
    #[arg(long = "principal", value_name = "PRINCIPAL")]
    pub(crate) principals: Vec<String>,

    /// Only events from this address, network or range: 198.51.100.7, 10.0.0.0/8, 10.0.0.1-10.0.0.9 (repeatable)
    #[arg(long = "source-ip", value_name = "ADDRESS")]
    pub(crate) source_ips: Vec<String>,

    /// Only events in whose user agent this text stands, in upper or lower case (repeatable)
    ///
    /// With * or ? in it, it is like the whole user agent. A comma separates nothing here.
    #[arg(long = "user-agent", value_name = "TEXT")]
    pub(crate) user_agents: Vec<String>,

    /// Only events that failed; --error=CODE: with this code (repeatable)
    #[arg(
        long = "error",
        value_name = "CODE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "*"
    )]
    pub(crate) errors: Vec<String>,

    /// The same as --error=CODE (repeatable)
    #[arg(long = "error-code", value_name = "CODE")]
    pub(crate) error_codes: Vec<String>,

    /// Only events about this resource: its name or ARN (repeatable)
    #[arg(long = "resource", value_name = "NAME")]
    pub(crate) resources: Vec<String>,

    /// Only events that change nothing
    #[arg(long, conflicts_with = "write_only")]
    pub(crate) read_only: bool,

    /// Only events that change something
    #[arg(long)]
    pub(crate) write_only: bool,

    /// Only events of this account (repeatable)
    #[arg(long = "account", value_name = "ID")]
    pub(crate) accounts: Vec<String>,

    /// Only events of this region (repeatable)
    #[arg(long = "region", visible_alias = "aws-region", value_name = "REGION")]
    pub(crate) regions: Vec<String>,

    /// Only events of this category: management, data, network-activity, insight (repeatable)
    ///
    /// And `aggregated`: what CloudTrail counts of data events in five minutes. These are no events, and come only when
    /// they are asked for.
    #[arg(long = "category", visible_alias = "event-category", value_name = "CATEGORY")]
    pub(crate) categories: Vec<String>,

    /// Only events in which this text stands anywhere (repeatable)
    #[arg(short = 'k', long = "keyword", value_name = "TEXT")]
    pub(crate) keywords: Vec<String>,

    /// Only events that hold a match of this regular expression anywhere (repeatable)
    #[arg(short = 'r', long = "regex", value_name = "REGEX")]
    pub(crate) regexes: Vec<String>,

    /// Upper and lower case are the same to --keyword and --regex
    #[arg(short = 'i', long)]
    pub(crate) ignore_case: bool,

    /// Only events that a trail with these event selectors would have logged
    ///
    /// What `aws cloudtrail get-event-selectors` prints; basic or advanced selectors.
    #[arg(long, value_name = "FILE")]
    pub(crate) selectors: Option<PathBuf>,

    /// With --selectors: only the events that the trail would have missed
    #[arg(long)]
    pub(crate) selectors_inverse: bool,
}

/// How events are written.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Output {
    /// How events, or what they come to, are written
    ///
    /// Without this option: a table on a terminal, JSON Lines elsewhere; with --output by the file's ending: .jsonl, .json,
    /// .csv, .tsv, .txt.
    #[arg(short = 't', long, value_name = "FORMAT", value_enum)]
    pub(crate) format: Option<EventFormat>,

    /// The same as --format json
    #[arg(long = "json", hide = true, conflicts_with_all = ["format", "is_csv"])]
    pub(crate) is_json: bool,

    /// The same as --format csv
    #[arg(long = "csv", hide = true, conflicts_with = "format")]
    pub(crate) is_csv: bool,

    /// CSV as a program wants it: `excel` gets a byte order mark, dates as it reads them, and ids that stay texts
    #[arg(long = "for", value_name = "PROGRAM", value_enum)]
    pub(crate) reader: Option<Reader>,

    /// Only these fields, separated by commas
    #[arg(long, value_name = "FIELDS")]
    pub(crate) fields: Option<String>,

    /// By event time, the newest first with -time; `none`: as the archive has them, at once
    ///
    /// Without this option: by time in timelines and in tables on a terminal, as the archive has them elsewhere.
    #[arg(long, value_name = "ORDER", value_enum, allow_hyphen_values = true)]
    pub(crate) sort: Option<Sort>,

    /// At most so many events
    #[arg(short = 'n', long, visible_alias = "max-items", value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) limit: Option<u64>,

    /// Every event once: of those with the same eventID the first in the archive
    ///
    /// With --dedupe=shared also of those with the same sharedEventID, which is what several accounts recorded of one
    /// action. With --keys, a verified copy goes before all others.
    #[arg(
        long,
        value_name = "ID",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "id"
    )]
    pub(crate) dedupe: Option<SameAs>,

    #[command(flatten)]
    pub(crate) to: OutputFile,

    /// Exit with status 1 when nothing matched
    #[arg(long)]
    pub(crate) fail_if_none: bool,

    /// Only errors on stderr, and why nothing matched; -qq not even that when all is well
    #[arg(short, long = "quiet", action = clap::ArgAction::Count, conflicts_with_all = ["verbose", "stats"])]
    quietness: u8,

    /// In the summary every damaged place, and the files that hold no event
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// What the run took, on stderr
    #[arg(long)]
    pub(crate) stats: bool,
}

impl Output {
    /// Whether there is no summary.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quietness > 0
    }

    /// Whether nothing is said when all is well.
    pub(crate) fn is_silent(&self) -> bool {
        self.quietness > 1
    }

    /// The format that was asked for by an option.
    pub(crate) fn asked_format(&self) -> Option<EventFormat> {
        match self.format {
            None if self.is_json => Some(EventFormat::Json),
            None if self.is_csv || self.reader.is_some() && self.to.target().is_none() => {
                Some(EventFormat::Csv)
            }
            format => format,
        }
    }
}

/// What events come to.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Aggregates")]
pub(crate) struct Aggregate {
    /// Count events by the values of these fields, with their first and last time
    ///
    /// An event with several values in a field counts once for each of them; one without counts under null.
    #[arg(long, value_name = "FIELDS")]
    pub(crate) count_by: Option<String>,

    /// With --count-by or --by: only the N largest
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) top: Option<u64>,

    /// With --count-by: only groups of at least N events
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) min_count: Option<u64>,

    /// With --count-by and --distinct: only groups with at least N different values
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    pub(crate) min_distinct: Option<u64>,

    /// The different values of a field; with --count-by: how many there are in each group
    #[arg(long, value_name = "FIELD")]
    pub(crate) distinct: Option<String>,

    /// The sum of a field; with --count-by: of each group, the largest first
    #[arg(long, value_name = "FIELD")]
    pub(crate) sum: Option<String>,

    /// Count events by time, in steps of this width: 90s, 15m, 1h, 1d, 1w
    #[arg(long, value_name = "STEP", value_parser = step)]
    pub(crate) histogram: Option<Step>,

    /// With --histogram: also by the most frequent values of a field (8, or --top)
    #[arg(long, value_name = "FIELD")]
    pub(crate) by: Option<String>,

    /// One line an event, in order of time: when, who, what, from where, error, resource
    #[arg(long)]
    pub(crate) timeline: bool,
}

/// What is said of where events come from.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Evidence")]
pub(crate) struct Evidence {
    /// With every event its file, its number there, and the SHA-256 of the file's inflated content
    ///
    /// JSON: {"file":…,"record":…,"sha256":…,"event":…}, the event as it is in the log; else columns.
    #[arg(long)]
    pub(crate) provenance: bool,

    #[command(flatten)]
    pub(crate) verified: VerifiedWith,

    /// With --keys: only verified events
    #[arg(long)]
    pub(crate) verified_only: bool,

    /// The archive must reach up to this time, in any form that --from takes; else status 3
    ///
    /// By the newest log file, of --account and --region where they are given, or with --keys by the newest digests. A date or month means its
    /// first second.
    #[arg(long, value_name = "TIME", value_parser = time, allow_hyphen_values = true)]
    pub(crate) expect_until: Option<Timestamp>,

    /// Read only files that came or changed since the last run with this FILE, which is written anew
    ///
    /// Files are known by path, length and time of change; what is delivered late is new, whatever its events' times. The file
    /// is made where there is none, and belongs to one question. --from and --to would leave events out for good.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["limit", "from", "to"])]
    pub(crate) since_state: Option<PathBuf>,
}

/// What is refused for its size.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    #[command(flatten)]
    pub(crate) scan: ScanLimits,

    /// Memory for sorting; what needs more is sorted by way of a temporary file
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size)]
    pub(crate) sort_memory: u64,
}

/// What makes two events one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SameAs {
    /// The same eventID
    Id,
    /// The same sharedEventID, else the same eventID
    Shared,
}

impl SameAs {
    pub(crate) fn sameness(self) -> Sameness {
        match self {
            Self::Id => Sameness::EventId,
            Self::Shared => Sameness::SharedEventId,
        }
    }
}

/// A program that reads CSV in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reader {
    /// Microsoft Excel, and other spreadsheets
    Excel,
}

/// The order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// The oldest first
    Time,
    /// The newest first
    #[value(name = "-time")]
    Newest,
    /// As they are found: files by path, events as they lie in them
    None,
}

impl Sort {
    pub(crate) fn order(self) -> RowOrder {
        match self {
            Self::Time => RowOrder::Oldest,
            Self::Newest => RowOrder::Newest,
            Self::None => RowOrder::Archive,
        }
    }
}

fn step(text: &str) -> Result<Step, String> {
    text.parse().map_err(|error: trailseal_query::aggregate::StepError| error.to_string())
}
