//! Requests that botocore signed (tests/it/signed/README.md), and the same requests tampered with.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

const KEYS: &str = "AKIAEXAMPLEEXAMPLE01 made/up+secret0000000000000000000000000001\n\
                    ASIAEXAMPLEEXAMPLE02 made/up+secret0000000000000000000000000002 made-up-token//==\n";
const SIGNED_AT: i64 = 1_709_294_400;

#[derive(Clone, Debug)]
struct Case {
    name: String,
    service: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Case {
    fn all() -> Vec<Self> {
        let cases: Vec<Value> =
            serde_json::from_str(include_str!("../../tests/it/signed/botocore.json")).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let header = |pair: &Value| (text(&pair[0]), text(&pair[1]).into_bytes());
        let case = |case: &Value| Self {
            name: text(&case["name"]),
            service: text(&case["service"]),
            method: text(&case["method"]),
            path: text(&case["path"]),
            query: text(&case["query"]),
            headers: case["headers"].as_array().unwrap().iter().map(header).collect(),
            body: text(&case["body"]).into_bytes(),
        };
        cases.iter().map(case).collect()
    }

    fn named(name: &str) -> Self {
        Self::all().into_iter().find(|case| case.name == name).unwrap()
    }

    fn verify_at(&self, seconds: i64) -> Result<Verified, SignatureRefusal> {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = WireRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        };
        let rules = if self.service == "s3" { SignatureRules::S3 } else { SignatureRules::CLOUDTRAIL };
        verify(&request, rules, &AccessKeys::parse(KEYS).unwrap(), Timestamp::from_millis(seconds * 1000))
    }

    fn verify(&self) -> Result<Verified, SignatureRefusal> {
        self.verify_at(SIGNED_AT)
    }

    fn header(&mut self, name: &str) -> &mut Vec<u8> {
        &mut self.headers.iter_mut().find(|(other, _)| other == name).unwrap().1
    }

    fn edit(&mut self, name: &str, from: &str, to: &str) {
        let value = self.header(name);
        let text = String::from_utf8(value.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        *value = text.replacen(from, to, 1).into_bytes();
    }

    fn signed(&mut self) -> Vec<String> {
        let text = String::from_utf8(self.header("authorization").clone()).unwrap();
        let list = text.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
        list.split(';').map(str::to_owned).collect()
    }
}

fn is_incomplete(result: &Result<Verified, SignatureRefusal>) -> bool {
    matches!(result, Err(SignatureRefusal::Incomplete(_)))
}

#[test]
fn every_request_that_botocore_signed_verifies() {
    let cases = Case::all();
    assert!(cases.len() >= 12);
    for case in cases {
        let verified = case.verify().unwrap_or_else(|refusal| panic!("{}: {refusal}", case.name));
        assert_eq!(verified.service, case.service);
    }
}

#[test]
fn every_part_that_is_tampered_with_breaks_the_signature() {
    for case in Case::all() {
        let name = &case.name;
        let change = |edit: &dyn Fn(&mut Case)| {
            let mut changed = case.clone();
            edit(&mut changed);
            changed.verify()
        };
        assert_eq!(change(&|c| c.method = "DELETE".to_owned()), Err(SignatureRefusal::Mismatch), "{name}");
        assert_eq!(change(&|c| c.path.push('x')), Err(SignatureRefusal::Mismatch), "{name}");
        assert_eq!(change(&|c| c.query.push_str("&x=1")), Err(SignatureRefusal::Mismatch), "{name}");
        if !name.contains("unsigned body") {
            assert!(change(&|c| c.body.push(b' ')).is_err(), "{name}");
        }
        for signed in case.clone().signed() {
            let result = change(&|c| c.header(&signed).push(b'x'));
            assert!(result.is_err(), "{name}: {signed}");
            let result = change(&|c| c.headers.retain(|(other, _)| *other != signed));
            assert!(result.is_err(), "{name} without {signed}");
            let result = change(&|c| {
                let again = (signed.clone(), c.header(&signed).clone());
                c.headers.push(again);
            });
            assert!(result.is_err(), "{name}: {signed} twice");
        }
        for digit in 0..64 {
            let result = change(&|c| {
                let header = c.header("authorization");
                let at = header.len() - 64 + digit;
                header[at] = if header[at] == b'0' { b'1' } else { b'0' };
            });
            assert_eq!(result, Err(SignatureRefusal::Mismatch), "{name}: digit {digit}");
        }
        assert!(change(&|c| c.edit("authorization", "-1/", "-2/")).is_err(), "{name}");
        assert!(change(&|c| c.edit("authorization", "/20240301/", "/20240302/")).is_err(), "{name}");
    }
}

#[test]
fn a_body_that_is_not_the_hashed_one_is_said() {
    let mut case = Case::named("an S3 object");
    case.body = b"x".to_vec();
    assert_eq!(case.verify(), Err(SignatureRefusal::ContentHash));
}

#[test]
fn an_unsigned_body_is_for_s3_only() {
    let case = Case::named("an S3 request with an unsigned body");
    assert!(Case { body: b"anything".to_vec(), ..case.clone() }.verify().is_ok());
    let headers: Vec<(&str, &[u8])> = case.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    let request = WireRequest {
        method: &case.method,
        path: &case.path,
        query: "",
        headers: &headers,
        body: &case.body,
    };
    let rules = SignatureRules { unsigned_payload: false, ..SignatureRules::S3 };
    let now = Timestamp::from_millis(SIGNED_AT * 1000);
    let refusal = verify(&request, rules, &AccessKeys::parse(KEYS).unwrap(), now).unwrap_err();
    assert_eq!(refusal, SignatureRefusal::ContentHash);
}

#[test]
fn the_window_is_five_minutes_both_ways() {
    let case = Case::named("lookup events");
    for (offset, is_fine) in [(0, true), (WINDOW, true), (-WINDOW, true)] {
        assert_eq!(case.verify_at(SIGNED_AT + offset).is_ok(), is_fine);
    }
    let late = case.verify_at(SIGNED_AT + WINDOW + 1).unwrap_err();
    assert_eq!(
        late.to_string(),
        "Signature expired: 20240301T120000Z is now earlier than 20240301T120001Z (20240301T120501Z - 5 min.)"
    );
    assert!(matches!(case.verify_at(SIGNED_AT - WINDOW - 1), Err(SignatureRefusal::NotYetCurrent { .. })));
}

#[test]
fn an_unknown_key_and_a_wrong_secret_are_refused() {
    let mut case = Case::named("lookup events");
    case.edit("authorization", "AKIAEXAMPLEEXAMPLE01", "AKIAEXAMPLEEXAMPLE03");
    assert_eq!(case.verify(), Err(SignatureRefusal::UnknownKey));
    let mut case = Case::named("lookup events");
    case.edit("authorization", "AKIAEXAMPLEEXAMPLE01", "ASIAEXAMPLEEXAMPLE02");
    assert_eq!(case.verify(), Err(SignatureRefusal::UnknownKey), "a key with a token, without the token");
}

#[test]
fn the_session_token_must_be_the_one_of_the_key() {
    let mut case = Case::named("temporary credentials");
    *case.header(TOKEN) = b"another".to_vec();
    assert_eq!(case.verify(), Err(SignatureRefusal::UnknownKey));
    let mut case = Case::named("lookup events");
    case.headers.push((TOKEN.to_owned(), b"made-up-token//==".to_vec()));
    assert_eq!(case.verify(), Err(SignatureRefusal::UnknownKey));
}

#[test]
fn a_scope_of_another_service_is_refused() {
    let mut case = Case::named("lookup events");
    case.edit("authorization", "/cloudtrail/", "/s3/");
    assert_eq!(case.verify(), Err(SignatureRefusal::Service("cloudtrail")));
}

#[test]
fn headers_that_must_be_signed_cannot_be_left_out() {
    for name in ["host;", "x-amz-date;", "x-amz-security-token;"] {
        let mut case = Case::named("temporary credentials");
        case.edit("authorization", name, "");
        assert!(is_incomplete(&case.verify()), "{name}");
    }
    let mut case = Case::named("lookup events");
    case.edit("authorization", ";x-amz-target", "");
    assert!(is_incomplete(&case.verify()));
}

#[test]
fn malformed_authorizations_are_incomplete() {
    let digits = "0".repeat(64);
    let credential = "Credential=AK/20240301/us-east-1/cloudtrail/aws4_request";
    for text in [
        "AWS4-HMAC-SHA256".to_owned(),
        "AWS4-HMAC-SHA256 ".to_owned(),
        format!("AWS4-HMAC-SHA512 {credential}, SignedHeaders=host, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host"),
        format!("AWS4-HMAC-SHA256 {credential}, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 SignedHeaders=host, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, {credential}, SignedHeaders=host, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature={digits}, X=1"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;date, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host;host, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=Host, Signature={digits}"),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature={}", "A".repeat(64)),
        format!("AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=00"),
        format!("AWS4-HMAC-SHA256 {credential}/x, SignedHeaders=host, Signature={digits}"),
        format!(
            "AWS4-HMAC-SHA256 Credential=AK/20240301/us/cloudtrail/aws4_request, SignedHeaders=host, Signature={digits}"
        ),
        format!(
            "AWS4-HMAC-SHA256 Credential=AK/2024-301/us-east-1/cloudtrail/aws4_request, SignedHeaders=host, Signature={digits}"
        ),
    ] {
        let mut case = Case::named("lookup events");
        *case.header("authorization") = text.clone().into_bytes();
        assert!(is_incomplete(&case.verify()), "{text}");
    }
    let mut case = Case::named("lookup events");
    case.headers.retain(|(name, _)| name != "authorization");
    assert_eq!(case.verify(), Err(SignatureRefusal::Missing));
}

#[test]
fn refusals_have_the_names_of_aws() {
    let error = ApiError::from(SignatureRefusal::Mismatch);
    assert_eq!(error.code, ErrorCode::InvalidSignatureException);
    assert!(error.message.starts_with("The request signature we calculated does not match"));
    assert_eq!(ApiError::from(SignatureRefusal::UnknownKey).code, ErrorCode::UnrecognizedClientException);
    assert_eq!(
        ApiError::from(SignatureRefusal::Missing).code,
        ErrorCode::MissingAuthenticationTokenException
    );
}

proptest! {
    #[test]
    fn no_request_panics_and_none_is_accepted(
        authorization in "AWS4-HMAC-SHA256 [ -~]{0,80}",
        path in "/[ -~]{0,20}",
        query in "[ -~]{0,20}",
        value in any::<Vec<u8>>(),
    ) {
        let mut case = Case::named("lookup events");
        case.path = path;
        case.query = query;
        case.headers.push(("x-amz-meta-a".to_owned(), value));
        // what the canonical form makes the same is the same request
        let is_same = encoded_path(&case.path) == "/" && case.query.split('&').all(str::is_empty);
        prop_assert!(case.verify().is_err() || is_same);
        *case.header("authorization") = authorization.into_bytes();
        prop_assert!(case.verify().is_err());
    }

    #[test]
    fn what_is_encoded_decodes(bytes in any::<Vec<u8>>()) {
        prop_assert_eq!(decode(&encode(&bytes)), bytes);
    }

    #[test]
    fn encoded_paths_begin_with_one_slash(path in "(/|\\.|[a-z%é])*") {
        let encoded = encoded_path(&path);
        prop_assert!(encoded.starts_with('/') && !encoded.contains("//"));
    }
}
