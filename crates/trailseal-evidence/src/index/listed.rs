//! Files of a list that an index knows, for who asks it again and again: looked up once.

use std::collections::HashMap;

use trailseal_archive::leftover::Leftover;
use trailseal_index::{FileAnswer, FileAnswers};
use trailseal_query::Filter;

use super::{ArchiveIndex, KnownAt};
use crate::{inputs::FileList, scan::MEMBERS};

/// The files of a list, as an index knows them.
#[derive(Debug)]
pub struct KnownList<'i> {
    index: &'i ArchiveIndex,
    list: &'i FileList,
    files: Vec<Option<KnownAt>>,
}

/// Some files of a list.
#[derive(Debug)]
pub struct Candidates {
    /// They alone.
    pub list: FileList,
    /// Their numbers in the whole list.
    numbers: Vec<usize>,
}

impl<'i> KnownList<'i> {
    /// Looks up all files of a list.
    pub fn new(index: &'i ArchiveIndex, list: &'i FileList) -> Self {
        let files = (0..list.len()).map(|number| {
            let folder = list.folder(number)?;
            let leftover = || Leftover::of(Leftover::in_folder(&folder.real), list.name(number));
            let known = index.known(&list.real(number)?, list.stamp(number))?;
            (list.is_plain(number) && leftover().is_none()).then_some(known.at)
        });
        Self { index, list, files: files.collect() }
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
    pub fn candidates(&self, filter: &Filter, others: bool) -> Candidates {
        let mut answers: HashMap<(usize, usize), Option<FileAnswers>> = HashMap::new();
        let mut is_wanted = |file: &Option<KnownAt>| {
            let Some((index, segment, file)) = *file else { return others };
            let answers = answers.entry((index, segment)).or_insert_with(|| {
                self.index.ask((index, segment), |of| of.answers(filter)).map(FileAnswers::of_files)
            });
            answers.as_ref().is_none_or(|answers| answers.of(file) != FileAnswer::None)
        };
        let numbers = (0..self.files.len()).filter(|number| is_wanted(&self.files[*number]));
        let numbers: Vec<usize> = numbers.collect();
        let nothing = FileList::default();
        let list = self.list.only(&numbers, if others { &nothing } else { self.list });
        Candidates { list, numbers }
    }
}

impl Candidates {
    /// The place of what a scan of them found, in a scan of the whole list ([`FileInfo::index`](crate::scan::FileInfo::index)).
    pub fn place(&self, index: u64) -> u64 {
        let number = usize::try_from(index / MEMBERS).ok().and_then(|at| self.numbers.get(at));
        number.map_or(index, |number| *number as u64 * MEMBERS + index % MEMBERS)
    }
}
