use super::*;
use crate::{predicate::Truth, record::Record};

fn selectors(json: &str) -> Selectors {
    Selectors::parse(json.as_bytes()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn check(json: &str, record: &str, expected: Truth) {
    let predicate = selectors(json).predicate();
    assert_eq!(
        predicate.evaluate(&Record::new(record.as_bytes())),
        expected,
        "{json}\n{record}\n{predicate}"
    );
}

const WRITE: &str = r#"{"eventCategory":"Management","eventSource":"ec2.amazonaws.com","readOnly":false}"#;
const READ: &str = r#"{"managementEvent":true,"eventSource":"kms.amazonaws.com","readOnly":true}"#;
const OLD: &str = r#"{"eventSource":"ec2.amazonaws.com","eventName":"RunInstances"}"#;
const GET: &str = r#"{"eventCategory":"Data","eventSource":"s3.amazonaws.com","eventName":"GetObject","readOnly":true,
    "resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]}"#;
const LIST: &str = r#"{"eventCategory":"Data","eventName":"ListObjects","readOnly":true,
    "resources":[{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::b/"},{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}]}"#;
const INVOKE: &str = r#"{"eventCategory":"Data","eventName":"Invoke","readOnly":false,"resources":[
    {"type":"AWS::Lambda::Function","ARN":"arn:aws:lambda:eu-west-1:111111111111:function:f:7"}]}"#;
const BARE: &str = r#"{"eventCategory":"Data","eventName":"GetObject","readOnly":true}"#;
const DENIED: &str =
    r#"{"eventCategory":"NetworkActivity","eventSource":"s3.amazonaws.com","errorCode":"VpceAccessDenied"}"#;
const INSIGHT: &str = r#"{"eventCategory":"Insight"}"#;

#[test]
fn basic_selectors_select() {
    use Truth::{False, True, Unknown};
    let default = r#"[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[]}]"#;
    let write = r#"{"EventSelectors":[{"ReadWriteType":"WriteOnly"}]}"#;
    let no_kms =
        r#"{"TrailARN":"arn:x","EventSelectors":[{"ExcludeManagementEventSources":["kms.amazonaws.com"]}]}"#;
    let data = |kind: &str, value: &str| {
        format!(
            r#"[{{"IncludeManagementEvents":false,"DataResources":[{{"Type":"{kind}","Values":["{value}"]}}]}}]"#
        )
    };
    for (json, record, expected) in [
        (default, WRITE, True),
        (default, READ, True),
        (default, OLD, True),
        (default, GET, False),
        (default, INSIGHT, False),
        (default, DENIED, False),
        (write, WRITE, True),
        (write, READ, False),
        (write, OLD, Unknown),
        (no_kms, READ, False),
        (no_kms, WRITE, True),
        (&data("AWS::S3::Object", "arn:aws:s3"), GET, True),
        (&data("AWS::S3::Object", "arn:aws:s3:::"), LIST, True),
        (&data("AWS::S3::Object", "arn:aws:s3:::b/"), LIST, True),
        (&data("AWS::S3::Object", "arn:aws:s3:::b/k"), GET, True),
        (&data("AWS::S3::Object", "arn:aws:s3:::b/x"), GET, False),
        (&data("AWS::S3::Object", "arn:aws:s3:::b/k"), LIST, False),
        (&data("AWS::S3::Object", "arn:aws:s3"), WRITE, False),
        (&data("AWS::S3::Object", "arn:aws:s3"), BARE, Unknown),
        (&data("AWS::Lambda::Function", "arn:aws:lambda"), INVOKE, True),
        (&data("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111111111111:function:f"), INVOKE, True),
        (&data("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111111111111:function:ff"), INVOKE, False),
        (&data("AWS::Lambda::Function", "arn:aws:lambda:eu-west-1:111111111111:function:f:8"), INVOKE, False),
    ] {
        check(json, record, expected);
    }
    assert_eq!(selectors(no_kms).trail.as_deref(), Some("arn:x"));
}

fn advanced(fields: &str) -> String {
    format!(r#"{{"AdvancedEventSelectors":[{{"Name":"n","FieldSelectors":[{fields}]}}]}}"#)
}

fn data(fields: &str) -> String {
    advanced(&format!(
        r#"{{"Field":"eventCategory","Equals":["Data"]}},{{"Field":"resources.type","Equals":["AWS::S3::Object"]}}{fields}"#
    ))
}

#[test]
fn advanced_selectors_select() {
    use Truth::{False, True, Unknown};
    let management = advanced(r#"{"Field":"eventCategory","Equals":["Management"]}"#);
    let no_kms = advanced(
        r#"{"Field":"eventCategory","Equals":["Management"]},{"Field":"readOnly","Equals":["true"]},
        {"Field":"eventSource","NotEquals":["kms.amazonaws.com"]}"#,
    );
    let network = advanced(
        r#"{"Field":"eventCategory","Equals":["NetworkActivity"]},{"Field":"eventSource","Equals":["s3.amazonaws.com"]},
        {"Field":"errorCode","Equals":["VpceAccessDenied"]}"#,
    );
    let allowed = DENIED.replace(r#","errorCode":"VpceAccessDenied""#, "");
    for (json, record, expected) in [
        (&management, WRITE, True),
        (&management, GET, False),
        (&no_kms, READ, False),
        (&no_kms, OLD, Unknown),
        (&network, DENIED, True),
        (&network, &allowed, False),
        (&data(""), GET, True),
        (&data(""), INVOKE, False),
        (&data(""), BARE, Unknown),
        (&data(""), WRITE, False),
        (&data(r#",{"Field":"eventName","Equals":["PutObject"],"StartsWith":["Get"]}"#), GET, True),
        (&data(r#",{"Field":"eventName","StartsWith":["Get"],"NotEndsWith":["ect","x"]}"#), GET, False),
        (&data(r#",{"Field":"resources.ARN","Equals":["arn:aws:s3:::b/k"]}"#), GET, True),
        // this is the ARN of the bucket, not of the object
        (&data(r#",{"Field":"resources.ARN","Equals":["arn:aws:s3:::b"]}"#), GET, False),
        (&data(r#",{"Field":"resources.ARN","NotStartsWith":["arn:aws:s3:::b/"]}"#), GET, False),
        (&data(r#",{"Field":"resources.ARN","NotStartsWith":["arn:aws:s3:::c/"]}"#), LIST, True),
        (&data(r#",{"Field":"userIdentity.arn","NotEquals":["arn:x"]}"#), GET, True),
        (&data(r#",{"Field":"userIdentity.arn","StartsWith":["arn:x"]}"#), GET, False),
        (&data(r#",{"Field":"sessionCredentialFromConsole","NotEquals":["true"]}"#), GET, True),
        (&data(r#",{"Field":"sessionCredentialFromConsole","Equals":["true"]}"#), GET, False),
    ] {
        check(json, record, expected);
    }
}

#[test]
fn what_cloudtrail_would_not_accept_is_named() {
    let many =
        |count: usize| (0..count).map(|n| format!("\"arn:aws:s3:::b/{n}\"")).collect::<Vec<_>>().join(",");
    let basic = |count| {
        let values = many(count);
        format!(r#"[{{"DataResources":[{{"Type":"AWS::S3::Object","Values":["arn:aws:s3",{values}]}}]}}]"#)
    };
    assert!(Selectors::parse(basic(250).as_bytes()).is_ok());
    for (json, part) in [
        ("", "cannot be read"),
        ("{}", "neither"),
        ("7", "cannot be read"),
        ("[]", "1 to 5 of these selectors, not 0"),
        (r#"{"EventSelectors":[{}],"AdvancedEventSelectors":[{"FieldSelectors":[]}]}"#, "not both"),
        (r#"{"EventSelectors":[{"ReadWrite":"All"}]}"#, "ReadWrite"),
        ("[{},{},{},{},{},{}]", "not 6"),
        (r#"[{},{"ReadWriteType":"read-only"}]"#, "selector 2: \"read-only\" is no value for ReadWriteType"),
        (r#"[{"IncludeManagementEvents":false}]"#, "selects nothing"),
        (r#"[{"ExcludeManagementEventSources":["s3.amazonaws.com"]}]"#, "\"s3.amazonaws.com\""),
        (r#"[{"DataResources":[{"Type":"AWS::EC2::Instance","Values":[]}]}]"#, "\"AWS::EC2::Instance\""),
        (
            r#"[{"DataResources":[{"Type":"AWS::S3::Object","Values":["arn:aws:s3:::*"]}]}]"#,
            "\"arn:aws:s3:::*\"",
        ),
        (&basic(251), "250 resources, and name 251"),
        (&advanced(""), "eventCategory is required"),
        (&advanced(r#"{"Field":"eventCategory","Equals":["Insight"]}"#), "\"Insight\""),
        (&advanced(r#"{"Field":"eventCategory","Equals":["Data","Management"]}"#), "2 values"),
        (&advanced(r#"{"Field":"eventCategory","StartsWith":["Data"]}"#), "takes Equals, not StartsWith"),
        (&advanced(r#"{"Field":"eventCategory","Equals":["Data"]}"#), "resources.type is required"),
        (&advanced(r#"{"Field":"eventCategory","Equals":["NetworkActivity"]}"#), "eventSource is required"),
        (
            &advanced(
                r#"{"Field":"eventCategory","Equals":["Management"]},{"Field":"eventName","Equals":["x"]}"#,
            ),
            "no field \"eventName\" in selectors of Management events",
        ),
        (&data(r#",{"Field":"readOnly","Equals":["True"]}"#), "\"True\" is no value for Equals of readOnly"),
        (&data(r#",{"Field":"eventName"}"#), "one or more"),
        (&data(r#",{"Field":"eventName","Equals":[]}"#), "one or more"),
        (&data(r#",{"Field":"eventName","Equals":[""]}"#), "1 to 2048"),
        (
            &data(r#",{"Field":"eventName","Equals":["a"]},{"Field":"eventName","Equals":["b"]}"#),
            "selected twice",
        ),
        (
            &data(&format!(r#",{{"Field":"resources.ARN","Equals":[{}]}}"#, many(251))),
            "250 resources, and name 251",
        ),
        (&data(&format!(r#",{{"Field":"eventName","Equals":[{}]}}"#, many(499))), "500 values, and have 501"),
        (
            &data(r#",{"Field":"resources.ARN","Equals":["arn:aws:lambda:r:1:function:f:1"]}"#)
                .replace("S3::Object", "Lambda::Function"),
            "without a version",
        ),
    ] {
        let error = Selectors::parse(json.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(part), "{json}: {part:?} is not in {error}");
    }
}
