//! A report as text for people and as data for programs.

pub(crate) mod aws;
pub(crate) mod chains;
pub(crate) mod findings;
pub(crate) mod follow;
pub(crate) mod grid;
pub(crate) mod json;
pub(crate) mod jsonl;
pub(crate) mod lookup;
pub(crate) mod plain;
pub(crate) mod query;
pub(crate) mod room;
pub(crate) mod stats;
pub(crate) mod strip;
pub(crate) mod style;
pub(crate) mod text;
pub(crate) mod zone;
