//! An index of what log files hold, made in one reading ([`make`]) and used by scans and by verification.
//!
//! It only ever spares reading, and scans that count take events from its columns: what a scan or a verification says is the same
//! with it and without. A file is looked up by its path, and counts as known while its length, its times and its inode are
//! those of the day it was read. Whoever vouches for a file reads its bytes all the same and compares their hash; only
//! inflating is spared.

mod asked;
mod listed;
mod make;

use std::{
    collections::BTreeSet,
    io::Seek as _,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use trailseal_archive::{
    Timestamp,
    gzip::{Ending, Form},
    open::OpenFile,
    stamp::FileStamp,
};
use trailseal_index::{Index, IndexPlace, Segment, SegmentError, StoredFacts};
use trailseal_verify::Observation;

pub use trailseal_index::{ColumnGroup, GroupValue, IndexError, IndexStatus, SegmentColumns};

use crate::{inputs::canonical, report::ScopeIndex, scan::load};

pub(crate) use self::asked::Asked;
pub use self::listed::{KnownList, ListedCandidates};
pub use self::make::{IndexMade, MakeError, make};

/// The indexes that tell of what was given.
#[derive(Debug, Default)]
pub struct ArchiveIndex {
    indexes: Vec<Index>,
    /// Of each, of how many files the hash of the content was taken.
    hashes: Vec<AtomicU64>,
    problems: Mutex<BTreeSet<String>>,
    trusts: bool,
}

/// An index that is there.
#[derive(Debug)]
pub struct IndexOf {
    /// Its folder.
    pub folder: PathBuf,
    /// What it is like.
    pub status: IndexStatus,
    place: IndexPlace,
}

/// The indexes in a folder that tell of anything that was given.
///
/// # Errors
/// [`IndexError`] when the folder, or one of them, cannot be used.
pub fn all(base: &Path, given: &[PathBuf]) -> Result<Vec<IndexOf>, IndexError> {
    let given = canonical(given);
    let mut found = Vec::new();
    for place in IndexPlace::all(base)? {
        let index = Index::open(&place)?;
        if tells_of(&index, &given) {
            found.push(IndexOf { folder: index.folder().to_owned(), status: index.status(), place });
        }
    }
    Ok(found)
}

impl IndexOf {
    /// Removes it.
    ///
    /// # Errors
    /// [`IndexError`] when that cannot be done, or another process writes it.
    pub fn remove(&self) -> Result<(), IndexError> {
        trailseal_index::remove(&self.place)
    }
}

fn tells_of(index: &Index, given: &[PathBuf]) -> bool {
    let is_in = |root: &PathBuf, path: &PathBuf| path.starts_with(root) || root.starts_with(path);
    index.roots().iter().any(|root| given.iter().any(|path| is_in(root, path)))
}

/// Which index knows a file, in which segment of it, and at which place there.
pub(crate) type KnownAt = (usize, usize, usize);

/// A file that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownFile<'i> {
    pub(crate) facts: &'i StoredFacts,
    pub(crate) at: KnownAt,
    index: &'i Index,
    counts: &'i AtomicU64,
}

impl ArchiveIndex {
    /// Opens the indexes in a folder that tell of anything that was given. One that cannot be used is left out, and told
    /// ([`problems`](Self::problems)).
    pub fn open(base: &Path, given: &[PathBuf]) -> Self {
        let given = canonical(given);
        let mut found = Self::default();
        let places = match IndexPlace::all(base) {
            Ok(places) => places,
            Err(error) => {
                found.note(error.to_string());
                return found;
            }
        };
        for place in places {
            match Index::open(&place) {
                Ok(index) if tells_of(&index, &given) => {
                    for (path, error) in index.problems() {
                        found.note(format!("{}: {error}", path.display()));
                    }
                    found.indexes.push(index);
                    found.hashes.push(AtomicU64::new(0));
                }
                Ok(_) | Err(IndexError::Absent { .. }) => {}
                // whose it would be nobody can say
                Err(error) => found.note(error.to_string()),
            }
        }
        found
    }

    /// The same, where scans do not ask whether files are as they were: a file that was changed since is searched as it was. One
    /// that is new is read, and of one that is gone nothing is said, since folders are listed all the same; and whoever reads a
    /// file, or vouches for it, sees what it is now.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { trusts: true, ..self }
    }

    /// Whether it is [`trusted`](Self::trusted).
    pub fn trusts(&self) -> bool {
        self.trusts
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.indexes.iter().all(|index| index.segments().is_empty())
    }

    /// Those from which verification took hashes of content.
    pub fn used(&self) -> Vec<ScopeIndex> {
        let used = self.indexes.iter().zip(&self.hashes).map(|(index, hashes)| ScopeIndex {
            path: index.folder().display().to_string(),
            written: index.written().and_then(Timestamp::from_epoch),
            files: hashes.load(Ordering::Relaxed),
        });
        used.filter(|used| used.files > 0).collect()
    }

    /// What of them could not be used, and why; more after they were used.
    pub fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Asks a segment of an index; what is wrong with it is told.
    pub(crate) fn ask<T>(
        &self,
        (index, segment): (usize, usize),
        question: impl FnOnce(&Segment) -> Result<T, SegmentError>,
    ) -> Option<T> {
        let of = self.indexes.get(index)?;
        let answer = question(of.segments().get(segment)?);
        answer.map_err(|error| self.note(format!("{}: {error}", of.folder().display()))).ok()
    }

    fn note(&self, problem: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).insert(problem);
    }

    /// What is known of a file, by its canonical path, if it was then as it is now: `now` is its state, if it was asked for.
    pub(crate) fn known(&self, real: &Path, now: Option<FileStamp>) -> Option<KnownFile<'_>> {
        let is_current = |found: &KnownFile<'_>| now.map_or(self.trusts, |now| found.facts.stamp == now);
        self.find(real).filter(is_current)
    }

    /// The same of a file of which it is not asked whether it is as it was.
    pub(crate) fn find(&self, real: &Path) -> Option<KnownFile<'_>> {
        self.indexes.iter().enumerate().find_map(|(number, index)| {
            let (segment, file) = index.find(real)?;
            self.at((number, segment, file))
        })
    }

    /// What is known at a place.
    pub(crate) fn at(&self, at: KnownAt) -> Option<KnownFile<'_>> {
        let index = self.indexes.get(at.0)?;
        let facts = index.facts((at.1, at.2))?;
        Some(KnownFile { facts, at, index, counts: self.hashes.get(at.0)? })
    }
}

impl KnownFile<'_> {
    /// Notes that the hash of its content is taken.
    pub(crate) fn count(&self) {
        self.counts.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether an open file looks as it did then.
    pub(crate) fn is_like(&self, file: &OpenFile) -> bool {
        file.stamp() == Some(self.facts.stamp)
    }

    /// What reading the open file to its end would show: its stored bytes are read and are those that were read then. `None`
    /// if they are not; the file is then at its beginning again.
    pub(crate) fn observe(&self, file: &mut OpenFile, buffer: &mut Vec<u8>) -> Option<Observation> {
        if !self.is_like(file) {
            return None;
        }
        let length = load(file, buffer).ok().flatten();
        let observed =
            length.and_then(|length| self.observation(trailseal_sha256::digest(&buffer[..length])));
        if observed.is_none() {
            let _ = file.rewind();
        }
        observed
    }

    /// What reading a file to its end showed whose bytes on disk have this SHA-256; `None` if it is not theirs.
    pub(crate) fn observation(&self, stored: [u8; 32]) -> Option<Observation> {
        let hashes = self.index.hashes((self.at.1, self.at.2)).filter(|hashes| hashes.stored == stored)?;
        Some(Observation {
            sha256: hashes.content,
            inflated: self.facts.inflated,
            form: if self.facts.is_gzip { Form::Gzip } else { Form::Inflated },
            ending: Ending::Complete,
        })
    }
}
