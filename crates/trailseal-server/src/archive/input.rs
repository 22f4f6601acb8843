//! Members of inputs that the rules of trails do not know.

use serde_json::Value;
use trailseal_archive::Timestamp;
use trailseal_trails::Input;

use crate::api::{ApiError, ErrorCode};

/// A time: seconds since the epoch, whole or not, or text.
pub(super) fn time(input: &Value, member: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = input.get(member) else { return Ok(None) };
    let time = match value {
        Value::Number(number) => Timestamp::parse_epoch(&number.to_string()),
        Value::String(text) => Timestamp::parse_loose(text),
        _ => return Err(mistyped(member)),
    };
    time.map(Some).map_err(|_| mistyped(member))
}

/// The trail that `GetTrail` and `GetTrailStatus` must name.
pub(super) fn name(input: &Value) -> Result<&str, ApiError> {
    let name = Input::new(input)?.text("Name")?.filter(|name| !name.is_empty());
    name.ok_or_else(|| ApiError::new(ErrorCode::InvalidTrailNameException, "Trail name cannot be blank!"))
}

fn mistyped(member: &str) -> ApiError {
    ApiError::new(ErrorCode::SerializationException, format!("{member} must be a time"))
}
