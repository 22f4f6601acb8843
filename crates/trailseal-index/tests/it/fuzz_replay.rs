//! Every corpus entry and every crash that the fuzz target ever found, and many changes of a sound segment.

use proptest::prelude::*;
use replay::replay;

use crate::targets;

#[path = "../../../../fuzz/src/replay.rs"]
mod replay;

#[test]
fn segment_inputs() {
    replay("segment", targets::segment);
}

proptest! {
    #[test]
    fn changes_of_a_segment(data in proptest::collection::vec(any::<u8>(), 0..12)) {
        targets::segment(&data);
    }
}
