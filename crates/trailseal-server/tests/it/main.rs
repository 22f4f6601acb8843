//! The server over loopback with a plain TCP client, its services without it, and the inputs of the fuzz targets.
#![allow(clippy::unwrap_used)]

mod client;
mod clock;
mod ending;
mod fuzz_replay;
mod http;
mod limits;
mod local;
mod s3;

#[path = "../../../../fuzz/src/server.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;
