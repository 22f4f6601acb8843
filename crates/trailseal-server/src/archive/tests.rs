use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use trailseal_testkit::{Archive as Kit, Plan};
use trailseal_verify::KeyFile;

use super::*;
use crate::api::Timestamp;

fn caller(region: &str, now: &str) -> Caller {
    let seconds = trailseal_archive::Timestamp::parse_loose(now).unwrap();
    Caller {
        account: "111122223333".to_owned(),
        region: region.to_owned(),
        now: Timestamp::from_millis(seconds.epoch() * 1000),
    }
}

fn keys(folder: &Path) -> Vec<PublicKey> {
    let mut keys = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let parsed = KeyFile::parse(&path.display().to_string(), &std::fs::read(&path).unwrap());
        assert!(parsed.defects.is_empty());
        keys.extend(parsed.keys);
    }
    keys
}

fn inputs(kit: &Kit) -> Inputs {
    Inputs::open(&[kit.root()]).unwrap()
}

fn open(kit: &Kit, account: Option<&str>) -> ArchiveTrails {
    let account = account.map(str::to_owned);
    ArchiveTrails::open(&inputs(kit), keys(&kit.keys()), account)
}

#[expect(clippy::needless_pass_by_value, reason = "inputs are written where they are used")]
fn answer(
    archive: &ArchiveTrails,
    caller: &Caller,
    operation: Operation,
    input: Value,
) -> Result<Value, ApiError> {
    match operation {
        Operation::ListPublicKeys => keys::list(archive.public_keys().iter(), caller, &input),
        _ => archive.answer(caller, operation, &input),
    }
}

fn call(archive: &ArchiveTrails, operation: Operation, input: Value) -> Result<Value, ApiError> {
    answer(archive, &caller("eu-west-1", "2024-03-01T06:30:00Z"), operation, input)
}

fn code(archive: &ArchiveTrails, operation: Operation, input: Value) -> ErrorCode {
    call(archive, operation, input).unwrap_err().code
}

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

#[test]
fn digests_tell_bucket_prefix_and_home() {
    let kit = Plan { prefix: "logs/here/".to_owned(), ..Plan::default() }.model().write();
    let archive = open(&kit, None);
    let answer = call(&archive, Operation::GetTrail, json!({ "Name": "audit" })).unwrap();
    assert_eq!(
        answer,
        json!({ "Trail": {
            "Name": "audit",
            "TrailARN": ARN,
            "HomeRegion": "us-east-1",
            "S3BucketName": "audit-logs",
            "S3KeyPrefix": "logs/here",
            "IsMultiRegionTrail": true,
            "IncludeGlobalServiceEvents": true,
            "IsOrganizationTrail": false,
            "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": false,
            "HasInsightSelectors": false,
            "RecursiveLogging": true,
        }})
    );
    let list = call(&archive, Operation::ListTrails, json!({})).unwrap();
    assert_eq!(list, json!({ "Trails": [{ "TrailARN": ARN, "Name": "audit", "HomeRegion": "us-east-1" }] }));
}

#[test]
fn a_trail_of_its_home_region_alone_is_seen_only_there() {
    let kit = Plan { regions: vec!["us-east-1".to_owned()], ..Plan::default() }.model().write();
    let archive = open(&kit, None);
    let describe = |region: &str, input: Value| {
        let answer =
            answer(&archive, &caller(region, "2024-03-01"), Operation::DescribeTrails, input).unwrap();
        answer["trailList"].as_array().unwrap().len()
    };
    assert_eq!(describe("us-east-1", json!({})), 1);
    assert_eq!(describe("eu-west-1", json!({})), 0);
    assert_eq!(describe("eu-west-1", json!({ "trailNameList": ["audit"] })), 0);
    assert_eq!(describe("eu-west-1", json!({ "trailNameList": [ARN] })), 1, "an ARN selects any");
    assert_eq!(
        code(&archive, Operation::GetTrail, json!({ "Name": "audit" })),
        ErrorCode::TrailNotFoundException
    );
    let trail = call(&archive, Operation::GetTrail, json!({ "Name": ARN })).unwrap();
    assert_eq!(trail["Trail"]["IsMultiRegionTrail"], json!(false));
}

#[test]
fn shadows_are_left_out_on_request_and_unknown_names_are_skipped() {
    let archive = open(&Plan::default().model().write(), None);
    let count = |input: Value| {
        call(&archive, Operation::DescribeTrails, input).unwrap()["trailList"].as_array().unwrap().len()
    };
    assert_eq!(count(json!({})), 1);
    assert_eq!(count(json!({ "includeShadowTrails": false })), 0);
    assert_eq!(count(json!({ "trailNameList": ["other", "audit", "arn:nonsense"] })), 1);
    assert_eq!(count(json!({ "trailNameList": ["other"] })), 0);
    let wrong = code(&archive, Operation::DescribeTrails, json!({ "trailNameList": [1] }));
    assert_eq!(wrong, ErrorCode::SerializationException);
}

#[test]
fn an_organization_trail_is_one_trail_of_all_accounts() {
    let plan = Plan { organization: Some("o-abc1234567".to_owned()), ..Plan::wide() };
    let kit = plan.model().write();
    let archive = open(&kit, Some("444455556666"));
    assert_eq!(archive.trails.len(), 1);
    let trails = call(&archive, Operation::DescribeTrails, json!({})).unwrap();
    assert_eq!(trails["trailList"][0]["IsOrganizationTrail"], json!(true));
    assert_eq!(
        trails["trailList"][0]["TrailARN"],
        json!("arn:aws:cloudtrail:us-east-1:444455556666:trail/audit")
    );
}

#[test]
fn an_account_sees_its_own_trails_only() {
    let kit = Plan::wide().model().write();
    let all = open(&kit, None);
    let own = open(&kit, Some("111122223333"));
    let count = |archive: &ArchiveTrails| {
        call(archive, Operation::ListTrails, json!({})).unwrap()["Trails"].as_array().unwrap().len()
    };
    assert_eq!(count(&all), 2 * count(&own));
}

#[test]
fn status_tells_the_newest_digest_and_log() {
    let kit = Plan::default().model().write();
    let archive = open(&kit, None);
    let last = kit.chain().digests.last().unwrap();
    let end = last.end();
    let status = call(&archive, Operation::GetTrailStatus, json!({ "Name": "audit" })).unwrap();
    assert_eq!(status["LatestDigestDeliveryTime"], json!(end.epoch()));
    assert_eq!(status["IsLogging"], json!(true));
    assert_eq!(status["TimeLoggingStopped"], json!(""));
    let delivered = status["LatestDeliveryTime"].as_i64().unwrap();
    assert!((end.epoch() - 2 * 3600..=end.epoch()).contains(&delivered));
    let late = caller("eu-west-1", "2024-03-02T06:00:00Z");
    let later = answer(&archive, &late, Operation::GetTrailStatus, json!({ "Name": ARN })).unwrap();
    assert_eq!(later["IsLogging"], json!(false));
}

#[test]
fn a_newest_digest_that_is_damaged_does_not_hide_the_bucket() {
    let kit = Plan::default().model().write();
    let last = kit.chain().digests.len() - 1;
    kit.replace(kit.digest(last), b"no gzip at all");
    let archive = open(&kit, None);
    let answer = call(&archive, Operation::GetTrail, json!({ "Name": "audit" })).unwrap();
    assert_eq!(answer["Trail"]["S3BucketName"], json!("audit-logs"));
    for position in 0..=last {
        kit.replace(kit.digest(position), b"no gzip at all");
    }
    let archive = ArchiveTrails::open(&inputs(&kit), Vec::new(), None);
    let answer = call(&archive, Operation::GetTrail, json!({ "Name": "audit" })).unwrap();
    assert!(answer["Trail"].get("S3BucketName").is_none());
    let archive = open(&kit, None);
    assert_eq!((archive.trails.len(), archive.unproven_trails().count()), (0, 1), "with keys");
}

#[test]
fn errors_have_the_messages_of_aws() {
    let archive = open(&Plan::default().model().write(), None);
    let message =
        |operation, name: &str| call(&archive, operation, json!({ "Name": name })).unwrap_err().message;
    let unknown = "Unknown trail: nope for the user: 111122223333";
    assert_eq!(message(Operation::GetTrail, "nope"), unknown);
    assert_eq!(
        message(Operation::GetTrail, &ARN.replace("audit", "nope")),
        unknown,
        "the name of an ARN, too"
    );
    assert_eq!(
        message(Operation::GetTrailStatus, "nope"),
        "Unknown trail: arn:aws:cloudtrail:eu-west-1:111122223333:trail/nope for the user: 111122223333"
    );
    assert_eq!(
        message(Operation::GetTrail, "ab"),
        "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters."
    );
    assert_eq!(message(Operation::GetTrail, "-abc"), "Trail name must starts with a letter or number.");
    for name in ["a..b", "my-_namespace", "10.0.0.1", "a b c", "überall", &"x".repeat(129), ""] {
        assert_eq!(
            code(&archive, Operation::GetTrail, json!({ "Name": name })),
            ErrorCode::InvalidTrailNameException,
            "{name}"
        );
    }
    for arn in
        ["arn:", "arn:aws:s3:::x", "arn:aws:cloudtrail:us-east-1:1:trail/audit", &ARN.replace("trail/", "")]
    {
        assert_eq!(
            code(&archive, Operation::GetTrail, json!({ "Name": arn })),
            ErrorCode::CloudTrailARNInvalidException,
            "{arn}"
        );
    }
    assert_eq!(code(&archive, Operation::GetTrail, json!({})), ErrorCode::InvalidTrailNameException);
    assert_eq!(code(&archive, Operation::GetTrail, json!({ "Name": 5 })), ErrorCode::SerializationException);
}

#[test]
fn what_would_change_an_archive_is_refused() {
    let archive = open(&Plan::default().model().write(), None);
    let answered = [
        Operation::ListPublicKeys,
        Operation::DescribeTrails,
        Operation::GetTrail,
        Operation::ListTrails,
        Operation::GetTrailStatus,
        Operation::GetEventSelectors,
        Operation::ListTags,
    ];
    for operation in Operation::ALL {
        let input = json!({ "Name": "audit", "TrailName": ARN, "ResourceIdList": [ARN] });
        let result = answer(&archive, &caller("us-east-1", "2024-03-01T06:30:00Z"), operation, input);
        if answered.contains(&operation) {
            assert!(result.is_ok(), "{operation:?}");
        } else {
            let code = result.unwrap_err().code;
            assert!(
                matches!(
                    code,
                    ErrorCode::OperationNotPermittedException | ErrorCode::InsightNotEnabledException
                ),
                "{operation:?}: {code}"
            );
        }
    }
}

/// An archive's trails with what these calls tell, which are made at the minutes of an hour.
fn told(calls: &[(&str, Value)]) -> ArchiveTrails {
    let events = trailseal_evidence::events::RecentEvents::new(1 << 20);
    for (number, (name, request)) in (0_u64..).zip(calls) {
        let event = json!({
            "eventVersion": "1.09", "eventTime": format!("2024-03-01T01:{number:02}:00Z"), "eventID": name,
            "eventSource": "cloudtrail.amazonaws.com", "eventName": name, "awsRegion": "us-east-1",
            "recipientAccountId": "111122223333", "requestParameters": request, "eventCategory": "Management",
        });
        events.add(number, event.to_string().as_bytes());
    }
    let archive = open(&Plan::default().model().write(), None);
    archive.told_by(&events, caller("us-east-1", "2024-03-02").now).unwrap()
}

#[test]
fn what_no_event_tells_is_what_a_new_trail_has() {
    let archive = told(&[]);
    assert_eq!(archive.trails_of_unknown_selectors().collect::<Vec<_>>(), [ARN]);
    let selectors = call(&archive, Operation::GetEventSelectors, json!({ "TrailName": "audit" })).unwrap();
    let all = json!([{
        "ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": [],
    }]);
    assert_eq!(selectors, json!({ "TrailARN": ARN, "EventSelectors": all }));
    let status = call(&archive, Operation::GetTrailStatus, json!({ "Name": "audit" })).unwrap();
    assert_eq!((status.get("StartLoggingTime"), &status["TimeLoggingStarted"]), (None, &json!("")));
    assert_eq!(
        code(&archive, Operation::GetInsightSelectors, json!({ "TrailName": "audit" })),
        ErrorCode::InsightNotEnabledException
    );
}

#[test]
fn what_events_tell_is_answered() {
    let archive = told(&[
        ("StartLogging", json!({ "name": ARN })),
        (
            "PutEventSelectors",
            json!({ "trailName": "audit", "eventSelectors": [{ "readWriteType": "WriteOnly" }] }),
        ),
        (
            "PutInsightSelectors",
            json!({ "trailName": ARN, "insightSelectors": [{ "insightType": "ApiErrorRateInsight" }] }),
        ),
        (
            "AddTags",
            json!({ "resourceId": ARN, "tagsList": [{ "key": "k", "value": "v" }, { "key": "bare" }] }),
        ),
    ]);
    assert_eq!(archive.trails_of_unknown_selectors().count(), 0);
    let trail = call(&archive, Operation::GetTrail, json!({ "Name": "audit" })).unwrap();
    assert_eq!(trail["Trail"]["HasCustomEventSelectors"], json!(true));
    assert_eq!(trail["Trail"]["HasInsightSelectors"], json!(true));
    let selectors = call(&archive, Operation::GetEventSelectors, json!({ "TrailName": ARN })).unwrap();
    assert_eq!(selectors["EventSelectors"][0]["ReadWriteType"], json!("WriteOnly"));
    let insights = call(&archive, Operation::GetInsightSelectors, json!({ "TrailName": "audit" })).unwrap();
    let types = json!([{ "InsightType": "ApiErrorRateInsight" }]);
    assert_eq!(insights, json!({ "TrailARN": ARN, "InsightSelectors": types }));
    let status = call(&archive, Operation::GetTrailStatus, json!({ "Name": "audit" })).unwrap();
    assert_eq!(status["TimeLoggingStarted"], json!("2024-03-01T01:00:00Z"));
    assert_eq!(status["StartLoggingTime"], json!(1_709_254_800));
    let at_home = caller("us-east-1", "2024-03-01T06:30:00Z");
    let tags = answer(&archive, &at_home, Operation::ListTags, json!({ "ResourceIdList": [ARN] })).unwrap();
    let list = json!([{ "Key": "bare" }, { "Key": "k", "Value": "v" }]);
    assert_eq!(tags, json!({ "ResourceTagList": [{ "ResourceId": ARN, "TagsList": list }] }));
}

#[test]
fn tags_of_what_is_no_trail_here_are_refused() {
    let archive = told(&[]);
    let other = ARN.replace("audit", "other");
    for (ids, expected) in [
        (json!([]), ErrorCode::InvalidParameterException),
        (json!(vec![ARN; 21]), ErrorCode::InvalidParameterException),
        (json!(["audit"]), ErrorCode::CloudTrailARNInvalidException),
        (json!([ARN, other]), ErrorCode::ResourceNotFoundException),
        (json!([5]), ErrorCode::SerializationException),
    ] {
        let at_home = caller("us-east-1", "2024-03-01T06:30:00Z");
        let refused = answer(&archive, &at_home, Operation::ListTags, json!({ "ResourceIdList": ids }));
        assert_eq!(refused.unwrap_err().code, expected, "{ids}");
    }
    // as AWS does it: tags are asked for in the home Region
    let elsewhere = code(&archive, Operation::ListTags, json!({ "ResourceIdList": [ARN] }));
    assert_eq!(elsewhere, ErrorCode::CloudTrailARNInvalidException);
}

#[test]
fn without_keys_no_trail_counts_as_validated() {
    let archive = ArchiveTrails::open(&inputs(&Plan::default().model().write()), Vec::new(), None);
    let trail = call(&archive, Operation::GetTrail, json!({ "Name": "audit" })).unwrap();
    assert_eq!(trail["Trail"]["LogFileValidationEnabled"], json!(false));
}

#[test]
fn public_keys_are_those_whose_validity_overlaps() {
    let kit = Plan { rotate: Some(3), ..Plan::default() }.model().write();
    let archive = open(&kit, None);
    let list = |input: Value| {
        let answer = call(&archive, Operation::ListPublicKeys, input).unwrap();
        answer["PublicKeyList"].as_array().unwrap().clone()
    };
    let all = list(json!({ "StartTime": 0, "EndTime": 4_000_000_000.5, "NextToken": "nonsense" }));
    assert_eq!(all.len(), archive.keys.len());
    for key in &all {
        let der = STANDARD.decode(key["Value"].as_str().unwrap()).unwrap();
        assert_eq!(der.len(), 270);
        assert_eq!(key["Fingerprint"].as_str().unwrap().len(), 32);
        let (from, to) = (&key["ValidityStartTime"], &key["ValidityEndTime"]);
        let at_the_edge = list(json!({ "StartTime": to, "EndTime": to }));
        assert!(at_the_edge.contains(key), "both ends are inclusive");
        let before = from.as_i64().unwrap() - 1;
        assert!(!list(json!({ "StartTime": before, "EndTime": before })).contains(key));
    }
    let other =
        answer(&archive, &caller("sa-east-1", "2024-03-01"), Operation::ListPublicKeys, json!({})).unwrap();
    assert_eq!(other, json!({ "PublicKeyList": [] }));
    let reversed = code(&archive, Operation::ListPublicKeys, json!({ "StartTime": 5, "EndTime": 4 }));
    assert_eq!(reversed, ErrorCode::InvalidTimeRangeException);
}

/// An unsigned digest of a trail that does not exist, beside those of one that does.
fn plant(kit: &Kit, region: &str) {
    let last = kit.digest(kit.chain().digests.len() - 1);
    let content = trailseal_archive::gzip::inflate_all(std::fs::File::open(kit.path(last)).unwrap(), 1 << 20);
    let content = String::from_utf8(content.unwrap().0).unwrap();
    let (trail, planted) = ("_audit_", "_zzz_");
    let key = last.replace(trail, planted).replace(&kit.chain().region, region);
    let content = content.replace(trail, planted).replace(&kit.chain().region, region);
    let path = kit.path(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

#[test]
fn with_keys_a_trail_that_only_unproven_digests_name_is_no_trail() {
    let kit = Plan::default().model().write();
    let region = kit.chain().region.clone();
    plant(&kit, &region);
    let archive = open(&kit, None);
    let zzz = ARN.replace("audit", "zzz");
    assert_eq!(archive.unproven_trails().collect::<Vec<_>>(), [zzz.as_str()]);
    assert_eq!(archive.trails.len(), 1);
    let list = call(&archive, Operation::DescribeTrails, json!({})).unwrap();
    assert_eq!(list["trailList"].as_array().unwrap().len(), 1);
    for operation in [Operation::GetTrail, Operation::GetTrailStatus] {
        assert_eq!(code(&archive, operation, json!({ "Name": zzz })), ErrorCode::TrailNotFoundException);
    }
    assert!(call(&archive, Operation::GetTrail, json!({ "Name": ARN })).is_ok());
    // without keys nothing is proven, and all are shown
    let archive = ArchiveTrails::open(&inputs(&kit), Vec::new(), None);
    assert_eq!((archive.trails.len(), archive.unproven_trails().count()), (2, 0));
}

#[test]
fn an_unproven_chain_adds_no_region_to_a_trail() {
    let kit = Plan { regions: vec!["us-east-1".to_owned()], ..Plan::default() }.model().write();
    let last = kit.digest(kit.chain().digests.len() - 1);
    let key =
        last.replace("Digest/us-east-1", "Digest/eu-west-1").replace("Digest_us-east-1", "Digest_eu-west-1");
    let path = kit.path(&key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::copy(kit.path(last), path).unwrap();
    let archive = open(&kit, None);
    let trail = call(&archive, Operation::GetTrail, json!({ "Name": ARN })).unwrap();
    assert_eq!(trail["Trail"]["IsMultiRegionTrail"], json!(false));
}

#[test]
fn the_signature_that_a_successor_holds_proves_a_trail() {
    let kit = Plan::default().model().write();
    for position in 0..kit.chain().digests.len() {
        kit.remove_sidecar(kit.digest(position));
    }
    let archive = open(&kit, None);
    assert_eq!((archive.trails.len(), archive.unproven_trails().count()), (1, 0));
    // and nothing does with another key
    kit.write_keys(&[kit.used_keys().iter().max().unwrap() + 1], None);
    let archive = open(&kit, None);
    assert_eq!((archive.trails.len(), archive.unproven_trails().count()), (0, 1));
}
