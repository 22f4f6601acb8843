//! The inputs of the fuzz targets.

mod fuzz_replay;

#[path = "../../../../fuzz/src/verify.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;
