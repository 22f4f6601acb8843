//! Why the content of a file is not known although no reading of it failed.

/// Why nothing was seen of a file.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Unseen {
    /// Its turn did not come.
    #[error("it was not read")]
    NotRead,
    /// It came through a pipe, and its rows are wanted before its end.
    #[error("it was not read to its end before")]
    NotToItsEnd,
    /// It is not known whether it is there.
    #[error("its folder cannot be read or lies outside the archive")]
    FolderHidden,
}
