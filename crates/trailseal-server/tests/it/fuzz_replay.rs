//! Every corpus entry and every crash that a fuzz target ever found, replayed on the stable toolchain.

use replay::replay;

use crate::targets;

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn wire_inputs() {
    replay("wire", targets::wire);
}

#[test]
fn signature_inputs() {
    replay("sigv4", targets::sigv4);
}
