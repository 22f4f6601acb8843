//! What only the user's expectations and hostile objects bring up: situations 51, 57, 58.

use std::{fs, path::Path};

use trailseal_archive::key::ObjectKind;
use trailseal_evidence::report::Verdict;
use trailseal_evidence::{Baseline, Options};
use trailseal_testkit::{Archive, Plan};
use trailseal_verify::Code;

use crate::support::{HOUR, options, run, run_with, small};

#[test]
fn s51_an_absent_account_or_region() {
    let archive = Plan::wide().model().write();
    let mut options = options(&archive);
    options.expect.accounts = archive.model.plan.accounts.clone();
    options.expect.regions = archive.model.plan.regions.clone();
    run_with(&options).finds(&[]);
    // One account as a whole, then one region of the other.
    let folder = archive.path("AWSLogs/444455556666");
    fs::remove_dir_all(folder).unwrap();
    let run = run_with(&options);
    run.finds(&["U account_absent"]).digest_totals([14, 14, 0, 0, 0]);
    assert_eq!(run.one(Code::AccountAbsent).account.as_deref(), Some("444455556666"));
    for kind in [ObjectKind::Log, ObjectKind::Digest] {
        fs::remove_dir_all(archive.path(format!("AWSLogs/111122223333/{}/us-east-1", kind.folder())))
            .unwrap();
    }
    let run = run_with(&options);
    run.finds(&["U account_absent", "U region_absent"]).digest_totals([7, 7, 0, 0, 0]);
    let finding = run.one(Code::RegionAbsent);
    assert_eq!(
        (finding.account.as_deref(), finding.region.as_deref()),
        (Some("111122223333"), Some("us-east-1"))
    );
    assert_eq!(run.report.verdict, Verdict::Unproven);
}

#[test]
fn s51_nothing_is_expected_unless_asked() {
    let archive = Plan::wide().model().write();
    fs::remove_dir_all(archive.path("AWSLogs/444455556666")).unwrap();
    run(&archive).finds(&[]);
}

#[test]
fn s57_gzip_bombs() {
    let archive = small();
    archive.bomb(archive.log(2, 0), 3 << 20);
    archive.bomb(archive.digest(4), 3 << 20);
    let mut options = options(&archive);
    (options.limits.max_inflated_log, options.limits.max_inflated_digest) = (1 << 20, 1 << 20);
    let run = run_with(&options);
    run.finds(&["V limit_exceeded x2", "U log_outside_coverage x2"]).digest_totals([7, 6, 1, 0, 0]);
    run.log_totals([10, 9, 1, 0, 0]).all_digests_verified_but(&archive, &[archive.digest(4)]);
    let keys: Vec<_> =
        run.all(Code::LimitExceeded).iter().map(|finding| finding.key.clone().unwrap()).collect();
    assert!(keys.contains(&archive.log(2, 0).to_owned()) && keys.contains(&archive.digest(4).to_owned()));
    // With room for them they are what they are: other content.
    let run = crate::support::run(&archive);
    run.finds(&["V log_altered", "V digest_malformed", "U log_outside_coverage x2"]);
}

#[test]
fn s57_limits_hold_at_the_byte() {
    let archive = small();
    let longest =
        archive.chain().digests.iter().flat_map(|d| &d.logs).map(|log| log.content.len()).max().unwrap();
    let mut options = options(&archive);
    options.limits.max_inflated_log = longest as u64;
    run_with(&options).finds(&[]);
    options.limits.max_inflated_log = longest as u64 - 1;
    run_with(&options).finds_at_least(&["V limit_exceeded"]);
}

#[test]
fn s57_too_many_log_files() {
    let archive = Plan { logs_per_hour: 3, ..Plan::default() }.model().write();
    let mut options = options(&archive);
    options.limits.max_log_files = 3;
    run_with(&options).finds(&[]);
    options.limits.max_log_files = 2;
    let run = run_with(&options);
    run.finds_at_least(&["V limit_exceeded"]);
    assert_eq!(run.all(Code::LimitExceeded).len(), 6);
}

#[test]
fn s57_deep_json() {
    for depth in [100, 200_000] {
        let archive = small();
        archive.nest(archive.digest(3), depth);
        let run = run(&archive);
        run.finds(&["V limit_exceeded", "U log_outside_coverage x2"]);
        assert_eq!(run.one(Code::LimitExceeded).key.as_deref(), Some(archive.digest(3)));
    }
    // In a log it is only content.
    let archive = small();
    archive.rewrite(archive.log(3, 0), |_| "[".repeat(200_000).into_bytes());
    run(&archive).finds(&["V log_altered"]);
}

#[test]
fn s57_object_names_that_climb() {
    let secret = tempfile::tempdir().unwrap();
    fs::write(secret.path().join("secret.json.gz"), "x").unwrap();
    let climb =
        "../".repeat(20) + secret.path().join("secret.json.gz").to_str().unwrap().trim_start_matches('/');
    for name in [climb.as_str(), "AWSLogs/../../x", "a/\0/b", "./x", "AWSLogs/x/.."] {
        let mut model = Plan::default().model();
        let chain = &mut model.chains[0];
        name.clone_into(&mut chain.digests[3].document.log_files[0].s3_object);
        chain.seal_from(3);
        let archive = model.write();
        let run = run(&archive);
        run.finds(&["V limit_exceeded", "U log_outside_coverage x2"]);
        assert_eq!(run.one(Code::LimitExceeded).key.as_deref(), Some(archive.digest(3)));
        run.all_digests_verified_but(&archive, &[archive.digest(3)]);
    }
}

#[test]
fn s57_absolute_and_odd_names_stay_inside() {
    let secret = tempfile::tempdir().unwrap();
    let outside = secret.path().join("secret.json.gz");
    fs::write(&outside, "x").unwrap();
    for name in [outside.to_str().unwrap(), "//etc/passwd", "/etc/passwd", "x//y", "\\..\\x", ""] {
        let mut model = Plan::default().model();
        let chain = &mut model.chains[0];
        let mut entry = chain.digests[3].document.log_files[0].clone();
        name.clone_into(&mut entry.s3_object);
        chain.digests[3].document.log_files.push(entry);
        chain.seal_from(3);
        let run = run(&model.write());
        run.finds(&["V log_missing"]).log_totals([13, 12, 0, 0, 1]);
    }
}

#[test]
fn s57_file_names_that_are_not_text() {
    use std::os::unix::ffi::OsStrExt;
    let archive = small();
    let folder = archive.path(archive.log(3, 0)).parent().unwrap().to_owned();
    let name = b"111122223333_CloudTrail_eu-west-1_20240301T0335Z_\xff\xfe.json.gz";
    fs::write(folder.join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
    run(&archive).finds(&["U log_unreferenced"]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s57_huge_sidecars() {
    let archive = small();
    fs::write(archive.sidecar(archive.digest(3)), vec![b' '; 2 << 20]).unwrap();
    run(&archive).finds(&["U sidecar_malformed"]).digest_totals([7, 7, 0, 0, 0]);
}

fn with_link(key: impl Fn(&Archive) -> String, to: &Path) -> Archive {
    let archive = small();
    archive.symlink(key(&archive), to);
    archive
}

fn log_folder(archive: &Archive) -> String {
    archive.log(1, 0).rsplit_once('/').unwrap().0.to_owned()
}

#[test]
fn s57_symbolic_links_in_a_circle() {
    let up = with_link(|archive| format!("{}/up", log_folder(archive)), Path::new(".."));
    let run_up = run(&up);
    // Somebody's shortcut, no violation: a note, named once.
    run_up.status(0).finds(&["N symlink_loop"]).log_totals([12, 12, 0, 0, 0]).digest_totals([7, 7, 0, 0, 0]);
    assert!(run_up.the("symlink_loop").path.as_ref().unwrap().ends_with("/up"));
    let itself = with_link(|_| "AWSLogs/itself".to_owned(), Path::new("itself"));
    run(&itself).status(0).finds(&["N symlink_loop"]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s57_a_narrower_scope_makes_no_crime_of_a_circle() {
    let archive = with_link(|archive| format!("{}/up", log_folder(archive)), Path::new(".."));
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[3].start());
    run_with(&options).status(0).finds(&["N symlink_loop"]);
    options.policy.accounts = vec![archive.chain().account.clone()];
    run_with(&options).status(0).finds(&["N symlink_loop"]);
}

#[test]
fn s57_symbolic_links_that_leave_the_root() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("x"), "x").unwrap();
    let folder = with_link(|_| "AWSLogs/out".to_owned(), outside.path());
    run(&folder).finds(&["U symlink_not_followed"]).log_totals([12, 12, 0, 0, 0]);
    // A log that is a link to the same content outside.
    let archive = small();
    let log = archive.log(2, 0);
    fs::rename(archive.path(log), outside.path().join("log")).unwrap();
    archive.symlink(log, outside.path().join("log"));
    let run = run(&archive);
    run.finds(&["U symlink_not_followed", "U log_unreadable"]).log_totals([12, 11, 0, 1, 0]);
}

#[test]
fn s57_what_lies_outside_is_not_found_elsewhere() {
    let outside = tempfile::tempdir().unwrap();
    let archive = small();
    let log = archive.log(2, 0);
    fs::rename(archive.path(log), outside.path().join("log")).unwrap();
    archive.symlink(format!("{}/link.json.gz", log_folder(&archive)), outside.path().join("log"));
    run(&archive).finds(&["V log_missing", "U symlink_not_followed", "U stray_object"]);
}

#[test]
fn s57_symbolic_links_inside_the_root_are_followed() {
    let archive = small();
    let log = archive.log(2, 0).to_owned();
    archive.rename(&log, "store/log");
    archive.symlink(&log, archive.path("store/log"));
    run(&archive).finds(&[]).log_totals([12, 12, 0, 0, 0]);
}

fn with_baseline(options: &mut Options, report: &str) {
    options.expect.baseline = Some(serde_json::from_str::<Baseline>(report).unwrap());
}

#[test]
fn s58_the_same_archive_again() {
    let archive = Plan::wide().model().write();
    let mut options = options(&archive);
    with_baseline(&mut options, &run(&archive).json());
    run_with(&options).finds(&[]);
}

#[test]
fn s58_an_archive_that_grew() {
    let archive = small();
    for position in 5..=6 {
        let digest = archive.chain().digests[position].clone();
        archive.delete_digest(digest.object());
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
    }
    let old = run(&archive).json();
    let grown = small();
    let mut options = options(&grown);
    with_baseline(&mut options, &old);
    run_with(&options).finds(&[]);
}

#[test]
fn s58_the_head_is_older() {
    let archive = small();
    let mut options = options(&archive);
    with_baseline(&mut options, &run(&archive).json());
    for position in 5..=6 {
        let digest = archive.chain().digests[position].clone();
        archive.delete_digest(digest.object());
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
    }
    let run = run_with(&options);
    run.finds(&["V head_rolled_back"]);
    let finding = run.one(Code::HeadRolledBack);
    assert_eq!(finding.key.as_deref(), Some(archive.digest(6)));
    assert!(finding.expected.as_deref().unwrap().contains("2024-03-01T06:13:52Z"));
    assert!(finding.actual.as_deref().unwrap().contains("2024-03-01T04:13:52Z"));
}

#[test]
fn s58_another_history() {
    let archive = small();
    let old = run(&archive).json();
    // The owner of the key signs another past, of the same length and longer.
    for hours in [6, 8] {
        let mut model = Plan { hours, ..Plan::default() }.model();
        let chain = &mut model.chains[0];
        chain.digests[2].logs.truncate(1);
        chain.digests[2].name_logs();
        chain.seal_from(2);
        let rewritten = model.write();
        let mut options = options(&rewritten);
        run_with(&options).finds(&[]);
        with_baseline(&mut options, &old);
        let run = run_with(&options);
        run.finds(&["V rewritten_history"]);
        assert_eq!(run.one(Code::RewrittenHistory).key.as_deref(), Some(archive.digest(6)));
    }
}

#[test]
fn s58_a_chain_that_is_gone() {
    let archive = Plan::wide().model().write();
    let mut options = options(&archive);
    with_baseline(&mut options, &run(&archive).json());
    fs::remove_dir_all(archive.path("AWSLogs/444455556666")).unwrap();
    run_with(&options).finds(&["V rewritten_history x2"]);
    // What is not asked for is not compared.
    options.policy.accounts = vec!["111122223333".to_owned()];
    run_with(&options).finds(&[]);
}

#[test]
fn s58_a_narrowed_run_does_not_accuse() {
    let archive = small();
    let mut options = options(&archive);
    with_baseline(&mut options, &run(&archive).json());
    let start = archive.model.plan.start;
    (options.policy.start, options.policy.end) = (Some(start), Some(start.plus(2 * HOUR)));
    let run = run_with(&options);
    run.finds(&[]);
}

#[test]
fn s58_a_chain_that_ended_before_the_time_asked_for() {
    let mut model = Plan { hours: 2, trails: vec!["old".to_owned()], ..Plan::default() }.model();
    model.chains.extend(Plan::default().model().chains);
    let archive = model.write();
    let mut options = options(&archive);
    with_baseline(&mut options, &run(&archive).json());
    options.policy.start = Some(archive.model.plan.start.plus(4 * HOUR));
    run_with(&options).finds(&[]).digest_totals([2, 2, 0, 0, 0]);
}
