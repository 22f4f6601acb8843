//! Any request is answered, and its error is one that the operation declares (docs/spec/wire-protocol.md 4.5).

use proptest::prelude::*;

use super::*;

/// What the model declares, of what the rules may raise; without `Exception`. After the bar what is raised and not
/// declared there: see the modules of the rules.
fn declared(operation: Operation) -> &'static str {
    match operation {
        Operation::CreateTrail => {
            "MaximumNumberOfTrailsExceeded TrailAlreadyExists S3BucketDoesNotExist InsufficientS3BucketPolicy
             InsufficientSnsTopicPolicy InsufficientEncryptionPolicy InvalidS3BucketName InvalidS3Prefix
             InvalidSnsTopicName InvalidTrailName TagsLimitExceeded InvalidParameterCombination KmsKeyNotFound Kms
             InvalidCloudWatchLogsLogGroupArn InvalidCloudWatchLogsRoleArn InvalidTagParameter
             NotOrganizationMasterAccount OrganizationsNotInUse"
        }
        Operation::UpdateTrail => {
            "S3BucketDoesNotExist InsufficientS3BucketPolicy InsufficientSnsTopicPolicy
             InsufficientEncryptionPolicy TrailNotFound InvalidS3BucketName InvalidS3Prefix InvalidSnsTopicName
             InvalidTrailName CloudTrailARNInvalid InvalidParameterCombination InvalidHomeRegion KmsKeyNotFound Kms
             InvalidCloudWatchLogsLogGroupArn InvalidCloudWatchLogsRoleArn OrganizationsNotInUse
             NotOrganizationMasterAccount | MaximumNumberOfTrailsExceeded TrailAlreadyExists"
        }
        Operation::DeleteTrail | Operation::StartLogging | Operation::StopLogging => {
            "TrailNotFound InvalidTrailName CloudTrailARNInvalid InvalidHomeRegion"
        }
        Operation::DescribeTrails => "InvalidTrailName CloudTrailARNInvalid",
        Operation::GetTrail | Operation::GetTrailStatus | Operation::GetEventSelectors => {
            "CloudTrailARNInvalid TrailNotFound InvalidTrailName"
        }
        Operation::PutEventSelectors => {
            "TrailNotFound InvalidTrailName CloudTrailARNInvalid InvalidHomeRegion InvalidEventSelectors"
        }
        Operation::PutInsightSelectors => {
            "InvalidParameter InvalidParameterCombination TrailNotFound InvalidTrailName CloudTrailARNInvalid
             InvalidHomeRegion InvalidInsightSelectors InsufficientS3BucketPolicy S3BucketDoesNotExist
             UnsupportedOperation"
        }
        Operation::GetInsightSelectors => {
            "InvalidParameter InvalidParameterCombination TrailNotFound InvalidTrailName CloudTrailARNInvalid
             InsightNotEnabled UnsupportedOperation"
        }
        Operation::ListTags => {
            "ResourceNotFound CloudTrailARNInvalid ResourceTypeNotSupported EventDataStoreNotFound InvalidToken
             | InvalidParameter"
        }
        Operation::AddTags => {
            "ResourceNotFound CloudTrailARNInvalid ResourceTypeNotSupported EventDataStoreNotFound
             TagsLimitExceeded InvalidTagParameter | InvalidHomeRegion"
        }
        Operation::RemoveTags => {
            "ResourceNotFound CloudTrailARNInvalid ResourceTypeNotSupported EventDataStoreNotFound
             InvalidTagParameter | InvalidHomeRegion"
        }
        Operation::ListTrails => "",
        Operation::ListPublicKeys | Operation::LookupEvents => "UnknownOperation",
    }
}

fn text() -> impl Strategy<Value = String> {
    let known = vec![
        "one",
        "all",
        "none",
        "",
        "logs",
        "topic",
        "All",
        "Data",
        "ApiCallRateInsight",
        "eventCategory",
        "AWS::S3::Object",
        "arn:aws:s3",
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/one",
        "arn:aws:cloudtrail:eu-west-1:111122223333:trail/all",
        "arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/x",
        "arn:aws:logs:us-east-1:111122223333:log-group:g:*",
        "arn:aws:iam::111122223333:role/r",
        "alias/a",
    ];
    prop_oneof![3 => proptest::sample::select(known).prop_map(str::to_owned), 1 => any::<String>()]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::vec((member(), inner), 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    let names = "Name S3BucketName S3KeyPrefix SnsTopicName IncludeGlobalServiceEvents IsMultiRegionTrail
        EnableLogFileValidation CloudWatchLogsLogGroupArn CloudWatchLogsRoleArn KmsKeyId IsOrganizationTrail TagsList
        TrailName EventSelectors AdvancedEventSelectors InsightSelectors EventDataStore trailNameList
        includeShadowTrails ResourceId ResourceIdList NextToken Key Value Type Values DataResources ReadWriteType
        FieldSelectors Field Equals InsightType EventCategories";
    let names: Vec<_> = names.split_whitespace().map(str::to_owned).collect();
    proptest::sample::select(names)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn any_request_has_an_answer_or_a_declared_error(
        operation in proptest::sample::select(Operation::ALL.to_vec()),
        region in proptest::sample::select(vec!["us-east-1", "eu-west-1"]),
        name in text(),
        members in proptest::collection::vec((member(), value()), 0..8),
    ) {
        let cloud = Cloud::new();
        cloud.create("us-east-1", "one", false);
        cloud.create("eu-west-1", "all", true);
        let mut input = json!({
            "Name": name, "TrailName": name, "ResourceId": name, "S3BucketName": "logs",
            "ResourceIdList": [name], "TagsList": [{"Key": "k"}],
        });
        input.as_object_mut().unwrap().extend(members);
        if let Err(error) = cloud.call(region, operation, input) {
            let code = error.code.as_str().trim_end_matches("Exception");
            let is_declared = declared(operation).split_whitespace().any(|name| name == code);
            prop_assert!(is_declared || code == "Serialization", "{operation:?}: {error}");
        }
    }
}
