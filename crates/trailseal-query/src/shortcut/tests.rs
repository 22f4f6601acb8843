use super::*;
use crate::{predicate::Truth, record::Record};

const RECORD: &str = r#"{"eventName":"GetObject","eventSource":"s3.amazonaws.com","eventTime":"2024-03-01T10:00:00Z",
    "awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser","userName":"alice","accessKeyId":"AKIA1",
    "arn":"arn:aws:iam::111111111111:user/alice","accountId":"111111111111","principalId":"AIDA1","sessionContext":
    {"sessionIssuer":{"userName":"Admin","arn":"arn:aws:iam::111111111111:role/Admin"}}},"readOnly":"true",
    "sourceIPAddress":"10.1.2.3","errorMessage":"no","eventCategory":"Data","recipientAccountId":"222222222222",
    "resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::bucket/a/key"},{"ARNPrefix":"arn:aws:s3:::bucket/"}]}"#;

fn check(made: Result<Predicate, ShortcutError>, expected: bool) {
    let predicate = made.unwrap();
    assert_eq!(predicate.matches(&Record::new(RECORD.as_bytes())), expected, "{predicate}");
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_loose(text).unwrap()
}

#[test]
fn values_are_texts_or_globs_and_any_may_hold() {
    check(event_name(&["GetObject"]), true);
    check(event_name(&["getobject", "PutObject"]), false);
    check(event_name(&["Put*", "Get*"]), true);
    check(event_name(&["x", "y", "GetObject"]), true);
    check(event_name::<&str>(&[]), false);
    check(event_source(&["s3"]), true);
    check(event_source(&["s3.amazonaws.com"]), true);
    check(event_source(&["s3*"]), true);
    check(event_source(&["ec2", "sts"]), false);
    check(aws_region(&["eu-*"]), true);
    check(aws_region(&["us-east-1"]), false);
    check(username(&["alice"]), true);
    check(username(&["al?ce"]), true);
    check(username(&["bob"]), false);
    check(access_key(&["AKIA1"]), true);
    check(access_key(&["AKIA*"]), true);
    check(access_key(&["AKIA?1"]), false);
    check(category(&["data"]), true);
    check(category(&["insight", "management"]), false);
    check(keyword(&["AKIA1"], false), true);
    check(keyword(&["akia1"], false), false);
    check(keyword(&["akia1"], true), true);
    check(regex(&["AKIA[0-9]"], false), true);
    check(regex(&["akia[0-9]"], true), true);
}

#[test]
fn principals_are_found_by_any_of_their_names() {
    for name in [
        "alice",
        "arn:aws:iam::111111111111:user/alice",
        "AIDA1",
        "Admin",
        "arn:aws:iam::111111111111:role/Admin",
        "*:role/*",
    ] {
        check(principal(&[name]), true);
    }
    check(principal(&["111111111111"]), false);
}

#[test]
fn addresses_are_numbers_and_services_texts() {
    for (value, expected) in [
        ("10.1.2.3", true),
        ("10.0.0.0/8", true),
        ("::ffff:10.1.2.3", true),
        ("10.1.2.4", false),
        ("10.1.2.*", true),
        ("cloudformation.amazonaws.com", false),
        ("AWS Internal*", false),
    ] {
        check(source_ip(&[value]), expected);
    }
    for value in ["10.0.0.0/33", "10.1.2", "10.1.2.300", "2001:db8::/129", "1:2:3"] {
        assert_eq!(source_ip(&[value]).unwrap_err(), ShortcutError::Network { text: value.to_owned() });
    }
    let internal = Record::new(br#"{"sourceIPAddress":"AWS Internal"}"#);
    assert!(source_ip(&["10.0.0.0/8", "AWS Internal*"]).unwrap().matches(&internal));
}

#[test]
fn errors_are_events_with_a_code_or_a_message() {
    check(error::<&str>(&[None]), true);
    check(error(&[Some("AccessDenied*")]), false);
    let denied = Record::new(br#"{"errorCode":"AccessDeniedException"}"#);
    assert!(error(&[Some("x"), Some("AccessDenied*")]).unwrap().matches(&denied));
    assert!(error::<&str>(&[None]).unwrap().matches(&denied));
    let fine = Record::new(br#"{"errorCode":null}"#);
    assert_eq!(error::<&str>(&[None]).unwrap().evaluate(&fine), Truth::False);
}

#[test]
fn resources_are_found_by_name_arn_and_glob() {
    for (value, expected) in [
        ("arn:aws:s3:::bucket/a/key", true),
        ("key", true),
        ("a/key", true),
        ("bucket/a/key", true),
        ("arn:aws:s3:::bucket/", true),
        ("*:bucket/a/*", true),
        ("ey", false),
        ("bucket", false),
    ] {
        check(resource(&[value]), expected);
    }
}

#[test]
fn reads_writes_and_what_does_not_say() {
    check(Ok(read_only()), true);
    check(Ok(write_only()), false);
    let old = Record::new(br#"{"eventName":"x"}"#);
    assert_eq!(read_only().evaluate(&old), Truth::Unknown);
    assert_eq!(write_only().evaluate(&old), Truth::Unknown);
    assert!(write_only().matches(&Record::new(br#"{"readOnly":false}"#)));
}

#[test]
fn accounts_are_those_that_received_the_event() {
    check(account(&["222222222222"]), true);
    check(account(&["111111111111"]), false);
    let old = Record::new(br#"{"userIdentity":{"accountId":"111111111111"}}"#);
    assert!(account(&["111111111111"]).unwrap().matches(&old));
}

#[test]
fn time_ranges_include_both_ends() {
    let time = "2024-03-01T10:00:00Z";
    check(time_range(Some(at(time)), Some(at(time))), true);
    check(time_range(Some(at("2024-03-01T10:00:01Z")), None), false);
    check(time_range(None, Some(at("2024-03-01T09:59:59Z"))), false);
    check(time_range(None, None), true);
    assert!(matches!(
        time_range(Some(at("2024-03-02")), Some(at("2024-03-01"))),
        Err(ShortcutError::Range { .. })
    ));
}

#[test]
fn values_that_cannot_be_meant_are_errors() {
    assert_eq!(event_name(&[""]).unwrap_err(), ShortcutError::Empty);
    assert_eq!(event_source(&[""]).unwrap_err(), ShortcutError::Empty);
    assert_eq!(resource(&[""]).unwrap_err(), ShortcutError::Empty);
    assert_eq!(keyword(&["x", ""], false).unwrap_err(), ShortcutError::Empty);
    assert!(matches!(regex(&["("], false), Err(ShortcutError::Regex { .. })));
    assert!(matches!(category(&["reads"]), Err(ShortcutError::Category { .. })));
}

#[test]
fn hours_and_days_hold_together_and_outside_is_their_opposite() {
    // the record is of Friday, 10:00 UTC
    let zone = |name: &str| Zone::named(name).unwrap();
    let none: &[&str] = &[];
    for (name, hours, weekdays, is_inside) in [
        ("UTC", ["08:00-18:00"].as_slice(), none, true),
        ("UTC", none, &["mon-fri"], true),
        ("UTC", none, &["sat,sun"], false),
        ("UTC", &["12:00-18:00", "6-9, 10:00-10:01"], &["mon", "fri"], true),
        ("UTC", &["08:00-10:00"], &["mon-fri"], false),
        ("UTC", &["08:00-18:00"], &["sat"], false),
        ("America/New_York", &["08:00-18:00"], &["mon-fri"], false),
        ("Pacific/Auckland", none, &["fri"], true),
        ("Pacific/Kiritimati", none, &["sat"], true),
    ] {
        check(local_time(&zone(name), hours, weekdays, false), is_inside);
        check(local_time(&zone(name), hours, weekdays, true), !is_inside);
    }
    check(local_time(&Zone::utc(), none, none, false), true);
    assert_eq!(local_time(&Zone::utc(), none, none, true).unwrap_err(), ShortcutError::OutsideOfNothing);
    let error =
        |hours: &[&str], weekdays: &[&str]| local_time(&Zone::utc(), hours, weekdays, false).unwrap_err();
    assert!(error(&["8-18,"], none).to_string().starts_with("\"\" is no part of a day"));
    assert!(error(none, &["mon-fri,x"]).to_string().starts_with("\"x\" is no day of the week"));
}

#[test]
fn a_time_that_cannot_be_read_is_neither_inside_nor_outside() {
    let untimed = Record::new(br#"{"eventName":"GetObject","eventTime":"soon"}"#);
    for is_outside in [false, true] {
        let predicate = local_time(&Zone::utc(), &["8-18"], &["mon-fri"], is_outside).unwrap();
        assert_eq!(predicate.evaluate(&untimed), Truth::Unknown);
        assert!(predicate.asks_for_time());
    }
}
