//! When what happens where: windows, traffic, and which key is current.

use std::collections::BTreeSet;

use trailseal_archive::Timestamp;

use crate::options::Options;
use crate::random::{Rng, derive_u64};
use crate::records::account_ids;

/// The length of a digest's window.
pub(crate) const HOUR: i64 = 3600;
/// A key is valid so long before and after its use.
const KEY_MARGIN: i64 = 24 * HOUR;

/// An archive's timetable.
pub(crate) struct Plan {
    pub(crate) accounts: Vec<String>,
    pub(crate) chains: Vec<Chain>,
    pub(crate) segments: Vec<Segment>,
    /// The hour in which the story of the stolen key happens.
    pub(crate) story_hour: Option<u32>,
    /// When logging first starts.
    pub(crate) first: Timestamp,
    rotation: Option<i64>,
    events_per_hour: u64,
    empty_every: u32,
    seed: u64,
}

/// One account in one region.
pub(crate) struct Chain {
    pub(crate) account: usize,
    pub(crate) region: usize,
    pub(crate) home: String,
    /// Whether global services deliver here.
    pub(crate) global: bool,
    /// Busier or quieter than the average, in thousandths.
    share: u64,
    /// The hours (from logging start) that get a backfill digest, with the time at which it is made.
    pub(crate) backfill: Vec<(u32, Timestamp)>,
    /// Start and stop of the trail are recorded here.
    pub(crate) records_trail: bool,
}

/// A time of uninterrupted logging.
pub(crate) struct Segment {
    pub(crate) start: Timestamp,
    /// Counted from the first start.
    pub(crate) first_hour: u32,
    pub(crate) hours: u32,
    /// Whether logging is stopped at its end.
    pub(crate) stopped: bool,
}

impl Segment {
    /// The start of the window of an hour, counted from the segment's start.
    pub(crate) fn window(&self, hour: u32) -> Timestamp {
        self.start.plus(i64::from(hour) * HOUR)
    }
}

impl Plan {
    /// The timetable for options that have been checked.
    pub(crate) fn new(options: &Options) -> Self {
        let seed = options.seed;
        let on_the_hour = options.start.epoch() % HOUR == 0;
        let offset = Rng::new(derive_u64(seed, &["minute"])).between(61, HOUR - 61);
        let first = options.start.plus(if on_the_hour { offset } else { 0 });
        let mut plan = Self {
            accounts: account_ids(seed, options.accounts as usize),
            chains: Vec::new(),
            segments: segments(options, first),
            story_hour: None,
            first,
            rotation: (options.rotate_keys_hours > 0).then(|| i64::from(options.rotate_keys_hours) * HOUR),
            events_per_hour: options.events_per_hour.into(),
            empty_every: options.empty_every,
            seed,
        };
        plan.chains = plan.make_chains(options);
        let busy: Vec<u32> = plan.hours().filter(|hour| !plan.is_empty_hour(*hour)).collect();
        if options.events_per_hour > 0 {
            plan.story_hour = busy.get(busy.len() * 2 / 5).copied();
        }
        plan
    }

    fn make_chains(&self, options: &Options) -> Vec<Chain> {
        let shares = shares(options);
        let regions = options.regions.len();
        let global_region =
            options.regions.iter().position(|region| region == "us-east-1").unwrap_or_else(|| {
                let home = options.home_of(&options.regions[0]);
                options.regions.iter().position(|region| region == home).unwrap_or(0)
            });
        let mut chains: Vec<Chain> = (0..self.accounts.len() * regions)
            .map(|at| {
                let (account, region) = (at / regions, at % regions);
                let home = options.home_of(&options.regions[region]).to_owned();
                Chain {
                    account,
                    region,
                    global: region == global_region,
                    share: shares[region],
                    backfill: Vec::new(),
                    // the management account owns the organization's trail
                    records_trail: home == options.regions[region]
                        && (options.organization_id.is_none() || account == 0),
                    home,
                }
            })
            .collect();
        // spread over chains first, then over the hours of each
        let hours: Vec<u32> = self.hours().collect();
        let (count, backfill) = (chains.len(), options.backfill as usize);
        for (at, chain) in chains.iter_mut().enumerate() {
            let wanted = backfill / count + usize::from(at < backfill % count);
            for nth in 0..wanted {
                let hour = hours[(nth * hours.len() + hours.len() / 2) / wanted];
                let end = self.window_end(hour);
                let later = derive_u64(self.seed, &["backfill", &at.to_string(), &nth.to_string()]);
                chain.backfill.push((hour, end.plus(Rng::new(later).between(26 * HOUR, 50 * HOUR))));
            }
        }
        chains
    }

    /// All hours of logging, counted from the first start.
    pub(crate) fn hours(&self) -> impl Iterator<Item = u32> + '_ {
        self.segments.iter().flat_map(|segment| segment.first_hour..segment.first_hour + segment.hours)
    }

    fn window_end(&self, hour: u32) -> Timestamp {
        let segment = self.segments.iter().rev().find(|segment| segment.first_hour <= hour);
        segment.map_or(self.first, |segment| segment.window(hour - segment.first_hour + 1))
    }

    fn is_empty_hour(&self, hour: u32) -> bool {
        self.empty_every > 0 && (hour + 1).is_multiple_of(self.empty_every)
    }

    /// How many events a chain has in an hour (counted from the first start): more by day than by night,
    /// and never quite the same.
    pub(crate) fn events(&self, chain: &Chain, hour: u32) -> u64 {
        if self.is_empty_hour(hour) {
            return 0;
        }
        let noise = Rng::new(derive_u64(
            self.seed,
            &["traffic", &self.accounts[chain.account], &chain.region.to_string(), &hour.to_string()],
        ))
        .between(850, 1150) as u64;
        // a triangle over the day, its top at another hour in each region
        let hour_of_day = (self.first.epoch() / HOUR + i64::from(hour) + 9 * chain.region as i64) as u64 % 24;
        let day = 500 + hour_of_day.abs_diff(12) * 1000 / 12;
        let scaled = self.events_per_hour * chain.share * day * noise;
        (scaled + 500_000_000) / 1_000_000_000
    }

    /// The number of the key that is current at a time.
    pub(crate) fn key_at(&self, time: Timestamp) -> i64 {
        self.rotation.map_or(0, |rotation| time.since(self.first).div_euclid(rotation))
    }

    /// The numbers of the keys that sign something in a region.
    pub(crate) fn keys_of(&self, region: usize) -> BTreeSet<i64> {
        let standard = self.segments.iter().flat_map(|s| (0..=s.hours).map(|hour| s.window(hour)));
        let here = self.chains.iter().filter(|chain| chain.region == region);
        let late = here.flat_map(|chain| chain.backfill.iter().map(|(_, generated)| *generated));
        standard.chain(late).map(|time| self.key_at(time)).collect()
    }

    /// From when to when a key is valid.
    pub(crate) fn validity(&self, key: i64) -> (Timestamp, Timestamp) {
        let (from, to) = if let Some(rotation) = self.rotation {
            (self.first.plus(key * rotation), self.first.plus((key + 1) * rotation))
        } else {
            let made = self.chains.iter().flat_map(|chain| chain.backfill.iter().map(|(_, made)| *made));
            let ends = self.segments.iter().map(|segment| segment.window(segment.hours));
            (self.first, ends.chain(made).max().unwrap_or(self.first))
        };
        (from.plus(-KEY_MARGIN), to.plus(KEY_MARGIN))
    }
}

fn segments(options: &Options, first: Timestamp) -> Vec<Segment> {
    let Some(gap) = options.gap else {
        return vec![Segment { start: first, first_hour: 0, hours: options.hours, stopped: false }];
    };
    let resume = gap.at_hour + gap.hours;
    // whoever starts it again does so at another minute and second
    let later = Rng::new(derive_u64(options.seed, &["restart"])).between(61, HOUR - 61);
    let restart = first.plus(i64::from(resume) * HOUR + later);
    vec![
        Segment { start: first, first_hour: 0, hours: gap.at_hour, stopped: true },
        Segment { start: restart, first_hour: resume, hours: options.hours - resume, stopped: false },
    ]
}

/// How busy the regions are, in thousandths of the average.
fn shares(options: &Options) -> Vec<u64> {
    let home = options.home_of(&options.regions[0]);
    let weights: Vec<u64> = options
        .regions
        .iter()
        .map(|region| {
            let other = 400 + derive_u64(options.seed, &["share", region]) % 600;
            if region == home { 2000 } else { other }
        })
        .collect();
    let sum: u64 = weights.iter().sum();
    weights.iter().map(|weight| weight * weights.len() as u64 * 1000 / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::LoggingGap;

    fn options() -> Options {
        Options {
            regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
            accounts: 2,
            ..Options::default()
        }
    }

    #[test]
    fn traffic_averages_to_what_was_asked() {
        let options = Options { hours: 240, ..options() };
        let plan = Plan::new(&options);
        let total: u64 = plan.chains.iter().flat_map(|c| plan.hours().map(|h| plan.events(c, h))).sum();
        let expected = 240 * 4 * u64::from(options.events_per_hour);
        assert!(total.abs_diff(expected) < expected / 20, "{total} instead of {expected}");
        let of = |region: usize| -> u64 {
            let here = plan.chains.iter().filter(|c| c.region == region);
            here.flat_map(|c| plan.hours().map(|h| plan.events(c, h))).sum()
        };
        assert!(of(0) > of(1), "the home region is busier");
    }

    #[test]
    fn minutes_are_kept_when_given_and_drawn_when_not() {
        let given = Timestamp::parse_digest_field("2024-03-01T00:13:52Z").unwrap();
        assert_eq!(Plan::new(&Options { start: given, ..options() }).first, given);
        let drawn = Plan::new(&options()).first;
        assert!(drawn.epoch() % HOUR != 0 && drawn.since(options().start) < HOUR);
    }

    #[test]
    fn a_gap_parts_two_segments() {
        let plan = Plan::new(&Options { gap: Some(LoggingGap { at_hour: 5, hours: 3 }), ..options() });
        let [before, after] = &plan.segments[..] else { panic!("two segments") };
        assert!(before.stopped && !after.stopped);
        assert_eq!((before.hours, after.first_hour, after.hours), (5, 8, 16));
        let pause = after.start.since(before.window(5));
        assert!((3 * HOUR..4 * HOUR).contains(&pause) && pause % HOUR != 0);
    }

    #[test]
    fn keys_cover_what_they_sign() {
        let options = Options { rotate_keys_hours: 5, backfill: 3, ..options() };
        let plan = Plan::new(&options);
        assert_eq!(plan.chains.iter().map(|chain| chain.backfill.len()).sum::<usize>(), 3);
        for region in 0..2 {
            let keys = plan.keys_of(region);
            assert!(keys.len() >= 5);
            assert!(keys.contains(&plan.key_at(plan.window_end(23))));
        }
        let (from, to) = Plan::new(&Options::default()).validity(0);
        assert_eq!(to.since(from), 2_592_000, "30 days, as AWS's keys");
        let never = Plan::new(&Options { rotate_keys_hours: 0, hours: 8760, backfill: 1, ..self::options() });
        assert_eq!(never.keys_of(0).len(), 1);
        assert!(never.validity(0).1 > never.window_end(8759));
    }
}
