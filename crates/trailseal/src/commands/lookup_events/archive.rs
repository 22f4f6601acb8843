//! What is known of the inputs before they are read: the regions of their folders, and whether they are the same
//! files as in another run.

use std::{
    collections::BTreeSet,
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use trailseal_archive::{
    key::ObjectKind,
    walk::{RootError, Roots},
};
use trailseal_evidence::Error;

/// The regions of the log folders that are laid out as CloudTrail does.
pub(super) fn regions(inputs: &[PathBuf]) -> Result<BTreeSet<String>, Error> {
    let mut regions = BTreeSet::new();
    for folder in inputs.iter().filter(|input| input.is_dir()) {
        let roots = Roots::open(std::slice::from_ref(folder))?;
        for (unit, folders) in roots.survey(&|_| true).units {
            if folders.iter().any(|(kind, _)| *kind != ObjectKind::Digest) {
                regions.insert(unit.region);
            }
        }
    }
    Ok(regions)
}

/// A number that changes when a file comes, goes, or is written. It says nothing of standard input.
///
/// It is computed by this build of the program for itself: tokens of another build may be refused.
pub(super) fn fingerprint(inputs: &[PathBuf]) -> Result<u64, Error> {
    let mut hasher = DefaultHasher::new();
    for input in inputs {
        if input == Path::new("-") {
            hasher.write_u8(0);
            continue;
        }
        let fail = |source: io::Error| Error::Root(RootError { path: input.clone(), source });
        if !fs::metadata(input).map_err(fail)?.is_dir() {
            add(&mut hasher, &fs::canonicalize(input).map_err(fail)?);
            continue;
        }
        let mut problems = Vec::new();
        Roots::open(std::slice::from_ref(input))?.walk(&mut problems, &mut |listing| {
            for file in &listing.files {
                add(&mut hasher, &listing.folder.real.join(&*file.name));
            }
            ControlFlow::Continue(())
        });
        problems.len().hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// A file's path, size and time of change; what cannot be asked stays out, as it will be when the file is read.
fn add(hasher: &mut DefaultHasher, path: &Path) {
    path.hash(hasher);
    let Ok(metadata) = fs::metadata(path) else { return };
    metadata.len().hash(hasher);
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    changed.hash(hasher);
}
