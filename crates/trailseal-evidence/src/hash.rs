//! Hashing many files at once: each thread inflates several files and hashes their windows interleaved,
//! because one SHA-256 stream leaves half of a core idle.

use std::{
    io::Seek as _,
    ops::Range,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use rayon::ThreadPool;
use trailseal_archive::{
    gzip::Inflater,
    open::{OpenError, OpenFile, ReadError},
};
use trailseal_sha256::{Hasher, Lanes, advance_lanes};
use trailseal_verify::Observation;

use crate::{
    index::{ArchiveIndex, KnownFile},
    options::Progress,
    scan::load,
};

/// Inflated bytes of one file that are hashed at a time; they stay in cache.
const WINDOW: usize = 256 * 1024;

/// What is hashed, and how.
pub(crate) struct Hashing<'a> {
    pub(crate) pool: &'a ThreadPool,
    /// Inflated bytes of one file.
    pub(crate) limit: u64,
    pub(crate) lanes: Lanes,
    /// What is known of files: those whose stored bytes are what they were are not inflated again.
    pub(crate) index: Option<&'a ArchiveIndex>,
    pub(crate) progress: &'a dyn Progress,
}

/// The files that are to be read.
pub(crate) trait ToHash: Sync {
    /// Bytes on disk of each.
    fn lengths(&self) -> Vec<u64>;
    /// Where one is, canonical.
    fn real(&self, index: usize) -> PathBuf;
    /// Opens one.
    fn open(&self, index: usize) -> Result<OpenFile, OpenError>;
}

/// What reading a file showed, or why it could not be read.
pub(crate) type Seen = Result<Observation, ReadError>;

impl Hashing<'_> {
    /// Reads the files to their ends.
    ///
    /// Returns one entry a file, empty for those that were not reached before an interrupt.
    pub(crate) fn run(&self, files: &dyn ToHash) -> Vec<OnceLock<Seen>> {
        let lengths = files.lengths();
        self.progress.add(lengths.len() as u64, lengths.iter().sum());
        // Largest first, so that no thread is left alone with a large file at the end.
        let mut order: Vec<u32> = (0..lengths.len() as u32).collect();
        order.sort_by_key(|index| (std::cmp::Reverse(lengths[*index as usize]), *index));
        let next = AtomicUsize::new(0);
        let seen: Vec<OnceLock<Seen>> = (0..lengths.len()).map(|_| OnceLock::new()).collect();
        self.pool.broadcast(|_| {
            HashWorker { hashing: self, files, order: &order, next: &next, seen: &seen }.run();
        });
        seen
    }
}

struct HashWorker<'a> {
    hashing: &'a Hashing<'a>,
    files: &'a dyn ToHash,
    order: &'a [u32],
    next: &'a AtomicUsize,
    seen: &'a [OnceLock<Seen>],
}

/// One file on its way.
struct Lane<'a> {
    inflater: Inflater,
    window: Vec<u8>,
    /// A whole file as it lies on disk.
    stored: Vec<u8>,
    /// The part of the one or the other that is not hashed yet.
    fresh: Range<usize>,
    work: Option<Work<'a>>,
}

struct Work<'a> {
    index: usize,
    file: OpenFile,
    hasher: Hasher,
    /// What is known of the file, as long as it may be what it was: its stored bytes are hashed then, else its content.
    known: Option<KnownFile<'a>>,
    is_read: bool,
    reported: u64,
}

impl<'a> HashWorker<'a> {
    fn run(&self) {
        let width = self.hashing.lanes.width().min(self.order.len());
        let lane = || Lane {
            inflater: Inflater::new(),
            window: vec![0; WINDOW],
            stored: Vec::new(),
            fresh: 0..0,
            work: None,
        };
        let mut lanes: Vec<Lane<'_>> = (0..width).map(|_| lane()).collect();
        while !self.hashing.progress.is_interrupted() {
            for lane in &mut lanes {
                self.refill(lane);
            }
            if lanes.iter().all(|lane| lane.work.is_none()) {
                break;
            }
            hash(&mut lanes, self.hashing.lanes);
        }
    }

    /// Sees to it that a lane has bytes to hash, unless no file is left.
    fn refill(&self, lane: &mut Lane<'a>) {
        while lane.fresh.is_empty() {
            let Some(work) = &mut lane.work else {
                match self.next_file(lane) {
                    Some(()) => continue,
                    None => return,
                }
            };
            if work.is_read {
                self.finish(lane);
                continue;
            }
            if work.known.is_some() {
                match load(&mut work.file, &mut lane.stored) {
                    Ok(Some(length)) => {
                        work.is_read = true;
                        lane.fresh = 0..length;
                    }
                    Ok(None) | Err(_) => self.read_content(lane),
                }
                continue;
            }
            match lane.inflater.fill(&mut work.file, &mut lane.window) {
                Ok(length) => {
                    work.is_read = length < WINDOW;
                    lane.fresh = 0..length;
                    let done = lane.inflater.compressed();
                    self.hashing.progress.done(0, done.saturating_sub(work.reported));
                    work.reported = done;
                }
                Err(error) => {
                    self.report(work.index, Err(error.into()));
                    lane.work = None;
                }
            }
        }
    }

    fn next_file(&self, lane: &mut Lane<'a>) -> Option<()> {
        loop {
            let index = *self.order.get(self.next.fetch_add(1, Ordering::Relaxed))? as usize;
            match self.files.open(index) {
                Ok(file) => {
                    let known = self.hashing.index.and_then(|indexes| indexes.find(&self.files.real(index)));
                    let is_usable = |known: &KnownFile<'_>| {
                        known.is_like(&file) && known.facts.inflated <= self.hashing.limit
                    };
                    let known = known.filter(is_usable);
                    lane.inflater.start(self.hashing.limit);
                    let hasher = Hasher::new();
                    lane.work = Some(Work { index, file, hasher, known, is_read: false, reported: 0 });
                    return Some(());
                }
                Err(error) => {
                    self.report(index, Err(error.into()));
                }
            }
        }
    }

    /// Begins to read what was not what it seemed to be.
    fn read_content(&self, lane: &mut Lane<'a>) {
        let Some(mut work) = lane.work.take() else { return };
        match work.file.rewind() {
            Ok(()) => {
                lane.work = Some(Work { hasher: Hasher::new(), known: None, is_read: false, ..work });
            }
            Err(error) => self.report(work.index, Err(error.into())),
        }
    }

    fn finish(&self, lane: &mut Lane<'a>) {
        let Some(work) = &lane.work else { return };
        let sha256 = work.hasher.clone().finalize();
        let observation = match &work.known {
            Some(known) => {
                let Some(observation) = known.observation(sha256) else { return self.read_content(lane) };
                known.count();
                self.hashing.progress.done(0, work.file.length());
                observation
            }
            None => Observation {
                sha256,
                inflated: lane.inflater.inflated(),
                form: lane.inflater.form(),
                ending: lane.inflater.ending().clone(),
            },
        };
        self.report(work.index, Ok(observation));
        lane.work = None;
    }

    fn report(&self, index: usize, seen: Seen) {
        // Each file is read by one worker, once.
        let _ = self.seen[index].set(seen);
        self.hashing.progress.done(1, 0);
    }
}

/// Hashes until one lane has run dry.
fn hash(lanes: &mut [Lane<'_>], how: Lanes) {
    let mut busy = Vec::with_capacity(lanes.len());
    for Lane { window, stored, fresh, work, .. } in lanes.iter_mut() {
        if let Some(work) = work {
            let bytes = if work.known.is_some() { stored } else { window };
            busy.push((&mut work.hasher, &bytes[fresh.clone()]));
        }
    }
    advance_lanes(&mut busy, how);
    let left: Vec<usize> = busy.iter().map(|(_, bytes)| bytes.len()).collect();
    for (lane, left) in lanes.iter_mut().filter(|lane| lane.work.is_some()).zip(left) {
        lane.fresh = lane.fresh.end - left..lane.fresh.end;
    }
}
