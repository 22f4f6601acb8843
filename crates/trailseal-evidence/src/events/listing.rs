//! The files of an archive, in archive order, as they were when it was indexed.

use std::{
    collections::HashSet,
    fs::{self, Metadata},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use trailseal_archive::walk::{Folder, Refusal, RootError, Roots};

use super::LoadError;
use crate::Error;

/// All files that were found, whether or not they hold events.
#[derive(Debug, Default)]
pub(super) struct Files {
    folders: Vec<Folder>,
    all: Vec<File>,
    names: String,
}

#[derive(Clone, Copy, Debug)]
struct File {
    name_end: usize,
    folder: u32,
    state: State,
}

/// What changes when a file does: its length, and the time of its last change in nanoseconds. `None` when it could
/// not be asked, or must not be.
pub(super) type State = Option<(u64, i64)>;

/// A path that is scanned, and the number of the first of its files.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) path: PathBuf,
    pub(super) first: usize,
}

impl Files {
    /// Finds the files below the given paths: what lies in a folder that is given too, or is given twice, counts
    /// once, as in a scan.
    pub(super) fn list(inputs: &[PathBuf]) -> Result<(Self, Vec<Part>), LoadError> {
        let fail = |path: &Path, source: io::Error| Error::Root(RootError { path: path.to_owned(), source });
        let mut given = Vec::new();
        for path in inputs {
            let not_a_file = || LoadError::NotAFile { shown: path.display().to_string() };
            if path == Path::new("-") {
                return Err(not_a_file());
            }
            let metadata = fs::metadata(path).map_err(|error| fail(path, error))?;
            if !metadata.is_dir() && !metadata.is_file() {
                return Err(not_a_file());
            }
            let real = fs::canonicalize(path).map_err(|error| fail(path, error))?;
            given.push((path, real, metadata));
        }
        let mut files = Self::default();
        let mut parts = Vec::new();
        let mut seen = HashSet::new();
        for (path, real, metadata) in &given {
            let is_inner = given
                .iter()
                .any(|(_, other, metadata)| metadata.is_dir() && other != real && real.starts_with(other));
            if is_inner || !seen.insert(real.clone()) {
                continue;
            }
            parts.push(Part { path: (*path).clone(), first: files.len() });
            if metadata.is_dir() {
                files.add_folder(path)?;
            } else {
                // a folder that is the file itself, with a name of no letters
                files.folders.push(Folder { real: real.clone(), shown: (*path).clone() });
                files.add("", state(metadata), path)?;
            }
        }
        files.all.shrink_to_fit();
        files.folders.shrink_to_fit();
        files.names.shrink_to_fit();
        Ok((files, parts))
    }

    fn add_folder(&mut self, path: &Path) -> Result<(), LoadError> {
        let roots = Roots::open(std::slice::from_ref(&path.to_owned())).map_err(Error::Root)?;
        let mut outcome = Ok(());
        // what is wrong with folders is told by the scan
        roots.walk(&mut Vec::new(), &mut |listing| {
            self.folders.push(listing.folder.clone());
            // links that are not followed are not counted by a scan
            for file in listing.files.iter().filter(|file| file.refusal != Some(Refusal::Link)) {
                let real = listing.folder.real.join(&*file.name);
                let state = if file.refusal.is_none() {
                    fs::metadata(&real).ok().as_ref().and_then(state)
                } else {
                    None
                };
                outcome = self.add(&file.name, state, &real);
                if outcome.is_err() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        outcome
    }

    /// Adds a file of the last folder.
    fn add(&mut self, name: &str, state: State, shown: &Path) -> Result<(), LoadError> {
        let folder = u32::try_from(self.folders.len().saturating_sub(1));
        let (Ok(folder), Ok(_)) = (folder, u32::try_from(self.all.len())) else {
            return Err(LoadError::TooMany { shown: shown.display().to_string(), what: "files" });
        };
        self.names.push_str(name);
        self.all.push(File { name_end: self.names.len(), folder, state });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let folder = |folder: &Folder| folder.real.capacity() + folder.shown.capacity();
        self.all.capacity() * size_of::<File>()
            + self.names.capacity()
            + self.folders.capacity() * size_of::<Folder>()
            + self.folders.iter().map(folder).sum::<usize>()
    }

    /// Where a file is.
    pub(super) fn real(&self, number: usize) -> Option<PathBuf> {
        Some(self.path(number, |folder| &folder.real)?.0)
    }

    /// Its path as the user would write it.
    pub(super) fn shown(&self, number: usize) -> String {
        self.path(number, |folder| &folder.shown)
            .map(|(path, _)| path.display().to_string())
            .unwrap_or_default()
    }

    pub(super) fn state(&self, number: usize) -> State {
        self.all.get(number)?.state
    }

    fn path(&self, number: usize, of: impl Fn(&Folder) -> &PathBuf) -> Option<(PathBuf, State)> {
        let file = self.all.get(number)?;
        let start =
            number.checked_sub(1).and_then(|before| self.all.get(before)).map_or(0, |file| file.name_end);
        let name = self.names.get(start..file.name_end)?;
        let folder = of(self.folders.get(file.folder as usize)?);
        let path = match name {
            "" => folder.clone(),
            _ => folder.join(name),
        };
        Some((path, file.state))
    }

    /// A number that changes when a file comes, goes, or is written.
    ///
    /// It is computed by this build of the program for itself: tokens of another build may be refused.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for number in 0..self.len() {
            self.path(number, |folder| &folder.real).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// The state of a file, if it is a regular one.
pub(super) fn state(metadata: &Metadata) -> State {
    if !metadata.is_file() {
        return None;
    }
    let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = changed.and_then(|since| i64::try_from(since.as_nanos()).ok());
    Some((metadata.len(), changed.unwrap_or(-1)))
}
