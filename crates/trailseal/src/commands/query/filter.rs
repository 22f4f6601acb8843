//! What the options of a filter mean: one predicate, and a span of time.

use std::{fs::File, io::Read as _, path::Path};

use trailseal_query::{
    Predicate,
    expression::{self, ExpressionError},
    selectors::Selectors,
    shortcut::{self, ShortcutError},
};

use super::args;
use crate::{
    commands::options::{access_key::upper_case_key, time::TimeSpan},
    error::CommandError,
};

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

/// Reads all options.
///
/// # Errors
/// When one cannot be understood.
pub(crate) fn wanted(filter: &args::Filter) -> Result<Wanted, CommandError> {
    let span = filter.times.span()?;
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
        ("--region", &filter.regions, shortcut::aws_region),
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
