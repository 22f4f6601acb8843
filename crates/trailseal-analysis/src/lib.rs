//! What is asked of the events of an archive, without a terminal: the fields that one can name, counts by their values and
//! by time, rows in an order.
//!
//! It stands above `trailseal-evidence`, which finds the rows and says what is proven of them, and below whoever shows them:
//! plain options come in, values and formatted rows go out. It parses no arguments, reads no environment and prints nothing;
//! folders for temporary files, memory and limits are parameters.
//!
//! ```
//! use trailseal_analysis::fields::Fields;
//!
//! let fields = Fields::parse("eventTime,username,resources.ARN")?;
//! assert_eq!(fields.names().collect::<Vec<_>>(), ["eventTime", "username", "resources.ARN"]);
//! assert!(!fields.need_hash(), "only sha256 does");
//! # Ok::<(), String>(())
//! ```

pub mod bars;
mod columns;
pub mod count;
pub mod csv;
mod error;
mod facts;
pub mod fields;
pub mod follow;
pub mod groups;
pub mod info;
pub mod near;
mod question;
pub mod row_format;
pub mod rows;
pub mod sort;
pub mod table;
pub mod wanted;
pub mod words;

pub use error::Error;
pub use question::{Question, RowKey, Sameness};
