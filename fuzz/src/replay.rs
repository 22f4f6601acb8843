//! Replays inputs through the function of a fuzz target; tests of the crates in `crates/` include this file.

use std::{fs, path::Path};

/// Runs a target on its corpus and on everything that it ever failed on.
pub(crate) fn replay(target: &str, run: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let mut inputs = 0;
    for folder in ["corpus", "artifacts"] {
        let Ok(entries) = fs::read_dir(fuzz.join(folder).join(target)) else { continue };
        for entry in entries {
            let path = entry.expect("a listing").path();
            run(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
            inputs += 1;
        }
    }
    assert!(inputs > 0, "no corpus for {target}");
}
