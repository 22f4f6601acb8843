//! What an index says to one question.

use std::sync::OnceLock;

use trailseal_index::FileAnswers;
use trailseal_query::{Filter, Predicate, scan::Counts};

use super::{ArchiveIndex, KnownFile};

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

    /// Whether a file that is known may hold a record that matches; if not, it does not.
    pub(crate) fn may_match(&self, known: &KnownFile<'_>) -> bool {
        let (index, segment, file) = known.at;
        let Some(cell) = self.answers.get(index).and_then(|answers| answers.get(segment)) else {
            return true;
        };
        let answers = cell.get_or_init(|| {
            let of = &self.index.indexes[index];
            let answers = of.segments()[segment].may_match(self.filter);
            answers.map_err(|error| self.index.note(format!("{}: {error}", of.folder().display()))).ok()
        });
        answers.as_ref().is_none_or(|answers| answers.may_match(file))
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
