//! Named logs that do not lie in their places: other prefixes, buckets and copies (rows 71 and 93).

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
};

use trailseal_archive::key::{ObjectKind, object_tail};

use super::Unit;
use crate::{
    files::FileId,
    paths::{path_of, text_of},
    sort::Class,
};

/// What was learned about an account's and region's folders while its logs were looked for.
#[derive(Default)]
pub(super) struct Search {
    /// Path → whether it is a folder: a digest may claim a million files of one that is not.
    folders: HashMap<String, bool>,
    /// The log files by what is theirs of a key; made once it is asked for.
    by_key: Option<ByKey>,
    pub(super) found_by_name: u64,
}

/// Log files by their keys.
struct ByKey {
    /// From `AWSLogs/` on → the file.
    by_tail: HashMap<String, FileId>,
    /// Name → the file, outside AWS's layout.
    by_name: HashMap<Box<str>, FileId>,
}

impl Search {
    /// Whether a path is a folder.
    pub(super) fn is_folder(&mut self, path: &str) -> bool {
        match self.folders.entry(path.to_owned()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(path_of(path).is_dir()),
        }
    }

    /// The file with the key of a log below another prefix or bucket; in a tree that has lost AWS's layout, the one
    /// with its name. What it holds is compared with the digest as it is of any other.
    pub(super) fn elsewhere(&mut self, unit: &Unit, row: usize, key: &str) -> Option<FileId> {
        let by_key = self.by_key.get_or_insert_with(|| ByKey::new(unit));
        if let Some(id) = by_key.of_tail(key) {
            return Some(id);
        }
        let digest = unit.files.get(unit.sorted.digests[row]).real();
        let name = key.rsplit('/').next().filter(|_| !is_in_layout(&digest))?;
        let names = [Some(name), name.strip_suffix(".gz")];
        let id = names.into_iter().flatten().find_map(|name| by_key.by_name.get(name)).copied()?;
        self.found_by_name += 1;
        Some(id)
    }
}

impl ByKey {
    fn new(unit: &Unit) -> Self {
        let (mut by_tail, mut by_name) = (HashMap::new(), HashMap::new());
        for (id, file) in unit.files.iter() {
            let is_log = unit.sorted.class(id) == Class::Log && file.kind != ObjectKind::Digest;
            if !is_log || file.file.refusal.is_some() {
                continue;
            }
            match object_tail(&text_of(&file.real())) {
                Some(tail) => by_tail.entry(tail.to_owned()).or_insert(id),
                None => by_name.entry(file.file.name.clone()).or_insert(id),
            };
        }
        Self { by_tail, by_name }
    }

    fn of_tail(&self, key: &str) -> Option<FileId> {
        let tail = object_tail(key)?;
        self.by_tail.get(tail).or_else(|| self.by_tail.get(tail.strip_suffix(".gz")?)).copied()
    }
}

fn is_in_layout(path: &Path) -> bool {
    object_tail(&text_of(path)).is_some()
}
