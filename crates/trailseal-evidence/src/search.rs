//! Where the content of missing and altered logs lies instead: files that no digest names, by their hash.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use trailseal_archive::{
    open::{OpenError, OpenFile},
    walk::{Folder, Roots},
};

use crate::{
    conclude::FoundContent, error::Error, hash::ToHash, outcome::RegionOutcome, read::SIDECAR, run::Run,
};

/// Hashes every file that no digest names, and those outside AWS's layout, and returns the ones whose
/// content is wanted.
pub(crate) fn search(
    run: &Run<'_>,
    wanted: &BTreeSet<[u8; 32]>,
    outcomes: &[RegionOutcome],
    others: &[Folder],
) -> Result<Vec<FoundContent>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut files: Vec<(PathBuf, String, u64)> = Vec::new();
    for log in outcomes.iter().flat_map(|unit| &unit.unnamed) {
        let shown = Path::new(&*log.path);
        if let (Ok(metadata), Ok(real)) = (std::fs::metadata(shown), std::fs::canonicalize(shown)) {
            files.push((real, log.path.to_string(), metadata.len()));
        }
    }
    for folder in others {
        for file in run.roots.list_one(folder) {
            if file.refusal.is_none() && !file.name.ends_with(SIDECAR) {
                let shown = folder.shown_below(Path::new(&*file.name)).display().to_string();
                files.push((folder.real.join(&*file.name), shown, file.length));
            }
        }
    }
    files.sort();
    files.dedup();
    let seen = run.hashing().run(&Candidates { files: &files, roots: run.roots });
    run.check_interrupt()?;
    let found = files.into_iter().zip(seen).filter_map(|((_, path, _), seen)| {
        let sha256 = seen.into_inner()?.ok()?.sha256;
        wanted.contains(&sha256).then_some(FoundContent { path, sha256 })
    });
    Ok(found.collect())
}

/// Files in which lost content is looked for: where they are, how they are shown, and their lengths.
struct Candidates<'c> {
    files: &'c [(PathBuf, String, u64)],
    roots: &'c Roots,
}

impl ToHash for Candidates<'_> {
    fn lengths(&self) -> Vec<u64> {
        self.files.iter().map(|(_, _, length)| *length).collect()
    }

    fn real(&self, index: usize) -> PathBuf {
        self.files[index].0.clone()
    }

    fn open(&self, index: usize) -> Result<OpenFile, OpenError> {
        self.roots.open_file(&self.files[index].0)
    }
}
