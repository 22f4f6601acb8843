//! Hashing many files at once: each thread inflates several files and hashes their windows interleaved,
//! because one SHA-256 stream leaves half of a core idle.

use std::{
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

use crate::{index::ArchiveIndex, options::Progress};

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
struct Lane {
    inflater: Inflater,
    window: Vec<u8>,
    /// The part of the window that is not hashed yet.
    fresh: std::ops::Range<usize>,
    work: Option<Work>,
}

struct Work {
    index: usize,
    file: OpenFile,
    hasher: Hasher,
    is_read: bool,
    reported: u64,
}

impl HashWorker<'_> {
    fn run(&self) {
        let width = self.hashing.lanes.width().min(self.order.len());
        let lane = || Lane { inflater: Inflater::new(), window: vec![0; WINDOW], fresh: 0..0, work: None };
        let mut lanes: Vec<Lane> = (0..width).map(|_| lane()).collect();
        let mut stored = Vec::new();
        while !self.hashing.progress.is_interrupted() {
            for lane in &mut lanes {
                self.refill(lane, &mut stored);
            }
            if lanes.iter().all(|lane| lane.work.is_none()) {
                break;
            }
            hash(&mut lanes, self.hashing.lanes);
        }
    }

    /// Sees to it that a lane has bytes to hash, unless no file is left.
    fn refill(&self, lane: &mut Lane, stored: &mut Vec<u8>) {
        while lane.fresh.is_empty() {
            let Some(work) = &mut lane.work else {
                match self.next_file(lane, stored) {
                    Some(()) => continue,
                    None => return,
                }
            };
            if work.is_read {
                self.finish(lane);
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

    fn next_file(&self, lane: &mut Lane, stored: &mut Vec<u8>) -> Option<()> {
        loop {
            let index = *self.order.get(self.next.fetch_add(1, Ordering::Relaxed))? as usize;
            match self.files.open(index) {
                Ok(mut file) => {
                    if let Some(known) =
                        self.hashing.index.and_then(|indexes| indexes.find(&self.files.real(index)))
                        && let Some(observation) = known.observe(&mut file, stored)
                        && observation.inflated <= self.hashing.limit
                    {
                        known.count();
                        self.hashing.progress.done(0, file.length());
                        self.report(index, Ok(observation));
                        if self.hashing.progress.is_interrupted() {
                            return None;
                        }
                        continue;
                    }
                    lane.inflater.start(self.hashing.limit);
                    lane.work =
                        Some(Work { index, file, hasher: Hasher::new(), is_read: false, reported: 0 });
                    return Some(());
                }
                Err(error) => {
                    self.report(index, Err(error.into()));
                }
            }
        }
    }

    fn finish(&self, lane: &mut Lane) {
        let Some(work) = lane.work.take() else { return };
        let observation = Observation {
            sha256: work.hasher.finalize(),
            inflated: lane.inflater.inflated(),
            form: lane.inflater.form(),
            ending: lane.inflater.ending().clone(),
        };
        self.report(work.index, Ok(observation));
    }

    fn report(&self, index: usize, seen: Seen) {
        // Each file is read by one worker, once.
        let _ = self.seen[index].set(seen);
        self.hashing.progress.done(1, 0);
    }
}

/// Hashes until one lane has run dry.
fn hash(lanes: &mut [Lane], how: Lanes) {
    let mut busy = Vec::with_capacity(lanes.len());
    for lane in lanes.iter_mut() {
        if let Some(work) = &mut lane.work {
            busy.push((&mut work.hasher, &lane.window[lane.fresh.clone()]));
        }
    }
    advance_lanes(&mut busy, how);
    let left: Vec<usize> = busy.iter().map(|(_, bytes)| bytes.len()).collect();
    for (lane, left) in lanes.iter_mut().filter(|lane| lane.work.is_some()).zip(left) {
        lane.fresh = lane.fresh.end - left..lane.fresh.end;
    }
}
