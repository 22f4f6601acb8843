//! Reading gzip files for verification: streaming, bounded, and with every byte on disk accounted for.
//!
//! CloudTrail's hashes cover the inflated content (docs/spec/format.md 1.5). A reader that stops quietly after
//! the first gzip member would leave a hash unchanged when a second member with invented events is
//! appended, so this one says what follows the member, and how exactly a file ends ([`Ending`]). Files
//! that something has stored inflated are passed through ([`Form`]).
//!
//! ```
//! use trailseal_archive::gzip::{Ending, Form, Inflater};
//!
//! let mut inflater = Inflater::new();
//! let mut file = &b"{\"Records\":[]}"[..];
//! let mut window = vec![0; 128 * 1024];
//!
//! inflater.start(1 << 30);
//! loop {
//!     let length = inflater.fill(&mut file, &mut window)?;
//!     // hash or scan &window[..length] here
//!     if length < window.len() {
//!         break;
//!     }
//! }
//! assert_eq!(inflater.form(), Form::Inflated);
//! assert_eq!(inflater.ending(), &Ending::Complete);
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io::{self, Read};

use flate2::{Decompress, FlushDecompress, Status};

pub mod whole;

#[cfg(test)]
mod tests;

/// Compressed bytes held at a time.
const INPUT_BYTES: usize = 64 * 1024;

/// How a gzip member begins.
const MEMBER_START: [u8; 3] = [0x1f, 0x8b, 8];

/// How the bytes on disk hold the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// A gzip file: it begins with 1f 8b. Also what an empty file is said to be.
    Gzip,
    /// Anything else, taken as the content itself: browsers and HTTP clients inflate silently and keep
    /// the name (docs/spec/format.md 1.3).
    Inflated,
}

/// How a file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The whole file was one intact gzip member, or was passed through to its end.
    Complete,
    /// The gzip member is intact, and bytes that are no gzip member follow it.
    TrailingData {
        /// How many bytes follow the member.
        bytes: u64,
    },
    /// The gzip member is intact, and what follows it begins like another one (1f 8b 08).
    ExtraMember {
        /// How many bytes follow the first member.
        bytes: u64,
    },
    /// The file ends within the gzip header, the compressed data or the trailer.
    Truncated,
    /// The gzip header is not valid, the compressed data cannot be inflated, or the trailer's CRC-32 or
    /// length is not that of the content.
    Corrupt {
        /// What is wrong, as a phrase.
        reason: String,
    },
    /// The file has 0 bytes.
    Empty,
    /// The content goes on beyond the limit that was given; the rest was not read.
    LimitExceeded {
        /// The limit, in inflated bytes.
        limit: u64,
    },
}

/// Inflates one file after the other, into windows that the caller provides.
///
/// Holds about 110 KB whatever the files are; make one per thread and [`start`](Self::start) it for each file.
/// Only read errors are errors: what is wrong with a file's content is its [`ending`](Self::ending).
#[derive(Debug)]
pub struct Inflater {
    // Raw deflate with our own header and trailer: flate2 cannot reset a gzip state to gzip, and this is
    // 3 to 8 % faster than a new gzip state per file.
    deflate: Decompress,
    crc: crc32fast::Hasher,
    input: Box<[u8]>,
    unread: std::ops::Range<usize>,
    at_end_of_input: bool,
    state: State,
    form: Form,
    ending: Ending,
    compressed: u64,
    inflated: u64,
    limit: u64,
    all_members: bool,
    members: u64,
    member_start: u64,
    fails_trailer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Deflate,
    PassThrough,
    Ended,
    Failed,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflater {
    /// An inflater that is ready for a first file, without a limit.
    pub fn new() -> Self {
        Self {
            deflate: Decompress::new(false),
            crc: crc32fast::Hasher::new(),
            input: vec![0; INPUT_BYTES].into_boxed_slice(),
            unread: 0..0,
            at_end_of_input: false,
            state: State::Start,
            form: Form::Gzip,
            ending: Ending::Truncated,
            compressed: 0,
            inflated: 0,
            limit: u64::MAX,
            all_members: false,
            members: 0,
            member_start: 0,
            fails_trailer: false,
        }
    }

    /// Makes ready for the next file, whose content may have `limit` bytes at most.
    pub fn start(&mut self, limit: u64) {
        self.deflate.reset(false);
        self.crc.reset();
        self.unread = 0..0;
        self.at_end_of_input = false;
        self.state = State::Start;
        self.form = Form::Gzip;
        self.ending = Ending::Truncated;
        self.compressed = 0;
        self.inflated = 0;
        self.limit = limit;
        self.all_members = false;
        self.members = 0;
        self.member_start = 0;
        self.fails_trailer = false;
    }

    /// Makes ready like [`start`](Self::start), for a reader that wants the content of every gzip member, one
    /// after the other, as `gzip -d` gives it.
    ///
    /// The ending is never `ExtraMember` then, and tells of the last member: what is damaged, or what follows
    /// it and is no member. Not for verification, where a second member is a finding.
    pub fn start_all_members(&mut self, limit: u64) {
        self.start(limit);
        self.all_members = true;
    }

    /// Fills `out` with the content that comes next, and says how many bytes it wrote.
    ///
    /// `out`, of any size from 1 byte, is filled completely unless the content ends: fewer bytes, or 0, mean
    /// that it has ended and that [`ending`](Self::ending) is final. `input` is the same reader in all calls
    /// for one file; it is read in pieces of 64 KiB, in the end to its own end, so that nothing after the
    /// gzip member escapes (unless the file is corrupt or its content beyond the limit).
    ///
    /// # Errors
    ///
    /// What `input` returns, except that interrupted reads are tried again. After an error the inflater must
    /// be started anew.
    pub fn fill<R: Read + ?Sized>(&mut self, input: &mut R, out: &mut [u8]) -> io::Result<usize> {
        let filled = self.advance(input, out);
        if filled.is_err() {
            self.state = State::Failed;
        }
        filled
    }

    /// How the file ended. Until it has, `Truncated`: what was read so far is not the whole.
    pub fn ending(&self) -> &Ending {
        &self.ending
    }

    /// How the file holds its content; known after the first [`fill`](Self::fill).
    pub fn form(&self) -> Form {
        self.form
    }

    /// Whether the file is corrupt in this alone: its compressed data came to their end and nothing follows, but
    /// the trailer's CRC-32 or length is not that of the content. All content was given then, and either it or the
    /// trailer was changed.
    pub fn fails_trailer(&self) -> bool {
        self.fails_trailer
    }

    /// Bytes of content written out since the start.
    pub fn inflated(&self) -> u64 {
        self.inflated
    }

    /// Intact gzip members read since the start; what follows the first one is counted only after
    /// [`start_all_members`](Self::start_all_members).
    pub fn members(&self) -> u64 {
        self.members
    }

    /// Bytes read from the input since the start: the file's size once it has ended, unless the ending is
    /// `Corrupt` or `LimitExceeded`.
    pub fn compressed(&self) -> u64 {
        self.compressed
    }

    /// Reads one whole file, of at most `limit` content bytes, into memory. See [`inflate_all`].
    ///
    /// # Errors
    ///
    /// Those of [`fill`](Self::fill).
    pub fn inflate_all<R: Read + ?Sized>(
        &mut self,
        input: &mut R,
        limit: u64,
    ) -> io::Result<(Vec<u8>, Form, Ending)> {
        const FIRST_BYTES: usize = 16 * 1024;
        self.start(limit);
        let mut content = Vec::new();
        let mut length = 0;
        while length == content.len() {
            // doubled by what was really there: the size that the gzip trailer declares is not trusted
            content.resize((content.len() * 2).max(FIRST_BYTES), 0);
            length += self.fill(input, &mut content[length..])?;
        }
        content.truncate(length);
        content.shrink_to_fit();
        Ok((content, self.form, self.ending.clone()))
    }

    fn advance<R: Read + ?Sized>(&mut self, input: &mut R, out: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            let rest = &mut out[filled..];
            filled += match self.state {
                State::Start => self.open(input)?,
                State::Deflate => self.inflate(input, rest)?,
                State::PassThrough => self.pass_through(input, rest)?,
                State::Ended => break,
                State::Failed => return Err(io::Error::other("an earlier read of this file failed")),
            };
        }
        Ok(filled)
    }

    /// Looks at the first two bytes, and reads the header of a gzip file.
    fn open<R: Read + ?Sized>(&mut self, input: &mut R) -> io::Result<usize> {
        while self.unread.len() < 2 && self.refill(input)? {}
        match self.unread_bytes() {
            [] => self.end(Ending::Empty),
            // a gzip file cut after its first byte is likelier than a JSON file of one control character
            [0x1f] => self.end(Ending::Truncated),
            [0x1f, 0x8b, ..] => match self.read_header(input) {
                Ok(()) => self.state = State::Deflate,
                Err(stop) => self.stop(stop)?,
            },
            _ => {
                self.form = Form::Inflated;
                self.state = State::PassThrough;
            }
        }
        Ok(0)
    }

    /// One step of inflating: less than a full `out` does not mean that the content has ended.
    fn inflate<R: Read + ?Sized>(&mut self, input: &mut R, out: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.refill(input)?;
        }
        let mut probe = [0];
        let room = self.room(out.len());
        // at the limit, see whether there is more
        let target = if room == 0 { &mut probe[..] } else { &mut out[..room] };

        let (taken_before, written_before) = (self.deflate.total_in(), self.deflate.total_out());
        let status = self.deflate.decompress(&self.input[self.unread.clone()], target, FlushDecompress::None);
        let taken = (self.deflate.total_in() - taken_before) as usize;
        let written = (self.deflate.total_out() - written_before) as usize;
        self.unread.start += taken;
        if written > room {
            self.end(Ending::LimitExceeded { limit: self.limit });
            return Ok(0);
        }
        self.crc.update(&target[..written]);
        self.inflated += written as u64;

        match status {
            Ok(Status::StreamEnd) => {
                if let Err(stop) = self.read_trailer(input) {
                    self.stop(stop)?;
                }
            }
            Ok(_) if taken > 0 || written > 0 || !self.at_end_of_input => {}
            Ok(_) if self.unread.is_empty() => self.end(Ending::Truncated),
            Ok(_) => self.end(Ending::Corrupt { reason: "the compressed data leads nowhere".into() }),
            // The library's own words depend on how the input was cut into windows.
            Err(_) => {
                let reason =
                    format!("the compressed data is not valid after {} bytes of content", self.inflated);
                self.end(Ending::Corrupt { reason });
            }
        }
        Ok(written)
    }

    /// One step of passing content through.
    fn pass_through<R: Read + ?Sized>(&mut self, input: &mut R, out: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() && !self.refill(input)? {
            self.end(Ending::Complete);
            return Ok(0);
        }
        let length = self.room(out.len()).min(self.unread.len());
        if length == 0 {
            self.end(Ending::LimitExceeded { limit: self.limit });
            return Ok(0);
        }
        out[..length].copy_from_slice(&self.unread_bytes()[..length]);
        self.unread.start += length;
        self.inflated += length as u64;
        Ok(length)
    }

    /// Reads the header of the member (RFC 1952, 2.3).
    fn read_header<R: Read + ?Sized>(&mut self, input: &mut R) -> Result<(), Stop> {
        const CRC16: u8 = 1 << 1;
        const EXTRA: u8 = 1 << 2;
        const NAME: u8 = 1 << 3;
        const COMMENT: u8 = 1 << 4;
        const RESERVED: u8 = 0b1110_0000;

        let [_, _] = self.header_bytes(input)?;
        let [method] = self.header_bytes(input)?;
        if method != 8 {
            return Err(corrupt(format!("the header names compression method {method}, not deflate (8)")));
        }
        let [flags] = self.header_bytes(input)?;
        if flags & RESERVED != 0 {
            return Err(corrupt(format!("the header sets reserved flags ({flags:#04x})")));
        }
        let [_time, _, _, _, _extra_flags, _system] = self.header_bytes(input)?;
        if flags & EXTRA != 0 {
            for _ in 0..u16::from_le_bytes(self.header_bytes(input)?) {
                let [_] = self.header_bytes(input)?;
            }
        }
        for text in [NAME, COMMENT] {
            if flags & text != 0 {
                while self.header_bytes(input)? != [0] {}
            }
        }
        if flags & CRC16 != 0 {
            let actual = (self.crc.clone().finalize() & 0xffff) as u16;
            let stated = u16::from_le_bytes(self.header_bytes(input)?);
            if stated != actual {
                return Err(corrupt(format!(
                    "the header states the checksum {stated:04x} for itself, but it is {actual:04x}"
                )));
            }
        }
        self.crc.reset();
        Ok(())
    }

    /// Checks the trailer of the member and counts what follows it.
    fn read_trailer<R: Read + ?Sized>(&mut self, input: &mut R) -> Result<(), Stop> {
        let mut trailer = [0; 8];
        for byte in &mut trailer {
            *byte = self.next_byte(input)?;
        }
        let [c0, c1, c2, c3, l0, l1, l2, l3] = trailer;
        let stated_crc = u32::from_le_bytes([c0, c1, c2, c3]);
        let actual_crc = self.crc.clone().finalize();
        if stated_crc != actual_crc {
            let reason = format!(
                "the trailer states the CRC-32 {stated_crc:08x}, but that of the content is {actual_crc:08x}"
            );
            return self.fail_trailer(input, reason);
        }
        let stated_length = u32::from_le_bytes([l0, l1, l2, l3]);
        // the format keeps the length modulo 2^32
        let actual_length = (self.inflated - self.member_start) as u32;
        if stated_length != actual_length {
            let reason =
                format!("the trailer states {stated_length} bytes of content, but there are {actual_length}");
            return self.fail_trailer(input, reason);
        }
        self.members += 1;
        while self.unread.len() < MEMBER_START.len() && self.refill(input)? {}
        let is_member = self.unread_bytes().starts_with(&MEMBER_START);
        if is_member && self.all_members {
            self.deflate.reset(false);
            self.crc.reset();
            self.member_start = self.inflated;
            // the state stays as it is: inflating
            return self.read_header(input);
        }
        let ending = self.read_rest(input, is_member)?;
        self.end(ending);
        Ok(())
    }

    /// The trailer is not that of the content; whether anything follows it tells if all content was given.
    fn fail_trailer<R: Read + ?Sized>(&mut self, input: &mut R, reason: String) -> Result<(), Stop> {
        self.fails_trailer = self.unread.is_empty() && !self.refill(input)?;
        Err(corrupt(reason))
    }

    fn read_rest<R: Read + ?Sized>(&mut self, input: &mut R, is_member: bool) -> io::Result<Ending> {
        let mut bytes = self.unread.len() as u64;
        self.unread.start = self.unread.end;
        while self.refill(input)? {
            bytes += self.unread.len() as u64;
            self.unread.start = self.unread.end;
        }
        Ok(match bytes {
            0 => Ending::Complete,
            bytes if is_member => Ending::ExtraMember { bytes },
            bytes => Ending::TrailingData { bytes },
        })
    }

    /// The next bytes of the header, which its own checksum covers.
    fn header_bytes<const N: usize, R: Read + ?Sized>(&mut self, input: &mut R) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        for byte in &mut bytes {
            *byte = self.next_byte(input)?;
        }
        self.crc.update(&bytes);
        Ok(bytes)
    }

    fn next_byte<R: Read + ?Sized>(&mut self, input: &mut R) -> Result<u8, Stop> {
        if self.unread.is_empty() && !self.refill(input)? {
            return Err(Stop::Ending(Ending::Truncated));
        }
        let byte = self.input[self.unread.start];
        self.unread.start += 1;
        Ok(byte)
    }

    /// Adds to the unread bytes; `false` when the input has no more.
    fn refill<R: Read + ?Sized>(&mut self, input: &mut R) -> io::Result<bool> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == self.input.len() {
            self.input.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        while !self.at_end_of_input {
            match input.read(&mut self.input[self.unread.end..]) {
                Ok(0) => self.at_end_of_input = true,
                Ok(length) => {
                    self.unread.end += length;
                    self.compressed += length as u64;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn unread_bytes(&self) -> &[u8] {
        &self.input[self.unread.clone()]
    }

    /// How much of an output of `length` bytes may be filled under the limit.
    fn room(&self, length: usize) -> usize {
        usize::try_from(self.limit - self.inflated).map_or(length, |left| left.min(length))
    }

    fn stop(&mut self, stop: Stop) -> io::Result<()> {
        match stop {
            Stop::Ending(ending) => {
                self.end(ending);
                Ok(())
            }
            Stop::Io(error) => Err(error),
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending = ending;
        self.state = State::Ended;
    }
}

/// Why reading a header or trailer stopped.
enum Stop {
    Ending(Ending),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn corrupt(reason: String) -> Stop {
    Stop::Ending(Ending::Corrupt { reason })
}

/// The content of one file as a [`Read`], for parsers.
///
/// Ends where the content ends, for whatever reason: look at the [`Inflater::ending`] afterwards. A parser that
/// reads byte by byte, such as `serde_json::from_reader`, wants a `BufReader` around this.
#[derive(Debug)]
pub struct GzipReader<'a, R> {
    inflater: &'a mut Inflater,
    input: R,
}

impl<'a, R: Read> GzipReader<'a, R> {
    /// Starts the inflater for the file `input`, whose content may have `limit` bytes at most.
    pub fn new(inflater: &'a mut Inflater, input: R, limit: u64) -> Self {
        inflater.start(limit);
        Self { inflater, input }
    }

    /// The inflater, which knows form, sizes and ending.
    pub fn inflater(&self) -> &Inflater {
        self.inflater
    }
}

impl<R: Read> Read for GzipReader<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.inflater.fill(&mut self.input, out)
    }
}

/// Reads one whole file into memory: its content, its form, and how it ended.
///
/// For small files such as digests. The content has `limit` bytes at most, and memory grows with the bytes that
/// are really there, never by the declared size. Whatever the ending, the content is what came before it.
///
/// # Errors
///
/// What `input` returns, except that interrupted reads are tried again.
pub fn inflate_all<R: Read>(mut input: R, limit: u64) -> io::Result<(Vec<u8>, Form, Ending)> {
    Inflater::new().inflate_all(&mut input, limit)
}
