//! `query`: filters, output, aggregates, damage, proof.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::Path,
    process::Stdio,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::demo::{Demo, Run, flip, workspace};

/// A temporary folder with `events.json`: these records.
fn with_records(records: &[Value]) -> Demo {
    let demo = Demo::new();
    fs::write(demo.path("events.json"), json!({ "Records": records }).to_string()).unwrap();
    demo
}

fn event(id: &str, time: &str, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": time, "eventName": name,
        "eventSource": "s3.amazonaws.com", "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1"},
    });
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event
}

fn few() -> Demo {
    with_records(&[
        event("1", "2024-03-01T05:10:00Z", "GetObject", &json!({"additionalEventData": {"bytes": 10}})),
        event("2", "2024-03-01T03:10:00Z", "PutObject", &json!({"errorCode": "AccessDenied"})),
        event("1", "2024-03-01T05:10:00Z", "GetObject", &json!({"additionalEventData": {"bytes": 10}})),
        event("3", "2024-03-01T05:50:00Z", "GetObject", &json!({"additionalEventData": {"bytes": 2.5}})),
        event("4", "2024-03-01T04:00:00Z", "ListBuckets", &json!({"userAgent": "=1+\u{1b}[2J"})),
    ])
}

fn ids(run: &Run) -> Vec<String> {
    run.lines().iter().map(|event| event["eventID"].as_str().unwrap().to_owned()).collect()
}

fn run(demo: &Demo, arguments: &[&str]) -> Run {
    Run::new(&arguments.join(" "), &demo.command(arguments).output().unwrap())
}

#[test]
fn events_are_printed_byte_for_byte_in_archive_order() {
    let demo = Demo::new();
    let run = demo.run("query archive");
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    let mut expected = String::new();
    for file in demo.files("/CloudTrail/") {
        let mut text = String::new();
        let bytes = fs::read(file).unwrap();
        std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut text).unwrap();
        let records: BTreeMap<String, Vec<Box<serde_json::value::RawValue>>> =
            serde_json::from_str(&text).unwrap();
        for record in &records["Records"] {
            expected = expected + record.get() + "\n";
        }
    }
    assert!(run.stdout == expected);
    assert_eq!(demo.run("query archive --threads 1 -q").stdout, expected);
    assert_snapshot!(run.stderr);
}

#[test]
fn filters_of_different_kinds_must_all_hold() {
    let demo = few();
    for (arguments, expected) in [
        ("--event-name Get*", "1 1 3"),
        ("--event-name GetObject --event-name PutObject --error", "2"),
        ("--error=Access*", "2"),
        ("--error=Other", ""),
        ("--where eventID>='3'", "3 4"),
        ("--where eventID>'2' --where eventID<'4'", "3"),
        ("-w anywhere('PutOb')", "2"),
        ("-k putobject", ""),
        ("-k putobject -i", "2"),
        ("-r (Put|List)[A-Z]", "2 4"),
        ("--from 2024-03-01T05:10:00Z --to 2024-03-01T05:10:00Z", "1 1"),
        ("--start-time 2024-03-01T05:30:00Z", "3"),
        ("--username alice --access-key AKIA1 --aws-region us-*", "1 2 1 3 4"),
        ("--account 111122223333", ""),
    ] {
        let run = demo.run(&format!("query events.json {arguments}"));
        assert_eq!((run.status, ids(&run).join(" ").as_str()), (Some(0), expected), "{run}");
    }
}

#[test]
fn events_are_sorted_limited_and_shown_once() {
    let demo = few();
    for (arguments, expected) in [
        ("--sort time", "2 4 1 1 3"),
        ("--sort -time", "3 1 1 4 2"),
        ("--sort none", "1 2 1 3 4"),
        ("--sort time --limit 2", "2 4"),
        ("--sort -time -n 2 --dedupe", "3 1"),
        ("--dedupe", "1 2 3 4"),
        ("--limit 2", "1 2"),
    ] {
        let run = demo.run(&format!("query events.json {arguments}"));
        assert_eq!((run.status, ids(&run).join(" ").as_str()), (Some(0), expected), "{run}");
    }
    let run = demo.run("query events.json --dedupe");
    assert!(run.stderr.contains("dropped: 1 duplicate (the same eventID)"), "{run}");
}

#[test]
fn sorting_spills_without_changing_anything() {
    let demo = Demo::new();
    let sorted = demo.run("query archive --sort time -q").stdout;
    assert_eq!(demo.run("query archive --sort time -q --sort-memory 1M --threads 1").stdout, sorted);
    let times = |text: &str| -> Vec<String> {
        let time = |line: &str| serde_json::from_str::<Value>(line).unwrap()["eventTime"].to_string();
        text.lines().map(time).collect()
    };
    assert!(times(&sorted).is_sorted());
    let newest = times(&demo.run("query archive --sort -time -q").stdout);
    assert!(newest.iter().rev().is_sorted() && newest.len() == times(&sorted).len());
    let first: Vec<&str> = sorted.lines().take(7).collect();
    assert_eq!(demo.run("query archive --sort time --limit 7 -q").stdout.lines().collect::<Vec<_>>(), first);
}

#[test]
fn every_format_has_the_same_events() {
    let demo = few();
    assert_snapshot!(
        "fields_jsonl",
        demo.run("query events.json --fields eventID,additionalEventData.bytes,username,hour,annotation")
    );
    assert_snapshot!("json", demo.run("query events.json -t json --fields eventID --where eventID<'3'"));
    assert_eq!(demo.run("query events.json -t json --event-name none").json(), json!([]));
    assert_eq!(demo.run("query events.json -t json").json().as_array().unwrap().len(), 5);
    assert_snapshot!(
        "csv",
        demo.run("query events.json -t csv --fields eventID,eventName,userAgent")
            .stdout
            .replace("\r\n", "<CRLF>\n")
    );
    assert_snapshot!("table", demo.run("query events.json -t table"));
    assert_snapshot!("timeline", demo.run("query events.json --timeline"));
    assert_snapshot!(
        "timeline_csv",
        demo.run("query events.json --timeline -t csv --limit 1").stdout.replace("\r\n", "<CRLF>\n")
    );
    let rows = demo.run("query events.json -t lookup --sort time --limit 1 -q").lines();
    assert_eq!((rows[0]["EventId"].as_str(), rows[0]["Username"].as_str()), (Some("2"), Some("alice")));
}

#[test]
fn counts_are_the_same_with_any_number_of_threads() {
    let demo = Demo::new();
    for arguments in [
        "--count-by eventName,userIdentity.type",
        "--count-by resources.type,none --top 3 --allow-unknown-fields",
        "--distinct userIdentity.arn",
        "--sum additionalEventData.bytesTransferredOut --count-by username",
        "--histogram 15m --by eventSource --top 3",
        "--count-by eventName --distinct username --dedupe",
    ] {
        let one = demo.run(&format!("query archive {arguments} --threads 1"));
        assert_eq!(one.status, Some(0), "{one}");
        assert!(!one.stdout.is_empty());
        for threads in ["2", "5"] {
            let many = demo.run(&format!("query archive {arguments} --threads {threads}"));
            assert_eq!((&many.stdout, &many.stderr), (&one.stdout, &one.stderr), "{arguments}");
        }
    }
}

#[test]
fn counts_are_right() {
    let demo = Demo::new();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for event in demo.run("query archive -q").lines() {
        *expected.entry(event["eventName"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    let counted = demo.run("query archive -q --count-by eventName").lines();
    let counted: BTreeMap<String, u64> = counted
        .iter()
        .map(|row| (row["eventName"].as_str().unwrap().to_owned(), row["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(counted, expected);
    let distinct = demo.run("query archive -q --distinct eventName").lines();
    assert_eq!(distinct.len(), expected.len());
    let by_hour = demo.run("query archive -q --histogram 1h").lines();
    assert_eq!(
        by_hour.iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(),
        expected.values().sum::<u64>()
    );
}

#[test]
fn aggregates_of_few_events() {
    let demo = few();
    for (name, arguments) in [
        ("count", "--count-by eventName,errorCode"),
        ("count_once", "--count-by eventName --dedupe -t csv"),
        ("sum", "--sum additionalEventData.bytes"),
        ("sum_by", "--count-by eventName --sum additionalEventData.bytes --min-count 2"),
        ("distinct", "--distinct errorCode"),
        ("histogram", "--histogram 1h --by eventName -t table"),
        ("histogram_csv", "--histogram 1h --by eventName --top 1 -t csv"),
        ("nothing", "--sum additionalEventData.bytes --event-name none"),
    ] {
        let run = demo.run(&format!("query events.json {arguments}"));
        assert_eq!(run.status, Some(0), "{run}");
        assert_snapshot!(format!("aggregate_{name}"), run.to_string().replace('\r', "<CR>"));
    }
}

#[test]
fn damage_is_named_and_everything_else_is_used() {
    let demo = Demo::new();
    let file = demo.a_log();
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(
        demo.path("cut.json"),
        r#"{"Records":[{"eventID":"1","eventName":"A","eventVersion":"1"},{"eventID":"2","#,
    )
    .unwrap();
    let whole = Demo::new().run("query archive -q").lines().len();
    let run = demo.run("query archive cut.json --count-by day");
    assert_eq!(run.status, Some(3), "{run}");
    let counted: u64 = run.lines().iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert!(counted as usize > whole - 10 && counted as usize <= whole + 1, "{run}");
    assert!(run.stderr.contains("damaged: "), "{run}");
    assert!(run.stderr.contains("cut.json at byte "), "{run}");
    let quiet = demo.run("query archive -q --event-name none --fail-if-none");
    assert_eq!(quiet.status, Some(3), "damage is said before that nothing matched: {quiet}");
    assert!(quiet.stderr.contains("damaged: "), "and why, however quiet: {quiet}");
}

#[test]
fn a_wrong_checksum_is_told_as_one() {
    let demo = few();
    let text = fs::read(demo.path("events.json")).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&text).unwrap();
    let whole = gz.finish().unwrap();
    for from_end in [1, 8] {
        let mut file = whole.clone();
        let at = file.len() - from_end;
        file[at] ^= 1;
        fs::write(demo.path("events.json.gz"), file).unwrap();
        for input in ["events.json.gz", "events.json.gz --provenance --fields eventID"] {
            let run = demo.run(&format!("query {input}"));
            assert_eq!((run.status, run.lines().len()), (Some(3), 5), "{run}");
            assert!(run.stderr.contains("damaged: 1 place, where events may be missing or wrong"), "{run}");
            assert!(run.stderr.contains("the checksum is wrong: the trailer states "), "{run}");
            assert!(run.stderr.contains("all of the content was used, but nothing vouches for it"), "{run}");
        }
    }
}

#[test]
fn that_nothing_matched_is_told_when_asked() {
    let demo = few();
    assert_eq!(demo.run("query events.json --event-name none").status, Some(0));
    assert_eq!(demo.run("query events.json --event-name none --fail-if-none").status, Some(1));
    assert_eq!(
        demo.run("query events.json --event-name none --count-by eventName --fail-if-none").status,
        Some(1)
    );
    assert_eq!(demo.run("query events.json --fail-if-none").status, Some(0));
}

#[test]
fn events_are_labelled_by_what_is_proven() {
    let demo = Demo::new();
    let run = demo.run("query archive --keys keys --provenance --sort time --limit 1");
    assert_eq!(run.status, Some(0), "{run}");
    let row = &run.lines()[0];
    assert_eq!(row["integrity"], "verified");
    assert!(
        row["file"].as_str().unwrap().starts_with("archive/") && row["sha256"].as_str().unwrap().len() == 64
    );
    assert!(run.stderr.contains("integrity: 981 verified"), "{run}");

    // An altered log: its events are violated, all others stay verified.
    let log = demo.a_log();
    let mut text = String::new();
    let bytes = fs::read(&log).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut text).unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.replace("\"awsRegion\":\"us-east-1\"", "\"awsRegion\":\"us-east-9\"").as_bytes())
        .unwrap();
    fs::write(&log, gz.finish().unwrap()).unwrap();
    let run = demo.run("query archive --keys keys --count-by label,awsRegion");
    assert_eq!(run.status, Some(3), "{run}");
    let labels: BTreeSet<(String, String)> = run
        .lines()
        .iter()
        .map(|row| (row["label"].as_str().unwrap().to_owned(), row["awsRegion"].as_str().unwrap().to_owned()))
        .collect();
    assert!(labels.contains(&("violated".to_owned(), "us-east-9".to_owned())), "{run}");
    assert!(!labels.contains(&("verified".to_owned(), "us-east-9".to_owned())), "{run}");
    let only = demo.run("query archive --keys keys --verified-only --distinct label");
    assert_eq!((only.status, only.stdout.as_str()), (Some(3), "{\"label\":\"verified\"}\n"), "{only}");
    assert!(only.stderr.contains("log_altered"), "{only}");
}

#[test]
fn what_is_missing_of_the_evidence_is_said() {
    let demo = Demo::new();
    fs::remove_file(demo.a_log()).unwrap();
    let run = demo.run("query archive --keys keys --count-by label");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stderr.contains("1 log file that AWS signed"), "{run}");
}

#[test]
fn a_log_without_proof_leaves_the_answer_unproven_though_nothing_in_it_matched() {
    let demo = Demo::new();
    let beside = demo.path("archive/example-audit-logs/notes.json");
    fs::write(&beside, "{\"a\":1}").unwrap();
    let arguments = "query archive --keys keys --event-name CreateUser --count-by label";
    let run = demo.run(arguments);
    assert_eq!(run.status, Some(0), "what is no log needs no proof: {run}");

    let name = "111122223333_CloudTrail-Insight_us-east-1_20240301T0245Z_qVtCkcl8zJmJCyfH.json";
    let folder =
        demo.path("archive/example-audit-logs/AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2024/03/01");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), "{\"Records\":[]}").unwrap();
    let run = demo.run(arguments);
    assert_eq!((run.status, run.lines().len()), (Some(3), 1), "{run}");
    assert_eq!(run.lines()[0]["label"], "verified");
    let later = demo.run(&format!("{arguments} --from 2024-03-01T03:01:00Z"));
    assert_eq!((later.status, later.lines().len()), (Some(0), 1), "the log is of another time: {later}");
    assert!(run.stderr.contains("not_covered: log_outside_coverage"), "{run}");
}

#[test]
fn digests_that_are_gone_with_their_logs_are_told() {
    let demo = Demo::new();
    for hour in ["T10", "T11", "T12"] {
        for file in demo.files("/111122223333/CloudTrail") {
            let name = file.file_name().unwrap().to_str().unwrap();
            if name.contains("eu-west-1") && name.contains(&format!("20240301{hour}")) {
                fs::remove_file(file).unwrap();
            }
        }
    }
    for window in ["", "--from 2024-03-01T11:00:00Z"] {
        let run = demo.run(&format!("query archive --keys keys --count-by label {window}"));
        assert_eq!(run.status, Some(3), "{run}");
        assert!(run.stderr.contains("head_stale"), "{run}");
    }
    let run = demo.run("query archive --keys keys --count-by label --to 2024-03-01T02:00:00Z --late 1h");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(!run.stderr.contains("head_stale"), "{run}");
}

#[test]
fn that_nothing_was_verified_is_said_in_one_line() {
    const LINE: &str = "note: nothing was verified, though the archive holds digests: ";
    let demo = Demo::new();
    let said = |run: &Run| run.stderr.matches(LINE).count();
    for (command, how) in [
        ("query archive --count-by eventName", "--keys KEYS"),
        ("query archive --limit 1", "--keys KEYS"),
        ("query archive --from 2024-03-01T05:00:00Z --to 2024-03-01T05:01:00Z", "--keys KEYS"),
        ("follow AKIAIOSFODNN7EXAMPLE archive", "--keys KEYS"),
        ("lookup-events archive --all-regions --max-items 1", "`trailseal verify ROOT --keys KEYS`"),
    ] {
        let run = demo.run(command);
        assert_eq!((run.status, said(&run)), (Some(0), 1), "{run}");
        assert!(run.stderr.contains(&format!("{LINE}{how} says ")), "{run}");
        let quiet = demo.run(&format!("{command} --quiet"));
        assert_eq!((quiet.status, quiet.stderr.as_str()), (Some(0), ""), "{quiet}");
    }
    let log = demo.a_log().display().to_string();
    for command in [
        "query archive --keys keys --count-by label".to_owned(),
        "follow AKIAIOSFODNN7EXAMPLE archive --keys keys".to_owned(),
        format!("query {log} --count-by eventName"),
    ] {
        assert_eq!(said(&demo.run(&command)), 0, "{command}");
    }
}

#[test]
fn signed_times_spare_files() {
    let demo = Demo::new();
    let window = "--from 2024-03-01T05:00:00Z --to 2024-03-01T05:59:59Z";
    let plain = demo.run(&format!("query archive {window}"));
    let signed = demo.run(&format!("query archive {window} --keys keys --verified-only --fields eventID"));
    assert_eq!((plain.status, signed.status), (Some(0), Some(0)), "{signed}");
    let signed_ids: Vec<_> = signed.lines().iter().map(|row| row["event"]["eventID"].clone()).collect();
    let plain_ids: Vec<_> = plain.lines().iter().map(|row| row["eventID"].clone()).collect();
    assert_eq!(signed_ids, plain_ids);
    assert!(signed.stderr.contains("with signed event times outside"), "{signed}");
}

#[test]
fn output_files_are_whole_or_absent_and_never_evidence() {
    let demo = few();
    let run = demo.run("query events.json -o out.csv --fields eventID,eventName");
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run}");
    assert!(
        fs::read_to_string(demo.path("out.csv")).unwrap().starts_with("eventID,eventName\r\n1,GetObject\r\n")
    );
    let again = demo.run("query events.json -o out.csv");
    assert_eq!(again.status, Some(2), "{again}");
    assert!(again.stderr.contains("--clobber"), "{again}");
    assert_eq!(demo.run("query events.json -o out.csv -C --count-by eventName").status, Some(0));
    assert!(fs::read_to_string(demo.path("out.csv")).unwrap().starts_with("eventName,count,first,last\r\n"));
    let stdout = demo.run("query events.json -q").stdout;
    for (more, expected) in [
        ("", stdout.clone()),
        ("--clobber", stdout),
        ("--sort time --limit 1 --fields eventID", "{\"eventID\":\"2\"}\n".to_owned()),
        ("--sum additionalEventData.bytes --fields eventID", String::new()),
        ("--distinct errorCode -C", "{\"errorCode\":\"AccessDenied\"}\n{\"errorCode\":null}\n".to_owned()),
        ("--timeline", demo.run("query events.json -q --timeline").stdout),
    ] {
        let run = demo.run(&format!("query events.json -q -o - {more}"));
        assert_eq!(run.stdout, expected, "{run}");
    }
    assert!(!demo.path("-").exists(), "- is standard output");
    assert_eq!(demo.run("query events.json -o ./-").status, Some(0));
    assert!(demo.path("-").exists());
    for place in ["archive/out.json", "archive/example-audit-logs/x"] {
        let run = demo.run(&format!("query archive -o {place}"));
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains("evidence is never written to"), "{run}");
    }
    let own = demo.run("query events.json -C -o events.json");
    assert_eq!(own.status, Some(2), "{own}");
    assert_eq!(demo.run("query events.json --timeline -o t.txt --color always").status, Some(0));
    let text = fs::read_to_string(demo.path("t.txt")).unwrap();
    assert!(text.lines().count() == 5 && !text.contains('\u{1b}'), "{text}");
    let left: Vec<_> = fs::read_dir(demo.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{left:?}");
}

#[test]
fn input_of_every_kind_is_read() {
    let demo = few();
    let text = fs::read(demo.path("events.json")).unwrap();
    for (arguments, stdin) in [
        (&["query", "-"][..], true),
        (&["query", "-f", "events.json"], false),
        (&["query", "event?.json"], false),
        (&["query", "{events,none}.json"], false),
        (&["query", "**/events.json"], false),
    ] {
        let mut command = demo.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        if stdin {
            pipe.write_all(&text).unwrap();
        }
        drop(pipe);
        let run = Run::new(&arguments.join(" "), &child.wait_with_output().unwrap());
        assert_eq!((run.status, ids(&run).len()), (Some(0), 5), "{run}");
    }
    fs::create_dir(demo.path("folder")).unwrap();
    fs::rename(demo.path("events.json"), demo.path("folder/e.json")).unwrap();
    assert_eq!(ids(&demo.run("query -d folder")).len(), 5);
}

#[test]
fn selectors_choose_what_a_trail_would_have_logged() {
    let demo = with_records(&[
        event(
            "1",
            "2024-03-01T05:10:00Z",
            "CreateUser",
            &json!({"eventCategory": "Management", "readOnly": false}),
        ),
        event(
            "2",
            "2024-03-01T05:10:00Z",
            "ListUsers",
            &json!({"eventCategory": "Management", "readOnly": true}),
        ),
    ]);
    fs::write(
        demo.path("s.json"),
        r#"{"EventSelectors":[{"ReadWriteType":"WriteOnly","IncludeManagementEvents":true}]}"#,
    )
    .unwrap();
    assert_eq!(ids(&demo.run("query events.json --selectors s.json")), ["1"]);
    assert_eq!(ids(&demo.run("query events.json --selectors s.json --selectors-inverse")), ["2"]);
    fs::write(demo.path("s.json"), "{}").unwrap();
    assert_eq!(demo.run("query events.json --selectors s.json").status, Some(2));
}

#[test]
fn arguments_that_cannot_be_meant_are_refused() {
    let demo = few();
    for (name, arguments) in [
        ("top_alone", "events.json --top 3"),
        ("min_count_alone", "events.json --min-count 3"),
        ("by_alone", "events.json --by eventName"),
        ("two_aggregates", "events.json --timeline --histogram 1h"),
        ("lookup_fields", "events.json -t lookup --fields eventName"),
        ("lookup_count", "events.json -t lookup --count-by eventName"),
        ("inverse_alone", "events.json --selectors-inverse"),
        ("only_alone", "events.json --verified-only"),
        ("label_alone", "events.json --count-by label"),
        ("sort_count", "events.json --count-by eventName --sort time"),
        ("limit_count", "events.json --count-by eventName --limit 3"),
        ("no_field", "events.json --fields a..b"),
        ("bad_condition", "events.json --where eventName=="),
        ("bad_time", "events.json --from someday"),
        ("turned_around", "events.json --from 2024-03-02 --to 2024-03-01"),
        ("bad_step", "events.json --histogram 1y"),
        ("bad_regex", "events.json -r ("),
        ("bad_network", "events.json --source-ip 10.0.0.0/99"),
        ("limit_none", "events.json --limit 0"),
        ("limit_negative", "events.json --limit -1"),
        ("name_for_root", "events.json GetObject"),
        ("pattern_bare", "events.json --where eventName=Get%"),
        ("no_root", "--count-by eventName"),
        ("nowhere", "nowhere"),
        ("no_such_pattern", "nowhere/*.json"),
        ("error_code", "--error AccessDenied"),
        ("file_verified", "events.json --keys keys"),
        ("no_keys", "archive --keys nokeys"),
        ("both_kinds", "events.json --read-only --write-only"),
        ("quiet_stats", "events.json -q --stats"),
    ] {
        let run = demo.run(&format!("query {arguments}"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert_snapshot!(format!("refused_{name}"), run);
    }
}

#[test]
fn what_may_not_be_meant_is_noted_and_changes_nothing() {
    let demo = few();
    for (arguments, matched, note) in [
        (&["--where", "eventName LIKE 'Get*'"][..], 0, "note: eventName LIKE 'Get*': in LIKE, % is any text"),
        (
            &["--where", "eventName <> 5"],
            5,
            "note: eventName: the field holds text, which is never the number 5",
        ),
        (
            &["--event-name", "getobject"],
            0,
            "note: --event-name getobject: no event has that; 3 events have GetObject (case counts)",
        ),
        (
            &["--allow-unknown-fields", "--fields", "accessKeyId"],
            5,
            "note: accessKeyId: CloudTrail writes userIdentity.accessKeyId",
        ),
        (
            &["--allow-unknown-fields", "--count-by", "foo.bar"],
            1,
            "note: foo.bar: event records have no field foo",
        ),
    ] {
        let run = run(&demo, &[&["query", "events.json"][..], arguments].concat());
        assert_eq!((run.status, run.lines().len()), (Some(0), matched), "{run}");
        assert!(run.stderr.contains(note), "{run}");
    }
    fs::create_dir(demo.path("empty")).unwrap();
    fs::write(demo.path("empty/notes.txt"), "nothing").unwrap();
    let run = demo.run("query empty");
    assert!(run.stderr.contains("note: no event was found in what was read"), "{run}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let demo = few();
    for format in ["jsonl", "json", "csv", "table", "lookup"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = demo.command(&["query", "events.json", "-t", format]);
        let run = Run::new(format, &command.stdout(writer).output().unwrap());
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let demo = few();
    for arguments in
        [&["-t", "jsonl"][..], &["-t", "table"], &["--sort", "time"], &["--count-by", "eventName"]]
    {
        let mut command = demo.command(&["query", "events.json"]);
        command.args(arguments).stdout(fs::File::create("/dev/full").unwrap());
        let run = Run::new(&arguments.join(" "), &command.output().unwrap());
        assert_eq!(run.status, Some(2), "{run}");
        assert!(run.stderr.contains("cannot write the output"), "{run}");
    }
}

#[test]
fn nothing_on_a_screen_is_a_command_of_the_terminal() {
    let demo = few();
    fs::copy(demo.path("events.json"), demo.path("\u{1b}[31m.json")).unwrap();
    flip(&demo.path("\u{1b}[31m.json"), 40);
    for arguments in [
        &["-t", "table", "--fields", "userAgent,file"][..],
        &["--timeline"],
        &["--count-by", "userAgent", "-t", "table"],
    ] {
        let run = run(&demo, &[&["query", "."][..], arguments].concat());
        let has_controls = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!has_controls(&run.stdout) && !has_controls(&run.stderr), "{run}");
    }
}

#[test]
fn real_records_are_read() {
    let samples = workspace().join("../shared/samples");
    if !samples.is_dir() {
        println!("there are no samples at {}", samples.display());
        return;
    }
    let demo = Demo::new();
    let samples = samples.to_str().unwrap();
    let all = run(&demo, &["query", samples]);
    assert!(matches!(all.status, Some(0 | 3)), "{}", all.stderr);
    let events = all.lines();
    assert!(events.len() > 2000, "{}", events.len());
    let counted = run(&demo, &["query", samples, "-q", "--count-by", "eventSource,eventName"]).lines();
    let sum: u64 = counted.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert_eq!(sum, events.len() as u64);
    for arguments in [&["-t", "csv"][..], &["-t", "table"], &["--timeline"], &["-t", "lookup"]] {
        let run = run(&demo, &[&["query", samples, "-q"][..], arguments].concat());
        assert!(!run.stdout.is_empty());
    }
    assert!(Path::new(samples).is_dir());
}
