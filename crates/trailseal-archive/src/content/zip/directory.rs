//! The central directory of a zip archive, read in windows, so that its length does not matter.
//!
//! Every record is an entry, also where several have one name.

use std::io::{Read, SeekFrom};

use crate::content::Reason;

use super::{ReadSeek, entry::Stated, u16_at, u32_at, u64_at, zip64_words};

/// The end record without its comment, the one before it in zip64, and a directory record's fixed part.
const END: usize = 22;
const LOCATOR: usize = 20;
const END64: usize = 56;
const RECORD: usize = 46;

/// How much of the directory is read at a time; a record may be longer.
const WINDOW: u64 = 64 * 1024;

/// What the directory says of an entry.
pub(super) struct DirectoryRecord {
    pub(super) name: String,
    pub(super) encrypted: bool,
    pub(super) method: u16,
    pub(super) stated: Stated,
    pub(super) compressed: u64,
    /// Where its own header is.
    pub(super) header: u64,
    /// Whether the sizes stand after the data again.
    pub(super) has_descriptor: bool,
    pub(super) is_directory: bool,
    pub(super) is_link: bool,
}

/// Where the records are, and the window over them.
pub(super) struct Directory {
    start: u64,
    end: u64,
    at: u64,
    window: Vec<u8>,
    window_start: u64,
    /// Bytes before the archive, to which its offsets do not refer.
    pub(super) before: u64,
    /// Bytes after it, its comment not counted.
    pub(super) after: u64,
}

impl Directory {
    /// Finds the directory from the end of the archive, and makes sure that all its records can be read.
    pub(super) fn find(archive: &mut dyn ReadSeek) -> Result<Self, Reason> {
        let length = archive.seek(SeekFrom::End(0))?;
        let tail_start = length.saturating_sub((END + usize::from(u16::MAX) + LOCATOR) as u64);
        let mut tail = Vec::new();
        read_at(archive, tail_start, length - tail_start, &mut tail)?;
        let at = find_end(&tail).ok_or_else(|| none("its end record is missing"))?;
        let end = &tail[at..];
        let (mut size, mut offset) = (u64::from(u32_at(end, 12)), u64::from(u32_at(end, 16)));
        let mut directory_end = tail_start + at as u64;
        let after = length - directory_end - (END + usize::from(u16_at(end, 20))) as u64;

        let locator = at.checked_sub(LOCATOR).map(|at| &tail[at..]);
        if let Some(locator) = locator.filter(|locator| locator.starts_with(b"PK\x06\x07")) {
            // where it is, as the locator says or right before it
            let nearby = directory_end.checked_sub((LOCATOR + END64) as u64);
            let found = [Some(u64_at(locator, 8)), nearby].into_iter().flatten().find_map(|start| {
                let mut end = Vec::new();
                read_at(archive, start, END64 as u64, &mut end).ok()?;
                (end.len() == END64 && end.starts_with(b"PK\x06\x06")).then_some((start, end))
            });
            let (start, end) = found.ok_or_else(|| none("its zip64 end record is missing"))?;
            (size, offset) = (u64_at(&end, 40), u64_at(&end, 48));
            directory_end = start;
        }
        let start = directory_end.checked_sub(size).ok_or_else(|| none("it is longer than the archive"))?;
        let before = start.checked_sub(offset).ok_or_else(|| none("it is not where the archive says"))?;

        let mut directory = Self {
            start,
            end: directory_end,
            at: start,
            window: Vec::new(),
            window_start: start,
            before,
            after,
        };
        while directory.next(archive)?.is_some() {}
        directory.at = directory.start;
        Ok(directory)
    }

    /// How many bytes the entries have room for.
    pub(super) fn room(&self) -> u64 {
        self.start - self.before
    }

    /// The next record.
    pub(super) fn next(&mut self, archive: &mut dyn ReadSeek) -> Result<Option<DirectoryRecord>, Reason> {
        if self.at == self.end {
            return Ok(None);
        }
        let fixed = self.bytes(archive, RECORD)?;
        if !fixed.starts_with(b"PK\x01\x02") {
            return Err(none("one of its records is not valid"));
        }
        let (name, extra) = (usize::from(u16_at(fixed, 28)), usize::from(u16_at(fixed, 30)));
        let length = RECORD + name + extra + usize::from(u16_at(fixed, 32));
        let before = self.before;
        let record = self.bytes(archive, length)?;

        let flags = u16_at(record, 8);
        let mut size = u64::from(u32_at(record, 24));
        let mut compressed = u64::from(u32_at(record, 20));
        let mut header = u64::from(u32_at(record, 42));
        let extra = &record[RECORD + name..RECORD + name + extra];
        zip64_words(extra, &mut [&mut size, &mut compressed, &mut header]);
        let name = &record[RECORD..RECORD + name];
        // the file types of Unix, if that is where the archive was made
        let unix_type = if record[5] == 3 { u32_at(record, 38) >> 28 } else { 0 };
        let record = DirectoryRecord {
            name: String::from_utf8_lossy(name).into_owned(),
            encrypted: flags & 1 != 0,
            method: u16_at(record, 10),
            stated: Stated { crc: u32_at(record, 16), size },
            compressed,
            header: header.saturating_add(before),
            has_descriptor: flags & 8 != 0,
            is_directory: name.ends_with(b"/") && size == 0,
            is_link: unix_type == 0o12,
        };
        self.at += length as u64;
        Ok(Some(record))
    }

    /// The next bytes of the directory.
    fn bytes(&mut self, archive: &mut dyn ReadSeek, length: usize) -> Result<&[u8], Reason> {
        let needed = length as u64;
        if self.end - self.at < needed {
            return Err(none("one of its records is not valid"));
        }
        if self.at < self.window_start || self.window_start + (self.window.len() as u64) < self.at + needed {
            let length = needed.max(WINDOW).min(self.end - self.at);
            self.window.clear();
            self.window_start = self.at;
            read_at(archive, self.at, length, &mut self.window)?;
            if (self.window.len() as u64) < needed {
                return Err(none("it cannot be read to its end"));
            }
        }
        let at = (self.at - self.window_start) as usize;
        Ok(&self.window[at..at + length])
    }
}

/// The last end record in the last bytes of an archive, one that ends with them if there is one.
fn find_end(tail: &[u8]) -> Option<usize> {
    let ends = || {
        let last = tail.len().checked_sub(END).map_or(0..0, |last| 0..last + 1);
        last.rev().filter_map(|at| {
            let record = &tail[at..];
            let end = record.starts_with(b"PK\x05\x06").then(|| END + usize::from(u16_at(record, 20)))?;
            (end <= record.len()).then_some((at, end == record.len()))
        })
    };
    ends().find(|(_, is_exact)| *is_exact).or_else(|| ends().next()).map(|(at, _)| at)
}

fn read_at(archive: &mut dyn ReadSeek, at: u64, length: u64, out: &mut Vec<u8>) -> Result<(), Reason> {
    archive.seek(SeekFrom::Start(at))?;
    archive.take(length).read_to_end(out)?;
    Ok(())
}

fn none(why: &str) -> Reason {
    Reason::corrupt(format!("the zip archive has no valid directory: {why}"))
}
