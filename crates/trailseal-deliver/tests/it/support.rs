//! A data folder with a journal and a deliverer, and what an outsider finds in it.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use trailseal_archive::Timestamp;
use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::journal::disk::{Disk, DiskFault, DiskStep, Faults};
use trailseal_deliver::journal::{Journal, JournalEntry, JournalOptions};
use trailseal_deliver::live::{Deliverer, Due, Folders, LiveOptions, Outcome, Round};
use trailseal_evidence::report::{Finding, Report, Severity};
use trailseal_evidence::{Options, Silent, keys, verify};
use trailseal_verify::KeyRing;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-1"];
/// 2024-03-01T00:00:00Z
pub(crate) const T0: i64 = 1_709_251_200;

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_epoch(seconds).unwrap()
}

/// A multi-Region trail of a bucket of its own that logs every event from `T0` on.
pub(crate) fn trail(name: &str) -> DeliveredTrail {
    DeliveredTrail {
        arn: format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{name}"),
        name: name.to_owned(),
        account: ACCOUNT.to_owned(),
        home_region: REGIONS[0].to_owned(),
        bucket: format!("bucket-{name}"),
        prefix: None,
        multi_region: true,
        include_global_service_events: true,
        validation: true,
        selectors: json!({"every": 1}),
        logging_since: T0 * 1000,
        logging_until: None,
        changed: T0 * 1000,
    }
}

/// Stands for selectors: events whose number is a multiple of `every`.
pub(crate) fn wants(trail: &DeliveredTrail, event: &[u8]) -> bool {
    let number = number_of(&serde_json::from_slice(event).unwrap());
    number.is_multiple_of(trail.selectors["every"].as_u64().unwrap())
}

pub(crate) fn number_of(event: &Value) -> u64 {
    event["eventID"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn entry(number: u64, region: &str, received: i64) -> JournalEntry {
    entry_of(number, region, received, "ec2.amazonaws.com")
}

pub(crate) fn entry_of(number: u64, region: &str, received: i64, source: &str) -> JournalEntry {
    let event = json!({
        "eventVersion": "1.11",
        "eventTime": time(received.div_euclid(1000) - 1).to_string(),
        "eventSource": source,
        "eventName": "RunInstances",
        "awsRegion": region,
        "eventID": number.to_string(),
    });
    JournalEntry::new(ACCOUNT, region, received, event.to_string().as_bytes()).unwrap()
}

pub(crate) fn options(data: &Path, disk: Disk) -> LiveOptions {
    let mut options = LiveOptions::new(Folders::below(data));
    options.delivery_interval = 1;
    options.digest_interval = 10;
    options.disk = disk;
    options
}

/// A data folder that has keys already, since making them is slow.
pub(crate) fn data_folder() -> tempfile::TempDir {
    static KEYS: OnceLock<tempfile::TempDir> = OnceLock::new();
    let made = KEYS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::open(folder.path(), Disk::default());
        world.deliverer = None;
        let mut with_regions = options(folder.path(), Disk::default());
        with_regions.regions = REGIONS.map(str::to_owned).to_vec();
        world.deliverer = Some(Deliverer::open(with_regions).unwrap());
        let outcome = world.tick(&[trail("keys")], T0);
        assert!(outcome.trails[0].digest_error.is_none(), "{outcome:?}");
        folder
    });
    let folder = tempfile::tempdir().unwrap();
    copy(&made.path().join("_trailseal/keys"), &folder.path().join("_trailseal/keys"));
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Leaves out syncs, which take nearly all the time and which no process that goes on can tell apart.
struct NoSync;

impl Faults for NoSync {
    fn before(&self, step: DiskStep, _: &Path) -> DiskFault {
        if is_sync(step) { DiskFault::Skip } else { DiskFault::None }
    }
}

pub(crate) fn is_sync(step: DiskStep) -> bool {
    matches!(step, DiskStep::Sync | DiskStep::SyncFolder)
}

pub(crate) fn no_sync() -> Disk {
    Disk::with_faults(Arc::new(NoSync))
}

pub(crate) struct World {
    pub(crate) journal: Journal,
    pub(crate) deliverer: Option<Deliverer>,
}

impl World {
    /// Only the deliverer uses `disk`.
    pub(crate) fn open(data: &Path, disk: Disk) -> Self {
        let journal_options =
            JournalOptions { segment_bytes: 4096, disk: no_sync(), ..JournalOptions::default() };
        Self {
            journal: Journal::open(&data.join("_trailseal/journal"), journal_options).unwrap(),
            deliverer: Deliverer::open(options(data, disk)).ok(),
        }
    }

    /// A call as the server makes it, with what was delivered released.
    pub(crate) fn tick(&mut self, trails: &[DeliveredTrail], now: i64) -> Outcome {
        self.tick_with(trails, now, Due::ByTime)
    }

    pub(crate) fn tick_with(&mut self, trails: &[DeliveredTrail], now: i64, due: Due) -> Outcome {
        let Some(deliverer) = &mut self.deliverer else { return Outcome::default() };
        let until = self.journal.end();
        let round = Round { journal: &self.journal, until, trails, now: time(now), due };
        let outcome = deliverer.tick(&round, &wants);
        self.journal.release(outcome.delivered).unwrap();
        outcome
    }

    /// The same, where nothing may fail.
    pub(crate) fn good_tick(&mut self, trails: &[DeliveredTrail], now: i64) -> Outcome {
        let outcome = self.tick(trails, now);
        for trail in &outcome.trails {
            assert!(trail.delivery_error.is_none() && trail.digest_error.is_none(), "{trail:?}");
        }
        outcome
    }

    pub(crate) fn append(&self, entries: &[JournalEntry]) {
        self.journal.append(entries).unwrap();
    }
}

pub(crate) fn report(data: &Path) -> Report {
    let key_file = data.join("_trailseal/keys");
    let loaded = keys::load(&[key_file]).unwrap();
    assert!(loaded.content.defects.is_empty(), "{:?}", loaded.content.defects);
    let options = Options {
        roots: vec![data.to_owned()],
        keys: KeyRing::new(loaded.content.keys),
        key_files: loaded.files,
        ..Options::default()
    };
    verify(&options, &Silent, &mut |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// What weighs in a report, as text.
pub(crate) fn weighty(report: &Report) -> Vec<String> {
    let weighs = |finding: &&Finding| finding.severity != Severity::Note;
    let text = |finding: &Finding| format!("{} {:?} {}", finding.code.text(), finding.key, finding.message);
    report.findings.iter().filter(weighs).map(text).collect()
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

pub(crate) fn json_of(path: &Path) -> Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Digest files of a trail, oldest first within a chain.
pub(crate) fn digests(data: &Path, trail: &DeliveredTrail) -> Vec<Value> {
    let is_digest = |path: &&PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".json.gz")
            && name.contains("_CloudTrail-Digest_")
            && name.contains(&format!("_{}_", trail.name))
    };
    files(data).iter().filter(is_digest).map(|path| json_of(path)).collect()
}

/// The events of all log files that a trail's digests name; or, without validation, of those in its bucket.
pub(crate) fn delivered(data: &Path, trail: &DeliveredTrail) -> Vec<u64> {
    let logs: BTreeSet<PathBuf> = if trail.validation {
        let digests = digests(data, trail);
        let named = digests.iter().flat_map(|digest| digest["logFiles"].as_array().unwrap());
        let path = |log: &Value| {
            data.join(log["s3Bucket"].as_str().unwrap()).join(log["s3Object"].as_str().unwrap())
        };
        named.map(path).collect()
    } else {
        files(&data.join(&trail.bucket)).into_iter().collect()
    };
    let mut numbers = Vec::new();
    for log in logs {
        numbers.extend(json_of(&log)["Records"].as_array().unwrap().iter().map(number_of));
    }
    numbers.sort_unstable();
    numbers
}
