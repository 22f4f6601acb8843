//! Counting events: by the values of fields, and by time.

use std::{
    cell::RefCell,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    index::ColumnGroup,
    scan::{self, Batch as _, ColumnFold, ColumnRows, Fold, Row, Summary},
};
use trailseal_query::{
    Zone,
    aggregate::{Fingerprinter, Groups, Histogram, Step},
};

use crate::{
    columns::{BucketOf, NeededColumns, SegmentCounts, ValuesOfEvents},
    error::Error,
    facts::{EventFacts, FactBatch, Many},
    fields::Field,
    question::{Once, Question, RowKey},
};

pub use crate::facts::MAX_COMBINATIONS;

/// Memory for groups, about.
const MEMORY: u64 = 1 << 30;
/// What a part may take before it says so.
const STEP: u64 = 1 << 16;

/// What is to be known of every event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'p> {
    /// The fields by which events are grouped.
    pub(crate) keys: &'p [Field],
    /// The field whose numbers are summed.
    pub(crate) sum: Option<&'p Field>,
    /// The field whose values are counted, each once.
    pub(crate) distinct: Option<&'p Field>,
}

impl<'p> Asked<'p> {
    /// All fields, each with a place of its own.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (usize, &'p Field)> + use<'p> {
        let keys = self.keys.iter().enumerate();
        let sum = self.sum.map(|field| (self.keys.len(), field));
        let distinct = self.distinct.map(|field| (self.keys.len() + 1, field));
        keys.chain(sum).chain(distinct)
    }
}

/// What was counted.
#[derive(Debug)]
pub struct Counted<T> {
    /// What it came to.
    pub tally: T,
    /// What was read.
    pub summary: Summary,
    /// Events that were counted.
    pub kept: u64,
    /// Events that were left out because they were delivered more than once; `None` when none were looked for.
    pub duplicates: Option<u64>,
    /// Events with more than [`MAX_COMBINATIONS`] combinations of values, of which only so many were counted.
    pub clipped: u64,
}

impl<T> Counted<T> {
    /// With the tally made something else.
    pub(crate) fn map<U>(self, make: impl FnOnce(T) -> U) -> Counted<U> {
        let Self { tally, summary, kept, duplicates, clipped } = self;
        Counted { tally: make(tally), summary, kept, duplicates, clipped }
    }
}

/// Counts events by the values of fields: an event with several values counts for each.
pub(crate) fn groups(question: &Question<'_>, asked: &Asked<'_>) -> Result<Counted<Groups>, Error> {
    let needed = NeededColumns::of(asked);
    let seconds = needed.as_ref().and_then(|needed| needed.seconds);
    let bucket = seconds.map(|seconds| move |time: Timestamp| time.epoch().div_euclid(seconds));
    let bucket = bucket.as_ref().map(|bucket| bucket as BucketOf<'_>);
    count(question, (asked, needed.as_ref(), bucket), &Groups::default)
}

/// Counts events by time, and the values of a field in each step.
pub(crate) fn histogram(
    question: &Question<'_>,
    step: Step,
    zone: &Zone,
    by: Option<&Field>,
) -> Result<Counted<Histogram>, Error> {
    let keys: Vec<Field> = by.into_iter().cloned().collect();
    let asked = Asked { keys: &keys, sum: None, distinct: None };
    let new = || Series { histogram: Histogram::new(step, zone.clone()), is_split: by.is_some() };
    // what is told of the time of an event is told by the step as a whole only where it is the step itself
    let needed = NeededColumns::of(&asked).filter(|needed| needed.seconds.is_none());
    let clock = Histogram::new(step, zone.clone());
    let bucket = |time: Timestamp| clock.bucket(time);
    Ok(count(question, (&asked, needed.as_ref(), Some(&bucket)), &new)?.map(|series| series.histogram))
}

/// What events are counted into.
trait Tally: Send {
    /// Adds events with the same facts.
    fn add(&mut self, facts: &EventFacts<'_>, many: Many, fingerprinter: &Fingerprinter);
    fn merge(&mut self, other: Self);
    /// Bytes of memory, about.
    fn bytes(&self) -> u64;
}

impl Tally for Groups {
    fn add(&mut self, facts: &EventFacts<'_>, many: Many, fingerprinter: &Fingerprinter) {
        let Many { count, first, last } = many;
        for key in facts.groups() {
            let group = self.group(key);
            group.add_many(count, first, last);
            for number in facts.numbers().map(String::from_utf8_lossy) {
                (0..count).for_each(|_| group.sum.add(&number));
            }
            for value in facts.distinct() {
                group.distinct.is_new(fingerprinter.of(value));
            }
        }
    }

    fn merge(&mut self, other: Self) {
        Groups::merge(self, other);
    }

    fn bytes(&self) -> u64 {
        Groups::bytes(self)
    }
}

struct Series {
    histogram: Histogram,
    /// Whether values are told apart.
    is_split: bool,
}

impl Tally for Series {
    fn add(&mut self, facts: &EventFacts<'_>, many: Many, _: &Fingerprinter) {
        // all are of one step
        let Many { count, first: time, .. } = many;
        self.histogram.add_many(time, count);
        if self.is_split {
            facts.groups().for_each(|key| self.histogram.add_value_many(time, key, count));
        }
    }

    fn merge(&mut self, other: Self) {
        self.histogram.merge(other.histogram);
    }

    fn bytes(&self) -> u64 {
        self.histogram.bytes()
    }
}

/// What is asked, and what all threads have.
struct CountJob<'p> {
    asked: &'p Asked<'p>,
    /// What of columns is enough to count, if these are enough.
    needed: Option<&'p NeededColumns>,
    /// The step of time, where that is counted by.
    bucket: Option<BucketOf<'p>>,
    fingerprinter: &'p Fingerprinter,
    memory: Memory,
}

/// What one thread counts.
struct Part<'p, T> {
    job: &'p CountJob<'p>,
    tally: T,
    kept: u64,
    clipped: u64,
    /// What of its memory it has told.
    charged: u64,
    /// What was counted by columns and is not yet in the tally.
    columns: SegmentCounts,
}

impl<T: Tally> Part<'_, T> {
    fn add(&mut self, facts: &EventFacts<'_>) -> ControlFlow<()> {
        self.kept += 1;
        self.clipped += u64::from(facts.is_clipped);
        self.tally.add(facts, Many::one(facts.key.time), self.job.fingerprinter);
        self.job.memory.charge(&self.tally, &mut self.charged)
    }

    /// Adds events that stand in columns.
    fn add_columns(&mut self, rows: &ColumnRows<'_>) -> ControlFlow<()> {
        self.kept += rows.matched();
        let job = self.job;
        let (columns, mut many) = self.many();
        columns.add(job.asked, (job.groups(), job.bucket), rows, &mut many)
    }

    fn flush(&mut self) -> ControlFlow<()> {
        let job = self.job;
        let (columns, mut many) = self.many();
        columns.flush(job.asked, job.groups(), &mut many)
    }

    /// What was counted by columns, and what adds it to the tally.
    fn many(
        &mut self,
    ) -> (&mut SegmentCounts, impl FnMut(&ValuesOfEvents<'_>, Many) -> ControlFlow<()> + '_) {
        let Self { job, tally, clipped, charged, columns, .. } = self;
        let mut batch = FactBatch::default();
        let add = move |values: &ValuesOfEvents<'_>, many: Many| {
            batch.clear();
            batch.push(RowKey::NONE, job.asked, values);
            for facts in batch.iter() {
                *clipped += if facts.is_clipped { many.count } else { 0 };
                tally.add(&facts, many, job.fingerprinter);
            }
            job.memory.charge(tally, charged)
        };
        (columns, add)
    }
}

impl CountJob<'_> {
    fn groups(&self) -> &[ColumnGroup] {
        self.needed.map_or(&[], |needed| &needed.groups)
    }
}

impl<T: Tally> Fold for Part<'_, T> {
    fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.kept += other.kept;
        self.clipped += other.clipped;
    }

    fn end(&mut self) {
        // what does not fit is told by the memory
        let _ = self.flush();
    }

    fn hears_of_files() -> bool {
        false
    }
}

thread_local! {
    static SCRATCH: RefCell<FactBatch> = RefCell::default();
}

/// Counts all events, each thread for itself; in order where duplicates are to be left out. Columns are enough where they are
/// needed only, and events of one step have the same facts.
fn count<T: Tally>(
    question: &Question<'_>,
    (asked, needed, bucket): (&Asked<'_>, Option<&NeededColumns>, Option<BucketOf<'_>>),
    new: &(dyn Fn() -> T + Sync),
) -> Result<Counted<T>, Error> {
    let Question { files, options, filter, progress, dedupe, fingerprinter } = question;
    let job = CountJob { asked, needed, bucket, fingerprinter, memory: Memory::default() };
    let new = || Part {
        job: &job,
        tally: new(),
        kept: 0,
        clipped: 0,
        charged: 0,
        columns: SegmentCounts::default(),
    };
    let mut duplicates = None;
    let result = if dedupe.is_some() {
        let (mut part, mut once, mut dropped) = (new(), Once::new(question.proven_twins()?), 0);
        let result = question.stream(
            &|batch: &mut FactBatch, row| batch.push(question.key(row), asked, row),
            &mut |batch| {
                for facts in batch.iter() {
                    if once.is_new(&facts.key) {
                        part.add(&facts)?;
                    } else {
                        dropped += 1;
                    }
                }
                ControlFlow::Continue(())
            },
        );
        duplicates = Some(dropped);
        result.map(|summary| (part, summary))
    } else {
        let add = |part: &mut Part<'_, T>, row: &Row<'_>| {
            SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                scratch.push(question.key(row), asked, row);
                scratch.iter().try_for_each(|facts| part.add(&facts))
            })
        };
        let add_columns = |part: &mut Part<'_, T>, rows: &ColumnRows<'_>| part.add_columns(rows);
        let columns = needed.map(|needed| ColumnFold { groups: &needed.groups, add: &add_columns });
        scan::fold_columns(*files, options, filter, *progress, &new, &add, columns.as_ref())
    };
    if job.memory.is_exceeded.load(Ordering::Relaxed) {
        return Err(Error::TooManyValues);
    }
    let (Part { tally, kept, clipped, .. }, summary) = result?;
    Ok(Counted { tally, summary, kept, duplicates, clipped })
}

/// What all threads have taken.
#[derive(Default)]
struct Memory {
    bytes: AtomicU64,
    is_exceeded: AtomicBool,
}

impl Memory {
    /// Takes note of what the tally of a part holds, and of what of it was told; breaks when all together hold too much.
    fn charge<T: Tally>(&self, tally: &T, charged: &mut u64) -> ControlFlow<()> {
        let bytes = tally.bytes();
        if bytes < *charged + STEP {
            return ControlFlow::Continue(());
        }
        let more = bytes - *charged;
        *charged = bytes;
        if self.bytes.fetch_add(more, Ordering::Relaxed) + more <= MEMORY {
            return ControlFlow::Continue(());
        }
        self.is_exceeded.store(true, Ordering::Relaxed);
        ControlFlow::Break(())
    }
}
