//! The verdict on clean and damaged copies.

use std::fs;

use insta::assert_snapshot;

use crate::demo::{Demo, flip};

#[test]
fn a_clean_archive_is_verified() {
    let demo = Demo::new();
    assert_snapshot!(demo.verify(""));
    assert_snapshot!("clean_quiet", demo.verify("--quiet"));
    assert_eq!(demo.run("validate-logs -d archive --keys keys -q").stdout, demo.verify("-q").stdout);
}

#[test]
fn one_flipped_byte_is_found() {
    let demo = Demo::new();
    flip(&demo.a_log(), 200);
    let run = demo.verify("");
    assert_eq!(run.status, Some(1), "{run}");
    assert!(run.stdout.contains("#X###"), "{run}");
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("violation")).count(), 1, "{run}");
    assert!(run.stdout.lines().last().unwrap().starts_with("VIOLATED: 1 violation is proven"), "{run}");
}

#[test]
fn other_content_is_found() {
    let demo = Demo::new();
    fs::write(demo.a_log(), "{\"Records\":[]}").unwrap();
    assert_snapshot!(demo.verify(""));
}

#[test]
fn a_deleted_log_is_found() {
    let demo = Demo::new();
    fs::remove_file(demo.a_log()).unwrap();
    assert_snapshot!(demo.verify("--account 111122223333 --region us-east-1"));
}

#[test]
fn a_deleted_digest_and_an_altered_one_are_found() {
    let demo = Demo::new();
    fs::remove_file(demo.a_digest()).unwrap();
    let digests = demo.files("/444455556666/CloudTrail-Digest/eu-west-1/");
    fs::write(&digests[3], "{}").unwrap();
    assert_snapshot!(demo.verify(""));
}

#[test]
fn many_findings_of_one_kind_are_summed_up() {
    let demo = Demo::new();
    for log in demo.files("/111122223333/CloudTrail/us-east-1/") {
        fs::remove_file(log).unwrap();
    }
    assert_snapshot!(demo.verify("--account 111122223333 --region us-east-1"));
}

#[test]
fn without_signatures_nothing_is_proven() {
    let demo = Demo::new();
    let mut files = Vec::new();
    crate::demo::list(&demo.path("archive"), &mut files);
    for file in files.iter().filter(|file| file.to_string_lossy().ends_with(".metadata.json")) {
        fs::remove_file(file).unwrap();
    }
    assert_snapshot!(demo.verify(""));
    let run = demo.verify("-q --allow signature_unavailable --allow log_unproven");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.contains("allowed: signature_unavailable, log_unproven"), "{run}");
    assert!(run.stdout.contains("48 of 52 digest files"), "an allowed gap must not read as proven: {run}");
}

#[test]
fn the_wrong_keys_prove_nothing() {
    let demo = Demo::new();
    assert_snapshot!(
        demo.run("verify archive --keys keys/public-keys-eu-west-1.json --account 444455556666")
    );
}

#[test]
fn what_is_expected_and_absent_is_said() {
    let demo = Demo::new();
    let run = demo.verify("--expect-account 999999999999 --expect-region ap-south-1 --as-of 2024-03-05");
    assert_snapshot!(run);
}

#[test]
fn notes_are_counted_and_listed_on_demand() {
    let demo = Demo::new();
    let named = demo.a_log();
    let inflated = {
        let bytes = fs::read(&named).unwrap();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&*bytes), &mut text).unwrap();
        text
    };
    fs::write(named, inflated).unwrap();
    let run = demo.verify("");
    assert_eq!(run.status, Some(0), "{run}");
    assert!(run.stdout.starts_with("1 note not listed (--verbose)\n"), "{run}");
    assert!(demo.verify("-v").stdout.starts_with("note       stored_inflated"));
}

#[test]
fn a_baseline_notices_that_the_end_was_cut() {
    let demo = Demo::new();
    assert_eq!(demo.verify("--report before.json -q").status, Some(0));
    assert_eq!(demo.verify("--baseline before.json -q").status, Some(0));
    let digests = demo.files("/111122223333/CloudTrail-Digest/us-east-1/");
    fs::remove_file(digests.last().unwrap()).unwrap();
    let run = demo.verify("--baseline before.json");
    assert_eq!(run.status, Some(1), "{run}");
    assert!(run.stdout.contains("head_rolled_back"), "{run}");
}
