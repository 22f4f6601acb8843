//! What the user expects, allows and compares with: situations 76, 77, 86, 87.

use std::fs;

use trailseal_evidence::{Baseline, Options};
use trailseal_testkit::{Archive, Metadata, Plan, Stop};
use trailseal_verify::{Code, Severity};

use crate::support::{HOUR, Run, options, run, run_with, small};

#[test]
fn s76_an_account_that_is_not_expected() {
    for what in ["both", "digests", "logs"] {
        let plan = Plan { regions: Plan::default().regions, ..Plan::wide() };
        let archive = plan.model().write();
        let folder = archive.path("AWSLogs/444455556666");
        match what {
            "digests" => fs::remove_dir_all(folder.join("CloudTrail")).unwrap(),
            "logs" => fs::remove_dir_all(folder.join("CloudTrail-Digest")).unwrap(),
            _ => {}
        }
        let mut options = options(&archive);
        run_with(&options).lacks(&["account_unexpected"]);
        options.expect.accounts = vec!["111122223333".to_owned()];
        let run = run_with(&options);
        run.finds_at_least(&["U account_unexpected"]).lacks(&["account_absent"]);
        assert_eq!(run.the("account_unexpected").account.as_deref(), Some("444455556666"), "{what}");
        options.expect.accounts.push("444455556666".to_owned());
        let run = run_with(&options);
        run.lacks(&["account_unexpected"]);
        // Anybody can write a log: only a digest says that the account is there.
        assert_eq!(run.coded("account_absent").is_empty(), what != "logs", "{what}");
    }
}

#[test]
fn s76_a_sound_archive_with_an_unexpected_account_is_unproven() {
    let archive = Plan { regions: Plan::default().regions, ..Plan::wide() }.model().write();
    let mut options = options(&archive);
    options.expect.accounts = vec!["111122223333".to_owned()];
    run_with(&options).status(3).finds(&["U account_unexpected"]);
    options.policy.allowed = vec!["account_unexpected".parse().expect("a code")];
    run_with(&options).status(0).finds(&["N account_unexpected"]);
}

#[test]
fn s77_what_a_missing_log_may_be() {
    let archive = small();
    archive.delete(archive.log(3, 0));
    let run = run(&archive);
    run.status(1).finds(&["V log_missing"]);
    let message = &run.the("log_missing").message;
    for word in ["deleted", "expired", "archived", "not copied"] {
        assert!(message.contains(word), "{word} in {message}");
    }
}

fn compared_with(options: &mut Options, report: &Run) {
    options.expect.baseline = Some(serde_json::from_str::<Baseline>(&report.json()).unwrap());
}

fn with_restart() -> Archive {
    let stops = vec![Stop { after: 3, pause: 9 * HOUR + 427, event: None }];
    Plan { stops, ..Plan::default() }.model().write()
}

#[test]
fn s86_the_whole_chain_before_a_restart_is_gone() {
    let archive = with_restart();
    let mut options = options(&archive);
    let old = run_with(&options);
    compared_with(&mut options, &old);
    run_with(&options).status(3).finds(&["U gap"]);
    for position in 0..=3 {
        archive.delete_hour(position);
    }
    let run = run_with(&options);
    assert_ne!(run.report.exit_status, 0, "{}", run.list());
    let said = run.coded("rewritten_history");
    let end = archive.chain().digests[3].end();
    let speaks = said.iter().any(|finding| finding.start.is_some_and(|start| start < end));
    assert!(speaks, "the span that is gone: {}", run.list());
    // Without the earlier report nothing tells.
    run_with(&crate::support::options(&archive)).status(0).finds(&[]);
}

#[test]
fn s86_an_older_part_of_a_chain_that_lost_its_signatures_is_reported_not_rewritten() {
    let archive = with_restart();
    let mut options = options(&archive);
    let old = run_with(&options);
    compared_with(&mut options, &old);
    archive.remove_sidecar(archive.digest(3));
    // What is not proven now is said now.
    run_with(&options).status(3).lacks(&["rewritten_history"]).finds_at_least(&["U signature_unavailable"]);
}

#[test]
fn s86_a_backfill_digest_is_gone() {
    for left in [0, 1] {
        let backfills = if left == 0 { vec![2] } else { vec![2, 5] };
        let archive = Plan { backfills, ..Plan::default() }.model().write();
        let mut options = options(&archive);
        let old = run_with(&options);
        compared_with(&mut options, &old);
        run_with(&options).status(0).finds(&[]);
        let gone = &archive.model.chains[1].digests[0];
        archive.delete_digest(gone.object());
        archive.delete(&gone.logs[0].key);
        run_with(&options).status(1).finds_at_least(&["V rewritten_history"]);
        run_with(&crate::support::options(&archive)).status(0).finds(&[]);
    }
}

#[test]
fn s86_what_expired_is_not_rewritten() {
    // The old head itself is older than the oldest digest that is kept.
    let early = Plan { hours: 3, ..Plan::default() }.model().write();
    let old = run(&early);
    old.finds(&[]);
    let archive = Plan { hours: 12, ..Plan::default() }.model().write();
    let mut options = options(&archive);
    compared_with(&mut options, &old);
    run_with(&options).status(0).finds(&[]);
    for position in 0..6 {
        archive.delete_hour(position);
    }
    let run = run_with(&options);
    let said = run.coded("rewritten_history");
    assert!(
        !said.is_empty() && said.iter().all(|finding| finding.severity == Severity::Unproven),
        "{}",
        run.list()
    );
    // A scope that begins later does not speak of it.
    options.policy.start = Some(archive.chain().digests[7].start());
    run_with(&options).accuses_nobody().lacks(&["rewritten_history"]);
}

#[test]
fn s86_a_baseline_that_compares_nothing_in_this_scope() {
    let plan = Plan { regions: Plan::default().regions, ..Plan::wide() };
    let archive = plan.model().write();
    let mut only_first = options(&archive);
    only_first.policy.accounts = vec!["111122223333".to_owned()];
    let old = run_with(&only_first);
    let mut options = options(&archive);
    options.policy.accounts = vec!["444455556666".to_owned()];
    compared_with(&mut options, &old);
    run_with(&options).status(0).finds(&["N baseline_not_compared"]);
    // A span before, and one after, that the earlier report does not reach.
    let archive = Plan { hours: 12, ..Plan::default() }.model().write();
    let mut early = crate::support::options(&archive);
    early.policy.end = Some(archive.chain().digests[3].end());
    let old = run_with(&early);
    let mut late = crate::support::options(&archive);
    late.policy.start = Some(archive.chain().digests[8].start());
    compared_with(&mut late, &old);
    run_with(&late).status(0).finds(&["N baseline_not_compared"]);
}

#[test]
fn s86_a_baseline_that_compares_something_says_nothing() {
    let archive = small();
    let mut options = options(&archive);
    let old = run_with(&options);
    compared_with(&mut options, &old);
    run_with(&options).status(0).finds(&[]);
    options.policy.start = Some(archive.chain().digests[2].start());
    run_with(&options).status(0).finds(&[]);
    options.policy.end = Some(archive.chain().digests[4].end());
    run_with(&options).status(0).finds(&[]);
}

#[test]
fn s86_the_head_of_the_earlier_report_in_a_narrower_scope() {
    let archive = small();
    let mut options = options(&archive);
    let old = run_with(&options);
    compared_with(&mut options, &old);
    archive.delete_hour(6);
    options.policy.start = Some(archive.chain().digests[5].start());
    run_with(&options).status(1);
}

#[test]
fn s87_where_everything_is_allowed_nothing_is_verified() {
    let wrong_key = small();
    wrong_key.write_keys(&[3], None);
    let no_signatures = Plan::default().model().write_with(Metadata::Nowhere);
    for (archive, codes) in [
        (&wrong_key, vec![Code::KeyUnknown, Code::LogUnproven]),
        (&wrong_key, Code::ALL.to_vec()),
        (&no_signatures, vec![Code::SignatureUnavailable, Code::LogUnproven]),
        (&no_signatures, Code::ALL.to_vec()),
    ] {
        let mut options = options(archive);
        run_with(&options).status(3);
        options.policy.allowed = codes;
        let run = run_with(&options);
        run.status(0);
        assert_eq!(run.verdict(), "allowed", "{}", run.list());
    }
}

#[test]
fn s87_a_named_log_that_stays_unproven_is_not_verified() {
    // One chain end without a signature, of two chains: the rest is proven.
    let archive = Plan { regions: Plan::default().regions, ..Plan::wide() }.model().write();
    archive.remove_sidecar(archive.digest(6));
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::SignatureUnavailable, Code::LogUnproven];
    let run = run_with(&options);
    run.status(0).finds(&["N signature_unavailable", "N log_unproven x2"]);
    assert_eq!(run.verdict(), "allowed");
    // A log that cannot be read is not proven either.
    let archive = small();
    archive.make_unreadable(archive.log(3, 0));
    let mut options = crate::support::options(&archive);
    options.policy.allowed = vec![Code::LogUnreadable];
    let run = run_with(&options);
    run.status(0).finds(&["N log_unreadable"]);
    assert_eq!(run.verdict(), "allowed");
}

#[test]
fn s87_what_is_allowed_beside_proven_logs_leaves_it_verified() {
    let archive = small();
    archive.plant(archive.chain(), archive.chain().digests[6].end().plus(1800));
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::LogPending];
    assert_eq!(run_with(&options).status(0).verdict(), "verified");
}

#[test]
fn s87_a_violation_is_not_allowed_away() {
    let archive = small();
    archive.alter_log(archive.log(3, 0));
    let mut options = options(&archive);
    options.policy.allowed = Code::ALL.to_vec();
    assert_eq!(run_with(&options).status(1).verdict(), "violated");
}
