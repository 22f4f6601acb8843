//! What changes when a file does, as the file system says it.

use std::{
    fs::Metadata,
    io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::Path,
};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, open, statat};

/// What the file system says of a file; a file that is written has another one afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    /// Bytes.
    pub length: u64,
    /// Nanoseconds since 1970 when its bytes were changed.
    pub modified: i64,
    /// The same when anything of it was.
    pub changed: i64,
    /// Its inode.
    pub inode: u64,
}

impl FileStamp {
    /// Of a regular file; `None` for anything else.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then_some(())?;
        Some(Self {
            length: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec())?,
            changed: nanos(metadata.ctime(), metadata.ctime_nsec())?,
            inode: metadata.ino(),
        })
    }

    // numbers of other widths elsewhere
    #[allow(clippy::unnecessary_cast, clippy::useless_conversion)]
    fn of_stat(stat: &Stat) -> Option<Self> {
        FileType::from_raw_mode(stat.st_mode).is_file().then_some(())?;
        Some(Self {
            length: u64::try_from(stat.st_size).ok()?,
            modified: nanos(i64::from(stat.st_mtime), stat.st_mtime_nsec as i64)?,
            changed: nanos(i64::from(stat.st_ctime), stat.st_ctime_nsec as i64)?,
            inode: stat.st_ino as u64,
        })
    }
}

fn nanos(seconds: i64, nanos: i64) -> Option<i64> {
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

/// A folder whose files are asked for their states: by their names, which takes a fraction of what it takes by whole paths.
#[derive(Debug)]
pub struct StampFolder(OwnedFd);

impl StampFolder {
    /// Opens one.
    ///
    /// # Errors
    /// Those of opening a folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        Ok(Self(open(path, flags, Mode::empty())?))
    }

    /// Of the regular file of this name; `None` for anything else, links among them.
    pub fn stamp(&self, name: &str) -> Option<FileStamp> {
        FileStamp::of_stat(&statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn both_ways_of_asking_say_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        fs::write(&path, "12").unwrap();
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let asked = StampFolder::open(folder.path()).unwrap();
        let stamp = asked.stamp("a.json").unwrap();
        assert_eq!((stamp.length, Some(stamp)), (2, FileStamp::of(&fs::metadata(&path).unwrap())));
        for name in ["link", "absent", ".", ""] {
            assert_eq!(asked.stamp(name), None, "{name}");
        }
        assert!(StampFolder::open(&path).is_err());
    }
}
