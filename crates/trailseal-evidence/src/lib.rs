//! An archive opened with keys: drives verification over its files, in parallel and in bounded memory.
//!
//! [`verify`] walks the roots, judges one batch of accounts and regions after another, and returns the
//! report. It prints nothing, reads no clock and no environment, and writes nothing anywhere.

mod batch;
mod changes;
mod conclude;
mod error;
pub mod events;
mod expect;
mod files;
mod hash;
pub mod keys;
pub mod ledger;
mod locate;
mod needs;
mod options;
mod outcome;
mod read;
pub mod report;
pub mod scan;
mod search;
mod survey;
mod unit;
mod verify;

pub use error::Error;
pub use expect::{Baseline, BaselineChain, Expectations};
pub use needs::{KeyNeed, key_needs};
pub use options::{Map, Options, Progress, Silent};
pub use outcome::UnnamedLog;
pub use unit::{LogEntry, UnitDetail};
pub use verify::verify;
