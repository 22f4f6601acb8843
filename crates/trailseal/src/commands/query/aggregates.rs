//! What events come to: groups, sums, distinct values, histograms.

use trailseal_analysis::{
    bars::{self, BarsAsked},
    count::{Counted, MAX_COMBINATIONS},
    groups::{self, GroupTable, GroupsAsked},
};

use super::{Done, Job, sink::write_gone};
use crate::{
    destination::Out,
    error::CommandError,
    render::{
        plain::{grouped, plural},
        query::{
            bars as render,
            cells::{self, EventFormat},
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
    asked: &GroupsAsked,
    format: EventFormat,
    out: &mut Out,
) -> Result<Done, CommandError> {
    let counted = groups::groups(&job.question(), asked)?;
    let GroupTable { table, all, not_numbers } = &counted.tally;
    let mut notes = Vec::new();
    if *not_numbers > 0 {
        notes.push(format!("not summed, since no number: {}", plural(*not_numbers, "value")));
    }
    if (table.rows.len() as u64) < *all {
        notes.push(format!("{} of {} shown (--top)", table.rows.len(), plural(*all, "group")));
    }
    end_progress(job, out);
    let gone = cells::write(format, table, job.screen, &job.zone, out)?;
    write_gone(&gone, "-o FILE, | less", job.screen, out)?;
    Ok(done(job, counted, notes, out))
}

/// Counts by time.
///
/// # Errors
/// [`CommandError`] when events could not be read or there are too many buckets.
pub(super) fn bars(
    job: &Job<'_>,
    asked: &BarsAsked,
    format: EventFormat,
    out: &mut Out,
) -> Result<Done, CommandError> {
    let counted = bars::bars(&job.question(), asked)?;
    let bars = &counted.tally;
    let mut notes = Vec::new();
    if bars.untimed > 0 {
        notes.push(format!("not in the histogram: {} without a time", plural(bars.untimed, "event")));
    }
    if bars.has_holes {
        notes.push("steps without events are left out, there are too many".to_owned());
    }
    end_progress(job, out);
    if format == EventFormat::Table {
        let gone = render::write(bars, job.screen, &job.zone, out)?;
        write_gone(&gone, "-o FILE, | less", job.screen, out)?;
    } else {
        cells::write(format, &bars::table(bars, asked), None, &job.zone, out)?;
    }
    Ok(done(job, counted, notes, out))
}

/// The line of progress and what is written share a screen.
fn end_progress(job: &Job<'_>, out: &Out) {
    if out.is_terminal() {
        job.counts.end();
    }
}

/// What is to be said beside what was counted.
fn done<T>(job: &Job<'_>, counted: Counted<T>, mut notes: Vec<String>, out: &Out) -> Done {
    let Counted { summary, kept, duplicates, clipped, .. } = counted;
    if clipped > 0 {
        let events = plural(clipped, "event");
        notes.insert(
            0,
            format!(
                "{events} with too many combinations of values: of each, only the first {} were counted, or less where \
                 they are long; one field at a time has no such limit",
                grouped(MAX_COMBINATIONS as u64)
            ),
        );
    }
    let labels = job.verifies.then_some(summary.row_labels);
    let told = Told { duplicates, labels, notes, ..Told::default() };
    Done { summary, told, kept, uncounted: clipped, near: Vec::new(), is_gone: out.is_gone() }
}
