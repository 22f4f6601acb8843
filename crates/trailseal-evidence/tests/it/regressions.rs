//! What broke once, named after what was said wrongly.

use std::{fs, os::unix::fs::symlink};

use trailseal_evidence::report::Verdict;
use trailseal_testkit::{Archive, Plan};

use crate::support::{options, options_for, run, run_with, small};

const ACCOUNT: &str = "AWSLogs/111122223333";

/// Moves the account's logs away from its digests, and says where they are.
fn move_logs(archive: &Archive) -> std::path::PathBuf {
    let other = archive.folder().join("logs");
    fs::create_dir_all(other.join(ACCOUNT)).unwrap();
    let logs = archive.path(format!("{ACCOUNT}/CloudTrail"));
    fs::rename(logs, other.join(ACCOUNT).join("CloudTrail")).unwrap();
    other
}

#[test]
fn logs_in_another_root_than_their_digests_are_not_missing() {
    let archive = small();
    let other = move_logs(&archive);
    for roots in [[archive.root(), other.clone()], [other.clone(), archive.root()]] {
        let run = run_with(&options_for(&roots, &archive.keys()));
        run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    }
}

#[test]
fn logs_beyond_a_link_that_is_not_followed_are_not_missing() {
    let archive = small();
    let other = move_logs(&archive);
    symlink(other.join(ACCOUNT).join("CloudTrail"), archive.path(format!("{ACCOUNT}/CloudTrail"))).unwrap();
    run(&archive).finds(&["U log_unreadable x12", "U symlink_not_followed"]).log_totals([12, 0, 0, 12, 0]);
}

#[test]
fn logs_of_a_trail_that_lost_its_ends_are_not_planted() {
    let trails = vec!["audit".to_owned(), "other".to_owned()];
    for lost in [vec![6], vec![4, 5, 6], vec![1]] {
        let archive = Plan { trails: trails.clone(), ..Plan::default() }.model().write();
        let other =
            archive.model.chains.iter().find(|chain| chain.digests[0].object().contains("_other_")).unwrap();
        for at in &lost {
            archive.delete_digest(other.digests[*at].object());
        }
        let run = run(&archive);
        let codes: Vec<&str> = run.report.findings.iter().map(|finding| finding.code.text()).collect();
        assert!(!codes.contains(&"log_unreferenced"), "{lost:?}: {codes:?}");
        assert!(
            codes.contains(&"log_outside_coverage") || codes.contains(&"log_pending"),
            "{lost:?}: {codes:?}"
        );
        assert_ne!(run.report.verdict, Verdict::Verified);
    }
}

#[test]
fn a_log_beside_the_region_folders_is_not_passed_over() {
    let archive = small();
    let name = archive.log(3, 0).rsplit('/').next().unwrap().replace(".json", "x.json");
    for folder in ["CloudTrail", "CloudTrail/2024/03/01", "cloudtrail/eu-west-1", "CloudTrail-Foo/eu-west-1"]
    {
        let planted = archive.write_object("audit-logs", &format!("{ACCOUNT}/{folder}/{name}"), b"{}");
        run(&archive).finds(&["U stray_object"]);
        fs::remove_file(planted).unwrap();
    }
}

#[test]
fn a_key_files_name_does_not_hide_a_log() {
    let archive = small();
    let day = archive.log(3, 0).rsplit_once('/').unwrap().0.to_owned();
    archive.write_object("audit-logs", &format!("{day}/public-keys.json"), b"{\"Records\":[]}");
    run(&archive).finds(&["U stray_object"]);
}

#[test]
fn what_was_asked_for_and_is_absent_is_said() {
    let archive = small();
    let asked = |change: &dyn Fn(&mut trailseal_verify::Policy), code: &str| {
        let mut options = options(&archive);
        change(&mut options.policy);
        run_with(&options).finds(&[code]);
    };
    let both = |one: &str, other: &str| vec![one.to_owned(), other.to_owned()];
    asked(&|policy| policy.accounts = both("111122223333", "999999999999"), "U account_absent");
    asked(&|policy| policy.regions = both("eu-west-1", "mars-east-1"), "U region_absent");
    asked(&|policy| policy.trails = both("audit", "adit"), "U no_digests");
}
