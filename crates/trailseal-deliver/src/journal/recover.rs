//! What is read of a journal when it is opened.

use std::fs::{self, File, TryLockError};
use std::io;
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
    let (segments, mut others) = list_what_is_named(folder)?;
    let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    if let Some(damaged) = others.iter().find(|path| name(path).ends_with(SUFFIX)) {
        return Err(JournalError::damaged(damaged, 0, "its name is none of a segment"));
    }
    others.retain(|path| name(path).starts_with('.') && name(path).strip_suffix(".tmp").is_some());
    Ok((segments, others))
}

/// The segments of a folder in order, and all files that are called otherwise, whatever they are.
pub(super) fn list_what_is_named(folder: &Path) -> Result<(Named, Vec<PathBuf>), JournalError> {
    let failed = |source| JournalError::read(folder, source);
    let (mut segments, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_suffix(SUFFIX).and_then(|number| number.parse().ok());
        match number.filter(|first| name == file_name(*first)) {
            Some(first) => segments.push((first, path)),
            None => others.push(path),
        }
    }
    segments.sort();
    Ok((segments, others))
}

/// Keeps other processes out of a journal that is only read, and notices one that has it open.
pub(super) fn lock_if_there(path: &Path) -> Result<Option<File>, JournalError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|source| JournalError::read(path, source))?,
    };
    locked(file, path, JournalError::read).map(Some)
}

/// Locks a file of a journal; `failed` makes the error where the system does not.
pub(super) fn locked(
    file: File,
    path: &Path,
    failed: impl FnOnce(&Path, io::Error) -> JournalError,
) -> Result<File, JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(path, source)),
    }
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
    /// What the file must be, where good records lie behind the place that cannot be read: they are records of it.
    pub(super) rewritten: Option<Vec<u8>>,
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
        rewritten: None,
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
                recovered.keep_behind(&bytes, header);
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
            kept: 0,
        });
    }

    /// Takes over what is good behind the place that cannot be read. Whether it was acknowledged nobody knows: a bad byte
    /// in a group that was looks like one that the power cut off. One event too many is better than one too few.
    fn keep_behind(&mut self, bytes: &[u8], header: SegmentHeader) {
        let start = self.length as usize;
        let mut content = bytes[..start].to_vec();
        let mut least = self.next;
        let mut at = start + 1;
        let mut kept = 0;
        while let Some((found, record, payload)) = format::next_record(bytes, at, header, least) {
            self.segment.note(self.next, content.len() as u64);
            self.last_received = self.last_received.max(format::received(payload));
            format::write_record(&mut content, header, self.next, self.next, payload);
            self.next += 1;
            kept += 1;
            least = record.sequence + 1;
            at = found + RECORD_HEADER + record.length;
        }
        if let Some(dropped) = self.dropped.as_mut().filter(|_| kept > 0) {
            dropped.kept = kept;
            self.length = content.len() as u64;
            self.rewritten = Some(content);
        }
    }
}

/// Whether a good record follows that was written after the one with sequence `unread` had become durable.
fn later_group(bytes: &[u8], header: SegmentHeader, unread: u64) -> bool {
    let mut at = 0;
    while let Some((found, record, _)) = format::next_record(bytes, at, header, 0) {
        if record.group > unread {
            return true;
        }
        at = found + 1;
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
