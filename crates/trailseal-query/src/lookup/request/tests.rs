//! Names end in the section of the rule: 1.x of docs/spec/lookup-events.md, 2.x of docs/spec/records.md.

use super::{super::page::RecordPlace, *};
use crate::record::Record;

const RECORD: &str = r#"{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","userName":"Alice","accessKeyId":"AKIA1"},
    "eventTime":"2023-07-10T11:42:36Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1",
    "requestParameters":{"userName":"Bob"},"eventID":"e-1","readOnly":false,"eventCategory":"Management"}"#;
const INSIGHT: &str = r#"{"eventTime":"2023-07-10T11:42:00Z","awsRegion":"us-east-1","eventID":"e-2","eventCategory":"Insight",
    "insightDetails":{"state":"Start","eventSource":"iam.amazonaws.com","eventName":"GetUser"}}"#;

fn time(text: &str) -> Timestamp {
    Timestamp::parse_loose(text).unwrap()
}

fn now() -> Timestamp {
    time("2023-07-11T00:00:00Z")
}

fn with(key: &str, value: &str) -> Request {
    let attributes = vec![Attribute { key: key.to_owned(), value: value.to_owned() }];
    Request { attributes, ..Request::default() }
}

fn finds(request: &Request, record: &str) -> bool {
    let predicate = request.check(now(), 7).unwrap().predicate_with_times();
    predicate.matches(&Record::new(record.as_bytes()))
}

#[track_caller]
fn rejects(request: &Request, code: &str) {
    let error = request.check(now(), 7).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.to_string().ends_with('.'));
}

#[test]
fn the_eight_keys_match_exactly_and_in_this_case_1_1() {
    for (key, value) in [
        ("EventId", "e-1"),
        ("EventName", "CreateUser"),
        ("ReadOnly", "false"),
        ("Username", "Alice"),
        ("ResourceType", "AWS::IAM::User"),
        ("ResourceName", "Bob"),
        ("EventSource", "iam.amazonaws.com"),
        ("AccessKeyId", "AKIA1"),
    ] {
        assert!(finds(&with(key, value), RECORD), "{key}");
        if key != "ReadOnly" {
            for other in
                [value.to_uppercase(), value.to_lowercase(), value[1..].to_owned(), format!("{value}*")]
            {
                assert!(other == value || !finds(&with(key, &other), RECORD), "{key} {other}");
            }
        }
    }
    assert!(!finds(&with("ReadOnly", "true"), RECORD));
    assert!(finds(&Request::default(), RECORD));
}

#[test]
fn an_unknown_resource_type_finds_nothing_and_is_no_error_1_1() {
    assert!(!finds(&with("ResourceType", "AWS::No::Such"), RECORD));
}

#[test]
fn attributes_are_checked_1_1() {
    for request in [
        with("eventname", "x"),
        with("Event", "x"),
        with("ReadOnly", "True"),
        with("ReadOnly", "other"),
        with("Username", &"x".repeat(2001)),
    ] {
        rejects(&request, "InvalidLookupAttributesException");
    }
    rejects(&with("Username", ""), "ParamValidation");
    // Weights of characters are documented and not applied.
    for count in [1000, 1001, 2000] {
        assert!(!finds(&with("Username", &"_".repeat(count)), RECORD));
    }
}

#[test]
fn several_attributes_are_an_extension_1_1() {
    let mut request = with("EventName", "CreateUser");
    request.attributes.push(Attribute { key: "Username".to_owned(), value: "Alice".to_owned() });
    rejects(&request, "InvalidLookupAttributesException");
    request.extensions.several_attributes = true;
    assert!(finds(&request, RECORD));
    request.attributes[1].value = "Bob".to_owned();
    assert!(!finds(&request, RECORD));
}

#[test]
fn categories_are_management_or_insight_1_1() {
    let insight = |request: Request| Request { event_category: Some("insight".to_owned()), ..request };
    assert!(!finds(&Request::default(), INSIGHT));
    assert!(finds(&insight(Request::default()), INSIGHT));
    assert!(!finds(&insight(Request::default()), RECORD));
    for (key, value) in [("EventId", "e-2"), ("EventName", "GetUser"), ("EventSource", "iam.amazonaws.com")] {
        assert!(finds(&insight(with(key, value)), INSIGHT), "{key}");
        assert!(!finds(&insight(with(key, "x")), INSIGHT), "{key}");
    }
    for key in ["ReadOnly", "Username", "ResourceType", "ResourceName", "AccessKeyId"] {
        rejects(&insight(with(key, "true")), "InvalidLookupAttributesException");
    }
    for category in ["Insight", "management", ""] {
        let request = Request { event_category: Some(category.to_owned()), ..Request::default() };
        rejects(&request, "InvalidEventCategoryException");
    }
}

#[test]
fn data_and_network_events_are_extensions_1_1() {
    let data = RECORD.replace("\"Management\"", "\"Data\"");
    let network = RECORD.replace("\"Management\"", "\"NetworkActivity\"");
    let request = |data_events, network_activity_events| Request {
        extensions: Extensions { data_events, network_activity_events, ..Extensions::default() },
        ..Request::default()
    };
    for (request, expected) in [
        (request(false, false), [true, false, false]),
        (request(true, false), [true, true, false]),
        (request(false, true), [true, false, true]),
    ] {
        assert_eq!([RECORD, &data, &network].map(|record| finds(&request, record)), expected);
    }
}

#[test]
fn only_events_of_the_region_are_found_1_1() {
    let region = |name: &str| Request { region: Some(name.to_owned()), ..Request::default() };
    assert!(finds(&region("us-east-1"), RECORD));
    assert!(!finds(&region("eu-west-1"), RECORD));
}

#[test]
fn times_are_inclusive_on_both_sides_1_1() {
    let between = |start: Option<&str>, end: Option<&str>| Request {
        start_time: start.map(time),
        end_time: end.map(time),
        ..Request::default()
    };
    let (before, at, after) = ("2023-07-10T11:42:35Z", "2023-07-10T11:42:36Z", "2023-07-10T11:42:37Z");
    for (request, expected) in [
        (between(Some(at), Some(at)), true),
        (between(Some(at), None), true),
        (between(None, Some(at)), true),
        (between(Some(after), None), false),
        (between(None, Some(before)), false),
        (between(Some(before), Some(after)), true),
    ] {
        assert_eq!(finds(&request, RECORD), expected, "{request:?}");
    }
    rejects(&between(Some(after), Some(at)), "InvalidTimeRangeException");
    rejects(&between(Some("2023-07-12T00:00:00Z"), None), "InvalidTimeRangeException");
    assert!(!finds(&between(Some("2023-07-12T00:00:00Z"), Some("2023-07-13T00:00:00Z")), RECORD));
    assert!(!finds(&between(Some(at), None), r#"{"eventCategory":"Management"}"#));
}

#[test]
fn the_window_clamps_the_start_and_is_no_error_1_1() {
    let windowed = |days: i64, start: Option<&str>| Request {
        start_time: start.map(time),
        extensions: Extensions { window: Some(days * 86_400), ..Extensions::default() },
        ..Request::default()
    };
    assert!(finds(&windowed(90, Some("2000-01-01T00:00:00Z")), RECORD));
    assert!(finds(&windowed(1, None), RECORD));
    assert!(!finds(&windowed(0, Some("2023-07-10T00:00:00Z")), RECORD));
    let old = Request { end_time: Some(time("2000-01-01T00:00:00Z")), ..windowed(90, None) };
    assert!(!finds(&old, RECORD));
}

#[test]
fn the_number_of_results_is_from_1_to_50_1_1() {
    let results = |count| Request { max_results: Some(count), ..Request::default() };
    rejects(&results(0), "ParamValidation");
    rejects(&results(-1), "ParamValidation");
    rejects(&results(51), "InvalidMaxResultsException");
    assert_eq!(results(50).check(now(), 7).unwrap().max_results, Some(50));
    assert_eq!(Request::default().check(now(), 7).unwrap().max_results, None);
}

#[test]
fn tokens_are_bound_to_parameters_and_data_1_1() {
    let after = || Position::new(Some(now()), Some("e"), RecordPlace { file: 0, number: 1 });
    let base =
        Request { max_results: Some(5), region: Some("us-east-1".to_owned()), ..with("EventName", "x") };
    let token = base.check(now(), 7).unwrap().token(after());
    let next = |request: &Request, fingerprint| {
        let request = Request { next_token: Some(token.clone()), ..request.clone() };
        request.check(now().plus(60), fingerprint).map(|lookup| lookup.after)
    };
    assert_eq!(next(&base, 7), Ok(Some(after())));
    assert_eq!(next(&base, 8), Err(RequestError::TokenOfOtherData));
    let several = Extensions { several_attributes: true, ..Extensions::default() };
    for other in [
        with("EventName", "x"),
        Request { attributes: with("EventName", "y").attributes, ..base.clone() },
        Request { attributes: with("EventId", "x").attributes, ..base.clone() },
        Request { attributes: vec![], ..base.clone() },
        Request { start_time: Some(time("2023-01-01T00:00:00Z")), ..base.clone() },
        Request { end_time: Some(time("2023-01-01T00:00:00Z")), ..base.clone() },
        Request { event_category: Some("insight".to_owned()), ..base.clone() },
        Request { max_results: Some(6), ..base.clone() },
        Request { region: None, ..base.clone() },
        Request { extensions: several, ..base.clone() },
        Request { extensions: Extensions { window: Some(1), ..Extensions::default() }, ..base.clone() },
    ] {
        assert_eq!(next(&other, 7), Err(RequestError::TokenOfOtherRequest), "{other:?}");
    }
    for text in ["", "x", &token[1..], &format!("{token}A")] {
        rejects(&Request { next_token: Some(text.to_owned()), ..base.clone() }, "InvalidNextTokenException");
    }
}
