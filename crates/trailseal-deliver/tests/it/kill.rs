//! A process that is killed while events come in and are delivered.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::journal::disk::Disk;
use trailseal_deliver::journal::{Journal, JournalOptions};
use trailseal_deliver::live::{Deliverer, Due, Round};

use crate::support::*;

const FOLDER: &str = "TRAILSEAL_TEST_KILL_FOLDER";
const ROUND: &str = "TRAILSEAL_TEST_KILL_ROUND";
const ROUNDS: u64 = 20;

/// A clock on which 20 seconds pass in a second.
fn now() -> i64 {
    T0 + (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() / 50 % 1_000_000) as i64
}

fn trails(started: i64) -> Vec<DeliveredTrail> {
    let mut single = trail("single");
    single.multi_region = false;
    let mut all = vec![trail("every"), single];
    for trail in &mut all {
        trail.logging_since = started * 1000;
    }
    all
}

/// Does nothing unless [`a_killed_process_loses_nothing`] runs it in a process of its own.
#[test]
fn a_process_to_be_killed() {
    let (Ok(folder), Ok(round)) = (std::env::var(FOLDER), std::env::var(ROUND)) else { return };
    let folder = Path::new(&folder);
    let round: u64 = round.parse().unwrap();
    let started: i64 = fs::read_to_string(folder.join("_trailseal/started")).unwrap().parse().unwrap();
    let options = JournalOptions { segment_bytes: 32 << 10, ..JournalOptions::default() };
    let journal = Arc::new(Journal::open(&folder.join("_trailseal/journal"), options).unwrap());
    for sender in 0..2_u64 {
        let journal = Arc::clone(&journal);
        let mut acknowledged = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(format!("_trailseal/acknowledged-{sender}")))
            .unwrap();
        thread::spawn(move || {
            for batch in 0.. {
                let first = (round * 2 + sender) * 1_000_000 + batch * 5;
                let received = journal.time(now() * 1000);
                let region = |number: u64| REGIONS[(number % 3) as usize];
                let entries: Vec<_> = (first..first + 5).map(|n| entry(n, region(n), received)).collect();
                journal.append(&entries).unwrap();
                // in one call: a kill must not leave half a line
                acknowledged.write_all(format!("{first}\n").as_bytes()).unwrap();
            }
        });
    }
    let mut options = options_of(folder);
    options.delivery_interval = 0;
    let mut deliverer = Deliverer::open(options).unwrap();
    loop {
        let until = journal.end();
        let trails = trails(started);
        let round = Round { journal: &journal, until, trails: &trails, now: time(now()), due: Due::ByTime };
        let outcome = deliverer.tick(&round, &wants);
        assert!(outcome.trails.iter().all(|t| t.delivery_error.is_none() && t.digest_error.is_none()));
        journal.release(outcome.delivered).unwrap();
    }
}

fn options_of(folder: &Path) -> trailseal_deliver::live::LiveOptions {
    let mut options = options(folder, Disk::default());
    options.digest_interval = 3;
    options
}

#[test]
fn a_killed_process_loses_nothing() {
    let folder = data_folder();
    let started = now();
    fs::write(folder.path().join("_trailseal/started"), started.to_string()).unwrap();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::a_process_to_be_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(ROUND, round.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // long enough to get somewhere, and another place every time
        thread::sleep(Duration::from_millis(90 + round * 37 % 230));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "round {round}: the process ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut world = World::open(folder.path(), Disk::default());
    let trails = trails(started);
    let end = now() + 100;
    world.good_tick(&trails, end);
    world.good_tick(&[], end + 1);
    let mut acknowledged = Vec::new();
    for sender in 0..2 {
        let text =
            fs::read_to_string(folder.path().join(format!("_trailseal/acknowledged-{sender}"))).unwrap();
        for line in text.lines() {
            let first: u64 = line.parse().unwrap();
            acknowledged.extend(first..first + 5);
        }
    }
    assert!(acknowledged.len() > 100, "only {} events", acknowledged.len());
    for trail in &trails {
        let found: BTreeSet<u64> = delivered(folder.path(), trail).into_iter().collect();
        let is_wanted = |number: &&u64| trail.multi_region || number.is_multiple_of(3);
        let missing: Vec<_> =
            acknowledged.iter().filter(is_wanted).filter(|number| !found.contains(number)).collect();
        assert!(missing.is_empty(), "{}: {} of {} are lost", trail.name, missing.len(), acknowledged.len());
    }
    let report = report(folder.path());
    assert_eq!(weighty(&report), Vec::<String>::new());
    assert!(report.totals.digests.verified > 20, "{:?}", report.totals);
}
