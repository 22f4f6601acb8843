//! AWS JSON 1.1: bytes become calls, results become bytes (docs/spec/wire-protocol.md 1.6). No HTTP types, no I/O.

use serde_json::{Map, Value, json};
use trailseal_archive::key::is_region_like;

use crate::{
    api::{ApiError, ErrorCode, Operation},
    service::CallAnswer,
};

/// The content type of requests and answers.
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// The header that names the operation.
pub(crate) const TARGET: &str = "x-amz-target";
/// What may stand before the operation's name: of botocore and older SDKs, and of Smithy SDKs.
pub(crate) const TARGET_PREFIXES: [&str; 2] =
    ["com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", "CloudTrail_20131101"];
/// How deep a body may nest; the deepest input of the API, advanced event selectors, has 5 levels.
pub const MAX_DEPTH: usize = 32;

/// A request as received.
#[derive(Clone, Copy, Debug)]
pub struct WireRequest<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The path as on the wire, percent-encoded, beginning with `/`.
    pub path: &'a str,
    /// What follows `?`; empty without it.
    pub query: &'a str,
    /// Names in lower case, values as on the wire; a name may stand more than once.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

impl<'a> WireRequest<'a> {
    /// Whether a header was sent, however often.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| *other == name)
    }

    /// The value of a header that stands once and is text; `Err` for one that stands more than once or is not.
    ///
    /// # Errors
    /// [`Ambiguous`].
    pub fn header(&self, name: &str) -> Result<Option<&'a str>, Ambiguous> {
        let mut values = self.headers.iter().filter(|(other, _)| *other == name);
        let Some((_, value)) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Ambiguous);
        }
        str::from_utf8(value).map(|text| Some(text.trim())).map_err(|_| Ambiguous)
    }
}

/// A header that stands more than once, or that is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

/// A call: what a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The operation.
    pub operation: Operation,
    /// Who signed it and where, by its own words.
    pub scope: Option<CallScope>,
    /// The input: always an object.
    pub input: Value,
}

/// What is sent back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The content type.
    pub content_type: &'static str,
    /// `x-amzn-ErrorType`, of errors in REST JSON.
    pub error_type: Option<&'static str>,
    /// Compact JSON; of other services what their protocols have.
    pub body: Vec<u8>,
}

/// Reads the operation of a request.
///
/// # Errors
/// `UnknownOperationException` for anything but `POST /` with a known target; `UnsupportedOperationException` for an
/// operation that CloudTrail has, and this server has not.
pub fn operation(request: &WireRequest<'_>) -> Result<Operation, ApiError> {
    let unknown = |message: &str| ApiError::new(ErrorCode::UnknownOperationException, message);
    if request.method != "POST" || request.path != "/" || !request.query.is_empty() {
        return Err(unknown("requests are POST / with the operation in X-Amz-Target"));
    }
    let target = match request.header(TARGET) {
        Ok(Some(target)) => target,
        Ok(None) => return Err(unknown("X-Amz-Target is missing")),
        Err(Ambiguous) => return Err(unknown("X-Amz-Target must stand once and be text")),
    };
    let name =
        target.rsplit_once('.').filter(|(prefix, _)| TARGET_PREFIXES.contains(prefix)).map(|(_, name)| name);
    match name {
        Some(name) if Operation::is_unsupported(name) => {
            let message = format!(
                "{name} is not supported by this server, which has trails, but no event data stores, channels, dashboards, \
                 imports, queries, event configurations, resource policies or delegated administrators."
            );
            Err(ApiError::new(ErrorCode::UnsupportedOperationException, message))
        }
        _ => name
            .and_then(Operation::parse)
            .ok_or_else(|| unknown("X-Amz-Target names no operation of CloudTrail")),
    }
}

/// Reads a request.
///
/// # Errors
/// `UnknownOperationException`, `SerializationException` for a body that is no JSON object or nests too deeply,
/// `IncompleteSignatureException` for an `Authorization` that claims to be of AWS and has no usable scope.
pub fn parse(request: &WireRequest<'_>) -> Result<Call, ApiError> {
    let operation = operation(request)?;
    let scope = scope(request)?;
    let input = input(request.body)?;
    Ok(Call { operation, scope, input })
}

/// Who signed a request and where, by its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallScope {
    /// The access key id.
    pub access_key: String,
    /// The Region.
    pub region: String,
}

/// Reads the credential scope of `Authorization`, without checking any signature; `None` where there is none or it is
/// not of AWS.
///
/// # Errors
/// `IncompleteSignatureException`.
pub fn scope(request: &WireRequest<'_>) -> Result<Option<CallScope>, ApiError> {
    let incomplete = |message: &str| ApiError::new(ErrorCode::IncompleteSignatureException, message);
    let Ok(header) = request.header("authorization") else {
        return Err(incomplete("Authorization must stand once and be text"));
    };
    let Some(parameters) = header.and_then(|text| text.strip_prefix("AWS4-")) else { return Ok(None) };
    let credential = parameters.split([' ', ',']).find_map(|part| part.strip_prefix("Credential="));
    let Some(credential) = credential else {
        return Err(incomplete("Authorization header requires 'Credential' parameter."));
    };
    let mut parts = credential.rsplit('/');
    let (_terminator, _service, region) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    let access_key = credential.split('/').next().unwrap_or_default();
    if !is_access_key_id(access_key) {
        return Err(incomplete("Credential must begin with an access key id"));
    }
    if !is_region_like(region) {
        return Err(incomplete("Credential should be scoped to a valid Region."));
    }
    Ok(Some(CallScope { access_key: access_key.to_owned(), region: region.to_owned() }))
}

/// An error as a client reads it.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Said {
    #[serde(rename = "__type", default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// 1 to 128 word characters, as IAM has it.
pub(crate) fn is_access_key_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'-')
}

/// Reads a body: a JSON object; nothing at all counts as `{}`.
///
/// # Errors
/// `SerializationException`.
pub fn input(body: &[u8]) -> Result<Value, ApiError> {
    let malformed = |message: String| ApiError::new(ErrorCode::SerializationException, message);
    if body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    if nests_deeper(body, MAX_DEPTH) {
        return Err(malformed(format!("the body nests deeper than {MAX_DEPTH} levels")));
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value @ Value::Object(_)) => {
            drop_nulls(&mut value);
            Ok(value)
        }
        Ok(_) => Err(malformed("the body is no JSON object".to_owned())),
        Err(error) => Err(malformed(format!("the body is no JSON: {error}"))),
    }
}

/// The answer to a call that was understood.
pub fn render(result: Result<CallAnswer, ApiError>) -> WireAnswer {
    let body = result.and_then(|answer| match answer {
        CallAnswer::Text(body) => Ok(body),
        // a `Value` has only string keys and finite numbers; should that ever change, the client is told
        CallAnswer::Value(value) => serde_json::to_vec(&value)
            .map_err(|_| ApiError::new(ErrorCode::InternalFailure, "the answer cannot be written")),
    });
    match body {
        Ok(body) => WireAnswer { status: 200, content_type: CONTENT_TYPE, error_type: None, body },
        Err(error) => render_error(&error),
    }
}

/// The answer that says an error.
fn render_error(error: &ApiError) -> WireAnswer {
    let answer = refuse(status(error.code), error.code.as_str(), &error.message);
    WireAnswer { error_type: None, ..answer }
}

/// The answer to a request that was not even looked at: an error in AWS JSON and in REST JSON at once.
pub fn refuse(status: u16, code: &'static str, message: &str) -> WireAnswer {
    let body = json!({ "__type": code, "message": message }).to_string().into_bytes();
    WireAnswer { status, content_type: CONTENT_TYPE, error_type: Some(code), body }
}

/// 400 for all that the service model knows; clients try again after 500 and 503.
pub fn status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::InternalFailure => 500,
        ErrorCode::ServiceUnavailable => 503,
        _ => 400,
    }
}

/// Whether brackets outside strings nest deeper than `most`. Text that is no JSON may get any answer.
fn nests_deeper(body: &[u8], most: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in body {
        if in_string {
            (in_string, escaped) = (escaped || byte != b'"', !escaped && byte == b'\\');
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > most {
            return true;
        }
    }
    false
}

/// A member that is `null` is an absent one (docs/spec/wire-protocol.md 1.6). Bounded by [`MAX_DEPTH`].
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AUTHORIZATION: &[u8] =
        b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240301/eu-west-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=00";

    fn request<'a>(headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> WireRequest<'a> {
        WireRequest { method: "POST", path: "/", query: "", headers, body }
    }

    fn code(headers: &[(&str, &[u8])], body: &[u8]) -> ErrorCode {
        parse(&request(headers, body)).unwrap_err().code
    }

    #[test]
    fn both_target_prefixes_name_every_operation() {
        for prefix in TARGET_PREFIXES {
            for operation in Operation::ALL {
                let target = format!("{prefix}.{}", operation.as_str());
                let headers = [(TARGET, target.as_bytes())];
                assert_eq!(parse(&request(&headers, b"{}")).unwrap().operation, operation);
            }
        }
    }

    #[test]
    fn other_targets_methods_and_paths_are_unknown_operations() {
        let good: &[u8] = b"CloudTrail_20131101.ListTrails";
        for target in
            [&b"ListTrails"[..], b"CloudTrail_20131102.ListTrails", b"CloudTrail_20131101.Nope", b"", b"\xff"]
        {
            assert_eq!(code(&[(TARGET, target)], b"{}"), ErrorCode::UnknownOperationException);
        }
        assert_eq!(code(&[], b"{}"), ErrorCode::UnknownOperationException);
        assert_eq!(code(&[(TARGET, good), (TARGET, good)], b"{}"), ErrorCode::UnknownOperationException);
        let headers = [(TARGET, good)];
        for (method, path, query) in [("GET", "/", ""), ("POST", "/x", ""), ("POST", "/", "a=b")] {
            let request = WireRequest { method, path, query, headers: &headers, body: b"{}" };
            assert_eq!(parse(&request).unwrap_err().code, ErrorCode::UnknownOperationException);
        }
    }

    #[test]
    fn operations_that_are_not_served_are_said_to_be_operations() {
        for prefix in TARGET_PREFIXES {
            for name in Operation::UNSUPPORTED {
                let target = format!("{prefix}.{name}");
                let error = parse(&request(&[(TARGET, target.as_bytes())], b"{}")).unwrap_err();
                assert_eq!(error.code, ErrorCode::UnsupportedOperationException, "{name}");
                assert!(error.message.starts_with(&format!("{name} is not supported")), "{}", error.message);
            }
        }
    }

    #[test]
    fn region_and_access_key_come_from_the_credential_scope() {
        let headers = [(TARGET, &b"CloudTrail_20131101.ListTrails"[..]), ("authorization", AUTHORIZATION)];
        let call = parse(&request(&headers, b"")).unwrap();
        let (access_key, region) = ("AKIDEXAMPLE".to_owned(), "eu-west-1".to_owned());
        assert_eq!(call.scope, Some(CallScope { access_key, region }));
        assert_eq!(call.input, json!({}));
    }

    #[test]
    fn a_request_without_aws_credentials_has_neither() {
        for headers in [vec![], vec![("authorization", &b"Basic abc"[..])]] {
            assert_eq!(scope(&request(&headers, b"")).unwrap(), None);
        }
    }

    #[test]
    fn a_broken_credential_scope_is_said() {
        for text in [
            "AWS4-HMAC-SHA256 nothing",
            "AWS4-HMAC-SHA256 Credential=, Signature=0",
            "AWS4-HMAC-SHA256 Credential=AK/20240301/../cloudtrail/aws4_request",
            "AWS4-HMAC-SHA256 Credential=A K/20240301/us-east-1/cloudtrail/aws4_request",
        ] {
            let headers = [("authorization", text.as_bytes())];
            let error = scope(&request(&headers, b"")).unwrap_err();
            assert_eq!(error.code, ErrorCode::IncompleteSignatureException, "{text}");
        }
    }

    #[test]
    fn bodies_that_are_no_objects_are_serialization_errors() {
        let deep = [b"{\"a\":".repeat(100), b"1".to_vec(), b"}".repeat(100)].concat();
        for body in [&b"["[..], b"[]", b"1", b"null", b"{", b"\xff", b"{}x", &deep, &b"[".repeat(1_000_000)] {
            assert_eq!(input(body).unwrap_err().code, ErrorCode::SerializationException);
        }
    }

    #[test]
    fn nulls_are_absent_and_brackets_in_strings_do_not_nest() {
        let body = format!("{{\"a\":null,\"b\":[{{\"c\":null}}],\"d\":\"{}\\\"[\"}}", "[".repeat(100));
        let value = input(body.as_bytes()).unwrap();
        assert_eq!(value["b"], json!([{}]));
        assert!(value.get("a").is_none());
    }

    #[test]
    fn answers_are_compact_and_errors_name_their_type() {
        assert_eq!(render(Ok(json!({}).into())).body, b"{}");
        assert_eq!(render(Ok(json!({ "Events": [] }).into())).body, b"{\"Events\":[]}");
        let error = ApiError::new(
            ErrorCode::TrailNotFoundException,
            "Unknown trail: a\"b for the user: 123456789012",
        );
        let answer = render(Err(error));
        assert_eq!(answer.status, 400);
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!(
            text,
            r#"{"__type":"TrailNotFoundException","message":"Unknown trail: a\"b for the user: 123456789012"}"#
        );
    }

    proptest! {
        #[test]
        fn nothing_panics(target in ".{0,60}", authorization in any::<Vec<u8>>(), body in any::<Vec<u8>>()) {
            let authorization = [b"AWS4-HMAC-SHA256 Credential=".to_vec(), authorization].concat();
            let headers = [(TARGET, target.as_bytes()), ("authorization", authorization.as_slice())];
            let request = request(&headers, &body);
            let _ = (parse(&request), scope(&request));
            let _ = input(&body);
        }

        #[test]
        fn depth_is_that_of_the_value(depth in 1_usize..60) {
            let body = format!("{}{}", "{\"[\":".repeat(depth) + "0", "}".repeat(depth));
            prop_assert_eq!(input(body.as_bytes()).is_ok(), depth <= MAX_DEPTH);
        }
    }
}
