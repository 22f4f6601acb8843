//! The columns: fields that are asked most, in groups that vary together.
//!
//! Of every event and group, a column holds which of the segment's different values it has. Such a value is what of the record
//! belongs to the group, as JSON that a condition can be asked of as if it were the record (`{"userIdentity":{…}}`), and
//! what is derived from more than that, computed when the file was read.

use std::{borrow::Cow, collections::HashMap, ops::ControlFlow};

use trailseal_query::{
    Predicate, Record,
    category::category,
    derived::{self, Derived},
    json::Value,
    predicate::Truth,
    walk::{Member, WalkedRecord},
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

const IDENTITY: &str = "userIdentity";
const ACCESS_KEY: &str = "accessKeyId";
const SESSION: &str = "sessionContext";
/// What of a session varies no more than who called.
const OF_SESSION: [&str; 3] = ["sessionIssuer", "sourceIdentity", "assumedRoot"];

impl ColumnGroup {
    /// All of them, in the order in which they are stored.
    pub const ALL: [Self; 7] =
        [Self::Call, Self::Identity, Self::AccessKey, Self::Source, Self::Agent, Self::Outcome, Self::Place];

    /// Its place in [`ColumnGroup::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Members of records that are kept whole.
    const fn whole(self) -> &'static [Member] {
        match self {
            Self::Call => &[
                Member::EventName,
                Member::EventSource,
                Member::ReadOnly,
                Member::EventCategory,
                Member::ManagementEvent,
                Member::EventType,
                Member::EventVersion,
            ],
            Self::Identity | Self::AccessKey => &[],
            Self::Source => &[Member::SourceIpAddress],
            Self::Agent => &[Member::UserAgent],
            Self::Outcome => &[Member::ErrorCode],
            Self::Place => &[Member::AwsRegion, Member::RecipientAccountId],
        }
    }

    /// The group that holds everything to which a path leads.
    pub fn of_path(path: &[String]) -> Option<Self> {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names[..] {
            [IDENTITY, ACCESS_KEY, ..] => Some(Self::AccessKey),
            [] | [IDENTITY, SESSION] => None,
            [IDENTITY, SESSION, member, ..] => OF_SESSION.contains(&member).then_some(Self::Identity),
            [IDENTITY, _, ..] => Some(Self::Identity),
            [top, ..] => Self::ALL.into_iter().find(|group| group.whole().iter().any(|m| m.name() == top)),
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
pub struct GroupValue<'b> {
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

    /// What is kept of the record: fields of the group are those of the record, and so is what is derived from them alone.
    pub fn record(&self) -> Record<'b> {
        Record::new(self.record)
    }

    /// Shows `visit` every text that the record has of what is derived ([`ColumnGroup::of_derived`] must say that it is of the
    /// group).
    pub fn visit(
        &self,
        derived: Derived,
        visit: &mut dyn FnMut(Cow<'b, str>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match derived {
            // these follow from more than what is kept
            Derived::Category | Derived::Error => {
                self.derived.map_or(ControlFlow::Continue(()), |text| visit(text.into()))
            }
            _ => derived.visit(&self.record(), visit),
        }
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
    /// Of each group inputs that were met lately, of those whose first members look alike the last one, and their values.
    recent: [Vec<(Vec<u8>, usize)>; ColumnGroup::ALL.len()],
    /// By the last digits of its number, an identity that was met, and its value and that of its key.
    identities: Vec<(u64, [usize; 2])>,
    input: Vec<u8>,
    record: Vec<u8>,
    value: Vec<u8>,
    values: Vec<Box<[u8]>>,
    /// How often all that was known was forgotten.
    generation: u32,
    bytes: usize,
}

/// The number that an [`Extractor`] gives a value: of those of one generation, none is given twice, and all are small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtractedNumber {
    pub(crate) generation: u32,
    pub(crate) number: usize,
}

#[derive(Debug)]
struct Known {
    input: Box<[u8]>,
    value: usize,
}

/// Inputs of a group that are found by how they look.
const RECENT: usize = 64;

/// Identities that are found by their numbers.
const IDENTITIES: usize = 256;

/// Bytes of values after which all that is known is forgotten.
const MAX_KNOWN: usize = 16 << 20;

impl Extractor {
    /// Shows `visit` the value of each group in a record, in their order, with its number, and gives the record's
    /// time in seconds. All records must have been walked by one walker.
    ///
    /// # Errors
    /// [`NotIndexed`] for a record that is not as all others are.
    pub fn extract(
        &mut self,
        record: &WalkedRecord<'_>,
        visit: &mut dyn FnMut(ColumnGroup, ExtractedNumber, &[u8]),
    ) -> Result<i64, NotIndexed> {
        if record.has_escaped_name() {
            return Err(NotIndexed::Odd);
        }
        if record.has_insight() {
            return Err(NotIndexed::Insight);
        }
        // a list would stand for its elements; neither has it a time
        let time = record.time().ok_or(NotIndexed::Time)?.epoch();
        if !matches!(record.raw(Member::UserIdentity), None | Some([b'{', ..] | b"null")) {
            return Err(NotIndexed::Odd);
        }
        if self.bytes > MAX_KNOWN {
            *self = Self { generation: self.generation.wrapping_add(1), ..Self::default() };
        }
        let identity = self.identity(record)?;
        for group in ColumnGroup::ALL {
            let number = match group {
                ColumnGroup::Identity => identity[0],
                ColumnGroup::AccessKey => identity[1],
                _ => self.value(group, record)?,
            };
            let value = self.values.get(number).map_or(&[][..], |value| value);
            visit(group, ExtractedNumber { generation: self.generation, number }, value);
        }
        Ok(time)
    }

    /// The values of who called and with which key, which follow from the identity alone.
    fn identity(&mut self, record: &WalkedRecord<'_>) -> Result<[usize; 2], NotIndexed> {
        let identity = record.identity_number();
        let place = identity.map(|identity| (identity % IDENTITIES as u64) as usize);
        if let (Some(identity), Some((known, values))) =
            (identity, place.and_then(|at| self.identities.get(at)))
            && *known == identity
        {
            return Ok(*values);
        }
        let values =
            [self.value(ColumnGroup::Identity, record)?, self.value(ColumnGroup::AccessKey, record)?];
        if let (Some(identity), Some(place)) = (identity, place) {
            self.identities.resize(IDENTITIES, (0, [0; 2]));
            self.identities[place] = (identity, values);
        }
        Ok(values)
    }

    fn value(&mut self, group: ColumnGroup, record: &WalkedRecord<'_>) -> Result<usize, NotIndexed> {
        let Self { known, recent, input, record: kept, value, values, bytes, .. } = self;
        let derived = if tells(group, record) { None } else { derive(group, record) };
        let mut recent = match group.whole().first() {
            Some(first) if derived.is_none() => {
                let recent = &mut recent[group.index()];
                recent.resize(RECENT, (Vec::new(), 0));
                recent.get_mut(look(record.raw(*first).unwrap_or_default()) % RECENT)
            }
            _ => None,
        };
        if let Some((input, number)) = &recent
            && is_input(input, group, record)
        {
            return Ok(*number);
        }
        input.clear();
        // all that the value follows from
        match group {
            ColumnGroup::Identity => record.write_without_session(input),
            ColumnGroup::AccessKey => write_access_key(record, input)?,
            _ => {
                for member in group.whole() {
                    input.extend_from_slice(record.raw(*member).unwrap_or_default());
                    input.push(b',');
                }
            }
        }
        if let Some(derived) = &derived {
            input.push(b'\0');
            input.extend_from_slice(derived.as_bytes());
        }
        let mut keep = |number: usize| {
            if let Some((last, of)) = &mut recent {
                input.clone_into(last);
                *of = number;
            }
            number
        };
        let known = &mut known[group.index()];
        let hash = hash(input);
        if let Some(found) = known.get(&hash)
            && *found.input == **input
        {
            return Ok(keep(found.value));
        }
        kept.clear();
        match group {
            ColumnGroup::Identity => write_identity(record.value(Member::UserIdentity), kept)?,
            ColumnGroup::AccessKey => kept.extend_from_slice(input),
            _ => write_whole(group, record, kept),
        }
        let derived = if tells(group, record) { derive_from(group, &Record::new(kept)) } else { derived };
        write_value(kept, derived.as_deref(), value);
        *bytes += input.len() + value.len();
        known.insert(hash, Known { input: input.as_slice().into(), value: values.len() });
        values.push(value.as_slice().into());
        Ok(keep(values.len() - 1))
    }
}

/// A number by the ends of a value, as a quick guess at which it is.
#[inline]
fn look(raw: &[u8]) -> usize {
    let number = match (raw.first_chunk(), raw.last_chunk()) {
        (Some(first), Some(last)) => u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(17),
        _ => raw.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    };
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize
}

/// Whether an input was written of the members of a group that a record has, and of nothing else.
#[inline]
fn is_input(mut input: &[u8], group: ColumnGroup, record: &WalkedRecord<'_>) -> bool {
    for member in group.whole() {
        let rest = input.strip_prefix(record.raw(*member).unwrap_or_default());
        let Some([b',', rest @ ..]) = rest else { return false };
        input = rest;
    }
    input.is_empty()
}

/// What is told of a group beside its members.
fn derive<'a>(group: ColumnGroup, record: &WalkedRecord<'a>) -> Option<Cow<'a, str>> {
    match group {
        ColumnGroup::Outcome => record.error(),
        _ => derive_from(group, &Record::new(record.bytes())),
    }
}

fn derive_from<'a>(group: ColumnGroup, record: &Record<'a>) -> Option<Cow<'a, str>> {
    match group {
        ColumnGroup::Call => category(record).map(|category| category.name().into()),
        ColumnGroup::Outcome => derived::error(record),
        _ => None,
    }
}

/// Whether what is derived follows from the members of the group alone, so that it need not be asked of each record.
fn tells(group: ColumnGroup, record: &WalkedRecord<'_>) -> bool {
    match group {
        ColumnGroup::Call => !matches!(record.raw(Member::EventCategory), None | Some(b"null")),
        ColumnGroup::Outcome => {
            let code = record.value(Member::ErrorCode);
            code.and_then(|code| code.as_str()).is_some_and(|code| !code.is_empty())
        }
        _ => true,
    }
}

/// The members of a group as an object.
fn write_whole(group: ColumnGroup, record: &WalkedRecord<'_>, to: &mut Vec<u8>) {
    to.push(b'{');
    let mut is_first = true;
    for member in group.whole() {
        if let Some(raw) = record.raw(*member) {
            push_member(member.name().as_bytes(), raw, &mut is_first, to);
        }
    }
    to.push(b'}');
}

/// A value as it stands in the record.
fn as_written(value: Value<'_>) -> Cow<'_, [u8]> {
    match value {
        Value::String(text) => [b"\"", text.raw(), b"\""].concat().into(),
        Value::Object(raw) | Value::Array(raw) => raw.into(),
        Value::Number(number) => number.as_bytes().into(),
        Value::Null | Value::Bool(_) => value.json(),
    }
}

fn push_member(name: &[u8], raw: &[u8], is_first: &mut bool, to: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        to.push(b',');
    }
    to.push(b'"');
    to.extend_from_slice(name);
    to.extend_from_slice(b"\":");
    to.extend_from_slice(raw);
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
                            push_member(
                                key.raw(),
                                &as_written(value),
                                &mut is_first_of_session,
                                &mut session,
                            );
                        }
                    }
                    session.push(b'}');
                    push_member(key.raw(), &session, &mut is_first, to);
                }
                (b"sessionContext", Value::Null) => push_member(key.raw(), b"null", &mut is_first, to),
                (b"sessionContext", _) => return Err(NotIndexed::Odd),
                (name, value) => push_member(name, &as_written(value), &mut is_first, to),
            }
        }
        to.push(b'}');
    }
    to.push(b'}');
    Ok(())
}

fn write_access_key(record: &WalkedRecord<'_>, to: &mut Vec<u8>) -> Result<(), NotIndexed> {
    match record.access_key() {
        Some(key @ ([b'"', ..] | b"null")) => {
            to.extend_from_slice(b"{\"userIdentity\":{\"accessKeyId\":");
            to.extend_from_slice(key);
            to.extend_from_slice(b"}}");
        }
        Some(_) => return Err(NotIndexed::Odd),
        None => to.extend_from_slice(b"{}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trailseal_query::{
        expression,
        walk::{RecordWalker, ValueVisitor},
    };

    use super::*;

    struct Nobody;

    impl ValueVisitor for Nobody {
        fn text(&mut self, _: &[u8]) {}
        fn number(&mut self, _: &[u8]) {}
    }

    type Values = Vec<(ColumnGroup, Vec<u8>)>;

    /// What reads a file after the other.
    #[derive(Default)]
    struct Reading {
        walker: RecordWalker,
        extractor: Extractor,
    }

    fn extract(reading: &mut Reading, record: &str) -> Result<(i64, Values), NotIndexed> {
        let walked = reading.walker.walk(record.as_bytes(), &mut Nobody).unwrap();
        let mut values = Vec::new();
        let mut add = |group, _, value: &[u8]| values.push((group, value.to_vec()));
        let time = reading.extractor.extract(&walked, &mut add)?;
        Ok((time, values))
    }

    /// The same, each thing asked of the record by its name, and nothing known from before.
    fn slowly(record: &str) -> Result<(i64, Values), NotIndexed> {
        let record = Record::new(record.as_bytes());
        let names = || record.value().members().map_while(Result::ok);
        if names().any(|(name, _)| name.is_escaped()) {
            return Err(NotIndexed::Odd);
        }
        if names().any(|(name, value)| name.is("insightDetails") && value != Value::Null) {
            return Err(NotIndexed::Insight);
        }
        if !matches!(record.member("eventTime"), Some(Value::String(_))) {
            return Err(NotIndexed::Time);
        }
        let time = record.time().ok_or(NotIndexed::Time)?.epoch();
        let identity = record.member(IDENTITY);
        if !matches!(identity, None | Some(Value::Null | Value::Object(_))) {
            return Err(NotIndexed::Odd);
        }
        let mut values = Vec::new();
        for group in ColumnGroup::ALL {
            let (mut kept, mut value) = (Vec::new(), Vec::new());
            match group {
                ColumnGroup::Identity => write_identity(identity, &mut kept)?,
                ColumnGroup::AccessKey => match identity.and_then(|identity| identity.member(ACCESS_KEY)) {
                    None => kept.extend_from_slice(b"{}"),
                    Some(key @ (Value::String(_) | Value::Null)) => {
                        let key = String::from_utf8(as_written(key).into_owned()).unwrap();
                        kept = format!("{{\"userIdentity\":{{\"accessKeyId\":{key}}}}}").into_bytes();
                    }
                    Some(_) => return Err(NotIndexed::Odd),
                },
                _ => {
                    let members = group.whole().iter().filter_map(|member| {
                        let value = record.member(member.name())?;
                        let raw = String::from_utf8(as_written(value).into_owned()).unwrap();
                        Some(format!("\"{}\":{raw}", member.name()))
                    });
                    kept = format!("{{{}}}", members.collect::<Vec<_>>().join(",")).into_bytes();
                }
            }
            write_value(&kept, derive_from(group, &record).as_deref(), &mut value);
            values.push((group, value));
        }
        Ok((time, values))
    }

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
        let mut reading = Reading::default();
        for _ in 0..2 {
            let (time, found) = extract(&mut reading, RECORD).unwrap();
            values.extend(found);
            assert_eq!(time, 1_709_287_200);
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
            assert_eq!(extract(&mut Reading::default(), &record), Err(why), "{record}");
        }
    }

    const NAMES: [&str; 14] = [
        "eventName",
        "eventSource",
        "readOnly",
        "eventCategory",
        "managementEvent",
        "errorCode",
        "errorMessage",
        "awsRegion",
        "responseElements",
        "insightDetails",
        "userAgent",
        "event\\u004eame",
        "userIdentity",
        "x",
    ];

    fn any_value() -> impl Strategy<Value = String> {
        let values = [
            "null",
            "true",
            "1.0",
            "\"a\"",
            "\"\"",
            "\"a\\\"b\"",
            "[ 1 ]",
            "{ }",
            "\"Data\"",
            "\"ConsoleLogin\"",
            "{\"ConsoleLogin\": \"Failure\"}",
            "{\"ConsoleLogin\":\"Fail\\u0075re\"}",
        ];
        proptest::sample::select(values.to_vec()).prop_map(str::to_owned)
    }

    fn any_object(names: &[&'static str], value: BoxedStrategy<String>) -> BoxedStrategy<String> {
        let member = (proptest::sample::select(names.to_vec()), value);
        let members = proptest::collection::vec(member, 0..5);
        let write = |(members, space): (Vec<(&str, String)>, &str)| {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("\"{name}\":{space}{value}")).collect();
            format!("{{{space}{}}}", members.join(","))
        };
        (members, proptest::sample::select(vec!["", "", " "])).prop_map(write).boxed()
    }

    fn any_identity() -> BoxedStrategy<String> {
        let session = any_object(&["attributes", "attributes", "sessionIssuer", "x"], any_value().boxed());
        let session = prop_oneof![4 => session, 1 => Just("null".to_owned()), 1 => any_value()].boxed();
        let text =
            prop_oneof![6 => Just("\"k\"".to_owned()), 3 => Just("\"l\"".to_owned()), 1 => any_value()]
                .boxed();
        let rest = any_object(&["type", "accessKeyId", "arn", "type", "acc\\u0065ssKeyId"], text.clone());
        (session, text, rest)
            .prop_map(|(session, key, rest)| {
                let rest =
                    if rest.trim_matches(['{', '}', ' ']).is_empty() { "{\"y\":1}".to_owned() } else { rest };
                format!("{{\"accessKeyId\":{key},\"sessionContext\":{session},{}", &rest[1..])
            })
            .boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        /// Records that are alike in all but a few things follow each other, so that what is known of one must not be said
        /// of another.
        #[test]
        fn values_are_those_of_each_record_alone(
            records in proptest::collection::vec(
                (any_object(&NAMES, any_value().boxed()), any_identity(), prop_oneof![9 => Just("\"2024-03-01T10:00:00Z\""), 1 => Just("null")]),
                1..12,
            ),
        ) {
            let mut reading = Reading::default();
            for (members, identity, time) in records {
                let more = if members.trim_matches(['{', '}', ' ']).is_empty() { "}" } else { &format!(",{}", &members[1..]) };
                let record = format!("{{\"eventTime\":{time},\"userIdentity\":{identity}{more}");
                prop_assert_eq!(extract(&mut reading, &record), slowly(&record), "{}", record);
            }
        }
    }
}
