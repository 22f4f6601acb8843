//! The scan of one file's bytes: finding the event records in JSON of any shape, at the speed of memory.

mod cut;
mod split;
mod structure;
