//! An index of an archive that changed, made of the one before: only files that came or changed are read.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use super::{EventIndex, LoadError, MEMBERS, known::KnownEvents, load::LoadedPart};
use crate::{
    Progress,
    index::ArchiveIndex,
    inputs::FileList,
    scan::{ScanOptions, Summary},
};

/// How a list of files differs from the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChange {
    /// Files that were not there.
    pub new: u64,
    /// Files that are not there any more.
    pub gone: u64,
    /// The first of them in archive order, as the user would write it.
    pub first_gone: Option<String>,
    /// Files that are not as they were.
    pub changed: u64,
}

/// An index that took the place of another.
#[derive(Debug)]
pub struct RenewedIndex {
    /// The index of all files.
    pub index: EventIndex,
    /// What was read for it: files that came or changed, and those that hold no event, which may now be readable.
    pub summary: Summary,
    /// How the files differ from those of the index before.
    pub change: ListChange,
}

impl EventIndex {
    /// The files that were indexed.
    pub fn files(&self) -> &Arc<FileList> {
        &self.files
    }

    /// The index of `files`, as [`load`](Self::load) makes it with the index on disk that there is now. A file of this index that is as it was, and none of the
    /// `suspects` (real paths), is not read again if events of it are known.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn renew(
        &self,
        files: Arc<FileList>,
        index: Option<Arc<ArchiveIndex>>,
        suspects: &HashSet<PathBuf>,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<RenewedIndex, LoadError> {
        let known = KnownEvents::new(index, &files, suspects, options);
        let is_known = |number: usize| known.as_ref().is_some_and(|known| known.has(number));
        let (mut kept, change) = self.kept_files(&files, suspects);
        for number in &mut kept {
            *number = number.filter(|number| !is_known(*number));
        }
        let is_kept: HashSet<usize> = kept.iter().flatten().copied().collect();
        let is_unread = |number: &usize| !is_kept.contains(number) && !is_known(*number);
        let unread: Vec<usize> = (0..files.len()).filter(is_unread).collect();
        let part = files.only(&unread, &self.files);
        let (mut loaded, summary) = if unread.is_empty() {
            (LoadedPart::default(), Summary::default())
        } else {
            Self::read(&part, None, &self.keys, options, progress)?
        };
        loaded.renumber_files(&unread);
        self.add_to(&mut loaded, &kept)?;
        let index = Self::of(files, Arc::clone(&self.keys), loaded, known, options)?;
        Ok(RenewedIndex { index, summary, change })
    }

    /// The new number of every file of this index, if it needs not be read again.
    fn kept_files(&self, files: &FileList, suspects: &HashSet<PathBuf>) -> (Vec<Option<usize>>, ListChange) {
        let mut change = ListChange::default();
        let mut before: HashMap<PathBuf, usize> = HashMap::with_capacity(self.files.len());
        before.extend((0..self.files.len()).filter_map(|number| Some((self.files.real(number)?, number))));
        let with_events = self.files_with_events();
        let mut kept = vec![None; self.files.len()];
        for number in 0..files.len() {
            let Some(path) = files.real(number) else { continue };
            let Some(old) = before.remove(&path) else {
                change.new += 1;
                continue;
            };
            let is_same = files.state(number) == self.files.state(old);
            change.changed += u64::from(!is_same);
            if is_same
                && files.state(number).is_some()
                && with_events.contains(&old)
                && !suspects.contains(&path)
            {
                kept[old] = Some(number);
            }
        }
        change.gone = before.len() as u64;
        change.first_gone = before.into_values().min().map(|first| self.files.shown(first));
        (kept, change)
    }

    fn files_with_events(&self) -> HashSet<usize> {
        (0..self.entries.len() as u32).map(|rank| (self.entries.of(rank).file / MEMBERS) as usize).collect()
    }

    /// Adds what is known of the files that need not be read.
    fn add_to(&self, loaded: &mut LoadedPart, kept: &[Option<usize>]) -> Result<(), LoadError> {
        let mut numbers: Vec<Option<u32>> = Vec::with_capacity(self.entries.len());
        for rank in 0..self.entries.len() as u32 {
            let entry = self.entries.of(rank);
            let file = kept.get((entry.file / MEMBERS) as usize).copied().flatten();
            let file = file.map(|file| file as u64 * MEMBERS + entry.file % MEMBERS);
            numbers.push(file.map(|file| loaded.take(&self.entries, rank, file)).transpose()?);
        }
        loaded.take_pairs(&self.postings, &|rank| numbers.get(rank as usize).copied().flatten());
        Ok(())
    }

    /// The path of a file by which it is found among [`files`](Self::files), for [`renew`](Self::renew).
    pub fn real_path_of(&self, shown: &str) -> Option<PathBuf> {
        let number = (0..self.files.len()).find(|number| self.files.shown(*number) == shown)?;
        self.files.real(number)
    }

    /// Whether files are as they were when they were indexed.
    pub fn is_of(&self, files: &FileList) -> bool {
        files.fingerprint() == self.fingerprint
    }
}
