//! From where and with what a key was used: every address and every user agent, with when, what failed and what was issued.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_query::aggregate::Span;

use super::node::OTHER;

/// Seconds of a slot, the time by which it is told how regularly something was seen.
pub(super) const SLOT: i64 = 900;
/// Addresses or user agents that are told apart for a key.
const MAX_ORIGINS: usize = 10_000;
/// Values of the other kind that are kept for one.
const MAX_WITH: usize = 5;
/// Memory of what is not text, about.
const ORIGIN: usize = 160;
const TEXT: usize = 24;
const MARK: usize = 16;

/// An address or a user agent of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The address or user agent.
    pub value: String,
    /// Events of the key with it.
    pub events: u64,
    /// The first one.
    pub first: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
    /// Those that failed.
    pub failed: u64,
    /// The keys that were issued with these events.
    pub issued: Vec<String>,
    /// The user agents that came from the address, or the addresses that the user agent came from: the first five.
    pub with: Vec<String>,
    /// Whether the key, or the one by which it was issued, was regularly used so.
    pub usual: bool,
    /// When it was seen, in slots since 1970.
    #[serde(skip)]
    pub(super) slots: BTreeSet<i64>,
}

/// The addresses or the user agents of a key.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Origins {
    /// The most frequent first.
    pub values: Vec<Origin>,
    #[serde(skip)]
    places: HashMap<String, usize>,
}

/// What is known of an event beside the address or user agent itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting<'a> {
    pub(super) time: Option<Timestamp>,
    pub(super) has_failed: bool,
    pub(super) issued: &'a [String],
    /// The value of the other kind.
    pub(super) with: Option<&'a str>,
}

/// Memory that is left for the addresses and user agents of all keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    left: usize,
    /// Whether something did not fit.
    pub(super) is_exhausted: bool,
}

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self { left: bytes, is_exhausted: false }
    }

    /// Whether so many bytes fit; they are taken then.
    fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.is_exhausted = true,
        }
        !self.is_exhausted
    }
}

impl Origins {
    /// Counts an event.
    pub(super) fn add(&mut self, value: Option<&str>, seen: Sighting<'_>, room: &mut Room) {
        let Some(value) = value else { return };
        let at = match self.places.get(value) {
            Some(at) => *at,
            None if self.values.len() < MAX_ORIGINS && room.take(ORIGIN + 2 * value.len()) => {
                self.push(value)
            }
            None => self.places.get(OTHER).copied().unwrap_or_else(|| self.push(OTHER)),
        };
        self.values[at].add(seen, room);
    }

    fn push(&mut self, value: &str) -> usize {
        let at = self.values.len();
        self.places.insert(value.to_owned(), at);
        self.values.push(Origin { value: value.to_owned(), ..Origin::default() });
        at
    }

    /// Orders them.
    pub(super) fn finish(&mut self) {
        self.places = HashMap::new();
        self.values.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.value.cmp(&b.value)));
    }

    /// Those that are not usual: first those with which keys were issued, then those with which more failed, then the more
    /// frequent ones.
    pub fn unusual(&self) -> Vec<&Origin> {
        let mut unusual: Vec<&Origin> = self.values.iter().filter(|origin| !origin.usual).collect();
        unusual.sort_by_key(|origin| {
            std::cmp::Reverse((origin.issued.len().min(1), origin.failed, origin.events))
        });
        unusual
    }
}

impl Origin {
    fn add(&mut self, seen: Sighting<'_>, room: &mut Room) {
        self.events += 1;
        self.failed += u64::from(seen.has_failed);
        let mut span = Span { first: self.first, last: self.last };
        span.add(seen.time);
        (self.first, self.last) = (span.first, span.last);
        if let Some(slot) = seen.time.map(|time| time.epoch().div_euclid(SLOT))
            && !self.slots.contains(&slot)
            && room.take(MARK)
        {
            self.slots.insert(slot);
        }
        for key in seen.issued {
            if room.take(TEXT + key.len()) {
                self.issued.push(key.clone());
            }
        }
        if let Some(with) = seen.with
            && self.with.len() < MAX_WITH
            && !self.with.iter().any(|known| known == with)
            && room.take(TEXT + with.len())
        {
            self.with.push(with.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(second: i64, has_failed: bool) -> Sighting<'static> {
        Sighting { time: Timestamp::from_epoch(second), has_failed, issued: &[], with: Some("curl") }
    }

    #[test]
    fn what_is_rare_and_fails_comes_before_what_is_frequent() {
        let (mut origins, mut room) = (Origins::default(), Room::of(1 << 20));
        for second in 0..9 {
            origins.add(Some("often"), seen(second * SLOT, false), &mut room);
        }
        origins.add(Some("once"), seen(5, false), &mut room);
        origins.add(Some("failed"), seen(7, true), &mut room);
        let issued = ["ASIA1".to_owned()];
        origins.add(Some("issued"), Sighting { issued: &issued, ..seen(8, false) }, &mut room);
        origins.add(None, seen(8, false), &mut room);
        origins.finish();
        assert_eq!(origins.values[0].slots.len(), 9);
        assert_eq!(origins.values[0].with, ["curl"]);
        origins.values[0].usual = true;
        let order: Vec<&str> = origins.unusual().iter().map(|origin| origin.value.as_str()).collect();
        assert_eq!(order, ["issued", "failed", "once"]);
    }

    #[test]
    fn what_does_not_fit_is_counted_all_the_same() {
        let (mut origins, mut room) = (Origins::default(), Room::of(2 * (ORIGIN + 2) + 50));
        for value in ["a", "b", "c", "d", "a"] {
            origins.add(Some(value), seen(0, false), &mut room);
        }
        origins.finish();
        assert!(room.is_exhausted);
        let told: Vec<(&str, u64)> =
            origins.values.iter().map(|origin| (origin.value.as_str(), origin.events)).collect();
        assert_eq!(told, [("(other)", 2), ("a", 2), ("b", 1)]);
    }
}
