//! Making an index: every file that is not known as it is now is read once.
//!
//! Only files of which nothing but their records could be told are taken in: whole JSON, one gzip member or none, nothing
//! damaged. All others are read each time, as without an index.

use std::{
    collections::HashSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use trailseal_archive::{
    content::{Detected, detect},
    gzip::{
        Ending,
        whole::{Whole, WholeInflater},
    },
    open::OpenFile,
    stamp::FileStamp,
};
use trailseal_index::{
    Extractor, FileEntry, IndexError, IndexPlace, IndexWriter, SegmentWriter, StoredFacts, StoredHashes,
    ValueSet,
};
use trailseal_query::{
    Filter, Predicate,
    scan::{Found, LeftOut, Next, Scanner},
};
use trailseal_sha256::Lanes;

use crate::{
    Error, Progress, ProgressStage,
    inputs::{FileList, FileSource as _, Inputs, canonical},
    scan::{MAX_WHOLE, is_table, load, threads_of, trailer},
};

/// How long after its last change a file is read: one that is changed again within the steps of the system's clock looks as
/// it did before.
const SETTLED: Duration = Duration::from_millis(50);
/// The same where times are kept in seconds.
const SETTLED_IN_SECONDS: Duration = Duration::from_secs(2);

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexMade {
    /// Files that were known as they are.
    pub known: u64,
    /// Files that were read and taken in.
    pub taken: u64,
    /// Bytes of these.
    pub taken_bytes: u64,
    /// Files that are read each time, since they hold more than records, or are damaged.
    pub left: u64,
}

/// Why no index was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// It cannot be written.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// Nothing was read.
    #[error(transparent)]
    Read(#[from] Error),
}

/// Makes the index of what was given, or brings it up to date, among those in a folder.
///
/// # Errors
/// [`MakeError`]; the index is then as it was.
pub fn make(
    base: &Path,
    inputs: &Inputs,
    threads: usize,
    progress: &dyn Progress,
) -> Result<IndexMade, MakeError> {
    progress.enter(ProgressStage::Listing);
    let list = inputs.list();
    let roots = canonical(inputs.given());
    let place = IndexPlace::of(base, &roots);
    let writer = IndexWriter::begin(&place, &roots)?;
    let known = |number: usize, path: &Path| {
        let before = writer.before()?;
        let place = before.find(path)?;
        (list.stamp(number)? == before.facts(place)?.stamp).then_some(place)
    };
    let (mut current, mut unknown) = (HashSet::new(), Vec::new());
    for number in 0..list.len() {
        let Some(real) = list.real(number).filter(|_| list.state(number).is_some()) else { continue };
        match known(number, &real) {
            Some(place) => drop(current.insert(place)),
            None => unknown.push(number),
        }
    }
    let lengths = unknown.iter().map(|number| list.state(*number).map_or(0, |(length, _)| length));
    progress.add(unknown.len() as u64, lengths.sum());
    progress.enter(ProgressStage::Working);
    let run = (unknown.len() / (8 * threads_of(threads))).clamp(1, RUN);
    let next = AtomicUsize::new(0);
    let job = Making { list: &list, unknown: &unknown, next, run, writer: &writer, progress };
    let parts = job.run(threads)?;
    if progress.is_interrupted() {
        return Err(Error::Interrupted.into());
    }
    let mut made = IndexMade { known: current.len() as u64, ..IndexMade::default() };
    for part in parts {
        let part = part?;
        made.taken += part.taken;
        made.taken_bytes += part.taken_bytes;
        made.left += part.left;
    }
    writer.finish(&current)?;
    Ok(made)
}

/// What the system says of the file itself at a path.
fn stamp(path: &Path) -> Option<FileStamp> {
    fs::symlink_metadata(path).ok().as_ref().and_then(FileStamp::of)
}

struct Making<'m> {
    list: &'m FileList,
    /// The numbers of the files that are read.
    unknown: &'m [usize],
    next: AtomicUsize,
    /// Files that a thread takes at a time: they come into one segment, whoever asks for them one after the other asks that.
    run: usize,
    writer: &'m IndexWriter,
    progress: &'m dyn Progress,
}

impl Making<'_> {
    fn run(&self, threads: usize) -> Result<Vec<Result<IndexMade, IndexError>>, Error> {
        let has_failed = AtomicBool::new(false);
        thread::scope(|scope| {
            let work = || {
                let part = self.part(&has_failed);
                if part.is_err() {
                    has_failed.store(true, Ordering::Relaxed);
                }
                part
            };
            let started: Result<Vec<_>, _> = (0..threads_of(threads))
                .map(|n| thread::Builder::new().name(format!("index-{n}")).spawn_scoped(scope, work))
                .collect();
            let started = started.map_err(|error| {
                has_failed.store(true, Ordering::Relaxed);
                Error::Threads(error)
            })?;
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            Ok(started.into_iter().map(join).collect())
        })
    }

    /// What one thread does.
    fn part(&self, has_failed: &AtomicBool) -> Result<IndexMade, IndexError> {
        let mut made = IndexMade::default();
        let mut segment = SegmentWriter::default();
        let all = Filter::new(Predicate::Constant(true));
        let (mut loader, mut reader) = (Loader::default(), FileReader::new(&all));
        let mut run = 0..0;
        while !has_failed.load(Ordering::Relaxed) && !self.progress.is_interrupted() {
            let (files, lengths) = loader.load(&mut || {
                if run.is_empty() {
                    run = self.next_run();
                }
                Some((self.list, *self.unknown.get(run.next()?)?))
            });
            if lengths.is_empty() {
                break;
            }
            let taken = files.into_iter().filter_map(|file| {
                reader.read(&file, &mut segment)?;
                Some(file.stamp.length)
            });
            let taken: Vec<u64> = taken.collect();
            made.taken += taken.len() as u64;
            made.taken_bytes += taken.iter().sum::<u64>();
            made.left += (lengths.len() - taken.len()) as u64;
            self.progress.done(lengths.len() as u64, lengths.iter().sum());
            if segment.is_full() {
                self.writer.add(&std::mem::take(&mut segment))?;
            }
        }
        self.writer.add(&segment)?;
        Ok(made)
    }

    /// The next files that nobody has taken: none at the end.
    fn next_run(&self) -> Range<usize> {
        let start = self.next.fetch_add(self.run, Ordering::Relaxed).min(self.unknown.len());
        start..(start + self.run).min(self.unknown.len())
    }
}

/// Files that a thread takes at a time, at most.
const RUN: usize = 128;

/// Loads some files at a time, whose bytes can be hashed together.
#[derive(Default)]
struct Loader {
    inflater: WholeInflater,
    lanes: Lanes,
    buffers: Vec<Buffers>,
}

/// A file as it lies on disk, and as it is inflated.
#[derive(Default)]
struct Buffers {
    on_disk: Vec<u8>,
    content: Vec<u8>,
}

/// A file that was loaded whole.
struct LoadedFile<'b> {
    real: PathBuf,
    stamp: FileStamp,
    on_disk: &'b [u8],
    content: &'b [u8],
    is_gzip: bool,
    stored_hash: [u8; 32],
    content_hash: [u8; 32],
}

/// Bytes on disk beyond which no further file is loaded with those that are there.
const TOGETHER: u64 = 256 << 10;

/// Bytes of a buffer that are kept for the next file.
const KEPT: usize = 1 << 20;

impl Loader {
    /// Loads the next files: those that are whole, and the lengths of all that were taken, none at the end.
    fn load<'l>(
        &mut self,
        next: &mut dyn FnMut() -> Option<(&'l FileList, usize)>,
    ) -> (Vec<LoadedFile<'_>>, Vec<u64>) {
        let Self { inflater, lanes, buffers } = self;
        buffers.resize_with(lanes.width(), Buffers::default);
        let (mut loaded, mut lengths) = (Vec::new(), Vec::new());
        for buffers in buffers {
            if lengths.iter().sum::<u64>() >= TOGETHER {
                break;
            }
            let Some((list, number)) = next() else { break };
            lengths.push(list.state(number).map_or(0, |(length, _)| length));
            loaded.extend(buffers.load(list, number, inflater));
        }
        let bytes: Vec<&[u8]> = loaded.iter().flat_map(|file| [file.on_disk, file.content]).collect();
        let hashes = trailseal_sha256::digests(&bytes, *lanes);
        for (file, hashes) in loaded.iter_mut().zip(hashes.as_chunks().0) {
            [file.stored_hash, file.content_hash] = *hashes;
        }
        (loaded, lengths)
    }
}

impl Buffers {
    /// Loads a file, but for its hashes; `None` if it is not at rest, or one that is read each time.
    fn load(
        &mut self,
        list: &FileList,
        number: usize,
        inflater: &mut WholeInflater,
    ) -> Option<LoadedFile<'_>> {
        let Self { on_disk, content } = self;
        on_disk.shrink_to(KEPT);
        content.shrink_to(KEPT);
        let real = list.real(number)?;
        let mut file = list.open(number).ok()?;
        let stamp = settled(&file)?;
        if load(&mut file, on_disk).ok()?.map(|length| length as u64) != Some(stamp.length) {
            return None;
        }
        // what was written meanwhile, or is a link to elsewhere, is read each time
        let after = file.metadata().ok().as_ref().and_then(FileStamp::of);
        if after != Some(stamp) || self::stamp(&real) != Some(stamp) {
            return None;
        }
        let on_disk = on_disk.get(..usize::try_from(stamp.length).ok()?)?;
        let (content, is_gzip) = match inflater.inflate(on_disk, content, MAX_WHOLE) {
            Whole::Done { length, members: 1, ending: Ending::Complete, .. } => (&content[..length], true),
            Whole::NotGzip if !on_disk.is_empty() => (on_disk, false),
            _ => return None,
        };
        let is_plain_text = matches!(detect(content), Detected::Text { bom: 0 });
        let (stored_hash, content_hash) = ([0; 32], [0; 32]);
        (is_plain_text && !is_table(content)).then_some(LoadedFile {
            real,
            stamp,
            on_disk,
            content,
            is_gzip,
            stored_hash,
            content_hash,
        })
    }
}

/// Reads one file after the other.
struct FileReader<'f> {
    scanner: Scanner<'f>,
    entry: FileEntry,
    extractor: Extractor,
    values: ValueSet,
    filter: Vec<u8>,
}

impl<'f> FileReader<'f> {
    fn new(all: &'f Filter) -> Self {
        Self {
            // all values of every record are walked over, and that checks it
            scanner: Scanner::new(all, false),
            entry: FileEntry::default(),
            extractor: Extractor::default(),
            values: ValueSet::default(),
            filter: Vec::new(),
        }
    }

    /// Takes in a file; `None` if it is one that is read each time.
    fn read(&mut self, file: &LoadedFile<'_>, segment: &mut SegmentWriter) -> Option<()> {
        self.values.clear();
        let facts = self.facts(file, segment)?;
        let hashes = StoredHashes { stored: file.stored_hash, content: file.content_hash };
        self.filter.clear();
        self.values.finish(&mut self.filter)?;
        segment.add(&file.real, (&facts, &hashes), &self.entry, &self.filter).ok()
    }

    /// What a scan sees of the content, if it is nothing but whole records and values that are left out.
    fn facts(&mut self, file: &LoadedFile<'_>, segment: &mut SegmentWriter) -> Option<StoredFacts> {
        let Self { scanner, entry, extractor, values, .. } = self;
        let LoadedFile { on_disk, content, .. } = *file;
        entry.clear();
        scanner.start();
        let mut is_clean = true;
        let consumed = scanner.feed(content, Next::End, &mut |found| match found {
            Found::Match { record, at: Some(_), .. } if is_clean => {
                let Ok(record) = values.add(record.bytes()) else {
                    return is_clean = false;
                };
                let time = extractor
                    .extract(&record, &mut |group, n, value| segment.value(entry, group, Some(n), value));
                match time {
                    Ok(time) => entry.time(time),
                    Err(_) => is_clean = false,
                }
            }
            Found::Match { .. } | Found::Damage { .. } => is_clean = false,
        });
        let counts = scanner.counts();
        let is_whole = consumed == content.len()
            && scanner.is_json()
            && counts.matched == counts.records
            && counts.left_out[LeftOut::Aggregated as usize] == 0;
        if !is_clean || !is_whole {
            return None;
        }
        let mut left_out = [0; trailseal_index::LEFT_OUT];
        for (to, from) in left_out.iter_mut().zip(counts.left_out) {
            *to = u32::try_from(from).ok()?;
        }
        Some(StoredFacts {
            stamp: file.stamp,
            checksum: crc32fast::hash(on_disk),
            trailer: trailer(on_disk),
            inflated: content.len() as u64,
            is_gzip: file.is_gzip,
            records: u32::try_from(counts.records).ok()?,
            left_out,
            span: entry.span(),
        })
    }
}

/// What the system says of an open file, once it has been at rest long enough that any change would show. `None` if it
/// says that it was changed in the future.
fn settled(file: &OpenFile) -> Option<FileStamp> {
    let stamp = FileStamp::of(&file.metadata().ok()?)?;
    let is_in_seconds = [stamp.modified, stamp.changed].iter().all(|time| time % 1_000_000_000 == 0);
    let rest = if is_in_seconds { SETTLED_IN_SECONDS } else { SETTLED };
    let since = UNIX_EPOCH + Duration::from_nanos(u64::try_from(stamp.changed).ok()?);
    let age = SystemTime::now().duration_since(since).ok()?;
    if let Some(left) = rest.checked_sub(age) {
        thread::sleep(left);
    }
    FileStamp::of(&file.metadata().ok()?).filter(|now| *now == stamp)
}
