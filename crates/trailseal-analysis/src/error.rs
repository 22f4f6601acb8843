//! Why a question has no answer.

use std::io;

use crate::sort::NoSpillFolder;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files could not be scanned, or the run was interrupted.
    #[error(transparent)]
    Evidence(#[from] trailseal_evidence::Error),
    /// A span of time that ends before it begins.
    #[error(transparent)]
    Time(#[from] trailseal_query::shortcut::ShortcutError),
    /// Rows could not be written, or not be kept in a temporary file.
    #[error(transparent)]
    Write(io::Error),
    /// Rows do not fit into memory, and there is no folder for temporary files.
    #[error(transparent)]
    NoSpillFolder(NoSpillFolder),
    /// Too many keys were issued to each other.
    #[error("more than {limit} keys were issued")]
    TooManyLinks {
        /// How many are held.
        limit: u64,
    },
    /// What is to be counted does not fit into memory.
    #[error("there are too many different values to count in memory")]
    TooManyValues,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        if NoSpillFolder::is_in(&error) { Self::NoSpillFolder(NoSpillFolder) } else { Self::Write(error) }
    }
}
