//! Random numbers for what a generated archive says; never for keys.

use sha2::{Digest as _, Sha256};

/// `SplitMix64`: a few instructions a number, and a stream of its own for every seed. The generator stands
/// under every benchmark, so its random numbers must cost next to nothing beside hashing and gzip.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `limit`; 0 when `limit` is 0.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        scale(self.next(), limit)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    /// True `parts` times in `whole`.
    pub(crate) fn chance(&mut self, parts: u64, whole: u64) -> bool {
        self.below(whole) < parts
    }
}

/// Maps a random number onto `0..limit`.
pub(crate) fn scale(random: u64, limit: u64) -> u64 {
    ((u128::from(random) * u128::from(limit)) >> 64) as u64
}

/// Maps a random number onto `0..limit` with a long tail: low numbers come up often, high ones seldom.
pub(crate) fn skewed(random: u64, limit: u64) -> u64 {
    scale(scale(random, random | 1), limit)
}

/// Scrambles a number: neighbours in, strangers out.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A seed that belongs to the archive's seed and a path of names, so that every part of an archive is the
/// same whatever was made before it and on whichever thread.
pub(crate) fn derive(seed: u64, path: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for name in path {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    hash.finalize().into()
}

/// The first eight bytes of [`derive`].
pub(crate) fn derive_u64(seed: u64, path: &[&str]) -> u64 {
    let bytes = derive(seed, path);
    u64::from_le_bytes(bytes.first_chunk().copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_in_their_ranges_and_reach_both_ends() {
        let mut random = Rng::new(1);
        let seen: Vec<i64> = (0..1000).map(|_| random.between(-2, 2)).collect();
        assert_eq!((seen.iter().min(), seen.iter().max()), (Some(&-2), Some(&2)));
        assert_eq!(random.below(0), 0);
        assert!((0..1000).all(|_| skewed(random.next(), 7) < 7));
    }

    #[test]
    fn skewed_numbers_have_a_long_tail() {
        let mut random = Rng::new(2);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[skewed(random.next(), 10) as usize] += 1;
        }
        assert!(counts[0] > 2 * counts[3] && counts[9] > 100, "{counts:?}");
    }

    #[test]
    fn derived_seeds_differ_by_every_part_of_the_path() {
        let seeds = [
            derive_u64(1, &["a", "b"]),
            derive_u64(1, &["ab"]),
            derive_u64(2, &["a", "b"]),
            derive_u64(1, &["a"]),
        ];
        let distinct: std::collections::HashSet<_> = seeds.iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
