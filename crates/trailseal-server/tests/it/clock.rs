//! A clock that goes back, and one that jumps ahead.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value, json};
use trailseal_evidence::{
    Options, Silent, keys,
    report::{Code, Finding, Severity},
    verify,
};
use trailseal_server::{
    Caller, CallerIdentity, CloudTrail, Context, Local, LocalOptions, Lookups, Operation, Service, Timestamp,
};
use trailseal_verify::KeyRing;

use crate::client::NOW;

const ACCOUNT: &str = "123456789012";
const HOUR: i64 = 3_600_000;

struct Trails {
    local: Arc<Local>,
    cloudtrail: CloudTrail,
}

impl Trails {
    fn open(folder: &Path) -> Self {
        let mut options = LocalOptions::new(folder);
        (options.delivery_interval, options.digest_interval) = (1, 2);
        let local = Arc::new(Local::open(&options).unwrap());
        let recent = Arc::clone(local.recent());
        let lookups = Lookups::new(vec![recent], Some(ACCOUNT.to_owned()), None);
        Self { cloudtrail: CloudTrail::new(lookups, None, Some(Arc::clone(&local))), local }
    }

    fn call(&self, now: i64, operation: Operation, input: Value) -> Value {
        let source = Ipv4Addr::LOCALHOST.into();
        let context = Context {
            request_id: "request".to_owned(),
            access_key: None,
            identity: CallerIdentity::of_key(None, "111122223333", "us-east-1"),
            user_agent: None,
            source,
        };
        let now = Timestamp::from_millis(now);
        let caller = Caller { account: ACCOUNT.to_owned(), region: "us-east-1".to_owned(), now };
        self.cloudtrail.call(&context, &caller, operation, input).unwrap().into_value()
    }

    fn tick(&self, now: i64) {
        assert_eq!(self.local.tick(Timestamp::from_millis(now)), []);
    }
}

#[test]
fn every_call_is_delivered_once_whatever_the_clock_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut trails = Trails::open(folder.path());
    let name = || json!({ "Name": "audit" });
    let create = json!({ "Name": "audit", "S3BucketName": "audit-logs", "EnableLogFileValidation": true });
    trails.call(NOW, Operation::CreateTrail, create);
    trails.call(NOW, Operation::StartLogging, name());
    let mut calls = 0;
    // stopped and started again while the clock is behind, and once more by another process
    for (turn, step) in [0, 3, -5 * HOUR, -5 * HOUR + 2500, HOUR, -48 * HOUR, 9000].into_iter().enumerate() {
        let now = NOW + step;
        for _ in 0..5 {
            trails.call(now, Operation::GetTrail, name());
            calls += 1;
        }
        trails.tick(now);
        if turn % 2 == 1 {
            trails.call(now - 1, Operation::StopLogging, name());
            trails.call(now - HOUR, Operation::StartLogging, name());
        }
        if turn == 4 {
            drop(trails);
            trails = Trails::open(folder.path());
        }
    }
    assert_eq!(trails.local.close(Timestamp::from_millis(NOW - 7 * HOUR)), []);
    let (mut found, mut sidecars) = (0, 0);
    for path in files(&folder.path().join("audit-logs")) {
        let name = path.to_str().unwrap();
        if name.ends_with(".metadata.json") {
            sidecars += 1;
        } else if name.contains("/CloudTrail/") {
            let (text, _, _) =
                trailseal_archive::gzip::inflate_all(std::fs::File::open(&path).unwrap(), 1 << 24).unwrap();
            let document: Value = serde_json::from_slice(&text).unwrap();
            let records = document["Records"].as_array().unwrap();
            found += records.iter().filter(|record| record["eventName"] == "GetTrail").count();
        }
    }
    assert_eq!(found, calls);
    let published = keys::load(&[folder.path().join("_trailseal/keys/public-keys.json")]).unwrap();
    let options = Options {
        roots: vec![folder.path().join("audit-logs")],
        keys: KeyRing::new(published.content.keys),
        ..Options::default()
    };
    let report = verify(&options, &Silent, &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    // that the trail was stopped is said, whatever explains it
    let is_weighty = |found: &&Finding| found.severity != Severity::Note && found.code != Code::Gap;
    let weighty: Vec<_> = report.findings.iter().filter(is_weighty).collect();
    assert!(weighty.is_empty(), "{weighty:?}");
    // no digest took the name of another one
    assert_eq!(report.totals.digests.verified, sidecars);
    assert!(sidecars > 4, "{sidecars}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
