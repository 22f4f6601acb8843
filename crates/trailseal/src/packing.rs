//! Files that are compressed while they are written, by their ending: `.gz` and `.zst`.

use std::{
    io::{self, Write},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// Bytes of one zstd frame; frames stand one behind the other.
const FRAME: usize = 4 << 20;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    /// By the last ending of a name, and the name without it.
    pub(crate) fn of(path: &Path) -> (Self, &Path) {
        let packing = match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => return (Self::Plain, path),
        };
        (packing, path.file_stem().map_or(path, Path::new))
    }
}

/// A stream that is compressed; it is whole only after [`finish`](Self::finish).
pub(crate) enum PackedWriter<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(ZstdFrames<W>),
}

impl<W: Write> PackedWriter<W> {
    /// Over this stream.
    pub(crate) fn new(packing: Packing, inner: W) -> Self {
        match packing {
            Packing::Plain => Self::Plain(inner),
            Packing::Gzip => Self::Gzip(GzEncoder::new(inner, Compression::default())),
            Packing::Zstd => Self::Zstd(ZstdFrames { inner, frame: Vec::new(), has_frames: false }),
        }
    }

    /// The stream itself.
    pub(crate) fn get_ref(&self) -> &W {
        match self {
            Self::Plain(inner) => inner,
            Self::Gzip(inner) => inner.get_ref(),
            Self::Zstd(inner) => &inner.inner,
        }
    }

    /// Writes what comes last.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(inner) => inner.flush(),
            Self::Gzip(inner) => {
                inner.try_finish()?;
                inner.get_mut().flush()
            }
            Self::Zstd(inner) => {
                inner.end_frame()?;
                inner.inner.flush()
            }
        }
    }
}

impl<W: Write> Write for PackedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(inner) => inner.write(bytes),
            Self::Gzip(inner) => inner.write(bytes),
            Self::Zstd(inner) => inner.write(bytes),
        }
    }

    /// What is compressed stays where it is: a flush for every few rows would make the file larger.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(inner) => inner.flush(),
            Self::Gzip(_) | Self::Zstd(_) => Ok(()),
        }
    }
}

/// Frames of zstd, each compressed in memory: the encoder cannot tell errors of writing.
pub(crate) struct ZstdFrames<W> {
    inner: W,
    frame: Vec<u8>,
    has_frames: bool,
}

impl<W: Write> ZstdFrames<W> {
    fn end_frame(&mut self) -> io::Result<()> {
        if self.frame.is_empty() && self.has_frames {
            return Ok(());
        }
        self.inner.write_all(&compress_to_vec(self.frame.as_slice(), CompressionLevel::Fastest))?;
        self.has_frames = true;
        self.frame.clear();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(FRAME - self.frame.len());
        self.frame.extend_from_slice(&bytes[..taken]);
        if self.frame.len() == FRAME {
            self.end_frame()?;
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use trailseal_archive::content::{ContentLimits, read_stream};

    use super::*;

    fn read(packed: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let outcome = read_stream("x", packed, &ContentLimits::default(), &mut |_, reader| {
            reader.read_to_end(&mut text).unwrap();
            ControlFlow::Continue(())
        });
        assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
        text
    }

    #[test]
    fn what_is_packed_is_read_again() {
        let line = b"{\"eventVersion\":\"1.08\",\"eventName\":\"GetObject\"}\n";
        for count in [0, 1, 1000, 100_000] {
            let text = line.repeat(count);
            for packing in [Packing::Plain, Packing::Gzip, Packing::Zstd] {
                let mut packed = PackedWriter::new(packing, Vec::new());
                for part in text.chunks(70_001) {
                    packed.write_all(part).unwrap();
                    packed.flush().unwrap();
                }
                packed.finish().unwrap();
                let bytes = packed.get_ref();
                assert_eq!(read(bytes), text, "{packing:?} {count}");
                assert!(packing == Packing::Plain || count < 1000 || bytes.len() < text.len() / 10);
            }
        }
    }

    #[test]
    fn the_ending_tells_the_packing() {
        assert_eq!(Packing::of(Path::new("a/x.csv.gz")), (Packing::Gzip, Path::new("x.csv")));
        assert_eq!(Packing::of(Path::new("a/x.zst")), (Packing::Zstd, Path::new("x")));
        assert_eq!(Packing::of(Path::new("a/x.csv")), (Packing::Plain, Path::new("a/x.csv")));
    }
}
