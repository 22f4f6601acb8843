//! An index in memory of an archive's events: [`LookupEvents`](trailseal_query::lookup) in milliseconds.
//! [`RecentEvents`] holds those that come one by one, and [`ScannedEvents`] reads files anew for every page. All three are
//! [`LookupSource`](trailseal_query::lookup::LookupSource)s, from which
//! [`answer`](trailseal_query::lookup::answer) makes one answer.
//!
//! [`EventIndex::load`] reads the archive once. What stays is small numbers: for every record its time, its event
//! id, where it lies, and hashes of its bytes and of what it can be looked up by. A lookup finds
//! candidates by these numbers, reads the records again from their files, and holds each against the request itself: a
//! hash is never the reason for a row. The rows, their order, the tokens and the errors are those of a scan with the
//! same request.
//!
//! Of files that an index on disk knows ([`crate::index`]) nothing is read at the beginning and nothing held: a lookup asks it which
//! of them may answer, and reads those with the newest events first.
//!
//! A file as CloudTrail writes it is inflated as far as it is needed, by several threads when a page needs several
//! files, and the records that were asked for are held for the next lookups; other files of log size are inflated and
//! held whole; both together up to [`CACHE_BYTES`]. A record in an archive file (zip, tar), or in a file that is
//! damaged or larger than 8 MiB, is found by scanning that file anew, once for all its records on a page: slower, and
//! always right. A file that is no longer as it was when it was indexed is an error, never a wrong row: its length and
//! the time of its last change must be the same, and the bytes of each record have the same hash.
//!
//! # Memory
//!
//! No text of a record is held but event ids that are no UUIDs. A record takes 68 bytes, and 4 for each distinct
//! text that it can be looked up by (the name and source of the event, the user name, the access key, types and
//! names of resources); each distinct text takes 12 bytes once. A record with more than [`MAX_KEYS`] texts may be a
//! candidate for all of a kind ([`MORE_KEYS`]), and is read to know. A file takes 48 bytes and its name. So an ordinary
//! record takes about 90 bytes, and the most hostile less than 1 KiB, a file of its own aside; event ids that are no
//! UUIDs are refused when they have more than [`MAX_ID`] bytes on average. Loading needs about twice as much for a
//! short while. Beside the index and what is held, each thread that reads uses up to 16 MiB.

use std::sync::Arc;

use trailseal_archive::open::ReadError;
use trailseal_query::lookup::RequestError;

use crate::{inputs::FileList, scan::MEMBERS};

mod cache;
mod content;
mod entry;
mod find;
mod keys;
mod known;
mod load;
mod postings;
mod read;
mod recent;
mod renew;
mod scanned;

pub use self::{
    recent::RecentEvents,
    renew::{ListChange, RenewedIndex},
    scanned::ScannedEvents,
};

use self::{entry::IndexedEvents, keys::Keys, known::KnownEvents, postings::Postings, read::Reader};

/// Distinct texts by which any record can be looked up without being read.
pub const MAX_KEYS: usize = 40;

/// Texts beyond [`MAX_KEYS`] for which there is room in any case, and for one more with every record. A record that
/// has still more is read whenever a text of its kind is asked for: a name or source of the event, user name or access
/// key; a type of resource; a name of one.
pub const MORE_KEYS: u64 = 4096;

/// Bytes that event ids which are no UUIDs may have on average (and [`ID_SLACK`] altogether in any case).
pub const MAX_ID: u64 = 64;

/// Bytes that event ids which are no UUIDs may have altogether in any case.
pub const ID_SLACK: u64 = 1 << 20;

/// Bytes of records and inflated files that are held for the next lookups.
pub const CACHE_BYTES: usize = 64 << 20;

/// An archive's events, made ready for lookups. It may be asked by many threads at a time.
#[derive(Debug)]
pub struct EventIndex {
    entries: IndexedEvents,
    postings: Postings,
    keys: Arc<Keys>,
    files: Arc<FileList>,
    /// Of files that an index on disk tells of, which have no entries.
    known: Option<KnownEvents>,
    /// That of all events, if they have one.
    sole_account: Option<u32>,
    reader: Reader,
    fingerprint: u64,
}

/// What an index holds and takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Records of all categories that can be looked up, and of files that an index on disk knows all; one that was delivered twice
    /// counts twice.
    pub records: u64,
    /// Files that were listed.
    pub files: u64,
    /// Bytes of the index without its cache.
    pub bytes: u64,
    /// Bytes of records and inflated files that are held at the moment.
    pub cached_bytes: u64,
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The archive could not be scanned.
    #[error(transparent)]
    Scan(#[from] crate::Error),
    /// Standard input, a pipe or a device: nothing of it could be read again.
    #[error("{shown} is neither a folder nor a file: its events cannot be read again")]
    NotAFile {
        /// As given.
        shown: String,
    },
    /// Files came or went during the scan.
    #[error("{shown}: the archive changed while it was read")]
    Changed {
        /// The file at which it was seen.
        shown: String,
    },
    /// More than an index can number.
    #[error("{shown}: an index has no room for more {what}")]
    TooMany {
        /// The file at which it was seen.
        shown: String,
        /// Of what.
        what: &'static str,
    },
    /// Event ids that are no UUIDs take too much room.
    #[error(
        "{shown}: the event ids that are no UUIDs have more than {MAX_ID} bytes on average, {bytes} bytes in all"
    )]
    LongIds {
        /// The file at which it was seen.
        shown: String,
        /// Bytes so far.
        bytes: u64,
    },
}

/// Why a lookup has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LookupError {
    /// The request is rejected, with the service's code.
    #[error(transparent)]
    Rejected(#[from] RequestError),
    /// A file is not the one that was indexed.
    #[error("{shown} changed since it was indexed; the index must be loaded again")]
    Changed {
        /// The file.
        shown: String,
    },
    /// A file cannot be read any more.
    #[error("cannot read {shown}: {source}")]
    Unreadable {
        /// The file.
        shown: String,
        /// Why.
        source: ReadError,
    },
    /// The files cannot be scanned, or whoever asked wants no answer any more.
    #[error(transparent)]
    Scanned(#[from] crate::Error),
    /// An archive file cannot be scanned again.
    #[error("cannot read {shown}: {source}")]
    Scan {
        /// The file.
        shown: String,
        /// Why.
        source: crate::Error,
    },
}

impl LookupError {
    /// The file because of which there is no answer, as the user would write it.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Changed { shown } | Self::Unreadable { shown, .. } | Self::Scan { shown, .. } => {
                Some(shown)
            }
            Self::Rejected(_) | Self::Scanned(_) => None,
        }
    }
}

impl EventIndex {
    /// What it holds and takes.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            records: self.entries.len() as u64 + self.known.as_ref().map_or(0, KnownEvents::records),
            files: self.files.len() as u64,
            bytes: (self.entries.bytes()
                + self.postings.bytes()
                + self.files.bytes()
                + self.known.as_ref().map_or(0, KnownEvents::bytes)) as u64,
            cached_bytes: self.reader.cached_bytes() as u64,
        }
    }
}
