//! Signing a request, for the client that `trailseal record` is.

use ring::hmac;

use super::{
    ALGORITHM, CredentialScope, SignatureRules, canonical_request, hash, signing_key, string_to_sign,
};
use crate::{access_keys::AccessKey, api::Timestamp, api::second, wire::WireRequest};

/// Whose signature, for which Region and service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub(crate) access_key: &'a str,
    pub(crate) key: &'a AccessKey,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
}

/// `X-Amz-Date`, which must be among the headers that are signed.
pub(crate) fn date(now: Timestamp) -> String {
    second(now).stamp()
}

/// The value of `Authorization` for a request whose headers, all of them, are signed; their names are in lower case,
/// in order, and the date is among them.
pub(crate) fn authorization(request: &WireRequest<'_>, signer: &Signer<'_>, date: &str) -> String {
    let Signer { access_key, key, region, service } = *signer;
    let scope = CredentialScope { access_key, date: &date[..8], region, service };
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
    let canonical = canonical_request(request, SignatureRules::CLOUDTRAIL, &names, &hash(request.body));
    let text = string_to_sign(date, &scope, &canonical);
    let signature = hmac::sign(&signing_key(key, &scope), text.as_bytes());
    format!(
        "{ALGORITHM} Credential={access_key}/{}/{region}/{service}/aws4_request, SignedHeaders={}, Signature={}",
        scope.date,
        names.join(";"),
        hex::encode(signature)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access_keys::AccessKeys, sigv4::verify};

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let keys = AccessKeys::parse("AKIAEXAMPLEEXAMPLE01 secret token\n").unwrap();
        let key = keys.find("AKIAEXAMPLEEXAMPLE01").unwrap();
        let signer =
            Signer { access_key: "AKIAEXAMPLEEXAMPLE01", key, region: "eu-west-1", service: "cloudtrail" };
        let now = Timestamp::from_millis(1_709_294_400_000);
        let date = date(now);
        let headers: Vec<(&str, &[u8])> = vec![
            ("host", b"127.0.0.1:4578"),
            ("x-amz-date", date.as_bytes()),
            ("x-amz-security-token", b"token"),
        ];
        let unsigned =
            WireRequest { method: "POST", path: "/a/b", query: "", headers: &headers, body: b"{}\n" };
        let authorization = authorization(&unsigned, &signer, &date);
        let mut headers = headers.clone();
        headers.push(("authorization", authorization.as_bytes()));
        let signed = WireRequest { headers: &headers, ..unsigned };
        let verified = verify(&signed, SignatureRules::CLOUDTRAIL, &keys, now).unwrap();
        assert_eq!(
            (verified.access_key.as_str(), verified.region.as_str()),
            (signer.access_key, "eu-west-1")
        );
        let other = WireRequest { body: b"{ }\n", headers: &headers, ..unsigned };
        assert!(verify(&other, SignatureRules::CLOUDTRAIL, &keys, now).is_err());
    }
}
