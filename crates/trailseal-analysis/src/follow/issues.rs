//! Which key got which keys: the first pass over the archive.
//!
//! One pass collects all links of the archive. With an index it is asked instead what links from the keys that are reached so
//! far, until there is nothing new: each time only files are read in which such a key did something. Files that the index does
//! not know are read in the first round only, for all their links. Where that would be a large part of all files, everything is
//! read at once.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    sync::atomic::{AtomicU64, Ordering},
};

use trailseal_evidence::{
    Progress,
    index::{ArchiveIndex, KnownList},
    inputs::{FileList, FileSource},
    scan::{self, Fold, Row, ScanOptions, Summary},
};
use trailseal_query::{
    Filter, Predicate, Record,
    path::FieldPath,
    predicate::{Literal, Test},
};

use super::{activity::MAX_LITERALS, starts::Starts};
use crate::error::Error;

/// Links between keys, and keys from which it may start, that are held.
const MAX_LINKS: u64 = 4_000_000;

/// Rounds after which everything is read.
const MAX_ROUNDS: usize = 16;

/// A round that takes in more than one of so many files is not worth it.
const WORTH_A_ROUND: usize = 4;

/// Where responses hold new keys.
const NEW_KEYS: [&[&str]; 4] = [
    &["responseElements", "credentials", "accessKeyId"],
    &["responseElements", "accessKey", "accessKeyId"],
    &["responseElements", "roleCredentials", "accessKeyId"],
    &["responseElements", "credentialSet", "credentials", "accessKeyId"],
];

/// The paths of [`NEW_KEYS`].
pub(super) fn new_key_paths() -> Vec<FieldPath> {
    NEW_KEYS.iter().map(|path| FieldPath::new(path.iter().copied())).collect()
}

/// The keys in the response of an event.
pub(super) fn new_keys(record: &Record<'_>, paths: &[FieldPath]) -> Vec<String> {
    let mut keys = Vec::new();
    for path in paths {
        let _ = record.visit(path, &mut |found| {
            keys.extend(
                found.value().as_str().filter(|key| !key.is_empty()).map(std::borrow::Cow::into_owned),
            );
            std::ops::ControlFlow::Continue(())
        });
    }
    keys.dedup();
    keys
}

/// The path of the key that did something.
pub(super) fn actor_path() -> FieldPath {
    FieldPath::new(["userIdentity", "accessKeyId"])
}

/// By the key that asked, the keys that it got.
type Links = HashMap<String, HashMap<String, bool>>;

/// Which key got which keys.
#[derive(Debug, Default)]
pub(super) struct Issues {
    /// By the key that asked; of every key that it got, whether any event that issued it came from where is asked.
    pub(super) links: Links,
    /// Keys of the events that are looked for, and those that were issued in such events to somebody without a key.
    pub(super) found: HashSet<String>,
    /// Such events that have no key at all.
    pub(super) keyless: u64,
}

impl Issues {
    /// Reads the archive. All links of the keys that can be [reached](Self::reach) within `depth` links are known then, and
    /// some of others; the summary tells of all damage.
    pub(super) fn find(
        starts: &Starts,
        depth: Option<u32>,
        time: &Predicate,
        files: &dyn FileSource,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Summary), Error> {
        let exists = new_key_paths().into_iter().map(|path| Predicate::Field(path, Test::Exists));
        let any = Predicate::any(exists.chain(starts.wanted().cloned()).collect());
        let filter = Filter::new(time.clone().and(any));
        let search = Search { starts, time, files, options, filter: &filter, progress };
        let index = options.index.filter(|index| !index.is_empty() && starts.keys.len() <= MAX_LITERALS);
        match index.zip(files.list()) {
            Some((index, list)) => search.rounds(depth, index, list),
            None => search.read(files),
        }
    }

    /// Takes in the links of a later round; starts were found in the first one.
    fn add_links(&mut self, links: Links) {
        for (from, links) in links {
            let ours = self.links.entry(from).or_default();
            for (to, is_there) in links {
                *ours.entry(to).or_default() |= is_there;
            }
        }
    }

    /// Takes in an event; how much more is held then.
    fn add(&mut self, starts: &Starts, record: &Record<'_>, from: Option<&str>, new: &[String]) -> u64 {
        let mut added = 0;
        if starts.is_wanted(record) {
            match from {
                Some(key) if self.found.contains(key) => {}
                Some(key) => added += u64::from(self.found.insert(key.to_owned())),
                None if new.is_empty() => self.keyless += 1,
                None => {
                    for key in new {
                        added += u64::from(self.found.insert(key.clone()));
                    }
                }
            }
        }
        let Some(from) = from.filter(|_| !new.is_empty()) else { return added };
        let is_there = starts.is_there(record);
        let links = self.links.entry(from.to_owned()).or_default();
        for to in new {
            if let Some(known) = links.get_mut(to) {
                *known |= is_there;
            } else {
                links.insert(to.clone(), is_there);
                added += 1;
            }
        }
        added
    }
}

impl Fold for Issues {
    fn merge(&mut self, other: Self) {
        self.add_links(other.links);
        self.found.extend(other.found);
        self.keyless += other.keyless;
    }

    fn hears_of_files() -> bool {
        false
    }
}

/// What the archive is asked.
struct Search<'a> {
    starts: &'a Starts,
    time: &'a Predicate,
    files: &'a dyn FileSource,
    options: &'a ScanOptions<'a>,
    /// Events that issued keys, and those whose keys are starts.
    filter: &'a Filter,
    progress: &'a dyn Progress,
}

impl Search<'_> {
    /// One pass over all files, or over some of them.
    fn read(&self, files: &dyn FileSource) -> Result<(Issues, Summary), Error> {
        let Self { starts, options, filter, progress, .. } = self;
        let (actor, paths) = (actor_path(), new_key_paths());
        let held = AtomicU64::new(0);
        let row = |issues: &mut Issues, row: &Row<'_>| {
            let from = row.record.text(&actor).filter(|key| !key.is_empty());
            let new = new_keys(&row.record, &paths);
            let added = issues.add(starts, &row.record, from.as_deref(), &new);
            match held.fetch_add(added, Ordering::Relaxed) + added {
                ..=MAX_LINKS => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        };
        // which fields are there no index tells
        let options = ScanOptions { index: None, ..(*options).clone() };
        let result = scan::fold(files, &options, filter, *progress, &Issues::default, &row);
        if held.load(Ordering::Relaxed) > MAX_LINKS {
            return Err(Error::TooManyLinks { limit: MAX_LINKS });
        }
        Ok(result?)
    }

    /// Asks for what links from keys that are reached, until no more are.
    fn rounds(
        &self,
        depth: Option<u32>,
        index: &ArchiveIndex,
        list: &FileList,
    ) -> Result<(Issues, Summary), Error> {
        let known = KnownList::new(index, list, self.options.threads);
        let is_worth_it = |files: &FileList| files.len() <= known.len() / WORTH_A_ROUND;
        let with_time = |asked: Predicate| Filter::new(self.time.clone().and(asked));
        let mut asked: HashSet<String> = self.starts.keys.iter().cloned().collect();
        let wanted = self.starts.wanted().cloned();
        let first = wanted.into_iter().chain([did_something(&self.starts.keys)]);
        let first = known.candidates(&with_time(Predicate::any(first.collect())), true);
        if !is_worth_it(&first.list) {
            return self.read(self.files);
        }
        let (mut issues, mut summary) = self.read(&first.list)?;
        summary.damage.iter_mut().for_each(|damage| damage.index = first.place(damage.index));
        for round in 1.. {
            let reached = issues.reach(self.starts, depth).keys.into_iter().map(|(key, _)| key);
            let new: Vec<String> = reached.filter(|key| asked.insert(key.clone())).collect();
            if new.is_empty() {
                break;
            }
            let is_last = round == MAX_ROUNDS || new.len() > MAX_LITERALS;
            let more = (!is_last).then(|| known.candidates(&with_time(did_something(&new)), false));
            let Some(more) = more.filter(|more| is_worth_it(&more.list)) else {
                issues.add_links(self.read(self.files)?.0.links);
                break;
            };
            issues.add_links(self.read(&more.list)?.0.links);
        }
        Ok((issues, summary))
    }
}

/// Events that were done with one of some keys.
fn did_something(keys: &[String]) -> Predicate {
    Predicate::Field(actor_path(), Test::In(keys.iter().cloned().map(Literal::Text).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_hold_new_keys_in_several_places() {
        let paths = new_key_paths();
        let keys = |response: &str| {
            let record = format!(r#"{{"responseElements":{response}}}"#);
            new_keys(&Record::new(record.as_bytes()), &paths)
        };
        assert_eq!(keys(r#"{"credentials":{"accessKeyId":"ASIA1"}}"#), ["ASIA1"]);
        assert_eq!(keys(r#"{"accessKey":{"accessKeyId":"AKIA1"}}"#), ["AKIA1"]);
        assert_eq!(
            keys(
                r#"{"credentialSet":[{"credentials":{"accessKeyId":"A"}},{"credentials":{"accessKeyId":"B"}}]}"#
            ),
            ["A", "B"]
        );
        assert_eq!(keys(r#"{"credentials":{"accessKeyId":""}}"#), [""; 0]);
        assert_eq!(keys("null"), [""; 0]);
    }
}
