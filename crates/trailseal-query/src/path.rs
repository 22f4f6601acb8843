//! Field paths: `userIdentity.sessionContext.sessionIssuer.arn`.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use memchr::memmem::Finder;

/// The top-level fields of event records, of all versions (docs/spec/records.md 2.1).
pub const TOP_LEVEL: [&str; 34] = [
    "additionalEventData",
    "addendum",
    "annotation",
    "apiVersion",
    "awsRegion",
    "edgeDeviceDetails",
    "errorCode",
    "errorMessage",
    "eventCategory",
    "eventContext",
    "eventID",
    "eventName",
    "eventSource",
    "eventTime",
    "eventType",
    "eventVersion",
    "insightDetails",
    "managementEvent",
    "omitted",
    "readOnly",
    "recipientAccountId",
    "requestID",
    "requestParameters",
    "resources",
    "responseElements",
    "serviceEventDetails",
    "sessionCredentialFromConsole",
    "sharedEventID",
    "sourceIPAddress",
    "tlsDetails",
    "userAgent",
    "userIdentity",
    "vpcEndpointAccountId",
    "vpcEndpointId",
];

/// The fields that aggregated events have besides (docs/spec/records.md 2.5).
pub const AGGREGATED: [&str; 3] = ["accountId", "summary", "timeWindow"];

/// The members of the objects whose members are known (docs/spec/records.md 2.1, 2.3), with their objects.
pub const MEMBERS: [(&str, &[&str]); 13] = [
    (
        "userIdentity",
        &[
            "accessKeyId",
            "accountId",
            "arn",
            "credentialId",
            "identityProvider",
            "inScopeOf",
            "invokedBy",
            "onBehalfOf",
            "principalId",
            "sessionContext",
            "type",
            "userName",
        ],
    ),
    (
        "userIdentity.sessionContext",
        &[
            "assumedRoot",
            "attributes",
            "ec2RoleDelivery",
            "sessionIssuer",
            "sourceIdentity",
            "webIdFederationData",
        ],
    ),
    ("userIdentity.sessionContext.attributes", &["creationDate", "mfaAuthenticated"]),
    ("userIdentity.sessionContext.sessionIssuer", &["accountId", "arn", "principalId", "type", "userName"]),
    ("userIdentity.sessionContext.webIdFederationData", &["attributes", "federatedProvider"]),
    ("userIdentity.onBehalfOf", &["identityStoreArn", "userId"]),
    ("resources", &["ARN", "ARNPrefix", "accountId", "type"]),
    ("tlsDetails", &["cipherSuite", "clientProvidedHostHeader", "keyExchange", "tlsVersion"]),
    ("addendum", &["originalEventID", "originalRequestID", "reason", "updatedFields"]),
    ("eventContext", &["requestContext", "tagContext"]),
    (
        "insightDetails",
        &[
            "errorCode",
            "eventName",
            "eventSource",
            "insightContext",
            "insightSource",
            "insightType",
            "sourceEventCategory",
            "state",
        ],
    ),
    ("insightDetails.insightContext", &["attributions", "statistics"]),
    (
        "insightDetails.insightContext.statistics",
        &["baseline", "baselineDuration", "insight", "insightDuration"],
    ),
];

/// The way from a record to a field: member names, of which those that are known ([`TOP_LEVEL`], [`MEMBERS`]) may be
/// written in any case, as Athena's users do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldPath {
    segments: Vec<String>,
    finders: Finders,
}

/// For every name, how to find it with its quotes; a way to go faster that is no part of what a path is.
#[derive(Clone, Debug, Default)]
struct Finders(Vec<Option<Finder<'static>>>);

impl Finders {
    /// A name that is written with escapes, or may be, is not looked for by its bytes.
    fn new(names: &[String]) -> Self {
        let is_simple =
            |name: &String| name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.:@ ".contains(&c));
        let finder = |name: &String| Finder::new(format!("\"{name}\"").as_bytes()).into_owned();
        Self(names.iter().map(|name| is_simple(name).then(|| finder(name))).collect())
    }
}

impl PartialEq for Finders {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Finders {}

impl PartialOrd for Finders {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Finders {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for Finders {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Why a text is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no field path: {reason}")]
pub struct PathError {
    /// The text as received.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl FieldPath {
    /// Takes the names as they are, but for the case of known ones.
    pub fn new(segments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let mut segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        as_known(&mut segments);
        let finders = Finders::new(&segments);
        Self { segments, finders }
    }

    /// Parses names separated by dots; a name that holds a dot is written in double quotes (`a."b.c"`), a quote
    /// inside them doubled.
    ///
    /// # Errors
    /// [`PathError`] for empty names and quotes that do not close.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let fail = |reason| PathError { text: text.to_owned(), reason };
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let (segment, after) = if let Some(quoted) = rest.strip_prefix('"') {
                cut_quoted(quoted).ok_or_else(|| fail("a quote is not closed"))?
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            };
            if segment.is_empty() {
                return Err(fail("a name is empty"));
            }
            segments.push(segment);
            match after.strip_prefix('.') {
                Some(more) => rest = more,
                None if after.is_empty() => return Ok(Self::new(segments)),
                None => return Err(fail("a dot is missing after a quoted name")),
            }
        }
    }

    /// The names.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether the way goes on into JSON that stands in a text, as policies do: everywhere but in what CloudTrail itself
    /// writes as objects (the caller, the resources, insights), where a text has nothing below it.
    pub fn looks_into_texts(&self) -> bool {
        self.segments.len() > 1
            && !matches!(self.segments[0].as_str(), "userIdentity" | "resources" | "insightDetails")
    }

    /// For every name, how to find it with its quotes where nothing is spelled with escapes.
    pub(crate) fn finders(&self) -> &[Option<Finder<'static>>] {
        &self.finders.0
    }
}

/// Gives known names their case, as long as all before them are known.
fn as_known(segments: &mut [String]) {
    let mut members: &[&str] = &TOP_LEVEL;
    let mut object = String::new();
    for segment in segments {
        let Some(known) = members.iter().find(|known| known.eq_ignore_ascii_case(segment)) else { return };
        (*known).clone_into(segment);
        if !object.is_empty() {
            object.push('.');
        }
        object.push_str(known);
        let Some((_, below)) = MEMBERS.iter().find(|(path, _)| *path == object) else { return };
        members = below;
    }
}

/// The known top-level name that differs from this one in case only.
pub(crate) fn known_name(text: &str) -> Option<&'static str> {
    TOP_LEVEL.iter().find(|known| known.eq_ignore_ascii_case(text)).copied()
}

/// Up to the closing quote, and what follows it.
fn cut_quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, rest)),
        }
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            if segment.contains(['.', '"']) {
                write!(f, "\"{}\"", segment.replace('"', "\"\""))?;
            } else {
                f.write_str(segment)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_names_may_be_written_in_any_case_to_the_last() {
        for (text, path) in [
            ("useridentity.accesskeyid", "userIdentity.accessKeyId"),
            (
                "USERIDENTITY.SESSIONCONTEXT.SESSIONISSUER.ARN",
                "userIdentity.sessionContext.sessionIssuer.arn",
            ),
            ("resources.arn", "resources.ARN"),
            ("useridentity.other.ARN", "userIdentity.other.ARN"),
            ("EVENTNAME", "eventName"),
            ("eventId", "eventID"),
            ("VPCEndpointID", "vpcEndpointId"),
            ("requestParameters.eventname", "requestParameters.eventname"),
            ("Other", "Other"),
        ] {
            assert_eq!(FieldPath::parse(text).unwrap().to_string(), path);
        }
    }

    #[test]
    fn names_with_dots_are_quoted() {
        let path = FieldPath::parse(r#"requestParameters."a.b".c"#).unwrap();
        assert_eq!(path.segments(), ["requestParameters", "a.b", "c"]);
        for text in ["", "a.", ".a", "a..b", "\"a", "\"a\"b", "a.\"\""] {
            assert!(FieldPath::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn printed_paths_parse_to_themselves(names in proptest::collection::vec("[a-z.\"é ]{1,6}", 1..5)) {
            let path = FieldPath::new(names);
            prop_assert_eq!(FieldPath::parse(&path.to_string()).unwrap(), path);
        }
    }
}
