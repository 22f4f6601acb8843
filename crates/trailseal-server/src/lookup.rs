//! `LookupEvents` over an archive's index (docs/spec/lookup-events.md).

use std::{borrow::Cow, sync::Arc};

use serde::Deserialize;
use serde_json::Value;
use trailseal_archive::Timestamp as Seconds;
use trailseal_evidence::events::{self, EventIndex, LookupError, RecentEvents, Scope};
use trailseal_query::{
    lookup::{Attribute, Extensions, Request, RequestError},
    row::{LookupRow, Resource},
};

use crate::{
    api::{ApiError, Caller, ErrorCode, second},
    archive::Events,
};

/// Answers `LookupEvents` from an archive's index, from the events that came in here, or from both.
#[derive(Debug)]
pub struct Lookups {
    archive: Option<EventIndex>,
    recent: Option<Arc<RecentEvents>>,
    account: Option<String>,
    window: Option<i64>,
}

impl Lookups {
    /// Over the events of `account`, or of all accounts; of the last `window` seconds only, if that is asked for (90
    /// days at AWS).
    pub fn new(
        archive: Option<EventIndex>,
        recent: Option<Arc<RecentEvents>>,
        account: Option<String>,
        window: Option<i64>,
    ) -> Self {
        Self { archive, recent, account, window }
    }

    fn answer(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let input = Input::deserialize(input)
            .map_err(|error| ApiError::new(ErrorCode::SerializationException, error.to_string()))?;
        let request = input.request(self.window);
        let now = second(caller.now);
        let scope = Scope { region: Some(&caller.region), account: self.account.as_deref() };
        let answer = events::lookup(self.archive.as_ref(), self.recent.as_deref(), &request, &scope, now)
            .map_err(|error| refused(&error))?;
        let rows = answer.rows().map(value).collect();
        Ok(object([("Events", Some(rows)), ("NextToken", answer.next_token.map(Value::String))]))
    }
}

impl Events for Lookups {
    fn lookup(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        self.answer(caller, input)
    }
}

/// The parameters as they come over the wire.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Input {
    lookup_attributes: Vec<InputAttribute>,
    start_time: Option<f64>,
    end_time: Option<f64>,
    event_category: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InputAttribute {
    attribute_key: String,
    attribute_value: String,
}

impl Input {
    fn request(self, window: Option<i64>) -> Request {
        let attribute =
            |InputAttribute { attribute_key: key, attribute_value: value }| Attribute { key, value };
        Request {
            attributes: self.lookup_attributes.into_iter().map(attribute).collect(),
            // both are inclusive, and events have whole seconds
            start_time: self.start_time.and_then(|time| seconds(time.ceil())),
            end_time: self.end_time.and_then(|time| seconds(time.floor())),
            event_category: self.event_category,
            max_results: self.max_results,
            next_token: self.next_token,
            region: None,
            extensions: Extensions { window, ..Extensions::default() },
        }
    }
}

/// A row as [`LookupRow::json`] writes it, without its being written and read again.
fn value(row: LookupRow<'_>) -> Value {
    let text = |text: Cow<'_, str>| Value::String(text.into_owned());
    let resource = |resource: Resource<'_>| {
        let members = [("ResourceType", resource.resource_type), ("ResourceName", Some(resource.name))];
        object(members.map(|(name, member)| (name, member.map(text))))
    };
    object([
        ("EventId", row.event_id.map(text)),
        ("EventName", row.event_name.map(text)),
        ("ReadOnly", row.read_only.map(text)),
        ("AccessKeyId", row.access_key_id.map(text)),
        ("EventTime", row.event_time.map(|time| (time.epoch() as f64).into())),
        ("EventSource", row.event_source.map(text)),
        ("Username", row.username.map(text)),
        ("Resources", Some(row.resources.into_iter().map(resource).collect())),
        ("CloudTrailEvent", Some(text(row.cloud_trail_event))),
    ])
}

/// An object of the members that there are.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, member)| Some((name.to_owned(), member?)));
    Value::Object(members.collect())
}

/// The nearest second that can be named.
fn seconds(epoch: f64) -> Option<Seconds> {
    const YEAR_9999: f64 = 253_402_300_799.0;
    Seconds::from_epoch(epoch.clamp(0.0, YEAR_9999) as i64)
}

fn refused(error: &LookupError) -> ApiError {
    match error {
        LookupError::Rejected(rejected) => {
            let code = match rejected {
                // what the AWS CLI rejects by itself; other clients send it
                RequestError::EmptyValue { .. } => ErrorCode::InvalidLookupAttributesException,
                RequestError::TooFewResults { .. } => ErrorCode::InvalidMaxResultsException,
                other => {
                    let known = ErrorCode::ALL.iter().find(|code| code.as_str() == other.code());
                    known.copied().unwrap_or(ErrorCode::InternalFailure)
                }
            };
            ApiError::new(code, rejected.to_string())
        }
        LookupError::Changed { .. } => ApiError::new(
            ErrorCode::InternalFailure,
            "the archive changed since the server read it; the server must be started again",
        ),
        _ => ApiError::new(ErrorCode::InternalFailure, "a file of the archive cannot be read any more"),
    }
}

#[cfg(test)]
mod tests {
    use trailseal_query::{Record, row::TimeFormat};

    use super::*;

    #[test]
    fn a_row_is_the_value_of_what_the_command_writes() {
        for record in [
            r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"Zo\u00eb","accessKeyId":"AKIA1"},"eventTime":"2023-07-10T11:42:36Z","eventSource":"iam.amazonaws.com","eventName":"DeleteUser","requestParameters":{"userName":"B\"ob é"},"eventID":"e-1","readOnly":false}"#,
            r#"{"eventSource":"kms.amazonaws.com","eventName":"DescribeKey","requestParameters":{"keyId":"k"}}"#,
            r#"{"eventTime":"soon","eventCategory":"Insight","insightDetails":{"eventName":"GetUser"}}"#,
            "{}",
        ] {
            let record = Record::new(record.as_bytes());
            let row = LookupRow::of(&record);
            let written: Value = serde_json::from_slice(&row.json(TimeFormat::Wire)).unwrap();
            assert_eq!(value(row), written, "{record:?}");
        }
    }
}
