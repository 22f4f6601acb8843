//! What is asked about the events of some files.

use std::{borrow::Cow, collections::HashSet, ops::ControlFlow};

use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    ledger::Integrity,
    scan::{self, Batch, Fold, Row, ScanOptions, Summary},
};
use trailseal_query::{
    Filter,
    aggregate::{Fingerprinter, Seen},
};

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
    /// What makes two events one, so that it counts once; `None` for nothing.
    pub dedupe: Option<Sameness>,
    /// Tells ids and values apart.
    pub fingerprinter: Fingerprinter,
}

#[derive(Debug, Default)]
struct Ids(HashSet<u128>);

impl Fold for Ids {
    fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    fn hears_of_files() -> bool {
        false
    }
}

/// What makes two events one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sameness {
    /// The same `eventID`: one event that was delivered twice.
    EventId,
    /// The same `sharedEventID`, which is what several accounts recorded of one action; else the same `eventID`.
    SharedEventId,
}

/// What is known of a row beside what is shown of it: to sort, count and choose among rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// Its event time.
    pub time: Option<Timestamp>,
    /// The nanoseconds that its time says beside the seconds.
    pub nanos: u32,
    /// The fingerprint of its eventID; 0 for none, and where nobody asks for it.
    pub id: u128,
    /// The place of its label in [`Integrity::ALL`], if it has one.
    pub integrity: Option<usize>,
}

impl RowKey {
    /// That of a row of which nobody asks for more.
    pub(crate) const NONE: Self = Self { time: None, nanos: 0, id: 0, integrity: None };
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

    /// The ids of events of which there is a verified copy beside others: of these only the verified one is to be kept,
    /// wherever it lies. The files are read once for it, and once more if there are others; what comes through standard input
    /// cannot be read twice, and is not verified.
    pub(crate) fn proven_twins(&self) -> Result<HashSet<u128>, trailseal_evidence::Error> {
        let is_asked =
            self.dedupe.is_some() && self.options.ledger.is_some() && self.options.only_integrity.is_none();
        if !is_asked || self.files.reads_stdin() {
            return Ok(HashSet::new());
        }
        let is_verified = |key: &RowKey| key.integrity == Some(Integrity::Verified.index());
        let others = self.ids(&|key| !is_verified(key))?;
        if others.is_empty() {
            return Ok(others);
        }
        self.ids(&|key| is_verified(key) && others.contains(&key.id))
    }

    /// The ids of the wanted events whose keys are such.
    fn ids(
        &self,
        is_such: &(dyn Fn(&RowKey) -> bool + Sync),
    ) -> Result<HashSet<u128>, trailseal_evidence::Error> {
        let Self { files, options, filter, progress, .. } = self;
        let (found, _) = scan::fold(*files, options, filter, *progress, &Ids::default, &|ids, row| {
            let key = self.key(row);
            if key.id != 0 && is_such(&key) {
                ids.0.insert(key.id);
            }
            ControlFlow::Continue(())
        })?;
        Ok(found.0)
    }

    /// What must be known of a row beside what is shown of it.
    pub fn key(&self, row: &Row<'_>) -> RowKey {
        let text = |name| row.record.member(name).and_then(|id| id.as_str()).filter(|id| !id.is_empty());
        let id = |same: Sameness| match same {
            Sameness::EventId => text("eventID").map(|id| ("eventID", id)),
            Sameness::SharedEventId => {
                let shared = text("sharedEventID").map(|id| ("sharedEventID", id));
                shared.or_else(|| text("eventID").map(|id| ("eventID", id)))
            }
        };
        // an id of one kind is none of the other
        let print =
            |(kind, id): (&str, Cow<'_, str>)| self.fingerprinter.of(format!("{kind}\0{id}").as_bytes());
        let (time, nanos) = row.record.moment().unzip();
        RowKey {
            time,
            nanos: nanos.unwrap_or(0),
            id: self.dedupe.and_then(id).map_or(0, print),
            integrity: row.file.integrity.map(Integrity::index),
        }
    }
}

/// What was seen of events that are to be kept once each: of copies the verified one, then the first.
#[derive(Debug)]
pub(crate) struct Once {
    seen: Seen,
    proven_twins: HashSet<u128>,
}

impl Once {
    pub(crate) fn new(proven_twins: HashSet<u128>) -> Self {
        Self { seen: Seen::default(), proven_twins }
    }

    /// Whether an event is to be kept.
    pub(crate) fn is_new(&mut self, key: &RowKey) -> bool {
        let has_better =
            key.integrity != Some(Integrity::Verified.index()) && self.proven_twins.contains(&key.id);
        key.id == 0 || !has_better && self.seen.is_new(key.id)
    }
}
