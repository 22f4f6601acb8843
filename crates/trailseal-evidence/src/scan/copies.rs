//! Files with the same content: their events are there more than once.

use trailseal_index::StoredFacts;

/// Files beyond which a thread notes no more.
const MAX_FILES: usize = 1_000_000;

/// The events of files, by what the files hold.
#[derive(Debug, Default)]
pub(super) struct Copies {
    files: Vec<ReadFile>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ReadFile {
    content: u128,
    turn: u64,
    matched: u64,
}

impl Copies {
    /// Takes note of a file, by its bytes on disk and its place in archive order, with so many events that passed.
    pub(super) fn add(&mut self, on_disk: &[u8], turn: u64, matched: u64) {
        if self.files.len() < MAX_FILES {
            self.add_known(fingerprint(on_disk), turn, matched);
        }
    }

    /// The same of a file with this fingerprint.
    pub(super) fn add_known(&mut self, content: u128, turn: u64, matched: u64) {
        if self.files.len() < MAX_FILES {
            self.files.push(ReadFile { content, turn, matched });
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
    }

    /// The events of all files that hold the same as one before them.
    pub(super) fn repeated(mut self) -> u64 {
        self.files.sort_unstable();
        self.files.windows(2).filter(|two| two[0].content == two[1].content).map(|two| two[1].matched).sum()
    }
}

/// Length and CRC-32, and what the last bytes of a gzip file say of its content: its own CRC-32 and length. Enough for a note;
/// whoever wants to be told of copies that are none can have that.
fn fingerprint(on_disk: &[u8]) -> u128 {
    put_together(on_disk.len() as u64, crc32fast::hash(on_disk), trailer(on_disk))
}

/// The fingerprint of a file that an index knows.
pub(super) fn known_fingerprint(facts: &StoredFacts) -> u128 {
    put_together(facts.stamp.length, facts.checksum, facts.trailer)
}

fn put_together(length: u64, checksum: u32, trailer: u64) -> u128 {
    u128::from(trailer) << 64 | u128::from(length as u32) << 32 | u128::from(checksum)
}

/// The last eight bytes; 0 where there are fewer.
pub(crate) fn trailer(on_disk: &[u8]) -> u64 {
    on_disk.last_chunk::<8>().map_or(0, |last| u64::from_le_bytes(*last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_again_is_counted_whoever_read_it_first() {
        let files: [(&[u8], u64, u64); 6] =
            [(b"a", 0, 3), (b"b", 1, 5), (b"a", 2, 3), (b"c", 3, 1), (b"a", 4, 2), (b"", 5, 1)];
        for shift in 0..files.len() {
            let mut threads = [Copies::default(), Copies::default()];
            for (at, (content, turn, matched)) in
                files.iter().cycle().skip(shift).take(files.len()).enumerate()
            {
                threads[at % 2].add(content, *turn, *matched);
            }
            let [mut all, other] = threads;
            all.merge(other);
            assert_eq!(all.repeated(), 3 + 2);
        }
    }
}
