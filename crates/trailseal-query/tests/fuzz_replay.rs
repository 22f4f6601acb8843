//! Every corpus entry and every crash that a fuzz target ever found, replayed on the stable toolchain.

use std::{fs, path::Path};

#[path = "../../../fuzz/src/query.rs"]
#[allow(unreachable_pub, reason = "it is part of the library of the fuzz targets")]
mod targets;

fn replay(target: &str, run: fn(&[u8])) {
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
