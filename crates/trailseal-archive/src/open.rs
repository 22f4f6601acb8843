//! Opening files: the only way to the bytes of evidence, wherever they are read.
//!
//! What lies in a folder that was given is opened below it ([`Roots::open_file`](crate::walk::Roots::open_file)), so that
//! nothing leads out of it; what was named is opened wherever it leads ([`named`]); what is offered to others is opened by
//! no link at all ([`unlinked`]). All give an [`OpenFile`], or an [`OpenError`] that says what kind of failure it is.

use std::{
    fs::{File, Metadata},
    io::{self, Read, Seek},
    os::fd::AsFd as _,
    path::Path,
};

use crate::stamp::FileStamp;

mod descend;

/// Why a file is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A pipe, socket or device.
    #[error("it is not a regular file")]
    NotRegular,
    /// A link to a place outside the roots, or to nothing.
    #[error("it is a symbolic link that leaves the archive or leads nowhere")]
    Link,
    /// A link that leads in a circle.
    #[error("it is a symbolic link that leads in a circle")]
    Circle,
    /// The name cannot be written as text.
    #[error("its name is not UTF-8")]
    Name,
}

/// Why a file was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is none, or no longer.
    #[error(transparent)]
    Absent(io::Error),
    /// It may not be read.
    #[error(transparent)]
    Denied(io::Error),
    /// It is nothing that is read.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Anything else.
    #[error(transparent)]
    Other(io::Error),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Absent(error),
            io::ErrorKind::PermissionDenied => Self::Denied(error),
            _ => Self::Other(error),
        }
    }
}

/// Why the content of a file is not known.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was opened, and could not be read to its end.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is larger than anything of its kind.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// Bytes that are read of it.
        limit: u64,
    },
}

impl From<Refusal> for ReadError {
    fn from(refusal: Refusal) -> Self {
        Self::Open(refusal.into())
    }
}

/// A regular file, opened for reading.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    length: u64,
    stamp: Option<FileStamp>,
}

impl OpenFile {
    /// Takes in what is regular.
    fn new(file: File) -> Result<Self, OpenError> {
        let metadata = file.metadata()?;
        if metadata.is_file() {
            Ok(Self { file, length: metadata.len(), stamp: FileStamp::of(&metadata) })
        } else {
            Err(Refusal::NotRegular.into())
        }
    }

    /// Bytes that it had when it was opened.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// What the system said of it when it was opened.
    pub fn stamp(&self) -> Option<FileStamp> {
        self.stamp
    }

    /// What the system says of it now.
    ///
    /// # Errors
    /// When it says nothing.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Its bytes from here on.
    ///
    /// # Errors
    /// When they cannot be read, or are more than `limit`.
    pub fn read_bounded(self, limit: u64) -> Result<Vec<u8>, ReadError> {
        if self.length > limit {
            return Err(ReadError::TooLarge { limit });
        }
        // one byte more shows the end
        fill(Vec::with_capacity(self.length as usize + 1), self, limit)
    }

    /// The file itself.
    pub fn into_file(self) -> File {
        self.file
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }

    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.file.read_to_end(buffer)
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Opens the regular file at `path` below an open folder, by no symbolic link.
///
/// # Errors
/// Those of opening a file; it is refused where a component of the path is a link, and where it is no regular file.
pub(crate) fn below(folder: &File, path: &Path) -> Result<OpenFile, OpenError> {
    descend::open(folder.as_fd(), path)
}

/// Opens the regular file at an absolute path that has no symbolic link in it, as [`std::fs::canonicalize`] gives it: one that
/// was put there since is not followed.
///
/// # Errors
/// Those of opening a file; it is refused where a component of the path is a link, and where it is no regular file.
pub fn unlinked(real: &Path) -> Result<OpenFile, OpenError> {
    let root = real.ancestors().last().filter(|root| root.has_root());
    let root = root.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    below(&File::open(root)?, real.strip_prefix(root).unwrap_or(real))
}

/// Opens the regular file that a user named, wherever links lead. What is none is refused, and not waited for.
///
/// # Errors
/// Those of opening a file, and where it is no regular file.
pub fn named(path: &Path) -> Result<OpenFile, OpenError> {
    descend::regular(rustix::fs::open(path, descend::FILE, rustix::fs::Mode::empty()))
}

/// Opens whatever a user named to be read from its beginning to its end, once: a pipe is waited for.
///
/// # Errors
/// Those of opening a file.
pub fn stream(path: &Path) -> Result<File, OpenError> {
    Ok(File::open(path)?)
}

/// The bytes of what a user named, be it a file or a pipe.
///
/// # Errors
/// When it cannot be opened or read, or holds more than `limit` bytes.
pub fn read_stream(path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
    bounded(stream(path)?, limit)
}

/// The bytes of a stream.
///
/// # Errors
/// When it cannot be read, or holds more than `limit` bytes.
pub fn bounded(stream: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    fill(Vec::new(), stream, limit)
}

fn fill(mut bytes: Vec<u8>, from: impl Read, limit: u64) -> Result<Vec<u8>, ReadError> {
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge { limit }) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn what_is_named_may_be_a_link_and_what_is_offered_may_not() {
        let folder = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(folder.path()).unwrap();
        let at = |name: &str| real.join(name);
        fs::create_dir(at("inner")).unwrap();
        fs::write(at("inner/file"), "content").unwrap();
        symlink("inner/file", at("link")).unwrap();
        symlink("inner", at("way")).unwrap();
        let read = |opened: Result<OpenFile, OpenError>| opened.unwrap().read_bounded(7).unwrap();
        for name in ["inner/file", "link", "way/file"] {
            assert_eq!(read(named(&at(name))), b"content", "{name}");
        }
        assert_eq!(read(unlinked(&at("inner/file"))), b"content");
        for name in ["link", "way/file"] {
            let refused = unlinked(&at(name)).unwrap_err();
            assert!(matches!(refused, OpenError::Refused(Refusal::Link)), "{name}: {refused}");
        }
        for open in [named, unlinked] {
            assert!(matches!(open(&at("none")), Err(OpenError::Absent(_))));
            assert!(matches!(open(&at("inner")), Err(OpenError::Refused(Refusal::NotRegular))));
        }
        assert!(matches!(unlinked(Path::new("relative")), Err(OpenError::Other(_))));
    }

    #[test]
    fn a_pipe_is_read_as_a_stream_and_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if !made.is_ok_and(|status| status.success()) {
            return;
        }
        assert!(matches!(named(&pipe), Err(OpenError::Refused(Refusal::NotRegular))));
        let writer = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "through it").unwrap()
        });
        assert_eq!(read_stream(&pipe, 10).unwrap(), b"through it");
        writer.join().unwrap();
    }

    #[test]
    fn no_more_is_held_than_was_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "12345").unwrap();
        let too_large =
            |read: Result<Vec<u8>, ReadError>| matches!(read, Err(ReadError::TooLarge { limit: 4 }));
        assert!(too_large(named(file.path()).unwrap().read_bounded(4)));
        assert!(too_large(read_stream(file.path(), 4)));
        assert!(too_large(read_stream(Path::new("/dev/zero"), 4)));
        assert_eq!(read_stream(file.path(), 5).unwrap(), b"12345");
        // it grew since it was opened
        let opened = named(file.path()).unwrap();
        fs::write(file.path(), "1234567").unwrap();
        assert!(matches!(opened.read_bounded(5), Err(ReadError::TooLarge { limit: 5 })));
    }
}
