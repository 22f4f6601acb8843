//! Honest archives: what people keep, with nothing taken away or put in. None of them is ever accused.
//!
//! docs/formats/report.md ("Honest archives") has a sentence on each shape; a test compares the lists.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::{Value, json};
use trailseal_archive::{Timestamp, key::ObjectKind, metadata::Manifest};
use trailseal_testkit::{
    APPLE_DOUBLE, Archive, DS_STORE, Metadata, Model, ModelChain, Plan, Stop, THUMBS_DB, gzip,
};
use trailseal_verify::{Code, Severity};

use crate::support::{HOUR, Run, options, options_for, run, run_with, small, time};

mod names;
mod statements;

const ORGANIZATION: &str = "o-abcd123456";

/// Nothing at all is found, and everything is proven.
#[track_caller]
fn is_clean(run: &Run) {
    run.status(0).finds(&[]);
    assert_eq!(run.verdict(), "verified");
}

/// Nobody is accused; what is unproven or noted is one of these.
#[track_caller]
fn says(run: &Run, status: u8, codes: &[&str]) {
    run.accuses_nobody().status(status);
    let others = run.report.findings.iter().filter(|finding| !codes.contains(&finding.code.text()));
    assert_eq!(others.count(), 0, "{}", run.list());
    for code in codes {
        assert!(!run.coded(code).is_empty(), "no {code} in {}", run.list());
    }
}

fn in_regions(regions: &[&str], home: &str) -> Plan {
    Plan {
        regions: regions.iter().map(|&region| region.to_owned()).collect(),
        home_region: home.to_owned(),
        ..Plan::default()
    }
}

fn base_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap()
}

fn folder(key: &str) -> &str {
    &key[..=key.rfind('/').unwrap()]
}

// Partitions.

#[test]
fn aws_with_opt_in_regions() {
    is_clean(&run(&in_regions(
        &["af-south-1", "ap-southeast-4", "il-central-1", "mx-central-1"],
        "us-east-1",
    )
    .model()
    .write()));
}

#[test]
fn aws_in_china() {
    is_clean(&run(&in_regions(&["cn-north-1", "cn-northwest-1"], "cn-north-1").model().write()));
}

#[test]
fn aws_govcloud() {
    is_clean(&run(&in_regions(&["us-gov-west-1", "us-gov-east-1"], "us-gov-west-1").model().write()));
}

#[test]
fn aws_isolated_and_sovereign_partitions() {
    for region in [
        "us-iso-east-1",
        "us-iso-west-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
        "eusc-de-east-1",
    ] {
        is_clean(&run(&in_regions(&[region], region).model().write()));
    }
}

// Moves.

#[test]
fn the_tree_moved_to_another_folder() {
    let archive = small();
    let moved = archive.copy_bucket("evidence/2024/case 17");
    is_clean(&run_with(&options_for(&[moved], &archive.keys())));
}

#[test]
fn the_prefix_dropped() {
    let archive = Plan { prefix: "security/trails/".to_owned(), ..Plan::default() }.model().write();
    archive.rearrange(|path| Some(path.replace("security/trails/", "")));
    is_clean(&run(&archive));
}

#[test]
fn the_account_folder_cut_out_of_its_tree() {
    let archive = small();
    archive.rearrange(|path| Some(path.split_once("111122223333/").unwrap().1.to_owned()));
    is_clean(&run(&archive));
}

#[test]
fn digests_and_logs_in_two_roots() {
    let archive = small();
    archive.rearrange(|path| {
        let kind = if path.contains("/CloudTrail-Digest/") { "digests" } else { "logs" };
        Some(format!("{kind}/{path}"))
    });
    let roots = ["logs", "digests"].map(|kind| archive.root().join(kind));
    is_clean(&run_with(&options_for(&roots, &archive.keys())));
}

#[test]
fn one_root_a_day() {
    let archive = Plan { hours: 48, ..Plan::default() }.model().write();
    archive.rearrange(|path| {
        let day = path.split_once("/2024/03/").unwrap().1[..2].to_owned();
        Some(format!("{day}/{path}"))
    });
    let roots: Vec<PathBuf> = ["01", "02", "03"].iter().map(|day| archive.root().join(day)).collect();
    is_clean(&run_with(&options_for(&roots, &archive.keys())));
}

// Replicas.

#[test]
fn a_replica_of_the_whole_beside_the_bucket() {
    let archive = small();
    let copy = archive.copy_bucket("copy");
    fs::rename(copy, archive.root().join("audit-replica")).unwrap();
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert!(
        run.report.findings.iter().all(|finding| finding.code.text() == "copy_of_verified"),
        "{}",
        run.list()
    );
}

#[test]
fn a_replica_of_the_logs_only() {
    let archive = small();
    for log in archive.chain().digests.iter().flat_map(|digest| &digest.logs) {
        archive.write_object("audit-replica", &log.key, &archive.read(&log.key));
    }
    let run = run(&archive);
    run.notes(&["copy_of_verified"]).unnamed_totals([0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn a_replica_of_the_digests_only() {
    let archive = small();
    for digest in &archive.chain().digests {
        archive.write_object("audit-replica", digest.object(), &archive.read(digest.object()));
    }
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert!(
        run.report.findings.iter().all(|finding| finding.code.text() == "copy_of_verified"),
        "{}",
        run.list()
    );
}

#[test]
fn a_replica_that_began_later() {
    let archive = Plan { hours: 9, ..Plan::default() }.model().write();
    for digest in &archive.chain().digests[5..] {
        archive.write_object("audit-replica", digest.object(), &archive.read(digest.object()));
        for log in &digest.logs {
            archive.write_object("audit-replica", &log.key, &archive.read(&log.key));
        }
    }
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([10, 10, 0, 0, 0]).log_totals([18, 18, 0, 0, 0]);
}

#[test]
fn the_same_root_twice_and_a_root_in_a_root() {
    let archive = small();
    for roots in [
        [archive.root(), archive.root()],
        [archive.root(), archive.root().join("audit-logs")],
        [archive.root().join("audit-logs/AWSLogs/111122223333"), archive.root()],
    ] {
        is_clean(&run_with(&options_for(&roots, &archive.keys())));
    }
}

#[test]
fn snapshots_of_one_bucket_side_by_side() {
    // daily.0 has grown since daily.1.
    let archive = small();
    let copy = archive.copy_bucket("copy");
    for log in &archive.chain().digests[6].logs {
        fs::remove_file(copy.join(&log.key)).unwrap();
    }
    let digest = copy.join(archive.digest(6));
    fs::remove_file(&digest).unwrap();
    fs::remove_file(format!("{}.metadata.json", digest.display())).unwrap();
    fs::rename(archive.root().join("audit-logs"), archive.root().join("daily.0")).unwrap();
    fs::rename(copy, archive.root().join("daily.1")).unwrap();
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

// Versions and duplicates of objects.

#[test]
fn all_versions_of_every_object() {
    let archive = small();
    for file in archive.files_with(".json.gz") {
        let bytes = fs::read(&file).unwrap();
        let name = base_name(file.to_str().unwrap()).replace(".json.gz", "-v2024-03-09-010203-000.json.gz");
        archive.put_beside(&file, &name, &bytes);
    }
    let run = run(&archive);
    run.notes(&["copy_of_verified"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn gunzip_that_kept_the_compressed_files() {
    let archive = small();
    for file in archive.files_with(".json.gz") {
        let content = trailseal_testkit::gunzip(&fs::read(&file).unwrap());
        let name = base_name(file.to_str().unwrap()).replace(".json.gz", ".json");
        archive.put_beside(&file, &name, &content);
    }
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    run.unnamed_totals([0, 0, 0]).finds_at_least(&["N copy_of_verified"]);
}

#[test]
fn files_that_a_browser_fetched_twice() {
    let archive = small();
    for key in [archive.log(3, 0).to_owned(), archive.digest(3).to_owned()] {
        for number in 1..=2 {
            archive.duplicate(&key, key.replace(".json.gz", &format!(" ({number}).json.gz")));
        }
    }
    run(&archive).notes(&["copy_of_verified"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn files_stored_inflated_under_their_names() {
    // Browsers and HTTP libraries inflate what says that it is compressed.
    let archive = small();
    for file in archive.files_with(".json.gz") {
        fs::write(&file, trailseal_testkit::gunzip(&fs::read(&file).unwrap())).unwrap();
    }
    run(&archive).notes(&["stored_inflated"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn files_stored_inflated_without_the_ending() {
    let archive = small();
    for file in archive.files_with(".json.gz") {
        let content = trailseal_testkit::gunzip(&fs::read(&file).unwrap());
        fs::write(file.with_extension(""), content).unwrap();
        fs::remove_file(file).unwrap();
    }
    run(&archive).notes(&["stored_inflated"]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn files_compressed_again() {
    let archive = small();
    for file in archive.files_with(".json.gz") {
        fs::write(&file, gzip(&trailseal_testkit::gunzip(&fs::read(&file).unwrap()))).unwrap();
    }
    is_clean(&run(&archive));
}

#[test]
fn all_files_in_one_folder() {
    let archive = Plan::wide().model().write();
    archive.rearrange(|path| Some(base_name(path).to_owned()));
    run(&archive).notes(&["layout_lost"]).digest_totals([28, 28, 0, 0, 0]);
}

#[test]
fn digests_and_logs_in_common_date_folders() {
    let archive = Plan { hours: 30, ..Plan::default() }.model().write();
    archive.rearrange(|path| Some(path.split_once("/eu-west-1/").unwrap().1.to_owned()));
    run(&archive).notes(&["layout_lost"]).digest_totals([31, 31, 0, 0, 0]).log_totals([60, 60, 0, 0, 0]);
}

// What desktops and archives leave.

#[test]
fn an_evidence_tar_of_a_mac() {
    let archive = small();
    for file in archive.files() {
        archive.put_beside(&file, &format!("._{}", base_name(file.to_str().unwrap())), APPLE_DOUBLE);
    }
    run(&archive).notes(&["leftover"]);
}

#[test]
fn a_zip_of_a_mac() {
    let archive = small();
    for file in archive.files() {
        let relative = file.strip_prefix(archive.root()).unwrap().to_str().unwrap().to_owned();
        let target = archive.root().join(format!("__MACOSX/{}._{}", folder(&relative), base_name(&relative)));
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::write(target, APPLE_DOUBLE).unwrap();
    }
    run(&archive).notes(&["leftover"]);
}

#[test]
fn folders_that_somebody_looked_at_with_a_desktop() {
    let archive = small();
    for key in [archive.log(3, 0), archive.digest(3)] {
        archive.write_object("audit-logs", &format!("{}.DS_Store", folder(key)), DS_STORE);
        archive.write_object("audit-logs", &format!("{}Thumbs.db", folder(key)), THUMBS_DB);
    }
    run(&archive).notes(&["leftover"]);
}

#[test]
fn checksums_of_the_transfer_beside_the_files() {
    let archive = small();
    let mut sums = String::new();
    for log in &archive.chain().digests[3].logs {
        let sum = trailseal_testkit::sha256_hex(&archive.read(&log.key));
        writeln!(sums, "{sum}  {}", base_name(&log.key)).unwrap();
    }
    archive.write_object("audit-logs", &format!("{}SHA256SUMS", folder(archive.log(3, 0))), sums.as_bytes());
    run(&archive).notes(&["leftover"]);
}

#[test]
fn what_an_interrupted_sync_left() {
    // `aws s3 sync` writes NAME.XXXXXXXX first: whoever finds one has not got the whole. Fair to say so.
    let archive = small();
    let half = archive.read(archive.log(3, 0));
    let key = format!("{}.6bA2fE1c", archive.log(3, 0));
    archive.write_object("audit-logs", &key, &half[..half.len() / 2]);
    says(&run(&archive), 3, &["stray_object"]);
}

// Restarts and ends.

fn stopped(event: Value) -> Archive {
    let stops = vec![Stop { after: 3, pause: 9 * HOUR + 427, event: Some(event) }];
    Plan { stops, home_region: "eu-west-1".to_owned(), ..Plan::default() }.model().write()
}

#[test]
fn logging_stopped_and_started() {
    let archive = stopped(json!({ "requestParameters": { "name": "audit" } }));
    says(&run(&archive), 3, &["gap"]);
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::Gap];
    says(&run_with(&options), 0, &["gap"]);
}

#[test]
fn validation_turned_off_and_on() {
    let archive = stopped(json!({ "eventName": "UpdateTrail",
        "requestParameters": { "name": "audit", "enableLogFileValidation": false } }));
    // Logs went on being delivered; nothing speaks of them.
    for minutes in [90, 150, 210] {
        archive.plant(archive.chain(), archive.chain().digests[3].end().plus(minutes * 60));
    }
    says(&run(&archive), 3, &["gap", "log_outside_coverage"]);
}

#[test]
fn a_trail_recreated_within_the_hour() {
    let stops = vec![Stop { after: 3, pause: 600, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    run(&archive).accuses_nobody().status(3).finds_at_least(&["U gap"]);
}

/// A trail that ends with an event after three hours, and another one that goes on.
fn with_end(event: &str) -> Archive {
    let mut old = Plan {
        trails: vec!["old".to_owned()],
        hours: 3,
        home_region: "eu-west-1".to_owned(),
        ..Plan::default()
    }
    .model();
    old.chains[0].add_event(3, 1, &json!({ "eventName": event, "requestParameters": { "name": "old" } }));
    old.with(Plan { hours: 9, ..Plan::default() }.model()).write()
}

#[test]
fn a_trail_that_was_deleted() {
    is_clean(&run(&with_end("DeleteTrail")));
}

#[test]
fn a_trail_that_was_stopped_for_good() {
    let archive = with_end("StopLogging");
    let mut options = options(&archive);
    options.expect.as_of = Some(archive.model.chains[1].digests[9].end());
    is_clean(&run_with(&options));
}

#[test]
fn a_deleted_trail_beside_a_live_copy() {
    // The logs of the last hour have no digest yet.
    let archive = with_end("DeleteTrail");
    archive.plant(&archive.model.chains[1], archive.model.chains[1].digests[9].end().plus(1800));
    says(&run(&archive), 3, &["log_pending"]);
}

#[test]
fn control_tower_replaced_the_accounts_trails() {
    let plan = |organization: Option<&str>, hours| Plan {
        accounts: Plan::wide().accounts,
        trails: vec!["aws-controltower-BaselineCloudTrail".to_owned()],
        home_region: "eu-west-1".to_owned(),
        organization: organization.map(str::to_owned),
        prefix: format!("{ORGANIZATION}/"),
        hours,
        ..Plan::default()
    };
    let mut model = plan(None, 4).model();
    let event = json!({ "eventName": "DeleteTrail",
                        "requestParameters": { "name": "aws-controltower-BaselineCloudTrail" } });
    model.chains.iter_mut().for_each(|chain| chain.add_event(4, 1, &event));
    let mut later = plan(Some(ORGANIZATION), 6);
    later.start = later.start.plus(4 * HOUR + 420);
    is_clean(&run(&model.with(later.model()).write()));
}

#[test]
fn a_member_left_the_organization() {
    let plan = |account: &str, hours| Plan {
        accounts: vec![account.to_owned()],
        organization: Some(ORGANIZATION.to_owned()),
        hours,
        ..Plan::default()
    };
    let mut member = plan("444455556666", 4).model();
    member.chains[0].add_event(
        4,
        1,
        &json!({ "eventName": "LeaveOrganization", "eventSource": "organizations.amazonaws.com" }),
    );
    is_clean(&run(&plan("111122223333", 9).model().with(member).write()));
}

// Partial copies.

fn three_days() -> Archive {
    Plan { hours: 72, ..Plan::default() }.model().write()
}

#[test]
fn one_day_by_its_date_folders() {
    let archive = three_days();
    archive.keep_days(&["2024/03/02"]);
    says(&run(&archive), 3, &["not_copied", "log_pending"]);
}

#[test]
fn one_day_by_its_date_folders_with_the_times_asked() {
    let archive = three_days();
    archive.keep_days(&["2024/03/02"]);
    let mut options = options(&archive);
    options.policy.start = Some(time("2024-03-02T00:13:52Z"));
    options.policy.end = Some(time("2024-03-02T23:13:52Z"));
    run_with(&options).accuses_nobody().lacks(&["log_missing", "log_pending"]);
}

#[test]
fn the_last_two_days_with_a_start_time() {
    let archive = three_days();
    archive.keep_days(&["2024/03/03", "2024/03/04"]);
    let mut options = options(&archive);
    options.policy.start = Some(time("2024-03-03T01:00:00Z"));
    run_with(&options).accuses_nobody().lacks(&["log_missing", "coverage_starts_late"]);
}

#[test]
fn one_region_of_two() {
    let archive = Plan::wide().model().write();
    archive.rearrange(|path| path.contains("/eu-west-1/").then(|| path.to_owned()));
    is_clean(&run(&archive));
}

#[test]
fn one_account_of_two() {
    let archive = Plan { organization: Some(ORGANIZATION.to_owned()), ..Plan::wide() }.model().write();
    archive.rearrange(|path| path.contains("/111122223333/").then(|| path.to_owned()));
    is_clean(&run(&archive));
}

#[test]
fn a_copy_from_a_time_on_with_linked_backfill_digests() {
    let mut model = Plan { hours: 12, backfills: vec![2, 10], ..Plan::default() }.model();
    let (older, newer) = model.chains[1].digests.split_at_mut(1);
    newer[0].link_to(&older[0]);
    newer[0].seal();
    let archive = model.write();
    let old = &archive.model.chains[1].digests[0];
    archive.delete_digest(old.object());
    archive.delete(&old.logs[0].key);
    (0..8).for_each(|position| archive.delete_hour(position));
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[8].start().plus(60));
    run_with(&options).accuses_nobody().lacks(&["log_missing"]);
}

#[test]
fn what_a_lifecycle_rule_left_judged_from_then_on() {
    // The rule goes by the day: digests and logs of the first day are gone.
    let archive = three_days();
    archive.keep_days(&["2024/03/02", "2024/03/03", "2024/03/04"]);
    let mut options = options(&archive);
    options.policy.start = Some(time("2024-03-02T01:13:52Z"));
    let run = run_with(&options);
    run.accuses_nobody().lacks(&["log_missing"]);
    let later = run.report.findings.iter().filter(|finding| {
        finding.severity != Severity::Note
            && finding.start.is_some_and(|start| start > time("2024-03-02T01:13:52Z"))
    });
    assert_eq!(later.count(), 0, "{}", run.list());
}

#[test]
fn a_lifecycle_rule_for_the_logs_alone_judged_from_then_on() {
    let archive = three_days();
    archive.rearrange(|path| (!path.contains("/CloudTrail/eu-west-1/2024/03/01/")).then(|| path.to_owned()));
    let mut options = options(&archive);
    options.policy.start = Some(time("2024-03-02T00:13:52Z"));
    is_clean(&run_with(&options));
}

#[test]
fn logs_of_the_last_hour_that_no_digest_names_yet() {
    let archive = small();
    for minutes in [10, 30, 80] {
        archive.plant(archive.chain(), archive.chain().digests[6].end().plus(minutes * 60));
    }
    says(&run(&archive), 3, &["log_pending"]);
}

// Second trails.

/// Logs of a trail that writes no digests, in the folders of one that does.
fn with_unvalidated_trail(mut model: Model, event: bool) -> Archive {
    if event {
        let created = json!({
            "eventName": "CreateTrail",
            "requestParameters": { "name": "data-events", "s3BucketName": "audit-logs" },
            "responseElements": { "name": "data-events", "s3BucketName": "audit-logs",
                "trailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/data-events",
                "logFileValidationEnabled": false, "isMultiRegionTrail": false, "isOrganizationTrail": false },
        });
        model.chains[0].add_event(1, 0, &created);
    }
    let archive = model.write();
    for hour in 2..=6 {
        archive.plant(archive.chain(), archive.chain().digests[hour].start().plus(1800));
    }
    archive
}

#[test]
fn a_second_trail_without_validation() {
    let archive = with_unvalidated_trail(Plan::default().model(), false);
    let run = run(&archive);
    says(&run, 3, &["log_unreferenced"]);
    run.unnamed_totals([5, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn a_second_trail_without_validation_whose_creation_is_logged() {
    let archive = with_unvalidated_trail(Plan::default().model(), true);
    let run = run(&archive);
    says(&run, 3, &["log_unreferenced"]);
    let named = run.coded("log_unreferenced").iter().any(|finding| finding.message.contains("data-events"));
    assert!(named, "the trail is named: {}", run.list());
}

#[test]
fn a_second_trail_without_validation_and_only_one_trail_asked_for() {
    let archive = with_unvalidated_trail(Plan::default().model(), false);
    let mut options = options(&archive);
    options.policy.trails = vec!["audit".to_owned()];
    says(&run_with(&options), 3, &["log_unreferenced"]);
    options.policy.allowed = vec![Code::LogUnreferenced];
    says(&run_with(&options), 0, &["log_unreferenced"]);
}

#[test]
fn two_trails_with_validation_in_one_bucket() {
    let plan = Plan { trails: vec!["audit".to_owned(), "audit_us-east-1_b".to_owned()], ..Plan::wide() };
    is_clean(&run(&plan.model().write()));
}

#[test]
fn an_organizations_trail_beside_a_members_own() {
    let own = Plan { trails: vec!["own".to_owned()], ..Plan::wide() };
    let all = Plan { organization: Some(ORGANIZATION.to_owned()), ..Plan::wide() };
    is_clean(&run(&own.model().with(all.model()).write()));
}

#[test]
fn two_organizations_in_one_bucket() {
    let of = |organization: &str, accounts: &[&str]| Plan {
        organization: Some(organization.to_owned()),
        accounts: accounts.iter().map(|&account| account.to_owned()).collect(),
        ..Plan::default()
    };
    let first = of(ORGANIZATION, &["111122223333", "444455556666"]);
    is_clean(&run(&first.model().with(of("o-zzzz999999", &["777788889999"]).model()).write()));
}

#[test]
fn an_organizations_trail_without_its_id_in_the_keys() {
    // As older ones deliver, and as Control Tower's prefix looks.
    let plan = Plan { prefix: format!("{ORGANIZATION}/"), ..Plan::wide() };
    is_clean(&run(&plan.model().write()));
}

#[test]
fn two_buckets_side_by_side_and_merged() {
    let of = |bucket: &str, trail: &str| Plan {
        bucket: bucket.to_owned(),
        trails: vec![trail.to_owned()],
        ..Plan::default()
    };
    let archive = of("audit-logs", "audit").model().with(of("other-logs", "other").model()).write();
    is_clean(&run(&archive));
    archive.rearrange(|path| Some(format!("merged/{}", path.split_once('/').unwrap().1)));
    is_clean(&run(&archive));
}

#[test]
fn two_prefixes_that_differ_in_case_on_a_disk_that_heeds_none() {
    let of = |prefix: &str, trail: &str| Plan {
        prefix: prefix.to_owned(),
        trails: vec![trail.to_owned()],
        ..Plan::default()
    };
    let archive = of("Logs/", "audit").model().with(of("logs/", "other").model()).write();
    archive.rearrange(|path| Some(path.replace("/Logs/", "/logs/")));
    let run = run(&archive);
    run.accuses_nobody().digest_totals([14, 14, 0, 0, 0]);
    assert_eq!(run.report.totals.logs.verified, 24, "{}", run.list());
}

// Changes of a trail.

fn with_change(from: usize, change: impl FnOnce(&mut ModelChain)) -> Archive {
    let mut model = Plan::default().model();
    model.chains[0].change_place(from, change);
    model.write()
}

#[test]
fn the_prefix_changed() {
    is_clean(&run(&with_change(4, |chain| "new/".clone_into(&mut chain.prefix))));
}

#[test]
fn the_bucket_changed() {
    is_clean(&run(&with_change(4, |chain| "new-logs".clone_into(&mut chain.bucket))));
}

#[test]
fn the_bucket_changed_and_only_the_new_one_was_copied() {
    let archive = with_change(4, |chain| "new-logs".clone_into(&mut chain.bucket));
    let run = run_with(&options_for(&[archive.root().join("new-logs")], &archive.keys()));
    says(&run, 3, &["digest_not_in_archive"]);
}

#[test]
fn the_prefix_changed_before_the_first_full_digest() {
    let mut model = Plan { prefix: "new/".to_owned(), ..Plan::default() }.model();
    let old = ModelChain { prefix: "old/".to_owned(), ..model.chains[0].clone() };
    let log = old.placed(&model.chains[0].digests[1].logs[0]);
    model.chains[0].digests[1].logs[0] = log;
    model.chains[0].digests[1].name_logs();
    model.chains[0].seal_from(1);
    is_clean(&run(&model.write()));
}

#[test]
fn a_trail_became_an_organizations() {
    is_clean(&run(&with_change(4, |chain| chain.organization = Some(ORGANIZATION.to_owned()))));
}

#[test]
fn late_logs_named_by_backfill_digests() {
    is_clean(&run(&Plan { backfills: vec![1, 3, 6], ..Plan::wide() }.model().write()));
}

#[test]
fn digests_of_hours_without_events() {
    is_clean(&run(&Plan { logs_per_hour: 0, hours: 12, ..Plan::default() }.model().write()));
}

// Signatures and metadata.

#[test]
fn keys_that_rotated() {
    let archive = Plan { rotate: Some(2), hours: 8, ..Plan::default() }.model().write();
    is_clean(&run(&archive));
    // Of the newest digest alone: the chain of hashes proves the rest.
    let newest = archive.chain().digests[8].key;
    archive.write_keys(&[newest], None);
    is_clean(&run(&archive));
}

#[test]
fn a_sidecar_of_the_newest_digest_only() {
    is_clean(&run(&Plan::wide().model().write_with(Metadata::NewestSidecar)));
}

#[test]
fn a_manifest_of_all_metadata() {
    let archive = Plan::default().model().write_with(Metadata::Manifest);
    let mut options = options(&archive);
    options.manifest = Some(Manifest::parse(&fs::read(archive.manifest()).unwrap()).unwrap());
    is_clean(&run_with(&options));
}

#[test]
fn signatures_in_extended_attributes() {
    let archive = Plan::default().model().write_with(Metadata::Attributes);
    if trailseal_archive::metadata::read_xattrs(&archive.path(archive.digest(6))).unwrap().is_none() {
        println!("*** not run: this file system has no extended attributes");
        return;
    }
    is_clean(&run(&archive));
}

#[test]
fn no_signatures_because_a_sync_dropped_them() {
    let archive = Plan::default().model().write_with(Metadata::Nowhere);
    // All but the end are proven by the signatures that their successors hold.
    says(&run(&archive), 3, &["signature_unavailable", "log_unproven"]);
}

#[test]
fn head_object_output_of_logs_too() {
    let archive = small();
    for log in archive.chain().digests.iter().flat_map(|digest| &digest.logs) {
        let head = json!({ "AcceptRanges": "bytes", "LastModified": "2024-03-01T00:46:40+00:00",
            "ContentLength": 343, "ContentType": "application/json", "ContentEncoding": "gzip",
            "ServerSideEncryption": "AES256", "Metadata": {} });
        archive.write_object(
            "audit-logs",
            &format!("{}.metadata.json", log.key),
            head.to_string().as_bytes(),
        );
    }
    is_clean(&run(&archive));
}

#[test]
fn head_object_output_saved_as_json_beside_the_digest() {
    let archive = small();
    for digest in &archive.chain().digests {
        let target = archive.path(digest.object().strip_suffix(".gz").unwrap());
        fs::rename(archive.sidecar(digest.object()), target).unwrap();
    }
    is_clean(&run(&archive));
}

#[test]
fn the_key_file_inside_the_archive() {
    let archive = small();
    let keys = fs::read(archive.keys().join("public-keys-eu-west-1.json")).unwrap();
    for key in [archive.log(3, 0), archive.digest(3), "AWSLogs/x"] {
        archive.write_object("audit-logs", &format!("{}public-keys-eu-west-1.json", folder(key)), &keys);
    }
    is_clean(&run(&archive));
}

// Links, and what lies beside.

#[test]
fn a_shortcut_that_leads_up() {
    let archive = small();
    archive.symlink(format!("{}up", folder(archive.log(3, 0))), "..");
    run(&archive).notes(&["symlink_loop"]);
}

#[test]
fn a_link_to_the_newest_digest_and_one_to_the_account() {
    let archive = small();
    let name = archive.digest(6).to_owned();
    archive.symlink(format!("{}latest.json.gz", folder(&name)), base_name(&name));
    archive.symlink("AWSLogs/prod", "111122223333");
    let run = run(&archive);
    run.notes(&["symlink_alias"]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn an_annex_that_stores_contents_elsewhere() {
    let archive = small();
    for file in archive.files_with(".json.gz") {
        let key = file.strip_prefix(archive.root().join("audit-logs")).unwrap().to_str().unwrap().to_owned();
        let store = format!(".git/annex/objects/{}", trailseal_testkit::sha256_hex(key.as_bytes()));
        archive.rename(&key, &store);
        archive.symlink(&key, archive.path(&store));
    }
    let run = run(&archive);
    run.accuses_nobody().status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    assert!(
        run.report.findings.iter().all(|finding| finding.code.text() == "symlink_alias"),
        "{}",
        run.list()
    );
}

#[test]
fn objects_of_other_services() {
    let archive = small();
    for key in [
        "AWSLogs/111122223333/Config/eu-west-1/2024/3/1/ConfigSnapshot/111122223333_Config_eu-west-1_ConfigSnapshot_20240301T034500Z_x.json.gz",
        "AWSLogs/111122223333/Config/ConfigWritabilityCheckFile",
        "AWSLogs/111122223333/vpcflowlogs/eu-west-1/2024/03/01/111122223333_vpcflowlogs_eu-west-1_fl-1_20240301T0345Z_f.log.gz",
        "AWSLogs/111122223333/ELBAccessLogTestFile",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/01/q/result_sign.json",
        "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/01/q/result_1.csv.gz",
    ] {
        archive.write_object("audit-logs", key, b"something else");
    }
    is_clean(&run(&archive));
}

#[test]
fn folder_markers() {
    let archive = small();
    for key in ["AWSLogs/111122223333/CloudTrail", "AWSLogs/111122223333/CloudTrail-Digest"] {
        archive.write_object("audit-logs", &format!("{key}/CloudTrail"), b"");
        archive.write_object("audit-logs", &format!("{key}_$folder$"), b"");
        archive.write_object("audit-logs", &format!("{key}/eu-west-1_$folder$"), b"");
    }
    is_clean(&run(&archive));
}

#[test]
fn insight_and_network_activity_logs() {
    let archive = small();
    let chain = archive.chain();
    for kind in [ObjectKind::Insight, ObjectKind::NetworkActivity, ObjectKind::Aggregated] {
        let stamp: Timestamp = chain.digests[3].start().plus(1800);
        archive.plant_at(chain, stamp, &chain.key_of_kind(kind, stamp, "abcdefghijklmnop"));
    }
    says(&run(&archive), 3, &["log_outside_coverage"]);
}

#[test]
fn trail_names_of_every_form() {
    for trail in ["a.b", "a_us-east-1_b", "x_20240301T000000Z", "x_backfill", "My-Trail.2", "123"] {
        is_clean(&run(&Plan { trails: vec![trail.to_owned()], ..Plan::default() }.model().write()));
    }
}

#[test]
fn every_shape_has_its_sentence() {
    let page = include_str!("../../../../docs/formats/report.md");
    let (_, section) = page.split_once("## Honest archives").expect("the section");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let documented: Vec<&str> = rows.filter_map(|line| line.split('`').nth(1)).collect();
    let files =
        [include_str!("honest.rs"), include_str!("honest/names.rs"), include_str!("honest/statements.rs")];
    let tests = files.iter().flat_map(|file| file.split("#[test]\nfn ").skip(1));
    let names = tests.filter_map(|test| test.split('(').next());
    let shapes: Vec<&str> = names.filter(|name| *name != "every_shape_has_its_sentence").collect();
    assert!(shapes.len() >= 40);
    assert_eq!(documented, shapes);
}
