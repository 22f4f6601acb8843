//! The vocabulary of the API, which is that of the trails.

use trailseal_archive::Timestamp as Seconds;

pub use trailseal_trails::{ApiError, Caller, ErrorCode, Operation, Timestamp};

/// The second of a moment, in the type of the archive.
pub(crate) fn second(time: Timestamp) -> Seconds {
    Seconds::from_epoch(time.seconds()).expect("both types end with the years 0000 and 9999")
}
