use std::io;

/// Why the content of an entry ends before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} (at byte {offset})")]
pub struct ContentError {
    /// How many bytes came before: of an entry its content, inflated and as UTF-8; of a container its own bytes.
    pub offset: u64,
    /// What is wrong there.
    pub reason: Reason,
}

impl ContentError {
    /// The content error that an error of a reader given to a visitor holds.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<ContentError> for io::Error {
    fn from(error: ContentError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// What is wrong with a file or an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// There is no more, where there must be.
    #[error("the data ends within {within}")]
    Truncated {
        /// In the midst of what.
        within: &'static str,
    },
    /// The data came to their end and were all given, but the checksum or length that is stated of them is not
    /// theirs.
    #[error("the checksum is wrong: {what}; all of the content was used, but nothing vouches for it")]
    Checksum {
        /// What is stated and found, as a phrase.
        what: String,
    },
    /// The data is not valid, or a checksum within them does not match.
    #[error("{what}")]
    Corrupt {
        /// What is wrong, as a phrase.
        what: String,
    },
    /// Everything before is intact, and bytes that belong to nothing follow.
    #[error("{bytes} bytes follow {after}")]
    TrailingData {
        /// How many.
        bytes: u64,
        /// What ended before them.
        after: &'static str,
    },
    /// The entry inflates to more than [`ContentLimits::max_entry`](super::ContentLimits::max_entry).
    #[error("the content goes on beyond the limit of {limit} bytes")]
    EntryTooLarge {
        /// The limit.
        limit: u64,
    },
    /// All that the file holds inflates to more than [`ContentLimits::max_total`](super::ContentLimits::max_total).
    #[error("the file inflates to more than the limit of {limit} bytes in all")]
    TotalTooLarge {
        /// The limit.
        limit: u64,
    },
    /// The file has more entries than [`ContentLimits::max_entries`](super::ContentLimits::max_entries).
    #[error("the file has more than the limit of {limit} entries")]
    TooManyEntries {
        /// The limit.
        limit: u64,
    },
    /// A container lies deeper than [`ContentLimits::max_depth`](super::ContentLimits::max_depth).
    #[error("containers are nested deeper than the limit of {limit} levels")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// A zip archive is not a file, larger than [`ContentLimits::max_held`](super::ContentLimits::max_held), and there is no
    /// [`ContentLimits::spool`](super::ContentLimits::spool).
    #[error(
        "a zip archive that is not a file and larger than {limit} bytes needs a folder for temporary files \
         outside of what is read"
    )]
    NoSpool {
        /// What is held without.
        limit: u64,
    },
    /// A known format that is not read.
    #[error("unsupported: {what}")]
    Unsupported {
        /// Which.
        what: String,
    },
    /// A zip entry that needs a password.
    #[error("the entry is encrypted")]
    Encrypted,
    /// The file system (or the pipe) returned an error.
    #[error("cannot be read: {message}")]
    Read {
        /// Its kind.
        kind: io::ErrorKind,
        /// Its words.
        message: String,
    },
}

impl Reason {
    pub(super) fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }

    pub(super) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }

    pub(super) fn at(self, offset: u64) -> ContentError {
        ContentError { offset, reason: self }
    }
}

impl From<io::Error> for Reason {
    /// The reason within a content error of an outer layer; anything else is a read error.
    fn from(error: io::Error) -> Self {
        match ContentError::of(&error) {
            Some(error) => error.reason.clone(),
            None => Self::Read { kind: error.kind(), message: error.to_string() },
        }
    }
}
