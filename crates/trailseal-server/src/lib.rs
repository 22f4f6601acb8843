//! The CloudTrail API over HTTP: what SDKs and the AWS CLI speak (docs/spec/wire-protocol.md 1.6).
//!
//! [`serve()`] binds, hands every call to a [`Service`] on a bounded pool of threads, and ends gracefully.
//! [`wire`] turns bytes into calls and answers into bytes, [`sigv4`] checks signatures; both are pure functions.
//! [`CloudTrail`] is the service over a downloaded archive, local trails, or both.
//!
//! ```
//! use std::sync::Arc;
//!
//! use serde_json::{Value, json};
//! use trailseal_server::{ApiError, CallAnswer, Caller, Context, Operation, Options, Service, Services, Timestamp, serve, stop};
//!
//! struct Nothing;
//!
//! impl Service for Nothing {
//!     fn call(&self, _: &Context, _: &Caller, _: Operation, _: Value) -> Result<CallAnswer, ApiError> {
//!         Ok(json!({}).into())
//!     }
//! }
//!
//! let mut options = Options::new(Arc::new(|| Timestamp::from_millis(1_709_251_200_000)));
//! options.listen.set_port(0);
//! let services = Services { cloudtrail: Arc::new(Nothing), audit: None, s3: None };
//! let (handle, stopped) = stop();
//! let ended = serve(options, services, stopped, |bound| {
//!     assert_ne!(bound.api.port(), 0);
//!     handle.stop();
//! })?;
//! assert_eq!(ended.requests, 0);
//! # Ok::<(), trailseal_server::ServeError>(())
//! ```
//!
//! What it does not do: TLS (a proxy's affair), HTTP/2, authorization beyond "the key is known". It
//! hears no signals; [`stop()`] is for whoever does.
//!
//! This is the only crate that knows a network. It prints nothing; the clock is a parameter ([`Options::clock`]).

mod access_keys;
mod answers;
mod api;
mod archive;
pub mod audit;
mod body;
mod client;
mod cloudtrail;
mod host;
mod http;
mod identity;
mod listen;
mod local;
mod lookup;
mod metrics;
mod objects;
mod observe;
mod options;
mod other_services;
mod s3;
mod seats;
mod serve;
mod service;
pub mod sigv4;
mod stop;
mod timed;
mod uuid;
pub mod wire;

pub use access_keys::{AccessKeyError, AccessKeyFault, AccessKeys};
pub use api::{ApiError, Caller, Context, ErrorCode, Operation, Timestamp};
pub use archive::{
    ArchiveTrails,
    renewal::{Renewal, ServedIndex},
};
pub use client::{Endpoint, MAX_LINES, Recorded, Refused, SendError, Sender};
pub use cloudtrail::CloudTrail;
pub use identity::CallerIdentity;
pub use local::{Local, LocalError, LocalOptions, Salvaged, Trouble, salvage};
pub use lookup::Lookups;
pub use objects::{Buckets, is_bucket_name};
pub use options::{Clock, Options, Times};
pub use serve::{Bound, Ended, ServeError, check_addresses, serve};
pub use service::{CallAnswer, Service, Services, TaggedResource};
pub use stop::{StopHandle, Stopped, stop};
