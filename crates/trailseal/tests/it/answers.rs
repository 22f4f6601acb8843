//! `query`: an answer says what it could not see, and a zero why it is one.

use std::{fs, io::Read as _};

use crate::demo::Demo;

const RECORD: &str = r#"{"eventVersion":"1.08","eventName":"ConsoleLogin","eventID":"e-1","eventTime":"2024-03-01T10:00:00Z","eventSource":"signin.amazonaws.com","userIdentity":{"type":"IAMUser","userName":"alice"}}"#;

/// [`RECORD`], as `base64` writes it.
const BASE64: &str = "eyJldmVudFZlcnNpb24iOiIxLjA4IiwiZXZlbnROYW1lIjoiQ29uc29sZUxvZ2luIiwiZXZlbnRJ\n\
    RCI6ImUtMSIsImV2ZW50VGltZSI6IjIwMjQtMDMtMDFUMTA6MDA6MDBaIiwiZXZlbnRTb3VyY2Ui\n\
    OiJzaWduaW4uYW1hem9uYXdzLmNvbSIsInVzZXJJZGVudGl0eSI6eyJ0eXBlIjoiSUFNVXNlciIs\n\
    InVzZXJOYW1lIjoiYWxpY2UifX0=";
/// An empty log file.
const BASE64_OF_GZIP: &str = "H4sIAAAAAAACA6tWCkpNzi9KKVayio6trUbhAQARdrsVHAAAAA==";

fn with_file(name: &str, content: impl AsRef<[u8]>) -> Demo {
    let demo = Demo::new();
    fs::create_dir(demo.path("f")).unwrap();
    fs::write(demo.path("f").join(name), content).unwrap();
    demo
}

#[test]
fn a_planted_copy_never_stands_for_the_event_that_aws_signed() {
    let demo = Demo::new();
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(&*fs::read(demo.a_log()).unwrap()).read_to_string(&mut text).unwrap();
    let planted = text.replace("\"eventName\":\"", "\"eventName\":\"Planted");
    assert_ne!(planted, text);
    fs::create_dir(demo.path("archive/aaa")).unwrap();
    fs::write(demo.path("archive/aaa/planted.json"), planted).unwrap();
    for asked in ["--count-by integrity", "--fields integrity,eventName"] {
        let run = demo.run(&format!("query archive --keys keys --dedupe {asked}"));
        assert_eq!(run.status, Some(3), "{run}");
        assert!(!run.stdout.contains("Planted") && !run.stdout.contains("not_covered"), "{run}");
        let kept: u64 = run.lines().iter().map(|row| row["count"].as_u64().unwrap_or(1)).sum();
        assert_eq!(kept, 981, "{run}");
    }
}

#[test]
fn what_is_known_of_a_file_can_be_asked_of_its_events() {
    let demo = Demo::new();
    let count = |arguments: &str| {
        let run = demo.run(&format!("query archive -q --count-by category {arguments}"));
        run.lines().iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>()
    };
    let all = count("");
    assert_eq!(count("--keys keys -w integrity='verified'"), all);
    assert_eq!(count("--keys keys -w integrity<>'verified'"), 0);
    let run = demo.run("query archive --keys keys --fields file,sha256 --limit 1");
    let row = run.lines()[0]["event"].clone();
    let (file, sha256) = (row["file"].clone(), row["sha256"].clone());
    let of_file = count(&format!("-w file='{}'", file.as_str().unwrap()));
    assert!(of_file > 0 && of_file < all);
    assert_eq!(count(&format!("-w sha256='{}'", sha256.as_str().unwrap())), of_file);
    let run = demo.run("query archive -w integrity='verified'");
    assert_eq!(run.status, Some(2), "{run}");
    assert!(run.stderr.contains("--keys"), "{run}");
}

#[test]
fn an_archive_that_does_not_reach_a_time_says_so() {
    let demo = Demo::new();
    for quiet in ["", "-q"] {
        let run = demo.run(&format!("query archive --from 2030-01-01 {quiet}"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(3), ""), "{run}");
        assert!(
            run.stderr.contains("does not reach that time") && run.stderr.contains("2024-03-01"),
            "{run}"
        );
    }
    let within = demo.run("query archive --from 2024-03-01T05:00:00Z --to 2024-03-01T05:00:00Z");
    assert_eq!(within.status, Some(0), "{within}");
}

#[test]
fn a_misspelt_field_is_an_error_and_a_new_one_is_allowed() {
    let demo = Demo::new();
    for option in [
        "--where nosuch='x'",
        "--where userIdentity.nosuch='x'",
        "--fields eventName,nosuch",
        "--count-by nosuch",
        "--distinct nosuch.x",
        "--sum nosuch",
        "--histogram 1d --by nosuch",
    ] {
        let run = demo.run(&format!("query archive {option}"));
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
        assert!(run.stderr.contains("nosuch") && run.stderr.contains("--allow-unknown-fields"), "{run}");
        let allowed = demo.run(&format!("query archive --allow-unknown-fields {option}"));
        assert_eq!(allowed.status, Some(0), "{allowed}");
    }
    assert_eq!(demo.run("query archive --where `nosuch`='x'").status, Some(0));
    let near = demo.run("query archive --where eventNam='x'");
    assert!(near.stderr.contains("CloudTrail writes eventName"), "{near}");
}

#[test]
fn a_zero_tells_what_is_near_and_how_far_the_archive_reaches() {
    let demo = Demo::new();
    for (option, near) in [
        ("--event-name getobject", "GetObject (case counts)"),
        ("--event-name s3:GetObject", "GetObject"),
        ("--username CI-Deploy", "ci-deploy"),
        ("--region EU-West-1", "eu-west-1"),
        ("--region us-east", "us-east-1"),
        ("--account 1111-2222-3333", "111122223333"),
        ("-w eventName='getobject'", "--where getobject: no event has that"),
        ("-w eventName='x'OR(eventSource='S3'AND(readOnly=true))", "s3.amazonaws.com"),
        ("-k CI-DEPLOY", "-i takes either"),
    ] {
        for quiet in ["", "-q"] {
            let run = demo.run(&format!("query archive {option} {quiet}"));
            assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run}");
            assert!(run.stderr.contains(near), "{near}: {run}");
            assert!(
                run.stderr.contains("delivered from 2024-03-01") && run.stderr.contains("111122223333"),
                "{run}"
            );
        }
    }
}

#[test]
fn what_may_hold_events_and_is_not_read_is_named() {
    for (name, content) in
        [("ev.parquet", &b"PAR1rest"[..]), ("ev.7z", b"7z\xbc\xaf\x27\x1crest"), ("ev.avro", b"Obj\x01rest")]
    {
        let demo = with_file(name, content);
        let run = demo.run("query f");
        assert_eq!(run.status, Some(3), "{run}");
        assert!(run.stderr.contains(name) && run.stderr.contains("unsupported"), "{run}");
    }
    let broken = with_file("export.txt", format!("# from the console\n{}\n", &RECORD[..60])).run("query f");
    assert!(broken.status == Some(3) && broken.stderr.contains("export.txt"), "{broken}");
    assert_eq!(broken.stderr.matches("export.txt").count(), 1, "{broken}");
    let said = with_file("odd.json", r#"{"x":{"eventVersion":1}}"#).run("query f");
    assert_eq!(said.status, Some(3), "{said}");
    assert!(said.stderr.contains("odd.json") && said.stderr.contains("eventVersion"), "{said}");
}

#[test]
fn what_holds_no_event_is_no_damage() {
    for (name, content) in [
        ("desktop.ini.txt", "[.ShellClassInfo]\r\nIconFile=x\r\n"),
        ("app.log", "[2024-03-01 10:00:00] {started}\n[2024-03-01 10:00:01] {\"level\":\"info\"}\n"),
        ("tool.c", "int main(void)\n{\n  return 0;\n}\n[x]\n{}\n"),
        ("notes.txt", "(nothing)\n"),
        ("long.txt", "a line\n".repeat(5_000).leak()),
    ] {
        let run = with_file(name, content).run("query f");
        assert_eq!(run.status, Some(0), "{name}: {run}");
        assert!(!run.stderr.contains("damaged") && !run.stderr.contains(name), "{run}");
        let named = with_file(name, content).run("query f -v");
        assert!(named.stderr.contains(&format!("without events: f/{name}")), "{named}");
    }
}

#[test]
fn exports_are_read_whatever_their_shape() {
    let quoted = serde_json::Value::from(RECORD).to_string();
    for (name, content) in [
        ("array-of-texts.json", format!("[{quoted}]")),
        ("jq-without-r.txt", format!("{quoted}\n")),
        ("powershell.json", format!("{{\"value\":[{{\"CloudTrailEvent\":{quoted}}}],\"Count\":1}}")),
        ("tail.log", format!("2024-03-01T10:00:00+00:00 stream {RECORD}\n")),
        ("syslog.log", format!("<14>1 2024-03-01T10:00:00Z host app - - - {RECORD}\n")),
        ("splunk.json", format!("{{\"result\":{{\"_raw\":{quoted}}}}}\n")),
    ] {
        let run = with_file(name, content).run("query f --fields eventID,username -t jsonl");
        assert_eq!(run.stdout, "{\"eventID\":\"e-1\",\"username\":\"alice\"}\n", "{name}: {run}");
        assert_eq!(run.status, Some(0), "{run}");
    }
    let table = "Event name,Event time,User name\nConsoleLogin,2024-03-01T10:00:00Z,alice\n";
    let run = with_file("event_history.csv", table).run("query f --fields eventName,eventTime -t jsonl");
    assert_eq!(
        run.stdout, "{\"eventName\":\"ConsoleLogin\",\"eventTime\":\"2024-03-01T10:00:00Z\"}\n",
        "{run}"
    );
    assert!(run.status == Some(3) && run.stderr.contains("CSV"), "the events hold more: {run}");
}

/// Rows of a table whose cells hold whole events are these events, and nothing lacks.
#[test]
fn tables_whose_cells_hold_whole_events_are_read() {
    let cell = format!("\"{}\"", RECORD.replace('"', "\"\""));
    let utf16 = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect::<Vec<u8>>()
    };
    let powershell =
        format!("\"CloudTrailEvent\",\"EventName\",\"Username\"\r\n{cell},\"ConsoleLogin\",\"alice\"\r\n");
    for (name, content) in [
        ("console.csv", format!("timestamp,message\n1,{cell}\n").into_bytes()),
        ("insights.csv", format!("@timestamp,@message\n2024-03-01 10:00:00.000,{cell}\n").into_bytes()),
        ("splunk.csv", format!("\"_raw\",\"_time\",userAgent\n{cell},\"x\",{cell}\n").into_bytes()),
        ("one.csv", format!("CloudTrailEvent\r\n{cell}\r\n").into_bytes()),
        ("lake.tsv", format!("eventJson\tx\n{cell}\ty\n").into_bytes()),
        ("powershell.csv", powershell.clone().into_bytes()),
        ("powershell-5.csv", utf16(&format!("#TYPE Amazon.CloudTrail.Model.Event\r\n{powershell}"))),
    ] {
        let run = with_file(name, content).run("query f --fields eventID,username -t jsonl");
        assert_eq!(run.stdout, "{\"eventID\":\"e-1\",\"username\":\"alice\"}\n", "{name}: {run}");
        assert_eq!(run.status, Some(0), "{name}: {run}");
    }
    // a row that says an event by its columns alone is less than the event
    for table in [
        "eventName,eventTime\nA,2024\n",
        "eventname;eventtime\nA;2024\n",
        "@timestamp,eventName,eventTime\n1,A,2024\n",
    ] {
        let run = with_file("columns.csv", table).run("query f --fields eventName -t jsonl");
        assert_eq!((run.stdout.as_str(), run.status), ("{\"eventName\":\"A\"}\n", Some(3)), "{run}");
    }
    let mixed = format!("eventName,eventTime,raw\nA,2024,\nConsoleLogin,2024-03-01T10:00:00Z,{cell}\n");
    let run = with_file("mixed.csv", mixed).run("query f --fields eventName -t jsonl");
    assert_eq!((run.lines().len(), run.status), (2, Some(3)), "{run}");
}

#[test]
fn what_is_no_json_and_may_hold_events_is_named_in_a_folder() {
    let xml = format!("<results><v>{}</v></results>", RECORD.replace('"', "&quot;"));
    let yaml = format!("Events:\n- CloudTrailEvent: {}\n", serde_json::Value::from(RECORD));
    for (name, content) in [
        ("export.xml", xml),
        ("export.yaml", yaml),
        ("log.b64", BASE64.to_owned()),
        ("log.txt", BASE64_OF_GZIP.to_owned()),
    ] {
        let run = with_file(name, content).run("query f");
        assert_eq!((run.status, run.stdout.as_str()), (Some(3), ""), "{name}: {run}");
        assert!(run.stderr.contains(&format!("f/{name}")), "{run}");
    }
    let ecs = r#"{"_source":{"aws":{"cloudtrail":{"event_version":"1.08"}},"event":{"action":"A"}}}"#;
    let run = with_file("ecs.json", ecs).run("query f");
    assert!(run.status == Some(3) && run.stderr.contains("ECS"), "{run}");
    for (name, content) in [
        ("notes.txt", "the field eventVersion tells the version\n"),
        ("jwt.txt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln\n"),
    ] {
        assert_eq!(with_file(name, content).run("query f").status, Some(0), "{name}");
    }
}

/// With what a caller sent, an export cannot be made to tell of events that never were.
#[test]
fn what_a_caller_sent_is_no_event_in_any_export() {
    let forged = RECORD.replace("e-1", "forged").replace("ConsoleLogin", "Forged");
    let quote = |text: &str| serde_json::Value::from(text).to_string();
    let (raw, forged) = (quote(RECORD), quote(&forged));
    for (name, content) in [
        (
            "splunk.json",
            format!(
                "{{\"result\":{{\"_raw\":{raw},\"userAgent\":{forged},\"requestParameters.x\":{forged}}}}}"
            ),
        ),
        (
            "elastic.json",
            format!(
                "{{\"_source\":{{\"event\":{{\"original\":{raw}}},\"user_agent\":{{\"original\":{forged}}},\"error\":{{\"message\":{forged}}}}}}}"
            ),
        ),
        (
            "lookup.json",
            format!(
                "{{\"Events\":[{{\"EventName\":\"ConsoleLogin\",\"EventId\":\"e-1\",\"Username\":{forged},\"Resources\":[{{\"ResourceName\":{forged}}}],\"CloudTrailEvent\":{raw}}}]}}"
            ),
        ),
        (
            "insights.json",
            format!(
                "{{\"results\":[[{{\"field\":\"userAgent\",\"value\":{forged}}},{{\"field\":\"@message\",\"value\":{raw}}}]]}}"
            ),
        ),
    ] {
        let run = with_file(name, content).run("query f --fields eventID -t jsonl");
        assert_eq!((run.stdout.as_str(), run.status), ("{\"eventID\":\"e-1\"}\n", Some(0)), "{name}: {run}");
    }
}

#[test]
fn events_without_a_readable_time_are_counted_by_filters_of_times() {
    let odd = RECORD.replace("2024-03-01T10:00:00Z", "20240301T100000+00 UTC");
    let demo = with_file("x.jsonl", format!("{odd}\n{RECORD}\n"));
    for filter in ["--from 2020-01-01", "-w eventTime>'2020-01-01'", "-w day>='2020-01-01'"] {
        let run = demo.run(&format!("query f {filter}"));
        assert_eq!(run.lines().len(), 1, "{run}");
        assert!(run.stderr.contains("1 event with an eventTime that cannot be read"), "{run}");
    }
    let only = with_file("x.jsonl", format!("{odd}\n"));
    let run = only.run("query f -q --from 2020-01-01");
    assert!(
        run.stderr.contains("1 event with an eventTime that cannot be read"),
        "why nothing matched: {run}"
    );
    let timeline = demo.run("query f --timeline");
    assert!(timeline.stdout.contains("20240301T100000+00 UTC"), "as it is: {timeline}");
}

#[test]
fn a_date_alone_as_the_end_is_that_day() {
    let demo = with_file("x.jsonl", format!("{RECORD}\n"));
    for span in ["--from 2024-03-01 --to 2024-03-01", "--to 2024-03-01"] {
        let run = demo.run(&format!("query f {span}"));
        assert_eq!(run.lines().len(), 1, "{run}");
        assert!(run.stderr.contains("whole day, to 2024-03-01T23:59:59Z"), "{run}");
    }
    let run = demo.run("query f -q --from 2024-02-28 --to 2024-03-01");
    assert_eq!(run.lines().len(), 0);
    assert!(run.stderr.contains("--to: a date means its first second"), "why nothing matched: {run}");
}

#[test]
fn lookups_go_by_event_time_however_late_a_file_came() {
    let demo = with_file(
        "111122223333_CloudTrail_us-east-1_20240320T1005Z_AbCdEfGhIjKlMnOp.json",
        format!(
            "{{\"Records\":[{}]}}",
            RECORD.replace("\"eventVersion\"", "\"awsRegion\":\"us-east-1\",\"eventVersion\"")
        ),
    );
    let run = demo.run("lookup-events f --region us-east-1 --end-time 2024-03-01T12:00:00Z");
    assert!(run.stdout.contains("ConsoleLogin"), "{run}");
}

#[test]
fn what_was_dropped_as_a_duplicate_is_said_with_the_reason() {
    let shared = |id: &str| {
        RECORD.replace("e-1", id).replace("\"eventVersion\"", "\"sharedEventID\":\"s\",\"eventVersion\"")
    };
    let demo = with_file("x.jsonl", format!("{}\n{}\n", shared("e-1"), shared("e-2")));
    let run = demo.run("query f --dedupe=shared");
    assert!(
        run.stderr.contains("dropped: 1 duplicate (the same sharedEventID, else the same eventID)"),
        "{run}"
    );
    assert!(!demo.run("query f --dedupe").stderr.contains("dropped"));
}

#[test]
fn aggregated_events_that_were_left_out_are_told_where_nothing_matched() {
    let aggregated = r#"{"eventVersion":"1.0","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","summary":{"x":"bucket-1"}}"#;
    let demo = with_file("x.jsonl", format!("{RECORD}\n{aggregated}\n"));
    for quiet in ["", "-q"] {
        let run = demo.run(&format!("query f -k bucket-1 {quiet}"));
        assert!(run.stderr.contains("--category aggregated"), "{run}");
    }
}
