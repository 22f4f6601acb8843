//! Signatures in the query: presigned URLs, which hold for a time that the signer chose.

use trailseal_archive::Timestamp as Seconds;

use super::{
    ALGORITHM, CredentialScope, SignatureRefusal, SignatureRules, UNSIGNED, Verified, canonical_request,
    check_future, decode, has_token, parse_signature, prove, second, signed_names,
};
use crate::{access_keys::AccessKeys, api::Timestamp, wire::WireRequest};

/// S3's longest time, a week.
const MAX_SECONDS: i64 = 7 * 24 * 60 * 60;

const SIGNATURE: &str = "X-Amz-Signature";

/// Whether a request carries its signature in the query.
///
/// # Errors
/// For signatures of version 2, and where there is one in `Authorization`, too.
pub(super) fn is_presigned(request: &WireRequest<'_>) -> Result<bool, SignatureRefusal> {
    let has = |name: &str| pairs(request.query).any(|(other, ..)| other == name);
    if has("AWSAccessKeyId") && has("Signature") {
        return Err(SignatureRefusal::Mechanism(
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        ));
    }
    let is_presigned = has("X-Amz-Algorithm") || has(SIGNATURE);
    if is_presigned && request.has("authorization") {
        return Err(SignatureRefusal::Query(
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header should be \
             specified",
        ));
    }
    Ok(is_presigned)
}

/// Verifies it.
pub(super) fn verify(
    request: &WireRequest<'_>,
    rules: SignatureRules,
    keys: &AccessKeys,
    now: Timestamp,
) -> Result<Verified, SignatureRefusal> {
    let missing = SignatureRefusal::Query(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, \
         X-Amz-SignedHeaders, and X-Amz-Expires parameters, each once.",
    );
    let one = |name: &str| {
        let mut values = pairs(request.query).filter(|(other, ..)| other == name).map(|(_, value, _)| value);
        values.next().filter(|_| values.next().is_none()).ok_or_else(|| missing.clone())
    };
    let (algorithm, credential, date) =
        (one("X-Amz-Algorithm")?, one("X-Amz-Credential")?, one("X-Amz-Date")?);
    let (expires, signed, signature) = (one("X-Amz-Expires")?, one("X-Amz-SignedHeaders")?, one(SIGNATURE)?);
    let optional = |name: &str| {
        if pairs(request.query).any(|(other, ..)| other == name) { one(name).map(Some) } else { Ok(None) }
    };
    let (token, payload) = (optional("X-Amz-Security-Token")?, optional("X-Amz-Content-Sha256")?);

    if algorithm != ALGORITHM {
        return Err(SignatureRefusal::Query("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""));
    }
    let malformed = |_| {
        SignatureRefusal::Query(
            "Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting \
         \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        )
    };
    let scope = CredentialScope::read(&credential).map_err(malformed)?;
    if !rules.services.contains(&scope.service) {
        return Err(SignatureRefusal::Query(
            "Error parsing the X-Amz-Credential parameter; incorrect service. This endpoint belongs to \"s3\".",
        ));
    }
    check_time(&date, &expires, scope.date, rules.window, now)?;
    let key = keys.find(scope.access_key).ok_or(SignatureRefusal::UnknownKey)?;
    if !has_token(token.as_deref(), key) {
        return Err(SignatureRefusal::UnknownKey);
    }
    let signed = signed_names(&signed)
        .ok_or(SignatureRefusal::Query("X-Amz-SignedHeaders must be names in order, each once."))?;
    let is_sent = |name: &&str| request.headers.iter().filter(|(other, _)| other == name).count() == 1;
    if !signed.contains(&"host") || !signed.iter().all(is_sent) {
        return Err(SignatureRefusal::Query(
            "X-Amz-SignedHeaders must name Host, and only headers that were sent once.",
        ));
    }
    let signature = parse_signature(&signature).ok_or(SignatureRefusal::Mismatch)?;

    let query: Vec<&str> =
        pairs(request.query).filter(|(name, ..)| name != SIGNATURE).map(|(_, _, pair)| pair).collect();
    let query = query.join("&");
    let unsigned = WireRequest { query: &query, ..*request };
    let canonical = canonical_request(&unsigned, rules, &signed, payload.as_deref().unwrap_or(UNSIGNED));
    prove(key, &scope, &date, &canonical, &signature)
}

fn check_time(
    date: &str,
    expires: &str,
    scope_date: &str,
    window: i64,
    now: Timestamp,
) -> Result<(), SignatureRefusal> {
    let signed = Seconds::parse_stamp(date).map_err(|_| {
        SignatureRefusal::Query("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
    })?;
    if !date.starts_with(scope_date) {
        return Err(SignatureRefusal::Query(
            "Invalid credential date. This date is not the same as X-Amz-Date.",
        ));
    }
    let seconds: i64 =
        expires.parse().map_err(|_| SignatureRefusal::Query("X-Amz-Expires should be a number"))?;
    if seconds < 0 {
        return Err(SignatureRefusal::Query("X-Amz-Expires must be non-negative"));
    }
    if seconds > MAX_SECONDS {
        return Err(SignatureRefusal::Query(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ));
    }
    let (now, end) = (second(now), signed.plus(seconds));
    if now > end {
        return Err(SignatureRefusal::LinkExpired { expires: end.stamp(), now: now.stamp() });
    }
    check_future(signed, window, now)
}

/// Names and values of a query, decoded, and each pair as it was sent.
fn pairs(query: &str) -> impl Iterator<Item = (String, String, &str)> {
    let text = |part: &str| String::from_utf8_lossy(&decode(part)).into_owned();
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value), pair)
    })
}
