//! The vocabulary of the API, which is that of the trails.

pub use trailseal_trails::{ApiError, Caller, ErrorCode, Operation, Timestamp};
