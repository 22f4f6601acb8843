//! The segments of an index and the table that names them.
//!
//! Segments are written under names that nobody had before, and never changed; the table is replaced as a whole. Whoever is
//! killed in between leaves files behind that no table names, which the next writer takes away.

use std::{
    collections::{HashMap, HashSet},
    ffi::OsStr,
    fs::{self, File, TryLockError},
    io::{self, BufWriter, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{
    groups::ColumnGroup,
    hashing::{ByHash, PathHash, PathHasher},
    place::{IndexPlace, PlaceError},
    segment::{
        SegmentError,
        facts::{StoredFacts, StoredHashes},
        read::Segment,
        write::{FileEntry, SegmentWriter},
    },
};

/// The name of the table.
pub(crate) const TABLE: &str = "table.json";
/// The name of what a writer holds.
const LOCK: &str = "lock";
/// How names of segments end.
const ENDING: &str = ".segment";
/// What a table says first.
const SCHEMA: &str = "trailseal.index/1";

/// Segments of so few files are brought together once there are [`MANY`] of them.
const SMALL: usize = 1024;
const MANY: usize = 8;

/// Files with more bytes are no table.
const MAX_TABLE: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
struct TableFile {
    schema: String,
    /// What the index tells of.
    roots: Vec<PathBuf>,
    segments: Vec<String>,
}

/// Why an index cannot be used or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// Its folder.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// There is none.
    #[error("there is no index at {path}", path = .path.display())]
    Absent {
        /// Where it would be.
        path: PathBuf,
    },
    /// Another process makes it just now.
    #[error("another run is making the index at {path}", path = .path.display())]
    Busy {
        /// Where.
        path: PathBuf,
    },
    /// The table is no table.
    #[error("{path}: {reason}", path = .path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Something cannot be read or written.
    #[error("{path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// An index, open. What of it is damaged is left out, and told.
#[derive(Debug)]
pub struct Index {
    folder: PathBuf,
    roots: Vec<PathBuf>,
    names: Vec<String>,
    segments: Vec<Segment>,
    hasher: PathHasher,
    /// The segment that tells of a file, and its place in it. Later segments come before earlier ones.
    files: HashMap<PathHash, (u32, u32), ByHash>,
    problems: Vec<(PathBuf, SegmentError)>,
}

/// What an index is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IndexStatus {
    /// Files that it tells of.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Events in them.
    pub events: u64,
    /// Segments.
    pub segments: u64,
    /// Its own bytes.
    pub bytes: u64,
}

impl Index {
    /// Opens the index at a place.
    ///
    /// # Errors
    /// [`IndexError`] when there is none, or none that can be used.
    pub fn open(place: &IndexPlace) -> Result<Self, IndexError> {
        Self::open_as(place, &|_| Ok(()))
    }

    /// The same, where `check` says which segments are used.
    fn open_as(
        place: &IndexPlace,
        check: &dyn Fn(&Segment) -> Result<(), SegmentError>,
    ) -> Result<Self, IndexError> {
        let folder = place.folder();
        let path = folder.join(TABLE);
        if path.symlink_metadata().is_err() {
            return Err(IndexError::Absent { path: folder.to_owned() });
        }
        place.check()?;
        // who replaces the table takes away what it named: then there is another one
        let mut tries = 0;
        loop {
            tries += 1;
            let table = read_table(&path)?;
            let index = Self::read(folder, table, check);
            let is_outdated = index.problems.iter().any(|(_, error)| {
                matches!(error, SegmentError::Io(error) if error.kind() == io::ErrorKind::NotFound)
            });
            if !is_outdated || tries == 3 {
                return Ok(index);
            }
        }
    }

    fn read(folder: &Path, table: TableFile, check: &dyn Fn(&Segment) -> Result<(), SegmentError>) -> Self {
        let mut index = Self {
            folder: folder.to_owned(),
            roots: table.roots,
            names: Vec::new(),
            segments: Vec::new(),
            hasher: PathHasher::default(),
            files: HashMap::default(),
            problems: Vec::new(),
        };
        for name in table.segments {
            let path = folder.join(&name);
            // a table that leads elsewhere is not ours
            let is_name = name.ends_with(ENDING) && !name.contains('/');
            let segment = if is_name {
                File::open(&path).map_err(SegmentError::from).and_then(Segment::open)
            } else {
                Err(SegmentError::Damaged { what: "its name" })
            };
            let checked = segment.and_then(|segment| check(&segment).map(|()| segment));
            if let Err(error) = checked.and_then(|segment| index.add(name, segment)) {
                index.problems.push((path, error));
            }
        }
        index
    }

    fn add(&mut self, name: String, segment: Segment) -> Result<(), SegmentError> {
        let number = self.segments.len() as u32;
        let mut paths = Vec::with_capacity(segment.len());
        segment.each_path(&mut |file, path| paths.push((self.hasher.hash(path), (number, file as u32))))?;
        self.files.extend(paths);
        self.names.push(name);
        self.segments.push(segment);
        Ok(())
    }

    /// What it tells of, canonical.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// When it was written, in seconds since 1970.
    pub fn written(&self) -> Option<i64> {
        let written = fs::metadata(self.folder.join(TABLE)).ok()?.modified().ok()?;
        i64::try_from(written.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()
    }

    /// Its segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Segments that are not used, and why.
    pub fn problems(&self) -> &[(PathBuf, SegmentError)] {
        &self.problems
    }

    /// What is known of the file at a canonical path: the number of the segment, and its place in it. Whether the file is
    /// as it was is for the caller to say.
    pub fn find(&self, path: &Path) -> Option<(usize, usize)> {
        let (segment, file) = *self.files.get(&self.hasher.of(path))?;
        Some((segment as usize, file as usize))
    }

    /// What is known of a file as a whole.
    pub fn facts(&self, (segment, file): (usize, usize)) -> Option<&StoredFacts> {
        self.segments.get(segment)?.facts(file)
    }

    /// What the bytes of a file were.
    pub fn hashes(&self, (segment, file): (usize, usize)) -> Option<&StoredHashes> {
        self.segments.get(segment)?.hashes(file)
    }

    /// What it is like.
    pub fn status(&self) -> IndexStatus {
        let mut status = IndexStatus { segments: self.segments.len() as u64, ..IndexStatus::default() };
        for place in self.files.values() {
            let facts = self.facts((place.0 as usize, place.1 as usize));
            status.files += 1;
            status.file_bytes += facts.map_or(0, |facts| facts.stamp.length);
            status.events += facts.map_or(0, |facts| u64::from(facts.records));
        }
        let length = |name: &String| fs::metadata(self.folder.join(name)).map_or(0, |found| found.len());
        status.bytes = self.names.iter().map(length).sum();
        status
    }
}

fn read_table(path: &Path) -> Result<TableFile, IndexError> {
    let io = |source| IndexError::Io { path: path.to_owned(), source };
    let table = |reason: String| IndexError::Table { path: path.to_owned(), reason };
    let file = File::open(path).map_err(io)?;
    if file.metadata().map_err(io)?.len() > MAX_TABLE {
        return Err(table("it is too large".to_owned()));
    }
    let read: TableFile =
        serde_json::from_reader(io::BufReader::new(file)).map_err(|error| table(error.to_string()))?;
    if read.schema == SCHEMA { Ok(read) } else { Err(table(format!("its schema is not {SCHEMA}"))) }
}

/// Removes an index: the table first, so that nobody uses half of it.
///
/// # Errors
/// [`IndexError`] when that cannot be done, or another process writes it.
pub fn remove(place: &IndexPlace) -> Result<(), IndexError> {
    place.check()?;
    let folder = place.folder();
    let _lock = lock(folder)?;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| IndexError::Io { path, source }
    };
    let table = folder.join(TABLE);
    fs::remove_file(&table).map_err(io(&table))?;
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        let is_ours = path.extension().is_some_and(|ending| ending == "segment" || ending == "new");
        if is_ours || path.ends_with(LOCK) {
            fs::remove_file(&path).map_err(io(&path))?;
        }
    }
    fs::remove_dir(folder).map_err(io(folder))
}

/// What a writer holds.
fn lock(folder: &Path) -> Result<File, IndexError> {
    let path = folder.join(LOCK);
    let io = |source| IndexError::Io { path: path.clone(), source };
    let lock = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(IndexError::Busy { path: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(io(error)),
    }
}

/// Makes an index, or brings it up to date; no two at a time.
#[derive(Debug)]
pub struct IndexWriter {
    folder: PathBuf,
    roots: Vec<PathBuf>,
    before: Option<Index>,
    /// Held until the end.
    _lock: File,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    names: Vec<String>,
    next: u64,
}

impl IndexWriter {
    /// Begins to write an index of what lies at these canonical paths.
    ///
    /// # Errors
    /// [`IndexError`] when it cannot be written there, or another process does so.
    pub fn begin(place: &IndexPlace, roots: &[PathBuf]) -> Result<Self, IndexError> {
        place.create(roots)?;
        let folder = place.folder().to_owned();
        let lock = lock(&folder)?;
        // what cannot be used is made anew
        let before = Index::open_as(place, &Segment::check).ok();
        let mut writer =
            Self { folder, roots: roots.to_vec(), before, _lock: lock, written: Mutex::default() };
        writer.clean()?;
        Ok(writer)
    }

    /// What there was before.
    pub fn before(&self) -> Option<&Index> {
        self.before.as_ref()
    }

    /// Takes away what no table names, and finds a name that is free.
    fn clean(&mut self) -> Result<(), IndexError> {
        let io = |source| IndexError::Io { path: self.folder.clone(), source };
        let named: &[String] = self.before.as_ref().map_or(&[], |before| &before.names);
        let mut next = 0;
        for entry in fs::read_dir(&self.folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(number) = name.strip_suffix(ENDING).or_else(|| name.strip_suffix(".new")) else {
                continue;
            };
            if let Ok(number) = number.parse::<u64>() {
                next = next.max(number + 1);
            }
            if !named.contains(&name) {
                fs::remove_file(entry.path()).map_err(io)?;
            }
        }
        self.written().next = next;
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a segment, unless it tells of nothing; it counts once the table is replaced.
    ///
    /// # Errors
    /// [`IndexError::Io`] when it cannot be written.
    pub fn add(&self, segment: &SegmentWriter) -> Result<(), IndexError> {
        if segment.is_empty() {
            return Ok(());
        }
        let name = {
            let mut written = self.written();
            written.next += 1;
            format!("{}{ENDING}", written.next)
        };
        self.replace(&name, &mut |file| segment.write(file))?;
        self.written().names.push(name);
        Ok(())
    }

    /// Writes a file as a whole or not at all.
    fn replace(
        &self,
        name: &str,
        write: &mut dyn FnMut(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<(), IndexError> {
        let new = self.folder.join(format!("{name}.new"));
        let path = self.folder.join(name);
        let mut make = || {
            let mut file = BufWriter::new(File::create(&new)?);
            write(&mut file)?;
            file.flush()?;
            file.get_ref().sync_all()?;
            fs::rename(&new, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        let made: io::Result<()> = make();
        made.map_err(|source| {
            // what is left of it is taken away by the next writer, if it cannot be now
            let _ = fs::remove_file(&new);
            IndexError::Io { path, source }
        })
    }

    /// Replaces the table: from now on the index tells of the files that were added, and of those before that are named here
    /// ([`Index::find`]).
    ///
    /// # Errors
    /// [`IndexError::Io`]; then the index is as it was.
    pub fn finish(mut self, current: &HashSet<(usize, usize)>) -> Result<(), IndexError> {
        let before = self.before.take();
        let mut names = Vec::new();
        if let Some(before) = &before {
            let (kept, rest) = self.sort_out(before, current);
            names = kept;
            self.rewrite(before, &rest)?;
        }
        names.append(&mut self.written().names);
        let table = TableFile { schema: SCHEMA.to_owned(), roots: self.roots.clone(), segments: names };
        self.replace(TABLE, &mut |file| serde_json::to_writer(file, &table).map_err(io::Error::from))?;
        let named: HashSet<&String> = table.segments.iter().collect();
        for name in before.iter().flat_map(|before| &before.names).filter(|name| !named.contains(name)) {
            // else the next writer takes it away
            let _ = fs::remove_file(self.folder.join(name));
        }
        Ok(())
    }

    /// The names of the segments that stay as they are, and the files of others that are current.
    fn sort_out(
        &self,
        before: &Index,
        current: &HashSet<(usize, usize)>,
    ) -> (Vec<String>, Vec<(usize, usize)>) {
        let of_segment = |(number, segment): (usize, &Segment)| -> Vec<usize> {
            (0..segment.len()).filter(|file| current.contains(&(number, *file))).collect()
        };
        let current: Vec<Vec<usize>> = before.segments.iter().enumerate().map(of_segment).collect();
        let is_small = |files: &Vec<usize>| files.len() < SMALL;
        let small = current.iter().filter(|files| is_small(files)).count() + self.written().names.len();
        let (mut kept, mut rest) = (Vec::new(), Vec::new());
        for (number, files) in current.iter().enumerate() {
            let is_worn = files.len() * 2 < before.segments[number].len();
            match () {
                () if files.is_empty() => {}
                () if is_worn || small > MANY && is_small(files) => {
                    rest.extend(files.iter().map(|file| (number, *file)));
                }
                () => kept.push(before.names[number].clone()),
            }
        }
        (kept, rest)
    }

    /// Writes files of segments that were there before into new ones. What cannot be read is left out: it is read anew by the
    /// next run.
    fn rewrite(&self, before: &Index, files: &[(usize, usize)]) -> Result<(), IndexError> {
        let mut new = SegmentWriter::default();
        for of_one in files.chunk_by(|one, other| one.0 == other.0) {
            let Some(segment) = before.segments.get(of_one[0].0) else { continue };
            let numbers: Vec<usize> = of_one.iter().map(|(_, file)| *file).collect();
            let mut result = Ok(());
            // what is read of a damaged segment before the damage is right
            let _ = segment.copy(&numbers, &mut new, &mut |full| {
                if result.is_ok() {
                    result = self.add(full);
                }
                *full = SegmentWriter::default();
            });
            result?;
        }
        self.add(&new)
    }
}

impl Segment {
    /// Copies files into another segment; `full` is to empty it when it is full.
    fn copy(
        &self,
        files: &[usize],
        to: &mut SegmentWriter,
        full: &mut dyn FnMut(&mut SegmentWriter),
    ) -> Result<(), SegmentError> {
        let columns: Vec<_> =
            ColumnGroup::ALL.into_iter().map(|group| self.column(group)).collect::<Result<_, _>>()?;
        let numbers: Vec<Vec<usize>> = columns.iter().map(|column| column.numbers().collect()).collect();
        let (times, filters) = (self.times()?, self.filters()?);
        let mut paths = Vec::with_capacity(self.len());
        self.each_path(&mut |_, path| paths.push(path.to_vec()))?;
        let mut entry = FileEntry::default();
        for file in files {
            if to.is_full() {
                full(to);
            }
            entry.clear();
            let rows = self.rows_of(*file);
            for (group, (column, numbers)) in ColumnGroup::ALL.into_iter().zip(columns.iter().zip(&numbers)) {
                for number in numbers.get(rows.clone()).unwrap_or_default() {
                    to.value(&mut entry, group, None, column.bytes(*number));
                }
            }
            times.all().get(rows).unwrap_or_default().iter().for_each(|time| entry.time(*time));
            let facts = self.facts(*file).zip(self.hashes(*file));
            let (Some(facts), Some(filter), Some(path)) = (facts, filters.bytes(*file), paths.get(*file))
            else {
                continue;
            };
            // it was in a segment before, so that it fits into one
            let _ = to.add(Path::new(OsStr::from_bytes(path)), facts, &entry, filter);
        }
        Ok(())
    }
}
