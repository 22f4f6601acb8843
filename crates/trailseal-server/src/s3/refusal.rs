//! Refusals in S3's words: a code, a message, what they are about, and the number of the request.

use hyper::{
    Method, Response, StatusCode,
    body::Bytes,
    header::{CONTENT_TYPE, HeaderName, HeaderValue},
};

use super::text::{escaped, with_returns};
use crate::{
    listen::{Body, whole},
    sigv4::SignatureRefusal,
    uuid,
};

/// The number of a request, in answers and refusals.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
/// Where a request was answered; a second number.
pub(crate) const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// What is said of every signature that does not fit.
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your key and \
                        signing method.";

/// The numbers of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestIds {
    request: String,
    host: String,
}

impl RequestIds {
    pub(crate) fn random() -> Self {
        let digits = || uuid::random().replace('-', "");
        Self { request: digits()[..16].to_ascii_uppercase(), host: digits() }
    }

    /// Writes them into the head of an answer.
    pub(crate) fn write<B>(&self, response: &mut Response<B>) {
        for (name, value) in [(REQUEST_ID, &self.request), (HOST_ID, &self.host)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct S3Refusal {
    pub(crate) status: StatusCode,
    code: String,
    /// As content of an element.
    message: String,
    /// Further elements.
    fields: Vec<(&'static str, String)>,
}

impl S3Refusal {
    pub(crate) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: escaped(message), fields: Vec::new() }
    }

    /// 400.
    pub(crate) fn bad(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 403.
    pub(crate) fn denied(code: &str, message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// There is no room for now.
    pub(crate) fn slow_down() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.")
    }

    /// 500, without a word on what it was.
    pub(crate) fn internal() -> Self {
        let message = "We encountered an internal error. Please try again.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
    }

    /// Reads what the s3s crate says, which knows fewer words.
    pub(crate) fn read(status: StatusCode, xml: &str) -> Self {
        let element = |name: &str| {
            let (_, rest) = xml.split_once(&format!("<{name}>"))?;
            rest.split_once(&format!("</{name}>")).map(|(text, _)| text.to_owned())
        };
        let code = element("Code").unwrap_or_else(|| "InternalError".to_owned());
        let message = match element("Message") {
            Some(message) if code == "NotImplemented" => escaped(&not_served(&message)),
            Some(message) => message,
            None => escaped(usual(&code)),
        };
        Self { status, code, message, fields: Vec::new() }
    }

    pub(crate) fn with(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((field, value.into()));
        self
    }

    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The answer; to HEAD, and of what the client has, without a body.
    pub(crate) fn render(&self, method: &Method, ids: &RequestIds) -> Response<Body> {
        let fields = self.fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", escaped(value)));
        let fields: String = fields.collect();
        let xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{fields}\
             <RequestId>{}</RequestId><HostId>{}</HostId></Error>",
            escaped(&self.code),
            with_returns(&self.message),
            ids.request,
            ids.host
        );
        let is_bare = *method == Method::HEAD || self.status == StatusCode::NOT_MODIFIED;
        let text = if is_bare { Bytes::new() } else { Bytes::from(xml) };
        let mut response = Response::new(whole(text));
        *response.status_mut() = self.status;
        if self.status != StatusCode::NOT_MODIFIED {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        ids.write(&mut response);
        response
    }
}

impl From<SignatureRefusal> for S3Refusal {
    fn from(refusal: SignatureRefusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            SignatureRefusal::Missing => Self::denied("AccessDenied", "Access Denied"),
            SignatureRefusal::Incomplete(_) => Self::bad(
                "AuthorizationHeaderMalformed",
                &format!("The authorization header is malformed; {text}"),
            ),
            SignatureRefusal::Query(_) => Self::bad("AuthorizationQueryParametersError", &text),
            SignatureRefusal::Mechanism(_) => Self::bad("InvalidRequest", &text),
            SignatureRefusal::Service(_) => Self::bad(
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; incorrect service. This endpoint belongs to \"s3\".",
            ),
            SignatureRefusal::UnknownKey => Self::denied(
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            SignatureRefusal::Expired { signed, now, .. }
            | SignatureRefusal::NotYetCurrent { signed, now, .. } => Self::denied(
                "RequestTimeTooSkewed",
                "The difference between the request time and the current time is too large.",
            )
            .with("RequestTime", signed)
            .with("ServerTime", now),
            SignatureRefusal::LinkExpired { expires, now } => {
                Self::denied("AccessDenied", &text).with("Expires", expires).with("ServerTime", now)
            }
            SignatureRefusal::ContentHash => Self::bad("XAmzContentSHA256Mismatch", &text),
            SignatureRefusal::Mismatch => Self::denied("SignatureDoesNotMatch", MISMATCH),
        }
    }
}

/// What s3s says of operations that are not written, in words for users.
fn not_served(message: &str) -> String {
    match message.strip_suffix(" is not implemented yet") {
        Some(operation) => format!("{operation} is not served: buckets are read here, and made."),
        None => "A header or query you provided implies functionality that is not implemented.".to_owned(),
    }
}

/// S3's message for a code that s3s gives without one.
fn usual(code: &str) -> &'static str {
    match code {
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "InvalidRange" => "The requested range is not satisfiable",
        "PreconditionFailed" => "At least one of the pre-conditions you specified did not hold",
        "NotModified" => "Not Modified",
        "InvalidArgument" => "Invalid Argument",
        "InternalError" => "We encountered an internal error. Please try again.",
        _ => "The request is not valid.",
    }
}
