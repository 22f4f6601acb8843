//! UTF-16 to UTF-8, in windows.

use std::io::{self, Read};

use super::{Reason, source::Source};

/// Bytes of UTF-16 taken at a time.
const WINDOW: usize = 16 * 1024;

/// Yields UTF-8. What is no character (half a surrogate pair) becomes U+FFFD.
pub(super) struct Utf16Reader<'s, 'a> {
    source: &'s mut Source<'a>,
    big_endian: bool,
    window: Box<[u8]>,
    /// The first byte of a unit whose second is still to come stands at the beginning of the window.
    half: usize,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    text: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<'s, 'a> Utf16Reader<'s, 'a> {
    pub(super) fn new(source: &'s mut Source<'a>, big_endian: bool) -> Self {
        Self {
            source,
            big_endian,
            window: vec![0; WINDOW].into_boxed_slice(),
            half: 0,
            high: None,
            text: Vec::new(),
            given: 0,
            ended: false,
        }
    }

    fn refill(&mut self) {
        self.text.clear();
        self.given = 0;
        let length = self.half + self.source.read_some(&mut self.window[self.half..]);
        if length == self.half {
            self.ended = true;
            if self.high.take().is_some() {
                push(&mut self.text, char::REPLACEMENT_CHARACTER);
            }
            return;
        }
        let window = std::mem::take(&mut self.window);
        for unit in window[..length].chunks_exact(2) {
            let unit = [unit[0], unit[1]];
            self.unit(if self.big_endian { u16::from_be_bytes(unit) } else { u16::from_le_bytes(unit) });
        }
        self.window = window;
        self.half = length % 2;
        self.window[0] = self.window[length - 1];
    }

    fn unit(&mut self, unit: u16) {
        if let Some(high) = self.high.take() {
            if (0xdc00..0xe000).contains(&unit) {
                let character = 0x10000 + ((u32::from(high) - 0xd800) << 10) + u32::from(unit) - 0xdc00;
                push(&mut self.text, char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER));
                return;
            }
            push(&mut self.text, char::REPLACEMENT_CHARACTER);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            push(&mut self.text, char::from_u32(unit.into()).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    }
}

impl Read for Utf16Reader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.refill();
        }
        let length = out.len().min(self.text.len() - self.given);
        out[..length].copy_from_slice(&self.text[self.given..self.given + length]);
        self.given += length;
        if length == 0 && !out.is_empty() {
            if let Some(reason) = self.source.failure() {
                return Err(reason.clone().at(0).into());
            }
            if self.half == 1 {
                return Err(Reason::Truncated { within: "a UTF-16 character" }.at(0).into());
            }
        }
        Ok(length)
    }
}

fn push(text: &mut Vec<u8>, character: char) {
    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
}
