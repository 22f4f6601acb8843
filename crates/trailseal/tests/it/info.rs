//! `info`: the same numbers as a walk of its own and as `query`, and nothing unsaid.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::demo::{Demo, Run, list, workspace};

fn event(id: u32, source: &str, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.08", "eventID": format!("id-{id}"),
        "eventTime": format!("2024-03-01T{:02}:{:02}:00Z", id / 60, id % 60), "eventName": name,
        "eventSource": format!("{source}.amazonaws.com"), "awsRegion": "us-east-1",
        "recipientAccountId": "111122223333", "sourceIPAddress": "192.0.2.1",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accountId": "111122223333", "accessKeyId": "AKIAIOSFODNN7EXAMPLE"},
    });
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event
}

fn write_log(path: &Path, events: &[Value]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, json!({ "Records": events }).to_string()).unwrap();
}

fn info(demo: &Demo, arguments: &str) -> Value {
    let run = demo.run(&format!("info {arguments} -t json"));
    assert_eq!(run.status, Some(0), "{run}");
    run.json()
}

/// All values of one kind by events, as `query` counts them.
fn counted(demo: &Demo, root: &str, field: &str) -> BTreeMap<String, u64> {
    let run = demo.run(&format!("query {root} --count-by {field} -q"));
    let lines = run
        .lines()
        .into_iter()
        .filter_map(|line| Some((line[field].as_str()?.to_owned(), line["count"].as_u64().unwrap())));
    lines.collect()
}

/// The records of all log files, read by another reader.
fn records(demo: &Demo) -> Vec<Value> {
    let read = |file: PathBuf| {
        let bytes = fs::read(file).unwrap();
        let log: Value = serde_json::from_reader(flate2::read::MultiGzDecoder::new(&*bytes)).unwrap();
        log["Records"].as_array().unwrap().clone()
    };
    demo.files("/CloudTrail/").into_iter().flat_map(read).collect()
}

#[test]
fn the_numbers_are_those_of_query_and_of_another_reader() {
    let demo = Demo::new();
    let info = info(&demo, "archive");
    let records = records(&demo);
    let number = |count: usize| json!(count as u64);
    assert_eq!(info["events"]["events"], number(records.len()));
    let failed = demo.run("query archive --error -q").lines().len();
    assert_eq!(info["events"]["failed"], number(failed));
    let times: Vec<&str> = records.iter().map(|record| record["eventTime"].as_str().unwrap()).collect();
    assert_eq!(info["events"]["first"], **times.iter().min().unwrap());
    assert_eq!(info["events"]["last"], **times.iter().max().unwrap());

    let mut places: BTreeMap<(String, String), Vec<&Value>> = BTreeMap::new();
    for record in &records {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        places.entry((text("recipientAccountId"), text("awsRegion"))).or_default().push(record);
    }
    let told = info["places"].as_array().unwrap();
    assert_eq!(told.len(), places.len());
    for (((account, region), of), told) in places.iter().zip(told) {
        assert_eq!((&told["account"], &told["region"]), (&json!(account), &json!(region)));
        let last = of.iter().map(|record| record["eventTime"].as_str().unwrap()).max();
        assert_eq!((&told["events"], &told["last"]), (&number(of.len()), &json!(last)));
        let failed = format!("query archive --error --account {account} --region {region} -q");
        assert_eq!(told["failed"], number(demo.run(&failed).lines().len()), "{account} {region}");
        let logs = demo.files(&format!("/{account}/CloudTrail/{region}/"));
        assert_eq!(told["log_hours"]["log_files"], number(logs.len()));
    }

    for (member, field) in [
        ("principals", "principal"),
        ("access_keys", "userIdentity.accessKeyId"),
        ("source_ips", "sourceIPAddress"),
        ("event_names", "eventName"),
        ("errors", "error"),
    ] {
        let counted = counted(&demo, "archive", field);
        let told = &info[member];
        assert_eq!(told["different"], number(counted.len()), "{member}");
        let with: u64 = counted.values().sum();
        assert_eq!(told["events_without"], json!(records.len() as u64 - with), "{member}");
        let mut all: Vec<(&String, &u64)> = counted.iter().collect();
        all.sort_by_key(|(value, count)| (std::cmp::Reverse(**count), (*value).clone()));
        let top: Vec<Value> = all.iter().take(10).map(|(value, count)| json!([value, count])).collect();
        let of = |told: &Value| json!([told["value"], told["events"]]);
        assert_eq!(told["top"].as_array().unwrap().iter().map(of).collect::<Vec<_>>(), top, "{member}");
    }

    let mut files = Vec::new();
    list(&demo.path("archive"), &mut files);
    assert_eq!(info["files"]["found"], number(files.len()));
    let of_kind = |kind: &str| {
        let kinds = info["files"]["kinds"].as_array().unwrap();
        kinds.iter().find(|of| of["kind"] == kind).map_or(json!(0), |of| of["files"].clone())
    };
    assert_eq!(of_kind("log"), number(demo.files("/CloudTrail/").len()));
    let digests = demo.files("/CloudTrail-Digest/");
    assert_eq!(of_kind("digest"), number(digests.len()));
    assert_eq!(of_kind("metadata"), number(digests.len()), "every digest of the demo has one");
    assert_eq!(info["chains"].as_array().unwrap().len(), 4);
}

#[test]
fn threads_and_the_order_of_inputs_change_nothing() {
    let demo = Demo::new();
    let one = demo.run("info archive --threads 1");
    for threads in [2, 3, 7] {
        assert_eq!(demo.run(&format!("info archive --threads {threads}")).stdout, one.stdout);
    }
    let accounts: Vec<String> = ["111122223333", "444455556666"]
        .map(|account| format!("archive/example-audit-logs/AWSLogs/{account}"))
        .into();
    let (forth, back) = (accounts.join(" "), format!("{} {}", accounts[1], accounts[0]));
    assert_eq!(info(&demo, &forth), info(&demo, &back));
    let whole = info(&demo, "archive");
    let parts = info(&demo, &forth);
    for member in ["events", "places", "chains", "trails", "principals", "access_keys", "source_ips"] {
        assert_eq!(whole[member], parts[member], "{member}");
    }
}

#[test]
fn the_screen_of_the_demo() {
    let run = Demo::new().run("info archive");
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run}");
    assert_snapshot!(run);
}

/// Runs a command of the screen with a shell, as a user would.
fn run_line(line: &str, folder: &Path) -> Run {
    let binary = Path::new(assert_cmd::cargo::cargo_bin!("trailseal")).parent().unwrap().to_owned();
    let path =
        env::join_paths(std::iter::once(binary).chain(env::split_paths(&env::var_os("PATH").unwrap())));
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", path.unwrap()).env_remove("CLICOLOR_FORCE");
    Run::new(line, &command.output().unwrap())
}

fn commands(stdout: &str) -> Vec<String> {
    let next = stdout.split("\nnext:\n").nth(1).unwrap_or_default();
    next.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_commands_that_come_next_can_be_run_as_they_are() {
    let demo = Demo::new();
    fs::rename(demo.path("archive"), demo.path("it's the client's")).unwrap();
    let output = demo.command(&["info", "it's the client's"]).output().unwrap();
    let lines = commands(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(lines.len(), 5, "{lines:?}");
    for line in &lines {
        let run = run_line(line, &demo.path(""));
        // keys are needed, and it says which
        let expected = if line.contains(" verify ") { 2 } else { 0 };
        assert_eq!(run.status, Some(expected), "{run}");
        assert!(run.stdout.lines().count() > 0 || run.stderr.contains("hint: "), "{run}");
    }
    let span = "--from 2024-03-01T04:00:00Z --to 2024-03-01T06:00:00Z";
    fs::rename(demo.path("it's the client's"), demo.path("archive")).unwrap();
    for line in commands(&demo.run(&format!("info archive {span}")).stdout) {
        assert!(line.contains(span) || line.contains(" verify "), "{line}");
    }
    let mut piped = demo.command(&["info", "-"]);
    let log = fs::File::open(demo.a_log()).unwrap();
    let piped = String::from_utf8(piped.stdin(log).output().unwrap().stdout).unwrap();
    assert!(piped.contains(" events") && commands(&piped).is_empty(), "{piped}");
}

#[test]
fn calls_that_change_logging_are_listed_and_all_are_found_by_the_query() {
    let demo = Demo::new();
    let mut events = vec![
        event(
            1,
            "cloudtrail",
            "StopLogging",
            &json!({
                "errorCode": "AccessDenied", "requestParameters": {"name": "audit\u{1b}[2J"},
                "sourceIPAddress": "\u{202e}evil",
            }),
        ),
        event(2, "lightsail", "DeleteBucket", &json!({})),
        event(3, "cloudtrail", "DescribeTrails", &json!({})),
        event(4, "kms", "ScheduleKeyDeletion", &json!({"requestParameters": {"keyId": "k-1"}})),
    ];
    events.extend((10..30).map(|id| event(id, "s3", "DeleteBucket", &json!({}))));
    events.push(event(50, "cloudtrail", "DeleteTrail", &json!({})));
    write_log(&demo.path("events.json"), &events);

    let told = &info(&demo, "events.json")["logging"];
    assert_eq!((&told["events"], &told["failed"]), (&json!(23), &json!(1)));
    let names: Vec<&str> =
        told["listed"].as_array().unwrap().iter().map(|call| call["event_name"].as_str().unwrap()).collect();
    assert_eq!(names[..3], ["StopLogging", "DeleteTrail", "ScheduleKeyDeletion"], "CloudTrail's come first");
    assert_eq!(names.len(), 23);
    let calls = told["calls"].as_array().unwrap();
    let never = calls.iter().find(|call| call["event_name"] == "UpdateTrail").unwrap();
    assert_eq!(never["events"], 0, "what was looked for and not found is told");

    let run = demo.run("info events.json");
    assert!(!run.stdout.contains(['\u{1b}', '\u{202e}']), "{run}");
    for text in ["2024-03-01 00:01:00  StopLogging  failed: AccessDenied", "audit\\u{1b}[2J", "15 more: "] {
        assert!(run.stdout.contains(text), "{text}: {run}");
    }
    let query = commands(&run.stdout).into_iter().find(|line| line.contains("--timeline")).unwrap();
    let query = query.replace("--timeline", "-q | wc -l");
    assert_eq!(run_line(&query, &demo.path("")).stdout.trim(), "23", "{query}");
}

#[test]
fn damage_is_named_and_makes_status_3() {
    let demo = Demo::new();
    let log = demo.a_log();
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    let name = log.file_name().unwrap().to_str().unwrap();
    for arguments in ["info archive", "info archive -q", "info archive -t json", "info archive -t json -q"] {
        let run = demo.run(arguments);
        assert_eq!(run.status, Some(3), "{run}");
        for told in [&run.stdout, &run.stderr] {
            assert!(told.contains(name) && told.contains("damage"), "{run}");
        }
    }
    let damage = demo.run("info archive -t json").json()["damage"].clone();
    assert_eq!(damage["places"], 1);
    assert_eq!(damage["listed"][0]["reason"], "the data ends within the gzip data");
}

#[test]
fn nothing_at_all_is_an_error_that_says_what_is_there() {
    let demo = Demo::new();
    fs::create_dir_all(demo.path("empty")).unwrap();
    fs::create_dir_all(demo.path("only")).unwrap();
    fs::write(demo.path("only/a.txt"), "hi").unwrap();
    fs::write(demo.path("only/b.json"), "{\"x\": [1]}").unwrap();
    for root in ["empty", "only"] {
        let run = demo.run(&format!("info {root} -q"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        let error = format!("error: nothing to tell of: no event, log file or digest in {root}\nhint: ");
        assert!(run.stderr.starts_with(&error), "{run}");
        assert_eq!(run.stderr.contains("1 not JSON (only/a.txt)"), root == "only", "{run}");
    }
    // what cannot be read may have been something
    fs::write(demo.path("only/c.json"), "{\"Records\": [").unwrap();
    assert_eq!(demo.run("info only").status, Some(3));
    // an archive that is there, and reaches another time
    let run = demo.run("info archive --from 2025-01-01");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stdout.contains("the archive does not reach that time"), "{run}");
    assert!(!run.stdout.contains("StopLogging 0"), "of calls nothing is known: {run}");
}

#[test]
fn hours_without_a_log_file_are_told_by_names() {
    let demo = Demo::new();
    for hour in ["T04", "T05", "T09"] {
        for log in demo.files("/111122223333/CloudTrail/us-east-1/") {
            if log.to_string_lossy().contains(hour) {
                fs::remove_file(log).unwrap();
            }
        }
    }
    let told = info(&demo, "archive");
    let place =
        told["places"].as_array().unwrap().iter().find(|place| place["log_hours"]["without"] != 0).unwrap();
    assert_eq!((&place["account"], &place["region"]), (&json!("111122223333"), &json!("us-east-1")));
    let expected = json!([
        {"from": "2024-03-01T04:00:00Z", "to": "2024-03-01T06:00:00Z", "hours": 2},
        {"from": "2024-03-01T09:00:00Z", "to": "2024-03-01T10:00:00Z", "hours": 1},
    ]);
    assert_eq!(place["log_hours"]["spans"], expected);
    let line = "111122223333 us-east-1: 3 of 13 hours: 2024-03-01 04:00 to 06:00, 2024-03-01 09:00 to 10:00";
    let run = demo.run("info archive");
    assert!(run.stdout.contains(line), "{run}");
}

#[test]
fn files_of_all_kinds_are_counted_and_events_without_a_place_too() {
    let demo = Demo::new();
    let log = demo.a_log();
    for (name, content) in [
        ("x/tool.exe", b"\x7fELF\x02\x01".to_vec()),
        ("x/settings.json", b"{\"a\": 1}".to_vec()),
        ("x/.DS_Store", b"\0\0\0\x01Bud1\0\0\x10\0".to_vec()),
        ("x/folder", Vec::new()),
        (
            "x/copies/events.jsonl",
            b"{\"eventVersion\":\"1.08\",\"eventName\":\"X\",\"eventTime\":\"soon\"}\n".to_vec(),
        ),
    ] {
        let path = demo.path("archive").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    fs::copy(&log, demo.path("archive/x/copies").join(log.file_name().unwrap())).unwrap();
    let mut tar = Command::new("tar");
    tar.args(["cf", "archive/x/logs.tar", "archive/example-audit-logs"]).current_dir(demo.path(""));
    assert!(tar.status().unwrap().success());

    let whole = info(&demo, "archive/example-audit-logs");
    let told = info(&demo, "archive");
    let kinds: BTreeMap<&str, (u64, &Value)> = told["files"]["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["kind"].as_str().unwrap(), (of["files"].as_u64().unwrap(), &of["names"])))
        .collect();
    let logs = demo
        .files("/example-audit-logs/")
        .iter()
        .filter(|f| f.to_string_lossy().contains("/CloudTrail/"))
        .count() as u64;
    assert_eq!(kinds["log"].0, 2 * logs + 1, "on disk, in the archive file, and a copy");
    for (kind, name) in [
        ("other_events", "archive/x/copies/events.jsonl"),
        ("other_json", "archive/x/settings.json"),
        ("not_json", "archive/x/tool.exe"),
        ("leftover", "archive/x/.DS_Store"),
        ("empty", "archive/x/folder"),
        ("archive_file", "archive/x/logs.tar"),
    ] {
        assert_eq!(kinds[kind], (1, &json!([name])), "{kind}");
    }
    let sum: u64 = kinds.values().map(|(files, _)| files).sum();
    let (found, members) = (&told["files"]["found"], &told["files"]["members"]);
    assert_eq!(sum, found.as_u64().unwrap() + members.as_u64().unwrap(), "every file has one kind");
    assert_eq!(told["files"]["same_names"], logs + 1);
    assert_eq!(told["events"]["without_time"], 1);
    let none = told["places"].as_array().unwrap().iter().find(|place| place["account"].is_null()).unwrap();
    assert_eq!((&none["events"], &none["region"]), (&json!(1), &Value::Null));
    let keys = |info: &Value| info["access_keys"]["different"].clone();
    assert_eq!(keys(&told), keys(&whole));
}

#[test]
fn a_span_of_time_is_counted_as_query_does_and_every_file_is_accounted_for() {
    let demo = Demo::new();
    let span = "--from 2024-03-01T04:00:00Z --to 2024-03-01T06:00:00Z";
    let told = info(&demo, &format!("archive {span}"));
    let events = demo.run(&format!("query archive {span} -q")).lines().len() as u64;
    assert_eq!(told["events"]["events"], events);
    let mut files = Vec::new();
    list(&demo.path("archive"), &mut files);
    assert_eq!(told["files"]["found"], files.len() as u64);
    assert!(told["files"]["of_another_time"].as_u64().unwrap() > 50);
}

#[test]
fn help_and_page_name_every_call_that_is_looked_for() {
    let demo = Demo::new();
    let help = demo.run("info --help").stdout;
    let page = fs::read_to_string(workspace().join("docs/formats/info.md")).unwrap();
    let words = |text: &str| -> BTreeSet<String> {
        text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect()
    };
    let (help, page) = (words(&help), words(&page));
    for call in info(&demo, "archive")["logging"]["calls"].as_array().unwrap() {
        let name = call["event_name"].as_str().unwrap();
        assert!(help.contains(name) && page.contains(name), "{name}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let demo = Demo::new();
    let run = run_line(
        "trailseal info archive | head -1; trailseal info archive -t json | head -1",
        &demo.path(""),
    );
    assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{run}");
    assert_eq!(run.stdout.lines().count(), 2);
}
