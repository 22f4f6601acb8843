//! What the journal and the deliverer do to a disk, in one place, so that every step can be made to fail.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// One change of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DiskStep {
    /// A folder is made.
    CreateFolder,
    /// A file is made, empty.
    Create,
    /// Bytes are written into a file.
    Write,
    /// A file's content is made durable.
    Sync,
    /// A file gets its name.
    Rename,
    /// A folder's names are made durable.
    SyncFolder,
    /// A file is cut.
    Truncate,
    /// A file is removed.
    Remove,
}

/// What happens to a step.
#[derive(Debug)]
pub enum DiskFault {
    /// It is done.
    None,
    /// Nothing is done, and it is said to be done; makes tests without syncs possible.
    Skip,
    /// It fails and nothing is done.
    Error(io::Error),
    /// So many bytes are written, then it fails. For other steps than [`DiskStep::Write`]: it is done and then
    /// said to have failed.
    After(usize, io::Error),
}

/// Is asked before every step; for tests of crashes and full disks.
pub trait Faults: Send + Sync {
    /// Decides about a step on `path` (for a rename: the new name).
    fn before(&self, step: DiskStep, path: &Path) -> DiskFault;
}

/// The disk, or one that fails when it is told to.
#[derive(Clone, Default)]
pub struct Disk {
    faults: Option<Arc<dyn Faults>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("faults", &self.faults.is_some()).finish()
    }
}

impl Disk {
    /// A disk that asks `faults` before every step.
    pub fn with_faults(faults: Arc<dyn Faults>) -> Self {
        Self { faults: Some(faults) }
    }

    fn step(&self, step: DiskStep, path: &Path, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.faults.as_ref().map_or(DiskFault::None, |faults| faults.before(step, path)) {
            DiskFault::None => act(),
            DiskFault::Skip => Ok(()),
            DiskFault::Error(error) => Err(error),
            DiskFault::After(_, error) => act().and(Err(error)),
        }
    }

    /// Makes a folder and those above it that are missing, each durable in the one above; with `private`
    /// readable by the owner alone.
    pub(crate) fn create_folders(&self, path: &Path, private: bool) -> io::Result<()> {
        let mut missing = Vec::new();
        for folder in path.ancestors() {
            if folder.as_os_str().is_empty() || folder.is_dir() {
                break;
            }
            missing.push(folder);
        }
        for folder in missing.into_iter().rev() {
            self.step(DiskStep::CreateFolder, folder, || match create_folder(folder, private) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
                made => made,
            })?;
            self.sync_folder(parent(folder))?;
        }
        Ok(())
    }

    /// Makes an empty file, or empties the one that is there; with `private` it is readable by the owner
    /// alone from its first moment.
    pub(crate) fn create(&self, path: &Path, private: bool) -> io::Result<DiskFile> {
        self.step(DiskStep::Create, path, || {
            // a file of that name with other rights would keep them
            remove_if_there(path)?;
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            restrict(&mut options, private);
            options.open(path).map(drop)
        })?;
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(DiskFile { file, path: path.to_owned(), disk: self.clone() })
    }

    /// Opens a file that is there for writing.
    pub(crate) fn open(&self, path: &Path) -> io::Result<DiskFile> {
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(DiskFile { file, path: path.to_owned(), disk: self.clone() })
    }

    /// Gives a file of the same folder its name, durably.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(DiskStep::Rename, to, || fs::rename(from, to))?;
        self.sync_folder(parent(to))
    }

    /// Removes a file if it is there.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.step(DiskStep::Remove, path, || remove_if_there(path))
    }

    /// Makes a folder's names durable.
    pub(crate) fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step(DiskStep::SyncFolder, path, || sync_folder(path))
    }

    /// Writes a file that is there whole or not at all: under another name in the same folder, synced, then
    /// renamed. The folder is made if it is missing.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
        let temporary = temporary_name(path);
        self.create_folders(parent(path), private)?;
        let mut file = self.create(&temporary, private)?;
        let written = file.write_at(0, bytes).and_then(|()| file.sync());
        drop(file);
        if let Err(error) = written {
            // gives room back on a full disk; if it fails, the next attempt empties the file
            let _ = self.remove(&temporary);
            return Err(error);
        }
        self.rename(&temporary, path)
    }
}

/// The name under which [`Disk::replace`] writes a file: hidden, short, and the same every time, so that what
/// a crash leaves is overwritten.
pub(crate) fn temporary_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let hash = hex::encode(&Sha256::digest(name.as_encoded_bytes())[..12]);
    path.with_file_name(format!(".{hash}.tmp"))
}

/// A file that is written.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    pub(crate) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        let fault =
            self.disk.faults.as_ref().map_or(DiskFault::None, |f| f.before(DiskStep::Write, &self.path));
        match fault {
            DiskFault::None => self.file.write_all(bytes),
            DiskFault::Skip => Ok(()),
            DiskFault::Error(error) => Err(error),
            DiskFault::After(length, error) => {
                self.file.write_all(&bytes[..length.min(bytes.len())]).and(Err(error))
            }
        }
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.step(DiskStep::Sync, &self.path, || self.file.sync_data())
    }

    pub(crate) fn truncate(&self, length: u64) -> io::Result<()> {
        self.disk.step(DiskStep::Truncate, &self.path, || self.file.set_len(length))
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn restrict(options: &mut OpenOptions, private: bool) {
    use std::os::unix::fs::OpenOptionsExt as _;
    if private {
        options.mode(0o600);
    }
}

#[cfg(not(unix))]
fn restrict(_: &mut OpenOptions, _: bool) {}

#[cfg(unix)]
fn create_folder(path: &Path, private: bool) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut builder = fs::DirBuilder::new();
    builder.mode(if private { 0o700 } else { 0o777 }).create(path)
}

#[cfg(not(unix))]
fn create_folder(path: &Path, _: bool) -> io::Result<()> {
    fs::create_dir(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    // only Unix opens folders as files; elsewhere the rename is as durable as the system makes it
    Ok(())
}
