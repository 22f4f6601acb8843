//! Events one by one: streamed in archive order, or sorted, once each, the first so many.

use std::{io, ops::ControlFlow, path::PathBuf};

use trailseal_evidence::{
    ProgressStage,
    ledger::Integrity,
    scan::{Batch, Summary},
};

use crate::{
    error::Error,
    question::{Once, Question, RowKey},
    row_format::RowFormat,
    sort::{SortOptions, Sorter},
};

/// Which of the events are shown, in which order.
#[derive(Clone, Debug)]
pub struct RowsAsked {
    /// The order.
    pub order: RowOrder,
    /// At most so many.
    pub limit: Option<u64>,
    /// Bytes of memory for sorting.
    pub sort_memory: u64,
    /// The folder for temporary files of what does not fit into it.
    pub spill: Option<PathBuf>,
}

/// The order of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowOrder {
    /// As they are found: files by path, events as they lie in them.
    Archive,
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

/// Who takes formatted rows.
pub trait RowSink: Send {
    /// Whether it must be given one row at a time, and not as many as there are.
    fn takes_single_rows(&self) -> bool;

    /// Takes a row; or several, one behind the other, where it need not tell them apart.
    ///
    /// # Errors
    /// When they cannot be written, which ends the run.
    fn take(&mut self, rows: &[u8]) -> io::Result<()>;

    /// Hears that it may be a while until there is another row.
    ///
    /// # Errors
    /// When what was taken cannot be written, which ends the run.
    fn pause(&mut self) -> io::Result<()>;

    /// Whether nobody wants more.
    fn is_gone(&self) -> bool;
}

/// What became of the events.
#[derive(Debug)]
pub struct Chosen {
    /// What was read.
    pub summary: Summary,
    /// Events that were given to the sink.
    pub kept: u64,
    /// Events that were left out because they were delivered more than once; `None` when none were looked for.
    pub duplicates: Option<u64>,
    /// Events by label, in the order of [`Integrity::ALL`].
    pub labels: [u64; 4],
    /// Whether reading ended as soon as there were enough.
    pub ended_early: bool,
}

/// Gives the events to a sink.
///
/// # Errors
/// [`Error`] when they could not be read, sorted or written.
pub fn rows(
    question: &Question<'_>,
    asked: &RowsAsked,
    format: &RowFormat,
    sink: &mut dyn RowSink,
) -> Result<Chosen, Error> {
    let is_plain = asked.limit.is_none()
        && asked.order == RowOrder::Archive
        && question.dedupe.is_none()
        && !sink.takes_single_rows();
    if is_plain { stream(question, format, sink) } else { choose(question, asked, format, sink) }
}

/// All of them as they come.
fn stream(question: &Question<'_>, format: &RowFormat, sink: &mut dyn RowSink) -> Result<Chosen, Error> {
    let mut failure = None;
    let summary = question.stream(&|to: &mut Vec<u8>, row| format.write(row, to), &mut |bytes| {
        go_on(sink.take(bytes).and_then(|()| sink.pause()), sink.is_gone(), &mut failure)
    });
    if let Some(error) = failure {
        return Err(error.into());
    }
    let summary = summary?;
    let (kept, labels) = (summary.counts.matched, summary.row_labels);
    Ok(Chosen { summary, kept, duplicates: None, labels, ended_early: false })
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
fn choose(
    question: &Question<'_>,
    asked: &RowsAsked,
    format: &RowFormat,
    sink: &mut dyn RowSink,
) -> Result<Chosen, Error> {
    let once = question.dedupe.map(|_| question.proven_twins()).transpose()?.map(Once::new);
    let mut chooser = Chooser::new(question, asked, once, sink);
    let mut failure = None;
    let summary = question.stream(
        &|rows: &mut KeyedRows, row| rows.push(question.key(row), |to| format.write(row, to)),
        &mut |rows| {
            let result = chooser.take(rows);
            let is_enough = chooser.has_enough() || chooser.sink.is_gone();
            go_on(result, is_enough, &mut failure)
        },
    );
    if let Some(error) = failure {
        return Err(error.into());
    }
    chooser.finish(summary?)
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

struct Chooser<'q, 's> {
    question: &'q Question<'q>,
    limit: Option<u64>,
    once: Option<Once>,
    duplicates: u64,
    labels: [u64; 4],
    kept: u64,
    sorter: Option<Sorter>,
    sink: &'s mut dyn RowSink,
}

impl<'q, 's> Chooser<'q, 's> {
    fn new(
        question: &'q Question<'q>,
        asked: &RowsAsked,
        once: Option<Once>,
        sink: &'s mut dyn RowSink,
    ) -> Self {
        let sorter = (asked.order != RowOrder::Archive).then(|| {
            Sorter::new(SortOptions {
                newest_first: asked.order == RowOrder::Newest,
                limit: asked.limit,
                memory: asked.sort_memory,
                spill: asked.spill.clone(),
            })
        });
        Self { question, limit: asked.limit, once, duplicates: 0, labels: [0; 4], kept: 0, sorter, sink }
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
                Some(sorter) => sorter.push(key.time, key.nanos, row)?,
                None => self.sink.take(row)?,
            }
        }
        if self.sorter.is_none() { self.sink.pause() } else { Ok(()) }
    }

    fn is_kept(&mut self, key: &RowKey) -> bool {
        if let Some(label) = key.integrity {
            self.labels[label.min(Integrity::ALL.len() - 1)] += 1;
        }
        let is_new = self.once.as_mut().is_none_or(|once| once.is_new(key));
        self.duplicates += u64::from(!is_new);
        is_new
    }

    /// Whether no further event can be shown.
    fn has_enough(&self) -> bool {
        self.sorter.is_none() && self.limit.is_some_and(|limit| self.kept >= limit)
    }

    fn finish(mut self, mut summary: Summary) -> Result<Chosen, Error> {
        let ended_early = self.has_enough();
        if ended_early {
            // How far the threads were ahead of the last event that is shown means nothing.
            summary.counts.matched = self.kept;
        }
        if let Some(sorter) = self.sorter.take() {
            let (sink, progress) = (&mut *self.sink, self.question.progress);
            progress.enter(ProgressStage::Sorting);
            sorter.finish(&mut |row| {
                sink.take(row)?;
                Ok(!sink.is_gone() && !progress.is_interrupted())
            })?;
        }
        let duplicates = self.once.is_some().then_some(self.duplicates);
        Ok(Chosen { summary, kept: self.kept, duplicates, labels: self.labels, ended_early })
    }
}

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;

    use super::*;

    #[test]
    fn rows_come_out_as_they_went_in() {
        let rows = [
            (RowKey { time: Timestamp::from_epoch(5), nanos: 9, id: 7, integrity: Some(2) }, &b"abc"[..]),
            (RowKey { time: None, nanos: 0, id: 0, integrity: None }, b""),
            (
                RowKey { time: Timestamp::from_epoch(-1), nanos: 0, id: u128::MAX, integrity: Some(0) },
                b"{}\n",
            ),
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
