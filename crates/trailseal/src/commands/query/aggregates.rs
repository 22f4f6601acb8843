//! What events come to: groups, sums, distinct values, histograms.

use std::{
    cell::RefCell,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use trailseal_analysis::{
    facts::{Asked, EventFacts, FactBatch, MAX_COMBINATIONS},
    fields::Field,
};
use trailseal_evidence::scan::{self, Batch as _, Fold};
use trailseal_query::aggregate::{Groups, Histogram, Seen, parts};

use super::{
    Done, Job,
    plan::{BarPlan, GroupPlan},
    sink::Out,
};
use crate::{
    error::CommandError,
    render::{
        plain::plural,
        query::{
            bars,
            cells::{self, Cell, Format},
            summary::Told,
        },
    },
};

/// Memory for groups, about.
const MEMORY: u64 = 1 << 30;
/// What a part may take before it says so.
const STEP: u64 = 1 << 16;
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
    let asked = Asked { keys: &plan.keys, sum: plan.sum.as_ref(), distinct: plan.distinct.as_ref() };
    let mut counted = count(job, &asked, &|| Tally::Groups(Groups::default()))?;
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
    let keys: Vec<Field> = plan.by.iter().cloned().collect();
    let asked = Asked { keys: &keys, sum: None, distinct: None };
    let mut counted = count(job, &asked, &|| Tally::Bars(Histogram::new(plan.step), plan.by.is_some()))?;
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
    asked: &Asked<'_>,
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
            &|batch: &mut FactBatch, row| batch.push(job.key(row), asked, row),
            &mut |batch| {
                for facts in batch.iter() {
                    if facts.key.id == 0 || seen.is_new(facts.key.id) {
                        part.add(job, &facts);
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
        scan::fold(job.inputs, &job.scan, &job.filter, job.counts, &new, &|part: &mut Part, row| {
            SCRATCH.with_borrow_mut(|scratch| {
                scratch.clear();
                scratch.push(job.key(row), asked, row);
                scratch.iter().for_each(|facts| part.add(job, &facts));
            });
            memory.charge(part)
        })
    };
    if memory.is_exceeded.load(Ordering::Relaxed) {
        return Err(CommandError::new("there are too many different values to count in memory").hint(
            "count by fewer fields, or filter more narrowly; --limit and --fields print values as they come",
        ));
    }
    let (all, summary) = result?;
    let told = Told { duplicates, labels: job.verifies.then_some(summary.row_labels), ..Told::default() };
    let mut notes = Vec::new();
    if all.clipped > 0 {
        notes.push(format!(
            "{} with more than {MAX_COMBINATIONS} combinations of values: only so many were counted",
            plural(all.clipped, "event")
        ));
    }
    Ok(Counted { tally: all.tally, done: Done { summary, told, kept: all.kept, is_gone: false }, notes })
}

thread_local! {
    static SCRATCH: RefCell<FactBatch> = RefCell::default();
}

impl Part {
    fn add(&mut self, job: &Job<'_>, facts: &EventFacts<'_>) {
        self.kept += 1;
        self.clipped += u64::from(facts.is_clipped);
        let time = facts.key.time;
        match &mut self.tally {
            Tally::Groups(groups) => {
                for key in facts.groups() {
                    let group = groups.group(key);
                    group.add(time);
                    facts.numbers().for_each(|number| group.sum.add(&String::from_utf8_lossy(number)));
                    for value in facts.distinct() {
                        group.distinct.is_new(job.fingerprinter.of(value));
                    }
                }
            }
            Tally::Bars(histogram, has_series) => {
                histogram.add(time);
                if *has_series {
                    facts.groups().for_each(|key| histogram.add_value(time, key));
                }
            }
        }
    }

    fn bytes(&self) -> u64 {
        match &self.tally {
            Tally::Groups(groups) => groups.bytes(),
            Tally::Bars(histogram, _) => histogram.bytes(),
        }
    }
}

impl Fold for Part {
    fn merge(&mut self, other: Self) {
        match (&mut self.tally, other.tally) {
            (Tally::Groups(ours), Tally::Groups(theirs)) => ours.merge(theirs),
            (Tally::Bars(ours, _), Tally::Bars(theirs, _)) => ours.merge(theirs),
            _ => {}
        }
        self.kept += other.kept;
        self.clipped += other.clipped;
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
