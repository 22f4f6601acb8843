//! Random streams of events over several trails and Regions.

use proptest::prelude::*;
use serde_json::json;
use trailseal_archive::trail::DeliveredTrail;
use trailseal_evidence::report::Verdict;

use crate::support::*;

#[derive(Clone, Debug)]
enum Act {
    /// Events by Region, and whether they are global ones.
    Append(Vec<(usize, bool)>),
    Tick(i64),
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::collection::vec((0..3_usize, any::<bool>()), 1..6).prop_map(Act::Append),
        4 => (-20..15_i64).prop_map(Act::Tick),
        1 => Just(Act::Reopen),
    ]
}

fn trails() -> impl Strategy<Value = Vec<DeliveredTrail>> {
    let one = (0..3_usize, any::<bool>(), any::<bool>(), any::<bool>(), 1..4_u64, any::<bool>());
    prop::collection::vec(one, 1..4).prop_map(|list| {
        let number = 0..;
        let make = |(number, (home, multi, global, validation, every, shared)): (
            usize,
            (usize, bool, bool, bool, u64, bool),
        )| {
            let name = format!("trail_{number}");
            let mut trail = trail(&name);
            // trails with digests may share a bucket; without, only the bucket tells whose a log is
            if shared && validation {
                trail.bucket = "shared-bucket".to_owned();
            }
            trail.arn = format!("arn:aws:cloudtrail:{}:{ACCOUNT}:trail/{name}", REGIONS[home]);
            trail.home_region = REGIONS[home].to_owned();
            trail.multi_region = multi;
            trail.include_global_service_events = global;
            trail.validation = validation;
            trail.selectors = json!({ "every": every });
            trail
        };
        number.zip(list).map(make).collect()
    })
}

/// By the rules of docs/spec/selectors-and-insights.md 3.3, said in another way than the deliverer does.
fn is_wanted(trail: &DeliveredTrail, number: u64, region: &str, is_iam: bool) -> bool {
    let is_global = is_iam && region == "us-east-1";
    if is_global && !trail.include_global_service_events {
        return false;
    }
    let every = trail.selectors["every"].as_u64().unwrap();
    (trail.multi_region || trail.home_region == region) && number.is_multiple_of(every)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_event_is_where_it_is_wanted_and_all_is_verified(
        trails in trails(), acts in prop::collection::vec(act(), 1..25),
    ) {
        let folder = data_folder();
        let mut world = World::open(folder.path(), no_sync());
        let mut events = Vec::new();
        let mut now = T0;
        for act in acts {
            match act {
                Act::Append(list) => {
                    let received = world.journal.time(now * 1000);
                    let batch: Vec<_> = list.iter().map(|(region, is_iam)| {
                        let number = events.len() as u64;
                        events.push((number, REGIONS[*region], *is_iam));
                        let source = if *is_iam { "iam.amazonaws.com" } else { "s3.amazonaws.com" };
                        entry_of(number, REGIONS[*region], received, source)
                    }).collect();
                    world.append(&batch);
                }
                Act::Tick(seconds) => {
                    // the clock goes back at times, but not before the start
                    now = (now + seconds).max(T0);
                    world.good_tick(&trails, now);
                }
                Act::Reopen => {
                    drop(world);
                    world = World::open(folder.path(), no_sync());
                }
            }
        }
        world.good_tick(&trails, now);
        world.good_tick(&[], now + 1);
        for trail in &trails {
            let wanted: Vec<u64> =
                events.iter().filter(|(n, region, iam)| is_wanted(trail, *n, region, *iam)).map(|e| e.0).collect();
            prop_assert_eq!(delivered(folder.path(), trail), wanted, "{:?}", trail);
        }
        if trails.iter().any(|trail| trail.validation) {
            let report = report(folder.path());
            let uncovered = |finding: &String| {
                trails.iter().any(|t| !t.validation) && (finding.starts_with("log_") || finding.starts_with("no_digests") || finding.starts_with("coverage"))
            };
            let weighty: Vec<_> = weighty(&report).into_iter().filter(|f| !uncovered(f)).collect();
            prop_assert_eq!(weighty, Vec::<String>::new());
            prop_assert!(report.verdict == Verdict::Verified || trails.iter().any(|t| !t.validation));
        }
    }
}
