//! What was done to whole digests and chains: situations 25, 26, 28 to 39.

use serde_json::{Value, json};
use trailseal_evidence::Error;
use trailseal_evidence::report::Verdict;
use trailseal_testkit::{Archive, Plan, Stop};
use trailseal_verify::{Code, Evidence, Severity, Status};

use crate::support::{HOUR, is_explained_by, options, options_for, run, run_with, small, try_run, window};

/// A pause that is not one of whole hours, as real ones are not.
const PAUSE: i64 = 5 * HOUR + 427;

fn with_gap(event: Option<Value>) -> Archive {
    Plan { stops: vec![Stop { after: 3, pause: PAUSE, event }], ..Plan::default() }.model().write()
}

#[test]
fn s25_an_interior_digest_deleted() {
    for with_sidecar in [true, false] {
        let archive = small();
        archive.delete(archive.digest(3));
        if with_sidecar {
            archive.remove_sidecar(archive.digest(3));
        }
        let run = run(&archive);
        run.finds(&["V digest_missing", "U log_outside_coverage x2"]).digest_totals([6, 6, 0, 0, 1]);
        run.log_totals([10, 10, 0, 0, 0]).unnamed_totals([0, 0, 2]);
        let finding = run.one(Code::DigestMissing);
        assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
        assert_eq!(finding.digest.as_deref(), Some(archive.digest(4)));
        assert_eq!((finding.start, finding.end), window(&archive, 3));
        let gaps = &run.report.chains[0].gaps;
        assert_eq!(gaps.len(), 1);
        assert_eq!((Some(gaps[0].start), Some(gaps[0].end)), window(&archive, 3));
        assert_eq!(gaps[0].code, Code::DigestMissing);
    }
}

#[test]
fn s25_an_interior_digest_deleted_with_its_logs() {
    let archive = small();
    archive.delete_digest(archive.digest(3));
    archive.delete(archive.log(3, 0));
    archive.delete(archive.log(3, 1));
    run(&archive).finds(&["V digest_missing"]).digest_totals([6, 6, 0, 0, 1]).log_totals([10, 10, 0, 0, 0]);
}

#[test]
fn s26_consecutive_digests_deleted() {
    for count in 2..=4 {
        let archive = small();
        for position in 5 - count..5 {
            archive.delete_digest(archive.digest(position));
        }
        let run = run(&archive);
        let logs = format!("U log_outside_coverage x{}", 2 * count);
        run.finds(&["V digest_missing", "V digests_missing_inferred", &logs]);
        run.digest_totals([7 - count as u64, 7 - count as u64, 0, 0, count as u64]);
        assert_eq!(run.one(Code::DigestMissing).key.as_deref(), Some(archive.digest(4)));
        assert_eq!(
            (run.one(Code::DigestMissing).start, run.one(Code::DigestMissing).end),
            window(&archive, 4)
        );
        let inferred = run.one(Code::DigestsMissingInferred);
        assert_eq!(inferred.count, Some(count as u64 - 1));
        assert_eq!(inferred.start, window(&archive, 5 - count).0);
        assert_eq!(inferred.end, window(&archive, 3).1);
    }
}

#[test]
fn s26_two_separate_holes() {
    let archive = small();
    archive.delete_digest(archive.digest(2));
    archive.delete_digest(archive.digest(4));
    let run = run(&archive);
    run.finds(&["V digest_missing x2", "U log_outside_coverage x4"]).digest_totals([5, 5, 0, 0, 2]);
}

#[test]
fn s28_the_newest_digests_deleted_and_the_logs_kept() {
    let archive = small();
    for position in 4..=6 {
        archive.delete_digest(archive.digest(position));
    }
    let run = run(&archive);
    run.finds(&["U head_stale", "U log_pending x4", "U log_outside_coverage x2"]);
    run.digest_totals([4, 4, 0, 0, 0]).unnamed_totals([0, 4, 2]);
    let finding = run.one(Code::HeadStale);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
    assert_eq!(finding.start, window(&archive, 3).1);
    assert_eq!(run.report.chains[0].head.as_ref().unwrap().key, archive.digest(3));
}

#[test]
fn s28_the_trail_is_newer_elsewhere() {
    let archive = Plan::wide().model().write();
    for digest in &archive.chain().digests[4..] {
        archive.delete_digest(digest.object());
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
    }
    let run = run(&archive);
    run.finds(&["U head_stale", "U head_behind_peers"]).digest_totals([25, 25, 0, 0, 0]);
    for code in [Code::HeadStale, Code::HeadBehindPeers] {
        let finding = run.one(code);
        assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
        assert_eq!((finding.start, finding.end), (window(&archive, 3).1, window(&archive, 6).1));
        assert_eq!(
            (finding.account.as_deref(), finding.region.as_deref()),
            (Some("111122223333"), Some("eu-west-1"))
        );
    }
}

#[test]
fn s28_older_than_the_time_asked_for() {
    let archive = small();
    let mut options = options(&archive);
    let end = archive.chain().digests[6].end();
    options.expect.as_of = Some(end);
    run_with(&options).finds(&[]);
    options.expect.as_of = Some(end.plus(1));
    let run = run_with(&options);
    run.finds(&["U head_stale"]);
    assert_eq!(
        (run.one(Code::HeadStale).start, run.one(Code::HeadStale).end),
        (Some(end), Some(end.plus(1)))
    );
}

#[test]
fn s29_the_newest_digests_and_their_logs_deleted_in_one_region() {
    let archive = Plan { regions: Plan::wide().regions, ..Plan::default() }.model().write();
    archive.delete_digest(archive.digest(6));
    archive.delete(archive.log(6, 0));
    archive.delete(archive.log(6, 1));
    let run = run(&archive);
    run.finds(&["U head_behind_peers"]).digest_totals([13, 13, 0, 0, 0]).log_totals([22, 22, 0, 0, 0]);
    let finding = run.one(Code::HeadBehindPeers);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(5)));
    assert_eq!((finding.start, finding.end), (window(&archive, 5).1, window(&archive, 6).1));
}

#[test]
fn s29_accounts_are_peers_in_an_organization_only() {
    for organization in [Some("o-abcd123456".to_owned()), None] {
        let is_one_trail = organization.is_some();
        let plan = Plan { organization, regions: Plan::default().regions, ..Plan::wide() };
        let archive = plan.model().write();
        archive.delete_digest(archive.digest(6));
        archive.delete(archive.log(6, 0));
        archive.delete(archive.log(6, 1));
        let expected: &[&str] = if is_one_trail { &["U head_behind_peers"] } else { &[] };
        run(&archive).finds(expected).digest_totals([13, 13, 0, 0, 0]);
    }
}

#[test]
fn s29_the_newest_digests_and_their_logs_deleted_alone() {
    let archive = small();
    archive.delete_digest(archive.digest(6));
    archive.delete(archive.log(6, 0));
    archive.delete(archive.log(6, 1));
    let run = run(&archive);
    // Nothing is left that could tell; the covered interval says what was proven.
    run.finds(&[]).digest_totals([6, 6, 0, 0, 0]);
    assert_eq!(Some(run.report.chains[0].proven[0].end), window(&archive, 5).1);
    let mut options = options(&archive);
    options.policy.end = window(&archive, 6).1;
    let run = run_with(&options);
    run.finds(&["U coverage_ends_early"]);
    let finding = run.one(Code::CoverageEndsEarly);
    assert_eq!((finding.start, finding.end), (window(&archive, 5).1, window(&archive, 6).1));
}

#[test]
fn s30_the_oldest_digests_deleted() {
    let archive = small();
    archive.delete_digest(archive.digest(0));
    let only_first = run(&archive);
    only_first.finds(&["V tail_cut"]).digest_totals([6, 6, 0, 0, 1]).log_totals([12, 12, 0, 0, 0]);
    let finding = only_first.one(Code::TailCut);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(0)));
    assert_eq!(finding.digest.as_deref(), Some(archive.digest(1)));
    assert_eq!((finding.start, finding.end), window(&archive, 0));
    // With logs that the deleted digests named, those are older than what is covered.
    archive.delete_digest(archive.digest(1));
    archive.delete_digest(archive.digest(2));
    let run = run(&archive);
    run.finds(&["V tail_cut", "U coverage_starts_late", "U log_outside_coverage x4"])
        .log_totals([8, 8, 0, 0, 0]);
    assert_eq!(run.one(Code::TailCut).key.as_deref(), Some(archive.digest(2)));
}

#[test]
fn s30_the_oldest_digests_deleted_before_the_time_asked_for() {
    let archive = small();
    for position in 0..=2 {
        archive.delete_digest(archive.digest(position));
    }
    let mut options = options(&archive);
    options.policy.start = window(&archive, 3).0;
    let run = run_with(&options);
    run.finds(&["U tail_cut"]).digest_totals([4, 4, 0, 0, 0]).log_totals([8, 8, 0, 0, 0]);
}

#[test]
fn s31_all_digests_deleted() {
    let archive = Plan { regions: Plan::wide().regions, ..Plan::default() }.model().write();
    for digest in &archive.chain().digests {
        archive.delete_digest(digest.object());
    }
    let one = run(&archive);
    one.finds(&["U no_digests"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    one.unnamed_totals([0, 0, 12]);
    let finding = one.one(Code::NoDigests);
    assert_eq!(
        (finding.account.as_deref(), finding.region.as_deref()),
        (Some("111122223333"), Some("eu-west-1"))
    );
    assert_eq!(finding.count, Some(12));
    for digest in &archive.model.chains[1].digests {
        archive.delete_digest(digest.object());
    }
    let none = run(&archive);
    none.finds(&["U no_digests x2"]).digest_totals([0; 5]).unnamed_totals([0, 0, 24]);
    assert_eq!((none.report.verdict, none.report.exit_status), (Verdict::Unproven, 3));
}

#[test]
fn s32_nothing_to_verify() {
    let archive = small();
    let empty = tempfile::tempdir().unwrap();
    let nothing = |options: &trailseal_evidence::Options, words: &[&str]| match try_run(options)
        .map(|run| run.report)
    {
        Err(Error::NothingToVerify(sought)) => {
            for word in words {
                assert!(sought.contains(word), "{word} in {sought}");
            }
        }
        other => panic!("{other:?}"),
    };
    let root = empty.path().display().to_string();
    nothing(&options_for(&[empty.path().to_owned()], &archive.keys()), &[&root, "AWSLogs"]);
    // The key files are no archive.
    nothing(&options_for(&[archive.keys()], &archive.keys()), &["AWSLogs"]);
    let mut narrowed = options(&archive);
    narrowed.policy.accounts = vec!["999999999999".to_owned()];
    nothing(&narrowed, &["999999999999"]);
    let mut narrowed = options(&archive);
    narrowed.policy.regions = vec!["us-west-1".to_owned()];
    nothing(&narrowed, &["us-west-1"]);
    // A span of which there is nothing is no wrong folder: it is said from when to when the archive reaches (80).
    let mut narrowed = options(&archive);
    narrowed.policy.start = Some(archive.model.plan.start.plus(1000 * HOUR));
    let late = run_with(&narrowed);
    late.finds(&["U coverage_ends_early"]);
    assert!(late.one(Code::CoverageEndsEarly).message.contains("2024-03-01T06:13:52Z"));
    let mut narrowed = options(&archive);
    narrowed.policy.end = Some(archive.model.plan.start.plus(-1000 * HOUR));
    run_with(&narrowed).finds(&["U coverage_starts_late"]);
    let missing = empty.path().join("missing");
    let error = try_run(&options_for(&[missing], &archive.keys())).map(|run| run.report).unwrap_err();
    assert!(matches!(error, Error::Root(_)) && error.to_string().contains("missing"), "{error}");
    let file = archive.path(archive.log(1, 0));
    assert!(matches!(try_run(&options_for(&[file], &archive.keys())), Err(Error::Root(_))));
}

#[test]
fn s32_a_trail_that_is_not_there() {
    let archive = small();
    let mut narrowed = options(&archive);
    narrowed.policy.trails = vec!["another".to_owned()];
    match try_run(&narrowed).map(|run| run.report) {
        Err(Error::NothingToVerify(sought)) => assert!(sought.contains("another"), "{sought}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn s33_logging_stopped_and_started() {
    let archive = with_gap(None);
    let run = run(&archive);
    run.finds(&["U gap"]).digest_totals([8, 8, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    let finding = run.one(Code::Gap);
    assert_eq!((finding.start, finding.end), (window(&archive, 3).1, window(&archive, 4).0));
    assert_eq!(finding.key.as_deref(), Some(archive.digest(4)), "the new starting digest");
    let chain = &run.report.chains[0];
    assert_eq!(chain.gaps.len(), 1);
    assert_eq!(chain.gaps[0].code, Code::Gap);
    assert_eq!(chain.proven.len(), 2);
}

/// As [`with_gap`], of a trail whose home is the region that has the event.
fn with_gap_at_home(event: Value) -> Archive {
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    Plan { stops, home_region: "eu-west-1".to_owned(), ..Plan::default() }.model().write()
}

#[test]
fn s33_a_gap_that_a_verified_log_explains() {
    // That hours without a log are explained does not make them harmless.
    for event in ["StopLogging", "DeleteTrail", "UpdateTrail"] {
        for name in ["audit", "arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"] {
            let parameters = json!({ "name": name, "enableLogFileValidation": false });
            let archive = with_gap_at_home(json!({ "eventName": event, "requestParameters": parameters }));
            let run = run(&archive);
            run.status(3).finds(&["U gap"]);
            let gap = run.one(Code::Gap);
            let time = archive.chain().digests[3].logs[1].newest;
            assert!(gap.message.contains(&format!("{event} at {time}")), "{}", gap.message);
            assert!(is_explained_by(gap, archive.log(3, 1)), "{}", gap.message);
        }
    }
}

#[test]
fn s33_a_gap_that_is_allowed_still_counts_its_hours() {
    for event in [None, Some(json!({ "requestParameters": { "name": "audit" } }))] {
        let archive = event.map_or_else(|| with_gap(None), with_gap_at_home);
        let mut options = options(&archive);
        let plain = run_with(&options);
        plain.status(3).finds(&["U gap"]);
        options.policy.allowed = vec![Code::Gap];
        let allowed = run_with(&options);
        allowed.status(0).finds(&["N gap"]);
        assert_eq!(allowed.verdict(), "verified", "all that was delivered is proven");
        for run in [plain, allowed] {
            let seconds = run.value()["totals"]["gap_seconds"].as_i64();
            assert_eq!(seconds, Some(PAUSE - HOUR), "from the last end to the new start");
        }
    }
    let none = run(&small()).value()["totals"]["gap_seconds"].as_i64();
    assert!(matches!(none, None | Some(0)), "{none:?}");
}

#[test]
fn s33_a_gap_that_a_log_of_the_home_region_explains() {
    // StopLogging is recorded where the trail lives; the gap is in every region.
    let event = json!({ "eventName": "StopLogging", "requestParameters": { "name": "audit" } });
    let stops = vec![Stop { after: 3, pause: PAUSE, event: Some(event) }];
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let mut model = Plan { stops, regions, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    let text = String::from_utf8(chain.digests[3].logs[1].content.clone()).unwrap();
    chain.digests[3].logs[1].content = text.replace("StopLogging", "GetObject").into_bytes();
    chain.digests[3].name_logs();
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    run.status(3).finds(&["U gap x2"]);
    let log = &archive.model.chains[1].digests[3].logs[1].key;
    assert!(run.all(Code::Gap).iter().all(|gap| is_explained_by(gap, log)), "{}", run.list());
}

#[test]
fn s33_events_that_explain_nothing() {
    for event in [
        json!({ "requestParameters": { "name": "another" } }),
        json!({ "requestParameters": { "name": "audit" }, "errorCode": "AccessDenied" }),
        json!({ "requestParameters": { "name": "audit" }, "eventSource": "ec2.amazonaws.com" }),
        json!({ "requestParameters": { "name": "audit" }, "eventName": "GetTrail" }),
        json!({ "requestParameters": { "name": "audit" }, "eventTime": "2024-02-01T00:00:00Z" }),
        json!({ "requestParameters": { "name": "audit" }, "eventTime": "2024-03-03T00:00:00Z" }),
    ] {
        let archive = with_gap_at_home(event);
        let run = run(&archive);
        run.finds(&["U gap"]);
        assert!(!is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
    }
}

#[test]
fn s33_an_altered_log_explains_nothing() {
    let event = json!({ "requestParameters": { "name": "audit" } });
    let archive = with_gap_at_home(event);
    archive.alter_log(archive.log(3, 1));
    let run = run(&archive);
    run.finds(&["U gap", "V log_altered"]);
    assert!(!is_explained_by(run.one(Code::Gap), archive.log(3, 1)), "{}", run.list());
}

#[test]
fn s34_the_end_of_the_older_chain_deleted() {
    let archive = with_gap(None);
    archive.delete_digest(archive.digest(3));
    let kept = run(&archive);
    // The gap begins earlier than it should, and the logs in it tell.
    kept.finds(&["U gap", "U log_outside_coverage x2"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(kept.one(Code::Gap).start, window(&archive, 2).1);
    // The digest that is the end now needs a signature of its own.
    archive.remove_sidecar(archive.digest(2));
    let run = run(&archive);
    run.finds(&["U gap", "U log_outside_coverage x2", "U signature_unavailable", "U log_unproven x2"]);
    assert_eq!(run.one(Code::SignatureUnavailable).key.as_deref(), Some(archive.digest(2)));
}

#[test]
fn s35_the_whole_older_chain_deleted() {
    let archive = with_gap(None);
    for position in 0..=3 {
        archive.delete_digest(archive.digest(position));
    }
    let run = run(&archive);
    run.finds(&["U coverage_starts_late", "U log_outside_coverage x6"]).digest_totals([4, 4, 0, 0, 0]);
    let finding = run.one(Code::CoverageStartsLate);
    assert_eq!(finding.end, window(&archive, 4).0);
    // Without logs only the span that was asked for can tell.
    for position in 1..=3 {
        archive.delete(archive.log(position, 0));
        archive.delete(archive.log(position, 1));
    }
    crate::support::run(&archive).finds(&[]);
    let mut options = options(&archive);
    options.policy.start = window(&archive, 1).0;
    let asked = run_with(&options);
    asked.finds(&["U coverage_starts_late"]);
    assert_eq!(asked.one(Code::CoverageStartsLate).start, window(&archive, 1).0);
}

#[test]
fn s36_the_starting_digest_after_a_gap_deleted() {
    let archive = with_gap(None);
    archive.delete_digest(archive.digest(4));
    let run = run(&archive);
    run.finds(&["V digest_missing", "U gap"]).digest_totals([7, 7, 0, 0, 1]).log_totals([12, 12, 0, 0, 0]);
    let finding = run.one(Code::DigestMissing);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(4)));
    assert_eq!((finding.start, finding.end), window(&archive, 4));
}

#[test]
fn s37_a_hole_between_linked_digests() {
    let mut model = Plan { logs_per_hour: 0, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    for position in 4..=6 {
        let (start, end) = (chain.digests[position].start(), chain.digests[position].end());
        chain.set_window(position, start.plus(1800), end.plus(1800));
    }
    chain.seal_from(4);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&["U window_discontinuity"]).digest_totals([7, 7, 0, 0, 0]);
    let finding = run.one(Code::WindowDiscontinuity);
    assert_eq!((finding.start, finding.end), (window(&archive, 3).1, window(&archive, 4).0));
    assert_eq!(finding.key.as_deref(), Some(archive.digest(4)));
    assert_eq!(run.report.chains[0].gaps[0].code, Code::WindowDiscontinuity);
    assert_eq!(run.report.chains[0].proven.len(), 2);
}

/// The default archive with one digest's window changed by so many seconds at its start and end.
fn with_window(position: usize, start: i64, end: i64) -> Archive {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let digest = &chain.digests[position];
    let (start, end) = (digest.start().plus(start), digest.end().plus(end));
    chain.set_window(position, start, end);
    chain.seal_from(position);
    model.write()
}

#[test]
fn s38_overlapping_windows() {
    let archive = with_window(3, -1200, -1200);
    let run = run(&archive);
    // Moving one window opens a hole behind it.
    run.finds(&["N window_anomaly", "U window_discontinuity"]);
    assert_eq!(run.one(Code::WindowAnomaly).key.as_deref(), Some(archive.digest(3)));
    assert!(run.one(Code::WindowAnomaly).message.contains("overlaps"));
}

#[test]
fn s38_a_window_that_ends_before_it_starts() {
    let archive = with_window(6, 0, -2 * HOUR + 60);
    let run = run(&archive);
    run.finds_at_least(&["N window_anomaly"]);
    assert!(run.report.findings.iter().all(|finding| finding.severity != Severity::Violation));
    run.digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s38_a_window_far_from_an_hour() {
    let archive = with_window(6, 0, 2 * HOUR);
    let long = run(&archive);
    long.finds(&["N window_anomaly"]).digest_totals([7, 7, 0, 0, 0]);
    assert_eq!(long.report.verdict, Verdict::Verified);
    assert_eq!(long.one(Code::WindowAnomaly).key.as_deref(), Some(archive.digest(6)));
    // A short one in the middle of a chain is odd, at its end it is not.
    run(&with_window(3, 1200, 0)).finds(&["N window_anomaly", "U window_discontinuity"]);
    run(&with_window(6, 0, -1200)).finds(&[]);
}

#[test]
fn s39_two_signed_digests_in_one_place() {
    let archive = small();
    let mut twin = archive.chain().digests[3].clone();
    twin.document.set_log_files(Vec::new());
    twin.seal();
    archive.write_digest(&twin, twin.object().strip_suffix(".gz").unwrap());
    let run = run(&archive);
    // The one successor holds the signature of one of them.
    run.finds(&["V fork x2", "U signature_sources_disagree"])
        .digest_totals([8, 6, 2, 0, 0])
        .log_totals([12, 12, 0, 0, 0]);
    for finding in run.all(Code::Fork) {
        assert_eq!(finding.key.as_deref(), Some(archive.digest(3)));
    }
    let hashes: Vec<_> = run.all(Code::Fork).iter().map(|finding| finding.actual.clone()).collect();
    assert_ne!(hashes[0], hashes[1]);
}

#[test]
fn s39_the_twin_took_the_place() {
    // The original is gone; its successor's hash tells that it existed.
    let archive = small();
    let mut twin = archive.chain().digests[3].clone();
    twin.document.set_log_files(Vec::new());
    twin.seal();
    archive.write_digest(&twin, twin.object());
    let run = run(&archive);
    run.finds(&["V fork", "U signature_sources_disagree", "U log_unreferenced x2"])
        .digest_totals([7, 6, 1, 0, 0]);
    assert_eq!(run.one(Code::Fork).key.as_deref(), Some(archive.digest(3)));
}

#[test]
fn s39_two_signed_successors_of_one_digest() {
    let archive = small();
    let mut rival = archive.chain().digests[4].clone();
    let end = rival.end().plus(-600);
    let mut chain = archive.chain().clone();
    chain.digests[4] = rival.clone();
    chain.set_window(4, rival.start(), end);
    rival = chain.digests[4].clone();
    rival.document.set_log_files(Vec::new());
    rival.seal();
    archive.write_digest(&rival, rival.object());
    let run = run(&archive);
    run.finds(&["V fork x2"]).log_totals([12, 12, 0, 0, 0]);
    let keys: Vec<_> = run.all(Code::Fork).iter().map(|finding| finding.key.clone().unwrap()).collect();
    assert!(keys.contains(&archive.digest(4).to_owned()) && keys.contains(&rival.object().to_owned()));
}

#[test]
fn s39_a_rewritten_past_needs_a_rewritten_present() {
    // Somebody with the key could sign a new past; the untouched rest contradicts it.
    let archive = small();
    let mut chain = archive.chain().clone();
    chain.digests[2].logs.truncate(1);
    chain.digests[2].name_logs();
    chain.seal_from(2);
    archive.write_digest(&chain.digests[2], archive.digest(2));
    archive.write_digest(&chain.digests[3], archive.digest(3));
    let run = run(&archive);
    run.finds_at_least(&["V fork"]);
    assert!(run.all(Code::Fork).iter().any(|finding| finding.key.as_deref() == Some(archive.digest(3))));
    assert_eq!(run.digests[archive.digest(4)].status, Status::Verified);
    assert!(run.digests[archive.digest(1)].evidence.contains(&Evidence::HashChain));
}
