//! Counting events: by the values of fields, and by time.

use std::{
    cell::RefCell,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use trailseal_evidence::scan::{self, Batch as _, Fold, Summary};
use trailseal_query::{
    Zone,
    aggregate::{Fingerprinter, Groups, Histogram, Step},
};

use crate::{
    error::Error,
    facts::{EventFacts, FactBatch},
    fields::Field,
    question::{Once, Question},
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
    count(question, asked, &Groups::default)
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
    Ok(count(question, &asked, &new)?.map(|series| series.histogram))
}

/// What events are counted into.
trait Tally: Send {
    fn add(&mut self, facts: &EventFacts<'_>, fingerprinter: &Fingerprinter);
    fn merge(&mut self, other: Self);
    /// Bytes of memory, about.
    fn bytes(&self) -> u64;
}

impl Tally for Groups {
    fn add(&mut self, facts: &EventFacts<'_>, fingerprinter: &Fingerprinter) {
        for key in facts.groups() {
            let group = self.group(key);
            group.add(facts.key.time);
            facts.numbers().for_each(|number| group.sum.add(&String::from_utf8_lossy(number)));
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
    fn add(&mut self, facts: &EventFacts<'_>, _: &Fingerprinter) {
        let time = facts.key.time;
        self.histogram.add(time);
        if self.is_split {
            facts.groups().for_each(|key| self.histogram.add_value(time, key));
        }
    }

    fn merge(&mut self, other: Self) {
        self.histogram.merge(other.histogram);
    }

    fn bytes(&self) -> u64 {
        self.histogram.bytes()
    }
}

/// What one thread counts.
struct Part<T> {
    tally: T,
    kept: u64,
    clipped: u64,
    /// What of its memory it has told.
    charged: u64,
}

impl<T: Tally> Part<T> {
    fn add(&mut self, facts: &EventFacts<'_>, fingerprinter: &Fingerprinter) {
        self.kept += 1;
        self.clipped += u64::from(facts.is_clipped);
        self.tally.add(facts, fingerprinter);
    }
}

impl<T: Tally> Fold for Part<T> {
    fn merge(&mut self, other: Self) {
        self.tally.merge(other.tally);
        self.kept += other.kept;
        self.clipped += other.clipped;
    }
}

thread_local! {
    static SCRATCH: RefCell<FactBatch> = RefCell::default();
}

/// Counts all events, each thread for itself; in order where duplicates are to be left out.
fn count<T: Tally>(
    question: &Question<'_>,
    asked: &Asked<'_>,
    new: &(dyn Fn() -> T + Sync),
) -> Result<Counted<T>, Error> {
    let Question { files, options, filter, progress, dedupe, fingerprinter } = question;
    let memory = Memory::default();
    let new = || Part { tally: new(), kept: 0, clipped: 0, charged: 0 };
    let mut duplicates = None;
    let result = if dedupe.is_some() {
        let (mut part, mut once, mut dropped) = (new(), Once::new(question.proven_twins()?), 0);
        let result = question.stream(
            &|batch: &mut FactBatch, row| batch.push(question.key(row), asked, row),
            &mut |batch| {
                for facts in batch.iter() {
                    if once.is_new(&facts.key) {
                        part.add(&facts, fingerprinter);
                    } else {
                        dropped += 1;
                    }
                }
                memory.charge(&mut part)
            },
        );
        duplicates = Some(dropped);
        result.map(|summary| (part, summary))
    } else {
        scan::fold(*files, options, filter, *progress, &new, &|part: &mut Part<T>, row| {
            SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                scratch.push(question.key(row), asked, row);
                scratch.iter().for_each(|facts| part.add(&facts, fingerprinter));
            });
            memory.charge(part)
        })
    };
    if memory.is_exceeded.load(Ordering::Relaxed) {
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
    /// Takes note of what a part holds; breaks when all together hold too much.
    fn charge<T: Tally>(&self, part: &mut Part<T>) -> ControlFlow<()> {
        let bytes = part.tally.bytes();
        if bytes < part.charged + STEP {
            return ControlFlow::Continue(());
        }
        let more = bytes - part.charged;
        part.charged = bytes;
        if self.bytes.fetch_add(more, Ordering::Relaxed) + more <= MEMORY {
            return ControlFlow::Continue(());
        }
        self.is_exceeded.store(true, Ordering::Relaxed);
        ControlFlow::Break(())
    }
}
