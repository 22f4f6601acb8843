//! What the files of an account and region are, before any digest is read: by their names where these are the ones
//! that CloudTrail gives, by their content else.

use std::{collections::HashMap, path::Path};

use trailseal_archive::{
    Timestamp,
    key::{ObjectKind, is_account_id, log_stamp, strip_extension},
    leftover::Leftover,
    open::Refusal,
    walk::Roots,
};

use crate::{
    files::{FileId, FileRef, FileTable},
    options::Options,
    paths::text_of,
    read::SIDECAR,
    sniff,
};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It is to be read as a digest.
    Digest,
    /// It is to be taken for a log file, or for what somebody put among the logs.
    Log,
    /// Object metadata, or what is named like them: who reads it will see.
    Metadata,
    /// Public keys.
    Keys,
    /// An empty file that stands for a folder.
    Marker,
    /// What desktops, copies and archives leave behind.
    Leftover(Leftover),
    /// A link that is another name of a file that is known, or was not followed.
    Alias,
}

/// The files of an account and region, sorted.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// One for each file.
    pub(crate) classes: Vec<Class>,
    /// Those that may be digests.
    pub(crate) digests: Vec<FileId>,
    /// Digest file → a file that holds its signed metadata under a name that does not say so (row 74).
    pub(crate) metadata: HashMap<FileId, FileId>,
}

impl Sorted {
    pub(crate) fn new(files: &FileTable, options: &Options, roots: &Roots) -> Self {
        let sorter = Sorter { files, options, roots };
        let mut sorted = Self::default();
        for (first, listing) in files.listings() {
            let in_folder = Leftover::in_folder(&listing.folder.real);
            for id in (first..).take(listing.files.len()) {
                let class = sorter.class(&files.get(id), id, in_folder, &mut sorted.metadata);
                if class == Class::Digest {
                    sorted.digests.push(id);
                }
                sorted.classes.push(class);
            }
        }
        sorted
    }

    /// What a file is; one that was found later is a log.
    pub(crate) fn class(&self, id: FileId) -> Class {
        self.classes.get(id as usize).copied().unwrap_or(Class::Log)
    }
}

struct Sorter<'a> {
    files: &'a FileTable,
    options: &'a Options,
    roots: &'a Roots,
}

impl Sorter<'_> {
    fn class(
        &self,
        file: &FileRef<'_>,
        id: FileId,
        in_folder: Option<Leftover>,
        metadata: &mut HashMap<FileId, FileId>,
    ) -> Class {
        let name = &*file.file.name;
        let by_name = match place_by_name(name) {
            Some((.., ObjectKind::Digest)) => Class::Digest,
            None if file.kind == ObjectKind::Digest => Class::Digest,
            _ => Class::Log,
        };
        match file.file.refusal {
            // The walk has told that it was not followed.
            Some(Refusal::Circle) if place_by_name(name).is_none() => return Class::Alias,
            Some(_) => return by_name,
            None => {}
        }
        if file.file.is_link && self.is_alias(file) {
            return Class::Alias;
        }
        let leftover = || sniff::leftover(self.roots, in_folder, file);
        if name.ends_with(SIDECAR) {
            return leftover().map_or(Class::Metadata, Class::Leftover);
        }
        if let Some((object, is_signed)) = self.object_beside(file, name) {
            metadata.extend(is_signed.then_some((object, id)));
            return Class::Metadata;
        }
        if name.starts_with(|c: char| c.is_ascii_digit()) && name.ends_with(".json.gz") {
            return by_name;
        }
        match () {
            () if is_marker(file) => Class::Marker,
            () if self.is_key_file(file) => Class::Keys,
            () => leftover().map_or(by_name, Class::Leftover),
        }
    }

    /// Whether a link leads to a file that is listed by its own name.
    fn is_alias(&self, link: &FileRef<'_>) -> bool {
        let Ok(real) = std::fs::canonicalize(link.real()) else { return false };
        let known = |folder: &Path, name: &str| self.files.find_exactly(&text_of(folder), name);
        let target = real.parent().zip(real.file_name().and_then(|name| name.to_str()));
        target.and_then(|(folder, name)| known(folder, name)).is_some_and(|_| real != link.real())
    }

    /// The digest or log beside a file that holds its metadata, `NAME.json` or `NAME.json.gz.json`, and whether they have
    /// a signature.
    fn object_beside(&self, file: &FileRef<'_>, name: &str) -> Option<(FileId, bool)> {
        let stem = name.strip_suffix(".json")?;
        place_by_name(name)?;
        let folder = text_of(&file.folder.real);
        let beside = [format!("{name}.gz"), stem.to_owned()];
        let object = beside.iter().find_map(|name| self.files.find_exactly(&folder, name))?;
        let metadata = sniff::metadata_in(self.roots, file)?;
        Some((object, metadata.signature.is_some()))
    }

    fn is_key_file(&self, file: &FileRef<'_>) -> bool {
        let name = &*file.file.name;
        let is_given = |key: &std::path::PathBuf| {
            key.file_name() == Some(name.as_ref())
                && std::fs::canonicalize(key).is_ok_and(|key| key == file.real())
        };
        (name.starts_with("public-keys") || self.options.key_files.iter().any(is_given))
            && sniff::holds_keys(self.roots, file)
    }
}

/// Whether it is an empty file that stands for a folder. Its listing may not have asked for its length.
pub(crate) fn is_marker(file: &FileRef<'_>) -> bool {
    let is_empty = || file.real().symlink_metadata().map_or(0, |metadata| metadata.len()) == 0;
    file.file.length == 0 && strip_extension(&file.file.name).is_none() && (file.file.is_link || is_empty())
}

/// The account, region and kind that the name of a digest or log states, `ACCOUNT_CloudTrail…_REGION_…`, wherever
/// it stands: copies have names of which it is a part.
pub(crate) fn place_by_name(name: &str) -> Option<(&str, &str, ObjectKind)> {
    let start = start_of_name(name)?;
    let (account, rest) = name[start..].split_once('_')?;
    let mut parts = rest.split('_');
    let (kind, region) = (ObjectKind::from_folder(parts.next()?)?, parts.next()?);
    parts.next()?;
    Some((account, region, kind))
}

/// Where in a name that of a digest or log begins; before it may stand the folders of its key.
fn start_of_name(name: &str) -> Option<usize> {
    let is_start = |start: &usize| {
        let is_account = name.get(*start..*start + 12).is_some_and(is_account_id);
        is_account && !name[..*start].ends_with(|c: char| c.is_ascii_digit())
    };
    let starts = name.rmatch_indices("_CloudTrail").filter_map(|(at, _)| at.checked_sub(12));
    // A trail may have a name like that of a log; what is hidden is nothing that a trail delivered.
    let native = name.get(12..).filter(|rest| rest.starts_with("_CloudTrail")).map(|_| 0);
    native.into_iter().chain(starts).find(is_start).filter(|_| !name.starts_with("._"))
}

/// What makes a log's name its own, `ACCOUNT_CloudTrail_REGION_STAMP_UNIQUE`, wherever it stands in a name: copies
/// add to it before and behind.
pub(crate) fn log_base(name: &str) -> Option<&str> {
    let (account, region, kind) = place_by_name(name)?;
    let start = start_of_name(name)?;
    let stamp_at = start + account.len() + kind.folder().len() + region.len() + 3;
    let rest = name.get(stamp_at..)?;
    let stamp = rest.get(..14).filter(|stamp| stamp.ends_with('Z'))?;
    let unique_at = stamp.len() + usize::from(rest[stamp.len()..].starts_with('_'));
    let unique = rest[unique_at..].bytes().take_while(u8::is_ascii_alphanumeric).count();
    (unique > 0).then(|| &name[start..stamp_at + unique_at + unique])
}

/// The delivery time in the name of a log, wherever that stands in a name.
pub(crate) fn stamp_within(name: &str) -> Option<Timestamp> {
    log_stamp(name).or_else(|| log_stamp(&format!("{}.json.gz", log_base(name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "111122223333_CloudTrail_us-east-1_20240301T0015Z_AbCdEfGhIjKlMnOp";

    #[test]
    fn copies_have_the_base_of_what_they_are_copies_of() {
        for name in [
            format!("{LOG}.json.gz"),
            format!("{LOG}.json"),
            format!("{LOG} (1).json.gz"),
            format!("{LOG}-v2024-03-01-001500-000.json.gz"),
            format!("Copy of {LOG}.json.gz"),
            format!("{LOG}.json.gz.bak"),
            format!("{LOG}_copy.json.gz"),
        ] {
            assert_eq!(log_base(&name), Some(LOG), "{name}");
        }
        let without = "111122223333_CloudTrail_us-east-1_20140620T1255ZHdkvFTXOA3Vnhbc.json.gz";
        assert_eq!(log_base(without), Some(&without[..without.len() - 8]));
        for name in ["x.json.gz", "1111_CloudTrail_us-east-1_20240301T0015Z_a.json.gz", ""] {
            assert_eq!(log_base(name), None, "{name}");
        }
    }

    #[test]
    fn places_stand_in_names() {
        let place = ("111122223333", "us-east-1", ObjectKind::Log);
        assert_eq!(place_by_name(&format!("{LOG}.json.gz")), Some(place));
        assert_eq!(place_by_name(&format!("Copy of {LOG}.json.gz")), Some(place));
        assert_eq!(place_by_name(&format!("._{LOG}.json.gz")), None);
        assert_eq!(place_by_name(&format!("9{LOG}.json.gz")), None);
        let digest = "111122223333_CloudTrail-Digest_eu-west-1_a_us-east-1_20240301T001352Z.json.gz";
        assert_eq!(place_by_name(digest), Some(("111122223333", "eu-west-1", ObjectKind::Digest)));
    }
}
