//! Counting from the columns of an index: each different value is looked at once, and each event is two or three numbers.
//!
//! Events are counted by the numbers of their values, segment by segment, since each has numbers of its own. What was counted
//! becomes texts, and groups, when a thread is done or holds much.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hasher},
    ops::ControlFlow,
    sync::{Arc, LazyLock},
};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    index::{ColumnGroup, SegmentColumns},
    scan::ColumnRows,
};
use trailseal_query::{json::Value, record::PathValue};

use crate::{
    count::Asked,
    facts::{Many, Valued},
    fields::{Field, FieldColumn, FieldValue},
};

/// What is held before it becomes texts.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Combinations of numbers, at most, that are numbered; of steps of time there are fewer than 2^19 in a segment.
    codes: u64,
    /// Of these, at most so many have a place each, whether there is an event or not.
    dense: u64,
    /// Places and combinations after which what was counted becomes texts.
    held: usize,
    /// Segments, each with its columns, after which it does.
    segments: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { codes: 1 << 44, dense: 1 << 17, held: 1 << 20, segments: 2 }
    }
}

/// What of columns the fields of a question need.
#[derive(Debug)]
pub(crate) struct NeededColumns {
    pub(crate) groups: Vec<ColumnGroup>,
    /// Times are told apart by so many seconds, where any field tells of them.
    pub(crate) seconds: Option<i64>,
}

impl NeededColumns {
    /// `None` if a field is told by no column.
    pub(crate) fn of(asked: &Asked<'_>) -> Option<Self> {
        let mut needed = Self { groups: Vec::new(), seconds: None };
        for (_, field) in asked.fields() {
            match field.column()? {
                FieldColumn::Group(group) if needed.groups.contains(&group) => {}
                FieldColumn::Group(group) => needed.groups.push(group),
                // an hour is part of one day
                FieldColumn::Time(seconds) => {
                    needed.seconds = Some(needed.seconds.map_or(seconds, |known| known.min(seconds)));
                }
            }
        }
        Some(needed)
    }
}

/// What a thread counted of the events of some segments.
#[derive(Debug, Default)]
pub(crate) struct SegmentCounts {
    limits: Limits,
    by_segment: HashMap<usize, SegmentTally>,
}

/// What was counted of the events of one segment.
#[derive(Debug)]
struct SegmentTally {
    columns: Arc<SegmentColumns>,
    /// How many combinations of numbers there are; `None` if they are too many for a code.
    combinations: Option<u64>,
    buckets: Buckets,
    places: Places,
}

/// The steps of time that were met, numbered.
#[derive(Debug, Default)]
struct Buckets {
    numbers: HashMap<i64, u64>,
    last: Option<(i64, u64)>,
}

impl Buckets {
    fn number(&mut self, start: i64) -> u64 {
        match self.last {
            Some((last, number)) if last == start => number,
            _ => {
                let next = self.numbers.len() as u64;
                let number = *self.numbers.entry(start).or_insert(next);
                self.last = Some((start, number));
                number
            }
        }
    }
}

/// Counts by code.
#[derive(Debug)]
enum Places {
    Dense(Vec<CountedTimes>),
    Sparse(HashMap<u64, CountedTimes, Spread>),
}

/// How many events, and the first and the last of their times.
#[derive(Clone, Copy, Debug)]
struct CountedTimes {
    count: u64,
    first: i64,
    last: i64,
}

const NOTHING: CountedTimes = CountedTimes { count: 0, first: i64::MAX, last: i64::MIN };

impl CountedTimes {
    fn add(&mut self, time: i64) {
        self.count += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
    }
}

impl Places {
    fn len(&self) -> usize {
        match self {
            Self::Dense(places) => places.len(),
            Self::Sparse(places) => places.len(),
        }
    }

    fn add(&mut self, code: u64, time: i64, dense: u64) {
        match self {
            Self::Dense(places) if code < dense => {
                let at = code as usize;
                if places.len() <= at {
                    places.resize(at + 1, NOTHING);
                }
                places[at].add(time);
            }
            Self::Dense(places) => {
                let counted = places.iter().enumerate().filter(|(_, counted)| counted.count > 0);
                let mut sparse: HashMap<u64, CountedTimes, Spread> =
                    counted.map(|(code, counted)| (code as u64, *counted)).collect();
                sparse.entry(code).or_insert(NOTHING).add(time);
                *self = Self::Sparse(sparse);
            }
            Self::Sparse(places) => places.entry(code).or_insert(NOTHING).add(time),
        }
    }

    fn into_each(self, each: &mut dyn FnMut(u64, CountedTimes) -> ControlFlow<()>) -> ControlFlow<()> {
        match self {
            Self::Dense(places) => {
                let mut places = (0..).zip(places).filter(|(_, counted)| counted.count > 0);
                places.try_for_each(|(code, counted)| each(code, counted))
            }
            Self::Sparse(places) => places.into_iter().try_for_each(|(code, counted)| each(code, counted)),
        }
    }
}

/// The step that holds a time, where times are told apart.
pub(crate) type BucketOf<'b> = &'b (dyn Fn(Timestamp) -> i64 + Sync);

/// Who hears what events have in common, and how many there are.
pub(crate) type OnMany<'m> = dyn FnMut(&ValuesOfEvents<'_>, Many) -> ControlFlow<()> + 'm;

impl SegmentCounts {
    /// Counts the events of a file. What has become too much is shown to `many`.
    pub(crate) fn add(
        &mut self,
        asked: &Asked<'_>,
        (groups, bucket): (&[ColumnGroup], Option<BucketOf<'_>>),
        rows: &ColumnRows<'_>,
        many: &mut OnMany<'_>,
    ) -> ControlFlow<()> {
        let limits = self.limits;
        let counts =
            self.by_segment.entry(rows.segment()).or_insert_with(|| SegmentTally::new(rows, groups, limits));
        if counts.combinations.is_none() {
            return one_by_one(asked, groups, rows, many);
        }
        counts.add(groups, bucket, rows, limits.dense);
        let held: usize = self.by_segment.values().map(|counts| counts.places.len()).sum();
        if held < limits.held && self.by_segment.len() <= limits.segments {
            ControlFlow::Continue(())
        } else {
            self.flush(asked, groups, many)
        }
    }

    /// Shows what was counted, and forgets it.
    pub(crate) fn flush(
        &mut self,
        asked: &Asked<'_>,
        groups: &[ColumnGroup],
        many: &mut OnMany<'_>,
    ) -> ControlFlow<()> {
        let by_segment = std::mem::take(&mut self.by_segment);
        by_segment.into_values().try_for_each(|counts| counts.flush(asked, groups, many))
    }
}

impl SegmentTally {
    fn new(rows: &ColumnRows<'_>, groups: &[ColumnGroup], limits: Limits) -> Self {
        let columns = Arc::clone(rows.columns());
        let all = groups.iter().try_fold(1_u64, |all, group| all.checked_mul(columns.count(*group) as u64));
        let combinations = all.filter(|all| *all <= limits.codes);
        let places = match combinations {
            Some(all) if all <= limits.dense => Places::Dense(Vec::new()),
            _ => Places::Sparse(HashMap::default()),
        };
        Self { columns, combinations, buckets: Buckets::default(), places }
    }

    fn add(
        &mut self,
        groups: &[ColumnGroup],
        bucket: Option<BucketOf<'_>>,
        rows: &ColumnRows<'_>,
        dense: u64,
    ) {
        let Self { columns, combinations, buckets, places } = self;
        let times = columns.times();
        let numbers: Vec<(&[u32], u64)> =
            groups.iter().map(|group| (columns.numbers(*group), columns.count(*group) as u64)).collect();
        match (bucket, &numbers[..], places) {
            (Some(bucket), numbers, places) => {
                let all = combinations.unwrap_or(1);
                for row in rows.each() {
                    let start = Timestamp::from_epoch(times[row]).map_or(i64::MIN, bucket);
                    places.add(code(numbers, row) + all * buckets.number(start), times[row], dense);
                }
            }
            // as most questions are
            (None, [(numbers, count)], Places::Dense(places)) => {
                places.resize(*count as usize, NOTHING);
                rows.each().for_each(|row| places[numbers[row] as usize].add(times[row]));
            }
            (None, numbers, places) => {
                rows.each().for_each(|row| places.add(code(numbers, row), times[row], dense));
            }
        }
    }

    fn flush(self, asked: &Asked<'_>, groups: &[ColumnGroup], many: &mut OnMany<'_>) -> ControlFlow<()> {
        let Self { columns, combinations, places, .. } = self;
        let all = combinations.unwrap_or(1).max(1);
        let mut memo = FieldTexts::default();
        places.into_each(&mut |code, CountedTimes { count, first, last }| {
            let mut numbers = [0; GROUPS];
            let mut rest = code % all;
            for group in groups.iter().rev() {
                let count = columns.count(*group).max(1) as u64;
                numbers[group.index()] = (rest % count) as u32;
                rest /= count;
            }
            let time = Timestamp::from_epoch;
            let values = memo.values(asked, &columns, numbers, time(first));
            many(&values, Many { count, first: time(first), last: time(last) })
        })
    }
}

/// The combination of the numbers of a row.
fn code(columns: &[(&[u32], u64)], row: usize) -> u64 {
    columns.iter().fold(0, |code, (numbers, count)| code * count + u64::from(numbers[row]))
}

/// Where there are too many combinations to number them.
fn one_by_one(
    asked: &Asked<'_>,
    groups: &[ColumnGroup],
    rows: &ColumnRows<'_>,
    many: &mut OnMany<'_>,
) -> ControlFlow<()> {
    let columns = rows.columns();
    let mut memo = FieldTexts::default();
    for row in rows.each() {
        let mut numbers = [0; GROUPS];
        for group in groups {
            numbers[group.index()] = columns.numbers(*group)[row];
        }
        let time = Timestamp::from_epoch(columns.times()[row]);
        many(&memo.values(asked, columns, numbers, time), Many::one(time))?;
    }
    ControlFlow::Continue(())
}

const GROUPS: usize = ColumnGroup::ALL.len();

/// The texts of the fields that are asked for, by place of the field and number of the value of its group.
#[derive(Debug, Default)]
struct FieldTexts(Vec<HashMap<u32, ValueTexts, Spread>>);

/// A text for each value of a field; none for what is `null`.
type ValueTexts = Box<[Option<Box<str>>]>;

impl FieldTexts {
    /// What is asked of events whose groups have values with these numbers.
    fn values(
        &mut self,
        asked: &Asked<'_>,
        columns: &SegmentColumns,
        numbers: [u32; GROUPS],
        time: Option<Timestamp>,
    ) -> ValuesOfEvents<'_> {
        for (at, field) in asked.fields() {
            let Some(FieldColumn::Group(group)) = field.column() else { continue };
            if self.0.len() <= at {
                self.0.resize_with(at + 1, HashMap::default);
            }
            let number = numbers[group.index()];
            self.0[at].entry(number).or_insert_with(|| texts(field, group, number, columns));
        }
        ValuesOfEvents { texts: &self.0, numbers, time }
    }
}

fn texts(field: &Field, group: ColumnGroup, number: u32, columns: &SegmentColumns) -> ValueTexts {
    let mut texts = Vec::new();
    if let Some(value) = columns.value(group, number) {
        field.visit_group(&value, &mut |value| texts.push(value.text().map(Into::into)));
    }
    texts.into()
}

/// The values of events that have the same.
pub(crate) struct ValuesOfEvents<'t> {
    texts: &'t [HashMap<u32, ValueTexts, Spread>],
    numbers: [u32; GROUPS],
    /// That of one of them; of the others only what is asked of it is the same.
    time: Option<Timestamp>,
}

impl<'t> Valued<'t> for ValuesOfEvents<'t> {
    fn visit(&self, at: usize, field: &Field, each: &mut dyn FnMut(FieldValue<'t>)) {
        let null = FieldValue::Value(PathValue::InRecord(Value::Null));
        match field.column() {
            Some(FieldColumn::Group(group)) => {
                let texts = self.texts.get(at).and_then(|texts| texts.get(&self.numbers[group.index()]));
                for text in texts.into_iter().flatten() {
                    each(text.as_deref().map_or(null.clone(), |text| FieldValue::Text(text.into())));
                }
            }
            Some(FieldColumn::Time(_)) => {
                if let Some(text) = self.time.and_then(|time| field.text_at(time)) {
                    each(FieldValue::Text(text));
                }
            }
            None => {}
        }
    }
}

/// Spreads numbers by one that is new in every run: nobody can prepare values that collide.
#[derive(Clone, Copy, Debug)]
struct Spread(u64);

static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) | 1);

impl Default for Spread {
    fn default() -> Self {
        Self(*SEED)
    }
}

impl BuildHasher for Spread {
    type Hasher = SpreadNumber;

    fn build_hasher(&self) -> SpreadNumber {
        SpreadNumber(self.0)
    }
}

struct SpreadNumber(u64);

impl Hasher for SpreadNumber {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        let product = u128::from(number ^ self.0.rotate_left(32)) * u128::from(self.0);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs};

    use trailseal_evidence::{
        Silent,
        index::{ArchiveIndex, make},
        inputs::Inputs,
        scan::{ColumnFold, Fold, Row, ScanOptions, fold_columns},
    };
    use trailseal_query::{Filter, Predicate};

    use super::*;
    use crate::fields::Fields;

    /// Events by their texts: how many, the first and the last.
    type Found = BTreeMap<String, (u64, i64, i64)>;

    #[derive(Default)]
    struct Tally {
        found: Found,
        counts: SegmentCounts,
    }

    impl Fold for Tally {
        fn merge(&mut self, other: Self) {
            for (key, (count, first, last)) in other.found {
                put(&mut self.found, key, count, first, last);
            }
        }
    }

    fn put(found: &mut Found, key: String, count: u64, first: i64, last: i64) {
        let known = found.entry(key).or_insert((0, first, last));
        *known = (known.0 + count, known.1.min(first), known.2.max(last));
    }

    fn key<'a>(asked: &Asked<'_>, values: &impl Valued<'a>) -> String {
        let mut key = String::new();
        for (at, field) in asked.fields() {
            values.visit(at, field, &mut |value| key.extend([format!("{:?} ", value.text())]));
            key.push('|');
        }
        key
    }

    fn archive() -> (tempfile::TempDir, tempfile::TempDir) {
        let archive = tempfile::tempdir().unwrap();
        let indexes = tempfile::tempdir().unwrap();
        fs::set_permissions(indexes.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        for file in 0..12_u64 {
            let record = |n: u64| {
                format!(
                    r#"{{"eventTime":"2024-03-01T{:02}:{:02}:00Z","eventName":"N{}","sourceIPAddress":"{}","errorCode":{}}}"#,
                    n % 24,
                    n % 7,
                    n % 5,
                    n % 11,
                    ["null", "\"a\"", "[\"a\",\"b\"]"][(n % 3) as usize]
                )
            };
            let records: Vec<String> = (0..40).map(|n| record(n * 13 + file * 7)).collect();
            let path = archive.path().join(format!("{file}.json"));
            fs::write(path, format!("{{\"Records\":[{}]}}", records.join(","))).unwrap();
        }
        (archive, indexes)
    }

    #[test]
    fn what_is_counted_does_not_hang_on_what_is_held() {
        let (archive, indexes) = archive();
        let given = [archive.path().to_owned()];
        let inputs = Inputs::open(&given).unwrap();
        make(indexes.path(), &inputs, 1, &Silent).unwrap();
        let index = ArchiveIndex::open(indexes.path(), &given);
        let everything = Filter::new(Predicate::Constant(true));
        for fields in ["eventName", "eventName,sourceIPAddress,errorCode", "hour,errorCode", "day"] {
            let fields: Vec<Field> = Fields::parse(fields).unwrap().iter().cloned().collect();
            let asked = Asked { keys: &fields, sum: None, distinct: fields.first() };
            let needed = NeededColumns::of(&asked).unwrap();
            let bucket =
                needed.seconds.map(|seconds| move |time: Timestamp| time.epoch().div_euclid(seconds));
            let bucket = bucket.as_ref().map(|bucket| bucket as BucketOf<'_>);
            let row = |tally: &mut Tally, row: &Row<'_>| {
                let time = row.record.time().unwrap().epoch();
                put(&mut tally.found, key(&asked, row), 1, time, time);
                ControlFlow::Continue(())
            };
            let many = |found: &mut Found, values: &ValuesOfEvents<'_>, many: Many| {
                let (first, last) = (many.first.unwrap().epoch(), many.last.unwrap().epoch());
                put(found, key(&asked, values), many.count, first, last);
                ControlFlow::Continue(())
            };
            let add = |tally: &mut Tally, rows: &ColumnRows<'_>| {
                let Tally { found, counts } = tally;
                let how = (needed.groups.as_slice(), bucket);
                counts.add(&asked, how, rows, &mut |values, of| many(found, values, of))
            };
            let count = |limits: Limits, with: bool| {
                let index = Some(&index).filter(|_| with);
                let options = ScanOptions { threads: 1, index, ..ScanOptions::default() };
                let new = || Tally {
                    counts: SegmentCounts { limits, ..SegmentCounts::default() },
                    ..Tally::default()
                };
                let columns = ColumnFold { groups: &needed.groups, add: &add };
                let (mut tally, summary) =
                    fold_columns(&inputs, &options, &everything, &Silent, &new, &row, Some(&columns))
                        .unwrap();
                let Tally { found, counts } = &mut tally;
                let flow = counts.flush(&asked, &needed.groups, &mut |values, of| many(found, values, of));
                assert!(flow.is_continue());
                assert_eq!(summary.from_index, if with { 12 } else { 0 });
                tally.found
            };
            let expected = count(Limits::default(), false);
            for limits in [
                Limits::default(),
                Limits { dense: 3, ..Limits::default() },
                Limits { dense: 0, held: 2, ..Limits::default() },
                Limits { codes: 4, ..Limits::default() },
                Limits { segments: 0, ..Limits::default() },
            ] {
                assert_eq!(count(limits, true), expected, "{limits:?}");
            }
        }
    }

    #[test]
    fn places_are_the_same_spread_or_not() {
        for dense in [0, 5, 1 << 20] {
            let mut places = Places::Dense(Vec::new());
            let mut expected = BTreeMap::new();
            for n in 0..2_000_u64 {
                let (code, time) = (n * n % 97, (n * 31 % 50) as i64);
                places.add(code, time, dense);
                let known = expected.entry(code).or_insert((0_u64, time, time));
                *known = (known.0 + 1, known.1.min(time), known.2.max(time));
            }
            assert!(places.len() >= expected.len());
            let mut found = BTreeMap::new();
            let _ = places.into_each(&mut |code, CountedTimes { count, first, last }| {
                assert_eq!(found.insert(code, (count, first, last)), None);
                ControlFlow::Continue(())
            });
            assert_eq!(found, expected);
        }
    }
}
