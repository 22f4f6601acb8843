//! `follow`: a key, the keys that it got, and what those did.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::demo::{Demo, workspace};

mod starts;

fn event(id: &str, minute: u32, key: &str, name: &str, more: &Value) -> Value {
    let mut event = json!({
        "eventVersion": "1.08", "eventID": id, "eventTime": format!("2024-03-01T05:{minute:02}:00Z"),
        "eventName": name, "eventSource": "sts.amazonaws.com", "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::1:user/{key}"), "accountId": "1", "accessKeyId": key},
    });
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event
}

fn assumes(role: &str, to: &str) -> Value {
    json!({
        "requestParameters": {"roleArn": format!("arn:aws:iam::1:role/{role}"), "roleSessionName": "s"},
        "responseElements": {"credentials": {"accessKeyId": to, "sessionToken": "x"}},
    })
}

/// AKIA1 assumes twice, one of the sessions goes on; a circle, a duplicate, and others' business.
fn chain() -> Demo {
    let demo = Demo::new();
    let first = event("e1", 1, "AKIA1", "AssumeRole", &assumes("Admin", "ASIA1"));
    let records = json!([
        event("e5", 5, "ASIA2", "ListUsers", &json!({})),
        first,
        first,
        event(
            "e2",
            2,
            "AKIA1",
            "GetSessionToken",
            &json!({"responseElements": {"credentials": {"accessKeyId": "ASIA3"}}})
        ),
        event("e3", 3, "ASIA1", "AssumeRole", &assumes("Deep", "ASIA2")),
        event(
            "e4",
            4,
            "ASIA2",
            "CreateAccessKey",
            &json!({"responseElements": {"accessKey": {"accessKeyId": "AKIA9"}}})
        ),
        event("e6", 6, "AKIA9", "AssumeRole", &assumes("Admin", "ASIA1")),
        event(
            "e7",
            7,
            "AKIA9",
            "GetSigninToken",
            &json!({"sourceIPAddress": "\u{1b}[2J", "errorCode": "Denied"})
        ),
        event("e8", 8, "AKIA5", "AssumeRole", &assumes("Other", "ASIA7")),
        event(
            "e0",
            0,
            "ASIA7",
            "CreateAccessKey",
            &json!({"responseElements": {"accessKey": {"accessKeyId": "AKIA1"}}})
        ),
    ]);
    fs::write(demo.path("events.json"), json!({ "Records": records }).to_string()).unwrap();
    demo
}

#[test]
fn keys_are_a_tree() {
    assert_snapshot!(chain().run("follow AKIA1 events.json"));
}

#[test]
fn keys_and_links_are_data() {
    let demo = chain();
    let run = demo.run("follow AKIA1 events.json -t json");
    let document = run.json();
    let keys: Vec<(&str, u64, u64)> = document["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            (node["key"].as_str().unwrap(), node["depth"].as_u64().unwrap(), node["events"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(keys, [("AKIA1", 0, 2), ("ASIA1", 1, 1), ("ASIA3", 1, 0), ("ASIA2", 2, 2), ("AKIA9", 3, 2)]);
    let edges: Vec<String> = document["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| ["event_id", "from", "to"].map(|name| edge[name].as_str().unwrap()).join(" "))
        .collect();
    assert_eq!(
        edges,
        [
            "e0 ASIA7 AKIA1",
            "e1 AKIA1 ASIA1",
            "e2 AKIA1 ASIA3",
            "e3 ASIA1 ASIA2",
            "e4 ASIA2 AKIA9",
            "e6 AKIA9 ASIA1"
        ]
    );
    assert_eq!(demo.run("follow AKIA1 events.json -t json --threads 1").stdout, run.stdout);
    let lines = demo.run("follow AKIA1 events.json -t jsonl").lines();
    assert_eq!(lines.len(), 5 + 6 + 1);
    assert_eq!(lines.last().unwrap()["record"], "summary");
}

#[test]
fn depth_and_time_narrow_what_is_followed() {
    let demo = chain();
    let nodes = |more: &str| {
        demo.run(&format!("follow AKIA1 events.json -t json {more}")).json()["nodes"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!([nodes("--depth 0"), nodes("--depth 1"), nodes("--depth 9")], [1, 3, 5]);
    assert_eq!(nodes("--to 2024-03-01T05:01:30Z"), 2);
    let run = demo.run("follow AKIA1 events.json --depth 1");
    assert!(run.stderr.contains("not followed: 1 link beyond --depth"), "{run}");
}

#[test]
fn a_key_without_events_is_said_to_have_none() {
    let demo = chain();
    let run = demo.run("follow AKIA0 events.json");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.contains("none in this archive"), "{run}");
    assert_eq!(demo.run("follow AKIA0 events.json --fail-if-none").status, Some(1));
    let swapped = demo.run("follow events AKIA1");
    assert!(!swapped.stderr.contains("KEY stands"), "{swapped}");
    fs::create_dir(demo.path("events")).unwrap();
    let swapped = demo.run("follow events AKIA1");
    assert_eq!(swapped.status, Some(2), "{swapped}");
    assert!(swapped.stderr.ends_with("folder\nhint: KEY stands before ROOT\n"), "{swapped}");
    for arguments in ["follow events.json", "follow ./x events.json", "follow AKIA1 -", "follow AKIA1 none"] {
        let run = demo.run(arguments);
        assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
    }
}

#[test]
fn a_key_in_lower_case_is_told_to_be_none() {
    let demo = chain();
    let run = demo.run("follow akiaiosfodnn7example events.json");
    assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{run}");
    assert!(run.stderr.contains("upper case\nhint: trailseal follow AKIAIOSFODNN7EXAMPLE"), "{run}");
    let run = demo.run("query events.json --access-key akiaiosfodnn7example");
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), ""), "{run}");
    assert!(run.stderr.contains("AKIAIOSFODNN7EXAMPLE"), "{run}");
}

/// A file in which every key issues the next one, so many times.
fn write_links(demo: &Demo, count: usize) {
    let key = |at: usize| format!("ASIA{at:016}");
    let link = |at: usize| {
        let response = json!({"responseElements": {"credentials": {"accessKeyId": key(at + 1)}}});
        event(&format!("e{at}"), (at % 60) as u32, &key(at), "AssumeRole", &response)
    };
    let records: Vec<Value> = (0..count).map(link).collect();
    fs::write(demo.path("links.json"), json!({ "Records": records }).to_string()).unwrap();
}

#[test]
fn a_chain_of_thousands_of_keys_is_told_in_no_more_than_its_length() {
    let demo = Demo::new();
    for format in ["text", "json", "jsonl"] {
        let [short, long] = [500, 5000].map(|count| {
            write_links(&demo, count);
            let run = demo.run(&format!("follow ASIA0000000000000000 links.json -t {format}"));
            assert_eq!(run.status, Some(0), "{}", run.stderr);
            assert!(run.stdout.contains(&format!("ASIA{count:016}")), "{}", run.stderr);
            run.stdout.len()
        });
        assert!(long < 11 * short, "{format}: {short} and {long} bytes");
    }
    let run = demo.run("follow ASIA0000000000000000 links.json");
    assert!(run.stdout.contains("  17 links down: ASIA0000000000000017"), "{}", &run.stdout[..9000]);
    assert!(!run.stdout.contains("  16 links down: "));
    assert!(run.stdout.contains("  5,000 links down: ASIA0000000000005000"));
}

#[test]
fn links_of_a_signed_archive_are_labelled() {
    let demo = Demo::new();
    let issued = demo.run("query archive -q --where responseElements.credentials.accessKeyId<>'' --access-key A* --count-by userIdentity.accessKeyId");
    assert_eq!(issued.status, Some(0), "{issued}");
    let condition =
        "responseElements.credentials.accessKeyId IS NOT NULL AND userIdentity.accessKeyId IS NOT NULL";
    let arguments =
        ["query", "archive", "-q", "--where", condition, "--count-by", "userIdentity.accessKeyId"];
    let output = demo.command(&arguments).output().unwrap();
    let row: Value =
        serde_json::from_slice(output.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    let key = row["userIdentity.accessKeyId"].as_str().unwrap();
    let run = demo.run(&format!("follow {key} archive --keys keys"));
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.contains("issued  AssumeRole") && run.stderr.contains(" verified"), "{run}");
}

#[test]
fn damage_is_told_once() {
    let demo = chain();
    let text = fs::read_to_string(demo.path("events.json")).unwrap();
    fs::write(demo.path("events.json"), &text[..text.len() - 20]).unwrap();
    let run = demo.run("follow AKIA1 events.json");
    assert_eq!(run.status, Some(3), "{run}");
    assert!(run.stderr.contains("damaged: 1 place, where"), "{run}");
}

#[test]
fn real_keys_are_followed() {
    let samples = workspace().join("../shared/samples");
    if !samples.is_dir() {
        println!("there are no samples at {}", samples.display());
        return;
    }
    let demo = Demo::new();
    let arguments = ["follow", "AKIATFQR7NSC8Q4X20BJ", samples.to_str().unwrap(), "-t", "json", "-q"];
    let output = demo.command(&arguments).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["nodes"].as_array().unwrap().len() > 5, "{document}");
    assert!(document["nodes"][0]["events"].as_u64().unwrap() > 2000);
}
