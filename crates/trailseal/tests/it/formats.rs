//! What programs read.

use std::fs;

use insta::assert_snapshot;
use serde_json::json;

use crate::demo::{Demo, Run};

/// A small part of the demo, so that the snapshot can be read.
const PART: &str = "--account 444455556666 --region eu-west-1 --to 2024-03-01T01:00:00Z";

#[test]
fn json_is_one_document() {
    let demo = Demo::new();
    let run = demo.verify("--format json");
    assert!(run.stdout.ends_with("}\n"));
    assert_eq!(run.json()["schema"], "trailseal.verify/1");
    assert_snapshot!(run);
}

#[test]
fn jsonl_lists_every_file() {
    let demo = Demo::new();
    assert_snapshot!(demo.verify(&format!("-t jsonl {PART}")));
    fs::remove_file(demo.a_log()).unwrap();
    let planted = demo
        .a_log()
        .with_file_name("111122223333_CloudTrail_us-east-1_20240301T0330Z_PlantedPlanted00.json.gz");
    fs::write(planted, "{}").unwrap();
    let (run, report) = (demo.verify("-t jsonl"), demo.verify("-t json").json());
    assert_eq!(run.status, Some(1));
    let count = |kind: &str, status: &str| {
        run.lines().iter().filter(|line| line["type"] == kind && line["status"] == status).count()
    };
    let (digests, logs) = (&report["totals"]["digests"], &report["totals"]["logs"]);
    assert_eq!(json!(count("digest", "verified")), digests["verified"]);
    assert_eq!(json!(count("log", "verified")), logs["verified"]);
    assert_eq!((count("log", "missing"), count("log", "unreferenced")), (1, 1));
    assert_eq!(logs["unreferenced"], 1);
    let of = |kind: &str| -> Vec<_> {
        let lines = run.lines();
        lines.into_iter().filter(|line| line["type"] == kind).collect()
    };
    assert_eq!(of("finding").len(), report["findings"].as_array().unwrap().len());
    assert_eq!(of("chain").len(), report["chains"].as_array().unwrap().len());
    assert_eq!(of("summary").len(), 1);
    assert_eq!(run.lines().last().unwrap()["totals"], report["totals"]);
}

#[test]
fn aws_is_the_text_of_the_reference() {
    let demo = Demo::new();
    assert_snapshot!(demo.verify(&format!("-t aws -v {PART}")));
    fs::remove_file(demo.a_log()).unwrap();
    let run = demo.verify("-t aws --account 111122223333 --region us-east-1");
    assert_snapshot!("aws_damaged", run);
}

#[test]
fn aws_knows_only_two_statuses() {
    let demo = Demo::new();
    let keys = "verify archive --keys keys/public-keys-eu-west-1.json --region us-east-1";
    assert_eq!(demo.run(keys).status, Some(3));
    assert_eq!(demo.run(&format!("{keys} -t aws")).status, Some(1));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let demo = Demo::new();
    fs::remove_file(demo.a_log()).unwrap();
    fs::write(demo.a_digest(), "{}").unwrap();
    for format in ["text", "json", "jsonl"] {
        let one = demo.verify(&format!("-t {format} --threads 1"));
        for more in ["--threads 2", "--threads 5", "--threads 2 --portable-hash"] {
            assert_eq!(demo.verify(&format!("-t {format} {more}")).stdout, one.stdout);
        }
    }
}

#[test]
fn figures_are_shown_only_when_asked_for() {
    let demo = Demo::new();
    let run = demo.verify("-t json --stats --threads 2");
    let document = run.json();
    assert_eq!(document["stats"]["threads"], 2);
    assert_eq!(document["stats"]["files"], 481);
    assert_eq!(document["stats"]["bytes_inflated"], document["totals"]["bytes_inflated"]);
    assert!(run.stderr.starts_with("stats: ") && run.stderr.contains("MB/s"), "{run}");
    assert!(demo.verify("-t json").json().get("stats").is_none());
    assert!(demo.verify("-t jsonl --stats").lines().last().unwrap().get("stats").is_some());
}

#[test]
fn metadata_from_one_file_serve_as_sidecars_do() {
    let demo = Demo::new();
    let mut manifest = serde_json::Map::new();
    let mut files = Vec::new();
    crate::demo::list(&demo.path("archive"), &mut files);
    for file in files {
        if let Some(digest) = file.to_string_lossy().strip_suffix(".metadata.json") {
            let key = digest.split_once("/example-audit-logs/").unwrap().1.to_owned();
            manifest.insert(key, serde_json::from_slice(&fs::read(&file).unwrap()).unwrap());
            fs::remove_file(&file).unwrap();
        }
    }
    assert_eq!(demo.verify("-q").status, Some(3));
    fs::write(demo.path("all.json"), serde_json::Value::from(manifest).to_string()).unwrap();
    let run = demo.verify("-q --metadata all.json");
    assert_eq!(run.status, Some(0), "{run}");
    let mut piped = demo.command(&["verify", "archive", "--keys", "keys", "-q", "--metadata", "-"]);
    piped.stdin(fs::File::open(demo.path("all.json")).unwrap());
    assert_eq!(Run::new("…", &piped.output().unwrap()).status, Some(0));
}

#[test]
fn trees_that_were_torn_apart_are_put_together_with_mappings() {
    let demo = Demo::new();
    fs::create_dir_all(demo.path("moved/AWSLogs")).unwrap();
    let account = "AWSLogs/444455556666";
    fs::rename(demo.path("archive/example-audit-logs").join(account), demo.path("moved").join(account))
        .unwrap();
    let run = demo.verify("-q --map s3://example-audit-logs=moved");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.contains("52 digest files"), "{run}");
}
