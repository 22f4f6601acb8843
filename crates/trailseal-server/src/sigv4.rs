//! AWS Signature Version 4: whether a request was signed with a known access key. Pure; the time is passed in.
//!
//! Signatures in headers count, and of S3 those in the query (presigned URLs); chunk signatures are refused.

use std::fmt::Write as _;

use ring::{digest, hmac};
use trailseal_archive::{Timestamp as Seconds, key::is_region_like};

use crate::{
    access_keys::{AccessKey, AccessKeys},
    api::{ApiError, ErrorCode, Timestamp, second},
    wire::{Ambiguous, TARGET, WireRequest, is_access_key_id},
};

/// How far the clocks of client and server may be apart, in seconds.
const WINDOW: i64 = 5 * 60;
/// The same for S3.
const S3_WINDOW: i64 = 15 * 60;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";
const CONTENT_HASH: &str = "x-amz-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
const MAX_SIGNED_HEADERS: usize = 64;

/// What a service asks of signatures.
#[derive(Clone, Copy, Debug)]
pub struct SignatureRules {
    /// The names that its credential scopes may hold; none for any.
    pub services: &'static [&'static str],
    /// Whether the path is signed as it is on the wire; otherwise normalised and encoded once more.
    pub path_as_sent: bool,
    /// Whether `UNSIGNED-PAYLOAD` may stand for the hash of the body.
    pub unsigned_payload: bool,
    /// Whether the body counts; if not, its hash is what the request says, and nobody has read it.
    pub with_body: bool,
    /// Whether the signature may stand in the query.
    pub in_query: bool,
    /// How far the clocks of client and server may be apart, in seconds.
    pub window: i64,
}

impl SignatureRules {
    /// Of CloudTrail and the CloudTrail Data API.
    pub const CLOUDTRAIL: Self = Self {
        services: &["cloudtrail", "cloudtrail-data"],
        path_as_sent: false,
        unsigned_payload: false,
        with_body: true,
        in_query: false,
        window: WINDOW,
    };
    /// Of all others, whatever they are.
    pub const ANY: Self = Self { services: &[], ..Self::CLOUDTRAIL };
    /// Of S3.
    pub const S3: Self = Self {
        services: &["s3"],
        path_as_sent: true,
        unsigned_payload: true,
        with_body: true,
        in_query: true,
        window: S3_WINDOW,
    };
    /// Of S3, for operations to which the body means nothing.
    pub const S3_WITHOUT_BODY: Self = Self { with_body: false, ..Self::S3 };
}

/// Whose signature a request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The access key id.
    pub access_key: String,
    /// The Region of the credential scope.
    pub region: String,
    /// The service of the credential scope.
    pub service: String,
}

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureRefusal {
    /// No `Authorization`.
    #[error("Missing Authentication Token")]
    Missing,
    /// Something that a signature needs is absent or malformed.
    #[error("{0}")]
    Incomplete(&'static str),
    /// The same in the query.
    #[error("{0}")]
    Query(&'static str),
    /// It is of a kind that nobody checks any more.
    #[error("{0}")]
    Mechanism(&'static str),
    /// The access key is not in the file.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The scope is of another service.
    #[error("Credential should be scoped to correct service: '{0}'.")]
    Service(&'static str),
    /// Signed too long ago.
    #[error("Signature expired: {signed} is now earlier than {oldest} ({now} - 5 min.)")]
    Expired {
        /// When it was signed.
        signed: String,
        /// What is accepted at least.
        oldest: String,
        /// The server's time.
        now: String,
    },
    /// Signed in the future.
    #[error("Signature not yet current: {signed} is still later than {newest} ({now} + 5 min.)")]
    NotYetCurrent {
        /// When it was signed.
        signed: String,
        /// What is accepted at most.
        newest: String,
        /// The server's time.
        now: String,
    },
    /// A presigned URL was good until a time that is over.
    #[error("Request has expired")]
    LinkExpired {
        /// Until when it was good.
        expires: String,
        /// The server's time.
        now: String,
    },
    /// The body is not the one whose hash was signed.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentHash,
    /// The key did not make this signature over this request.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl From<SignatureRefusal> for ApiError {
    /// As services of AWS JSON say it; S3 has names of its own.
    fn from(refusal: SignatureRefusal) -> Self {
        let code = match refusal {
            SignatureRefusal::Missing => ErrorCode::MissingAuthenticationTokenException,
            SignatureRefusal::Incomplete(_) | SignatureRefusal::Query(_) => {
                ErrorCode::IncompleteSignatureException
            }
            SignatureRefusal::UnknownKey => ErrorCode::UnrecognizedClientException,
            _ => ErrorCode::InvalidSignatureException,
        };
        Self::new(code, refusal.to_string())
    }
}

/// Verifies the signature of a request.
///
/// # Errors
/// [`SignatureRefusal`] for anything but a valid signature over host, time, target, session token and body.
pub fn verify(
    request: &WireRequest<'_>,
    rules: SignatureRules,
    keys: &AccessKeys,
    now: Timestamp,
) -> Result<Verified, SignatureRefusal> {
    if rules.in_query && presigned::is_presigned(request)? {
        return presigned::verify(request, rules, keys, now);
    }
    let authorization = Authorization::read(request)?;
    let scope = &authorization.scope;
    if let Some(first) = rules.services.first()
        && !rules.services.contains(&scope.service)
    {
        return Err(SignatureRefusal::Service(first));
    }
    let date = one(request, DATE, "Authorization header requires one 'X-Amz-Date' header.")?.ok_or(
        SignatureRefusal::Incomplete("Authorization header requires existence of a 'X-Amz-Date' header."),
    )?;
    check_date(date, scope.date, rules.window, now)?;
    let key = keys.find(scope.access_key).ok_or(SignatureRefusal::UnknownKey)?;
    check_token(request, key)?;
    check_signed_headers(request, &authorization.signed)?;
    let payload = payload_hash(request, rules, &authorization.signed)?;

    let canonical = canonical_request(request, rules, &authorization.signed, &payload);
    prove(key, scope, date, &canonical, &authorization.signature)
}

/// Who signed, if the key made this signature over the request in its canonical form.
fn prove(
    key: &AccessKey,
    scope: &CredentialScope<'_>,
    date: &str,
    canonical: &str,
    signature: &[u8; 32],
) -> Result<Verified, SignatureRefusal> {
    // compares in constant time
    hmac::verify(&signing_key(key, scope), string_to_sign(date, scope, canonical).as_bytes(), signature)
        .map_err(|_| SignatureRefusal::Mismatch)?;
    Ok(Verified {
        access_key: scope.access_key.to_owned(),
        region: scope.region.to_owned(),
        service: scope.service.to_owned(),
    })
}

struct Authorization<'a> {
    scope: CredentialScope<'a>,
    signed: Vec<&'a str>,
    signature: [u8; 32],
}

struct CredentialScope<'a> {
    access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(request: &WireRequest<'a>) -> Result<Self, SignatureRefusal> {
        let header = one(request, "authorization", "Authorization must stand once.")?
            .ok_or(SignatureRefusal::Missing)?;
        let parameters = header
            .strip_prefix(ALGORITHM)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or(SignatureRefusal::Incomplete("Authorization must be of AWS4-HMAC-SHA256."))?;
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for parameter in parameters.split(',') {
            let (slot, value) = match parameter.trim().split_once('=') {
                Some(("Credential", value)) => (&mut credential, value),
                Some(("SignedHeaders", value)) => (&mut signed, value),
                Some(("Signature", value)) => (&mut signature, value),
                _ => {
                    return Err(SignatureRefusal::Incomplete(
                        "Authorization has a parameter that it must not have.",
                    ));
                }
            };
            if slot.replace(value).is_some() {
                return Err(SignatureRefusal::Incomplete("Authorization has a parameter twice."));
            }
        }
        let missing = |what| move || SignatureRefusal::Incomplete(what);
        let credential =
            credential.ok_or_else(missing("Authorization header requires 'Credential' parameter."))?;
        let signed =
            signed.ok_or_else(missing("Authorization header requires 'SignedHeaders' parameter."))?;
        let signature =
            signature.ok_or_else(missing("Authorization header requires 'Signature' parameter."))?;
        let signature = parse_signature(signature)
            .ok_or(SignatureRefusal::Incomplete("Signature must be 64 hex digits."))?;
        let signed = signed_names(signed).ok_or(SignatureRefusal::Incomplete(
            "SignedHeaders must be lower-case names in order, each once.",
        ))?;
        Ok(Self { scope: CredentialScope::read(credential)?, signed, signature })
    }
}

impl<'a> CredentialScope<'a> {
    fn read(credential: &'a str) -> Result<Self, SignatureRefusal> {
        let mut parts = credential.split('/');
        let mut next = || parts.next().unwrap_or_default();
        let (access_key, date, region, service, end) = (next(), next(), next(), next(), next());
        let is_date = date.len() == 8 && date.bytes().all(|c| c.is_ascii_digit());
        if end != "aws4_request" || parts.next().is_some() || !is_date || !is_access_key_id(access_key) {
            return Err(SignatureRefusal::Incomplete(
                "Credential must be KEY/YYYYMMDD/REGION/SERVICE/aws4_request.",
            ));
        }
        if !is_region_like(region) {
            return Err(SignatureRefusal::Incomplete("Credential should be scoped to a valid Region."));
        }
        Ok(Self { access_key, date, region, service })
    }
}

/// 64 lower-case hex digits.
fn parse_signature(text: &str) -> Option<[u8; 32]> {
    let is_lower = !text.bytes().any(|c| c.is_ascii_uppercase());
    hex::decode(text).ok()?.try_into().ok().filter(|_| is_lower)
}

/// The names of signed headers: in lower case and in order, each once.
fn signed_names(text: &str) -> Option<Vec<&str>> {
    let signed: Vec<&str> = text.split(';').collect();
    let in_order = signed.windows(2).all(|pair| pair[0] < pair[1]);
    let is_name = |name: &&str| !name.is_empty() && !name.bytes().any(|c| c.is_ascii_uppercase());
    (signed.len() <= MAX_SIGNED_HEADERS && in_order && signed.iter().all(is_name)).then_some(signed)
}

fn one<'a>(
    request: &WireRequest<'a>,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<&'a str>, SignatureRefusal> {
    request.header(name).map_err(|Ambiguous| SignatureRefusal::Incomplete(otherwise))
}

fn check_date(date: &str, scope_date: &str, window: i64, now: Timestamp) -> Result<(), SignatureRefusal> {
    let signed = Seconds::parse_stamp(date).map_err(|_| {
        SignatureRefusal::Incomplete("Date must be in ISO-8601 'basic format' (YYYYMMDDTHHMMSSZ).")
    })?;
    if !date.starts_with(scope_date) {
        return Err(SignatureRefusal::Incomplete(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date.",
        ));
    }
    let now = second(now);
    let oldest = now.plus(-window);
    if signed < oldest {
        return Err(SignatureRefusal::Expired {
            signed: signed.stamp(),
            oldest: oldest.stamp(),
            now: now.stamp(),
        });
    }
    check_future(signed, window, now)
}

/// What is signed in the future counts as far as clocks differ.
fn check_future(signed: Seconds, window: i64, now: Seconds) -> Result<(), SignatureRefusal> {
    let newest = now.plus(window);
    if signed > newest {
        return Err(SignatureRefusal::NotYetCurrent {
            signed: signed.stamp(),
            newest: newest.stamp(),
            now: now.stamp(),
        });
    }
    Ok(())
}

/// Temporary credentials have a token; a token that nobody gave out makes a key unknown.
fn check_token(request: &WireRequest<'_>, key: &AccessKey) -> Result<(), SignatureRefusal> {
    let sent = one(request, TOKEN, "X-Amz-Security-Token must stand once.")?;
    if has_token(sent, key) { Ok(()) } else { Err(SignatureRefusal::UnknownKey) }
}

fn has_token(sent: Option<&str>, key: &AccessKey) -> bool {
    match (sent, key.token()) {
        (None, None) => true,
        (Some(sent), Some(known)) => {
            // the tags of equal texts are equal, and comparing tags takes the same time for all texts
            let compare = hmac::Key::new(hmac::HMAC_SHA256, key.secret().as_bytes());
            hmac::verify(&compare, sent.as_bytes(), hmac::sign(&compare, known.as_bytes()).as_ref()).is_ok()
        }
        _ => false,
    }
}

/// What a man in the middle could change must be signed.
fn check_signed_headers(request: &WireRequest<'_>, signed: &[&str]) -> Result<(), SignatureRefusal> {
    if !signed.iter().all(|name| request.has(name)) {
        return Err(SignatureRefusal::Incomplete("SignedHeaders names a header that was not sent."));
    }
    let is_text = |(name, value): &(&str, &[u8])| !signed.contains(name) || str::from_utf8(value).is_ok();
    if !request.headers.iter().all(is_text) {
        return Err(SignatureRefusal::Incomplete("Signed headers must be text."));
    }
    let is_ok = |name: &str| signed.contains(&name);
    if !is_ok("host") || !is_ok(DATE) {
        return Err(SignatureRefusal::Incomplete(
            "'Host' and 'X-Amz-Date' must be 'SignedHeader's in the AWS Authorization.",
        ));
    }
    for name in [TARGET, TOKEN] {
        if request.has(name) && !is_ok(name) {
            return Err(SignatureRefusal::Incomplete(
                "'X-Amz-Target' and 'X-Amz-Security-Token' must be signed.",
            ));
        }
    }
    one(request, "host", "Host must stand once.").map(|_| ())
}

fn payload_hash(
    request: &WireRequest<'_>,
    rules: SignatureRules,
    signed: &[&str],
) -> Result<String, SignatureRefusal> {
    let stated = one(request, CONTENT_HASH, "X-Amz-Content-Sha256 must stand once.")?;
    if stated == Some(UNSIGNED) && rules.unsigned_payload && signed.contains(&CONTENT_HASH) {
        return Ok(UNSIGNED.to_owned());
    }
    if !rules.with_body {
        return Ok(stated.map_or_else(|| hash(&[]), str::to_owned));
    }
    let actual = hash(request.body);
    match stated {
        Some(stated) if stated != actual => Err(SignatureRefusal::ContentHash),
        _ => Ok(actual),
    }
}

fn canonical_request(
    request: &WireRequest<'_>,
    rules: SignatureRules,
    signed: &[&str],
    payload: &str,
) -> String {
    let path = if rules.path_as_sent { request.path.to_owned() } else { encoded_path(request.path) };
    let mut text = format!("{}\n{path}\n{}\n", request.method, canonical_query(request.query));
    for name in signed {
        let values = request.headers.iter().filter(|(other, _)| other == name);
        let values: Vec<String> = values.map(|(_, value)| folded(value)).collect();
        let _ = writeln!(text, "{name}:{}", values.join(","));
    }
    let _ = write!(text, "\n{}\n{payload}", signed.join(";"));
    text
}

/// Without white space at the ends, and with one space for each run of it.
fn folded(value: &[u8]) -> String {
    String::from_utf8_lossy(value).split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// The path without `.`, `..` and empty components, encoded once more.
fn encoded_path(path: &str) -> String {
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." => {
                components.pop();
            }
            other => components.push(other),
        }
    }
    let mut encoded = String::from("/");
    encoded.push_str(&components.iter().map(|part| encode(part.as_bytes())).collect::<Vec<_>>().join("/"));
    let is_folder = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    if is_folder && !components.is_empty() {
        encoded.push('/');
    }
    encoded
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(&decode(name)), encode(&decode(value))))
        .collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but the unreserved characters.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Undoes percent-encoding; a `%` without two hex digits stands for itself.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| byte == b'%');
        let value = digits.and_then(|digits| {
            let mut value = [0];
            hex::decode_to_slice(digits, &mut value).ok().map(|()| value[0])
        });
        decoded.push(value.unwrap_or(byte));
        at += if value.is_some() { 3 } else { 1 };
    }
    decoded
}

fn string_to_sign(date: &str, scope: &CredentialScope<'_>, canonical: &str) -> String {
    let CredentialScope { date: day, region, service, .. } = scope;
    let hash = hash(canonical.as_bytes());
    format!("{ALGORITHM}\n{date}\n{day}/{region}/{service}/aws4_request\n{hash}")
}

/// SHA-256 in hex.
fn hash(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

fn signing_key(key: &AccessKey, scope: &CredentialScope<'_>) -> hmac::Key {
    let start = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{}", key.secret()).as_bytes());
    [scope.date, scope.region, scope.service, "aws4_request"].into_iter().fold(start, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

mod presigned;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
