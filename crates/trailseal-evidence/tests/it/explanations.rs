//! What explains that a chain ends, and what does not: situations 59 to 61, 72, 94.

use serde_json::{Value, json};
use trailseal_archive::Timestamp;
use trailseal_testkit::{Archive, Model, ModelDigest, Plan, Stop};
use trailseal_verify::{Code, Finding};

use crate::support::{HOUR, Run, is_explained_by, options, run, run_with};

const PAUSE: i64 = 9 * HOUR + 427;
/// How long before the stop a chain may end that the stop explains: the digest that covers it would have
/// been the last, and its window may be cut short.
const REACH: i64 = HOUR + 15 * 60;
const ORGANIZATION: &str = "o-abcd123456";

fn change(event: &str, time: Timestamp, parameters: &Value) -> Value {
    json!({ "eventName": event, "eventTime": time.to_string(), "requestParameters": parameters })
}

/// A trail of two regions that is stopped after five hours and started again: the home region (chain 1)
/// holds the event, the other one (chain 0) loses the hours 4 and 5 before.
fn with_lost_hours(event: impl Fn(Timestamp) -> Value) -> (Archive, Timestamp) {
    let stops = vec![Stop { after: 5, pause: PAUSE, event: None }];
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let mut model = Plan { stops, regions, hours: 8, ..Plan::default() }.model();
    let end = model.chains[0].digests[3].end();
    model.chains[1].add_event(5, 1, &event(end));
    let archive = model.write();
    archive.delete_hour(4);
    archive.delete_hour(5);
    (archive, end)
}

fn gap_of<'a>(run: &'a Run, region: &str) -> &'a Finding {
    let of_region = |gap: &&Finding| gap.region.as_deref() == Some(region);
    run.all(Code::Gap).into_iter().find(of_region).expect("a gap of the region")
}

fn home_log(archive: &Archive) -> &str {
    &archive.model.chains[1].digests[5].logs[1].key
}

#[test]
fn s59_a_stop_hours_after_the_end_explains_nothing() {
    for event in ["StopLogging", "DeleteTrail", "UpdateTrail"] {
        let parameters = json!({ "name": "audit", "enableLogFileValidation": false });
        let at = |end: Timestamp| end.plus(HOUR + 40 * 60);
        let (archive, end) = with_lost_hours(|end| change(event, at(end), &parameters));
        let run = run(&archive);
        // A second stop of what was stopped already looks the same, so it is no violation.
        run.status(3).finds(&["U gap x2"]);
        let lost = gap_of(&run, "eu-west-1");
        assert_eq!(lost.start, Some(end), "from the last digest that is there");
        assert!(!is_explained_by(lost, home_log(&archive)), "{}", lost.message);
        let until = at(end).to_string();
        assert!(lost.message.contains("gone on until") && lost.message.contains(&until), "{}", lost.message);
        // The same event explains the end of the chain that goes on until it.
        let kept = gap_of(&run, "us-east-1");
        assert!(is_explained_by(kept, home_log(&archive)), "{}", kept.message);
    }
}

#[test]
fn s59_how_long_before_the_stop_a_chain_may_end() {
    for (seconds, explains) in [(REACH, true), (REACH - 1, true), (REACH + 1, false), (2 * HOUR - 1, false)] {
        let (archive, _) =
            with_lost_hours(|end| change("StopLogging", end.plus(seconds), &json!({ "name": "audit" })));
        let run = run(&archive);
        run.status(3).finds(&["U gap x2"]);
        let gap = gap_of(&run, "eu-west-1");
        assert_eq!(is_explained_by(gap, home_log(&archive)), explains, "{seconds}: {}", gap.message);
    }
}

#[test]
fn s59_of_two_stops_the_one_that_fits_explains() {
    // Stopped, and stopped again by somebody who did not know.
    let (archive, end) = {
        let stops = vec![Stop { after: 3, pause: PAUSE, event: None }];
        let mut model =
            Plan { stops, hours: 5, home_region: "eu-west-1".to_owned(), ..Plan::default() }.model();
        let end = model.chains[0].digests[3].end();
        for seconds in [-600, 5 * HOUR] {
            let event = change("StopLogging", end.plus(seconds), &json!({ "name": "audit" }));
            model.chains[0].add_event(if seconds < 0 { 3 } else { 5 }, 1, &event);
        }
        (model.write(), end)
    };
    let run = run(&archive);
    run.status(3).finds(&["U gap"]);
    let gap = run.one(Code::Gap);
    assert!(is_explained_by(gap, archive.log(3, 1)), "{}", gap.message);
    assert!(gap.message.contains(&end.plus(-600).to_string()), "{}", gap.message);
}

#[test]
fn s59_the_narrower_scope_says_the_same() {
    let (archive, end) =
        with_lost_hours(|end| change("StopLogging", end.plus(2 * HOUR - 60), &json!({ "name": "audit" })));
    let mut options = options(&archive);
    options.policy.start = Some(end.plus(-2 * HOUR));
    let run = run_with(&options);
    run.status(3).finds(&["U gap x2"]);
    assert!(!is_explained_by(gap_of(&run, "eu-west-1"), home_log(&archive)), "{}", run.list());
}

/// One region, which is the trail's home; the last log before the pause holds the event.
fn with_update(parameters: &Value, response: &Value) -> Archive {
    let event =
        json!({ "eventName": "UpdateTrail", "requestParameters": parameters, "responseElements": response });
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    Plan { stops, home_region: "eu-west-1".to_owned(), ..Plan::default() }.model().write()
}

fn response(validation: bool) -> Value {
    json!({
        "name": "audit",
        "s3BucketName": "audit-logs",
        "trailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit",
        "includeGlobalServiceEvents": true,
        "isMultiRegionTrail": true,
        "logFileValidationEnabled": validation,
        "isOrganizationTrail": false,
    })
}

#[test]
fn s60_an_update_that_ends_validation_explains_a_gap() {
    for (parameters, response) in [
        (json!({ "name": "audit", "enableLogFileValidation": false }), Value::Null),
        (json!({ "name": "audit", "enableLogFileValidation": false }), response(false)),
        (json!({ "name": "audit", "isMultiRegionTrail": true }), response(false)),
    ] {
        let archive = with_update(&parameters, &response);
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        let gap = run.one(Code::Gap);
        assert!(is_explained_by(gap, archive.log(3, 1)), "{parameters} {response}: {}", gap.message);
        assert!(gap.message.contains("UpdateTrail at "), "{}", gap.message);
    }
}

#[test]
fn s60_any_other_update_explains_nothing() {
    for (parameters, response) in [
        (json!({ "name": "audit" }), Value::Null),
        (json!({ "name": "audit", "includeGlobalServiceEvents": true }), response(true)),
        (json!({ "name": "audit", "enableLogFileValidation": true }), response(true)),
        (json!({ "name": "audit", "enableLogFileValidation": "false" }), response(true)),
        (json!({ "name": "audit", "snsTopicName": "t" }), Value::Null),
        (json!({ "name": "audit", "s3BucketName": "audit-logs" }), response(true)),
    ] {
        let archive = with_update(&parameters, &response);
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        let gap = run.one(Code::Gap);
        assert!(!is_explained_by(gap, archive.log(3, 1)), "{parameters} {response}: {}", gap.message);
    }
}

#[test]
fn s60_an_update_to_a_place_that_is_not_here_explains_a_gap() {
    for (parameters, is_here) in [
        (json!({ "name": "audit", "s3BucketName": "elsewhere" }), false),
        (json!({ "name": "audit", "s3KeyPrefix": "other" }), false),
        (json!({ "name": "audit", "s3BucketName": "audit-logs", "s3KeyPrefix": "" }), true),
    ] {
        let archive = with_update(&parameters, &Value::Null);
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        let gap = run.one(Code::Gap);
        assert_eq!(is_explained_by(gap, archive.log(3, 1)), !is_here, "{parameters}: {}", gap.message);
    }
}

#[test]
fn s60_an_update_that_was_refused_explains_nothing() {
    let event = json!({
        "eventName": "UpdateTrail",
        "errorCode": "AccessDenied",
        "requestParameters": { "name": "audit", "enableLogFileValidation": false },
    });
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    let archive = Plan { stops, home_region: "eu-west-1".to_owned(), ..Plan::default() }.model().write();
    let run = run(&archive);
    run.status(3).finds(&["U gap"]);
    assert!(!is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
}

/// Two accounts with a trail of one name each; only the first one's stops. The event lies in a log of the
/// other account, in the last hour before the pause.
fn with_stranger(event: &Value, organization: Option<&str>) -> (Archive, String) {
    let stops = vec![Stop { after: 3, pause: PAUSE, event: None }];
    let home_region = "eu-west-1".to_owned();
    let own = Plan {
        stops,
        home_region: home_region.clone(),
        organization: organization.map(str::to_owned),
        ..Plan::default()
    };
    let stranger =
        Plan { accounts: vec!["999988887777".to_owned()], home_region, hours: 15, ..Plan::default() };
    let mut model = own.model().with(stranger.model());
    model.chains[1].add_event(3, 1, event);
    let log = model.chains[1].digests[3].logs[1].key.clone();
    (model.write(), log)
}

#[test]
fn s61_the_stop_of_another_accounts_trail_of_the_same_name() {
    for name in [
        "audit",
        "arn:aws:cloudtrail:eu-west-1:999988887777:trail/audit",
        // Another home region, another partition, another name that ends alike.
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
        "arn:aws-cn:cloudtrail:eu-west-1:111122223333:trail/audit",
        "arn:aws:cloudtrail:eu-west-1:111122223333:trail/my-audit",
        "arn:aws:s3:eu-west-1:111122223333:trail/audit",
        "x:111122223333:trail/audit",
    ] {
        let (archive, log) = with_stranger(&json!({ "requestParameters": { "name": name } }), None);
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        assert!(!is_explained_by(run.one(Code::Gap), &log), "{name}: {}", run.list());
    }
}

#[test]
fn s61_a_bare_name_is_of_the_events_own_region() {
    // The trail of that name whose home is there is another one.
    let event = json!({ "requestParameters": { "name": "audit" } });
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    let archive = Plan { stops, home_region: "us-east-1".to_owned(), ..Plan::default() }.model().write();
    let run = run(&archive);
    run.status(3).finds(&["U gap"]);
    assert!(!is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
}

#[test]
fn s61_an_arn_names_the_trail_wherever_the_event_is() {
    let event =
        json!({ "requestParameters": { "name": "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit" } });
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    let archive = Plan { stops, home_region: "us-east-1".to_owned(), ..Plan::default() }.model().write();
    let run = run(&archive);
    run.status(3).finds(&["U gap"]);
    assert!(is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
}

#[test]
fn s61_arns_of_all_partitions() {
    for region in ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1"] {
        let plan = Plan {
            regions: vec![region.to_owned()],
            home_region: region.to_owned(),
            stops: vec![Stop { after: 3, pause: PAUSE, event: None }],
            ..Plan::default()
        };
        let mut model = plan.model();
        let event = json!({ "requestParameters": { "name": model.chains[0].arn() } });
        model.chains[0].add_event(3, 1, &event);
        let archive = model.write();
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        assert!(is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
    }
}

/// An organization trail over the management account (chain 0) and a member (chain 1), stopped once.
fn organization_trail() -> Model {
    Plan {
        accounts: Plan::wide().accounts,
        organization: Some(ORGANIZATION.to_owned()),
        home_region: "eu-west-1".to_owned(),
        stops: vec![Stop { after: 3, pause: PAUSE, event: None }],
        ..Plan::default()
    }
    .model()
}

#[test]
fn s61_an_organization_trail_is_the_management_accounts() {
    // The delegated administrator, a member, may stop it: the ARN says whose it is.
    let mut model = organization_trail();
    let event = json!({ "requestParameters": { "name": model.chains[0].arn() } });
    model.chains[1].add_event(3, 1, &event);
    let archive = model.write();
    let run = run(&archive);
    run.status(3).finds(&["U gap x2"]);
    let log = &archive.model.chains[1].digests[3].logs[1].key;
    assert!(run.all(Code::Gap).iter().all(|gap| is_explained_by(gap, log)), "{}", run.list());
}

#[test]
fn s61_the_stop_of_a_strangers_trail_is_not_that_of_an_organization() {
    for name in ["audit", "arn:aws:cloudtrail:eu-west-1:999988887777:trail/audit"] {
        let event = json!({ "requestParameters": { "name": name } });
        let (archive, log) = with_stranger(&event, Some(ORGANIZATION));
        let run = run(&archive);
        run.status(3).finds(&["U gap"]);
        assert!(!is_explained_by(run.one(Code::Gap), &log), "{name}: {}", run.list());
    }
}

#[test]
fn s61_the_stop_of_another_organizations_trail() {
    let mut model = organization_trail();
    let other = Plan {
        accounts: vec!["999988887777".to_owned()],
        organization: Some("o-zzzz999999".to_owned()),
        home_region: "eu-west-1".to_owned(),
        hours: 15,
        ..Plan::default()
    };
    model = model.with(other.model());
    let event = json!({ "requestParameters": { "name": model.chains[2].arn() } });
    model.chains[2].add_event(3, 1, &event);
    let archive = model.write();
    let run = run(&archive);
    run.status(3).finds(&["U gap x2"]);
    let log = &archive.model.chains[2].digests[3].logs[1].key;
    assert!(!run.all(Code::Gap).iter().any(|gap| is_explained_by(gap, log)), "{}", run.list());
}

/// A trail that ends after three hours, in two regions, beside another one that goes on for eight.
fn with_ended_trail(event: Option<&Value>) -> Model {
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let ended =
        Plan { trails: vec!["old".to_owned()], hours: 3, regions: regions.clone(), ..Plan::default() };
    let mut model = ended.model();
    if let Some(event) = event {
        model.chains[1].add_event(3, 1, event);
    }
    model.with(Plan { trails: vec!["new".to_owned()], hours: 8, regions, ..Plan::default() }.model())
}

fn as_of_its_end(archive: &Archive) -> Run {
    let mut options = options(archive);
    let newest = archive.model.chains.iter().flat_map(|chain| &chain.digests).map(ModelDigest::end).max();
    options.expect.as_of = newest;
    run_with(&options)
}

#[test]
fn s72_a_trail_that_was_deleted_or_stopped_is_not_stale() {
    for event in ["DeleteTrail", "StopLogging"] {
        for name in ["old", "arn:aws:cloudtrail:us-east-1:111122223333:trail/old"] {
            let event = json!({ "eventName": event, "requestParameters": { "name": name } });
            let archive = with_ended_trail(Some(&event)).write();
            run(&archive).status(0).lacks(&["head_stale", "head_behind_peers"]);
            as_of_its_end(&archive).status(0).lacks(&["head_stale", "head_behind_peers"]);
        }
    }
}

#[test]
fn s72_without_such_an_event_the_chain_is_stale() {
    let archive = with_ended_trail(None).write();
    as_of_its_end(&archive).status(3).finds(&["U head_stale x2"]);
    for event in [
        json!({ "eventName": "DeleteTrail", "requestParameters": { "name": "new" } }),
        json!({ "eventName": "DeleteTrail", "requestParameters": { "name": "old" }, "errorCode": "AccessDenied" }),
        json!({ "eventName": "StopLogging",
                "requestParameters": { "name": "arn:aws:cloudtrail:us-east-1:999988887777:trail/old" } }),
        json!({ "eventName": "UpdateTrail", "requestParameters": { "name": "old", "enableLogFileValidation": true } }),
    ] {
        let archive = with_ended_trail(Some(&event)).write();
        as_of_its_end(&archive).status(3).finds_at_least(&["U head_stale"]);
    }
}

#[test]
fn s72_a_chain_that_lost_its_last_hours_before_the_end() {
    // The event is in the home region; the other one ends two hours too early.
    let mut model = with_ended_trail(None);
    let at = model.chains[1].digests[3].end().plus(-120);
    let event = json!({ "eventName": "DeleteTrail", "eventTime": at.to_string(),
                        "requestParameters": { "name": "old" } });
    model.chains[1].add_event(3, 1, &event);
    let archive = model.write();
    archive.delete_hour(3);
    archive.delete_hour(2);
    let run = as_of_its_end(&archive);
    run.status(3).finds_at_least(&["U head_stale"]);
    let stale = run.coded("head_stale");
    assert!(stale.iter().all(|finding| finding.region.as_deref() == Some("eu-west-1")), "{}", run.list());
}

#[test]
fn s72_an_event_in_a_log_that_is_not_proven_ends_nothing() {
    let event = json!({ "eventName": "DeleteTrail", "requestParameters": { "name": "old" } });
    let archive = with_ended_trail(None).write();
    let chain = &archive.model.chains[1];
    let stamp = chain.digests[3].start().plus(1200);
    let mut record = trailseal_testkit::record(chain, stamp, "DeleteTrail", "planted");
    record["requestParameters"] = event["requestParameters"].clone();
    let key = chain.log_key(stamp, "PLANTEDxPLANTEDx");
    let content = trailseal_testkit::gzip_member(&trailseal_testkit::records(&[record]), 6);
    archive.write_object(&chain.bucket, &key, &content);
    as_of_its_end(&archive).status(3).finds(&["U head_stale x2", "U log_unreferenced"]);
}

#[test]
fn s72_a_trail_that_was_started_again_has_not_ended() {
    // What came after the start was removed: the stop before it is no excuse.
    let stop = json!({ "eventName": "StopLogging", "requestParameters": { "name": "old" } });
    let mut model = with_ended_trail(Some(&stop));
    let start = json!({ "eventName": "StartLogging", "requestParameters": { "name": "old" } });
    model.chains[3].add_event(5, 0, &start);
    as_of_its_end(&model.write()).status(3).finds_at_least(&["U head_stale"]);
}

#[test]
fn s72_the_trails_that_control_tower_replaced() {
    // Account trails were deleted, and an organization trail of the same name goes on beside.
    let name = "aws-controltower-BaselineCloudTrail";
    let accounts = Plan::wide().accounts;
    let plan = |organization: Option<&str>, hours| Plan {
        accounts: accounts.clone(),
        trails: vec![name.to_owned()],
        home_region: "eu-west-1".to_owned(),
        organization: organization.map(str::to_owned),
        prefix: format!("{ORGANIZATION}/"),
        hours,
        ..Plan::default()
    };
    let mut model = plan(None, 4).model();
    for chain in &mut model.chains {
        chain.add_event(4, 1, &json!({ "eventName": "DeleteTrail", "requestParameters": { "name": name } }));
    }
    let mut later = plan(Some(ORGANIZATION), 5);
    later.start = later.start.plus(4 * HOUR + 420);
    let archive = model.with(later.model()).write();
    run(&archive).status(0).finds(&[]);
    as_of_its_end(&archive).status(0).finds(&[]);
}

/// An organization trail; the member's chain ends after four hours, the management account's goes on.
fn with_member_that_left(account: usize, event: &Value) -> Archive {
    let plan = |accounts: &[&str], hours| Plan {
        accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
        organization: Some(ORGANIZATION.to_owned()),
        home_region: "eu-west-1".to_owned(),
        hours,
        ..Plan::default()
    };
    let mut model = plan(&["111122223333"], 9).model().with(plan(&["444455556666"], 4).model());
    model.chains[account].add_event(4, 1, event);
    model.write()
}

fn departure(name: &str, parameters: &Value) -> Value {
    json!({ "eventName": name, "eventSource": "organizations.amazonaws.com", "requestParameters": parameters })
}

#[test]
fn s94_a_member_that_was_removed_or_left() {
    for (account, event) in [
        (0, departure("RemoveAccountFromOrganization", &json!({ "accountId": "444455556666" }))),
        (1, departure("LeaveOrganization", &Value::Null)),
    ] {
        let archive = with_member_that_left(account, &event);
        run(&archive).status(0).lacks(&["head_stale", "head_behind_peers"]);
        as_of_its_end(&archive).status(0).lacks(&["head_stale", "head_behind_peers"]);
    }
}

#[test]
fn s94_what_ends_no_members_chain() {
    for (account, event) in [
        (0, departure("RemoveAccountFromOrganization", &json!({ "accountId": "777788889999" }))),
        (0, departure("LeaveOrganization", &Value::Null)),
        (0, departure("InviteAccountToOrganization", &json!({ "accountId": "444455556666" }))),
        (
            0,
            json!({ "eventName": "RemoveAccountFromOrganization",
                    "requestParameters": { "accountId": "444455556666" } }),
        ),
        (
            0,
            json!({ "eventName": "RemoveAccountFromOrganization", "errorCode": "AccessDenied",
                    "eventSource": "organizations.amazonaws.com",
                    "requestParameters": { "accountId": "444455556666" } }),
        ),
    ] {
        let archive = with_member_that_left(account, &event);
        as_of_its_end(&archive).status(3).finds_at_least(&["U head_stale"]);
    }
}

#[test]
fn s94_a_member_whose_last_hours_are_gone() {
    // It left in the ninth hour; its digests end in the fourth.
    let mut model = with_member_that_left(1, &json!({ "eventName": "ListUsers" })).model;
    let event = departure("RemoveAccountFromOrganization", &json!({ "accountId": "444455556666" }));
    model.chains[0].add_event(8, 1, &event);
    as_of_its_end(&model.write()).status(3).finds_at_least(&["U head_stale"]);
}
