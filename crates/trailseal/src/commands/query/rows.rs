//! Events one by one: streamed in archive order, or sorted, once each, the first so many.

use std::{io, ops::ControlFlow};

use trailseal_analysis::{
    RowKey,
    sort::{NoSpillFolder, SortOptions, Sorter},
};
use trailseal_archive::temporary;
use trailseal_evidence::{
    inputs::FileSource as _,
    ledger::Label,
    scan::{self, Batch},
};
use trailseal_query::aggregate::Seen;

use super::{
    Done, Job,
    args::Sort,
    plan::{RowPlan, ShapeKind},
    sink::{Out, Sink},
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
        &|to: &mut Vec<u8>, row| plan.format.write(row, to),
        &mut |bytes| go_on(sink.rows(bytes).and_then(|()| sink.pause()), sink.is_gone(), &mut failure),
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
    let question = job.question();
    let mut failure = None;
    let summary = scan::stream(
        job.inputs,
        &job.scan,
        &job.filter,
        job.counts,
        &|rows: &mut KeyedRows, row| rows.push(question.key(row), |to| plan.format.write(row, to)),
        &mut |rows| {
            let result = chooser.take(rows);
            let is_enough = chooser.has_enough() || chooser.sink.is_gone();
            go_on(result, is_enough, &mut failure)
        },
    );
    if let Some(error) = failure {
        return Err(told_of_files(error));
    }
    let summary = summary?;
    chooser.finish(summary)
}

/// An error of writing, or of a folder for temporary files that must not be used.
fn told_of_files(error: io::Error) -> CommandError {
    if NoSpillFolder::is_in(&error) {
        return CommandError::new(format!(
            "cannot write the output: the folder for temporary files, {}, is part of what is read or absent; set TMPDIR to another one",
            std::env::temp_dir().display()
        ));
    }
    error.into()
}

/// Formatted rows with their keys, on their way to the chooser.
#[derive(Debug, Default)]
struct KeyedRows {
    /// One row behind the other.
    bytes: Vec<u8>,
    /// Each with the end of its bytes.
    rows: Vec<(RowKey, usize)>,
}

impl KeyedRows {
    fn push(&mut self, key: RowKey, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.rows.push((key, self.bytes.len()));
    }

    fn iter(&self) -> impl Iterator<Item = (&RowKey, &[u8])> {
        let mut start = 0;
        self.rows.iter().map(move |(key, end)| (key, &self.bytes[std::mem::replace(&mut start, *end)..*end]))
    }
}

impl Batch for KeyedRows {
    fn bytes(&self) -> usize {
        self.bytes.len() + self.rows.len() * size_of::<(RowKey, usize)>()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
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
                spill: temporary::outside(&std::env::temp_dir(), job.inputs.given()),
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

    fn take(&mut self, rows: &KeyedRows) -> io::Result<()> {
        for (key, row) in rows.iter() {
            if self.has_enough() {
                break;
            }
            if !self.is_kept(key) {
                continue;
            }
            self.kept += 1;
            match &mut self.sorter {
                Some(sorter) => sorter.push(key.time, row)?,
                None => self.sink.row(row)?,
            }
        }
        if self.sorter.is_none() { self.sink.pause() } else { Ok(()) }
    }

    fn is_kept(&mut self, key: &RowKey) -> bool {
        if let Some(label) = key.label {
            self.labels[label.min(Label::ALL.len() - 1)] += 1;
        }
        let is_new = key.id == 0 || self.seen.as_mut().is_none_or(|seen| seen.is_new(key.id));
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
            sorter
                .finish(&mut |row| {
                    sink.row(row)?;
                    Ok(!sink.is_gone() && !trailseal_evidence::Progress::is_interrupted(counts))
                })
                .map_err(told_of_files)?;
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

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;

    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let rows = [
            (RowKey { time: Timestamp::from_epoch(5), id: 7, label: Some(2) }, &b"abc"[..]),
            (RowKey { time: None, id: 0, label: None }, b""),
            (RowKey { time: Timestamp::from_epoch(-1), id: u128::MAX, label: Some(0) }, b"{}\n"),
        ];
        let mut batch = KeyedRows::default();
        for _ in 0..2 {
            assert_eq!(batch.bytes(), 0);
            for (key, row) in rows {
                batch.push(key, |to| to.extend_from_slice(row));
            }
            assert!(batch.bytes() > 6);
            assert!(batch.iter().map(|(key, row)| (*key, row)).eq(rows));
            batch.clear();
        }
    }
}
