//! Walking zip archives.

use std::{
    cell::Cell,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
};

use zip::ZipArchive;

use super::{EntryName, Reason, Walk};

use entry::{EntryReader, Method, Stated, differences};
use sequence::{Local, Sequence};

mod entry;
mod sequence;

/// How much of a central directory is held in memory (about ten times that while it is read); archives with
/// a longer one, beyond 100,000 entries, are read in sequence.
const MAX_DIRECTORY: u64 = 24 << 20;

/// Where zip archives are read from.
pub(super) trait ReadSeek: Read + Seek {}

impl<R: Read + Seek> ReadSeek for R {}

impl Walk<'_> {
    /// Walks the archive, by its central directory, or without one as far as it goes.
    ///
    /// `missing` is why not all of the archive is there, if it is known.
    pub(super) fn zip(
        &mut self,
        name: &EntryName,
        archive: &mut dyn ReadSeek,
        depth: u32,
        missing: Option<Reason>,
    ) {
        let allowance = Cell::new(MAX_DIRECTORY);
        let opened = match &missing {
            Some(reason) => Err(reason.clone()),
            None => {
                let metered = Metered { inner: &mut *archive, left: &allowance };
                ZipArchive::new(BufReader::new(metered)).map_err(|error| match error {
                    zip::result::ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                        error.into()
                    }
                    error => Reason::corrupt(format!("the zip archive has no valid directory ({error})")),
                })
            }
        };
        let is_long = allowance.get() == 0;
        allowance.set(u64::MAX);
        match opened {
            Ok(mut zip) => self.zip_by_directory(name, &mut zip, depth),
            Err(reason) => {
                let (position, at_directory) = match archive.rewind() {
                    Ok(()) => self.zip_in_sequence(name, archive, depth),
                    Err(_) => (0, false),
                };
                if !(is_long && at_directory) && !self.is_over() {
                    self.problem(name, reason.at(position));
                }
            }
        }
    }

    fn zip_by_directory<R: Read + Seek>(&mut self, name: &EntryName, zip: &mut ZipArchive<R>, depth: u32) {
        for index in 0..zip.len() {
            if !self.count_entry(name) {
                return;
            }
            let shown = match zip.name_for_index(index) {
                Some(Ok(entry)) => name.child(&entry),
                _ => name.child(&format!("#{index}")),
            };
            let file = match zip.by_index_raw(index) {
                Ok(file) => file,
                Err(error) => {
                    self.problem(&shown, zip_reason(error).at(0));
                    continue;
                }
            };
            if file.is_dir() {
                self.outcome.skipped.directories += 1;
            } else if file.is_symlink() {
                self.outcome.skipped.others += 1;
            } else if file.encrypted() {
                self.problem(&shown, Reason::Encrypted.at(0));
            } else {
                #[expect(deprecated, reason = "the number of a method that is not read")]
                let method = file.compression().to_u16();
                let stated = Stated { crc: file.crc32(), size: file.size() };
                let mut input = BufReader::with_capacity(64 * 1024, file);
                self.zip_entry(&shown, &mut input, method, Some(stated), depth);
            }
        }
    }

    /// Reads on from one header to the next. Says how far it came, and whether that is where a directory
    /// begins.
    fn zip_in_sequence(&mut self, name: &EntryName, archive: &mut dyn ReadSeek, depth: u32) -> (u64, bool) {
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
        (sequence.position(), sequence.at_directory)
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
        let mut reader = EntryReader::new(input, method, stated, self.allowance.clone());
        self.stream(name, &mut reader, depth);
        // in a sequence, the next entry is found by reading this one to its end
        if stated.is_none() {
            drain(&mut reader);
        }
        reader.actual()
    }
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

fn zip_reason(error: zip::result::ZipError) -> Reason {
    match error {
        zip::result::ZipError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Reason::Truncated { within: "a zip header" }
        }
        zip::result::ZipError::Io(error) => error.into(),
        error => Reason::corrupt(format!("the zip entry cannot be read ({error})")),
    }
}

/// Stops a reader that wants more than it should.
struct Metered<'a> {
    inner: &'a mut dyn ReadSeek,
    left: &'a Cell<u64>,
}

impl Read for Metered<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            return Err(io::Error::other("the zip directory is too long"));
        }
        let length = self.inner.read(out)?;
        self.left.set(self.left.get().saturating_sub(length as u64));
        Ok(length)
    }
}

impl Seek for Metered<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
