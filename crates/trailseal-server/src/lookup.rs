//! `LookupEvents` over an archive's index and what comes in (docs/spec/lookup-events.md).

use std::{fmt, sync::Arc};

use serde::Deserialize;
use serde_json::Value;
use trailseal_archive::Timestamp as Seconds;
use trailseal_evidence::events::LookupError;
use trailseal_query::lookup::{
    Attribute, Extensions, FoundRecord, LookupAnswer, LookupScope, LookupSource, Request, RequestError,
    answer,
};

use crate::{
    api::{ApiError, Caller, ErrorCode, second},
    archive::renewal::{AfterError, ServedIndex},
};

/// Bytes of an answer beside its rows, about.
const ENVELOPE: usize = 256;

/// How often a lookup that meets a changed file is tried with a newer index.
const TRIES: usize = 3;

/// Answers `LookupEvents` from all sources together: the index of an archive, the events that come in here.
pub struct Lookups {
    archive: Option<Arc<ServedIndex>>,
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
        Self { archive: None, sources, account, window }
    }

    /// Over an archive, too, whose index may be renewed.
    #[must_use]
    pub fn with_archive(self, archive: Option<Arc<ServedIndex>>) -> Self {
        Self { archive, ..self }
    }

    /// Answers one call with the text of a JSON object; the Region is that of the caller.
    ///
    /// # Errors
    /// [`ApiError`], which goes to the client as it is.
    pub fn answer(&self, caller: &Caller, input: &Value) -> Result<Vec<u8>, ApiError> {
        let input = Input::deserialize(input)
            .map_err(|error| ApiError::new(ErrorCode::SerializationException, error.to_string()))?;
        let request = input.request(self.window);
        let now = second(caller.now);
        let LookupAnswer { records, next_token } = self.find(&request, caller, now)?;
        let rows: usize = records.iter().map(FoundRecord::wire_size).sum();
        let mut text = Vec::with_capacity(rows + ENVELOPE);
        text.extend_from_slice(b"{\"Events\":[");
        for (number, record) in records.iter().enumerate() {
            text.extend_from_slice(if number > 0 { b"," } else { b"" });
            record.write_wire_row(&mut text);
        }
        text.push(b']');
        if let Some(token) = next_token {
            text.extend_from_slice(b",\"NextToken\":");
            text.extend_from_slice(Value::String(token).to_string().as_bytes());
        }
        text.push(b'}');
        Ok(text)
    }

    /// Asks all sources. A file of the archive that is not as it was makes one lookup an error, and the archive is read again.
    fn find(&self, request: &Request, caller: &Caller, now: Seconds) -> Result<LookupAnswer, ApiError> {
        let scope = LookupScope { region: Some(&caller.region), account: self.account.as_deref() };
        let mut tries = 0;
        loop {
            tries += 1;
            let index = self.archive.as_ref().map(|archive| (archive, archive.current()));
            let indexed = index.iter().map(|(_, index)| &**index as &dyn LookupSource<Error = LookupError>);
            let sources: Vec<&dyn LookupSource<Error = LookupError>> =
                indexed.chain(self.sources.iter().map(|source| &**source)).collect();
            let error = match answer(&sources, request, &scope, now) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let after = match (&index, error.file()) {
                (Some((archive, used)), Some(file)) => archive.after_error(used, file),
                _ => AfterError::Fail { is_renewed: false },
            };
            match after {
                AfterError::Retry if tries < TRIES => {}
                AfterError::Retry => return Err(refused(&error, true)),
                AfterError::Fail { is_renewed } => return Err(refused(&error, is_renewed)),
            }
        }
    }
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

/// The file is named as the user of the server named it; whether the archive is read again is said.
fn refused(error: &LookupError, is_renewed: bool) -> ApiError {
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
        other => {
            let what = match (other.file(), other) {
                (Some(file), LookupError::Changed { .. }) => {
                    format!("{file} is not as it was when the server read it, or is gone")
                }
                (Some(file), _) => format!("{file} cannot be read any more"),
                _ => "a file of the archive cannot be read any more".to_owned(),
            };
            let then =
                if is_renewed { "the archive is read again" } else { "the server must be started again" };
            ApiError::new(ErrorCode::InternalFailure, format!("{what}; {then}"))
        }
    }
}
