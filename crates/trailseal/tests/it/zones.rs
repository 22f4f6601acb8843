//! Hours, days of the week and time zones: `--hours`, `--weekdays`, `--outside`, `--tz`.

use std::fs;

use serde_json::{Value, json};

use crate::demo::{Demo, Run};

/// A temporary folder with `events.json`: events with these ids and times.
fn with_times(times: &[(&str, &str)]) -> Demo {
    let demo = Demo::new();
    let records: Vec<Value> = times.iter().map(|(id, time)| event(id, time)).collect();
    fs::write(demo.path("events.json"), json!({ "Records": records }).to_string()).unwrap();
    demo
}

fn event(id: &str, time: &str) -> Value {
    json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": time, "eventName": "GetObject",
        "eventSource": "s3.amazonaws.com", "awsRegion": "us-east-1",
        "userIdentity": {"type": "IAMUser", "userName": "alice", "accessKeyId": "AKIA1"},
    })
}

fn ids(run: &Run) -> String {
    let lines = run.lines();
    lines.iter().map(|event| event["eventID"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

/// A week of Berlin around the night in which clocks are set back; `soon` has no time.
fn week() -> Demo {
    with_times(&[
        ("fri-late", "2024-10-25T22:30:00Z"),
        ("sat-noon", "2024-10-26T10:00:00Z"),
        ("twice-1", "2024-10-27T00:30:00Z"),
        ("twice-2", "2024-10-27T01:30:00Z"),
        ("mon-0759", "2024-10-28T06:59:59Z"),
        ("mon-0800", "2024-10-28T07:00:00Z"),
        ("mon-1759", "2024-10-28T16:59:59Z"),
        ("mon-1800", "2024-10-28T17:00:00Z"),
        ("untimed", "soon"),
    ])
}

#[test]
fn events_are_found_by_hours_and_days_of_a_zone() {
    let demo = week();
    for (options, expected) in [
        ("--hours 08:00-18:00", "sat-noon mon-0800 mon-1759"),
        ("--hours 8-18 --weekdays mon-fri", "mon-0800 mon-1759"),
        ("--hours 8-18 --weekdays Mon,TUESDAY --weekdays wed-fri", "mon-0800 mon-1759"),
        ("--hours 8-18 --weekdays mon-fri --outside", "fri-late sat-noon twice-1 twice-2 mon-0759 mon-1800"),
        ("--weekdays sat,sun", "fri-late sat-noon twice-1 twice-2"),
        ("--weekdays sat,sun --outside", "mon-0759 mon-0800 mon-1759 mon-1800"),
        ("--hours 02:00-03:00", "twice-1 twice-2"),
        ("--hours 22:00-06:00", "fri-late twice-1 twice-2"),
        ("--hours 07:00-08:00,18:00-19:00", "mon-0759 mon-1800"),
        ("--hours 07:00-08:00 --hours 18:00-24:00", "mon-0759 mon-1800"),
        ("--hours 00:00-24:00 --outside", ""),
        ("--hours 8-18 --from 2024-10-28 --to 2024-10-28T12:00", "mon-0800"),
    ] {
        let run = demo.run(&format!("query events.json --tz Europe/Berlin {options}"));
        assert_eq!((run.status, ids(&run).as_str()), (Some(0), expected), "{run}");
        assert!(run.stderr.contains("1 event with an eventTime that cannot be read"), "{run}");
    }
    for (zone, expected) in [
        ("UTC", "sat-noon"),
        ("+01:00", "sat-noon mon-0759 mon-0800"),
        ("America/New_York", "mon-1759 mon-1800"),
        ("asia/tokyo", "fri-late twice-1 twice-2 mon-0759 mon-0800"),
    ] {
        let run = demo.run(&format!("query events.json --hours 07:30-16:01 --tz {zone}"));
        assert_eq!(ids(&run), expected, "{run}");
    }
}

#[test]
fn times_without_an_offset_are_read_in_the_zone_by_every_command() {
    let demo = Demo::new();
    for command in [
        "query archive -q",
        "lookup-events archive --region us-east-1 --output jsonl -q",
        "follow AKIA7IJJZMRIRPG24F2U archive -t jsonl -q",
    ] {
        let out = |span: &str| {
            let run = demo.run(&format!("{command} {span}"));
            assert_eq!(run.status, Some(0), "{run}");
            run.stdout
        };
        let utc = out("--from 2024-03-01T04:15:00Z --to 2024-03-01T04:20:00Z");
        assert!(!utc.is_empty(), "{command}");
        for same in [
            "--from 2024-03-01T05:15 --to 2024-03-01T05:20 --tz Europe/Berlin",
            "--from 2024-03-01T05:15 --to 2024-03-01T04:20Z --tz +01:00",
            "--from 2024-02-29T23:15 --to 2024-02-29T23:20 --tz america/new_york",
            "--from 2024-03-01T04:15 --to 2024-03-01T04:20",
        ] {
            assert_eq!(out(same), utc, "{command} {same}");
        }
        assert_ne!(out("--from 2024-03-01T04:15 --to 2024-03-01T04:20 --tz Europe/Berlin"), utc, "{command}");
    }
    let count = |options: &str| demo.run(&format!("query archive {options} -q")).stdout.lines().count();
    assert_eq!(count("--to 2024-02 --tz Pacific/Honolulu"), count("--to 2024-03-01T09:59:59Z"));
    assert_eq!(count("--from 2024-03 --to 2024-03"), count(""));
    assert!(count("--to 2024-02 --tz Pacific/Honolulu") > 0);
}

#[test]
fn what_clocks_show_twice_or_never_is_told() {
    let demo = week();
    let run = demo.run("query events.json --from 2024-10-27T02:30 --to 2024-10-27T02:30 --tz Europe/Berlin");
    assert_eq!(ids(&run), "twice-1 twice-2", "{run}");
    assert!(run.stderr.contains(
        "note: clocks in --tz showed --from twice; the first time is taken, 2024-10-27T00:30:00Z\n"
    ));
    assert!(run.stderr.contains(
        "note: clocks in --tz showed --to twice; the second time is taken, 2024-10-27T01:30:00Z\n"
    ));
    let run = demo.run("query events.json --from 2024-03-31T02:30 --tz Europe/Berlin");
    let note = "note: clocks in --tz never showed --from; the next time that they did is taken, 2024-03-31T01:00:00Z\n";
    assert!(run.stderr.contains(note), "{run}");
    assert!(
        demo.run("query events.json --to 2024-10 --tz Europe/Berlin")
            .stderr
            .contains("up to its end, 2024-10-31T22:59:59Z\n")
    );
    let day = demo.run("query events.json --from 2024-10-27 --to 2024-10-27 --tz Europe/Berlin");
    assert!(day.stderr.contains("to 2024-10-27T22:59:59Z\n"), "{day}");
    assert_eq!(ids(&day), "twice-1 twice-2");
}

#[test]
fn a_zone_changes_what_is_asked_for_and_no_byte_of_an_event() {
    let demo = Demo::new();
    for format in ["jsonl", "json", "csv"] {
        let out = |more: &str| demo.run(&format!("query archive -t {format} -q {more}")).stdout;
        assert!(out("--tz Asia/Kathmandu") == out(""), "{format}");
    }
    let out = |more: &str| demo.run(&format!("query archive --timeline -t csv -q {more}")).stdout;
    assert!(out("--tz Asia/Kathmandu") == out(""));
    let answer =
        |more: &str| demo.run(&format!("lookup-events archive --all-regions --output table {more}")).stdout;
    assert!(answer("--tz Asia/Kathmandu") == answer(""));
}

#[test]
fn steps_of_a_histogram_are_those_of_the_zone() {
    let demo = week();
    let buckets = |options: &str| {
        let run = demo.run(&format!("query events.json -q --histogram {options}"));
        let bucket = |row: &Value| format!("{} {}", row["time"].as_str().unwrap(), row["count"]);
        run.lines().iter().map(bucket).collect::<Vec<_>>()
    };
    assert_eq!(
        buckets("1d --tz Europe/Berlin"),
        ["2024-10-25T22:00:00Z 2", "2024-10-26T22:00:00Z 2", "2024-10-27T23:00:00Z 4"]
    );
    assert_eq!(
        buckets("1d"),
        [
            "2024-10-25T00:00:00Z 1",
            "2024-10-26T00:00:00Z 1",
            "2024-10-27T00:00:00Z 2",
            "2024-10-28T00:00:00Z 4"
        ]
    );
    assert_eq!(
        buckets("1h --tz Europe/Berlin --to 2024-10-27T03:00 --from 2024-10-27T02:00"),
        ["2024-10-27T00:00:00Z 1", "2024-10-27T01:00:00Z 1"]
    );
}

#[test]
fn text_for_people_is_in_the_zone_and_says_so() {
    let demo = week();
    let out = |options: &str| {
        demo.run(&format!("query events.json -q --dedupe --tz Europe/Berlin {options}")).stdout
    };
    let timeline = out("--timeline --weekdays sat,sun");
    let times: Vec<&str> = timeline.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(
        times,
        [
            "2024-10-26 00:30:00+02:00",
            "2024-10-26 12:00:00+02:00",
            "2024-10-27 02:30:00+02:00",
            "2024-10-27 02:30:00+01:00"
        ]
    );
    let table = out("-t table --weekdays mon");
    assert!(table.contains("2024-10-28 07:59:59+01:00"), "{table}");
    let bars = out("--histogram 1h -t table --weekdays sun");
    let starts: Vec<&str> = bars.lines().map(|line| line.split("  ").next().unwrap()).collect();
    assert_eq!(
        starts,
        ["time (Europe/Berlin)", "2024-10-27 02:00:00+02:00", "2024-10-27 02:00:00+01:00"],
        "{bars}"
    );
}

#[test]
fn conditions_and_fields_of_times_stay_in_utc_and_say_so() {
    let demo = week();
    for (options, word) in [
        ("--where weekday='fri'", "--where: times, hours and days of conditions are in UTC"),
        ("--where day='2024-10-25'", "--where: times, hours and days of conditions are in UTC"),
        ("--where eventTime<'2024-10-26'", "--where: times, hours and days of conditions are in UTC"),
    ] {
        let run = demo.run(&format!("query events.json --tz Europe/Berlin {options}"));
        assert_eq!(ids(&run), "fri-late", "{run}");
        assert!(run.stderr.contains(word), "{run}");
        assert!(!demo.run(&format!("query events.json {options}")).stderr.contains("UTC, not"), "{options}");
    }
    let run = demo.run("query events.json --tz Europe/Berlin --count-by weekday --top 1");
    assert_eq!((&run.lines()[0]["weekday"], &run.lines()[0]["count"]), (&json!("mon"), &json!(4)), "{run}");
    assert!(run.stderr.contains("weekday is in UTC, not in Europe/Berlin"), "{run}");
}

#[test]
fn follow_counts_what_keys_did_at_these_hours_and_follows_all_links() {
    let demo = Demo::new();
    let command = "follow AKIA7IJJZMRIRPG24F2U archive -t json";
    let keys = |run: &Run| -> Vec<(String, u64)> {
        let nodes = run.json()["nodes"].as_array().unwrap().clone();
        nodes
            .iter()
            .map(|it| (it["key"].as_str().unwrap().to_owned(), it["events"].as_u64().unwrap()))
            .collect()
    };
    let all = demo.run(command);
    let inside = demo.run(&format!("{command} --hours 05:00-06:00 --tz Europe/Berlin"));
    let outside = demo.run(&format!("{command} --hours 05:00-06:00 --tz Europe/Berlin --outside"));
    assert_eq!(all.json()["edges"], inside.json()["edges"]);
    assert_eq!(all.json()["edges"], outside.json()["edges"]);
    let (all, inside_keys, outside_keys) = (keys(&all), keys(&inside), keys(&outside));
    let sums: Vec<(String, u64)> = inside_keys
        .iter()
        .zip(&outside_keys)
        .map(|((key, one), (_, other))| (key.clone(), one + other))
        .collect();
    assert_eq!(sums, all);
    assert!(inside_keys.iter().any(|(_, events)| *events > 0), "{inside}");
    assert!(outside_keys.iter().any(|(_, events)| *events > 0), "{outside}");
    assert!(outside.stderr.contains("at other hours or on other days; links"), "{outside}");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let demo = week();
    for (options, words) in [
        ("--hours 18:00", "\"18:00\" is no part of a day"),
        ("--hours 8-18,25-26", "\"25-26\" is no part of a day"),
        ("--hours 08:00-08:00", "is no part of a day"),
        ("--weekdays montag", "\"montag\" is no day of the week"),
        ("--outside", "--outside cannot be used: it needs hours or days of the week"),
        ("--outside --tz Europe/Berlin", "--outside cannot be used"),
        ("--tz Berlin", "\"Berlin\" is no time zone, Europe/Berlin is"),
        ("--tz UTC+2", "could mean two zones"),
        ("--tz +25", "is no offset"),
    ] {
        for command in ["query events.json", "follow AKIAIOSFODNN7EXAMPLE events.json"] {
            let run = demo.run(&format!("{command} {options}"));
            assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
            assert!(run.stderr.contains(words), "{run}");
        }
    }
}

#[test]
fn the_zone_of_the_machine_is_read_only_when_it_is_asked_for() {
    let demo = week();
    let ids_with = |zone: &str, options: &[&str]| {
        let arguments = [&["query", "events.json", "-q", "--hours", "08:00-18:00"], options].concat();
        let output = demo.command(&arguments).env("TZ", zone).output().unwrap();
        let run = Run::new(&arguments.join(" "), &output);
        (run.status, if run.status == Some(0) { ids(&run) } else { run.stderr })
    };
    let berlin = (Some(0), "sat-noon mon-0800 mon-1759".to_owned());
    assert_eq!(ids_with("Europe/Berlin", &["--tz", "local"]), berlin);
    assert_eq!(ids_with(":Europe/Berlin", &["--tz", "Local"]), berlin);
    assert_eq!(ids_with("Asia/Tokyo", &["--tz", "Europe/Berlin"]), berlin);
    assert_eq!(ids_with("Asia/Tokyo", &[]), ids_with("UTC", &[]));
    let (status, words) = ids_with("No/Such", &["--tz", "local"]);
    assert!(status == Some(2) && words.contains("the machine does not say"), "{words}");
}

#[test]
fn the_tree_of_keys_has_the_times_of_the_zone() {
    let demo = Demo::new();
    let command = "follow AKIA7IJJZMRIRPG24F2U archive -q";
    let (utc, berlin) = (demo.run(command), demo.run(&format!("{command} --tz Europe/Berlin")));
    assert_eq!(berlin.stdout.lines().next(), Some("times in Europe/Berlin"), "{berlin}");
    assert_eq!(demo.run(&format!("{command} --tz UTC")).stdout, utc.stdout);
    // an hour later, and else the same
    let time = |line: &str| {
        let at = line.find("2024-0")?;
        let hour: u32 = line[at + 11..at + 13].parse().ok()?;
        Some((at, hour))
    };
    let mut times = 0;
    for (utc, berlin) in utc.stdout.lines().zip(berlin.stdout.lines().skip(1)) {
        match (time(utc), time(berlin)) {
            (Some((at, hour)), Some((other_at, other))) => {
                assert_eq!((at, (hour + 1) % 24), (other_at, other), "{utc}\n{berlin}");
                times += 1;
            }
            (None, None) => assert_eq!(utc, berlin),
            _ => panic!("{utc}\n{berlin}"),
        }
    }
    assert!(times > 3);
}
