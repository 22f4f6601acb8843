//! Counting: groups, sums, distinct values, histograms and what was seen before.
//!
//! Every structure here gives the same result in whatever order records are added and parts are merged, so that
//! the number of threads never shows.

mod dedupe;
mod groups;
mod histogram;
mod key;
mod sum;

pub use dedupe::{Fingerprinter, Seen};
pub use groups::{Group, Groups, Order, Span};
pub use histogram::{Bars, Histogram, Series, Step, StepError};
pub use key::{combinations, compare_keys, parts, push_part};
pub use sum::{Sum, Total};
