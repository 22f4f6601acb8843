//! What lies in folders of a data folder.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use super::LiveError;

/// Everything in a folder, in no order; nothing where there is no folder.
pub(super) fn entries(folder: &Path) -> Result<Vec<DirEntry>, LiveError> {
    let failed = |source| LiveError::read(folder, source);
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(failed)?.map(|entry| entry.map_err(failed)).collect(),
    }
}

/// The files of a folder with an extension, by name; none where there is no folder.
pub(super) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, LiveError> {
    let mut files: Vec<PathBuf> = entries(folder)?.iter().map(DirEntry::path).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    Ok(files)
}
