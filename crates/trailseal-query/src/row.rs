//! A row of `LookupEvents` (docs/spec/lookup-events.md 1.2, 1.5).

mod resources;
mod table;
pub(crate) mod top;
mod tree;
mod username;

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use trailseal_archive::Timestamp;

pub use self::{
    resources::{Resource, Rule, resources},
    username::username,
};

pub(crate) use self::resources::resource_names_of;

use self::{resources::resources_of, top::TopLevel, username::username_of};
use crate::{
    category::{Category, category},
    json::{Value, compact, lossy},
    record::Record,
};

/// One event as `LookupEvents` answers it; `None` is a member that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupRow<'a> {
    /// `EventId`
    pub event_id: Option<Cow<'a, str>>,
    /// `EventName`
    pub event_name: Option<Cow<'a, str>>,
    /// `ReadOnly`: the text `true` or `false`
    pub read_only: Option<Cow<'a, str>>,
    /// `AccessKeyId`
    pub access_key_id: Option<Cow<'a, str>>,
    /// `EventTime`
    pub event_time: Option<Timestamp>,
    /// `EventSource`
    pub event_source: Option<Cow<'a, str>>,
    /// `Username`
    pub username: Option<Cow<'a, str>>,
    /// `Resources`, always there
    pub resources: Vec<Resource<'a>>,
    /// `CloudTrailEvent`: the record as compact JSON, keys and escapes as in the record
    pub cloud_trail_event: Cow<'a, str>,
}

/// How a row ends that has an empty text in its record's place.
const NO_RECORD: &str = "\"\"}";

/// How the AWS CLI prints `EventTime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// `2023-07-10T11:42:36+00:00`, as version 2 does
    Iso8601,
    /// `1688989356.0`, the number that came over the wire
    Wire,
}

impl<'a> LookupRow<'a> {
    /// The row of a record: an Insights event by 1.5, any other by 1.2.
    pub fn of(record: &Record<'a>) -> Self {
        // The text is what the attributes of a request are compared with.
        let text = |member: Option<Value<'a>>| member.and_then(|value| value.text());
        let top = TopLevel::of(record.value());
        let mut row = Self {
            event_id: text(top.event_id),
            event_name: text(top.event_name),
            read_only: text(top.read_only),
            access_key_id: None,
            event_time: top.time(record),
            event_source: text(top.event_source),
            username: None,
            resources: Vec::new(),
            cloud_trail_event: lossy(compact(record.bytes())),
        };
        if is_insight(record, &top) {
            let details = TopLevel::of(top.insight_details.unwrap_or(Value::Null));
            row.event_name = text(details.event_name);
            row.event_source = text(details.event_source);
            row.read_only = None;
        } else {
            let key = top.user_identity.and_then(|identity| identity.member("accessKeyId"));
            row.access_key_id = text(key).filter(|key| !key.is_empty());
            row.username = top.user_identity.and_then(username_of);
            row.resources = resources_of(&top);
        }
        row
    }

    /// The row as one JSON object on one line: members in the order of AWS's model, those unknown left out.
    pub fn json(&self, times: TimeFormat) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_json(times, &mut out);
        out
    }

    /// The same, behind what is there.
    pub fn write_json(&self, times: TimeFormat, out: &mut Vec<u8>) {
        out.reserve(Self::wire_size(self.cloud_trail_event.len()));
        // Writing to a vector cannot fail, and neither can texts fail to be JSON.
        let _ = serde_json::to_writer(out, &InFormat(self, times));
    }

    /// About how many bytes the row of a record of so many bytes takes: its quotes are escaped.
    pub(crate) fn wire_size(record: usize) -> usize {
        record * 5 / 4 + 512
    }

    /// What [`Self::write_json`] writes of a record before the record's own text, to be made once for one that is asked for
    /// often; `None` where that text is not the record as it is (it is not compact, or not UTF-8).
    pub fn wire_head(record: &Record<'a>) -> Option<Vec<u8>> {
        let mut row = Self::of(record);
        if row.cloud_trail_event.as_bytes() != record.bytes() {
            return None;
        }
        row.cloud_trail_event = Cow::Borrowed("");
        let mut head = row.json(TimeFormat::Wire);
        head.truncate(head.len().saturating_sub(NO_RECORD.len()));
        Some(head)
    }

    /// The row of a record with its [`Self::wire_head`], behind what is there.
    pub fn write_headed(head: &[u8], record: &[u8], out: &mut Vec<u8>) {
        out.reserve(head.len() + Self::wire_size(record.len()));
        out.extend_from_slice(head);
        let _ = serde_json::to_writer(&mut *out, &lossy(record.into()));
        out.push(b'}');
    }

    /// The same as the AWS CLI lays it out: four spaces a level, on lines that after the first begin with
    /// `indent` spaces.
    pub fn pretty_json(&self, times: TimeFormat, indent: usize) -> Vec<u8> {
        let mut flat = Vec::with_capacity(self.cloud_trail_event.len() + 1024);
        let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut flat, formatter);
        let _ = InFormat(self, times).serialize(&mut serializer);
        if indent == 0 {
            return flat;
        }
        // A line break in JSON is never inside a text.
        let mut out = Vec::with_capacity(flat.len() + 32 * indent);
        for (index, line) in flat.split(|byte| *byte == b'\n').enumerate() {
            if index > 0 {
                out.push(b'\n');
                out.resize(out.len() + indent, b' ');
            }
            out.extend_from_slice(line);
        }
        out
    }

    /// The members that are texts, with their names and in AWS's order, but for `Resources`, which stand before
    /// the last of them.
    pub fn texts(&self, times: TimeFormat) -> impl Iterator<Item = (&'static str, Cow<'_, str>)> {
        let time = self.event_time.map(|time| Cow::Owned(times.text(time)));
        [
            ("EventId", self.event_id.as_deref().map(Cow::Borrowed)),
            ("EventName", self.event_name.as_deref().map(Cow::Borrowed)),
            ("ReadOnly", self.read_only.as_deref().map(Cow::Borrowed)),
            ("AccessKeyId", self.access_key_id.as_deref().map(Cow::Borrowed)),
            ("EventTime", time),
            ("EventSource", self.event_source.as_deref().map(Cow::Borrowed)),
            ("Username", self.username.as_deref().map(Cow::Borrowed)),
            ("CloudTrailEvent", Some(Cow::Borrowed(&*self.cloud_trail_event))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
    }
}

/// Whether the [`category`] is that; what the record itself says needs no further walk.
fn is_insight(record: &Record<'_>, top: &TopLevel<'_>) -> bool {
    match top.event_category {
        None | Some(Value::Null) => category(record) == Some(Category::Insight),
        Some(stated) => stated.as_str().is_some_and(|name| name == Category::Insight.name()),
    }
}

impl TimeFormat {
    /// A time as the AWS CLI prints it.
    pub fn text(self, time: Timestamp) -> String {
        match self {
            Self::Iso8601 => time.to_string().replace('Z', "+00:00"),
            Self::Wire => format!("{}.0", time.epoch()),
        }
    }
}

struct InFormat<'r, 'a>(&'r LookupRow<'a>, TimeFormat);

impl Serialize for InFormat<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(row, times) = self;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in row.texts(*times) {
            if name == "CloudTrailEvent" {
                map.serialize_entry("Resources", &row.resources)?;
            }
            match (name, times, row.event_time) {
                ("EventTime", TimeFormat::Wire, Some(time)) => {
                    map.serialize_entry(name, &(time.epoch() as f64))?;
                }
                _ => map.serialize_entry(name, &*value)?,
            }
        }
        map.end()
    }
}

/// `{"ResourceType", "ResourceName"}`, the first only where it is known.
impl Serialize for Resource<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(resource_type) = &self.resource_type {
            map.serialize_entry("ResourceType", resource_type)?;
        }
        map.serialize_entry("ResourceName", &self.name)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    const RECORD: &str = r#"{ "eventVersion": "1.08",
        "userIdentity": {"type":"IAMUser","userName":"Zo\u00eb","accessKeyId":"AKIA1"},
        "eventTime":"2023-07-10T11:42:36Z","eventSource":"iam.amazonaws.com","eventName":"DeleteUser",
        "requestParameters":{"userName":"B\"ob é"},"eventID":"e-1","readOnly":false,"eventCategory":"Management"}"#;

    fn json(record: &str) -> String {
        let record = Record::new(record.as_bytes());
        String::from_utf8(LookupRow::of(&record).json(TimeFormat::Iso8601)).unwrap()
    }

    #[test]
    fn members_stand_in_the_order_of_the_model_1_2() {
        let expected = concat!(
            r#"{"EventId":"e-1","EventName":"DeleteUser","ReadOnly":"false","AccessKeyId":"AKIA1","#,
            r#""EventTime":"2023-07-10T11:42:36+00:00","EventSource":"iam.amazonaws.com","Username":"Zoë","#,
            r#""Resources":[{"ResourceType":"AWS::IAM::User","ResourceName":"B\"ob é"}],"CloudTrailEvent":"{\"eventVersion\":"#,
        );
        assert!(json(RECORD).starts_with(expected), "{}", json(RECORD));
    }

    #[test]
    fn the_record_is_compact_and_otherwise_as_it_was_1_2() {
        let row = serde_json::from_str::<serde_json::Value>(&json(RECORD)).unwrap();
        let inner = row["CloudTrailEvent"].as_str().unwrap();
        assert!(inner.contains(r#""userName":"Zo\u00eb","accessKeyId""#), "{inner}");
        assert!(inner.contains(r#"{"userName":"B\"ob é"},"eventID""#), "{inner}");
        assert!(!inner.contains('\n'), "{inner}");
    }

    #[test]
    fn unknown_members_are_left_out_1_2() {
        assert_eq!(json("{}"), r#"{"Resources":[],"CloudTrailEvent":"{}"}"#);
        let odd = r#"{"eventTime":"soon","eventID":null,"userIdentity":{"type":"Root","accessKeyId":""}}"#;
        assert!(json(odd).starts_with(r#"{"Username":"root","Resources":[],"#), "{}", json(odd));
        assert!(json(r#"{"readOnly":"true"}"#).starts_with(r#"{"ReadOnly":"true","#));
        let untyped = r#"{"eventSource":"kms.amazonaws.com","eventName":"DescribeKey","requestParameters":{"keyId":"k"}}"#;
        assert!(json(untyped).contains(r#""Resources":[{"ResourceName":"k"}]"#), "{}", json(untyped));
    }

    #[test]
    fn insight_rows_are_named_by_their_details_1_5() {
        let record = concat!(
            r#"{"eventTime":"2023-07-10T11:42:00Z","eventType":"AwsCloudTrailInsight","eventID":"e-2","readOnly":true,"#,
            r#""insightDetails":{"state":"Start","eventSource":"iam.amazonaws.com","eventName":"GetUser"},"#,
            r#""resources":[{"ARN":"arn:x"}],"userIdentity":{"type":"Root"},"eventCategory":"Insight"}"#,
        );
        let expected = concat!(
            r#"{"EventId":"e-2","EventName":"GetUser","EventTime":"2023-07-10T11:42:00+00:00","#,
            r#""EventSource":"iam.amazonaws.com","Resources":[],"CloudTrailEvent":"#,
        );
        assert!(json(record).starts_with(expected), "{}", json(record));
    }

    #[test]
    fn a_row_with_a_head_is_the_row() {
        for record in [RECORD, "{}", r#"{"eventID":"e","userIdentity":{"type":"Root"},"x":"\"\u0000 é"}"#] {
            let compact = compact(record.as_bytes());
            let record = Record::new(&compact);
            let head = LookupRow::wire_head(&record).unwrap();
            let mut row = b"[".to_vec();
            LookupRow::write_headed(&head, record.bytes(), &mut row);
            let mut expected = b"[".to_vec();
            LookupRow::of(&record).write_json(TimeFormat::Wire, &mut expected);
            assert_eq!(String::from_utf8(row), String::from_utf8(expected));
        }
        for odd in [RECORD.as_bytes(), b"{\"eventID\":\"\xff\"}"] {
            assert_eq!(LookupRow::wire_head(&Record::new(odd)), None);
        }
    }

    #[test]
    fn layouts_are_those_of_the_aws_cli() {
        let record = Record::new(br#"{"eventID":"e","eventTime":"2023-07-10T11:42:36Z"}"#);
        let row = LookupRow::of(&record);
        let pretty = String::from_utf8(row.pretty_json(TimeFormat::Wire, 8)).unwrap();
        let expected = r#"{
            "EventId": "e",
            "EventTime": 1688989356.0,
            "Resources": [],
            "CloudTrailEvent": "{\"eventID\":\"e\",\"eventTime\":\"2023-07-10T11:42:36Z\"}"
        }"#;
        assert_eq!(pretty, expected);
    }

    /// Reads shared/samples in place; says so when they are absent.
    #[test]
    fn the_aws_cli_s_sample_row_follows_from_its_record() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../shared/samples/documentation-examples/lookup-events.events.json"
        );
        let worktree = path.replace("/../../../shared", "/../../../../shared");
        let Ok(bytes) = std::fs::read(path).or_else(|_| std::fs::read(&worktree)) else {
            let mut err = io::stderr();
            let _ = io::Write::write_all(&mut err, b"shared/samples is absent: nothing compared\n");
            return;
        };
        let sample: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        for event in sample["Events"].as_array().unwrap() {
            let record = event["CloudTrailEvent"].as_str().unwrap();
            let mut row: serde_json::Value = serde_json::from_str(&json(record)).unwrap();
            let mut expected = event.clone();
            // The sample's time was edited: it is not that of its record.
            for one in [&mut row, &mut expected] {
                one.as_object_mut().unwrap().remove("EventTime");
            }
            row.as_object_mut().unwrap().remove("EventSource");
            assert_eq!(row, expected);
        }
    }
}
