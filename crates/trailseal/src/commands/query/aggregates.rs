//! What events come to: groups, sums, distinct values, histograms.

use trailseal_analysis::count::{self, Asked, Counted, MAX_COMBINATIONS};
use trailseal_query::aggregate::parts;

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
    let (mut groups, mut counted) = told(job, count::groups(&job.question(), &asked)?);
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
    let (histogram, mut counted) = told(job, count::histogram(&job.question(), plan.step, plan.by.as_ref())?);
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

/// What is to be said beside what was counted.
struct Beside {
    done: Done,
    notes: Vec<String>,
}

/// What was counted, and what is to be said beside it.
fn told<T>(job: &Job<'_>, counted: Counted<T>) -> (T, Beside) {
    let Counted { tally, summary, kept, duplicates, clipped } = counted;
    let told = Told { duplicates, labels: job.verifies.then_some(summary.row_labels), ..Told::default() };
    let mut notes = Vec::new();
    if clipped > 0 {
        notes.push(format!(
            "{} with more than {MAX_COMBINATIONS} combinations of values: only so many were counted",
            plural(clipped, "event")
        ));
    }
    (tally, Beside { done: Done { summary, told, kept, is_gone: false }, notes })
}

impl Done {
    fn with(mut self, notes: Vec<String>, out: &Out) -> Self {
        self.told.notes = notes;
        self.is_gone = out.is_gone();
        self
    }
}
