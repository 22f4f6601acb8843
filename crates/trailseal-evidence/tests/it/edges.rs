//! The edges of copies, and how metadata and roots may be written: situations 73 to 75, 79.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt};

use trailseal_archive::Timestamp;
use trailseal_testkit::{Archive, Metadata, Plan};
use trailseal_verify::{Finding, Severity, SignatureSource};

use crate::{
    agreement::FilesSeen,
    support::{HOUR, options, options_for, run, run_with, small, try_verify},
};

#[test]
fn s73_a_partial_copy_with_a_start_time() {
    // The oldest digest kept is number 3; its predecessor ended at 3's start.
    for (seconds, is_before) in [(-1, false), (0, true), (1, true), (1800, true), (HOUR - 1, true)] {
        let archive = small();
        for position in 0..3 {
            archive.delete_digest(archive.digest(position));
        }
        let mut options = options(&archive);
        options.policy.start = Some(archive.chain().digests[3].start().plus(seconds));
        let run = run_with(&options);
        assert_eq!(run.report.exit_status != 1, is_before, "{seconds}: {}", run.list());
        if is_before {
            let kept = ["tail_cut", "digest_missing", "digest_not_in_archive", "not_copied"];
            let others = run.report.findings.iter().filter(|finding| !kept.contains(&finding.code.text()));
            assert_eq!(others.count(), 0, "{seconds}: {}", run.list());
        }
    }
}

/// Backfill digests of the hours 2 and 5, the later one naming the earlier one, which is gone.
fn with_linked_backfills() -> Archive {
    let mut model = Plan { backfills: vec![2, 5], ..Plan::default() }.model();
    let (older, newer) = model.chains[1].digests.split_at_mut(1);
    newer[0].link_to(&older[0]);
    newer[0].seal();
    let archive = model.write();
    let gone = &archive.model.chains[1].digests[0];
    archive.delete_digest(gone.object());
    archive.delete(&gone.logs[0].key);
    archive
}

#[test]
fn s73_a_backfill_digest_that_points_before_the_scope() {
    let archive = with_linked_backfills();
    for start in [archive.chain().digests[3].start(), archive.chain().digests[5].start()] {
        let mut options = options(&archive);
        options.policy.start = Some(start);
        run_with(&options).accuses_nobody().lacks(&["log_missing"]);
    }
}

#[test]
fn s73_a_backfill_digest_that_is_missing_inside_the_scope() {
    let archive = with_linked_backfills();
    run(&archive).status(1);
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[1].start());
    run_with(&options).status(1);
}

#[test]
fn s74_head_object_saved_under_the_digests_name_without_gz() {
    for position in 0..2 {
        let archive = small();
        for digest in &archive.chain().digests {
            let sidecar = archive.sidecar(digest.object());
            let target = archive.path(digest.object().strip_suffix(".gz").unwrap());
            fs::rename(sidecar, target).unwrap();
        }
        if position == 1 {
            archive.store_inflated(archive.digest(3), true);
        }
        let run = run(&archive);
        run.status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
        run.finds(if position == 1 { &["N stored_inflated"] } else { &[] });
        assert_eq!(run.digests[archive.digest(6)].source, Some(SignatureSource::Sidecar));
    }
}

#[test]
fn s74_metadata_under_that_name_is_believed_no_more_than_any() {
    let archive = small();
    let key = archive.digest(6).to_owned();
    archive.flip_signature(&key, 77);
    fs::rename(archive.sidecar(&key), archive.path(key.strip_suffix(".gz").unwrap())).unwrap();
    run(&archive).status(1);
    // Nor is what stands beside the metadata.
    let archive = small();
    let text = fs::read_to_string(archive.sidecar(archive.digest(6))).unwrap();
    let with_events = text.replacen('{', "{\"Records\":[{\"eventVersion\":\"1.08\"}],", 1);
    let path = archive.path(archive.digest(6).strip_suffix(".gz").unwrap());
    fs::write(&path, with_events).unwrap();
    let run = run(&archive);
    assert_ne!(run.report.exit_status, 0, "{}", run.list());
    run.names(&path, "");
}

type Damage = (&'static str, fn(&Archive));

#[test]
fn s75_a_root_whose_path_is_no_text() {
    let damages: [Damage; 8] = [
        ("nothing", |_| {}),
        ("log_missing", |archive| archive.delete(archive.log(3, 0))),
        ("log_altered", |archive| archive.alter_log(archive.log(3, 0))),
        ("digest_missing", |archive| archive.delete_digest(archive.digest(3))),
        ("digest_altered", |archive| archive.alter_log_and_digest(archive.digest(3), 1)),
        ("log_unreferenced", |archive| {
            archive.plant(archive.chain(), archive.chain().digests[3].start().plus(1800));
        }),
        ("log_found_elsewhere", |archive| {
            archive.rename(archive.log(3, 0), "elsewhere/x.json.gz");
        }),
        ("stored_inflated", |archive| archive.store_inflated(archive.log(3, 0), false)),
    ];
    for (what, damage) in damages {
        let archive = small();
        damage(&archive);
        let codes = |findings: &[Finding]| {
            let mut codes: Vec<(Severity, &str)> =
                findings.iter().map(|finding| (finding.severity, finding.code.text())).collect();
            codes.sort_unstable();
            codes
        };
        let plain = run(&archive);
        let odd = archive.folder().join(OsStr::from_bytes(b"caf\xe9"));
        fs::rename(archive.root(), &odd).unwrap();
        let options = options_for(&[odd], &archive.keys());
        let run = try_verify(&options, &mut FilesSeen::default()).unwrap();
        assert_eq!(codes(&run.report.findings), codes(&plain.report.findings), "{what}");
        assert_eq!(run.report.exit_status, plain.report.exit_status, "{what}");
        assert_eq!(run.report.totals.logs, plain.report.totals.logs, "{what}");
    }
}

/// Three days and a bit: 72 hours from 00:13:52 on.
fn three_days(regions: &[&str]) -> Archive {
    let regions = regions.iter().map(|&region| region.to_owned()).collect();
    Plan { hours: 72, regions, logs_per_hour: 2, ..Plan::default() }.model().write()
}

#[test]
fn s79_a_copy_of_one_day() {
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/02"]);
    let run = run(&archive);
    run.status(3).accuses_nobody().finds_at_least(&["U not_copied"]);
    run.lacks(&["log_missing", "tail_cut", "digest_missing", "log_not_in_archive"]);
    // Which days are to be copied too is said.
    let hints: Vec<&str> = run.coded("not_copied").iter().map(|finding| finding.message.as_str()).collect();
    assert!(hints.iter().any(|hint| hint.contains("2024/03/01") || hint.contains("2024-03-01")), "{hints:?}");
    // Nothing but the edges is unproven: the day before, and what is too new for a digest of this day.
    let edges = ["not_copied", "log_pending", "coverage_starts_late"];
    let others = run.report.findings.iter().filter(|finding| !edges.contains(&finding.code.text()));
    assert_eq!(others.count(), 0, "{}", run.list());
    assert_eq!(run.report.totals.logs.missing, 0);
}

#[test]
fn s79_a_copy_of_one_day_judged_for_that_day() {
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/02"]);
    let at = |text: &str| Some(Timestamp::parse_digest_field(text).unwrap());
    let mut options = options(&archive);
    (options.policy.start, options.policy.end) = (at("2024-03-02T00:13:52Z"), at("2024-03-02T23:13:52Z"));
    let run = run_with(&options);
    run.accuses_nobody().lacks(&["log_missing", "log_not_in_archive", "digest_missing"]);
    // From midnight on: the first digest's logs of the day before are not asked for.
    options.policy.start = at("2024-03-02T00:00:00Z");
    let run = run_with(&options);
    run.accuses_nobody().lacks(&["log_missing", "log_not_in_archive", "digest_missing"]);
    assert!(run.coded("not_copied").iter().all(|finding| finding.count.is_none()), "{}", run.list());
}

#[test]
fn s79_a_copy_of_a_month_in_two_regions() {
    let archive = three_days(&["eu-west-1", "us-east-1"]);
    archive.keep_days(&["2024/03/02", "2024/03/03"]);
    run(&archive).status(3).accuses_nobody().finds_at_least(&["U not_copied"]);
    // Logs by day, digests of all days, and the other way round.
    let archive = three_days(&["eu-west-1"]);
    archive.rearrange(|path| {
        (path.contains("/CloudTrail-Digest/") || path.contains("/2024/03/02/")).then(|| path.to_owned())
    });
    run(&archive).lacks(&["tail_cut"]).status(1);
}

#[test]
fn s79_the_last_days_left_out() {
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/01", "2024/03/02"]);
    let run = run(&archive);
    run.accuses_nobody().lacks(&["log_missing", "digest_missing", "tail_cut"]);
}

#[test]
fn s79_a_day_deleted_in_the_middle_is_no_edge() {
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/01", "2024/03/03", "2024/03/04"]);
    run(&archive).status(1).finds_at_least(&["V digest_missing"]);
}

#[test]
fn s79_a_day_of_which_something_was_copied_is_no_edge() {
    // Of another region.
    let archive = three_days(&["eu-west-1", "us-east-1"]);
    archive.rearrange(|path| {
        (!path.contains("/eu-west-1/2024/03/01/") && !path.contains("/us-east-1/2024/03/04/"))
            .then(|| path.to_owned())
    });
    run(&archive).status(1);
    // Of the logs: the digests of that day alone are gone.
    let archive = three_days(&["eu-west-1"]);
    archive.rearrange(|path| {
        (!path.contains("/CloudTrail-Digest/eu-west-1/2024/03/01/")).then(|| path.to_owned())
    });
    run(&archive).status(1).finds_at_least(&["V tail_cut"]);
    // Of the digests: the logs are.
    let archive = three_days(&["eu-west-1"]);
    archive.rearrange(|path| (!path.contains("/CloudTrail/eu-west-1/2024/03/01/")).then(|| path.to_owned()));
    run(&archive).status(1).finds_at_least(&["V log_missing"]);
}

#[test]
fn s79_files_without_date_folders_tell_nothing_of_those_that_were_copied() {
    let archive = three_days(&["eu-west-1", "us-east-1"]);
    archive.rearrange(|path| {
        let name = path.rsplit('/').next().unwrap();
        let is_first = path.contains("/2024/03/01/");
        if path.contains("/us-east-1/") {
            Some(format!("downloads/{name}"))
        } else {
            (!is_first).then(|| path.to_owned())
        }
    });
    run(&archive).accuses_nobody().finds_at_least(&["U not_copied"]);
}

#[test]
fn s79_a_log_of_a_day_that_was_copied_is_missing() {
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/02"]);
    let digests = &archive.chain().digests;
    let inner = digests
        .iter()
        .find(|digest| digest.object().contains("T121352Z") && digest.object().contains("/02/"));
    let log = &inner.unwrap().logs[0].key;
    archive.delete(log);
    let run = run(&archive);
    run.status(1).finds_at_least(&["V log_missing", "U not_copied"]);
    assert_eq!(run.the("log_missing").key.as_ref(), Some(log));
}

#[test]
fn s79_the_days_of_an_edge_are_never_verified() {
    // Whoever deletes whole days at an edge gets no proof from it.
    let archive = three_days(&["eu-west-1"]);
    archive.keep_days(&["2024/03/02", "2024/03/03", "2024/03/04"]);
    let run_with_all = run(&archive);
    run_with_all.status(3).accuses_nobody();
    let archive = Plan { hours: 72, ..Plan::default() }.model().write_with(Metadata::NewestSidecar);
    archive.keep_days(&["2024/03/02"]);
    // The newest digest, and its sidecar, are of another day.
    run(&archive).status(3).accuses_nobody();
}
