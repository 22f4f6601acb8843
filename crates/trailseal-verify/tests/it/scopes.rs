//! What was asked for, and what an unproven digest may not decide of it.

use trailseal_archive::Timestamp;
use trailseal_testkit::{DigestDocument, Plan, Stop};
use trailseal_verify::Policy;

use crate::case::{Case, check, hour, hours, plan};

/// Ways of a digest to say that it is not what was asked for.
type Disguise = fn(&mut DigestDocument);

const DISGUISES: [Disguise; 5] = [
    |document| document.log_files.clear(),
    |document| {
        document.start_time = hour(-9000).to_string();
        document.end_time = hour(-8999).to_string();
    },
    |document| {
        document.start_time = hour(9000).to_string();
        document.end_time = hour(9001).to_string();
    },
    |document| "444455556666".clone_into(&mut document.aws_account_id),
    |document| {
        "444455556666".clone_into(&mut document.aws_account_id);
        document.end_time = hour(-8999).to_string();
        document.s3_object = document
            .s3_object
            .replace("111122223333", "444455556666")
            .replace("eu-west-1", "us-west-2")
            .replace("_audit_", "_other_");
    },
];

fn narrowed(case: Case) -> [Case; 5] {
    [
        case.clone(),
        case.clone().from(3).to(4),
        case.clone().from(3),
        case.clone().to(4),
        case.account("111122223333").trail("audit"),
    ]
}

/// That a violation is told of digest 4, under every scope that holds its hour.
#[track_caller]
fn is_accused(case: Case) {
    for (number, case) in narrowed(case).into_iter().enumerate() {
        let key = case.key(4);
        let seen = case.judge();
        let violation =
            |line: &String| line.starts_with("V digest_altered") || line.starts_with("V digest_missing 4");
        assert!(seen.lines().iter().any(violation), "scope {number}: {:?}", seen.lines());
        let is_named = |finding: &trailseal_verify::Finding| {
            finding.key.as_deref() == Some(&*key) || finding.path.as_deref() == Some(&*key)
        };
        assert!(seen.assessment.findings.iter().any(is_named), "scope {number}: {:?}", seen.lines());
    }
}

#[test]
fn s81_an_altered_digest_does_not_leave_the_scope() {
    for disguise in DISGUISES {
        is_accused(hours(6).edit(4, disguise));
        // No successor speaks of the newest one; the signature of what was there lies beside it.
        is_accused(hours(4).edit(4, disguise));
    }
}

#[test]
fn s81_a_forgery_beside_an_empty_place_does_not_fill_it() {
    // The digest is gone; another file claims its place, and says that it is of another time.
    let case = hours(6);
    let mut forged = case.digest(4).clone();
    forged.document.start_time = hour(-9000).to_string();
    forged.document.end_time = hour(-8999).to_string();
    forged.seal();
    let mut case = case.remove(4).plant(&forged);
    case.file("p0").signatures.clear();
    is_accused(case.clone());
    case.file("p0").lay("elsewhere/x.json.gz");
    is_accused(case);
}

#[test]
fn s81_what_lies_outside_by_place_and_by_content_is_not_judged() {
    let case = hours(6).edit(1, |document| document.log_files.clear());
    check(case.clone().from(2), "...vvvv", &[]);
    check(case.clone().from(1), "..vvvvv", &[]);
    check(case.clone().from(0), ".xvvvvv", &["V digest_altered 1 0..1 by 2"]);
    check(case.clone().to(1), "vx.....", &["V digest_altered 1 0..1 by 2"]);
    check(case.clone().to(0), "v......", &[]);
    check(case.clone().account("444455556666"), ".......", &[]);
    check(case.trail("other"), ".......", &[]);
}

#[test]
fn s81_an_authentic_digest_is_believed_wherever_its_hour_is() {
    let case = hours(4);
    check(case.clone().from(2).to(3), "...v.", &[]);
    check(case.clone().from(4), ".....", &[]);
    check(case.to(-1), ".....", &[]);
}

#[test]
fn s81_an_authentic_digest_in_another_hours_place_is_judged_for_both() {
    let case = hours(6).replay(1, 4);
    let expected = ["V digest_missing 4 3..4 by 5", "V location_mismatch 1 @4 0..1"];
    check(case.clone().from(3).to(4), "....X..", &expected);
    check(case.to(1), "vv..X..", &["V location_mismatch 1 @4 0..1"]);
}

#[test]
fn s81_the_date_folder_says_the_day_where_the_stamp_is_of_another() {
    // No digest, under a name of that year's: its folder says when.
    let case = hours(2);
    let folder = case.key(2).rsplit_once('/').unwrap().0.to_owned();
    let name = |time: Timestamp| {
        let key = case.model.chains[0].digest_key(time);
        format!("{folder}/{}", key.rsplit_once('/').unwrap().1)
    };
    let states = |key: &str, from: i64, to: i64| {
        let mut case = case.clone().copy(2, key);
        case.file("p0").stored = Ok(b"{".to_vec());
        case.from(from).to(to).judge().states().split(' ').nth(1).unwrap().to_owned()
    };
    // Of its folder's day, the stamp says the hour. Hour 0 ends at 00:13:52 of the folder's day.
    let inside = name(hour(5));
    assert_eq!(states(&inside, 4, 5), "x");
    assert_eq!(states(&inside, 5, 6), ".");
    assert_eq!(states(&inside, 3, 4), ".");
    // Of another day, both say it.
    let outside = name(hour(100));
    assert_eq!(states(&outside, 99, 100), "x");
    assert_eq!(states(&outside, 3, 4), "x");
    assert_eq!(states(&outside, 22, 23), "x");
    assert_eq!(states(&outside, 24, 25), ".");
    assert_eq!(states(&outside, -3, -1), ".");
    // The day's last second is of the day, and the next one is not.
    let start_of_day = hour(0).plus(-832);
    assert_eq!(states(&name(start_of_day.plus(24 * 3600 - 1)), 3, 4), ".");
    assert_eq!(states(&name(start_of_day.plus(24 * 3600)), 3, 4), "x");
    assert_eq!(states(&name(start_of_day), 3, 4), ".");
    assert_eq!(states(&name(start_of_day.plus(-1)), 3, 4), "x");
    // Without a stamp the folder is all there is, and without a folder nothing is left out.
    let stray = |key: &str, case: &Case| {
        let mut case = case.clone().copy(2, key);
        case.file("p0").stored = Ok(b"{".to_vec());
        case.judge().lines()
    };
    assert_eq!(stray(&format!("{folder}/x"), &case.clone().from(3).to(4)), ["U stray_object p0"]);
    assert_eq!(stray(&format!("{folder}/x"), &case.clone().from(24)), [""; 0]);
    assert_eq!(stray("x", &case.clone().from(24)), ["U stray_object p0"]);
}

#[test]
fn s81_a_place_of_another_account_region_or_trail_was_not_asked_for() {
    let case = hours(2);
    let judged = |key: &str, narrow: fn(&mut Policy)| {
        let mut case = case.clone().copy(2, key);
        case.file("p0").stored = Ok(b"{".to_vec());
        narrow(&mut case.policy);
        case.judge().lines().iter().any(|line| line.contains(" p0"))
    };
    let key = case.model.chains[0].digest_key(hour(5));
    assert!(judged(&key, |policy| policy.accounts = vec!["111122223333".into()]));
    assert!(!judged(&key, |policy| policy.accounts = vec!["444455556666".into()]));
    assert!(judged(&key, |policy| policy.regions = vec!["eu-west-1".into()]));
    assert!(!judged(&key, |policy| policy.regions = vec!["eu-west-2".into()]));
    assert!(judged(&key, |policy| policy.trails = vec!["audit".into(), "x".into()]));
    assert!(!judged(&key, |policy| policy.trails = vec!["x".into()]));
    // Folder and name say different regions: either may be the one that was asked for.
    let mixed = key.replace("/eu-west-1/", "/eu-west-2/");
    assert!(judged(&mixed, |policy| policy.regions = vec!["eu-west-1".into()]));
    assert!(judged(&mixed, |policy| policy.regions = vec!["eu-west-2".into()]));
    assert!(!judged(&mixed, |policy| policy.regions = vec!["eu-west-3".into()]));
    // A folder with no name to it, of a trail that is not known.
    let stray = format!("{}/x", key.rsplit_once('/').unwrap().0);
    assert!(judged(&stray, |policy| policy.trails = vec!["x".into()]));
    assert!(!judged(&stray, |policy| policy.accounts = vec!["444455556666".into()]));
}

#[test]
fn s81_a_trail_that_was_not_asked_for_is_no_chain() {
    let trails = vec!["t1".to_owned(), "t2".to_owned()];
    let case = plan(Plan { hours: 2, trails, ..Plan::default() }).remove_labelled("b1").trail("t1");
    let seen = check(case, "vvv .-.", &[]);
    assert_eq!(seen.assessment.chains.len(), 1);
}

#[test]
fn s30_what_is_missing_is_told_if_the_span_or_who_says_it_was_asked_for() {
    let case = hours(6).remove(2).remove(3);
    let (missing, inferred) = ("V digest_missing 3 2..3 by 4", "V digests_missing_inferred 1..2 x1 by 4");
    check(case.clone().from(3).to(4), "..--v..", &["U digest_missing 3 2..3 by 4"]);
    check(case.clone().from(2).to(3), "..--...", &[missing]);
    check(case.clone().from(1).to(2), "..--...", &[missing, inferred]);
    check(case.clone().from(4), "..--.vv", &[]);
    check(case.clone().to(1), "vv--...", &[]);
    check(case.to(0), "v.--...", &[]);
}

#[test]
fn s33_a_gap_is_told_if_any_of_it_was_asked_for() {
    let stops = vec![Stop { after: 2, pause: 4 * 3600, event: None }];
    let case = plan(Plan { hours: 3, stops, ..Plan::default() });
    let gap = ["U gap 3 2..5"];
    check(case.clone().from(3).to(4), ".....", &gap);
    check(case.clone().from(5).to(6), "...v.", &gap);
    check(case.clone().from(6), "....v", &[]);
    check(case.to(2), "vvv..", &[]);
}

#[test]
fn s37_a_discontinuity_is_told_if_any_of_it_was_asked_for() {
    let case = hours(3).signed(|chain| {
        chain.set_window(3, hour(4), hour(5));
        chain.seal_from(3);
    });
    let hole = ["U window_discontinuity 3 2..4"];
    check(case.clone().from(2).to(3), "....", &hole);
    check(case.clone().from(4), "...v", &hole);
    check(case.to(2), "vvv.", &[]);
}

#[test]
fn s38_a_window_that_was_not_asked_for_is_no_anomaly() {
    let case = hours(3).signed(|chain| {
        chain.set_window(1, hour(0), hour(1).plus(-600));
        chain.set_window(2, hour(1).plus(-600), hour(2));
        chain.seal_from(1);
    });
    check(case.clone(), "vvvv", &["N window_anomaly 1 0..0+3000s", "N window_anomaly 2 0+3000s..2"]);
    check(case.from(2), "...v", &[]);
}
