//! What CloudTrail files are: the S3 key grammar, walking a downloaded tree, reading gzip and every other
//! shape that evidence is handed over in, and the object metadata that lies beside a digest file.
//!
//! This crate reads; it never judges. Whether a file is what AWS signed is decided by
//! `trailseal-verify`.
//!
//! ```
//! use trailseal_archive::key::{DigestName, KeyParts};
//!
//! let key = "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2024/03/01/\
//!            111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_20240301T054641Z.json.gz";
//! let parts = KeyParts::parse(key).expect("a CloudTrail key");
//! let name = DigestName::parse(parts.file_name).expect("a digest name");
//! assert_eq!(name.trail, "audit");
//! assert_eq!(name.end.to_string(), "2024-03-01T05:46:41Z");
//! ```

pub mod content;
pub mod gzip;
pub mod key;
pub mod leftover;
pub mod metadata;
pub mod open;
pub mod pattern;
pub mod stamp;
pub mod temporary;
pub mod time;
pub mod trail;
pub mod unpack;
pub mod walk;

pub use time::Timestamp;
