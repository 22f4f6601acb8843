//! Members of inputs, and the rules of names (spec/wire-protocol.md 4.1).

use std::net::Ipv4Addr;

use serde_json::Value;
use trailseal_archive::{
    Timestamp,
    key::{is_account_id, is_region_like},
};

use crate::api::{ApiError, ErrorCode};

fn mistyped(member: &str, wanted: &str) -> ApiError {
    ApiError::new(ErrorCode::SerializationException, format!("{member} must be {wanted}"))
}

pub(super) fn string<'a>(input: &'a Value, member: &str) -> Result<Option<&'a str>, ApiError> {
    input.get(member).map(|value| value.as_str().ok_or_else(|| mistyped(member, "a string"))).transpose()
}

pub(super) fn boolean(input: &Value, member: &str) -> Result<Option<bool>, ApiError> {
    input.get(member).map(|value| value.as_bool().ok_or_else(|| mistyped(member, "a boolean"))).transpose()
}

pub(super) fn strings<'a>(input: &'a Value, member: &str) -> Result<Vec<&'a str>, ApiError> {
    let wrong = || mistyped(member, "a list of strings");
    let Some(list) = input.get(member) else { return Ok(Vec::new()) };
    list.as_array().ok_or_else(wrong)?.iter().map(|value| value.as_str().ok_or_else(wrong)).collect()
}

/// A time: seconds since the epoch, whole or not, or text.
pub(super) fn time(input: &Value, member: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(value) = input.get(member) else { return Ok(None) };
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return Err(mistyped(member, "a time")),
    };
    Timestamp::parse_loose(&text).map(Some).map_err(|_| mistyped(member, "a time"))
}

/// The trail that `GetTrail` and `GetTrailStatus` must name.
pub(super) fn name(input: &Value) -> Result<&str, ApiError> {
    let name = string(input, "Name")?.filter(|name| !name.is_empty());
    name.ok_or_else(|| ApiError::new(ErrorCode::InvalidTrailNameException, "Trail name cannot be blank!"))
}

/// Checks a trail's name.
pub(super) fn check_name(name: &str) -> Result<(), ApiError> {
    let length = name.chars().count();
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let is_mark = |c: char| "._-".contains(c);
    let marks = name.chars().zip(name.chars().skip(1)).any(|(one, other)| is_mark(one) && is_mark(other));
    let message = if length < 3 {
        format!(
            "Trail name too short. Minimum allowed length: 3 characters. Specified name length: {length} characters."
        )
    } else if length > 128 {
        format!(
            "Trail name too long. Maximum allowed length: 128 characters. Specified name length: {length} characters."
        )
    } else if !ends_well(name.chars().next()) {
        "Trail name must starts with a letter or number.".to_owned()
    } else if !ends_well(name.chars().next_back()) {
        "Trail name must ends with a letter or number.".to_owned()
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c)) {
        "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), \
         and underscores (_)."
            .to_owned()
    } else if marks || name.parse::<Ipv4Addr>().is_ok() {
        "Trail name cannot have adjacent periods, hyphens or underscores, or be an IP address.".to_owned()
    } else {
        return Ok(());
    };
    Err(ApiError::new(ErrorCode::InvalidTrailNameException, message))
}

/// Checks the form of a trail's ARN.
pub(super) fn check_arn(arn: &str) -> Result<(), ApiError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_trail = match parts[..] {
        ["arn", partition, "cloudtrail", region, account, resource] => {
            partition.starts_with("aws")
                && is_region_like(region)
                && is_account_id(account)
                && resource.strip_prefix("trail/").is_some_and(|name| check_name(name).is_ok())
        }
        _ => false,
    };
    let message = "The ARN is not of the form arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME.";
    is_trail.then_some(()).ok_or_else(|| ApiError::new(ErrorCode::CloudTrailARNInvalidException, message))
}
