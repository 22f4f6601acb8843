//! What an element of a file is: an event record, something that wraps records, or something else
//! (docs/spec/records.md 2.6).
//!
//! One rule instead of a list of shapes: what has an event's version and name is a record wherever it lies, within objects,
//! lists, and strings that hold JSON (escaped or as base64, also of gzip). A record is never looked for inside another one,
//! nor beside what callers write (`requestParameters` and the like): what somebody sends is no event. Nor is one looked for
//! in what wrappers copy out of the event that they hold: a user agent, an error's message, names of users and resources.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use memchr::memmem::Finder;
use trailseal_archive::gzip::{Ending, inflate_all};

use crate::{
    json::{Value, first_value, quote},
    path::{MEMBERS, TOP_LEVEL},
    record::document_in,
};

/// Objects, arrays and strings within one another that are looked into.
const MAX_DEPTH: u32 = 32;

/// Inflated bytes of all payloads within a wrapper: `CloudWatch` sends a few MB at most. Payloads within payloads
/// multiply.
const MAX_PAYLOAD: u64 = 16 << 20;

/// JSON that is no event record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftOut {
    /// A digest document.
    Digest,
    /// An aggregated event: a summary of data events, no event (docs/spec/records.md 2.5).
    Aggregated,
    /// A notification that names a log file, or a control message.
    Notification,
    /// Anything else: AWS Config snapshots, findings, notifications of S3, settings.
    Foreign,
}

impl LeftOut {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Digest, Self::Aggregated, Self::Notification, Self::Foreign];

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Aggregated => "aggregated",
            Self::Notification => "notification",
            Self::Foreign => "foreign",
        }
    }
}

/// What an element came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwrapped<'a> {
    /// An event record.
    Record {
        /// Its bytes.
        bytes: &'a [u8],
        /// As [`Element::is_plain`](super::cut::Element::is_plain).
        is_plain: bool,
        /// Whether it is the element itself, and not something within.
        is_element: bool,
        /// Whether it was told by the columns of a row, which need not be all of the event.
        is_row: bool,
    },
    /// An aggregated event.
    Aggregated {
        /// Its bytes.
        bytes: &'a [u8],
        /// As for a record.
        is_plain: bool,
    },
    /// No event record.
    LeftOut(LeftOut),
    /// A wrapper whose content cannot be read.
    Damaged(&'static str),
}

/// Whether bytes begin as CloudTrail writes every record of an API call: `{"eventVersion":"1.08","userIdentity":`.
#[inline]
pub(crate) fn is_native(bytes: &[u8]) -> bool {
    const BEFORE: &[u8] = b"{\"eventVersion\":\"";
    const AFTER: &[u8] = b"\",\"userIdentity\":";
    bytes.starts_with(BEFORE)
        && [4, 3].iter().any(|version| {
            let after = BEFORE.len() + version;
            bytes.get(after..after + AFTER.len()) == Some(AFTER)
        })
}

/// Shows `visit` what an element holds: an object, an array, or a string with its quotes.
pub(crate) fn unwrap(bytes: &[u8], is_plain: bool, visit: &mut dyn FnMut(Unwrapped<'_>)) {
    let mut unwrapper =
        Unwrapper { visit, left: MAX_PAYLOAD, found: 0, known: None, ids: Vec::new(), is_ocsf: false };
    match bytes.first() {
        Some(b'{') => unwrapper.object(bytes, is_plain, 0),
        Some(b'[') => unwrapper.array(bytes, is_plain, 0),
        _ => unwrapper.string(bytes, 0),
    }
    let Unwrapper { found, known, is_ocsf, .. } = unwrapper;
    if found == 0 {
        visit(match known {
            _ if is_ocsf => {
                Unwrapped::Damaged("an event of CloudTrail in the form of OCSF, which is not read")
            }
            Some(kind) => Unwrapped::LeftOut(kind),
            None if names_version(bytes) => {
                Unwrapped::Damaged("it speaks of eventVersion, and no event can be read in it")
            }
            None if is_ecs(bytes) => {
                Unwrapped::Damaged("an event of CloudTrail in the form of ECS, which is not read")
            }
            None => Unwrapped::LeftOut(LeftOut::Foreign),
        });
    }
}

/// Whether a member with the name of an event's version stands in some JSON, also within strings, in any case.
fn names_version(json: &[u8]) -> bool {
    let is_name = |at: usize| {
        let after = json[at + VERSION[0].needle().len()..].trim_ascii_start();
        after.starts_with(b"\"") || after.starts_with(b"\\")
    };
    VERSION.iter().any(|finder| finder.find_iter(json).any(is_name))
}

/// Whether some JSON holds an event as Elastic's integration writes it where the original was not kept.
fn is_ecs(json: &[u8]) -> bool {
    ECS_VERSION.find(json).is_some() && PRODUCT.find(json).is_some()
}

/// Whether text that is no JSON may hold records all the same: the name that each of them has stands in it as others write a
/// name (quoted, escaped, in XML, in YAML, in a URL).
pub(super) fn text_names_version(text: &[u8]) -> bool {
    const QUOTES: [&[u8]; 6] = [b"\"", b"\\", b"'", b"&quot;", b"&#34;", b"%22"];
    let is_name = |at: usize| {
        let after = &text[at + VERSION[0].needle().len()..];
        let value = || after.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        QUOTES.iter().any(|quote| after.starts_with(quote))
            || value().and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit)
    };
    VERSION.iter().any(|finder| finder.find_iter(text).any(is_name))
}

/// Whether text begins as base64 of gzip, or as that of JSON which holds records.
pub(super) fn is_base64_of_records(text: &[u8]) -> bool {
    /// What is looked at.
    const HEAD: usize = 64 << 10;
    const LEAST: usize = 40;
    let head = text.trim_ascii_start();
    let head: Vec<u8> =
        head.iter().take(HEAD).copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    if !PAYLOAD_STARTS.iter().any(|start| head.starts_with(start.as_bytes())) {
        return false;
    }
    let is_sign = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let length = head.iter().take_while(|byte| is_sign(byte)).count() / 4 * 4;
    if length < LEAST {
        return false;
    }
    STANDARD.decode(&head[..length]).is_ok_and(|bytes| {
        bytes.starts_with(&[0x1f, 0x8b]) || names_version(&bytes) || text_names_version(&bytes)
    })
}

/// How Elastic's integration writes the name.
static ECS_VERSION: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("event_version\""));
static PRODUCT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("cloudtrail"));
/// How records write the name, and how tables of Athena do.
static VERSION: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new("eventVersion"), Finder::new("eventversion")]);
/// The product in the metadata of an OCSF event.
static CLOUDTRAIL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("CloudTrail"));
/// What stands in all that holds a record: its names, or how base64 of gzip begins, and that of JSON as a string.
static HINTS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let names = ["eventVersion", "eventversion", "event_version", "eventName", "eventname", "event_name"];
    let payloads = ["H4sI", "\"ey", "\"ew", "\"W3", "\"Ww"];
    AhoCorasick::new(names.iter().chain(&payloads)).ok()
});

/// Whether some JSON may hold a record, in whatever form.
fn may_hold_record(json: &[u8], is_plain: bool) -> bool {
    !is_plain || HINTS.as_ref().is_none_or(|hints| hints.is_match(json))
}

struct Unwrapper<'v> {
    visit: &'v mut dyn FnMut(Unwrapped<'_>),
    /// Bytes of payloads that may still be decoded.
    left: u64,
    /// What was shown of the element so far.
    found: u64,
    /// What it holds that is known and no record.
    known: Option<LeftOut>,
    /// Whether it holds an event of `CloudTrail` as OCSF writes it.
    is_ocsf: bool,
    /// The ids of the records that were found in the document at hand: some hold an event in two forms.
    ids: Vec<String>,
}

/// The members of an object that tell what it is.
#[derive(Default)]
struct Marks {
    has_version: bool,
    has_name: bool,
    has_insight: bool,
    /// Other members that an event has.
    others: u32,
    /// Members that hold what a caller or a service chose: whatever has them is a record or none, and nothing within is one.
    holds_choices: bool,
    /// `eventSource` of other services' notifications: `aws:s3`, `aws:sqs`.
    is_notification_of_service: bool,
    is_aggregated: bool,
    is_digest: bool,
    is_delivery_notice: bool,
    is_control_message: bool,
    has_ocsf_class: bool,
    /// `metadata` of OCSF names `CloudTrail` as the product.
    is_of_cloudtrail: bool,
    id: Option<String>,
}

impl Marks {
    /// `None` where it is no object, or no JSON.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut marks = Self::default();
        if bytes.first() != Some(&b'{') {
            return None;
        }
        for member in Value::Object(bytes).members() {
            let (name, value) = member.ok()?;
            let name = if name.is_escaped() { name.decode() } else { String::from_utf8_lossy(name.raw()) };
            marks.add(&name, value);
        }
        Some(marks)
    }

    fn add(&mut self, name: &str, value: Value<'_>) {
        let is_text = matches!(value, Value::String(_));
        let text = || value.as_str().unwrap_or(Cow::Borrowed(""));
        match name {
            "eventVersion" => self.has_version = is_text,
            "eventName" => self.has_name = is_text,
            "insightDetails" => self.has_insight = matches!(value, Value::Object(_)),
            "eventTime" | "awsRegion" => self.others += u32::from(is_text),
            "eventID" => {
                self.others += u32::from(is_text);
                self.id = value.as_str().map(Cow::into_owned).filter(|id| !id.is_empty());
            }
            "eventSource" => {
                self.others += u32::from(is_text);
                self.is_notification_of_service |= text().starts_with("aws:");
            }
            "EventSource" => self.is_notification_of_service |= text().starts_with("aws:"),
            "eventCategory" => self.is_aggregated |= text() == "Aggregated",
            "eventType" => self.is_aggregated |= text() == "AwsAggregatedEvent",
            "digestS3Object" | "previousDigestS3Object" => self.is_digest = true,
            "s3Bucket" | "s3ObjectKey" => self.is_delivery_notice = true,
            "class_uid" => self.has_ocsf_class = matches!(value, Value::Number(_) | Value::String(_)),
            "metadata" => {
                self.is_of_cloudtrail = matches!(value, Value::Object(raw) if CLOUDTRAIL.find(raw).is_some());
            }
            "messageType" => self.is_control_message |= text() == "CONTROL_MESSAGE",
            _ => {}
        }
        let bare = name.replace('_', "");
        if CHOSEN.iter().any(|chosen| chosen.eq_ignore_ascii_case(&bare)) {
            self.holds_choices = true;
            self.others += u32::from(name == "userIdentity");
        }
    }

    /// What is known and no record; notifications of other services may wrap some.
    fn known(&self) -> Option<LeftOut> {
        match () {
            () if self.is_digest => Some(LeftOut::Digest),
            () if self.is_delivery_notice || self.is_control_message => Some(LeftOut::Notification),
            () if self.is_notification_of_service => Some(LeftOut::Foreign),
            () => None,
        }
    }

    /// An event of any kind, as CloudTrail writes it or as others wrote it anew. Where events are expected, the version
    /// alone tells one.
    fn is_record(&self, is_element: bool) -> bool {
        let is_named = self.has_name || self.has_insight;
        let is_versioned = is_element || is_named || self.is_aggregated || self.others > 0;
        !self.is_notification_of_service && (self.has_version && is_versioned || is_named && self.others > 0)
    }
}

/// Members of records in which callers and services write what they like.
const CHOSEN: [&str; 5] =
    ["requestParameters", "responseElements", "additionalEventData", "serviceEventDetails", "userIdentity"];

/// The same as parts of longer names, and fields whose text a caller chooses: `requestParameters.policyDocument`,
/// `detail_userAgent`, `aws.cloudtrail.request_parameters`.
const COPIED: [&str; 8] = [
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "serviceeventdetails",
    "useridentity",
    "useragent",
    "errormessage",
    "sourceipaddress",
];

/// No record is shorter, so that most members need no look at their names.
const SHORTEST: usize = 24;

/// What rows of `LookupEvents` and Elastic's documents copy out of an event beside it, and the fields of such documents.
const COPIED_ALONE: [&str; 6] = ["username", "resourcename", "resourcetype", "user", "error", "related"];

/// Whether a member beside an event, or a column, has the name of one of an event's own fields: what stands there was copied
/// out of the event, and a caller may have written it.
fn is_copied(name: &str) -> bool {
    let bare = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let whole = bare(name);
    let is_field = |part: &str| {
        let part = bare(part);
        COPIED_ALONE.contains(&&*part) || TOP_LEVEL.iter().any(|field| field.eq_ignore_ascii_case(&part))
    };
    COPIED.iter().any(|copied| whole.contains(copied)) || name.split(['.', ':']).any(is_field)
}

impl Unwrapper<'_> {
    fn show(&mut self, unwrapped: Unwrapped<'_>) {
        self.found += 1;
        (self.visit)(unwrapped);
    }

    fn value(&mut self, value: Value<'_>, is_plain: bool, depth: u32) {
        match value {
            Value::Object(raw) => self.object(raw, is_plain, depth),
            Value::Array(raw) => self.array(raw, is_plain, depth),
            Value::String(text) => self.text(&text.decode(), depth),
            _ => {}
        }
    }

    fn object(&mut self, bytes: &[u8], is_plain: bool, depth: u32) {
        let Some(marks) = Marks::of(bytes) else {
            return self.show(Unwrapped::Damaged("an object that is no valid JSON"));
        };
        if marks.is_record(depth == 0) {
            return self.record(bytes, &marks, is_plain, depth == 0, false);
        }
        let is_named = marks.has_version && marks.has_name || marks.is_notification_of_service;
        if !is_named && let Some(record) = recased(bytes) {
            // a row of LookupEvents has names like those of an event, and the event itself in a text
            let before = self.found;
            if !marks.holds_choices && depth < MAX_DEPTH && may_hold_record(bytes, is_plain) {
                self.members(bytes, is_plain, depth);
            }
            if self.found > before {
                return;
            }
            let marks = Marks::of(&record).unwrap_or_default();
            return self.record(&record, &marks, false, false, true);
        }
        self.is_ocsf |= marks.has_ocsf_class && marks.is_of_cloudtrail;
        let known = marks.known();
        self.known = self.known.or(known);
        let is_closed = known.is_some_and(|kind| kind != LeftOut::Foreign);
        if is_closed || marks.holds_choices || !may_hold_record(bytes, is_plain) {
            return;
        }
        if depth >= MAX_DEPTH {
            return self.show(Unwrapped::Damaged("wrappers are nested too deeply"));
        }
        self.members(bytes, is_plain, depth);
    }

    /// Looks into what the members of an object hold, but for what they copy out of an event.
    fn members(&mut self, bytes: &[u8], is_plain: bool, depth: u32) {
        let members = || Value::Object(bytes).members().map_while(Result::ok);
        // `{"field": column, "value": value}`
        let column = members().find(|(name, _)| name.is("field")).and_then(|(_, value)| value.as_str());
        if column.is_some_and(|column| is_copied(&column)) {
            return;
        }
        for (name, value) in members() {
            let length = match value {
                Value::Object(raw) | Value::Array(raw) => raw.len(),
                Value::String(text) => text.raw().len(),
                _ => continue,
            };
            if length < SHORTEST || !is_copied(&name.decode()) {
                self.value(value, is_plain, depth + 1);
            }
        }
    }

    fn record(&mut self, bytes: &[u8], marks: &Marks, is_plain: bool, is_element: bool, is_row: bool) {
        if let (Some(id), false) = (&marks.id, is_element) {
            if self.ids.contains(id) {
                return;
            }
            self.ids.push(id.clone());
        }
        self.show(if marks.is_aggregated {
            Unwrapped::Aggregated { bytes, is_plain }
        } else {
            Unwrapped::Record { bytes, is_plain, is_element, is_row }
        });
    }

    fn array(&mut self, bytes: &[u8], is_plain: bool, depth: u32) {
        if depth >= MAX_DEPTH {
            return self.show(Unwrapped::Damaged("wrappers are nested too deeply"));
        }
        if let Some(row) = row_of_columns(bytes) {
            let mut record = Vec::with_capacity(row.len());
            write_recased(Value::Object(&row), "", &mut record);
            return self.object(&record, false, depth + 1);
        }
        for element in Value::Array(bytes).elements() {
            let Ok(element) = element else {
                return self.show(Unwrapped::Damaged("an array that is no valid JSON"));
            };
            // each is a document of its own
            let ids = std::mem::take(&mut self.ids);
            self.value(element, is_plain, depth + 1);
            self.ids = ids;
        }
    }

    /// A string with its quotes.
    fn string(&mut self, json: &[u8], depth: u32) {
        if let Ok(Value::String(text)) = Value::parse(json) {
            self.text(&text.decode(), depth + 1);
        }
    }

    /// What a string holds: JSON, JSON behind something else, a JSON string, or base64 of JSON or of gzipped JSON.
    fn text(&mut self, text: &str, depth: u32) {
        let text = text.trim();
        if depth >= MAX_DEPTH {
            return;
        }
        match text.as_bytes().first() {
            Some(b'{' | b'[') => self.json(text, depth),
            Some(b'"') => self.string(text.as_bytes(), depth),
            _ if PAYLOAD_STARTS.iter().any(|start| text.starts_with(start)) => self.payload(text, depth),
            _ if VERSION[0].find(text.as_bytes()).is_some() => {
                if let Some(start) = text.find('{') {
                    self.json(&text[start..], depth);
                }
            }
            _ => {}
        }
    }

    fn json(&mut self, text: &str, depth: u32) {
        if !may_hold_record(text.as_bytes(), true) && !text.contains("\\u") {
            return;
        }
        // one value, or several one behind the other
        let mut rest = text.as_bytes();
        let mut before = None;
        while !rest.is_empty() {
            let Ok((value, length)) = first_value(rest) else {
                if names_version(rest) {
                    self.show(Unwrapped::Damaged("a string that begins like JSON and is none"));
                }
                break;
            };
            // its spellings were not looked at
            self.value(value, false, depth);
            // the next one is another document
            before.get_or_insert(std::mem::take(&mut self.ids));
            rest = rest[length..].trim_ascii_start();
        }
        self.ids.extend(before.unwrap_or_default());
    }

    fn payload(&mut self, base64: &str, depth: u32) {
        let Ok(bytes) = STANDARD.decode(base64) else { return };
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            return self.show(Unwrapped::Damaged("its payloads hold too much"));
        };
        self.left = left;
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return self.text(&String::from_utf8_lossy(&bytes), depth + 1);
        }
        let inflated = inflate_all(&mut bytes.as_slice(), self.left);
        let spent = inflated.as_ref().map_or(u64::MAX, |(content, ..)| content.len() as u64);
        self.left = self.left.saturating_sub(spent);
        if let Ok((content, _, Ending::Complete)) = inflated {
            return self.text(&String::from_utf8_lossy(&content), depth + 1);
        }
        self.show(Unwrapped::Damaged("a payload whose gzip data are damaged, or hold too much"));
    }
}

/// As in [`HINTS`].
const PAYLOAD_STARTS: [&str; 5] = ["H4sI", "ey", "ew", "W3", "Ww"];

/// A record whose names are in another case, as in tables of Athena and Glue, with CloudTrail's names; what such tables
/// hold as JSON in a text is JSON again. `None` if it is none.
fn recased(bytes: &[u8]) -> Option<Vec<u8>> {
    let has = |wanted: &str| {
        let mut members = Value::Object(bytes).members().map_while(Result::ok);
        members.any(|(name, value)| bare(&name.decode()) == wanted && matches!(value, Value::String(_)))
    };
    // the Event history of the console has no version
    if !has("eventname") || !["eventversion", "eventtime", "eventid"].into_iter().any(has) {
        return None;
    }
    let mut json = Vec::with_capacity(bytes.len());
    write_recased(Value::Object(bytes), "", &mut json);
    Some(json)
}

fn bare(name: &str) -> String {
    name.replace('_', "").to_ascii_lowercase()
}

/// `path` leads to the value; the members of what is known there get their names.
fn write_recased(value: Value<'_>, path: &str, to: &mut Vec<u8>) {
    let document = if let Value::String(text) = value { document_in(text) } else { None };
    let value = document.as_deref().and_then(|json| Value::parse(json).ok()).unwrap_or(value);
    let known: Option<&[&str]> = match path {
        "" => Some(&TOP_LEVEL),
        _ => MEMBERS.iter().find(|(object, _)| *object == path).map(|(_, members)| *members),
    };
    let (Value::Object(_), Some(known)) = (value, known) else { return to.extend_from_slice(&value.json()) };
    to.push(b'{');
    for (at, (name, member)) in value.members().map_while(Result::ok).enumerate() {
        let written = name.decode();
        let name = known.iter().find(|known| known.eq_ignore_ascii_case(&bare(&written)));
        let name = name.map_or(&*written, |name| *name);
        if at > 0 {
            to.push(b',');
        }
        quote(name, to);
        to.push(b':');
        let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        write_recased(member, &below, to);
    }
    to.push(b'}');
}

/// The object that a row of a query's result says: a list of `{column: value}` or of `{"field": column, "value": value}` in
/// which an event's name and something else of it stand. `None` if it is none.
fn row_of_columns(array: &[u8]) -> Option<Vec<u8>> {
    let mut json = vec![b'{'];
    let mut names = Vec::new();
    for element in Value::Array(array).elements() {
        let members: Vec<_> = element.ok()?.members().collect::<Result<_, _>>().ok()?;
        let (name, value) = match members.as_slice() {
            [(name, value)] => (name.decode().into_owned(), *value),
            [(field, Value::String(name)), (key, value)] if field.is("field") && key.is("value") => {
                (name.decode().into_owned(), *value)
            }
            _ => return None,
        };
        if names.contains(&bare(&name)) {
            return None;
        }
        if json.len() > 1 {
            json.push(b',');
        }
        quote(&name, &mut json);
        json.push(b':');
        json.extend_from_slice(&value.json());
        names.push(bare(&name));
    }
    json.push(b'}');
    let is_event = names.len() > 1 && names.iter().any(|name| name == "eventname");
    is_event.then_some(json)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const RECORD: &str = r#"{"eventVersion":"1.08","eventName":"A"}"#;

    fn unwrapped(json: &str) -> Vec<String> {
        let mut found = Vec::new();
        unwrap(json.as_bytes(), true, &mut |unwrapped| {
            found.push(match unwrapped {
                Unwrapped::Record { bytes, .. } => String::from_utf8(bytes.to_vec()).unwrap(),
                Unwrapped::Aggregated { .. } => LeftOut::Aggregated.as_str().to_owned(),
                Unwrapped::LeftOut(kind) => kind.as_str().to_owned(),
                Unwrapped::Damaged(reason) => reason.to_owned(),
            });
        });
        found
    }

    fn quoted(text: &str) -> String {
        serde_json::Value::from(text).to_string()
    }

    #[test]
    fn records_are_found_in_every_wrapper() {
        let sns = format!(r#"{{"Type":"Notification","Message":{}}}"#, quoted(RECORD));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        write!(
            gzip,
            r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{}}}]}}"#,
            quoted(RECORD)
        )
        .unwrap();
        let payload = STANDARD.encode(gzip.finish().unwrap());
        for wrapper in [
            RECORD.to_owned(),
            format!(r#"{{"EventId":"1","CloudTrailEvent":{},"Resources":[]}}"#, quoted(RECORD)),
            format!(r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{RECORD}}}"#),
            format!(r#"{{"timestamp":1,"message":{}}}"#, quoted(RECORD)),
            format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"message":{}}}]}}"#, quoted(RECORD)),
            sns.clone(),
            format!(r#"{{"messageId":"1","body":{},"eventSource":"aws:sqs"}}"#, quoted(&sns)),
            format!(r#"{{"Messages":[{{"Body":{}}}]}}"#, quoted(&sns)),
            format!(r#"{{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{sns}}}"#),
            format!(r#"{{"awslogs":{{"data":"{payload}"}}}}"#),
            format!(r#"{{"eventSource":"aws:kinesis","kinesis":{{"data":"{payload}"}}}}"#),
            format!("[[{RECORD}]]"),
            format!(r#"{{"Records":[{RECORD}]}}"#),
            quoted(RECORD),
            quoted(&quoted(RECORD)),
            format!("[{}]", quoted(RECORD)),
            format!(r#"{{"EventId":"1","CloudTrailEvent":{RECORD}}}"#),
            format!(r#"{{"value":[{{"CloudTrailEvent":{}}}],"Count":1}}"#, quoted(RECORD)),
            format!(
                r#"[[{{"field":"@timestamp","value":"1"}},{{"field":"@message","value":{}}}]]"#,
                quoted(RECORD)
            ),
            format!(r#"{{"Records":[{{"Data":"{payload}","PartitionKey":"1"}}]}}"#),
            format!(r#"{{"_source":{{"event":{{"original":{}}}}}}}"#, quoted(RECORD)),
            format!(r#"{{"preview":false,"result":{{"_raw":{}}}}}"#, quoted(RECORD)),
            format!(
                r#"{{"line":{},"labels":{{}}}}"#,
                quoted(&format!("2024-03-01T10:00:00Z stream {RECORD}"))
            ),
            format!(r#"{{"data":{{"aws":{RECORD}}},"rule":{{"id":"1"}}}}"#),
            format!(r#"{{"data":{}}}"#, quoted(&format!("{RECORD}\n{{\"other\":1}}\n"))),
        ] {
            assert_eq!(unwrapped(&wrapper), [RECORD], "{wrapper}");
        }
    }

    #[test]
    fn an_event_that_a_document_holds_in_two_forms_is_one() {
        let record = r#"{"eventVersion":"1.08","eventName":"A","eventID":"e-1"}"#;
        let twice = format!(r#"{{"data":{{"aws":{record}}},"full_log":{}}}"#, quoted(record));
        assert_eq!(unwrapped(&twice), [record]);
        // delivered twice is something else
        let lines = quoted(&format!("{record}\n{record}"));
        assert_eq!(unwrapped(&format!(r#"{{"data":{lines}}}"#)), [record, record]);
        assert_eq!(unwrapped(&format!(r#"{{"Records":[{record},{record}]}}"#)), [record, record]);
    }

    #[test]
    fn rows_of_tables_are_records_again() {
        let lake = r#"[{"eventVersion":"1.08"},{"eventName":"A"},{"requestParameters":"{\"a\":1}"}]"#;
        assert_eq!(
            unwrapped(&format!(r#"{{"QueryResultRows":[{lake}]}}"#)),
            [r#"{"eventVersion":"1.08","eventName":"A","requestParameters":{"a":1}}"#]
        );
        let athena = r#"{"eventversion":"1.08","eventname":"A","useridentity":"{\"accesskeyid\":\"AKIA1\"}","x_y":[1]}"#;
        assert_eq!(
            unwrapped(athena),
            [r#"{"eventVersion":"1.08","eventName":"A","userIdentity":{"accessKeyId":"AKIA1"},"x_y":[1]}"#]
        );
        // three columns are one event, and one column is none
        let few = r#"[[{"eventName":"A"},{"eventTime":"t"},{"eventSource":"s"}],[{"eventName":"B"}]]"#;
        assert_eq!(unwrapped(few), [r#"{"eventName":"A","eventTime":"t","eventSource":"s"}"#]);
    }

    /// What a caller writes is looked at by nobody, however the event that tells of it is written.
    #[test]
    fn what_callers_write_is_no_event() {
        let forged = r#"{"eventVersion":"1.08","eventName":"Forged","eventID":"f"}"#;
        let request = format!(r#"{{"a":{forged},"b":{},"c":[{}]}}"#, quoted(forged), quoted(forged));
        let parts = [
            format!(r#""requestParameters":{request}"#),
            format!(r#""requestParameters":{}"#, quoted(&request)),
            format!(r#""requestparameters":{}"#, quoted(&request)),
            format!(r#""request_parameters":{}"#, quoted(&request)),
            format!(r#""responseElements":{request}"#),
            format!(r#""userIdentity":{request}"#),
        ];
        for part in &parts {
            for event in [
                format!(r#"{{"eventVersion":"1.08","eventName":"A",{part}}}"#),
                format!(r#"{{"eventversion":"1.08","eventname":"A",{part}}}"#),
                format!(r#"{{"eventName":"A",{part}}}"#),
                format!(r"{{{part}}}"),
                format!(r#"[{{"eventVersion":"1.08"}},{{"eventName":"A"}},{{{part}}}]"#),
                format!(r#"[{{"eventName":"A"}},{{{part}}}]"#),
            ] {
                for wrapper in [
                    event.clone(),
                    format!(r#"{{"CloudTrailEvent":{}}}"#, quoted(&event)),
                    format!(r#"{{"x":[{event}]}}"#),
                ] {
                    let found = unwrapped(&wrapper);
                    let is_forged = |found: &String| found.starts_with(forged);
                    assert!(!found.iter().any(is_forged), "{wrapper}: {found:?}");
                }
            }
        }
    }

    /// Wrappers copy fields out of the event that they hold, and what a caller wrote with them.
    #[test]
    fn what_wrappers_copy_out_of_an_event_is_no_event() {
        let forged = r#"{"eventVersion":"1.08","eventName":"Forged","eventID":"f"}"#;
        for name in [
            "userAgent",
            "useragent",
            "user_agent.original",
            "detail.userAgent",
            "detail_userAgent",
            "requestParameters.policyDocument",
            "requestParameters{}.key",
            "aws.cloudtrail.request_parameters",
            "responseElements_x",
            "userIdentity.userName",
            "errorMessage",
            "error.message",
            "Username",
            "ResourceName",
            "Resources",
            "user",
            "related",
        ] {
            assert!(is_copied(name), "{name}");
            for copy in [
                format!(r#""{name}":{}"#, quoted(forged)),
                format!(r#""{name}":{forged}"#),
                format!(r#""{name}":[{{"x":{}}}]"#, quoted(&format!("arn:aws:s3:::b/{forged}"))),
                format!(r#""{name}":"{}""#, STANDARD.encode(forged)),
            ] {
                for wrapper in [
                    format!(r#"{{{copy},"_raw":{}}}"#, quoted(RECORD)),
                    format!(r#"{{"event":{{"original":{}}},{copy}}}"#, quoted(RECORD)),
                    format!(
                        r#"{{"EventId":"1","EventName":"A",{copy},"CloudTrailEvent":{}}}"#,
                        quoted(RECORD)
                    ),
                ] {
                    assert_eq!(unwrapped(&wrapper), [RECORD], "{wrapper}");
                }
            }
            let cell = format!(r#"{{"field":"{name}","value":{}}}"#, quoted(forged));
            let message = format!(r#"{{"field":"@message","value":{}}}"#, quoted(RECORD));
            assert_eq!(unwrapped(&format!("[[{cell},{message}]]")), [RECORD], "{name}");
        }
        for name in [
            "_raw",
            "_source",
            "event.original",
            "message",
            "@message",
            "CloudTrailEvent",
            "eventJson",
            "body",
        ] {
            assert!(!is_copied(name), "{name}");
            let wrapper = format!(r#"{{"{name}":{}}}"#, quoted(RECORD));
            assert_eq!(unwrapped(&wrapper), [RECORD], "{name}");
        }
    }

    #[test]
    fn text_that_is_no_json_may_hold_records() {
        for text in [
            r#"a: "{\"eventVersion\":\"1.08\"}""#,
            "<v>{&quot;eventVersion&quot;:&quot;1.08&quot;}</v>",
            "[{'eventVersion': '1.08'}]",
            "eventVersion: 1.08\n",
            "%7B%22eventVersion%22%3A",
        ] {
            assert!(text_names_version(text.as_bytes()), "{text}");
        }
        for text in ["the field eventVersion says", "eventVersion: see below", "eventVersions\"", ""] {
            assert!(!text_names_version(text.as_bytes()), "{text}");
        }
        let lines = |base64: String| base64.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\n"[..]);
        let log = format!(r#"{{"Records":[{RECORD}]}}"#);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(log.as_bytes()).unwrap();
        assert!(is_base64_of_records(&lines(STANDARD.encode(&log))));
        assert!(is_base64_of_records(&lines(STANDARD.encode(gzip.finish().unwrap()))));
        // a token of somebody, and words
        let other = STANDARD.encode(r#"{"alg":"HS256","typ":"JWT","more":"0123456789"}"#);
        assert!(!is_base64_of_records(other.as_bytes()));
        assert!(!is_base64_of_records(b"eyes that see what nobody else sees, and ears that hear it"));
    }

    #[test]
    fn what_is_no_event_is_told_apart() {
        for (json, kind) in [
            (r#"{"eventVersion":"2.1","eventSource":"aws:s3","s3":{}}"#, "foreign"),
            (r#"{"digestS3Object":"x","logFiles":[]}"#, "digest"),
            (
                r#"{"eventVersion":"1.0","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent"}"#,
                "aggregated",
            ),
            (r#"{"s3Bucket":"b","s3ObjectKey":["k"]}"#, "notification"),
            (r#"{"messageType":"CONTROL_MESSAGE","logEvents":[{"message":"x"}]}"#, "notification"),
            (r#"{"configurationItemVersion":"1.3"}"#, "foreign"),
            (r#"{"message":"hello"}"#, "foreign"),
            (r#"{"eventName":{"value":"EndRequest"},"eventTimestamp":"2024"}"#, "foreign"),
            (r#"[{"eventName":"A"}]"#, "foreign"),
            (r#"{"x":{"eventVersion":1}}"#, "it speaks of eventVersion, and no event can be read in it"),
            (r#"{"x":"{\"eventVersion\":\"1.08\","}"#, "a string that begins like JSON and is none"),
            (r#"{"eventName" 1}"#, "an object that is no valid JSON"),
            (
                r#"{"class_uid":6003,"metadata":{"product":{"name":"CloudTrail"}},"api":{"operation":"A"}}"#,
                "an event of CloudTrail in the form of OCSF, which is not read",
            ),
            (
                r#"{"_source":{"aws":{"cloudtrail":{"event_version":"1.08"}},"event":{"action":"A"}}}"#,
                "an event of CloudTrail in the form of ECS, which is not read",
            ),
            (
                r#"{"aws.cloudtrail.event_version":"1.08","event.action":"A"}"#,
                "an event of CloudTrail in the form of ECS, which is not read",
            ),
            (r#"{"event_version":"3"}"#, "foreign"),
            (r#"{"class_uid":4001,"metadata":{"product":{"name":"Amazon VPC"}}}"#, "foreign"),
        ] {
            assert_eq!(unwrapped(json), [kind], "{json}");
        }
        let deep = (0..40).fold(RECORD.to_owned(), |inner, _| format!(r#"{{"Records":[{inner}]}}"#));
        assert_eq!(unwrapped(&deep), ["wrappers are nested too deeply"]);
    }

    #[test]
    fn native_records_are_known_by_their_beginning() {
        assert!(is_native(br#"{"eventVersion":"1.08","userIdentity":{}}"#));
        assert!(is_native(br#"{"eventVersion":"1.0","userIdentity":{}}"#));
        assert!(!is_native(br#"{"eventVersion":"2.1","eventSource":"aws:s3"}"#));
        assert!(!is_native(br#"{"eventVersion":"1.08""#));
    }

    #[test]
    fn payloads_within_payloads_hold_no_more_than_one() {
        let packed = |text: &str| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(text.as_bytes()).unwrap();
            STANDARD.encode(gzip.finish().unwrap())
        };
        let large = format!("[{}]", " ".repeat(1 << 20));
        let holder = |inner: &str| format!(r#"{{"awslogs":{{"data":"{}"}}}}"#, packed(inner));
        let many = |count: usize| holder(&format!("[{}]", vec![holder(&large); count].join(",")));
        assert_eq!(unwrapped(&many(10)), ["foreign"]);
        let told = unwrapped(&many(20));
        assert!(told.iter().all(|one| one.contains("hold too much")), "{told:?}");
        assert!((4..=5).contains(&told.len()), "what is beyond 16 MiB: {told:?}");
    }
}
