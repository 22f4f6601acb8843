//! Events of a file that an index tells of, for those who need no records.

use std::{
    ops::{ControlFlow, Range},
    sync::Arc,
};

use trailseal_index::{ColumnGroup, SegmentColumns};

/// How a fold takes events from the columns of an index where these tell all that it needs.
#[derive(Clone, Copy)]
pub struct ColumnFold<'f, P> {
    /// Of which groups it needs the values; times are always there.
    pub groups: &'f [ColumnGroup],
    /// Adds the events of a file that pass the filter, instead of so many calls with a record each. When it breaks, the scan
    /// ends.
    pub add: &'f (dyn Fn(&mut P, &ColumnRows<'_>) -> ControlFlow<()> + Sync),
}

/// The events of one file that pass the filter: at least one.
#[derive(Clone, Debug)]
pub struct ColumnRows<'c> {
    columns: Arc<SegmentColumns>,
    segment: usize,
    rows: Range<usize>,
    matching: Option<&'c [bool]>,
    matched: u64,
}

impl<'c> ColumnRows<'c> {
    /// `None` if there are not so many rows.
    pub(crate) fn new(
        columns: Arc<SegmentColumns>,
        segment: usize,
        rows: Range<usize>,
        matching: Option<&'c [bool]>,
        matched: u32,
    ) -> Option<Self> {
        let is_there = rows.start <= rows.end && rows.end <= columns.rows();
        let matching = match matching {
            Some(matching) => Some(matching.get(rows.clone())?),
            None => None,
        };
        is_there.then_some(Self { columns, segment, rows, matching, matched: u64::from(matched) })
    }

    /// The columns of the segment that tells of the file.
    pub fn columns(&self) -> &Arc<SegmentColumns> {
        &self.columns
    }

    /// The place of the segment among all of the scan: the same for all files of a segment.
    pub fn segment(&self) -> usize {
        self.segment
    }

    /// How many events pass.
    pub fn matched(&self) -> u64 {
        self.matched
    }

    /// The rows of all events of the file, and which of them pass; `None` if all do.
    pub fn rows(&self) -> (Range<usize>, Option<&'c [bool]>) {
        (self.rows.clone(), self.matching)
    }

    /// The rows of those that pass.
    pub fn each(&self) -> impl Iterator<Item = usize> + use<'c> {
        let (rows, matching) = self.rows();
        let start = rows.start;
        rows.filter(move |row| matching.is_none_or(|matching| matching[row - start]))
    }
}
