//! What a run is given.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use trailseal_archive::{
    metadata::Manifest,
    walk::{RootError, Roots},
};
use trailseal_verify::{KeyRing, Limits, Policy};

use crate::{expect::Expectations, index::ArchiveIndex, statement::TrailStatement};

/// Everything that a run depends on.
#[derive(Debug, Default)]
pub struct Options {
    /// The folders that hold the archive.
    pub roots: Vec<PathBuf>,
    /// Roots that stand for archive files.
    pub unpacked: Vec<UnpackedRoot>,
    /// Where buckets lie, as stated by the user.
    pub maps: Vec<Map>,
    /// The trusted keys.
    pub keys: KeyRing,
    /// The key files, which are no strays when they lie in the archive.
    pub key_files: Vec<PathBuf>,
    /// Object metadata of many objects.
    pub manifest: Option<Manifest>,
    /// What narrows and weakens the judgement.
    pub policy: Policy,
    /// Judge all logs of a digest at the edge of the asked span, those too that were delivered before it, as the
    /// reference does.
    pub whole_digests: bool,
    /// Which trails deliver into the archive's buckets, if the user says so.
    pub statement: Option<TrailStatement>,
    /// What must be there.
    pub expect: Expectations,
    /// What is refused for its size.
    pub limits: Limits,
    /// What is known of files from an earlier reading: of those whose stored bytes are still the same, the content is not
    /// inflated and hashed again.
    pub index: Option<ArchiveIndex>,
    /// Worker threads; 0 for as many as there are processors.
    pub threads: usize,
    /// Hash one file at a time with the portable code, instead of several interleaved.
    pub portable_hash: bool,
}

impl Options {
    /// Opens folders, the roots among them.
    pub(crate) fn open(&self, folders: &[PathBuf]) -> Result<Roots, RootError> {
        let show =
            |roots: Roots, root: &UnpackedRoot| roots.unpacked(&root.folder, &root.archive, &root.unreadable);
        Ok(self.unpacked.iter().fold(Roots::open(folders)?, show))
    }

    /// The roots as the user gave them.
    pub fn given(&self) -> impl Iterator<Item = &Path> {
        self.roots.iter().map(|root| self.given_as(root))
    }

    /// A root as the user gave it.
    pub(crate) fn given_as<'r>(&'r self, root: &'r Path) -> &'r Path {
        let unpacked = self.unpacked.iter().find(|unpacked| unpacked.folder == root);
        unpacked.map_or(root, |unpacked| &unpacked.archive)
    }
}

/// A root that stands for an archive file: what was unpacked of it, see [`trailseal_archive::unpack`].
#[derive(Debug)]
pub struct UnpackedRoot {
    /// The folder, as it is among the roots.
    pub folder: PathBuf,
    /// The archive file, as the user gave it: what is in it is shown as `archive.zip!name`.
    pub archive: PathBuf,
    /// Why files at some places in the folder could not be unpacked.
    pub unreadable: BTreeMap<PathBuf, String>,
}

/// `--map s3://bucket/prefix=DIR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// The bucket.
    pub bucket: String,
    /// The key prefix, empty or ending in `/`.
    pub prefix: String,
    /// The folder that holds what lies below it.
    pub folder: PathBuf,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressStage {
    /// Finding files, and working on those that were found: how many there will be is not known.
    Listing,
    /// Working on files that were all found.
    Working,
    /// Bringing what was found into order.
    Sorting,
}

/// Hears how far a run has come, from any thread, and may end it.
pub trait Progress: Sync {
    /// More work was found: so many files and bytes on disk.
    fn add(&self, files: u64, bytes: u64);
    /// Some of it was done.
    fn done(&self, files: u64, bytes: u64);
    /// Something else is being done now.
    fn enter(&self, _: ProgressStage) {}
    /// Whether to stop; asked often.
    fn is_interrupted(&self) -> bool;
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn add(&self, _: u64, _: u64) {}
    fn done(&self, _: u64, _: u64) {}
    fn is_interrupted(&self) -> bool {
        false
    }
}
