//! What an index says to one question.

use std::sync::OnceLock;

use trailseal_index::FileAnswers;
use trailseal_query::{Filter, Predicate, scan::Counts};

use super::{ArchiveIndex, KnownFile};
use crate::scan::Job;

/// A filter, and what the segments that were asked say to it. Each is asked once, when a file of it is met.
pub(crate) struct Asked<'q> {
    pub(crate) index: &'q ArchiveIndex,
    filter: &'q Filter,
    answers: Vec<Vec<OnceLock<Option<FileAnswers>>>>,
}

impl<'q> Asked<'q> {
    /// Asks an index, unless it can say nothing of a filter that takes everything.
    pub(crate) fn new(index: &'q ArchiveIndex, filter: &'q Filter) -> Option<Self> {
        if matches!(filter.predicate(), Predicate::Constant(true)) || index.is_empty() {
            return None;
        }
        let of_index = |index: &trailseal_index::Index| {
            index.segments().iter().map(|_| OnceLock::new()).collect::<Vec<_>>()
        };
        Some(Self { index, filter, answers: index.indexes.iter().map(of_index).collect() })
    }

    /// What is known of a file that holds no record that matches; `None` where one may, or nothing is known.
    pub(crate) fn answers(&self, job: &Job<'_>) -> Option<KnownFile<'q>> {
        let known = self.known(job)?;
        let (index, segment, file) = known.at;
        let answers = self.answers.get(index)?.get(segment)?.get_or_init(|| {
            let of = &self.index.indexes[index];
            let answers = of.segments()[segment].may_match(self.filter);
            answers.map_err(|error| self.index.note(format!("{}: {error}", of.folder().display()))).ok()
        });
        answers.as_ref().filter(|answers| !answers.may_match(file)).map(|_| known)
    }

    /// The same without waiting: only where the segment was asked before.
    pub(crate) fn answers_now(&self, job: &Job<'_>) -> Option<KnownFile<'q>> {
        let known = self.known(job)?;
        let (index, segment, file) = known.at;
        let answers = self.answers.get(index)?.get(segment)?.get()?;
        answers.as_ref().filter(|answers| !answers.may_match(file)).map(|_| known)
    }

    fn known(&self, job: &Job<'_>) -> Option<KnownFile<'q>> {
        let is_plain = job.leftover.is_none() && job.refusal.is_none();
        self.index.known(job.real.as_deref().filter(|_| is_plain)?, job.stamp?)
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
