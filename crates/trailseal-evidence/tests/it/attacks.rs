//! What once let a tampered archive pass, by the rows that it broke: 51, 61, 72, 80, 84 to 87, 96.

use std::{fs, io::Write as _, os::unix::fs::symlink, path::PathBuf};

use serde_json::json;
use trailseal_evidence::{
    Baseline, Options, Silent,
    ledger::{Integrity, Ledger},
};
use trailseal_testkit::{APPLE_DOUBLE, Archive, Model, Plan, Stop, gzip_member, record, records};
use trailseal_verify::Code;

use crate::{
    agreement::read,
    support::{HOUR, options, run, run_with, small, try_run},
};

/// A made-up event of a proven hour.
fn events(archive: &Archive) -> Vec<u8> {
    let chain = archive.chain();
    records(&[record(chain, chain.digests[4].start().plus(900), "GetObject", "planted")])
}

fn folder(key: &str) -> &str {
    &key[..=key.rfind('/').unwrap()]
}

/// Whether a query over everything has a reason not to end with status 0: something is missing, or a file that it
/// reads is not verified.
fn is_told(options: &Options, read_files: &[PathBuf]) -> bool {
    let ledger = Ledger::load(options, &Silent).unwrap();
    let is_verified = |path: &PathBuf| {
        let seen = read(path, options);
        let label = |entry: trailseal_evidence::ledger::FileClaims<'_>| {
            entry.label(seen.as_ref().map_err(|error| error as _)).0
        };
        ledger.entry(path).is_some_and(|entry| label(entry) == Integrity::Verified)
    };
    !ledger.missing().is_empty() || !read_files.iter().all(is_verified)
}

// Explanations.

/// An organization's trail of a management account and two members, in one region.
fn organization(hours: usize) -> Model {
    let accounts = ["111122223333", "222233334444", "999900001111"].map(str::to_owned).to_vec();
    let organization = Some("o-abcd123456".to_owned());
    let home_region = "eu-west-1".to_owned();
    Plan { accounts, organization, home_region, hours, ..Plan::default() }.model()
}

#[test]
fn s61_a_members_own_trail_of_the_same_name_ends_nothing() {
    // The member stops its own trail; its and another member's chain of the organization's trail are cut there.
    let mut own = Plan {
        accounts: vec!["222233334444".to_owned()],
        home_region: "eu-west-1".to_owned(),
        hours: 3,
        ..Plan::default()
    }
    .model();
    let stop = json!({ "eventName": "StopLogging", "requestParameters": { "name": "audit" } });
    own.chains[0].add_event(3, 1, &stop);
    let archive = own.with(organization(9)).write();
    run(&archive).status(0);
    for account in ["222233334444", "999900001111"] {
        let chain = archive.model.chains.iter().rfind(|chain| chain.account == account).unwrap();
        for digest in &chain.digests[4..] {
            digest.logs.iter().for_each(|log| archive.delete(&log.key));
            archive.delete_digest(digest.object());
        }
    }
    run(&archive).status(3).finds_at_least(&["U head_behind_peers"]);
}

#[test]
fn s72_a_trail_that_logs_again_elsewhere_was_not_ended() {
    let plan = || {
        let stop = json!({ "eventName": "StopLogging", "requestParameters": { "name": "audit" } });
        let stops = vec![Stop { after: 3, pause: 2 * HOUR, event: Some(stop) }];
        let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
        Plan { regions, stops, hours: 8, home_region: "eu-west-1".to_owned(), ..Plan::default() }
    };
    let archive = plan().model().write();
    for digest in &archive.model.chains[1].digests[4..] {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    let all = run(&archive);
    all.status(3).finds_at_least(&["U head_behind_peers"]);
    let mut options = options(&archive);
    options.policy.regions = vec!["us-east-1".to_owned()];
    run_with(&options).status(3).finds_at_least(&["U head_behind_peers"]);
    // The same where the region of the event is the one that lost its hours.
    let archive = plan().model().write();
    for digest in &archive.model.chains[0].digests[4..] {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    let mut options = self::options(&archive);
    options.policy.regions = vec!["eu-west-1".to_owned()];
    run_with(&options).status(3).finds_at_least(&["U head_behind_peers"]);
}

// Expectations and baselines.

#[test]
fn s51_what_no_key_vouches_for_is_no_account() {
    let plan = Plan { hours: 30, ..Plan::wide() };
    let archive = plan.model().write();
    let accounts = vec!["111122223333".to_owned(), "444455556666".to_owned()];
    fs::remove_dir_all(archive.path("AWSLogs/444455556666")).unwrap();
    let key = archive.model.chains[2].digest_key(archive.chain().digests[3].end());
    archive.write_object("audit-logs", &key, b"x");
    for start in [None, Some(archive.chain().digests[20].end())] {
        for is_expected in [true, false] {
            let mut options = options(&archive);
            options.policy.start = start;
            let asked = if is_expected { &mut options.expect.accounts } else { &mut options.policy.accounts };
            asked.clone_from(&accounts);
            let run = run_with(&options);
            run.finds_at_least(&["U account_absent"]);
        }
    }
}

#[test]
fn s51_a_backfill_digest_is_no_chain() {
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let archive = Plan { regions, backfills: vec![3], hours: 8, ..Plan::default() }.model().write();
    let chains =
        archive.model.chains.iter().filter(|chain| chain.region == "us-east-1" && !chain.is_backfill);
    for digest in chains.flat_map(|chain| &chain.digests) {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    let newest = archive.chain().digests[8].end();
    let mut options = options(&archive);
    options.expect.regions = vec!["us-east-1".to_owned()];
    options.expect.as_of = Some(newest);
    run_with(&options).status(3).finds_at_least(&["U region_absent", "U coverage_hole"]);
    options.policy.regions = vec!["us-east-1".to_owned()];
    options.expect.regions.clear();
    run_with(&options).status(3).finds_at_least(&["U coverage_hole"]);
}

#[test]
fn s80_digests_of_an_old_key_prove_nothing_of_the_hours_that_are_asked_for() {
    let archive = Plan { hours: 30, rotate: Some(15), ..Plan::default() }.model().write();
    for digest in &archive.chain().digests[15..] {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    let start = archive.chain().digests[16].end();
    archive.remove_key(archive.chain().digests[3].key);
    let mut options = options(&archive);
    options.policy.start = Some(start);
    run_with(&options).status(3).finds_at_least(&["U coverage_hole"]);
}

#[test]
fn s86_time_before_validation_is_no_word_on_what_was_proven() {
    let stops = vec![Stop { after: 5, pause: 9 * HOUR, event: None }];
    let archive = Plan { stops, hours: 10, ..Plan::default() }.model().write();
    archive.plant(archive.chain(), archive.chain().digests[0].start().plus(-5 * HOUR));
    let mut options = options(&archive);
    options.policy.allowed = vec![Code::LogOutsideCoverage, Code::CoverageStartsLate, Code::Gap];
    options.expect.baseline = Some(serde_json::from_str::<Baseline>(&run(&archive).json()).unwrap());
    run_with(&options).status(0);
    for digest in &archive.chain().digests[..6] {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    run_with(&options).status(1).finds_at_least(&["V rewritten_history"]);
}

#[test]
fn s87_where_nothing_was_allowed_nothing_passes_as_allowed() {
    let archive = small();
    fs::remove_dir_all(archive.root().join("audit-logs")).unwrap();
    let region = archive.root().join("audit-logs/AWSLogs/111122223333/CloudTrail/eu-west-1");
    fs::create_dir_all(&region).unwrap();
    symlink(".", region.join("x")).unwrap();
    assert!(try_run(&options(&archive)).is_err(), "there is nothing");
    let archive = small();
    let mut options = options(&archive);
    options.policy.start = Some(archive.chain().digests[6].end().plus(9000 * HOUR));
    run_with(&options).status(3).finds(&["U coverage_ends_early"]);
}

// What a query reads.

#[test]
fn s80_a_link_that_hides_a_log_from_a_query() {
    let cases: [fn(&Archive) -> PathBuf; 7] = [
        |archive| archive.path(archive.digest(2)),
        |archive| archive.sidecar(archive.digest(2)),
        |archive| archive.duplicate(archive.log(5, 0), archive.log(5, 0).replace(".json.gz", " (1).json.gz")),
        |archive| archive.path(archive.log(4, 0)),
        |archive| archive.path(archive.log(3, 0)),
        |_| PathBuf::from(".."),
        |archive| {
            let notes = archive.root().join("notes.txt");
            fs::write(&notes, "notes").unwrap();
            notes
        },
    ];
    for target in cases {
        let archive = small();
        let place = archive.path(archive.log(3, 0));
        let target = target(&archive);
        fs::remove_file(&place).unwrap();
        symlink(&target, &place).unwrap();
        let options = options(&archive);
        let real = fs::canonicalize(&place).ok().filter(|real| real.is_file());
        assert!(is_told(&options, &real.into_iter().collect::<Vec<_>>()), "{}", target.display());
        let run = run_with(&options);
        assert_ne!(run.report.exit_status, 0, "{}", target.display());
    }
}

#[test]
fn s91_rows_of_a_log_that_lies_elsewhere_and_has_a_link_in_its_place() {
    let archive = small();
    let place = archive.path(archive.log(3, 0));
    let stash = archive.root().join("stash");
    fs::create_dir_all(&stash).unwrap();
    fs::rename(&place, stash.join("a.bin")).unwrap();
    symlink(stash.join("a.bin"), &place).unwrap();
    let options = options(&archive);
    run_with(&options).status(0);
    let real = fs::canonicalize(&place).unwrap();
    assert!(!is_told(&options, &[real]));
}

#[test]
fn s80_a_leftover_in_the_place_of_a_log() {
    for name in ["__MACOSX", ".AppleDouble", "@eaDir"] {
        let archive = small();
        let key = archive.log(3, 0).to_owned();
        archive.delete(&key);
        archive.write_object("audit-logs", &format!("{name}/{key}"), APPLE_DOUBLE);
        run(&archive).status(1);
        assert!(is_told(&options(&archive), &[]), "{name}");
    }
}

// Places and names.

#[test]
fn s84_a_stamp_of_the_next_day_hides_nothing_in_a_days_folder() {
    let archive = Plan { hours: 60, ..Plan::default() }.model().write();
    let chain = archive.chain();
    let (noon, other) = (chain.digests[12].end(), chain.digests[30].end());
    let own = chain.log_key(other, "PLANTEDxPLANTEDx");
    let path = format!("{}{}", folder(&chain.log_key(noon, "x")), own.rsplit('/').next().unwrap());
    archive.write_object("audit-logs", &path, &gzip_member(&events(&archive), 6));
    let midnight = noon.plus(-(noon.epoch().rem_euclid(24 * HOUR)));
    for day in [midnight, midnight.plus(24 * HOUR)] {
        let mut options = options(&archive);
        (options.policy.start, options.policy.end) = (Some(day.plus(HOUR)), Some(day.plus(24 * HOUR)));
        run_with(&options).status(3);
    }
}

#[test]
fn s85_events_in_folders_that_look_like_another_layout() {
    let moved: [fn(&str) -> String; 3] = [
        str::to_owned,
        |path| cut_at(path, "111122223333/"),
        |path| {
            let name = path.rsplit('/').next().unwrap();
            let kind = if path.contains("Digest") { "digests" } else { "logs" };
            format!("{kind}/2024/03/01/{name}")
        },
    ];
    let planted: [&[&str]; 3] = [
        &[
            "audit-logs/AWSLogs/111122223333/CloudTrail/AWSLogs/q/events.json.gz",
            "audit-logs/AWSLogs/111122223333/cloudtrail/eu-west-1/2024/03/01/AWSLogs/x/events.json.gz",
            "audit-logs/AWSLogs/o-ABC/111122223333/CloudTrail/eu-west-1/2024/03/01/events.json.gz",
        ],
        &[
            "CloudTrail/eu-west-1/2024/03/01/sub/e.json.gz",
            "CloudTrail-Foo/e.json.gz",
            "cloudtrail/x/e.json.gz",
        ],
        &["logs/2024/03/01/e.json.gz", "logs/2024/03/01/sub/e.json.gz", "logs/2024/03/08/e.json.gz"],
    ];
    for (layout, paths) in moved.into_iter().zip(planted) {
        let archive = small();
        archive.rearrange(|path| Some(layout(path)));
        run(&archive).status(0);
        for path in paths {
            let place = archive.root().join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::write(&place, gzip_member(&events(&archive), 6)).unwrap();
            run(&archive).status(3).finds_at_least(&["U stray_object"]);
            fs::write(&place, "notes of the day\n").unwrap();
            run(&archive).accuses_nobody();
            fs::remove_file(&place).unwrap();
        }
    }
}

fn cut_at(path: &str, folder: &str) -> String {
    path.split_once(folder).unwrap().1.to_owned()
}

#[test]
fn s96_events_in_what_claims_to_be_something_else() {
    let archive = small();
    let event = String::from_utf8(events(&archive)).unwrap();
    let day = folder(archive.log(3, 0)).to_owned();
    let message = json!({ "messageType": "DATA_MESSAGE", "logEvents": [{ "message": inner(&event) }] });
    let data = encode(&gzip_member(message.to_string().as_bytes(), 6));
    let envelope = json!({ "awslogs": { "data": data } }).to_string();
    let behind = |magic: &[u8]| [magic, b"\n", envelope.as_bytes()].concat();
    let mut deep = event.clone().into_bytes();
    for _ in 0..10 {
        deep = gzip_member(&deep, 6);
    }
    let key = "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n";
    for (name, bytes) in [
        (".fseventsd/z.json.gz", gzip_member(format!("1SLD\n{event}").as_bytes(), 6)),
        (".fseventsd/y.gz", [gzip_member(b"1SLD", 6), gzip_member(event.as_bytes(), 6)].concat()),
        ("._w.json", behind(b"\0\x05\x16\0")),
        ("Thumbs.db", behind(b"CMMM")),
        (".DS_Store", behind(b"\0\0\0\x01Bud1")),
        (".a.json.crc", behind(b"crc\0")),
        ("@eaDir/n.json", behind(b"\0")),
        ("@eaDir/x.json", format!("CMMM{event}").into_bytes()),
        ("@eaDir/g.json.gz", deep),
        ("public-keys-1.pem", format!("{key}x {event}").into_bytes()),
    ] {
        let path = archive.write_object("audit-logs", &format!("{day}{name}"), &bytes);
        run(&archive).status(3).finds_at_least(&["U stray_object"]).lacks(&["leftover"]);
        fs::remove_file(path).unwrap();
    }
}

/// The first record of a log file.
fn inner(log: &str) -> String {
    let log: serde_json::Value = serde_json::from_str(log).unwrap();
    log["Records"][0].to_string()
}

/// Base64.
fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |chunk: &[u8]| {
        let mut three = [0; 4];
        three[1..=chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes(three);
        let digit = |at: usize| DIGITS[(number >> (18 - 6 * at) & 63) as usize] as char;
        let digit = |at: usize| if at <= chunk.len() { digit(at) } else { '=' };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(encode).collect()
}

#[test]
fn s57_a_large_file_that_claims_to_be_a_leftover_is_not_read() {
    let archive = small();
    let path = archive.write_object("audit-logs", &format!("{}.DS_Store", folder(archive.log(3, 0))), b"");
    let mut file = fs::File::create(&path).unwrap();
    file.write_all(b"\0\0\0\x01Bud1\0\0\x10\0\0\0\x08\0\0\0\x10\0").unwrap();
    file.set_len(1 << 43).unwrap();
    run(&archive).status(3).finds(&["U stray_object"]);
}

#[test]
fn s57_names_that_end_within_a_character_break_nothing() {
    for name in
        ["éaééééé_CloudTrail_us-east-1_x.json.gz", "ééé_CloudTrail-Digest_", "12345678901é_CloudTrail_"]
    {
        let archive = small();
        archive.write_object("audit-logs", &format!("{}{name}", folder(archive.log(3, 0))), b"x");
        run(&archive).status(3).accuses_nobody();
    }
}

#[test]
fn s28_a_trail_that_became_an_organizations_has_its_peers_all_the_same() {
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let mut model = Plan { regions, hours: 9, ..Plan::default() }.model();
    for chain in &mut model.chains {
        chain.change_place(6, |chain| chain.organization = Some("o-abcd123456".to_owned()));
    }
    let archive = model.write();
    run(&archive).status(0);
    for digest in &archive.model.chains[1].digests[5..] {
        digest.logs.iter().for_each(|log| archive.delete(&log.key));
        archive.delete_digest(digest.object());
    }
    run(&archive).status(3).finds_at_least(&["U head_behind_peers"]);
}
