//! Segments: what is written is read, and bytes of any kind do no harm.
#![allow(clippy::unwrap_used)]

mod fuzz_replay;

#[path = "../../../../fuzz/src/index.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;
