//! Counts by time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    str::FromStr,
};

use trailseal_archive::Timestamp;

use super::compare_keys;
use crate::zone::Zone;

/// Empty buckets are filled in up to this many buckets in all.
const MAX_FILLED: i64 = 100_000;
/// Clocks never show more of these again in one go.
const MAX_STEPS: i64 = 100;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
const WEEK: i64 = 7 * DAY;
/// The first Monday at or before 1970-01-01, a Thursday.
const MONDAY: i64 = -3 * DAY;

/// How many records, by the first second of the bucket.
type StepCounts = BTreeMap<i64, u64>;

/// The width of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    seconds: i64,
    origin: i64,
}

/// Why a text is no width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number and s, m, h, d or w is needed, as 15m, 1h or 1d")]
pub struct StepError;

/// Counts in the making.
#[derive(Debug)]
pub struct Histogram {
    step: Step,
    zone: Zone,
    all: StepCounts,
    series: HashMap<Box<[u8]>, StepCounts>,
    untimed: u64,
    bytes: u64,
}

/// The counts, in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Bars {
    /// The buckets' first seconds, and how many records they hold.
    pub buckets: Vec<(Timestamp, u64)>,
    /// The most frequent values, the most frequent first, with a count for every bucket.
    pub series: Vec<Series>,
    /// The counts of all other values, if there are any.
    pub others: Option<Vec<u64>>,
    /// Records without a time.
    pub untimed: u64,
    /// Whether empty buckets were left out because there are too many.
    pub has_holes: bool,
}

/// The counts of one value.
#[derive(Debug, PartialEq, Eq)]
pub struct Series {
    /// Its key.
    pub key: Box<[u8]>,
    /// One for every bucket.
    pub counts: Vec<u64>,
}

impl Step {
    /// What clocks show at the first second of the bucket in which they show this; buckets begin at midnight, weeks on Mondays.
    fn floor(self, shown: i64) -> i64 {
        (shown - self.origin).div_euclid(self.seconds) * self.seconds + self.origin
    }

    /// The first second of the bucket that holds a time.
    ///
    /// Buckets are as long as clocks say: a day on which they are set is one, of 23 or 25 hours. Those of an hour and less that
    /// clocks show twice are two.
    fn start(self, zone: &Zone, time: Timestamp) -> i64 {
        let offset = zone.offset(time);
        let floor = self.floor(time.epoch() + offset);
        if self.seconds <= HOUR {
            let start = Timestamp::from_epoch(floor - offset);
            if start.is_none_or(|start| zone.offset(start) == offset) {
                return floor - offset;
            }
        }
        if zone.is_utc() {
            return floor;
        }
        let earliest = zone.shown_at(floor).earliest().epoch();
        if self.seconds > HOUR || earliest >= time.epoch() {
            return earliest;
        }
        // Clocks were set within the bucket. What they showed right before belongs to it, or it begins with the change.
        let has_offset = |at: i64| Timestamp::from_epoch(at).is_some_and(|at| zone.offset(at) == offset);
        let set = first(earliest, time.epoch(), &has_offset);
        let before = Timestamp::from_epoch(set - 1).map(|before| self.floor(zone.shown(before)));
        if before == Some(floor) { earliest } else { set }
    }

    /// The first second of the bucket after that which begins with this one.
    fn next(self, zone: &Zone, start: i64) -> Option<i64> {
        let moment = |seconds| Timestamp::from_epoch(0).map(|epoch| epoch.plus(seconds));
        let floor = self.floor(zone.shown(moment(start)?));
        // Behind what clocks leave out or show twice, the next bucket may not be a step away.
        let mut steps = (1..=MAX_STEPS).map(|steps| steps * self.seconds);
        if self.seconds <= HOUR {
            let begins_at = |at: i64| moment(at).map(|at| self.start(zone, at));
            let (at, next) = steps.find_map(|ahead| {
                begins_at(start + ahead).filter(|next| *next > start).map(|next| (start + ahead, next))
            })?;
            // Where clocks are set, a shorter one may lie between.
            if next == start + self.seconds {
                return Some(next);
            }
            Some(first(start, at, &|at| begins_at(at).is_some_and(|begin| begin > start)))
        } else {
            steps.find_map(|ahead| {
                let next = zone.shown_at(floor + ahead).earliest().epoch();
                (next > start).then_some(next)
            })
        }
    }
}

/// The first second behind `before` for which `holds`, which does so from there to `at`.
fn first(before: i64, at: i64, holds: &dyn Fn(i64) -> bool) -> i64 {
    let (mut before, mut at) = (before, at);
    while at - before > 1 {
        let middle = before + (at - before) / 2;
        if holds(middle) {
            at = middle;
        } else {
            before = middle;
        }
    }
    at
}

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[digits.len()..] {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            "d" => DAY,
            "w" => WEEK,
            _ => return Err(StepError),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(StepError);
        }
        let number: i64 = digits.parse().map_err(|_| StepError)?;
        let seconds = number.checked_mul(unit).filter(|seconds| (1..=1000 * 366 * DAY).contains(seconds));
        let origin = if unit == WEEK { MONDAY } else { 0 };
        Ok(Self { seconds: seconds.ok_or(StepError)?, origin })
    }
}

impl Histogram {
    /// Without records; with steps of what the clocks of a zone show.
    pub fn new(step: Step, zone: Zone) -> Self {
        Self { step, zone, all: BTreeMap::new(), series: HashMap::new(), untimed: 0, bytes: 0 }
    }

    /// One more record.
    pub fn add(&mut self, time: Option<Timestamp>) {
        self.add_many(time, 1);
    }

    /// So many more, of the same bucket, of which one has this time.
    pub fn add_many(&mut self, time: Option<Timestamp>, count: u64) {
        match time {
            None => self.untimed += count,
            Some(time) => *self.all.entry(self.bucket(time)).or_default() += count,
        }
    }

    /// The first second of the bucket that holds a time, since 1970.
    pub fn bucket(&self, time: Timestamp) -> i64 {
        self.step.start(&self.zone, time)
    }

    /// One more record with this value.
    pub fn add_value(&mut self, time: Option<Timestamp>, key: &[u8]) {
        self.add_value_many(time, key, 1);
    }

    /// So many more records with this value, of the same bucket, of which one has this time.
    pub fn add_value_many(&mut self, time: Option<Timestamp>, key: &[u8], more: u64) {
        let Some(time) = time else { return };
        if !self.series.contains_key(key) {
            self.bytes += key.len() as u64 + 100;
            self.series.insert(key.into(), BTreeMap::new());
        }
        let series = self.series.get_mut(key).expect("it was inserted if it was not there");
        let count = series.entry(self.step.start(&self.zone, time)).or_insert_with(|| {
            self.bytes += 24;
            0
        });
        *count += more;
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> u64 {
        self.bytes + self.all.len() as u64 * 24
    }

    /// Takes in another part.
    pub fn merge(&mut self, other: Self) {
        self.untimed += other.untimed;
        add_all(&mut self.all, other.all);
        for (key, counts) in other.series {
            self.bytes += key.len() as u64 + 100 + counts.len() as u64 * 24;
            add_all(self.series.entry(key).or_default(), counts);
        }
    }

    /// The counts, with the `top` most frequent values as series.
    pub fn finish(self, top: usize) -> Bars {
        let Self { step, zone, all, series, untimed, .. } = self;
        let (starts, has_holes) = starts(&all, step, &zone);
        let mut ranked: Vec<(u64, Box<[u8]>, StepCounts)> =
            series.into_iter().map(|(key, counts)| (counts.values().sum(), key, counts)).collect();
        ranked.sort_by(|(x, a, _), (y, b, _)| y.cmp(x).then_with(|| compare_keys(a, b)));
        let mut others: Option<StepCounts> = None;
        for (_, _, counts) in ranked.drain(top.min(ranked.len())..) {
            add_all(others.get_or_insert_default(), counts);
        }
        let spread = |counts: &StepCounts| -> Vec<u64> {
            starts.iter().map(|start| counts.get(start).copied().unwrap_or(0)).collect()
        };
        let earliest = Timestamp::from_epoch(0).unwrap_or_else(|| unreachable!("1970 is a year"));
        Bars {
            // A bucket may begin before the year 0: then it is said to begin with it.
            buckets: starts
                .iter()
                .zip(spread(&all))
                .map(|(start, count)| (earliest.plus(*start), count))
                .collect(),
            series: ranked
                .into_iter()
                .map(|(_, key, counts)| Series { key, counts: spread(&counts) })
                .collect(),
            others: others.as_ref().map(spread),
            untimed,
            has_holes,
        }
    }
}

/// The starts of all buckets from the first to the last, and whether the empty ones had to be left out.
fn starts(all: &StepCounts, step: Step, zone: &Zone) -> (Vec<i64>, bool) {
    let (Some((first, _)), Some((last, _))) = (all.first_key_value(), all.last_key_value()) else {
        return (Vec::new(), false);
    };
    let steps = (last - first) / step.seconds + 1;
    if steps > MAX_FILLED && steps > all.len() as i64 {
        return (all.keys().copied().collect(), true);
    }
    if zone.is_utc() {
        return ((0..steps).map(|at| first + at * step.seconds).collect(), false);
    }
    let filled = std::iter::successors(Some(*first), |start| step.next(zone, *start));
    // whatever was counted has its bucket
    let starts: BTreeSet<i64> = filled.take_while(|start| start <= last).chain(all.keys().copied()).collect();
    (starts.into_iter().collect(), false)
}

fn add_all(counts: &mut StepCounts, more: StepCounts) {
    if counts.is_empty() {
        *counts = more;
        return;
    }
    for (start, count) in more {
        *counts.entry(start).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::aggregate::push_part;

    fn time(text: &str) -> Option<Timestamp> {
        Timestamp::parse_loose(text).ok()
    }

    fn key(text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        push_part(&mut key, Some(text));
        key
    }

    fn bars(step: &str, times: &[&str]) -> Bars {
        bars_in("UTC", step, times)
    }

    fn bars_in(zone: &str, step: &str, times: &[&str]) -> Bars {
        let mut histogram = Histogram::new(step.parse().unwrap(), Zone::named(zone).unwrap());
        for text in times {
            histogram.add(time(text));
        }
        histogram.finish(8)
    }

    fn listed(bars: &Bars) -> Vec<String> {
        bars.buckets.iter().map(|(start, count)| format!("{start} {count}")).collect()
    }

    #[test]
    fn buckets_are_aligned_to_utc_and_empty_ones_are_there() {
        let bars =
            bars("1h", &["2024-03-01T05:59:59Z", "2024-03-01T08:00:00Z", "2024-03-01T05:00:00Z", "soon"]);
        assert_eq!(
            listed(&bars),
            [
                "2024-03-01T05:00:00Z 2",
                "2024-03-01T06:00:00Z 0",
                "2024-03-01T07:00:00Z 0",
                "2024-03-01T08:00:00Z 1"
            ]
        );
        assert_eq!(bars.untimed, 1);
    }

    #[test]
    fn weeks_begin_on_mondays_also_before_1970() {
        assert_eq!(
            listed(&bars("1w", &["2024-03-03T23:59:59Z", "2024-03-04"])),
            ["2024-02-26T00:00:00Z 1", "2024-03-04T00:00:00Z 1"]
        );
        assert_eq!(listed(&bars("1d", &["1969-12-31T23:00:00Z"])), ["1969-12-31T00:00:00Z 1"]);
        assert_eq!(listed(&bars("1w", &["0000-01-01"])), ["0000-01-01T00:00:00Z 1"]);
    }

    #[test]
    fn days_are_those_of_the_zone_also_when_clocks_are_set() {
        assert_eq!(
            listed(&bars_in(
                "Europe/Berlin",
                "1d",
                &["2024-03-30T22:59:59Z", "2024-03-30T23:00:00Z", "2024-04-01T12:00:00Z"]
            )),
            ["2024-03-29T23:00:00Z 1", "2024-03-30T23:00:00Z 1", "2024-03-31T22:00:00Z 1"]
        );
        assert_eq!(
            listed(&bars_in("Europe/Berlin", "1d", &["2024-10-26T22:00:00Z", "2024-10-28T22:59:59Z"])),
            ["2024-10-26T22:00:00Z 1", "2024-10-27T23:00:00Z 1"]
        );
        assert_eq!(
            listed(&bars_in("Europe/Berlin", "1w", &["2024-03-25", "2024-04-02", "2024-03-31T21:59:59Z"])),
            ["2024-03-24T23:00:00Z 2", "2024-03-31T22:00:00Z 1"]
        );
        // a day that clocks in Samoa never showed, and one that clocks in Cuba began twice
        assert_eq!(
            listed(&bars_in("Pacific/Apia", "1d", &["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"])),
            ["2011-12-29T10:00:00Z 1", "2011-12-30T10:00:00Z 1"]
        );
        assert_eq!(
            listed(&bars_in("America/Havana", "1d", &["2024-11-03T04:30:00Z", "2024-11-03T05:30:00Z"])),
            ["2024-11-03T04:00:00Z 2"]
        );
    }

    #[test]
    fn an_hour_that_clocks_show_twice_is_two_and_one_that_they_never_show_is_none() {
        assert_eq!(
            listed(&bars_in("Europe/Berlin", "1h", &["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"])),
            ["2024-10-27T00:00:00Z 1", "2024-10-27T01:00:00Z 1"]
        );
        assert_eq!(
            listed(&bars_in("Europe/Berlin", "1h", &["2024-03-31T00:30:00Z", "2024-03-31T01:30:00Z"])),
            ["2024-03-31T00:00:00Z 1", "2024-03-31T01:00:00Z 1"]
        );
        assert_eq!(
            listed(&bars_in("Europe/Berlin", "2h", &["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"])),
            ["2024-10-27T00:00:00Z 2"]
        );
        assert_eq!(
            listed(&bars_in("Asia/Kathmandu", "1h", &["2024-03-01T00:10:00Z", "2024-03-01T00:20:00Z"])),
            ["2024-02-29T23:15:00Z 1", "2024-03-01T00:15:00Z 1"]
        );
    }

    proptest! {
        #[test]
        fn buckets_of_a_zone_hold_every_event_once(
            times in prop::collection::vec(1_000_000_000_i64..1_800_000_000, 1..20),
            step in prop::sample::select(vec!["7m", "30m", "40m", "50m", "1h", "2h", "5h", "1d", "2d", "1w"]),
            zone in prop::sample::select(vec![
                "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Pacific/Apia", "Asia/Kathmandu",
            ]),
        ) {
            let zone = Zone::named(zone).unwrap();
            let step: Step = step.parse().unwrap();
            let mut histogram = Histogram::new(step, zone.clone());
            let times: Vec<Timestamp> = times.into_iter().filter_map(Timestamp::from_epoch).collect();
            for time in &times {
                histogram.add(Some(*time));
            }
            let bars = histogram.finish(8);
            prop_assert_eq!(bars.buckets.iter().map(|(_, count)| *count).sum::<u64>(), times.len() as u64);
            let starts: Vec<Timestamp> = bars.buckets.iter().map(|(start, _)| *start).collect();
            for start in &starts {
                // a bucket begins where the one of its own first second does
                prop_assert_eq!(step.start(&zone, *start), start.epoch());
            }
            for pair in starts.windows(2).filter(|_| !bars.has_holes) {
                prop_assert_eq!(step.start(&zone, pair[1].plus(-1)), pair[0].epoch(), "none is left out");
            }
            // a time is in the last bucket that has begun
            for time in times {
                let begun = starts.iter().rev().find(|start| **start <= time).unwrap();
                prop_assert_eq!(step.start(&zone, time), begun.epoch());
            }
        }
    }

    #[test]
    fn times_far_apart_do_not_fill_the_memory() {
        for zone in ["UTC", "Europe/Berlin"] {
            let bars = bars_in(zone, "1s", &["0000-01-01", "9999-12-31"]);
            assert_eq!((bars.buckets.len(), bars.has_holes), (2, true));
            let bars = bars_in(zone, "40w", &["0000-01-01", "9999-12-31T23:59:59Z"]);
            assert_eq!((bars.buckets.len(), bars.has_holes), (13_045, false), "{zone}");
        }
    }

    #[test]
    fn the_most_frequent_values_are_series() {
        let mut histogram = Histogram::new("1d".parse().unwrap(), Zone::utc());
        let mut other = Histogram::new("1d".parse().unwrap(), Zone::utc());
        for (at, (text, value)) in
            [("2024-03-01", "a"), ("2024-03-02", "b"), ("2024-03-02", "b"), ("2024-03-01", "c")]
                .iter()
                .enumerate()
        {
            let part = if at % 2 == 0 { &mut histogram } else { &mut other };
            part.add(time(text));
            part.add_value(time(text), &key(value));
        }
        histogram.merge(other);
        assert!(histogram.bytes() > 0);
        let bars = histogram.finish(2);
        let series = |at: usize| (bars.series[at].key.to_vec(), bars.series[at].counts.clone());
        assert_eq!((series(0), series(1)), ((key("b"), vec![0, 2]), (key("a"), vec![1, 0])));
        assert_eq!(bars.others, Some(vec![1, 0]));
    }

    #[test]
    fn widths() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3600), ("1d", DAY), ("2w", 2 * WEEK)] {
            assert_eq!(text.parse::<Step>().map(|step| step.seconds), Ok(seconds));
        }
        for text in ["", "h", "1", "0h", "-1h", "1y", "1.5h", "99999999999999999999d", "1 h", "é", "1é"] {
            assert_eq!(text.parse::<Step>(), Err(StepError), "{text}");
        }
    }
}
