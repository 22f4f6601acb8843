//! Hashes, each once.

/// Collects hashes.
#[derive(Debug, Default)]
pub(crate) struct DistinctHashes {
    /// Each once, as they came.
    hashes: Vec<u64>,
    /// The same, each at the first free place from the one that its highest bits say; 0 is a free place. At most half is
    /// taken.
    table: Vec<u64>,
    has_zero: bool,
    /// Whether somebody chose what is hashed so that places are the same.
    is_crowded: bool,
}

/// Places of a table, at least.
const LEAST: usize = 1 << 12;
/// Places that are looked at for one hash. In a table of which half is free, a run of so many that are taken is no chance.
const MAX_STEPS: usize = 1 << 9;

impl DistinctHashes {
    /// Adds a hash, if it is not there.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64) {
        if 2 * self.hashes.len() >= self.table.len() {
            self.grow();
        }
        match place(&self.table, hash) {
            Some(place) if self.table[place] == 0 => {
                if hash == 0 && std::mem::replace(&mut self.has_zero, true) {
                    return;
                }
                self.table[place] = hash;
                self.hashes.push(hash);
            }
            Some(_) => {}
            None => self.is_crowded = true,
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (2 * self.table.len()).max(LEAST);
        self.table.clear();
        self.table.resize(size, 0);
        for hash in &self.hashes {
            match place(&self.table, *hash) {
                Some(place) => self.table[place] = *hash,
                None => self.is_crowded = true,
            }
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        // one large file does not make all that follow be as slow
        let needed = (4 * self.hashes.len()).next_power_of_two().max(LEAST);
        self.table.truncate(needed);
        self.table.shrink_to(needed);
        self.table.fill(0);
        self.hashes.clear();
        self.has_zero = false;
        self.is_crowded = false;
    }

    /// All of them, as they came; `None` if finding one would take too long.
    pub(crate) fn all(&self) -> Option<&Vec<u64>> {
        if self.is_crowded { None } else { Some(&self.hashes) }
    }
}

/// Where a hash stands in a table, or the free place where it would; `None` if that is too far from where it belongs.
#[inline]
fn place(table: &[u64], hash: u64) -> Option<usize> {
    let bits = table.len().trailing_zeros();
    let first = (hash >> 1 >> (63 - bits)) as usize;
    (first..first + MAX_STEPS)
        .map(|place| place & (table.len() - 1))
        .find(|place| matches!(table[*place], found if found == 0 || found == hash))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_that_crowd_one_place_are_too_many() {
        let mut set = DistinctHashes::default();
        (1..=MAX_STEPS as u64).for_each(|hash| set.insert(hash));
        assert_eq!(set.hashes.len(), MAX_STEPS);
        assert!(set.all().is_some());
        set.insert(MAX_STEPS as u64 + 1);
        assert_eq!(set.all(), None);
        // the next file is another one
        set.clear();
        set.insert(7);
        assert_eq!(set.all(), Some(&vec![7]));
    }

    #[test]
    fn a_large_file_leaves_no_large_table() {
        let mut set = DistinctHashes::default();
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (0..100_000).for_each(|n| set.insert(spread(n)));
        assert!(set.table.len() >= 200_000);
        for _ in 0..2 {
            set.clear();
            (0..10).for_each(|n| set.insert(spread(n)));
            assert_eq!(set.hashes.len(), 10);
        }
        assert_eq!(set.table.len(), LEAST);
    }

    proptest! {
        #[test]
        fn a_hash_is_taken_once_and_none_is_missed(
            hashes in proptest::collection::vec(prop_oneof![0..40_u64, any::<u64>(), (0..9_u64).prop_map(|n| n << 60)], 0..400),
            files in 1..3,
        ) {
            let mut set = DistinctHashes::default();
            for _ in 0..files {
                set.clear();
                for hash in &hashes {
                    set.insert(*hash);
                }
                let mut found = set.all().unwrap().clone();
                found.sort_unstable();
                let mut expected = hashes.clone();
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
