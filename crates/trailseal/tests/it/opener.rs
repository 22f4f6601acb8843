//! One way to the bytes of evidence (docs/ARCHITECTURE.md, "One opener, not yet a store").

use std::fs;

use crate::{demo::workspace, names::sources};

/// Where evidence is read, or offered.
const FOLDERS: [&str; 6] = [
    "trailseal-evidence/src",
    "trailseal-server/src/archive",
    "trailseal-server/src/objects",
    "trailseal-server/src/objects.rs",
    "trailseal-server/src/s3",
    "trailseal-server/src/s3.rs",
];

/// What opens a file by another way.
const OTHERS: [&str; 4] = ["File::open(", "OpenOptions", "fs::read(", "fs::read_to_string("];

#[test]
fn evidence_is_opened_in_one_place() {
    let mut count = 0;
    for folder in FOLDERS {
        let path = workspace().join("crates").join(folder);
        let files = if path.is_dir() { sources(&path) } else { vec![path] };
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let other = OTHERS.iter().find(|other| code.contains(**other));
            assert_eq!(other, None, "{} opens files itself", file.display());
            count += 1;
        }
    }
    assert!(count > 60, "{count} files were looked at");
}
