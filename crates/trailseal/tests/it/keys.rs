//! `trailseal keys`.

use std::fs;

use insta::assert_snapshot;

use crate::demo::Demo;

#[test]
fn keys_are_listed() {
    let demo = Demo::new();
    assert_snapshot!(demo.run("keys keys"));
    assert_snapshot!("keys_json", demo.run("keys keys --format json"));
    assert_snapshot!("keys_jsonl", demo.run("keys keys/public-keys-eu-west-1.json -t jsonl"));
}

#[test]
fn defects_are_listed_and_are_status_2() {
    let demo = Demo::new();
    fs::write(
        demo.path("keys/b\u{1b}ad.pem"),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
    )
    .unwrap();
    fs::write(demo.path("keys/notes.txt"), "").unwrap();
    assert_snapshot!(demo.run("keys keys"));
    let run = demo.run("keys keys -t jsonl");
    assert_eq!(run.status, Some(2));
    assert_eq!(run.lines().iter().filter(|line| line["type"] == "defect").count(), 1);
    assert_eq!(demo.run("keys nowhere").status, Some(2));
}
