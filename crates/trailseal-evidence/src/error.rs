//! Why verification could not be run at all; what is wrong with single files is a finding instead.

use std::path::PathBuf;

use trailseal_archive::{open::ReadError, walk::RootError};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A root that is not a readable folder.
    #[error("cannot read {0}")]
    Root(#[from] RootError),
    /// Nothing in the roots is a digest or a log, or none is asked for.
    #[error("nothing to verify: {0}")]
    NothingToVerify(String),
    /// A stated map that no digest of its folder fits.
    #[error("--map {map}: no digest file of the folder belongs there, by its own word")]
    Map {
        /// The map, as stated.
        map: String,
    },
    /// A key file that cannot be read.
    #[error("cannot read the key file {}: {source}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ReadError,
    },
    /// The threads could not be started.
    #[error("cannot start the worker threads: {0}")]
    Threads(#[source] std::io::Error),
    /// The user interrupted the run, or whoever observed it wanted no more.
    #[error("interrupted; nothing is proven")]
    Interrupted,
}
