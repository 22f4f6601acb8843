//! Why a question has no answer.

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files could not be scanned, or the run was interrupted.
    #[error(transparent)]
    Evidence(#[from] trailseal_evidence::Error),
    /// What is to be counted does not fit into memory.
    #[error("there are too many different values to count in memory")]
    TooManyValues,
}
