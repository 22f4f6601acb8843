//! Hashes of bytes, the same in every process, and maps by them.

use std::hash::{BuildHasherDefault, Hasher};

/// The hash of bytes.
pub(crate) use rapidhash::v3::rapidhash_v3 as hash;

/// For maps whose keys are hashes.
pub(crate) type ByHash = BuildHasherDefault<Taken>;

/// A hash is its own; a number that counts is spread.
#[derive(Debug, Default)]
pub(crate) struct Taken(u64);

impl Hasher for Taken {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
