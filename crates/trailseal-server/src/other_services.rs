//! Calls of other services than CloudTrail and S3, which come here where all of AWS is looked for at one endpoint
//! (`AWS_ENDPOINT_URL`).
//!
//! Four are answered, because tools make them before or beside their first call of CloudTrail:
//! `sts:GetCallerIdentity`, `ec2:DescribeRegions`, `iam:ListAccountAliases` and `tagging:GetResources`. All others
//! are refused in the protocol of whoever calls (docs/spec/wire-protocol.md 1.7).

mod protocol;
mod regions;
mod tagging;

pub(crate) use self::protocol::CBOR;
use self::protocol::{Protocol, element};
use crate::{
    api::{ApiError, Caller, ErrorCode},
    audit,
    identity::CallerIdentity,
    service::Service,
    sigv4::decode,
    wire::{self, TARGET, WireAnswer, WireRequest},
};

/// The services of a credential scope that are this server's own.
const CLOUDTRAIL: [&str; 2] = ["cloudtrail", "cloudtrail-data"];
const S3: [&str; 3] = ["s3", "s3express", "s3-object-lambda"];

/// Whom a request is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The CloudTrail API, the CloudTrail Data API, `trailseal record`.
    CloudTrail,
    /// S3.
    Objects,
    /// Another service.
    Other,
}

/// Whom a request is meant for: the credential scope of its signature says it. What is not signed is told by its
/// form: the CloudTrail API has one method, and a target; forms and CBOR are other services'.
pub(crate) fn destination(request: &WireRequest<'_>) -> Destination {
    match service(request).as_deref() {
        Some(service) if CLOUDTRAIL.contains(&service) => Destination::CloudTrail,
        Some(service) if S3.contains(&service) => Destination::Objects,
        Some(_) => Destination::Other,
        None if request.header(protocol::SMITHY).ok().flatten().is_some() => Destination::Other,
        // whatever its Content-Type, which `curl -d` makes a form's
        None if request.has(TARGET) => Destination::CloudTrail,
        None if is_form(request) => Destination::Other,
        None if is_posted_to_the_api(request) => Destination::CloudTrail,
        None => Destination::Objects,
    }
}

/// Whether a request without target is posted where the API is; what is posted elsewhere is about objects.
fn is_posted_to_the_api(request: &WireRequest<'_>) -> bool {
    let is_delete = request.query.split('&').any(|pair| pair == "delete" || pair == "delete=");
    request.method == "POST" && ["/", audit::PATH, audit::RECORD_PATH].contains(&request.path) && !is_delete
}

/// The service of a credential scope, in `Authorization` or in the query of a presigned request.
fn service(request: &WireRequest<'_>) -> Option<String> {
    let header = request.header("authorization").ok().flatten().filter(|text| text.starts_with("AWS4-"));
    let credential = if let Some(header) = header {
        header.split([' ', ',']).find_map(|part| part.strip_prefix("Credential="))?.to_owned()
    } else {
        let mut pairs = request.query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, encoded) = pairs.find(|(name, _)| *name == "X-Amz-Credential")?;
        String::from_utf8(decode(encoded)).ok()?
    };
    let (scope, service) = credential.strip_suffix("/aws4_request")?.rsplit_once('/')?;
    (!scope.is_empty() && is_word(service)).then(|| service.to_owned())
}

fn is_form(request: &WireRequest<'_>) -> bool {
    let content_type = request.header("content-type").ok().flatten().unwrap_or_default();
    request.method == "POST" && content_type.starts_with("application/x-www-form-urlencoded")
}

/// What a name of a service or an operation may be; others are not said back.
fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
}

/// A call of another service.
#[derive(Debug)]
pub(crate) struct OtherCall<'a> {
    protocol: Protocol,
    service: Option<String>,
    operation: Option<String>,
    request: WireRequest<'a>,
}

/// What the answers that there are tell of the server.
pub(crate) struct Known<'a> {
    /// Account, Region and time of the call.
    pub(crate) caller: &'a Caller,
    /// Who calls.
    pub(crate) identity: &'a CallerIdentity,
    /// The Region of the server.
    pub(crate) region: &'a str,
    /// What knows trails.
    pub(crate) cloudtrail: &'a dyn Service,
    /// Of the request.
    pub(crate) request_id: &'a str,
}

impl<'a> OtherCall<'a> {
    /// Reads a request whose [`destination`] is another service.
    pub(crate) fn of(request: &WireRequest<'a>) -> Self {
        let service = service(request);
        let action = parameter(request, "Action");
        let protocol = Protocol::of(request, service.as_deref(), action.is_some());
        let operation = match protocol {
            Protocol::Json => {
                let target = request.header(TARGET).ok().flatten();
                target.map(|target| target.rsplit_once('.').map_or(target, |(_, name)| name).to_owned())
            }
            Protocol::Cbor => request.path.rsplit_once('/').map(|(_, name)| name.to_owned()),
            Protocol::Query | Protocol::Ec2 => action,
            Protocol::RestJson | Protocol::RestXml => None,
        };
        Self { protocol, service, operation: operation.filter(|name| is_word(name)), request: *request }
    }

    /// The answer.
    pub(crate) fn answer(&self, known: &Known<'_>) -> WireAnswer {
        // a call that is not signed has no service, and its name says enough
        let is_of = |service: &str| self.service.as_deref().is_none_or(|other| other == service);
        let document = |text: String| (protocol::XML, text.into_bytes());
        let answered = match (self.protocol, self.operation.as_deref()) {
            (Protocol::Query, Some("GetCallerIdentity")) if is_of("sts") => {
                Ok(document(caller_identity(known)))
            }
            (Protocol::Query, Some("ListAccountAliases")) if is_of("iam") => Ok(document(no_aliases(known))),
            (Protocol::Ec2, Some("DescribeRegions")) => regions::describe(&self.request, known).map(document),
            (Protocol::Json, Some("GetResources")) if is_of("tagging") => {
                let answer = tagging::resources(&self.request, known);
                answer.map(|answer| (wire::CONTENT_TYPE, answer.to_string().into_bytes()))
            }
            _ => Err(self.unsupported()),
        };
        match answered {
            Ok((content_type, body)) => WireAnswer { status: 200, content_type, error_type: None, body },
            Err(error) => self.refuse(&error, known.request_id),
        }
    }

    /// The answer that says an error.
    pub(crate) fn refuse(&self, error: &ApiError, request_id: &str) -> WireAnswer {
        self.protocol.refuse(&self.request, self.service.as_deref(), error, request_id)
    }

    fn unsupported(&self) -> ApiError {
        let service = self.service.as_deref().unwrap_or("this service");
        let what = match &self.operation {
            Some(operation) => format!("{service}:{operation}"),
            None => service.to_owned(),
        };
        let message = format!(
            "trailseal serves CloudTrail, and not {what}. It answers the CloudTrail API, S3's reading operations, \
             sts:GetCallerIdentity, ec2:DescribeRegions, iam:ListAccountAliases and tagging:GetResources; with \
             AWS_ENDPOINT_URL_CLOUDTRAIL and AWS_ENDPOINT_URL_S3 in place of AWS_ENDPOINT_URL, other services are \
             looked for elsewhere."
        );
        ApiError::new(ErrorCode::UnsupportedOperationException, message)
    }
}

/// A parameter of a query or a form that stands once.
fn parameter(request: &WireRequest<'_>, name: &str) -> Option<String> {
    let mut values = parameters(request).filter(|(other, _)| other == name).map(|(_, value)| value);
    values.next().filter(|_| values.next().is_none())
}

/// The parameters of a query, and of a form.
fn parameters<'r>(request: &'r WireRequest<'_>) -> impl Iterator<Item = (String, String)> + 'r {
    let form = if is_form(request) { str::from_utf8(request.body).unwrap_or_default() } else { "" };
    let text = |part: &str| String::from_utf8(decode(&part.replace('+', " "))).ok();
    let pairs = request.query.split('&').chain(form.split('&')).filter(|pair| !pair.is_empty());
    pairs.filter_map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Some((text(name)?, text(value)?))
    })
}

fn caller_identity(known: &Known<'_>) -> String {
    let members = [
        element("Arn", &known.identity.arn()),
        element("UserId", &known.identity.id()),
        element("Account", &known.caller.account),
    ];
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>{}\
         </GetCallerIdentityResult><ResponseMetadata>{}</ResponseMetadata></GetCallerIdentityResponse>\n",
        members.concat(),
        element("RequestId", known.request_id)
    )
}

/// The account has no other name than its number.
fn no_aliases(known: &Known<'_>) -> String {
    format!(
        "<ListAccountAliasesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListAccountAliasesResult>\
         <IsTruncated>false</IsTruncated><AccountAliases/></ListAccountAliasesResult><ResponseMetadata>{}\
         </ResponseMetadata></ListAccountAliasesResponse>\n",
        element("RequestId", known.request_id)
    )
}

#[cfg(test)]
mod tests;
