//! Counts by time.

use std::{
    collections::{BTreeMap, HashMap},
    str::FromStr,
};

use trailseal_archive::Timestamp;

use super::compare_keys;

/// Empty buckets are filled in up to this many buckets in all.
const MAX_FILLED: i64 = 100_000;
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
    /// The first second of the bucket that holds a time; buckets begin at midnight UTC, weeks on Mondays.
    fn start(self, time: Timestamp) -> i64 {
        (time.epoch() - self.origin).div_euclid(self.seconds) * self.seconds + self.origin
    }
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
    /// Without records.
    pub fn new(step: Step) -> Self {
        Self { step, all: BTreeMap::new(), series: HashMap::new(), untimed: 0, bytes: 0 }
    }

    /// One more record.
    pub fn add(&mut self, time: Option<Timestamp>) {
        match time {
            None => self.untimed += 1,
            Some(time) => *self.all.entry(self.step.start(time)).or_default() += 1,
        }
    }

    /// One more record with this value.
    pub fn add_value(&mut self, time: Option<Timestamp>, key: &[u8]) {
        let Some(time) = time else { return };
        if !self.series.contains_key(key) {
            self.bytes += key.len() as u64 + 100;
            self.series.insert(key.into(), BTreeMap::new());
        }
        let series = self.series.get_mut(key).expect("it was inserted if it was not there");
        let count = series.entry(self.step.start(time)).or_insert_with(|| {
            self.bytes += 24;
            0
        });
        *count += 1;
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
        let Self { step, all, series, untimed, .. } = self;
        let (starts, has_holes) = starts(&all, step);
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
fn starts(all: &StepCounts, step: Step) -> (Vec<i64>, bool) {
    let (Some((first, _)), Some((last, _))) = (all.first_key_value(), all.last_key_value()) else {
        return (Vec::new(), false);
    };
    let steps = (last - first) / step.seconds + 1;
    if steps > MAX_FILLED && steps > all.len() as i64 {
        return (all.keys().copied().collect(), true);
    }
    ((0..steps).map(|at| first + at * step.seconds).collect(), false)
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
        let mut histogram = Histogram::new(step.parse().unwrap());
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
    fn times_far_apart_do_not_fill_the_memory() {
        let bars = bars("1s", &["0000-01-01", "9999-12-31"]);
        assert_eq!((bars.buckets.len(), bars.has_holes), (2, true));
    }

    #[test]
    fn the_most_frequent_values_are_series() {
        let mut histogram = Histogram::new("1d".parse().unwrap());
        let mut other = Histogram::new("1d".parse().unwrap());
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
