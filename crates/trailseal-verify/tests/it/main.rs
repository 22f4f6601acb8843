//! The situations of docs/spec/verification.md 5 that this crate decides, over digest files in memory ([`case`]), and the inputs
//! of the fuzz targets.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod case;
mod chains;
mod digests;
mod fuzz_replay;
mod keys;
mod logs;
mod places;
mod scopes;
mod signatures;
mod table;

#[path = "../../../../fuzz/src/verify.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;
