//! Walking zip archives.
//!
//! A library for zip files would do, were it not that those keep entries by name: of two with one name, one is
//! lost in silence. An archive that is cut off, which has no directory, is read as far as it goes, too.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use super::{ArchiveMember, EntryName, EntryWalk, Reason, Visit};

use directory::{Directory, DirectoryRecord};
use entry::{Method, Stated, ZipEntryReader, differences};
use sequence::{Local, Sequence};

mod directory;
mod entry;
mod sequence;

/// The longest descriptor: mark, CRC-32, two sizes of 64 bits.
const MAX_DESCRIPTOR: u64 = 24;

/// The longest path that a link may lead to.
const MAX_TARGET: u64 = 4096;

/// Where zip archives are read from.
pub(super) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

impl EntryWalk<'_> {
    /// Walks the archive, by its central directory, or without one as far as it goes.
    ///
    /// `missing` is why not all of the archive is there, if it is known.
    pub(super) fn zip(
        &mut self,
        name: &EntryName,
        archive: &mut dyn ReadSeek,
        depth: u32,
        missing: Option<&Reason>,
    ) {
        let directory = match missing {
            Some(reason) => Err(reason.clone()),
            None => Directory::find(archive),
        };
        match directory {
            Ok(directory) => self.zip_by_directory(name, archive, directory, depth),
            Err(reason) => {
                let position = match archive.rewind() {
                    Ok(()) => self.zip_in_sequence(name, archive, depth),
                    Err(_) => 0,
                };
                if !self.is_over() {
                    self.problem(name, reason.at(position));
                }
            }
        }
    }

    fn zip_by_directory(
        &mut self,
        name: &EntryName,
        archive: &mut dyn ReadSeek,
        mut directory: Directory,
        depth: u32,
    ) {
        if directory.before > 0 {
            let what = format!("the first {} bytes are not part of the zip archive", directory.before);
            self.problem(name, Reason::Corrupt { what }.at(0));
        }
        // bytes that entries take, as long as that can be told
        let mut taken = Some(0_u64);
        loop {
            let record = match directory.next(archive) {
                Ok(Some(record)) => record,
                Ok(None) => break,
                Err(reason) => return self.problem(name, reason.at(0)),
            };
            if !self.count_entry(name) {
                return;
            }
            let shown = name.child(&record.name);
            let header = seek_to_data(archive, &record);
            taken = taken.zip(header.as_ref().ok()).and_then(|(taken, header)| {
                let descriptor = if record.has_descriptor { MAX_DESCRIPTOR } else { 0 };
                taken.checked_add(record.compressed)?.checked_add(header + descriptor)
            });
            if record.is_directory {
                self.outcome.skipped.directories += 1;
            } else if record.is_link && matches!(self.visit, Visit::Texts(_)) {
                self.outcome.skipped.others += 1;
            } else if record.encrypted {
                self.problem(&shown, Reason::Encrypted.at(0));
            } else if let Err(reason) = header {
                self.problem(&shown, reason.at(0));
            } else {
                let input = Read::take(&mut *archive, record.compressed);
                let mut input = BufReader::with_capacity(64 * 1024, input);
                if record.is_link {
                    self.zip_link(&shown, &mut input, &record);
                } else {
                    self.zip_entry(&shown, &mut input, record.method, Some(record.stated), depth);
                }
            }
        }
        if let Some(bytes) =
            taken.and_then(|taken| directory.room().checked_sub(taken)).filter(|&bytes| bytes > 0)
        {
            let what = format!("{bytes} bytes of the zip archive belong to no entry in its directory");
            self.problem(name, Reason::Corrupt { what }.at(0));
        }
        if directory.after > 0 {
            let reason = Reason::TrailingData { bytes: directory.after, after: "the zip archive" };
            self.problem(name, reason.at(0));
        }
    }

    /// A link's content is where it leads.
    fn zip_link(&mut self, name: &EntryName, input: &mut dyn BufRead, record: &DirectoryRecord) {
        let read = Method::of(record.method).and_then(|method| {
            let reader = ZipEntryReader::new(input, method, Some(record.stated), self.allowance.clone());
            let mut target = String::new();
            reader.take(MAX_TARGET).read_to_string(&mut target)?;
            Ok(target)
        });
        match read {
            Ok(target) => self.link(name, ArchiveMember::SymbolicLink(&target)),
            Err(reason) => self.problem(name, reason.at(0)),
        }
    }

    /// Reads on from one header to the next, and says how far it came.
    fn zip_in_sequence(&mut self, name: &EntryName, archive: &mut dyn ReadSeek, depth: u32) -> u64 {
        let mut sequence = Sequence::new(BufReader::with_capacity(64 * 1024, archive));
        while !self.is_over() {
            let Ok(Some(local)) = sequence.next() else { break };
            if !self.count_entry(name) {
                break;
            }
            let shown = name.child(&local.name);
            if local.name.ends_with('/') && local.compressed.is_none_or(|bytes| bytes == 0) {
                self.outcome.skipped.directories += 1;
            } else if let Some(compressed) = local.compressed {
                let mut limited = Read::take(&mut sequence, compressed);
                if local.encrypted {
                    self.problem(&shown, Reason::Encrypted.at(0));
                } else {
                    self.zip_entry(&shown, &mut limited, local.method, local.stated, depth);
                }
                drain(&mut limited);
            } else {
                self.zip_with_descriptor(&shown, &mut sequence, &local, depth);
            }
        }
        sequence.position()
    }

    /// An entry whose sizes follow it: only deflated data tells where it ends.
    fn zip_with_descriptor<R: BufRead>(
        &mut self,
        name: &EntryName,
        sequence: &mut Sequence<R>,
        local: &Local,
        depth: u32,
    ) {
        if local.encrypted {
            return self.problem(name, Reason::Encrypted.at(0));
        }
        if local.method == 0 {
            let what = "a stored zip entry that does not say its length, in an archive without a directory";
            return self.problem(name, Reason::unsupported(what).at(0));
        }
        let problems = self.outcome.problem_count();
        let actual = self.zip_entry(name, sequence, local.method, None, depth);
        // what is found after the entry is not told if something was wrong within
        let (Some(actual), true) = (actual, problems == self.outcome.problem_count()) else { return };
        let reason = match sequence.descriptor(local) {
            Ok(Some(stated)) => differences(stated, actual),
            Ok(None) => Some(Reason::Truncated { within: "the zip entry's descriptor" }),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = reason {
            self.problem(name, reason.at(actual.size));
        }
    }

    fn zip_entry(
        &mut self,
        name: &EntryName,
        input: &mut dyn BufRead,
        method: u16,
        stated: Option<Stated>,
        depth: u32,
    ) -> Option<Stated> {
        let method = match Method::of(method) {
            Ok(method) => method,
            Err(reason) => {
                self.problem(name, reason.at(0));
                return None;
            }
        };
        let mut reader = ZipEntryReader::new(input, method, stated, self.allowance.clone());
        self.stream(name, &mut reader, depth);
        // in a sequence, the next entry is found by reading this one to its end
        if stated.is_none() {
            drain(&mut reader);
        }
        reader.actual()
    }
}

/// Goes to where an entry's data begins, after its own header, and says how long that is.
fn seek_to_data(archive: &mut dyn ReadSeek, record: &DirectoryRecord) -> Result<u64, Reason> {
    archive.seek(SeekFrom::Start(record.header))?;
    let mut header = [0; 30];
    archive.read_exact(&mut header).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Reason::Truncated { within: "a zip header" },
        _ => error.into(),
    })?;
    if !header.starts_with(b"PK\x03\x04") {
        return Err(Reason::corrupt("the zip entry's own header is not where the directory says"));
    }
    let rest = u32::from(u16_at(&header, 26)) + u32::from(u16_at(&header, 28));
    archive.seek(SeekFrom::Current(rest.into()))?;
    Ok(u64::from(rest) + header.len() as u64)
}

/// Reads to the end, or to the error that was told already.
fn drain(reader: &mut dyn Read) {
    let mut rest = [0; 8192];
    loop {
        match reader.read(&mut rest) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// Takes the values that do not fit into 32 bits from the extra field; `false` if it has none.
fn zip64_words(mut extra: &[u8], values: &mut [&mut u64]) -> bool {
    while let Some((header, rest)) = extra.split_first_chunk::<4>() {
        let Some(field) = rest.get(..usize::from(u16_at(header, 2))) else { return false };
        if u16_at(header, 0) == 1 {
            let mut words = field.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
            for value in values.iter_mut().filter(|value| ***value == u64::from(u32::MAX)) {
                **value = words.next().unwrap_or(**value);
            }
            return true;
        }
        extra = &rest[field.len()..];
    }
    false
}
