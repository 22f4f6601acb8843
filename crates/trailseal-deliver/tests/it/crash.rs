//! A disk that breaks at every step in turn.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::journal::disk::{Disk, DiskFault, DiskStep, Faults};

use crate::support::*;

struct FailAt {
    steps: AtomicUsize,
    at: usize,
    stays_broken: bool,
    after: Option<usize>,
}

impl Faults for FailAt {
    fn before(&self, kind: DiskStep, _: &Path) -> DiskFault {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        match self.after {
            _ if step < self.at || (step > self.at && !self.stays_broken) => {
                if is_sync(kind) {
                    DiskFault::Skip
                } else {
                    DiskFault::None
                }
            }
            Some(bytes) if step == self.at => DiskFault::After(bytes, full()),
            _ => DiskFault::Error(full()),
        }
    }
}

const WANTED: [u64; 9] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

fn both(second_stops: bool) -> Vec<DeliveredTrail> {
    let mut second = trail("second");
    second.bucket = "bucket-first".to_owned();
    second.selectors = json!({"every": 2});
    second.logging_until = second_stops.then_some((T0 + 13) * 1000);
    vec![trail("first"), second]
}

/// Two trails, two Regions, ends of windows, a stop.
fn story(world: &mut World) {
    let at = |number: u64, region: usize, second: i64| entry(number, REGIONS[region], (T0 + second) * 1000);
    world.append(&[at(0, 0, 0), at(1, 1, 0), at(2, 1, 1)]);
    world.tick(&both(false), T0 + 2);
    world.append(&[at(3, 0, 11), at(4, 0, 12), at(5, 1, 12)]);
    world.tick(&both(false), T0 + 12);
    world.tick(&both(true), T0 + 14);
    world.append(&[at(6, 0, 15), at(7, 0, 15), at(8, 1, 15)]);
    world.tick(&both(true), T0 + 25);
}

/// Every step would take minutes, most of it for making keys of their seeds: each test takes every 37th, and
/// begins at another one.
fn check(stays_broken: bool, after: Option<usize>, first: usize) {
    for at in (first..).step_by(37) {
        let folder = data_folder();
        let faults = Arc::new(FailAt { steps: AtomicUsize::new(0), at, stays_broken, after });
        let mut world = World::open(folder.path(), Disk::with_faults(faults.clone()));
        story(&mut world);
        // from here on nothing fails
        let steps = faults.steps.fetch_add(1 << 30, Ordering::SeqCst);
        if stays_broken {
            drop(world);
            world = World::open(folder.path(), no_sync());
        } else if world.deliverer.is_none() {
            continue;
        }
        let place = format!("step {at}, stays broken: {stays_broken}");
        let end = world.good_tick(&both(true), T0 + 30);
        assert!(end.trails.iter().any(|trail| trail.is_finished), "{place}: {end:?}");
        let outcome = world.good_tick(&[], T0 + 31);
        assert!(outcome.trails.iter().all(|trail| trail.is_finished), "{place}");
        let trails = both(true);
        let mut found = delivered(folder.path(), &trails[0]);
        found.dedup();
        assert_eq!(found, WANTED, "{place}");
        let mut found = delivered(folder.path(), &trails[1]);
        found.dedup();
        assert_eq!(found, [0, 2, 4], "{place}");
        let report = report(folder.path());
        assert_eq!(weighty(&report), Vec::<String>::new(), "{place}");
        let left: Vec<_> = files(&folder.path().join("bucket-first"))
            .into_iter()
            .filter(|path| path.extension().unwrap() == "tmp")
            .collect();
        assert_eq!(left, Vec::<std::path::PathBuf>::new(), "{place}");
        if steps <= at {
            assert!(at > 100, "only {steps} steps were seen");
            return;
        }
    }
}

#[test]
fn a_crash_at_any_step_loses_nothing() {
    check(true, None, 0);
}

#[test]
fn a_crash_in_the_middle_of_a_write_or_after_any_step_loses_nothing() {
    check(true, Some(37), 9);
}

#[test]
fn a_step_that_fails_once_is_made_up_for() {
    check(false, None, 18);
}

#[test]
fn a_step_that_is_done_and_said_to_have_failed_is_made_up_for() {
    check(false, Some(1 << 20), 27);
}
