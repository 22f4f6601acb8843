use super::*;
use crate::chain_id::ChainKind;

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_epoch(1_709_251_200 + seconds).unwrap()
}

fn chain(account: &str, region: &str, trail: &str) -> ChainId {
    ChainId {
        organization: None,
        account: account.to_owned(),
        region: region.to_owned(),
        trail: trail.to_owned(),
        home_region: "us-east-1".to_owned(),
        kind: ChainKind::Standard,
    }
}

#[test]
fn nothing_asked_is_everything() {
    let policy = Policy::default();
    assert!(
        policy.wants_place("1", "r")
            && policy.is_of_all_places()
            && policy.wants_chain(&chain("1", "r", "t"))
    );
    assert!(policy.overlaps(time(0), time(1)) && policy.contains(time(0)));
}

#[test]
fn accounts_regions_and_trails_narrow_each_by_itself() {
    let accounts = Policy { accounts: vec!["1".into(), "2".into()], ..Policy::default() };
    assert!(
        accounts.wants_place("2", "r") && !accounts.wants_place("3", "r") && accounts.wants_place("", "r")
    );
    let regions = Policy { regions: vec!["r".into()], ..Policy::default() };
    assert!(regions.wants_place("1", "r") && !regions.wants_place("1", "s") && regions.wants_place("1", ""));
    let both = Policy { accounts: vec!["1".into()], regions: vec!["r".into()], ..Policy::default() };
    assert!(both.wants_place("1", "r") && !both.wants_place("1", "s") && !both.wants_place("2", "r"));
    for narrow in [&accounts, &regions, &both] {
        assert!(!narrow.is_of_all_places());
    }
    let trails = Policy { trails: vec!["t".into()], ..both };
    assert!(trails.wants_chain(&chain("1", "r", "t")));
    for other in [chain("1", "r", "u"), chain("1", "s", "t"), chain("2", "r", "t")] {
        assert!(!trails.wants_chain(&other));
    }
    assert!(Policy { trails: vec!["t".into()], ..Policy::default() }.is_of_all_places());
}

#[test]
fn a_window_overlaps_unless_it_only_touches() {
    let asked = Policy { start: Some(time(100)), end: Some(time(200)), ..Policy::default() };
    for (start, end, expected) in [
        (0, 100, false),
        (0, 101, true),
        (120, 130, true),
        (199, 300, true),
        (200, 300, false),
        (0, 300, true),
    ] {
        assert_eq!(asked.overlaps(time(start), time(end)), expected, "{start}..{end}");
    }
    assert!([100, 150, 200].iter().all(|at| asked.contains(time(*at))));
    assert!(![99, 201].iter().any(|at| asked.contains(time(*at))));
    let (from, to) = (Policy { end: None, ..asked.clone() }, Policy { start: None, ..asked });
    assert!(from.contains(time(900)) && from.overlaps(time(900), time(901)) && !from.contains(time(99)));
    assert!(to.contains(time(0)) && to.overlaps(time(0), time(1)) && !to.contains(time(201)));
}

#[test]
fn what_is_allowed_becomes_a_note_and_no_violation_does() {
    let policy = Policy { allowed: vec![Code::Gap, Code::LogAltered], ..Policy::default() };
    let weighed = |code| {
        let mut finding = Finding::new(code, "");
        policy.weigh(&mut finding);
        finding.severity
    };
    assert_eq!(weighed(Code::Gap), Severity::Note);
    assert_eq!(weighed(Code::LogAltered), Severity::Violation);
    assert_eq!(weighed(Code::KeyUnknown), Severity::Unproven);
    assert_eq!(weighed(Code::LayoutLost), Severity::Note);
}
