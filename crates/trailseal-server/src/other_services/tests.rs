use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{Context, Operation, Timestamp},
    service::CallAnswer,
    service::TaggedResource,
};

/// Knows two Regions and two trails.
struct Trails;

impl Service for Trails {
    fn call(&self, _: &Context, _: &Caller, _: Operation, _: Value) -> Result<CallAnswer, ApiError> {
        panic!("nothing is called, which would be recorded")
    }

    fn tagged_trails(&self, caller: &Caller) -> Vec<TaggedResource> {
        let trail = |name: &str, tags: &[(&str, &str)]| TaggedResource {
            arn: format!("arn:aws:cloudtrail:{}:111122223333:trail/{name}", caller.region),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        vec![trail("bare", &[]), trail("one", &[("team", "a")]), trail("two", &[("team", "b"), ("x", "")])]
    }

    fn regions(&self) -> BTreeSet<String> {
        ["af-south-1".to_owned(), "cn-north-1".to_owned()].into()
    }
}

const FORM: (&str, &[u8]) = ("content-type", b"application/x-www-form-urlencoded; charset=utf-8");

fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240301/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00"
    )
}

fn request<'a>(headers: &'a [(&'a str, &'a [u8])], query: &'a str, body: &'a str) -> WireRequest<'a> {
    WireRequest { method: "POST", path: "/", query, headers, body: body.as_bytes() }
}

/// The answer to a request, and its body as text.
fn answer(request: &WireRequest<'_>) -> (WireAnswer, String) {
    let identity = CallerIdentity::of_key(Some("AKIDEXAMPLE"), "111122223333", "eu-west-1");
    let (account, region) = ("111122223333".to_owned(), "eu-west-1".to_owned());
    let caller = Caller { account, region, now: Timestamp::from_millis(0) };
    let known = Known {
        caller: &caller,
        identity: &identity,
        region: "us-east-1",
        cloudtrail: &Trails,
        request_id: "the-request",
    };
    let answer = OtherCall::of(request).answer(&known);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    (answer, body)
}

fn signed(service: &str, body: &str) -> (WireAnswer, String) {
    let authorization = authorization(service);
    answer(&request(&[FORM, ("authorization", authorization.as_bytes())], "", body))
}

#[test]
fn the_credential_scope_says_whom_a_request_is_for() {
    for (service, expected) in [
        ("cloudtrail", Destination::CloudTrail),
        ("cloudtrail-data", Destination::CloudTrail),
        ("s3", Destination::Objects),
        ("sts", Destination::Other),
        ("lambda", Destination::Other),
    ] {
        let text = authorization(service);
        let presigned = format!("X-Amz-Credential=AK%2F20240301%2Feu-west-1%2F{service}%2Faws4_request&a=b");
        for method in ["GET", "POST", "PUT", "DELETE", "HEAD"] {
            let headers = [("authorization", text.as_bytes())];
            assert_eq!(
                destination(&WireRequest { method, ..request(&headers, "", "") }),
                expected,
                "{service}"
            );
            assert_eq!(
                destination(&WireRequest { method, ..request(&[], &presigned, "") }),
                expected,
                "{service}"
            );
        }
    }
    let text =
        "AWS4-ECDSA-P256-SHA256 Credential=AK/20240301/lambda/aws4_request, SignedHeaders=host, Signature=00";
    assert_eq!(destination(&request(&[("authorization", text.as_bytes())], "", "")), Destination::Other);
}

#[test]
fn what_is_not_signed_is_told_by_its_form() {
    let target: &[(&str, &[u8])] = &[(TARGET, b"CloudTrail_20131101.ListTrails")];
    assert_eq!(destination(&request(target, "", "{}")), Destination::CloudTrail);
    // what `curl -d` makes of it
    let form = ("content-type", &b"application/x-www-form-urlencoded"[..]);
    let targets: Vec<_> = target.iter().copied().chain([form]).collect();
    assert_eq!(destination(&request(&targets, "", "{}")), Destination::CloudTrail);
    assert_eq!(destination(&request(&[form], "", "Action=GetCallerIdentity")), Destination::Other);
    assert_eq!(destination(&request(&[], "", "")), Destination::CloudTrail);
    for path in [audit::PATH, audit::RECORD_PATH] {
        assert_eq!(destination(&WireRequest { path, ..request(&[], "a=b", "") }), Destination::CloudTrail);
    }
    for (path, query) in
        [("/bucket", "delete"), ("/bucket/key", "uploads"), ("/", "delete="), ("/bucket", "")]
    {
        assert_eq!(
            destination(&WireRequest { path, ..request(&[], query, "") }),
            Destination::Objects,
            "{path}"
        );
        assert_eq!(destination(&WireRequest { path, ..request(target, query, "") }), Destination::CloudTrail);
    }
    assert_eq!(destination(&request(&[FORM], "", "Action=GetCallerIdentity")), Destination::Other);
    assert_eq!(destination(&request(&[("smithy-protocol", b"rpc-v2-cbor")], "", "")), Destination::Other);
    assert_eq!(destination(&WireRequest { method: "GET", ..request(&[], "", "") }), Destination::Objects);
    for nonsense in
        ["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=", "AWS4-X Credential=a/b c/d", "Basic abc"]
    {
        let headers = [("authorization", nonsense.as_bytes())];
        assert_eq!(destination(&request(&headers, "", "")), Destination::CloudTrail, "{nonsense}");
    }
}

#[test]
fn who_calls_is_told_in_the_words_of_sts() {
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    for (answer, text) in [signed("sts", body), answer(&request(&[FORM], "", body))] {
        assert_eq!((answer.status, answer.content_type), (200, "text/xml"));
        for part in [
            "<Account>111122223333</Account>",
            "<Arn>arn:aws:iam::111122223333:user/AKIDEXAMPLE</Arn>",
            "<UserId>AIDA",
            "<RequestId>the-request</RequestId>",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
    let presigned =
        "Action=GetCallerIdentity&X-Amz-Credential=AK%2F20240301%2Feu-west-1%2Fsts%2Faws4_request";
    assert_eq!(answer(&WireRequest { method: "GET", ..request(&[], presigned, "") }).0.status, 200);
    // the same name in another service is another operation
    assert_eq!(signed("iam", body).0.status, 400);
    assert_eq!(signed("sts", "Action=GetCallerIdentity&Action=AssumeRole").0.status, 400);
}

#[test]
fn regions_are_those_that_all_have_and_those_that_are_known() {
    let names = |body: &str| -> Vec<String> {
        let (answer, text) = signed("ec2", &format!("Action=DescribeRegions&Version=2016-11-15{body}"));
        assert_eq!(answer.status, 200, "{text}");
        let parts = text.split("<regionName>").skip(1);
        parts.map(|part| part.split('<').next().unwrap_or_default().to_owned()).collect()
    };
    let all = names("");
    assert_eq!(all.len(), 18);
    assert!(all.contains(&"af-south-1".to_owned()) && !all.contains(&"cn-north-1".to_owned()));
    assert_eq!(names("&RegionName.1=us-east-1&RegionName.2=af-south-1"), ["af-south-1", "us-east-1"]);
    let filter = "&Filter.1.Name=opt-in-status&Filter.1.Value.1=opted-in&Filter.1.Value.2=x";
    assert_eq!(names(filter), ["af-south-1"]);
    let none = format!("{filter}&Filter.2.Name=region-name&Filter.2.Value.1=us-east-1");
    assert!(names(&none).is_empty());
    for wrong in ["&RegionName.1=mars-1", "&Filter.1.Name=x&Filter.1.Value.1=y"] {
        let (answer, text) = signed("ec2", &format!("Action=DescribeRegions{wrong}"));
        assert_eq!(answer.status, 400);
        assert!(text.contains("<Response><Errors><Error><Code>InvalidParameterValue</Code>"), "{text}");
    }
}

#[test]
fn tags_of_trails_are_told_in_the_words_of_the_tagging_api() {
    let names = |input: Value| -> Vec<String> {
        let authorization = authorization("tagging");
        let headers = [
            (TARGET, &b"ResourceGroupsTaggingAPI_20170126.GetResources"[..]),
            ("authorization", authorization.as_bytes()),
        ];
        let (answer, text) = answer(&request(&headers, "", &input.to_string()));
        assert_eq!((answer.status, answer.content_type), (200, wire::CONTENT_TYPE), "{text}");
        let answer: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(answer["PaginationToken"], "");
        let items = answer["ResourceTagMappingList"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["ResourceARN"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(json!({})), ["one", "two"], "what has no tags is not told");
    assert_eq!(names(json!({"ResourceTypeFilters": ["cloudtrail"]})), ["one", "two"]);
    assert_eq!(names(json!({"ResourceTypeFilters": ["ec2:instance", "cloudtrail:trail"]})), ["one", "two"]);
    assert!(names(json!({"ResourceTypeFilters": ["ec2"]})).is_empty());
    assert_eq!(names(json!({"TagFilters": [{"Key": "team", "Values": ["b", "c"]}]})), ["two"]);
    assert_eq!(names(json!({"TagFilters": [{"Key": "team"}, {"Key": "x"}]})), ["two"]);
    assert!(names(json!({"ResourceARNList": ["arn:x"]})).is_empty());
}

#[test]
fn an_account_has_no_aliases() {
    let (answer, text) = signed("iam", "Action=ListAccountAliases&Version=2010-05-08");
    assert_eq!(answer.status, 200);
    assert!(text.contains("<AccountAliases/>") && text.contains("<IsTruncated>false"), "{text}");
}

#[test]
fn others_are_refused_in_their_own_protocol() {
    let (iam, text) = signed("iam", "Action=ListUsers&Version=2010-05-08");
    assert_eq!((iam.status, iam.content_type), (400, "text/xml"));
    assert!(
        text.starts_with(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/\"><Error><Type>Sender</Type>"
        )
    );
    assert!(
        text.contains("<Code>UnsupportedOperation</Code>") && text.contains("not iam:ListUsers."),
        "{text}"
    );

    let with = |service: &str, headers: &[(&str, &[u8])], method: &str, path: &str| {
        let authorization = authorization(service);
        let headers = [headers, &[("authorization", authorization.as_bytes())]].concat();
        answer(&WireRequest { method, path, query: "", headers: &headers, body: b"{}" })
    };
    let code = "UnsupportedOperationException";
    for (sent, answered) in [
        ("application/x-amz-json-1.0", "application/x-amz-json-1.0"),
        ("application/x-amz-json-1.1", "application/x-amz-json-1.1"),
        ("text/plain", "application/x-amz-json-1.1"),
    ] {
        let headers = [(TARGET, &b"DynamoDB_20120810.ListTables"[..]), ("content-type", sent.as_bytes())];
        let (json, text) = with("dynamodb", &headers, "POST", "/");
        assert_eq!((json.status, json.content_type), (400, answered));
        assert!(
            text.contains(&format!("\"__type\":\"{code}\"")) && text.contains("dynamodb:ListTables"),
            "{text}"
        );
    }
    let (rest, text) = with("lambda", &[], "GET", "/2015-03-31/functions");
    assert_eq!((rest.status, rest.error_type, rest.content_type), (400, Some(code), "application/json"));
    assert!(text.starts_with("{\"message\":\"trailseal serves CloudTrail, and not lambda."), "{text}");
    for service in REST_XML_SERVICES {
        let (xml, text) = with(service, &[], "GET", "/2013-04-01/hostedzone");
        assert_eq!((xml.status, xml.content_type), (400, "text/xml"));
        assert!(text.contains("<Code>UnsupportedOperation</Code>"), "{text}");
    }
    let smithy = [("smithy-protocol", &b"rpc-v2-cbor"[..])];
    let (cbor, text) =
        with("monitoring", &smithy, "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics");
    assert_eq!((cbor.status, cbor.content_type), (400, "application/cbor"));
    assert!(
        cbor.body.starts_with(b"\xa2\x66__type\x78\x1dUnsupportedOperationException\x67message"),
        "{text}"
    );
    assert!(text.contains("monitoring:ListMetrics"), "{text}");
}

const REST_XML_SERVICES: [&str; 2] = ["route53", "cloudfront"];

#[test]
fn what_a_client_sends_is_said_back_only_if_it_is_a_name() {
    let (_, text) = signed("iam", "Action=%3Cscript%3E");
    assert!(!text.contains("script") && text.contains("not iam."), "{text}");
    let long = "x".repeat(129);
    let (_, text) = signed("iam", &format!("Action={long}"));
    assert!(!text.contains(&long));
}

proptest! {
    #[test]
    fn nothing_panics(authorization in "[ -~]{0,80}", query in "[ -~]{0,60}", body in any::<Vec<u8>>()) {
        let authorization = format!("AWS4-HMAC-SHA256 Credential={authorization}");
        let headers = [FORM, ("authorization", authorization.as_bytes())];
        let request = WireRequest { method: "POST", path: "/", query: &query, headers: &headers, body: &body };
        let _ = destination(&request);
        let _ = answer(&request);
    }
}
