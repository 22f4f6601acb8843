//! What the options of a filter mean: one predicate, and a span of time.

use std::{
    fs::File,
    io::Read as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use trailseal_archive::Timestamp;
use trailseal_query::{
    Predicate,
    expression::{self, ExpressionError},
    selectors::Selectors,
    shortcut::{self, ShortcutError},
};

use super::args;
use crate::{commands::verify::parse, error::CommandError};

/// A file of event selectors is no larger.
const MAX_SELECTORS: u64 = 16 << 20;

/// Which events are wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// What they must be.
    pub(crate) predicate: Predicate,
    /// When they happened.
    pub(crate) span: TimeSpan,
    /// What the user should be told of the filter.
    pub(crate) notes: Vec<String>,
}

/// From when to when, both included, and how late log files may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// In seconds.
    pub(crate) late: i64,
    /// How far outside signed times events may be, in seconds.
    pub(crate) signed_margin: i64,
}

impl TimeSpan {
    /// Reads the options.
    ///
    /// # Errors
    /// When one is no time, or the span ends before it begins.
    pub(crate) fn parse(times: &args::Times) -> Result<Self, CommandError> {
        let now = now();
        let time = |name: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => parse_time(text, now)
                .map(Some)
                .map_err(|reason| CommandError::new(format!("--{name} cannot be used: {reason}"))),
        };
        let (from, to) = (time("from", &times.from)?, time("to", &times.to)?);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(CommandError::new(format!("--from ({from}) is after --to ({to})"))
                .hint("a date means its first second: the day itself ends with the next date"));
        }
        let late = parse_span("late", &times.late)?;
        let signed_margin = parse_span("signed-margin", &times.signed_margin)?;
        Ok(Self { from, to, late, signed_margin })
    }
}

/// Reads all options.
///
/// # Errors
/// When one cannot be understood.
pub(crate) fn wanted(filter: &args::Filter) -> Result<Wanted, CommandError> {
    let span = TimeSpan::parse(&filter.times)?;
    let mut notes = Vec::new();
    let mut predicate = Predicate::Constant(true);
    for part in predicates(filter, span, &mut notes)? {
        predicate = predicate.and(part);
    }
    Ok(Wanted { predicate, span, notes })
}

/// All of which must hold; what is odd about them goes to the notes.
fn predicates(
    filter: &args::Filter,
    span: TimeSpan,
    notes: &mut Vec<String>,
) -> Result<Vec<Predicate>, CommandError> {
    let mut all = Vec::new();
    all.push(shortcut::time_range(span.from, span.to).map_err(|error| refused("--from", &error))?);
    for text in &filter.conditions {
        let (condition, odd) = expression::parse_with_notes(text).map_err(|error| no_condition(&error))?;
        notes.extend(odd);
        all.push(condition);
    }
    let globs: [(&str, &[String], Shortcut); 9] = [
        ("--event-name", &filter.event_names, shortcut::event_name),
        ("--event-source", &filter.event_sources, shortcut::event_source),
        ("--username", &filter.usernames, shortcut::username),
        ("--access-key", &filter.access_keys, shortcut::access_key),
        ("--principal", &filter.principals, shortcut::principal),
        ("--source-ip", &filter.source_ips, shortcut::source_ip),
        ("--resource", &filter.resources, shortcut::resource),
        ("--account", &filter.accounts, shortcut::account),
        ("--aws-region", &filter.regions, shortcut::aws_region),
    ];
    for (option, values, make) in globs {
        push(&mut all, option, values, make)?;
    }
    notes.extend(filter.access_keys.iter().filter_map(|key| {
        let upper = upper_case_key(key)?;
        Some(format!("--access-key {key}: access keys are in upper case; --access-key {upper}"))
    }));
    push(&mut all, "--category", &filter.categories, shortcut::category)?;
    push(&mut all, "--error", &filter.errors, |codes| {
        let any = |code: &String| (code.as_str() != "*").then(|| code.clone());
        shortcut::error(&codes.iter().map(any).collect::<Vec<_>>())
    })?;
    push(&mut all, "--keyword", &filter.keywords, |texts| shortcut::keyword(texts, filter.ignore_case))?;
    push(&mut all, "--regex", &filter.regexes, |texts| shortcut::regex(texts, filter.ignore_case))?;
    if filter.read_only {
        all.push(shortcut::read_only());
    }
    if filter.write_only {
        all.push(shortcut::write_only());
    }
    if let Some(path) = &filter.selectors {
        notes.push(
            "events that do not say what the selectors ask (readOnly, resources) are in neither half"
                .to_owned(),
        );
        let selected = selected(path, &read_selectors(path)?)?;
        all.push(if filter.selectors_inverse { !selected } else { selected });
    }
    Ok(all)
}

type Shortcut = fn(&[String]) -> Result<Predicate, ShortcutError>;

/// The predicate of an option, if it is given.
fn push(
    all: &mut Vec<Predicate>,
    option: &str,
    values: &[String],
    make: impl FnOnce(&[String]) -> Result<Predicate, ShortcutError>,
) -> Result<(), CommandError> {
    if !values.is_empty() {
        all.push(make(values).map_err(|error| refused(option, &error))?);
    }
    Ok(())
}

fn refused(option: &str, error: &ShortcutError) -> CommandError {
    CommandError::new(format!("{option} cannot be used: {error}"))
}

fn no_condition(error: &ExpressionError) -> CommandError {
    let message = CommandError::new(format!("--where cannot be used: {error}"));
    match error.hint() {
        Some(hint) => message.hint(hint),
        None => message,
    }
}

fn selected(path: &std::path::Path, bytes: &[u8]) -> Result<Predicate, CommandError> {
    let selectors = Selectors::parse(bytes)
        .map_err(|error| CommandError::file("use the event selectors in", path, &error))?;
    Ok(selectors.predicate())
}

/// The content of a file of event selectors.
fn read_selectors(path: &Path) -> Result<Vec<u8>, CommandError> {
    let fail = |error: &dyn std::fmt::Display| CommandError::file("read the event selectors in", path, error);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| fail(&error))?;
    file.take(MAX_SELECTORS + 1).read_to_end(&mut bytes).map_err(|error| fail(&error))?;
    if bytes.len() as u64 > MAX_SELECTORS {
        return Err(fail(&"it is too large"));
    }
    Ok(bytes)
}

/// An access key that was written with small letters, as it must be.
pub(crate) fn upper_case_key(key: &str) -> Option<String> {
    let upper = key.to_ascii_uppercase();
    let is_key = upper.len() >= 16
        && ["AKIA", "ASIA"].iter().any(|kind| upper.starts_with(kind))
        && upper.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_key && upper != key).then_some(upper)
}

/// A time, in any form that people write.
fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    shortcut::time::parse(text, now).map_err(|error| error.to_string())
}

/// `24h`, `90m`, `2d`.
fn parse_span(option: &str, text: &str) -> Result<i64, CommandError> {
    parse::span(text)
        .map_err(|hint| CommandError::new(format!("--{option} {text:?} is no span of time")).hint(hint))
}

fn now() -> Timestamp {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp::from_epoch(0)
        .map_or_else(|| unreachable!("1970 is a year"), |epoch| epoch.plus(seconds as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        assert_eq!(
            ["0s", "90m", "24h", "2d", "1w"].map(|text| parse_span("late", text).unwrap()),
            [0, 5400, 86_400, 172_800, 604_800]
        );
        for text in ["", "h", "24", "-1h", "1.5h", "1y", "99999999999d"] {
            assert!(parse_span("late", text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_with_small_letters_are_known() {
        assert_eq!(upper_case_key("akiaIOSFODNN7example").as_deref(), Some("AKIAIOSFODNN7EXAMPLE"));
        for other in ["AKIAIOSFODNN7EXAMPLE", "akia1", "abcdefghijklmnopqrst", "akiaiosfodnn7e.ample"] {
            assert_eq!(upper_case_key(other), None, "{other}");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let span = |from: &str, to: &str| {
            let [from, to] = [from, to].map(|text| Some(text.to_owned()));
            let [late, signed_margin] = ["1h", "15m"].map(str::to_owned);
            TimeSpan::parse(&args::Times { from, to, late, signed_margin })
        };
        let error = span("2024-03-02", "2024-03-01").unwrap_err();
        assert!(error.message.contains("is after --to"), "{}", error.message);
        let same = span("2024-03-01", "2024-03-01").unwrap();
        assert_eq!((same.from, same.late), (same.to, 3600));
        assert_eq!(
            same.signed_margin,
            trailseal_evidence::scan::SIGNED_MARGIN,
            "as the option's default says"
        );
    }
}
