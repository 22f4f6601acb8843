//! What was seen before, by 128 bits of a keyed hash instead of the text itself.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher,
};

/// Hashes texts with a key that is new in every run: nobody can prepare texts that collide.
#[derive(Clone, Debug, Default)]
pub struct Fingerprinter {
    high: RandomState,
    low: RandomState,
}

impl Fingerprinter {
    /// The fingerprint of some bytes; the same for all clones, and never 0.
    pub fn of(&self, bytes: &[u8]) -> u128 {
        let (high, low) = (self.high.hash_one(bytes), self.low.hash_one(bytes));
        (u128::from(high) << 64 | u128::from(low)).max(1)
    }
}

/// The fingerprints that were seen.
#[derive(Clone, Debug, Default)]
pub struct Seen(HashSet<u128>);

impl Seen {
    /// Takes in a fingerprint; whether it was not there yet.
    pub fn is_new(&mut self, fingerprint: u128) -> bool {
        self.0.insert(fingerprint)
    }

    /// Takes in those of another part.
    pub fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
        } else {
            self.0.extend(other.0);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_time_is_not_new() {
        let fingerprinter = Fingerprinter::default();
        let mut seen = Seen::default();
        assert!(seen.is_new(fingerprinter.of(b"a")));
        assert!(seen.is_new(fingerprinter.of(b"b")));
        assert!(!seen.is_new(fingerprinter.clone().of(b"a")));
        let mut other = Seen::default();
        other.is_new(fingerprinter.of(b"b"));
        other.is_new(fingerprinter.of(b"c"));
        seen.merge(other);
        assert_eq!(seen.count(), 3);
    }
}
