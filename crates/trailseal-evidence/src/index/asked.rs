//! What an index says to one question.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use trailseal_index::{ColumnGroup, FileAnswer, FileAnswers, Segment, SegmentColumns, SegmentError};
use trailseal_query::{Filter, Predicate, scan::Counts};

use super::{ArchiveIndex, KnownFile};
use crate::scan::{ColumnRows, Job};

/// A filter, and what the segments that were asked say to it. Each is asked once, when a file of it is met.
pub(crate) struct Asked<'q> {
    pub(crate) index: &'q ArchiveIndex,
    filter: &'q Filter,
    /// The groups of which columns are taken, where they are taken instead of records.
    groups: Option<&'q [ColumnGroup]>,
    /// By index and segment.
    segments: Vec<Vec<AskedSegment>>,
    /// The columns that were read last.
    kept: Mutex<VecDeque<Arc<SegmentColumns>>>,
}

struct AskedSegment {
    /// Its place among those of all indexes.
    number: usize,
    answers: OnceLock<Option<FileAnswers>>,
    columns: Mutex<HeldColumns>,
}

/// Columns that were read.
enum HeldColumns {
    NotYet,
    /// As long as anybody holds them.
    Read(Weak<SegmentColumns>),
    /// They cannot be read.
    Damaged,
}

/// Segments whose columns are kept: of files that lie beside each other many are in one segment, but two threads may be in two, and
/// files that came later are in others.
const KEPT: usize = 4;

impl<'q> Asked<'q> {
    /// Asks an index, unless it can say nothing: where records are wanted, of a filter that takes everything.
    pub(crate) fn new(
        index: &'q ArchiveIndex,
        filter: &'q Filter,
        groups: Option<&'q [ColumnGroup]>,
    ) -> Option<Self> {
        let takes_everything = matches!(filter.predicate(), Predicate::Constant(true));
        if takes_everything && groups.is_none() || index.is_empty() {
            return None;
        }
        let mut numbers = 0..;
        let mut of_segment = |_: &Segment| AskedSegment {
            number: numbers.next().unwrap_or_default(),
            answers: OnceLock::new(),
            columns: Mutex::new(HeldColumns::NotYet),
        };
        let segments = index.indexes.iter().map(|of| of.segments().iter().map(&mut of_segment).collect());
        let segments = segments.collect();
        Some(Self { index, filter, groups, segments, kept: Mutex::default() })
    }

    /// What is known of a file that is as it was when it was found.
    pub(crate) fn known(&self, job: &Job<'_>) -> Option<KnownFile<'q>> {
        let is_plain = job.leftover.is_none() && job.refusal.is_none();
        self.index.known(job.real.as_deref().filter(|_| is_plain)?, job.stamp)
    }

    /// Whether no record of a file matches, as far as that can be said without waiting: its segment was asked before.
    pub(crate) fn holds_nothing(&self, known: &KnownFile<'_>) -> bool {
        let answers = self.segment(known).and_then(|segment| segment.answers.get()?.as_ref());
        answers.is_some_and(|answers| answers.of(known.at.2) == FileAnswer::None)
    }

    /// What is known of the records of a file. Where some match, it is of use only to those who take columns.
    pub(crate) fn answer(&self, known: &KnownFile<'_>) -> FileAnswer {
        let answers = self.segment(known).and_then(|segment| self.answers(segment, known));
        answers.map_or(FileAnswer::Unclear, |answers| answers.of(known.at.2))
    }

    /// The rows of a file of which some match, and it is known which; `None` if no columns are wanted, or they cannot be read.
    pub(crate) fn rows(&self, known: &KnownFile<'_>) -> Option<ColumnRows<'_>> {
        let groups = self.groups?;
        let segment = self.segment(known)?;
        let answers = self.answers(segment, known)?;
        let FileAnswer::Known(matched) = answers.of(known.at.2) else { return None };
        let columns = self.columns(segment, known, groups)?;
        let (index, number, file) = known.at;
        let rows = self.index.indexes.get(index)?.segments().get(number)?.rows_of(file);
        ColumnRows::new(columns, segment.number, rows, answers.matching(), matched)
    }

    /// The columns of a segment: read again where they were let go.
    fn columns(
        &self,
        segment: &AskedSegment,
        known: &KnownFile<'_>,
        groups: &[ColumnGroup],
    ) -> Option<Arc<SegmentColumns>> {
        let mut held = segment.columns.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            HeldColumns::Damaged => return None,
            HeldColumns::Read(columns) => {
                if let Some(columns) = columns.upgrade() {
                    return Some(columns);
                }
            }
            HeldColumns::NotYet => {}
        }
        let Some(columns) = self.ask(known, |of| of.columns(groups)).map(Arc::new) else {
            *held = HeldColumns::Damaged;
            return None;
        };
        *held = HeldColumns::Read(Arc::downgrade(&columns));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back(Arc::clone(&columns));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        Some(columns)
    }

    fn segment(&self, known: &KnownFile<'_>) -> Option<&AskedSegment> {
        self.segments.get(known.at.0)?.get(known.at.1)
    }

    fn answers<'s>(&'s self, segment: &'s AskedSegment, known: &KnownFile<'_>) -> Option<&'s FileAnswers> {
        let ask = || {
            let answers = self.ask(known, |of| of.answers(self.filter))?;
            // where records are wanted, it does not matter which
            Some(if self.groups.is_some() { answers } else { answers.of_files() })
        };
        segment.answers.get_or_init(ask).as_ref()
    }

    /// Asks the segment that tells of a file.
    fn ask<T>(
        &self,
        known: &KnownFile<'_>,
        question: impl FnOnce(&Segment) -> Result<T, SegmentError>,
    ) -> Option<T> {
        self.index.ask((known.at.0, known.at.1), question)
    }
}

impl KnownFile<'_> {
    /// What a scan that finds nothing in it sees.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts { records: u64::from(self.facts.records), ..Counts::default() };
        for (to, from) in counts.left_out.iter_mut().zip(self.facts.left_out) {
            *to = u64::from(from);
        }
        counts
    }
}
