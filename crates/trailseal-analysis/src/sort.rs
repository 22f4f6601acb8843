//! Sorting rows by time in bounded memory: the best so many, or runs in a temporary file that are merged.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    fs::File,
    io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use trailseal_archive::Timestamp;

/// What a row costs beside its bytes.
const ENTRY: u64 = 64;
/// Rows beyond the limit that are collected before they are sorted out.
const SLACK: u64 = 4096;

/// Sorts rows; those with the same time stay in the order in which they came.
#[derive(Debug)]
pub struct Sorter {
    options: SortOptions,
    rows: Vec<Entry>,
    bytes: u64,
    arrived: u64,
    /// The last row that still counts, once there are as many as are wanted.
    worst: Option<Key>,
    spill: Option<Spill>,
}

/// How rows are sorted.
#[derive(Clone, Debug)]
pub struct SortOptions {
    /// The newest first.
    pub newest_first: bool,
    /// How many are wanted.
    pub limit: Option<u64>,
    /// Bytes of memory.
    pub memory: u64,
    /// The folder for temporary files; without one, what does not fit into memory is [`NoSpillFolder`].
    pub spill: Option<PathBuf>,
}

/// Rows do not fit into memory, and there is no folder for temporary files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no folder for temporary files")]
pub struct NoSpillFolder;

impl NoSpillFolder {
    /// Whether this is what an error of a [`Sorter`] says.
    pub fn is_in(error: &io::Error) -> bool {
        let Some(inner) = error.get_ref() else { return false };
        inner.is::<Self>()
    }
}

/// The bytes of a key and a length in a temporary file.
const HEAD: usize = 1 + 8 + 4 + 8 + 8;

/// The place of a row: rows without a time come last, whatever the order.
type Key = (bool, i64, u32, u64);

#[derive(Debug)]
struct Entry {
    key: Key,
    row: Box<[u8]>,
}

/// Sorted runs, one behind the other in a file that has no name.
#[derive(Debug)]
struct Spill {
    file: BufWriter<File>,
    runs: Vec<(u64, u64)>,
    length: u64,
}

impl Sorter {
    /// Without rows.
    pub fn new(options: SortOptions) -> Self {
        Self { options, rows: Vec::new(), bytes: 0, arrived: 0, worst: None, spill: None }
    }

    /// One more row.
    ///
    /// # Errors
    /// When the temporary file cannot be written.
    pub fn push(&mut self, time: Option<Timestamp>, nanos: u32, row: &[u8]) -> io::Result<()> {
        let seconds = time.map_or(0, Timestamp::epoch);
        let (seconds, nanos) =
            if self.options.newest_first { (-seconds, u32::MAX - nanos) } else { (seconds, nanos) };
        let key = (time.is_none(), seconds, nanos, self.arrived);
        self.arrived += 1;
        if self.worst.is_some_and(|worst| key > worst) {
            return Ok(());
        }
        self.bytes += row.len() as u64 + ENTRY;
        self.rows.push(Entry { key, row: row.into() });
        if let Some(limit) = self.options.limit
            && self.rows.len() as u64 >= limit.saturating_mul(2).saturating_add(SLACK)
        {
            self.cut(limit);
        }
        if self.bytes > self.options.memory {
            if let Some(limit) = self.options.limit {
                self.cut(limit);
            }
            if self.bytes > self.options.memory / 2 {
                self.spill()?;
            }
        }
        Ok(())
    }

    /// Hands all rows to `each` in order, until it says no.
    ///
    /// # Errors
    /// When the temporary file cannot be read or written, or what `each` fails with.
    pub fn finish(mut self, each: &mut dyn FnMut(&[u8]) -> io::Result<bool>) -> io::Result<()> {
        let limit = usize::try_from(self.options.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
        if self.spill.is_none() {
            self.rows.sort_unstable_by_key(|entry| entry.key);
            for entry in self.rows.iter().take(limit) {
                if !each(&entry.row)? {
                    break;
                }
            }
            return Ok(());
        }
        self.spill()?;
        let Some(spill) = self.spill.take() else { return Ok(()) };
        spill.merge(self.options.memory, limit, each)
    }

    /// Whether a temporary file was needed.
    #[cfg(test)]
    fn has_spilled(&self) -> bool {
        self.spill.is_some()
    }

    /// Keeps the first so many.
    fn cut(&mut self, limit: u64) {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if self.rows.len() < limit {
            return;
        }
        self.rows.sort_unstable_by_key(|entry| entry.key);
        self.rows.truncate(limit);
        self.bytes = self.rows.iter().map(|entry| entry.row.len() as u64 + ENTRY).sum();
        let last = self.rows.last().map(|entry| entry.key);
        self.worst = self.worst.into_iter().chain(last).min();
    }

    fn spill(&mut self) -> io::Result<()> {
        self.rows.sort_unstable_by_key(|entry| entry.key);
        if self.spill.is_none() {
            self.spill = Some(Spill::new(self.options.spill.as_deref())?);
        }
        if let Some(spill) = &mut self.spill {
            spill.add(&self.rows)?;
        }
        self.rows.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Spill {
    fn new(folder: Option<&Path>) -> io::Result<Self> {
        let folder = folder.ok_or_else(|| io::Error::other(NoSpillFolder))?;
        let file = BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?);
        Ok(Self { file, runs: Vec::new(), length: 0 })
    }

    fn add(&mut self, rows: &[Entry]) -> io::Result<()> {
        let start = self.length;
        for Entry { key: (untimed, seconds, nanos, arrived), row } in rows {
            self.file.write_all(&[u8::from(*untimed)])?;
            self.file.write_all(&seconds.to_le_bytes())?;
            self.file.write_all(&nanos.to_le_bytes())?;
            self.file.write_all(&arrived.to_le_bytes())?;
            self.file.write_all(&(row.len() as u64).to_le_bytes())?;
            self.file.write_all(row)?;
            self.length += HEAD as u64 + row.len() as u64;
        }
        self.runs.push((start, self.length));
        Ok(())
    }

    fn merge(
        self,
        memory: u64,
        limit: usize,
        each: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let share = memory / (self.runs.len() as u64).max(1);
        let capacity = share.clamp(4 << 10, 1 << 20) as usize;
        let mut runs: Vec<Run> = self.runs.iter().map(|run| Run::new(*run, capacity)).collect();
        let mut next = BinaryHeap::new();
        for (at, run) in runs.iter_mut().enumerate() {
            if let Some(entry) = run.next(&mut file)? {
                next.push(Reverse(Next { entry, run: at }));
            }
        }
        for _ in 0..limit {
            let Some(Reverse(Next { entry, run })) = next.pop() else { break };
            if !each(&entry.row)? {
                break;
            }
            if let Some(entry) = runs[run].next(&mut file)? {
                next.push(Reverse(Next { entry, run }));
            }
        }
        Ok(())
    }
}

/// A run that is being read.
struct Run {
    /// Where the next bytes lie, and where the run ends.
    at: u64,
    end: u64,
    buffer: Vec<u8>,
    used: usize,
    capacity: usize,
}

impl Run {
    fn new((at, end): (u64, u64), capacity: usize) -> Self {
        Self { at, end, buffer: Vec::new(), used: 0, capacity }
    }

    fn next(&mut self, file: &mut File) -> io::Result<Option<Entry>> {
        if self.at == self.end && self.used == self.buffer.len() {
            return Ok(None);
        }
        let mut head = [0; HEAD];
        head.copy_from_slice(self.take(HEAD, file)?);
        let number = |from: usize| -> [u8; 8] { std::array::from_fn(|at| head[from + at]) };
        let nanos = u32::from_le_bytes(std::array::from_fn(|at| head[9 + at]));
        let key = (head[0] != 0, i64::from_le_bytes(number(1)), nanos, u64::from_le_bytes(number(13)));
        let row = self.take(u64::from_le_bytes(number(21)) as usize, file)?.into();
        Ok(Some(Entry { key, row }))
    }

    fn take(&mut self, length: usize, file: &mut File) -> io::Result<&[u8]> {
        if self.buffer.len() - self.used < length {
            self.buffer.drain(..self.used);
            self.used = 0;
            let had = self.buffer.len();
            let wanted = self.capacity.max(length - had) as u64;
            let more = wanted.min(self.end - self.at);
            file.seek(SeekFrom::Start(self.at))?;
            file.take(more).read_to_end(&mut self.buffer)?;
            self.at += more;
            if self.buffer.len() < length || (self.buffer.len() - had) as u64 != more {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.used += length;
        Ok(&self.buffer[self.used - length..self.used])
    }
}

struct Next {
    entry: Entry,
    run: usize,
}

impl PartialEq for Next {
    fn eq(&self, other: &Self) -> bool {
        self.entry.key == other.entry.key
    }
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.entry.key.cmp(&other.entry.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(memory: u64) -> SortOptions {
        SortOptions { newest_first: false, limit: None, memory, spill: Some(std::env::temp_dir()) }
    }

    /// A few, many of them equal.
    fn nanos_of(row: &str) -> u32 {
        row.len() as u32 % 3
    }

    /// Rows with scattered times, many of them equal, some without.
    fn rows(count: u64) -> Vec<(Option<Timestamp>, String)> {
        (0..count)
            .map(|at| {
                let time = (at * 7919) % 97;
                let stamp = if at % 13 == 5 { None } else { Timestamp::from_epoch(time as i64) };
                (stamp, format!("{at}:{}", "x".repeat((at % 50) as usize)))
            })
            .collect()
    }

    fn sorted(options: SortOptions, rows: &[(Option<Timestamp>, String)]) -> (Vec<String>, bool) {
        let mut sorter = Sorter::new(options);
        for (time, row) in rows {
            sorter.push(*time, nanos_of(row), row.as_bytes()).unwrap();
        }
        let has_spilled = sorter.has_spilled();
        let mut out = Vec::new();
        sorter
            .finish(&mut |row| {
                out.push(String::from_utf8(row.to_vec()).unwrap());
                Ok(true)
            })
            .unwrap();
        (out, has_spilled)
    }

    /// What must come out, in the simplest way.
    fn expected(rows: &[(Option<Timestamp>, String)], newest_first: bool) -> Vec<String> {
        let mut rows = rows.to_vec();
        rows.sort_by_key(|(time, row)| {
            let seconds = time.map_or(0, Timestamp::epoch);
            let nanos = i64::from(nanos_of(row));
            (time.is_none(), if newest_first { (-seconds, -nanos) } else { (seconds, nanos) })
        });
        rows.into_iter().map(|(_, row)| row).collect()
    }

    #[test]
    fn rows_are_sorted_and_ties_keep_their_order_with_any_memory() {
        let rows = rows(5000);
        for newest_first in [false, true] {
            for memory in [1, 10_000, 100_000, 1 << 30] {
                let options = SortOptions { newest_first, ..options(memory) };
                let (out, has_spilled) = sorted(options, &rows);
                assert!(out == expected(&rows, newest_first), "{newest_first} {memory}");
                assert_eq!(has_spilled, memory < 1 << 30);
            }
        }
    }

    #[test]
    fn a_limit_keeps_the_first_and_needs_no_file() {
        let rows = rows(50_000);
        for limit in [1, 10, 3000] {
            let (out, has_spilled) = sorted(SortOptions { limit: Some(limit), ..options(2 << 20) }, &rows);
            assert!(out == expected(&rows, false)[..limit as usize], "{limit}");
            assert!(!has_spilled, "{limit}");
        }
        let (out, has_spilled) = sorted(SortOptions { limit: Some(30_000), ..options(100_000) }, &rows);
        assert!(has_spilled && out == expected(&rows, false)[..30_000]);
    }

    #[test]
    fn rows_larger_than_the_memory_are_sorted_too() {
        let row = |at: u64| (Timestamp::from_epoch(-(at as i64)), format!("{at}{}", "y".repeat(100_000)));
        let rows: Vec<_> = (0..20).map(row).collect();
        assert!(sorted(options(10), &rows).0 == expected(&rows, false));
        assert_eq!(sorted(options(10), &[]).0, [""; 0]);
    }

    #[test]
    fn without_a_folder_nothing_is_written() {
        let mut sorter = Sorter::new(SortOptions { spill: None, ..options(1) });
        let error = sorter.push(None, 0, b"row").unwrap_err();
        assert!(NoSpillFolder::is_in(&error), "{error}");
    }
}
