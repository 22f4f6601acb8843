use super::*;

#[test]
fn a_region_has_five_trails_with_the_shadows() {
    let cloud = Cloud::new();
    for number in 0..3 {
        cloud.create("us-east-1", &format!("east{number}"), false);
    }
    cloud.create("eu-west-1", "all1", true);
    cloud.create("eu-west-1", "all2", true);
    let create = |region: &str, name: &str, is_multi_region: bool| {
        let input = json!({"Name": name, "S3BucketName": "logs", "IsMultiRegionTrail": is_multi_region});
        cloud.call(region, Operation::CreateTrail, input)
    };
    let full = |region: &str| {
        let text = format!("User: {ACCOUNT} already has 5 trails in {region}.");
        Err(ApiError::new(crate::ErrorCode::MaximumNumberOfTrailsExceededException, text))
    };
    assert_eq!(create("us-east-1", "new", false), full("us-east-1"));
    // its shadow would be the sixth in us-east-1
    assert_eq!(create("eu-west-1", "new", true), full("us-east-1"));
    assert_eq!(create("ap-south-1", "new", true), full("us-east-1"));
    assert!(create("eu-west-1", "own", false).is_ok());
    let wider = json!({"Name": "own", "IsMultiRegionTrail": true});
    assert_eq!(cloud.call("eu-west-1", Operation::UpdateTrail, wider), full("us-east-1"));

    cloud.ok("us-east-1", Operation::DeleteTrail, json!({"Name": "east0"}));
    assert!(create("us-east-1", "new", false).is_ok());
}

#[test]
fn the_fifth_trail_can_become_multi_region() {
    let cloud = Cloud::new();
    for number in 0..5 {
        cloud.create("us-east-1", &format!("trail{number}"), false);
    }
    let input = json!({"Name": "trail0", "IsMultiRegionTrail": true});
    assert_eq!(cloud.ok("us-east-1", Operation::UpdateTrail, input)["IsMultiRegionTrail"], true);
}

#[test]
fn a_name_stands_for_one_trail_in_a_region() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "one", false);
    cloud.create("eu-west-1", "all", true);
    for (region, name, is_multi_region) in [
        ("us-east-1", "one", false),
        ("us-east-1", "one", true),
        ("us-east-1", "all", false),
        ("eu-west-1", "all", false),
        ("eu-west-1", "one", true),
    ] {
        let input = json!({"Name": name, "S3BucketName": "logs", "IsMultiRegionTrail": is_multi_region});
        let expected = format!("Trail {name} already exists for customer: {ACCOUNT}");
        let found = cloud.error(region, Operation::CreateTrail, input);
        assert_eq!(found, ("TrailAlreadyExistsException".to_owned(), expected));
    }
    cloud.create("eu-west-1", "one", false);
    let wider = json!({"Name": "one", "IsMultiRegionTrail": true});
    assert_eq!(cloud.code("eu-west-1", Operation::UpdateTrail, wider), "TrailAlreadyExistsException");
}

#[test]
fn tags_have_their_limits() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", false);
    let id = arn("us-east-1", "trail");
    let add = |tags: Value| {
        let input = json!({"ResourceId": id, "TagsList": tags});
        cloud.call("us-east-1", Operation::AddTags, input).map_err(|error| error.code.as_str())
    };
    let many = |range: std::ops::Range<usize>| -> Value {
        range.map(|number| json!({"Key": format!("k{number}"), "Value": "v"})).collect()
    };
    let (long, too_long) = ("\u{fc}".repeat(256), "\u{fc}".repeat(257));
    assert_eq!(add(json!([{"Key": "k".repeat(128), "Value": long}])), Ok(json!({})));
    for tags in [
        json!([{"Key": ""}]),
        json!([{"Value": "x"}]),
        json!([{"Key": "k".repeat(129)}]),
        json!([{"Key": "k", "Value": too_long}]),
        json!([{"Key": "k"}, {"Key": "k", "Value": "x"}]),
        json!([{"Key": "aws:x"}]),
        json!([{"Key": "AWS:x"}]),
        Value::Null,
    ] {
        assert_eq!(add(tags.clone()), Err("InvalidTagParameterException"), "{tags}");
    }
    assert_eq!(add(many(0..50)), Err("TagsLimitExceededException"));
    assert_eq!(add(many(0..1000)), Err("TagsLimitExceededException"));
    let remove = json!({"ResourceId": id, "TagsList": many(0..1000)});
    assert_eq!(cloud.code("us-east-1", Operation::RemoveTags, remove), "InvalidTagParameterException");
    assert_eq!(add(many(0..49)), Ok(json!({})));
    // those that are there are overwritten
    assert_eq!(add(many(0..49)), Ok(json!({})));
    assert_eq!(add(many(49..50)), Err("TagsLimitExceededException"));
    let create = json!({"Name": "other", "S3BucketName": "logs", "TagsList": many(0..51)});
    assert_eq!(cloud.code("us-east-1", Operation::CreateTrail, create), "TagsLimitExceededException");
}
