//! What is refused for its size.

/// Bounds on hostile input; every one is an option of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Inflated bytes of one log file.
    pub max_inflated_log: u64,
    /// Inflated bytes of one digest file.
    pub max_inflated_digest: u64,
    /// Log files that one digest may name.
    pub max_log_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_inflated_log: 4 << 30, max_inflated_digest: 256 << 20, max_log_files: 1_000_000 }
    }
}
