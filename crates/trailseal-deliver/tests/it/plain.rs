//! Runs without crashes.

use serde_json::json;
use std::fs;
use trailseal_archive::key::{KeyParts, ObjectKind};
use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::live::{Due, LiveError};
use trailseal_evidence::report::Verdict;

use crate::support::*;

#[test]
fn what_is_delivered_is_verified_with_empty_digests_in_between() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    for second in 0..60 {
        if second % 20 < 5 {
            let number = second as u64;
            world.append(&[entry(number, REGIONS[second as usize % 3], (T0 + second) * 1000)]);
        }
        world.good_tick(&trails, T0 + second);
    }
    let outcome = world.good_tick(&[], T0 + 60);
    assert!(outcome.trails[0].is_finished);
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
    assert_eq!(report.chains.len(), 3);
    assert_eq!(delivered(folder.path(), &trails[0]), (0..60).filter(|n| n % 20 < 5).collect::<Vec<_>>());
    let home: Vec<_> = digests(folder.path(), &trails[0])
        .into_iter()
        .filter(|d| d["digestS3Object"].as_str().unwrap().contains("/us-east-1/"))
        .collect();
    let ends: Vec<_> = home.iter().map(|d| d["digestEndTime"].as_str().unwrap()).collect();
    assert_eq!(ends[0], "2024-03-01T00:00:00Z");
    assert_eq!(ends.last(), Some(&"2024-03-01T00:01:00Z"));
    assert_eq!(ends.len(), 7, "a starting digest and one every 10 seconds, the last by the stop: {ends:?}");
    assert!(home.iter().any(|d| d["logFiles"] == json!([]) && d["previousDigestSignature"].is_string()));
    assert!(home[0]["previousDigestSignature"].is_null());
}

#[test]
fn everything_is_delivered_and_signed_when_that_is_asked_for() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    world.good_tick(&trails, T0);
    for (number, at) in [(1, T0 + 1), (2, T0 + 2)] {
        world.append(&[entry(number, REGIONS[1], at * 1000)]);
        world.tick_with(&trails, at, Due::Everything);
        assert_eq!(delivered(folder.path(), &trails[0]), (1..=number).collect::<Vec<_>>());
        let report = report(folder.path());
        assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
    }
    let before = files(folder.path()).len();
    world.tick_with(&trails, T0 + 3, Due::Everything);
    assert_eq!(files(folder.path()).len(), before, "nothing came, so there is nothing to sign");
    // the chain goes on, in windows of the usual length
    world.good_tick(&trails, T0 + 60);
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
}

#[test]
fn turns_of_trails_do_not_wait_for_what_is_due() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let (stopping, going) = (trail("stopping"), trail("going"));
    world.good_tick(&[stopping.clone(), going.clone()], T0);
    world.append(&[entry(1, REGIONS[0], (T0 + 30) * 1000)]);
    let stopped = DeliveredTrail { logging_until: Some((T0 + 40) * 1000), ..stopping.clone() };
    world.tick_with(&[stopped.clone(), going.clone()], T0 + 41, Due::Turns);
    assert_eq!(delivered(folder.path(), &stopping), [1]);
    assert_eq!(delivered(folder.path(), &going), [] as [u64; 0]);
    world.good_tick(&[stopped.clone(), going.clone()], T0 + 42);
    world.good_tick(&[stopped, going.clone()], T0 + 60);
    assert_eq!(delivered(folder.path(), &going), [1]);
}

#[test]
fn files_lie_and_are_named_as_cloudtrail_does() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    audit.prefix = Some("my/prefix".to_owned());
    world.append(&[entry(1, REGIONS[1], T0 * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 61);
    world.good_tick(&[], T0 + 62);
    let bucket = folder.path().join("bucket-audit");
    let mut kinds = Vec::new();
    for file in files(&bucket) {
        let key = file.strip_prefix(&bucket).unwrap().to_str().unwrap().to_owned();
        let parts = KeyParts::parse(&key).unwrap();
        assert_eq!((parts.prefix, parts.account, parts.folders), ("my/prefix/", ACCOUNT, "2024/03/01"));
        kinds.push(parts.kind);
        if parts.kind == ObjectKind::Log {
            let (stem, unique) = parts.file_name.strip_suffix(".json.gz").unwrap().rsplit_once('_').unwrap();
            assert_eq!(stem, format!("{ACCOUNT}_CloudTrail_eu-west-1_20240301T0001Z"));
            assert!(unique.len() == 16 && unique.bytes().all(|c| c.is_ascii_alphanumeric()), "{unique}");
        }
    }
    assert_eq!(kinds.iter().filter(|kind| **kind == ObjectKind::Log).count(), 1);
    let log = files(&bucket).into_iter().find(|f| f.to_str().unwrap().contains("/CloudTrail/")).unwrap();
    let records = json_of(&log);
    assert_eq!(records["Records"].as_array().unwrap().len(), 1);
    assert_eq!(records.as_object().unwrap().len(), 1);
}

#[test]
fn a_stop_gets_a_final_digest_and_a_start_a_new_chain() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    world.append(&[entry(1, REGIONS[0], T0 * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 3);
    // received before the stop, delivered after it; and received after it
    world.append(&[entry(2, REGIONS[0], (T0 + 4) * 1000), entry(3, REGIONS[0], (T0 + 5) * 1000)]);
    audit.logging_until = Some((T0 + 5) * 1000);
    let outcome = world.good_tick(&[audit.clone()], T0 + 6);
    assert!(outcome.trails[0].is_finished);
    world.good_tick(&[audit.clone()], T0 + 7);
    world.append(&[entry(4, REGIONS[0], (T0 + 8) * 1000)]);
    audit.logging_until = None;
    audit.logging_since = (T0 + 9) * 1000;
    world.append(&[entry(5, REGIONS[0], (T0 + 9) * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 10);
    world.good_tick(&[], T0 + 11);
    assert_eq!(delivered(folder.path(), &audit), [1, 2, 5]);
    let report = report(folder.path());
    assert_eq!(report.totals.digests.verified, 4);
    assert_eq!(report.totals.logs.unreferenced + report.totals.logs.missing, 0);
    let weighty = weighty(&report);
    assert!(weighty.iter().all(|finding| finding.starts_with("gap ")), "{weighty:?}");
    assert_ne!(report.verdict, Verdict::Violated);
}

#[test]
fn a_stop_and_start_within_a_second_overwrites_no_digest() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    for run in 0..4 {
        audit.logging_since = T0 * 1000 + run;
        world.good_tick(&[audit.clone()], T0);
        world.good_tick(&[], T0);
    }
    let digests = digests(folder.path(), &audit);
    assert_eq!(digests.len(), 8);
    assert_eq!(digests.iter().filter(|d| d["previousDigestSignature"].is_null()).count(), 4);
    assert_eq!(report(folder.path()).totals.digests.verified, 8);
}

#[test]
fn tampering_is_found() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    for second in 0..30 {
        world.append(&[entry(second as u64, REGIONS[0], (T0 + second) * 1000)]);
        world.good_tick(&trails, T0 + second);
    }
    world.good_tick(&[], T0 + 30);
    assert_eq!(report(folder.path()).verdict, Verdict::Verified);
    let all = files(&folder.path().join("bucket-audit"));
    let log = all.iter().find(|path| path.to_str().unwrap().contains("/CloudTrail/")).unwrap();
    let digest = all
        .iter()
        .filter(|path| path.to_str().unwrap().contains("Digest") && path.extension().unwrap() == "gz")
        .nth(1)
        .unwrap();
    for victim in [log, digest] {
        let bytes = fs::read(victim).unwrap();
        let text = json_of(victim).to_string().replace("2024-03-01", "2024-03-02");
        fs::write(victim, trailseal_deliver::write::gzip(text.as_bytes(), 1)).unwrap();
        assert_eq!(report(folder.path()).verdict, Verdict::Violated, "{}", victim.display());
        fs::remove_file(victim).unwrap();
        assert_eq!(report(folder.path()).verdict, Verdict::Violated, "{}", victim.display());
        fs::write(victim, bytes).unwrap();
    }
    assert_eq!(report(folder.path()).verdict, Verdict::Verified);
}

#[test]
fn keys_rotate_within_a_chain_and_a_long_pause_is_one_window() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    audit.multi_region = false;
    let day = 86_400;
    for at in [0, 28 * day, 29 * day, 31 * day, 400 * day] {
        world.append(&[entry(at as u64, REGIONS[0], (T0 + at) * 1000)]);
        world.good_tick(&[audit.clone()], T0 + at);
    }
    world.good_tick(&[], T0 + 400 * day + 1);
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
    let digests = digests(folder.path(), &audit);
    let fingerprints: std::collections::BTreeSet<_> =
        digests.iter().map(|d| d["digestPublicKeyFingerprint"].as_str().unwrap()).collect();
    assert_eq!(fingerprints.len(), 3);
    assert_eq!(digests.len(), 1 + 4 * 48 + 1);
    assert_eq!(delivered(folder.path(), &audit).len(), 5);
    let outside = report.findings.iter().filter(|f| f.code.text() == "key_outside_validity").count();
    assert_eq!(outside, 0);
}

#[test]
fn a_clock_that_goes_back_keeps_the_chain_whole_and_delivery_going() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    let mut number = 0;
    for clock in [0, 5, 12, 25, 3, 4, 6, -7200, -7199, 30, 41, 0, 60] {
        let received = world.journal.time((T0 + clock) * 1000);
        world.append(&[entry(number, REGIONS[0], received)]);
        number += 1;
        let outcome = world.good_tick(&trails, T0 + clock);
        assert_eq!(outcome.trails[0].events, 1, "at {clock}");
    }
    drop(world);
    let mut world = World::open(folder.path(), no_sync());
    world.good_tick(&trails, T0);
    world.good_tick(&[], T0 - 86_400);
    assert_eq!(delivered(folder.path(), &trails[0]), (0..number).collect::<Vec<_>>());
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
}

#[test]
fn a_changed_trail_gets_what_came_before_the_change_as_it_was() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    audit.selectors = json!({"every": 2});
    world.good_tick(&[audit.clone()], T0);
    let received = |second: i64| (T0 + second) * 1000;
    world.append(&[2, 3].map(|n| entry(n, REGIONS[0], received(1))));
    world.append(&[4, 5].map(|n| entry(n, REGIONS[0], received(2))));
    audit.selectors = json!({"every": 5});
    audit.bucket = "second-bucket".to_owned();
    audit.changed = received(2);
    world.good_tick(&[audit.clone()], T0 + 2);
    world.append(&[10, 11].map(|n| entry(n, REGIONS[0], received(3))));
    world.good_tick(&[audit.clone()], T0 + 12);
    world.good_tick(&[], T0 + 13);
    assert_eq!(delivered(folder.path(), &audit), [2, 5, 10]);
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
}

#[test]
fn without_validation_there_are_logs_and_no_digests() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut audit = trail("audit");
    audit.validation = false;
    world.append(&[entry(1, REGIONS[0], T0 * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 20);
    assert_eq!((delivered(folder.path(), &audit), digests(folder.path(), &audit).len()), (vec![1], 0));
    audit.validation = true;
    audit.changed = (T0 + 30) * 1000;
    world.append(&[entry(2, REGIONS[0], (T0 + 31) * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 31);
    audit.validation = false;
    audit.changed = (T0 + 35) * 1000;
    world.append(&[entry(3, REGIONS[0], (T0 + 36) * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 36);
    world.good_tick(&[], T0 + 50);
    assert_eq!(digests(folder.path(), &audit).len(), 2);
    let with_digests = DeliveredTrail { validation: true, ..audit.clone() };
    assert_eq!(delivered(folder.path(), &with_digests), [2]);
    assert_eq!(report(folder.path()).totals.digests.verified, 2);
}

#[test]
fn a_trail_that_cannot_be_is_an_error_and_holds_its_events() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let mut bad = trail("audit");
    bad.bucket = "../elsewhere".to_owned();
    for number in 0..100 {
        world.append(&[entry(number, REGIONS[0], T0 * 1000)]);
    }
    let outcome = world.tick(&[bad.clone()], T0);
    assert!(matches!(outcome.trails[0].delivery_error, Some(LiveError::Trail { .. })));
    assert_eq!(world.journal.first().0, 0);
    drop(world);
    let mut world = World::open(folder.path(), no_sync());
    bad.bucket = "elsewhere".to_owned();
    world.good_tick(&[bad.clone()], T0);
    world.good_tick(&[], T0 + 1);
    assert_eq!(delivered(folder.path(), &bad).len(), 100);
    assert!(world.journal.first().0 > 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_reported_and_tried_again() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let audit = trail("audit");
    fs::write(folder.path().join("bucket-audit"), b"in the way").unwrap();
    world.append(&[entry(1, REGIONS[0], T0 * 1000)]);
    for second in 1..4 {
        let outcome = world.tick(&[audit.clone()], T0 + second);
        let failed = &outcome.trails[0];
        assert!(failed.delivery_error.is_some() && failed.digest_error.is_some(), "{failed:?}");
    }
    fs::remove_file(folder.path().join("bucket-audit")).unwrap();
    let outcome = world.good_tick(&[audit.clone()], T0 + 5);
    assert_eq!((outcome.trails[0].events, outcome.trails[0].latest_delivery), (1, Some(time(T0 + 5))));
    world.good_tick(&[], T0 + 6);
    assert_eq!(delivered(folder.path(), &audit), [1]);
    assert_eq!(report(folder.path()).verdict, Verdict::Verified);
}

#[test]
fn another_journal_than_the_one_that_was_delivered_is_refused() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let audit = trail("audit");
    world.append(&[entry(1, REGIONS[0], T0 * 1000)]);
    world.good_tick(&[audit.clone()], T0 + 1);
    drop(world);
    fs::remove_dir_all(folder.path().join("_trailseal/journal")).unwrap();
    let mut world = World::open(folder.path(), no_sync());
    let outcome = world.tick(&[audit], T0 + 2);
    assert!(matches!(outcome.trails[0].delivery_error, Some(LiveError::JournalBehind { .. })));
}
