//! The digest files of accounts and Regions, each looked at alone.

use std::collections::HashSet;

use rayon::prelude::*;
use trailseal_verify::{DigestFile, DigestRow, check_heads, examine, parse_digest_file};

use super::listed::Listed;
use crate::{
    error::Error,
    files::FileId,
    options::Options,
    read::DigestReader,
    run::{Run, Signatures},
    sort::Class,
};

/// An account and Region whose digest files were read.
pub(crate) struct DigestsRead {
    pub(super) listed: Listed,
    /// What the digest files hold; where in S3 they belong is not known yet.
    pub(super) rows: Vec<DigestRow<()>>,
    /// Row → its file.
    pub(super) digest_files: Vec<FileId>,
    /// The metadata that were read beside digests.
    pub(super) sidecars: HashSet<FileId>,
}

impl DigestsRead {
    /// Reads the digest files of several accounts and Regions, on all threads.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub(crate) fn read(regions: Vec<Listed>, run: &Run<'_>) -> Result<Vec<Self>, Error> {
        let jobs: Vec<(&Listed, FileId)> = regions
            .iter()
            .flat_map(|listed| listed.sorted.digests.iter().map(move |id| (listed, *id)))
            .collect();
        let length = |(listed, id): &(&Listed, FileId)| listed.files.get(*id).file.length;
        run.progress.add(jobs.len() as u64, jobs.iter().map(length).sum());
        let rows = run.pool.install(|| {
            jobs.par_iter()
                .with_min_len(4)
                .map_init(
                    || DigestReader::new(run.options, run.roots),
                    |reader, job| {
                        if run.progress.is_interrupted() {
                            return None;
                        }
                        let (listed, id) = job;
                        let metadata = listed.sorted.metadata.get(id).copied();
                        let row = reader.read(&listed.files, *id, metadata, |digest| look_at(digest, run));
                        run.progress.done(1, length(job));
                        Some(row)
                    },
                )
                .collect::<Option<Vec<_>>>()
        });
        let mut rows = rows.ok_or(Error::Interrupted)?.into_iter();
        Ok(regions.into_iter().map(|listed| Self::new(listed, &mut rows)).collect())
    }

    /// With the next rows, of which there is one for every digest file, or none where it holds only metadata.
    fn new(
        mut listed: Listed,
        rows: &mut impl Iterator<Item = Option<(DigestRow<()>, Option<FileId>)>>,
    ) -> Self {
        let digests = std::mem::take(&mut listed.sorted.digests);
        let mut read = Self { listed, rows: Vec::new(), digest_files: Vec::new(), sidecars: HashSet::new() };
        for id in digests {
            match rows.next().flatten() {
                Some((row, sidecar)) => {
                    read.rows.push(row);
                    read.digest_files.push(id);
                    read.sidecars.extend(sidecar);
                }
                None => read.listed.sorted.classes[id as usize] = Class::Metadata,
            }
        }
        read
    }

    /// Checks the signatures that were left for when all digests are known.
    pub(super) fn check_signatures(&mut self, run: &Run<'_>) {
        if run.signatures == Signatures::Heads {
            check_heads(&mut self.rows, &run.options.keys);
        }
    }
}

fn look_at(digest: DigestFile<'_>, run: &Run<'_>) -> DigestRow<()> {
    let Options { keys, limits, .. } = run.options;
    match run.signatures {
        Signatures::All => examine(digest, keys, limits),
        Signatures::Heads => parse_digest_file(digest, limits),
    }
}
