//! The report as data: its JSON, the strip of hours, what narrows a run, and what keys are needed.

use serde_json::{Value, json};
use trailseal_evidence::Baseline;
use trailseal_evidence::report::SCHEMA;
use trailseal_evidence::{KeyNeed, key_needs};
use trailseal_testkit::{Archive, MalformedDigest, Plan, Stop};

use crate::support::{HOUR, options, run, run_with, small, time};

#[test]
fn the_json_has_the_members_of_the_schema() {
    let archive = small();
    archive.alter_log(archive.log(3, 1));
    let json: Value = serde_json::from_str(&run(&archive).json()).unwrap();
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut top = members(&json);
    top.sort();
    assert_eq!(top, ["chains", "exit_status", "findings", "schema", "scope", "tool", "totals", "verdict"]);
    assert_eq!(
        (&json["schema"], &json["verdict"], &json["exit_status"]),
        (&json!(SCHEMA), &json!("violated"), &json!(1))
    );
    let digests = json!({"found": 7, "verified": 7, "violated": 0, "unproven": 0, "missing": 0});
    assert_eq!(json["totals"]["digests"], digests);
    let logs = &json["totals"]["logs"];
    assert_eq!((&logs["named"], &logs["verified"], &logs["violated"]), (&json!(12), &json!(11), &json!(1)));
    let chain = &json["chains"][0];
    assert_eq!((&chain["account"], &chain["kind"]), (&json!("111122223333"), &json!("standard")));
    assert_eq!(chain.get("organization"), None, "members without a value are left out");
    assert_eq!(chain["proven"][0], json!({"start": "2024-03-01T00:13:52Z", "end": "2024-03-01T02:13:52Z"}));
    assert_eq!(chain["head"]["end"], json!("2024-03-01T06:13:52Z"));
    let finding = &json["findings"][0];
    assert_eq!((&finding["code"], &finding["severity"]), (&json!("log_altered"), &json!("violation")));
    assert_eq!(finding.get("count"), None);
    assert_eq!(json["scope"]["keys"][0]["validity_start"], json!("2024-02-29T00:13:52Z"));
    let baseline: Baseline = serde_json::from_value(json).unwrap();
    assert_eq!(baseline.chains[0].head.as_ref().unwrap().key, archive.digest(6));
}

#[test]
fn the_strip_tells_hour_by_hour() {
    let strip = |damage: &dyn Fn(&Archive)| {
        let archive = small();
        damage(&archive);
        let coverage = run(&archive).report.chains[0].coverage.clone().unwrap();
        assert_eq!(coverage.start, time("2024-03-01T00:00:00Z"), "logging began in this hour");
        coverage.hours
    };
    assert_eq!(strip(&|_| {}), "PPPPPP");
    assert_eq!(strip(&|archive| archive.alter_log(archive.log(3, 0))), "PPVPPP");
    assert_eq!(strip(&|archive| archive.delete(archive.log(3, 0))), "PPVPPP");
    assert_eq!(strip(&|archive| archive.delete_digest(archive.digest(3))), "PPVPPP");
    assert_eq!(strip(&|archive| archive.remove_sidecar(archive.digest(6))), "PPPPPU");
    assert_eq!(strip(&|archive| archive.flip_signature(archive.digest(6), 9)), "PPPPPV");
    let two = |archive: &Archive| [2, 3].into_iter().for_each(|at| archive.delete_digest(archive.digest(at)));
    assert_eq!(strip(&two), "PVVPPP");
    let stops = vec![Stop { after: 2, pause: 3 * HOUR, event: None }];
    let archive = Plan { stops, hours: 4, ..Plan::default() }.model().write();
    assert_eq!(run(&archive).report.chains[0].coverage.as_ref().unwrap().hours, "PPGG.PP");
}

#[test]
fn filters_leave_everything_else_out() {
    let archive =
        Plan { trails: vec!["audit".to_owned(), "other".to_owned()], ..Plan::wide() }.model().write();
    archive.alter_log(&archive.model.chains[7].digests[2].logs[0].key);
    let mut options = options(&archive);
    options.policy.accounts = vec!["111122223333".to_owned()];
    run_with(&options).finds(&[]).digest_totals([28, 28, 0, 0, 0]).log_totals([48, 48, 0, 0, 0]);
    options.policy.regions = vec!["us-east-1".to_owned()];
    run_with(&options).finds(&[]).digest_totals([14, 14, 0, 0, 0]).log_totals([24, 24, 0, 0, 0]);
    options.policy.trails = vec!["other".to_owned()];
    let run = run_with(&options);
    run.finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert_eq!(run.report.chains.len(), 1);
    let scope = &run.report.scope;
    assert_eq!((scope.accounts.len(), scope.regions.len(), scope.trails.len()), (1, 1, 1));
}

#[test]
fn a_span_inside_a_whole_archive_is_proven_whatever_its_ends() {
    let archive = Plan { hours: 8, ..Plan::default() }.model().write();
    let mut options = options(&archive);
    let start = archive.model.plan.start;
    for (from, to) in [
        (0, 5 * HOUR),
        (1800, 5 * HOUR),
        (668, 5 * HOUR + 668),
        (HOUR + 1, 2 * HOUR),
        (3 * HOUR, 3 * HOUR + 10),
    ] {
        (options.policy.start, options.policy.end) = (Some(start.plus(from)), Some(start.plus(to)));
        run_with(&options).finds(&[]);
        (options.policy.start, options.policy.end) = (Some(start.plus(from)), None);
        run_with(&options).finds(&[]);
        (options.policy.start, options.policy.end) = (None, Some(start.plus(to)));
        run_with(&options).finds(&[]);
    }
}

#[test]
fn a_span_without_the_damage_is_proven() {
    let archive = Plan { hours: 8, ..Plan::default() }.model().write();
    archive.delete_digest(archive.digest(2));
    archive.malform(archive.digest(7), MalformedDigest::NotJson);
    let mut options = options(&archive);
    let digests = &archive.chain().digests;
    (options.policy.start, options.policy.end) = (Some(digests[4].start()), Some(digests[5].end()));
    run_with(&options).finds(&[]).digest_totals([2, 2, 0, 0, 0]).log_totals([4, 4, 0, 0, 0]);
}

#[test]
fn the_needed_keys_are_told_by_region_and_time() {
    let archive = Plan::wide().model().write();
    let mut options = options(&archive);
    let need = |region: &str, first: &str, last: &str| KeyNeed {
        region: region.to_owned(),
        first: time(first),
        last: time(last),
    };
    let (first, last) = ("2024-03-01T00:13:52Z", "2024-03-01T06:13:52Z");
    assert_eq!(
        key_needs(&options).unwrap(),
        [need("eu-west-1", first, last), need("us-east-1", first, last)]
    );
    options.policy.regions = vec!["us-east-1".to_owned()];
    options.policy.start = Some(time("2024-03-01T02:00:00Z"));
    assert_eq!(key_needs(&options).unwrap(), [need("us-east-1", "2024-03-01T02:13:52Z", last)]);
    options.policy.trails = vec!["another".to_owned()];
    assert_eq!(key_needs(&options).unwrap(), []);
}
