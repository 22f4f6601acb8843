//! What lies in a folder: the accounts and regions of a downloaded bucket, and what each of their files holds.
//!
//! ```text
//! cargo run -p trailseal-archive --example what-is-here testdata/demo/archive
//! ```
//!
//! One line a file: its kind, the time in its name, its inflated bytes. Nothing is judged; what cannot be seen or read is
//! told.

use std::{
    error::Error,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use trailseal_archive::{
    gzip,
    key::{DigestName, ObjectKind, log_stamp},
    open::ReadError,
    walk::{Lengths, Roots},
};

/// Larger files are told by the limit that they exceed: sizes that a file states are not believed.
const MAX_INFLATED: u64 = 64 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let roots = Roots::open(&folders)?;
    // Step 1: where accounts and regions lie; no file is listed yet.
    let survey = roots.survey(&|_account_and_region| true);
    let mut problems = survey.problems;
    for (unit, folders) in &survey.units {
        writeln!(out, "{} {}", unit.account, unit.region)?;
        for (kind, folder) in folders {
            // Step 2: the files of one of them, day by day.
            for listing in roots.list(folder, Lengths::Left, &mut problems) {
                for file in &listing.files {
                    // Step 3: each is opened below its root, whatever took its place meanwhile.
                    let read = match file.refusal {
                        Some(refusal) => Err(ReadError::from(refusal)),
                        None => inflated(&roots, &listing.folder.real.join(&*file.name)),
                    };
                    let content = read.unwrap_or_else(|error| error.to_string());
                    writeln!(out, "  {kind:?} {} {content}", stamp(*kind, &file.name))?;
                }
            }
        }
    }
    for folder in &survey.others {
        writeln!(out, "{} lies outside CloudTrail's layout", folder.shown.display())?;
    }
    for problem in problems {
        writeln!(out, "{}: {}", problem.shown.display(), problem.kind)?;
    }
    Ok(())
}

/// The time that a file's name states.
fn stamp(kind: ObjectKind, name: &str) -> String {
    let stated = match kind {
        ObjectKind::Digest => DigestName::parse(name).ok().map(|name| name.end),
        _ => log_stamp(name),
    };
    stated.map_or_else(|| "at no time".to_owned(), |time| time.to_string())
}

fn inflated(roots: &Roots, real: &Path) -> Result<String, ReadError> {
    let (content, form, ending) = gzip::inflate_all(roots.open_file(real)?, MAX_INFLATED)?;
    Ok(format!("{} bytes, {form:?}, {ending:?}", content.len()))
}
