use proptest::prelude::*;
use serde_json::json;
use trailseal_evidence::events::RecentEvents;

use super::*;

const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";

fn trail(organization: Option<&str>) -> Trail {
    Trail {
        arn: ARN.to_owned(),
        account: "111122223333".to_owned(),
        name: "audit".to_owned(),
        home: "us-east-1".to_owned(),
        organization: organization.map(str::to_owned),
        place: None,
        regions: BTreeMap::new(),
    }
}

/// An event of CloudTrail at a minute of an hour.
fn event(minute: u32, name: &str, request: &Value, response: &Value) -> Value {
    json!({
        "eventVersion": "1.09", "eventTime": format!("2024-03-01T06:{minute:02}:00Z"), "eventID": format!("{minute}{name}"),
        "eventSource": "cloudtrail.amazonaws.com", "eventName": name, "awsRegion": "us-east-1", "readOnly": false,
        "recipientAccountId": "111122223333", "requestParameters": request, "responseElements": response,
        "managementEvent": true, "eventCategory": "Management",
    })
}

fn told(events: &[Value]) -> TrailHistory {
    told_of(&trail(None), events)
}

fn told_of(trail: &Trail, events: &[Value]) -> TrailHistory {
    let source = RecentEvents::new(1 << 20);
    for (number, event) in (0..).zip(events) {
        source.add(number, event.to_string().as_bytes());
    }
    let now = Timestamp::parse_loose("2024-03-01T12:00:00Z").unwrap();
    TrailHistory::of(trail, &calls(&source, now).unwrap())
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse_loose(text).unwrap()
}

#[test]
fn calls_tell_what_a_trail_is_set_to() {
    let selectors = json!([{"fieldSelectors": [
        {"field": "resources.type", "equals": ["AWS::Later::Thing"]}, {"field": "eventCategory", "equals": ["Data"]},
    ]}]);
    let created =
        json!({"name": "audit", "trailARN": ARN, "includeGlobalServiceEvents": false, "kmsKeyId": "a-key"});
    let updated =
        json!({"name": "audit", "trailARN": ARN, "includeGlobalServiceEvents": true, "snsTopicARN": "topic"});
    let history = told(&[
        event(3, "StartLogging", &json!({"name": ARN}), &Value::Null),
        event(
            1,
            "CreateTrail",
            &json!({"name": "audit", "tagsList": [{"key": "a", "value": "1"}, {"key": "b"}]}),
            &created,
        ),
        event(
            4,
            "PutEventSelectors",
            &json!({"trailName": "audit", "advancedEventSelectors": selectors}),
            &json!({}),
        ),
        event(
            5,
            "PutInsightSelectors",
            &json!({"trailName": "audit", "insightSelectors": [{"insightType": "X"}]}),
            &json!({}),
        ),
        event(6, "StopLogging", &json!({"name": "audit"}), &Value::Null),
        event(
            7,
            "AddTags",
            &json!({"resourceId": ARN, "tagsList": [{"key": "a", "value": "2"}]}),
            &Value::Null,
        ),
        event(8, "RemoveTags", &json!({"resourceId": ARN, "tagsList": [{"key": "b"}]}), &Value::Null),
        event(9, "UpdateTrail", &json!({"name": "audit"}), &updated),
    ]);
    assert_eq!(history.started, Some(time("2024-03-01T06:03:00Z")));
    assert_eq!(history.stopped, Some(time("2024-03-01T06:06:00Z")));
    assert_eq!(history.tags, [("a".to_owned(), Some("2".to_owned()))].into());
    assert_eq!(
        Value::from(history.settings),
        json!({"IncludeGlobalServiceEvents": true, "SnsTopicARN": "topic"})
    );
    assert_eq!(history.insights, Some(vec![json!({"InsightType": "X"})]));
    let selectors = history.selectors.unwrap();
    assert!(selectors.is_custom);
    let first = &selectors.answer["AdvancedEventSelectors"][0]["FieldSelectors"][0];
    assert_eq!(first, &json!({"Field": "eventCategory", "Equals": ["Data"]}));
}

#[test]
fn a_trail_that_was_made_anew_has_nothing_of_the_one_before() {
    let tagged = event(1, "AddTags", &json!({"resourceId": ARN, "tagsList": [{"key": "a"}]}), &Value::Null);
    let started = event(2, "StartLogging", &json!({"name": "audit"}), &Value::Null);
    let deleted = event(3, "DeleteTrail", &json!({"name": "audit"}), &Value::Null);
    let created = event(4, "CreateTrail", &json!({"name": "audit"}), &json!({"trailARN": ARN}));
    assert_eq!(told(&[tagged.clone(), started.clone(), deleted.clone()]), TrailHistory::default());
    let history = told(&[tagged, started, deleted, created]);
    assert!(history.tags.is_empty() && history.started.is_none());
    assert!(!history.selectors.unwrap().is_custom, "a new trail's are known");
}

#[test]
fn calls_that_failed_or_were_about_others_tell_nothing() {
    let start = |change: &dyn Fn(&mut Value)| {
        let mut event = event(1, "StartLogging", &json!({"name": "audit"}), &Value::Null);
        change(&mut event);
        told(&[event]).started
    };
    assert!(start(&|_| {}).is_some());
    assert_eq!(start(&|event| event["errorCode"] = json!("AccessDenied")), None);
    assert_eq!(start(&|event| event["awsRegion"] = json!("eu-west-1")), None);
    assert_eq!(start(&|event| event["recipientAccountId"] = json!("444455556666")), None);
    assert_eq!(start(&|event| event["requestParameters"] = json!({"name": "other"})), None);
    assert_eq!(
        start(&|event| event["requestParameters"] = json!({"name": ARN.replace("east", "west")})),
        None
    );
    assert_eq!(start(&|event| event["requestParameters"] = json!("audit")), None);
    assert_eq!(start(&|event| event["eventSource"] = json!("elsewhere.amazonaws.com")), None);
    // whose an organization's trail is, no digest says
    let event = event(1, "StartLogging", &json!({"name": ARN.replace("1111", "9999")}), &Value::Null);
    assert!(told_of(&trail(Some("o-abc1234567")), &[event]).started.is_some());
}

#[test]
fn selectors_that_cannot_be_read_are_not_those_of_before() {
    let put = |minute, request: Value| event(minute, "PutEventSelectors", &request, &Value::Null);
    let good = json!({"trailName": "audit", "eventSelectors": [{"readWriteType": "ReadOnly"}]});
    let omitted = json!({"trailName": "audit", "omitted": true});
    assert!(told(&[put(1, good.clone())]).selectors.is_some_and(|selectors| selectors.is_custom));
    assert_eq!(told(&[put(1, good), put(2, omitted)]).selectors, None);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!(ARN)),
        Just(json!("audit")),
    ];
    let name = prop_oneof![
        Just("name".to_owned()),
        Just("trailName".to_owned()),
        Just("resourceId".to_owned()),
        Just("tagsList".to_owned()),
        Just("eventSelectors".to_owned()),
        Just("advancedEventSelectors".to_owned()),
        Just("insightSelectors".to_owned()),
        Just("key".to_owned()),
        Just("insightType".to_owned()),
        "\\PC{0,4}",
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name.clone(), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_event_panics(request in json_value(), response in json_value()) {
        let events: Vec<Value> =
            (0..).zip(CALLS).map(|(minute, call)| event(minute, call.as_str(), &request, &response)).collect();
        let history = told(&events);
        prop_assert!(history.settings.len() <= FLAGS.len() + TEXTS.len());
    }
}
