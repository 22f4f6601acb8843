//! The server over loopback, with a plain TCP client, and its services without it.
#![allow(clippy::unwrap_used)]

mod client;
mod ending;
mod http;
mod limits;
mod local;
