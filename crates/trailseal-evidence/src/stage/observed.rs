//! What reading the log files of an account and Region showed.

use std::{path::PathBuf, sync::OnceLock};

use trailseal_archive::{
    open::{OpenError, OpenFile},
    walk::Roots,
};

use super::matched::Matched;
use crate::{
    error::Error,
    files::{FileId, FileRef},
    hash::{Hashing, Seen, ToHash},
    run::Run,
};

/// What was seen of an account's and Region's files.
pub(crate) struct Observed {
    /// The files that were read, in order.
    files: Vec<FileId>,
    /// What was seen of each.
    seen: Vec<OnceLock<Seen>>,
}

impl Observed {
    /// Reads and hashes the files of several accounts and Regions that must be, on all threads, the largest first.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(crate) fn all(regions: &[Matched], run: &Run<'_>) -> Result<Vec<Self>, Error> {
        let files: Vec<Vec<FileId>> = regions.iter().map(Matched::files_to_hash).collect();
        let jobs: Vec<(usize, FileId)> = files
            .iter()
            .enumerate()
            .flat_map(|(region, files)| files.iter().map(move |id| (region, *id)))
            .collect();
        let hashing = Hashing { index: run.options.index.as_ref(), ..run.hashing() };
        let seen = hashing.run(&Matches { regions, jobs: &jobs, roots: run.roots });
        run.check_interrupt()?;
        let mut seen = seen.into_iter();
        let observed = files.into_iter().map(|files| {
            let seen = seen.by_ref().take(files.len()).collect();
            Self { files, seen }
        });
        Ok(observed.collect())
    }

    /// What was seen of a file, if it was read.
    pub(super) fn get(&self, id: FileId) -> Option<&Seen> {
        self.seen[self.files.binary_search(&id).ok()?].get()
    }
}

/// Files of several accounts and Regions.
struct Matches<'m> {
    regions: &'m [Matched],
    jobs: &'m [(usize, FileId)],
    roots: &'m Roots,
}

impl Matches<'_> {
    fn file(&self, index: usize) -> FileRef<'_> {
        let (region, id) = self.jobs[index];
        self.regions[region].files.get(id)
    }
}

impl ToHash for Matches<'_> {
    fn lengths(&self) -> Vec<u64> {
        (0..self.jobs.len()).map(|index| self.file(index).file.length).collect()
    }

    fn real(&self, index: usize) -> PathBuf {
        self.file(index).real()
    }

    fn open(&self, index: usize) -> Result<OpenFile, OpenError> {
        self.file(index).open(self.roots)
    }
}
