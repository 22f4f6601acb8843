//! What can go wrong while delivering.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::journal::{JournalError, JournalPosition};
use crate::keys::KeyError;

/// Why a delivery failed, or a deliverer could not be opened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// A trail that cannot be delivered as it is.
    #[error("the trail cannot be delivered: {reason}")]
    Trail {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A file or folder could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A file of the deliverer's own is not what it wrote.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The journal ends before what was delivered: it is another one, or a part of it is gone.
    #[error("the journal ends at entry {}, but entries before {} were delivered", end.0, delivered.0)]
    JournalBehind {
        /// The journal's end.
        end: JournalPosition,
        /// Up to here entries were delivered.
        delivered: JournalPosition,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A key could not be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl LiveError {
    pub(super) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source: Arc::new(source) }
    }

    pub(super) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.into() }
    }
}
