//! Scans: the records of an archive that pass a filter, from all files in parallel.
//!
//! [`stream`] hands out rows in archive order (files by path, records as they lie in them), [`fold`] in any
//! order, for what is counted or sorted. Nothing of the archive is held: memory follows the number of threads.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use trailseal_archive::{Timestamp, content::ContentLimits, key::log_stamp};
use trailseal_query::{
    Filter, Record,
    derived::{FileFacts, FileMember},
    lookup::Page,
    scan::{Counts, LeftOut},
};
use trailseal_verify::Code;

use crate::{
    Error, Progress, ProgressStage,
    index::{ArchiveIndex, Asked, KnownFile},
    inputs::{FileSource, InputPart},
    ledger::{Integrity, Ledger},
};

pub(crate) use self::{copies::trailer, finder::Job, load::load};

pub use self::columns::{ColumnFold, ColumnRows};
pub use self::end::FileEnd;
pub use self::seen::{SeenError, SeenFiles};

use self::{
    copies::Copies,
    end::FoldPart,
    finder::Finding,
    queue::{Queue, Taker},
    turns::InOrder,
    worker::{Finished, Worker},
};

mod columns;
mod copies;
mod end;
mod finder;
mod load;
mod observe;
mod queue;
mod seen;
mod table;
mod turns;
mod twice;
mod worker;

/// Members of one archive file that are told apart in archive order.
pub const MEMBERS: u64 = 1 << 24;

/// Seconds by which events may lie outside the signed times of their log file, unless the user says otherwise: that
/// `oldestEventTime` and `newestEventTime` bound them exactly is documented nowhere.
pub const SIGNED_MARGIN: i64 = 15 * 60;

/// Seconds before the wanted time at which a log may be stamped and hold events of it: the stamp is rounded,
/// and no event is later than its delivery (docs/spec/records.md 2.7).
pub(crate) const EARLY: i64 = 15 * 60;

/// Files up to this size on disk, and up to this size inflated, are held whole.
pub(crate) const MAX_WHOLE: usize = 8 << 20;

/// Damage beyond which it is only counted.
const MAX_DAMAGE: usize = 1000;

/// Whether content is a table of events.
pub(crate) fn is_table(content: &[u8]) -> bool {
    table::separator(&content[..content.len().min(table::HEAD)]).is_some()
}

/// What is scanned.
#[derive(Clone, Debug)]
pub struct ScanOptions<'a> {
    /// Events before this time are not wanted: files that cannot hold later ones are not opened.
    pub from: Option<Timestamp>,
    /// Events after this time are not wanted.
    pub to: Option<Timestamp>,
    /// Seconds that a log file may be delivered after its events, when only its name tells its time.
    pub delivery_delay: i64,
    /// Seconds by which events may lie outside the times that a signed digest states of their file.
    pub signed_margin: i64,
    /// What signed digests say of the files; rows are labelled by it.
    pub ledger: Option<&'a Ledger>,
    /// Only rows of files with this label are wanted.
    pub only_integrity: Option<Integrity>,
    /// Whether every file that is read is hashed ([`FileInfo::sha256`]); with a ledger they are anyway.
    pub hash_files: bool,
    /// Whether records that match are checked to be valid JSON throughout; without, only those of files that no
    /// checksum protects.
    pub check_json: bool,
    /// Bytes of one record; a longer one is a [`Damage`].
    pub max_record: usize,
    /// Inflated bytes of one file or archive member.
    pub max_inflated: u64,
    /// Whether files are asked for their length when they are found, for the progress and the bytes of files that
    /// are not read; it takes time.
    pub stat_files: bool,
    /// What an earlier run read, which is not read again.
    pub seen: Option<&'a SeenFiles>,
    /// The folder for temporary files, which a large zip archive in a pipe or in another archive needs. One that lies
    /// below an input is not used.
    pub spool: Option<PathBuf>,
    /// What is known of files from an earlier reading: those that cannot hold a record that passes are not read again. It
    /// changes nothing of what is found.
    pub index: Option<&'a ArchiveIndex>,
    /// Worker threads; 0 for as many as there are processors.
    pub threads: usize,
}

impl Default for ScanOptions<'_> {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            delivery_delay: 24 * 3600,
            signed_margin: SIGNED_MARGIN,
            ledger: None,
            only_integrity: None,
            hash_files: false,
            check_json: true,
            max_record: 8 << 20,
            max_inflated: ContentLimits::default().max_entry,
            stat_files: true,
            seen: None,
            spool: None,
            index: None,
            threads: 0,
        }
    }
}

/// A record that passed the filter.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The file that holds it.
    pub file: &'a FileInfo,
    /// Its place among the event records of that file, from 1.
    pub number: u64,
    /// The byte of the file's content, inflated once, at which it begins. `None` where it lies there in another form
    /// or within another object (see [`Found::Match`](trailseal_query::scan::Found)), in a member of an archive file, or
    /// in a file that is not held whole.
    pub at: Option<u64>,
}

/// A file, or a member of an archive file, in which records were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its path as the user would write it; members of archives as `evidence.zip!logs/a.json.gz`.
    pub shown: String,
    /// Its place in archive order: that of the file among all files of the inputs, times [`MEMBERS`], and that of the
    /// member in it.
    pub index: u64,
    /// SHA-256 of its inflated content, if files are hashed. `None` for what is too large to be held and comes
    /// through a pipe or out of an archive file.
    pub sha256: Option<[u8; 32]>,
    /// What the digests prove of it, if there is a ledger.
    pub integrity: Option<Integrity>,
}

impl FileInfo {
    /// The text of a member, if it is known.
    pub fn text(&self, member: FileMember) -> Option<Cow<'_, str>> {
        match member {
            FileMember::File => Some(self.shown.as_str().into()),
            FileMember::Sha256 => self.sha256.map(|hash| hex::encode(hash).into()),
            FileMember::Integrity => self.integrity.map(|label| label.as_str().into()),
        }
    }

    /// What conditions may ask of it.
    pub fn facts(&self) -> FileFacts<'_> {
        FileFacts {
            file: self.shown.as_str().into(),
            sha256: self.text(FileMember::Sha256),
            integrity: self.integrity.map(Integrity::as_str),
        }
    }
}

/// What a scan read, and what it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read.
    pub files: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Bytes of content after inflating.
    pub inflated: u64,
    /// Of the files, those for which an index answered ([`ScanOptions::index`]); of these nothing was inflated.
    pub from_index: u64,
    /// Of these, the ones of which it was not asked whether they are as they were ([`ArchiveIndex::trusted`]).
    pub unasked: u64,
    /// What was seen in them.
    pub counts: Counts,
    /// Of the events that passed the filter, those of copies: of log files whose name another file had before, and of files
    /// that hold the same as another one before, byte for byte.
    pub repeated: u64,
    /// Files that were not read, or hold nothing, by reason, with their bytes on disk (if
    /// [`ScanOptions::stat_files`] asks for them); in the order of [`Skipped::ALL`].
    pub skipped: [(u64, u64); Skipped::ALL.len()],
    /// What the names of all log files say, those that were not read among them.
    pub reach: Reach,
    /// Of the files of another time, those that are digests by their names.
    pub unread_digests: u64,
    /// Files that were read, by label, in the order of [`Integrity::ALL`]; zeros without a ledger.
    pub labels: [u64; Integrity::ALL.len()],
    /// Rows, by the label of their files.
    pub row_labels: [u64; Integrity::ALL.len()],
    /// Files that are not verified, why, in archive order; the first thousand.
    pub unverified: Vec<(String, Integrity, String)>,
    /// The times in the names of all files that no digest covers, and how many have each; `None` where the name has
    /// none, or one that its folder denies.
    pub uncovered: BTreeMap<Option<Timestamp>, u64>,
    /// Files that were read and hold no event, by place and name, in archive order; the first thousand.
    pub without_events: Vec<(u64, String)>,
    /// Damage, in archive order; the first thousand.
    pub damage: Vec<Damage>,
    /// How many places were damaged in all.
    pub damages: u64,
}

/// How far an archive reaches, by the names of its log files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// When the first and the last of them were delivered.
    pub delivered: Option<(Timestamp, Timestamp)>,
    /// Accounts, not more than [`Reach::MANY`].
    pub accounts: BTreeSet<String>,
    /// Regions, not more than [`Reach::MANY`].
    pub regions: BTreeSet<String>,
    /// The first and the last delivery by account and region, of not more than [`Reach::MANY`] of each.
    places: BTreeMap<String, BTreeMap<String, (Timestamp, Timestamp)>>,
    /// Whether it is that of some accounts and regions.
    pub(crate) is_narrow: bool,
}

impl Reach {
    /// Names beyond which no more are kept.
    pub const MANY: usize = 100;

    /// Of all that is there, by the names alone: for who did not come to the end of the files.
    pub fn of(files: &dyn FileSource) -> Self {
        let mut reach = Self::default();
        let mut add = |name: &str| reach.add(name, log_stamp(name));
        let _ = files.each(&mut Vec::new(), &mut |part| {
            match part {
                InputPart::File { given, .. } => {
                    add(&given.file_name().map(OsStr::to_string_lossy).unwrap_or_default());
                }
                InputPart::Folder { listing, .. } => {
                    listing.files.iter().for_each(|file| add(&file.name));
                }
                InputPart::Stdin | InputPart::Pipe(_) => {}
            }
            ControlFlow::Continue(())
        });
        reach
    }

    /// Takes in the name of a file, if it is one of a log: it has a time then.
    fn add(&mut self, name: &str, stamp: Option<Timestamp>) {
        let Some(stamp) = stamp else { return };
        let (first, last) = self.delivered.unwrap_or((stamp, stamp));
        self.delivered = Some((first.min(stamp), last.max(stamp)));
        let mut parts = name.split('_');
        let (Some(account), Some(_), Some(region)) = (parts.next(), parts.next(), parts.next()) else {
            return;
        };
        for (known, text) in [(&mut self.accounts, account), (&mut self.regions, region)] {
            if !known.contains(text) && known.len() < Self::MANY {
                known.insert(text.to_owned());
            }
        }
        if let Some(span) = self.places.get_mut(account).and_then(|regions| regions.get_mut(region)) {
            *span = (span.0.min(stamp), span.1.max(stamp));
        } else if self.accounts.contains(account) && self.regions.contains(region) {
            self.places.entry(account.to_owned()).or_default().insert(region.to_owned(), (stamp, stamp));
        }
    }

    /// How far it reaches in some accounts and regions, where any are named; `None` if it has log files of none of these, or
    /// not all of them are known.
    #[must_use]
    pub fn within(&self, accounts: &[String], regions: &[String]) -> Option<Self> {
        let is_of = |names: &[String], name: &String| names.is_empty() || names.contains(name);
        if self.accounts.len() == Self::MANY || self.regions.len() == Self::MANY {
            return None;
        }
        let mut narrow = Self::default();
        for (account, regions_of) in self.places.iter().filter(|(account, _)| is_of(accounts, account)) {
            for (region, (first, last)) in regions_of.iter().filter(|(region, _)| is_of(regions, region)) {
                let (start, end) = narrow.delivered.unwrap_or((*first, *last));
                narrow.delivered = Some((start.min(*first), end.max(*last)));
                narrow.accounts.insert(account.clone());
                narrow.regions.insert(region.clone());
                narrow.places.entry(account.clone()).or_default().insert(region.clone(), (*first, *last));
            }
        }
        narrow.is_narrow = true;
        narrow.delivered.map(|_| narrow)
    }
}

/// Why a file was not read, or not as JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// Its name says that it was delivered before the wanted time.
    EarlierTime,
    /// Its name says that it was delivered longer after the wanted time than files that are read
    /// ([`ScanOptions::delivery_delay`]).
    LaterTime,
    /// A signed digest says that its events are of another time.
    OtherTimeSigned,
    /// It holds nothing.
    Empty,
    /// It is no JSON, and its name does not say that it should be.
    NotJson,
    /// Its label is not the wanted one.
    OtherLabel,
    /// It was read before, as a digest.
    Digest,
    /// A desktop or a copy left it behind: its name and its content say so.
    Leftover,
    /// An earlier run read it ([`ScanOptions::seen`]).
    Seen,
}

impl Skipped {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::EarlierTime,
        Self::LaterTime,
        Self::OtherTimeSigned,
        Self::Empty,
        Self::NotJson,
        Self::OtherLabel,
        Self::Digest,
        Self::Leftover,
        Self::Seen,
    ];

    /// Its place in [`Skipped::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EarlierTime => "earlier_time",
            Self::LaterTime => "later_time",
            Self::OtherTimeSigned => "other_time_signed",
            Self::Empty => "empty",
            Self::NotJson => "not_json",
            Self::OtherLabel => "other_label",
            Self::Digest => "digest",
            Self::Leftover => "leftover",
            Self::Seen => "seen",
        }
    }
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file's place in archive order.
    pub index: u64,
    /// The file.
    pub shown: String,
    /// The byte of its inflated content at which reading stopped or a record was given up; `None` when the file
    /// as a whole could not be read.
    pub offset: Option<u64>,
    /// What is wrong, as a phrase.
    pub reason: String,
}

/// What a thread makes of the rows that it sees, in any order.
pub trait Fold: Send {
    /// Takes in what another thread made.
    fn merge(&mut self, other: Self);

    /// Takes note of a file that was read, after its rows. Files whose names say that they are of another time are not
    /// told, but counted ([`Summary::skipped`]).
    fn file(&mut self, _: &FileEnd<'_>) {}

    /// Whether [`file`](Self::file) does anything: where it does not, files for which an index answers take less time.
    fn hears_of_files() -> bool {
        true
    }

    /// Nothing more will come; still in the thread that made it, before parts are merged.
    fn end(&mut self) {}
}

impl Fold for () {
    fn merge(&mut self, (): Self) {}

    fn hears_of_files() -> bool {
        false
    }
}

impl<T: Send> Fold for Vec<T> {
    fn merge(&mut self, other: Self) {
        self.extend(other);
    }

    fn hears_of_files() -> bool {
        false
    }
}

impl<T: Send> Fold for Page<T> {
    fn hears_of_files() -> bool {
        false
    }

    fn merge(&mut self, other: Self) {
        Page::merge(self, other);
    }
}

/// Folds the records that pass the filter, in any order: `new` makes a part for a thread, `row` adds to it, and the parts
/// are merged. When `row` breaks, the scan ends, and what was folded until then is given; other threads may still see rows
/// for a moment.
///
/// # Errors
/// [`Error`] when nothing could be scanned or the run was interrupted; what is wrong with single files is in
/// the summary.
pub fn fold<P: Fold>(
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    filter: &Filter,
    progress: &dyn Progress,
    new: &(dyn Fn() -> P + Sync),
    row: &(dyn Fn(&mut P, &Row<'_>) -> ControlFlow<()> + Sync),
) -> Result<(P, Summary), Error> {
    fold_columns(files, options, filter, progress, new, row, None)
}

/// The same as [`fold`], where what is needed of events may come from the columns of an index: of files that it knows, and for
/// which it can say of every event whether it passes, `row` sees no record; `columns` sees all events of the file at once. The
/// summary is the same.
///
/// # Errors
/// Those of [`fold`].
pub fn fold_columns<P: Fold>(
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    filter: &Filter,
    progress: &dyn Progress,
    new: &(dyn Fn() -> P + Sync),
    row: &(dyn Fn(&mut P, &Row<'_>) -> ControlFlow<()> + Sync),
    columns: Option<&ColumnFold<'_, P>>,
) -> Result<(P, Summary), Error> {
    let is_over = AtomicBool::new(false);
    let groups = columns.map(|columns| columns.groups);
    let asked = options.index.and_then(|index| Asked::new(index, filter, groups));
    let finding = finding(options, asked.as_ref(), progress, P::hears_of_files());
    let (parts, summary) = run(files, finding, &is_over, &|next| {
        let mut part = new();
        let mut worker = Worker::new(files.given(), options, (filter, asked.as_ref()), progress, &is_over);
        while let Some(jobs) = next() {
            for job in &jobs {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                worker.read(job, &mut FoldPart { part: &mut part, add: row, columns });
            }
        }
        part.end();
        (part, worker.finish())
    })?;
    let mut parts = parts.into_iter();
    let mut all = parts.next().unwrap_or_else(new);
    parts.for_each(|part| all.merge(part));
    Ok((all, summary))
}

/// What a thread makes of rows on their way to the one that takes them in archive order.
pub trait Batch: Default + Send {
    /// Bytes of memory, about; 0 only if it holds nothing.
    fn bytes(&self) -> usize;

    /// Empties it for the next rows; memory may be kept.
    fn clear(&mut self);
}

/// Formatted rows.
impl Batch for Vec<u8> {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn clear(&mut self) {
        Vec::clear(self);
    }
}

/// Adds the records that pass the filter to batches with `row`, and hands the batches to `emit` in archive order, until it
/// breaks: only who sees rows in order knows when there are enough.
///
/// # Errors
/// Those of [`fold`].
pub fn stream<B: Batch>(
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    filter: &Filter,
    progress: &dyn Progress,
    row: &(dyn Fn(&mut B, &Row<'_>) + Sync),
    emit: &mut (dyn FnMut(&mut B) -> ControlFlow<()> + Send),
) -> Result<Summary, Error> {
    let is_over = AtomicBool::new(false);
    let turns = InOrder::new(emit, &is_over);
    let asked = options.index.and_then(|index| Asked::new(index, filter, None));
    let finding = finding(options, asked.as_ref(), progress, false);
    let (_, summary) = run(files, finding, &is_over, &|next| {
        let mut worker = Worker::new(files.given(), options, (filter, asked.as_ref()), progress, &is_over);
        let _watch = turns.watch();
        let mut batch = B::default();
        while let Some(jobs) = next() {
            for job in &jobs {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                worker.read(job, &mut |found: &Row<'_>| {
                    row(&mut batch, found);
                    turns.pass_on(job.turn, &mut batch);
                    ControlFlow::Continue(())
                });
                turns.end(job.turn, &mut batch);
            }
        }
        ((), worker.finish())
    })?;
    Ok(summary)
}

/// Gives a thread its next files.
type NextFiles<'n, 'a> = dyn FnMut() -> Option<Vec<Job<'a>>> + 'n;

/// How many threads that is: 0 stands for as many as there are processors.
pub(crate) fn threads_of(threads: usize) -> usize {
    match threads {
        0 => thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    }
}

fn finding<'a>(
    options: &'a ScanOptions<'a>,
    asked: Option<&'a Asked<'a>>,
    progress: &'a dyn Progress,
    hears_of_files: bool,
) -> Finding<'a> {
    // what is labelled is read
    let needs_bytes = options.ledger.is_some() || options.only_integrity.is_some();
    let keeps_answered = !needs_bytes && !hears_of_files;
    Finding { options, asked, keeps_answered, progress }
}

/// Finds the files in one thread and lets the others take them in order.
fn run<P: Send>(
    files: &dyn FileSource,
    finding: Finding<'_>,
    is_over: &AtomicBool,
    work: &(dyn Fn(&mut NextFiles<'_, '_>) -> (P, Finished) + Sync),
) -> Result<(Vec<P>, Summary), Error> {
    let Finding { options, progress, .. } = finding;
    let threads = threads_of(options.threads);
    let queue = Queue::new(threads);
    let stops = || is_over.load(Ordering::Relaxed) || progress.is_interrupted();
    let (parts, found) = thread::scope(|scope| {
        let spawn = |name: String| thread::Builder::new().name(name);
        // all of them first: a thread that does not come to be leaves the queue, too
        let takers: Vec<_> = (0..threads).map(|_| Taker::new(&queue)).collect();
        let workers = takers.into_iter().enumerate().map(|(n, taker)| {
            spawn(format!("scan-{n}"))
                .spawn_scoped(scope, move || work(&mut || if stops() { None } else { taker.take() }))
        });
        let workers: Result<Vec<_>, _> = workers.collect();
        let workers = match workers {
            Ok(workers) => workers,
            Err(error) => {
                // threads that were started find nothing to do
                queue.close();
                return Err(Error::Threads(error));
            }
        };
        progress.enter(ProgressStage::Listing);
        let found = finder::each(files, finding, &mut |job| {
            progress.add(1, job.length);
            if stops() { ControlFlow::Break(()) } else { queue.push(job) }
        });
        progress.enter(ProgressStage::Working);
        queue.close();
        let join = |worker: thread::ScopedJoinHandle<'_, (P, Finished)>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        Ok((workers.into_iter().map(join).collect::<Vec<_>>(), found))
    })?;
    if progress.is_interrupted() {
        return Err(Error::Interrupted);
    }
    let (mut summary, mut copies) = (found, Copies::default());
    let parts = parts.into_iter().map(|(part, seen)| {
        summary.add(seen.summary);
        copies.merge(seen.copies);
        part
    });
    let parts = parts.collect();
    summary.repeated += copies.repeated();
    summary.settle();
    Ok((parts, summary))
}

impl Summary {
    /// Whether digests lie in what was scanned, read or not, so that its log files could be verified.
    pub fn has_digests(&self) -> bool {
        let documents = LeftOut::ALL.iter().zip(self.counts.left_out);
        let mut documents = documents.filter(|(kind, _)| **kind == LeftOut::Digest);
        let of = |why: Skipped| self.skipped[why.index()].0;
        self.unread_digests + of(Skipped::Digest) > 0 || documents.any(|(_, count)| count > 0)
    }

    /// Whether there was no file at all, of whatever kind.
    pub fn has_no_file(&self) -> bool {
        self.files + self.damages + self.skipped.iter().map(|(files, _)| files).sum::<u64>() == 0
    }

    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.inflated += other.inflated;
        self.from_index += other.from_index;
        self.unasked += other.unasked;
        self.repeated += other.repeated;
        self.unread_digests += other.unread_digests;
        self.counts.add(&other.counts);
        for (sum, more) in self.skipped.iter_mut().zip(other.skipped) {
            *sum = (sum.0 + more.0, sum.1 + more.1);
        }
        for (sum, more) in self.labels.iter_mut().zip(other.labels) {
            *sum += more;
        }
        for (sum, more) in self.row_labels.iter_mut().zip(other.row_labels) {
            *sum += more;
        }
        self.unverified.extend(other.unverified);
        self.without_events.extend(other.without_events);
        self.damage.extend(other.damage);
        self.damages += other.damages;
    }

    /// Brings what the threads found into archive order.
    fn settle(&mut self) {
        self.damage.sort_by(|a, b| (a.index, a.offset, &a.shown).cmp(&(b.index, b.offset, &b.shown)));
        self.damage.truncate(MAX_DAMAGE);
        self.without_events.sort();
        self.without_events.truncate(MAX_DAMAGE);
        for (file, _, reason) in
            self.unverified.iter().filter(|(_, label, _)| *label == Integrity::NotCovered)
        {
            let is_misdated = reason.starts_with(Code::StampMismatch.text());
            let stamp = log_stamp(file.rsplit('/').next().unwrap_or(file)).filter(|_| !is_misdated);
            *self.uncovered.entry(stamp).or_default() += 1;
        }
        self.unverified.sort();
        self.unverified.truncate(MAX_DAMAGE);
    }

    fn skip(&mut self, why: Skipped, bytes: u64) {
        let (files, on_disk) = &mut self.skipped[why.index()];
        *files += 1;
        *on_disk += bytes;
    }

    /// A file that need not be read: what reading it would come to is known, and how many of its events match.
    fn answered(&mut self, known: &KnownFile<'_>, matched: u64, job: &Job<'_>) {
        let counts = Counts { matched, ..known.counts() };
        self.from_index += 1;
        self.unasked += u64::from(job.stamp.is_none());
        self.bytes += known.facts.stamp.length;
        self.inflated += known.facts.inflated;
        self.note_if_without_events(&counts, job.number * MEMBERS, &job.shown);
        self.counts.add(&counts);
    }

    /// Takes note of a file that was read, if it holds no event and is no digest.
    fn note_if_without_events(&mut self, counts: &Counts, index: u64, shown: &str) {
        let is_digest = counts.left_out[LeftOut::Digest as usize] > 0;
        if counts.records == 0 && !is_digest && self.without_events.len() < MAX_DAMAGE {
            self.without_events.push((index, shown.to_owned()));
        }
    }

    /// Something that is wrong with a file as a whole.
    fn note(&mut self, info: &FileInfo, reason: &str) {
        let (index, shown) = (info.index, info.shown.clone());
        self.damage(Damage { index, shown, offset: None, reason: reason.to_owned() });
    }

    fn damage(&mut self, damage: Damage) {
        self.damages += 1;
        // each thread's first ones, of which the first in archive order are kept
        if self.damage.len() < MAX_DAMAGE {
            self.damage.push(damage);
        }
    }
}
