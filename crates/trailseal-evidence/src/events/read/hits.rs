//! Records of one file, taken from a scan.

use std::{collections::BTreeMap, ops::ControlFlow};

use crate::scan::Fold;

/// Takes records from a scan, which ends when all were seen.
pub(super) struct Hits {
    wanted: usize,
    /// Held in any case.
    first: u32,
    /// Bytes of the others.
    limit: usize,
    records: BTreeMap<u32, Box<[u8]>>,
    bytes: usize,
    count: usize,
}

impl Hits {
    pub(super) fn new(wanted: usize, first: u32, limit: usize) -> Self {
        Self { wanted, first, limit, records: BTreeMap::new(), bytes: 0, count: 0 }
    }

    pub(super) fn add(&mut self, rank: u32, record: &[u8]) -> ControlFlow<()> {
        self.count += 1;
        if rank == self.first {
            self.records.insert(rank, record.into());
        } else if self.bytes + record.len() <= self.limit {
            self.bytes += record.len();
            self.records.insert(rank, record.into());
        }
        if self.count >= self.wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    pub(super) fn into_records(self) -> BTreeMap<u32, Box<[u8]>> {
        self.records
    }
}

impl Fold for Hits {
    fn merge(&mut self, other: Self) {
        self.records.extend(other.records);
        self.bytes += other.bytes;
        self.count += other.count;
    }
}
