//! What each fuzz target does with its input; ordinary tests replay corpora and crashes through the same
//! functions (`fuzz_replay.rs` in the tests of the crates verify, query, index and server).

pub mod index;
pub mod query;
pub mod server;
pub mod verify;
