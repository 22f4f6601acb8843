//! What only the ledger says; that it agrees with the report is checked by every other test (agreement.rs).

use std::{fs, ops::ControlFlow, os::unix::fs::symlink, path::Path};

use trailseal_archive::Timestamp;
use trailseal_evidence::report::Verdict;
use trailseal_evidence::{
    Error, Options, Progress, Silent,
    inputs::Inputs,
    ledger::{Integrity, Ledger},
    scan::{ScanOptions, fold},
};
use trailseal_query::{Filter, Predicate};
use trailseal_testkit::{Archive, Plan};
use trailseal_verify::Code;

use crate::{
    agreement::read,
    support::{HOUR, options, options_for, small},
};

fn load(options: &Options) -> Ledger {
    Ledger::load(options, &Silent).unwrap()
}

/// The label and the reason of a file, read now.
fn label(ledger: &Ledger, path: &Path, options: &Options) -> (Integrity, String) {
    let seen = read(path, options);
    let entry = ledger.entry(path).expect("the ledger knows the file");
    let (label, reason) = entry.label(seen.as_ref().map_err(|error| error as _));
    (label, reason.unwrap_or_default())
}

/// The times that a digest of the first chain states for one of its logs.
fn span(archive: &Archive, position: usize, log: usize) -> (Timestamp, Timestamp) {
    let log = &archive.chain().digests[position].logs[log];
    (log.oldest, log.newest)
}

#[test]
fn an_untouched_archive_is_verified_file_by_file() {
    let archive = small();
    let options = options(&archive);
    let ledger = load(&options);
    let summary = ledger.summary();
    assert_eq!((summary.digests.found, summary.digests.verified), (7, 7));
    assert_eq!((summary.logs_named, summary.logs_missing, summary.logs_out_of_reach), (12, 0, 0));
    assert_eq!((summary.verdict, summary.findings.as_slice()), (Verdict::Verified, [].as_slice()));
    assert_eq!(ledger.missing(), []);
    for position in 1..7 {
        for log in 0..2 {
            let path = archive.path(archive.log(position, log));
            assert_eq!(label(&ledger, &path, &options), (Integrity::Verified, String::new()));
            assert_eq!(ledger.entry(&path).unwrap().event_span(), Some(span(&archive, position, log)));
        }
    }
    assert_eq!(Integrity::Verified.as_str(), "verified");
    assert_eq!(Integrity::NotCovered.as_str(), "not_covered");
}

#[test]
fn no_log_is_opened_to_load_it() {
    // Whoever opens a pipe without a writer hangs.
    let archive = small();
    for digest in &archive.chain().digests {
        digest.logs.iter().for_each(|log| archive.make_unreadable(&log.key));
    }
    let options = options(&archive);
    let ledger = load(&options);
    assert_eq!(ledger.summary().verdict, Verdict::Verified, "nothing is said of logs that nobody read");
    let (label, reason) = label(&ledger, &archive.path(archive.log(1, 0)), &options);
    assert_eq!(label, Integrity::Unproven);
    assert!(reason.starts_with("log_unreadable: "), "{reason}");
}

#[test]
fn the_content_that_is_read_decides_not_the_one_on_disk() {
    let archive = small();
    let options = options(&archive);
    let ledger = load(&options);
    let path = archive.path(archive.log(2, 0));
    let before = read(&path, &options).unwrap();
    archive.alter_log(archive.log(2, 0));
    let (label, reason) = label(&ledger, &path, &options);
    assert_eq!(
        (label, &*reason),
        (Integrity::Violated, "log_altered: the log's content is not the one that was signed")
    );
    assert_eq!(ledger.entry(&path).unwrap().label(Ok(&before)), (Integrity::Verified, None));
}

#[test]
fn only_authentic_digests_say_when_the_events_of_a_log_were() {
    let archive = small();
    // The newest digest has no signature now, and no successor that vouches for it.
    fs::remove_file(archive.sidecar(archive.digest(6))).unwrap();
    let options = options(&archive);
    let ledger = load(&options);
    let path = archive.path(archive.log(6, 0));
    assert_eq!(ledger.entry(&path).unwrap().event_span(), None);
    let (label, reason) = label(&ledger, &path, &options);
    assert_eq!(label, Integrity::Unproven);
    assert!(reason.starts_with("log_unproven: "), "{reason}");
    let proven = archive.path(archive.log(5, 0));
    assert_eq!(ledger.entry(&proven).unwrap().event_span(), Some(span(&archive, 5, 0)));
    assert_eq!(ledger.summary().verdict, Verdict::Unproven);
    assert_eq!(ledger.summary().digests.unproven, 1);
}

#[test]
fn a_planted_log_has_no_event_span() {
    let archive = small();
    let key = archive.plant(archive.chain(), archive.chain().digests[3].start().plus(1800));
    let options = options(&archive);
    let ledger = load(&options);
    assert_eq!(ledger.entry(&archive.path(&key)).unwrap().event_span(), None);
    let (label, reason) = label(&ledger, &archive.path(&key), &options);
    // A second trail without validation delivers so, until the user states otherwise.
    assert_eq!(label, Integrity::NotCovered);
    assert!(reason.starts_with("log_unreferenced: "), "{reason}");
    assert_eq!(ledger.summary().findings, [], "planted logs are found by reading logs");
}

#[test]
fn events_that_run_backwards_are_no_span() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let log = &mut chain.digests[2].logs[0];
    std::mem::swap(&mut log.oldest, &mut log.newest);
    chain.digests[2].name_logs();
    chain.seal_from(2);
    let archive = model.write();
    let ledger = load(&options(&archive));
    assert_eq!(ledger.entry(&archive.path(archive.log(2, 0))).unwrap().event_span(), None);
    assert_eq!(
        ledger.entry(&archive.path(archive.log(2, 1))).unwrap().event_span(),
        Some(span(&archive, 2, 1))
    );
}

#[test]
fn missing_logs_are_counted_by_the_times_of_their_events() {
    let archive = small();
    for (position, log) in [(2, 0), (2, 1), (5, 0)] {
        archive.delete(archive.log(position, log));
    }
    let ledger = load(&options(&archive));
    assert_eq!(ledger.summary().logs_missing, 3);
    assert_eq!(ledger.summary().verdict, Verdict::Violated);
    let keys: Vec<String> = ledger.missing().iter().map(|log| log.key.to_string()).collect();
    assert_eq!(keys, [archive.log(2, 0), archive.log(2, 1), archive.log(5, 0)]);
    assert!(ledger.missing().iter().all(|log| log.code == Code::LogMissing && &*log.bucket == "audit-logs"));
    let between = |from, to| ledger.missing_between(from, to).count();
    let (oldest, newest) = span(&archive, 2, 0);
    assert_eq!(between(None, None), 3);
    assert_eq!(between(Some(newest), None), 3, "both ends are included");
    assert_eq!(between(Some(newest.plus(1)), None), 2);
    assert_eq!(between(None, Some(oldest)), 1);
    assert_eq!(between(None, Some(oldest.plus(-1))), 0);
    assert_eq!(between(Some(newest), Some(newest)), 1);
    let late = archive.chain().digests[6].end();
    assert_eq!(between(Some(late), Some(late.plus(HOUR))), 0);
}

#[test]
fn very_many_missing_logs_are_summed_up() {
    let archive = Plan { logs_per_hour: 250, ..Plan::default() }.model().write();
    let folder = archive.path(archive.log(1, 0)).parent().unwrap().to_owned();
    fs::remove_dir_all(folder).unwrap();
    let ledger = load(&options(&archive));
    assert_eq!((ledger.summary().logs_missing, ledger.missing().len()), (1500, 1500));
    let missing = ledger.summary().findings.iter().filter(|finding| finding.code == Code::LogMissing);
    let counts: Vec<u64> = missing.map(|finding| finding.count.unwrap_or(1)).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (1001, 1500));
}

#[test]
fn a_log_that_was_moved_is_not_planted() {
    let archive = small();
    let log = archive.log(2, 0).to_owned();
    let moved = log.replace("_20240301T0", "_20240301T1");
    assert_ne!(moved, log);
    archive.rename(&log, &moved);
    let options = options(&archive);
    let (label, _) = label(&load(&options), &archive.path(&moved), &options);
    // Its bytes are what AWS signed; its name is not the one under which.
    assert!(matches!(label, Integrity::NotCovered | Integrity::Verified), "{label:?}");
}

#[test]
fn a_copy_of_a_log_that_is_there_is_what_was_signed() {
    for is_altered in [false, true] {
        let archive = small();
        let copy = archive.log(2, 0).replace(".json.gz", " (1).json.gz");
        archive.write_object("audit-logs", &copy, &archive.read(archive.log(2, 0)));
        if is_altered {
            archive.alter_log(archive.log(2, 0));
        }
        let options = options(&archive);
        let ledger = load(&options);
        assert_eq!(label(&ledger, &archive.path(&copy), &options).0, Integrity::Verified);
        let original = label(&ledger, &archive.path(archive.log(2, 0)), &options).0;
        assert_eq!(original, if is_altered { Integrity::Violated } else { Integrity::Verified });
    }
}

#[test]
fn authentic_digests_that_disagree_about_a_log() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    let mut twin = chain.digests[3].logs[0].clone();
    twin.content = b"{\"Records\":[]}".to_vec();
    twin.oldest = twin.oldest.plus(-HOUR);
    chain.digests[4].logs.push(twin.clone());
    chain.digests[4].name_logs();
    chain.digests[4].logs.pop();
    chain.seal_from(4);
    let archive = model.write();
    let options = options(&archive);
    let ledger = load(&options);
    let path = archive.path(archive.log(3, 0));
    let (label_now, reason) = label(&ledger, &path, &options);
    assert_eq!(label_now, Integrity::Violated);
    assert!(reason.starts_with("digest_conflict: "), "{reason}");
    let (_, newest) = span(&archive, 3, 0);
    assert_eq!(ledger.entry(&path).unwrap().event_span(), Some((twin.oldest, newest)), "both spans count");
    assert!(ledger.summary().findings.iter().any(|finding| finding.code == Code::DigestConflict));
    // What neither of them says is altered.
    archive.alter_log(archive.log(3, 0));
    let (label_now, reason) = label(&ledger, &path, &options);
    assert_eq!(label_now, Integrity::Violated);
    assert!(reason.starts_with("log_altered: "), "{reason}");
}

#[test]
fn every_copy_of_a_log_has_a_label_of_its_own() {
    let archive = small();
    let copy = archive.copy_bucket("copy");
    archive.alter_log(archive.log(3, 0));
    let options = options_for(&[archive.root(), copy.clone()], &archive.keys());
    let ledger = load(&options);
    assert_eq!(label(&ledger, &archive.path(archive.log(3, 0)), &options).0, Integrity::Violated);
    assert_eq!(label(&ledger, &copy.join(archive.log(3, 0)), &options).0, Integrity::Verified);
}

#[test]
fn a_file_is_known_by_the_links_that_lead_to_it() {
    let archive = small();
    let options = options(&archive);
    let ledger = load(&options);
    let outside = tempfile::tempdir().unwrap();
    let link = outside.path().join("link");
    symlink(archive.root(), &link).unwrap();
    let path = link.join("audit-logs").join(archive.log(3, 0));
    assert_eq!(ledger.entry(&path).unwrap().event_span(), Some(span(&archive, 3, 0)));
    for unknown in [
        outside.path().join("x.json.gz"),
        archive.root(),
        archive.path("nowhere"),
        "relative".into(),
        "/".into(),
        "".into(),
    ] {
        assert!(ledger.entry(&unknown).is_none(), "{}", unknown.display());
    }
    let digest = archive.path(archive.digest(3));
    assert!(ledger.entry(&digest).unwrap().is_digest());
    assert!(!ledger.entry(&path).unwrap().is_digest());
}

#[test]
fn a_log_that_is_a_link_is_known_by_its_place() {
    let archive = small();
    let log = archive.log(2, 0).to_owned();
    archive.rename(&log, "store/log");
    archive.symlink(&log, archive.path("store/log"));
    let options = options(&archive);
    assert_eq!(label(&load(&options), &archive.path(&log), &options).0, Integrity::Verified);
}

#[test]
fn the_policy_leaves_nothing_out() {
    let archive = Plan::wide().model().write();
    let mut options = options(&archive);
    options.policy.accounts = vec!["999999999999".to_owned()];
    options.policy.regions = vec!["mars-east-1".to_owned()];
    options.policy.trails = vec!["none".to_owned()];
    options.policy.end = Some(archive.chain().digests[0].start());
    let ledger = load(&options);
    assert_eq!((ledger.summary().digests.verified, ledger.summary().logs_named), (28, 48));
    assert_eq!(label(&ledger, &archive.path(archive.log(3, 0)), &options).0, Integrity::Verified);
}

#[test]
fn what_is_allowed_is_a_note() {
    let archive = small();
    fs::remove_file(archive.sidecar(archive.digest(6))).unwrap();
    let mut options = options(&archive);
    assert_eq!(load(&options).summary().verdict, Verdict::Unproven);
    options.policy.allowed = vec![Code::SignatureUnavailable];
    assert_eq!(load(&options).summary().verdict, Verdict::Allowed);
}

#[test]
fn logs_without_digests_are_not_covered() {
    let archive = small();
    fs::remove_dir_all(archive.path("AWSLogs/111122223333/CloudTrail-Digest")).unwrap();
    let options = options(&archive);
    let ledger = load(&options);
    assert_eq!((ledger.summary().digests.found, ledger.summary().verdict), (0, Verdict::Unproven));
    let codes: Vec<Code> = ledger.summary().findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::NoDigests]);
    assert_eq!(label(&ledger, &archive.path(archive.log(3, 0)), &options).0, Integrity::NotCovered);
}

#[test]
fn an_empty_folder_and_no_folder() {
    let archive = small();
    let empty = tempfile::tempdir().unwrap();
    let ledger = load(&options_for(&[empty.path().to_owned()], &archive.keys()));
    assert_eq!((ledger.summary().digests.found, ledger.summary().verdict), (0, Verdict::Unproven));
    let gone = options_for(&[empty.path().join("gone")], &archive.keys());
    assert!(matches!(Ledger::load(&gone, &Silent), Err(Error::Root(_))));
}

struct Interrupted;

impl Progress for Interrupted {
    fn add(&self, _: u64, _: u64) {}
    fn done(&self, _: u64, _: u64) {}
    fn is_interrupted(&self) -> bool {
        true
    }
}

#[test]
fn loading_ends_when_it_is_interrupted() {
    let archive = small();
    assert!(matches!(Ledger::load(&options(&archive), &Interrupted), Err(Error::Interrupted)));
}

#[test]
fn files_are_read_that_may_hold_events_a_little_outside_their_signed_times() {
    let archive = small();
    let ledger = load(&options(&archive));
    let (oldest, newest) = span(&archive, 3, 0);
    let read = |from: Timestamp, to: Timestamp, signed_margin: i64| {
        let options = ScanOptions {
            from: Some(from),
            to: Some(to),
            ledger: Some(&ledger),
            signed_margin,
            ..ScanOptions::default()
        };
        let filter = Filter::new(Predicate::Constant(true));
        let ((), summary) =
            fold(&Inputs::open(&[archive.root()]).unwrap(), &options, &filter, &Silent, &|| (), &|(), _| {
                ControlFlow::Continue(())
            })
            .unwrap();
        summary.labels.iter().sum::<u64>()
    };
    let (after, before) = (newest.plus(600), oldest.plus(-600));
    for time in [after, before] {
        assert_eq!(read(time, time, 600), read(time, time, 599) + 1);
        assert!(read(time, time, ScanOptions::default().signed_margin) >= read(time, time, 600));
    }
}
