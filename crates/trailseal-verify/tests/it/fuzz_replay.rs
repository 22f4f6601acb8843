//! Every corpus entry and every crash that a fuzz target ever found, replayed on the stable toolchain.

use replay::replay;

use crate::targets;

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn digest_inputs() {
    replay("digest", targets::digest);
}

#[test]
fn key_file_inputs() {
    replay("keys", targets::keys);
}

#[test]
fn metadata_inputs() {
    replay("metadata", targets::metadata);
}

#[test]
fn gzip_inputs() {
    replay("gzip", targets::gzip);
}

#[test]
fn object_key_inputs() {
    replay("object_key", targets::object_key);
}
