//! Which keys can be reached from those from which it starts.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{issues::Issues, starts::Starts};

/// Keys that are followed.
const MAX_KEYS: usize = 100_000;

/// The keys that can be reached.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// With the number of links to them; first those from which it starts, 0 links away.
    pub(super) keys: Vec<(String, u32)>,
    /// Starts of which only what came from the addresses that are asked for is followed. One that was issued to another key
    /// that is followed is followed as a whole.
    pub(super) narrowed: HashSet<String>,
    /// Keys that were not followed because they are too many links away.
    pub(super) beyond_depth: u64,
    /// Whether there are too many.
    pub(super) is_cut: bool,
    /// Events that are asked for and have no key.
    pub(super) keyless: u64,
}

impl Reached {
    /// The keys from which it starts.
    pub(super) fn starts(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().take_while(|(_, distance)| *distance == 0).map(|(key, _)| key.as_str())
    }
}

impl Issues {
    /// The keys from which it starts, those that were issued to them, to those, and so on: each once, the nearest first.
    pub(super) fn reach(&self, starts: &Starts, depth: Option<u32>) -> Reached {
        let mut found: Vec<&String> = self.found.iter().filter(|key| !starts.keys.contains(key)).collect();
        found.sort();
        let mut reached = Reached { keyless: self.keyless, ..Reached::default() };
        let mut places: HashMap<&str, usize> = HashMap::new();
        for key in starts.keys.iter().chain(found) {
            if reached.keys.len() >= MAX_KEYS {
                reached.is_cut = true;
            } else if !places.contains_key(key.as_str()) {
                places.insert(key, reached.keys.len());
                reached.keys.push((key.clone(), 0));
            }
        }
        if starts.is_narrow() {
            reached.narrowed = reached.keys.iter().map(|(key, _)| key.clone()).collect();
        }
        let mut beyond: HashSet<(usize, &str)> = HashSet::new();
        let mut open: VecDeque<usize> = (0..reached.keys.len()).collect();
        while let Some(at) = open.pop_front() {
            let (from, distance) = &reached.keys[at];
            let Some(links) = self.links.get(from) else { continue };
            let (is_narrowed, distance) = (reached.narrowed.contains(from), *distance);
            let mut next: Vec<&str> = links
                .iter()
                .filter(|(to, is_there)| (**is_there || !is_narrowed) && *to != from)
                .map(|(to, _)| to.as_str())
                .collect();
            next.sort_unstable();
            for to in next {
                if depth.is_some_and(|depth| distance >= depth) {
                    if !places.contains_key(to) {
                        beyond.insert((at, to));
                    }
                } else if let Some(place) = places.get(to) {
                    if reached.narrowed.remove(to) {
                        open.push_back(*place);
                    }
                } else if reached.keys.len() >= MAX_KEYS {
                    reached.is_cut = true;
                } else {
                    places.insert(to, reached.keys.len());
                    open.push_back(reached.keys.len());
                    reached.keys.push((to.to_owned(), distance + 1));
                }
            }
        }
        reached.beyond_depth = beyond.iter().filter(|(_, to)| !places.contains_key(to)).count() as u64;
        reached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `from>to`; with a `!` behind it, from elsewhere.
    fn issues(links: &[&str]) -> Issues {
        let mut issues = Issues::default();
        for link in links {
            let (from, to) = link.trim_end_matches('!').split_once('>').unwrap();
            issues.links.entry(from.to_owned()).or_default().insert(to.to_owned(), !link.ends_with('!'));
        }
        issues
    }

    fn listed(reached: &Reached) -> String {
        let keys: Vec<String> =
            reached.keys.iter().map(|(key, distance)| format!("{key}{distance}")).collect();
        keys.concat()
    }

    fn starts(keys: &[&str], addresses: &[&str]) -> Starts {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Starts::new(owned(keys), Vec::new(), owned(addresses)).unwrap()
    }

    #[test]
    fn circles_and_diamonds_are_walked_once() {
        let issues = issues(&["a>b", "a>c", "b>d", "c>d", "d>a", "d>d", "x>a"]);
        let reach = |key, depth| issues.reach(&starts(&[key], &[]), depth);
        assert_eq!(listed(&reach("a", None)), "a0b1c1d2");
        let near = reach("a", Some(1));
        assert_eq!((listed(&near).as_str(), near.beyond_depth), ("a0b1c1", 2));
        assert_eq!(listed(&reach("a", Some(0))), "a0");
        assert_eq!(listed(&reach("none", None)), "none0");
    }

    #[test]
    fn several_starts_are_no_links_apart() {
        let issues = Issues { found: ["b", "y"].map(str::to_owned).into(), ..issues(&["a>b", "b>c"]) };
        let reached = issues.reach(&starts(&["a", "a"], &[]), None);
        assert_eq!(listed(&reached), "a0b0y0c1");
        assert_eq!(reached.starts().collect::<Vec<_>>(), ["a", "b", "y"]);
    }

    #[test]
    fn of_a_start_only_what_came_from_an_address_is_followed_and_of_others_all() {
        let all = issues(&["a>b", "a>usual!", "b>c!", "c>d!"]);
        let reached = all.reach(&starts(&["a"], &["192.0.2.1"]), None);
        assert_eq!(listed(&reached), "a0b1c2d3");
        assert_eq!(reached.narrowed, HashSet::from(["a".to_owned()]));
        // one that is a start as well, and was issued to another one
        let found = Issues { found: ["a", "b"].map(str::to_owned).into(), ..all };
        let reached = found.reach(&starts(&[], &["192.0.2.1"]), None);
        assert_eq!(listed(&reached), "a0b0c1d2");
        assert_eq!(reached.narrowed, HashSet::from(["a".to_owned()]));
    }
}
