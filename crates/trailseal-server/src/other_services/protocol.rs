//! The protocols of AWS's services, as far as an error is written in them.

use serde_json::json;

use crate::{
    api::{ApiError, ErrorCode},
    wire::{self, TARGET, WireAnswer, WireRequest},
};

pub(super) const XML: &str = "text/xml";
/// Of answers in Smithy's RPC protocol, which also says so in a header.
pub(crate) const CBOR: &str = "application/cbor";
/// The header that names that protocol.
pub(super) const SMITHY: &str = "smithy-protocol";
const JSON_1_0: &str = "application/x-amz-json-1.0";
const REST_JSON: &str = "application/json";

/// The services that take REST with XML, S3 apart (M, botocore 1.44.8).
const REST_XML: [&str; 2] = ["cloudfront", "route53"];

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON: the operation is in `X-Amz-Target`.
    Json,
    /// Smithy's RPC version 2: CBOR, the operation is in the path.
    Cbor,
    /// The operation is `Action` of a form.
    Query,
    /// The same, with other errors.
    Ec2,
    RestXml,
    RestJson,
}

impl Protocol {
    /// Told by the form of the request; only REST's two are told by the service.
    pub(super) fn of(request: &WireRequest<'_>, service: Option<&str>, has_action: bool) -> Self {
        if request.has(SMITHY) {
            Self::Cbor
        } else if request.has(TARGET) {
            Self::Json
        } else if service == Some("ec2") {
            Self::Ec2
        } else if has_action || super::is_form(request) {
            Self::Query
        } else if service.is_some_and(|service| REST_XML.contains(&service)) {
            Self::RestXml
        } else {
            Self::RestJson
        }
    }

    /// The answer that says an error.
    pub(super) fn refuse(
        self,
        request: &WireRequest<'_>,
        service: Option<&str>,
        error: &ApiError,
        request_id: &str,
    ) -> WireAnswer {
        let ApiError { code, message } = error;
        let xml = |document: String| WireAnswer {
            status: xml_status(*code),
            content_type: XML,
            error_type: None,
            body: document.into_bytes(),
        };
        match self {
            Self::Json => {
                let sent = request.header("content-type").ok().flatten();
                let is_old = sent.is_some_and(|sent| sent.starts_with(JSON_1_0));
                let answer = wire::refuse(wire::status(*code), code.as_str(), message);
                WireAnswer { content_type: if is_old { JSON_1_0 } else { answer.content_type }, ..answer }
            }
            Self::RestJson => {
                let body = json!({ "message": message }).to_string().into_bytes();
                let (status, error_type) = (wire::status(*code), Some(code.as_str()));
                WireAnswer { status, content_type: REST_JSON, error_type, body }
            }
            Self::Cbor => {
                let body = cbor(&[("__type", code.as_str()), ("message", message)]);
                WireAnswer { status: wire::status(*code), content_type: CBOR, error_type: None, body }
            }
            Self::Ec2 => xml(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>{}{}</Error></Errors>{}</Response>",
                element("Code", xml_code(*code)),
                element("Message", message),
                element("RequestID", request_id)
            )),
            Self::Query | Self::RestXml => {
                // clients do not look at the namespace, and every service has its own
                let host = service.unwrap_or("sts");
                xml(format!(
                    "<ErrorResponse xmlns=\"https://{host}.amazonaws.com/doc/\"><Error>{}{}{}</Error>{}</ErrorResponse>\n",
                    element("Type", "Sender"),
                    element("Code", xml_code(*code)),
                    element("Message", message),
                    element("RequestId", request_id)
                ))
            }
        }
    }
}

/// Errors that all services have are called otherwise in XML (D, "Common Errors" of STS and EC2).
fn xml_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::AccessDeniedException => "AccessDenied",
        ErrorCode::IncompleteSignatureException => "IncompleteSignature",
        ErrorCode::InvalidParameterException => "InvalidParameterValue",
        ErrorCode::InvalidSignatureException => "SignatureDoesNotMatch",
        ErrorCode::MissingAuthenticationTokenException => "MissingAuthenticationToken",
        ErrorCode::UnrecognizedClientException => "InvalidClientTokenId",
        ErrorCode::UnsupportedOperationException => "UnsupportedOperation",
        other => other.as_str(),
    }
}

/// Who may not call is forbidden to.
fn xml_status(code: ErrorCode) -> u16 {
    match code {
        ErrorCode::AccessDeniedException
        | ErrorCode::InvalidSignatureException
        | ErrorCode::MissingAuthenticationTokenException
        | ErrorCode::UnrecognizedClientException => 403,
        other => wire::status(other),
    }
}

/// An element that holds a text.
pub(super) fn element(name: &str, text: &str) -> String {
    tagged(name, &quick_xml::escape::escape(text))
}

/// An element that holds elements.
pub(super) fn tagged(name: &str, content: &str) -> String {
    format!("<{name}>{content}</{name}>")
}

/// A map of texts (RFC 8949, section 3.1).
fn cbor(members: &[(&str, &str)]) -> Vec<u8> {
    const TEXT: u8 = 3 << 5;
    const MAP: u8 = 5 << 5;
    let mut bytes = Vec::new();
    push_head(&mut bytes, MAP, members.len());
    for text in members.iter().flat_map(|(name, value)| [name, value]) {
        push_head(&mut bytes, TEXT, text.len());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

fn push_head(bytes: &mut Vec<u8>, kind: u8, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..24) => bytes.push(kind | short),
        Ok(one) => bytes.extend([kind | 0x18, one]),
        Err(_) => {
            bytes.push(kind | 0x1b);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_the_heads_of_the_standard() {
        let head = |length| {
            let mut bytes = Vec::new();
            push_head(&mut bytes, 0x60, length);
            bytes
        };
        assert_eq!(head(0), [0x60]);
        assert_eq!(head(23), [0x77]);
        assert_eq!(head(24), [0x78, 24]);
        assert_eq!(head(255), [0x78, 255]);
        assert_eq!(head(256), [0x7b, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(cbor(&[("a", "b")]), [0xa1, 0x61, b'a', 0x61, b'b']);
    }

    #[test]
    fn texts_cannot_leave_their_element() {
        assert_eq!(element("Code", "</Code>&\"'"), "<Code>&lt;/Code&gt;&amp;&quot;&apos;</Code>");
    }
}
