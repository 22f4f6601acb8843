//! The options that several commands share: each has one name, one help text and one meaning.

pub(crate) mod access_key;
pub(crate) mod address;
pub(crate) mod index;
pub(crate) mod input;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod local_time;
pub(crate) mod map;
pub(crate) mod number;
pub(crate) mod output;
pub(crate) mod packed;
pub(crate) mod scan;
pub(crate) mod size;
pub(crate) mod span;
pub(crate) mod statement;
pub(crate) mod time;
pub(crate) mod zone;
