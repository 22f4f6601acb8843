//! Hashes of bytes, the same in every process, and maps by them; and hashes that stand for paths.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState},
    path::Path,
};

use siphasher::sip128::SipHasher13;

/// The hash of bytes.
pub(crate) use rapidhash::v3::rapidhash_v3 as hash;

/// For maps whose keys are hashes.
pub(crate) type ByHash = BuildHasherDefault<Taken>;

/// Hashes paths with a key that nobody knows: what has the same hash is the same path.
#[derive(Debug)]
pub(crate) struct PathHasher(SipHasher13);

/// What stands for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PathHash(u64, u64);

impl Default for PathHasher {
    fn default() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }
}

impl PathHasher {
    /// Of a path as the system writes it.
    pub(crate) fn hash(&self, path: &[u8]) -> PathHash {
        let hash = self.0.hash(path);
        PathHash(hash.h1, hash.h2)
    }

    /// Of a path.
    pub(crate) fn of(&self, path: &Path) -> PathHash {
        self.hash(path.as_os_str().as_encoded_bytes())
    }
}

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
