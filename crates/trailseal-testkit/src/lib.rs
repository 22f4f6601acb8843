//! Small signed archives for tests, and ways to damage them.
//!
//! A [`Plan`] says which accounts, regions, trails and hours there are; [`Plan::model`] makes a [`Model`]
//! of it, digests sealed and linked in memory, and that is all that a test of the verifier needs. What is changed in
//! the model is signed anew (forks, conflicts, odd windows: what only the owner of the key could do); what is made of
//! a sealed [`ModelDigest`] is not (what an intruder does). [`Model::write`] puts it all into a temporary folder, and the
//! [`Archive`] does the same to files.
//!
//! ```
//! use trailseal_testkit::Plan;
//!
//! let mut model = Plan { hours: 2, ..Plan::default() }.model();
//! model.chains[0].digests[1].document.log_files.reverse();
//! model.chains[0].seal_from(1);
//! let archive = model.write();
//! archive.delete(archive.log(1, 0));
//! assert!(archive.root().is_dir());
//! ```
//!
//! Everything is made of fixed seeds and times: two archives of one plan are the same byte by byte. RSA keys
//! are made once a process. What cannot be done panics: that is a failed test.
#![allow(clippy::unwrap_used)]

mod archive;
mod digests;
mod gzip;
mod keys;
mod model;
mod plan;
pub mod tamper;

pub use archive::{APPLE_DOUBLE, Archive, DESKTOP_INI, DS_STORE, HADOOP_CRC, Metadata, Snapshot, THUMBS_DB};
pub use digests::{MALFORMED, MalformedDigest, Style};
pub use gzip::{gunzip, gzip, gzip_member};
pub use keys::signing_key;
pub use model::{Log, Model, ModelChain, ModelDigest};
pub use plan::{Plan, Stop, partition, record, records};
pub use trailseal_deliver::{DigestDocument, DigestLogFile, digest::sha256_hex};
