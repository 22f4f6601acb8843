use super::*;

/// A single-Region trail in us-east-1, a multi-Region one in eu-west-1, a single-Region one there.
fn three() -> Cloud {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "one", false);
    cloud.create("eu-west-1", "all", true);
    cloud.create("eu-west-1", "west", false);
    cloud
}

#[test]
fn trails_are_described_where_they_are_or_have_a_shadow() {
    let cloud = three();
    let (all, one) = (arn("eu-west-1", "all"), arn("us-east-1", "one"));
    let foreign = "arn:aws:cloudtrail:us-east-1:444455556666:trail/one";
    for (region, input, expected) in [
        ("us-east-1", json!({}), vec!["all", "one"]),
        ("eu-west-1", json!({}), vec!["all", "west"]),
        ("ap-south-1", json!({}), vec!["all"]),
        ("us-east-1", json!({"includeShadowTrails": false}), vec!["one"]),
        ("ap-south-1", json!({"includeShadowTrails": false}), vec![]),
        ("us-east-1", json!({"trailNameList": []}), vec!["all", "one"]),
        ("us-east-1", json!({"trailNameList": ["one", "all", "west", "none"]}), vec!["one", "all"]),
        ("us-east-1", json!({"trailNameList": ["one", one]}), vec!["one"]),
        ("ap-south-1", json!({"trailNameList": [one, arn("ap-south-1", "one"), foreign]}), vec!["one"]),
        ("us-east-1", json!({"trailNameList": ["all", all], "includeShadowTrails": false}), vec![]),
    ] {
        let list = cloud.ok(region, Operation::DescribeTrails, input.clone());
        let trails = list["trailList"].as_array().unwrap();
        let names: Vec<_> = trails.iter().map(|trail| trail["Name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{region} {input}");
    }
    for (name, code) in [("a b c", "InvalidTrailNameException"), ("arn:x", "CloudTrailARNInvalidException")] {
        let input = json!({"trailNameList": [name]});
        assert_eq!(cloud.code("us-east-1", Operation::DescribeTrails, input), code);
    }
}

#[test]
fn a_trail_is_shown_in_the_order_of_the_reference() {
    let cloud = three();
    let text = cloud.text_at(0, "us-east-1", Operation::GetTrail, &json!({"Name": "all"})).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"Trail":{"Name":"all","S3BucketName":"logs","IncludeGlobalServiceEvents":true,"#,
            r#""IsMultiRegionTrail":true,"HomeRegion":"eu-west-1","#,
            r#""TrailARN":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/all","LogFileValidationEnabled":false,"#,
            r#""HasCustomEventSelectors":false,"HasInsightSelectors":false,"IsOrganizationTrail":false,"#,
            r#""RecursiveLogging":true}}"#
        )
    );
}

#[test]
fn selectors_other_than_those_of_a_new_trail_are_custom() {
    let cloud = three();
    let category = json!({"Field": "eventCategory", "Equals": ["Management"]});
    for (member, selectors, is_custom) in [
        ("EventSelectors", json!([{"ReadWriteType": "WriteOnly"}]), true),
        ("EventSelectors", json!([{"ReadWriteType": "All"}]), false),
        ("AdvancedEventSelectors", json!([{"FieldSelectors": [category]}]), true),
    ] {
        cloud.ok("us-east-1", Operation::PutEventSelectors, json!({"TrailName": "one", member: selectors}));
        let trail = cloud.ok("us-east-1", Operation::GetTrail, json!({"Name": "one"}));
        assert_eq!(trail["Trail"]["HasCustomEventSelectors"], is_custom, "{selectors}");
        let found = cloud.ok("us-east-1", Operation::GetEventSelectors, json!({"TrailName": "one"}));
        assert_eq!(found.as_object().unwrap().len(), 2, "one kind only: {found}");
        assert!(found.get(member).is_some());
    }
}

#[test]
fn all_trails_of_the_account_are_listed_in_every_region() {
    let cloud = three();
    let info =
        |region: &str, name: &str| json!({"TrailARN": arn(region, name), "Name": name, "HomeRegion": region});
    let expected = json!({
        "Trails": [info("eu-west-1", "all"), info("eu-west-1", "west"), info("us-east-1", "one")]
    });
    for region in ["us-east-1", "eu-west-1", "ap-south-1"] {
        assert_eq!(cloud.ok(region, Operation::ListTrails, json!({})), expected);
    }
}

#[test]
fn a_trail_is_read_by_its_name_where_it_is_seen_and_by_its_arn_anywhere() {
    let cloud = three();
    let put = json!({"TrailName": "all", "InsightSelectors": [{"InsightType": "ApiCallRateInsight"}]});
    cloud.ok("eu-west-1", Operation::PutInsightSelectors, put);
    for (operation, member) in [
        (Operation::GetTrail, "Name"),
        (Operation::GetTrailStatus, "Name"),
        (Operation::GetEventSelectors, "TrailName"),
        (Operation::GetInsightSelectors, "TrailName"),
    ] {
        for name in ["all", &arn("eu-west-1", "all")] {
            cloud.ok("us-east-1", operation, json!({member: name}));
        }
        let west = cloud.call("us-east-1", operation, json!({member: arn("eu-west-1", "west")}));
        let error = west.map(drop).map_err(|error| error.code.as_str());
        let expected = if operation == Operation::GetInsightSelectors {
            Err("InsightNotEnabledException")
        } else {
            Ok(())
        };
        assert_eq!(error, expected);
        assert_eq!(cloud.code("us-east-1", operation, json!({member: "west"})), "TrailNotFoundException");
    }
}

#[test]
fn unknown_trails_have_the_texts_of_the_service() {
    let cloud = three();
    let (name, arn) = ("none", arn("us-east-1", "none"));
    let unknown = |what: &str| format!("Unknown trail: {what} for the user: {ACCOUNT}");
    for (operation, member, shown) in [
        (Operation::DeleteTrail, "Name", name),
        (Operation::GetEventSelectors, "TrailName", &arn),
        (Operation::GetInsightSelectors, "TrailName", name),
        (Operation::GetTrail, "Name", name),
        (Operation::GetTrailStatus, "Name", &arn),
        (Operation::PutEventSelectors, "TrailName", name),
        (Operation::PutInsightSelectors, "TrailName", name),
        (Operation::StartLogging, "Name", name),
        (Operation::StopLogging, "Name", name),
        (Operation::UpdateTrail, "Name", name),
    ] {
        for given in [name, &arn] {
            let found = cloud.error("us-east-1", operation, json!({member: given}));
            assert_eq!(found, ("TrailNotFoundException".to_owned(), unknown(shown)), "{operation:?}");
        }
        for (given, code) in [
            ("x", "InvalidTrailNameException"),
            ("", "InvalidTrailNameException"),
            ("arn:aws:cloudtrail:us-east-1:111122223333:trail/", "CloudTrailARNInvalidException"),
            ("arn:aws:cloudtrail:us-east-1:111122223333:none", "CloudTrailARNInvalidException"),
            ("arn:aws:cloudtrail:us-east-1:1:trail/none", "CloudTrailARNInvalidException"),
            ("arn:aws:s3:us-east-1:111122223333:trail/none", "CloudTrailARNInvalidException"),
            ("arn:aws-cn:cloudtrail:us-east-1:111122223333:trail/none", "CloudTrailARNInvalidException"),
            ("arn:aws:cloudtrail:us-east-1:444455556666:trail/none", "CloudTrailARNInvalidException"),
        ] {
            assert_eq!(cloud.code("us-east-1", operation, json!({member: given})), code, "{given}");
        }
    }
}

#[test]
fn a_trail_is_changed_in_its_home_region() {
    let cloud = three();
    let all = arn("eu-west-1", "all");
    let tags = json!([{"Key": "k"}]);
    let text = format!("The trail {all} can be changed only in its home region: eu-west-1.");
    for (operation, input) in [
        (Operation::UpdateTrail, json!({"Name": "all"})),
        (Operation::DeleteTrail, json!({"Name": all})),
        (Operation::StartLogging, json!({"Name": "all"})),
        (Operation::StopLogging, json!({"Name": all})),
        (Operation::PutEventSelectors, json!({"TrailName": "all", "EventSelectors": [{}]})),
        (Operation::PutInsightSelectors, json!({"TrailName": all, "InsightSelectors": []})),
        (Operation::AddTags, json!({"ResourceId": all, "TagsList": tags})),
        (Operation::RemoveTags, json!({"ResourceId": all, "TagsList": tags})),
    ] {
        let found = cloud.error("us-east-1", operation, input.clone());
        assert_eq!(found, ("InvalidHomeRegionException".to_owned(), text.clone()), "{operation:?}");
        if operation != Operation::DeleteTrail {
            cloud.ok("eu-west-1", operation, input);
        }
    }
}

#[test]
fn tags_belong_to_arns_of_trails() {
    let cloud = three();
    let tags = json!([{"Key": "k"}]);
    let base = "arn:aws:cloudtrail:us-east-1:111122223333";
    for (id, code) in [
        ("one".to_owned(), "CloudTrailARNInvalidException"),
        (String::new(), "CloudTrailARNInvalidException"),
        (format!("{base}:trail/x"), "CloudTrailARNInvalidException"),
        (format!("{base}:trail/none"), "ResourceNotFoundException"),
        (format!("{base}:eventdatastore/x"), "EventDataStoreNotFoundException"),
        (format!("{base}:channel/x"), "ResourceNotFoundException"),
        (format!("{base}:dashboard/x"), "ResourceTypeNotSupportedException"),
        (base.replace("111122223333", "444455556666") + ":trail/one", "CloudTrailARNInvalidException"),
    ] {
        for operation in [Operation::AddTags, Operation::RemoveTags] {
            let input = json!({"ResourceId": id, "TagsList": tags});
            assert_eq!(cloud.code("us-east-1", operation, input), code, "{id}");
        }
        let input = json!({"ResourceIdList": [id]});
        assert_eq!(cloud.code("us-east-1", Operation::ListTags, input), code, "{id}");
    }
}

#[test]
fn tags_are_listed_for_up_to_twenty_arns_of_the_region() {
    let cloud = three();
    let one = arn("us-east-1", "one");
    let ids = |count: usize| json!({"ResourceIdList": vec![one.clone(); count]});
    let list = cloud.ok("us-east-1", Operation::ListTags, ids(20));
    assert_eq!(list["ResourceTagList"].as_array().unwrap().len(), 20);
    for input in [ids(21), ids(0), json!({})] {
        assert_eq!(cloud.code("us-east-1", Operation::ListTags, input), "InvalidParameterException");
    }
    let input = json!({"ResourceIdList": [one], "NextToken": "x"});
    assert_eq!(cloud.code("us-east-1", Operation::ListTags, input), "InvalidTokenException");
    for (id, text) in [
        (
            arn("eu-west-1", "all"),
            "Region in ARN is wrong, you can only access resources in region us-east-1.",
        ),
        (
            one.replace("1111", "2222"),
            "AccountID in ARN is wrong, you can only access resources with AccountID 111122223333.",
        ),
    ] {
        let found = cloud.error("us-east-1", Operation::ListTags, json!({"ResourceIdList": [id]}));
        assert_eq!(found, ("CloudTrailARNInvalidException".to_owned(), text.to_owned()));
    }
}

#[test]
fn insights_need_what_they_analyse() {
    let cloud = three();
    let put = |selectors: Value| {
        let input = json!({"TrailName": "one", "InsightSelectors": selectors});
        cloud.call("us-east-1", Operation::PutInsightSelectors, input).map_err(|error| error.code.as_str())
    };
    let select = |selectors: Value| {
        let input = json!({"TrailName": "one", "EventSelectors": selectors});
        cloud.ok("us-east-1", Operation::PutEventSelectors, input);
    };
    let has = || {
        let trail = cloud.ok("us-east-1", Operation::GetTrail, json!({"Name": "one"}));
        trail["Trail"]["HasInsightSelectors"] == true
    };
    let get = || cloud.call("us-east-1", Operation::GetInsightSelectors, json!({"TrailName": "one"}));
    let (calls, errors) =
        (json!({"InsightType": "ApiCallRateInsight"}), json!({"InsightType": "ApiErrorRateInsight"}));
    let of_data = json!({"InsightType": "ApiCallRateInsight", "EventCategories": ["Data"]});
    let errors_of_data =
        json!({"InsightType": "ApiErrorRateInsight", "EventCategories": ["Management", "Data"]});

    let both = json!([calls, errors]);
    let expected = json!({"TrailARN": arn("us-east-1", "one"), "InsightSelectors": both});
    assert_eq!(put(both), Ok(expected.clone()));
    assert_eq!(get(), Ok(expected));
    assert!(has());
    assert!(put(json!([])).is_ok());
    assert!(!has());
    assert_eq!(get().unwrap_err().code.as_str(), "InsightNotEnabledException");

    let fault = Err("InvalidInsightSelectorsException");
    for bad in [
        json!([{"InsightType": "x"}]),
        json!([{}]),
        json!([calls, calls]),
        json!([{"InsightType": "ApiCallRateInsight", "EventCategories": ["Insight"]}]),
        json!([{"InsightType": "ApiCallRateInsight", "EventCategories": ["Management", "Management", "Management"]}]),
        json!([of_data]),
        Value::Null,
    ] {
        assert_eq!(put(bad.clone()), fault, "{bad}");
    }
    select(json!([{"ReadWriteType": "ReadOnly"}]));
    assert_eq!(put(json!([calls])), fault);
    assert!(put(json!([errors])).is_ok());
    let data = json!([{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]);
    select(json!([{"IncludeManagementEvents": false, "ReadWriteType": "ReadOnly", "DataResources": data}]));
    assert_eq!(put(json!([errors])), fault);
    assert_eq!(put(json!([of_data])), fault);
    assert_eq!(put(json!([errors_of_data])), fault);
    select(json!([{"DataResources": data}]));
    assert!(put(json!([of_data, errors])).is_ok());
    assert!(put(json!([errors_of_data])).is_ok());
}

#[test]
fn there_are_no_event_data_stores() {
    let cloud = three();
    for (input, code) in [
        (json!({"EventDataStore": "x"}), "UnsupportedOperationException"),
        (json!({"EventDataStore": "x", "TrailName": "one"}), "InvalidParameterCombinationException"),
        (json!({}), "InvalidParameterException"),
    ] {
        assert_eq!(cloud.code("us-east-1", Operation::GetInsightSelectors, input.clone()), code);
        assert_eq!(cloud.code("us-east-1", Operation::PutInsightSelectors, input), code);
    }
}
