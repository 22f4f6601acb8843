//! What log files hold, kept beside an archive, so that a question reads only the files that may answer it.
//!
//! An [`Index`] is a folder of segments, each of which tells of some thousands of files, and a small table of them
//! (docs/formats/index.md). It lies outside the evidence and is trusted like the program itself. Of every file there are its
//! state when it was read, the hashes of its bytes and of its content, a filter of all its values, and columns of what is
//! asked most. No label is ever kept: what digests prove is judged anew each time.
//!
//! An index says of a file that no record can match, or which records do ([`Segment::answers`]); of these it has some fields
//! ([`Segment::columns`]), which is enough to count. All else is read and judged as without an index.

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
    groups::{ColumnGroup, ExtractedNumber, Extractor, GroupValue, NotIndexed},
    judge::{FileAnswer, FileAnswers},
    place::{IndexPlace, PlaceError},
    segment::{
        SegmentError,
        facts::{LEFT_OUT, StoredFacts, StoredHashes},
        read::{Segment, SegmentColumns},
        write::{FileEntry, SegmentWriter},
    },
    store::{Index, IndexError, IndexStatus, IndexWriter, remove},
    values::ValueSet,
};
