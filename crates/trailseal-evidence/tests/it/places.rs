//! Where things lie and what they are called: situations 44, 48 to 50, 56.

use trailseal_archive::Timestamp;
use trailseal_evidence::Map;
use trailseal_evidence::report::Verdict;
use trailseal_testkit::{Archive, Plan};
use trailseal_verify::Code;

use crate::support::{HOUR, options, run, run_with, small, time, window};

#[test]
fn s44_an_old_digest_over_a_newer_key() {
    for (from, over) in [(1, 4), (0, 3), (4, 2)] {
        let archive = small();
        archive.replay(archive.digest(from), archive.digest(over));
        let run = run(&archive);
        run.finds(&["V location_mismatch", "V digest_missing", "U log_outside_coverage x2"]);
        let replayed = run.one(Code::LocationMismatch);
        assert_eq!(
            replayed.path.as_deref(),
            Some(&*archive.path(archive.digest(over)).display().to_string())
        );
        assert_eq!(replayed.expected.as_deref(), Some(archive.digest(from)));
        assert_eq!(replayed.actual.as_deref(), Some(archive.digest(over)));
        let missing = run.one(Code::DigestMissing);
        assert_eq!(missing.key.as_deref(), Some(archive.digest(over)));
        assert_eq!((missing.start, missing.end), window(&archive, over));
        run.all_digests_verified_but(&archive, &[archive.digest(over)]);
    }
}

#[test]
fn s44_an_old_digest_over_the_newest_one() {
    let archive = small();
    archive.replay(archive.digest(2), archive.digest(6));
    let run = run(&archive);
    run.finds(&["V location_mismatch", "V digest_missing", "U log_pending x2"]);
    assert_eq!(run.one(Code::DigestMissing).key.as_deref(), Some(archive.digest(6)));
    assert_eq!(run.report.chains[0].head.as_ref().unwrap().key, archive.digest(5));
    run.all_digests_verified_but(&archive, &[archive.digest(6)]);
}

#[test]
fn s44_an_old_digest_over_the_newest_one_with_its_sidecar() {
    let archive = small();
    archive.replay(archive.digest(2), archive.digest(6));
    std::fs::copy(archive.sidecar(archive.digest(2)), archive.sidecar(archive.digest(6))).unwrap();
    // No signature is left of the one that was there, but its hour is the chain's next.
    run(&archive).finds(&["V location_mismatch", "V digest_missing", "U log_pending x2"]);
}

#[test]
fn s44_a_digest_moved_into_the_place_of_another() {
    // The original place of the moved one is empty: it is there, but not where it belongs.
    let archive = small();
    archive.replay(archive.digest(2), archive.digest(4));
    archive.delete_digest(archive.digest(2));
    let run = run(&archive);
    // The sidecar that was left beside it is that of the digest that was there.
    let sidecar = "U signature_sources_disagree";
    run.finds(&["V location_mismatch", "V digest_missing", sidecar, "U log_outside_coverage x2"]);
    assert_eq!(run.one(Code::DigestMissing).key.as_deref(), Some(archive.digest(4)));
    run.log_totals([10, 10, 0, 0, 0]);
}

#[test]
fn s44_a_second_copy_of_a_digest() {
    for stamp in ["20240301T031353Z", "20240301T081352Z", "99990101T000000Z"] {
        let archive = small();
        let copy = archive.digest(3).replace("20240301T031352Z", stamp);
        archive.write_object("audit-logs", &copy, &archive.read(archive.digest(3)));
        let run = run(&archive);
        // No digest is known to have been there, so none is missing.
        run.finds(&["V location_mismatch"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        assert_eq!(run.one(Code::LocationMismatch).actual.as_deref(), Some(&*copy));
        assert_eq!(run.report.chains[0].head.as_ref().unwrap().key, archive.digest(6));
    }
}

#[test]
fn s48_a_trail_whose_name_extends_the_others() {
    let plan = Plan { trails: vec!["t1".to_owned(), "t1_us-east-1_b".to_owned()], ..Plan::default() };
    let archive = plan.model().write();
    run(&archive).finds(&[]).digest_totals([14, 14, 0, 0, 0]).log_totals([24, 24, 0, 0, 0]);
    archive.delete_digest(archive.digest(3));
    archive.alter_log(&archive.model.chains[1].digests[5].logs[0].key);
    let run = run(&archive);
    run.finds_at_least(&["V digest_missing", "V log_altered"]);
    assert_eq!(run.one(Code::DigestMissing).trail.as_deref(), Some("t1"));
    assert_eq!(run.one(Code::LogAltered).trail.as_deref(), Some("t1_us-east-1_b"));
    let [first, second] = run.report.chains.as_slice() else { panic!("two chains") };
    assert_eq!(
        (first.id.trail.as_str(), first.digests, first.gaps.len(), first.logs_verified),
        ("t1", 6, 1, 10)
    );
    assert_eq!((second.digests, second.gaps.len(), second.logs_verified), (7, 0, 11));
    // Each is narrowed to alone.
    let mut options = options(&archive);
    options.policy.trails = vec!["t1_us-east-1_b".to_owned()];
    run_with(&options).finds_at_least(&["V log_altered"]).digest_totals([7, 7, 0, 0, 0]);
}

/// A key like that of the newest digest, with another stamp.
fn restamped(archive: &Archive, stamp: &str) -> String {
    archive.digest(6).replace("20240301T061352Z", stamp)
}

#[test]
fn s49_objects_with_odd_stamps_among_the_digests() {
    for (stamp, code) in [
        ("99990101T000000Z", "V digest_malformed"),
        ("20991231T235959Z", "V digest_malformed"),
        ("20249999T000000Z", "U stray_object"),
        ("00000000T000000Z", "U stray_object"),
        ("tomorrow", "U stray_object"),
        ("", "U stray_object"),
    ] {
        let archive = small();
        let key = restamped(&archive, stamp);
        archive.write_object("audit-logs", &key, &trailseal_testkit::gzip(b"something"));
        let run = run(&archive);
        run.finds(&[code]).log_totals([12, 12, 0, 0, 0]).all_digests_verified_but(&archive, &[]);
        assert_eq!(run.report.findings[0].key.as_deref(), Some(&*key));
        assert_eq!(
            run.report.chains[0].head.as_ref().unwrap().key,
            archive.digest(6),
            "nothing else changes"
        );
        assert_eq!(run.report.chains[0].gaps, []);
        assert_eq!(run.report.chains[0].proven.len(), 1);
    }
}

/// A digest that nobody signed, whose window ends at another time.
fn unsigned(archive: &Archive, start: &str, end: &str) -> String {
    let mut chain = archive.chain().clone();
    chain.set_window(4, time(start), time(end));
    let digest = &mut chain.digests[4];
    digest.document.set_log_files(Vec::new());
    digest.seal();
    archive.write_object("audit-logs", digest.object(), &trailseal_testkit::gzip(&digest.inflated));
    digest.object().to_owned()
}

#[test]
fn s49_unsigned_digests_of_other_times() {
    for (start, end) in [
        ("9999-12-31T22:59:59Z", "9999-12-31T23:59:59Z"),
        ("0000-01-01T00:00:00Z", "0000-01-01T01:00:00Z"),
        ("0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z"),
        ("2024-03-01T06:13:52Z", "2024-03-01T07:13:52Z"),
        ("2024-02-29T20:13:52Z", "2024-02-29T21:13:52Z"),
        ("2024-03-01T03:13:52Z", "2024-03-01T03:43:52Z"),
    ] {
        let archive = small();
        let key = unsigned(&archive, start, end);
        let run = run(&archive);
        run.finds_at_least(&["U signature_unavailable"]);
        assert_eq!(run.one(Code::SignatureUnavailable).key.as_deref(), Some(&*key));
        assert_eq!(run.report.verdict, Verdict::Unproven, "it accuses nobody");
        assert_eq!(run.report.chains[0].proven.len(), 1);
        run.log_totals([12, 12, 0, 0, 0]).all_digests_verified_but(&archive, &[]);
        assert_eq!(run.report.chains[0].head.as_ref().unwrap().key, archive.digest(6));
    }
}

#[test]
fn s50_the_folders_of_a_whole_region_renamed() {
    let archive = Plan::wide().model().write();
    for kind in ["CloudTrail", "CloudTrail-Digest"] {
        let folder = archive.path(format!("AWSLogs/111122223333/{kind}"));
        std::fs::rename(folder.join("eu-west-1"), folder.join("eu-west-2")).unwrap();
    }
    let run = run(&archive);
    run.finds_at_least(&["V name_mismatch"]).digest_totals([28, 21, 7, 0, 0]);
    assert_eq!(run.all(Code::NameMismatch).len(), 7);
    // Without a mapping the logs are recognised by their content.
    assert_eq!(run.report.totals.logs.unreferenced + run.report.totals.logs.missing, 0);
}

#[test]
fn s49_objects_that_are_nothing_of_cloudtrails() {
    let archive = small();
    let folder = archive.digest(3).rsplit_once('/').unwrap().0.to_owned();
    for name in ["notes.txt", ".DS_Store", "x.json"] {
        archive.write_object("audit-logs", &format!("{folder}/{name}"), b"hello");
    }
    let log_folder = archive.log(3, 0).rsplit_once('/').unwrap().0.to_owned();
    archive.write_object("audit-logs", &format!("{log_folder}/notes.txt"), b"hello");
    run(&archive).finds(&["U stray_object x4"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s49_folder_markers_sidecars_and_key_files_are_no_strays() {
    let archive = small();
    let (folder, _) = archive.digest(3).split_once("/2024/").unwrap();
    let (log_folder, _) = archive.log(3, 0).split_once("/2024/").unwrap();
    for folder in [folder, log_folder] {
        archive.write_object("audit-logs", &format!("{folder}/CloudTrail"), b"");
        archive.write_object("audit-logs", &format!("{folder}/2024_$folder$"), b"");
    }
    std::fs::copy(
        archive.keys().join("public-keys-eu-west-1.json"),
        archive.path(format!("{folder}/public-keys-eu-west-1.json")),
    )
    .unwrap();
    let mut orphan = archive.digest(3).to_owned();
    orphan.push_str(".metadata.json.metadata.json");
    archive.write_object("audit-logs", &orphan, b"{}");
    run(&archive).finds(&[]);
}

#[test]
fn s50_a_renamed_digest() {
    let cases = [
        ("the end time", "T031352Z", "T031353Z"),
        ("the trail", "_audit_", "_other_"),
        ("the home region", "_us-east-1_", "_us-west-2_"),
        ("the date folders", "/2024/03/01/", "/2024/03/02/"),
        ("the account", "/111122223333_", "/999999999999_"),
        ("the kind of digest", "Z.json.gz", "Z_backfill.json.gz"),
    ];
    for (field, old, new) in cases {
        for with_sidecar in [true, false] {
            let archive = small();
            let from = archive.digest(3).to_owned();
            let to = from.replace(old, new);
            if with_sidecar {
                archive.rename_digest(&from, &to);
            } else {
                archive.rename(&from, &to);
            }
            let run = run(&archive);
            run.finds(&["V name_mismatch"]).digest_totals([7, 6, 1, 0, 0]).log_totals([12, 12, 0, 0, 0]);
            let finding = run.one(Code::NameMismatch);
            assert!(finding.message.contains(field), "{field} in {}", finding.message);
            assert_eq!((finding.expected.as_deref(), finding.actual.as_deref()), (Some(&*from), Some(&*to)));
            assert_eq!(finding.path.as_deref(), Some(&*archive.path(&to).display().to_string()));
        }
    }
}

#[test]
fn s50_a_digest_in_the_folder_of_another_account_or_region() {
    for (from, to, field) in [
        ("/eu-west-1/", "/us-east-1/", "the region"),
        ("/eu-west-1/", "/us-west-2/", "the region"),
        ("/111122223333/", "/444455556666/", "the account"),
        ("/111122223333/", "/777788889999/", "the account"),
    ] {
        let archive = Plan::wide().model().write();
        let key = archive.digest(3).to_owned();
        let moved = key.replacen(from, to, 1);
        archive.rename_digest(&key, &moved);
        let run = run(&archive);
        run.finds_at_least(&["V name_mismatch"]);
        let finding = run.one(Code::NameMismatch);
        assert!(finding.message.contains(field), "{}", finding.message);
        assert_eq!(finding.path.as_deref(), Some(&*archive.path(&moved).display().to_string()));
        // The other three chains are as good as ever.
        let others =
            run.report.chains.iter().filter(|chain| chain.digests == 7 && chain.digests_verified == 7);
        assert!(others.count() >= 3);
        assert_eq!(run.report.totals.logs.violated + run.report.totals.logs.missing, 0);
    }
}

#[test]
fn s50_the_json_contradicts_itself() {
    // Signed so by whoever has the key: the place and the fields disagree.
    for field in ["awsAccountId", "digestEndTime"] {
        let mut model = Plan::default().model();
        let chain = &mut model.chains[0];
        let other_end = chain.digests[6].end().plus(-5).to_string();
        let document = &mut chain.digests[6].document;
        match field {
            "awsAccountId" => "999999999999".clone_into(&mut document.aws_account_id),
            _ => document.end_time = other_end,
        }
        chain.seal_from(6);
        let archive = model.write();
        let run = run(&archive);
        run.finds_at_least(&["V name_mismatch"]);
        let finding = run.one(Code::NameMismatch);
        assert!(finding.message.contains(field), "{}", finding.message);
        assert_eq!(finding.key.as_deref(), Some(archive.digest(6)));
    }
}

/// The logs of digest 3 are delivered to another bucket.
fn with_second_bucket() -> Archive {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    for log in &mut chain.digests[3].logs {
        "other-logs".clone_into(&mut log.bucket);
    }
    chain.digests[3].name_logs();
    chain.seal_from(3);
    model.write()
}

#[test]
fn s56_a_log_in_another_bucket() {
    let archive = with_second_bucket();
    // Stated by the user: found.
    let mut mapped = options(&archive);
    let folder = archive.root().join("other-logs");
    mapped.maps =
        vec![Map { bucket: "other-logs".to_owned(), prefix: String::new(), folder: folder.clone() }];
    let run = run_with(&mapped);
    run.finds(&[]).log_totals([12, 12, 0, 0, 0]);
    let stated: Vec<_> = run.report.scope.mappings.iter().filter(|mapping| !mapping.inferred).collect();
    assert_eq!((stated.len(), stated[0].bucket.as_str()), (1, "other-logs"));
    // The same with the folder away from the root.
    let away = archive.folder().join("away");
    std::fs::rename(&folder, &away).unwrap();
    mapped.maps[0].folder = away;
    run_with(&mapped).finds(&[]).log_totals([12, 12, 0, 0, 0]);
    // Not there at all: no proof of a crime.
    let run = crate::support::run(&archive);
    run.finds(&["U log_not_in_archive x2"]).log_totals([12, 10, 0, 2, 0]);
    assert_eq!(run.all(Code::LogNotInArchive)[0].bucket.as_deref(), Some("other-logs"));
    assert_eq!(run.report.verdict, Verdict::Unproven);
}

#[test]
fn s56_a_stated_mapping_with_a_prefix() {
    let archive = Plan { prefix: "team/a/".to_owned(), ..Plan::default() }.model().write();
    let folder = archive.root().join("audit-logs/team/a");
    let mut options = options(&archive);
    options.maps = vec![Map { bucket: "audit-logs".to_owned(), prefix: "team/a/".to_owned(), folder }];
    run_with(&options).finds(&[]).log_totals([12, 12, 0, 0, 0]);
    // Alone it is enough, and the root of it all.
    options.roots = Vec::new();
    run_with(&options).finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s56_a_log_in_another_bucket_that_lies_in_the_root_unmapped() {
    let archive = with_second_bucket();
    let run = run(&archive);
    // Its folder is named as the bucket, its content is what was signed (row 71).
    run.finds(&[]).log_totals([12, 12, 0, 0, 0]).unnamed_totals([0, 0, 0]);
}

#[test]
fn s56_the_bucket_and_prefix_changed_in_the_middle() {
    let mut model = Plan::default().model();
    let chain = &mut model.chains[0];
    (chain.bucket, chain.prefix) = ("new-logs".to_owned(), "p/q/".to_owned());
    for position in 4..=6 {
        let (start, end) = (chain.digests[position].start(), chain.digests[position].end());
        chain.set_window(position, start, end);
        let (bucket, prefix) = (chain.bucket.clone(), chain.prefix.clone());
        let digest = &mut chain.digests[position];
        digest.document.s3_bucket.clone_from(&bucket);
        for log in &mut digest.logs {
            log.bucket.clone_from(&bucket);
            log.key = format!("{prefix}{}", log.key);
        }
        digest.name_logs();
    }
    chain.seal_from(4);
    let archive = model.write();
    let run = run(&archive);
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    let mappings: Vec<_> =
        run.report.scope.mappings.iter().map(|m| (m.bucket.as_str(), m.prefix.as_str())).collect();
    assert_eq!(mappings, [("audit-logs", ""), ("new-logs", "p/q/")]);
    // Only the new bucket was copied: the old part is not here, which nobody can hold against it.
    let mut new_only = options(&archive);
    new_only.roots = vec![archive.root().join("new-logs")];
    let run = run_with(&new_only);
    run.finds(&["U digest_not_in_archive"]).digest_totals([3, 3, 0, 0, 0]).log_totals([6, 6, 0, 0, 0]);
    assert_eq!(run.one(Code::DigestNotInArchive).bucket.as_deref(), Some("audit-logs"));
}

#[test]
fn s56_only_part_of_a_time_span_is_judged() {
    let archive = small();
    archive.alter_log(archive.log(1, 0));
    archive.delete_digest(archive.digest(6));
    let mut options = options(&archive);
    let at = |position: usize| -> Option<Timestamp> { window(&archive, position).0 };
    (options.policy.start, options.policy.end) = (at(3), at(5));
    let run = run_with(&options);
    run.finds(&[]).digest_totals([2, 2, 0, 0, 0]).log_totals([4, 4, 0, 0, 0]);
    options.policy.end = at(3).map(|start| start.plus(HOUR / 2));
    run_with(&options).digest_totals([1, 1, 0, 0, 0]);
}
