//! What is good of a journal that is damaged, as another journal.

use std::fs;
use std::path::{Path, PathBuf};

use super::format::{self, RECORD_HEADER, SEGMENT_HEADER, SegmentHeader};
use super::{Journal, JournalEntry, JournalError, JournalPosition, recover};

/// So many bytes of events are written at once.
const BATCH: usize = 4 << 20;

/// A place of which nothing could be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalGap {
    /// The segment, or the one behind the place where one is missing.
    pub path: PathBuf,
    /// Where in it the place begins.
    pub offset: u64,
    /// Its length; 0 where a file is missing.
    pub bytes: u64,
    /// The first entry that is lost.
    pub first: JournalPosition,
    /// How many are; `None` where nothing follows that tells.
    pub entries: Option<u64>,
    /// Why it cannot be read.
    pub reason: &'static str,
}

/// What became of a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvagedJournal {
    /// Entries that were kept.
    pub kept: u64,
    /// What was lost, in order.
    pub gaps: Vec<JournalGap>,
    /// Segments whose header was mended: one byte of it had changed.
    pub mended: Vec<PathBuf>,
    /// The first entries of runs without a gap, and how many were kept before each.
    runs: Vec<(u64, u64)>,
    end: u64,
}

impl SalvagedJournal {
    /// Where a position of the damaged journal is in the new one: all kept entries before it, and no others, are before
    /// that. Positions behind the end, which what is lost there may have had, are the new end.
    pub fn position(&self, old: JournalPosition) -> JournalPosition {
        let at = self.runs.partition_point(|(first, _)| *first <= old.0);
        let Some((first, before)) = at.checked_sub(1).map(|at| self.runs[at]) else {
            return JournalPosition(0);
        };
        let next = self.runs.get(at).map_or(self.kept, |(_, before)| *before);
        JournalPosition((before + (old.0 - first)).min(next))
    }

    /// The end of what could be told of the damaged journal.
    pub fn end(&self) -> JournalPosition {
        JournalPosition(self.end)
    }

    /// How many of the lost entries stood at a position or behind it; `None` if that cannot be told.
    pub fn lost_behind(&self, old: JournalPosition) -> Option<u64> {
        self.gaps.iter().try_fold(0, |sum, gap| {
            let end = gap.first.0 + gap.entries?;
            Some(sum + end.saturating_sub(gap.first.0.max(old.0)))
        })
    }
}

/// Reads the journal in a folder, whatever its damage, and appends what is good to an empty one, whose entries have other
/// numbers. Nothing is changed in the folder.
///
/// # Errors
/// [`JournalError`]: another process has the damaged journal open, its folder cannot be listed, or the new one cannot be
/// written. What cannot be read of its segments is a gap.
pub fn salvage(folder: &Path, to: &Journal) -> Result<SalvagedJournal, JournalError> {
    let _lock = recover::lock_if_there(&folder.join("lock"))?;
    let mut salvage =
        Salvage { to, done: SalvagedJournal::default(), batch: Vec::new(), bytes: 0, next: None };
    let (found, _) = recover::list_what_is_named(folder)?;
    for (at, (first, path)) in found.iter().enumerate() {
        salvage.segment(*first, path, found.get(at + 1).map(|(first, _)| *first))?;
    }
    salvage.write()?;
    salvage.done.end = salvage.next.unwrap_or(0);
    Ok(salvage.done)
}

struct Salvage<'a> {
    to: &'a Journal,
    done: SalvagedJournal,
    batch: Vec<JournalEntry>,
    bytes: usize,
    /// The number of the entry that should come; none before the first segment.
    next: Option<u64>,
}

impl Salvage<'_> {
    /// `following` is the first sequence of the segment after it.
    fn segment(&mut self, first: u64, path: &Path, following: Option<u64>) -> Result<(), JournalError> {
        let next = *self.next.get_or_insert(first);
        if next < first {
            self.gap(path, (0, 0), first, "a segment is missing before it");
        }
        let Ok(bytes) = fs::read(path) else {
            self.lose_rest(path, (0, 0), following, "the file cannot be read");
            return Ok(());
        };
        let header = match SegmentHeader::decode(&bytes) {
            Ok(header) => header,
            Err(reason) => {
                // the salt may be as it was
                let read = bytes.first_chunk::<SEGMENT_HEADER>().map(|_| SegmentHeader::unchecked(&bytes));
                let is_usable = |header: &SegmentHeader| {
                    format::next_record(&bytes, SEGMENT_HEADER, *header, 0).is_some()
                };
                let Some(header) = SegmentHeader::mended(&bytes).or(read.filter(is_usable)) else {
                    self.lose_rest(path, (0, bytes.len() as u64), following, reason);
                    return Ok(());
                };
                self.done.mended.push(path.to_owned());
                header
            }
        };
        let mut at = SEGMENT_HEADER;
        while at < bytes.len() {
            let next = self.next.unwrap_or(first);
            if following == Some(next) {
                // what lies behind it was never acknowledged
                return Ok(());
            }
            let reason =
                format::record_at(&bytes[at..], header).err().unwrap_or("the record is out of order");
            let Some((found, record, payload)) = format::next_record(&bytes, at, header, next) else {
                self.lose_rest(path, (at as u64, (bytes.len() - at) as u64), following, reason);
                return Ok(());
            };
            if following.is_some_and(|following| record.sequence >= following) {
                self.lose_rest(path, (at as u64, (found - at) as u64), following, reason);
                return Ok(());
            }
            if record.sequence > next {
                self.gap(path, (at as u64, (found - at) as u64), record.sequence, reason);
            }
            at = found + RECORD_HEADER + record.length;
            if let Some(entry) = format::read_payload(payload) {
                self.keep(record.sequence, entry)?;
            } else {
                let place = (found as u64, (at - found) as u64);
                self.gap(path, place, record.sequence + 1, "the record holds no entry");
            }
        }
        if following.is_some_and(|following| self.next < Some(following)) {
            self.lose_rest(
                path,
                (bytes.len() as u64, 0),
                following,
                "records are missing at the segment's end",
            );
        }
        Ok(())
    }

    fn keep(&mut self, sequence: u64, entry: JournalEntry) -> Result<(), JournalError> {
        let before = self.done.kept;
        let is_next = self.done.runs.last().is_some_and(|(first, kept)| first + (before - kept) == sequence);
        if !is_next {
            self.done.runs.push((sequence, before));
        }
        self.next = Some(sequence + 1);
        self.done.kept += 1;
        self.bytes += entry.event().len();
        self.batch.push(entry);
        if self.bytes >= BATCH { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), JournalError> {
        self.to.append(&self.batch)?;
        self.batch.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Everything up to `next` is lost.
    fn gap(&mut self, path: &Path, (offset, bytes): (u64, u64), next: u64, reason: &'static str) {
        let first = self.next.unwrap_or_default();
        let entries = Some(next.saturating_sub(first));
        let (path, first) = (path.to_owned(), JournalPosition(first));
        self.done.gaps.push(JournalGap { path, offset, bytes, first, entries, reason });
        self.next = Some(next);
    }

    /// Everything up to the next segment is lost, if there is one.
    fn lose_rest(&mut self, path: &Path, place: (u64, u64), following: Option<u64>, reason: &'static str) {
        if let Some(following) = following {
            self.gap(path, place, following, reason);
            return;
        }
        let (path, first) = (path.to_owned(), JournalPosition(self.next.unwrap_or_default()));
        let (offset, bytes) = place;
        self.done.gaps.push(JournalGap { path, offset, bytes, first, entries: None, reason });
    }
}
