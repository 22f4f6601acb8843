//! Records of one file, taken from a scan.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Progress;

/// Takes records from a scan, which ends when all were seen.
pub(super) struct Hits {
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
    pub(super) fn new(wanted: usize, first: u32, limit: usize) -> Self {
        Self { wanted, first, limit, is_over: AtomicBool::new(false), seen: Mutex::default() }
    }

    pub(super) fn add(&self, rank: u32, record: &[u8]) {
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

    pub(super) fn into_records(self) -> BTreeMap<u32, Box<[u8]>> {
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
