//! Identities that were walked before: of most events of a log file, another one has the same `userIdentity`, byte for byte.
//!
//! What it is made of need not be looked at again, where it is enough to have seen it once.

use std::ops::Range;

/// Bytes by which an identity is looked for: those of a role differ in them by role and session.
const HEAD: usize = 128;
/// One with more bytes is not remembered.
const MOST: usize = 4096;
/// Identities that are remembered; of those that fall together the last.
const SLOTS: usize = 256;

/// Identities by their first bytes.
#[derive(Debug, Default)]
pub(super) struct Identities {
    slots: Vec<SeenIdentity>,
    /// The numbers of all that are remembered are greater.
    forgotten: u64,
    last: u64,
}

/// One that was walked.
#[derive(Debug, Default)]
pub(super) struct SeenIdentity {
    /// No other one has it.
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    /// How many quotes stand in it.
    pub(super) quotes: usize,
    /// Where the values of `accessKeyId` and of `sessionContext.attributes` stand in it; empty if they do not.
    pub(super) access_key: Range<usize>,
    pub(super) attributes: Range<usize>,
}

impl Identities {
    /// Forgets all of them.
    pub(super) fn forget(&mut self) {
        self.forgotten = self.last;
    }

    /// The identity with which `rest` begins, if it is remembered.
    #[inline]
    pub(super) fn at_start_of(&self, rest: &[u8]) -> Option<&SeenIdentity> {
        let found = self.slots.get(slot(rest.first_chunk()?))?;
        (found.number > self.forgotten && rest.starts_with(&found.bytes)).then_some(found)
    }

    /// Room for one with these bytes, to be filled; `None` if it is too short to be worth it, or too long.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Option<&mut SeenIdentity> {
        let slot = slot(bytes.first_chunk().filter(|_| bytes.len() <= MOST)?);
        self.slots.resize_with(SLOTS, SeenIdentity::default);
        self.last += 1;
        let identity = self.slots.get_mut(slot)?;
        identity.number = self.last;
        bytes.clone_into(&mut identity.bytes);
        Some(identity)
    }
}

/// Where an identity that begins so belongs. Who makes many fall together gains that they are walked.
#[inline]
fn slot(head: &[u8; HEAD]) -> usize {
    let mut hash = 0_u64;
    for word in head.as_chunks().0 {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
    hash as usize % SLOTS
}
