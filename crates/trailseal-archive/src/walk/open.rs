//! Opening a file below a folder without being led out of it.
//!
//! Between the listing of a folder and the opening of its files somebody may put a symbolic link in the place of
//! one of them, or of a folder above. So the way down begins at a handle of the root and follows no link at all.

use std::{
    fs::File,
    io,
    path::{Component, Path},
};

use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{FileType, Mode, OFlags, fstat, openat},
    io::Errno,
};

use super::Refusal;

/// How a file is opened. A pipe that was put in its place must not make us wait, nor a terminal become ours.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Why a file was not opened.
pub(super) enum Failure {
    /// A component of the path is a symbolic link.
    Link,
    /// Any other reason.
    Io(io::Error),
}

/// Opens the regular file at `path` below a folder, and says how many bytes it has.
pub(super) fn below(folder: BorrowedFd<'_>, path: &Path) -> Result<(File, u64), Failure> {
    let opened = match at_once(folder, path) {
        // an old kernel, a sandbox that does not know the call, a tree that is being renamed
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::INVAL) => step_by_step(folder, path),
        opened => opened,
    };
    let opened = opened.map_err(|error| match error {
        // what is no folder may be a link to one: not all systems tell it apart
        Errno::LOOP | Errno::MLINK | Errno::NOTDIR => Failure::Link,
        // a socket
        Errno::NXIO => Failure::Io(io::Error::other(Refusal::NotRegular)),
        error => Failure::Io(error.into()),
    })?;
    let stat = fstat(&opened).map_err(|error| Failure::Io(error.into()))?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
        Ok((File::from(opened), u64::try_from(stat.st_size).unwrap_or(0)))
    } else {
        Err(Failure::Io(io::Error::other(Refusal::NotRegular)))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn at_once(folder: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    let mut how = ResolveFlags::NO_SYMLINKS.union(ResolveFlags::NO_MAGICLINKS);
    // a way down without links and without `..` cannot lead out, and to have it looked at costs a tenth
    let is_down =
        path.is_relative() && !path.as_os_str().as_encoded_bytes().windows(2).any(|two| two == b"..");
    if !is_down {
        how |= ResolveFlags::BENEATH;
    }
    openat2(folder, path, FILE, Mode::empty(), how)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn at_once(_: BorrowedFd<'_>, _: &Path) -> Result<OwnedFd, Errno> {
    Err(Errno::NOSYS)
}

/// The same where there is no system call for it: one component after the other.
fn step_by_step(folder: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd, Errno> {
    // a folder that may be entered need not be readable
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    let mut above: Option<OwnedFd> = None;
    let mut names = path.components().peekable();
    while let Some(part) = names.next() {
        let Component::Normal(name) = part else { return Err(Errno::XDEV) };
        let here = above.as_ref().map_or(folder, AsFd::as_fd);
        let flags = if names.peek().is_some() { FOLDER } else { FILE };
        above = Some(openat(here, name, flags.union(OFlags::NOFOLLOW), Mode::empty())?);
    }
    above.ok_or(Errno::ISDIR)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn both_ways_open_the_same_and_follow_no_link() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("a/b/file"), "x").unwrap();
        symlink("file", root.path().join("a/b/link")).unwrap();
        symlink("b", root.path().join("a/c")).unwrap();
        let folder = File::open(root.path()).unwrap();
        let step = |path: &str| step_by_step(folder.as_fd(), Path::new(path)).map(|_| ());
        let once = |path: &str| at_once(folder.as_fd(), Path::new(path)).map(|_| ());
        assert_eq!(step("a/b/file"), Ok(()));
        assert_eq!(step("a/b/link"), Err(Errno::LOOP));
        assert!(matches!(step("a/c/file"), Err(Errno::LOOP | Errno::NOTDIR)));
        assert_eq!(step("a/none"), Err(Errno::NOENT));
        assert_eq!(step("../x"), Err(Errno::XDEV));
        assert_eq!(step("/etc/passwd"), Err(Errno::XDEV));
        assert_eq!(step(""), Err(Errno::ISDIR));
        if once("a/b/file") == Ok(()) {
            assert_eq!(once("a/b/link"), Err(Errno::LOOP));
            assert_eq!(once("a/c/file"), Err(Errno::LOOP));
            assert_eq!(once("a/none"), Err(Errno::NOENT));
            assert_eq!(once("../x"), Err(Errno::XDEV));
            assert_eq!(once("/etc/passwd"), Err(Errno::XDEV));
        }
    }
}
