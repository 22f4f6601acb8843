//! Where the strings of a record begin and end.

use crate::json::{
    Malformed,
    structure::{BLOCK, Structure, Visitor, walk},
};

/// The places of what matters in a record.
#[derive(Debug, Default)]
pub(super) struct StringMarks {
    /// The first `count` count.
    quotes: Vec<u32>,
    count: usize,
    backslashes: Vec<u32>,
    /// A block with a control character in a string.
    control: Option<usize>,
}

impl StringMarks {
    /// Finds those of a record, which is shorter than 4 GiB.
    pub(super) fn mark(&mut self, record: &[u8]) -> Result<(), Malformed> {
        self.count = 0;
        self.backslashes.clear();
        self.control = None;
        walk(record, 0, self);
        self.control.map_or(Ok(()), |offset| Err(Malformed { offset }))
    }

    /// The quotes that begin and end strings, in their order.
    pub(super) fn quotes(&self) -> &[u32] {
        &self.quotes[..self.count]
    }

    /// All backslashes, in their order.
    pub(super) fn backslashes(&self) -> &[u32] {
        &self.backslashes
    }

    #[cold]
    fn more_room(&mut self) {
        self.quotes.resize(2 * self.quotes.len() + 16 * BLOCK, 0);
    }

    #[cold]
    fn add_backslashes(&mut self, at: usize, mut places: u64) {
        while places != 0 {
            self.backslashes.push(at as u32 + places.trailing_zeros());
            places &= places - 1;
        }
    }
}

impl Visitor for StringMarks {
    #[inline(always)]
    fn block(&mut self, at: usize, structure: Structure) -> bool {
        let Structure { controls, backslashes, mut quotes, .. } = structure;
        if controls | backslashes != 0 {
            if controls != 0 {
                self.control = Some(at + controls.trailing_zeros() as usize);
                return false;
            }
            self.add_backslashes(at, backslashes);
        }
        if self.quotes.len() < self.count + BLOCK {
            self.more_room();
        }
        let Some(room) = self.quotes[self.count..].first_chunk_mut::<BLOCK>() else { return false };
        let found = quotes.count_ones() as usize;
        // in fours: what is written too much is written over
        for four in room.as_chunks_mut::<4>().0.iter_mut().take(found.div_ceil(4)) {
            for place in four {
                *place = at as u32 + quotes.trailing_zeros();
                quotes &= quotes.wrapping_sub(1);
            }
        }
        self.count += found;
        true
    }
}
