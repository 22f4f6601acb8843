//! A predicate made ready for scanning.

use crate::{predicate::Predicate, record::Record};

/// A predicate, and what its records must hold byte for byte.
#[derive(Clone, Debug)]
pub struct Filter {
    predicate: Predicate,
}

impl Filter {
    /// Makes a predicate ready.
    pub fn new(predicate: Predicate) -> Self {
        Self { predicate }
    }

    /// Whether the predicate holds for a record.
    pub fn matches(&self, record: &Record<'_>) -> bool {
        self.predicate.matches(record)
    }

    /// The predicate.
    pub fn predicate(&self) -> &Predicate {
        &self.predicate
    }
}
