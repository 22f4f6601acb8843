//! One event record, as the bytes that hold it.

use std::{borrow::Cow, ops::ControlFlow, sync::LazyLock};

use memchr::memmem::Finder;
use trailseal_archive::Timestamp;

use crate::{
    json::{
        Malformed, Text, Value, compact, decode, first_value, lossy,
        structure::{depth_between, end_of_bracketed},
    },
    path::FieldPath,
};

/// Arrays directly within arrays that a path looks through; records nest them once at most.
pub(crate) const MAX_NESTED_ARRAYS: u32 = 16;

static EVENT_TIME: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["eventTime"]));

/// An event record: the bytes of one JSON object, from brace to brace.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    /// Whether every name is spelled as it is, so that members can be found by their bytes.
    is_plain: bool,
}

impl<'a> Record<'a> {
    /// Takes the bytes of one JSON object, without white space around them. Nothing is checked yet.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, is_plain: false }
    }

    /// The same for an object in which neither `\u` nor `\/` stands, and whose brackets are balanced: its members
    /// are found faster.
    pub(crate) fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, is_plain: true }
    }

    /// Whether members are found by their bytes.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The bytes as they are in the file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The record on one line: as it is in the file, or without its white space where it spans lines.
    pub fn line(&self) -> Cow<'a, [u8]> {
        // A line break is either between tokens or, in strings, no JSON.
        if memchr::memchr2(b'\n', b'\r', self.bytes).is_some() {
            compact(self.bytes)
        } else {
            self.bytes.into()
        }
    }

    /// The record as a value.
    pub fn value(&self) -> Value<'a> {
        Value::Object(self.bytes)
    }

    /// Whether the bytes are one valid JSON object in UTF-8; what is evaluated or printed must be.
    ///
    /// # Errors
    /// [`Malformed`] with the place in the record.
    pub fn check(&self) -> Result<(), Malformed> {
        let fail = |offset| Malformed { offset };
        if self.bytes.first() != Some(&b'{') {
            return Err(fail(0));
        }
        match serde_json::from_slice::<&serde_json::value::RawValue>(self.bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(fail(offset_of(self.bytes, &error))),
        }
    }

    /// Shows `visit` every value at the end of the path, `null` included, as it is written: none when a name is absent,
    /// several when the way leads through lists. Of duplicate names the last counts. The way may lead into JSON that
    /// stands in a text ([`FieldPath::looks_into_texts`]).
    pub fn visit(
        &self,
        path: &FieldPath,
        visit: &mut dyn FnMut(PathValue<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let way = |names| Way { names, looks_into_texts: path.looks_into_texts() };
        let names = path.segments();
        if !self.is_plain {
            return descend(self.value(), way(names), 0, visit);
        }
        let mut value = self.value();
        for (at, finder) in path.finders().iter().enumerate() {
            let (Value::Object(raw), Some(finder)) = (value, finder) else {
                return descend(value, way(&names[at..]), 0, visit);
            };
            match plain_member(raw, finder) {
                Some(member) => value = member,
                None => return ControlFlow::Continue(()),
            }
        }
        visit(PathValue::InRecord(value))
    }

    /// Shows `visit` every value that the path stands for (docs/spec/records.md 2.8): as [`visit`](Self::visit), where a
    /// list at the end of the path stands for its elements, too. An empty list is a value of its own.
    pub fn visit_each(
        &self,
        path: &FieldPath,
        visit: &mut dyn FnMut(PathValue<'a>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.visit(path, &mut |found| match found {
            PathValue::InRecord(value @ Value::Array(_)) => {
                each_element(value, 0, &mut |element| visit(PathValue::InRecord(element)))
            }
            PathValue::InRecord(_) => visit(found),
            PathValue::InText(json) => each_element(first_of(&json), 0, &mut |element| {
                visit(PathValue::InText(element.json().into()))
            }),
        })
    }

    /// The first value at the end of the path that is not `null` and stands in the record itself.
    pub fn first(&self, path: &FieldPath) -> Option<Value<'a>> {
        let mut first = None;
        let _ = self.visit(path, &mut |found| match found {
            PathValue::InRecord(value) if value != Value::Null => {
                first = Some(value);
                ControlFlow::Break(())
            }
            _ => ControlFlow::Continue(()),
        });
        first
    }

    /// The text of the first value that the path leads to ([`Value::text`]).
    pub fn text(&self, path: &FieldPath) -> Option<Cow<'a, str>> {
        self.first(path)?.text()
    }

    /// A top-level member.
    pub fn member(&self, name: &str) -> Option<Value<'a>> {
        self.value().member(name)
    }

    /// `eventTime`; `None` when it is absent or no time.
    pub fn time(&self) -> Option<Timestamp> {
        time_of(self.first(&EVENT_TIME)?)
    }

    /// The same with the nanoseconds that its fraction says; 0 without one.
    pub fn moment(&self) -> Option<(Timestamp, u32)> {
        let value = self.first(&EVENT_TIME)?;
        let time = time_of(value)?;
        let Value::String(text) = value else { return None };
        let nanos =
            if text.is_escaped() { nanoseconds(text.decode().as_bytes()) } else { nanoseconds(text.raw()) };
        Some((time, nanos))
    }

    /// The record's compact JSON with the escapes in its strings resolved: what keywords and regular
    /// expressions search.
    pub fn plain_text(&self) -> Cow<'a, str> {
        let compacted = compact(self.bytes);
        if memchr::memchr(b'\\', &compacted).is_none() {
            return lossy(compacted);
        }
        decode(&compacted).into()
    }
}

/// Parses an event time: `YYYY-MM-DDTHH:MM:SSZ` quickly, any other RFC 3339 form as well.
pub fn event_time(text: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(text).ok()?;
    Timestamp::parse_digest_field(text).or_else(|_| Timestamp::parse_loose(text)).ok()
}

/// The fraction of a second behind the first dot of a time.
fn nanoseconds(time: &[u8]) -> u32 {
    let Some(dot) = memchr::memchr(b'.', time) else { return 0 };
    let fraction = time[dot + 1..].iter().copied();
    let digits = fraction.take_while(u8::is_ascii_digit).chain(std::iter::repeat(b'0')).take(9);
    digits.fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// The time that the value of an `eventTime` says.
pub(crate) fn time_of(value: Value<'_>) -> Option<Timestamp> {
    let Value::String(text) = value else { return None };
    if text.is_escaped() { event_time(text.decode().as_bytes()) } else { event_time(text.raw()) }
}

/// A value at the end of a path.
#[derive(Clone, Debug)]
pub enum PathValue<'a> {
    /// It stands in the record.
    InRecord(Value<'a>),
    /// It stands in JSON that a text of the record holds; its own JSON.
    InText(Box<[u8]>),
}

impl<'a> PathValue<'a> {
    /// The value.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::InRecord(value) => *value,
            Self::InText(json) => first_of(json),
        }
    }

    /// The text that comparisons use ([`Value::text`]).
    pub fn text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::InRecord(value) => value.text(),
            Self::InText(json) => first_of(json).text().map(|text| text.into_owned().into()),
        }
    }
}

/// The one value that some bytes hold.
fn first_of(json: &[u8]) -> Value<'_> {
    Value::parse(json).unwrap_or(Value::Null)
}

/// The names that are left of a path.
#[derive(Clone, Copy)]
struct Way<'p> {
    names: &'p [String],
    looks_into_texts: bool,
}

/// Follows the names from a value; a list on the way stands for all its elements.
fn descend<'a>(
    value: Value<'a>,
    way: Way<'_>,
    nested: u32,
    visit: &mut dyn FnMut(PathValue<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((name, rest)) = way.names.split_first() else { return visit(PathValue::InRecord(value)) };
    match value {
        Value::Object(_) => match value.member(name) {
            Some(member) => descend(member, Way { names: rest, ..way }, 0, visit),
            None => ControlFlow::Continue(()),
        },
        Value::Array(_) if nested < MAX_NESTED_ARRAYS => {
            for element in value.elements().map_while(Result::ok) {
                descend(element, way, nested + 1, visit)?;
            }
            ControlFlow::Continue(())
        }
        Value::String(text) if way.looks_into_texts => match document_in(text) {
            Some(document) => descend(first_of(&document), way, nested, &mut |found| {
                visit(PathValue::InText(found.value().json().into()))
            }),
            None => ControlFlow::Continue(()),
        },
        _ => ControlFlow::Continue(()),
    }
}

/// Whether a text begins as one may that holds JSON ([`document_in`]); quickly.
#[inline]
pub(crate) fn may_hold_document(text: Text<'_>) -> bool {
    // a percent sign or an escape may spell a bracket
    let is_start = |byte: u8| matches!(byte, b'{' | b'[' | b'%' | b'\\');
    match text.raw().first() {
        Some(first) if !first.is_ascii_whitespace() => is_start(*first),
        Some(_) => text.raw().trim_ascii_start().first().is_some_and(|first| is_start(*first)),
        None => false,
    }
}

/// The JSON object or array that a text holds: as it is, or percent-encoded, as IAM answers policies.
pub(crate) fn document_in(text: Text<'_>) -> Option<Vec<u8>> {
    if !may_hold_document(text) {
        return None;
    }
    let is_bracket = |byte: u8| matches!(byte, b'{' | b'[');
    let document = text.decode();
    let document = match document.trim_ascii_start().as_bytes().first()? {
        b'%' => percent_encoding::percent_decode_str(&document).collect(),
        first if is_bracket(*first) => document.into_owned().into_bytes(),
        _ => return None,
    };
    serde_json::from_slice::<&serde_json::value::RawValue>(&document).is_ok().then_some(document)
}

/// The elements of a list, and of lists directly within it; any other value is shown itself.
fn each_element<'a>(
    value: Value<'a>,
    nested: u32,
    visit: &mut dyn FnMut(Value<'a>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut elements = value.elements().map_while(Result::ok).peekable();
    if nested >= MAX_NESTED_ARRAYS || elements.peek().is_none() {
        return visit(value);
    }
    elements.try_for_each(|element| each_element(element, nested + 1, visit))
}

/// The member of an object in which names are spelled as they are; of duplicates the last. `finder` looks for the
/// name with its quotes.
///
/// In valid JSON, a quote that is not escaped and before which a name begins opens a string, so that what stands
/// at a found place can be told from what follows: a name has a colon behind it. Only its depth must be counted.
fn plain_member<'a>(object: &'a [u8], finder: &Finder<'_>) -> Option<Value<'a>> {
    let mut found = None;
    let mut at = 1;
    // brackets that are open between `counted` and the object's own
    let (mut counted, mut depth) = (1, 0);
    while let Some(place) = finder.find(&object[at..]).map(|place| at + place) {
        at = place + finder.needle().len();
        let mut colon = at;
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = object.get(colon) {
            colon += 1;
        }
        if object[place - 1] == b'\\' || object.get(colon) != Some(&b':') {
            continue;
        }
        depth += depth_between(object, counted, place);
        counted = place;
        if depth != 0 {
            continue;
        }
        let (value, length) = plain_value(&object[colon + 1..])?;
        found = Some(value);
        at = colon + 1 + length;
        counted = at;
    }
    found
}

/// The value at the beginning of the bytes, and where it ends.
fn plain_value(bytes: &[u8]) -> Option<(Value<'_>, usize)> {
    match bytes.first() {
        Some(b'{' | b'[') => {
            let end = end_of_bracketed(bytes, 0)?;
            let raw = &bytes[..end];
            Some((if bytes[0] == b'{' { Value::Object(raw) } else { Value::Array(raw) }, end))
        }
        _ => first_value(bytes).ok(),
    }
}

/// The byte that an error of `serde_json` speaks of.
fn offset_of(bytes: &[u8], error: &serde_json::Error) -> usize {
    let line_start = |line: usize| {
        let breaks = memchr::memchr_iter(b'\n', bytes).map(|at| at + 1);
        std::iter::once(0).chain(breaks).nth(line.saturating_sub(1)).unwrap_or(bytes.len())
    };
    (line_start(error.line()) + error.column().saturating_sub(1)).min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_seconds_are_read_where_there_are_any() {
        for (time, nanos) in [
            ("2024-03-01T10:00:00Z", 0),
            ("2024-03-01T10:00:00.9Z", 900_000_000),
            ("2024-03-01T10:00:00.100Z", 100_000_000),
            ("2024-03-01T10:00:00.0000000019+01:00", 1),
            ("2024-03-01T10:00:00.Z", 0),
        ] {
            assert_eq!(nanoseconds(time.as_bytes()), nanos, "{time}");
        }
        assert_eq!(Record::new(br#"{"eventTime":"soon.5"}"#).moment(), None);
    }

    /// In both ways, where the record can be read in both.
    fn values(record: &str, path: &str) -> Vec<String> {
        let path = FieldPath::parse(path).unwrap();
        let found = values_of(Record::new(record.as_bytes()), &path);
        if !record.contains("\\u") && !record.contains("\\/") {
            assert_eq!(values_of(Record::plain(record.as_bytes()), &path), found, "{record} {path}");
        }
        found
    }

    fn values_of(record: Record<'_>, path: &FieldPath) -> Vec<String> {
        let mut found = Vec::new();
        let _ = record.visit(path, &mut |value| {
            found.push(String::from_utf8(value.value().json().into_owned()).unwrap());
            ControlFlow::Continue(())
        });
        found
    }

    #[test]
    fn names_are_told_from_text_that_looks_like_them() {
        let record = r#"{"x":"a","y":"\"a\":1","z":{"a":2,"b":{"a":3}},"w":["a",{"a":4}],"v":"}{\\","a" : {"b":"a"},"u":"a"}"#;
        assert_eq!(values(record, "a.b"), ["\"a\""]);
        assert_eq!(values(record, "z.b.a"), ["3"]);
        assert_eq!(values(record, "w.a"), ["4"]);
        assert_eq!(values(record, "b"), [""; 0]);
        assert_eq!(values(record, "u"), ["\"a\""]);
    }

    #[test]
    fn paths_lead_through_arrays_and_take_the_last_duplicate() {
        let record = r#"{"a":{"b":1},"r":[{"x":"1"},{"y":0},{"x":null},[{"x":[2]}]],"a":{"b":2}}"#;
        assert_eq!(values(record, "a.b"), ["2"]);
        assert_eq!(values(record, "r.x"), ["\"1\"", "null", "[2]"]);
        assert_eq!(values(record, "r"), [r#"[{"x":"1"},{"y":0},{"x":null},[{"x":[2]}]]"#]);
        assert_eq!(values(record, "a.b.c"), [""; 0]);
        assert_eq!(values(r#"{"\u0061":7}"#, "a"), ["7"]);
    }

    #[test]
    fn deep_arrays_cost_no_stack() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(values(&deep, "a.b"), [""; 0]);
    }

    #[test]
    fn records_are_checked_with_the_place_of_the_damage() {
        assert_eq!(Record::new(br#"{"a":1}"#).check(), Ok(()));
        assert_eq!(Record::new(b"{\n\"a\": oops}").check(), Err(Malformed { offset: 7 }));
        assert!(Record::new(b"{\"a\":\"\xff\"}").check().is_err());
        assert!(Record::new(b"[1]").check().is_err());
        assert!(Record::new(br#"{"a":1}{"#).check().is_err());
    }

    #[test]
    fn searches_see_characters_and_not_escapes() {
        let record = Record::new(b"{ \"policy\": \"{\\\"Effect\\\":\\\"All\\u006fw\\\"}\" }");
        assert_eq!(record.plain_text(), r#"{"policy":"{"Effect":"Allow"}"}"#);
        assert_eq!(record.line(), record.bytes());
        assert_eq!(Record::new(b"{\r\n\"a\": \"b c\"}").line().as_ref(), br#"{"a":"b c"}"#);
    }

    #[test]
    fn event_times_of_every_form_are_read() {
        let expected = Timestamp::parse_loose("2023-07-10T11:42:36Z").ok();
        for text in ["2023-07-10T11:42:36Z", "2023-07-10T13:42:36+02:00", "2023-07-10T11:42:36.999Z"] {
            assert_eq!(event_time(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(event_time(b"2023-02-30T11:42:36Z"), None);
        assert_eq!(event_time(b"soon"), None);
    }
}
