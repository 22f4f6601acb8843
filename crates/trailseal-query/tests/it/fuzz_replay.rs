//! Every corpus entry and every crash that a fuzz target ever found, replayed on the stable toolchain.

use replay::replay;

use crate::targets;

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn record_inputs() {
    replay("records", targets::records);
}

#[test]
fn content_inputs() {
    replay("content", targets::content);
}

#[test]
fn expression_inputs() {
    replay("expression", targets::expression);
}
