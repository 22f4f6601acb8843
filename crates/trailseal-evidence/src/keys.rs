//! Reading key files and folders of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use trailseal_archive::open::{self, ReadError};
use trailseal_verify::{KeyDefect, KeyDefectReason, KeyFile};

use crate::error::Error;

/// A key file larger than this is none.
const MAX_KEY_FILE: u64 = 16 << 20;

/// What was read of `--keys`.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The keys and defects of all files.
    pub content: KeyFile,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// Files in key folders whose names are none of key files; they were not opened.
    pub ignored: Vec<PathBuf>,
}

/// Reads key files at `paths`: each a file, or a folder whose `.json`, `.der` and `.pem` files are read.
/// What is no key file among them is a defect by its name; subfolders are not entered.
///
/// # Errors
/// [`Error::KeyFile`] for a path that cannot be read.
pub fn load(paths: &[PathBuf]) -> Result<Loaded, Error> {
    let mut loaded = Loaded::default();
    for path in paths {
        let fail = |source: io::Error| Error::KeyFile { path: path.clone(), source: source.into() };
        if !fs::metadata(path).map_err(fail)?.is_dir() {
            loaded.read(path)?;
            continue;
        }
        let mut files = Vec::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            let file = entry.map_err(fail)?.path();
            if file.is_file() {
                files.push(file);
            }
        }
        files.sort();
        let before = loaded.files.len();
        for file in files {
            if is_key_file_name(&file) {
                loaded.read(&file)?;
            } else {
                loaded.ignored.push(file);
            }
        }
        if loaded.files.len() == before {
            let reason =
                KeyDefectReason::NotAKeyFile("the folder holds no .json, .der or .pem file".to_owned());
            loaded.content.defects.push(KeyDefect { file: path.display().to_string(), entry: None, reason });
        }
    }
    Ok(loaded)
}

impl Loaded {
    fn read(&mut self, path: &Path) -> Result<(), Error> {
        let file = parse(path).map_err(|source| Error::KeyFile { path: path.to_owned(), source })?;
        self.content.keys.extend(file.keys);
        self.content.defects.extend(file.defects);
        self.files.push(path.to_owned());
        Ok(())
    }
}

fn is_key_file_name(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|extension| ["json", "der", "pem"].contains(&extension.as_str()))
}

fn parse(path: &Path) -> Result<KeyFile, ReadError> {
    Ok(KeyFile::parse(&path.display().to_string(), &open::read_stream(path, MAX_KEY_FILE)?))
}
