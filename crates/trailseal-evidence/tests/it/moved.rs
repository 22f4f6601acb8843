//! An archive is bound to no place: trees that were moved, and parts of trees.

use std::{fs, path::Path};

use trailseal_testkit::{Archive, Metadata, Plan};
use trailseal_verify::Status;

use crate::support::{Run, options_for, run_with, small};

fn at(archive: &Archive, roots: &[&Path]) -> Run {
    let roots: Vec<_> = roots.iter().map(|root| root.to_path_buf()).collect();
    run_with(&options_for(&roots, &archive.keys()))
}

#[track_caller]
fn is_whole(run: &Run) {
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

fn prefixed() -> Archive {
    let organization = Some("o-abcd123456".to_owned());
    Plan { organization, prefix: "team/".to_owned(), ..Plan::default() }.model().write()
}

#[test]
fn a_tree_under_another_name_and_below_other_folders() {
    for archive in [small(), prefixed()] {
        for place in
            ["other-name", "a/b/c", "AWSLogs", "AWSLogs/x", "with space/ünïcode", "prefix/that/never/was"]
        {
            let moved = archive.copy_bucket(place);
            is_whole(&at(&archive, &[&moved]));
            fs::remove_dir_all(archive.folder().join(place.split('/').next().unwrap())).unwrap();
        }
    }
}

#[test]
fn a_prefix_that_was_dropped_or_changed() {
    let archive = prefixed();
    let moved = archive.copy_bucket("copy");
    fs::rename(moved.join("team"), moved.join("another")).unwrap();
    is_whole(&at(&archive, &[&moved]));
    fs::rename(moved.join("another/AWSLogs"), moved.join("AWSLogs")).unwrap();
    is_whole(&at(&archive, &[&moved]));
}

#[test]
fn a_root_at_every_level() {
    let archive = prefixed();
    let bucket = archive.root().join("audit-logs");
    let logs = bucket.join("team/AWSLogs");
    for root in
        [archive.folder().to_owned(), archive.root(), bucket.clone(), bucket.join("team"), logs.clone()]
    {
        is_whole(&at(&archive, &[&root]));
    }
    for root in [logs.join("o-abcd123456"), logs.join("o-abcd123456/111122223333")] {
        is_whole(&at(&archive, &[&root]));
    }
}

#[test]
fn several_roots_one_a_region() {
    let archive = Plan { regions: Plan::wide().regions, ..Plan::default() }.model().write();
    let account = archive.path("AWSLogs/111122223333");
    for region in &archive.model.plan.regions {
        for kind in ["CloudTrail", "CloudTrail-Digest"] {
            let target = archive.folder().join(region).join("AWSLogs/111122223333").join(kind);
            fs::create_dir_all(&target).unwrap();
            fs::rename(account.join(kind).join(region), target.join(region)).unwrap();
        }
    }
    let roots: Vec<_> =
        archive.model.plan.regions.iter().map(|region| archive.folder().join(region)).collect();
    let run = at(&archive, &[&roots[0], &roots[1]]);
    run.finds(&[]).digest_totals([14, 14, 0, 0, 0]).log_totals([24, 24, 0, 0, 0]);
    at(&archive, &[&roots[0]]).finds(&[]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn logs_and_digests_in_two_roots() {
    let archive = small();
    let digests = archive.folder().join("digests/AWSLogs/111122223333");
    fs::create_dir_all(&digests).unwrap();
    fs::rename(archive.path("AWSLogs/111122223333/CloudTrail-Digest"), digests.join("CloudTrail-Digest"))
        .unwrap();
    let run = at(&archive, &[&archive.root(), &archive.folder().join("digests")]);
    // Where the bucket of the logs lies is not inferred from digests that lie elsewhere; but what is there
    // and has the signed content is not called planted.
    assert_eq!(run.report.totals.digests.verified, 7);
    assert_eq!(run.report.totals.logs.unreferenced, 0);
}

#[test]
fn two_copies_of_one_archive_count_once() {
    let archive = small();
    let copy = archive.copy_bucket("copy");
    let run = at(&archive, &[&archive.root(), &copy]);
    run.finds_at_least(&[]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.report.totals.digests.found, 7);
}

#[test]
fn one_damaged_copy_of_two_is_found() {
    let archive = small();
    let copy = archive.copy_bucket("copy");
    archive.alter_log(archive.log(3, 0));
    let run = at(&archive, &[&copy, &archive.root()]);
    run.finds_at_least(&["V log_altered"]);
    assert_eq!(run.logs[archive.log(3, 0)], Status::Violated);
}

#[test]
fn only_the_digests() {
    let archive = small();
    fs::remove_dir_all(archive.path("AWSLogs/111122223333/CloudTrail")).unwrap();
    let run = at(&archive, &[&archive.root()]);
    run.finds(&["V log_missing x12"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 0, 0, 0, 12]);
}

#[test]
fn only_the_digest_folder_of_one_day() {
    let archive = Plan { hours: 30, logs_per_hour: 0, ..Plan::default() }.model().write();
    let first_day = archive.path("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/03/01");
    let run = at(&archive, &[&first_day]);
    // 24 ends lie in that day, at 00:13:52 and so on.
    run.finds(&[]).digest_totals([24, 24, 0, 0, 0]);
    let second_day = first_day.parent().unwrap().join("02");
    let run = at(&archive, &[&second_day]);
    // The day before was not part of what was given.
    run.status(3).digest_totals([7, 7, 0, 0, 0]);
    let codes: Vec<&str> = run.report.findings.iter().map(|finding| finding.code.text()).collect();
    assert!(codes == ["digest_not_in_archive"] || codes == ["not_copied"], "{codes:?}");
}

#[test]
fn a_digest_folder_cut_out_of_its_tree() {
    let archive = Plan { logs_per_hour: 0, ..Plan::default() }.model().write();
    let digests = archive.path("AWSLogs/111122223333/CloudTrail-Digest/eu-west-1");
    let alone = archive.folder().join("alone");
    fs::rename(digests, &alone).unwrap();
    at(&archive, &[&alone]).finds(&[]).digest_totals([7, 7, 0, 0, 0]);
    at(&archive, &[&alone.join("2024/03/01")]).finds(&[]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn a_tree_without_its_first_component() {
    // Downloaded from …/AWSLogs/ on: the component itself is not there.
    let archive = small();
    let moved = archive.folder().join("moved");
    fs::rename(archive.path("AWSLogs"), &moved).unwrap();
    is_whole(&at(&archive, &[&moved]));
}

#[test]
fn a_flat_folder_of_files() {
    let archive = Plan::default().model().write_with(Metadata::Sidecars);
    let flat = archive.folder().join("flat");
    fs::create_dir_all(&flat).unwrap();
    for digest in &archive.chain().digests {
        fs::rename(archive.path(digest.object()), flat.join(digest.object().rsplit('/').next().unwrap()))
            .unwrap();
        let sidecar = archive.sidecar(digest.object());
        fs::rename(&sidecar, flat.join(sidecar.file_name().unwrap())).unwrap();
        for log in &digest.logs {
            fs::rename(archive.path(&log.key), flat.join(log.key.rsplit('/').next().unwrap())).unwrap();
        }
    }
    let run = at(&archive, &[&flat]);
    // Their folders are gone; they are known by their names and contents (row 93).
    run.notes(&["layout_lost"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.report.totals.logs.unreferenced, 0);
}
