//! Events one by one: streamed in archive order, or sorted, once each, the first so many.

use std::{io, ops::ControlFlow};

use trailseal_evidence::{inputs::FileSource as _, ledger::Label, scan};
use trailseal_query::aggregate::Seen;

use super::{
    Done, Job,
    args::Sort,
    frame::{Head, frames, push},
    plan::{RowPlan, ShapeKind},
    sink::{Out, Sink},
    sort::{SortOptions, Sorter},
};
use crate::{error::CommandError, render::query::summary::Told};

/// Writes the events.
///
/// # Errors
/// [`CommandError`] when they could not be read or written.
pub(super) fn run(job: &Job<'_>, plan: &RowPlan, out: &mut Out) -> Result<Done, CommandError> {
    let mut sink = Sink::new(out, plan.shape(), job.width);
    let is_plain = plan.limit.is_none()
        && plan.sort == Sort::None
        && !job.dedupe
        && matches!(plan.shape, ShapeKind::Plain | ShapeKind::Array | ShapeKind::Csv);
    let done = if is_plain { stream(job, plan, &mut sink)? } else { choose(job, plan, &mut sink)? };
    sink.finish()?;
    Ok(done)
}

/// All of them as they come.
fn stream(job: &Job<'_>, plan: &RowPlan, sink: &mut Sink<'_>) -> Result<Done, CommandError> {
    let mut failure = None;
    let summary = scan::stream(
        job.inputs,
        &job.scan,
        &job.filter,
        job.counts,
        &|to, row| {
            plan.format.write(row, to);
            1
        },
        &mut |bytes, _| go_on(sink.rows(bytes).and_then(|()| sink.pause()), sink.is_gone(), &mut failure),
    );
    if let Some(error) = failure {
        return Err(error.into());
    }
    let summary = summary?;
    let kept = summary.counts.matched;
    let told = Told { labels: job.verifies.then_some(summary.row_labels), ..Told::default() };
    Ok(Done { summary, told, kept, is_gone: sink.is_gone() })
}

/// Whether more events are wanted.
fn go_on(result: io::Result<()>, is_enough: bool, failure: &mut Option<io::Error>) -> ControlFlow<()> {
    if let Err(error) = result {
        *failure = Some(error);
        return ControlFlow::Break(());
    }
    if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Those that are chosen, in the order that is asked for.
fn choose(job: &Job<'_>, plan: &RowPlan, sink: &mut Sink<'_>) -> Result<Done, CommandError> {
    let mut chooser = Chooser::new(job, plan, sink);
    let mut failure = None;
    let summary = scan::stream(
        job.inputs,
        &job.scan,
        &job.filter,
        job.counts,
        &|to, row| {
            let head = job.head(row);
            push(to, head, |to| plan.format.write(row, to));
            1
        },
        &mut |bytes, _| {
            let result = chooser.take(bytes);
            let is_enough = chooser.has_enough() || chooser.sink.is_gone();
            go_on(result, is_enough, &mut failure)
        },
    );
    if let Some(error) = failure {
        return Err(error.into());
    }
    let summary = summary?;
    chooser.finish(summary)
}

struct Chooser<'j, 'a, 's, 'o> {
    job: &'j Job<'a>,
    limit: Option<u64>,
    seen: Option<Seen>,
    duplicates: u64,
    labels: [u64; 4],
    kept: u64,
    sorter: Option<Sorter>,
    sink: &'s mut Sink<'o>,
}

impl<'j, 'a, 's, 'o> Chooser<'j, 'a, 's, 'o> {
    fn new(job: &'j Job<'a>, plan: &RowPlan, sink: &'s mut Sink<'o>) -> Self {
        let sorter = (plan.sort != Sort::None).then(|| {
            Sorter::new(SortOptions {
                newest_first: plan.sort == Sort::Newest,
                limit: plan.limit,
                memory: job.sort_memory,
                roots: job.inputs.given().to_vec(),
            })
        });
        Self {
            job,
            limit: plan.limit,
            seen: job.dedupe.then(Seen::default),
            duplicates: 0,
            labels: [0; 4],
            kept: 0,
            sorter,
            sink,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        for (head, row) in frames(bytes) {
            if self.has_enough() {
                break;
            }
            if !self.is_kept(&head) {
                continue;
            }
            self.kept += 1;
            match &mut self.sorter {
                Some(sorter) => sorter.push(head.time, row)?,
                None => self.sink.row(row)?,
            }
        }
        if self.sorter.is_none() { self.sink.pause() } else { Ok(()) }
    }

    fn is_kept(&mut self, head: &Head) -> bool {
        if let Some(label) = head.label {
            self.labels[label.min(Label::ALL.len() - 1)] += 1;
        }
        let is_new = head.id == 0 || self.seen.as_mut().is_none_or(|seen| seen.is_new(head.id));
        self.duplicates += u64::from(!is_new);
        is_new
    }

    /// Whether no further event can be shown.
    fn has_enough(&self) -> bool {
        self.sorter.is_none() && self.limit.is_some_and(|limit| self.kept >= limit)
    }

    fn finish(mut self, mut summary: scan::Summary) -> Result<Done, CommandError> {
        let ended_early = self.has_enough();
        if ended_early {
            // How far the threads were ahead of the last event that is shown means nothing.
            summary.counts.matched = self.kept;
        }
        if let Some(sorter) = self.sorter.take() {
            let (sink, counts) = (&mut *self.sink, self.job.counts);
            sorter.finish(&mut |row| {
                sink.row(row)?;
                Ok(!sink.is_gone() && !trailseal_evidence::Progress::is_interrupted(counts))
            })?;
        }
        let told = Told {
            duplicates: self.seen.is_some().then_some(self.duplicates),
            labels: self.job.verifies.then_some(self.labels),
            ended_early,
            ..Told::default()
        };
        Ok(Done { summary, told, kept: self.kept, is_gone: self.sink.is_gone() })
    }
}
