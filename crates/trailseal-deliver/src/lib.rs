//! What CloudTrail's delivery does: events to log files, log files to digests, digests signed and linked
//! into chains, and the public keys that prove them.
//!
//! Two layers. The building blocks, for whoever writes an archive of their own (the generator, the test kit):
//! [`SigningKey`] makes and uses RSA keys, [`DigestDocument`] is a digest file's content with the bytes
//! that are signed, [`mod@write`] turns content into what lies in a bucket (names, gzip, sidecars, key files).
//! On top of them, for a server: [`journal`] keeps events from the moment at which they are acknowledged, and
//! [`live`] delivers what it holds to every trail that logs.
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
//! What it does not do: invent events (`trailseal-generate` does), decide which events a trail wants, read the
//! clock, the environment or the network, or print. Times, intervals and seeds are parameters; random numbers for the
//! names of log files and for keys are the system's.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod digest;
pub mod journal;
pub mod keys;
pub mod live;
pub mod write;

pub use digest::{DigestDocument, DigestLogFile};
pub use keys::SigningKey;
