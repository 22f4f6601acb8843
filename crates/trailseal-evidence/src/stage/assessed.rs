//! Which digests of an account and Region are authentic, and where in S3 its files belong.

use std::{collections::HashSet, ops::Deref, path::PathBuf};

use trailseal_archive::{
    Timestamp,
    key::KeyParts,
    walk::{Problem, ProblemKind},
};
use trailseal_verify::{Assessment, Digest, DigestRow, FoundAt, assess};

use super::{digests::DigestsRead, listed::Listed};
use crate::{
    files::FileId,
    locate::Mounts,
    paths::{path_of, text_of},
    report::Mapping,
    run::Run,
};

/// An account and Region whose digests are judged.
pub(crate) struct Assessed {
    listed: Listed,
    pub(crate) rows: Vec<DigestRow>,
    /// Row → its file.
    pub(crate) digest_files: Vec<FileId>,
    /// The metadata that were read beside digests.
    pub(crate) sidecars: HashSet<FileId>,
    pub(crate) assessment: Assessment,
    pub(crate) mounts: Mounts,
    /// Real paths below which nothing could be seen.
    hidden: Vec<PathBuf>,
    /// Where the asked span begins.
    pub(super) asked_from: Option<Timestamp>,
}

impl Deref for Assessed {
    type Target = Listed;

    fn deref(&self) -> &Listed {
        &self.listed
    }
}

impl Assessed {
    /// Finds where buckets lie, and judges the digests.
    pub(crate) fn new(mut read: DigestsRead, run: &Run<'_>) -> Self {
        read.check_signatures(run);
        let DigestsRead { listed, rows, digest_files, sidecars } = read;
        let hidden: Vec<PathBuf> =
            run.problems.iter().chain(&listed.problems).filter_map(hidden_place).collect();
        let real = digest_files.iter().map(|id| text_of(&listed.files.get(*id).real()));
        let voters: Vec<(String, &DigestRow<()>)> = real.zip(&rows).collect();
        let mounts = Mounts::infer(&run.options.maps, &voters);
        let real: Vec<String> = voters.into_iter().map(|(path, _)| path).collect();
        let rows = rows.into_iter().zip(&digest_files).zip(&real).map(|((row, id), real)| {
            let found = place_of_row(&mounts, real, row.digest());
            row.at(FoundAt { path: listed.files.get(*id).shown(), ..found })
        });
        let rows: Vec<DigestRow> = rows.collect();
        let is_mapped = |bucket: &str, key: &str| {
            mounts.hold(run.roots, bucket, key)
                && !mounts.paths(bucket, key).any(|path| is_hidden(&hidden, &path))
        };
        let assessment = assess(&rows, &run.options.keys, run.policy, &is_mapped);
        let asked_from = run.policy.start.filter(|_| !run.options.whole_digests);
        Self { listed, rows, digest_files, sidecars, assessment, mounts, hidden, asked_from }
    }

    /// The files of its folders, and others of the roots that are taken in.
    pub(super) fn files_mut(&mut self) -> &mut crate::files::FileTable {
        &mut self.listed.files
    }

    /// Whether a real path lies in a folder that could not be read, or beyond a link that was not followed.
    pub(super) fn is_hidden(&self, path: &str) -> bool {
        is_hidden(&self.hidden, path)
    }

    /// The rows that are counted.
    pub(crate) fn judged_rows(&self) -> impl Iterator<Item = usize> {
        self.assessment.judgements.iter().enumerate().filter(|(_, j)| j.is_counted()).map(|(row, _)| row)
    }

    /// The rows for whose content a trusted key vouches.
    pub(crate) fn authentic_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let judgements = self.assessment.judgements.iter().enumerate();
        judgements.filter(|(_, judgement)| judgement.is_authentic()).map(|(row, _)| row)
    }

    /// Where its digests say that buckets lie.
    pub(crate) fn mappings(&self, run: &Run<'_>) -> Vec<Mapping> {
        self.mounts.mappings(run.roots).collect()
    }
}

/// The place in S3 that a digest file's path stands for. Outside AWS's layout only the name tells.
fn place_of_row(mounts: &Mounts, path: &str, digest: Option<&Digest>) -> FoundAt {
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some(digest) = digest.filter(|_| KeyParts::parse(path).is_none()) {
        let own = digest.object.rsplit('/').next().unwrap_or_default();
        if own == name || own.strip_suffix(".gz") == Some(name) {
            let (bucket, key) = (Some(digest.bucket.clone()), digest.object.clone());
            return FoundAt { path: String::new(), bucket, key };
        }
    }
    mounts.place(path, digest.map(|digest| digest.bucket.as_str()))
}

fn is_hidden(hidden: &[PathBuf], path: &str) -> bool {
    hidden.iter().any(|hidden| path_of(path).starts_with(hidden))
}

/// Where a problem hides what may be there.
fn hidden_place(problem: &Problem) -> Option<PathBuf> {
    let hides = matches!(problem.kind, ProblemKind::Unreadable(_) | ProblemKind::LeavesRoots);
    hides.then(|| problem.real.clone())
}
