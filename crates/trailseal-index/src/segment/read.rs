//! Reading a segment.

use std::{fs::File, os::unix::fs::FileExt as _, sync::OnceLock};

use super::{
    DERIVED, HEADER, MAGIC, MAX_SECTION, SECTIONS, Section, SegmentError,
    facts::{Ends, FACTS, StoredFacts, StoredHashes, half, word},
};
use crate::{
    bits::Packed,
    groups::{ColumnGroup, GroupValue},
    values::ValueFilter,
};

/// A segment, open; of it, what is known of its files as wholes is in memory, and all else is read when it is asked for.
#[derive(Debug)]
pub struct Segment {
    file: File,
    sections: [Place; SECTIONS],
    rows: usize,
    facts: Vec<(StoredFacts, Ends)>,
    /// Read when they are asked for; `None` if they cannot be.
    hashes: OnceLock<Option<Vec<StoredHashes>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: u64,
    length: u64,
    checksum: u32,
}

impl Segment {
    /// Opens one.
    ///
    /// # Errors
    /// [`SegmentError`] when it is none that this program can use.
    pub fn open(file: File) -> Result<Self, SegmentError> {
        let damaged = |what| SegmentError::Damaged { what };
        let length = file.metadata()?.len();
        let mut header = [0; HEADER];
        file.read_exact_at(&mut header, 0).map_err(|_| damaged("it is cut off"))?;
        let (told, checksum) = header.split_at(HEADER - 4);
        let mut rest = told;
        if rest.split_off(..8) != Some(MAGIC) {
            return Err(damaged("it begins as no segment does"));
        }
        if crc32fast::hash(told).to_le_bytes() != *checksum {
            return Err(damaged("its header"));
        }
        let header = || damaged("its header");
        if word(&mut rest).ok_or_else(header)? != DERIVED {
            return Err(SegmentError::Version);
        }
        let count = half(&mut rest).ok_or_else(header)? as usize;
        let rows = half(&mut rest).ok_or_else(header)? as usize;
        let mut sections = [Place::default(); SECTIONS];
        let mut start = HEADER as u64;
        for place in &mut sections {
            let length = word(&mut rest).filter(|length| *length <= MAX_SECTION).ok_or_else(header)?;
            *place = Place { start, length, checksum: half(&mut rest).ok_or_else(header)? };
            start += length;
        }
        if start != length {
            return Err(damaged("its length"));
        }
        let mut segment = Self { file, sections, rows, facts: Vec::new(), hashes: OnceLock::new() };
        let facts = segment.section(Section::Files)?;
        if facts.len() != count.saturating_mul(FACTS) {
            return Err(damaged("its files"));
        }
        segment.facts.reserve_exact(count);
        for facts in facts.chunks(FACTS) {
            let (facts, _, ends) = StoredFacts::read(facts).ok_or_else(|| damaged("its files"))?;
            segment.facts.push((facts, ends));
        }
        if segment.is_in_order() { Ok(segment) } else { Err(damaged("its files")) }
    }

    /// Shows `each` where the files lay, as the system writes it, in their order.
    ///
    /// # Errors
    /// [`SegmentError`] when that cannot be read; those before were right.
    pub fn each_path(&self, each: &mut dyn FnMut(usize, &[u8])) -> Result<(), SegmentError> {
        let damaged = || SegmentError::Damaged { what: "its paths" };
        let coded = self.section(Section::Paths)?;
        let (mut start, mut path) = (0, Vec::new());
        for (file, (_, ends)) in self.facts.iter().enumerate() {
            let end = ends.path as usize;
            let coded = coded.get(start..end).and_then(<[u8]>::split_first_chunk);
            let (shared, rest) = coded.ok_or_else(damaged)?;
            let shared = usize::from(u16::from_le_bytes(*shared));
            if shared > path.len() {
                return Err(damaged());
            }
            path.truncate(shared);
            path.extend_from_slice(rest);
            each(file, &path);
            start = end;
        }
        Ok(())
    }

    /// Whether everything of a file lies behind that of the file before, to the end of all.
    fn is_in_order(&self) -> bool {
        let last = self.facts.last().map_or(Ends::default(), |(_, ends)| *ends);
        let filters = self.sections[Section::Filters.index()].length;
        self.facts.is_sorted_by(|(_, a), (_, b)| a.path <= b.path && a.filter <= b.filter && a.rows <= b.rows)
            && u64::from(last.path) == self.sections[Section::Paths.index()].length
            && u64::from(last.filter) == filters
            && last.rows as usize == self.rows
    }

    /// How many files it tells of.
    pub fn len(&self) -> usize {
        self.facts.len()
    }

    /// Whether it tells of none.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    /// How many events.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What is known of a file.
    pub fn facts(&self, file: usize) -> Option<&StoredFacts> {
        self.facts.get(file).map(|(facts, _)| facts)
    }

    /// What the bytes of a file were; `None` if that cannot be read.
    pub fn hashes(&self, file: usize) -> Option<&StoredHashes> {
        let read = || {
            let facts = self.section(Section::Files).ok()?;
            facts.chunks(FACTS).map(|facts| StoredFacts::read(facts).map(|(_, hashes, _)| hashes)).collect()
        };
        self.hashes.get_or_init(read).as_ref()?.get(file)
    }

    /// The rows of a file's events.
    pub fn rows_of(&self, file: usize) -> std::ops::Range<usize> {
        let (start, end) = self.range(file, |ends| ends.rows);
        start..end
    }

    fn range(&self, file: usize, of: fn(&Ends) -> u32) -> (usize, usize) {
        let end = |file: usize| self.facts.get(file).map_or(0, |(_, ends)| of(ends) as usize);
        (file.checked_sub(1).map_or(0, end), end(file))
    }

    fn section(&self, section: Section) -> Result<Vec<u8>, SegmentError> {
        let Place { start, length, checksum } = self.sections[section.index()];
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, start)?;
        if crc32fast::hash(&bytes) == checksum {
            Ok(bytes)
        } else {
            Err(SegmentError::Damaged { what: "a section" })
        }
    }

    /// Whether everything in it is as it was written.
    ///
    /// # Errors
    /// [`SegmentError`] when it is not, or cannot be read.
    pub(crate) fn check(&self) -> Result<(), SegmentError> {
        self.times()?;
        self.filters()?;
        ColumnGroup::ALL.into_iter().try_for_each(|group| self.column(group).map(drop))
    }

    /// Reads all filters.
    pub(crate) fn filters(&self) -> Result<Filters<'_>, SegmentError> {
        Ok(Filters { segment: self, bytes: self.section(Section::Filters)? })
    }

    /// Reads the times of all events.
    pub(crate) fn times(&self) -> Result<SegmentTimes, SegmentError> {
        let first = |facts: &StoredFacts| facts.span.map_or(0, |span| span.0);
        let files = self.facts.iter().map(|(facts, ends)| (ends.rows, first(facts))).collect();
        Ok(SegmentTimes { packed: self.packed(Section::Times)?, files, times: OnceLock::new() })
    }

    /// Reads the times of all events and, of some groups, which values they have.
    ///
    /// # Errors
    /// [`SegmentError`] when it cannot be read: then nothing is known.
    pub fn columns(&self, groups: &[ColumnGroup]) -> Result<SegmentColumns, SegmentError> {
        let damaged = || SegmentError::Damaged { what: "a column" };
        let mut columns = SegmentColumns { times: self.times()?, groups: Default::default() };
        for group in groups {
            let column = self.column(*group)?;
            let (numbers, count) = (column.unpack(), column.len());
            let is_sound = numbers.iter().all(|number| (*number as usize) < count)
                && (0..count).all(|number| column.value(number).is_some());
            if !is_sound {
                return Err(damaged());
            }
            columns.groups[group.index()] = Some((column, numbers));
        }
        Ok(columns)
    }

    /// Reads a column.
    pub(crate) fn column(&self, group: ColumnGroup) -> Result<Column, SegmentError> {
        let damaged = || SegmentError::Damaged { what: "a column" };
        let values = self.section(Section::Values(group.index()))?;
        let mut rest = values.as_slice();
        let count = half(&mut rest).ok_or_else(damaged)? as usize;
        if rest.len() / 4 < count {
            return Err(damaged());
        }
        let mut ends = Vec::with_capacity(count);
        for _ in 0..count {
            ends.push(half(&mut rest).ok_or_else(damaged)? as usize);
        }
        let start = values.len() - rest.len();
        let is_sound = ends.is_sorted() && ends.last().is_none_or(|last| *last == rest.len());
        if !is_sound {
            return Err(damaged());
        }
        Ok(Column { values, start, ends, rows: self.packed(Section::Rows(group.index()))? })
    }

    fn packed(&self, section: Section) -> Result<OwnedPacked, SegmentError> {
        let bytes = self.section(section)?;
        let packed = OwnedPacked { bytes, count: self.rows };
        if packed.get().is_some() { Ok(packed) } else { Err(SegmentError::Damaged { what: "a column" }) }
    }
}

/// Numbers with their width before them.
#[derive(Debug)]
struct OwnedPacked {
    bytes: Vec<u8>,
    count: usize,
}

impl OwnedPacked {
    fn get(&self) -> Option<Packed<'_>> {
        let (width, bytes) = self.bytes.split_first()?;
        Packed::new(bytes, *width, self.count)
    }

    fn unpack(&self) -> Vec<u32> {
        self.get().map_or_else(Vec::new, |packed| packed.unpack(self.count))
    }
}

/// The filters of a segment's files.
pub(crate) struct Filters<'s> {
    segment: &'s Segment,
    bytes: Vec<u8>,
}

impl Filters<'_> {
    /// The bytes of that of a file.
    pub(crate) fn bytes(&self, file: usize) -> Option<&[u8]> {
        let (start, end) = self.segment.range(file, |ends| ends.filter);
        self.bytes.get(start..end)
    }

    /// That of a file; `None` if it is none.
    pub(crate) fn of(&self, file: usize) -> Option<ValueFilter<'_>> {
        ValueFilter::read(self.bytes(file)?)
    }
}

/// The times of a segment's events, unpacked when they are asked for.
#[derive(Debug)]
pub(crate) struct SegmentTimes {
    packed: OwnedPacked,
    /// Where the events of each file end, and the second from which on their times count.
    files: Vec<(u32, i64)>,
    times: OnceLock<Vec<i64>>,
}

impl SegmentTimes {
    /// That of every event, in seconds.
    pub(crate) fn all(&self) -> &[i64] {
        self.times.get_or_init(|| {
            let mut times: Vec<i64> = self.packed.unpack().into_iter().map(i64::from).collect();
            let mut start = 0;
            for (end, first) in &self.files {
                let end = *end as usize;
                for time in times.get_mut(start..end).unwrap_or_default() {
                    *time = first.saturating_add(*time);
                }
                start = end;
            }
            times
        })
    }
}

/// Times and values of a segment's events.
#[derive(Debug)]
pub struct SegmentColumns {
    times: SegmentTimes,
    groups: [Option<(Column, Vec<u32>)>; ColumnGroup::ALL.len()],
}

impl SegmentColumns {
    /// How many events there are.
    pub fn rows(&self) -> usize {
        self.times.packed.count
    }

    /// The time of every event, in seconds.
    pub fn times(&self) -> &[i64] {
        self.times.all()
    }

    /// How many different values of a group there are; none of one that was not read.
    pub fn count(&self, group: ColumnGroup) -> usize {
        self.groups[group.index()].as_ref().map_or(0, |(column, _)| column.len())
    }

    /// The number of the value of every event, less than [`count`](Self::count); none of a group that was not read.
    pub fn numbers(&self, group: ColumnGroup) -> &[u32] {
        self.groups[group.index()].as_ref().map_or(&[], |(_, numbers)| numbers)
    }

    /// A value; `None` if there is none with this number.
    pub fn value(&self, group: ColumnGroup, number: u32) -> Option<GroupValue<'_>> {
        let (column, _) = self.groups[group.index()].as_ref()?;
        column.value(number as usize)
    }
}

/// A group's values, and which of them every event has.
#[derive(Debug)]
pub(crate) struct Column {
    values: Vec<u8>,
    start: usize,
    ends: Vec<usize>,
    rows: OwnedPacked,
}

impl Column {
    /// How many different values there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A value as it was written.
    pub(crate) fn bytes(&self, number: usize) -> &[u8] {
        let begin = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let end = self.ends.get(number).copied().unwrap_or(begin);
        self.values.get(self.start + begin..self.start + end).unwrap_or_default()
    }

    /// A value.
    pub(crate) fn value(&self, number: usize) -> Option<GroupValue<'_>> {
        GroupValue::read(self.bytes(number))
    }

    /// The same, all at once.
    pub(crate) fn unpack(&self) -> Vec<u32> {
        self.rows.unpack()
    }

    /// The number of the value of each event.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        let packed = self.rows.get();
        (0..self.rows.count).map(move |row| packed.map_or(0, |packed| packed.get(row) as usize))
    }
}
