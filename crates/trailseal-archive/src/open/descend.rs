//! The way down from a folder to a file without being led out of it.
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
    fs::{Mode, OFlags, openat},
    io::Errno,
};

use super::{OpenError, OpenFile, Refusal};

/// How a file is opened. A pipe that was put in its place must not make us wait, nor a terminal become ours.
pub(super) const FILE: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Opens the regular file at `path` below a folder; [`Refusal::Link`] where a component of the path is a symbolic link.
pub(super) fn open(folder: BorrowedFd<'_>, path: &Path) -> Result<OpenFile, OpenError> {
    let opened = match at_once(folder, path) {
        // an old kernel, a sandbox that does not know the call, a tree that is being renamed
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN | Errno::INVAL) => step_by_step(folder, path),
        opened => opened,
    };
    match opened {
        // what is no folder may be a link to one: not all systems tell it apart
        Err(Errno::LOOP | Errno::MLINK | Errno::NOTDIR) => Err(Refusal::Link.into()),
        opened => regular(opened),
    }
}

/// What the system opened, if it is a regular file.
pub(super) fn regular(opened: Result<OwnedFd, Errno>) -> Result<OpenFile, OpenError> {
    match opened {
        Ok(opened) => OpenFile::new(File::from(opened)),
        // a socket
        Err(Errno::NXIO) => Err(Refusal::NotRegular.into()),
        Err(error) => Err(io::Error::from(error).into()),
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
