//! How files are read for their events.

use super::{number::Threads, size::size};

/// The limits of a scan.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ScanLimits {
    #[command(flatten)]
    pub(crate) threads: Threads,

    /// Bytes of one event; a larger one is damage (K, M, G: powers of 1024)
    #[arg(long, value_name = "SIZE", default_value = "8M", value_parser = size)]
    pub(crate) max_record_size: u64,

    /// Inflated bytes of one file, or of one file in an archive file
    #[arg(long, value_name = "SIZE", default_value = "64G", value_parser = size)]
    pub(crate) max_inflated_size: u64,
}
