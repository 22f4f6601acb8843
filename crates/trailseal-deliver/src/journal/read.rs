//! Reading entries back.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use super::format::{self, RECORD_HEADER, RecordHeader, SEGMENT_HEADER, SegmentHeader};
use super::{Journal, JournalEntry, JournalError, JournalPosition};

/// Iterates over entries in the order in which they were appended; ends after an error.
#[derive(Debug)]
pub struct Reader<'a> {
    journal: &'a Journal,
    next: u64,
    end: u64,
    open: Option<OpenSegment>,
    failed: bool,
}

#[derive(Debug)]
struct OpenSegment {
    file: BufReader<File>,
    header: SegmentHeader,
    path: PathBuf,
    offset: u64,
    sequence: u64,
    /// The first sequence that is not in it, if another segment follows.
    following: Option<u64>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(journal: &'a Journal, from: JournalPosition, end: JournalPosition) -> Self {
        Self { journal, next: from.0, end: end.0, open: None, failed: false }
    }

    fn read(&mut self) -> Result<JournalEntry, JournalError> {
        if self.open.as_ref().is_some_and(|open| open.following == Some(self.next)) {
            self.open = None;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.journal.open_at(self.next)?,
        };
        loop {
            let (sequence, payload) = open.record()?;
            if sequence == self.next {
                let entry = format::read_payload(&payload);
                let damaged = || JournalError::damaged(&open.path, open.offset, "the record holds no entry");
                let entry = entry.ok_or_else(damaged)?;
                self.open = Some(open);
                return Ok(entry);
            }
        }
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<(JournalPosition, JournalEntry), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.next >= self.end {
            return None;
        }
        let read = self.read().map(|entry| (JournalPosition(self.next), entry));
        self.failed = read.is_err();
        self.next += 1;
        Some(read)
    }
}

impl Journal {
    /// Opens the segment that holds a sequence, at or before it.
    fn open_at(&self, sequence: u64) -> Result<OpenSegment, JournalError> {
        let (path, (from, offset), following) = {
            let state = self.lock();
            let at = state.segments.partition_point(|segment| segment.first <= sequence).checked_sub(1);
            let Some(at) = at else {
                let first = state.segments.first().map_or(state.end, |segment| segment.first);
                return Err(JournalError::Released {
                    position: JournalPosition(sequence),
                    first: JournalPosition(first),
                });
            };
            let segment = &state.segments[at];
            let place = segment.index.partition_point(|(of, _)| *of <= sequence).checked_sub(1);
            let place = place.map_or((segment.first, SEGMENT_HEADER as u64), |at| segment.index[at]);
            (segment.path.clone(), place, state.segments.get(at + 1).map(|next| next.first))
        };
        let failed = |source| JournalError::read(&path, source);
        let mut file = BufReader::with_capacity(1 << 16, File::open(&path).map_err(failed)?);
        let mut header = [0; SEGMENT_HEADER];
        file.read_exact(&mut header).map_err(failed)?;
        let header =
            SegmentHeader::decode(&header).map_err(|reason| JournalError::damaged(&path, 0, reason))?;
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        Ok(OpenSegment { file, header, path, offset, sequence: from, following })
    }
}

impl OpenSegment {
    fn record(&mut self) -> Result<(u64, Vec<u8>), JournalError> {
        let mut header = [0; RECORD_HEADER];
        self.fill(&mut header)?;
        let damaged = |reason| JournalError::damaged(&self.path, self.offset, reason);
        let record = RecordHeader::decode(&header, self.header).map_err(damaged)?;
        let mut payload = vec![0; record.length];
        self.fill(&mut payload)?;
        let damaged = |reason| JournalError::damaged(&self.path, self.offset, reason);
        record.check(&payload, self.header).map_err(damaged)?;
        if record.sequence != self.sequence {
            return Err(damaged("the record is out of order"));
        }
        self.sequence += 1;
        self.offset += (RECORD_HEADER + record.length) as u64;
        Ok((record.sequence, payload))
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), JournalError> {
        self.file.read_exact(out).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => JournalError::damaged(&self.path, self.offset, "the file is cut"),
            _ => JournalError::read(&self.path, source),
        })
    }
}
