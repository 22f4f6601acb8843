//! The file of every log that a digest names.

use std::{
    collections::{HashMap, HashSet},
    ops::Deref,
};

use trailseal_archive::{key::log_stamp, walk::Roots};
use trailseal_verify::{FoundLog, NamedLog, STAMP_TOLERANCE};

use super::{assessed::Assessed, search::Search};
use crate::{files::FileId, paths::path_of, run::Run, unseen::Unseen};

/// An account and Region whose named logs are found.
pub(crate) struct Located {
    assessed: Assessed,
    /// Row → log → the file, or why there is none.
    places: Vec<Vec<LogPlace>>,
    /// Further copies of a log: (row, log) → files.
    copies: HashMap<(usize, usize), Vec<FileId>>,
    /// Logs that were found by their names, in a tree that has lost AWS's layout.
    found_by_name: u64,
}

/// Where a named log lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogPlace {
    File(FileId),
    Absent,
    /// Its folder cannot be read.
    Hidden,
    NotInArchive,
}

impl Deref for Located {
    type Target = Assessed;

    fn deref(&self) -> &Assessed {
        &self.assessed
    }
}

impl Located {
    /// Finds the named logs.
    pub(crate) fn new(assessed: Assessed, run: &Run<'_>) -> Self {
        let mut located = Self { assessed, places: Vec::new(), copies: HashMap::new(), found_by_name: 0 };
        let mut search = Search::default();
        for row in 0..located.rows.len() {
            let logs = located.named(row).len();
            let places = (0..logs).map(|log| located.locate_log(row, log, run.roots, &mut search)).collect();
            located.places.push(places);
        }
        located.found_by_name = search.found_by_name;
        located
    }

    /// The logs that a row names.
    pub(crate) fn named(&self, row: usize) -> &[NamedLog] {
        self.rows[row].digest().map_or(&[], |digest| &digest.logs)
    }

    /// The logs of a row that are judged: not those that were delivered before the asked span (row 79).
    pub(super) fn asked_logs(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let window = self.assessment.judgements[row].window();
        let from = self.asked_from.filter(|from| window.is_none_or(|window| window.start < *from));
        let is_asked = move |log: &usize| {
            let Some((from, digest)) = from.zip(self.rows[row].digest()) else { return true };
            let stamp = log_stamp(digest.logs[*log].object.name());
            stamp.is_none_or(|stamp| stamp >= from.plus(-STAMP_TOLERANCE))
        };
        (0..self.places[row].len()).filter(is_asked)
    }

    fn locate_log(&mut self, row: usize, log: usize, roots: &Roots, search: &mut Search) -> LogPlace {
        let named = &self.named(row)[log];
        let key = named.object.to_string();
        let mut files = Vec::new();
        let paths: Vec<String> = self.mounts.paths(&named.bucket, &key).collect();
        for path in &paths {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            if let Some(id) = self.files.find(folder, name) {
                files.push(id);
                continue;
            }
            // A name outside this account's and region's folders is looked up where it points to.
            if self.files.has_folder(folder) || !search.is_folder(folder) {
                continue;
            }
            let inflated = path.strip_suffix(".gz").unwrap_or(path);
            for real in [path.as_str(), inflated].map(path_of) {
                if let Some(length) = roots.probe(&real) {
                    files.extend(self.assessed.files_mut().adopt(&real, length, roots));
                    break;
                }
            }
        }
        if files.is_empty() {
            files.extend(search.elsewhere(self, row, &key));
        }
        match files.split_first() {
            Some((first, more)) => {
                if !more.is_empty() {
                    self.copies.insert((row, log), more.to_vec());
                }
                LogPlace::File(*first)
            }
            None if paths.iter().any(|path| self.is_hidden(path)) => LogPlace::Hidden,
            None if paths.iter().any(|path| roots.contain(&path_of(path))) => LogPlace::Absent,
            None => LogPlace::NotInArchive,
        }
    }

    /// The files that lie where a named log belongs, or what there is instead.
    pub(crate) fn files_of(
        &self,
        row: usize,
        log: usize,
    ) -> Result<impl Iterator<Item = FileId>, FoundLog<'static>> {
        let first = match self.places[row][log] {
            LogPlace::File(id) => id,
            LogPlace::Absent => return Err(FoundLog::Absent),
            LogPlace::Hidden => {
                return Err(FoundLog::Unreadable(&Unseen::FolderHidden));
            }
            LogPlace::NotInArchive => return Err(FoundLog::NotInArchive),
        };
        let more = self.copies.get(&(row, log)).into_iter().flatten().copied();
        Ok(std::iter::once(first).chain(more))
    }

    /// Whether there is a file where a named log belongs.
    pub(crate) fn is_in_its_place(&self, row: usize, log: usize) -> bool {
        matches!(self.places[row][log], LogPlace::File(_))
    }

    /// Logs that were found by their names.
    pub(crate) fn found_by_name(&self) -> u64 {
        self.found_by_name
    }

    /// The files that a digest names which proves it, or is judged itself: what nothing proves spares no log
    /// (row 62).
    pub(crate) fn named_files(&self) -> HashSet<FileId> {
        let speaks = |row: usize| {
            let judgement = &self.assessment.judgements[row];
            judgement.is_authentic() || judgement.is_counted()
        };
        let mut named = HashSet::new();
        for row in (0..self.rows.len()).filter(|row| speaks(*row)) {
            for (log, located) in self.places[row].iter().enumerate() {
                if let LogPlace::File(id) = located {
                    named.insert(*id);
                    named.extend(self.copies.get(&(row, log)).into_iter().flatten());
                }
            }
        }
        named
    }
}
