//! What the user states, expects or asks for, and an honest archive that changed since.

use serde_json::json;
use trailseal_evidence::TrailStatement;
use trailseal_testkit::{Archive, Plan};

use super::{ORGANIZATION, folder, is_clean, says, with_unvalidated_trail};
use crate::support::{HOUR, Run, options, run, run_with, small};

fn with_statement(archive: &Archive, statement: TrailStatement) -> Run {
    let mut options = options(archive);
    options.statement = Some(statement);
    run_with(&options)
}

/// A trail as `describe-trails` shows it.
fn described(name: &str, validates: bool, is_organization_trail: bool) -> serde_json::Value {
    json!({
        "Name": name, "S3BucketName": "audit-logs", "HomeRegion": "us-east-1", "IsMultiRegionTrail": true,
        "IsOrganizationTrail": is_organization_trail, "LogFileValidationEnabled": validates,
        "TrailARN": format!("arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"),
    })
}

fn trails(list: &[serde_json::Value]) -> TrailStatement {
    TrailStatement::parse(json!({ "trailList": list }).to_string().as_bytes()).unwrap()
}

#[test]
fn a_trail_that_validates_since_later_than_it_delivers() {
    let first = Plan::default();
    let later = Plan {
        trails: vec!["second".to_owned()],
        start: first.start.plus(3 * HOUR),
        hours: 3,
        ..Plan::default()
    };
    let archive = first.model().with(later.model()).write();
    archive.plant(archive.chain(), archive.chain().digests[1].start().plus(1800));
    let today = trails(&[described("audit", true, false), described("second", true, false)]);
    for statement in [TrailStatement::SoleTrail, today] {
        says(&with_statement(&archive, statement), 3, &["log_unreferenced"]);
    }
}

#[test]
fn a_trail_without_validation_that_was_deleted_since() {
    let archive = with_unvalidated_trail(Plan::default().model(), true);
    let run = with_statement(&archive, trails(&[described("audit", true, false)]));
    says(&run, 3, &["log_unreferenced"]);
}

#[test]
fn an_organizations_trail_of_the_old_layout_without_validation() {
    let archive = with_unvalidated_trail(Plan::default().model(), false);
    let stated = trails(&[described("audit", true, false), described("all", false, true)]);
    says(&with_statement(&archive, stated), 3, &["log_unreferenced"]);
}

#[test]
fn a_baseline_from_before_a_trail_became_an_organizations() {
    let mut model = Plan::default().model();
    let old =
        serde_json::from_str(&run(&Plan { hours: 2, ..Plan::default() }.model().write()).json()).unwrap();
    model.chains[0].change_place(3, |chain| chain.organization = Some(ORGANIZATION.to_owned()));
    let mut options_ = options(&small());
    let archive = model.write();
    options_.roots = options(&archive).roots;
    options_.expect.baseline = Some(old);
    is_clean(&run_with(&options_));
}

#[test]
fn a_baseline_and_days_that_expired_since() {
    let archive = Plan { hours: 60, ..Plan::default() }.model().write();
    let mut options = options(&archive);
    options.expect.baseline = Some(serde_json::from_str(&run(&archive).json()).unwrap());
    for key in [archive.digest(3), archive.log(3, 0)] {
        std::fs::remove_dir_all(archive.path(folder(key))).unwrap();
    }
    says(&run_with(&options), 3, &["not_copied", "rewritten_history"]);
}

#[test]
fn a_span_after_a_trail_was_stopped_for_good() {
    let mut model = Plan { home_region: "eu-west-1".to_owned(), ..Plan::default() }.model();
    model.chains[0].add_event(
        6,
        1,
        &json!({ "eventName": "StopLogging", "requestParameters": { "name": "audit" } }),
    );
    let archive = model.write();
    is_clean(&run(&archive));
    let end = archive.chain().digests[6].end();
    for (from, to) in [(Some(-2), Some(3)), (Some(1), Some(3)), (None, Some(3)), (Some(9000), None)] {
        let mut options = options(&archive);
        options.policy.start = from.map(|hours| end.plus(hours * HOUR));
        options.policy.end = to.map(|hours| end.plus(hours * HOUR));
        // Nothing was lost, and nothing was logged.
        says(&run_with(&options), 3, &["coverage_ends_early"]);
    }
}
