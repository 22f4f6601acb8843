//! The content of a file that is held whole, with the places of its records.

use std::ops::Range;

use trailseal_archive::content::{Detected, detect};
use trailseal_query::{
    Filter, Predicate,
    scan::{Found, Next, Scanner},
};

use crate::scan::MAX_WHOLE;

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

impl Content {
    /// Finds the records, in the order of their numbers.
    pub(super) fn of(mut bytes: Vec<u8>) -> Self {
        let Detected::Text { bom } = detect(&bytes) else { return Self::Scanned };
        bytes.shrink_to_fit();
        let filter = Filter::new(Predicate::Constant(true));
        let mut scanner = Scanner::new(&filter, false);
        let mut records = Vec::new();
        scanner.start();
        // what stands in payloads may be much more than the file
        let mut beside = 0;
        scanner.feed(&bytes[bom..], Next::End, &mut |found| {
            let Found::Match { record, at, .. } = found else { return };
            if beside > MAX_WHOLE {
                return;
            }
            let held = Held::new(at.map(|at| at + bom as u64), record.bytes());
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

    pub(super) fn record(&self, number: usize) -> Option<&[u8]> {
        let Self::Whole { bytes, records } = self else { return None };
        match records.get(number)? {
            Held::Inside(Range { start, end }) => bytes.get(*start as usize..*end as usize),
            Held::Beside(record) => Some(record),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let Self::Whole { bytes, records } = self else { return 0 };
        let beside = |held: &Held| if let Held::Beside(record) = held { record.len() } else { 0 };
        bytes.capacity() + records.capacity() * size_of::<Held>() + records.iter().map(beside).sum::<usize>()
    }
}

impl Held {
    /// `at` is the byte of the content at which the record begins, if it lies there as it is.
    fn new(at: Option<u64>, record: &[u8]) -> Self {
        let end = at.map(|at| at + record.len() as u64);
        match (at.map(u32::try_from), end.map(u32::try_from)) {
            (Some(Ok(start)), Some(Ok(end))) => Self::Inside(start..end),
            _ => Self::Beside(record.into()),
        }
    }
}
