//! The engine against slow and obvious evaluators of the same conditions, and the inputs of the fuzz targets.
#![allow(clippy::unwrap_used)]

mod agreement;
mod fuzz_replay;
mod generate;
mod scanning;
mod selectors;
mod slow;

#[path = "../../../../fuzz/src/query.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;
