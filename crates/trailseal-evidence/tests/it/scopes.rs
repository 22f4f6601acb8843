//! A narrower scope hides nothing, and nothing unproven decides about it: situations 62, 66, 81, 82, 84, 88.

use proptest::prelude::*;
use serde_json::json;
use trailseal_archive::Timestamp;
use trailseal_evidence::Options;
use trailseal_testkit::{Archive, Plan, Stop};
use trailseal_verify::{Code, Finding, Severity};

use crate::support::{HOUR, Run, is_explained_by, options, run, run_with, small, window};

const ACCOUNT: &str = "111122223333";

/// What can be asked of the default archive so that hour 4 of it is in scope.
fn scopes(archive: &Archive) -> Vec<(&'static str, Options)> {
    let (start, end) = (archive.chain().digests[1].start(), archive.chain().digests[6].end());
    let with = |name, narrow: &dyn Fn(&mut Options)| {
        let mut options = options(archive);
        narrow(&mut options);
        (name, options)
    };
    vec![
        with("whole", &|_| {}),
        with("start", &|options| options.policy.start = Some(start)),
        with("end", &|options| options.policy.end = Some(end)),
        with("both", &|options| (options.policy.start, options.policy.end) = (Some(start), Some(end))),
        with("account", &|options| options.policy.accounts = vec![ACCOUNT.to_owned()]),
        with("region", &|options| options.policy.regions = vec!["eu-west-1".to_owned()]),
        with("trail", &|options| options.policy.trails = vec!["audit".to_owned()]),
        with("all of them", &|options| {
            (options.policy.start, options.policy.end) = (Some(start), Some(end));
            options.policy.accounts = vec![ACCOUNT.to_owned()];
            options.policy.regions = vec!["eu-west-1".to_owned()];
            options.policy.trails = vec!["audit".to_owned()];
        }),
    ]
}

/// A planted log in hour 4, and an unsigned digest that names it: of these times, trail and account.
fn with_claim(start: i64, end: i64, trail: &str, account: &str, in_json: bool) -> (Archive, String) {
    let archive = small();
    let mut chain = archive.chain().clone();
    let hour = chain.digests[4].start();
    let key = archive.plant(&chain, hour.plus(1800));
    let entry = trailseal_testkit::Log {
        bucket: chain.bucket.clone(),
        key: key.clone(),
        content: archive.content(&key),
        oldest: hour,
        newest: hour,
    }
    .entry();
    trail.clone_into(&mut chain.trail);
    if !in_json {
        account.clone_into(&mut chain.account);
    }
    let mut digest = chain.unlinked(hour.plus(start), hour.plus(end), vec![entry]);
    account.clone_into(&mut digest.document.aws_account_id);
    digest.seal();
    archive.plant_digest(&digest);
    (archive, key)
}

#[test]
fn s62_a_claim_that_nothing_proves_spares_no_log() {
    for (start, end, trail, account, in_json) in [
        // Of another day, earlier and later, and running backwards.
        (-20 * HOUR, -19 * HOUR, "audit", ACCOUNT, true),
        (30 * HOUR, 31 * HOUR, "audit", ACCOUNT, true),
        (HOUR, -HOUR, "audit", ACCOUNT, true),
        // Of the very hour, but of a trail or an account that nobody asked for.
        (0, HOUR + 1, "invented", ACCOUNT, true),
        (0, HOUR + 1, "audit", "999988887777", true),
        (0, HOUR + 1, "audit", "999988887777", false),
    ] {
        let (archive, key) = with_claim(start, end, trail, account, in_json);
        for (name, options) in scopes(&archive) {
            let run = run_with(&options);
            assert_eq!(run.report.exit_status % 2, 1, "{name} {start} {trail} {account}: {}", run.list());
            run.names(&archive.path(&key), &key);
        }
    }
}

#[test]
fn s62_an_authentic_digest_outside_the_scope_names_its_logs_all_the_same() {
    // The honest twin: two trails, two hours; what one of them asks for, the other's logs are not planted.
    let archive =
        Plan { trails: vec!["audit".to_owned(), "other".to_owned()], ..Plan::default() }.model().write();
    for (name, options) in scopes(&archive) {
        let run = run_with(&options);
        assert!(run.report.findings.is_empty(), "{name}: {}", run.list());
    }
}

#[test]
fn s66_what_a_starting_digest_covers_begins_at_its_end() {
    let stops = vec![Stop { after: 3, pause: 5 * HOUR + 420, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    let run = run(&archive);
    let chain = &run.report.chains[0];
    assert_eq!(chain.proven.len(), 2);
    assert_eq!((Some(chain.proven[0].start), Some(chain.proven[1].start)), {
        (window(&archive, 0).1, window(&archive, 4).1)
    });
    let gap = run.one(Code::Gap);
    assert_eq!((gap.start, gap.end), (window(&archive, 3).1, window(&archive, 4).0));
    // The strip: the hour of the first window is not shown as proven.
    let coverage = chain.coverage.as_ref().unwrap();
    let first = coverage.hours.find('P').map(|at| coverage.start.plus(at as i64 * HOUR)).unwrap();
    assert_eq!(first.epoch(), window(&archive, 0).1.unwrap().epoch() / HOUR * HOUR, "{coverage:?}");
    let between = window(&archive, 4).0.unwrap().epoch() - coverage.start.epoch();
    let at = usize::try_from(between / HOUR).unwrap();
    assert_ne!(coverage.hours.as_bytes()[at], b'P', "the second starting hour in {coverage:?}");
}

#[test]
fn s66_a_trail_that_has_just_started_has_proven_no_span() {
    let archive = Plan { hours: 0, ..Plan::default() }.model().write();
    let run = run(&archive);
    run.finds(&[]).digest_totals([1, 1, 0, 0, 0]);
    assert!(run.report.chains[0].proven.iter().all(|span| span.start == span.end), "{}", run.json());
}

#[test]
fn s66_a_log_of_the_starting_hour_is_not_covered() {
    let stops = vec![Stop { after: 3, pause: 5 * HOUR + 420, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    archive.plant(archive.chain(), archive.chain().digests[4].start().plus(1800));
    run(&archive).status(3).finds(&["U gap", "U log_outside_coverage"]);
}

type Disguise = (&'static str, Box<dyn Fn(&Archive, usize)>);

/// Ways in which an altered digest can say that it is none of the asked ones.
fn disguises() -> Vec<Disguise> {
    fn edit(archive: &Archive, at: usize, start: &str, end: &str, account: &str) {
        let key = archive.digest(at).to_owned();
        for log in &archive.chain().digests[at].logs {
            archive.delete(&log.key);
        }
        archive.edit_digest(&key, |document| {
            document.log_files.clear();
            if !start.is_empty() {
                start.clone_into(&mut document.start_time);
            }
            if !end.is_empty() {
                end.clone_into(&mut document.end_time);
            }
            if !account.is_empty() {
                account.clone_into(&mut document.aws_account_id);
            }
        });
    }
    let mut disguises: Vec<Disguise> = Vec::new();
    for (name, start, end, account) in [
        ("in the past, backwards", "2000-01-01T01:00:00Z", "2000-01-01T00:00:00Z", ""),
        ("in the past", "2000-01-01T00:00:00Z", "2000-01-01T01:00:00Z", ""),
        ("in the future", "2100-01-01T00:00:00Z", "2100-01-01T01:00:00Z", ""),
        ("starts in the future", "2100-01-01T00:00:00Z", "", ""),
        ("ends in the past", "", "2000-01-01T00:00:00Z", ""),
        ("another account", "", "", "999988887777"),
        ("no account", "", "", "x"),
    ] {
        disguises.push((name, Box::new(move |archive, at| edit(archive, at, start, end, account))));
    }
    disguises
}

#[test]
fn s81_an_altered_digest_does_not_leave_the_scope() {
    for (disguise, hide) in disguises() {
        let archive = small();
        hide(&archive, 4);
        for (name, options) in scopes(&archive) {
            let run = run_with(&options);
            let codes = ["digest_altered", "digest_missing"].map(|code| run.coded(code));
            let is_named = codes.iter().flatten().any(|finding| {
                finding.severity == Severity::Violation && finding.key.as_deref() == Some(archive.digest(4))
            });
            assert!(is_named, "{disguise}, {name}: {}", run.list());
            run.status(1);
        }
    }
}

#[test]
fn s81_the_newest_digest_does_not_leave_the_scope_either() {
    // No successor speaks of it; its sidecar holds the signature of what was there.
    for (disguise, hide) in disguises() {
        let archive = small();
        hide(&archive, 6);
        for (name, options) in scopes(&archive) {
            let run = run_with(&options);
            assert_eq!(run.report.exit_status, 1, "{disguise}, {name}: {}", run.list());
        }
    }
}

#[test]
fn s81_a_forgery_beside_an_empty_place_does_not_fill_it() {
    // The digest is deleted; another file claims its place in its JSON, out of the asked span.
    let archive = small();
    let digest = &archive.chain().digests[4];
    archive.delete_hour(4);
    let mut forged = archive.chain().unlinked(digest.start().plus(-9000 * HOUR), digest.end(), Vec::new());
    forged.document.end_time = digest.start().plus(-8999 * HOUR).to_string();
    forged.seal();
    archive.plant_digest(&forged);
    for (name, options) in scopes(&archive) {
        let run = run_with(&options);
        assert_eq!(run.report.exit_status, 1, "{name}: {}", run.list());
        let speaks = |finding: &&Finding| {
            finding.severity == Severity::Violation && finding.key.as_deref() == Some(digest.object())
        };
        assert!(run.report.findings.iter().any(|finding| speaks(&finding)), "{name}: {}", run.list());
    }
}

#[test]
fn s81_an_altered_digest_of_another_day_is_not_judged() {
    // The honest half: place and JSON both lie outside, so a narrower run does not speak of it.
    let archive = small();
    archive.edit_digest(archive.digest(1), |document| document.newest_event_time = None);
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[4].start());
    run_with(&options).status(0).finds(&[]);
}

#[test]
fn s82_a_hole_that_nothing_else_names() {
    // Signed so: a window that runs backwards between two that are an hour apart.
    let mut model = Plan { logs_per_hour: 0, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    let (start, end) = (chain.digests[3].start(), chain.digests[3].end());
    chain.set_window(3, end.plus(HOUR), end);
    chain.seal_from(3);
    let archive = model.write();
    let run = run(&archive);
    run.status(3).accuses_nobody();
    let spans = |finding: &&Finding| {
        finding.severity == Severity::Unproven
            && finding.start.is_some_and(|from| from <= start)
            && finding.end.is_some_and(|to| to >= end)
    };
    let hole = run.report.findings.iter().find(|finding| spans(finding)).expect("the hole is named");
    assert!(["coverage_hole", "window_discontinuity"].contains(&hole.code.text()), "{}", run.list());
}

#[test]
fn s82_a_chain_of_which_nothing_proven_is_left_covers_no_span() {
    let archive = Plan { trails: vec!["audit".into(), "second".into()], ..Plan::default() }.model().write();
    let chain = archive.model.chains.iter().find(|chain| chain.trail == "second").unwrap();
    let path = |position: usize| archive.path_in(&chain.bucket, chain.digests[position].object());
    for position in 1..chain.digests.len() {
        std::fs::remove_file(path(position)).unwrap();
        for log in &chain.digests[position].logs {
            std::fs::remove_file(archive.path_in(&chain.bucket, &log.key)).unwrap();
        }
    }
    // The starting digest alone is left, and its signature was where its successor is.
    archive.remove_sidecar(chain.digests[0].object());
    let mut options = options(&archive);
    (options.policy.start, options.policy.end) =
        (Some(chain.digests[1].start()), Some(chain.digests[4].end()));
    let run = run_with(&options);
    run.status(3).finds_at_least(&["U coverage_hole"]);
    assert_eq!(run.one(Code::CoverageHole).trail.as_deref(), Some("second"), "{}", run.list());
}

#[test]
fn s81_a_log_in_a_cut_tree_is_of_the_region_of_its_folder() {
    let archive = small();
    let below = "audit-logs/AWSLogs/111122223333/";
    archive.rearrange(|path| Some(path.strip_prefix(below).unwrap_or(path).to_owned()));
    run(&archive).accuses_nobody();
    let name = "CloudTrail/eu-west-1/2024/03/01/111122223333_CloudTrail_mars-north-1_20240301T0233Z_0123456789ABCDEF.json.gz";
    let content =
        trailseal_testkit::gzip_member(br#"{"Records":[{"eventVersion":"1.08","eventName":"A"}]}"#, 1);
    std::fs::write(archive.root().join(name), content).unwrap();
    for narrow in [false, true] {
        let mut options = options(&archive);
        if narrow {
            options.policy.accounts = vec![ACCOUNT.to_owned()];
            options.policy.regions = vec!["eu-west-1".to_owned()];
        }
        let run = run_with(&options);
        assert_ne!(run.report.exit_status, 0, "{}", run.list());
    }
}

#[test]
fn s82_a_hole_whose_cause_was_allowed_is_covered() {
    // The net lies below the other rules: a gap or discontinuity that was allowed stays allowed.
    let stops = vec![Stop { after: 3, pause: 5 * HOUR + 420, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::Gap];
    run_with(&options).status(0).finds(&["N gap"]);
    let mut model = Plan { logs_per_hour: 0, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    for position in 4..=6 {
        let (start, end) = (chain.digests[position].start(), chain.digests[position].end());
        chain.set_window(position, start.plus(1800), end.plus(1800));
    }
    chain.seal_from(4);
    let archive = model.write();
    let mut options = crate::support::options(&archive);
    options.policy.allowed = vec![Code::WindowDiscontinuity];
    run_with(&options).status(0).finds(&["N window_discontinuity"]);
}

#[test]
fn s84_a_log_of_another_year_in_the_folder_of_a_day() {
    for year in ["1999", "2099", "2023"] {
        let archive = small();
        let stamp = archive.chain().digests[4].start().plus(1800);
        let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx").replace("_2024", &format!("_{year}"));
        assert!(key.contains("/2024/03/01/") && key.contains(&format!("_{year}0301T")));
        let path = archive.plant_at(archive.chain(), stamp, &key);
        for (name, options) in scopes(&archive) {
            let run = run_with(&options);
            assert_eq!(run.report.exit_status, 3, "{year}, {name}: {}", run.list());
            let finding = run.the("stamp_mismatch");
            assert_eq!(finding.path.as_deref(), Some(&*path.display().to_string()), "{name}");
        }
    }
}

#[test]
fn s84_a_log_stamped_a_day_off_is_no_finding_of_its_own() {
    // A log of 23:58 may lie in the folder of the day that began, and the other way round.
    let mut model = Plan {
        start: Timestamp::parse_digest_field("2024-03-01T22:13:52Z").unwrap(),
        hours: 3,
        ..Plan::default()
    }
    .model();
    let chain = &mut model.chains[0];
    let digest =
        chain.digests.iter().position(|digest| digest.logs.iter().any(|log| log.key.contains("/03/02/")));
    let digest = digest.expect("a log after midnight");
    for log in &mut chain.digests[digest].logs {
        log.key = log.key.replace("_20240302T", "_20240301T");
    }
    chain.digests[digest].name_logs();
    chain.seal_from(digest);
    run(&model.write()).finds(&[]);
}

#[test]
fn s84_out_of_scope_only_if_stamp_and_folder_are() {
    let archive = small();
    let stamp = archive.model.plan.start.plus(-40 * 24 * HOUR);
    // Stamp and folder say one day in January: a run over March does not speak of it.
    archive.plant(archive.chain(), stamp);
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[1].start());
    run_with(&options).status(0).finds(&[]);
    // In the folder of the asked day it does.
    let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx").replace("/2024/01/21/", "/2024/03/01/");
    let path = archive.plant_at(archive.chain(), stamp, &key);
    let run = run_with(&options);
    run.status(3).names(&path, &key);
}

#[test]
fn s88_an_unsigned_digest_at_the_edge_of_a_gap() {
    let stops = vec![Stop { after: 3, pause: 9 * HOUR + 420, event: None }];
    let archive = Plan { stops, ..Plan::default() }.model().write();
    let chain = archive.chain();
    let (end, restart) = (chain.digests[3].end(), chain.digests[4].start());
    for (from, to) in [
        // Ends where the new chain starts, and starts in another year, or in the gap.
        (restart.plus(900_000 * HOUR), restart),
        (restart.plus(-HOUR), restart),
        (end, end.plus(HOUR)),
        (end, restart),
    ] {
        let forged = chain.unlinked(from, to, Vec::new());
        let key = archive.plant_digest(&forged);
        for narrowed in [false, true] {
            let mut options = options(&archive);
            options.policy.end = narrowed.then(|| chain.digests[7].end());
            let run = run_with(&options);
            run.status(3).finds_at_least(&["U gap"]);
            let gap = run.one(Code::Gap);
            assert_eq!((gap.start, gap.end), (Some(end), Some(restart)), "{from} {to}");
            let gaps = &run.report.chains[0].gaps;
            assert!(gaps.iter().any(|gap| (gap.start, gap.end) == (end, restart)), "{gaps:?}");
            assert_eq!(run.value()["totals"]["gap_seconds"], json!(restart.epoch() - end.epoch()));
        }
        archive.delete(&key);
    }
}

#[test]
fn s88_an_unsigned_digest_does_not_lengthen_a_chain_up_to_its_stop() {
    let stops = vec![Stop { after: 5, pause: 9 * HOUR + 427, event: None }];
    let plan = Plan { stops, hours: 8, home_region: "eu-west-1".to_owned(), ..Plan::default() };
    let mut model = plan.model();
    // The stop is told by another trail's log; the first trail lost its hours 4 and 5.
    let mut teller = Plan { trails: vec!["teller".to_owned()], hours: 8, ..Plan::default() }.model();
    let at = model.chains[0].digests[5].end().plus(-600);
    let event = json!({ "eventTime": at.to_string(), "requestParameters": { "name": "audit" } });
    teller.chains[0].add_event(5, 1, &event);
    model = model.with(teller);
    let archive = model.write();
    let forged = archive.chain().unlinked(
        archive.chain().digests[3].end(),
        archive.chain().digests[5].end(),
        Vec::new(),
    );
    archive.delete_hour(4);
    archive.delete_hour(5);
    archive.plant_digest(&forged);
    let run = run(&archive);
    run.status(3).finds_at_least(&["U gap"]);
    let gap = run.one(Code::Gap);
    assert_eq!(gap.start, window(&archive, 3).1);
    assert!(!is_explained_by(gap, &archive.model.chains[1].digests[5].logs[1].key), "{}", gap.message);
}

/// Whether a finding of the whole run speaks of something that lies well inside a span.
fn is_inside(finding: &Finding, from: Timestamp, to: Timestamp) -> bool {
    let (Some(start), Some(end)) = (finding.start, finding.end) else { return false };
    finding.severity != Severity::Note && start >= from && end <= to && start < end
}

const DAMAGES: [fn(&Archive, usize); 7] = [
    |archive, hour| archive.alter_log(archive.log(hour, 0)),
    |archive, hour| archive.delete(archive.log(hour, 1)),
    |archive, hour| archive.delete_digest(archive.digest(hour)),
    |archive, hour| archive.edit_digest(archive.digest(hour), |document| document.log_files.clear()),
    |archive, hour| {
        archive.edit_digest(archive.digest(hour), |document| {
            "2001-01-01T00:00:00Z".clone_into(&mut document.start_time);
            "2001-01-01T01:00:00Z".clone_into(&mut document.end_time);
        });
    },
    |archive, hour| {
        archive.edit_digest(archive.digest(hour), |document| "x".clone_into(&mut document.aws_account_id));
    },
    |archive, hour| {
        archive.plant(archive.chain(), archive.chain().digests[hour].start().plus(1800));
    },
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s62_no_scope_hides_what_the_whole_run_reports_for_it(
        damages in prop::collection::vec((0..DAMAGES.len(), 1..7_usize), 1..3),
        from in 0..4_i64,
        hours in 2..6_i64,
        narrowed in any::<[bool; 5]>(),
    ) {
        let archive = small();
        let mut done = Vec::new();
        for (damage, hour) in damages {
            if !done.contains(&hour) {
                DAMAGES[damage](&archive, hour);
                done.push(hour);
            }
        }
        let whole: Run = run(&archive);
        let start = archive.model.plan.start.plus(from * HOUR);
        let end = start.plus(hours * HOUR);
        let mut options = options(&archive);
        options.policy.start = narrowed[0].then_some(start);
        options.policy.end = narrowed[1].then_some(end);
        options.policy.accounts = if narrowed[2] { vec![ACCOUNT.to_owned()] } else { Vec::new() };
        options.policy.regions = if narrowed[3] { vec!["eu-west-1".to_owned()] } else { Vec::new() };
        options.policy.trails = if narrowed[4] { vec!["audit".to_owned()] } else { Vec::new() };
        let (from, to) = (
            options.policy.start.unwrap_or(start.plus(-100 * HOUR)),
            options.policy.end.unwrap_or(end.plus(100 * HOUR)),
        );
        let asked: Vec<&Finding> =
            whole.report.findings.iter().filter(|finding| is_inside(finding, from, to)).collect();
        let narrow = run_with(&options);
        if asked.iter().any(|finding| finding.severity == Severity::Violation) {
            prop_assert_eq!(narrow.report.exit_status, 1, "{}\n--\n{}", whole.list(), narrow.list());
        } else if !asked.is_empty() {
            prop_assert_ne!(narrow.report.exit_status, 0, "{}\n--\n{}", whole.list(), narrow.list());
        }
    }
}
