//! One thread: reads files, scans their content, and accounts for every byte.

use std::{
    error::Error,
    io::{self, Read},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use trailseal_archive::{
    content::{
        ContentError, ContentLimits, Detected, EntryName, Outcome, Reason, detect, read_seekable, read_stream,
    },
    gzip::{
        Ending, Form,
        whole::{Whole, WholeInflater},
    },
    key::log_stamp,
    leftover::Leftover,
    open::{self, OpenFile},
    temporary,
};
use trailseal_index::FileAnswer;
use trailseal_query::{
    Filter,
    scan::{Counts, Found, Next, Scanner},
};
use trailseal_verify::Observation;

use super::{
    ColumnRows, Damage, FileEnd, FileInfo, MAX_WHOLE, MEMBERS, Row, ScanOptions, Skipped, Summary,
    copies::{Copies, known_fingerprint},
    end::{Before, OnFound},
    finder::{Job, unwanted_by_name},
    is_table, load,
    observe::observe,
    table::{self, TableReader},
    twice::{Again, First},
};
use crate::{
    Progress,
    days::{day_of, stamp_of},
    index::Asked,
    ledger::Integrity,
    sniff,
    unseen::Unseen,
};

/// What is said of a table of events.
const IN_TABLES: &str =
    "CSV: its rows are read with the columns that it has; the events themselves hold more";

/// The first size of the window through which larger content is scanned.
const WINDOW: usize = 1 << 20;

/// What a thread works with.
pub(super) struct Worker<'a> {
    /// The paths that were given.
    given: &'a [PathBuf],
    options: &'a ScanOptions<'a>,
    /// An index, and what it says to the filter.
    asked: Option<&'a Asked<'a>>,
    progress: &'a dyn Progress,
    /// Set when nobody wants more.
    inflater: WholeInflater,
    /// A file as it lies on disk: so many bytes of the buffer.
    on_disk: Vec<u8>,
    loaded: usize,
    /// The fingerprint of the file at hand, if an index answered for it.
    known: Option<u128>,
    content: Vec<u8>,
    window: Vec<u8>,
    /// Members that were read of the file at hand, if it is an archive file.
    members: u64,
    /// The files that were loaded whole and answered something.
    copies: Copies,
    scan: Scan<'a>,
}

/// What a thread saw.
pub(super) struct Finished {
    pub(super) summary: Summary,
    pub(super) copies: Copies,
}

/// A scanner and what it came to.
struct Scan<'a> {
    options: &'a ScanOptions<'a>,
    /// Whether somebody wants no more rows.
    is_over: &'a AtomicBool,
    scanners: Scanners<'a>,
    summary: Summary,
}

/// One for content that nothing vouches for, one for what a checksum protects.
struct Scanners<'a> {
    checking: Scanner<'a>,
    trusting: Scanner<'a>,
}

impl<'a> Scanners<'a> {
    fn of(&mut self, is_protected: bool) -> &mut Scanner<'a> {
        if is_protected { &mut self.trusting } else { &mut self.checking }
    }
}

/// Who is told of rows and files.
type OnRow<'r> = dyn OnFound + 'r;

impl<'a> Worker<'a> {
    pub(super) fn new(
        given: &'a [PathBuf],
        options: &'a ScanOptions<'a>,
        (filter, asked): (&'a Filter, Option<&'a Asked<'a>>),
        progress: &'a dyn Progress,
        is_over: &'a AtomicBool,
    ) -> Self {
        let scan = Scan {
            options,
            is_over,
            scanners: Scanners {
                checking: Scanner::new(filter, true),
                trusting: Scanner::new(filter, options.check_json),
            },
            summary: Summary::default(),
        };
        Self {
            given,
            options,
            asked,
            progress,
            inflater: WholeInflater::new(),
            on_disk: Vec::new(),
            loaded: 0,
            known: None,
            content: Vec::new(),
            window: Vec::new(),
            members: 0,
            copies: Copies::default(),
            scan,
        }
    }

    pub(super) fn finish(self) -> Finished {
        Finished { summary: self.scan.summary, copies: self.copies }
    }

    /// Reads one file.
    pub(super) fn read(&mut self, job: &Job<'_>, row: &mut OnRow<'_>) {
        let before = Before::of(&self.scan.summary);
        (self.members, self.loaded, self.known) = (0, 0, None);
        let matched = self.scan.summary.counts.matched;
        self.read_job(job, row);
        let summary = &mut self.scan.summary;
        let matched = summary.counts.matched - matched;
        if job.is_again {
            summary.repeated += matched;
        } else if matched > 0 && self.loaded > 0 {
            self.copies.add(&self.on_disk[..self.loaded], job.turn, matched);
        } else if let Some(known) = self.known.filter(|_| matched > 0) {
            self.copies.add_known(known, job.turn, matched);
        }
        let end = before.end(&self.scan.summary, &job.shown, job.number * MEMBERS);
        row.file(&FileEnd { members: self.members, ..end });
        self.progress.done(1, job.length);
    }

    fn read_job(&mut self, job: &Job<'_>, row: &mut OnRow<'_>) {
        let Some(real) = &job.real else { return self.pipe(job, io::stdin().lock(), row) };
        if job.is_pipe {
            return match open::stream(real) {
                Ok(pipe) => self.pipe(job, pipe, row),
                Err(error) => self.scan.damage(job, None, format!("it cannot be opened: {error}")),
            };
        }
        if let Some(refusal) = job.refusal {
            return self.scan.damage(job, None, refusal.to_string());
        }
        if self.is_answered(job, real, row) {
            return;
        }
        match job.open(real) {
            Ok(mut file) => match is_leftover(job, &mut file) {
                Ok(true) => self.scan.summary.skip(Skipped::Leftover, job.length),
                Ok(false) if file.length() == 0 => self.empty(job),
                Ok(false) => self.file(job, file, row),
                Err(error) => self.scan.damage(job, None, format!("the file cannot be read: {error}")),
            },
            Err(error) => self.scan.damage(job, None, format!("the file cannot be opened: {error}")),
        }
    }

    /// Whether an index answers for a file: it holds nothing that is wanted, or what of it is wanted stands in columns; what
    /// reading it would come to is known.
    fn is_answered(&mut self, job: &Job<'_>, real: &Path, row: &mut OnRow<'_>) -> bool {
        let Some(asked) = self.asked else { return false };
        let Some(known) = asked.known(job) else { return false };
        if known.facts.inflated > self.options.max_inflated {
            return false;
        }
        let rows = match asked.answer(&known) {
            FileAnswer::None => None,
            FileAnswer::Known(_) => match asked.rows(&known) {
                Some(rows) => Some(rows),
                None => return false,
            },
            FileAnswer::Unclear => return false,
        };
        // a label is given to bytes that are there now
        let observation = if self.options.ledger.is_some() {
            let Ok(mut file) = job.open(real) else { return false };
            match known.observe(&mut file, &mut self.on_disk) {
                Some(observation) => Some(observation),
                None => return false,
            }
        } else {
            None
        };
        let Self { scan, .. } = self;
        let Some(info) = scan.begin(job, observation.as_ref()) else { return true };
        let matched = rows.as_ref().map_or(0, ColumnRows::matched);
        scan.summary.answered(&known, matched, job);
        if let Some(rows) = rows {
            if let Some(label) = info.integrity {
                scan.summary.row_labels[label.index()] += matched;
            }
            if row.columns(&rows).is_break() {
                scan.is_over.store(true, Ordering::Relaxed);
            }
            self.known = Some(known_fingerprint(known.facts));
        }
        true
    }

    /// A file of 0 bytes: folder markers are nothing, a log that was emptied is damage.
    fn empty(&mut self, job: &Job) {
        if is_json_by_name(job.name()) {
            self.scan.damage(job, Some(0), "the file is empty".to_owned());
        } else {
            self.scan.summary.skip(Skipped::Empty, 0);
        }
    }

    fn file(&mut self, job: &Job<'_>, mut file: OpenFile, row: &mut OnRow<'_>) {
        match load(&mut file, &mut self.on_disk) {
            Ok(Some(loaded)) => {
                self.loaded = loaded;
                if !self.whole(job, row) {
                    self.held(job, row);
                }
            }
            Ok(None) => self.streamed(job, file, row),
            Err(error) => self.scan.damage(job, None, format!("the file cannot be read: {error}")),
        }
    }

    /// Scans a file that was loaded, if its content can be held too; false when it must be streamed.
    fn whole(&mut self, job: &Job<'_>, row: &mut OnRow<'_>) -> bool {
        let needs_hash = self.needs_hash(job);
        let Self { inflater, on_disk, loaded, content, scan, options, .. } = self;
        let on_disk = &on_disk[..*loaded];
        let limit = MAX_WHOLE.min(usize::try_from(options.max_inflated).unwrap_or(MAX_WHOLE));
        let (content, observation, is_protected, rest) = match inflater.inflate(on_disk, content, limit) {
            Whole::Done { length, members, first_member, first_member_compressed, ending } => {
                let content = &content[..length];
                let rest = match &ending {
                    Ending::TrailingData { bytes } => Some(format!("{bytes} bytes follow the gzip data")),
                    _ => None,
                };
                let behind = on_disk.len() - first_member_compressed;
                let ending = if members > 1 { Ending::ExtraMember { bytes: behind as u64 } } else { ending };
                let observe = || Observation {
                    sha256: trailseal_sha256::digest(&content[..first_member]),
                    inflated: first_member as u64,
                    form: Form::Gzip,
                    ending,
                };
                (content, needs_hash.then(observe), true, rest)
            }
            Whole::NotGzip if on_disk.len() <= limit => {
                let observe = || Observation {
                    sha256: trailseal_sha256::digest(on_disk),
                    inflated: on_disk.len() as u64,
                    form: Form::Inflated,
                    ending: if on_disk.is_empty() { Ending::Empty } else { Ending::Complete },
                };
                (on_disk, needs_hash.then(observe), false, None)
            }
            Whole::NotGzip | Whole::TooLarge | Whole::Damaged => return false,
        };
        let bom = match detect(content) {
            Detected::Text { bom } => bom,
            // nothing but the byte order mark of an empty file would be lost
            Detected::Empty => 0,
            _ => return false,
        };
        if is_table(content) {
            return false;
        }
        let Some(mut info) = scan.begin(job, observation.as_ref()) else { return true };
        if observation.as_ref().is_some_and(|seen| matches!(seen.ending, Ending::ExtraMember { .. }))
            && options.hash_files
        {
            // what is scanned is all members together
            info.sha256 = Some(trailseal_sha256::digest(content));
        }
        scan.summary.bytes += on_disk.len() as u64;
        scan.summary.inflated += content.len() as u64;
        let damages_before = scan.summary.damages;
        let mut stream = Stream {
            scan,
            job,
            info: &info,
            is_protected,
            is_whole: true,
            cut_at: None,
            is_leftover: false,
            damages_before,
            row,
        };
        stream.feed(&content[bom..], Next::End, bom as u64, true);
        stream.end();
        if let Some(rest) = rest {
            scan.damage(job, Some(content.len() as u64), rest);
        }
        true
    }

    /// Scans a file that was loaded and is damaged, inflates to more than can be held, or holds several files.
    fn held(&mut self, job: &Job<'_>, row: &mut OnRow<'_>) {
        let on_disk = std::mem::take(&mut self.on_disk);
        let bytes = &on_disk[..self.loaded];
        let observation = if self.needs_hash(job) {
            observe(&mut &*bytes, self.options.max_inflated).map(Some)
        } else {
            Ok(None)
        };
        let length = bytes.len() as u64;
        self.seekable(job, io::Cursor::new(bytes), length, observation, row);
        self.on_disk = on_disk;
    }

    /// Scans what is too large to be loaded. It is read twice if it has to be hashed: once for that, once for its
    /// rows, which come from the same bytes.
    fn streamed(&mut self, job: &Job<'_>, mut file: OpenFile, row: &mut OnRow<'_>) {
        if !self.needs_hash(job) {
            let length = file.metadata().map_or(0, |metadata| metadata.len());
            return self.seekable(job, file, length, Ok(None), row);
        }
        let mut first = First::new(&mut file);
        let observation = observe(&mut first, self.options.max_inflated);
        let is_whole =
            observation.as_ref().is_ok_and(|seen| !matches!(seen.ending, Ending::LimitExceeded { .. }));
        let chunks = first.chunks(is_whole);
        self.seekable(job, Again::new(file, &chunks), chunks.length(), observation.map(Some), row);
    }

    /// Whether a file is hashed before its rows are given out.
    fn needs_hash(&self, job: &Job<'_>) -> bool {
        self.options.hash_files || job.entry.is_some()
    }

    fn seekable(
        &mut self,
        job: &Job<'_>,
        reader: impl Read + io::Seek,
        length: u64,
        observation: io::Result<Option<Observation>>,
        row: &mut OnRow<'_>,
    ) {
        let observation = match observation {
            Ok(observation) => observation,
            Err(error) => return self.scan.damage(job, None, format!("the file cannot be read: {error}")),
        };
        let Some(info) = self.scan.begin(job, observation.as_ref()) else { return };
        let limits = self.limits();
        let walk = |visit: &mut dyn FnMut(&EntryName, &mut dyn Read) -> ControlFlow<()>| {
            read_seekable(&job.shown, reader, length, &limits, visit)
        };
        let outcome = self.entries(job, &info, row, walk);
        self.account(job, &outcome);
    }

    /// Scans what can be read once only.
    fn pipe(&mut self, job: &Job<'_>, reader: impl Read, row: &mut OnRow<'_>) {
        let Some(info) = self.scan.begin(job, None) else { return };
        let limits = self.limits();
        let outcome = self.entries(job, &info, row, |visit| read_stream(&job.shown, reader, &limits, visit));
        self.account(job, &outcome);
    }

    fn limits(&self) -> ContentLimits {
        let spool = self.options.spool.as_deref();
        let spool = spool.and_then(|folder| temporary::outside(folder, self.given));
        ContentLimits { max_entry: self.options.max_inflated, spool, ..ContentLimits::default() }
    }

    /// Scans every stream of text that `walk` finds.
    fn entries(
        &mut self,
        job: &Job<'_>,
        info: &FileInfo,
        row: &mut OnRow<'_>,
        walk: impl FnOnce(&mut dyn FnMut(&EntryName, &mut dyn Read) -> ControlFlow<()>) -> Outcome,
    ) -> Outcome {
        let Self { scan, window, progress, members, .. } = self;
        let is_over = scan.is_over;
        let is_unwanted = || progress.is_interrupted() || is_over.load(Ordering::Relaxed);
        let mut member = 0;
        walk(&mut |name, reader| {
            let is_member = name.parts().len() > 1;
            let mut info = info.clone();
            if is_member {
                info.shown = name.to_string();
                info.index = job.number * MEMBERS + member;
                // of the archive file, not of this
                info.sha256 = None;
                member = (member + 1).min(MEMBERS - 1);
            }
            if !is_member {
                return scan.entry(job, info, reader, window, &is_unwanted, row);
            }
            *members += 1;
            let (before, shown, index) = (Before::of(&scan.summary), info.shown.clone(), info.index);
            let flow = scan.entry(job, info, reader, window, &is_unwanted, row);
            row.file(&FileEnd { is_member, ..before.end(&scan.summary, &shown, index) });
            flow
        })
    }

    fn account(&mut self, job: &Job<'_>, outcome: &Outcome) {
        self.scan.summary.bytes += outcome.bytes_read;
        self.scan.summary.inflated += outcome.bytes_given;
        let is_nothing = outcome.entries == 0 && outcome.problems.is_empty();
        if is_nothing && outcome.skipped.empty > 0 {
            self.scan.summary.files -= 1;
            return self.empty(job);
        }
        if is_nothing && outcome.skipped.resource_forks > 0 {
            if is_json_by_name(job.name()) || job.is_given {
                let reason = "it holds the attributes of a file (AppleDouble) and no JSON";
                return self.scan.damage(job, Some(0), reason.to_owned());
            }
            self.scan.summary.files -= 1;
            return self.scan.summary.skip(Skipped::NotJson, job.length);
        }
        for problem in &outcome.problems {
            // another kind of file altogether, which lies beside the logs
            let is_foreign = matches!(&problem.error.reason, Reason::Unsupported { what } if what == "SQLite")
                && problem.name.parts().len() == 1
                && !job.is_given
                && !is_json_by_name(job.name());
            if is_foreign {
                self.scan.summary.files -= 1;
                self.scan.summary.skip(Skipped::NotJson, job.length);
                continue;
            }
            self.scan.summary.damage(Damage {
                index: job.number * MEMBERS,
                shown: problem.name.to_string(),
                offset: Some(problem.error.offset),
                reason: problem.error.reason.to_string(),
            });
        }
        self.scan.summary.damages += outcome.more_problems;
    }
}

impl Scan<'_> {
    fn damage(&mut self, job: &Job<'_>, offset: Option<u64>, reason: String) {
        let (index, shown) = (job.number * MEMBERS, job.shown.clone());
        self.summary.damage(Damage { index, shown, offset, reason });
    }

    /// What is known of a file before it is scanned; `None` when its rows are not wanted.
    fn begin(&mut self, job: &Job<'_>, seen: Option<&Observation>) -> Option<FileInfo> {
        let label = self.options.ledger.map(|_| {
            let seen = seen.ok_or(&Unseen::NotToItsEnd as &dyn Error);
            let (label, reason) = job.entry.map_or((Integrity::NotCovered, None), |entry| entry.label(seen));
            self.summary.labels[label.index()] += 1;
            if let (true, Some(reason)) = (label != Integrity::Verified, reason) {
                self.summary.unverified.push((job.shown.clone(), label, reason));
            }
            label
        });
        if self.options.only_integrity.is_some() && label != self.options.only_integrity {
            self.summary.skip(Skipped::OtherLabel, job.length);
            return None;
        }
        self.summary.files += 1;
        let sha256 = seen.map(|seen| seen.sha256);
        Some(FileInfo { shown: job.shown.clone(), index: job.number * MEMBERS, sha256, integrity: label })
    }

    /// Scans one stream through a window.
    fn entry(
        &mut self,
        job: &Job<'_>,
        mut info: FileInfo,
        reader: &mut dyn Read,
        window: &mut Vec<u8>,
        is_unwanted: &dyn Fn() -> bool,
        row: &mut OnRow<'_>,
    ) -> ControlFlow<()> {
        let is_member = info.shown != job.shown;
        if is_member
            && self.options.ledger.is_none()
            && let Some(why) = unwanted_member(self.options, &info.shown)
        {
            self.summary.skip(why, 0);
            return ControlFlow::Continue(());
        }
        let needs_hash = self.options.hash_files && info.sha256.is_none();
        let mut head = Vec::new();
        if let Err(error) = reader.take(table::HEAD as u64).read_to_end(&mut head) {
            // whoever gave the reader has noted it
            debug_assert!(ContentError::of(&error).is_some(), "{error}");
        }
        let separator = table::separator(&head);
        let is_table = separator.is_some();
        let rest = io::Cursor::new(head).chain(reader);
        let mut table = None;
        let mut plain = None;
        let reader: &mut dyn Read = match separator {
            Some(separator) => match TableReader::new(rest, separator) {
                Ok(rows) => table.insert(rows),
                Err(error) => {
                    self.damage(job, Some(0), format!("a table that cannot be read: {error}"));
                    return ControlFlow::Continue(());
                }
            },
            None => plain.insert(rest),
        };
        let mut filled = 0;
        let mut at_end = false;
        let mut is_fresh = true;
        let mut is_cut = false;
        let mut failure = None;
        let mut total = 0;
        let mut stream: Option<Stream<'_, '_, '_>> = None;
        // of a file in a folder this was asked before
        let leftover = if is_member { member_leftover(&info.shown) } else { None };
        let max_record = self.options.max_record.max(WINDOW);
        // a small entry is held whole, so that it can be hashed before its rows are given out
        let hold = if needs_hash { MAX_WHOLE } else { WINDOW };
        let mut this = Some(self);
        loop {
            if window.len() < hold.min(max_record).max(WINDOW) {
                window.resize(hold.min(max_record).max(WINDOW), 0);
            }
            while filled < window.len() && !at_end {
                match reader.read(&mut window[filled..]) {
                    Ok(0) => at_end = true,
                    Ok(length) => filled += length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        // else whoever gave the reader has noted it
                        if ContentError::of(&error).is_none() {
                            failure.get_or_insert_with(|| error.to_string());
                        }
                        (at_end, is_cut) = (true, true);
                    }
                }
            }
            if is_unwanted() {
                return ControlFlow::Break(());
            }
            if let Some(scan) = this.take() {
                let is_whole = at_end && !is_cut;
                let is_leftover = leftover.is_some_and(|kind| holds(kind, &window[..filled], is_whole));
                if is_leftover && is_whole {
                    scan.summary.skip(Skipped::Leftover, 0);
                    return ControlFlow::Continue(());
                }
                if needs_hash && at_end && !is_table {
                    info.sha256 = Some(trailseal_sha256::digest(&window[..filled]));
                }
                let damages_before = scan.summary.damages;
                stream = Some(Stream {
                    scan,
                    job,
                    info: &info,
                    is_protected: false,
                    is_whole: false,
                    cut_at: None,
                    is_leftover,
                    damages_before,
                    row,
                });
            }
            let Some(stream) = &mut stream else { return ControlFlow::Break(()) };
            let next = match () {
                () if at_end => Next::End,
                () if window.len() >= max_record => Next::Full,
                () => Next::More,
            };
            stream.cut_at = is_cut.then_some(total + filled as u64);
            let consumed = stream.feed(&window[..filled], next, 0, is_fresh);
            is_fresh = false;
            total += consumed as u64;
            if at_end {
                let counts = stream.end();
                // its cells may hold whole events
                let is_of_columns = counts.within < counts.records || counts.records == 0;
                if let Some(reason) = failure {
                    stream.scan.summary.note(stream.info, &format!("{IN_TABLES}, up to here: {reason}"));
                } else if is_table && is_of_columns {
                    stream.scan.summary.note(stream.info, IN_TABLES);
                }
                window.truncate(WINDOW);
                window.shrink_to(WINDOW);
                return ControlFlow::Continue(());
            }
            window.copy_within(consumed..filled, 0);
            filled -= consumed;
            if consumed == 0 && filled == window.len() && window.len() < max_record {
                let grown = (window.len() * 2).min(max_record);
                window.resize(grown, 0);
            }
        }
    }
}

/// One stream being scanned.
struct Stream<'s, 'o, 'r> {
    scan: &'s mut Scan<'o>,
    job: &'s Job<'s>,
    info: &'s FileInfo,
    /// Whether a checksum vouches for the content.
    is_protected: bool,
    /// Whether it is the content of a file that is held whole.
    is_whole: bool,
    /// Where the content was cut off by damage that is told already: what lacks there is no more damage.
    cut_at: Option<u64>,
    /// Whether it begins as what a desktop or a copy left behind, so that it need not hold JSON.
    is_leftover: bool,
    /// What was damaged before it.
    damages_before: u64,
    row: &'s mut OnRow<'r>,
}

impl Stream<'_, '_, '_> {
    /// Scans what comes next of the stream, from its beginning when `is_fresh`; `before` bytes were left out in
    /// front of it. Says how many bytes need not be given again.
    fn feed(&mut self, content: &[u8], next: Next, before: u64, is_fresh: bool) -> usize {
        let Scan { scanners, summary, is_over, .. } = &mut *self.scan;
        let scanner = scanners.of(self.is_protected);
        if is_fresh {
            scanner.start_in(&self.info.facts());
        }
        let (info, is_whole, cut_at, row) = (self.info, self.is_whole, self.cut_at, &mut *self.row);
        let label = info.integrity.map(Integrity::index);
        let mut has_enough = false;
        scanner.feed(content, next, &mut |found| match found {
            Found::Match { .. } if has_enough => {}
            Found::Match { record, number, at } => {
                if let Some(label) = label {
                    summary.row_labels[label] += 1;
                }
                let at = at.filter(|_| is_whole).map(|at| before + at);
                if row.row(&Row { record, file: info, number, at }).is_break() {
                    has_enough = true;
                    is_over.store(true, Ordering::Relaxed);
                }
            }
            Found::Damage { offset, .. } if cut_at.is_some_and(|cut_at| offset >= cut_at) => {}
            Found::Damage { offset, reason } => {
                let (index, shown) = (info.index, info.shown.clone());
                let (offset, reason) = (Some(before + offset), reason.to_owned());
                summary.damage(Damage { index, shown, offset, reason });
            }
        })
    }

    /// The stream is over: what was seen in it.
    fn end(&mut self) -> Counts {
        let Scan { scanners, summary, .. } = &mut *self.scan;
        let scanner = scanners.of(self.is_protected);
        let is_member = self.info.shown != self.job.shown;
        let counts = scanner.counts();
        summary.note_if_without_events(&counts, self.info.index, &self.info.shown);
        let need_not =
            self.is_leftover || (is_member || !self.job.is_given) && !is_json_by_name(&self.info.shown);
        if need_not && !scanner.is_json() {
            // a file of another kind, which was never meant to be read
            let is_its = |damage: &Damage| damage.index == self.info.index && damage.shown == self.info.shown;
            summary.damage.retain(|damage| !is_its(damage));
            // those beyond what is listed, too
            summary.damages = self.damages_before;
            if let Some(reason) = scanner.may_hold_events() {
                summary.note(self.info, reason);
                return counts;
            }
            let why = if self.is_leftover { Skipped::Leftover } else { Skipped::NotJson };
            summary.skip(why, self.job.length);
            if self.info.shown == self.job.shown {
                summary.files = summary.files.saturating_sub(1);
            }
        } else {
            summary.counts.add(&counts);
        }
        counts
    }
}

/// Whether a file is what its name says that a desktop or a copy left behind.
fn is_leftover(job: &Job<'_>, file: &mut OpenFile) -> io::Result<bool> {
    let Some(kind) = job.leftover else { return Ok(false) };
    let is_leftover = sniff::is_leftover(kind, file)?;
    io::Seek::rewind(file)?;
    Ok(is_leftover)
}

/// The same for a member of an archive file, of which all bytes are at hand, or only the first.
fn holds(kind: Leftover, content: &[u8], is_whole: bool) -> bool {
    if is_whole {
        return kind.is_in(&mut &*content).unwrap_or(false);
    }
    kind.is_content(&content[..content.len().min(Leftover::HEAD)], false)
}

/// Why no event of a member of an archive file can be of the wanted time: the rule for files.
fn unwanted_member(options: &ScanOptions<'_>, shown: &str) -> Option<Skipped> {
    let member = shown.rsplit('!').next().unwrap_or(shown);
    let name = member.rsplit('/').next().unwrap_or(member);
    unwanted_by_name(options, stamp_of(name), day_of(member))
}

fn member_leftover(shown: &str) -> Option<Leftover> {
    let member = shown.rsplit('!').next().unwrap_or(shown);
    let (folder, name) = member.rsplit_once('/').unwrap_or(("", member));
    Leftover::named(Path::new(folder), name)
}

/// Whether a name says that the file holds JSON.
fn is_json_by_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".zst"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    [".json", ".jsonl", ".ndjson"].iter().any(|end| name.ends_with(end)) || log_stamp(name).is_some()
}
