//! Events that come in from outside: what they must say, and what is added where they are silent.

use std::net::IpAddr;

use serde_json::{Value, json};
use trailseal_archive::{
    Timestamp as Seconds,
    key::{is_account_id, is_region_like},
};
use trailseal_deliver::journal::{EntryError, JournalEntry};
use trailseal_query::{Record, category::category};

use super::regions::MAX_REGIONS;
use crate::{
    api::{Caller, Timestamp},
    uuid,
};

/// No event of CloudTrail is longer (docs/spec/records.md 2.1).
const MAX_EVENT: usize = 256 << 10;
const MAX_EVENT_ID: usize = 128;
/// 128 is a common limit of readers.
const MAX_DEPTH: usize = 100;

/// The version of records that this server makes, and of those that do not say theirs.
pub(super) const EVENT_VERSION: &str = "1.11";

/// An event that can be taken.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) entry: JournalEntry,
    /// The members that were added, in their order.
    pub(super) added: Vec<&'static str>,
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventFault {
    #[error("it is not one JSON object")]
    NoObject,
    #[error("it has {bytes} bytes; an event has at most {MAX_EVENT}")]
    TooLong { bytes: usize },
    #[error("{member} is missing")]
    Missing { member: &'static str },
    #[error("{member} must be {expected}")]
    Invalid { member: &'static str, expected: &'static str },
    #[error("it is nested deeper than {MAX_DEPTH} levels, which readers of JSON refuse")]
    TooDeep,
    #[error("it holds a number beyond those of 64-bit floating point, which readers of JSON refuse")]
    Number,
    #[error("it holds half of a surrogate pair (\\ud800 to \\udfff), which readers of JSON refuse")]
    Surrogate,
    #[error(
        "events of {MAX_REGIONS} Regions have come in, each of which has keys and digests of its own; no more are taken"
    )]
    TooManyRegions,
    #[error("eventDataChecksum is not the Base64 of the SHA-256 of eventData")]
    Checksum,
}

impl EventFault {
    /// As `PutAuditEvents` calls it.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "FieldTooLong",
            Self::Missing { .. } => "FieldNotFound",
            Self::Invalid { member: "eventSource", .. } => "InvalidEventSource",
            Self::NoObject
            | Self::TooDeep
            | Self::Number
            | Self::Surrogate
            | Self::TooManyRegions
            | Self::Invalid { .. } => "InvalidData",
            Self::Checksum => "InvalidChecksum",
        }
    }
}

/// Reads an event record that came from an address. What it says stays as it is, byte for byte; what every record of its
/// version has, and it has not, is added at its end (docs/spec/records.md 2.9).
pub(super) fn read(text: &[u8], caller: &Caller, source: IpAddr) -> Result<Event, EventFault> {
    let text = text.trim_ascii();
    if text.len() > MAX_EVENT {
        return Err(EventFault::TooLong { bytes: text.len() });
    }
    // whether it is JSON as a whole; only then its members are looked at
    let fault = |error| match error {
        EntryError::Region => EventFault::Invalid { member: "awsRegion", expected: "a Region" },
        _ => EventFault::NoObject,
    };
    let entry = |event: &[u8]| JournalEntry::new(&caller.account, &caller.region, caller.now.millis(), event);
    let mut taken = entry(text).map_err(fault)?;
    check_for_readers(text)?;
    let record = Record::new(text);
    let is_insight = record.member("insightDetails").is_some();
    for member in ["eventSource", "eventName"] {
        if text_of(&record, member, "a text")?.is_none() && !is_insight {
            return Err(EventFault::Missing { member });
        }
    }
    let mut missing = Missing::default();
    let version = text_of(&record, "eventVersion", "a text")?;
    if version.is_none() {
        missing.add("eventVersion", json!(EVENT_VERSION));
    }
    match text_of(&record, "eventTime", "a time")? {
        Some(time) if Seconds::parse_digest_field(&time).is_err() => {
            return Err(EventFault::Invalid { member: "eventTime", expected: "YYYY-MM-DDTHH:MM:SSZ" });
        }
        Some(_) => {}
        None => missing.add("eventTime", json!(time(caller.now))),
    }
    let region = text_of(&record, "awsRegion", "a Region")?;
    if region.as_deref().is_some_and(|region| !is_region_like(region)) {
        return Err(EventFault::Invalid { member: "awsRegion", expected: "a Region" });
    }
    let region = region.unwrap_or_else(|| {
        missing.add("awsRegion", json!(caller.region));
        caller.region.clone()
    });
    let id = match text_of(&record, "eventID", "a text")? {
        Some(id) if id.len() > MAX_EVENT_ID => {
            return Err(EventFault::Invalid { member: "eventID", expected: "at most 128 bytes long" });
        }
        Some(id) => id,
        None => {
            let id = uuid::random();
            missing.add("eventID", json!(id));
            id
        }
    };
    match text_of(&record, "recipientAccountId", "12 digits")? {
        Some(account) if !is_account_id(&account) => {
            return Err(EventFault::Invalid { member: "recipientAccountId", expected: "12 digits" });
        }
        Some(_) => {}
        None => missing.add("recipientAccountId", json!(caller.account)),
    }
    let kind = record.member("eventType").and_then(|value| value.as_str());
    // CloudTrail writes records of services, Insights and aggregated events without a caller
    let has_caller =
        !is_insight && kind.is_none_or(|kind| kind.starts_with("AwsApi") || kind.starts_with("AwsConsole"));
    if has_caller {
        missing.add_what_calls_have(&record, version.as_deref(), caller, source);
    }
    if let Some(whole) = missing.added_to(text) {
        taken = entry(&whole).map_err(fault)?;
    }
    Ok(Event { id, entry: taken.in_region(&region).map_err(fault)?, added: missing.names() })
}

/// The time of a record.
pub(super) fn time(now: Timestamp) -> String {
    now.to_string()
}

/// Members that are added, in their order.
#[derive(Default)]
struct Missing(Vec<(&'static str, Value)>);

impl Missing {
    fn add(&mut self, member: &'static str, value: Value) {
        self.0.push((member, value));
    }

    /// What the record of every call has since the version that this one says. Who called is not known: whoever sent the
    /// record need not be who acted in it.
    fn add_what_calls_have(
        &mut self,
        record: &Record<'_>,
        version: Option<&str>,
        caller: &Caller,
        source: IpAddr,
    ) {
        let identity = json!({ "type": "Unknown", "accountId": caller.account });
        let category = category(record).map(|category| json!(category.name()));
        for (member, since, value) in [
            ("userIdentity", 0, Some(identity)),
            ("sourceIPAddress", 0, Some(json!(source.to_string()))),
            ("requestParameters", 0, Some(Value::Null)),
            ("responseElements", 0, Some(Value::Null)),
            ("eventType", 2, Some(json!("AwsApiCall"))),
            // as it is derived anyway, so that no selector sees another event
            ("eventCategory", 7, category),
        ] {
            let has_it = version.is_none_or(|version| minor(version).is_some_and(|minor| since <= minor));
            if let Some(value) = value.filter(|_| has_it && record.member(member).is_none()) {
                self.add(member, value);
            }
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(member, _)| *member).collect()
    }

    /// The object, which has some members, with these behind its own; `None` if there are none.
    fn added_to(&self, object: &[u8]) -> Option<Vec<u8>> {
        let open = object.strip_suffix(b"}").filter(|_| !self.0.is_empty())?;
        let mut whole = open.trim_ascii_end().to_vec();
        for (member, value) in &self.0 {
            whole.extend_from_slice(format!(",\"{member}\":{value}").as_bytes());
        }
        whole.push(b'}');
        Some(whole)
    }
}

/// What stands behind the dot of a version of records, `1.08`; `None` of another major version than 1.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.parse().ok()
}

/// Refuses what JSON allows and readers do not: one event must not make its log file unreadable as a whole. The text is
/// JSON.
fn check_for_readers(json: &[u8]) -> Result<(), EventFault> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at = end_of_text(json, at + 1)?;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(EventFault::TooDeep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                at = end_of_number(json, at)?;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// Where a number that begins at `at` ends. Few readers have others than doubles, and some stop at a number that is none.
fn end_of_number(json: &[u8], at: usize) -> Result<usize, EventFault> {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    let number = &json[at..];
    let number = &number[..number.iter().position(|byte| !is_part(byte)).unwrap_or(number.len())];
    let value: Option<f64> = str::from_utf8(number).ok().and_then(|text| text.parse().ok());
    if value.is_some_and(f64::is_finite) { Ok(at + number.len()) } else { Err(EventFault::Number) }
}

/// Where the text whose content begins at `at` ends, its closing quote included.
fn end_of_text(json: &[u8], mut at: usize) -> Result<usize, EventFault> {
    // the first half of a pair stands right before
    let mut is_half = false;
    while let Some(byte) = json.get(at) {
        let unit = if *byte == b'\\' && json.get(at + 1) == Some(&b'u') {
            let digits = json.get(at + 2..at + 6).and_then(|digits| str::from_utf8(digits).ok());
            digits.and_then(|digits| u16::from_str_radix(digits, 16).ok())
        } else {
            None
        };
        let is_second = unit.is_some_and(|unit| (0xDC00..=0xDFFF).contains(&unit));
        if is_half != is_second {
            return Err(EventFault::Surrogate);
        }
        is_half = unit.is_some_and(|unit| (0xD800..=0xDBFF).contains(&unit));
        at += match (byte, unit) {
            (b'"', _) => return Ok(at + 1),
            (_, Some(_)) => 6,
            (b'\\', None) => 2,
            _ => 1,
        };
    }
    Ok(at)
}

/// A member that, if it is there, is a text and not empty.
fn text_of(
    record: &Record<'_>,
    member: &'static str,
    expected: &'static str,
) -> Result<Option<String>, EventFault> {
    let Some(value) = record.member(member) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(|text| Some(text.into_owned())).ok_or(EventFault::Invalid { member, expected })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// 2024-03-01T12:00:00.5Z
    const NOW: i64 = 1_709_294_400_500;
    const WHOLE: &str = r#"{ "eventVersion":"1.08","eventTime":"2024-03-01T11:00:00Z", "eventSource":"my.app",
        "eventName":"A\u004fB","awsRegion":"eu-west-1","eventID":"one","recipientAccountId":"444455556666","x":[1.0],
        "userIdentity":null,"sourceIPAddress":"AWS Internal","requestParameters":null,"responseElements":null,
        "eventType":"AwsApiCall","eventCategory":"Management" }"#;

    fn caller() -> Caller {
        let (account, region) = ("111122223333".to_owned(), "us-east-1".to_owned());
        Caller { account, region, now: Timestamp::from_millis(NOW) }
    }

    /// What comes from 192.0.2.1.
    fn read(text: &[u8], caller: &Caller) -> Result<Event, EventFault> {
        super::read(text, caller, [192, 0, 2, 1].into())
    }

    fn with(member: &str, value: Value) -> String {
        let mut event: Value = serde_json::from_str(WHOLE).unwrap();
        event[member] = value;
        event.to_string()
    }

    #[test]
    fn a_record_that_lacks_nothing_is_kept_byte_for_byte() {
        let event = read(format!("\n {WHOLE}\t").as_bytes(), &caller()).unwrap();
        assert_eq!(event.entry.event(), WHOLE.as_bytes());
        assert_eq!((event.id.as_str(), event.entry.region()), ("one", "eu-west-1"));
        // whoever sends it is who receives it, whatever the record says
        assert_eq!((event.entry.account(), event.entry.received()), ("111122223333", NOW));
    }

    #[test]
    fn what_a_record_lacks_is_added_behind_what_it_says() {
        let text = br#"{"eventName":"A", "eventSource" : "my.app" }"#;
        let event = read(text, &caller()).unwrap();
        let start = br#"{"eventName":"A", "eventSource" : "my.app","eventVersion":"1.11","#;
        assert!(event.entry.event().starts_with(start));
        let record: Value = serde_json::from_slice(event.entry.event()).unwrap();
        let expected = json!({
            "eventName": "A",
            "eventSource": "my.app",
            "eventVersion": "1.11",
            "eventTime": "2024-03-01T12:00:00Z",
            "awsRegion": "us-east-1",
            "eventID": event.id,
            "recipientAccountId": "111122223333",
            "userIdentity": { "type": "Unknown", "accountId": "111122223333" },
            "sourceIPAddress": "192.0.2.1",
            "requestParameters": null,
            "responseElements": null,
            "eventType": "AwsApiCall",
            "eventCategory": "Management",
        });
        assert_eq!(record, expected);
        let added: Vec<&str> = expected.as_object().unwrap().keys().map(String::as_str).collect();
        let mut said = event.added.clone();
        said.extend(["eventName", "eventSource"]);
        said.sort_unstable();
        assert_eq!(said, added);
        assert_ne!(read(text, &caller()).unwrap().id, event.id);
        assert_eq!(event.entry.region(), "us-east-1");
    }

    /// The members that are added to an event of this version and type.
    fn added(version: &str, kind: &str) -> Vec<&'static str> {
        let text = json!({
            "eventVersion": version, "eventName": "A", "eventSource": "b", "eventTime": "2024-03-01T11:00:00Z",
            "awsRegion": "eu-west-1", "eventID": "one", "recipientAccountId": "111122223333", "eventType": kind,
        });
        read(text.to_string().as_bytes(), &caller()).unwrap().added
    }

    #[test]
    fn nothing_is_added_that_a_version_or_a_kind_of_record_has_not() {
        let always = ["userIdentity", "sourceIPAddress", "requestParameters", "responseElements"];
        assert_eq!(added("1.05", "AwsApiCall"), always);
        assert_eq!(added("1.06", "AwsConsoleSignIn"), always);
        for version in ["1.07", "1.08", "1.11"] {
            assert_eq!(added(version, "AwsApiCall"), [&always[..], &["eventCategory"]].concat(), "{version}");
        }
        for kind in ["AwsServiceEvent", "AwsVpceEvent", "AwsCloudTrailInsight", "AwsAggregatedEvent"] {
            assert!(added("1.11", kind).is_empty(), "{kind}");
        }
        assert!(added("2.0", "AwsApiCall").is_empty());
    }

    #[test]
    fn a_category_that_is_added_is_the_one_that_is_derived() {
        for (member, value, expected) in [
            ("managementEvent", json!(false), "Data"),
            ("managementEvent", json!(true), "Management"),
            ("x", json!(1), "Management"),
        ] {
            let text = json!({ "eventName": "A", "eventSource": "b", member: value }).to_string();
            let event = read(text.as_bytes(), &caller()).unwrap();
            let record: Value = serde_json::from_slice(event.entry.event()).unwrap();
            assert_eq!(record["eventCategory"], expected);
        }
    }

    #[test]
    fn members_of_members_are_not_the_record_s() {
        let text =
            br#"{"eventName":"A","eventSource":"b","requestParameters":{"eventID":"inner","awsRegion":"x"}}"#;
        let event = read(text, &caller()).unwrap();
        assert_ne!(event.id, "inner");
        assert_eq!(event.entry.region(), "us-east-1");
    }

    #[test]
    fn insights_have_no_name_and_source_of_their_own() {
        let event = read(br#"{"eventCategory":"Insight","insightDetails":{}}"#, &caller()).unwrap();
        assert!(event.entry.event().ends_with(br#""recipientAccountId":"111122223333"}"#));
    }

    #[test]
    fn what_readers_of_json_could_not_read_is_refused() {
        let nested = |levels: usize| {
            let (open, close) = ("[".repeat(levels), "]".repeat(levels));
            let text = format!(r#"{{"eventSource":"a","eventName":"b","x":{open}{close},"y":"[[\\\"[["}}"#);
            read(text.as_bytes(), &caller()).map(|_| ())
        };
        assert_eq!(nested(MAX_DEPTH - 1), Ok(()));
        assert_eq!(nested(MAX_DEPTH), Err(EventFault::TooDeep));
        assert_eq!(nested(100_000), Err(EventFault::TooDeep));
        let with = |value: &str| {
            let text = format!(r#"{{"eventSource":"a","eventName":"b","x":{value}}}"#);
            read(text.as_bytes(), &caller()).map(|_| ())
        };
        let digits = |count: usize| "9".repeat(count);
        for value in
            ["1e308", "-1.7976931348623157e308", "1e-999999", "-0", "0.1E+2", &digits(308), "\"1e999\""]
        {
            assert_eq!(with(value), Ok(()), "{value}");
        }
        for value in ["1e309", "-1e999999", "[0,1E400]", &digits(309), &digits(5000)] {
            assert_eq!(with(value), Err(EventFault::Number), "{value}");
        }
        for value in
            [r#""\ud83d\ude00""#, r#""\\ud800""#, r#""\u00e9\uD83D\uDE00\\""#, r#"{"\uffff":"\u0000"}"#]
        {
            assert_eq!(with(value), Ok(()), "{value}");
        }
        for value in [
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud800\ud800\udc00""#,
            r#""\ud800x\udc00""#,
            r#""\ud800\n""#,
            r#""\ud800\\udc00""#,
            r#"{"\udfff":1}"#,
        ] {
            assert_eq!(with(value), Err(EventFault::Surrogate), "{value}");
        }
        let account = br#"{"eventSource":"a","eventName":"b","recipientAccountId":"../../x"}"#;
        assert!(matches!(
            read(account, &caller()),
            Err(EventFault::Invalid { member: "recipientAccountId", .. })
        ));
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_reason() {
        let fault = |text: &str| read(text.as_bytes(), &caller()).unwrap_err();
        for text in ["", "[]", "{", "7", "null", "{} {}", "{\"a\":1,}", "\u{feff}{}"] {
            assert_eq!(fault(text), EventFault::NoObject, "{text}");
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}", &caller()).unwrap_err(), EventFault::NoObject);
        assert_eq!(fault("{}"), EventFault::Missing { member: "eventSource" });
        assert_eq!(fault(r#"{"eventSource":"my.app"}"#), EventFault::Missing { member: "eventName" });
        for (member, value, code) in [
            ("eventSource", json!(1), "InvalidEventSource"),
            ("eventSource", json!(""), "InvalidEventSource"),
            ("eventName", json!(null), "InvalidData"),
            ("eventVersion", json!(1.08), "InvalidData"),
            ("eventTime", json!("2024-03-01 11:00"), "InvalidData"),
            ("eventTime", json!(NOW), "InvalidData"),
            ("awsRegion", json!("../x"), "InvalidData"),
            ("eventID", json!("x".repeat(129)), "InvalidData"),
            ("eventID", json!({}), "InvalidData"),
        ] {
            let fault = fault(&with(member, value.clone()));
            assert_eq!(fault.code(), code, "{member} {value}");
            assert!(fault.to_string().contains(member), "{fault}");
        }
    }

    #[test]
    fn an_event_has_at_most_256_kb() {
        let sized = |bytes: usize| with("x", json!("y".repeat(bytes - with("x", json!("")).len())));
        assert!(read(sized(MAX_EVENT).as_bytes(), &caller()).is_ok());
        let fault = read(sized(MAX_EVENT + 1).as_bytes(), &caller()).unwrap_err();
        assert_eq!(fault, EventFault::TooLong { bytes: MAX_EVENT + 1 });
        assert_eq!(fault.code(), "FieldTooLong");
    }

    proptest! {
        #[test]
        fn whatever_is_taken_says_what_was_sent_and_all_that_a_record_must(
            members in proptest::collection::btree_map(
                prop_oneof![
                    Just("eventVersion"), Just("eventTime"), Just("awsRegion"), Just("eventID"),
                    Just("recipientAccountId"), Just("eventName"), Just("eventSource"), Just("other"),
                    Just("userIdentity"), Just("eventType"), Just("insightDetails"),
                ],
                prop_oneof![
                    Just(json!("eu-west-1")), Just(json!("2024-03-01T11:00:00Z")), Just(json!(1)),
                    Just(json!({"a": [null, "}"]})), "\\PC{0,9}".prop_map(Value::String),
                ],
                0..8,
            ),
        ) {
            let sent = serde_json::to_value(&members).unwrap();
            if let Ok(event) = read(sent.to_string().as_bytes(), &caller()) {
                let taken: Value = serde_json::from_slice(event.entry.event()).unwrap();
                for (member, value) in &members {
                    prop_assert_eq!(&taken[*member], value);
                }
                prop_assert_eq!(taken["eventID"].as_str(), Some(event.id.as_str()));
                prop_assert_eq!(taken["awsRegion"].as_str(), Some(event.entry.region()));
                for member in ["eventVersion", "eventTime", "recipientAccountId"] {
                    prop_assert!(!taken[member].is_null(), "{}", member);
                }
                for member in &event.added {
                    prop_assert!(!members.contains_key(member), "{} was there", member);
                    prop_assert!(taken.get(*member).is_some(), "{}", member);
                }
                prop_assert_eq!(taken.as_object().unwrap().len(), members.len() + event.added.len());
            }
        }

        /// serde_json reads numbers as doubles and texts as Unicode, up to 128 levels.
        #[test]
        fn what_is_taken_is_what_a_strict_reader_reads(
            parts in proptest::collection::vec(
                prop_oneof![
                    Just("\\ud83d".to_owned()), Just("\\ude00".to_owned()), Just("\\u00e9".to_owned()),
                    Just("\\\\".to_owned()), Just("\\\"".to_owned()), Just("\\n".to_owned()), "[a-zé\u{1F600}]",
                ],
                0..6,
            ),
            number in "-?(0|[1-9][0-9]{0,3})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        ) {
            let text = parts.concat();
            let json = format!(r#"{{"eventSource":"a","eventName":"b","x":["{text}",{number}],"{text}":0}}"#);
            let taken = read(json.as_bytes(), &caller());
            prop_assert_eq!(taken.is_ok(), serde_json::from_str::<Value>(&json).is_ok(), "{} {:?}", json, taken);
        }

        #[test]
        fn any_bytes_are_read_without_panic(text in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&text, &caller());
        }
    }
}
