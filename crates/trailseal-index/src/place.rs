//! Where an index lies: outside of all that it tells of, in a folder that is the user's own.

use std::{
    fs::{self, DirBuilder},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use trailseal_sha256::digest;

/// Bits of a mode that let others write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// The folder of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexPlace {
    folder: PathBuf,
}

/// Why a folder holds no index that is used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// It cannot be made or looked at.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could have put something there.
    #[error("{path} is not used: {why}", path = .path.display())]
    Foreign {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// It would lie in what it tells of.
    #[error("{path} lies below {root}: nothing is written there", path = .path.display(), root = .root.display())]
    BelowRoot {
        /// The folder.
        path: PathBuf,
        /// What was given to be read.
        root: PathBuf,
    },
}

impl IndexPlace {
    /// The place of the index of what lies at these paths, which must be canonical, among all those in a folder.
    pub fn of(base: &Path, roots: &[PathBuf]) -> Self {
        let mut sorted: Vec<&[u8]> = roots.iter().map(|root| root.as_os_str().as_encoded_bytes()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let name = digest(&sorted.join(&b"\0"[..]));
        Self { folder: base.join(hex::encode(&name[..12])) }
    }

    /// The places in a folder, in order of their names; none if there is no such folder.
    ///
    /// # Errors
    /// [`PlaceError`] when the folder is not the user's own or cannot be read.
    pub fn all(base: &Path) -> Result<Vec<Self>, PlaceError> {
        let fail = |source| PlaceError::Io { path: base.to_owned(), source };
        let entries = match fs::read_dir(base) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(fail(error)),
        };
        check_own(base)?;
        let mut folders = Vec::new();
        for entry in entries {
            let path = entry.map_err(fail)?.path();
            if path.join(super::store::TABLE).symlink_metadata().is_ok() {
                folders.push(Self { folder: path });
            }
        }
        folders.sort_by(|one, other| one.folder.cmp(&other.folder));
        Ok(folders)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder, if it is not there.
    ///
    /// # Errors
    /// [`PlaceError`] when it lies below one of the roots, is not the user's own, or cannot be made.
    pub fn create(&self, roots: &[PathBuf]) -> Result<(), PlaceError> {
        let fail = |source| PlaceError::Io { path: self.folder.clone(), source };
        let below = |path: &Path| roots.iter().find(|root| path.starts_with(root)).cloned();
        // what is there of it may be a link to a root
        let mut there = self.folder.as_path();
        let canonical = loop {
            match fs::canonicalize(there) {
                Ok(canonical) => break canonical,
                Err(_) => there = there.parent().unwrap_or(Path::new(".")),
            }
            if there.as_os_str().is_empty() {
                break fs::canonicalize(".").map_err(fail)?;
            }
        };
        if let Some(root) = below(&canonical) {
            return Err(PlaceError::BelowRoot { path: self.folder.clone(), root });
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).map_err(fail)?;
        self.check()
    }

    /// Whether the folder, and that of all indexes, are the user's own.
    ///
    /// # Errors
    /// [`PlaceError::Foreign`] when they are not.
    pub fn check(&self) -> Result<(), PlaceError> {
        if let Some(base) = self.folder.parent() {
            check_own(base)?;
        }
        check_own(&self.folder)
    }
}

fn check_own(folder: &Path) -> Result<(), PlaceError> {
    let foreign = |why| Err(PlaceError::Foreign { path: folder.to_owned(), why });
    let metadata =
        folder.symlink_metadata().map_err(|source| PlaceError::Io { path: folder.to_owned(), source })?;
    match () {
        () if !metadata.is_dir() => foreign("it is no folder"),
        () if metadata.uid() != rustix::process::geteuid().as_raw() => foreign("it belongs to another user"),
        () if metadata.mode() & WRITABLE_BY_OTHERS != 0 => foreign("others may write there"),
        () => Ok(()),
    }
}
