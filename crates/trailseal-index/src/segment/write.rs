//! Making a segment.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::Path,
};

use super::{
    DERIVED, HEADER, MAGIC, SECTIONS, Section,
    facts::{Ends, StoredFacts, StoredHashes},
};
use crate::{
    bits,
    groups::{ColumnGroup, ExtractedNumber, NotIndexed},
    hashing::ByHash,
};

/// Files of a segment, at most.
const MAX_FILES: usize = 4096;
/// Events of a segment, at most.
const MAX_ROWS: usize = 1 << 18;
/// Bytes of filters, values and paths, at most.
const MAX_BYTES: usize = 24 << 20;

/// A file on its way into a segment: its events, then what is known of it.
#[derive(Debug, Default)]
pub struct FileEntry {
    times: Vec<i64>,
    /// The number of every event's value, group behind group.
    rows: [Vec<u32>; ColumnGroup::ALL.len()],
}

/// Collects files.
#[derive(Debug, Default)]
pub struct SegmentWriter {
    files: Vec<u8>,
    count: usize,
    /// Each as how many bytes it shares with the one before, and the rest.
    paths: Vec<u8>,
    last_path: Vec<u8>,
    filters: Vec<u8>,
    /// Seconds of every event behind the first of its file.
    times: Vec<u32>,
    groups: [GroupWriter; ColumnGroup::ALL.len()],
    extracted: ExtractedValues,
}

/// By the number that the extractor gave a value, the one that it has in its group, and one more; 0 for none.
#[derive(Debug, Default)]
struct ExtractedValues {
    generation: u32,
    numbers: Vec<u32>,
}

#[derive(Debug, Default)]
struct GroupWriter {
    numbers: HashMap<Box<[u8]>, u32, ByHash>,
    /// In the order of their numbers.
    bytes: Vec<u8>,
    ends: Vec<u32>,
    rows: Vec<u32>,
}

impl ExtractedValues {
    /// Where the number of a value stands.
    #[inline]
    fn place(&mut self, extracted: ExtractedNumber) -> &mut u32 {
        let ExtractedNumber { generation, number } = extracted;
        if generation != self.generation {
            self.numbers.clear();
            self.generation = generation;
        }
        if number >= self.numbers.len() {
            self.numbers.resize(number + 1, 0);
        }
        &mut self.numbers[number]
    }
}

impl GroupWriter {
    fn number(&mut self, value: &[u8]) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = self.ends.len() as u32;
        self.bytes.extend_from_slice(value);
        self.ends.push(self.bytes.len() as u32);
        self.numbers.insert(value.into(), number);
        number
    }
}

impl FileEntry {
    /// Forgets what it holds.
    pub fn clear(&mut self) {
        self.times.clear();
        self.rows.iter_mut().for_each(Vec::clear);
    }

    /// The first and last second of its events.
    pub fn span(&self) -> Option<(i64, i64)> {
        Some((*self.times.iter().min()?, *self.times.iter().max()?))
    }

    /// Adds the time of the next event, whose values were added.
    pub fn time(&mut self, time: i64) {
        self.times.push(time);
    }
}

impl SegmentWriter {
    /// Adds the value of a group of an event to a file that is on its way here; with the number that the
    /// [`Extractor`](crate::Extractor) gave it, if it did: of one extractor only.
    pub fn value(
        &mut self,
        entry: &mut FileEntry,
        group: ColumnGroup,
        extracted: Option<ExtractedNumber>,
        value: &[u8],
    ) {
        let of = &mut self.groups[group.index()];
        let number = match extracted {
            Some(extracted) => match self.extracted.place(extracted) {
                place @ 0 => {
                    let number = of.number(value);
                    *place = number + 1;
                    number
                }
                found => *found - 1,
            },
            None => of.number(value),
        };
        entry.rows[group.index()].push(number);
    }

    /// Adds a file: where it lies, what is known of it and of its bytes, its events and its filter.
    ///
    /// # Errors
    /// [`NotIndexed`] when it is more than a segment holds; nothing is added then but values that nobody has.
    pub fn add(
        &mut self,
        path: &Path,
        (facts, hashes): (&StoredFacts, &StoredHashes),
        entry: &FileEntry,
        filter: &[u8],
    ) -> Result<(), NotIndexed> {
        let first = entry.span().map_or(0, |span| span.0);
        let times: Option<Vec<u32>> =
            entry.times.iter().map(|time| u32::try_from(time - first).ok()).collect();
        let times = times.ok_or(NotIndexed::Time)?;
        let path = path.as_os_str().as_encoded_bytes();
        let is_whole = entry.rows.iter().all(|rows| rows.len() == times.len());
        if !is_whole || times.len() > MAX_ROWS || filter.len() + path.len() > MAX_BYTES {
            return Err(NotIndexed::TooMuch);
        }
        let shared = self.last_path.iter().zip(path).take_while(|(one, other)| one == other).count();
        let shared = u16::try_from(shared).unwrap_or(u16::MAX);
        self.paths.extend(shared.to_le_bytes());
        self.paths.extend_from_slice(&path[usize::from(shared)..]);
        path.clone_into(&mut self.last_path);
        self.filters.extend_from_slice(filter);
        self.times.extend(times);
        for (group, rows) in self.groups.iter_mut().zip(&entry.rows) {
            group.rows.extend_from_slice(rows);
        }
        let ends = Ends {
            path: self.paths.len() as u32,
            filter: self.filters.len() as u32,
            rows: self.times.len() as u32,
        };
        facts.write(hashes, ends, &mut self.files);
        self.count += 1;
        Ok(())
    }

    /// Whether there is no file yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether it is to be written before more is added.
    pub fn is_full(&self) -> bool {
        let values: usize = self.groups.iter().map(|group| group.bytes.len()).sum();
        self.count >= MAX_FILES
            || self.times.len() >= MAX_ROWS
            || self.paths.len() + self.filters.len() + values >= MAX_BYTES
    }

    /// Writes the segment.
    ///
    /// # Errors
    /// [`io::Error`] of the destination.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let sections: Vec<Vec<u8>> = self.sections();
        let mut header = Vec::with_capacity(HEADER);
        header.extend_from_slice(MAGIC);
        header.extend(DERIVED.to_le_bytes());
        header.extend((self.count as u32).to_le_bytes());
        header.extend((self.times.len() as u32).to_le_bytes());
        for section in &sections {
            header.extend((section.len() as u64).to_le_bytes());
            header.extend(crc32fast::hash(section).to_le_bytes());
        }
        header.extend(crc32fast::hash(&header).to_le_bytes());
        to.write_all(&header)?;
        sections.iter().try_for_each(|section| to.write_all(section))
    }

    fn sections(&self) -> Vec<Vec<u8>> {
        let mut sections = vec![Vec::new(); SECTIONS];
        sections[Section::Files.index()].extend_from_slice(&self.files);
        sections[Section::Paths.index()].extend_from_slice(&self.paths);
        sections[Section::Filters.index()].extend_from_slice(&self.filters);
        packed(&self.times, &mut sections[Section::Times.index()]);
        for (at, group) in self.groups.iter().enumerate() {
            let values = &mut sections[Section::Values(at).index()];
            values.extend((group.ends.len() as u32).to_le_bytes());
            group.ends.iter().for_each(|end| values.extend(end.to_le_bytes()));
            values.extend_from_slice(&group.bytes);
            packed(&group.rows, &mut sections[Section::Rows(at).index()]);
        }
        sections
    }
}

/// Their width, then the numbers.
fn packed(numbers: &[u32], to: &mut Vec<u8>) {
    let width = bits::width(numbers.iter().copied().max().unwrap_or(0));
    to.push(width);
    bits::pack(numbers.iter().copied(), width, to);
}
