//! What an element of a file is: an event record, something that wraps records, or something else
//! (docs/spec/records.md 2.6).

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use trailseal_archive::gzip::{Ending, inflate_all};

use super::split::ENVELOPES;
use crate::json::{Value, decode};

/// Wrappers within wrappers that are opened.
const MAX_DEPTH: u32 = 8;

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

/// Shows `visit` what an element holds.
pub(crate) fn unwrap(bytes: &[u8], is_plain: bool, visit: &mut dyn FnMut(Unwrapped<'_>)) {
    Unwrapper { visit, left: MAX_PAYLOAD }.element(bytes, is_plain, 0);
}

struct Unwrapper<'v> {
    visit: &'v mut dyn FnMut(Unwrapped<'_>),
    /// Bytes of payloads that may still be decoded.
    left: u64,
}

/// The members of an object that tell what it is.
#[derive(Default)]
struct Marks<'a> {
    is_record: bool,
    /// `eventSource` of other services' notifications: `aws:s3`, `aws:sqs`.
    is_notification_of_service: bool,
    is_aggregated: bool,
    is_digest: bool,
    is_delivery_notice: bool,
    has_detail_type: bool,
    detail: Option<Value<'a>>,
    /// A string that holds JSON.
    inner: Option<Value<'a>>,
    /// An object that holds more: `awslogs`, `kinesis`, `Sns`.
    holder: Option<Value<'a>>,
    /// Base64, perhaps of gzip.
    payload: Option<Value<'a>>,
    /// Arrays of elements.
    arrays: Vec<&'a [u8]>,
    is_control_message: bool,
}

impl<'a> Marks<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let mut marks = Self::default();
        for member in Value::Object(bytes).members() {
            let (name, value) = member.ok()?;
            let name = if name.is_escaped() { name.decode() } else { String::from_utf8_lossy(name.raw()) };
            marks.add(&name, value);
        }
        Some(marks)
    }

    fn add(&mut self, name: &str, value: Value<'a>) {
        let text = || value.as_str().unwrap_or(Cow::Borrowed(""));
        match name {
            "eventVersion" | "eventName" | "eventID" => self.is_record = true,
            "eventSource" => {
                self.is_record = true;
                self.is_notification_of_service |= text().starts_with("aws:");
            }
            "EventSource" => self.is_notification_of_service |= text().starts_with("aws:"),
            "eventCategory" => self.is_aggregated |= text() == "Aggregated",
            "eventType" => self.is_aggregated |= text() == "AwsAggregatedEvent",
            "digestS3Object" | "previousDigestS3Object" => self.is_digest = true,
            "s3Bucket" | "s3ObjectKey" => self.is_delivery_notice = true,
            "detail-type" => self.has_detail_type = true,
            "detail" => self.detail = Some(value),
            "CloudTrailEvent" | "message" | "@message" | "Message" | "body" | "Body" => {
                if matches!(value, Value::String(_)) {
                    self.inner = Some(value);
                }
            }
            "awslogs" | "kinesis" | "Sns" => self.holder = Some(value),
            "data" => self.payload = Some(value),
            "messageType" => self.is_control_message |= text() == "CONTROL_MESSAGE",
            _ => {
                if let Value::Array(raw) = value
                    && ENVELOPES.contains(&name)
                {
                    self.arrays.push(raw);
                }
            }
        }
    }
}

impl Unwrapper<'_> {
    fn element(&mut self, bytes: &[u8], is_plain: bool, depth: u32) {
        if depth > MAX_DEPTH {
            return (self.visit)(Unwrapped::Damaged("wrappers are nested too deeply"));
        }
        if bytes.first() == Some(&b'[') {
            return self.elements(bytes, is_plain, depth);
        }
        let Some(marks) = Marks::of(bytes) else {
            return (self.visit)(Unwrapped::Damaged("an object that is no valid JSON"));
        };
        if marks.is_record && !marks.is_notification_of_service {
            return (self.visit)(if marks.is_aggregated {
                Unwrapped::LeftOut(LeftOut::Aggregated)
            } else {
                Unwrapped::Record { bytes, is_plain, is_element: depth == 0 }
            });
        }
        let wraps = self.wrapped(&marks, is_plain, depth);
        if !wraps {
            (self.visit)(Unwrapped::LeftOut(match () {
                () if marks.is_digest => LeftOut::Digest,
                () if marks.is_delivery_notice || marks.is_control_message => LeftOut::Notification,
                () => LeftOut::Foreign,
            }));
        }
    }

    /// What a wrapper holds; false when it is none.
    fn wrapped(&mut self, marks: &Marks<'_>, is_plain: bool, depth: u32) -> bool {
        if marks.is_control_message {
            return false;
        }
        if !marks.arrays.is_empty() {
            for array in &marks.arrays {
                self.elements(array, is_plain, depth + 1);
            }
            return true;
        }
        if let (true, Some(Value::Object(detail))) = (marks.has_detail_type, marks.detail) {
            self.element(detail, is_plain, depth + 1);
            return true;
        }
        if let Some(Value::Object(holder)) = marks.holder {
            self.element(holder, is_plain, depth + 1);
            return true;
        }
        if let Some(Value::String(inner)) = marks.inner {
            return self.text(&inner.decode(), depth + 1);
        }
        if let Some(Value::String(payload)) = marks.payload {
            return self.payload(payload.raw(), depth + 1);
        }
        false
    }

    fn elements(&mut self, array: &[u8], is_plain: bool, depth: u32) {
        for element in Value::Array(array).elements() {
            match element {
                Ok(Value::Object(raw) | Value::Array(raw)) => self.element(raw, is_plain, depth + 1),
                Ok(_) => (self.visit)(Unwrapped::LeftOut(LeftOut::Foreign)),
                Err(_) => (self.visit)(Unwrapped::Damaged("an array that is no valid JSON")),
            }
        }
    }

    /// JSON within a string; false when it is other text.
    fn text(&mut self, text: &str, depth: u32) -> bool {
        let text = text.trim();
        if !text.starts_with(['{', '[']) {
            return false;
        }
        match Value::parse(text.as_bytes()) {
            // its spellings were not looked at
            Ok(Value::Object(raw) | Value::Array(raw)) => self.element(raw, false, depth),
            _ => (self.visit)(Unwrapped::Damaged("a string that begins like JSON and is none")),
        }
        true
    }

    /// Base64 of JSON or of gzipped JSON.
    fn payload(&mut self, base64: &[u8], depth: u32) -> bool {
        let escaped = decode(base64);
        let Ok(bytes) = STANDARD.decode(escaped.trim()) else { return false };
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else {
            (self.visit)(Unwrapped::Damaged("its payloads hold too much"));
            return true;
        };
        self.left = left;
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return self.text(&String::from_utf8_lossy(&bytes), depth);
        }
        let inflated = inflate_all(&mut bytes.as_slice(), self.left);
        let spent = inflated.as_ref().map_or(u64::MAX, |(content, ..)| content.len() as u64);
        self.left = self.left.saturating_sub(spent);
        if let Ok((content, _, Ending::Complete)) = inflated {
            return self.text(&String::from_utf8_lossy(&content), depth);
        }
        (self.visit)(Unwrapped::Damaged("a payload whose gzip data are damaged, or hold too much"));
        true
    }
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
        ] {
            assert_eq!(unwrapped(&wrapper), [RECORD], "{wrapper}");
        }
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
            (r#"{"eventName" 1}"#, "an object that is no valid JSON"),
        ] {
            assert_eq!(unwrapped(json), [kind], "{json}");
        }
        let deep = (0..20).fold(RECORD.to_owned(), |inner, _| format!(r#"{{"Records":[{inner}]}}"#));
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
        assert_eq!(unwrapped(&many(10)), Vec::<String>::new());
        let told = unwrapped(&many(20));
        assert!(told.iter().all(|one| one.contains("hold too much")), "{told:?}");
        assert!((4..=5).contains(&told.len()), "what is beyond 16 MiB: {told:?}");
    }
}
