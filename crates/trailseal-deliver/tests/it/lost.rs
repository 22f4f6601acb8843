//! States of trails that are lost, and what lies in buckets instead.

use std::{fs, path::Path};

use proptest::prelude::*;
use tempfile::TempDir;
use trailseal_archive::trail::DeliveredTrail;
use trailseal_deliver::live::{Due, RebuiltTrail};
use trailseal_evidence::report::Verdict;

use crate::support::*;

/// Loses all states, and tells them from the buckets.
fn lose(data: &Path, world: World, trails: &[DeliveredTrail]) -> (World, Vec<RebuiltTrail>) {
    drop(world);
    fs::remove_dir_all(data.join("_trailseal/delivery")).unwrap();
    let mut world = World::open(data, no_sync());
    let World { journal, deliverer } = &mut world;
    let deliverer = deliverer.as_mut().unwrap();
    let rebuilt = trails.iter().map(|trail| {
        assert!(!deliverer.knows(&trail.arn));
        deliverer.rebuild(trail, journal).unwrap()
    });
    let rebuilt = rebuilt.collect();
    (world, rebuilt)
}

/// A trail of which one event and its digest were delivered.
fn delivered_once() -> (TempDir, World, [DeliveredTrail; 1]) {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    world.append(&[entry(1, REGIONS[0], (T0 + 1) * 1000)]);
    world.good_tick(&trails, T0 + 2);
    world.tick_with(&trails, T0 + 3, Due::Everything);
    (folder, world, trails)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However far it was when its state was lost: every event is delivered once, and every chain goes on.
    #[test]
    fn a_trail_whose_state_is_lost_delivers_every_event_once(
        lost_at in prop::collection::btree_set(1_i64..40, 1..3),
        interval in 1..9_i64,
        validation in any::<bool>(),
        everything in any::<bool>(),
    ) {
        let folder = data_folder();
        let mut world = World::open(folder.path(), no_sync());
        let trails = [DeliveredTrail { validation, ..trail("audit") }];
        for second in 0..40 {
            if second % 3 < 2 {
                world.append(&[entry(second as u64, REGIONS[second as usize % 2], (T0 + second) * 1000)]);
            }
            if second % interval == 0 {
                world.good_tick(&trails, T0 + second);
            }
            if lost_at.contains(&second) {
                if everything {
                    world.tick_with(&trails, T0 + second, Due::Everything);
                }
                let before = files(&folder.path().join("bucket-audit"));
                let content: Vec<Vec<u8>> = before.iter().map(|path| fs::read(path).unwrap()).collect();
                let (lost, rebuilt) = lose(folder.path(), world, &trails);
                world = lost;
                prop_assert!(rebuilt[0].unreadable.is_empty(), "{:?}", rebuilt);
                world.good_tick(&trails, T0 + second);
                let after: Vec<Vec<u8>> = before.iter().map(|path| fs::read(path).unwrap()).collect();
                prop_assert_eq!(content, after, "nothing is written over");
            }
        }
        let outcome = world.good_tick(&[], T0 + 60);
        prop_assert!(outcome.trails[0].is_finished);
        let expected: Vec<u64> = (0..40).filter(|second| second % 3 < 2).collect();
        prop_assert_eq!(delivered(folder.path(), &trails[0]), expected);
        if validation {
            let report = report(folder.path());
            prop_assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
        }
    }
}

#[test]
fn a_trail_that_was_over_stays_so_when_its_state_is_lost() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let trails = [trail("audit")];
    world.append(&[entry(1, REGIONS[0], (T0 + 1) * 1000)]);
    world.good_tick(&trails, T0 + 2);
    let over = [DeliveredTrail { logging_until: Some((T0 + 3) * 1000), ..trails[0].clone() }];
    world.good_tick(&over, T0 + 5);
    let before = files(&folder.path().join("bucket-audit"));
    let (mut world, rebuilt) = lose(folder.path(), world, &over);
    assert_eq!((rebuilt[0].delivered, rebuilt[0].log_files, rebuilt[0].pending), (1, 1, 0));
    world.good_tick(&over, T0 + 100);
    assert_eq!(files(&folder.path().join("bucket-audit")), before);
}

#[test]
fn another_trail_s_log_files_are_not_taken_for_its_own() {
    let folder = data_folder();
    let mut world = World::open(folder.path(), no_sync());
    let shared = |name: &str| DeliveredTrail { bucket: "shared".to_owned(), ..trail(name) };
    let trails = [shared("one"), shared("two")];
    world.append(&[entry(1, REGIONS[0], (T0 + 1) * 1000)]);
    world.good_tick(&trails, T0 + 2);
    world.tick_with(&trails, T0 + 3, Due::Everything);
    let (mut world, rebuilt) = lose(folder.path(), world, &trails);
    assert_eq!(rebuilt.iter().map(|one| (one.delivered, one.pending)).collect::<Vec<_>>(), [(1, 0), (1, 0)]);
    world.good_tick(&[], T0 + 60);
    for trail in &trails {
        assert_eq!(delivered(folder.path(), trail), [1]);
    }
    assert_eq!(report(folder.path()).verdict, Verdict::Verified);
}

#[test]
fn a_digest_without_its_signature_is_followed_by_a_new_chain_and_not_written_over() {
    let (folder, world, trails) = delivered_once();
    let sidecars = files(&folder.path().join("bucket-audit"));
    for sidecar in sidecars.iter().filter(|path| path.to_str().unwrap().ends_with(".metadata.json")) {
        fs::remove_file(sidecar).unwrap();
    }
    let before = digests(folder.path(), &trails[0]);
    let (mut world, rebuilt) = lose(folder.path(), world, &trails);
    assert!(rebuilt[0].chains.is_empty());
    world.good_tick(&[], T0 + 60);
    let after = digests(folder.path(), &trails[0]);
    assert!(before.iter().all(|digest| after.contains(digest)) && after.len() > before.len());
    assert_eq!(delivered(folder.path(), &trails[0]), [1]);
}

#[test]
fn public_keys_whose_own_files_are_lost_are_kept_and_told() {
    let (folder, world, _) = delivered_once();
    drop(world);
    let private = folder.path().join("_trailseal/keys/private");
    let count = files(&private).len();
    fs::remove_dir_all(&private).unwrap();
    let mut world = World::open(folder.path(), no_sync());
    assert_eq!(world.deliverer.as_ref().unwrap().orphaned_keys(), count);
    world.append(&[entry(2, REGIONS[0], (T0 + 4) * 1000)]);
    world.good_tick(&[], T0 + 60);
    let report = report(folder.path());
    assert_eq!((report.verdict, weighty(&report)), (Verdict::Verified, vec![]));
}
