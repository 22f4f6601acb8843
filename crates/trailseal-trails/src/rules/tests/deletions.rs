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
        let logging = cloud.account.borrow().logging_trails();
        assert_eq!(logging.len(), usize::from(expected[0] == json!(true)));
    }
}
