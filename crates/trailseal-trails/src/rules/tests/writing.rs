use super::*;

const GROUP: &str = "arn:aws:logs:us-east-1:111122223333:log-group:trail/logs:*";
const ROLE: &str = "arn:aws:iam::111122223333:role/service-role/Logs";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-1234-1234-123456789012";

#[test]
fn a_new_trail_has_the_defaults_in_the_order_of_the_reference() {
    let cloud = Cloud::new();
    let text = cloud.text_at(0, "us-east-1", Operation::CreateTrail, &with(json!({}))).unwrap();
    assert_eq!(
        text,
        concat!(
            r#"{"Name":"trail","S3BucketName":"logs","IncludeGlobalServiceEvents":true,"IsMultiRegionTrail":false,"#,
            r#""TrailARN":"arn:aws:cloudtrail:us-east-1:111122223333:trail/trail","LogFileValidationEnabled":false,"#,
            r#""IsOrganizationTrail":false,"RecursiveLogging":true}"#
        )
    );
}

#[test]
fn every_setting_is_answered() {
    let input = with(json!({
        "S3KeyPrefix": "a/b", "SnsTopicName": "topic", "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": true, "EnableLogFileValidation": true, "CloudWatchLogsLogGroupArn": GROUP,
        "CloudWatchLogsRoleArn": ROLE, "KmsKeyId": "12345678-1234-1234-1234-123456789012",
        "RecursiveLogging": false, "TagsList": [{"Key": "k", "Value": "v"}],
    }));
    let cloud = Cloud::new();
    let text = cloud.text_at(0, "us-east-1", Operation::CreateTrail, &input).unwrap();
    let expected = concat!(
        r#"{"Name":"trail","S3BucketName":"logs","S3KeyPrefix":"a/b","SnsTopicName":"topic","#,
        r#""SnsTopicARN":"arn:aws:sns:us-east-1:111122223333:topic","IncludeGlobalServiceEvents":true,"#,
        r#""IsMultiRegionTrail":true,"TrailARN":"arn:aws:cloudtrail:us-east-1:111122223333:trail/trail","#,
        r#""LogFileValidationEnabled":true,"CloudWatchLogsLogGroupArn":"GROUP","CloudWatchLogsRoleArn":"ROLE","#,
        r#""KmsKeyId":"KEY","IsOrganizationTrail":false,"RecursiveLogging":false}"#
    );
    assert_eq!(text, expected.replace("GROUP", GROUP).replace("ROLE", ROLE).replace("KEY", KEY));
    let tags =
        cloud.ok("us-east-1", Operation::ListTags, json!({"ResourceIdList": [arn("us-east-1", "trail")]}));
    assert_eq!(tags["ResourceTagList"][0]["TagsList"], json!([{"Key": "k", "Value": "v"}]));
}

#[test]
fn faults_of_a_new_trail_have_their_names_and_texts() {
    let both = "You must specify a log group and a role ARN.";
    let bad_group = "CloudTrail cannot validate the specified log group ARN.";
    let bad_role = "CloudTrail cannot validate the specified role ARN.";
    let no_key = "KMS key does not exist, or is not in the same region as the S3 bucket.";
    let topic = "SNS Topic name or ARN is not valid.";
    let logs =
        |group: &str, role: &str| json!({"CloudWatchLogsLogGroupArn": group, "CloudWatchLogsRoleArn": role});
    let cases = [
        (
            json!({"Name": "ab"}),
            "InvalidTrailNameException",
            "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.",
        ),
        (
            json!({"Name": arn("us-east-1", "x")}),
            "InvalidTrailNameException",
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
        ),
        (
            json!({"Name": null}),
            "InvalidTrailNameException",
            "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 0 characters.",
        ),
        (
            json!({"S3BucketName": "B"}),
            "InvalidS3BucketNameException",
            "Bucket name should be between 3 and 63 characters long.",
        ),
        (
            json!({"S3BucketName": null}),
            "InvalidS3BucketNameException",
            "Bucket name should be between 3 and 63 characters long.",
        ),
        (
            json!({"S3KeyPrefix": "p".repeat(201)}),
            "InvalidS3PrefixException",
            "S3 key prefix too long. Maximum allowed length: 200 characters.",
        ),
        (
            json!({"S3KeyPrefix": "../x"}),
            "InvalidS3PrefixException",
            "S3 key prefix is not a path below the bucket.",
        ),
        (json!({"SnsTopicName": "a topic"}), "InvalidSnsTopicNameException", topic),
        (json!({"SnsTopicName": "topic.fifo"}), "InvalidSnsTopicNameException", topic),
        (json!({"SnsTopicName": "t".repeat(257)}), "InvalidSnsTopicNameException", topic),
        (
            json!({"SnsTopicName": "arn:aws:sns:us-east-1:111122223333:topic.fifo"}),
            "InvalidSnsTopicNameException",
            topic,
        ),
        (
            json!({"SnsTopicName": "arn:aws:sqs:us-east-1:111122223333:topic"}),
            "InvalidSnsTopicNameException",
            topic,
        ),
        (json!({"SnsTopicName": "arn:aws:sns:us-east-1:1:topic"}), "InvalidSnsTopicNameException", topic),
        (
            json!({"SnsTopicName": "arn:aws-cn:sns:us-east-1:111122223333:topic"}),
            "InvalidSnsTopicNameException",
            topic,
        ),
        (
            json!({"IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": false}),
            "InvalidParameterCombinationException",
            "Multi-Region trail must include global service events.",
        ),
        (json!({"CloudWatchLogsLogGroupArn": GROUP}), "InvalidCloudWatchLogsRoleArnException", both),
        (json!({"CloudWatchLogsRoleArn": ROLE}), "InvalidCloudWatchLogsLogGroupArnException", both),
        (logs(GROUP, ""), "InvalidCloudWatchLogsRoleArnException", both),
        (logs("", ROLE), "InvalidCloudWatchLogsLogGroupArnException", both),
        (logs("group", ROLE), "InvalidCloudWatchLogsLogGroupArnException", bad_group),
        (logs(GROUP.trim_end_matches(":*"), ROLE), "InvalidCloudWatchLogsLogGroupArnException", bad_group),
        (
            logs(&GROUP.replace("111122223333", "444455556666"), ROLE),
            "InvalidCloudWatchLogsLogGroupArnException",
            bad_group,
        ),
        (
            logs(&GROUP.replace("us-east-1", "eu-west-1"), ROLE),
            "InvalidCloudWatchLogsLogGroupArnException",
            "You must specify a log group that is in the current region.",
        ),
        (logs(GROUP, "role"), "InvalidCloudWatchLogsRoleArnException", bad_role),
        (logs(GROUP, &ROLE.replace("role/", "user/")), "InvalidCloudWatchLogsRoleArnException", bad_role),
        (json!({"KmsKeyId": "key"}), "KmsKeyNotFoundException", no_key),
        (json!({"KmsKeyId": "alias/"}), "KmsKeyNotFoundException", no_key),
        (json!({"KmsKeyId": KEY.replace("us-east-1", "eu-west-1")}), "KmsKeyNotFoundException", no_key),
        (json!({"KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/x"}), "KmsKeyNotFoundException", no_key),
        (
            json!({"IsOrganizationTrail": true}),
            "OrganizationsNotInUseException",
            "The account is not a member of an organization.",
        ),
        (
            json!({"TagsList": [{"Key": "aws:x"}]}),
            "InvalidTagParameterException",
            "A tag key cannot start with aws:, which is reserved.",
        ),
    ];
    for (members, code, text) in cases {
        let found = Cloud::new().error("us-east-1", Operation::CreateTrail, with(members.clone()));
        assert_eq!(found, (code.to_owned(), text.to_owned()), "{members}");
    }
}

#[test]
fn faults_of_the_services_around_have_their_names_and_texts() {
    let keyed = json!({"KmsKeyId": KEY});
    let validated = json!({"EnableLogFileValidation": true});
    let logs = json!({"CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": ROLE});
    let denied = "Incorrect S3 bucket policy is detected for bucket: logs";
    for (environment, members, code, text) in [
        (
            Strict { bucket: Some(("/", BucketFault::Missing)), ..Strict::default() },
            json!({}),
            "S3BucketDoesNotExistException",
            "S3 bucket logs does not exist!",
        ),
        (
            Strict { bucket: Some(("/CloudTrail/", BucketFault::Denied)), ..Strict::default() },
            json!({}),
            "InsufficientS3BucketPolicyException",
            denied,
        ),
        (
            Strict {
                bucket: Some(("AWSLogs/111122223333/CloudTrail-Digest/", BucketFault::Denied)),
                ..Strict::default()
            },
            validated,
            "InsufficientS3BucketPolicyException",
            denied,
        ),
        (
            Strict { has_no_topics: true, ..Strict::default() },
            json!({"SnsTopicName": "topic"}),
            "InsufficientSnsTopicPolicyException",
            "SNS Topic does not exist or the topic policy is incorrect!",
        ),
        // the topic comes first
        (
            Strict { has_no_topics: true, bucket: Some(("/", BucketFault::Missing)), ..Strict::default() },
            json!({"SnsTopicName": "topic"}),
            "InsufficientSnsTopicPolicyException",
            "SNS Topic does not exist or the topic policy is incorrect!",
        ),
        (
            Strict { key: Some(KeyFault::Denied), ..Strict::default() },
            keyed.clone(),
            "InsufficientEncryptionPolicyException",
            "Insufficient permissions to access S3 bucket or KMS key.",
        ),
        (
            Strict { key: Some(KeyFault::Disabled), ..Strict::default() },
            keyed,
            "KmsException",
            "KMS key is disabled.",
        ),
        (
            Strict { has_no_roles: true, ..Strict::default() },
            logs,
            "InvalidCloudWatchLogsLogGroupArnException",
            "Access denied. Verify in IAM that the role has adequate permissions.",
        ),
        (
            Strict { is_member: true, ..Strict::default() },
            json!({"IsOrganizationTrail": true}),
            "NotOrganizationMasterAccountException",
            "The account is not the management account of the organization.",
        ),
    ] {
        let cloud = Cloud::with(environment);
        let found = cloud.error("us-east-1", Operation::CreateTrail, with(members.clone()));
        assert_eq!(found, (code.to_owned(), text.to_owned()), "{members}");
    }
    let cloud = Cloud::with(Strict::default());
    let input = with(json!({"KmsKeyId": "alias/logs", "IsOrganizationTrail": true}));
    let trail = cloud.ok("us-east-1", Operation::CreateTrail, input);
    assert_eq!((&trail["KmsKeyId"], &trail["IsOrganizationTrail"]), (&json!(KEY), &json!(true)));
}

#[test]
fn validation_without_permission_leaves_the_trail_as_it_is() {
    let bucket = Some(("CloudTrail-Digest/", BucketFault::Denied));
    let cloud = Cloud::with(Strict { bucket, ..Strict::default() });
    cloud.create("us-east-1", "trail", false);
    let input = json!({"Name": "trail", "EnableLogFileValidation": true});
    assert_eq!(cloud.code("us-east-1", Operation::UpdateTrail, input), "InsufficientS3BucketPolicyException");
    let trail = cloud.ok("us-east-1", Operation::GetTrail, json!({"Name": "trail"}));
    assert_eq!(trail["Trail"]["LogFileValidationEnabled"], false);
}

#[test]
fn names_of_topics_keys_and_buckets_keep_their_spelling() {
    for (members, member, expected) in [
        (
            json!({"SnsTopicName": "arn:aws:sns:eu-west-1:444455556666:t"}),
            "SnsTopicName",
            "arn:aws:sns:eu-west-1:444455556666:t",
        ),
        (
            json!({"SnsTopicName": "arn:aws:sns:eu-west-1:444455556666:t"}),
            "SnsTopicARN",
            "arn:aws:sns:eu-west-1:444455556666:t",
        ),
        (json!({"KmsKeyId": "alias/a/b"}), "KmsKeyId", "arn:aws:kms:us-east-1:111122223333:alias/a/b"),
        (json!({"KmsKeyId": KEY}), "KmsKeyId", KEY),
        (
            json!({"KmsKeyId": "mrk-0123456789abcdef0123456789abcdef"}),
            "KmsKeyId",
            "arn:aws:kms:us-east-1:111122223333:key/mrk-0123456789abcdef0123456789abcdef",
        ),
    ] {
        let trail = Cloud::new().ok("us-east-1", Operation::CreateTrail, with(members));
        assert_eq!(trail[member], expected);
    }
}

#[test]
fn an_update_keeps_what_it_does_not_say() {
    let cloud = Cloud::new();
    let input = with(json!({
        "S3KeyPrefix": "p", "SnsTopicName": "topic", "CloudWatchLogsLogGroupArn": GROUP,
        "CloudWatchLogsRoleArn": ROLE, "KmsKeyId": KEY, "EnableLogFileValidation": true,
    }));
    let before = cloud.ok("us-east-1", Operation::CreateTrail, input);
    let update = |members: Value| {
        let mut input = json!({"Name": arn("us-east-1", "trail")});
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        cloud.ok("us-east-1", Operation::UpdateTrail, input)
    };
    assert_eq!(update(json!({})), before);

    let removed = update(json!({"SnsTopicName": "", "S3KeyPrefix": "", "KmsKeyId": ""}));
    assert_eq!((&removed["SnsTopicName"], &removed["SnsTopicARN"]), (&json!(""), &json!("")));
    assert_eq!((removed.get("S3KeyPrefix"), removed.get("KmsKeyId")), (None, None));
    assert_eq!(removed["LogFileValidationEnabled"], true);
    let read = &cloud.ok("us-east-1", Operation::GetTrail, json!({"Name": "trail"}))["Trail"];
    assert_eq!((read.get("SnsTopicName"), read.get("SnsTopicARN")), (None, None));

    let other_role = ROLE.replace("Logs", "Other");
    let changed = update(json!({
        "CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": other_role, "S3BucketName": "other",
    }));
    assert_eq!(changed["CloudWatchLogsLogGroupArn"], GROUP);
    assert_eq!(
        (&changed["CloudWatchLogsRoleArn"], &changed["S3BucketName"]),
        (&json!(other_role), &json!("other"))
    );
    let without = update(json!({"CloudWatchLogsLogGroupArn": ""}));
    assert_eq!(without.get("CloudWatchLogsLogGroupArn"), None);
    assert_eq!(without.get("CloudWatchLogsRoleArn"), None);
}

#[test]
fn half_a_log_group_is_refused_whatever_the_trail_has() {
    let both = "You must specify a log group and a role ARN.";
    let (no_group, no_role) =
        ("InvalidCloudWatchLogsLogGroupArnException", "InvalidCloudWatchLogsRoleArnException");
    for before in [json!({}), json!({"CloudWatchLogsLogGroupArn": GROUP, "CloudWatchLogsRoleArn": ROLE})] {
        let cloud = Cloud::new();
        cloud.ok("us-east-1", Operation::CreateTrail, with(before));
        for (member, value, code) in [
            ("CloudWatchLogsLogGroupArn", GROUP.to_owned(), no_role),
            ("CloudWatchLogsLogGroupArn", GROUP.replace("us-east-1", "us-west-2"), no_role),
            ("CloudWatchLogsLogGroupArn", "no group".to_owned(), no_role),
            ("CloudWatchLogsRoleArn", ROLE.to_owned(), no_group),
            ("CloudWatchLogsRoleArn", "no role".to_owned(), no_group),
        ] {
            let input = json!({"Name": "trail", member: value});
            let found = cloud.error("us-east-1", Operation::UpdateTrail, input);
            assert_eq!(found, (code.to_owned(), both.to_owned()), "{member} {value}");
        }
        let untouched = json!({"Name": "trail", "S3BucketName": "other"});
        cloud.ok("us-east-1", Operation::UpdateTrail, untouched);
    }
}

#[test]
fn an_update_is_judged_by_what_it_makes_of_the_trail() {
    let cloud = Cloud::new();
    cloud.create("us-east-1", "trail", true);
    let both = json!({"CloudWatchLogsLogGroupArn": "", "CloudWatchLogsRoleArn": ROLE});
    for (members, code) in [
        (json!({"IncludeGlobalServiceEvents": false}), "InvalidParameterCombinationException"),
        (json!({"S3BucketName": ""}), "InvalidS3BucketNameException"),
        (json!({"CloudWatchLogsLogGroupArn": GROUP}), "InvalidCloudWatchLogsRoleArnException"),
        (both, "InvalidCloudWatchLogsLogGroupArnException"),
        (json!({"KmsKeyId": "x"}), "KmsKeyNotFoundException"),
    ] {
        let mut input = json!({"Name": "trail"});
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert_eq!(cloud.code("us-east-1", Operation::UpdateTrail, input), code, "{members}");
    }
    let input = json!({"Name": "trail", "IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": false});
    assert_eq!(cloud.ok("us-east-1", Operation::UpdateTrail, input)["IsMultiRegionTrail"], false);
}
