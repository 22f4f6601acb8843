//! Archives that nobody needs an AWS account for: invented users make invented calls, and what CloudTrail would have
//! delivered of them lies in a folder, signed.
//!
//! [`fn@generate`] fills a folder as [`Options`] say: accounts, regions, hours and traffic, an organization, new keys
//! underway, backfill digests, a stop of logging. The same options give the same archive, on any number of threads.
//! [`GenerationProgress`] hears of every hour and may end it; [`Summary`] says what was written.
//!
//! ```
//! use trailseal_generate::{Options, generate};
//!
//! let folder = tempfile::tempdir()?;
//! let options = Options { hours: 2, events_per_hour: 30, seed: 7, ..Options::default() };
//! let summary = generate(&options, folder.path(), &())?;
//! assert_eq!(summary.written.digest_files, 3, "a starting digest, and one an hour");
//! assert!(summary.archive.is_dir() && summary.keys.is_dir());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside, a plan says what happens when and where, records are made from a catalogue of calls (docs/spec/records.md),
//! and logs gathers them into log files; digests, keys and files are `trailseal-deliver`'s.
//!
//! What it does not do: read the clock, the environment or the network, print, or ask. Times, seeds and thread counts
//! are parameters.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod generate;
mod logs;
mod options;
mod plan;
mod random;
mod records;

pub use generate::{Error, GenerationProgress, Summary, Tally, generate};
pub use options::{LoggingGap, Options, OptionsError};
pub use trailseal_deliver::write::DEFAULT_GZIP_LEVEL;
