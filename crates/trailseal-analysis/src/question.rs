//! What is asked about the events of some files.

use std::ops::ControlFlow;

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    ledger::Integrity,
    scan::{self, Batch, Row, ScanOptions, Summary},
};
use trailseal_query::{Filter, aggregate::Fingerprinter};

/// What is asked about: which events, of which files.
pub struct Question<'a> {
    /// The files.
    pub files: &'a dyn FileSource,
    /// How they are scanned.
    pub options: &'a ScanOptions<'a>,
    /// Which events are wanted.
    pub filter: &'a Filter,
    /// Who hears how far it has come.
    pub progress: &'a dyn Progress,
    /// Whether an event that was delivered more than once counts once.
    pub dedupe: bool,
    /// Tells ids and values apart.
    pub fingerprinter: Fingerprinter,
}

/// What is known of a row beside what is shown of it: to sort, count and choose among rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// Its event time.
    pub time: Option<Timestamp>,
    /// The fingerprint of its eventID; 0 for none, and where nobody asks for it.
    pub id: u128,
    /// The place of its label in [`Integrity::ALL`], if it has one.
    pub integrity: Option<usize>,
}

impl Question<'_> {
    /// Adds what is wanted to batches with `row`, and hands them to `emit` in archive order until it breaks
    /// ([`scan::stream`]).
    pub(crate) fn stream<B: Batch>(
        &self,
        row: &(dyn Fn(&mut B, &Row<'_>) + Sync),
        emit: &mut (dyn FnMut(&mut B) -> ControlFlow<()> + Send),
    ) -> Result<Summary, trailseal_evidence::Error> {
        scan::stream(self.files, self.options, self.filter, self.progress, row, emit)
    }

    /// What must be known of a row beside what is shown of it.
    pub fn key(&self, row: &Row<'_>) -> RowKey {
        let id = || {
            let id = row.record.member("eventID").and_then(|id| id.as_str()).filter(|id| !id.is_empty());
            id.map_or(0, |id| self.fingerprinter.of(id.as_bytes()))
        };
        RowKey {
            time: row.record.time(),
            id: if self.dedupe { id() } else { 0 },
            integrity: row.file.integrity.map(Integrity::index),
        }
    }
}
