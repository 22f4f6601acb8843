//! The vocabulary of the API, which is that of the trails.

use std::net::IpAddr;

use trailseal_archive::Timestamp as Seconds;

use crate::identity::CallerIdentity;

pub use trailseal_trails::{ApiError, Caller, ErrorCode, Millis as Timestamp, Operation};

/// What an event record says of the request besides its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `x-amzn-RequestId` of the answer.
    pub request_id: String,
    /// The access key id of the credential scope; verified where the server has access keys.
    pub access_key: Option<String>,
    /// Whom that key stands for.
    pub identity: CallerIdentity,
    /// `User-Agent`, at most 1024 bytes of it.
    pub user_agent: Option<String>,
    /// Where the request came from.
    pub source: IpAddr,
}

/// The second of a moment, in the type of the archive.
pub(crate) fn second(time: Timestamp) -> Seconds {
    Seconds::from_epoch(time.seconds()).expect("both types end with the years 0000 and 9999")
}
