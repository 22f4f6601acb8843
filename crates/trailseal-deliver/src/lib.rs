//! Writes signed CloudTrail archives: events to log files, log files to digests, digests signed and linked
//! into chains, and the public keys that prove them.
//!
//! Two layers. The building blocks, for whoever writes an archive of their own (the test kit, the server):
//! [`SigningKey`] makes and uses RSA keys, [`DigestDocument`] is a digest file's content with the bytes
//! that are signed, [`mod@write`] turns content into what lies in a bucket (gzip, sidecars, key files).
//! On top of them [`fn@generate`] fills a folder with an archive that nobody needs an AWS account for.
//!
//! ```
//! use trailseal_archive::Timestamp;
//! use trailseal_deliver::{DigestDocument, SigningKey};
//!
//! let key = SigningKey::from_seed(7).expect("a key from a small seed");
//! let mut digest = DigestDocument::starting(
//!     "111122223333",
//!     Timestamp::parse_digest_field("2024-03-01T00:13:52Z").expect("a time"),
//!     "audit-logs",
//!     "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/03/01/d.json.gz",
//! );
//! digest.public_key_fingerprint = key.fingerprint().to_owned();
//! let inflated = digest.to_json(true);
//! let signature = digest.sign(&inflated, &key).expect("a signature");
//! assert_eq!(signature.len(), 512);
//! ```
//!
//! What it does not do: read the clock, the environment or the network, print, or ask. Times, seeds and
//! thread counts are parameters.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod digest;
mod generate;
pub mod journal;
pub mod keys;
pub mod live;
mod logs;
mod options;
mod plan;
mod random;
mod records;
pub mod write;

pub use digest::{DigestDocument, LogEntry};
pub use generate::{Error, Progress, Summary, Tally, generate};
pub use keys::SigningKey;
pub use options::{Gap, Options, OptionsError};
