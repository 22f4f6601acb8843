//! A process that writes is killed at any moment; what it acknowledged is there, and nothing is half done.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use trailseal_trails::{Caller, DeliveryKind, Millis, NoteError, Operation, Store};

const PLACE: &str = "TRAILSEAL_CRASH_TEST_DATABASE";
const FULL: &str = "TRAILSEAL_FULL_DISK_TEST_DATABASE";
const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/trail";
const ROUNDS: usize = 25;

fn caller() -> Caller {
    Caller { account: "111122223333".to_owned(), region: "us-east-1".to_owned(), now: Millis::from_millis(0) }
}

/// The number of the last step that the database holds: two members of one call say it, and agree.
fn last_step(store: &Store) -> u64 {
    let list = store.call(&caller(), Operation::DescribeTrails, &json!({})).unwrap();
    let Some(trail) = list["trailList"].get(0) else { return 0 };
    let number = |text: &str| text[1..].parse::<u64>().unwrap();
    let Some(prefix) = trail["S3KeyPrefix"].as_str() else { return 0 };
    let bucket = trail["S3BucketName"].as_str().unwrap();
    assert_eq!(number(prefix), number(bucket.trim_start_matches("bucket-")));
    number(prefix)
}

/// Not a test by itself: what the other one runs and kills.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(PLACE) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    let create = json!({"Name": "trail", "S3BucketName": "bucket-s0"});
    let _exists_already = store.call(&caller(), Operation::CreateTrail, &create);
    let mut out = std::io::stdout();
    for step in last_step(&store) + 1.. {
        let input = json!({
            "Name": ARN, "S3KeyPrefix": format!("s{step}"), "S3BucketName": format!("bucket-s{step}"),
        });
        store.call(&caller(), Operation::UpdateTrail, &input).unwrap();
        writeln!(out, "acknowledged {step}").unwrap();
        out.flush().unwrap();
    }
}

/// Not a test by itself: it runs where files cannot grow.
#[test]
fn writer_of_a_full_disk() {
    let Some(path) = std::env::var_os(FULL) else { return };
    let store = Store::open(Path::new(&path)).unwrap();
    let create = json!({"Name": "trail", "S3BucketName": "bucket-s0"});
    store.call(&caller(), Operation::CreateTrail, &create).unwrap();
    let put = |store: &Store, size: usize| {
        let values: Vec<_> = (0..400).map(|number| format!("{number:0size$}")).collect();
        let fields = json!([
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
            {"Field": "eventName", "Equals": values},
        ]);
        let input = json!({"TrailName": "trail", "AdvancedEventSelectors": [{"FieldSelectors": fields}]});
        store.call(&caller(), Operation::PutEventSelectors, &input)
    };
    let selectors = |store: &Store| {
        store.call(&caller(), Operation::GetEventSelectors, &json!({"TrailName": "trail"})).unwrap()
    };
    put(&store, 3).unwrap();
    let before = selectors(&store);
    for _ in 0..3 {
        assert_eq!(put(&store, 2_048).unwrap_err().code.as_str(), "InternalFailure");
        assert_eq!(selectors(&store), before);
    }
    // now the file has room for the trail once, but not for it and its successor
    let fills = (1..20).rev().map(|hundreds| hundreds * 100).find(|size| put(&store, *size).is_ok());
    assert!(fills.is_some());
    let noted = store.note_delivery(ARN, DeliveryKind::Log, caller().now, Err("NoSpace".to_owned()));
    assert!(matches!(noted, Err(NoteError::Database { .. })), "{noted:?}");
    let status =
        |store: &Store| store.call(&caller(), Operation::GetTrailStatus, &json!({"Name": "trail"})).unwrap();
    assert_eq!(status(&store)["LatestDeliveryError"], "NoSpace");
    put(&store, 4).unwrap();
    assert_eq!(status(&store)["LatestDeliveryError"], "NoSpace");
    let after = selectors(&store);
    assert_ne!(after, before);
    drop(store);
    assert_eq!(selectors(&Store::open(Path::new(&path)).unwrap()), after);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trails.redb");
    // so that its size is known
    drop(Store::open(&path).unwrap());
    let blocks = std::fs::metadata(&path).unwrap().len() / 512;
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writer_of_a_full_disk", "--nocapture", "--test-threads=1"])
        .env(FULL, &path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("1 passed"), "under its name no test ran: {said}");
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    if std::env::var_os(PLACE).is_some() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trails.redb");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::writer", "--nocapture", "--test-threads=1"])
            .env(PLACE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut read = |left: usize, acknowledged: &mut u64| {
            let numbers = lines.by_ref().map_while(Result::ok);
            // the harness of the tests writes before the first one, on the same line
            let numbers = numbers.filter_map(|line| line.rsplit_once("acknowledged ")?.1.parse::<u64>().ok());
            for number in numbers.take(left) {
                assert_eq!(number, *acknowledged + 1);
                *acknowledged = number;
            }
        };
        // in the first rounds while the database is made or opened
        let wanted = round.saturating_sub(5) * 2;
        std::thread::sleep(std::time::Duration::from_millis(round as u64 % 5));
        read(wanted, &mut acknowledged);
        child.kill().unwrap();
        child.wait().unwrap();
        read(usize::MAX, &mut acknowledged);
        let store = Store::open(&path).unwrap();
        let last = last_step(&store);
        assert!(
            (acknowledged..=acknowledged + 1).contains(&last),
            "round {round}: {acknowledged} acknowledged, {last} there"
        );
        acknowledged = last;
    }
    assert!(acknowledged > 0);
}
