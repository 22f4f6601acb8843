//! A write-ahead log of events: what was appended survives a kill, a full disk and a power failure.
//!
//! A journal is a folder of segments, each named by the sequence number of its first entry (20 digits and
//! `.journal`), and a file `lock`. Entries are numbered from 0 without gaps. [`Journal::append`] returns once
//! its entries are on the disk; appends that come meanwhile from other threads share the next sync.
//! [`Journal::append_unsynced`] does not wait for the disk: a kill takes nothing of it, a power failure may.
//!
//! [`Journal::open`] reads every segment. A tail that a crash cut off, which nobody was told is durable, is
//! dropped and reported; entries behind the place where it begins that are good are kept. Anything else that cannot be read
//! is an error that names the file and the place, and [`salvage`] makes another journal of all that is good.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use ring::rand::{SecureRandom as _, SystemRandom};
use trailseal_archive::key::{is_account_id, is_region_like};

pub mod disk;
mod format;
mod read;
mod recover;
mod salvage;
#[cfg(test)]
mod tests;

pub use read::Reader;
pub use salvage::{JournalGap, SalvagedJournal, salvage};

use self::disk::{Disk, DiskFile};
use self::format::{SEGMENT_HEADER, SegmentHeader};

/// About every so many bytes of a segment the place of a record is kept in memory.
const INDEX_STEP: u64 = 256 << 10;

/// The number of an entry, or of the one that comes after the last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalPosition(pub u64);

/// One event as it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    account: String,
    region: String,
    received: i64,
    event: Vec<u8>,
}

/// Why something is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// Not 12 digits.
    #[error("the account is not 12 digits")]
    Account,
    /// Not the shape of a Region.
    #[error("the Region does not have the shape of one")]
    Region,
    /// The event could not stand in a log file.
    #[error("the event is not one JSON object")]
    Event,
}

impl JournalEntry {
    /// An event record (one JSON object, kept byte for byte) that `account` received in `region` at
    /// `received`, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`EntryError`] for what could never be delivered.
    pub fn new(account: &str, region: &str, received: i64, event: &[u8]) -> Result<Self, EntryError> {
        if !is_account_id(account) {
            return Err(EntryError::Account);
        }
        if !is_region_like(region) {
            return Err(EntryError::Region);
        }
        let is_object = event.trim_ascii_start().first() == Some(&b'{');
        // skipping values does not look at their encoding
        let text = std::str::from_utf8(event).map_err(|_| EntryError::Event)?;
        if !is_object || serde_json::from_str::<serde::de::IgnoredAny>(text).is_err() {
            return Err(EntryError::Event);
        }
        let event = event.trim_ascii().to_vec();
        Ok(Self { account: account.to_owned(), region: region.to_owned(), received, event })
    }

    /// The same event, received in another Region.
    ///
    /// # Errors
    /// [`EntryError::Region`].
    pub fn in_region(self, region: &str) -> Result<Self, EntryError> {
        if is_region_like(region) {
            Ok(Self { region: region.to_owned(), ..self })
        } else {
            Err(EntryError::Region)
        }
    }

    /// The account, 12 digits.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When it was received, in milliseconds since 1970. Never before the entry ahead of it: where the clock
    /// went back, appending raises the time to that of the entry ahead.
    pub fn received(&self) -> i64 {
        self.received
    }

    /// The event record.
    pub fn event(&self) -> &[u8] {
        &self.event
    }
}

/// How a journal writes.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// A segment that has reached this size gets no more entries. Default 64 MiB.
    pub segment_bytes: u64,
    /// No entry may be longer; at most 64 MiB. Default 1 MiB.
    pub max_entry_bytes: usize,
    /// Appends wait while so many bytes wait for the disk. Default 16 MiB.
    pub max_waiting_bytes: usize,
    /// The disk.
    pub disk: Disk,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            max_entry_bytes: 1 << 20,
            max_waiting_bytes: 16 << 20,
            disk: Disk::default(),
        }
    }
}

/// What could not be read at the end of a segment, and was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedTail {
    /// The segment.
    pub path: PathBuf,
    /// Where the tail began.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// Why it is no record.
    pub reason: &'static str,
    /// Entries in it, behind the place that cannot be read, that are good and were kept.
    pub kept: u64,
}

/// Why a journal could not be opened, written or read.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// Something cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Something could not be written. Nothing of the batch was acknowledged; once the cause is gone the
    /// journal works again.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// What was durable is not as it was.
    #[error("{} is damaged at byte {offset}: {reason}", path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the first record begins that cannot be read.
        offset: u64,
        /// Why it cannot.
        reason: &'static str,
    },
    /// An entry is longer than the options allow.
    #[error("an entry of {bytes} bytes is longer than the limit of {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// [`JournalOptions::max_entry_bytes`].
        limit: usize,
    },
    /// Entries are asked for that were released.
    #[error("entry {} was released; the journal begins with entry {}", position.0, first.0)]
    Released {
        /// The entry.
        position: JournalPosition,
        /// The first one that is there.
        first: JournalPosition,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl JournalError {
    fn read(path: &Path, source: io::Error) -> Self {
        Self::Read { path: path.to_owned(), source: Arc::new(source) }
    }

    fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.to_owned(), source: Arc::new(source) }
    }

    fn damaged(path: &Path, offset: u64, reason: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), offset, reason }
    }
}

/// An open journal; may be shared by threads.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    options: JournalOptions,
    state: Mutex<State>,
    wake: Condvar,
    /// Locked by the one thread that has set [`State::writing`].
    writer: Mutex<JournalWriter>,
    dropped: Vec<DroppedTail>,
    /// Holds the lock as long as the journal is open.
    _lock: File,
}

#[derive(Debug)]
struct State {
    segments: Vec<Segment>,
    /// All entries before it are written.
    end: u64,
    /// All entries before it are durable.
    durable: u64,
    last_received: i64,
    waiting: Group,
    writing: bool,
}

/// A segment that is on the disk.
#[derive(Debug)]
struct Segment {
    first: u64,
    path: PathBuf,
    /// Sequences and where their records begin.
    index: Vec<(u64, u64)>,
}

/// What is written next, at once.
#[derive(Debug, Default)]
struct Group {
    /// Payloads one after the other.
    payloads: Vec<u8>,
    lengths: Vec<usize>,
    /// Somebody waits until it is durable.
    must_sync: bool,
    /// The sequence of its first entry once it is durable.
    outcome: Arc<OnceLock<Result<u64, JournalError>>>,
}

#[derive(Debug)]
struct JournalWriter {
    /// `None` until the first segment is made.
    active: Option<Active>,
    next: u64,
    /// All entries before it are durable.
    durable: u64,
    last_received: i64,
}

#[derive(Debug)]
struct Active {
    file: DiskFile,
    path: PathBuf,
    header: SegmentHeader,
    /// Up to here it is written.
    length: u64,
    /// More may lie behind `length`, of a group that failed.
    is_dirty: bool,
    /// A sync failed: the system may have forgotten what it could not write, so that a later success would
    /// prove nothing. No more is written into this file.
    is_over: bool,
}

/// A group on the disk.
struct Written {
    first: u64,
    offset: u64,
    durable: u64,
    /// The segment's first sequence, and its file. An earlier group may have failed in it, so that this is
    /// the first that the state hears of it.
    segment: (u64, PathBuf),
}

impl Journal {
    /// Opens the journal in a folder, which is made if it is missing.
    ///
    /// # Errors
    /// [`JournalError`]: in use, not readable, not writable, or damaged before its end.
    pub fn open(folder: &Path, options: JournalOptions) -> Result<Self, JournalError> {
        let disk = &options.disk;
        disk.create_folders(folder, true).map_err(|source| JournalError::write(folder, source))?;
        let lock = lock(&folder.join("lock"))?;
        let (found, leftovers) = recover::list(folder)?;
        for path in leftovers {
            disk.remove(&path).map_err(|source| JournalError::write(&path, source))?;
        }
        let mut segments = Vec::new();
        let mut dropped = Vec::new();
        let mut writer = JournalWriter { active: None, next: 0, durable: 0, last_received: i64::MIN };
        for (at, (first, path)) in found.iter().enumerate() {
            let following = found.get(at + 1).map(|(first, _)| *first);
            let recovered = recover::segment(path, *first, following)?;
            writer.next = recovered.next;
            writer.last_received = writer.last_received.max(recovered.last_received);
            segments.push(recovered.segment);
            let is_torn = recovered.dropped.is_some() && recovered.rewritten.is_none();
            if let Some(content) = recovered.rewritten {
                let written = disk.replace(path, &content, true);
                written.map_err(|source| JournalError::write(path, source))?;
            }
            dropped.extend(recovered.dropped);
            if following.is_none() {
                writer.active = Some(Active::reopen(path, recovered.length, is_torn, disk)?);
            }
        }
        // the last segment was synced, and those before it when they were left
        writer.durable = writer.next;
        let state = State {
            segments,
            end: writer.next,
            durable: writer.next,
            last_received: writer.last_received,
            waiting: Group::default(),
            writing: false,
        };
        Ok(Self {
            folder: folder.to_owned(),
            options,
            state: Mutex::new(state),
            wake: Condvar::new(),
            writer: Mutex::new(writer),
            dropped,
            _lock: lock,
        })
    }

    /// What was dropped when the journal was opened.
    pub fn dropped(&self) -> &[DroppedTail] {
        &self.dropped
    }

    /// The first entry that is still there; [`Self::end`] when there is none.
    pub fn first(&self) -> JournalPosition {
        let state = self.lock();
        JournalPosition(state.segments.first().map_or(state.end, |segment| segment.first))
    }

    /// The position after the last entry.
    pub fn end(&self) -> JournalPosition {
        JournalPosition(self.lock().end)
    }

    /// The position after the last durable entry.
    pub fn durable(&self) -> JournalPosition {
        JournalPosition(self.lock().durable)
    }

    /// Makes all entries durable.
    ///
    /// # Errors
    /// [`JournalError::Write`]; what [`Self::durable`] says stays true.
    pub fn sync(&self) -> Result<(), JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.sync()?;
        let durable = writer.durable;
        drop(writer);
        let mut state = self.lock();
        state.durable = state.durable.max(durable);
        Ok(())
    }

    /// `now`, in milliseconds, or the time of the last entry if the clock went back behind it. What is
    /// compared with times of entries must come through here.
    pub fn time(&self, now: i64) -> i64 {
        self.lock().last_received.max(now)
    }

    /// Appends a batch and returns once it is durable, with the position after its last entry.
    ///
    /// # Errors
    /// [`JournalError::TooLong`] before anything is written; [`JournalError::Write`] for the batch and all
    /// that shared its sync. A batch that failed may be found again after a crash, in part or whole.
    pub fn append(&self, batch: &[JournalEntry]) -> Result<JournalPosition, JournalError> {
        self.append_with(batch, true)
    }

    /// Appends a batch and returns once it is written, which a kill does not undo; a failure of the power may,
    /// before the next sync.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn append_unsynced(&self, batch: &[JournalEntry]) -> Result<JournalPosition, JournalError> {
        self.append_with(batch, false)
    }

    fn append_with(&self, batch: &[JournalEntry], must_sync: bool) -> Result<JournalPosition, JournalError> {
        let limit = self.options.max_entry_bytes.min(format::MAX_PAYLOAD);
        for entry in batch {
            let bytes = format::payload_length(entry);
            if bytes > limit {
                return Err(JournalError::TooLong { bytes, limit });
            }
        }
        let mut state = self.lock();
        if batch.is_empty() {
            return Ok(JournalPosition(state.end));
        }
        while state.waiting.payloads.len() >= self.options.max_waiting_bytes && state.writing {
            state = self.wait(state);
        }
        for entry in batch {
            format::write_payload(&mut state.waiting.payloads, entry);
            state.waiting.lengths.push(format::payload_length(entry));
        }
        state.waiting.must_sync |= must_sync;
        let after = state.waiting.lengths.len() as u64;
        let outcome = Arc::clone(&state.waiting.outcome);
        loop {
            if let Some(outcome) = outcome.get() {
                return outcome.clone().map(|first| JournalPosition(first + after));
            }
            if state.writing {
                state = self.wait(state);
                continue;
            }
            // Nobody writes and this batch waits, so it is in the group that is written now.
            let mut group = std::mem::take(&mut state.waiting);
            state.writing = true;
            drop(state);
            let written = self.write(&mut group);
            state = self.lock();
            state.writing = false;
            let _ = group.outcome.set(written.map(|(written, last_received)| {
                state.note(&written, group.lengths.len() as u64, last_received);
                written.first
            }));
            self.wake.notify_all();
        }
    }

    /// The entries from `from` on, up to what is durable now.
    pub fn read_from(&self, from: JournalPosition) -> Reader<'_> {
        Reader::new(self, from, self.end())
    }

    /// Removes the segments that only hold entries before `position`; the newest segment stays.
    ///
    /// # Errors
    /// [`JournalError::Write`]; what is left is tried again by the next call.
    pub fn release(&self, position: JournalPosition) -> Result<(), JournalError> {
        loop {
            let path = {
                let state = self.lock();
                match state.segments.get(..2) {
                    Some([oldest, next]) if next.first <= position.0 => oldest.path.clone(),
                    _ => return Ok(()),
                }
            };
            self.options.disk.remove(&path).map_err(|source| JournalError::write(&path, source))?;
            let mut state = self.lock();
            if state.segments.first().is_some_and(|oldest| oldest.path == path) {
                state.segments.remove(0);
            }
        }
    }

    fn write(&self, group: &mut Group) -> Result<(Written, i64), JournalError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writer.write(&self.folder, &self.options, group)?;
        Ok((written, writer.last_received))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // no code that holds the lock leaves the state half changed
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.wake.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, written: &Written, entries: u64, last_received: i64) {
        let (first, path) = &written.segment;
        if self.segments.last().is_none_or(|last| last.first != *first) {
            self.segments.push(Segment { first: *first, path: path.clone(), index: Vec::new() });
        }
        if let Some(active) = self.segments.last_mut() {
            active.note(written.first, written.offset);
        }
        self.end = written.first + entries;
        self.durable = self.durable.max(written.durable);
        self.last_received = last_received;
    }
}

impl JournalWriter {
    fn write(
        &mut self,
        folder: &Path,
        options: &JournalOptions,
        group: &mut Group,
    ) -> Result<Written, JournalError> {
        let is_usable = |active: &Active| !active.is_over && active.length < options.segment_bytes;
        if !self.active.as_ref().is_some_and(is_usable) {
            if self.active.as_ref().is_some_and(|active| !active.is_over) {
                // all of a segment that others follow is durable
                self.sync()?;
            }
            self.active = Some(Active::create(folder, self.next, &options.disk)?);
        }
        let Some(active) = &mut self.active else { return Err(JournalError::Random) };
        let mut bytes =
            Vec::with_capacity(group.payloads.len() + group.lengths.len() * format::RECORD_HEADER);
        let mut rest = &mut group.payloads[..];
        let mut last_received = self.last_received;
        for (sequence, length) in (self.next..).zip(&group.lengths) {
            let (payload, after) = rest.split_at_mut(*length);
            last_received = last_received.max(format::received(payload));
            format::set_received(payload, last_received);
            format::write_record(&mut bytes, active.header, sequence, self.durable, payload);
            rest = after;
        }
        let offset = active.length;
        active.append(&bytes, group.must_sync).map_err(|source| JournalError::write(&active.path, source))?;
        let segment = (active.header.first, active.path.clone());
        let first = self.next;
        self.next += group.lengths.len() as u64;
        if group.must_sync {
            self.durable = self.next;
        }
        self.last_received = last_received;
        Ok(Written { first, offset, durable: self.durable, segment })
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        if self.durable < self.next
            && let Some(active) = &mut self.active
        {
            active.sync().map_err(|source| JournalError::write(&active.path, source))?;
            self.durable = self.next;
        }
        Ok(())
    }
}

impl Active {
    fn create(folder: &Path, first: u64, disk: &Disk) -> Result<Self, JournalError> {
        let mut salt = [0; 8];
        SystemRandom::new().fill(&mut salt).map_err(|_| JournalError::Random)?;
        let header = SegmentHeader { first, salt: u64::from_le_bytes(salt) };
        let path = folder.join(recover::file_name(first));
        disk.replace(&path, &header.encode(), true).map_err(|source| JournalError::write(&path, source))?;
        let file = disk.open(&path).map_err(|source| JournalError::write(&path, source))?;
        Ok(Self { file, path, header, length: SEGMENT_HEADER as u64, is_dirty: false, is_over: false })
    }

    fn reopen(path: &Path, length: u64, is_torn: bool, disk: &Disk) -> Result<Self, JournalError> {
        let bytes = fs::read(path).map_err(|source| JournalError::read(path, source))?;
        let header =
            SegmentHeader::decode(&bytes).map_err(|reason| JournalError::damaged(path, 0, reason))?;
        let failed = |source| JournalError::write(path, source);
        let file = disk.open(path).map_err(failed)?;
        if is_torn {
            file.truncate(length).map_err(failed)?;
        }
        // what a killed process had written may not be durable yet, and will be taken for it from now on
        file.sync().map_err(failed)?;
        Ok(Self { file, path: path.to_owned(), header, length, is_dirty: false, is_over: false })
    }

    fn append(&mut self, bytes: &[u8], must_sync: bool) -> io::Result<()> {
        if self.is_dirty {
            self.file.truncate(self.length)?;
        }
        self.is_dirty = true;
        if let Err(error) = self.file.write_at(self.length, bytes) {
            self.is_dirty = self.file.truncate(self.length).is_err();
            return Err(error);
        }
        if must_sync {
            self.sync()?;
        }
        self.length += bytes.len() as u64;
        self.is_dirty = false;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let synced = self.file.sync();
        self.is_over |= synced.is_err();
        synced
    }
}

fn lock(path: &Path) -> Result<File, JournalError> {
    let file = File::options().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|source| JournalError::write(path, source))?;
    recover::locked(file, path, JournalError::write)
}
