//! Files of a list that an index knows, for who asks it again and again: looked up once.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use trailseal_archive::leftover::Leftover;
use trailseal_index::{FileAnswer, FileAnswers};
use trailseal_query::Filter;

use super::{ArchiveIndex, KnownAt, KnownFile};
use crate::{
    inputs::FileList,
    scan::{MEMBERS, threads_of},
};

/// The files of a list, as an index knows them.
#[derive(Debug)]
pub struct KnownList<'i> {
    index: &'i ArchiveIndex,
    list: &'i FileList,
    files: Cow<'i, [Option<KnownAt>]>,
    threads: usize,
}

/// An index, and a segment of it.
type SegmentAt = (usize, usize);

/// Some files of a list.
#[derive(Debug)]
pub struct ListedCandidates {
    /// They alone.
    pub list: FileList,
    /// Their numbers in the whole list.
    numbers: Vec<usize>,
}

impl<'i> KnownList<'i> {
    /// Looks up all files of a list; questions are asked by so many threads, 0 for as many as there are cores.
    pub fn new(index: &'i ArchiveIndex, list: &'i FileList, threads: usize) -> Self {
        let files = (0..list.len()).map(|number| {
            let folder = list.folder(number)?;
            let leftover = || Leftover::of(Leftover::in_folder(&folder.real), list.name(number));
            let known = index.known(&list.real(number)?, list.stamp(number))?;
            (list.is_plain(number) && leftover().is_none()).then_some(known.at)
        });
        Self { index, list, files: files.collect(), threads }
    }

    /// The same, where it is told which files are known.
    pub(crate) fn of(
        index: &'i ArchiveIndex,
        list: &'i FileList,
        files: &'i [Option<KnownAt>],
        threads: usize,
    ) -> Self {
        Self { index, list, files: Cow::Borrowed(files), threads }
    }

    /// What is known of a file.
    pub(crate) fn file(&self, number: usize) -> Option<KnownFile<'i>> {
        self.index.at((*self.files.get(number)?)?)
    }

    /// How many files there are, known or not.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Of the files that are known, those that may hold a record that passes a filter; with `others` all that are not known, too,
    /// and what could not be listed.
    pub fn candidates(&self, filter: &Filter, others: bool) -> ListedCandidates {
        let numbers = self.numbers(filter, others);
        let nothing = FileList::default();
        let list = self.list.only(&numbers, if others { &nothing } else { self.list });
        ListedCandidates { list, numbers }
    }

    /// Their numbers in the list.
    pub(crate) fn numbers(&self, filter: &Filter, others: bool) -> Vec<usize> {
        let answers = self.answers(filter);
        let is_wanted = |file: &Option<KnownAt>| {
            let Some((index, segment, file)) = *file else { return others };
            let answers = answers.get(&(index, segment)).and_then(Option::as_ref);
            answers.is_none_or(|answers| answers.of(file) != FileAnswer::None)
        };
        (0..self.files.len()).filter(|number| is_wanted(&self.files[*number])).collect()
    }

    /// What the segments say of their files, as far as they can be asked.
    fn answers(&self, filter: &Filter) -> HashMap<SegmentAt, Option<FileAnswers>> {
        let segments: BTreeSet<SegmentAt> =
            self.files.iter().flatten().map(|(index, segment, _)| (*index, *segment)).collect();
        let segments: Vec<SegmentAt> = segments.into_iter().collect();
        let (next, answers) = (AtomicUsize::new(0), Mutex::new(HashMap::new()));
        let work = || {
            while let Some(at) = segments.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = self.index.ask(*at, |of| of.answers(filter)).map(FileAnswers::of_files);
                answers.lock().unwrap_or_else(PoisonError::into_inner).insert(*at, answer);
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads_of(self.threads).min(segments.len()) {
                // where there are no more threads, one does it all
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        answers.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ListedCandidates {
    /// The place of what a scan of them found, in a scan of the whole list ([`FileInfo::index`](crate::scan::FileInfo::index)).
    pub fn place(&self, index: u64) -> u64 {
        let number = usize::try_from(index / MEMBERS).ok().and_then(|at| self.numbers.get(at));
        number.map_or(index, |number| *number as u64 * MEMBERS + index % MEMBERS)
    }
}
