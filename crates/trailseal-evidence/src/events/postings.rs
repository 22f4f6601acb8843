//! Which records can be looked up by which text; of texts only hashes are known.

use rayon::slice::ParallelSliceMut as _;

/// A hash in two halves, and the number of a record: 12 bytes, where alignment would make it 16.
pub(super) type Pair = [u32; 3];

/// Lists of ranks by hash.
#[derive(Debug, Default)]
pub(super) struct Postings {
    /// In order.
    hashes: Vec<u64>,
    /// Where the list of each hash begins; it ends where the next begins.
    starts: Vec<u32>,
    /// The lists, each in order.
    ranks: Vec<u32>,
}

pub(super) fn pair(hash: u64, number: u32) -> Pair {
    [(hash >> 32) as u32, hash as u32, number]
}

impl Postings {
    /// `ranks` says the rank of each numbered record. There are at most 2³² pairs.
    pub(super) fn build(mut pairs: Vec<Pair>, ranks: &[u32]) -> Self {
        for [.., number] in &mut pairs {
            *number = ranks[*number as usize];
        }
        pairs.par_sort_unstable();
        pairs.dedup();
        let mut hashes: Vec<u64> = Vec::new();
        let mut starts: Vec<u32> = Vec::new();
        for (at, [high, low, _]) in (0..).zip(&pairs) {
            let hash = u64::from(*high) << 32 | u64::from(*low);
            if hashes.last() != Some(&hash) {
                hashes.push(hash);
                starts.push(at);
            }
        }
        hashes.shrink_to_fit();
        starts.shrink_to_fit();
        let ranks = pairs.into_iter().map(|[.., rank]| rank);
        // collected in place, the buffer would keep the size of the pairs
        let mut lists = Vec::with_capacity(ranks.len());
        lists.extend(ranks);
        Self { hashes, starts, ranks: lists }
    }

    /// What these lists were made of, as far as ranks have numbers.
    pub(super) fn pairs<'a>(
        &'a self,
        number: &'a dyn Fn(u32) -> Option<u32>,
    ) -> impl Iterator<Item = Pair> + 'a {
        let lists = self.hashes.iter().map(|hash| (*hash, self.of(*hash)));
        lists
            .flat_map(|(hash, ranks)| ranks.iter().map(move |rank| (hash, *rank)))
            .filter_map(move |(hash, rank)| Some(pair(hash, number(rank)?)))
    }

    pub(super) fn bytes(&self) -> usize {
        self.hashes.capacity() * 8 + self.starts.capacity() * 4 + self.ranks.capacity() * 4
    }

    /// The ranks of the records that have this hash, in order.
    pub(super) fn of(&self, hash: u64) -> &[u32] {
        let Ok(at) = self.hashes.binary_search(&hash) else { return &[] };
        let end = self.starts.get(at + 1).map_or(self.ranks.len(), |end| *end as usize);
        &self.ranks[self.starts[at] as usize..end]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_list_has_the_ranks_of_its_hash_in_order(
            found in proptest::collection::vec((prop_oneof![0..9_u64, Just(u64::MAX), Just(7 << 32)], 0..20_u32), 0..99),
        ) {
            let ranks: Vec<u32> = (0..20).rev().collect();
            let postings = Postings::build(found.iter().map(|(hash, number)| pair(*hash, *number)).collect(), &ranks);
            let mut expected: BTreeMap<u64, BTreeSet<u32>> = BTreeMap::new();
            for (hash, number) in found {
                expected.entry(hash).or_default().insert(19 - number);
            }
            for hash in (0..10).chain([u64::MAX, u64::MAX - 1, 7 << 32]) {
                let expected: Vec<u32> = expected.get(&hash).into_iter().flatten().copied().collect();
                prop_assert_eq!(postings.of(hash), expected);
            }
        }
    }
}
