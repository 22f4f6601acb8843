//! Why a question has no answer.

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
