//! Reading records again.
//!
//! Of a file as CloudTrail writes it, only what stands before the last wanted record is inflated, and records are taken
//! from where they lay when it was indexed ([`part`]). Any other file that can be held whole is inflated, and the places
//! of its records are found, once for all its records ([`content`](super::content)). Records of all other files (archive files, those
//! that are large or damaged) are found by a scan of that file, for all records of a page at a time.
//!
//! A record's bytes are those that were indexed: its sum is right, or the file has changed.

use std::{
    collections::BTreeMap,
    fs, io,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rayon::ThreadPool;
use trailseal_archive::{
    gzip::whole::{Whole, WholeInflater},
    open::{OpenFile, ReadError},
    temporary,
};
use trailseal_query::{
    Filter, Predicate,
    path::FieldPath,
    predicate::{Literal, Test},
};

use self::{
    hits::Hits,
    part::{FilePart, Workbenches},
};
use super::{
    CACHE_BYTES, LookupError, MEMBERS,
    cache::Cache,
    content::Content,
    entry::{Extent, IndexedEvents},
    keys::Keys,
};
use crate::{
    Silent,
    inputs::{self, FileList, Inputs},
    scan::{self, MAX_WHOLE, ScanOptions},
};

mod hits;
mod part;

/// Bytes of records that are read ahead; one record is in any case.
const MAX_AHEAD: usize = 32 << 20;

/// Reads records of an index.
#[derive(Debug)]
pub(super) struct Reader {
    pool: ThreadPool,
    max_record: usize,
    max_inflated: u64,
    spool: Option<PathBuf>,
    cache: Cache,
    benches: Workbenches,
}

/// Reads the records of one lookup.
pub(super) struct Session<'a> {
    reader: &'a Reader,
    entries: &'a IndexedEvents,
    files: &'a FileList,
    keys: &'a Keys,
    /// Records that were read before they were asked for, by rank.
    ahead: BTreeMap<u32, Arc<[u8]>>,
    ahead_bytes: usize,
}

/// Records of one file that are wanted.
struct Wanted {
    file: usize,
    ranks: Vec<u32>,
}

/// Records with their ranks.
type FoundRecord = Vec<(u32, Arc<[u8]>)>;

impl Reader {
    pub(super) fn new(pool: ThreadPool, options: &ScanOptions<'_>, given: &[PathBuf]) -> Self {
        let ScanOptions { max_record, max_inflated, .. } = *options;
        let spool = options.spool.as_deref().and_then(|folder| temporary::outside(folder, given));
        let (cache, benches) = (Cache::new(CACHE_BYTES), Workbenches::default());
        Self { pool, max_record, max_inflated, spool, cache, benches }
    }

    pub(super) fn cached_bytes(&self) -> usize {
        self.cache.bytes()
    }

    pub(super) fn session<'a>(
        &'a self,
        entries: &'a IndexedEvents,
        files: &'a FileList,
        keys: &'a Keys,
    ) -> Session<'a> {
        Session { reader: self, entries, files, keys, ahead: BTreeMap::new(), ahead_bytes: 0 }
    }

    fn load(&self, file: OpenFile) -> Result<Content, ReadError> {
        if file.length() > MAX_WHOLE as u64 {
            return Ok(Content::Scanned);
        }
        let on_disk = file.read_bounded(MAX_WHOLE as u64)?;
        let limit = self.limit();
        let mut inflated = Vec::new();
        match WholeInflater::new().inflate(&on_disk, &mut inflated, limit) {
            Whole::Done { length, .. } => {
                inflated.truncate(length);
                Ok(Content::of(inflated))
            }
            Whole::NotGzip if on_disk.len() <= limit => Ok(Content::of(on_disk)),
            _ => Ok(Content::Scanned),
        }
    }

    /// Bytes of content that may be held.
    fn limit(&self) -> usize {
        MAX_WHOLE.min(usize::try_from(self.max_inflated).unwrap_or(MAX_WHOLE))
    }

    /// Does all of the work, on several threads, of which this is one.
    fn share<T: Send>(&self, work: &[Wanted], read: impl Fn(&Wanted) -> Vec<T> + Sync) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Vec::new());
        let take = || {
            let mut own = Vec::new();
            while let Some(wanted) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                own.extend(read(wanted));
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).append(&mut own);
        };
        let others = self.pool.current_num_threads().min(work.len()).saturating_sub(1);
        if others == 0 {
            take();
        } else {
            self.pool.in_place_scope(|scope| {
                for _ in 0..others {
                    scope.spawn(|_| take());
                }
                take();
            });
        }
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
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
        let mut wanted: Vec<Wanted> =
            by_file.into_iter().map(|(file, ranks)| Wanted { file, ranks }).collect();
        let bytes = AtomicUsize::new(self.ahead_bytes);
        let has_room = |(_, record): &(u32, Arc<[u8]>)| {
            let before = bytes.fetch_add(record.len(), Ordering::Relaxed);
            before.saturating_add(record.len()) <= MAX_AHEAD
        };
        let mut read: Vec<_> =
            wanted.iter_mut().flat_map(|wanted| self.held(wanted)).filter(has_room).collect();
        wanted.retain(|wanted| !wanted.ranks.is_empty());
        let this = &*self;
        read.extend(self.reader.share(&wanted, |wanted| {
            let mut found = this.of_part(wanted);
            if found.len() < wanted.ranks.len() {
                found.extend(this.of_whole(wanted, &found));
            }
            found.retain(has_room);
            found
        }));
        self.ahead_bytes += read.iter().map(|(_, record)| record.len()).sum::<usize>();
        self.ahead.extend(read);
    }

    /// Takes those of the wanted records that are held; their file is as it was.
    fn held(&self, wanted: &mut Wanted) -> FoundRecord {
        let Wanted { file, ranks } = wanted;
        let found: FoundRecord =
            ranks.iter().filter_map(|rank| Some((*rank, self.reader.cache.record(*file, *rank)?))).collect();
        if found.is_empty() || self.unchanged(*file).is_err() {
            return FoundRecord::new();
        }
        ranks.retain(|rank| found.iter().all(|(other, _)| other != rank));
        found
    }

    /// Those of the wanted records that lie where they lay, if that is the way to read their file.
    fn of_part(&self, wanted: &Wanted) -> FoundRecord {
        let Self { reader, entries, files, .. } = self;
        let Wanted { file, ranks } = wanted;
        if reader.cache.file(*file).is_some() {
            return FoundRecord::new();
        }
        let Ok(opened) = files.open(*file) else { return FoundRecord::new() };
        let extents: Vec<Extent> = ranks.iter().map(|rank| entries.of(*rank).extent).collect();
        let found: FoundRecord = reader.benches.with(|bench| {
            let part = bench.read(opened, files.state(*file), &extents, reader.limit());
            let record = |part: &FilePart<'_>, (rank, extent): (u32, Extent)| {
                Some((rank, self.record(rank, part.bytes(extent)?)?))
            };
            let all = ranks.iter().copied().zip(extents);
            part.map_or_else(FoundRecord::new, |part| all.filter_map(|one| record(&part, one)).collect())
        });
        for (rank, record) in &found {
            reader.cache.put_record(*file, *rank, Arc::clone(record));
        }
        found
    }

    /// Those of the wanted records that were not found, if their file can be held.
    fn of_whole(&self, wanted: &Wanted, found: &FoundRecord) -> FoundRecord {
        let Wanted { file, ranks } = wanted;
        let content = self.unchanged(*file).and_then(|_| self.content(*file));
        let Ok(content) = content else { return FoundRecord::new() };
        let is_missing = |rank: &u32| found.iter().all(|(other, _)| other != rank);
        let record = |rank: u32| Some((rank, self.record_of(&content, rank)?));
        ranks.iter().copied().filter(is_missing).filter_map(record).collect()
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
    pub(super) fn read(
        &mut self,
        rank: u32,
        next: impl Iterator<Item = u32>,
    ) -> Result<Arc<[u8]>, LookupError> {
        if let Some(record) = self.ahead.remove(&rank) {
            self.ahead_bytes -= record.len();
            return Ok(record);
        }
        let file = self.file_of(rank);
        let mut wanted = Wanted { file, ranks: vec![rank] };
        let found = self.held(&mut wanted).pop().or_else(|| self.of_part(&wanted).pop());
        if let Some((_, record)) = found {
            return Ok(record);
        }
        let path = self.unchanged(file)?;
        let content = self.content(file)?;
        let record = match *content {
            Content::Scanned => {
                let is_mate = |other: &u32| self.file_of(*other) == file && !self.ahead.contains_key(other);
                let wanted = [rank].into_iter().chain(next.filter(is_mate)).collect();
                self.scan(file, path, rank, wanted)?
            }
            Content::Whole { .. } => self.record_of(&content, rank),
        };
        record.ok_or_else(|| self.changed(file))
    }

    fn record_of(&self, content: &Content, rank: u32) -> Option<Arc<[u8]>> {
        self.record(rank, content.record(self.number_in_file(rank)?)?)
    }

    /// These bytes, if they are those of the record that was indexed.
    fn record(&self, rank: u32, bytes: &[u8]) -> Option<Arc<[u8]>> {
        (self.keys.sum(bytes) == self.entries.of(rank).extent.sum).then(|| bytes.into())
    }

    /// The path of a file that is still as it was.
    fn unchanged(&self, file: usize) -> Result<PathBuf, LookupError> {
        let state = self.files.state(file);
        let path = self.files.real(file).filter(|_| state.is_some()).ok_or_else(|| self.changed(file))?;
        let found = match fs::metadata(&path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.gone(file)),
            Err(source) => return Err(self.unreadable(file, source.into())),
        };
        if inputs::state(&found) == state { Ok(path) } else { Err(self.gone(file)) }
    }

    /// Nothing of such a file is of use any more.
    fn gone(&self, file: usize) -> LookupError {
        self.reader.cache.remove(file);
        self.changed(file)
    }

    pub(super) fn changed(&self, file: usize) -> LookupError {
        LookupError::Changed { shown: self.files.shown(file) }
    }

    fn unreadable(&self, file: usize, source: ReadError) -> LookupError {
        LookupError::Unreadable { shown: self.files.shown(file), source }
    }

    fn content(&self, file: usize) -> Result<Arc<Content>, LookupError> {
        if let Some(content) = self.reader.cache.file(file) {
            return Ok(content);
        }
        let opened = self.files.open(file).map_err(|error| self.unreadable(file, error.into()))?;
        let content = self.reader.load(opened).map_err(|error| self.unreadable(file, error))?;
        self.unchanged(file)?;
        let content = Arc::new(content);
        self.reader.cache.put_file(file, Arc::clone(&content));
        Ok(content)
    }

    /// Scans one file for the record of `rank`, and for others of it.
    fn scan(
        &mut self,
        file: usize,
        path: PathBuf,
        rank: u32,
        wanted: Vec<u32>,
    ) -> Result<Option<Arc<[u8]>>, LookupError> {
        let filter = Filter::new(self.with_ids_of(&wanted));
        let places: BTreeMap<(u64, u64), u32> = wanted
            .into_iter()
            .map(|rank| {
                let place = self.entries.of(rank).place();
                ((place.file % MEMBERS, place.number), rank)
            })
            .collect();
        let (count, room) = (places.len(), MAX_AHEAD.saturating_sub(self.ahead_bytes));
        let new = || Hits::new(count, rank, room);
        let options = ScanOptions {
            check_json: false,
            max_record: self.reader.max_record,
            max_inflated: self.reader.max_inflated,
            stat_files: false,
            spool: self.reader.spool.clone(),
            threads: 1,
            ..ScanOptions::default()
        };
        let unread = |source| LookupError::Scan { shown: self.files.shown(file), source };
        let inputs = Inputs::open(&[path]).map_err(unread)?;
        let result = scan::fold(&inputs, &options, &filter, &Silent, &new, &|hits: &mut Hits, row| {
            let rank = places.get(&(row.file.index, row.number));
            rank.map_or(ControlFlow::Continue(()), |rank| hits.add(*rank, row.record.bytes()))
        });
        let (hits, _) = result.map_err(unread)?;
        self.unchanged(file)?;
        let mut wanted = None;
        for (other, bytes) in hits.into_records() {
            let Some(record) = self.record(other, &bytes) else { continue };
            if other == rank {
                wanted = Some(record);
            } else {
                self.ahead_bytes += record.len();
                self.ahead.insert(other, record);
            }
        }
        Ok(wanted)
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
