use super::*;

#[test]
fn what_is_deleted_is_gone_everywhere() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", true);
    cloud.ok(
        "us-east-1",
        Operation::AddTags,
        json!({"ResourceId": arn("us-east-1", "trail"), "TagsList": [{"Key": "k"}]}),
    );
    assert_eq!(cloud.ok("us-east-1", Operation::DeleteTrail, json!({"Name": "trail"})), json!({}));
    for region in ["us-east-1", "eu-west-1"] {
        assert_eq!(cloud.ok(region, Operation::DescribeTrails, json!({})), json!({"trailList": []}));
    }
    assert_eq!(cloud.ok("us-east-1", Operation::ListTrails, json!({})), json!({"Trails": []}));
    assert_eq!(
        cloud.code("us-east-1", Operation::DeleteTrail, json!({"Name": "trail"})),
        "TrailNotFoundException"
    );
    // a new one of the same name has none of its tags
    cloud.create("us-east-1", "trail", false);
    let tags =
        cloud.ok("us-east-1", Operation::ListTags, json!({"ResourceIdList": [arn("us-east-1", "trail")]}));
    assert_eq!(tags["ResourceTagList"][0]["TagsList"], json!([]));
}

#[test]
fn tags_are_removed_by_key() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let id = arn("us-east-1", "trail");
    let tags = |cloud: &Cloud| {
        let list = cloud.ok("us-east-1", Operation::ListTags, json!({"ResourceIdList": [id]}));
        assert_eq!(list["ResourceTagList"][0]["ResourceId"], *id);
        list["ResourceTagList"][0]["TagsList"].clone()
    };
    let added = json!([{"Key": "a", "Value": "1"}, {"Key": "b"}, {"Key": "c", "Value": ""}]);
    cloud.ok("us-east-1", Operation::AddTags, json!({"ResourceId": id, "TagsList": added}));
    assert_eq!(tags(&cloud), added);
    let removed = json!([{"Key": "a", "Value": "other"}, {"Key": "absent"}]);
    cloud.ok("us-east-1", Operation::RemoveTags, json!({"ResourceId": id, "TagsList": removed}));
    assert_eq!(tags(&cloud), json!([{"Key": "b"}, {"Key": "c", "Value": ""}]));
    cloud.ok(
        "us-east-1",
        Operation::AddTags,
        json!({"ResourceId": id, "TagsList": [{"Key": "b", "Value": "2"}]}),
    );
    assert_eq!(tags(&cloud), json!([{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]));
}

#[test]
fn starting_and_stopping_again_changes_nothing() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let name = json!({"Name": "trail"});
    let status = |cloud: &Cloud| cloud.ok("us-east-1", Operation::GetTrailStatus, json!({"Name": "trail"}));
    let times = |status: &Value| {
        ["IsLogging", "StartLoggingTime", "StopLoggingTime", "TimeLoggingStopped"]
            .map(|name| status[name].clone())
    };
    for (seconds, operation, expected) in [
        (5, Operation::StopLogging, [json!(false), json!(null), json!(null), json!("")]),
        (10, Operation::StartLogging, [json!(true), json!(10), json!(null), json!("")]),
        (20, Operation::StartLogging, [json!(true), json!(10), json!(null), json!("")]),
        (30, Operation::StopLogging, [json!(false), json!(10), json!(30), json!("1970-01-01T00:00:30Z")]),
        (40, Operation::StopLogging, [json!(false), json!(10), json!(30), json!("1970-01-01T00:00:30Z")]),
        (50, Operation::StartLogging, [json!(true), json!(50), json!(30), json!("1970-01-01T00:00:30Z")]),
    ] {
        assert_eq!(cloud.at(seconds, "us-east-1", operation, &name), Ok(json!({})));
        assert_eq!(times(&status(&cloud)), expected, "{seconds}");
        let second = |value: &Value| value.as_i64().map(|time| time * 1_000);
        let delivered = cloud.account.borrow().delivered_trails();
        let found: Vec<_> =
            delivered.iter().map(|trail| (Some(trail.logging_since), trail.logging_until)).collect();
        let until = second(&expected[2]).filter(|_| expected[0] == json!(false));
        let wanted: Vec<_> = second(&expected[1]).map(|since| (Some(since), until)).into_iter().collect();
        assert_eq!(found, wanted, "{seconds}");
    }
}

#[test]
fn stopping_disables_insights() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let put = || {
        let selectors = json!([{"InsightType": "ApiErrorRateInsight"}]);
        let input = json!({"TrailName": "trail", "InsightSelectors": selectors});
        cloud.ok("us-east-1", Operation::PutInsightSelectors, input);
    };
    let has = || {
        let trail = cloud.ok("us-east-1", Operation::GetTrail, json!({"Name": "trail"}));
        trail["Trail"]["HasInsightSelectors"] == true
    };
    let logging = |operation| cloud.ok("us-east-1", operation, json!({"Name": "trail"}));
    logging(Operation::StartLogging);
    put();
    logging(Operation::StartLogging);
    assert!(has());
    logging(Operation::StopLogging);
    assert!(!has());
    let input = json!({"TrailName": "trail"});
    assert_eq!(cloud.code("us-east-1", Operation::GetInsightSelectors, input), "InsightNotEnabledException");
    logging(Operation::StartLogging);
    assert!(!has());
    put();
    assert!(has());
}

#[test]
fn a_change_that_matters_to_delivery_is_told_with_its_time() {
    let cloud = Cloud::new();
    cloud.at(1, "us-east-1", Operation::CreateTrail, &with(json!({}))).unwrap();
    cloud.at(2, "us-east-1", Operation::StartLogging, &json!({"Name": "trail"})).unwrap();
    let id = arn("us-east-1", "trail");
    let selectors = json!({"TrailName": "trail", "EventSelectors": [{"ReadWriteType": "ReadOnly"}]});
    let update = |member: &str, value: Value| json!({"Name": "trail", member: value});
    for (seconds, operation, input, expected) in [
        (10, Operation::AddTags, json!({"ResourceId": id, "TagsList": [{"Key": "k"}]}), 1),
        (11, Operation::UpdateTrail, update("SnsTopicName", json!("topic")), 1),
        (12, Operation::UpdateTrail, update("S3BucketName", json!("logs")), 1),
        (13, Operation::UpdateTrail, update("S3BucketName", json!("other")), 13),
        (14, Operation::UpdateTrail, update("S3KeyPrefix", json!("p")), 14),
        (15, Operation::UpdateTrail, update("EnableLogFileValidation", json!(true)), 15),
        (16, Operation::UpdateTrail, update("IsMultiRegionTrail", json!(true)), 16),
        (17, Operation::UpdateTrail, update("RecursiveLogging", json!(false)), 17),
        (18, Operation::PutEventSelectors, selectors.clone(), 18),
        (19, Operation::PutEventSelectors, selectors, 18),
        (20, Operation::StopLogging, json!({"Name": "trail"}), 18),
    ] {
        cloud.at(seconds, "us-east-1", operation, &input).unwrap();
        let changed = cloud.account.borrow().delivered_trails()[0].changed;
        assert_eq!(changed, expected * 1_000, "{operation:?} {input}");
    }
}
