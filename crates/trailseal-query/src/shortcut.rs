//! The options that stand for common conditions: `--event-name`, `--source-ip`, `--error` and so on.
//!
//! Each takes the values of one option, of which any may hold; options are joined with [`Predicate::and`]. A
//! value with `*` or `?` is a glob over the whole text, others are compared as they are; case counts. Without
//! values nothing can hold.

use ipnet::IpNet;
use regex::{Regex, RegexBuilder};
use trailseal_archive::Timestamp;

use crate::{
    category::Category,
    derived::Derived,
    expression::parse_networks,
    local_time::{HourRange, LocalTime, Weekdays},
    predicate::{Literal, Predicate, Test, TextTest, TimeRange, equals, field},
    zone::Zone,
};

#[cfg(test)]
mod tests;
pub mod time;

/// Why a value is none that the option takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShortcutError {
    /// The value is empty.
    #[error("the value is empty")]
    Empty,
    /// The glob is too large.
    #[error("{pattern:?} is too large for a pattern")]
    Pattern {
        /// The glob, shortened.
        pattern: String,
    },
    /// It is no regular expression.
    #[error("{pattern:?} is no regular expression: {reason}")]
    Regex {
        /// The text, shortened.
        pattern: String,
        /// The last line of the compiler's complaint.
        reason: String,
    },
    /// It looks like an address or network and is none.
    #[error("{text:?} is neither an IP address nor a network such as 10.0.0.0/8")]
    Network {
        /// The value.
        text: String,
    },
    /// There is no such category.
    #[error("{text:?} is no event category: Management, Data, NetworkActivity, Insight and Aggregated are")]
    Category {
        /// The value.
        text: String,
    },
    /// It is no part of a day.
    #[error(
        "{text:?} is no part of a day: 08:00-18:00 is, and 22:00-06:00 over midnight; the end is no part of it"
    )]
    Hours {
        /// The value, shortened.
        text: String,
    },
    /// It is neither a day of the week nor several in a row.
    #[error("{text:?} is no day of the week: mon, Friday and mon-fri are")]
    Weekdays {
        /// The value, shortened.
        text: String,
    },
    /// What is to be outside of nothing.
    #[error("it needs hours or days of the week that events are to be outside of")]
    OutsideOfNothing,
    /// The last moment lies before the first.
    #[error("the time range ends at {to}, before it begins at {from}")]
    Range {
        /// The first moment.
        from: Timestamp,
        /// The last moment.
        to: Timestamp,
    },
}

/// `eventName`, globs; of an Insights event, that of the call which it is about.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn event_name<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    fields_like(&[&["eventName"], &["insightDetails", "eventName"]], globs)
}

/// `eventSource`, globs, or that of the call which an Insights event is about; a name without a dot stands for the AWS service: `s3` for `s3.amazonaws.com`.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn event_source<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    let full = |glob: &S| match glob.as_ref() {
        "" => String::new(),
        name if name.contains(['.', '*']) => name.to_owned(),
        service => format!("{service}.amazonaws.com"),
    };
    let full: Vec<String> = globs.iter().map(full).collect();
    fields_like(&[&["eventSource"], &["insightDetails", "eventSource"]], &full)
}

/// `Username` of the event's `LookupEvents` row, globs.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn username<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    derived_like(Derived::Username, globs)
}

/// What was done with an access key: `userIdentity.accessKeyId`, globs. Events that made the key name it
/// elsewhere (`responseElements`) and are not among them; [`keyword`] finds both.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn access_key<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    fields_like(&[&["userIdentity", "accessKeyId"]], globs)
}

/// `eventID`, globs.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn event_id<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    fields_like(&[&["eventID"]], globs)
}

/// The text stands in `userAgent`, in upper or lower case; a glob is like the whole of it. User agents are long, and nobody
/// knows one by heart.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn user_agent<S: AsRef<str>>(texts: &[S]) -> Result<Predicate, ShortcutError> {
    any(texts, |text| {
        let text = non_empty(text.as_ref())?;
        let test = if is_glob(text) {
            TextTest::glob(text, true).map_err(|_| ShortcutError::Pattern { pattern: shorten(text) })?
        } else {
            TextTest::contains(text, true)
        };
        Ok(field(&["userAgent"], Test::Text(test)))
    })
}

/// Who did it, by any name ([`names`](crate::principal::names)): ARN, id or name of the user, of the role behind a session
/// or of the session, source identity, user of the Identity Center, service; globs.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn principal<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    derived_like(Derived::PrincipalNames, globs)
}

/// `sourceIPAddress`: in a network (`10.0.0.0/8`) or a range (`10.0.0.1-10.0.0.9`), an address in any of its spellings, or, as a text or glob,
/// the name of a service (`cloudformation.amazonaws.com`, `AWS Internal*`).
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`]; [`ShortcutError::Network`] for what looks like an
/// address or network and is none.
pub fn source_ip<S: AsRef<str>>(values: &[S]) -> Result<Predicate, ShortcutError> {
    let mut networks: Vec<IpNet> = Vec::new();
    let mut parts = Vec::new();
    for value in values {
        let value = non_empty(value.as_ref())?;
        match parse_networks(value) {
            Some(found) => networks.extend(found),
            None if looks_numeric(value) => return Err(ShortcutError::Network { text: shorten(value) }),
            None => parts.push(field(&["sourceIPAddress"], like(value)?)),
        }
    }
    if !networks.is_empty() {
        parts.push(field(&["sourceIPAddress"], Test::Cidr(networks)));
    }
    Ok(Predicate::any(parts))
}

/// Events that failed: with codes, those whose [`error`](crate::derived::error) is like one of them (globs), which is the
/// `errorCode` where there is one; with `None` among them, all that have one.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn error<S: AsRef<str>>(codes: &[Option<S>]) -> Result<Predicate, ShortcutError> {
    any(codes, |code| {
        let test = code.as_ref().map_or(Ok(Test::Exists), |code| like(code.as_ref()))?;
        Ok(Predicate::Derived(Derived::Error, test))
    })
}

/// What it was done to: one of the event's own `resources` has this ARN (or ARN prefix), or an ARN that ends
/// with the value behind `/` or `:`; or the `LookupEvents` row names it. Globs are compared with whole ARNs and
/// names.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn resource<S: AsRef<str>>(values: &[S]) -> Result<Predicate, ShortcutError> {
    any(values, |value| {
        let value = value.as_ref();
        let test = like(value)?;
        let mut parts = vec![Predicate::Derived(Derived::ResourceName, test.clone())];
        for member in ["ARN", "ARNPrefix"] {
            parts.push(field(&["resources", member], test.clone()));
            if !is_glob(value) {
                for separator in ['/', ':'] {
                    let ending = TextTest::suffix(&format!("{separator}{value}"), false);
                    parts.push(field(&["resources", member], Test::Text(ending)));
                }
            }
        }
        Ok(Predicate::Any(parts))
    })
}

/// `readOnly` is true, as a boolean or text. Records without it (2017 and before) are in neither half.
pub fn read_only() -> Predicate {
    field(&["readOnly"], equals("true"))
}

/// `readOnly` is false, as a boolean or text.
pub fn write_only() -> Predicate {
    field(&["readOnly"], equals("false"))
}

/// The account whose event it is: `recipientAccountId`, which is where the event was recorded; where that is
/// absent (before version 1.02), `userIdentity.accountId`. Globs.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn account<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    let recipient: [&[&str]; 1] = [&["recipientAccountId"]];
    let caller: [&[&str]; 1] = [&["userIdentity", "accountId"]];
    let has_no_recipient = !field(recipient[0], Test::Exists);
    Ok(Predicate::Any(vec![
        fields_like(&recipient, globs)?,
        has_no_recipient.and(fields_like(&caller, globs)?),
    ]))
}

/// `awsRegion`, globs.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Pattern`].
pub fn aws_region<S: AsRef<str>>(globs: &[S]) -> Result<Predicate, ShortcutError> {
    fields_like(&[&["awsRegion"]], globs)
}

/// The event's category ([`category`](crate::category::category)); names in any case.
///
/// # Errors
/// [`ShortcutError::Category`].
pub fn category<S: AsRef<str>>(names: &[S]) -> Result<Predicate, ShortcutError> {
    let known = |name: &S| {
        let name = name.as_ref();
        Category::from_name(name).ok_or_else(|| ShortcutError::Category { text: shorten(name) })
    };
    names.iter().map(known).collect::<Result<_, _>>().map(Predicate::Category)
}

/// The text stands anywhere in the record.
///
/// # Errors
/// [`ShortcutError::Empty`].
pub fn keyword<S: AsRef<str>>(texts: &[S], ignore_case: bool) -> Result<Predicate, ShortcutError> {
    any(texts, |text| Ok(Predicate::Anywhere(TextTest::contains(non_empty(text.as_ref())?, ignore_case))))
}

/// The regular expression finds something anywhere in the record.
///
/// # Errors
/// [`ShortcutError::Empty`], [`ShortcutError::Regex`].
pub fn regex<S: AsRef<str>>(texts: &[S], ignore_case: bool) -> Result<Predicate, ShortcutError> {
    any(texts, |text| Ok(Predicate::Anywhere(TextTest::regex(compile(text.as_ref(), ignore_case)?))))
}

/// `eventTime` from one moment to another, both included, as `LookupEvents` has it.
///
/// # Errors
/// [`ShortcutError::Range`] when it ends before it begins.
pub fn time_range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Predicate, ShortcutError> {
    match (from, to) {
        (None, None) => Ok(Predicate::Constant(true)),
        (Some(from), Some(to)) if to < from => Err(ShortcutError::Range { from, to }),
        _ => Ok(Predicate::TimeRange(TimeRange { from, to })),
    }
}

/// `eventTime` as the clocks of a zone show it: at any of these hours (`08:00-18:00`), on any of these days of the week
/// (`mon-fri`), each also several with commas between them; or, where it is to be outside, not so: at another hour, or on another
/// day.
///
/// # Errors
/// [`ShortcutError::Hours`], [`ShortcutError::Weekdays`]; [`ShortcutError::OutsideOfNothing`] for neither, outside.
pub fn local_time<S: AsRef<str>>(
    zone: &Zone,
    hours: &[S],
    weekdays: &[S],
    is_outside: bool,
) -> Result<Predicate, ShortcutError> {
    if hours.is_empty() && weekdays.is_empty() {
        return if is_outside { Err(ShortcutError::OutsideOfNothing) } else { Ok(Predicate::Constant(true)) };
    }
    let hours = of_lists(hours, HourRange::parse, |text| ShortcutError::Hours { text })?;
    let weekdays = of_lists(weekdays, Weekdays::parse, |text| ShortcutError::Weekdays { text })?;
    let weekdays = weekdays.into_iter().reduce(Weekdays::and).unwrap_or(Weekdays::ALL);
    let inside = Predicate::LocalTime(LocalTime { zone: zone.clone(), hours, weekdays });
    Ok(if is_outside { !inside } else { inside })
}

/// The parts of lists with commas between them.
fn of_lists<S: AsRef<str>, T>(
    lists: &[S],
    parse: impl Fn(&str) -> Option<T>,
    error: impl Fn(String) -> ShortcutError,
) -> Result<Vec<T>, ShortcutError> {
    let parts = lists.iter().flat_map(|list| list.as_ref().split(','));
    parts.map(|part| parse(part.trim()).ok_or_else(|| error(shorten(part)))).collect()
}

fn any<T>(
    values: &[T],
    one: impl Fn(&T) -> Result<Predicate, ShortcutError>,
) -> Result<Predicate, ShortcutError> {
    Ok(Predicate::any(values.iter().map(one).collect::<Result<_, _>>()?))
}

/// What is derived is like any of the globs.
fn derived_like<S: AsRef<str>>(derived: Derived, globs: &[S]) -> Result<Predicate, ShortcutError> {
    any(globs, |glob| Ok(Predicate::Derived(derived, like(glob.as_ref())?)))
}

/// Any of the fields is like any of the globs.
fn fields_like<S: AsRef<str>>(paths: &[&[&str]], globs: &[S]) -> Result<Predicate, ShortcutError> {
    let exact: Vec<_> =
        globs.iter().map(AsRef::as_ref).filter(|glob| !glob.is_empty() && !is_glob(glob)).collect();
    let mut parts = Vec::new();
    for path in paths {
        match exact.as_slice() {
            [] => {}
            [one] => parts.push(field(path, equals(one))),
            many => {
                let literals = many.iter().map(|text| Literal::Text((*text).to_owned())).collect();
                parts.push(field(path, Test::In(literals)));
            }
        }
        for glob in globs.iter().map(AsRef::as_ref).filter(|glob| glob.is_empty() || is_glob(glob)) {
            parts.push(field(path, like(glob)?));
        }
    }
    Ok(Predicate::any(parts))
}

fn like(glob: &str) -> Result<Test, ShortcutError> {
    let glob = non_empty(glob)?;
    if !is_glob(glob) {
        return Ok(equals(glob));
    }
    let test = TextTest::glob(glob, false);
    test.map(Test::Text).map_err(|_| ShortcutError::Pattern { pattern: shorten(glob) })
}

/// Whether a value has signs of a glob; a backslash takes their meaning.
fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '\\'])
}

fn non_empty(text: &str) -> Result<&str, ShortcutError> {
    if text.is_empty() { Err(ShortcutError::Empty) } else { Ok(text) }
}

/// Whether a value can only have been meant as an address or network.
fn looks_numeric(text: &str) -> bool {
    let address = text.split(['/', '-']).next().unwrap_or_default();
    !is_glob(text)
        && address.contains(['.', ':'])
        && address.bytes().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
        && address.bytes().any(|byte| byte.is_ascii_digit())
}

fn compile(text: &str, ignore_case: bool) -> Result<Regex, ShortcutError> {
    RegexBuilder::new(non_empty(text)?).case_insensitive(ignore_case).build().map_err(|error| {
        let text_of_error = error.to_string();
        let last = text_of_error.lines().last().unwrap_or_default();
        let reason = last.strip_prefix("error: ").unwrap_or(last).trim_end_matches('.').to_owned();
        ShortcutError::Regex { pattern: shorten(text), reason }
    })
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
