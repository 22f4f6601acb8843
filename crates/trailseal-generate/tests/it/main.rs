//! Whole archives, read back by means that the generator does not use.
#![allow(clippy::unwrap_used)]

mod archives;
