//! What a run took.

use serde::Serialize;
use trailseal_archive::Timestamp;

/// What a run took; never part of the report unless asked for, because it differs from run to run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Stats {
    /// When the run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time: Option<Timestamp>,
    /// The machine's name, where the system tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Wall-clock time.
    pub(crate) seconds: f64,
    /// Worker threads.
    pub(crate) threads: usize,
    /// Digest and log files read.
    pub(crate) files: u64,
    /// Bytes on disk.
    pub(crate) bytes_read: u64,
    /// Inflated bytes that were hashed.
    pub(crate) bytes_inflated: u64,
    /// Files a second.
    pub(crate) files_per_second: f64,
    /// Inflated megabytes (10^6) a second.
    pub(crate) megabytes_per_second: f64,
}
