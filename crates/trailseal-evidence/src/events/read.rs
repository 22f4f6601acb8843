//! Reading records again.
//!
//! A file that can be held whole is inflated, and the places of its records are found, once for all its records:
//! it stays in the cache for the next. Records of all other files (archive files, those that are large or damaged)
//! are found by a scan of that file, for all records of a page at a time.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rayon::{
    ThreadPool,
    iter::{IntoParallelIterator as _, ParallelIterator as _},
};
use trailseal_archive::{
    content::{Detected, detect},
    gzip::whole::{Whole, WholeInflater},
};
use trailseal_query::{
    Filter, Predicate,
    path::FieldPath,
    predicate::{Literal, Test},
    scan::{Found, Next, Scanner},
};

use super::{
    CACHE_BYTES, LookupError, MEMBERS,
    cache::Cache,
    entry::Entries,
    listing::{self, Files},
};
use crate::{
    Error, Progress,
    scan::{self, ScanOptions},
};

/// Files up to this size on disk, and up to this size inflated, are held whole.
const MAX_WHOLE: usize = 8 << 20;

/// Bytes of records that are read ahead out of files that cannot be held; one record is in any case.
const MAX_AHEAD: usize = 32 << 20;

/// Reads records of an index.
#[derive(Debug)]
pub(super) struct Reader {
    pool: ThreadPool,
    max_record: usize,
    max_inflated: u64,
    cache: Cache<Content>,
}

/// A file's content.
#[derive(Debug)]
pub(super) enum Content {
    Whole {
        bytes: Vec<u8>,
        records: Vec<Held>,
    },
    /// It cannot be held.
    Scanned,
}

/// A record of a file.
#[derive(Debug)]
pub(super) enum Held {
    /// So it lies in the content.
    Inside(Range<u32>),
    /// In the content it is in another form.
    Beside(Box<[u8]>),
}

/// A record that was read again.
#[derive(Debug)]
pub(super) enum Again {
    Of(Arc<Content>, usize),
    Alone(Box<[u8]>),
}

/// Reads the records of one lookup.
pub(super) struct Session<'a> {
    reader: &'a Reader,
    entries: &'a Entries,
    files: &'a Files,
    /// Records that were read before they were asked for, by rank.
    ahead: BTreeMap<u32, Box<[u8]>>,
    ahead_bytes: usize,
}

impl Reader {
    pub(super) fn new(pool: ThreadPool, options: &ScanOptions<'_>) -> Self {
        let ScanOptions { max_record, max_inflated, .. } = *options;
        Self { pool, max_record, max_inflated, cache: Cache::new(CACHE_BYTES) }
    }

    pub(super) fn cached_bytes(&self) -> usize {
        self.cache.bytes()
    }

    pub(super) fn session<'a>(&'a self, entries: &'a Entries, files: &'a Files) -> Session<'a> {
        Session { reader: self, entries, files, ahead: BTreeMap::new(), ahead_bytes: 0 }
    }

    fn load(&self, path: &Path, length: u64) -> io::Result<Content> {
        if length > MAX_WHOLE as u64 {
            return Ok(Content::Scanned);
        }
        let mut on_disk = Vec::with_capacity(length as usize + 1);
        File::open(path)?.take(length + 1).read_to_end(&mut on_disk)?;
        let limit = MAX_WHOLE.min(usize::try_from(self.max_inflated).unwrap_or(MAX_WHOLE));
        let mut inflated = Vec::new();
        let content = match WholeInflater::new().inflate(&on_disk, &mut inflated, limit) {
            Whole::Done { length, .. } => {
                inflated.truncate(length);
                inflated
            }
            Whole::NotGzip if on_disk.len() <= limit => on_disk,
            _ => return Ok(Content::Scanned),
        };
        let Detected::Text { bom } = detect(&content) else { return Ok(Content::Scanned) };
        Ok(Content::of(content, bom))
    }
}

impl Content {
    /// Finds the records, in the order of their numbers.
    fn of(mut bytes: Vec<u8>, bom: usize) -> Self {
        bytes.shrink_to_fit();
        let filter = Filter::new(Predicate::Constant(true));
        let mut scanner = Scanner::new(&filter, false);
        let mut records = Vec::new();
        scanner.start();
        // what stands in payloads may be much more than the file
        let mut beside = 0;
        scanner.feed(&bytes[bom..], Next::End, &mut |found| {
            let Found::Match { record, .. } = found else { return };
            if beside > MAX_WHOLE {
                return;
            }
            let held = Held::new(&bytes, record.bytes());
            if let Held::Beside(record) = &held {
                beside += record.len();
            }
            records.push(held);
        });
        if beside > MAX_WHOLE {
            return Self::Scanned;
        }
        records.shrink_to_fit();
        Self::Whole { bytes, records }
    }

    fn record(&self, number: usize) -> Option<&[u8]> {
        let Self::Whole { bytes, records } = self else { return None };
        match records.get(number)? {
            Held::Inside(Range { start, end }) => bytes.get(*start as usize..*end as usize),
            Held::Beside(record) => Some(record),
        }
    }

    fn bytes(&self) -> usize {
        let Self::Whole { bytes, records } = self else { return 0 };
        let beside = |held: &Held| if let Held::Beside(record) = held { record.len() } else { 0 };
        bytes.capacity() + records.capacity() * size_of::<Held>() + records.iter().map(beside).sum::<usize>()
    }
}

impl Held {
    fn new(content: &[u8], record: &[u8]) -> Self {
        let start = record.as_ptr().addr().wrapping_sub(content.as_ptr().addr());
        let end = start.saturating_add(record.len());
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(from), Ok(to)) if content.get(start..end) == Some(record) => Self::Inside(from..to),
            _ => Self::Beside(record.into()),
        }
    }
}

impl Again {
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Of(content, number) => content.record(*number),
            Self::Alone(record) => Some(record),
        }
    }
}

impl Session<'_> {
    /// Reads records that will be asked for, on several threads where they lie in several files. What cannot be
    /// read is left for [`read`](Self::read), which says why.
    pub(super) fn warm(&mut self, ranks: &[u32]) {
        let mut by_file: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for rank in ranks.iter().filter(|rank| !self.ahead.contains_key(rank)) {
            by_file.entry(self.file_of(*rank)).or_default().push(*rank);
        }
        by_file.retain(|file, _| self.reader.cache.find(*file as u64).is_none());
        if by_file.len() < 2 {
            return;
        }
        let bytes = AtomicUsize::new(self.ahead_bytes);
        let this = &*self;
        let of_file = |(file, ranks): (usize, Vec<u32>)| {
            let content = this.unchanged(file).and_then(|path| this.content(file, &path)).ok();
            let take = |rank: u32| {
                let record = content.as_ref()?.record(this.number_in_file(rank)?)?;
                let before = bytes.fetch_add(record.len(), Ordering::Relaxed);
                (before + record.len() <= MAX_AHEAD).then(|| (rank, Box::from(record)))
            };
            ranks.into_iter().filter_map(take).collect::<Vec<(u32, Box<[u8]>)>>()
        };
        let read: Vec<_> =
            self.reader.pool.install(|| by_file.into_par_iter().flat_map_iter(of_file).collect());
        self.ahead_bytes += read.iter().map(|(_, record)| record.len()).sum::<usize>();
        self.ahead.extend(read);
    }

    fn file_of(&self, rank: u32) -> usize {
        (self.entries.of(rank).file / MEMBERS) as usize
    }

    /// Its place among the records of its file, from 0; `None` for a record of a member of an archive file.
    fn number_in_file(&self, rank: u32) -> Option<usize> {
        let entry = self.entries.of(rank);
        if entry.file.is_multiple_of(MEMBERS) { (entry.number as usize).checked_sub(1) } else { None }
    }

    /// Reads a record. Those of `next` will be asked for soon, though not necessarily.
    pub(super) fn read(&mut self, rank: u32, next: impl Iterator<Item = u32>) -> Result<Again, LookupError> {
        if let Some(record) = self.ahead.remove(&rank) {
            self.ahead_bytes -= record.len();
            return Ok(Again::Alone(record));
        }
        let file = self.file_of(rank);
        let path = self.unchanged(file)?;
        let content = self.content(file, &path)?;
        if matches!(*content, Content::Scanned) {
            let is_mate = |other: &u32| self.file_of(*other) == file && !self.ahead.contains_key(other);
            let wanted = [rank].into_iter().chain(next.filter(is_mate)).collect();
            return self.scan(file, path, rank, wanted).map(Again::Alone);
        }
        let number = self.number_in_file(rank).filter(|number| content.record(*number).is_some());
        number.map(|number| Again::Of(content, number)).ok_or_else(|| self.changed(file))
    }

    /// The path of a file that is still as it was.
    fn unchanged(&self, file: usize) -> Result<PathBuf, LookupError> {
        let state = self.files.state(file);
        let path = self.files.real(file).filter(|_| state.is_some()).ok_or_else(|| self.changed(file))?;
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.gone(file)),
            Err(source) => return Err(LookupError::Unreadable { shown: self.files.shown(file), source }),
        };
        if listing::state(&found) == state { Ok(path) } else { Err(self.gone(file)) }
    }

    /// Nothing of such a file is of use any more.
    fn gone(&self, file: usize) -> LookupError {
        self.reader.cache.remove(file as u64);
        self.changed(file)
    }

    pub(super) fn changed(&self, file: usize) -> LookupError {
        LookupError::Changed { shown: self.files.shown(file) }
    }

    fn content(&self, file: usize, path: &Path) -> Result<Arc<Content>, LookupError> {
        if let Some(content) = self.reader.cache.find(file as u64) {
            return Ok(content);
        }
        let length = self.files.state(file).map_or(0, |(length, _)| length);
        let content = self.reader.load(path, length);
        let content =
            content.map_err(|source| LookupError::Unreadable { shown: self.files.shown(file), source })?;
        self.unchanged(file)?;
        let content = Arc::new(content);
        self.reader.cache.put(file as u64, Arc::clone(&content), content.bytes());
        Ok(content)
    }

    /// Scans one file for the record of `rank`, and for others of it.
    fn scan(
        &mut self,
        file: usize,
        path: PathBuf,
        rank: u32,
        wanted: Vec<u32>,
    ) -> Result<Box<[u8]>, LookupError> {
        let filter = Filter::new(self.with_ids_of(&wanted));
        let places: BTreeMap<(u64, u64), u32> = wanted
            .into_iter()
            .map(|rank| {
                let place = self.entries.of(rank).place();
                ((place.file % MEMBERS, place.number), rank)
            })
            .collect();
        let hits = Hits::new(places.len(), rank, MAX_AHEAD.saturating_sub(self.ahead_bytes));
        let options = ScanOptions {
            inputs: vec![path],
            check: false,
            max_record: self.reader.max_record,
            max_inflated: self.reader.max_inflated,
            weigh: false,
            threads: 1,
            ..ScanOptions::default()
        };
        let result = scan::fold(&options, &filter, &hits, &|| (), &|(), row| {
            if let Some(rank) = places.get(&(row.file.index, row.number)) {
                hits.add(*rank, row.record.bytes());
            }
        });
        match result {
            Err(Error::Interrupted) | Ok(_) => {}
            Err(source) => return Err(LookupError::Scan { shown: self.files.shown(file), source }),
        }
        self.unchanged(file)?;
        let mut records = hits.into_records();
        let record = records.remove(&rank).ok_or_else(|| self.changed(file))?;
        self.ahead_bytes += records.values().map(|record| record.len()).sum::<usize>();
        self.ahead.extend(records);
        Ok(record)
    }

    /// What the records of these ranks are, and few others.
    fn with_ids_of(&self, ranks: &[u32]) -> Predicate {
        let ids: Option<Vec<Literal>> =
            ranks.iter().map(|rank| self.entries.event_id(*rank).map(Literal::Text)).collect();
        ids.map_or(Predicate::Constant(true), |ids| {
            Predicate::Field(FieldPath::new(["eventID"]), Test::In(ids))
        })
    }
}

/// Takes records from a scan, which ends when all were seen.
struct Hits {
    wanted: usize,
    /// Held in any case.
    first: u32,
    /// Bytes of the others.
    limit: usize,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    records: BTreeMap<u32, Box<[u8]>>,
    bytes: usize,
    count: usize,
}

impl Hits {
    fn new(wanted: usize, first: u32, limit: usize) -> Self {
        Self { wanted, first, limit, is_over: AtomicBool::new(false), seen: Mutex::default() }
    }

    fn add(&self, rank: u32, record: &[u8]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.count += 1;
        if rank == self.first {
            seen.records.insert(rank, record.into());
        } else if seen.bytes + record.len() <= self.limit {
            seen.bytes += record.len();
            seen.records.insert(rank, record.into());
        }
        if seen.count >= self.wanted {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    fn into_records(self) -> BTreeMap<u32, Box<[u8]>> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner).records
    }
}

impl Progress for Hits {
    fn add(&self, _: u64, _: u64) {}
    fn done(&self, _: u64, _: u64) {}
    fn is_interrupted(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}
