//! What the options of a query ask for, and which of them cannot be meant together.

use trailseal_analysis::{
    bars::BarsAsked,
    csv::Dialect,
    fields::{Field, Fields},
    groups::GroupsAsked,
    row_format::RowFormat,
    rows::RowOrder,
};
use trailseal_query::{
    Predicate, Zone,
    aggregate::Order,
    derived::FileMember,
    expression::{UNKNOWN_HINT, UnknownField},
};

use super::{
    args::{Args, Reader, Sort},
    sink::Shape,
};
use crate::{error::CommandError, render::query::cells::EventFormat};

/// Values that a histogram shows one by one.
const SERIES: u64 = 8;

/// What is made of the events.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) mode: Mode,
    pub(super) format: EventFormat,
    /// Whether files must be hashed.
    pub(super) needs_hash: bool,
    /// What is odd about the fields that are named.
    pub(super) notes: Vec<String>,
}

#[derive(Debug)]
pub(super) enum Mode {
    /// They are written.
    Rows(RowPlan),
    /// They are counted by fields.
    Groups(GroupsAsked),
    /// They are counted by time.
    Bars(BarsAsked),
}

#[derive(Debug)]
pub(super) struct RowPlan {
    pub(super) format: RowFormat,
    pub(super) shape: ShapeKind,
    pub(super) order: RowOrder,
    pub(super) limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ShapeKind {
    Plain,
    Array,
    Delimited(Dialect),
    Table,
    Timeline,
}

impl Plan {
    /// Reads the options beside those of the filter, which make the condition.
    ///
    /// # Errors
    /// When they contradict each other or name what is no field.
    pub(super) fn new(args: &Args, condition: &Predicate, is_terminal: bool) -> Result<Self, CommandError> {
        check(args)?;
        let is_screen = is_terminal && args.output.to.target().is_none();
        let format = format(args, is_screen)?;
        let mode = mode(args, format, is_screen)?;
        let named = match &mode {
            Mode::Rows(rows) => rows.format.columns().cloned().unwrap_or_default(),
            Mode::Groups(groups) => {
                let columns = groups.keys.iter().chain(&groups.sum).chain(&groups.distinct);
                columns.cloned().collect()
            }
            Mode::Bars(bars) => bars.by.iter().cloned().collect(),
        };
        if let Some(UnknownField { written, better }) =
            named.unknown().filter(|_| !args.filter.allow_unknown_fields)
        {
            let hint = better.map_or(UNKNOWN_HINT.to_owned(), |better| format!("CloudTrail writes {better}"));
            return Err(CommandError::new(format!("event records have no field {written}")).hint(hint));
        }
        let needs_label = named.need_label() || condition.asks_of_file(FileMember::Integrity);
        if needs_label && !args.evidence.verified.is_wanted() {
            return Err(CommandError::new("the field integrity needs --keys KEYS")
                .hint("a field of the records that has this name is written in quotes: '\"integrity\"'"));
        }
        let needs_hash =
            args.evidence.provenance || named.need_hash() || condition.asks_of_file(FileMember::Sha256);
        let mut notes = named.notes();
        notes.extend(notes_of_zone(&named, &args.filter.times.zone.zone));
        Ok(Self { mode, format, needs_hash, notes })
    }

    /// Whether the output is text for people, with colours.
    pub(super) fn is_for_people(&self) -> bool {
        self.format == EventFormat::Table || matches!(&self.mode, Mode::Rows(rows) if rows.is_for_people())
    }

    /// Whether what stands in records is printed as it is, so that it must be valid.
    pub(super) fn prints_records(&self) -> bool {
        matches!(self.mode, Mode::Rows(_))
    }

    /// Whether nothing is written before everything was read.
    pub(super) fn is_quiet_at_first(&self) -> bool {
        !matches!(&self.mode, Mode::Rows(RowPlan { order: RowOrder::Archive, .. }))
    }
}

/// What of the fields is not in the zone that was named.
fn notes_of_zone(named: &Fields, zone: &Zone) -> Option<String> {
    let is_of_time =
        |name: &&str| ["hour", "day", "weekday"].iter().any(|known| known.eq_ignore_ascii_case(name));
    let name = named.names().find(is_of_time).filter(|_| !zone.is_utc())?;
    Some(format!("{name} is in UTC, not in {zone}; --histogram counts by the hours and days of {zone}"))
}

impl RowPlan {
    /// Whether rows become text for people.
    pub(super) fn is_for_people(&self) -> bool {
        matches!(self.shape, ShapeKind::Table | ShapeKind::Timeline)
    }

    /// The shape of what is put out.
    pub(super) fn shape(&self) -> Shape {
        let names = || self.format.columns().map(Shape::names).unwrap_or_default();
        match self.shape {
            ShapeKind::Plain => Shape::Plain,
            ShapeKind::Array => Shape::Array,
            ShapeKind::Delimited(dialect) => Shape::Delimited(dialect, names()),
            ShapeKind::Table => Shape::Table(names()),
            ShapeKind::Timeline => Shape::Timeline(names()),
        }
    }
}

/// What is asked for, else what the file's name says, else what suits the place.
fn format(args: &Args, is_screen: bool) -> Result<EventFormat, CommandError> {
    let otherwise = if is_screen { EventFormat::Table } else { EventFormat::Jsonl };
    let asked = args.output.to.format(args.output.asked_format(), &ENDINGS, otherwise)?;
    match args.output.reader {
        Some(Reader::Excel) if asked == EventFormat::Csv => Ok(EventFormat::Excel),
        Some(Reader::Excel) => Err(CommandError::new("--for excel needs the format csv").hint("-t csv")),
        None => Ok(asked),
    }
}

/// The columns that counts have beside their fields.
const COUNTS: [&str; 5] = ["count", "distinct", "first", "last", "sum"];

/// The formats that endings stand for.
const ENDINGS: [(&str, EventFormat); 6] = [
    ("jsonl", EventFormat::Jsonl),
    ("ndjson", EventFormat::Jsonl),
    ("json", EventFormat::Json),
    ("csv", EventFormat::Csv),
    ("tsv", EventFormat::Tsv),
    ("txt", EventFormat::Table),
];

fn mode(args: &Args, format: EventFormat, is_screen: bool) -> Result<Mode, CommandError> {
    let aggregate = &args.aggregate;
    let one = |option: &str, name: &Option<String>| {
        let name = name.as_deref();
        name.map(|name| Field::parse(name).map_err(|reason| unusable(option, &reason))).transpose()
    };
    if let Some(step) = aggregate.histogram {
        let by = one("--by", &aggregate.by)?;
        let zone = args.filter.times.zone.zone.clone();
        return Ok(Mode::Bars(BarsAsked { step, zone, by, top: aggregate.top.unwrap_or(SERIES) }));
    }
    let distinct = one("--distinct", &aggregate.distinct)?;
    let sum = one("--sum", &aggregate.sum)?;
    let is_summed = sum.is_some();
    if let Some(names) = &aggregate.count_by {
        let keys = Fields::parse(names).map_err(|reason| unusable("--count-by", &reason))?;
        if let Some(name) = keys.names().find(|name| COUNTS.contains(name)) {
            return Err(unusable("--count-by", &format!("{name} is a column of the counts themselves")));
        }
        let order = if is_summed { Order::Sum } else { Order::Count };
        return Ok(Mode::Groups(GroupsAsked {
            keys: keys.iter().cloned().collect(),
            sum,
            distinct,
            only_keys: false,
            order,
            top: aggregate.top,
            min_count: aggregate.min_count.unwrap_or(1),
            min_distinct: aggregate.min_distinct.unwrap_or(0),
        }));
    }
    if distinct.is_some() || is_summed {
        let only_keys = distinct.is_some();
        let keys = distinct.into_iter().collect();
        let order = Order::Key;
        return Ok(Mode::Groups(GroupsAsked {
            keys,
            sum,
            distinct: None,
            only_keys,
            order,
            top: None,
            min_count: 1,
            min_distinct: 0,
        }));
    }
    row_mode(args, format, is_screen).map(Mode::Rows)
}

fn row_mode(args: &Args, format: EventFormat, is_screen: bool) -> Result<RowPlan, CommandError> {
    let is_timeline = args.aggregate.timeline;
    let fields = args.output.fields.as_deref();
    let fields = fields
        .map(|names| Fields::parse(names).map_err(|reason| unusable("--fields", &reason)))
        .transpose()?;
    let is_text = is_timeline
        && (format == EventFormat::Table
            || args.output.asked_format().is_none() && args.output.to.target().is_none());
    let fields = fields.or_else(|| match (is_timeline, is_text) {
        (false, _) => None,
        (true, true) => Some(Fields::of_timeline_text()),
        (true, false) => Some(Fields::of_timeline()),
    });
    let integrity = args.evidence.verified.is_wanted();
    let provenance = args.evidence.provenance;
    let with_evidence = |columns: Fields| {
        let columns = if provenance { columns.and(Fields::of_provenance()) } else { columns };
        if integrity { columns.and(Fields::of_label()) } else { columns }
    };
    let (format, shape) = match format {
        _ if is_text => (RowFormat::Cells(with_evidence(fields.unwrap_or_default())), ShapeKind::Timeline),
        EventFormat::Jsonl => {
            (RowFormat::Json { fields, provenance, integrity, is_element: false }, ShapeKind::Plain)
        }
        EventFormat::Json => {
            (RowFormat::Json { fields, provenance, integrity, is_element: true }, ShapeKind::Array)
        }
        EventFormat::Csv | EventFormat::Excel | EventFormat::Tsv => {
            let dialect = format.dialect().unwrap_or(Dialect::Csv);
            let columns = with_evidence(fields.unwrap_or_else(Fields::of_csv));
            (RowFormat::Delimited(dialect, columns), ShapeKind::Delimited(dialect))
        }
        EventFormat::Table => {
            (RowFormat::Cells(with_evidence(fields.unwrap_or_else(Fields::of_table))), ShapeKind::Table)
        }
        EventFormat::Lookup => (RowFormat::Lookup, ShapeKind::Plain),
    };
    let order = args.output.sort.map(Sort::order);
    // files lie in the order of accounts, regions and delivery, which tells a reader of a table nothing
    let is_read = is_screen && shape == ShapeKind::Table;
    let order = order.unwrap_or(if is_timeline || is_read { RowOrder::Oldest } else { RowOrder::Archive });
    Ok(RowPlan { format, shape, order, limit: args.output.limit })
}

fn unusable(option: &str, reason: &str) -> CommandError {
    CommandError::new(format!("{option} cannot be used: {reason}"))
        .hint("fields are named as in the records: eventName, userIdentity.arn; see `trailseal query --help`")
}

/// What cannot be meant together.
fn check(args: &Args) -> Result<(), CommandError> {
    let Args { output, aggregate, evidence, filter, .. } = args;
    let counts = aggregate.count_by.is_some();
    let kinds = [
        ("--histogram", aggregate.histogram.is_some()),
        ("--timeline", aggregate.timeline),
        ("--count-by", counts),
        ("--distinct", aggregate.distinct.is_some()),
        ("--sum", aggregate.sum.is_some()),
    ];
    let given: Vec<&str> = kinds.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| *name).collect();
    let is_counted = given.iter().any(|name| *name != "--timeline");
    let is_lookup = output.asked_format() == Some(EventFormat::Lookup);
    let first = given.first().copied().unwrap_or_default();
    let refusals = [
        (
            given.len() > 1 && !(counts && (first == "--count-by")),
            format!("{} and {} cannot be used together", first, given.get(1).copied().unwrap_or_default()),
            "ask for one at a time; --count-by goes with --sum and with --distinct",
        ),
        (
            aggregate.top.is_some() && !counts && aggregate.by.is_none(),
            "--top needs --count-by FIELDS, or --histogram STEP --by FIELD".to_owned(),
            if is_counted {
                "| head -n N shows the first N rows"
            } else {
                "--limit N shows the first N events"
            },
        ),
        (
            aggregate.min_count.is_some() && !counts,
            "--min-count needs --count-by FIELDS".to_owned(),
            "it leaves out groups of fewer events",
        ),
        (
            aggregate.min_distinct.is_some() && !(counts && aggregate.distinct.is_some()),
            "--min-distinct needs --count-by FIELDS and --distinct FIELD".to_owned(),
            "it leaves out groups with fewer different values",
        ),
        (
            aggregate.by.is_some() && aggregate.histogram.is_none(),
            "--by needs --histogram STEP".to_owned(),
            "--count-by counts by fields alone",
        ),
        (
            is_counted && output.fields.is_some(),
            format!("--fields and {first} cannot be used together"),
            "--count-by names the fields of counts",
        ),
        (
            is_counted && output.sort.is_some(),
            format!("--sort and {first} cannot be used together"),
            "counts come with the largest first, histograms by time",
        ),
        (
            is_counted && output.limit.is_some(),
            format!("--limit and {first} cannot be used together"),
            if counts { "--top N shows the N largest groups" } else { "| head -n N shows the first N rows" },
        ),
        (
            is_counted && evidence.provenance,
            format!("--provenance and {first} cannot be used together"),
            "file, record and sha256 can be named as fields: --count-by file",
        ),
        (
            is_lookup && (output.fields.is_some() || !given.is_empty()),
            format!(
                "--format lookup and {} cannot be used together",
                if given.is_empty() { "--fields" } else { first }
            ),
            "rows of LookupEvents have members of their own; use --format jsonl",
        ),
        (
            is_lookup && (evidence.provenance || evidence.verified.is_wanted()),
            "--format lookup has no place for where events come from".to_owned(),
            "use --format jsonl with --provenance or --keys",
        ),
        (
            evidence.verified_only && !evidence.verified.is_wanted(),
            "--verified-only needs --keys KEYS".to_owned(),
            "`trailseal verify ROOT` says how to get the public keys",
        ),
        (
            (evidence.verified.objects.metadata.is_some() || !evidence.verified.objects.maps.is_empty())
                && !evidence.verified.is_wanted(),
            "--metadata and --map need --keys KEYS".to_owned(),
            "they say where signatures and log files are",
        ),
        (
            filter.selectors_inverse && filter.selectors.is_none(),
            "--selectors-inverse needs --selectors FILE".to_owned(),
            "FILE is what `aws cloudtrail get-event-selectors` prints",
        ),
        (
            filter.ignore_case && filter.keywords.is_empty() && filter.regexes.is_empty(),
            "--ignore-case needs --keyword or --regex".to_owned(),
            "in --where, ILIKE takes upper and lower case for the same",
        ),
    ];
    match refusals.into_iter().find(|(is_refused, ..)| *is_refused) {
        Some((_, message, hint)) => Err(CommandError::new(message).hint(hint)),
        None => Ok(()),
    }
}
