//! The layer that inflates zstd: all frames, one after the other (RFC 8878).
//!
//! The decoder keeps a window of up to 128 MiB back until a frame is finished. For the bytes before damage
//! not to be lost with it, blocks are cut out here and given to it one by one, and a damaged frame is
//! finished by an empty last block.

use std::io::{self, Read};

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder, errors::FrameDecoderError};

use super::{
    Reason,
    source::{Allowance, Source},
    xxhash::Xxh64,
};

/// The largest window that is accepted.
const MAX_WINDOW: u64 = 128 << 20;

/// The largest block (RFC 8878, 3.1.1.2.4).
const MAX_BLOCK: usize = 128 << 10;

/// The longest frame header: magic, descriptor, window, dictionary, content size.
const MAX_HEADER: usize = 4 + 1 + 1 + 4 + 8;

/// An empty raw block that is the last one, and room for a checksum that nobody looks at.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

const WITHIN: Reason = Reason::Truncated { within: "the zstd data" };

pub(super) struct ZstdReader<'s, 'a> {
    decoder: FrameDecoder,
    source: &'s mut Source<'a>,
    allowance: Allowance,
    block: Vec<u8>,
    state: ZstdState,
    frame: Frame,
    inflated: u64,
    failure: Option<Reason>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ZstdState {
    /// A frame, or the end, comes next.
    Between,
    /// A block comes next.
    Blocks,
    /// The last block is decoded, its content not yet handed out as a whole.
    Drain,
    /// Nothing follows: the end, or a failure.
    Ended,
}

struct Frame {
    first: bool,
    has_checksum: bool,
    /// What the header says; 0 if it does not.
    size: u64,
    inflated: u64,
    hash: Xxh64,
}

impl<'s, 'a> ZstdReader<'s, 'a> {
    pub(super) fn new(source: &'s mut Source<'a>, allowance: Allowance) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        Self {
            decoder,
            source,
            allowance,
            block: Vec::new(),
            state: ZstdState::Between,
            frame: Frame { first: true, has_checksum: false, size: 0, inflated: 0, hash: Xxh64::new() },
            inflated: 0,
            failure: None,
        }
    }

    /// Reads to the next frame, and its header.
    fn open(&mut self) -> Result<ZstdState, Reason> {
        let mut magic = [0; 4];
        let length = self.source.read_full(&mut magic);
        if length == 0 {
            return self.source.failure().cloned().map_or(Ok(ZstdState::Ended), Err);
        }
        match magic {
            [0x28, 0xb5, 0x2f, 0xfd] => {}
            [0x50..=0x5f, 0x2a, 0x4d, 0x18] => return self.skip_frame(),
            _ if length < magic.len() && self.frame.first => return Err(self.source.failure_or(WITHIN)),
            _ => {
                let mut bytes = length as u64;
                let mut rest = [0; 4096];
                loop {
                    match self.source.read_full(&mut rest) {
                        0 => break,
                        length => bytes += length as u64,
                    }
                }
                return Err(self.source.failure_or(Reason::TrailingData { bytes, after: "the zstd data" }));
            }
        }
        self.frame.first = false;

        let mut header = [0; MAX_HEADER];
        header[..4].copy_from_slice(&magic);
        let descriptor = self.fill(&mut header[4..5])?[0];
        let single_segment = descriptor & 0b10_0000 != 0;
        let window = usize::from(!single_segment);
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 0b11)];
        let size = match descriptor >> 6 {
            0 => usize::from(single_segment),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let length = 5 + window + dictionary + size;
        self.fill(&mut header[5..length])?;
        self.decoder.reset(&header[..length]).map_err(|error| match error {
            FrameDecoderError::WindowSizeTooBig { requested, .. } => {
                Reason::unsupported(format!("a zstd window of {requested} bytes"))
            }
            FrameDecoderError::DictNotProvided { .. } => Reason::unsupported("zstd with a dictionary"),
            _ => Reason::corrupt("the zstd frame header is not valid"),
        })?;
        self.frame.has_checksum = descriptor & 0b100 != 0;
        self.frame.size = self.decoder.content_size();
        self.frame.inflated = 0;
        self.frame.hash = Xxh64::new();
        Ok(ZstdState::Blocks)
    }

    fn skip_frame(&mut self) -> Result<ZstdState, Reason> {
        self.frame.first = false;
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let mut left = u32::from_le_bytes(length) as usize;
        let mut rest = [0; 4096];
        while left > 0 {
            let length = left.min(rest.len());
            self.fill(&mut rest[..length])?;
            left -= length;
        }
        Ok(ZstdState::Between)
    }

    /// Decodes one block.
    fn decode(&mut self) -> Result<ZstdState, Reason> {
        let mut header = [0; 4];
        self.fill(&mut header[..3])?;
        let value = u32::from_le_bytes(header);
        let is_last = value & 1 != 0;
        let length = match (value >> 1) & 0b11 {
            // one byte, repeated
            1 => 1,
            0 | 2 => (value >> 3) as usize,
            _ => return Err(corrupt_block()),
        };
        if (value >> 3) as usize > MAX_BLOCK {
            return Err(corrupt_block());
        }
        let mut block = std::mem::take(&mut self.block);
        block.clear();
        block.extend_from_slice(&header[..3]);
        block.resize(3 + length, 0);
        let filled = self.fill(&mut block[3..]).map(|_| ());
        self.block = block;
        filled?;
        if is_last {
            let mut checksum = [0; 4];
            if self.frame.has_checksum {
                // a missing checksum is found below, after the content of this block was handed out
                let length = self.source.read_full(&mut checksum);
                if length < checksum.len() {
                    self.failure = Some(self.source.failure_or(WITHIN));
                }
                self.block.extend(checksum);
            }
        }
        match self.decoder.decode_blocks(&self.block[..], BlockDecodingStrategy::UptoBlocks(1)) {
            Ok(_) if self.decoder.is_finished() == is_last => {
                Ok(if is_last { ZstdState::Drain } else { ZstdState::Blocks })
            }
            _ => Err(corrupt_block()),
        }
    }

    /// Checks the frame once all its content was handed out.
    fn close(&mut self) -> Result<ZstdState, Reason> {
        if let Some(reason) = self.failure.take() {
            return Err(reason);
        }
        let Frame { size, inflated, .. } = self.frame;
        if size != 0 && size != inflated {
            return Err(self.wrong_checksum(format!(
                "the zstd frame states {size} bytes of content, but there are {inflated}"
            )));
        }
        let actual = self.frame.hash.finish() as u32;
        match self.decoder.get_checksum_from_data() {
            Some(stated) if self.frame.has_checksum && stated != actual => Err(self.wrong_checksum(format!(
                "the zstd frame states the checksum {stated:08x}, but that of the content is {actual:08x}"
            ))),
            _ => Ok(ZstdState::Between),
        }
    }

    /// What the frame states is not what was found; whether anything follows tells if all content was given.
    fn wrong_checksum(&mut self, what: String) -> Reason {
        let is_last = self.source.read_full(&mut [0]) == 0 && self.source.failure().is_none();
        if is_last { Reason::Checksum { what } } else { Reason::Corrupt { what } }
    }

    fn advance(&mut self) -> Result<ZstdState, Reason> {
        match self.state {
            ZstdState::Between => self.open(),
            ZstdState::Blocks => self.decode(),
            ZstdState::Drain => self.close(),
            ZstdState::Ended => Ok(ZstdState::Ended),
        }
    }

    /// Keeps the reason, and lets the decoder give out what it holds back.
    fn fail(&mut self, reason: Reason) {
        if self.state == ZstdState::Blocks {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            // if not even that can be decoded, there is nothing more to be had
            drop(self.decoder.decode_blocks(&LAST_BLOCK[..], one));
        }
        self.failure = Some(reason);
        self.state = ZstdState::Ended;
    }

    fn fill<'b>(&mut self, out: &'b mut [u8]) -> Result<&'b mut [u8], Reason> {
        if self.source.read_full(out) < out.len() { Err(self.source.failure_or(WITHIN)) } else { Ok(out) }
    }
}

fn corrupt_block() -> Reason {
    Reason::corrupt("a zstd block is not valid")
}

impl Read for ZstdReader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let length = self.decoder.read(out)?;
            if length > 0 {
                self.inflated += length as u64;
                self.frame.inflated += length as u64;
                self.frame.hash.update(&out[..length]);
                if let Err(reason) = self.allowance.spend(length) {
                    self.decoder = FrameDecoder::new();
                    self.failure = Some(reason);
                    self.state = ZstdState::Ended;
                }
                return Ok(length);
            }
            if self.state == ZstdState::Ended {
                return match &self.failure {
                    Some(reason) => Err(reason.clone().at(self.inflated).into()),
                    None => Ok(0),
                };
            }
            match self.advance() {
                Ok(state) => self.state = state,
                Err(reason) => self.fail(reason),
            }
        }
    }
}
