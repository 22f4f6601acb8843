//! What of a request is read here, before the s3s crate reads the rest: it is stricter than S3 where clients are not.

use std::borrow::Cow;

use hyper::{
    Method, StatusCode, Uri,
    header::RANGE,
    http::{request::Parts, uri::PathAndQuery},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    conditions::{CONDITIONS, Conditions},
    range::Span,
    refusal::S3Refusal,
};

/// Signatures in the query, which were checked, or mean nothing.
const SIGNED: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-signedheaders",
    "x-amz-signature",
    "x-amz-security-token",
    "x-amz-content-sha256",
];

/// The same of signatures of version 2.
const SIGNED_BEFORE: [&str; 3] = ["awsaccesskeyid", "signature", "expires"];

/// Headers that were checked, or mean nothing.
const CHECKED: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// All that a list of buckets can be asked.
const OF_BUCKETS: [&str; 5] = ["x-id", "max-buckets", "prefix", "continuation-token", "bucket-region"];

/// What an object is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reading {
    pub(crate) span: Option<Span>,
    pub(crate) conditions: Conditions,
}

/// What a request is about, for refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) bucket: Option<String>,
    pub(crate) key: Option<String>,
}

impl Subject {
    fn read(path: &str) -> Self {
        let path = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).decode_utf8_lossy();
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Self { bucket: some(bucket), key: some(key) }
    }
}

/// The first part of a path: the bucket, unless the host names it.
pub(crate) fn first(path: &str) -> Cow<'_, str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    percent_decode_str(path.split('/').next().unwrap_or_default()).decode_utf8_lossy()
}

/// Leaves of a request what s3s can read, by path style; `bucket` is the one that the host names.
pub(crate) fn prepare(parts: &mut Parts, bucket: Option<&str>) -> Result<Subject, S3Refusal> {
    let known = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE, Method::OPTIONS];
    if !known.contains(&parts.method) {
        let message = "The specified method is not allowed against this resource.";
        return Err(S3Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message));
    }
    let path = match bucket {
        Some(bucket) => {
            Cow::Owned(format!("/{}{}", utf8_percent_encode(bucket, NON_ALPHANUMERIC), parts.uri.path()))
        }
        None => Cow::Borrowed(parts.uri.path()),
    };
    let subject = Subject::read(&path);
    let query = query(parts.uri.query().unwrap_or_default());
    check(&subject, &query, &parts.method)?;

    let query: Vec<&str> = query.into_iter().map(|(_, _, pair)| pair).collect();
    let target = if query.is_empty() { path.into_owned() } else { format!("{path}?{}", query.join("&")) };
    let target: PathAndQuery =
        target.parse().map_err(|_| S3Refusal::bad("InvalidURI", "Couldn't parse the specified URI."))?;
    parts.uri = Uri::from(target);

    // of several ranges, and of several lines, none counts
    let mut ranges = parts.headers.get_all(RANGE).iter();
    let range = ranges.next().filter(|_| ranges.next().is_none()).and_then(|value| value.to_str().ok());
    let reading = Reading { span: range.and_then(Span::read), conditions: Conditions::read(&parts.headers) };
    parts.headers.remove(RANGE);
    for name in CONDITIONS {
        parts.headers.remove(name);
    }
    for name in CHECKED {
        parts.headers.remove(name);
    }
    parts.extensions.insert(reading);
    Ok(subject)
}

/// The pairs of a query without signatures: names and values decoded, and the pair as it was sent.
fn query(query: &str) -> Vec<(String, String, &str)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value), pair)
    });
    let mut pairs: Vec<_> = pairs.collect();
    let is_before = pairs.iter().any(|(name, ..)| name.eq_ignore_ascii_case(SIGNED_BEFORE[0]));
    pairs.retain(|(name, ..)| {
        let name = name.to_ascii_lowercase();
        let is_signed =
            SIGNED.contains(&name.as_str()) || is_before && SIGNED_BEFORE.contains(&name.as_str());
        !is_signed
    });
    pairs
}

/// What s3s would take for something else, or not look at.
fn check(subject: &Subject, query: &[(String, String, &str)], method: &Method) -> Result<(), S3Refusal> {
    let value =
        |wanted: &str| query.iter().find(|(name, ..)| name == wanted).map(|(_, value, _)| value.as_str());
    let argument = |name: &'static str, value: &str, message: &str| {
        Err(S3Refusal::bad("InvalidArgument", message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value))
    };
    let is_served = match *method {
        Method::GET | Method::HEAD => true,
        // anything else in the query is a setting of the bucket
        Method::PUT => {
            subject.bucket.is_some() && subject.key.is_none() && query.iter().all(|(name, ..)| name == "x-id")
        }
        _ => false,
    };
    if !is_served {
        let message = format!(
            "{method} is not served here: buckets are read, and made, but no objects and no settings are taken."
        );
        return Err(S3Refusal::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message));
    }
    if subject.bucket.is_none() {
        // whose bucket stands in a host that this server does not know would take all buckets for its content
        if *method == Method::GET && query.iter().any(|(name, ..)| !OF_BUCKETS.contains(&name.as_str())) {
            let message = "No bucket is named, and not all of this can be asked of the list of buckets. A bucket is named by the path, \
                           or as BUCKET.localhost.";
            return Err(S3Refusal::bad("InvalidRequest", message));
        }
        return Ok(());
    }
    if subject.key.is_some() {
        return match value("versionId") {
            None | Some("null") => Ok(()),
            Some(version) => {
                let message = "The specified version does not exist.";
                let refusal = S3Refusal::new(StatusCode::NOT_FOUND, "NoSuchVersion", message);
                Err(refusal.with("Key", subject.key.clone().unwrap_or_default()).with("VersionId", version))
            }
        };
    }
    if *method != Method::GET {
        return Ok(());
    }
    if value("continuation-token") == Some("") && value("list-type").is_some() {
        return argument("continuation-token", "", "The continuation token provided is incorrect");
    }
    if let Some(encoding) = value("encoding-type").filter(|encoding| *encoding != "url") {
        return argument("encoding-type", encoding, "Invalid Encoding Method specified in Request");
    }
    if let Some(keys) = value("max-keys") {
        match keys.parse::<i64>() {
            Ok(0..=0x7fff_ffff) => {}
            Ok(_) => {
                return argument(
                    "maxKeys",
                    keys,
                    "Argument maxKeys must be an integer between 0 and 2147483647",
                );
            }
            Err(_) => {
                return argument(
                    "max-keys",
                    keys,
                    "Provided max-keys not an integer or within integer range",
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;

    fn prepared(method: &str, target: &str, bucket: Option<&str>) -> Result<String, String> {
        let (mut parts, ()) = Request::builder().method(method).uri(target).body(()).unwrap().into_parts();
        prepare(&mut parts, bucket)
            .map(|_| parts.uri.to_string())
            .map_err(|refusal| refusal.code().to_owned())
    }

    #[test]
    fn signatures_leave_the_query() {
        let signature = "X-Amz-Algorithm=A&X-Amz-Credential=B%2F2&X-Amz-Date=C&X-Amz-Expires=1&X-Amz-SignedHeaders=host&\
                         X-Amz-Security-Token=t&X-Amz-Signature=00";
        for (target, expected) in [
            (format!("/b/k?{signature}"), "/b/k"),
            (format!("/b?list-type=2&{signature}&prefix=a%20b"), "/b?list-type=2&prefix=a%20b"),
            (format!("/?{signature}"), "/"),
            ("/b/k?AWSAccessKeyId=A&Signature=b%3D&Expires=1".to_owned(), "/b/k"),
            ("/b/k?Expires=1".to_owned(), "/b/k?Expires=1"),
            ("http://h/b/k?x-id=GetObject".to_owned(), "/b/k?x-id=GetObject"),
        ] {
            assert_eq!(prepared("GET", &target, None).as_deref(), Ok(expected), "{target}");
        }
    }

    #[test]
    fn a_bucket_in_the_host_is_in_the_path_then() {
        for (target, expected) in
            [("/", "/my%2Dlogs/"), ("/?list-type=2", "/my%2Dlogs/?list-type=2"), ("/a/b", "/my%2Dlogs/a/b")]
        {
            assert_eq!(prepared("GET", target, Some("my-logs")).as_deref(), Ok(expected), "{target}");
        }
    }

    #[test]
    fn what_would_be_misread_is_refused() {
        for (target, expected) in [
            ("/?list-type=2", "InvalidRequest"),
            ("/?location", "InvalidRequest"),
            ("/?delimiter=/", "InvalidRequest"),
            ("/b?list-type=2&continuation-token=", "InvalidArgument"),
            ("/b?list-type=2&continuation-token", "InvalidArgument"),
            ("/b?encoding-type=xml", "InvalidArgument"),
            ("/b?encoding-type=", "InvalidArgument"),
            ("/b?max-keys=-1", "InvalidArgument"),
            ("/b?max-keys=x", "InvalidArgument"),
            ("/b?max-keys=2147483648", "InvalidArgument"),
            ("/b/k?versionId=abc", "NoSuchVersion"),
        ] {
            assert_eq!(prepared("GET", target, None).unwrap_err(), expected, "{target}");
        }
        for target in
            ["/?x-id=ListBuckets", "/?max-buckets=1&prefix=a", "/b?max-keys=0", "/b/k?versionId=null"]
        {
            assert!(prepared("GET", target, None).is_ok(), "{target}");
        }
        assert_eq!(prepared("PATCH", "/b/k", None).unwrap_err(), "MethodNotAllowed");
        for (method, target) in [
            ("POST", "/b?delete"),
            ("POST", "/b/k?uploads"),
            ("POST", "/b"),
            ("POST", "/"),
            ("PUT", "/b/k"),
            ("PUT", "/b?acl"),
            ("PUT", "/"),
            ("DELETE", "/b/k"),
            ("DELETE", "/b"),
            ("OPTIONS", "/b"),
        ] {
            assert_eq!(prepared(method, target, None).unwrap_err(), "NotImplemented", "{method} {target}");
        }
        assert!(prepared("PUT", "/b", None).is_ok());
        assert!(prepared("PUT", "/b/?x-id=CreateBucket", None).is_ok());
    }

    #[test]
    fn the_subject_of_a_request_is_a_bucket_or_a_key() {
        let subject = |path| Subject::read(path);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(subject("/"), Subject::default());
        assert_eq!(subject("/b/"), Subject { bucket: some("b"), key: None });
        assert_eq!(subject("/b/a%2Fc%20d"), Subject { bucket: some("b"), key: some("a/c d") });
    }

    proptest! {
        #[test]
        fn nothing_panics(path in "(/[a%2F.~]{0,4}){1,3}", query in "[a-zA-Z=&%+0-9-]{0,30}", bucket in prop::option::of("[a-z.%]{1,9}")) {
            let _ = prepared("GET", &format!("{path}?{query}"), bucket.as_deref());
        }
    }
}
