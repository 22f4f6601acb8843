//! Events, and what they come to, as lines, CSV and tables.

pub(crate) mod bars;
pub(crate) mod cells;
mod kind;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod timeline;
