//! Which key got which keys: the first pass over the archive.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    sync::atomic::{AtomicU64, Ordering},
};

use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    scan::{self, Fold, ScanOptions, Summary},
};
use trailseal_query::{Filter, Predicate, Record, path::FieldPath, predicate::Test};

use super::starts::Starts;
use crate::error::Error;

/// Links between keys, and keys from which it may start, that are held.
const MAX_LINKS: u64 = 4_000_000;

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

/// Which key got which keys.
#[derive(Debug, Default)]
pub(super) struct Issues {
    /// By the key that asked; of every key that it got, whether any event that issued it came from where is asked.
    pub(super) links: HashMap<String, HashMap<String, bool>>,
    /// Keys of the events that are looked for, and those that were issued in such events to somebody without a key.
    pub(super) found: HashSet<String>,
    /// Such events that have no key at all.
    pub(super) keyless: u64,
}

impl Issues {
    /// Reads the archive.
    pub(super) fn find(
        starts: &Starts,
        time: &Predicate,
        files: &dyn FileSource,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Summary), Error> {
        let paths = new_key_paths();
        let exists = paths.iter().map(|path| Predicate::Field(path.clone(), Test::Exists));
        let any = Predicate::any(exists.chain(starts.wanted().cloned()).collect());
        let filter = Filter::new(time.clone().and(any));
        let actor = actor_path();
        let held = AtomicU64::new(0);
        let result = scan::fold(files, options, &filter, progress, &Self::default, &|issues, row| {
            let from = row.record.text(&actor).filter(|key| !key.is_empty());
            let new = new_keys(&row.record, &paths);
            let added = issues.add(starts, &row.record, from.as_deref(), &new);
            match held.fetch_add(added, Ordering::Relaxed) + added {
                ..=MAX_LINKS => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        if held.load(Ordering::Relaxed) > MAX_LINKS {
            return Err(Error::TooManyLinks { limit: MAX_LINKS });
        }
        Ok(result?)
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
        for (from, links) in other.links {
            let ours = self.links.entry(from).or_default();
            for (to, is_there) in links {
                *ours.entry(to).or_default() |= is_there;
            }
        }
        self.found.extend(other.found);
        self.keyless += other.keyless;
    }
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
