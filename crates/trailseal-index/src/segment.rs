//! A segment: what is known of some files. It is written once and never changed.
//!
//! The file begins with a header that says where its sections lie; each section has a checksum of its own, which is looked
//! at when the section is read.

pub(crate) mod facts;
pub(crate) mod read;
pub(crate) mod write;

use std::io;

/// The first bytes of a segment, with the version of the format.
const MAGIC: &[u8; 8] = b"tslseg01";

/// What a segment is made of, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    /// A fixed number of bytes for every file.
    Files,
    /// Their paths, one behind the other.
    Paths,
    /// Their filters, one behind the other.
    Filters,
    /// Seconds of every event behind the first of its file.
    Times,
    /// The different values of a group.
    Values(usize),
    /// Which of them every event has.
    Rows(usize),
}

/// Sections of every segment.
const SECTIONS: usize = 4 + 2 * crate::groups::ColumnGroup::ALL.len();

impl Section {
    fn index(self) -> usize {
        match self {
            Self::Files => 0,
            Self::Paths => 1,
            Self::Filters => 2,
            Self::Times => 3,
            Self::Values(group) => 4 + 2 * group,
            Self::Rows(group) => 5 + 2 * group,
        }
    }
}

/// Bytes of the header: magic, version of what is derived, files, events, then length and checksum of every section, and
/// a checksum of the header.
const HEADER: usize = 8 + 8 + 4 + 4 + SECTIONS * 12 + 4;

/// Sections are not larger.
const MAX_SECTION: u64 = 1 << 30;

/// Why a segment is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is of another version of the program.
    #[error("it was written by another version")]
    Version,
    /// Its bytes are not those that were written.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What of it.
        what: &'static str,
    },
}

/// Changes whenever this program would write something else of the same files: what is derived from records, values that are
/// told apart, the form of a segment.
const DERIVED: u64 = 2;
