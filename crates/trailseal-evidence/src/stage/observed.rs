//! What reading the log files of an account and Region showed.

use std::sync::OnceLock;

use super::matched::Matched;
use crate::{error::Error, files::FileId, hash::Seen, run::Run};

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
        let file = |(region, id): (usize, FileId)| regions[region].files.get(id);
        let lengths: Vec<u64> = jobs.iter().map(|job| file(*job).file.length).collect();
        run.progress.add(jobs.len() as u64, lengths.iter().sum());
        let seen = run.hashing().run(&lengths, &|index| file(jobs[index]).open(run.roots));
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
