#![expect(clippy::needless_pass_by_value, reason = "requests are written where they are made")]

use proptest::prelude::*;
use serde_json::{Value, json};
use trailseal_query::selectors::Selectors;

use super::*;

fn read(request: &Value) -> Result<Rules, ApiError> {
    super::read(Input::new(request).unwrap(), &resource_types::is_known)
}

/// What `PutEventSelectors` answers, which the evaluation of selectors reads.
fn answer(selectors: &Rules) -> Value {
    serde_json::to_value(SelectorsDocument::of("arn".to_owned(), selectors)).unwrap()
}

fn evaluates(selectors: &Rules) -> Result<(), String> {
    for shown in [selectors, &sorted(selectors)] {
        let json = answer(shown).to_string();
        Selectors::parse(json.as_bytes()).map_err(|error| format!("{error}: {json}"))?;
    }
    Ok(())
}

fn refused(request: &Value) -> String {
    let error = read(request).expect_err(&request.to_string());
    assert_eq!(error.code, ErrorCode::InvalidEventSelectorsException, "{request}");
    error.message
}

fn field(name: &str, operator: &str, values: Value) -> Value {
    json!({"Field": name, operator: values})
}

fn advanced(fields: &[Value]) -> Value {
    json!({"AdvancedEventSelectors": [{"FieldSelectors": fields}]})
}

/// A selector of data events of a type with one more field.
fn data(kind: &str, more: Value) -> Value {
    let category = field("eventCategory", "Equals", json!(["Data"]));
    advanced(&[category, field("resources.type", "Equals", json!([kind])), more])
}

fn management(more: Value) -> Value {
    advanced(&[field("eventCategory", "Equals", json!(["Management"])), more])
}

fn network(more: &[Value]) -> Value {
    let mut fields = vec![field("eventCategory", "Equals", json!(["NetworkActivity"]))];
    fields.extend(more.iter().cloned());
    advanced(&fields)
}

#[test]
fn a_new_trail_logs_all_management_events() {
    let text = serde_json::to_string(&SelectorsDocument::of("arn".to_owned(), &of_new_trail()));
    assert_eq!(
        text.unwrap(),
        concat!(
            r#"{"TrailARN":"arn","EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"#,
            r#""DataResources":[],"ExcludeManagementEventSources":[]}]}"#
        )
    );
    assert_eq!(evaluates(&of_new_trail()), Ok(()));
    assert_eq!(read(&json!({"EventSelectors": [{}]})), Ok(of_new_trail()));
}

#[test]
fn faults_of_basic_selectors_have_the_texts_of_the_service() {
    let resources = |kind: &str, values: Value| json!({"EventSelectors": [{"DataResources": [{"Type": kind, "Values": values}]}]});
    let count = "Specify a valid number of selectors (1 to 5) for your trail";
    let nothing = "Invalid combination of parameters in EventSelectors. When includeManagementEvents is false, DataResources must not be empty";
    let functions: Value = (0..251).map(|n| json!(format!("arn:aws:s3:::bucket/{n}"))).collect();
    for (request, message) in [
        (json!({}), count),
        (json!({"EventSelectors": []}), count),
        (json!({"EventSelectors": [{}, {}, {}, {}, {}, {}]}), count),
        (
            json!({"EventSelectors": [{"ReadWriteType": "read-only"}]}),
            "Value read-only for ReadWriteType is invalid.",
        ),
        (json!({"EventSelectors": [{"IncludeManagementEvents": false}]}), nothing),
        (json!({"EventSelectors": [{"IncludeManagementEvents": false, "DataResources": []}]}), nothing),
        (
            json!({"EventSelectors": [{"ExcludeManagementEventSources": ["iam.amazonaws.com"]}]}),
            "Value iam.amazonaws.com for ExcludeManagementEventSources is invalid.",
        ),
        (resources("AWS::SNS::Topic", json!([])), "The resources.type field value is not valid."),
        (
            json!({"EventSelectors": [{"DataResources": [{"Values": []}]}]}),
            "The resources.type field value is not valid.",
        ),
        (
            resources("AWS::S3::Object", json!(["arn:aws:s3:::*"])),
            "Value arn:aws:s3:::* for DataResources.Values is invalid.",
        ),
        (
            resources("AWS::Lambda::Function", json!(["arn:aws:lambda:*"])),
            "Value arn:aws:lambda:* for DataResources.Values is invalid.",
        ),
        (
            resources("AWS::S3::Object", functions),
            "Specify a valid number of DataResources.Values (0 to 250) for all your selectors",
        ),
        (
            json!({"EventSelectors": [{}], "AdvancedEventSelectors": [{"FieldSelectors": []}]}),
            "You can select events by using either EventSelectors or AdvancedEventSelectors, but not both.",
        ),
    ] {
        assert_eq!(refused(&request), message, "{request}");
    }
}

#[test]
fn values_of_data_resources_have_their_forms() {
    let (s3, lambda, dynamodb) = ("AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table");
    let too_long = format!("arn:aws:s3:::b/{}", "k".repeat(2_048));
    for (kind, value, is_valid) in [
        (s3, "arn:aws:s3", true),
        (s3, "arn:aws-cn:s3", true),
        (s3, "arn:aws:s3:::", true),
        (s3, "arn:aws:s3:::b/", true),
        (s3, "arn:aws:s3:::b/p:q", true),
        (s3, "arn:aws:s3:::b", false),
        (s3, "arn:aws:s3:::/p", false),
        (s3, "arn:aws:s3:::b/*", false),
        (s3, "arn:aws:s3:us-east-1::b/", false),
        (s3, "arn:aws:lambda", false),
        (s3, "arn:other:s3", false),
        (s3, "", false),
        (s3, &too_long, false),
        (lambda, "arn:aws:lambda", true),
        (lambda, "arn:aws:lambda:eu-west-1:111122223333:function:f", true),
        (lambda, "arn:aws:lambda:eu-west-1:111122223333:function:", false),
        (lambda, "arn:aws:lambda:eu-west-1:1:function:f", false),
        (lambda, "arn:aws:lambda:::", false),
        (dynamodb, "arn:aws:dynamodb", true),
        (dynamodb, "arn:aws:dynamodb:eu-west-1:111122223333:table/t", true),
        (dynamodb, "arn:aws:dynamodb:eu-west-1:111122223333:table/t/stream/s", true),
        (dynamodb, "arn:aws:dynamodb:eu-west-1:111122223333:t", false),
    ] {
        let request = json!({"EventSelectors": [{"DataResources": [{"Type": kind, "Values": [value]}]}]});
        let found = read(&request);
        assert_eq!(found.is_ok(), is_valid, "{value}");
        if let Ok(selectors) = found {
            assert_eq!(evaluates(&selectors), Ok(()));
        }
    }
}

#[test]
fn values_for_all_resources_do_not_count() {
    let mut values: Vec<_> = (0..250).map(|n| format!("arn:aws:s3:::bucket/{n}")).collect();
    values.push("arn:aws:s3".to_owned());
    let resource = json!({"Type": "AWS::S3::Object", "Values": values});
    let selectors = read(&json!({"EventSelectors": [{"DataResources": [resource]}]})).unwrap();
    assert_eq!(evaluates(&selectors), Ok(()));
}

#[test]
fn faults_of_advanced_selectors_have_texts() {
    let many: Value = (0..500).map(|n| json!(n.to_string())).collect();
    let arns: Value = (0..251).map(|n| json!(n.to_string())).collect();
    let (function, count) = ("AWS::Lambda::Function", "Specify between 1 and 500 selectors for your trail.");
    let lambda = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let wrong_type = "The resources.type field value is not valid.";
    let long_name = json!({"AdvancedEventSelectors": [{"Name": "n".repeat(1001), "FieldSelectors": []}]});
    for (request, message) in [
        (json!({"AdvancedEventSelectors": []}), count.to_owned()),
        (data("AWS::S3::Object", field("eventName", "Equals", many)), count.to_owned()),
        (advanced(&[]), "The following fields are required: [eventCategory].".to_owned()),
        (
            advanced(&[field("resources.type", "Equals", json!(["x"]))]),
            "The following fields are required: [eventCategory].".to_owned(),
        ),
        (
            advanced(&[field("eventCategory", "Equals", json!(["Data"]))]),
            "The following fields are required: [resources.type].".to_owned(),
        ),
        (network(&[]), "The following fields are required: [eventSource].".to_owned()),
        (
            advanced(&[field("eventCategory", "Equals", json!(["Insight"]))]),
            "The eventCategory field value is not valid.".to_owned(),
        ),
        (
            advanced(&[field("eventCategory", "Equals", json!(["Data", "Management"]))]),
            "The eventCategory field value is not valid.".to_owned(),
        ),
        (
            advanced(&[field("eventCategory", "StartsWith", json!(["Data"]))]),
            "The StartsWith operator is not valid for the eventCategory field.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("readOnly", "Equals", json!(["yes"]))),
            "The readOnly field value is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("readOnly", "NotEquals", json!(["true"]))),
            "The NotEquals operator is not valid for the readOnly field.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("errorCode", "Equals", json!(["x"]))),
            "The errorCode field is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("eventName", "Equals", json!([]))),
            "The eventName field value is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("eventName", "Equals", json!([""]))),
            "The eventName field value is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("eventName", "Equals", json!(["x".repeat(2049)]))),
            "The eventName field value is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", json!({"Field": "eventName"})),
            "Specify at least one operator for the eventName field.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("resources.type", "Equals", json!(["AWS::S3::Object"]))),
            "The resources.type field is specified more than once.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("sessionCredentialFromConsole", "Equals", json!(["false"]))),
            "The sessionCredentialFromConsole field value is not valid.".to_owned(),
        ),
        (
            data("AWS::S3::Object", field("resources.ARN", "StartsWith", arns)),
            "Specify a valid number of DataResources.Values (0 to 250) for all your selectors".to_owned(),
        ),
        (data("S3", field("readOnly", "Equals", json!(["true"]))), wrong_type.to_owned()),
        (data("AWS::S3", field("readOnly", "Equals", json!(["true"]))), wrong_type.to_owned()),
        (data("AWS::IAM::Role", field("readOnly", "Equals", json!(["true"]))), wrong_type.to_owned()),
        (
            data("AWS::NoSuchService::MadeUp", field("readOnly", "Equals", json!(["true"]))),
            wrong_type.to_owned(),
        ),
        (
            data(function, field("resources.ARN", "Equals", json!([format!("{lambda}:$LATEST")]))),
            format!(
                "The specified ARN {lambda}:$LATEST is not valid. Verify that the ARN is properly formatted."
            ),
        ),
        (
            data(function, field("resources.ARN", "NotEquals", json!([format!("{lambda}:1")]))),
            format!("The specified ARN {lambda}:1 is not valid. Verify that the ARN is properly formatted."),
        ),
        (
            management(field("eventSource", "Equals", json!(["kms.amazonaws.com"]))),
            "The Equals operator is not valid for the eventSource field.".to_owned(),
        ),
        (
            management(field("eventSource", "NotEquals", json!(["iam.amazonaws.com"]))),
            "The eventSource field value is not valid.".to_owned(),
        ),
        (
            management(field("eventName", "Equals", json!(["x"]))),
            "The eventName field is not valid.".to_owned(),
        ),
        (long_name, "The selector name can have at most 1000 characters.".to_owned()),
    ] {
        assert_eq!(refused(&request), message, "{request}");
    }
}

#[test]
fn selectors_that_the_service_takes_are_taken() {
    let lambda = "arn:aws:lambda:us-east-1:111122223333:function:f";
    let source = field("eventSource", "Equals", json!(["s3.amazonaws.com"]));
    for request in [
        management(field("readOnly", "Equals", json!(["false"]))),
        management(field("eventSource", "NotEquals", json!(["kms.amazonaws.com", "rdsdata.amazonaws.com"]))),
        data(
            "AWS::Timestream::RegionalEndpoint",
            field("eventName", "NotStartsWith", json!(["Get", "List"])),
        ),
        data(
            "AWS::S3::Object",
            json!({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::b/"], "NotEndsWith": ["/"]}),
        ),
        data("AWS::Lambda::Function", field("resources.ARN", "Equals", json!([lambda]))),
        data(
            "AWS::Lambda::Function",
            field("resources.ARN", "StartsWith", json!([format!("{lambda}:1"), "x"])),
        ),
        data("AWS::S3::Object", field("userIdentity.arn", "EndsWith", json!(["x"]))),
        data("AWS::S3::Object", field("sessionCredentialFromConsole", "NotEquals", json!(["true"]))),
        network(&[source.clone(), field("errorCode", "Equals", json!(["VpceAccessDenied"]))]),
        network(&[source, field("vpcEndpointId", "NotEquals", json!(["vpce-1"]))]),
    ] {
        let selectors = read(&request).unwrap();
        assert_eq!(evaluates(&selectors), Ok(()), "{request}");
        assert_eq!(answer(&selectors)["AdvancedEventSelectors"], request["AdvancedEventSelectors"]);
    }
}

#[test]
fn what_types_there_are_is_asked_but_for_their_form() {
    for (kind, is_taken) in
        [("AWS::NoSuchService::MadeUp", true), ("AWS::S3::Object", true), ("AWS::S3", false), ("S3", false)]
    {
        let request = data(kind, field("readOnly", "Equals", json!(["true"])));
        let read = super::read(Input::new(&request).unwrap(), &|_| true);
        assert_eq!(read.is_ok(), is_taken, "{kind}");
        let nothing = super::read(Input::new(&request).unwrap(), &|_| false);
        assert!(nothing.is_err(), "{kind}");
    }
}

#[test]
fn what_a_request_has_set_is_answered_as_a_read_shows_it() {
    let request = data("AWS::Later::Thing", field("eventName", "Equals", json!(["GetObject"])));
    let SelectorsAnswer { answer, is_custom } = SelectorsAnswer::after("arn", &request).unwrap();
    assert_eq!((&answer["TrailARN"], is_custom), (&json!("arn"), true));
    let fields = answer["AdvancedEventSelectors"][0]["FieldSelectors"].as_array().unwrap();
    assert_eq!(fields[1]["Field"], "eventName", "sorted");
    let new = SelectorsAnswer::of_new_trail("arn");
    assert!(!new.is_custom);
    assert_eq!(SelectorsAnswer::after("arn", &new.answer), Ok(new));
    assert!(SelectorsAnswer::after("arn", &json!({})).is_err());
    assert!(SelectorsAnswer::after("arn", &json!([])).is_err());
}

#[test]
fn fields_are_shown_by_name_and_answered_as_they_came() {
    let request = data("AWS::S3::Object", field("eventName", "Equals", json!(["GetObject"])));
    let names = |selectors: &Rules| -> Vec<String> {
        let answer = answer(selectors);
        let fields = answer["AdvancedEventSelectors"][0]["FieldSelectors"].as_array().unwrap().clone();
        fields.iter().map(|field| field["Field"].as_str().unwrap().to_owned()).collect()
    };
    let selectors = read(&request).unwrap();
    assert_eq!(names(&selectors), ["eventCategory", "resources.type", "eventName"]);
    assert_eq!(names(&sorted(&selectors)), ["eventCategory", "eventName", "resources.type"]);
}

fn values() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        "[a-zA-Z:/.*$-]{0,8}",
        proptest::sample::select(vec![
            "true",
            "false",
            "Management",
            "Data",
            "NetworkActivity",
            "Insight",
            "kms.amazonaws.com",
            "VpceAccessDenied",
            "AWS::S3::Object",
            "AWS::Lambda::Function",
            "AWS::DynamoDB::Table",
            "arn:aws:s3",
            "arn:aws:s3:::b/",
            "arn:aws:s3:::b",
            "arn:aws-:s3",
            "arn:aws:lambda:us-east-1:111122223333:function:f",
            "arn:aws:lambda:us-east-1:111122223333:function:f:1",
            "arn:aws:dynamodb:us-east-1:111122223333:table/t",
            "ReadOnly",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(value, 0..3).prop_map(|values| json!(values))
}

fn advanced_field() -> impl Strategy<Value = Value> {
    let names = vec![
        "eventCategory",
        "readOnly",
        "eventSource",
        "resources.type",
        "resources.ARN",
        "eventName",
        "errorCode",
        "userIdentity.arn",
        "sessionCredentialFromConsole",
    ];
    let operators = vec!["Equals", "NotEquals", "StartsWith", "EndsWith", "NotStartsWith", "NotEndsWith"];
    let known = (proptest::sample::select(names), proptest::sample::select(operators), values());
    known.prop_map(|(name, operator, values)| field(name, operator, values))
}

fn request() -> impl Strategy<Value = Value> {
    let start = prop_oneof![
        Just(vec![field("eventCategory", "Equals", json!(["Management"]))]),
        proptest::sample::select(vec!["AWS::S3::Object", "AWS::Lambda::Function"]).prop_map(|kind| vec![
            field("eventCategory", "Equals", json!(["Data"])),
            field("resources.type", "Equals", json!([kind]))
        ]),
        Just(vec![
            field("eventCategory", "Equals", json!(["NetworkActivity"])),
            field("eventSource", "Equals", json!(["s3.amazonaws.com"]))
        ]),
        Just(Vec::new()),
    ];
    let advanced_one =
        (start, proptest::collection::vec(advanced_field(), 0..3)).prop_map(|(start, more)| {
            let fields: Vec<_> = start.into_iter().chain(more).collect();
            json!({"Name": "n", "FieldSelectors": fields})
        });
    let resource = (
        proptest::sample::select(vec![
            "AWS::S3::Object",
            "AWS::Lambda::Function",
            "AWS::DynamoDB::Table",
            "x",
        ]),
        values(),
    );
    let resource = resource.prop_map(|(kind, values)| json!({"Type": kind, "Values": values}));
    let basic_one = (
        proptest::sample::select(vec![json!("All"), json!("ReadOnly"), json!("x"), Value::Null]),
        any::<bool>(),
        proptest::collection::vec(resource, 0..2),
        values(),
        any::<bool>(),
    );
    let basic_one = basic_one.prop_map(|(kind, management, resources, sources, excludes)| {
        let sources = if excludes { sources } else { json!([]) };
        json!({
            "ReadWriteType": kind, "IncludeManagementEvents": management, "DataResources": resources,
            "ExcludeManagementEventSources": sources,
        })
    });
    prop_oneof![
        proptest::collection::vec(advanced_one, 0..3)
            .prop_map(|selectors| json!({"AdvancedEventSelectors": selectors})),
        proptest::collection::vec(basic_one, 0..6).prop_map(|selectors| json!({"EventSelectors": selectors})),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_accepted_is_evaluated_and_kept(request in request()) {
        match read(&request) {
            Ok(selectors) => {
                prop_assert_eq!(evaluates(&selectors), Ok(()));
                let kept = serde_json::to_string(&selectors).unwrap();
                prop_assert_eq!(serde_json::from_str::<Rules>(&kept).unwrap(), selectors.clone());
                // an answer, put again, is accepted as the same
                prop_assert_eq!(read(&answer(&selectors)), Ok(selectors));
            }
            Err(error) => prop_assert_eq!(error.code, ErrorCode::InvalidEventSelectorsException),
        }
    }
}
