//! What log files hold, kept beside an archive, so that a question reads only the files that may answer it.
//!
//! An [`Index`] is a folder of segments, each of which tells of some thousands of files, and a small table of them
//! (docs/formats/index.md). It lies outside the evidence and is trusted like the program itself. Of every file there are its
//! state when it was read, the hashes of its bytes and of its content, a filter of all its values, and columns of what is
//! asked most. No label is ever kept: what digests prove is judged anew each time.
//!
//! An index only ever excludes: that no record of a file can match ([`Segment::may_match`]). What may match is read and
//! judged as without an index.

mod bits;
mod distinct;
mod groups;
mod hashing;
mod judge;
mod place;
mod segment;
mod store;
mod truths;
mod values;

pub use self::{
    groups::{ColumnGroup, ExtractedNumber, Extractor, NotIndexed},
    judge::FileAnswers,
    place::{IndexPlace, PlaceError},
    segment::{
        SegmentError,
        facts::{LEFT_OUT, StoredFacts},
        read::Segment,
        write::{FileEntry, SegmentWriter},
    },
    store::{Index, IndexError, IndexStatus, IndexWriter, remove},
    values::ValueSet,
};
