//! The CloudTrail API over HTTP: what SDKs and the AWS CLI speak (spec/wire-protocol.md 1.6).
//!
//! [`serve()`] binds, hands every call to a [`Service`] on a bounded pool of threads, and ends gracefully.
//! [`wire`] turns bytes into calls and answers into bytes, [`sigv4`] checks signatures; both are pure functions.
//! [`Archive`] is the read-only service over a downloaded archive.
//!
//! This is the only crate that knows a network. It prints nothing; the clock is a parameter ([`Options::clock`]).

mod access_keys;
mod api;
mod archive;
mod body;
mod http;
mod listen;
mod lookup;
mod metrics;
mod objects;
mod observe;
mod options;
mod s3;
mod serve;
mod service;
pub mod sigv4;
mod stop;
mod timed;
pub mod wire;

pub use access_keys::{AccessKey, AccessKeyError, AccessKeys};
pub use api::{ApiError, Caller, ErrorCode, Operation, Timestamp};
pub use archive::{Archive, ArchiveError, Events};
pub use lookup::Lookups;
pub use objects::{Buckets, MAX_KEYS, Mount, Object, ObjectError, Page, Wanted};
pub use options::{Clock, Options, Times};
pub use serve::{Bound, Ended, ServeError, serve};
pub use service::{Context, Service, Services};
pub use stop::{StopHandle, Stopped, stop};
