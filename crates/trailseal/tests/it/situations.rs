//! The situations of docs/spec/verification.md 5 that the library alone cannot show: what is stated, asked and
//! printed, and that all commands judge one span alike.

use std::{
    fs,
    io::Read,
    path::Path,
    process::{Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use trailseal_archive::Timestamp;
use trailseal_testkit::{
    APPLE_DOUBLE, Archive, DS_STORE, Metadata, Plan, Stop, gzip_member, record, records,
};

use crate::{
    demo::Run,
    server::{call, command, say, serving},
};

const HOUR: i64 = 3600;

fn verify(archive: &Archive, more: &str) -> Run {
    say(archive, &format!("verify archive --keys keys {more}"))
}

fn small() -> Archive {
    Plan::default().model().write()
}

fn with_gap() -> Archive {
    let stops = vec![Stop { after: 6, pause: 9 * HOUR + 427, event: None }];
    Plan { stops, hours: 12, ..Plan::default() }.model().write()
}

/// The findings of a run with `-t json`, as `severity code`.
fn findings(run: &Run) -> Vec<String> {
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let report = run.json();
    let list = report["findings"].as_array().unwrap().iter();
    list.map(|finding| format!("{} {}", text(finding, "severity"), text(finding, "code"))).collect()
}

fn last_line(run: &Run) -> &str {
    run.stdout.lines().last().unwrap_or_default()
}

fn folder(key: &str) -> &str {
    &key[..=key.rfind('/').unwrap()]
}

// Row 17: what the user states about the trails.

fn planted() -> (Archive, String) {
    let archive = small();
    let key = archive.plant(archive.chain(), archive.chain().digests[3].start().plus(1800));
    (archive, key)
}

fn trail(name: &str, bucket: &str, validates: bool) -> Value {
    json!({
        "Name": name,
        "S3BucketName": bucket,
        "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": true,
        "HomeRegion": "us-east-1",
        "TrailARN": format!("arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"),
        "LogFileValidationEnabled": validates,
        "HasCustomEventSelectors": false,
        "HasInsightSelectors": false,
        "IsOrganizationTrail": false,
    })
}

fn state(archive: &Archive, trails: &[Value]) {
    fs::write(archive.folder().join("trails.json"), json!({ "trailList": trails }).to_string()).unwrap();
}

#[test]
fn s17_by_itself_a_log_that_no_digest_names_is_unproven() {
    let (archive, _) = planted();
    let run = verify(&archive, "-t json");
    assert_eq!(run.status, Some(3), "{run}");
    assert_eq!(findings(&run), ["unproven log_unreferenced"]);
}

#[test]
fn s17_the_sole_trail_excludes_it() {
    let (archive, _) = planted();
    let run = verify(&archive, "--sole-trail -t json");
    assert_eq!(run.status, Some(1), "{run}");
    assert_eq!(findings(&run), ["violation log_unreferenced"]);
    // Which statement says so stands in the report.
    let text = verify(&archive, "--sole-trail");
    assert!(text.stdout.contains("--sole-trail") || text.stdout.contains("sole trail"), "{text}");
    // A sound archive stays sound.
    assert_eq!(verify(&small(), "--sole-trail").status, Some(0));
    // A violation cannot be allowed.
    assert_eq!(verify(&archive, "--sole-trail --allow log_unreferenced").status, Some(1));
    assert_eq!(verify(&archive, "--allow log_unreferenced").status, Some(0));
}

#[test]
fn s17_the_trails_that_deliver_there_are_stated() {
    let (archive, _) = planted();
    let own = trail("audit", "audit-logs", true);
    let mut prefixed = trail("second", "audit-logs", false);
    prefixed["S3KeyPrefix"] = json!("other");
    for (others, status) in [
        (vec![], 1),
        // Elsewhere: another bucket, another prefix.
        (vec![trail("second", "other-logs", false)], 1),
        (vec![prefixed], 1),
        // Here: without validation; or with it, but its digests are not here to cover the time.
        (vec![trail("second", "audit-logs", false)], 3),
        (vec![trail("second", "audit-logs", true)], 3),
    ] {
        let all = [vec![own.clone()], others.clone()].concat();
        state(&archive, &all);
        let run = verify(&archive, "--trails trails.json -t json");
        assert_eq!(run.status, Some(status), "{others:?}: {run}");
        let severity = if status == 1 { "violation" } else { "unproven" };
        assert_eq!(findings(&run), [format!("{severity} log_unreferenced")], "{others:?}");
        if status == 3 {
            assert!(run.stdout.contains("second"), "the trail is named: {run}");
        }
    }
}

#[test]
fn s17_a_statement_that_is_none_is_refused() {
    let archive = small();
    for text in ["", "{}", "[]", "{\"trailList\":{}}", "{\"trailList\":[{}]}", "not JSON"] {
        fs::write(archive.folder().join("trails.json"), text).unwrap();
        let run = verify(&archive, "--trails trails.json");
        assert_eq!(run.status, Some(2), "{text:?}: {run}");
        assert!(run.stderr.contains("trails.json"), "{run}");
    }
    assert_eq!(verify(&archive, "--trails nowhere.json").status, Some(2));
}

#[test]
fn s17_rows_of_such_a_log_are_labelled_by_the_statement() {
    let (archive, _) = planted();
    let query = |more: &str| say(&archive, &format!("query archive --keys keys --count-by label {more}"));
    let run = query("");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stdout.contains("not_covered") && !run.stdout.contains("violated"), "{run}");
    let run = query("--sole-trail");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stdout.contains("violated") && !run.stdout.contains("not_covered"), "{run}");
    state(&archive, &[trail("audit", "audit-logs", true)]);
    let run = query("--trails trails.json");
    assert!(run.stdout.contains("violated"), "{run}");
    let run = say(&archive, "follow AKIAIOSFODNN7EXAMPLE archive --keys keys --sole-trail");
    assert_eq!(run.status, Some(3), "{run}");
}

#[test]
fn s17_outside_the_windows_the_statement_changes_nothing() {
    let archive = with_gap();
    archive.plant(archive.chain(), archive.chain().digests[6].end().plus(3 * HOUR));
    let run = verify(&archive, "--sole-trail -t json");
    assert_eq!(run.status, Some(3), "{run}");
    let mut found = findings(&run);
    found.sort();
    assert_eq!(found, ["unproven gap", "unproven log_outside_coverage"]);
}

#[test]
fn s53_a_deleted_backfill_digest_under_a_statement() {
    let archive = Plan { backfills: vec![2], ..Plan::default() }.model().write();
    archive.delete_digest(archive.model.chains[1].digests[0].object());
    let run = verify(&archive, "-t json");
    assert_eq!(
        (run.status, findings(&run)),
        (Some(3), vec!["unproven log_unreferenced".to_owned()]),
        "{run}"
    );
    assert!(run.stdout.contains("backfill"), "{run}");
    let run = verify(&archive, "--sole-trail -t json");
    assert_eq!(
        (run.status, findings(&run)),
        (Some(1), vec!["violation log_unreferenced".to_owned()]),
        "{run}"
    );
}

// Rows 33 and 66: hours without logging are said.

#[test]
fn s33_hours_without_logging_stand_in_the_verdict() {
    let archive = with_gap();
    let run = verify(&archive, "");
    assert_eq!(run.status, Some(3), "{run}");
    // 9 h 7 min 7 s less the starting digest's hour.
    for more in ["", "-q", "--allow gap", "--allow gap -q"] {
        let run = verify(&archive, more);
        assert_eq!(run.status, Some(if more.contains("allow") { 0 } else { 3 }), "{run}");
        let line = last_line(&run);
        assert!(line.contains("without logging"), "{line}");
        assert!(line.contains("8:07 h"), "{line}");
    }
    for more in ["-t json", "-t json --allow gap"] {
        let report = verify(&archive, more).json();
        assert_eq!(report["totals"]["gap_seconds"], json!(8 * HOUR + 427), "{more}");
    }
    assert!(!last_line(&verify(&small(), "")).contains("without logging"));
}

#[test]
fn s66_no_table_claims_the_hour_of_a_starting_digest() {
    let run = verify(&small(), "");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(!run.stdout.contains("23:13:52"), "{run}");
    assert!(run.stdout.contains("00:13:52"), "{run}");
    let report = verify(&small(), "-t json").json();
    assert_eq!(
        report["chains"][0]["proven"],
        json!([{
            "start": "2024-03-01T00:13:52Z",
            "end": "2024-03-01T06:13:52Z",
        }])
    );
}

// Rows 62 to 70, 81, 83 to 85, 95 and 96 as `query` shows them.

fn made_up_event(archive: &Archive) -> Vec<u8> {
    let chain = archive.chain();
    let mut event = record(chain, chain.digests[4].start().plus(900), "DeleteUser", "planted");
    event["eventSource"] = json!("iam.amazonaws.com");
    records(&[event])
}

/// What `query` says of the made-up event.
fn look_for_it(archive: &Archive, more: &str) -> Run {
    say(archive, &format!("query archive --event-name DeleteUser --keys keys --provenance -t jsonl {more}"))
}

#[test]
fn s63_events_in_strays_are_not_covered() {
    let archive = small();
    let keys: Value =
        serde_json::from_slice(&fs::read(archive.keys().join("public-keys-eu-west-1.json")).unwrap())
            .unwrap();
    let event: Value = serde_json::from_slice(&made_up_event(&archive)).unwrap();
    let mut key_file = keys;
    key_file["Records"] = event["Records"].clone();
    for (name, bytes) in [
        ("events.json.metadata.json", made_up_event(&archive)),
        ("public-keys-x.json", key_file.to_string().into_bytes()),
        (".DS_Store", gzip_member(&made_up_event(&archive), 6)),
        ("desktop.ini", made_up_event(&archive)),
        ("events.json", made_up_event(&archive)),
    ] {
        let key = format!("{}{name}", folder(archive.log(4, 0)));
        let path = archive.write_object("audit-logs", &key, &bytes);
        let run = look_for_it(&archive, "");
        // Whether its rows are shown or not, the answer is not called proven.
        assert_eq!(run.status, Some(3), "{name}: {run}");
        for row in run.lines() {
            assert_eq!(row["integrity"], "not_covered", "{name}: {run}");
        }
        fs::remove_file(path).unwrap();
    }
    assert_eq!(look_for_it(&archive, "").status, Some(0));
}

#[test]
fn s69_rows_of_a_copy_are_verified() {
    let archive = small();
    archive.duplicate(archive.log(3, 0), archive.log(3, 0).replace(".json.gz", " (1).json.gz"));
    let inflated = archive.log(4, 0).strip_suffix(".gz").unwrap().to_owned();
    archive.write_object("audit-logs", &inflated, &archive.content(archive.log(4, 0)));
    let run = say(&archive, "query archive --keys keys --count-by label");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.contains("verified"), "{run}");
    assert!(!run.stdout.contains("not_covered") && !run.stdout.contains("violated"), "{run}");
    assert_eq!(verify(&archive, "").status, Some(0));
}

#[test]
fn s70_leftovers_are_no_logs_for_a_query() {
    let archive = small();
    let plain = say(&archive, "query archive --keys keys --count-by label");
    for (name, content) in [("._x.json.gz", APPLE_DOUBLE), (".DS_Store", DS_STORE)] {
        archive.write_object("audit-logs", &format!("{}{name}", folder(archive.log(4, 0))), content);
    }
    let run = say(&archive, "query archive --keys keys --count-by label");
    assert_eq!((run.status, &run.stdout), (Some(0), &plain.stdout), "{run}");
    let without_keys = say(&archive, "query archive --count-by eventName");
    assert_eq!(without_keys.status, Some(0), "{without_keys}");
}

/// A digest that says that it is of another time, its logs gone.
fn disguised() -> Archive {
    let archive = small();
    for log in &archive.chain().digests[4].logs {
        archive.delete(&log.key);
    }
    archive.edit_digest(archive.digest(4), |document| {
        document.log_files.clear();
        "2000-01-01T01:00:00Z".clone_into(&mut document.start_time);
        "2000-01-01T00:00:00Z".clone_into(&mut document.end_time);
    });
    archive
}

#[test]
fn s81_a_disguised_digest_is_seen_by_every_command() {
    let archive = disguised();
    for span in ["", "--from 2024-03-01T01:13:52Z", "--from 2024-03-01T01:13:52Z --to 2024-03-01T06:00:00Z"] {
        let run = verify(&archive, &span.replace("--from", "--start-time").replace("--to", "--end-time"));
        assert_eq!(run.status, Some(1), "{run}");
        assert!(run.stdout.contains("digest_altered") || run.stdout.contains("digest_missing"), "{run}");
        let run = say(&archive, &format!("query archive --keys keys --event-name None {span}"));
        assert_eq!(run.status, Some(3), "{run}");
        let run = say(&archive, &format!("follow AKIAIOSFODNN7EXAMPLE archive --keys keys {span}"));
        assert_eq!(run.status, Some(3), "{run}");
    }
}

#[test]
fn s83_rows_of_every_root_are_labelled() {
    let archive = Plan { regions: Plan::default().regions, ..Plan::wide() }.model().write();
    archive.rearrange(|path| {
        Some(match path.split_once("/AWSLogs/444455556666/") {
            Some((_, rest)) => format!("second/{rest}"),
            None => format!("first/{path}"),
        })
    });
    for roots in ["archive/first archive/second", "archive/second archive/first", "archive"] {
        let run = say(&archive, &format!("query {roots} --keys keys --count-by label"));
        assert_eq!(run.status, Some(0), "{run}");
        assert!(!run.stdout.contains("not_covered"), "{run}");
        let run = say(&archive, &format!("verify {roots} --keys keys -t json"));
        assert_eq!(run.status, Some(0), "{run}");
        assert_eq!(run.json()["totals"]["digests"]["verified"], 14);
    }
}

#[test]
fn s83_a_root_that_adds_nothing_is_said() {
    let archive = small();
    fs::create_dir(archive.folder().join("empty")).unwrap();
    fs::write(archive.folder().join("empty/notes.txt"), "hello").unwrap();
    let run = say(&archive, "verify archive empty --keys keys");
    assert_eq!(run.status, Some(2), "{run}");
    assert!(run.stderr.contains("empty"), "{run}");
}

#[test]
fn s84_a_query_does_not_go_by_a_stamp_that_is_not_of_its_folder() {
    for year in ["1999", "2099"] {
        let archive = small();
        let stamp = archive.chain().digests[4].start().plus(1200);
        let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx").replace("_2024", &format!("_{year}"));
        archive.write_object("audit-logs", &key, &gzip_member(&made_up_event(&archive), 6));
        let span = "--from 2024-03-01T03:00:00Z --to 2024-03-01T05:00:00Z";
        let run = say(&archive, &format!("query archive --event-name DeleteUser -t jsonl {span}"));
        assert_eq!(run.lines().len(), 1, "{year}: {run}");
        let run = look_for_it(&archive, span);
        assert_eq!((run.status, run.lines().len()), (Some(3), 1), "{year}: {run}");
        assert_eq!(run.lines()[0]["integrity"], "not_covered", "{year}: {run}");
    }
}

#[test]
fn s95_anothers_genuine_log_is_no_proof_of_this_ones_event() {
    let archive = Plan::wide().model().write();
    let stamp = archive.chain().digests[4].start().plus(1800);
    let key = archive.chain().log_key(stamp, "PLANTEDxPLANTEDx");
    archive.duplicate(&archive.model.chains[2].digests[3].logs[0].key, &key);
    let run = say(&archive, "query archive --keys keys --count-by label");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stdout.contains("not_covered"), "{run}");
}

// Row 68: a file that changes while a query runs.

#[test]
fn s68_bytes_that_nobody_signed_are_never_labelled_verified() {
    let mut model = Plan { hours: 1, logs_per_hour: 1, ..Plan::default() }.model();
    let chain = &mut model.chains[0];
    let padding = "x".repeat(2000);
    let list: Vec<Value> = (0..6000)
        .map(|number| {
            let time = chain.digests[1].start().plus(600);
            let name = if number == 5999 { "alice_last" } else { "alice" };
            let mut event = record(chain, time, "GetObject", &number.to_string());
            event["requestParameters"] = json!({ "padding": padding });
            event["userIdentity"]["userName"] = json!(name);
            event
        })
        .collect();
    chain.digests[1].logs[0].content = records(&list);
    chain.digests[1].name_logs();
    chain.seal_from(1);
    let archive = model.write();
    archive.store_inflated(archive.log(1, 0), true);
    let path = archive.path(archive.log(1, 0));
    let content = fs::read(&path).unwrap();
    assert!(content.len() > 9 << 20, "{} bytes are read twice", content.len());
    let at = content.windows(10).rposition(|window| window == b"alice_last").unwrap() as u64;
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let is_over = AtomicBool::new(false);
    let (verified, runs) = thread::scope(|scope| {
        scope.spawn(|| {
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            while !is_over.load(Ordering::Relaxed) {
                for name in [&b"mallor_xxx"[..], b"alice_last"] {
                    std::os::unix::fs::FileExt::write_all_at(&file, name, at).unwrap();
                    // The time is put back: only the change time tells, and the content.
                    file.set_modified(modified).unwrap();
                    thread::sleep(Duration::from_millis(15));
                }
            }
        });
        let mut verified = Vec::new();
        let arguments = "query archive --keys keys --where userIdentity.userName='mallor_xxx' \
                         --fields userIdentity.userName,label -t jsonl";
        for _ in 0..25 {
            let run = say(&archive, arguments);
            if run.stdout.contains("mallor_xxx") && run.stdout.contains("\"verified\"") {
                verified.push(run.stdout);
            }
        }
        is_over.store(true, Ordering::Relaxed);
        (verified, 25)
    });
    assert_eq!(verified, Vec::<String>::new(), "in {runs} runs");
}

// Row 78: what a digest claims costs no more than its bytes.

#[test]
fn s78_a_digest_that_claims_very_many_logs() {
    let archive = small();
    let digest = &archive.chain().digests[6];
    let entry = |number: usize| {
        format!(
            "{{\"s3Bucket\":\"audit-logs\",\"s3Object\":\"AWSLogs/111122223333/CloudTrail/eu-west-1/2024/03/01/{number}\",\
             \"hashValue\":\"{number:064x}\",\"hashAlgorithm\":\"SHA-256\",\"newestEventTime\":\"2024-03-01T07:00:00Z\",\
             \"oldestEventTime\":\"2024-03-01T07:00:00Z\"}}"
        )
    };
    let claims = 300_000;
    let list: Vec<String> = (0..claims).map(entry).collect();
    let unlinked = archive.chain().unlinked(digest.end(), digest.end().plus(HOUR), Vec::new());
    let text = String::from_utf8(unlinked.inflated.clone()).unwrap();
    let text = text.replace("\"logFiles\":[]", &format!("\"logFiles\":[{}]", list.join(",")));
    archive.write_object("audit-logs", unlinked.object(), &gzip_member(text.as_bytes(), 1));
    let (run, peak) = say_and_weigh(&archive, "verify archive --keys keys -t json --threads 2");
    // Nobody signed it: its logs are not there, and nobody says that they should be.
    assert_eq!(run.status, Some(3), "{}", run.stderr);
    assert!(run.stdout.len() < 4 << 20, "{} bytes of report", run.stdout.len());
    // 1,000,000 take 5 s and 500 MB when optimized; whatever grows with the square of them does not end here.
    assert!(peak < 500_000, "{peak} KiB");
}

/// The command, and the most memory that was seen to be resident, in KiB.
fn say_and_weigh(archive: &Archive, arguments: &str) -> (Run, u64) {
    let mut child =
        command(archive, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let weighing = scope.spawn(|| {
            let mut peak = 0;
            while !is_over.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&status).unwrap_or_default();
                let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
                let size = line.and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse().ok());
                peak = peak.max(size.unwrap_or(0));
                thread::sleep(Duration::from_millis(5));
            }
            peak
        });
        let said = scope.spawn(move || {
            let mut said = Vec::new();
            stderr.read_to_end(&mut said).unwrap();
            said
        });
        let mut out = Vec::new();
        stdout.read_to_end(&mut out).unwrap();
        let status = child.wait().unwrap();
        is_over.store(true, Ordering::Relaxed);
        let output = Output { status, stdout: out, stderr: said.join().unwrap() };
        (Run::new(arguments, &output), weighing.join().unwrap())
    })
}

// Row 80: one span, one judgement.

const FOLLOWED: &str = "AKIAIOSFODNN7EXAMPLE";

fn judged_by_all(archive: &Archive, from: Timestamp, to: Timestamp) -> [Run; 3] {
    [
        verify(archive, &format!("--start-time {from} --end-time {to} -t json")),
        say(archive, &format!("query archive --keys keys --event-name None --from {from} --to {to}")),
        say(archive, &format!("follow {FOLLOWED} archive --keys keys --from {from} --to {to}")),
    ]
}

#[test]
fn s80_a_span_inside_or_over_a_gap() {
    let archive = with_gap();
    let digests = &archive.chain().digests;
    let (end, restart) = (digests[6].end(), digests[7].start());
    for (from, to) in [
        (end.plus(HOUR), end.plus(2 * HOUR)),
        (end.plus(60), restart.plus(-60)),
        (digests[6].start(), end.plus(HOUR)),
        (restart.plus(-HOUR), digests[8].end()),
        (digests[2].start(), digests[10].end()),
    ] {
        let runs = judged_by_all(&archive, from, to);
        for run in &runs {
            assert_eq!(run.status, Some(3), "{from} {to}: {run}");
            assert!(run.stdout.contains("gap") || run.stderr.contains("gap"), "{from} {to}: {run}");
        }
    }
}

#[test]
fn s80_a_span_that_reaches_past_the_newest_digest_or_before_the_first() {
    let archive = Plan { hours: 12, ..Plan::default() }.model().write();
    let digests = &archive.chain().digests;
    let (first, last) = (digests[0].end(), digests[12].end());
    for (from, to, code) in [
        (digests[10].start(), last.plus(3 * HOUR), "coverage_ends_early"),
        (digests[10].start(), last.plus(HOUR), "coverage_ends_early"),
        (first.plus(-3 * HOUR), digests[2].end(), "coverage_starts_late"),
    ] {
        let runs = judged_by_all(&archive, from, to);
        for run in &runs {
            assert_eq!(run.status, Some(3), "{from} {to}: {run}");
            let is_said = [&run.stdout, &run.stderr].iter().any(|text| text.contains(code));
            assert!(is_said, "{code} {from} {to}: {run}");
        }
    }
}

#[test]
fn s80_a_span_of_which_the_archive_has_nothing() {
    let archive = Plan { hours: 12, ..Plan::default() }.model().write();
    let digests = &archive.chain().digests;
    let (first, last) = (digests[0].end(), digests[12].end());
    for (from, to) in
        [(last.plus(10 * HOUR), last.plus(12 * HOUR)), (first.plus(-30 * HOUR), first.plus(-20 * HOUR))]
    {
        let runs = judged_by_all(&archive, from, to);
        let statuses: Vec<Option<i32>> = runs.iter().map(|run| run.status).collect();
        assert!(statuses.iter().all(|status| *status == statuses[0]), "{from} {to}: {statuses:?}");
        assert!(matches!(statuses[0], Some(2 | 3)), "{statuses:?}");
        for run in &runs {
            // From when to when it reaches.
            let text = format!("{}{}", run.stdout, run.stderr).replace('T', " ");
            for time in [first, last] {
                let time = time.to_string().replace('T', " ").replace('Z', "");
                assert!(text.contains(&time), "{time}: {run}");
            }
        }
    }
}

#[test]
fn s80_a_span_that_is_proven() {
    let archive = with_gap();
    let digests = &archive.chain().digests;
    for (from, to) in [
        (digests[1].start().plus(600), digests[2].end()),
        (digests[2].start(), digests[3].end()),
        (digests[9].start(), digests[10].end()),
    ] {
        // How late an event may have been delivered is an option of those that look for events.
        let late = format!("--keys keys --from {from} --to {to} --late 1h");
        for run in [
            verify(&archive, &format!("--start-time {from} --end-time {to}")),
            say(&archive, &format!("query archive --event-name None {late}")),
            say(&archive, &format!("follow {FOLLOWED} archive {late}")),
        ] {
            assert_eq!(run.status, Some(0), "{from} {to}: {run}");
        }
    }
}

#[test]
fn s80_what_is_damaged_in_a_span_is_said_by_all() {
    let archive = Plan { hours: 12, ..Plan::default() }.model().write();
    archive.delete_digest(archive.digest(5));
    let digests = &archive.chain().digests;
    let [verified, queried, followed] = judged_by_all(&archive, digests[4].start(), digests[7].end());
    assert_eq!(verified.status, Some(1), "{verified}");
    for run in [queried, followed] {
        assert_eq!(run.status, Some(3), "{run}");
        assert!(run.stderr.contains("digest_missing"), "{run}");
    }
    for run in judged_by_all(&archive, digests[8].start(), digests[10].end()) {
        assert_eq!(run.status, Some(0), "{run}");
    }
}

// Row 86 and 87: baselines and what was allowed.

#[test]
fn s86_a_baseline_that_proves_nothing_is_refused() {
    let archive = small();
    let before = verify(&archive, "--report before.json -q");
    assert_eq!(before.status, Some(0), "{before}");
    assert_eq!(verify(&archive, "--baseline before.json").status, Some(0));
    let mut report: Value =
        serde_json::from_slice(&fs::read(archive.folder().join("before.json")).unwrap()).unwrap();
    report["chains"][0].as_object_mut().unwrap().remove("head");
    report["chains"][0]["proven"] = json!([]);
    for chains in [report["chains"].clone(), json!([])] {
        report["chains"] = chains;
        fs::write(archive.folder().join("nothing.json"), report.to_string()).unwrap();
        let run = verify(&archive, "--baseline nothing.json");
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains("nothing.json"), "{run}");
    }
}

#[test]
fn s86_a_report_that_was_made_with_the_wrong_keys() {
    let archive = small();
    fs::create_dir(archive.folder().join("right")).unwrap();
    fs::rename(archive.keys().join("public-keys-eu-west-1.json"), archive.folder().join("right/keys.json"))
        .unwrap();
    archive.write_keys(&[3], None);
    assert_eq!(verify(&archive, "--report before.json -q").status, Some(3));
    for position in 4..=6 {
        archive.delete_hour(position);
    }
    let run = say(&archive, "verify archive --keys right --baseline before.json");
    assert_eq!(run.status, Some(2), "{run}");
}

#[test]
fn s87_where_nothing_is_proven_nothing_is_called_verified() {
    let wrong_key = small();
    wrong_key.write_keys(&[3], None);
    let no_signatures = Plan { hours: 0, ..Plan::default() }.model().write_with(Metadata::Nowhere);
    for (archive, allowed) in [
        (&wrong_key, "--allow key_unknown --allow log_unproven"),
        (&no_signatures, "--allow signature_unavailable --allow log_unproven"),
    ] {
        assert_eq!(verify(archive, "").status, Some(3));
        for quiet in ["", "-q"] {
            let run = verify(archive, &format!("{allowed} {quiet}"));
            assert_eq!(run.status, Some(0), "{run}");
            assert!(!last_line(&run).starts_with("VERIFIED"), "{run}");
            assert!(last_line(&run).starts_with("ALLOWED"), "{run}");
        }
        let report = verify(archive, &format!("{allowed} -t json")).json();
        assert_eq!((&report["verdict"], &report["exit_status"]), (&json!("allowed"), &json!(0)));
    }
}

#[test]
fn s87_a_span_without_digests_is_not_verified_by_what_is_allowed() {
    let archive = small();
    archive.symlink("AWSLogs/111122223333/CloudTrail/eu-west-1/2024/03/out", "/nowhere");
    archive.write_object("audit-logs", &format!("{}notes.txt", folder(archive.log(3, 0))), b"hello");
    let run = verify(&archive, "--start-time 2030-01-01 --allow symlink_not_followed --allow stray_object");
    assert!(!last_line(&run).starts_with("VERIFIED"), "{run}");
}

// Row 89.

#[test]
fn s89_the_reference_format_refuses_what_it_cannot_say() {
    let archive = small();
    assert_eq!(verify(&archive, "--report before.json -q").status, Some(0));
    assert_eq!(verify(&archive, "-t aws").status, Some(0));
    for option in [
        "--as-of 2024-03-05",
        "--as-of 2024-03-01T06:13:52Z",
        "--expect-account 999988887777",
        "--expect-account 111122223333",
        "--expect-region eu-west-1",
        "--expect-region ap-south-1",
        "--baseline before.json",
    ] {
        for format in ["-t aws", "--format aws"] {
            let run = verify(&archive, &format!("{format} {option}"));
            assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
            assert!(run.stderr.contains(option.split(' ').next().unwrap()), "{run}");
        }
    }
}

// Row 90: nothing was verified, and that is said.

/// The lines of stderr that say that nothing was verified.
fn warnings(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.contains("verified") && line.contains("not")).collect()
}

#[test]
fn s90_without_keys_a_line_says_that_nothing_was_verified() {
    let archive = small();
    for arguments in [
        "query archive --event-name GetObject --count-by eventName",
        "query archive --event-name None",
        "follow AKIAIOSFODNN7EXAMPLE archive",
        "lookup-events archive --region eu-west-1",
    ] {
        let run = say(&archive, arguments);
        assert_eq!(run.status, Some(0), "{run}");
        let said = run.stderr.lines().filter(|line| line.contains("verified")).count();
        assert_eq!(said, 1, "one line: {run}");
        let how = ["--keys", "trailseal verify"];
        assert!(how.iter().any(|how| run.stderr.contains(how)), "{run}");
    }
    // With keys, or where there is nothing to verify with, it is not said.
    let run = say(&archive, "query archive --event-name GetObject --count-by eventName --keys keys");
    assert_eq!(warnings(&run.stderr), Vec::<&str>::new(), "{run}");
    let logs = archive.folder().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::copy(archive.path(archive.log(3, 0)), logs.join("x.json.gz")).unwrap();
    for arguments in ["query logs --count-by eventName", "follow AKIAIOSFODNN7EXAMPLE logs"] {
        let run = say(&archive, arguments);
        assert!(!run.stderr.contains("--keys"), "{run}");
    }
}

#[test]
fn s90_a_server_says_so_when_it_starts() {
    let archive = small();
    serving(&archive, "--region eu-west-1", |said, _| {
        assert!(said.contains("verified"), "{said}");
    });
}

#[test]
fn s90_a_trail_that_only_unproven_digests_name_is_not_described_as_validated() {
    let archive = small();
    let mut chain = archive.chain().clone();
    "zzz".clone_into(&mut chain.trail);
    let last = chain.digests[6].end();
    archive.plant_digest(&chain.unlinked(last.plus(-HOUR), last, Vec::new()));
    for keys in ["--keys keys", ""] {
        serving(&archive, &format!("--region us-east-1 {keys}"), |_, address| {
            let answer = call(address, "DescribeTrails", "{}");
            for trail in answer["trailList"].as_array().expect("a list") {
                let is_invented = trail["Name"] == "zzz";
                let is_validated = trail["LogFileValidationEnabled"] == true;
                assert!(!(is_invented && is_validated), "{keys}: {answer}");
                if !is_invented && !keys.is_empty() {
                    assert!(is_validated, "{keys}: {answer}");
                }
            }
        });
    }
}

#[test]
fn s90_the_roots_are_left_as_they_are() {
    let archive = small();
    let before = trailseal_testkit::Snapshot::of(archive.folder());
    for arguments in ["query archive --count-by eventName", "verify archive --keys keys"] {
        say(&archive, arguments);
    }
    assert_eq!(trailseal_testkit::Snapshot::of(archive.folder()), before);
    assert!(Path::new(&archive.root()).is_dir());
}

// What a query reads, and how roots are written.

/// What a query with keys comes to, and the labels of its rows.
fn labels(archive: &Archive, roots: &str) -> (Option<i32>, Vec<String>) {
    let run = say(archive, &format!("query {roots} --keys keys -t jsonl --provenance"));
    let label = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["integrity"].as_str().unwrap_or("none").to_owned()
    };
    (run.status, run.stdout.lines().map(label).collect())
}

#[test]
fn s91_what_lies_behind_links_has_the_labels_of_its_place() {
    // The folder of a day, and a log, lie elsewhere in the root, with links in their places.
    let archive = small();
    let (_, honest) = labels(&archive, "archive");
    assert!(honest.iter().all(|label| label == "verified"), "{honest:?}");
    for what in ["day", "log"] {
        let archive = small();
        let log = archive.path(archive.log(3, 0));
        let (place, target) = match what {
            "day" => (log.parent().unwrap().to_owned(), archive.root().join("stash/day")),
            _ => (log.clone(), archive.root().join("stash/a.bin")),
        };
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::rename(&place, &target).unwrap();
        std::os::unix::fs::symlink(&target, &place).unwrap();
        let run = verify(&archive, "");
        assert_eq!(run.status, Some(0), "{what}: {run}");
        let (status, rows) = labels(&archive, "archive");
        assert_eq!((status, rows.len()), (Some(0), honest.len()), "{what}");
        assert!(rows.iter().all(|label| label == "verified"), "{what}: {rows:?}");
    }
}

#[test]
fn s80_a_link_to_another_regions_log_in_the_same_folder_hides_nothing() {
    let regions = vec!["eu-west-1".to_owned(), "us-east-1".to_owned()];
    let archive = Plan { regions, ..Plan::default() }.model().write();
    archive.rearrange(|path| Some(format!("flat/{}", path.rsplit('/').next().unwrap())));
    assert_eq!(labels(&archive, "archive").0, Some(0));
    let name = |key: &str| archive.root().join("flat").join(key.rsplit('/').next().unwrap());
    let own = name(archive.log(3, 0));
    let other = name(&archive.model.chains[1].digests[3].logs[0].key);
    fs::remove_file(&own).unwrap();
    std::os::unix::fs::symlink(&other, &own).unwrap();
    assert_eq!(verify(&archive, "").status, Some(1));
    assert_ne!(labels(&archive, "archive").0, Some(0));
}

#[test]
fn s85_a_root_may_be_written_as_a_dot() {
    let archive = small();
    archive.rearrange(|path| Some(path.split_once("111122223333/").unwrap().1.to_owned()));
    let event = record(archive.chain(), archive.chain().digests[4].start().plus(900), "GetObject", "planted");
    let place = archive.root().join("CloudTrail-Foo/events.json");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(&place, records(&[event])).unwrap();
    for root in ["archive", "./archive", "archive/.", "archive/../archive"] {
        let run = say(&archive, &format!("verify {root} --keys keys -t json"));
        assert_eq!(findings(&run), ["unproven stray_object"], "{root}");
    }
    let keys = archive.keys().display().to_string();
    let mut inside = command(&archive, &format!("verify . --keys {keys} -t json"));
    let run = Run::new("verify .", &inside.current_dir(archive.root()).output().unwrap());
    assert_eq!(findings(&run), ["unproven stray_object"]);
}
