//! What is known of a file as a whole.

use trailseal_archive::stamp::FileStamp;

/// Kinds of values in a file that are no events, as many as are told apart.
pub const LEFT_OUT: usize = trailseal_query::scan::LeftOut::ALL.len();

/// What reading a file showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    /// When this was so.
    pub stamp: FileStamp,
    /// CRC-32 of the bytes as they lie on disk.
    pub checksum: u32,
    /// The last eight of these bytes; 0 where there are fewer.
    pub trailer: u64,
    /// Bytes of the content.
    pub inflated: u64,
    /// Whether it is a gzip file: one member and nothing behind it. Else it is the content.
    pub is_gzip: bool,
    /// Event records.
    pub records: u32,
    /// Values that are none, by kind.
    pub left_out: [u32; LEFT_OUT],
    /// The seconds of the first and last event; `None` without any.
    pub span: Option<(i64, i64)>,
}

/// What the bytes of a file were, for who vouches for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredHashes {
    /// SHA-256 of the bytes as they lie on disk.
    pub stored: [u8; 32],
    /// SHA-256 of the content.
    pub content: [u8; 32],
}

/// Bytes of the facts of a file and of its hashes, with where its path, filter and rows end.
pub(super) const FACTS: usize = 4 * 8 + 2 * 32 + 4 + 8 + 8 + 4 + 4 + 2 * 8 + 4 * LEFT_OUT + 3 * 4;

/// Where of a file something ends that lies behind that of the file before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) path: u32,
    pub(super) filter: u32,
    pub(super) rows: u32,
}

impl StoredFacts {
    pub(super) fn write(&self, hashes: &StoredHashes, ends: Ends, to: &mut Vec<u8>) {
        let FileStamp { length, modified, changed, inode } = self.stamp;
        to.extend(length.to_le_bytes());
        to.extend(modified.to_le_bytes());
        to.extend(changed.to_le_bytes());
        to.extend(inode.to_le_bytes());
        to.extend(hashes.stored);
        to.extend(hashes.content);
        to.extend(self.checksum.to_le_bytes());
        to.extend(self.trailer.to_le_bytes());
        to.extend(self.inflated.to_le_bytes());
        to.extend(u32::from(self.is_gzip).to_le_bytes());
        to.extend(self.records.to_le_bytes());
        // a span that ends before it begins is none
        let (first, last) = self.span.unwrap_or((1, 0));
        to.extend(first.to_le_bytes());
        to.extend(last.to_le_bytes());
        self.left_out.iter().for_each(|count| to.extend(count.to_le_bytes()));
        for end in [ends.path, ends.filter, ends.rows] {
            to.extend(end.to_le_bytes());
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<(Self, StoredHashes, Ends)> {
        let mut rest = bytes;
        let mut stamp = [0; 4];
        for number in &mut stamp {
            *number = word(&mut rest)?;
        }
        let [length, modified, changed, inode] = stamp;
        let hashes = StoredHashes { stored: take(&mut rest)?, content: take(&mut rest)? };
        let checksum = half(&mut rest)?;
        let trailer = word(&mut rest)?;
        let inflated = word(&mut rest)?;
        let is_gzip = half(&mut rest)? == 1;
        let records = half(&mut rest)?;
        let span = (word(&mut rest)?.cast_signed(), word(&mut rest)?.cast_signed());
        let mut left_out = [0; LEFT_OUT];
        for count in &mut left_out {
            *count = half(&mut rest)?;
        }
        let ends = Ends { path: half(&mut rest)?, filter: half(&mut rest)?, rows: half(&mut rest)? };
        let (modified, changed) = (modified.cast_signed(), changed.cast_signed());
        let stamp = FileStamp { length, modified, changed, inode };
        let span = Some(span).filter(|(first, last)| first <= last);
        let facts = Self { stamp, checksum, trailer, inflated, is_gzip, records, left_out, span };
        Some((facts, hashes, ends))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*bytes)
}

pub(super) fn word(rest: &mut &[u8]) -> Option<u64> {
    take(rest).map(u64::from_le_bytes)
}

pub(super) fn half(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_le_bytes)
}
