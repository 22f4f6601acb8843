//! What rows are derived from, by one walk over the record.

use trailseal_archive::Timestamp;

use crate::{
    json::Value,
    record::{Record, time_of},
};

/// The members of a record, or of its `insightDetails`, that rows are derived from. Of duplicates the last counts.
#[derive(Debug, Default)]
pub(crate) struct TopLevel<'a> {
    pub(crate) event_category: Option<Value<'a>>,
    pub(crate) event_id: Option<Value<'a>>,
    pub(crate) event_name: Option<Value<'a>>,
    pub(crate) event_source: Option<Value<'a>>,
    pub(crate) event_time: Option<Value<'a>>,
    pub(crate) insight_details: Option<Value<'a>>,
    pub(crate) read_only: Option<Value<'a>>,
    pub(crate) request: Option<Value<'a>>,
    pub(crate) resources: Option<Value<'a>>,
    pub(crate) response: Option<Value<'a>>,
    pub(crate) user_identity: Option<Value<'a>>,
    /// Any error was recorded.
    pub(crate) has_failed: bool,
}

impl<'a> TopLevel<'a> {
    pub(crate) fn of(value: Value<'a>) -> Self {
        let mut top = Self::default();
        for (key, value) in value.members().map_while(Result::ok) {
            let decoded;
            let name = if key.is_escaped() {
                decoded = key.decode();
                decoded.as_bytes()
            } else {
                key.raw()
            };
            let member = match name {
                b"errorCode" | b"errorMessage" => {
                    top.has_failed |= value != Value::Null;
                    continue;
                }
                b"eventCategory" => &mut top.event_category,
                b"eventID" => &mut top.event_id,
                b"eventName" => &mut top.event_name,
                b"eventSource" => &mut top.event_source,
                b"eventTime" => &mut top.event_time,
                b"insightDetails" => &mut top.insight_details,
                b"readOnly" => &mut top.read_only,
                b"requestParameters" => &mut top.request,
                b"resources" => &mut top.resources,
                b"responseElements" => &mut top.response,
                b"userIdentity" => &mut top.user_identity,
                _ => continue,
            };
            *member = Some(value);
        }
        top
    }

    /// [`Record::time`] of the record that this is from.
    pub(crate) fn time(&self, record: &Record<'_>) -> Option<Timestamp> {
        // Where names are found by their bytes, damage before the time does not hide it.
        if record.is_plain() { record.time() } else { self.event_time.and_then(time_of) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What another walk for each of the members finds.
    #[track_caller]
    fn check(record: &Record<'_>) {
        let top = TopLevel::of(record.value());
        let found = [
            ("eventCategory", top.event_category),
            ("eventID", top.event_id),
            ("eventName", top.event_name),
            ("eventSource", top.event_source),
            ("eventTime", top.event_time),
            ("insightDetails", top.insight_details),
            ("readOnly", top.read_only),
            ("requestParameters", top.request),
            ("resources", top.resources),
            ("responseElements", top.response),
            ("userIdentity", top.user_identity),
        ];
        for (name, member) in found {
            assert_eq!(member, record.member(name), "{name} {}", record.bytes().escape_ascii());
        }
        assert_eq!(top.time(record), record.time(), "{}", record.bytes().escape_ascii());
    }

    #[test]
    fn any_recorded_error_is_a_failure() {
        for (members, has_failed) in [
            (r#""errorCode":"AccessDenied""#, true),
            (r#""errorMessage":"no","errorCode":null"#, true),
            (r#""errorCode":"x","errorCode":null"#, true),
            (r#""errorCode":null,"x":{"errorCode":"x"}"#, false),
        ] {
            let record = format!("{{{members}}}");
            assert_eq!(
                TopLevel::of(Record::new(record.as_bytes()).value()).has_failed,
                has_failed,
                "{members}"
            );
        }
    }

    proptest! {
        #[test]
        fn members_are_those_of_a_walk_each(
            members in proptest::collection::vec(
                (
                    proptest::sample::select(vec![
                        "eventCategory", "eventID", "eventName", "eventSource", "eventTime", "eventTime",
                        "event\\u0054ime", "insightDetails", "readOnly", "requestParameters", "resources",
                        "responseElements", "userIdentity", "x", "\u{fffd}",
                    ]),
                    proptest::sample::select(vec![
                        "null", "true", "7", "\"a\\u0062\"", "[1, {\"eventTime\":\"}\"}]",
                        "{\"eventID\" : \"{\"}", "\"2023-07-10T11:42:36Z\"", "\"2023-07-10T11\\u003a42:37Z\"",
                    ]),
                ),
                0..12,
            ),
            damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        ) {
            let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            let text = format!("{{{}}}", members.join(" , "));
            check(&Record::new(text.as_bytes()));
            if !text.contains("\\u") {
                check(&Record::plain(text.as_bytes()));
            }
            if let Some((place, byte)) = damage {
                let mut bytes = text.into_bytes();
                let place = place.index(bytes.len());
                bytes[place] = byte;
                check(&Record::new(&bytes));
            }
        }
    }
}
