//! The server over loopback, with a plain TCP client.
#![allow(clippy::unwrap_used)]

mod client;
mod clock;
mod ending;
mod http;
mod limits;
