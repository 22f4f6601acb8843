//! What was done to log files: situations 1 and 4 to 20.

use trailseal_archive::key::ObjectKind;
use trailseal_evidence::report::{ChainKind, Verdict};
use trailseal_testkit::{Archive, Plan, Stop, sha256_hex};
use trailseal_verify::{Code, Evidence, Severity, SignatureSource, Status};

use crate::support::{HOUR, options, run, run_with, small, window};

#[test]
fn s01_untouched_archives_are_verified() {
    let archive = small();
    let run = run(&archive);
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]).unnamed_totals([0, 0, 0]);
    assert_eq!((run.report.verdict, run.report.exit_status), (Verdict::Verified, 0));
    let chain = &run.report.chains[0];
    assert_eq!((chain.digests, chain.digests_verified, chain.logs, chain.logs_verified), (7, 7, 12, 12));
    assert_eq!(chain.id.kind, ChainKind::Standard);
    assert_eq!(chain.proven.len(), 1);
    // The window of the starting digest is an hour before logging was validated (row 66).
    assert_eq!(Some(chain.proven[0].start), window(&archive, 0).1);
    assert_eq!(Some(chain.proven[0].end), window(&archive, 6).1);
    assert_eq!(chain.gaps, []);
    assert_eq!(chain.head.as_ref().unwrap().key, archive.digest(6));
    for position in 0..7 {
        let seen = &run.digests[archive.digest(position)];
        assert_eq!(seen.source, Some(SignatureSource::Sidecar));
        let inner = [Evidence::Signature, Evidence::HashChain, Evidence::SuccessorSignature];
        let expected: &[Evidence] = if position == 6 { &inner[..1] } else { &inner };
        assert_eq!(seen.evidence, expected);
    }
}

#[test]
fn s01_organizations_prefixes_regions_trails_and_rotated_keys() {
    let plan = Plan {
        organization: Some("o-abcd123456".to_owned()),
        prefix: "team/a/".to_owned(),
        trails: vec!["audit".to_owned(), "other".to_owned()],
        rotate: Some(2),
        hours: 4,
        ..Plan::wide()
    };
    let run = run(&plan.model().write());
    run.finds(&[]).digest_totals([40, 40, 0, 0, 0]).log_totals([64, 64, 0, 0, 0]);
    assert_eq!(run.report.chains.len(), 8);
    assert!(run.report.chains.iter().all(|chain| chain.id.organization.as_deref() == Some("o-abcd123456")));
    assert_eq!(run.report.scope.keys.len(), 6, "three keys in each of two files");
}

#[test]
fn s01_a_trail_that_has_just_started() {
    let run = run(&Plan { hours: 0, ..Plan::default() }.model().write());
    run.finds(&[]).digest_totals([1, 1, 0, 0, 0]).log_totals([0; 5]);
}

#[test]
fn s01_an_organizations_trail_beside_an_accounts_own() {
    let mut model = Plan::default().model();
    let organization = Some("o-abcd123456".to_owned());
    model
        .chains
        .extend(Plan { organization, trails: vec!["org".to_owned()], ..Plan::default() }.model().chains);
    let own_end = Plan { prefix: "p/".to_owned(), trails: vec!["third".to_owned()], ..Plan::default() };
    model.chains.extend(own_end.model().chains);
    let run = run(&model.write());
    run.finds(&[]).digest_totals([21, 21, 0, 0, 0]).log_totals([36, 36, 0, 0, 0]);
    assert_eq!(run.report.chains.len(), 3);
}

#[test]
fn s01_bytes_are_counted_once() {
    let archive = small();
    let digests = &archive.chain().digests;
    let bytes: usize = digests
        .iter()
        .map(|d| d.inflated.len() + d.logs.iter().map(|l| l.content.len()).sum::<usize>())
        .sum();
    assert_eq!(run(&archive).report.totals.bytes_inflated, bytes as u64);
}

#[test]
fn s04_an_altered_log() {
    let archive = small();
    let (log, digest) = (archive.log(3, 1), archive.digest(3));
    archive.alter_log(log);
    let run = run(&archive);
    run.finds(&["V log_altered"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 11, 1, 0, 0]);
    run.all_logs_verified_but(&archive, &[log]);
    let finding = run.one(Code::LogAltered);
    assert_eq!(finding.key.as_deref(), Some(log));
    assert_eq!(finding.bucket.as_deref(), Some("audit-logs"));
    assert_eq!(finding.path.as_deref(), Some(&*archive.path(log).display().to_string()));
    assert_eq!(finding.digest.as_deref(), Some(digest));
    assert_eq!(finding.expected.as_ref(), Some(&archive.chain().digests[3].document.log_files[1].hash_value));
    assert_eq!(finding.actual, Some(sha256_hex(&archive.content(log))));
    assert_eq!(
        (finding.account.as_deref(), finding.region.as_deref()),
        (Some("111122223333"), Some("eu-west-1"))
    );
    assert_eq!(finding.trail.as_deref(), Some("audit"));
    assert_eq!((finding.start, finding.end), window(&archive, 3));
    // The hour is not proven, the others are.
    let proven = &run.report.chains[0].proven;
    assert_eq!(proven.len(), 2);
    assert_eq!((Some(proven[0].end), Some(proven[1].start)), window(&archive, 3));
}

#[test]
fn s05_gzipped_again() {
    let archive = small();
    archive.gzip_again(archive.log(1, 0));
    archive.gzip_again(archive.digest(2));
    archive.gzip_again(archive.digest(6));
    run(&archive).finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s06_stored_inflated_under_either_name() {
    for keeps_name in [true, false] {
        let archive = small();
        let first = archive.log(1, 0).min(archive.log(2, 1)).to_owned();
        archive.store_inflated(archive.log(1, 0), keeps_name);
        archive.store_inflated(archive.log(2, 1), keeps_name);
        archive.store_inflated(archive.digest(3), keeps_name);
        archive.store_inflated(archive.digest(6), keeps_name);
        let run = run(&archive);
        run.finds(&["N stored_inflated x2"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        assert_eq!(run.report.verdict, Verdict::Verified);
        let notes = run.all(Code::StoredInflated);
        assert!(notes.iter().all(|note| note.count == Some(2)));
        assert!(notes.iter().any(|note| note.key.as_deref() == Some(&first)));
        assert!(notes.iter().any(|note| note.key.as_deref() == Some(archive.digest(3))));
    }
}

#[test]
fn s06_a_whole_archive_stored_inflated() {
    let archive = small();
    for digest in &archive.chain().digests {
        archive.store_inflated(digest.object(), false);
        for log in &digest.logs {
            archive.store_inflated(&log.key, true);
        }
    }
    let run = run(&archive);
    run.finds(&["N stored_inflated x2"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    let mut counts: Vec<_> = run.all(Code::StoredInflated).iter().map(|note| note.count).collect();
    counts.sort();
    assert_eq!(counts, [Some(7), Some(12)]);
}

#[test]
fn s07_a_deleted_log() {
    let archive = small();
    archive.delete(archive.log(2, 0));
    let run = run(&archive);
    run.finds(&["V log_missing"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 11, 0, 0, 1]);
    let finding = run.one(Code::LogMissing);
    assert_eq!(finding.key.as_deref(), Some(archive.log(2, 0)));
    assert_eq!(finding.digest.as_deref(), Some(archive.digest(2)));
    assert_eq!((finding.path.as_ref(), finding.actual.as_ref()), (None, None));
}

#[test]
fn s08_a_log_moved_or_renamed_is_found_elsewhere() {
    let moved = |archive: &Archive| -> Vec<String> {
        let log = archive.log(2, 0);
        let (folder, name) = log.rsplit_once('/').unwrap();
        vec![
            log.replace("/03/01/", "/03/02/"),
            format!("{folder}/renamed.json.gz"),
            format!("{folder}/deeper/{name}"),
            log.replace("_20240301T", "_20240301T23"),
            log.replace("eu-west-1", "us-west-2"),
            format!("elsewhere/{name}"),
        ]
    };
    for variant in 0..moved(&small()).len() {
        let archive = small();
        let (log, to) = (archive.log(2, 0).to_owned(), moved(&archive)[variant].clone());
        archive.rename(&log, &to);
        let run = run(&archive);
        run.finds_at_least(&["V log_missing", "N log_found_elsewhere"]);
        if variant != 4 {
            run.finds(&["V log_missing", "N log_found_elsewhere"]);
        }
        run.log_totals([12, 11, 0, 0, 1]).all_logs_verified_but(&archive, &[&log]);
        let finding = run.one(Code::LogFoundElsewhere);
        assert_eq!(finding.key.as_deref(), Some(&*log));
        assert_eq!(finding.path.as_deref(), Some(&*archive.path(&to).display().to_string()));
    }
}

#[test]
fn s08_a_log_moved_over_another() {
    let archive = small();
    archive.rename(archive.log(2, 0), archive.log(4, 1));
    let run = run(&archive);
    run.finds(&["V log_missing", "V log_altered", "N log_found_elsewhere"]).log_totals([12, 10, 1, 0, 1]);
    let finding = run.one(Code::LogFoundElsewhere);
    assert_eq!(finding.key.as_deref(), Some(archive.log(2, 0)));
    assert_eq!(finding.path.as_deref(), Some(&*archive.path(archive.log(4, 1)).display().to_string()));
}

#[test]
fn s09_logs_moved_in_a_circle() {
    let archive = small();
    archive.swap(archive.log(2, 0), archive.log(4, 1));
    archive.swap(archive.log(4, 1), archive.log(5, 0));
    let run = run(&archive);
    run.finds(&["V log_altered x3", "N log_found_elsewhere x3"]).log_totals([12, 9, 3, 0, 0]);
}

#[test]
fn s09_swapped_logs() {
    let archive = small();
    let (one, other) = (archive.log(2, 0), archive.log(4, 1));
    archive.swap(one, other);
    let run = run(&archive);
    run.finds(&["V log_swapped x2"]).log_totals([12, 10, 2, 0, 0]);
    let findings = run.all(Code::LogSwapped);
    assert_eq!(findings[0].key.as_deref(), Some(one));
    assert!(findings[0].message.contains(other));
    assert_eq!(findings[1].key.as_deref(), Some(other));
    assert!(findings[1].message.contains(one));
}

#[test]
fn s09_logs_swapped_between_regions() {
    let archive = Plan::wide().model().write();
    let (one, other) =
        (&archive.model.chains[0].digests[2].logs[0].key, &archive.model.chains[3].digests[5].logs[1].key);
    archive.swap(one, other);
    run(&archive).finds(&["V log_swapped x2"]).log_totals([48, 46, 2, 0, 0]);
}

#[test]
fn s10_bytes_appended_to_a_log() {
    let archive = small();
    archive.append(archive.log(2, 0), b"x");
    let run = run(&archive);
    run.finds(&["V log_trailing_data"]).log_totals([12, 11, 1, 0, 0]);
    assert_eq!(run.one(Code::LogTrailingData).key.as_deref(), Some(archive.log(2, 0)));
    assert!(run.one(Code::LogTrailingData).message.contains("is the one that was signed"));
}

#[test]
fn s11_a_gzip_member_appended_to_a_log() {
    let archive = small();
    archive.append_member(archive.log(2, 0), b"{\"Records\":[]}");
    let run = run(&archive);
    run.finds(&["V log_extra_member"]).log_totals([12, 11, 1, 0, 0]);
    assert_eq!(run.one(Code::LogExtraMember).key.as_deref(), Some(archive.log(2, 0)));
}

#[test]
fn s12_a_log_cut_in_the_middle() {
    for part in [2, 3, 9] {
        let archive = small();
        let log = archive.log(2, 0);
        archive.cut(log, archive.read(log).len() / part);
        run(&archive).finds(&["V log_truncated"]).log_totals([12, 11, 1, 0, 0]);
    }
}

#[test]
fn s13_a_gzip_trailer_cut() {
    for count in 1..=8 {
        let archive = small();
        archive.cut_end(archive.log(2, 0), count);
        run(&archive).finds(&["V log_truncated"]).log_totals([12, 11, 1, 0, 0]);
    }
}

#[test]
fn s14_a_wrong_crc() {
    let archive = small();
    archive.corrupt_crc(archive.log(2, 0));
    let run = run(&archive);
    run.finds(&["V log_corrupt"]).log_totals([12, 11, 1, 0, 0]);
    assert!(run.one(Code::LogCorrupt).message.contains("CRC"));
}

#[test]
fn s14_wrong_deflate_data() {
    let archive = small();
    archive.corrupt_deflate(archive.log(2, 0));
    run(&archive).finds(&["V log_corrupt"]).log_totals([12, 11, 1, 0, 0]);
}

#[test]
fn s15_an_emptied_log() {
    let archive = small();
    archive.empty(archive.log(2, 0));
    run(&archive).finds(&["V log_empty"]).log_totals([12, 11, 1, 0, 0]);
}

#[test]
fn s16_an_unreadable_log() {
    let archive = small();
    archive.make_unreadable(archive.log(2, 0));
    let run = run(&archive);
    run.finds(&["U log_unreadable"]).log_totals([12, 11, 0, 1, 0]);
    assert_eq!((run.report.verdict, run.report.exit_status), (Verdict::Unproven, 3));
    assert_eq!(run.one(Code::LogUnreadable).key.as_deref(), Some(archive.log(2, 0)));
    run.all_logs_verified_but(&archive, &[archive.log(2, 0)]);
}

#[test]
fn s16_an_unreadable_digest() {
    let archive = small();
    archive.make_unreadable(archive.digest(3));
    run(&archive).finds(&["U digest_unreadable", "U log_outside_coverage x2"]).digest_totals([7, 6, 0, 1, 0]);
}

#[test]
fn s17_a_planted_log() {
    // Or one of a second trail without validation: what excludes that, the user has to state.
    let archive = small();
    let planted = archive.plant(archive.chain(), archive.chain().digests[3].start().plus(1800));
    let run = run(&archive);
    run.status(3).finds(&["U log_unreferenced"]).log_totals([12, 12, 0, 0, 0]).unnamed_totals([1, 0, 0]);
    let finding = run.one(Code::LogUnreferenced);
    assert_eq!(finding.key.as_deref(), Some(&*planted));
    assert_eq!(finding.path.as_deref(), Some(&*archive.path(&planted).display().to_string()));
    assert_eq!(
        (finding.account.as_deref(), finding.region.as_deref()),
        (Some("111122223333"), Some("eu-west-1"))
    );
}

#[test]
fn s17_a_log_planted_beside_the_real_one() {
    // Under the name that a log stored inflated would have.
    let archive = small();
    let beside = archive.log(3, 0).strip_suffix(".gz").unwrap().to_owned();
    archive.write_object("audit-logs", &beside, b"{\"Records\":[]}");
    let run = run(&archive);
    run.finds(&["U log_unreferenced"]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.one(Code::LogUnreferenced).key.as_deref(), Some(&*beside));
}

#[test]
fn s17_a_planted_log_that_an_unsigned_digest_names() {
    // Whoever can plant a log can plant a digest that names it, but not sign it.
    let archive = small();
    let chain = archive.chain();
    let mut digest = chain.digests[3].clone();
    let key = archive.plant(chain, digest.start().plus(1800));
    digest.document.log_files[0].s3_object.clone_from(&key);
    digest.document.s3_object = digest.document.s3_object.replace("_audit_", "_forged_");
    digest.seal();
    archive.write_object("audit-logs", digest.object(), &trailseal_testkit::gzip(&digest.inflated));
    let run = run(&archive);
    run.finds_at_least(&["U signature_unavailable", "U log_unproven"])
        .all_digests_verified_but(&archive, &[]);
    assert_ne!(run.report.verdict, Verdict::Verified);
    assert_eq!(run.logs[&key], Status::Unproven);
}

#[test]
fn s17_logs_of_another_trail_are_not_planted() {
    // Names of logs do not say which trail wrote them: only digests of all trails together do.
    let plan = Plan { trails: vec!["audit".to_owned(), "other".to_owned()], ..Plan::default() };
    let archive = plan.model().write();
    let mut options = options(&archive);
    options.policy.trails = vec!["audit".to_owned()];
    run_with(&options).finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s17_other_kinds_of_logs_are_outside_coverage() {
    for kind in [ObjectKind::Insight, ObjectKind::NetworkActivity, ObjectKind::Aggregated] {
        let archive = small();
        let chain = archive.chain();
        let key = chain.key_of_kind(kind, chain.digests[3].start().plus(1800), "abcdefghijklmnop");
        archive.plant_at(chain, chain.digests[3].start().plus(1800), &key);
        let run = run(&archive);
        run.finds(&["U log_outside_coverage"]).unnamed_totals([0, 0, 1]);
        assert_eq!(run.one(Code::LogOutsideCoverage).key.as_deref(), Some(&*key));
    }
}

#[test]
fn s18_a_pending_log() {
    for seconds in [300, 3600, 2 * HOUR - 300] {
        let archive = small();
        let key = archive.plant(archive.chain(), archive.chain().digests[6].end().plus(seconds));
        let run = run(&archive);
        run.finds(&["U log_pending"]).unnamed_totals([0, 1, 0]);
        assert_eq!(run.one(Code::LogPending).key.as_deref(), Some(&*key));
        assert_eq!(run.report.exit_status, 3);
    }
}

#[test]
fn s18_pending_logs_can_be_allowed() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[6].end().plus(1800));
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::LogPending];
    let run = run_with(&options);
    run.finds(&["N log_pending"]);
    assert_eq!(run.report.verdict, Verdict::Verified);
    assert_eq!(run.report.scope.allowed, [Code::LogPending], "what weakens is printed");
    // A violation cannot be allowed.
    archive.alter_log(archive.log(1, 0));
    options.policy.allowed = Code::ALL.to_vec();
    run_with(&options).finds(&["N log_pending", "V log_altered"]);
}

#[test]
fn s19_logs_before_the_first_digest() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[0].start().plus(-5 * HOUR));
    run(&archive).finds(&["U log_outside_coverage", "U coverage_starts_late"]).unnamed_totals([0, 0, 1]);
}

#[test]
fn s19_logs_of_the_hour_before_logging_was_validated() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[0].start().plus(1800));
    run(&archive).finds(&["U log_outside_coverage"]).unnamed_totals([0, 0, 1]);
}

#[test]
fn s19_logs_after_the_pending_window() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[6].end().plus(3 * HOUR));
    run(&archive).finds(&["U log_outside_coverage", "U head_stale"]).unnamed_totals([0, 0, 1]);
}

#[test]
fn s19_logs_in_a_gap() {
    let stops = vec![Stop { after: 3, pause: 5 * HOUR + 420, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    archive.plant(archive.chain(), archive.chain().digests[3].end().plus(2 * HOUR));
    let run = run(&archive);
    run.finds(&["U gap", "U log_outside_coverage"]).unnamed_totals([0, 0, 1]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s19_logs_in_the_hole_of_one_of_two_trails() {
    // The other trail's digests cover the hour, but a log's name does not say whose it is.
    let archive =
        Plan { trails: vec!["audit".to_owned(), "other".to_owned()], ..Plan::default() }.model().write();
    archive.delete_digest(archive.digest(3));
    let run = run(&archive);
    run.finds(&["V digest_missing", "U log_outside_coverage x2"]).unnamed_totals([0, 0, 2]);
    run.log_totals([22, 22, 0, 0, 0]);
}

#[test]
fn s19_logs_at_the_border_of_a_proven_window() {
    // The minute in a name is rounded: at a border it cannot be said on which side a log was delivered.
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[0].end().plus(60));
    run(&archive).finds(&["U log_outside_coverage"]);
    // Between two proven windows there is no border.
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[3].end());
    run(&archive).finds(&["U log_unreferenced"]);
}

#[test]
fn s19_very_many_logs_outside_coverage_are_summed_up() {
    // More files than one batch holds: the other accounts and regions come in another one.
    let archive = Plan::wide().model().write();
    let chain = archive.chain();
    let stamp = chain.digests[3].start().plus(1800);
    let first = chain.key_of_kind(ObjectKind::Insight, stamp, "0");
    let first = archive.write_object("audit-logs", &first, b"x");
    for number in 1..=20_000 {
        let other = chain.key_of_kind(ObjectKind::Insight, stamp, &number.to_string());
        std::fs::hard_link(&first, archive.path(other)).unwrap();
    }
    let run = run(&archive);
    run.finds(&["U log_outside_coverage x1001"]).unnamed_totals([0, 0, 20_001]);
    run.digest_totals([28, 28, 0, 0, 0]).log_totals([48, 48, 0, 0, 0]);
    let sum = run.report.findings.iter().find(|finding| finding.count.is_some()).unwrap();
    assert_eq!(sum.count, Some(19_001));
}

#[test]
fn s20_a_late_log_named_by_a_backfill_digest() {
    let archive = Plan { backfills: vec![2, 4], ..Plan::default() }.model().write();
    let run = run(&archive);
    run.finds(&[]).digest_totals([9, 9, 0, 0, 0]).log_totals([14, 14, 0, 0, 0]);
    let late = &archive.model.chains[1].digests[0].logs[0].key;
    assert_eq!(run.logs[late], Status::Verified);
    let kinds: Vec<ChainKind> = run.report.chains.iter().map(|chain| chain.id.kind).collect();
    assert_eq!(kinds, [ChainKind::Standard, ChainKind::Backfill]);
    assert!(run.report.findings.iter().all(|finding| finding.severity == Severity::Note));
}
