//! The content of one zip entry.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use crate::content::{Reason, source::Allowance};

/// How an entry is compressed, of the ways that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

impl Method {
    pub(super) fn of(number: u16) -> Result<Self, Reason> {
        match number {
            0 => Ok(Self::Stored),
            8 => Ok(Self::Deflated),
            other => Err(Reason::unsupported(format!("zip compression method {other}{}", name_of(other)))),
        }
    }
}

fn name_of(method: u16) -> &'static str {
    match method {
        9 => " (Deflate64)",
        12 => " (bzip2)",
        14 => " (LZMA)",
        93 => " (zstd)",
        95 => " (xz)",
        98 => " (PPMd)",
        99 => " (AES encryption)",
        _ => "",
    }
}

/// What the archive says of an entry's content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stated {
    pub(super) crc: u32,
    pub(super) size: u64,
}

/// Inflates an entry, and checks it where the archive says beforehand what it must be.
pub(super) struct ZipEntryReader<'a> {
    input: &'a mut dyn BufRead,
    deflate: Option<Box<Decompress>>,
    crc: crc32fast::Hasher,
    inflated: u64,
    stated: Option<Stated>,
    allowance: Allowance,
    ended: bool,
    failure: Option<Reason>,
}

impl<'a> ZipEntryReader<'a> {
    pub(super) fn new(
        input: &'a mut dyn BufRead,
        method: Method,
        stated: Option<Stated>,
        allowance: Allowance,
    ) -> Self {
        Self {
            input,
            deflate: (method == Method::Deflated).then(|| Box::new(Decompress::new(false))),
            crc: crc32fast::Hasher::new(),
            inflated: 0,
            stated,
            allowance,
            ended: false,
            failure: None,
        }
    }

    /// What the content was, once it has ended without a failure.
    pub(super) fn actual(&self) -> Option<Stated> {
        let whole = self.ended && self.failure.is_none();
        whole.then(|| Stated { crc: self.crc.clone().finalize(), size: self.inflated })
    }

    fn step(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = match self.input.fill_buf() {
                Ok(input) => input,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(deflate) = &mut self.deflate else {
                let length = input.len().min(out.len());
                out[..length].copy_from_slice(&input[..length]);
                self.input.consume(length);
                self.ended = length == 0;
                return Ok(length);
            };
            let at_end = input.is_empty();
            let (taken_before, written_before) = (deflate.total_in(), deflate.total_out());
            let status = deflate.decompress(input, out, FlushDecompress::None);
            let taken = (deflate.total_in() - taken_before) as usize;
            let written = (deflate.total_out() - written_before) as usize;
            self.input.consume(taken);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if taken > 0 || written > 0 => {}
                Ok(_) if at_end => self.fail(Reason::Truncated { within: "the zip entry" }),
                Ok(_) => self.fail(Reason::corrupt("the compressed data leads nowhere")),
                Err(_) => self.fail(Reason::corrupt("the compressed data is not valid")),
            }
            if written > 0 || self.ended {
                return Ok(written);
            }
        }
    }

    fn fail(&mut self, reason: Reason) {
        self.failure = Some(reason);
        self.ended = true;
    }

    /// Compares the content with what the archive says.
    fn check(&mut self) {
        if let (Some(stated), Some(actual)) = (self.stated.take(), self.actual()) {
            self.failure = differences(stated, actual);
        }
    }
}

/// What is wrong with content that ought to be another.
pub(super) fn differences(stated: Stated, actual: Stated) -> Option<Reason> {
    if actual.size < stated.size {
        return Some(Reason::Truncated { within: "the zip entry" });
    }
    if actual.size != stated.size {
        let (stated, actual) = (stated.size, actual.size);
        let what = format!("the archive states {stated} bytes of content, but there are {actual}");
        return Some(Reason::Checksum { what });
    }
    (actual.crc != stated.crc).then(|| {
        let (stated, actual) = (stated.crc, actual.crc);
        let what =
            format!("the archive states the CRC-32 {stated:08x}, but that of the content is {actual:08x}");
        Reason::Checksum { what }
    })
}

impl Read for ZipEntryReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if !self.ended {
            match self.step(out) {
                Ok(0) => {}
                Ok(length) => {
                    self.crc.update(&out[..length]);
                    self.inflated += length as u64;
                    if let Err(reason) = self.allowance.spend(length) {
                        self.fail(reason);
                    }
                    return Ok(length);
                }
                Err(error) => self.fail(error.into()),
            }
        }
        self.check();
        match &self.failure {
            Some(reason) => Err(reason.clone().at(self.inflated).into()),
            None => Ok(0),
        }
    }
}
