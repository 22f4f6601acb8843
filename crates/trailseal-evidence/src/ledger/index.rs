//! From paths to what digests say of the files there, compactly: an archive has millions of logs.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use trailseal_archive::{Timestamp, walk::Listing};
use trailseal_verify::{NamedLog, Unnamed};

use crate::paths::text_of;

/// What there is to say of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    /// Nothing: it is no log file.
    Nothing,
    /// It was read, and is a digest document, or the metadata beside one.
    Digest,
    /// The first of its namings.
    Named(u32),
    /// No digest names it; by its name it may be a copy of the log with this naming.
    Unnamed { meaning: Unnamed, is_other_kind: bool, twin: Option<NamingId> },
    /// No digest names it, and its name claims nothing: it may be a copy of any log of this family.
    Kin { meaning: Unnamed, is_other_kind: bool, family: u32 },
}

/// A naming's number, counted from 1.
pub(super) type NamingId = std::num::NonZero<u32>;

/// What one digest says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DigestClaim {
    /// The hash of its content, if it is stated in a known algorithm.
    hash: [u8; 32],
    /// Seconds since the epoch.
    oldest: i64,
    newest: i64,
    flags: u8,
    /// The next naming of the same file.
    next: u32,
}

const END: u32 = u32::MAX;

impl DigestClaim {
    const AUTHENTIC: u8 = 1;
    const HASHED: u8 = 2;
    const SPANNED: u8 = 4;
    const CONFLICTING: u8 = 8;

    pub(super) fn new(named: &NamedLog, is_authentic: bool, is_conflicting: bool) -> Self {
        let span = named.oldest_event.zip(named.newest_event).filter(|(oldest, newest)| oldest <= newest);
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        Self {
            hash: named.hash.unwrap_or_default(),
            oldest: span.map_or(0, |(oldest, _)| oldest.epoch()),
            newest: span.map_or(0, |(_, newest)| newest.epoch()),
            flags: flag(is_authentic, Self::AUTHENTIC)
                | flag(named.hash.is_some(), Self::HASHED)
                | flag(span.is_some(), Self::SPANNED)
                | flag(is_conflicting, Self::CONFLICTING),
            next: END,
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) fn is_authentic(&self) -> bool {
        self.has(Self::AUTHENTIC)
    }

    /// Whether another authentic digest names the same log with another hash.
    pub(super) fn is_conflicting(&self) -> bool {
        self.has(Self::CONFLICTING)
    }

    pub(super) fn hash(&self) -> Option<[u8; 32]> {
        self.has(Self::HASHED).then_some(self.hash)
    }

    /// The times of the oldest and newest event, where content can be bound to them.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let is_bound = self.has(Self::SPANNED) && self.has(Self::HASHED);
        let times = (Timestamp::from_epoch(self.oldest)?, Timestamp::from_epoch(self.newest)?);
        is_bound.then_some(times)
    }
}

/// All files of which something is known.
#[derive(Debug, Default)]
pub(super) struct Index {
    folders: HashMap<Box<str>, Vec<Names>>,
    namings: Vec<DigestClaim>,
    /// The content of the logs of an account and region.
    families: Vec<HashSet<[u8; 32]>>,
}

impl Index {
    /// Adds a naming to those of a file.
    pub(super) fn name(&mut self, slot: SlotState, naming: DigestClaim) -> SlotState {
        let first = match slot {
            SlotState::Named(first) => first,
            _ => END,
        };
        if self.namings_from(first).next().is_some_and(|known| DigestClaim { next: END, ..*known } == naming)
        {
            return slot;
        }
        self.namings.push(DigestClaim { next: first, ..naming });
        SlotState::Named((self.namings.len() - 1) as u32)
    }

    /// Adds a naming that no file has.
    pub(super) fn twin(&mut self, naming: DigestClaim) -> Option<NamingId> {
        self.namings.push(naming);
        NamingId::new(self.namings.len() as u32)
    }

    /// What is said of the log of which a file may be a copy.
    pub(super) fn of_twin(&self, twin: NamingId) -> Option<&DigestClaim> {
        self.namings.get(twin.get() as usize - 1)
    }

    /// Adds the content of an account's and region's logs.
    pub(super) fn add_family(&mut self, hashes: HashSet<[u8; 32]>) -> u32 {
        self.families.push(hashes);
        (self.families.len() - 1) as u32
    }

    /// Whether a log of a family has this content.
    pub(super) fn is_of_family(&self, family: u32, hash: &[u8; 32]) -> bool {
        self.families.get(family as usize).is_some_and(|hashes| hashes.contains(hash))
    }

    /// All that digests say of a file, from its first naming on.
    pub(super) fn namings_from(&self, first: u32) -> impl Iterator<Item = &DigestClaim> {
        let mut next = first;
        std::iter::from_fn(move || {
            let naming = self.namings.get(next as usize)?;
            next = naming.next;
            Some(naming)
        })
    }

    /// Takes in the files of a folder; `slots` has one entry a file.
    pub(super) fn add(&mut self, listing: &Listing, slots: &[SlotState]) {
        let files = listing.files.iter().zip(slots).filter(|(_, slot)| **slot != SlotState::Nothing);
        let files: Vec<(&str, SlotState)> = files.map(|(file, slot)| (&*file.name, *slot)).collect();
        if !files.is_empty() {
            let folder = text_of(&listing.folder.real);
            self.folders.entry(folder.into()).or_default().push(Names::new(&files));
        }
    }

    /// Takes in all that another index has.
    pub(super) fn merge(&mut self, other: Self) {
        let shift = self.namings.len() as u32;
        let moved = other.namings.into_iter().map(|naming| {
            let next = if naming.next == END { END } else { naming.next + shift };
            DigestClaim { next, ..naming }
        });
        self.namings.extend(moved);
        let families = self.families.len() as u32;
        self.families.extend(other.families);
        for (folder, mut lists) in other.folders {
            for slot in lists.iter_mut().flat_map(|names| names.slots.iter_mut()) {
                match slot {
                    SlotState::Named(first) => *first += shift,
                    SlotState::Unnamed { twin, .. } => *twin = twin.and_then(|twin| twin.checked_add(shift)),
                    SlotState::Kin { family, .. } => *family += families,
                    SlotState::Nothing | SlotState::Digest => {}
                }
            }
            self.folders.entry(folder).or_default().extend(lists);
        }
    }

    /// Makes the files that several listings had into one each; nothing may be added any more.
    pub(super) fn seal(&mut self) {
        let mut folders = std::mem::take(&mut self.folders);
        for lists in folders.values_mut().filter(|lists| lists.len() > 1) {
            let parts = std::mem::take(lists);
            let mut files: Vec<(String, SlotState)> = parts.iter().flat_map(Names::iter).collect();
            files.sort_by(|(a, _), (b, _)| a.cmp(b));
            let mut merged: Vec<(String, SlotState)> = Vec::with_capacity(files.len());
            for (name, slot) in files {
                match merged.last_mut() {
                    Some((last, known)) if *last == name => *known = self.combine(*known, slot),
                    _ => merged.push((name, slot)),
                }
            }
            let merged: Vec<(&str, SlotState)> = merged.iter().map(|(name, slot)| (&**name, *slot)).collect();
            lists.push(Names::new(&merged));
        }
        folders.values_mut().for_each(Vec::shrink_to_fit);
        folders.shrink_to_fit();
        self.folders = folders;
        self.namings.shrink_to_fit();
    }

    /// What two accounts and regions say of one file.
    fn combine(&mut self, one: SlotState, other: SlotState) -> SlotState {
        match (one, other) {
            (SlotState::Named(first), SlotState::Named(second)) => {
                let namings: Vec<DigestClaim> = self.namings_from(second).copied().collect();
                namings.into_iter().fold(SlotState::Named(first), |slot, naming| {
                    self.name(slot, DigestClaim { next: END, ..naming })
                })
            }
            (named @ SlotState::Named(_), _) | (_, named @ SlotState::Named(_)) => named,
            (
                SlotState::Unnamed { meaning, is_other_kind, twin },
                SlotState::Unnamed { meaning: more, is_other_kind: other, twin: also },
            ) => SlotState::Unnamed {
                meaning: meaning.min(more),
                is_other_kind: is_other_kind && other,
                twin: twin.or(also),
            },
            (kin @ SlotState::Kin { .. }, _) | (_, kin @ SlotState::Kin { .. }) => kin,
            // what somebody takes for a log is read as one, digest or not
            (SlotState::Nothing | SlotState::Digest, SlotState::Nothing) => one,
            (SlotState::Nothing | SlotState::Digest, known)
            | (known, SlotState::Nothing | SlotState::Digest) => known,
        }
    }

    /// What is known of the files in the folder with this path.
    pub(super) fn folder(&self, path: &Path) -> Option<&Names> {
        self.folders.get(&*text_of(path))?.first()
    }

    /// What is known of the file with this path.
    pub(super) fn find(&self, path: &Path) -> Option<SlotState> {
        let name = path.file_name()?.to_string_lossy();
        self.folder(path.parent()?)?.find(&name)
    }
}

/// The names in a folder, in order: what they begin with is held once.
#[derive(Debug)]
pub(super) struct Names {
    prefix: Box<str>,
    /// What follows the prefix, name by name.
    rests: Box<str>,
    /// Where each of them ends.
    ends: Box<[u32]>,
    slots: Box<[SlotState]>,
}

impl Names {
    /// Names must be in order.
    fn new(files: &[(&str, SlotState)]) -> Self {
        let (first, last) = match files {
            [(first, _), .., (last, _)] => (*first, *last),
            [(only, _)] => (*only, *only),
            [] => ("", ""),
        };
        let shared = first.char_indices().zip(last.chars()).find(|((_, a), b)| a != b);
        let shared = shared.map_or(first.len().min(last.len()), |((at, _), _)| at);
        let mut rests = String::new();
        let mut ends = Vec::with_capacity(files.len());
        for (name, _) in files {
            rests.push_str(name.get(shared..).unwrap_or_default());
            ends.push(rests.len() as u32);
        }
        Self {
            prefix: first[..shared].into(),
            rests: rests.into(),
            ends: ends.into(),
            slots: files.iter().map(|(_, slot)| *slot).collect(),
        }
    }

    fn rest(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        self.rests.get(start as usize..self.ends[at] as usize).unwrap_or_default()
    }

    fn iter(&self) -> impl Iterator<Item = (String, SlotState)> + '_ {
        let name = |at| format!("{}{}", self.prefix, self.rest(at));
        self.slots.iter().enumerate().map(move |(at, slot)| (name(at), *slot))
    }

    /// What is known of the file with this name.
    pub(super) fn find(&self, name: &str) -> Option<SlotState> {
        let rest = name.strip_prefix(&*self.prefix)?;
        let (mut low, mut high) = (0, self.slots.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.rest(middle).cmp(rest) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(self.slots[middle]),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use trailseal_archive::walk::{File, Folder};

    use super::*;

    const PLANTED: SlotState =
        SlotState::Unnamed { meaning: Unnamed::Unreferenced, is_other_kind: false, twin: None };
    const PENDING: SlotState =
        SlotState::Unnamed { meaning: Unnamed::Pending, is_other_kind: false, twin: None };

    fn listing(folder: &str, names: &[String]) -> Listing {
        let file =
            |name: &String| File { name: name.as_str().into(), length: 1, refusal: None, is_link: false };
        let files = names.iter().map(file);
        let folder = Folder::new(folder.into(), folder.into());
        Listing { folder, files: files.collect() }
    }

    fn naming(number: u8) -> DigestClaim {
        DigestClaim { hash: [number; 32], oldest: 1, newest: 2, flags: DigestClaim::HASHED, next: END }
    }

    fn hashes(index: &Index, path: &str) -> Vec<u8> {
        let Some(SlotState::Named(first)) = index.find(Path::new(path)) else { return Vec::new() };
        let mut hashes: Vec<u8> = index.namings_from(first).map(|naming| naming.hash[0]).collect();
        hashes.sort_unstable();
        hashes
    }

    #[test]
    fn entries_are_small() {
        assert!(size_of::<DigestClaim>() <= 56);
        assert!(size_of::<SlotState>() <= 8);
    }

    #[test]
    fn a_span_needs_both_times_and_a_hash() {
        let spanned = DigestClaim { flags: DigestClaim::HASHED | DigestClaim::SPANNED, ..naming(1) };
        assert_eq!(spanned.span().map(|(oldest, newest)| (oldest.epoch(), newest.epoch())), Some((1, 2)));
        assert_eq!(DigestClaim { flags: DigestClaim::SPANNED, ..spanned }.span(), None);
        assert_eq!(naming(1).span(), None);
    }

    #[test]
    fn a_repeated_naming_is_held_once() {
        let mut index = Index::default();
        let mut slot = PLANTED;
        for number in [1, 1, 2, 2] {
            slot = index.name(slot, naming(number));
        }
        index.add(&listing("/a", &["x".to_owned()]), &[slot]);
        let mut all = Index::default();
        all.name(SlotState::Nothing, naming(9));
        all.merge(index);
        all.seal();
        assert_eq!(hashes(&all, "/a/x"), [1, 2]);
    }

    #[test]
    fn listings_of_one_folder_become_one() {
        let mut index = Index::default();
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        let slots = [index.name(SlotState::Nothing, naming(1)), PENDING, SlotState::Nothing];
        index.add(&listing("/f", &names), &slots);
        let slots = [index.name(SlotState::Nothing, naming(2)), PLANTED, PLANTED];
        index.add(&listing("/f", &names), &slots);
        let slots = [SlotState::Nothing, SlotState::Nothing, index.name(SlotState::Nothing, naming(3))];
        index.add(&listing("/f", &names), &slots);
        index.seal();
        assert_eq!(hashes(&index, "/f/a"), [1, 2]);
        assert_eq!(index.find(Path::new("/f/b")), Some(PLANTED), "the worst counts");
        assert_eq!(hashes(&index, "/f/c"), [3], "what a digest names is named");
        assert_eq!(index.find(Path::new("/f/d")), None);
        assert_eq!(index.find(Path::new("/g/a")), None);
    }

    proptest! {
        #[test]
        fn every_file_is_found_and_no_other(
            files in prop::collection::vec(
                ("/[ab]{1,2}", prop::collection::btree_set("[xyé]{0,4}", 0..12)),
                0..6,
            ),
            others in prop::collection::vec(("/[ab]{1,2}", "[xyzé]{1,4}"), 0..12),
        ) {
            let mut index = Index::default();
            let mut expected = BTreeMap::<String, Vec<u8>>::new();
            for (number, (folder, names)) in files.iter().enumerate() {
                let mut part = Index::default();
                let names: Vec<String> = names.iter().map(|name| format!("n{name}")).collect();
                let slots: Vec<SlotState> =
                    names.iter().map(|_| part.name(SlotState::Nothing, naming(number as u8))).collect();
                part.add(&listing(folder, &names), &slots);
                index.merge(part);
                for name in names {
                    expected.entry(format!("{folder}/{name}")).or_default().push(number as u8);
                }
            }
            index.seal();
            for (path, numbers) in &expected {
                prop_assert_eq!(&hashes(&index, path), numbers);
            }
            for (folder, name) in others {
                let path = format!("{folder}/{name}");
                prop_assert_eq!(index.find(Path::new(&path)).is_some(), expected.contains_key(&path));
            }
        }
    }
}
