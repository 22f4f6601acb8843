//! Reading a file once for its hash and again for its rows, so that both are of the same bytes.
//!
//! Whoever can write to the archive can change a file in between, and set its times back. So the first reading keeps
//! the hash of every chunk as it lies on disk, and the second one gives out no byte of a chunk that has another hash.

use std::io::{self, Read, Seek, SeekFrom};

use trailseal_sha256::Hasher;

/// Bytes on disk that are hashed together.
const CHUNK: usize = 1 << 20;

/// What is said of a file whose bytes are not the same the second time.
const CHANGED: &str = "the file changed while it was read";

/// What is said where the first reading ended before the file did.
const BEYOND: &str = "the file goes on beyond what was hashed";

/// The chunks of a file as they were read.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    hashes: Vec<[u8; 32]>,
    /// Bytes in all.
    length: u64,
    /// Whether the file ends there.
    is_whole: bool,
}

impl Chunks {
    /// Bytes in all of them.
    pub(super) fn length(&self) -> u64 {
        self.length
    }
}

/// Reads a file for the first time.
pub(super) struct First<R> {
    inner: R,
    hasher: Hasher,
    chunks: Chunks,
}

impl<R: Read> First<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hasher: Hasher::new(), chunks: Chunks::default() }
    }

    /// What was read, and whether that is the whole file.
    pub(super) fn chunks(mut self, is_whole: bool) -> Chunks {
        self.chunks.is_whole = is_whole;
        if !self.chunks.length.is_multiple_of(CHUNK as u64) {
            self.chunks.hashes.push(self.hasher.finalize());
        }
        self.chunks
    }
}

impl<R: Read> Read for First<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        let mut new = &out[..read];
        while !new.is_empty() {
            let room = CHUNK - (self.chunks.length % CHUNK as u64) as usize;
            let (now, later) = new.split_at(room.min(new.len()));
            self.hasher.update(now);
            self.chunks.length += now.len() as u64;
            if now.len() == room {
                let full = std::mem::replace(&mut self.hasher, Hasher::new());
                self.chunks.hashes.push(full.finalize());
            }
            new = later;
        }
        Ok(read)
    }
}

/// Reads the file again, as far as it was read the first time.
pub(super) struct Again<'c, R> {
    inner: R,
    chunks: &'c Chunks,
    position: u64,
    /// A chunk that was compared, and which one.
    held: Vec<u8>,
    number: Option<usize>,
}

impl<'c, R: Read + Seek> Again<'c, R> {
    pub(super) fn new(inner: R, chunks: &'c Chunks) -> Self {
        Self { inner, chunks, position: 0, held: Vec::new(), number: None }
    }

    /// Reads a chunk into memory of our own, and compares what is there.
    fn hold(&mut self, number: usize) -> io::Result<()> {
        let changed = || io::Error::other(CHANGED);
        let wanted = self.chunks.hashes.get(number).ok_or_else(changed)?;
        let start = number as u64 * CHUNK as u64;
        let is_end = self.chunks.is_whole && number + 1 == self.chunks.hashes.len();
        let length = (self.chunks.length - start).min(CHUNK as u64);
        self.number = None;
        self.held.clear();
        self.inner.seek(SeekFrom::Start(start))?;
        // a byte more than there was shows that it has grown
        (&mut self.inner).take(length + u64::from(is_end)).read_to_end(&mut self.held)?;
        if self.held.len() as u64 != length || trailseal_sha256::digest(&self.held) != *wanted {
            self.held.clear();
            return Err(changed());
        }
        self.number = Some(number);
        Ok(())
    }
}

impl<R: Read + Seek> Read for Again<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.position >= self.chunks.length {
            return if self.chunks.is_whole { Ok(0) } else { Err(io::Error::other(BEYOND)) };
        }
        let number = (self.position / CHUNK as u64) as usize;
        if self.number != Some(number) {
            self.hold(number)?;
        }
        let within = (self.position % CHUNK as u64) as usize;
        let length = out.len().min(self.held.len() - within);
        out[..length].copy_from_slice(&self.held[within..within + length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl<R> Seek for Again<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(from) => self.chunks.length.checked_add_signed(from),
            SeekFrom::Current(from) => self.position.checked_add_signed(from),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n / 7 % 251) as u8).collect()
    }

    fn chunks(content: &[u8], step: usize) -> Chunks {
        let mut first = First::new(content);
        let mut out = vec![0; step];
        while first.read(&mut out).unwrap() > 0 {}
        first.chunks(true)
    }

    /// What is given out the second time, and whether it ended well.
    fn again(chunks: &Chunks, content: &[u8]) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        let read = Again::new(Cursor::new(content), chunks).read_to_end(&mut out);
        (out, read.is_ok())
    }

    #[test]
    fn the_same_bytes_are_given_out_whole() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 5] {
            let content = content(length);
            for step in [4096, 100_000, 3 * CHUNK] {
                let chunks = chunks(&content, step);
                assert_eq!((chunks.length, chunks.hashes.len()), (length as u64, length.div_ceil(CHUNK)));
                assert_eq!(again(&chunks, &content), (content.clone(), true), "{length} {step}");
            }
        }
    }

    #[test]
    fn no_byte_of_a_chunk_that_changed_is_given_out() {
        let before = content(3 * CHUNK + 5);
        let chunks = chunks(&before, 1 << 16);
        for at in [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 7, 3 * CHUNK, 3 * CHUNK + 4] {
            let mut after = before.clone();
            after[at] ^= 1;
            let whole = at / CHUNK * CHUNK;
            assert_eq!(again(&chunks, &after), (before[..whole].to_vec(), false), "{at}");
        }
        let longer = [before.as_slice(), b"x"].concat();
        assert_eq!(again(&chunks, &longer), (before[..3 * CHUNK].to_vec(), false));
        for shorter in [0, CHUNK, 2 * CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 4] {
            let whole = shorter / CHUNK * CHUNK;
            assert_eq!(again(&chunks, &before[..shorter]), (before[..whole].to_vec(), false), "{shorter}");
        }
    }

    #[test]
    fn any_place_can_be_read() {
        let content = content(2 * CHUNK + 100);
        let chunks = chunks(&content, 1 << 16);
        let mut again = Again::new(Cursor::new(&content), &chunks);
        let mut out = [0; 50];
        for at in [2 * CHUNK + 50, 10, CHUNK - 25, CHUNK] {
            assert_eq!(again.seek(SeekFrom::Start(at as u64)).unwrap(), at as u64);
            again.read_exact(&mut out).unwrap();
            assert_eq!(out, content[at..at + 50]);
        }
        assert_eq!(again.seek(SeekFrom::End(-100)).unwrap(), 2 * CHUNK as u64);
        assert_eq!(again.seek(SeekFrom::Current(60)).unwrap(), 2 * CHUNK as u64 + 60);
        assert_eq!(again.read(&mut out).unwrap(), 40);
        assert_eq!(again.read(&mut out).unwrap(), 0);
        assert!(again.seek(SeekFrom::End(-1 << 40)).is_err());
    }

    #[test]
    fn what_was_not_read_the_first_time_is_not_given_out() {
        let content = content(2 * CHUNK);
        let mut first = First::new(content.as_slice());
        first.read_exact(&mut vec![0; CHUNK + 10]).unwrap();
        let chunks = first.chunks(false);
        assert_eq!(again(&chunks, &content), (content[..CHUNK + 10].to_vec(), false));
    }
}
