//! The columns: fields that are asked most, in groups that vary together.
//!
//! Of every event and group, a column holds which of the segment's different values it has. Such a value is what of the record
//! belongs to the group, as JSON that a condition can be asked of as if it were the record (`{"userIdentity":{…}}`), and
//! what is derived from more than that, computed when the file was read.

use std::{borrow::Cow, collections::HashMap};

use trailseal_query::{
    Predicate, Record,
    category::category,
    derived::{self, Derived},
    json::Value,
    predicate::Truth,
};

use crate::hashing::{ByHash, hash};

/// Fields that vary together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnGroup {
    /// What was called.
    Call,
    /// Who called.
    Identity,
    /// With which key.
    AccessKey,
    /// From where.
    Source,
    /// With what.
    Agent,
    /// Whether it failed.
    Outcome,
    /// In which account and Region.
    Place,
}

/// Members of records that are kept whole, by group.
const WHOLE: [(ColumnGroup, &[&str]); 5] = [
    (
        ColumnGroup::Call,
        &[
            "eventName",
            "eventSource",
            "readOnly",
            "eventCategory",
            "managementEvent",
            "eventType",
            "eventVersion",
        ],
    ),
    (ColumnGroup::Source, &["sourceIPAddress"]),
    (ColumnGroup::Agent, &["userAgent"]),
    (ColumnGroup::Outcome, &["errorCode"]),
    (ColumnGroup::Place, &["awsRegion", "recipientAccountId"]),
];

/// Their places among all of [`WHOLE`].
const EVENT_CATEGORY: usize = 3;
const ERROR_CODE: usize = 9;

const IDENTITY: &str = "userIdentity";
const ACCESS_KEY: &str = "accessKeyId";
const SESSION: &str = "sessionContext";
/// What of a session varies no more than who called.
const OF_SESSION: [&str; 3] = ["sessionIssuer", "sourceIdentity", "assumedRoot"];
const INSIGHT: &str = "insightDetails";
const TIME: &str = "eventTime";

impl ColumnGroup {
    /// All of them, in the order in which they are stored.
    pub const ALL: [Self; 7] =
        [Self::Call, Self::Identity, Self::AccessKey, Self::Source, Self::Agent, Self::Outcome, Self::Place];

    /// Its place in [`ColumnGroup::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The group that holds everything to which a path leads.
    pub fn of_path(path: &[String]) -> Option<Self> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            [IDENTITY, ACCESS_KEY, ..] => Some(Self::AccessKey),
            [] | [IDENTITY, SESSION] => None,
            [IDENTITY, SESSION, member, ..] => OF_SESSION.contains(&member).then_some(Self::Identity),
            [IDENTITY, _, ..] => Some(Self::Identity),
            [top, ..] => WHOLE.iter().find(|(_, members)| members.contains(&top)).map(|(group, _)| *group),
        }
    }

    /// The group that tells what is derived.
    pub fn of_derived(derived: Derived) -> Option<Self> {
        match derived {
            Derived::Username | Derived::Principal | Derived::Actor | Derived::PrincipalNames => {
                Some(Self::Identity)
            }
            Derived::Category | Derived::Call | Derived::Service => Some(Self::Call),
            Derived::Error => Some(Self::Outcome),
            Derived::ResourceName
            | Derived::ResourceType
            | Derived::Hour
            | Derived::Day
            | Derived::Weekday => None,
        }
    }

    /// The group of which a single condition asks, and of nothing else.
    pub(crate) fn of_condition(condition: &Predicate) -> Option<Self> {
        match condition {
            Predicate::Field(path, _) | Predicate::Element(path, _) => Self::of_path(path.segments()),
            Predicate::Fields(one, _, other) => {
                let group = Self::of_path(one.segments())?;
                (Self::of_path(other.segments()) == Some(group)).then_some(group)
            }
            Predicate::Derived(derived, _) => Self::of_derived(*derived),
            Predicate::Category(_) => Some(Self::Call),
            _ => None,
        }
    }
}

/// A value of a group: what is kept of the record, and what is derived from more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupValue<'b> {
    pub(crate) record: &'b [u8],
    /// Of a call its category, of an outcome its error.
    pub(crate) derived: Option<&'b str>,
}

impl<'b> GroupValue<'b> {
    /// Reads what [`write_value`] wrote.
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (record, derived) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        let derived = match derived.split_first() {
            None => None,
            Some((_, text)) => Some(str::from_utf8(text).ok()?),
        };
        Some(Self { record, derived })
    }

    /// What a condition of the group comes to.
    pub(crate) fn evaluate(&self, condition: &Predicate) -> Truth {
        match condition {
            Predicate::Category(wanted) => self
                .derived
                .map_or(Truth::Unknown, |name| wanted.iter().any(|category| category.name() == name).into()),
            Predicate::Derived(Derived::Category | Derived::Error, test) => test.of_text(self.derived),
            _ => condition.evaluate(&Record::new(self.record)),
        }
    }
}

fn write_value(record: &[u8], derived: Option<&str>, to: &mut Vec<u8>) {
    to.clear();
    to.extend_from_slice(&(record.len() as u32).to_le_bytes());
    to.extend_from_slice(record);
    if let Some(text) = derived {
        to.push(b'=');
        to.extend_from_slice(text.as_bytes());
    }
}

/// Why a file is not indexed and read each time instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIndexed {
    /// A record has no time that can be read, or none in seconds.
    Time,
    /// A record's members are of a nature that they never have.
    Odd,
    /// It holds Insights events, which are named by what they are about.
    Insight,
    /// It holds more documents in texts, or values, than are looked for.
    TooMuch,
}

/// Finds the values of groups in records. What was found before is found by the bytes that it was made of.
#[derive(Debug, Default)]
pub struct Extractor {
    known: [HashMap<u64, Known, ByHash>; ColumnGroup::ALL.len()],
    input: Vec<u8>,
    record: Vec<u8>,
    value: Vec<u8>,
    values: Vec<Box<[u8]>>,
    /// The number of the first of them: none is given twice.
    first: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Known {
    input: Box<[u8]>,
    value: usize,
}

/// Bytes of values after which all that is known is forgotten.
const MAX_KNOWN: usize = 16 << 20;

impl Extractor {
    /// Shows `visit` the value of each group in a record, in their order, with a number of its own, and gives the record's time in seconds.
    ///
    /// # Errors
    /// [`NotIndexed`] for a record that is not as all others are.
    pub fn extract(
        &mut self,
        record: &Record<'_>,
        visit: &mut dyn FnMut(ColumnGroup, u64, &[u8]),
    ) -> Result<i64, NotIndexed> {
        let members = TopMembers::of(record)?;
        let time = record.time().ok_or(NotIndexed::Time)?.epoch();
        if self.bytes > MAX_KNOWN {
            let first = self.first + self.values.len() as u64;
            *self = Self { first, ..Self::default() };
        }
        for group in ColumnGroup::ALL {
            let at = self.value(group, &members, record)?;
            visit(group, self.first + at as u64, self.values.get(at).map_or(&[], |value| &**value));
        }
        Ok(time)
    }

    fn value(
        &mut self,
        group: ColumnGroup,
        members: &TopMembers<'_>,
        record: &Record<'_>,
    ) -> Result<usize, NotIndexed> {
        let Self { known, input, record: kept, value, values, bytes, .. } = self;
        input.clear();
        match group {
            ColumnGroup::Identity => members.identity.iter().for_each(|identity| push(*identity, input)),
            ColumnGroup::AccessKey => write_access_key(members.identity, input)?,
            _ => members.copy(group, input),
        }
        let derived = if members.tells(group) { None } else { derive(group, record) };
        input.push(b'\0');
        input.extend_from_slice(derived.as_deref().unwrap_or_default().as_bytes());
        let known = &mut known[group.index()];
        let hash = hash(input);
        if let Some(found) = known.get(&hash)
            && *found.input == **input
        {
            return Ok(found.value);
        }
        kept.clear();
        match group {
            ColumnGroup::Identity => write_identity(members.identity, kept)?,
            ColumnGroup::AccessKey => kept.extend_from_slice(input.strip_suffix(b"\0").unwrap_or_default()),
            _ => {
                kept.push(b'{');
                members.copy(group, kept);
                kept.push(b'}');
            }
        }
        let derived = if members.tells(group) { derive(group, &Record::new(kept)) } else { derived };
        write_value(kept, derived.as_deref(), value);
        *bytes += input.len() + value.len();
        known.insert(hash, Known { input: input.as_slice().into(), value: values.len() });
        values.push(value.as_slice().into());
        Ok(values.len() - 1)
    }
}

/// What is told of a group beside its members.
fn derive<'a>(group: ColumnGroup, record: &Record<'a>) -> Option<Cow<'a, str>> {
    match group {
        ColumnGroup::Call => category(record).map(|category| category.name().into()),
        ColumnGroup::Outcome => derived::error(record),
        _ => None,
    }
}

/// The members of a record that belong to groups; of duplicates the last counts.
#[derive(Default)]
struct TopMembers<'a> {
    whole: [Option<Value<'a>>; 12],
    identity: Option<Value<'a>>,
}

impl<'a> TopMembers<'a> {
    fn of(record: &Record<'a>) -> Result<Self, NotIndexed> {
        let mut found = Self::default();
        let mut time = None;
        for (key, value) in record.value().members().map_while(Result::ok) {
            if key.is_escaped() {
                return Err(NotIndexed::Odd);
            }
            let name = key.raw();
            if name == IDENTITY.as_bytes() {
                found.identity = Some(value);
            } else if name == TIME.as_bytes() {
                time = Some(value);
            } else if name == INSIGHT.as_bytes() && value != Value::Null {
                return Err(NotIndexed::Insight);
            } else if let Some(at) = whole_index(name) {
                found.whole[at] = Some(value);
            }
        }
        // a list would stand for its elements
        if !matches!(time, Some(Value::String(_))) {
            return Err(NotIndexed::Time);
        }
        match found.identity {
            None | Some(Value::Null | Value::Object(_)) => Ok(found),
            Some(_) => Err(NotIndexed::Odd),
        }
    }

    /// Whether what is derived follows from the members of the group alone, so that it need not be asked of each record.
    fn tells(&self, group: ColumnGroup) -> bool {
        match group {
            ColumnGroup::Call => !matches!(self.whole[EVENT_CATEGORY], None | Some(Value::Null)),
            ColumnGroup::Outcome => {
                self.whole[ERROR_CODE].and_then(|code| code.as_str()).is_some_and(|code| !code.is_empty())
            }
            _ => true,
        }
    }

    /// The members of a group as they stand in an object.
    fn copy(&self, group: ColumnGroup, to: &mut Vec<u8>) {
        let mut is_first = true;
        let start = all_whole().take_while(|(of, _)| *of != group).count();
        for ((of, name), value) in all_whole().zip(&self.whole).skip(start) {
            if of != group {
                break;
            }
            let Some(value) = value else { continue };
            push_member(name.as_bytes(), *value, &mut is_first, to);
        }
    }
}

fn all_whole() -> impl Iterator<Item = (ColumnGroup, &'static str)> {
    WHOLE.iter().flat_map(|(group, members)| members.iter().map(|member| (*group, *member)))
}

/// The place of a name among [`all_whole`].
fn whole_index(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"eventName" => 0,
        b"eventSource" => 1,
        b"readOnly" => 2,
        b"eventCategory" => EVENT_CATEGORY,
        b"managementEvent" => 4,
        b"eventType" => 5,
        b"eventVersion" => 6,
        b"sourceIPAddress" => 7,
        b"userAgent" => 8,
        b"errorCode" => ERROR_CODE,
        b"awsRegion" => 10,
        b"recipientAccountId" => 11,
        _ => return None,
    })
}

/// A value as it stands in the record.
fn push(value: Value<'_>, to: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            to.push(b'"');
            to.extend_from_slice(text.raw());
            to.push(b'"');
        }
        Value::Object(raw) | Value::Array(raw) => to.extend_from_slice(raw),
        Value::Number(number) => to.extend_from_slice(number.as_bytes()),
        Value::Null | Value::Bool(_) => to.extend_from_slice(&value.json()),
    }
}

fn push_member(name: &[u8], value: Value<'_>, is_first: &mut bool, to: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        to.push(b',');
    }
    to.push(b'"');
    to.extend_from_slice(name);
    to.extend_from_slice(b"\":");
    push(value, to);
}

/// Who called, without what is different in every session.
fn write_identity(identity: Option<Value<'_>>, to: &mut Vec<u8>) -> Result<(), NotIndexed> {
    to.push(b'{');
    if let Some(identity) = identity {
        let mut is_first = true;
        to.extend_from_slice(b"\"userIdentity\":");
        if identity == Value::Null {
            to.extend_from_slice(b"null}");
            return Ok(());
        }
        to.push(b'{');
        for (key, value) in identity.members().map_while(Result::ok) {
            if key.is_escaped() {
                return Err(NotIndexed::Odd);
            }
            match (key.raw(), value) {
                (b"accessKeyId", _) => {}
                (b"sessionContext", Value::Object(_)) => {
                    let mut session = b"{".to_vec();
                    let mut is_first_of_session = true;
                    for (key, value) in value.members().map_while(Result::ok) {
                        if key.is_escaped() {
                            return Err(NotIndexed::Odd);
                        }
                        if OF_SESSION.iter().any(|name| name.as_bytes() == key.raw()) {
                            push_member(key.raw(), value, &mut is_first_of_session, &mut session);
                        }
                    }
                    session.push(b'}');
                    push_member(key.raw(), Value::Object(&session), &mut is_first, to);
                }
                (b"sessionContext", Value::Null) => push_member(key.raw(), value, &mut is_first, to),
                (b"sessionContext", _) => return Err(NotIndexed::Odd),
                (name, value) => push_member(name, value, &mut is_first, to),
            }
        }
        to.push(b'}');
    }
    to.push(b'}');
    Ok(())
}

fn write_access_key(identity: Option<Value<'_>>, to: &mut Vec<u8>) -> Result<(), NotIndexed> {
    let key = identity.and_then(|identity| identity.member(ACCESS_KEY));
    match key {
        Some(key @ (Value::String(_) | Value::Null)) => {
            to.extend_from_slice(b"{\"userIdentity\":{\"accessKeyId\":");
            push(key, to);
            to.extend_from_slice(b"}}");
        }
        Some(_) => return Err(NotIndexed::Odd),
        None => to.extend_from_slice(b"{}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use trailseal_query::expression;

    use super::*;

    const RECORD: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","principalId":"AROAX:alice",
        "arn":"arn:aws:sts::111122223333:assumed-role/Ops/alice","accountId":"111122223333","accessKeyId":"ASIAX",
        "sessionContext":{"sessionIssuer":{"type":"Role","userName":"Ops"},"attributes":{"creationDate":"x"}}},
        "eventTime":"2024-03-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"ListUsers",
        "awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","userAgent":"aws-cli","errorCode":"AccessDenied",
        "requestParameters":null,"readOnly":true,"managementEvent":true,"recipientAccountId":"111122223333"}"#;

    #[test]
    fn conditions_come_to_the_same_of_what_is_kept() {
        let record = Record::new(RECORD.as_bytes());
        let mut values = HashMap::new();
        let mut extractor = Extractor::default();
        for _ in 0..2 {
            let time = extractor.extract(&record, &mut |group, _, value| {
                values.insert(group, value.to_vec());
            });
            assert_eq!(time, Ok(1_709_287_200));
        }
        for condition in [
            "eventName = 'ListUsers'",
            "readOnly = true",
            "userIdentity.type = 'Root'",
            "userIdentity.sessionContext.sessionIssuer.userName LIKE 'O%'",
            "userIdentity.accessKeyId = 'ASIAX'",
            "userIdentity.nothing IS NULL",
            "username = 'alice'",
            "principal = '111122223333:role/Ops'",
            "error = 'AccessDenied'",
            "errorCode IS NULL",
            "category = 'Management'",
            "eventCategory IS NULL",
            "sourceIPAddress <> '203.0.113.9'",
            "recipientAccountId = userIdentity.accountId",
            "awsRegion = recipientAccountId",
        ] {
            let condition = match expression::parse(condition).unwrap() {
                Predicate::Not(inner) => *inner,
                condition => condition,
            };
            let Some(group) = ColumnGroup::of_condition(&condition) else {
                assert!(matches!(condition, Predicate::Fields(..)));
                continue;
            };
            let value = GroupValue::read(&values[&group]).unwrap();
            assert_eq!(value.evaluate(&condition), condition.evaluate(&record), "{condition:?}");
        }
    }

    #[test]
    fn members_are_found_where_they_stand() {
        for (at, (_, name)) in all_whole().enumerate() {
            assert_eq!(whole_index(name.as_bytes()), Some(at), "{name}");
        }
        assert_eq!(whole_index(b"x"), None);
    }

    #[test]
    fn what_is_left_out_is_asked_of_nobody() {
        for path in [
            "userIdentity",
            "userIdentity.sessionContext",
            "userIdentity.sessionContext.attributes",
            "eventID",
            "x",
        ] {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            assert_eq!(ColumnGroup::of_path(&path), None, "{path:?}");
        }
    }

    #[test]
    fn odd_records_are_left_to_those_who_read_them() {
        let time = r#""eventTime":"2024-03-01T10:00:00Z""#;
        for (record, why) in [
            (r#"{"eventTime":"soon"}"#.to_owned(), NotIndexed::Time),
            (r#"{"eventTime":["2024-03-01T10:00:00Z"]}"#.to_owned(), NotIndexed::Time),
            (format!(r#"{{{time},"userIdentity":[]}}"#), NotIndexed::Odd),
            (format!(r#"{{{time},"event\u004eame":"x"}}"#), NotIndexed::Odd),
            (format!(r#"{{{time},"userIdentity":{{"accessKeyId":["x"]}}}}"#), NotIndexed::Odd),
            (format!(r#"{{{time},"insightDetails":{{}}}}"#), NotIndexed::Insight),
        ] {
            let found = Extractor::default().extract(&Record::new(record.as_bytes()), &mut |_, _, _| {});
            assert_eq!(found, Err(why), "{record}");
        }
    }
}
