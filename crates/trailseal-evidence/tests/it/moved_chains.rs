//! Chains that go on elsewhere, and prefixes that a disk or an argument confuses: situations 71, 92.

use serde_json::json;
use trailseal_evidence::Map;
use trailseal_testkit::{Archive, Metadata, Model, ModelChain, Plan, Stop};
use trailseal_verify::Severity;

use crate::support::{options, run, run_with, small, try_run};

const ORGANIZATION: &str = "o-abcd123456";

/// The default trail, over two accounts and regions, that delivers elsewhere from hour 4 on.
fn changed(mut model: Model, change: impl Fn(&mut ModelChain)) -> Model {
    for chain in &mut model.chains {
        chain.change_place(4, &change);
    }
    model
}

fn to_organization(chain: &mut ModelChain) {
    chain.organization = Some(ORGANIZATION.to_owned());
}

type Change = (&'static str, fn(&mut ModelChain));

fn changes() -> Vec<Change> {
    vec![
        ("an organization's", to_organization),
        ("a prefix", |chain| "new/".clone_into(&mut chain.prefix)),
        ("a bucket", |chain| "new-logs".clone_into(&mut chain.bucket)),
        ("all of them", |chain| {
            to_organization(chain);
            "o-abcd123456/".clone_into(&mut chain.prefix);
            "new-logs".clone_into(&mut chain.bucket);
        }),
    ]
}

#[test]
fn s71_the_chain_goes_on_elsewhere() {
    for (what, change) in changes() {
        let archive = changed(Plan::wide().model(), change).write();
        let run = run(&archive);
        assert_eq!(run.report.findings, [], "{what}");
        run.status(0).digest_totals([28, 28, 0, 0, 0]).log_totals([48, 48, 0, 0, 0]);
    }
}

#[test]
fn s71_and_back_again() {
    let mut model = Plan { organization: Some(ORGANIZATION.to_owned()), ..Plan::default() }.model();
    model.chains[0].change_place(3, |chain| chain.organization = None);
    run(&model.write()).status(0).finds(&[]).digest_totals([7, 7, 0, 0, 0]);
    let mut model = Plan::default().model();
    model.chains[0].change_place(3, to_organization);
    model.chains[0].change_place(5, |chain| chain.organization = None);
    run(&model.write()).status(0).finds(&[]).digest_totals([7, 7, 0, 0, 0]);
}

#[test]
fn s71_evidence_crosses_the_change() {
    // Only the newest digest has a signature, and its key is the only one.
    for (what, change) in changes() {
        let archive = changed(Plan::default().model(), change).write_with(Metadata::NewestSidecar);
        let run = run(&archive);
        assert_eq!(run.report.findings, [], "{what}");
        run.status(0).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
    }
}

#[test]
fn s71_one_chain_has_one_span_without_a_hole() {
    let archive = changed(Plan::default().model(), to_organization).write();
    let run = run(&archive);
    let spans: Vec<_> = run.report.chains.iter().flat_map(|chain| &chain.proven).collect();
    let (first, last) = (archive.chain().digests[0].end(), archive.chain().digests[6].end());
    assert_eq!(spans.iter().map(|span| span.start).min(), Some(first));
    assert_eq!(spans.iter().map(|span| span.end).max(), Some(last));
    let hours: i64 = spans.iter().map(|span| span.end.epoch() - span.start.epoch()).sum();
    assert_eq!(hours, last.epoch() - first.epoch());
    assert!(run.report.chains.iter().all(|chain| chain.gaps.is_empty()));
}

#[test]
fn s71_what_is_deleted_at_the_change_is_missing() {
    for (what, change) in changes() {
        // The last digest before the change, the first after it, and both.
        for deleted in [&[3][..], &[4], &[3, 4]] {
            let archive = changed(Plan::default().model(), change).write();
            for &position in deleted {
                let digest = &archive.chain().digests[position];
                let path = archive.path_in(&digest.document.s3_bucket, digest.object());
                std::fs::remove_file(path).unwrap();
            }
            let run = run(&archive);
            assert_eq!(run.report.exit_status, 1, "{what} {deleted:?}: {}", run.list());
            let last = archive.chain().digests[*deleted.last().unwrap()].object();
            let is_named = run.report.findings.iter().any(|finding| {
                finding.severity == Severity::Violation && finding.key.as_deref() == Some(last)
            });
            assert!(is_named, "{what} {deleted:?}: {}", run.list());
        }
    }
}

#[test]
fn s71_the_run_in_which_a_trail_became_an_organizations_is_cut() {
    // Plain up to digest 2, an organization's from 3 on, stopped after 4, and started again.
    let plan =
        Plan { hours: 10, stops: vec![Stop { after: 4, pause: 4 * 3600, event: None }], ..Plan::default() };
    for kept in [1, 3] {
        let mut model = plan.clone().model();
        model.chains[0].change_place(3, to_organization);
        let archive = model.write();
        let digests = &archive.chain().digests;
        // The starting digest of the second run.
        let restart = 5;
        for digest in &digests[kept..restart] {
            std::fs::remove_file(archive.path_in(&digest.document.s3_bucket, digest.object())).unwrap();
            for log in &digest.logs {
                std::fs::remove_file(archive.path_in(&digest.document.s3_bucket, &log.key)).unwrap();
            }
        }
        run(&archive).status(3).finds_at_least(&["U head_stale"]);
    }
}

#[test]
fn s71_a_narrower_scope_follows_the_pointer_too() {
    for (what, change) in changes() {
        let archive = changed(Plan::default().model(), change).write();
        for from in [3, 4, 5] {
            let mut options = options(&archive);
            options.policy.start = Some(archive.chain().digests[from].start());
            let run = run_with(&options);
            assert_eq!(run.report.exit_status, 0, "{what} {from}: {}", run.list());
        }
    }
}

#[test]
fn s71_the_prefix_changed_before_the_first_full_digest() {
    // The trail delivered a log, then its prefix or bucket changed: all its digests lie in the new place,
    // and the first one names a log in the old one.
    for (prefix, bucket) in [("old/", "audit-logs"), ("", "old-logs"), ("old/", "old-logs")] {
        let mut model = Plan { prefix: "new/".to_owned(), ..Plan::default() }.model();
        let old =
            ModelChain { prefix: prefix.to_owned(), bucket: bucket.to_owned(), ..model.chains[0].clone() };
        let log = old.placed(&model.chains[0].digests[1].logs[0]);
        model.chains[0].digests[1].logs[0] = log.clone();
        model.chains[0].digests[1].name_logs();
        model.chains[0].seal_from(1);
        let archive = model.write();
        run(&archive).status(0).finds(&[]).log_totals([12, 12, 0, 0, 0]);
        // Altered there it is found.
        std::fs::write(archive.path_in(&log.bucket, &log.key), "{}").unwrap();
        run(&archive).status(1).finds(&["V log_altered"]);
    }
}

#[test]
fn s71_logs_of_the_hour_of_the_change_lie_in_both_places() {
    let mut model = Plan::default().model();
    let early = model.chains[0].digests[4].logs[0].clone();
    model.chains[0].change_place(4, |chain| {
        "new/".clone_into(&mut chain.prefix);
        "new-logs".clone_into(&mut chain.bucket);
    });
    model.chains[0].digests[4].logs[0] = early;
    model.chains[0].digests[4].name_logs();
    model.chains[0].seal_from(4);
    run(&model.write()).status(0).finds(&[]).log_totals([12, 12, 0, 0, 0]);
}

#[test]
fn s71_all_of_it_merged_into_one_folder() {
    // Two buckets copied over each other.
    let archive = changed(Plan::default().model(), |chain| "new-logs".clone_into(&mut chain.bucket)).write();
    archive.rearrange(|path| Some(format!("merged/{}", path.split_once('/').unwrap().1)));
    run(&archive).status(0).finds(&[]).digest_totals([7, 7, 0, 0, 0]).log_totals([12, 12, 0, 0, 0]);
}

/// Two trails whose prefixes differ in case, copied to a disk that does not heed it.
fn with_merged_prefixes() -> Archive {
    let trail = |name: &str, prefix: &str| Plan {
        trails: vec![name.to_owned()],
        prefix: prefix.to_owned(),
        ..Plan::default()
    };
    let archive = trail("audit", "Logs/").model().with(trail("second", "logs/").model()).write();
    archive.rearrange(|path| Some(path.replace("/Logs/", "/logs/")));
    archive
}

#[test]
fn s92_prefixes_that_a_disk_merged() {
    let archive = with_merged_prefixes();
    let run = run(&archive);
    run.accuses_nobody().digest_totals([14, 14, 0, 0, 0]);
    run.lacks(&["name_mismatch", "location_mismatch", "log_missing"]);
    assert_eq!(run.report.totals.logs.violated + run.report.totals.logs.missing, 0);
    // What is done to it is found all the same.
    let log = archive.log(3, 0).replace("Logs/AWS", "logs/AWS");
    archive.delete(&log);
    let run = crate::support::run(&archive);
    assert_ne!(run.report.exit_status, 0, "{}", run.list());
    assert!(run.list().contains(archive.log(3, 0)), "{}", run.list());
}

#[test]
fn s92_a_map_that_fits_no_digest_of_its_folder() {
    for (prefix, below) in [
        // A folder too high, a folder too low, a prefix that nothing has.
        ("", ""),
        ("team/", "team/AWSLogs/"),
        ("other/", "team/"),
        ("team//", "team/"),
    ] {
        let archive = Plan { prefix: "team/".to_owned(), ..Plan::default() }.model().write();
        let folder = archive.root().join("audit-logs").join(below);
        let mut options = options(&archive);
        options.roots = Vec::new();
        options.maps =
            vec![Map { bucket: "audit-logs".to_owned(), prefix: prefix.to_owned(), folder: folder.clone() }];
        if (prefix, below) == ("", "") {
            // The bucket itself is where the bucket lies.
            run_with(&options).status(0).finds(&[]);
            options.maps[0].folder = archive.root();
        }
        match try_run(&options).map(|run| run.report) {
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("audit-logs"), "{prefix:?} {below:?}: {said}");
            }
            Ok(report) => panic!("{prefix:?} {below:?}: {}", json!(report.findings)),
        }
    }
}

#[test]
fn s92_a_map_beside_the_roots_that_fits_nothing() {
    let archive = small();
    let mut options = options(&archive);
    options.maps = vec![Map {
        bucket: "audit-logs".to_owned(),
        prefix: "wrong/".to_owned(),
        folder: archive.root().join("audit-logs"),
    }];
    let error = try_run(&options).map(|run| run.report.findings).unwrap_err().to_string();
    assert!(error.contains("audit-logs") && error.contains("wrong/"), "{error}");
}
