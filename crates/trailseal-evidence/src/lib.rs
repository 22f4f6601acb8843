//! An archive opened with keys: drives verification over its files, in parallel and in bounded memory.
//!
//! [`verify`] walks the roots, judges one batch of accounts and regions after another, and returns the
//! report. It prints nothing, reads no clock and no environment, and writes nothing anywhere.

mod completeness;
mod conclude;
mod days;
mod driver;
mod error;
pub mod events;
mod expect;
mod explain;
mod files;
mod hash;
pub mod index;
pub mod inputs;
pub mod keys;
pub mod ledger;
mod leftovers;
mod locate;
mod mappings;
mod needs;
mod options;
mod outcome;
mod outside;
mod paths;
mod peers;
mod read;
mod reference;
pub mod report;
mod run;
pub mod scan;
mod search;
mod sniff;
mod sort;
mod stage;
mod statement;
mod survey;
mod trail_id;
mod unseen;
mod verify;

pub use completeness::{Completeness, DigestFindings};
pub use error::Error;
pub use expect::{Baseline, BaselineChain, Expectations};
pub use mappings::mappings;
pub use needs::{KeyNeed, key_needs};
pub use options::{Map, Options, Progress, ProgressStage, Silent, UnpackedRoot};
pub use outcome::UnnamedLog;
pub use reference::{ReferenceStep, ReferenceTotals, Validity, reference_walk};
pub use stage::{LogEntry, RegionDetail};
pub use statement::{StatedTrail, StatementError, TrailStatement};
pub use verify::verify;
