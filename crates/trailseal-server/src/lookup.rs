//! `LookupEvents` over an archive's index (docs/spec/lookup-events.md).

use std::{fmt, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value};
use trailseal_archive::Timestamp as Seconds;
use trailseal_evidence::events::LookupError;
use trailseal_query::{
    Record,
    lookup::{Attribute, Extensions, LookupAnswer, LookupScope, LookupSource, Request, RequestError, answer},
    row::{LookupRow, TimeFormat},
};

use crate::api::{ApiError, Caller, ErrorCode, second};

/// Answers `LookupEvents` from all sources together: the index of an archive, the events that come in here.
pub struct Lookups {
    sources: Vec<Arc<dyn LookupSource<Error = LookupError>>>,
    account: Option<String>,
    window: Option<i64>,
}

impl Lookups {
    /// Over the events of `account`, or of all accounts; of the last `window` seconds only, if that is asked for (90
    /// days at AWS).
    pub fn new(
        sources: Vec<Arc<dyn LookupSource<Error = LookupError>>>,
        account: Option<String>,
        window: Option<i64>,
    ) -> Self {
        Self { sources, account, window }
    }

    /// Answers one call; the Region is that of the caller.
    ///
    /// # Errors
    /// [`ApiError`], which goes to the client as it is.
    pub fn answer(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let input = Input::deserialize(input)
            .map_err(|error| ApiError::new(ErrorCode::SerializationException, error.to_string()))?;
        let request = input.request(self.window);
        let now = second(caller.now);
        let scope = LookupScope { region: Some(&caller.region), account: self.account.as_deref() };
        let sources: Vec<&dyn LookupSource<Error = LookupError>> =
            self.sources.iter().map(|source| &**source).collect();
        let LookupAnswer { records, next_token } =
            answer(&sources, &request, &scope, now).map_err(|error| refused(&error))?;
        let mut answer = Map::new();
        answer.insert("Events".to_owned(), records.iter().map(|record| row(record)).collect());
        answer.extend(next_token.map(|token| ("NextToken".to_owned(), Value::String(token))));
        Ok(Value::Object(answer))
    }
}

/// The row of a record.
fn row(record: &[u8]) -> Value {
    let row = LookupRow::of(&Record::new(record));
    serde_json::to_value(row.in_format(TimeFormat::Wire)).expect("texts and numbers are JSON")
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lookups").field("account", &self.account).finish_non_exhaustive()
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
