//! The files that a scan reads, and those that it need not read.

use std::{
    collections::HashSet,
    ffi::OsStr,
    hash::{BuildHasher as _, RandomState},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use trailseal_archive::{
    Timestamp,
    key::{DigestName, log_stamp, stem_stamp},
    leftover::Leftover,
    open::{self, OpenError, OpenFile, Refusal},
    stamp::{FileStamp, StampFolder},
    walk::{Folder, Listing, Problem, ProblemKind, Roots},
};

use super::{Damage, EARLY, ScanOptions, Skipped, Summary};
use crate::{
    Progress,
    days::{DAY, day_of, is_of_day, number_of},
    index::Asked,
    inputs::{FileSource, InputPart, ahead, file_state, has_number},
    ledger::FileClaims,
    paths::text_of,
};

/// A file to read.
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    /// Its place among the files that are read.
    pub(super) turn: u64,
    /// Its place among all files of the inputs.
    pub(super) number: u64,
    /// Where it is; `None` for standard input.
    pub(crate) real: Option<PathBuf>,
    /// What it was found below by walking, and must not lead out of.
    pub(super) roots: Option<Arc<Roots>>,
    /// As the user would write it.
    pub(super) shown: String,
    /// Bytes on disk, or 0 if nobody asked.
    pub(super) length: u64,
    /// What the file system said of it when it was found, if it was asked.
    pub(crate) stamp: Option<FileStamp>,
    /// Whether the user named it.
    pub(super) is_given: bool,
    /// Whether it can be read once only.
    pub(super) is_pipe: bool,
    /// Why it must not be opened.
    pub(crate) refusal: Option<Refusal>,
    /// What may have been left behind by a desktop or a copy, by its name, and is no log if its content is such.
    pub(crate) leftover: Option<Leftover>,
    /// What the digests say of it.
    pub(super) entry: Option<FileClaims<'a>>,
    /// Whether a log file of this name was found before: names of logs are given once.
    pub(super) is_again: bool,
}

impl Job<'_> {
    /// What the user named, of which nothing else is known.
    fn given(shown: String) -> Self {
        Self {
            turn: 0,
            number: 0,
            real: None,
            roots: None,
            shown,
            length: 0,
            stamp: None,
            is_given: true,
            is_pipe: false,
            refusal: None,
            leftover: None,
            entry: None,
            is_again: false,
        }
    }

    /// Its name, without folders.
    pub(super) fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or_default()
    }

    /// Opens what lies at its path.
    pub(super) fn open(&self, real: &Path) -> Result<OpenFile, OpenError> {
        match &self.roots {
            Some(roots) => roots.open_file(real),
            None => open::named(real),
        }
    }
}

/// What a finder is to know.
#[derive(Clone, Copy)]
pub(super) struct Finding<'a> {
    pub(super) options: &'a ScanOptions<'a>,
    /// An index that is asked for every file, and the state of each with it.
    pub(super) asked: Option<&'a Asked<'a>>,
    /// Whether files for which it answers need not be handed out.
    pub(super) keeps_answered: bool,
    pub(super) progress: &'a dyn Progress,
}

impl Finding<'_> {
    /// Whether the states of files are wanted.
    fn asks_for_states(&self) -> bool {
        self.options.stat_files || self.asked.is_some()
    }

    /// Whether that of every file is: none is left out by its time before, or trusted.
    fn asks_for_all(&self) -> bool {
        let is_trusted = |asked: &Asked<'_>| asked.index.trusts();
        let has_times = self.options.from.is_some() || self.options.to.is_some();
        self.asks_for_states() && !has_times && !self.asked.is_some_and(is_trusted)
    }

    /// Whether that of a file is wanted.
    fn asks_for(&self, real: &Path) -> bool {
        let is_trusted = |asked: &Asked<'_>| asked.index.trusts() && asked.index.find(real).is_some();
        !self.asked.is_some_and(is_trusted)
    }
}

/// Finds the files that are wanted one after the other; the others, and what cannot be seen, become part of the
/// summary.
pub(super) fn each<'a>(
    files: &dyn FileSource,
    finding: Finding<'a>,
    visit: &mut dyn FnMut(Job<'a>) -> ControlFlow<()>,
) -> Summary {
    let (names, hasher) = (HashSet::new(), RandomState::new());
    let mut finder =
        Finder { finding, summary: Summary::default(), names, hasher, number: 0, turn: 0, visit };
    let mut problems = Vec::new();
    let asks_for_all = finding.asks_for_all();
    let mut take = |part: InputPart<'_>| match part {
        InputPart::Stdin => finder.pipe(None, "-".to_owned()),
        InputPart::Pipe(path) => finder.pipe(Some(path.to_owned()), path.display().to_string()),
        InputPart::File { given, real, length, stamp } => finder.given(given, real, length, stamp),
        InputPart::Folder { roots, listing, stamps } => finder.folder(roots, listing, stamps),
    };
    // Whoever wants no more files has said so.
    let _ = ahead::each(files, asks_for_all, &mut problems, &mut take);
    let mut summary = finder.summary;
    // a circle hides nothing, and neither does another name
    let hides = |found: &Problem| !matches!(found.kind, ProblemKind::Loop | ProblemKind::Alias);
    for Problem { shown, kind, .. } in problems.into_iter().filter(hides) {
        let (shown, reason) = (shown.display().to_string(), kind.to_string());
        summary.damage(Damage { index: u64::MAX, shown, offset: None, reason });
    }
    summary
}

/// Why no event of a file can be of the wanted time, by the time in its name and the day of its date folders, if any.
pub(super) fn unwanted_by_name(
    options: &ScanOptions<'_>,
    stamp: Option<Timestamp>,
    day: Option<Timestamp>,
) -> Option<Skipped> {
    let ScanOptions { from, to, delivery_delay: late, .. } = options;
    let stamp = stamp?;
    // A stamp of another day than the folder's was put there by somebody else than CloudTrail (row 84).
    if day.is_some_and(|day| !is_of_day(stamp, day)) {
        return None;
    }
    let other_time = |first: Timestamp, last: Timestamp| match () {
        () if from.is_some_and(|from| last < from.plus(-EARLY)) => Some(Skipped::EarlierTime),
        () if to.is_some_and(|to| first > to.plus(*late)) => Some(Skipped::LaterTime),
        () => None,
    };
    // Around midnight stamp and folder may differ by a day: both must be of another time.
    let of_folder = day.filter(|day| number_of(*day) != number_of(stamp));
    let why = other_time(stamp, stamp)?;
    of_folder.is_none_or(|day| other_time(day, day.plus(DAY)).is_some()).then_some(why)
}

/// Sorts out what is not wanted as soon as it is found: most files of an archive, when little of it is asked for.
struct Finder<'o, 'a> {
    finding: Finding<'a>,
    summary: Summary,
    /// The names of the logs that are read, hashed.
    names: HashSet<u64>,
    hasher: RandomState,
    /// The place among all files of the next one.
    number: u64,
    /// Its place among those that are read, if it is.
    turn: u64,
    visit: &'o mut dyn FnMut(Job<'a>) -> ControlFlow<()>,
}

impl<'a> Finder<'_, 'a> {
    fn pipe(&mut self, real: Option<PathBuf>, shown: String) -> ControlFlow<()> {
        self.send(Job { real, is_pipe: true, ..Job::given(shown) })
    }

    fn given(&mut self, given: &Path, real: &Path, length: u64, stamp: Option<FileStamp>) -> ControlFlow<()> {
        let Finding { options, asked, .. } = self.finding;
        let entry = options.ledger.and_then(|ledger| ledger.entry(real));
        let name = given.file_name().map(OsStr::to_string_lossy).unwrap_or_default();
        let delivered = log_stamp(&name);
        self.summary.reach.add(&name, delivered);
        if let Some(why) = self.is_unwanted(&name, delivered, day_of(&text_of(real)), entry) {
            self.leave_out(why, length);
            return ControlFlow::Continue(());
        }
        let shown = given.display().to_string();
        if self.is_seen(real) {
            self.leave_out(Skipped::Seen, length);
            return ControlFlow::Continue(());
        }
        let asked = asked.filter(|_| self.finding.asks_for(real));
        let stamp = stamp.or_else(|| FileStamp::of(&asked.and_then(|_| real.symlink_metadata().ok())?));
        let real = Some(real.to_owned());
        let is_again = self.is_again(&name, delivered);
        self.send(Job { real, length, stamp, entry, is_again, ..Job::given(shown) })
    }

    fn folder(
        &mut self,
        roots: &Arc<Roots>,
        listing: &Listing,
        stamps: Option<&[Option<FileStamp>]>,
    ) -> ControlFlow<()> {
        let Listing { folder, files } = listing;
        let Finding { options, .. } = self.finding;
        let known = options.ledger.map(|ledger| ledger.folder(&folder.real));
        let in_folder = Leftover::in_folder(&folder.real);
        let day = day_of(&format!("{}/x", text_of(&folder.real)));
        let weigh = options.stat_files;
        let asks = stamps.is_none() && self.finding.asks_for_states();
        let states = if asks { StampFolder::open(&folder.real).ok() } else { None };
        let shown_folder = shown_before(folder);
        // links that lead nowhere are told as problems of the walk, others are left out by it
        for (at, file) in files.iter().enumerate().filter(|(_, file)| has_number(file.refusal)) {
            let delivered = log_stamp(&file.name);
            self.summary.reach.add(&file.name, delivered);
            let stamp = || match stamps {
                Some(stamps) => *stamps.get(at)?,
                None => states.as_ref().filter(|_| file.refusal.is_none())?.stamp(&file.name),
            };
            let length = |stamp: Option<FileStamp>| match file.length {
                0 if weigh => stamp.map_or(0, |stamp| stamp.length),
                known => known,
            };
            let entry = known.and_then(|known| known.entry(&file.name));
            if file.refusal.is_none()
                && let Some(why) = self.is_unwanted(&file.name, delivered, day, entry)
            {
                let stamp = if weigh { stamp() } else { None };
                self.leave_out(why, length(stamp));
                continue;
            }
            let real = path_below(&folder.real, &file.name);
            let stamp = if self.finding.asks_for(&real) { stamp() } else { None };
            let length = length(stamp);
            if file.refusal.is_none() && self.is_seen(&real) {
                self.leave_out(Skipped::Seen, length);
                continue;
            }
            let is_again = self.is_again(&file.name, delivered);
            self.send(Job {
                turn: 0,
                number: 0,
                real: Some(real),
                roots: Some(Arc::clone(roots)),
                shown: [&shown_folder, &*file.name].concat(),
                length,
                stamp,
                is_given: false,
                is_pipe: false,
                refusal: file.refusal,
                leftover: Leftover::of(in_folder, &file.name),
                is_again,
                entry,
            })?;
        }
        ControlFlow::Continue(())
    }

    /// Why a file need not be read: it is a digest, or no event of it can be of the wanted time. `day` is that of its
    /// date folders, `delivered` the time in its name if it is that of a log.
    fn is_unwanted(
        &mut self,
        name: &str,
        delivered: Option<Timestamp>,
        day: Option<Timestamp>,
        entry: Option<FileClaims<'_>>,
    ) -> Option<Skipped> {
        if entry.is_some_and(|entry| entry.is_digest()) {
            return Some(Skipped::Digest);
        }
        let ScanOptions { from, to, signed_margin: margin, ledger, .. } = self.finding.options;
        if from.is_none() && to.is_none() {
            return None;
        }
        if ledger.is_some() {
            // what is not signed is read
            let (oldest, newest) = entry?.event_span()?;
            let is_other = from.is_some_and(|from| newest < from.plus(-margin))
                || to.is_some_and(|to| oldest > to.plus(*margin));
            return is_other.then_some(Skipped::OtherTimeSigned);
        }
        let digest = DigestName::parse(name).ok();
        let stamp = digest.as_ref().map(|name| name.end).or(delivered);
        let why = unwanted_by_name(self.finding.options, stamp, day)?;
        self.summary.unread_digests += u64::from(digest.is_some());
        Some(why)
    }

    /// Whether a log of this name was found before; a copy may have more behind its name (`… (1).json.gz`).
    fn is_again(&mut self, name: &str, delivered: Option<Timestamp>) -> bool {
        let own = name.split(['.', ' ']).next().unwrap_or_default();
        let is_log = delivered.is_some() || stem_stamp(own).is_some();
        is_log && !self.names.insert(self.hasher.hash_one(own))
    }

    /// Whether an earlier run read the file as it is now.
    fn is_seen(&self, real: &Path) -> bool {
        self.finding.options.seen.is_some_and(|seen| !seen.is_new(real, file_state(real)))
    }

    fn leave_out(&mut self, why: Skipped, length: u64) {
        self.number += 1;
        self.summary.skip(why, length);
    }

    fn send(&mut self, job: Job<'a>) -> ControlFlow<()> {
        let job = Job { turn: self.turn, number: self.number, ..job };
        self.number += 1;
        let Finding { options, asked, keeps_answered, progress } = self.finding;
        let known = asked.filter(|_| keeps_answered).and_then(|asked| Some((asked, asked.known(&job)?)));
        if let Some((asked, known)) = known
            && known.facts.inflated <= options.max_inflated
            && asked.holds_nothing(&known)
        {
            progress.add(1, job.length);
            self.summary.files += 1;
            self.summary.answered(&known, 0, &job);
            progress.done(1, job.length);
            return ControlFlow::Continue(());
        }
        self.turn += 1;
        (self.visit)(job)
    }
}

/// What stands before the name of every file in a folder, as it is shown.
fn shown_before(folder: &Folder) -> String {
    let mut shown = folder.shown_below(Path::new("x")).display().to_string();
    shown.pop();
    shown
}

/// A name in a folder.
fn path_below(folder: &Path, name: &str) -> PathBuf {
    let mut path = PathBuf::with_capacity(folder.as_os_str().len() + 1 + name.len());
    path.push(folder);
    path.push(name);
    path
}
