//! Different values and the events that have them, counted exactly up to a bound.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::Serialize;
use trailseal_archive::Timestamp;

/// Different values of a kind that are counted; of more it is only known that they are more.
pub const MAX_VALUES: usize = 500_000;
/// Bytes of all values of a kind together.
pub const MAX_VALUE_BYTES: usize = 32 << 20;

/// Values that a thread holds before it hands them over, and their bytes.
const LOCAL_VALUES: usize = 4096;
const LOCAL_BYTES: usize = 1 << 20;

/// The most frequent values that are told.
const TOP: usize = 10;
/// The newest ones.
const NEWEST: usize = 5;
/// Seconds of a value that was seen for a short time only.
const BRIEF: i64 = 3600;

/// Events, and when they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EventSpan {
    /// How many.
    pub events: u64,
    /// Those that failed.
    pub failed: u64,
    /// The first one, of those with a time that can be read.
    pub first: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
}

impl EventSpan {
    pub(super) fn add(&mut self, time: Option<Timestamp>, has_failed: bool) {
        self.merge(&Self { events: 1, failed: u64::from(has_failed), first: time, last: time });
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.events += other.events;
        self.failed += other.failed;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
    }

    fn is_brief(&self) -> bool {
        self.first.zip(self.last).is_some_and(|(first, last)| last.since(first) < BRIEF)
    }
}

/// A value and its events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedValue {
    /// The value.
    pub value: String,
    /// Its events.
    #[serde(flatten)]
    pub span: EventSpan,
}

/// The different values of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UsedValues {
    /// How many there are; `None` when there are more than are counted.
    pub different: Option<u64>,
    /// What there are more of than are counted ([`MAX_VALUES`], [`MAX_VALUE_BYTES`]), so that no single one is told.
    pub more_than: Option<u64>,
    /// Events without such a value; `None` when there are too many values.
    pub events_without: Option<u64>,
    /// Values between whose first and last event less than an hour lies.
    pub brief: Option<u64>,
    /// Those with the most events, then by value.
    pub top: Vec<UsedValue>,
    /// Those whose first event is the latest.
    pub newest: Vec<UsedValue>,
}

/// Values of one kind, as a thread or all threads have seen them.
#[derive(Debug, Default)]
pub(super) struct Uses {
    values: HashMap<Box<str>, EventSpan>,
    bytes: usize,
}

impl Uses {
    fn entry(&mut self, value: &str) -> &mut EventSpan {
        if !self.values.contains_key(value) {
            self.bytes += value.len();
            self.values.insert(value.into(), EventSpan::default());
        }
        self.values.get_mut(value).expect("it was inserted if it was not there")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &EventSpan)> {
        self.values.iter().map(|(value, span)| (&**value, span))
    }
}

/// The values of one kind that all threads have seen.
#[derive(Debug, Default)]
pub(super) struct AllUses {
    uses: Mutex<Uses>,
    is_over: AtomicBool,
}

impl AllUses {
    /// Counts an event with a value, in `own` until that is full.
    pub(super) fn add(&self, own: &mut Uses, value: &str, time: Option<Timestamp>, has_failed: bool) {
        own.entry(value).add(time, has_failed);
        if own.values.len() >= LOCAL_VALUES || own.bytes >= LOCAL_BYTES {
            self.take(own);
        }
    }

    /// Takes over what a thread has counted. Whether there are too many is a property of all values together, so that it
    /// does not depend on threads.
    pub(super) fn take(&self, own: &mut Uses) {
        let own = std::mem::take(own);
        if self.is_over.load(Ordering::Relaxed) {
            return;
        }
        let mut all = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        for (value, span) in &own.values {
            all.entry(value).merge(span);
            if all.values.len() > MAX_VALUES || all.bytes > MAX_VALUE_BYTES {
                self.is_over.store(true, Ordering::Relaxed);
                *all = Uses::default();
                return;
            }
        }
    }

    /// Everything; `None` if it was too much.
    pub(super) fn finish(self) -> Option<Uses> {
        let is_over = self.is_over.load(Ordering::Relaxed);
        let uses = self.uses.into_inner().unwrap_or_else(PoisonError::into_inner);
        (!is_over).then_some(uses)
    }
}

impl UsedValues {
    /// Of all events, `events` in number, with these values.
    pub(super) fn of(uses: Option<&Uses>, events: u64) -> Self {
        let Some(uses) = uses else {
            return Self { more_than: Some(MAX_VALUES as u64), ..Self::default() };
        };
        let with: u64 = uses.iter().map(|(_, span)| span.events).sum();
        let mut all: Vec<(&str, &EventSpan)> = uses.iter().collect();
        let value =
            |(value, span): &(&str, &EventSpan)| UsedValue { value: (*value).to_owned(), span: **span };
        all.sort_unstable_by(|(a, of_a), (b, of_b)| (of_b.events, a).cmp(&(of_a.events, b)));
        let top = all.iter().take(TOP).map(value).collect();
        let brief = all.iter().filter(|(_, span)| span.is_brief()).count() as u64;
        all.retain(|(_, span)| span.first.is_some());
        all.sort_unstable_by(|(a, of_a), (b, of_b)| (of_b.first, a).cmp(&(of_a.first, b)));
        Self {
            different: Some(uses.values.len() as u64),
            more_than: None,
            events_without: Some(events.saturating_sub(with)),
            brief: Some(brief),
            top,
            newest: all.iter().take(NEWEST).map(value).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Option<Timestamp> {
        Timestamp::from_epoch(seconds)
    }

    #[test]
    fn values_are_counted_the_same_by_any_number_of_threads() {
        let events: Vec<(String, i64)> = (0..30_000_i64).map(|n| (format!("v{}", n * n % 7001), n)).collect();
        let counted = |parts: usize| {
            let all = AllUses::default();
            let mut own: Vec<Uses> = (0..parts).map(|_| Uses::default()).collect();
            for (at_event, (value, time)) in events.iter().enumerate() {
                all.add(&mut own[at_event % parts], value, at(*time), time % 3 == 0);
            }
            for own in &mut own {
                all.take(own);
            }
            UsedValues::of(all.finish().as_ref(), 30_001)
        };
        let (one, many) = (counted(1), counted(7));
        assert_eq!(one, many);
        assert_eq!(one.events_without, Some(1));
        let different: std::collections::HashSet<&String> = events.iter().map(|(value, _)| value).collect();
        assert_eq!(one.different, Some(different.len() as u64));
        assert!(one.top.is_sorted_by(|a, b| a.span.events >= b.span.events));
        assert!(one.newest.is_sorted_by(|a, b| a.span.first >= b.span.first));
    }

    #[test]
    fn too_many_values_are_told_as_such() {
        let all = AllUses::default();
        let mut own = Uses::default();
        for n in 0..=MAX_VALUES {
            all.add(&mut own, &n.to_string(), None, false);
        }
        all.take(&mut own);
        let told = UsedValues::of(all.finish().as_ref(), 1);
        assert_eq!((told.different, told.more_than, told.top), (None, Some(MAX_VALUES as u64), Vec::new()));

        let (all, mut own) = (AllUses::default(), Uses::default());
        for letter in ["a", "b", "c", "d", "e"] {
            all.add(&mut own, &letter.repeat(8 << 20), None, false);
        }
        all.take(&mut own);
        assert!(all.finish().is_none(), "long values are too many, too");
    }

    #[test]
    fn what_was_seen_for_an_hour_is_not_brief() {
        let span = |last| EventSpan { events: 2, failed: 0, first: at(0), last: at(last) };
        assert!(span(0).is_brief() && span(BRIEF - 1).is_brief() && !span(BRIEF).is_brief());
        assert!(!EventSpan::default().is_brief(), "without a time nothing is known");
    }
}
