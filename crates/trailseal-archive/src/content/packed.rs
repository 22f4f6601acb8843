//! The layers that inflate bzip2 and xz, by libraries: all streams, one after the other.

use std::io::{self, Read};

use bzip2::read::MultiBzDecoder;
use lzma_rust2::XzReader;

use super::{
    Reason,
    source::{Allowance, Source},
};

/// KiB of memory for a dictionary of xz; `xz -9` needs 65 MiB.
const MAX_XZ_MEMORY: u32 = 128 << 10;

/// Content that a decoder gives.
pub(super) struct PackedReader<'s, 'a> {
    decoder: Decoder<'s, 'a>,
    allowance: Allowance,
    inflated: u64,
    failure: Option<Reason>,
}

enum Decoder<'s, 'a> {
    Bzip2(MultiBzDecoder<Rest<'s, 'a>>),
    Xz(Box<XzReader<Rest<'s, 'a>>>),
}

impl<'s, 'a> PackedReader<'s, 'a> {
    pub(super) fn bzip2(source: &'s mut Source<'a>, allowance: Allowance) -> Self {
        Self::new(Decoder::Bzip2(MultiBzDecoder::new(Rest(source))), allowance)
    }

    pub(super) fn xz(source: &'s mut Source<'a>, allowance: Allowance) -> Self {
        let decoder = XzReader::new_mem_limit(Rest(source), true, MAX_XZ_MEMORY);
        Self::new(Decoder::Xz(Box::new(decoder)), allowance)
    }

    fn new(decoder: Decoder<'s, 'a>, allowance: Allowance) -> Self {
        Self { decoder, allowance, inflated: 0, failure: None }
    }

    /// Why the decoder gave up: what it reads from says more, if it failed.
    fn reason(&self, error: &io::Error) -> Reason {
        let (source, within, name) = match &self.decoder {
            Decoder::Bzip2(decoder) => (&decoder.get_ref().0, "the bzip2 data", "bzip2"),
            Decoder::Xz(decoder) => (&decoder.inner().0, "the xz data", "xz"),
        };
        source.failure_or(match error.kind() {
            io::ErrorKind::UnexpectedEof => Reason::Truncated { within },
            io::ErrorKind::OutOfMemory => Reason::unsupported(format!("{name} with so large a dictionary")),
            io::ErrorKind::Unsupported => Reason::unsupported(format!("{name} of this kind")),
            _ if name == "xz" => Reason::corrupt("the xz data are not valid"),
            _ => Reason::corrupt("the bzip2 data are not valid"),
        })
    }
}

impl Read for PackedReader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(reason) = &self.failure {
            return Err(reason.clone().at(self.inflated).into());
        }
        let result = match &mut self.decoder {
            Decoder::Bzip2(decoder) => decoder.read(out),
            Decoder::Xz(decoder) => decoder.read(out),
        };
        match result {
            Ok(length) => {
                self.inflated += length as u64;
                self.failure = self.allowance.spend(length).err();
                Ok(length)
            }
            Err(error) => {
                let reason = self.reason(&error);
                self.failure = Some(reason.clone());
                Err(reason.at(self.inflated).into())
            }
        }
    }
}

/// What is left of a source.
struct Rest<'s, 'a>(&'s mut Source<'a>);

impl Read for Rest<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        Ok(self.0.read_some(out))
    }
}
