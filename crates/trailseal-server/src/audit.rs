//! `PutAuditEvents` of the CloudTrail Data API: REST JSON, unlike the rest. Pure functions.

use serde_json::{Value, json};

use crate::{
    api::{ApiError, Caller, Context, ErrorCode},
    sigv4::decode,
    wire::{self, CallScope, WireAnswer, WireRequest},
};

/// The path of the one operation.
pub const PATH: &str = "/PutAuditEvents";
/// The path of `trailseal record`: the body is event records, one a line. No API of AWS.
pub const RECORD_PATH: &str = "/trailseal/record";
const CONTENT_TYPE: &str = "application/json";

/// Takes audit events, on several threads at once. May block.
pub trait AuditEvents: Send + Sync {
    /// Takes the events of one call; what it acknowledges must not be lost.
    ///
    /// # Errors
    /// [`AuditError`], which goes to the client as it is.
    fn put(&self, context: &Context, caller: &Caller, call: AuditCall) -> Result<Value, AuditError>;

    /// Takes event records, one a line; answers how many were taken (`recorded`), how many of them lacked what every
    /// record has (`completed`) and how often which member was added (`added`), how many were not taken (`refusals`),
    /// and of the first of those the number of the line and the reason (`refused`).
    ///
    /// # Errors
    /// [`ApiError`], when none was taken.
    fn record(&self, context: &Context, caller: &Caller, lines: &[u8]) -> Result<Value, ApiError> {
        let _ = (context, caller, lines);
        Err(ApiError::new(ErrorCode::UnsupportedOperationException, "this server takes no events"))
    }

    /// What became of events so far, for `/metrics`.
    fn counts(&self) -> Vec<Count> {
        Vec::new()
    }
}

/// A number that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Its name, without the prefix that all have and the suffix `_total`.
    pub name: &'static str,
    /// What is counted.
    pub help: &'static str,
    /// The number.
    pub value: u64,
}

/// A call of `PutAuditEvents`.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditCall {
    /// `channelArn`, as sent.
    pub channel_arn: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// The body: an object, in which `auditEvents` should stand.
    pub input: Value,
    /// Who signed it and where, by its own words.
    pub scope: Option<CallScope>,
}

/// An error of this API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct AuditError {
    /// Which error.
    pub code: AuditErrorCode,
    /// Its text.
    pub message: String,
}

/// The names of this API's errors: those of its service model, and any that all services have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names are CloudTrail's and say it")]
pub enum AuditErrorCode {
    ChannelInsufficientPermission,
    ChannelNotFound,
    ChannelUnsupportedSchema,
    DuplicatedAuditEventId,
    InvalidChannelARN,
    UnsupportedOperationException,
    Common(ErrorCode),
}

impl AuditErrorCode {
    /// The bare name, as `x-amzn-ErrorType` carries it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChannelInsufficientPermission => "ChannelInsufficientPermission",
            Self::ChannelNotFound => "ChannelNotFound",
            Self::ChannelUnsupportedSchema => "ChannelUnsupportedSchema",
            Self::DuplicatedAuditEventId => "DuplicatedAuditEventId",
            Self::InvalidChannelARN => "InvalidChannelARN",
            Self::UnsupportedOperationException => "UnsupportedOperationException",
            Self::Common(code) => code.as_str(),
        }
    }
}

impl From<ApiError> for AuditError {
    fn from(error: ApiError) -> Self {
        Self { code: AuditErrorCode::Common(error.code), message: error.message }
    }
}

/// Reads a request whose path is [`PATH`].
///
/// # Errors
/// `UnknownOperationException` for another method, `ValidationException` for a query without one channel, and those of
/// [`wire::parse`].
pub fn parse(request: &WireRequest<'_>) -> Result<AuditCall, AuditError> {
    if request.method != "POST" || request.path != PATH {
        return Err(
            ApiError::new(ErrorCode::UnknownOperationException, "audit events are sent by POST").into()
        );
    }
    let invalid = |message: &str| ApiError::new(ErrorCode::ValidationException, message);
    let (mut channel_arn, mut external_id) = (None, None);
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let slot = match name {
            "channelArn" => &mut channel_arn,
            "externalId" => &mut external_id,
            _ => continue,
        };
        let value = String::from_utf8(decode(value)).map_err(|_| invalid("the query is not UTF-8"))?;
        if slot.replace(value).is_some() {
            return Err(invalid("channelArn and externalId may stand once").into());
        }
    }
    let channel_arn =
        channel_arn.filter(|arn| !arn.is_empty()).ok_or_else(|| invalid("channelArn is missing"))?;
    let (scope, input) = (wire::scope(request)?, wire::input(request.body)?);
    Ok(AuditCall { channel_arn, external_id, input, scope })
}

/// The answer to a call.
pub fn render(result: &Result<Value, AuditError>) -> WireAnswer {
    match result {
        Ok(value) => {
            let body = value.to_string().into_bytes();
            WireAnswer { status: 200, content_type: CONTENT_TYPE, error_type: None, body }
        }
        Err(error) => {
            let status = match error.code {
                AuditErrorCode::Common(code) => wire::status(code),
                _ => 400,
            };
            let body = json!({ "message": error.message }).to_string().into_bytes();
            WireAnswer { status, content_type: CONTENT_TYPE, error_type: Some(error.code.as_str()), body }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_query(query: &str) -> Result<AuditCall, AuditError> {
        parse(&WireRequest { method: "POST", path: PATH, query, headers: &[], body: b"{\"auditEvents\":[]}" })
    }

    #[test]
    fn the_channel_and_the_external_id_are_in_the_query() {
        let call = parse_query("externalId=a%20b%2Bc&channelArn=arn%3Aaws%3Achannel%2FX&other").unwrap();
        assert_eq!(call.channel_arn, "arn:aws:channel/X");
        assert_eq!(call.external_id.as_deref(), Some("a b+c"));
        assert_eq!(call.input, json!({ "auditEvents": [] }));
    }

    #[test]
    fn a_query_without_one_channel_is_invalid() {
        for query in
            ["", "channelArn", "channelArn=", "channelArn=a&channelArn=b", "channelArn=%ff", "channelarn=a"]
        {
            let error = parse_query(query).unwrap_err();
            assert_eq!(error.code, AuditErrorCode::Common(ErrorCode::ValidationException), "{query}");
        }
        let get = WireRequest { method: "GET", path: PATH, query: "channelArn=a", headers: &[], body: b"" };
        let unknown = AuditErrorCode::Common(ErrorCode::UnknownOperationException);
        assert_eq!(parse(&get).unwrap_err().code, unknown);
    }

    #[test]
    fn errors_stand_in_a_header() {
        let error =
            AuditError { code: AuditErrorCode::ChannelNotFound, message: "no such channel".to_owned() };
        let answer = render(&Err(error));
        assert_eq!((answer.status, answer.error_type), (400, Some("ChannelNotFound")));
        assert_eq!(answer.body, b"{\"message\":\"no such channel\"}");
        let broken = ApiError::new(ErrorCode::InternalFailure, "x").into();
        assert_eq!(render(&Err(broken)).status, 500);
    }
}
