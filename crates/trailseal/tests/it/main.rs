//! Whole runs of the command: what is on the screen, what is in the data, and the exit status.
//!
//! `INSTA_UPDATE=always cargo test -p trailseal` takes over changed output, `TRAILSEAL_UPDATE=1` changed help
//! (docs/cli.md); look at the difference before committing it.

#![allow(missing_docs, clippy::unwrap_used)]

mod answers;
mod citations;
mod cookbook;
mod demo;
mod docs;
mod errors;
mod follow;
mod formats;
mod index;
mod info;
mod interrupt;
mod keys;
mod lookup_events;
mod names;
mod opener;
mod output;
mod packed;
mod query;
mod renewing;
#[cfg(target_os = "linux")]
mod screens;
mod serve;
mod server;
mod situations;
mod times;
mod verdicts;
mod vocabulary;
mod zones;
