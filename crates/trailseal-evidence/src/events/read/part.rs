//! Reading single records out of a file: only what stands before them is inflated, and nothing is scanned.
//!
//! This may fail for any file, and says nothing of why; what it gives is right.

use std::{
    io::{self, Read as _},
    sync::{Mutex, PoisonError},
};

use trailseal_archive::{
    gzip::whole::{Whole, WholeInflater},
    open::OpenFile,
};

use crate::{
    events::entry::Extent,
    inputs::{self, FileState},
    scan::MAX_WHOLE,
};

/// When room runs out, inflating stops up to one copy of earlier bytes before its end.
const LONGEST_COPY: usize = 258;

/// Buffers that are kept have up to this size each.
const KEPT_BYTES: usize = 1 << 20;

/// So many threads find buffers that are ready.
const KEPT: usize = 16;

/// What threads work with, kept from one file to the next.
#[derive(Debug, Default)]
pub(super) struct Workbenches(Mutex<Vec<Workbench>>);

/// What a thread works with.
#[derive(Debug, Default)]
pub(super) struct Workbench {
    inflater: WholeInflater,
    on_disk: Vec<u8>,
    content: Vec<u8>,
}

impl Workbenches {
    /// Lets `work` have one.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Workbench) -> T) -> T {
        let mut bench = self.kept().pop().unwrap_or_default();
        let result = work(&mut bench);
        for buffer in [&mut bench.on_disk, &mut bench.content] {
            buffer.truncate(KEPT_BYTES);
            buffer.shrink_to(KEPT_BYTES);
        }
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.push(bench);
        }
        result
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Workbench>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Workbench {
    /// Reads a file that is as it was, up to the end of the last of these extents. Inflates at most `limit` bytes.
    pub(super) fn read(
        &mut self,
        file: OpenFile,
        state: FileState,
        extents: &[Extent],
        limit: usize,
    ) -> Option<FilePart<'_>> {
        let (length, _) = state?;
        let end = extents.iter().filter_map(|extent| extent.range()).map(|range| range.end).max()?;
        if length > MAX_WHOLE as u64 || end > MAX_WHOLE.min(limit) {
            return None;
        }
        if self.load(file, length as usize).ok()? != state {
            return None;
        }
        let Self { inflater, on_disk, content } = self;
        let on_disk = &on_disk[..length as usize];
        let part = match inflater.inflate(on_disk, content, (end + LONGEST_COPY).min(limit)) {
            Whole::Done { length, .. } => &content[..length],
            // All that had room is there. Should it not be, then no sum is right.
            Whole::TooLarge => content,
            Whole::NotGzip => on_disk,
            Whole::Damaged => return None,
        };
        Some(FilePart(part))
    }

    /// Reads a file, and says its state when that was over.
    fn load(&mut self, mut file: OpenFile, length: usize) -> io::Result<FileState> {
        if self.on_disk.len() < length {
            self.on_disk.resize(length, 0);
        }
        file.read_exact(&mut self.on_disk[..length])?;
        Ok(inputs::state(&file.metadata()?))
    }
}

/// The first part of a file.
pub(super) struct FilePart<'b>(&'b [u8]);

impl<'b> FilePart<'b> {
    /// What lies there: a record, if its sum is right.
    pub(super) fn bytes(&self, extent: Extent) -> Option<&'b [u8]> {
        self.0.get(extent.range()?)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};
    use trailseal_archive::open;

    use super::*;

    fn extent(start: u32, length: u32) -> Extent {
        Extent { start, length, sum: 0 }
    }

    fn gzip(content: &[u8], members: usize) -> Vec<u8> {
        let size = content.len().div_ceil(members);
        let member = |content: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        };
        content.chunks(size).flat_map(member).collect()
    }

    #[test]
    fn every_record_lies_where_it_lay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let records: Vec<String> =
            (0..900).map(|n| format!(r#"{{"n":{n},"x":"{}"}}"#, "repeated ".repeat(n % 90))).collect();
        let content = format!("{{\"Records\":[{}]}}", records.join(","));
        let benches = Workbenches::default();
        for on_disk in
            [content.clone().into_bytes(), gzip(content.as_bytes(), 1), gzip(content.as_bytes(), 7)]
        {
            fs::write(&path, &on_disk).unwrap();
            let state = inputs::state(&fs::metadata(&path).unwrap());
            let mut start = "{\"Records\":[".len() as u32;
            for (number, record) in records.iter().enumerate() {
                let extent = extent(start, record.len() as u32);
                // what lies behind it is of no account
                benches.with(|bench| {
                    let part = bench.read(open::named(&path).unwrap(), state, &[extent], 1 << 20).unwrap();
                    assert_eq!(part.bytes(extent), Some(record.as_bytes()), "{number}");
                });
                start += record.len() as u32 + 1;
            }
        }
    }

    #[test]
    fn what_is_not_as_it_was_gives_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let content = format!("{{\"Records\":[{}]}}", "{}".repeat(500));
        fs::write(&path, gzip(content.as_bytes(), 1)).unwrap();
        let state = inputs::state(&fs::metadata(&path).unwrap());
        let mut bench = Workbench::default();
        let mut read =
            |state, extent, limit| bench.read(open::named(&path).unwrap(), state, &[extent], limit).is_some();
        assert!(read(state, extent(16, 2), 18));
        assert!(!read(state, extent(16, 2), 17), "more than may be inflated");
        assert!(!read(state, extent(Extent::NOWHERE, 0), 1 << 20));
        assert!(!read(state, extent(Extent::NOWHERE - 1, u32::MAX), 1 << 20));
        assert!(!read(None, extent(4, 2), 1 << 20));
        let (length, time) = state.unwrap();
        assert!(!read(Some((length, time + 1)), extent(4, 2), 1 << 20));
        assert!(!read(Some((length + 1, time)), extent(4, 2), 1 << 20));
        assert!(!read(Some((length - 1, time)), extent(4, 2), 1 << 20));
        for (number, byte) in [(0, b'x'), (30, 0xff)] {
            let mut damaged = gzip(content.as_bytes(), 1);
            damaged.truncate(40);
            damaged[number] = byte;
            fs::write(&path, damaged).unwrap();
            let state = inputs::state(&fs::metadata(&path).unwrap());
            let lost = extent(900, 2);
            let part = bench.read(open::named(&path).unwrap(), state, &[lost], 1 << 20);
            assert!(part.is_none_or(|part| part.bytes(lost).is_none()), "{number}");
        }
    }
}
