//! Named logs that do not lie in their places: other prefixes, buckets and copies (rows 71 and 93).

use std::{
    collections::{HashMap, hash_map::Entry},
    path::Path,
};

use trailseal_archive::key::{
    KeyParts, ObjectKind, is_decorated, is_region_like, object_tail, strip_extension,
};

use super::assessed::Assessed;
use crate::{
    files::FileId,
    paths::{path_of, text_of},
    sort::{Class, log_base},
};

/// Files of one name that are compared with a key: each may be claimed a million times.
const MAX_OF_A_NAME: usize = 16;

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
#[derive(Default)]
struct ByKey {
    /// From `AWSLogs/` on → the file.
    by_tail: HashMap<String, FileId>,
    /// Name → the file, outside AWS's layout.
    by_name: HashMap<Box<str>, FileId>,
    /// What makes a log's name its own → the files in whose names it stands.
    by_base: HashMap<String, Vec<FileId>>,
    /// Whether a log lies in a folder of AWS's layout, under a name as CloudTrail gives it.
    keeps_layout: bool,
}

impl Search {
    /// Whether a path is a folder.
    pub(super) fn is_folder(&mut self, path: &str) -> bool {
        match self.folders.entry(path.to_owned()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => *new.insert(path_of(path).is_dir()),
        }
    }

    /// The file with the key of a log below another prefix or bucket; in a tree that has lost AWS's layout, or whose
    /// logs all have, the one with its name, or with something added to it. What it holds is compared with the digest
    /// as it is of any other. A single log that was renamed among others is missing (row 8).
    pub(super) fn elsewhere(&mut self, unit: &Assessed, row: usize, key: &str) -> Option<FileId> {
        let by_key = self.by_key.get_or_insert_with(|| ByKey::new(unit));
        if let Some(id) = by_key.of_tail(key) {
            return Some(id);
        }
        let digest = unit.files.get(unit.digest_files[row]).real();
        if is_in_layout(&digest) && by_key.keeps_layout {
            return None;
        }
        let id = by_key.of_name(key).or_else(|| by_key.decorated(unit, key))?;
        self.found_by_name += 1;
        Some(id)
    }
}

impl ByKey {
    fn new(unit: &Assessed) -> Self {
        let mut by_key = Self::default();
        for (id, file) in unit.files.iter() {
            let is_log = unit.sorted.class(id) == Class::Log && file.kind != ObjectKind::Digest;
            if !is_log || file.file.refusal.is_some() {
                continue;
            }
            let path = text_of(&file.real());
            let is_here = object_tail(&path).is_some() || is_of_region(&path, &unit.key.region);
            let folder = || path.rsplit('/').nth(1).and_then(log_base);
            if let Some(base) = log_base(&file.file.name).or_else(folder).filter(|_| is_here) {
                let is_native = strip_extension(&file.file.name) == Some(base);
                let is_delivered = |parts: KeyParts<'_>| is_native && parts.folders.matches('/').count() == 2;
                by_key.keeps_layout |= KeyParts::parse(&path).is_some_and(is_delivered);
                let files = by_key.by_base.entry(base.to_owned()).or_default();
                if files.len() < MAX_OF_A_NAME {
                    files.push(id);
                }
            }
            match object_tail(&path) {
                Some(tail) => drop(by_key.by_tail.entry(tail.to_owned()).or_insert(id)),
                None if is_here => drop(by_key.by_name.entry(file.file.name.clone()).or_insert(id)),
                None => {}
            }
        }
        by_key
    }

    fn of_name(&self, key: &str) -> Option<FileId> {
        let name = key.rsplit('/').next()?;
        [Some(name), name.strip_suffix(".gz")]
            .into_iter()
            .flatten()
            .find_map(|name| self.by_name.get(name))
            .copied()
    }

    fn decorated(&self, unit: &Assessed, key: &str) -> Option<FileId> {
        let files = self.by_base.get(log_base(key.rsplit('/').next()?)?)?;
        let is_of_key = |id: &FileId| is_decorated(&text_of(&unit.files.get(*id).real()), key);
        files.iter().copied().find(is_of_key)
    }

    fn of_tail(&self, key: &str) -> Option<FileId> {
        let tail = object_tail(key)?;
        self.by_tail.get(tail).or_else(|| self.by_tail.get(tail.strip_suffix(".gz")?)).copied()
    }
}

/// Whether the folders of a tree that was cut (`…/CloudTrail/REGION/…`) state no other region.
fn is_of_region(path: &str, region: &str) -> bool {
    let folders: Vec<&str> = path.split('/').collect();
    folders.windows(2).all(|pair| {
        ObjectKind::from_folder(pair[0]).is_none() || !is_region_like(pair[1]) || pair[1] == region
    })
}

fn is_in_layout(path: &Path) -> bool {
    object_tail(&text_of(path)).is_some()
}
