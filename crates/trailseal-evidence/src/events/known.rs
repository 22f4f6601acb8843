//! Events of files that an index on disk knows: nothing of them is held in memory, and of the files that may answer, those with
//! the newest events are read first, until no other can have a row of the page.

use std::{
    cmp::Reverse,
    collections::{HashSet, VecDeque},
    fs,
    ops::ControlFlow,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use trailseal_archive::{Timestamp, stamp::FileStamp};
use trailseal_index::ColumnGroup;
use trailseal_query::{
    Filter, Predicate,
    lookup::{AskedPage, Position, RecordPage, RecordPlace, Request},
    path::FieldPath,
    predicate::{Literal, Operator, Test},
};

use super::{LookupError, keys::account};
use crate::{
    Silent,
    index::{ArchiveIndex, KnownAt, KnownList},
    inputs::FileList,
    scan::{self, MEMBERS, ScanOptions},
};

/// Files that are read at once at first; each time there are not enough, twice as many.
const FIRST: usize = 8;
/// Files that are read at once, at most.
const MOST: usize = 256;
/// Requests of which it is held which files may answer: those whose pages are asked for one after the other.
const REQUESTS: usize = 16;

/// The member that says to which account's history an event belongs; where it is absent, the identity's account does.
const RECIPIENT: &str = "recipientAccountId";

/// Events of the files of a list that an index knows.
#[derive(Debug)]
pub(super) struct KnownEvents {
    index: Arc<ArchiveIndex>,
    files: Arc<FileList>,
    places: Vec<Option<KnownAt>>,
    /// Those that are known, with the seconds of their last and first events; the newest first.
    by_time: Vec<KnownSpan>,
    records: u64,
    asked: Mutex<VecDeque<(AskedFor, Arc<HashSet<usize>>)>>,
    options: ScanOptions<'static>,
}

#[derive(Clone, Copy, Debug)]
struct KnownSpan {
    last: Timestamp,
    first: Timestamp,
    file: usize,
}

/// What makes a difference to which files may answer.
#[derive(Clone, Debug, PartialEq)]
struct AskedFor {
    request: Request,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    account: Option<String>,
}

impl KnownEvents {
    /// Looks up the files of a list, but for some by their real paths; `None` if there is no index, or it knows none.
    pub(super) fn new(
        index: Option<Arc<ArchiveIndex>>,
        files: &Arc<FileList>,
        but: &HashSet<PathBuf>,
        options: &ScanOptions<'_>,
    ) -> Option<Self> {
        let index = index.filter(|index| !index.is_empty())?;
        let known = KnownList::new(&index, files, options.threads);
        let (mut by_time, mut records) = (Vec::new(), 0);
        let mut places = vec![None; files.len()];
        for (number, place) in places.iter_mut().enumerate() {
            let is_left_out = !but.is_empty() && files.real(number).is_some_and(|real| but.contains(&real));
            let file = known.file(number).filter(|file| file.facts.inflated <= options.max_inflated);
            let Some(file) = file.filter(|_| !is_left_out) else { continue };
            *place = Some(file.at);
            records += u64::from(file.facts.records);
            let time = Timestamp::from_epoch;
            let span = file.facts.span.and_then(|(first, last)| {
                Some(KnownSpan { last: time(last)?, first: time(first)?, file: number })
            });
            by_time.extend(span);
        }
        by_time.sort_unstable_by_key(|span| (Reverse(span.last), span.file));
        let options = ScanOptions {
            max_record: options.max_record,
            max_inflated: options.max_inflated,
            spool: options.spool.clone(),
            threads: options.threads,
            ..ScanOptions::default()
        };
        let is_any = places.iter().any(Option::is_some);
        let files = Arc::clone(files);
        is_any.then_some(Self { index, files, places, by_time, records, asked: Mutex::default(), options })
    }

    /// The index on disk.
    pub(super) fn index(&self) -> &ArchiveIndex {
        &self.index
    }

    /// Whether it tells of a file.
    pub(super) fn has(&self, number: usize) -> bool {
        self.places.get(number).is_some_and(Option::is_some)
    }

    /// How many events there are.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Bytes of memory, the index aside.
    pub(super) fn bytes(&self) -> usize {
        self.places.capacity() * size_of::<Option<KnownAt>>()
            + self.by_time.capacity() * size_of::<KnownSpan>()
    }

    /// The account of all events, if every one has it; `None` too if that cannot be told.
    pub(super) fn sole_account(&self) -> Option<String> {
        let mut sole: Option<String> = None;
        let segments: HashSet<(usize, usize)> =
            self.places.iter().flatten().map(|(index, segment, _)| (*index, *segment)).collect();
        for at in segments {
            let columns = self.index.ask(at, |segment| segment.columns(&[ColumnGroup::Place]))?;
            for number in 0..columns.count(ColumnGroup::Place) {
                let value = columns.value(ColumnGroup::Place, u32::try_from(number).ok()?)?;
                let account = value.record().member(RECIPIENT)?.text()?.into_owned();
                if sole.get_or_insert_with(|| account.clone()) != &account {
                    return None;
                }
            }
        }
        sole
    }

    /// Offers to the page what of these events it has room for.
    pub(super) fn add_to(&self, page: &mut RecordPage, asked: &AskedPage<'_>) -> Result<(), LookupError> {
        let wanted = asked.lookup.predicate_with_times();
        let candidates = self.candidates(asked, &wanted);
        let filter = Filter::new(wanted);
        let mut files = self.by_time.iter().filter(|span| candidates.contains(&span.file));
        let mut most = FIRST;
        loop {
            // what lies before the position has been on a page
            let mut numbers: Vec<usize> = files
                .by_ref()
                .take_while(|span| page.has_room_at(span.last))
                .filter(|span| !page.is_behind(span.first))
                .take(most)
                .map(|span| span.file)
                .collect();
            if numbers.is_empty() {
                return Ok(());
            }
            numbers.sort_unstable();
            page.merge(self.read(&numbers, &filter, asked)?);
            most = (most * 2).min(MOST);
        }
    }

    /// Reads some files, by their numbers in order.
    fn read(
        &self,
        numbers: &[usize],
        filter: &Filter,
        asked: &AskedPage<'_>,
    ) -> Result<RecordPage, LookupError> {
        let changed = |number: usize| LookupError::Changed { shown: self.files.shown(number) };
        for number in numbers {
            let now = self.files.real(*number).and_then(|real| fs::symlink_metadata(real).ok());
            if now.as_ref().and_then(FileStamp::of) != self.files.stamp(*number) {
                return Err(changed(*number));
            }
        }
        let list = self.files.only(numbers, &self.files);
        let row = |page: &mut RecordPage, row: &scan::Row<'_>| {
            let is_of_account =
                asked.account.is_none_or(|wanted| account(&row.record).as_deref() == Some(wanted));
            let number = usize::try_from(row.file.index / MEMBERS).ok().and_then(|at| numbers.get(at));
            if let (true, Some(number)) = (is_of_account, number) {
                let place = RecordPlace { file: *number as u64 * MEMBERS, number: row.number };
                let bytes = row.record.bytes();
                page.offer(Position::of(&row.record, place), place, bytes.len(), || bytes.into());
            }
            ControlFlow::Continue(())
        };
        let (page, summary) = scan::fold(&list, &self.options, filter, &Silent, &|| asked.page(), &row)?;
        // a known file is whole
        match summary.damage.first() {
            Some(damage) => Err(LookupError::Changed { shown: damage.shown.clone() }),
            None => Ok(page),
        }
    }

    /// The numbers of the files that may hold what is asked for.
    fn candidates(&self, asked: &AskedPage<'_>, wanted: &Predicate) -> Arc<HashSet<usize>> {
        let key = AskedFor {
            request: Request { next_token: None, max_results: None, ..asked.request.clone() },
            start: asked.lookup.start,
            end: asked.lookup.end,
            account: asked.account.map(str::to_owned),
        };
        let mut held = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = held.iter().position(|(known, _)| *known == key)
            && let Some(found) = held.remove(at)
        {
            held.push_back(found.clone());
            return found.1;
        }
        drop(held);
        let filter =
            Filter::new(asked.account.map(of_account).into_iter().fold(wanted.clone(), Predicate::and));
        let known = KnownList::of(&self.index, &self.files, &self.places, self.options.threads);
        let found: Arc<HashSet<usize>> = Arc::new(known.numbers(&filter, false).into_iter().collect());
        let mut held = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        held.push_back((key, Arc::clone(&found)));
        if held.len() > REQUESTS {
            held.pop_front();
        }
        found
    }
}

/// What is true of all records of an account, and of few others.
fn of_account(account: &str) -> Predicate {
    let path = FieldPath::new([RECIPIENT]);
    let is = Test::Compare(Operator::Equal, Literal::Text(account.to_owned()));
    let exists = Predicate::Field(path.clone(), Test::Exists);
    Predicate::any(vec![Predicate::Field(path, is), Predicate::Not(Box::new(exists))])
}
