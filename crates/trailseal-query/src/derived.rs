//! What is said of an event under a name of its own and stands in no one field: `username`, `principal`, `error`.
//!
//! These names mean the same wherever a field may be written: in conditions, projections, groups and sums.

use std::{borrow::Cow, ops::ControlFlow, sync::LazyLock};

use memchr::memmem::Finder;
use trailseal_archive::Timestamp;

use crate::{
    category::category,
    json::Value,
    local_time::Weekday,
    path::FieldPath,
    predicate::{Test, Truth},
    principal::{Principal, names},
    record::Record,
    row,
    walk::Member,
};

/// What is derived from a record alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Derived {
    /// `Username` of the `LookupEvents` row (docs/spec/lookup-events.md 1.3).
    Username,
    /// `ResourceName` of any of the row's `Resources` (docs/spec/lookup-events.md 1.4).
    ResourceName,
    /// `ResourceType` of any of the row's `Resources`.
    ResourceType,
    /// The event's category, by its name.
    Category,
    /// Who acted ([`Principal`]): `111122223333:role/Ops`.
    Principal,
    /// The same as a timeline shows it: `Ops/alice`.
    Actor,
    /// Every name by which one may know who acted ([`names`]).
    PrincipalNames,
    /// What was called: `eventName`, or what an Insights event says of the call that it is about.
    Call,
    /// Of which service: `eventSource`, or that of the call which an Insights event is about.
    Service,
    /// Why it failed ([`error`]).
    Error,
    /// The hour of `eventTime` in UTC: `2024-03-01T05:00Z`.
    Hour,
    /// The day of `eventTime` in UTC: `2024-03-01`.
    Day,
    /// The day of the week of `eventTime` in UTC: `mon`.
    Weekday,
}

/// What is known of the file that holds a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileMember {
    /// Its path as shown.
    File,
    /// SHA-256 of its content, in hexadecimal digits.
    Sha256,
    /// What the digests prove of it.
    Integrity,
}

/// A file as conditions speak of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts<'f> {
    /// Its path as shown.
    pub file: Cow<'f, str>,
    /// SHA-256 of its content, in hexadecimal digits, if it was computed.
    pub sha256: Option<Cow<'f, str>>,
    /// The name of its label, if it has one.
    pub integrity: Option<&'f str>,
}

/// What a name stands for that is no field of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// Something of the record.
    Derived(Derived),
    /// Something of its file.
    OfFile(FileMember),
}

/// The names; the first for each is the one that is printed.
const NAMES: [(&str, Named); 13] = [
    ("username", Named::Derived(Derived::Username)),
    ("resource_name", Named::Derived(Derived::ResourceName)),
    ("resource_type", Named::Derived(Derived::ResourceType)),
    ("category", Named::Derived(Derived::Category)),
    ("principal", Named::Derived(Derived::Principal)),
    ("error", Named::Derived(Derived::Error)),
    ("hour", Named::Derived(Derived::Hour)),
    ("day", Named::Derived(Derived::Day)),
    ("weekday", Named::Derived(Derived::Weekday)),
    ("file", Named::OfFile(FileMember::File)),
    ("sha256", Named::OfFile(FileMember::Sha256)),
    ("integrity", Named::OfFile(FileMember::Integrity)),
    ("label", Named::OfFile(FileMember::Integrity)),
];

impl Named {
    /// What this name, in any case, stands for, if it is not the name of a field.
    pub fn of(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, named)| *named)
    }

    /// All names, as they are printed.
    pub fn all() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// The name as it is printed; what nobody can write has none.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, named)| *named == self).map_or("", |(name, _)| *name)
    }
}

impl Derived {
    /// Shows `visit` every text that a record has of it.
    pub fn visit<'a>(
        self,
        record: &Record<'a>,
        visit: &mut dyn FnMut(Cow<'a, str>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let text = match self {
            Self::Username => row::username(record),
            Self::ResourceName | Self::ResourceType => return self.visit_resources(record, visit),
            Self::Category => category(record).map(|category| category.name().into()),
            Self::Principal => Principal::of(record).map(|who| who.full().into()),
            Self::Actor => Principal::of(record).map(Principal::short),
            Self::PrincipalNames => return names(record, visit),
            Self::Call => call(record),
            Self::Service => member_or_insight(record, "eventSource").map(|(text, _)| text),
            Self::Error => error(record),
            Self::Hour | Self::Day | Self::Weekday => record.time().and_then(|time| self.at(time)),
        };
        text.map_or(ControlFlow::Continue(()), visit)
    }

    /// The text of what is derived from the time alone.
    pub fn at(self, time: Timestamp) -> Option<Cow<'static, str>> {
        Some(match self {
            Self::Hour => format!("{}:00Z", prefix(time, 13)).into(),
            Self::Day => prefix(time, 10).into(),
            Self::Weekday => Weekday::of(time.epoch()).name().into(),
            _ => return None,
        })
    }

    fn visit_resources<'a>(
        self,
        record: &Record<'a>,
        visit: &mut dyn FnMut(Cow<'a, str>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let of = |resource: row::Resource<'a>| match self {
            Self::ResourceType => resource.resource_type,
            _ => Some(resource.name),
        };
        row::resources(record).into_iter().filter_map(of).try_for_each(visit)
    }
}

impl FileFacts<'_> {
    /// The text of a member.
    pub fn text(&self, member: FileMember) -> Option<&str> {
        match member {
            FileMember::File => Some(&self.file),
            FileMember::Sha256 => self.sha256.as_deref(),
            FileMember::Integrity => self.integrity,
        }
    }

    /// What a test of a member comes to.
    pub(crate) fn passes(&self, member: FileMember, test: &Test) -> Truth {
        test.of_text(self.text(member))
    }
}

/// Why an event failed: its `errorCode`, else its `errorMessage`, else that its own answer says so, as sign-in events
/// have it (`"responseElements": {"ConsoleLogin": "Failure"}`, and so `SwitchRole`, `CheckMfa`). What is empty is none.
pub fn error<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let text = |path| record.first(path).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let says_failure =
        || !record.is_plain() || FAILURES.iter().any(|finder| finder.find(record.bytes()).is_some());
    let answer = || {
        let name = text(&EVENT_NAME).filter(|_| says_failure())?;
        let outcome = record.first(&RESPONSE)?.member(&name)?.as_str()?;
        ["Failure", "failure"].contains(&&*outcome).then_some(outcome)
    };
    text(&ERROR_CODE).or_else(|| text(&ERROR_MESSAGE)).or_else(answer)
}

static ERROR_CODE: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["errorCode"]));
static ERROR_MESSAGE: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["errorMessage"]));
static EVENT_NAME: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["eventName"]));
static RESPONSE: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["responseElements"]));
/// What stands in every answer that says that something failed.
static FAILURES: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("Failure"), Finder::new("failure")]);

/// The same of a record whose top-level members `value` gives, of duplicates the last.
pub(crate) fn error_of<'a>(value: &dyn Fn(Member) -> Option<Value<'a>>) -> Option<Cow<'a, str>> {
    let text = |member| value(member).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    let answer = || {
        let Value::Object(raw) = value(Member::ResponseElements)? else { return None };
        let is_escaped = || memchr::memchr(b'\\', raw).is_some();
        if !is_escaped() && FAILURES.iter().all(|finder| finder.find(raw).is_none()) {
            return None;
        }
        let outcome = Value::Object(raw).member(&text(Member::EventName)?)?.as_str()?;
        ["Failure", "failure"].contains(&&*outcome).then_some(outcome)
    };
    text(Member::ErrorCode).or_else(|| text(Member::ErrorMessage)).or_else(answer)
}

/// The call, and of an Insights event its type and state: `DescribeRegions (ApiCallRateInsight, Start)`.
fn call<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let (name, details) = member_or_insight(record, "eventName")?;
    let Some(details) = details else { return Some(name) };
    let text = |name: &str| details.member(name).and_then(|value| value.as_str());
    let more: Vec<_> = [text("insightType"), text("state")].into_iter().flatten().collect();
    if more.is_empty() { Some(name) } else { Some(format!("{name} ({})", more.join(", ")).into()) }
}

/// A text of the record, or of its `insightDetails`, which are given, too.
fn member_or_insight<'a>(record: &Record<'a>, name: &str) -> Option<(Cow<'a, str>, Option<Value<'a>>)> {
    if let Some(text) = record.member(name).and_then(|value| value.as_str()) {
        return Some((text, None));
    }
    let details = record.member("insightDetails")?;
    Some((details.member(name)?.as_str()?, Some(details)))
}

fn prefix(time: Timestamp, length: usize) -> String {
    let mut text = time.to_string();
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(derived: Derived, record: &str) -> Vec<String> {
        let mut texts = Vec::new();
        let _ = derived.visit(&Record::new(record.as_bytes()), &mut |text| {
            texts.push(text.into_owned());
            ControlFlow::Continue(())
        });
        texts
    }

    #[test]
    fn failures_say_so_in_three_ways_and_an_empty_code_is_none() {
        for (record, expected) in [
            (r#"{"errorCode":"AccessDenied","errorMessage":"no"}"#, Some("AccessDenied")),
            (r#"{"errorCode":"","errorMessage":"Failed authentication"}"#, Some("Failed authentication")),
            (
                r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}"#,
                Some("Failure"),
            ),
            (r#"{"eventName":"SwitchRole","responseElements":{"SwitchRole":"Failure"}}"#, Some("Failure")),
            (
                r#"{"eventName":"CheckMfa","errorCode":null,"responseElements":{"CheckMfa":"Failure"}}"#,
                Some("Failure"),
            ),
            (r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"}}"#, None),
            (r#"{"eventName":"GetUser","responseElements":{"ConsoleLogin":"Failure"}}"#, None),
            (r#"{"errorCode":"","errorMessage":""}"#, None),
            (r#"{"errorCode":7,"responseElements":"x"}"#, None),
        ] {
            assert_eq!(error(&Record::new(record.as_bytes())).as_deref(), expected, "{record}");
        }
    }

    #[test]
    fn insights_events_tell_of_the_call_that_they_are_about() {
        let insight = r#"{"insightDetails":{"state":"End","eventSource":"ec2.amazonaws.com","eventName":"DescribeRegions",
            "insightType":"ApiCallRateInsight"}}"#;
        assert_eq!(texts(Derived::Call, insight), ["DescribeRegions (ApiCallRateInsight, End)"]);
        assert_eq!(texts(Derived::Service, insight), ["ec2.amazonaws.com"]);
        assert_eq!(texts(Derived::Call, r#"{"eventName":"GetUser","insightDetails":null}"#), ["GetUser"]);
        assert!(texts(Derived::Call, "{}").is_empty());
    }

    #[test]
    fn times_are_cut_in_utc() {
        let record = r#"{"eventTime":"2024-03-01T01:30:00+02:00"}"#;
        assert_eq!(texts(Derived::Hour, record), ["2024-02-29T23:00Z"]);
        assert_eq!(texts(Derived::Day, record), ["2024-02-29"]);
        assert_eq!(texts(Derived::Weekday, record), ["thu"]);
        assert!(texts(Derived::Day, r#"{"eventTime":"soon"}"#).is_empty());
    }

    #[test]
    fn names_are_read_in_any_case_and_printed_in_one() {
        assert_eq!(Named::of("Label").map(Named::name), Some("integrity"));
        assert_eq!(Named::of("eventName"), None);
        for name in Named::all() {
            assert_eq!(Named::of(name).and_then(|named| Named::of(named.name())), Named::of(name), "{name}");
        }
    }
}
