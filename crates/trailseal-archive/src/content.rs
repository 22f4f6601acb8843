//! Getting at the content of evidence in whatever shape it comes: plain, gzip, zstd, zip, tar, one within the
//! other, as UTF-8 or UTF-16.
//!
//! A file is walked with [`read_file`] (or [`read_seekable`]), a pipe with [`read_stream`]. Each stream of text in it is handed to
//! a visitor with its name and a reader that yields UTF-8. What a stream holds is told by its first bytes
//! ([`detect`]), never by its name; nothing is extracted, and names are only ever shown. The members of an archive as they
//! were packed are walked with [`read_members`].
//!
//! Evidence is damaged now and then, and may be hostile:
//!
//! - A reader yields every byte before the damage, and then a [`ContentError`] instead of an end. The rest of
//!   the file goes on where there is a way: with the next entry of a zip, the next header of a tar.
//! - Memory does not depend on what the file says: 64 KiB windows; for zip archives that cannot be read in
//!   place, 16 MiB and beyond that a temporary file without a name; the window of a zstd frame, 128 MiB at
//!   most.
//! - [`ContentLimits`] bound the rest, and what they cut off is told.
//! - The [`Outcome`] accounts for everything: entries read, skipped, and what is wrong with which.
//!
//! Told and not read: bzip2, xz, 7z, rar, lz4, Parquet, ORC, Avro, `SQLite` and UTF-32 files, zip methods other
//! than stored and deflated, encrypted entries, sparse tar members.
//!
//! ```
//! use std::{io::Read, ops::ControlFlow};
//! use trailseal_archive::content::{ContentError, ContentLimits, read_stream};
//!
//! let mut texts = Vec::new();
//! let outcome = read_stream("stdin", &b"\xef\xbb\xbf{}"[..], &ContentLimits::default(), &mut |name, reader| {
//!     let mut text = Vec::new();
//!     if let Err(error) = reader.read_to_end(&mut text) {
//!         let error = ContentError::of(&error).expect("readers return nothing else");
//!         eprintln!("{name}: {error}");
//!     }
//!     texts.push((name.to_string(), text));
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(texts, [("stdin".into(), b"{}".to_vec())]);
//! assert_eq!((outcome.entries, outcome.problems.len()), (1, 0));
//! ```

use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek, Write},
    ops::ControlFlow,
    path::PathBuf,
};

use crate::gzip::Inflater;

pub use self::{
    detect::{Detected, detect},
    error::{ContentError, Reason},
    source::HEAD_BYTES,
};

use self::{
    inflate::GzipContent,
    packed::PackedReader,
    source::{Allowance, Source},
    tar::{Kind, Next, TarReader},
    text::Utf16Reader,
    zip::ReadSeek,
    zstd::ZstdReader,
};

mod detect;
mod error;
mod inflate;
mod packed;
mod source;
mod tar;
mod text;
mod xxhash;
mod zip;
mod zstd;

#[cfg(test)]
mod tests;

/// How many problems are listed; more are counted.
const MAX_PROBLEMS: usize = 1000;

/// What one file may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLimits {
    /// Bytes of content of one entry, and of an archive that has to be spooled.
    pub max_entry: u64,
    /// Containers within each other; compression counts as one, so that a `.tar.gz` is two.
    pub max_depth: u32,
    /// Members of all archives in the file.
    pub max_entries: u64,
    /// Bytes inflated in all layers together.
    pub max_total: u64,
    /// Bytes of a zip archive that is not a file (it comes through a pipe, or lies in another archive) and is held in
    /// memory: zip archives are read from their end.
    pub max_held: u64,
    /// The folder for such archives that are larger, as unnamed files; without one they are not read, which is a
    /// problem. It must not be part of what is read ([`temporary::outside`](crate::temporary::outside)).
    pub spool: Option<PathBuf>,
}

impl Default for ContentLimits {
    /// 64 GiB in an entry, 8 levels, 10 million entries, 1 TiB in all, 16 MiB held, and no folder.
    fn default() -> Self {
        Self {
            max_entry: 64 << 30,
            max_depth: 8,
            max_entries: 10_000_000,
            max_total: 1 << 40,
            max_held: 16 << 20,
            spool: None,
        }
    }
}

/// Where an entry is: the file's name, and the names within archives. Valid UTF-8, and otherwise as found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    parts: Vec<String>,
}

impl EntryName {
    /// The name of a file.
    pub fn new(file: impl Into<String>) -> Self {
        Self { parts: vec![file.into()] }
    }

    /// The file, then the name within the archive that it is, and so on.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// Whether it lies in an archive.
    fn is_member(&self) -> bool {
        self.parts.len() > 1
    }

    fn child(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.to_owned());
        Self { parts }
    }
}

/// `evidence.zip!folder/inner.tar!file.json`
impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.parts.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "!" })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// Something that is wrong with a file or a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentProblem {
    /// The entry, or the container, in which it is.
    pub name: EntryName,
    /// What, and after how many bytes: of an entry its content, of a zip or tar archive the archive itself.
    pub error: ContentError,
}

/// What was left out because there is nothing in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkippedMembers {
    /// Folders.
    pub directories: u64,
    /// Streams without a byte, such as S3's folder markers.
    pub empty: u64,
    /// The attributes that macOS adds as files (`__MACOSX/`, `._name`).
    pub resource_forks: u64,
    /// Links, devices, pipes.
    pub others: u64,
}

/// What became of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Bytes read from the file; its size, unless something was skipped or the walk was stopped.
    pub bytes_read: u64,
    /// Bytes inflated, in all layers together.
    pub bytes_inflated: u64,
    /// Streams of text that the visitor was given.
    pub entries: u64,
    /// Bytes of text that it read.
    pub bytes_given: u64,
    /// Of the entries, those that it left before their end, so that damage further on is not known of.
    pub unfinished: u64,
    /// What was left out.
    pub skipped: SkippedMembers,
    /// What is wrong, in the order found: also every error that a reader returned to the visitor. 1,000 at
    /// most.
    pub problems: Vec<ContentProblem>,
    /// Problems beyond those.
    pub more_problems: u64,
    /// The visitor wanted no more.
    pub stopped: bool,
}

impl Outcome {
    fn problem_count(&self) -> u64 {
        self.problems.len() as u64 + self.more_problems
    }
}

/// What is called for every stream of text: with its name, and a reader that yields its content as UTF-8
/// without a byte order mark, and at damage, after all bytes before, an error that holds a [`ContentError`].
///
/// The reader need not be read to its end. [`ControlFlow::Break`] ends the walk.
pub type Visitor<'v> = dyn FnMut(&EntryName, &mut dyn Read) -> ControlFlow<()> + 'v;

/// Something in an archive, as it was packed.
pub enum ArchiveMember<'r> {
    /// A file, with its bytes; at damage, after all bytes before, an error that holds a [`ContentError`].
    File(&'r mut dyn Read),
    /// Another name of the earlier member with this name.
    HardLink(&'r str),
    /// A link to a path.
    SymbolicLink(&'r str),
}

/// What is called for every member of an archive. [`ControlFlow::Break`] ends the walk.
pub type MemberVisitor<'v> = dyn FnMut(&EntryName, ArchiveMember<'_>) -> ControlFlow<()> + 'v;

/// Walks the members of a zip or tar archive, which may be compressed as a whole: what they hold is not looked into.
///
/// A problem whose name has one part only is one of the archive itself: members may be lacking then.
pub fn read_members(
    name: &str,
    file: File,
    limits: &ContentLimits,
    visit: &mut MemberVisitor<'_>,
) -> Outcome {
    let length = file.metadata().map_or(u64::MAX, |metadata| metadata.len());
    walk_seekable(name, file, length, EntryWalk::new(limits, Visit::Members(visit)))
}

/// Walks a file, to the end of what it holds or until the visitor wants no more.
///
/// The file is read from where it is; zip archives are read in place. Anything that is no regular file is read
/// as a stream.
pub fn read_file(name: &str, file: File, limits: &ContentLimits, visit: &mut Visitor<'_>) -> Outcome {
    match file.metadata().ok().filter(std::fs::Metadata::is_file) {
        Some(metadata) => read_seekable(name, file, metadata.len(), limits, visit),
        None => read_stream(name, file, limits, visit),
    }
}

/// Walks what can be read from any place and has `length` bytes, as [`read_file`] does.
pub fn read_seekable<R: Read + Seek>(
    name: &str,
    reader: R,
    length: u64,
    limits: &ContentLimits,
    visit: &mut Visitor<'_>,
) -> Outcome {
    walk_seekable(name, reader, length, EntryWalk::new(limits, Visit::Texts(visit)))
}

fn walk_seekable<R: Read + Seek>(name: &str, reader: R, length: u64, mut walk: EntryWalk<'_>) -> Outcome {
    let mut file = Counted { inner: reader, bytes: 0 };
    let name = EntryName::new(name);
    let start = file.stream_position();
    let head = Source::new(&mut file).head().to_vec();
    match start.and_then(|start| file.seek(io::SeekFrom::Start(start))) {
        Ok(_) => file.bytes = 0,
        Err(error) => {
            walk.problem(&name, Reason::from(error).at(0));
            return walk.finish(file.bytes);
        }
    }
    if detect(&head) == Detected::Zip {
        walk.zip_checked(&name, &mut file, 0);
    } else {
        walk.stream(&name, &mut file, 0);
    }
    // a zip archive's directory is read apart from its entries
    walk.finish(file.bytes.min(length))
}

/// Walks a stream, such as standard input, to the end of what it holds or until the visitor wants no more.
pub fn read_stream<R: Read>(
    name: &str,
    reader: R,
    limits: &ContentLimits,
    visit: &mut Visitor<'_>,
) -> Outcome {
    let mut reader = Counted { inner: reader, bytes: 0 };
    let mut walk = EntryWalk::new(limits, Visit::Texts(visit));
    walk.stream(&EntryName::new(name), &mut reader, 0);
    walk.finish(reader.bytes)
}

/// Who is shown what is found.
enum Visit<'v> {
    Texts(&'v mut Visitor<'v>),
    Members(&'v mut MemberVisitor<'v>),
}

/// One file being walked.
struct EntryWalk<'v> {
    limits: ContentLimits,
    visit: Visit<'v>,
    allowance: Allowance,
    outcome: Outcome,
    /// Members of archives, of which there may be so many.
    members: u64,
    too_many: bool,
    /// To be used again for the next member.
    inflaters: Vec<Inflater>,
}

impl<'v> EntryWalk<'v> {
    fn new(limits: &ContentLimits, visit: Visit<'v>) -> Self {
        Self {
            allowance: Allowance::new(limits.max_total),
            limits: limits.clone(),
            visit,
            outcome: Outcome::default(),
            members: 0,
            too_many: false,
            inflaters: Vec::new(),
        }
    }

    fn finish(mut self, bytes_read: u64) -> Outcome {
        self.outcome.bytes_read = bytes_read;
        self.outcome.bytes_inflated = self.allowance.spent();
        self.outcome
    }

    /// One stream, whatever it holds.
    fn stream(&mut self, name: &EntryName, inner: &mut dyn Read, depth: u32) {
        if name.is_member() && matches!(self.visit, Visit::Members(_)) {
            return self.entry(name, inner);
        }
        let mut source = Source::new(inner);
        match detect(source.head()) {
            Detected::Gzip if self.may_nest(name, depth) => {
                let mut inflater = self.inflaters.pop().unwrap_or_default();
                let mut reader = GzipContent::new(&mut inflater, &mut source, self.allowance.clone());
                self.stream(name, &mut reader, depth + 1);
                self.inflaters.push(inflater);
            }
            Detected::Zstd if self.may_nest(name, depth) => {
                let mut reader = ZstdReader::new(&mut source, self.allowance.clone());
                self.stream(name, &mut reader, depth + 1);
            }
            Detected::Bzip2 if self.may_nest(name, depth) => {
                let mut reader = PackedReader::bzip2(&mut source, self.allowance.clone());
                self.stream(name, &mut reader, depth + 1);
            }
            Detected::Xz if self.may_nest(name, depth) => {
                let mut reader = PackedReader::xz(&mut source, self.allowance.clone());
                self.stream(name, &mut reader, depth + 1);
            }
            Detected::Tar if self.may_nest(name, depth) => self.tar(name, &mut source, depth + 1),
            Detected::Zip if self.may_nest(name, depth) => self.spool(name, &mut source, depth),
            Detected::Gzip
            | Detected::Zstd
            | Detected::Bzip2
            | Detected::Xz
            | Detected::Tar
            | Detected::Zip => {}
            Detected::Empty => match source.failure() {
                Some(reason) => self.problem(name, reason.clone().at(0)),
                None => self.outcome.skipped.empty += 1,
            },
            Detected::ResourceFork => self.outcome.skipped.resource_forks += 1,
            Detected::Unsupported(what) => self.problem(name, Reason::unsupported(what).at(0)),
            Detected::Text { bom } => {
                source.skip_head(bom);
                self.entry(name, &mut source);
            }
            Detected::Utf16Le { bom } => {
                source.skip_head(bom);
                self.entry(name, &mut Utf16Reader::new(&mut source, false));
            }
            Detected::Utf16Be { bom } => {
                source.skip_head(bom);
                self.entry(name, &mut Utf16Reader::new(&mut source, true));
            }
        }
    }

    /// A stream of text, for the visitor.
    fn entry(&mut self, name: &EntryName, inner: &mut dyn Read) {
        let mut reader =
            VisitorReader { inner, given: 0, limit: self.limits.max_entry, ended: false, failure: None };
        let flow = match &mut self.visit {
            Visit::Texts(visit) => visit(name, &mut reader),
            Visit::Members(visit) if name.is_member() => visit(name, ArchiveMember::File(&mut reader)),
            Visit::Members(_) => {
                return self.problem(name, Reason::unsupported("a file that is no archive").at(0));
            }
        };
        self.outcome.entries += 1;
        self.outcome.bytes_given += reader.given;
        if !reader.ended {
            self.outcome.unfinished += 1;
        }
        if let Some(error) = reader.failure {
            self.problem(name, error);
        }
        self.outcome.stopped |= flow.is_break();
    }

    /// A link in an archive: of no interest to who reads content.
    fn link(&mut self, name: &EntryName, member: ArchiveMember<'_>) {
        self.outcome.skipped.others += 1;
        if let Visit::Members(visit) = &mut self.visit {
            self.outcome.stopped |= visit(name, member).is_break();
        }
    }

    fn tar(&mut self, name: &EntryName, source: &mut Source<'_>, depth: u32) {
        let mut tar = TarReader::new(source);
        while !self.is_over() {
            match tar.next() {
                Next::End(None) => return,
                Next::End(Some(reason)) => return self.problem(name, reason.at(tar.position())),
                Next::Damage(reason) => self.problem(name, reason.at(tar.position())),
                Next::Member(member) => {
                    if !self.count_entry(name) {
                        return;
                    }
                    let shown = name.child(&member.name);
                    let problems = self.outcome.problem_count();
                    match member.kind {
                        Kind::File => self.stream(&shown, &mut tar, depth),
                        Kind::Directory => self.outcome.skipped.directories += 1,
                        Kind::HardLink => self.link(&shown, ArchiveMember::HardLink(&member.target)),
                        Kind::SymbolicLink => self.link(&shown, ArchiveMember::SymbolicLink(&member.target)),
                        Kind::Other => self.outcome.skipped.others += 1,
                        Kind::Sparse => {
                            self.problem(&shown, Reason::unsupported("a sparse tar member").at(0));
                        }
                    }
                    // the archive ends where this member broke off, which has been told
                    if tar.is_cut_off() && self.outcome.problem_count() > problems {
                        if matches!(self.visit, Visit::Members(_)) {
                            let reason = Reason::Truncated { within: "the tar archive" };
                            self.problem(name, reason.at(tar.position()));
                        }
                        return;
                    }
                }
            }
        }
    }

    /// A zip archive that is not a file: it is read from its end.
    fn spool(&mut self, name: &EntryName, source: &mut Source<'_>, depth: u32) {
        let ContentLimits { max_entry, max_held, spool: folder, .. } = &self.limits;
        let held = usize::try_from(*max_held).unwrap_or(usize::MAX);
        let mut spool = match folder {
            Some(folder) => tempfile::spooled_tempfile_in(held, folder),
            None => tempfile::spooled_tempfile(held),
        };
        let mut buffer = vec![0; 64 * 1024];
        let mut bytes = 0;
        let missing = loop {
            let length = source.read_some(&mut buffer);
            if length == 0 {
                break source.failure().cloned();
            }
            bytes += length as u64;
            if bytes > *max_entry {
                break Some(Reason::EntryTooLarge { limit: *max_entry });
            }
            if bytes > *max_held && folder.is_none() {
                break Some(Reason::NoSpool { limit: *max_held });
            }
            if let Err(error) = spool.write_all(&buffer[..length]) {
                break Some(error.into());
            }
        };
        drop(buffer);
        self.zip(name, &mut spool, depth + 1, missing.as_ref());
    }

    fn zip_checked(&mut self, name: &EntryName, archive: &mut dyn ReadSeek, depth: u32) {
        if self.may_nest(name, depth) {
            self.zip(name, archive, depth + 1, None);
        }
    }

    /// Whether there may be one more container at this depth; that there may not is a problem.
    fn may_nest(&mut self, name: &EntryName, depth: u32) -> bool {
        let limit = self.limits.max_depth;
        if depth >= limit {
            self.problem(name, Reason::TooDeep { limit }.at(0));
        }
        depth < limit
    }

    /// Counts a member of an archive, if it may be read.
    fn count_entry(&mut self, name: &EntryName) -> bool {
        let limit = self.limits.max_entries;
        if self.is_over() {
            return false;
        }
        if self.members == limit {
            self.too_many = true;
            self.problem(name, Reason::TooManyEntries { limit }.at(0));
            return false;
        }
        self.members += 1;
        true
    }

    /// Whether nothing more is to be read.
    fn is_over(&self) -> bool {
        self.outcome.stopped || self.too_many
    }

    fn problem(&mut self, name: &EntryName, error: ContentError) {
        if self.outcome.problems.len() < MAX_PROBLEMS {
            self.outcome.problems.push(ContentProblem { name: name.clone(), error });
        } else {
            self.outcome.more_problems += 1;
        }
    }
}

/// What a visitor reads from.
struct VisitorReader<'a> {
    inner: &'a mut dyn Read,
    given: u64,
    limit: u64,
    ended: bool,
    failure: Option<ContentError>,
}

impl Read for VisitorReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || (self.ended && self.failure.is_none()) {
            return Ok(0);
        }
        while self.failure.is_none() {
            let room = usize::try_from(self.limit - self.given).map_or(out.len(), |left| left.min(out.len()));
            let mut probe = [0];
            // at the limit, see whether there is more
            let target = if room == 0 { &mut probe[..] } else { &mut out[..room] };
            match self.inner.read(target) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(0);
                }
                Ok(_) if room == 0 => self.fail(Reason::EntryTooLarge { limit: self.limit }),
                Ok(length) => {
                    self.given += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(error.into()),
            }
        }
        match &self.failure {
            Some(error) => Err(error.clone().into()),
            None => Ok(0),
        }
    }
}

impl VisitorReader<'_> {
    fn fail(&mut self, reason: Reason) {
        self.ended = true;
        self.failure = Some(reason.at(self.given));
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(out)?;
        self.bytes += length as u64;
        Ok(length)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
