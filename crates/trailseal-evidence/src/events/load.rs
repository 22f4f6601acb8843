//! Reading an archive once.

use std::{
    collections::HashSet,
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use trailseal_query::{Filter, Predicate};

use super::{
    EventIndex, ID_SLACK, LoadError, MAX_ID, MEMBERS, MORE_KEYS,
    entry::{Extent, IndexedEvent, IndexedEvents, Texts},
    keys::{Keys, LookupTexts, ScopeNames},
    known::KnownEvents,
    postings::{Pair, Postings, pair},
    read::Reader,
};
use crate::{
    Error, Progress,
    index::ArchiveIndex,
    inputs::{FileList, FileSource as _},
    scan::{self, ColumnFold, ColumnRows, Fold, Row, ScanOptions, Summary},
};

impl EventIndex {
    /// Reads the files of an archive and makes an index of its events. Of the options the threads and the limits count:
    /// everything is indexed, whatever its time and whatever the digests say of it. Files that an index on disk knows are not
    /// read.
    ///
    /// # Errors
    /// [`LoadError`]; what is wrong with single files is in the summary.
    pub fn load(
        files: Arc<FileList>,
        index: Option<Arc<ArchiveIndex>>,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Summary), LoadError> {
        if let Some(pipe) = files.pipe() {
            return Err(LoadError::NotAFile { shown: pipe.display().to_string() });
        }
        let keys = Arc::new(Keys::new());
        let known = KnownEvents::new(index, &files, &HashSet::new(), options);
        let (loaded, summary) = Self::read(&files, known.as_ref(), &keys, options, progress)?;
        Ok((Self::of(files, keys, loaded, known, options)?, summary))
    }

    /// Reads all events of these files, but of those that are known.
    pub(super) fn read(
        files: &FileList,
        known: Option<&KnownEvents>,
        keys: &Keys,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(LoadedPart, Summary), LoadError> {
        let filter = Filter::new(Predicate::Constant(true));
        let counts = Counts::default();
        let scan = ScanOptions {
            check_json: options.check_json,
            max_record: options.max_record,
            max_inflated: options.max_inflated,
            stat_files: options.stat_files,
            spool: options.spool.clone(),
            threads: options.threads,
            index: known.map(KnownEvents::index),
            ..ScanOptions::default()
        };
        let context = Context { files, known, keys, counts: &counts };
        let take = |loaded: &mut LoadedPart, row: &Row<'_>| loaded.row(row, &context);
        let known_rows = |_: &mut LoadedPart, _: &ColumnRows<'_>| ControlFlow::Continue(());
        let columns = known.map(|_| ColumnFold { groups: &[], add: &known_rows });
        let new = LoadedPart::default;
        let result = scan::fold_columns(files, &scan, &filter, progress, &new, &take, columns.as_ref());
        if let Some(failure) = counts.take_failure() {
            return Err(failure);
        }
        Ok(result?)
    }

    /// The index of these files, of which everything is loaded.
    pub(super) fn of(
        files: Arc<FileList>,
        keys: Arc<Keys>,
        loaded: LoadedPart,
        known: Option<KnownEvents>,
        options: &ScanOptions<'_>,
    ) -> Result<Self, LoadError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .thread_name(|number| format!("events-{number}"))
            .build()
            .map_err(|error| Error::Threads(std::io::Error::other(error)))?;
        let LoadedPart { entries, pairs, texts, .. } = loaded;
        if u32::try_from(pairs.len()).is_err() || u32::try_from(entries.len()).is_err() {
            return Err(LoadError::TooMany { shown: "the archive".to_owned(), what: "events" });
        }
        let known_account = known.as_ref().map(KnownEvents::sole_account);
        let mut accounts = entries.iter().map(|entry| entry.account);
        let first = match &known_account {
            Some(account) => account.as_deref().map(|account| keys.short(Some(account))),
            None => accounts.next(),
        };
        let sole_account = first.filter(|first| accounts.all(|account| account == *first));
        let (entries, postings) = pool.install(|| {
            let (entries, ranks) = IndexedEvents::sort(entries, texts);
            (entries, Postings::build(pairs, &ranks))
        });
        let fingerprint = files.fingerprint();
        let reader = Reader::new(pool, options, files.given());
        Ok(Self { entries, postings, keys, files, known, sole_account, reader, fingerprint })
    }
}

/// What one thread found, or all of them.
#[derive(Default)]
pub(super) struct LoadedPart {
    entries: Vec<IndexedEvent>,
    /// By the numbers of the entries.
    pairs: Vec<Pair>,
    texts: Texts,
    noted: LookupTexts,
    /// The file that was seen last, and was as listed.
    file: Option<u64>,
}

/// What all threads share.
struct Context<'a> {
    files: &'a FileList,
    known: Option<&'a KnownEvents>,
    keys: &'a Keys,
    counts: &'a Counts,
}

#[derive(Default)]
struct Counts {
    records: AtomicU64,
    id_bytes: AtomicU64,
    /// Texts beyond those that each record may have.
    more_keys: AtomicU64,
    failure: std::sync::Mutex<Option<LoadError>>,
}

impl LoadedPart {
    /// Gives the files the numbers that they have in another list.
    pub(super) fn renumber_files(&mut self, numbers: &[usize]) {
        for entry in &mut self.entries {
            let number = numbers.get((entry.file / MEMBERS) as usize).copied().unwrap_or_default();
            entry.file = number as u64 * MEMBERS + entry.file % MEMBERS;
        }
    }

    /// Takes an event that another index knows, under the number of its file here, and says its own number.
    pub(super) fn take(&mut self, known: &IndexedEvents, rank: u32, file: u64) -> Result<u32, LoadError> {
        let own = u32::try_from(self.entries.len());
        let own = own.map_err(|_| LoadError::TooMany { shown: "the archive".to_owned(), what: "events" })?;
        self.entries.push(known.copied(rank, file, &mut self.texts));
        Ok(own)
    }

    /// Takes what events of another index can be looked up by; `number` says what they are here.
    pub(super) fn take_pairs(&mut self, known: &Postings, number: &dyn Fn(u32) -> Option<u32>) {
        self.pairs.extend(known.pairs(number));
    }

    /// Takes a row, and ends the scan when the index cannot be made.
    fn row(&mut self, row: &Row<'_>, context: &Context<'_>) -> ControlFlow<()> {
        match self.try_row(row, context) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                context.counts.fail(failure);
                ControlFlow::Break(())
            }
        }
    }

    fn try_row(&mut self, row: &Row<'_>, context: &Context<'_>) -> Result<(), LoadError> {
        let shown = || row.file.shown.clone();
        let file = row.file.index;
        if context.known.is_some_and(|known| known.has((file / MEMBERS) as usize)) {
            return Ok(());
        }
        if self.file != Some(file) {
            context.check(file, &row.file.shown)?;
            self.file = Some(file);
        }
        let names = ScopeNames::of(&row.record);
        if !context.keys.note(&row.record, &names, &mut self.noted, &|more| context.counts.has_room(more)) {
            return Ok(());
        }
        let number = u32::try_from(row.number);
        let number = number.map_err(|_| LoadError::TooMany { shown: shown(), what: "events of one file" })?;
        let own = u32::try_from(self.entries.len());
        let own = own.map_err(|_| LoadError::TooMany { shown: shown(), what: "events" })?;
        let id = row.record.member("eventID").and_then(|id| id.text()).filter(|id| !id.is_empty());
        let before = self.texts.len();
        let mut entry = IndexedEvent::new(row.record.time(), id.as_deref(), (file, number), &mut self.texts);
        context.counts.count((self.texts.len() - before) as u64, &shown)?;
        entry.traits = self.noted.traits;
        entry.region = self.noted.region;
        entry.account = self.noted.account;
        let bytes = row.record.bytes();
        entry.extent = Extent::new(row.at, bytes.len(), context.keys.sum(bytes));
        self.entries.push(entry);
        self.pairs.extend(self.noted.hashes.iter().map(|hash| pair(*hash, own)));
        Ok(())
    }
}

impl Fold for LoadedPart {
    fn merge(&mut self, other: Self) {
        let (entries, texts) = (self.entries.len() as u32, self.texts.len());
        if self.entries.is_empty() {
            *self = other;
            return;
        }
        self.entries.extend(other.entries.into_iter().map(|entry| entry.moved(texts)));
        let moved = |[high, low, number]: Pair| [high, low, number.wrapping_add(entries)];
        self.pairs.extend(other.pairs.into_iter().map(moved));
        self.texts.extend(other.texts);
    }
}

impl Context<'_> {
    /// Whether records of a file, or of a member of it, can be told apart and be read again.
    fn check(&self, file: u64, shown: &str) -> Result<(), LoadError> {
        if self.files.state((file / MEMBERS) as usize).is_none() {
            return Err(LoadError::Changed { shown: shown.to_owned() });
        }
        // a scan gives all further members this number
        if file % MEMBERS == MEMBERS - 1 {
            return Err(LoadError::TooMany { shown: shown.to_owned(), what: "members of one archive file" });
        }
        Ok(())
    }
}

impl Counts {
    fn count(&self, id_bytes: u64, shown: &dyn Fn() -> String) -> Result<(), LoadError> {
        let records = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        if id_bytes == 0 {
            return Ok(());
        }
        let bytes = self.id_bytes.fetch_add(id_bytes, Ordering::Relaxed) + id_bytes;
        if bytes > ID_SLACK.max(records.saturating_mul(MAX_ID)) {
            return Err(LoadError::LongIds { shown: shown(), bytes });
        }
        Ok(())
    }

    /// Takes room for texts beyond those that each record may have.
    fn has_room(&self, more: usize) -> bool {
        let limit = MORE_KEYS.saturating_add(self.records.load(Ordering::Relaxed));
        let add = |taken: u64| taken.checked_add(more as u64).filter(|taken| *taken <= limit);
        self.more_keys.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    fn fail(&self, failure: LoadError) {
        let mut first = self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        first.get_or_insert(failure);
    }

    fn take_failure(&self) -> Option<LoadError> {
        self.failure.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}
