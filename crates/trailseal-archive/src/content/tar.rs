//! Reading tar archives as a stream: ustar, pax, GNU long names, and the forms before them.
//!
//! Nothing is believed: names have a limit, sizes are only ever counted down, and where a header is damaged
//! the next intact one is looked for, so that what follows is not lost.

use std::io::{self, Read};

use super::{
    Reason,
    detect::{checksum_matches, number},
    source::Source,
};

const BLOCK: usize = 512;

/// How many bytes of long names and pax records are read; anything beyond is no name.
const MAX_META: u64 = 1 << 20;

/// Something in an archive.
pub(super) struct TarMember {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Where a link leads.
    pub(super) target: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Directory,
    /// Another name of an earlier member.
    HardLink,
    SymbolicLink,
    /// A device, a pipe: nothing that has content.
    Other,
    /// A file with holes, of which the archive holds only the rest.
    Sparse,
}

/// What comes next.
pub(super) enum Next {
    Member(TarMember),
    /// A piece that cannot be read, after which the archive goes on.
    Damage(Reason),
    /// The end, or why there is no more.
    End(Option<Reason>),
}

pub(super) struct TarReader<'s, 'a> {
    source: &'s mut Source<'a>,
    /// Bytes of the current member's content, and of the padding after it.
    content: u64,
    padding: u64,
    position: u64,
    pending: Option<[u8; BLOCK]>,
    zero_blocks: u64,
    cut_off: bool,
    ended: bool,
}

/// What the headers before a member's own say about it.
#[derive(Default)]
struct Extended {
    name: Option<String>,
    target: Option<String>,
    size: Option<u64>,
    sparse: bool,
}

impl<'s, 'a> TarReader<'s, 'a> {
    pub(super) fn new(source: &'s mut Source<'a>) -> Self {
        Self {
            source,
            content: 0,
            padding: 0,
            position: 0,
            pending: None,
            zero_blocks: 0,
            cut_off: false,
            ended: false,
        }
    }

    /// How many bytes of the archive have been read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether a reader of a member's content came upon the end of the archive.
    pub(super) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Leaves the current member and reads to the next one.
    pub(super) fn next(&mut self) -> Next {
        let mut extended = Extended::default();
        loop {
            if self.ended {
                return Next::End(None);
            }
            if let Err(reason) = self.skip() {
                return self.end(Some(reason));
            }
            let header = match self.header() {
                Ok(Some(header)) => header,
                Ok(None) => return self.end(None),
                Err(reason) => return self.end(Some(reason)),
            };
            let Some(size) = self.size_of(&header) else {
                return match self.resynchronize() {
                    Ok(reason) => Next::Damage(reason),
                    Err(reason) => self.end(Some(reason)),
                };
            };
            let kind = header[156];
            let has_data = !(b'1'..=b'6').contains(&kind);
            self.content = if has_data { size } else { 0 };
            if has_data && !matches!(kind, b'L' | b'K' | b'x' | b'X' | b'g') {
                self.content = extended.size.unwrap_or(size);
            }
            self.padding = self.content.wrapping_neg() % BLOCK as u64;
            match kind {
                b'L' => match self.meta() {
                    Ok(bytes) => extended.name = Some(text_of(&bytes)),
                    Err(reason) => return self.end(Some(reason)),
                },
                b'x' | b'X' => match self.meta() {
                    Ok(bytes) => read_pax(&bytes, &mut extended),
                    Err(reason) => return self.end(Some(reason)),
                },
                b'K' => match self.meta() {
                    Ok(bytes) => extended.target = Some(text_of(&bytes)),
                    Err(reason) => return self.end(Some(reason)),
                },
                // global records, a volume's label
                b'g' | b'V' => {}
                _ => {
                    let name = extended.name.take().unwrap_or_else(|| name_of(&header));
                    let target = extended.target.take().unwrap_or_else(|| text_of(&header[157..257]));
                    let kind = match kind {
                        b'1' => Kind::HardLink,
                        b'2' => Kind::SymbolicLink,
                        b'5' => Kind::Directory,
                        b'3'..=b'6' => Kind::Other,
                        b'S' => {
                            if let Err(reason) = self.sparse_headers(&header) {
                                return self.end(Some(reason));
                            }
                            Kind::Sparse
                        }
                        _ if extended.sparse => Kind::Sparse,
                        _ if name.ends_with('/') => Kind::Directory,
                        _ => Kind::File,
                    };
                    return Next::Member(TarMember { name, kind, target });
                }
            }
        }
    }

    fn end(&mut self, reason: Option<Reason>) -> Next {
        self.ended = true;
        Next::End(reason)
    }

    /// The next header that is not a block of zeros.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, Reason> {
        loop {
            let block = match self.pending.take() {
                Some(block) => block,
                None => match self.block()? {
                    Some(block) => block,
                    // whatever follows the zeros at the end is read on, so that nothing hides behind them
                    None if self.zero_blocks > 0 => return Ok(None),
                    None => return Err(Reason::Truncated { within: "the tar archive, before its end mark" }),
                },
            };
            if block.iter().any(|&byte| byte != 0) {
                return Ok(Some(block));
            }
            self.zero_blocks += 1;
        }
    }

    /// The size in a header that is valid.
    fn size_of(&mut self, header: &[u8; BLOCK]) -> Option<u64> {
        let size = checksum_matches(header).then(|| number(&header[124..136])).flatten()?;
        // an archive ends after the last member only
        self.zero_blocks = 0;
        // room for the padding, whatever comes
        (size <= u64::MAX - BLOCK as u64).then_some(size)
    }

    /// Skips to the next valid header.
    fn resynchronize(&mut self) -> Result<Reason, Reason> {
        let start = self.position - BLOCK as u64;
        let mut end = self.position;
        self.zero_blocks = 0;
        while let Some(block) = self.block()? {
            if is_zero(&block) {
                self.zero_blocks += 1;
            } else if checksum_matches(&block) && number(&block[124..136]).is_some() {
                self.pending = Some(block);
                break;
            } else {
                self.zero_blocks = 0;
                end = self.position;
            }
        }
        let bytes = end - start;
        Ok(Reason::corrupt(format!("{bytes} bytes at byte {start} of the tar archive are no tar member")))
    }

    /// GNU sparse files list their pieces in blocks after the header.
    fn sparse_headers(&mut self, header: &[u8; BLOCK]) -> Result<(), Reason> {
        let mut goes_on = header[482] != 0;
        while goes_on {
            let block = self.block()?.ok_or(Reason::Truncated { within: "a tar header" })?;
            goes_on = block[504] != 0;
        }
        Ok(())
    }

    /// Reads the content of a header that only tells about the next one.
    fn meta(&mut self) -> Result<Vec<u8>, Reason> {
        let mut bytes = Vec::new();
        let mut limited = self.take(MAX_META);
        // an error is kept by the source, and found when the rest is skipped
        if limited.read_to_end(&mut bytes).is_err() {
            bytes.clear();
        }
        self.skip()?;
        Ok(bytes)
    }

    /// Skips what is left of the current member.
    fn skip(&mut self) -> Result<(), Reason> {
        let mut rest = [0; 8192];
        while self.content > 0 {
            if self.read_content(&mut rest)? == 0 {
                break;
            }
        }
        let padding = std::mem::take(&mut self.padding) as usize;
        let length = self.source.read_full(&mut rest[..padding]);
        self.position += length as u64;
        if length < padding {
            return Err(self.source.failure_or(Reason::Truncated { within: "a tar member's padding" }));
        }
        Ok(())
    }

    /// A block; `None` at the end.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, Reason> {
        let mut block = [0; BLOCK];
        let length = self.source.read_full(&mut block);
        self.position += length as u64;
        match (length, self.source.failure()) {
            (BLOCK, _) => Ok(Some(block)),
            (_, Some(reason)) => Err(reason.clone()),
            (0, None) => Ok(None),
            // some bytes of zeros at the end are no header
            _ if self.zero_blocks > 0 && is_zero(&block) => Ok(None),
            _ => Err(Reason::Truncated { within: "a tar header" }),
        }
    }

    fn read_content(&mut self, out: &mut [u8]) -> Result<usize, Reason> {
        let room = usize::try_from(self.content).map_or(out.len(), |left| left.min(out.len()));
        if room == 0 {
            return Ok(0);
        }
        match self.source.read_some(&mut out[..room]) {
            0 => {
                self.cut_off = true;
                Err(self.source.failure_or(Reason::Truncated { within: "a tar member" }))
            }
            length => {
                self.content -= length as u64;
                self.position += length as u64;
                Ok(length)
            }
        }
    }
}

/// Reads the current member's content.
impl Read for TarReader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.read_content(out).map_err(|reason| reason.at(0).into())
    }
}

impl TarReader<'_, '_> {
    fn take(&mut self, limit: u64) -> io::Take<&mut Self> {
        Read::take(self, limit)
    }
}

fn is_zero(block: &[u8]) -> bool {
    block.iter().all(|&byte| byte == 0)
}

fn name_of(header: &[u8; BLOCK]) -> String {
    let name = text_of(&header[..100]);
    // the prefix is POSIX; GNU archives ("ustar  ") have other things there
    let prefix = if &header[257..263] == b"ustar\0" { text_of(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// The text before the first NUL byte.
fn text_of(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Reads pax records: `LENGTH KEY=VALUE\n`, the length that of the whole record.
fn read_pax(mut bytes: &[u8], extended: &mut Extended) {
    while let Some(space) = bytes.iter().position(|&byte| byte == b' ') {
        let length = std::str::from_utf8(&bytes[..space]).ok().and_then(|digits| digits.parse().ok());
        let Some(record) = length.and_then(|length: usize| bytes.get(space + 1..length)) else { return };
        bytes = &bytes[space + 1 + record.len()..];
        let record = record.strip_suffix(b"\n").unwrap_or(record);
        let Some(equals) = record.iter().position(|&byte| byte == b'=') else { continue };
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        match key {
            b"path" => extended.name = Some(text_of(value)),
            b"linkpath" => extended.target = Some(text_of(value)),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                extended.size = size.filter(|&size: &u64| size <= u64::MAX - BLOCK as u64);
            }
            key if key.starts_with(b"GNU.sparse.") => extended.sparse = true,
            _ => {}
        }
    }
}
