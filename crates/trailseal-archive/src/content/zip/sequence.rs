//! Reading a zip archive from its beginning, entry after entry, without its central directory: what can be
//! had from an archive that is cut off or whose directory is damaged.

use std::io::{self, BufRead, Read};

use crate::content::Reason;

use super::{entry::Stated, u16_at, u32_at, zip64_words};

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// An entry's own header.
pub(super) struct Local {
    pub(super) name: String,
    pub(super) encrypted: bool,
    pub(super) method: u16,
    /// Absent if a descriptor after the data states it.
    pub(super) stated: Option<Stated>,
    /// Absent if only the data itself tells where it ends.
    pub(super) compressed: Option<u64>,
    zip64: bool,
}

/// The archive, with a count of the bytes read.
pub(super) struct Sequence<R> {
    input: R,
    position: u64,
}

impl<R: BufRead> Sequence<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, position: 0 }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Looks for the next entry, and reads its header. `None` at the directory and at the end.
    pub(super) fn next(&mut self) -> Result<Option<Local>, Reason> {
        if !self.find()? {
            return Ok(None);
        }
        let within = || Reason::Truncated { within: "a zip header" };
        let mut header = [0; 26];
        self.fill(&mut header)?.then_some(()).ok_or_else(within)?;
        let mut name = vec![0; usize::from(u16_at(&header, 22))];
        let mut extra = vec![0; usize::from(u16_at(&header, 24))];
        let whole = self.fill(&mut name)? && self.fill(&mut extra)?;
        whole.then_some(()).ok_or_else(within)?;

        let flags = u16_at(&header, 2);
        let has_descriptor = flags & 8 != 0;
        let (mut compressed, mut size) = (u64::from(u32_at(&header, 14)), u64::from(u32_at(&header, 18)));
        let zip64 = zip64_words(&extra, &mut [&mut size, &mut compressed]);
        Ok(Some(Local {
            name: String::from_utf8_lossy(&name).into_owned(),
            encrypted: flags & 1 != 0,
            method: u16_at(&header, 4),
            stated: (!has_descriptor).then_some(Stated { crc: u32_at(&header, 10), size }),
            compressed: (!has_descriptor).then_some(compressed),
            zip64,
        }))
    }

    /// What the descriptor after an entry's data states; `None` if there is none.
    pub(super) fn descriptor(&mut self, local: &Local) -> Result<Option<Stated>, Reason> {
        let mut crc = [0; 4];
        let mut whole = self.fill(&mut crc)?;
        if crc == DESCRIPTOR {
            whole = self.fill(&mut crc)?;
        }
        let mut sizes = [0; 16];
        let half = if local.zip64 { 8 } else { 4 };
        whole = whole && self.fill(&mut sizes[..2 * half])?;
        let mut size = [0; 8];
        size[..half].copy_from_slice(&sizes[half..2 * half]);
        let stated = Stated { crc: u32::from_le_bytes(crc), size: u64::from_le_bytes(size) };
        Ok(whole.then_some(stated))
    }

    /// Reads to the next header's mark; `false` at the directory and at the end.
    fn find(&mut self) -> Result<bool, Reason> {
        let mut last = [0; 4];
        loop {
            let mut byte = [0];
            if !self.fill(&mut byte)? {
                return Ok(false);
            }
            last = [last[1], last[2], last[3], byte[0]];
            match last {
                LOCAL => return Ok(true),
                // an entry of the directory, its end, the same in zip64
                [b'P', b'K', 1, 2] | [b'P', b'K', 5 | 6, 6] => return Ok(false),
                _ => {}
            }
        }
    }

    /// Fills `out`; `false` if the archive ends before.
    fn fill(&mut self, out: &mut [u8]) -> Result<bool, Reason> {
        let mut filled = 0;
        while filled < out.len() {
            match self.read(&mut out[filled..]) {
                Ok(0) => return Ok(false),
                Ok(length) => filled += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

impl<R: BufRead> Read for Sequence<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(out)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Sequence<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, length: usize) {
        self.position += length as u64;
        self.input.consume(length);
    }
}
