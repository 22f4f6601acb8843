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

use crate::error::Error;

/// Links between keys that are held.
const MAX_LINKS: u64 = 4_000_000;
/// Keys that are followed.
const MAX_KEYS: usize = 100_000;

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
    links: HashMap<String, HashSet<String>>,
}

/// The keys that can be reached from one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// With the number of links to them; the first is the one from which all are reached.
    pub(super) keys: Vec<(String, u32)>,
    /// Keys that were not followed because they are too many links away.
    pub(super) beyond_depth: u64,
    /// Whether there are too many.
    pub(super) is_cut: bool,
}

impl Issues {
    /// Reads the archive.
    pub(super) fn find(
        time: &Predicate,
        files: &dyn FileSource,
        options: &ScanOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Summary), Error> {
        let paths = new_key_paths();
        let any = paths.iter().map(|path| Predicate::Field(path.clone(), Test::Exists)).collect();
        let filter = Filter::new(time.clone().and(Predicate::any(any)));
        let actor = actor_path();
        let links = AtomicU64::new(0);
        let result = scan::fold(files, options, &filter, progress, &Self::default, &|issues, row| {
            let Some(from) = row.record.text(&actor).filter(|key| !key.is_empty()) else {
                return ControlFlow::Continue(());
            };
            for to in new_keys(&row.record, &paths) {
                let is_new = issues.links.entry(from.clone().into_owned()).or_default().insert(to);
                if is_new && links.fetch_add(1, Ordering::Relaxed) >= MAX_LINKS {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        });
        if links.load(Ordering::Relaxed) > MAX_LINKS {
            return Err(Error::TooManyLinks { limit: MAX_LINKS });
        }
        Ok(result?)
    }

    /// The keys that were issued to a key, to those, and so on: each once, the nearest first.
    pub(super) fn reach(&self, key: &str, depth: Option<u32>) -> Reached {
        let mut reached = Reached { keys: vec![(key.to_owned(), 0)], ..Reached::default() };
        let mut seen: HashSet<&str> = HashSet::from([key]);
        let mut at = 0;
        while let Some((from, distance)) = reached.keys.get(at).cloned() {
            at += 1;
            let Some(links) = self.links.get(&from) else { continue };
            let mut next: Vec<&String> = links.iter().filter(|to| !seen.contains(to.as_str())).collect();
            next.sort();
            for to in next {
                if depth.is_some_and(|depth| distance >= depth) {
                    reached.beyond_depth += 1;
                } else if reached.keys.len() >= MAX_KEYS {
                    reached.is_cut = true;
                    return reached;
                } else {
                    seen.insert(to);
                    reached.keys.push((to.clone(), distance + 1));
                }
            }
        }
        reached
    }
}

impl Fold for Issues {
    fn merge(&mut self, other: Self) {
        for (from, to) in other.links {
            self.links.entry(from).or_default().extend(to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issues(links: &[(&str, &str)]) -> Issues {
        let mut issues = Issues::default();
        for (from, to) in links {
            issues.links.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        issues
    }

    fn listed(reached: &Reached) -> String {
        let keys: Vec<String> =
            reached.keys.iter().map(|(key, distance)| format!("{key}{distance}")).collect();
        keys.concat()
    }

    #[test]
    fn circles_and_diamonds_are_walked_once() {
        let issues =
            issues(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("d", "a"), ("d", "d"), ("x", "a")]);
        assert_eq!(listed(&issues.reach("a", None)), "a0b1c1d2");
        let near = issues.reach("a", Some(1));
        assert_eq!((listed(&near).as_str(), near.beyond_depth), ("a0b1c1", 2));
        assert_eq!(listed(&issues.reach("a", Some(0))), "a0");
        assert_eq!(listed(&issues.reach("none", None)), "none0");
    }

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
