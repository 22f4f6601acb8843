//! What is read of a journal when it is opened.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::{self, RECORD_HEADER, SEGMENT_HEADER, SegmentHeader};
use super::{DroppedTail, INDEX_STEP, JournalError, Segment};

const SUFFIX: &str = ".journal";

pub(super) fn file_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// Segments by their first sequence.
type Named = Vec<(u64, PathBuf)>;

/// The segments of a folder in order, and files that a crash left.
pub(super) fn list(folder: &Path) -> Result<(Named, Vec<PathBuf>), JournalError> {
    let failed = |source| JournalError::read(folder, source);
    let (mut segments, mut leftovers) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if let Some(number) = name.strip_suffix(SUFFIX) {
            let first = number.parse().ok().filter(|first| name == file_name(*first));
            let first =
                first.ok_or_else(|| JournalError::damaged(&path, 0, "its name is none of a segment"))?;
            segments.push((first, path));
        } else if name.starts_with('.') && name.strip_suffix(".tmp").is_some() {
            leftovers.push(path);
        }
    }
    segments.sort();
    Ok((segments, leftovers))
}

/// A segment as it was found.
pub(super) struct Recovered {
    pub(super) segment: Segment,
    /// The sequence after its last record.
    pub(super) next: u64,
    /// The bytes up to the end of the last record.
    pub(super) length: u64,
    pub(super) last_received: i64,
    pub(super) dropped: Option<DroppedTail>,
}

/// Reads a segment; `following` is the first sequence of the one after it.
///
/// Behind the last segment nothing was acknowledged that cannot be read; where a segment follows, all
/// records up to its first were.
pub(super) fn segment(path: &Path, first: u64, following: Option<u64>) -> Result<Recovered, JournalError> {
    let bytes = fs::read(path).map_err(|source| JournalError::read(path, source))?;
    let header = SegmentHeader::decode(&bytes).map_err(|reason| JournalError::damaged(path, 0, reason))?;
    if header.first != first {
        return Err(JournalError::damaged(path, 0, "the segment's header and its name differ"));
    }
    let mut recovered = Recovered {
        segment: Segment { first, path: path.to_owned(), index: Vec::new() },
        next: first,
        length: SEGMENT_HEADER as u64,
        last_received: i64::MIN,
        dropped: None,
    };
    let mut at = SEGMENT_HEADER;
    while at < bytes.len() {
        if following == Some(recovered.next) {
            recovered.drop_tail(&bytes, "it was never acknowledged");
            break;
        }
        let read = format::record_at(&bytes[at..], header).and_then(|(record, payload)| {
            let in_order = record.sequence == recovered.next && record.group <= record.sequence;
            in_order.then_some((record, payload)).ok_or("the record is out of order")
        });
        match read {
            Ok((record, payload)) => {
                recovered.segment.note(record.sequence, at as u64);
                recovered.last_received = recovered.last_received.max(format::received(payload));
                recovered.next += 1;
                at += RECORD_HEADER + record.length;
                recovered.length = at as u64;
            }
            Err(reason) => {
                if following.is_some() || later_group(&bytes[at..], header, recovered.next) {
                    return Err(JournalError::damaged(path, at as u64, reason));
                }
                recovered.drop_tail(&bytes, reason);
                break;
            }
        }
    }
    match following {
        Some(following) if recovered.next != following => {
            Err(JournalError::damaged(path, recovered.length, "records are missing at the segment's end"))
        }
        _ => Ok(recovered),
    }
}

impl Recovered {
    fn drop_tail(&mut self, bytes: &[u8], reason: &'static str) {
        self.dropped = Some(DroppedTail {
            path: self.segment.path.clone(),
            offset: self.length,
            bytes: bytes.len() as u64 - self.length,
            reason,
        });
    }
}

/// Whether a good record follows that was written after the one with sequence `unread` had become durable.
fn later_group(bytes: &[u8], header: SegmentHeader, unread: u64) -> bool {
    let marker = header.marker();
    let mut at = 0;
    // chance finds few markers in a segment, and the salt keeps senders from placing any
    while let Some(found) = bytes[at..].windows(4).position(|window| window == marker) {
        at += found;
        if format::record_at(&bytes[at..], header).is_ok_and(|(record, _)| record.group > unread) {
            return true;
        }
        at += 1;
    }
    false
}

impl Segment {
    /// Remembers where a record lies, if the last place remembered is far away.
    pub(super) fn note(&mut self, sequence: u64, offset: u64) {
        if self.index.last().is_none_or(|(_, last)| offset - last >= INDEX_STEP) {
            self.index.push((sequence, offset));
        }
    }
}
