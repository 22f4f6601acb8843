//! What events come to: groups, sums, distinct values, histograms.

use std::{
    cell::RefCell,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use trailseal_evidence::scan::{self, Row};
use trailseal_query::aggregate::{Groups, Histogram, Seen, combinations, parts};

use super::{
    Done, Job,
    args::Format,
    columns::Column,
    frame::{Head, frames, push},
    plan::{BarPlan, GroupPlan},
    sink::Out,
};
use crate::{
    error::CommandError,
    render::{
        plain::plural,
        query::{
            bars,
            cells::{self, Cell},
            summary::Told,
        },
    },
};

/// Memory for groups, about.
const MEMORY: u64 = 1 << 30;
/// What a part may take before it says so.
const STEP: u64 = 1 << 16;
/// Combinations of values of one event that are counted.
const COMBINATIONS: usize = 1000;

/// Counts by fields.
///
/// # Errors
/// [`CommandError`] when events could not be read or there are too many groups.
pub(super) fn groups(
    job: &Job<'_>,
    plan: &GroupPlan,
    format: Format,
    out: &mut Out,
) -> Result<Done, CommandError> {
    let facts = Facts { keys: &plan.keys, sum: plan.sum.as_ref(), distinct: plan.distinct.as_ref() };
    let mut counted = count(job, &facts, &|| Tally::Groups(Groups::default()))?;
    let Tally::Groups(mut groups) = counted.tally else { return Err(CommandError::new("no groups")) };
    if plan.keys.is_empty() {
        // The sum of nothing is a sum, too.
        groups.group(&[]);
    }
    let min = if plan.keys.is_empty() { 0 } else { plan.min };
    let mut rows = groups.sorted(plan.order, min);
    let all = rows.len() as u64;
    rows.truncate(plan.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
    let others: u64 = rows.iter().map(|(_, group)| group.sum.others()).sum();
    if others > 0 {
        counted.notes.push(format!("not summed: {} that are no numbers", plural(others, "value")));
    }
    if (rows.len() as u64) < all {
        counted.notes.push(format!("{} of {} shown (--top)", rows.len(), plural(all, "group")));
    }
    let mut names: Vec<String> = plan.keys.iter().map(|column| column.name().to_owned()).collect();
    if !plan.only_keys {
        names.push("count".to_owned());
        names.extend(plan.sum.iter().map(|_| "sum".to_owned()));
        names.extend(plan.distinct.iter().map(|_| "distinct".to_owned()));
        names.extend(["first", "last"].map(str::to_owned));
    }
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|(key, group)| {
            let mut row: Vec<Cell> = parts(&key).map(Cell::text).collect();
            if !plan.only_keys {
                row.push(Cell::number(group.count));
                row.extend(plan.sum.iter().map(|_| Cell::number(group.sum.total())));
                row.extend(plan.distinct.iter().map(|_| Cell::number(group.distinct.count())));
                let time = |time: Option<trailseal_archive::Timestamp>| {
                    Cell::text(time.map(|time| time.to_string()))
                };
                row.extend([time(group.span.first), time(group.span.last)]);
            }
            row
        })
        .collect();
    cells::write(format, &names, &rows, job.width, out)?;
    Ok(counted.done.with(counted.notes, out))
}

/// Counts by time.
///
/// # Errors
/// [`CommandError`] when events could not be read or there are too many buckets.
pub(super) fn bars(
    job: &Job<'_>,
    plan: &BarPlan,
    format: Format,
    out: &mut Out,
) -> Result<Done, CommandError> {
    let keys: Vec<Column> = plan.by.iter().cloned().collect();
    let facts = Facts { keys: &keys, sum: None, distinct: None };
    let mut counted = count(job, &facts, &|| Tally::Bars(Histogram::new(plan.step), plan.by.is_some()))?;
    let Tally::Bars(histogram, _) = counted.tally else { return Err(CommandError::new("no histogram")) };
    let bars = histogram.finish(usize::try_from(plan.top).unwrap_or(usize::MAX));
    if bars.untimed > 0 {
        counted.notes.push(format!("not in the histogram: {} without a time", plural(bars.untimed, "event")));
    }
    if bars.has_holes {
        counted.notes.push("steps without events are left out, there are too many".to_owned());
    }
    if format == Format::Table {
        bars::write(&bars, job.width, out)?;
    } else {
        let mut names = vec!["time".to_owned(), "count".to_owned()];
        names.extend(plan.by.iter().map(|_| "by".to_owned()));
        let series = bars::series(&bars);
        let row = |(at, (start, count)): (usize, &(trailseal_archive::Timestamp, u64))| {
            let mut row = vec![Cell::text(Some(start.to_string())), Cell::number(count)];
            row.extend(plan.by.iter().map(|_| {
                Cell::Numbers(series.iter().map(|(name, counts)| (name.clone(), counts[at])).collect())
            }));
            row
        };
        let rows: Vec<Vec<Cell>> = bars.buckets.iter().enumerate().map(row).collect();
        cells::write(format, &names, &rows, None, out)?;
    }
    Ok(counted.done.with(counted.notes, out))
}

impl Done {
    fn with(mut self, notes: Vec<String>, out: &Out) -> Self {
        self.told.notes = notes;
        self.is_gone = out.is_gone();
        self
    }
}

/// What is to be known of every event.
struct Facts<'p> {
    keys: &'p [Column],
    sum: Option<&'p Column>,
    distinct: Option<&'p Column>,
}

/// What was counted.
enum Tally {
    Groups(Groups),
    /// Whether there are series.
    Bars(Histogram, bool),
}

struct Counted {
    tally: Tally,
    done: Done,
    notes: Vec<String>,
}

/// What one thread counts.
struct Part {
    tally: Tally,
    kept: u64,
    clipped: u64,
    /// What of its memory it has told.
    charged: u64,
}

/// Counts all events, each thread for itself; in order where duplicates are to be dropped.
fn count(
    job: &Job<'_>,
    facts: &Facts<'_>,
    new: &(dyn Fn() -> Tally + Sync),
) -> Result<Counted, CommandError> {
    let memory = Memory::default();
    let new = || Part { tally: new(), kept: 0, clipped: 0, charged: 0 };
    let mut duplicates = None;
    let result = if job.dedupe {
        let (mut part, mut seen, mut dropped) = (new(), Seen::default(), 0);
        let result = scan::stream(
            job.inputs,
            &job.scan,
            &job.filter,
            job.counts,
            &|to, row| {
                let head = job.head(row);
                push(to, head, |to| facts.write(row, to));
                1
            },
            &mut |bytes, _| {
                for (head, row) in frames(bytes) {
                    if head.id == 0 || seen.is_new(head.id) {
                        part.add(job, &head, row);
                    } else {
                        dropped += 1;
                    }
                }
                memory.charge(&mut part)
            },
        );
        duplicates = Some(dropped);
        result.map(|summary| (vec![part], summary))
    } else {
        scan::fold(job.inputs, &job.scan, &job.filter, job.counts, &new, &|part: &mut Part, row| {
            SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                facts.write(row, scratch);
                part.add(job, &job.head(row), scratch);
            });
            memory.charge(part)
        })
    };
    if memory.is_exceeded.load(Ordering::Relaxed) {
        return Err(CommandError::new("there are too many different values to count in memory").hint(
            "count by fewer fields, or filter more narrowly; --limit and --fields print values as they come",
        ));
    }
    let (parts, summary) = result?;
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_else(new);
    parts.for_each(|part| all.merge(part));
    let told = Told { duplicates, labels: job.verifies.then_some(summary.row_labels), ..Told::default() };
    let mut notes = Vec::new();
    if all.clipped > 0 {
        notes.push(format!(
            "{} with more than {COMBINATIONS} combinations of values: only so many were counted",
            plural(all.clipped, "event")
        ));
    }
    Ok(Counted { tally: all.tally, done: Done { summary, told, kept: all.kept, is_gone: false }, notes })
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Facts<'_> {
    /// Writes what is to be known: the keys that the event counts under, numbers, and distinct values.
    fn write(&self, row: &Row<'_>, to: &mut Vec<u8>) {
        let mut list = List::begin(to);
        if !self.write_key(row, &mut list) {
            let columns: Vec<_> = self.keys.iter().map(|column| column.texts(row)).collect();
            let mut key = Vec::new();
            let is_whole = combinations(&columns, COMBINATIONS, &mut key, &mut |key| list.push(key));
            if !is_whole {
                list.clip();
            }
        }
        list.end();
        for column in [self.sum, self.distinct] {
            let mut list = List::begin(to);
            if let Some(column) = column {
                column.visit(row, &mut |cell| {
                    if let Some(text) = cell.text() {
                        list.push(text.as_bytes());
                    }
                });
            }
            list.end();
        }
    }

    /// The one key of an event that has one value in every column, as almost all do.
    fn write_key(&self, row: &Row<'_>, list: &mut List<'_>) -> bool {
        let mut is_single = true;
        list.push_with(|to| {
            for column in self.keys {
                let start = to.len();
                let mut count = 0_u64;
                column.visit(row, &mut |cell| {
                    if count == 0 {
                        trailseal_query::aggregate::push_part(to, cell.text().as_deref());
                    }
                    count += 1;
                });
                is_single &= count < 2;
                if to.len() == start {
                    trailseal_query::aggregate::push_part(to, None);
                }
            }
        });
        if !is_single {
            list.clear();
        }
        is_single
    }
}

impl Part {
    fn add(&mut self, job: &Job<'_>, head: &Head, facts: &[u8]) {
        self.kept += 1;
        let mut rest = facts;
        let keys = items(&mut rest);
        self.clipped += u64::from(keys.is_clipped);
        match &mut self.tally {
            Tally::Groups(groups) => {
                let (sums, distinct) = (items(&mut rest), items(&mut rest));
                for key in keys {
                    let group = groups.group(key);
                    group.add(head.time);
                    sums.clone().for_each(|number| group.sum.add(&String::from_utf8_lossy(number)));
                    for value in distinct.clone() {
                        group.distinct.is_new(job.fingerprinter.of(value));
                    }
                }
            }
            Tally::Bars(histogram, has_series) => {
                histogram.add(head.time);
                if *has_series {
                    keys.for_each(|key| histogram.add_value(head.time, key));
                }
            }
        }
    }

    fn merge(&mut self, other: Self) {
        match (&mut self.tally, other.tally) {
            (Tally::Groups(ours), Tally::Groups(theirs)) => ours.merge(theirs),
            (Tally::Bars(ours, _), Tally::Bars(theirs, _)) => ours.merge(theirs),
            _ => {}
        }
        self.kept += other.kept;
        self.clipped += other.clipped;
    }

    fn bytes(&self) -> u64 {
        match &self.tally {
            Tally::Groups(groups) => groups.bytes(),
            Tally::Bars(histogram, _) => histogram.bytes(),
        }
    }
}

/// What all threads have taken.
#[derive(Default)]
struct Memory {
    bytes: AtomicU64,
    is_exceeded: AtomicBool,
}

impl Memory {
    /// Takes note of what a part holds; breaks when all together hold too much.
    fn charge(&self, part: &mut Part) -> ControlFlow<()> {
        let bytes = part.bytes();
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

/// Byte strings in a row, behind their count.
struct List<'v> {
    to: &'v mut Vec<u8>,
    start: usize,
    count: u32,
    is_clipped: bool,
}

impl<'v> List<'v> {
    fn begin(to: &'v mut Vec<u8>) -> Self {
        let start = to.len();
        to.extend_from_slice(&[0; 5]);
        Self { to, start, count: 0, is_clipped: false }
    }

    fn push(&mut self, item: &[u8]) {
        self.push_with(|to| to.extend_from_slice(item));
    }

    fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.to.len();
        self.to.extend_from_slice(&[0; 8]);
        write(self.to);
        let length = (self.to.len() - at - 8) as u64;
        self.to[at..at + 8].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
    }

    fn clear(&mut self) {
        self.to.truncate(self.start + 5);
        self.count = 0;
    }

    fn clip(&mut self) {
        self.is_clipped = true;
    }

    fn end(self) {
        self.to[self.start..self.start + 4].copy_from_slice(&self.count.to_le_bytes());
        self.to[self.start + 4] = u8::from(self.is_clipped);
    }
}

/// The items of a [`List`].
#[derive(Clone)]
struct Items<'a> {
    rest: &'a [u8],
    count: u32,
    is_clipped: bool,
}

/// The list at the beginning; `bytes` is what follows it.
fn items<'a>(bytes: &mut &'a [u8]) -> Items<'a> {
    let Some((head, rest)) = bytes.split_first_chunk::<5>() else {
        return Items { rest: &[], count: 0, is_clipped: false };
    };
    let count = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let items = Items { rest, count, is_clipped: head[4] != 0 };
    let mut end = items.clone();
    end.by_ref().for_each(drop);
    *bytes = end.rest;
    items
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.count = self.count.checked_sub(1)?;
        let (length, rest) = self.rest.split_first_chunk::<8>()?;
        let length = u64::from_le_bytes(*length) as usize;
        let item = rest.get(..length)?;
        self.rest = &rest[length..];
        Some(item)
    }
}
