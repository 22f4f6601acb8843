//! What happened? Predicates over CloudTrail event records, evaluated on their raw bytes.
//!
//! Pure functions over bytes and plain types: no files, threads, clock or network. A [`Record`] is the slice of
//! a log file that holds one event; a [`Predicate`] says what it must be; nothing is parsed that is not asked
//! for.
//!
//! ```
//! use trailseal_query::{Predicate, Record, path::FieldPath, predicate::{Test, TextTest}};
//!
//! let record = Record::new(br#"{"eventName":"GetObject","userIdentity":{"type":"Root"}}"#);
//! let is_get = Test::Text(TextTest::glob("Get*", false)?);
//! let predicate = Predicate::Field(FieldPath::parse("eventName")?, is_get);
//! assert!(predicate.matches(&record));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aggregate;
pub mod category;
mod decimal;
pub mod derived;
pub mod expression;
pub mod filter;
pub mod json;
pub mod local_time;
pub mod lookup;
pub mod needed;
pub mod path;
pub mod predicate;
pub mod principal;
pub mod record;
pub mod row;
pub mod scan;
pub mod selectors;
pub mod shortcut;
pub mod walk;
pub mod zone;

pub use filter::Filter;
pub use predicate::Predicate;
pub use record::Record;
pub use zone::Zone;
