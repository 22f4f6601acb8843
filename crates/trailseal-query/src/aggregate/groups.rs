//! Groups of records by key: how many, from when to when, and their sum.

use std::collections::HashMap;

use trailseal_archive::Timestamp;

use super::{Seen, Sum, compare_keys};

/// What an entry costs beside its key.
const ENTRY: u64 = 200;

/// Groups by key ([`push_part`](super::push_part)).
#[derive(Debug, Default)]
pub struct Groups {
    groups: HashMap<Box<[u8]>, Group>,
    bytes: u64,
}

/// The records with one key.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// How many.
    pub count: u64,
    /// From the first to the last.
    pub span: Span,
    /// The sum of a field, if one is asked for.
    pub sum: Sum,
    /// The different values of a field, if they are asked for.
    pub distinct: Seen,
}

/// The first and the last of some times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first one.
    pub first: Option<Timestamp>,
    /// The last one.
    pub last: Option<Timestamp>,
}

/// What groups are sorted by, the greatest first; ties by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// How many records they have.
    Count,
    /// Their sums, then how many records they have.
    Sum,
    /// Nothing but the key.
    Key,
}

impl Groups {
    /// The group with this key, made if there is none.
    pub fn group(&mut self, key: &[u8]) -> &mut Group {
        if !self.groups.contains_key(key) {
            self.bytes += key.len() as u64 + ENTRY;
            self.groups.insert(key.into(), Group::default());
        }
        self.groups.get_mut(key).expect("it was inserted if it was not there")
    }

    /// Takes in another part.
    pub fn merge(&mut self, other: Self) {
        if self.groups.is_empty() {
            *self = other;
            return;
        }
        for (key, theirs) in other.groups {
            self.group(&key).merge(theirs);
        }
    }

    /// About how much memory they take.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many groups there are.
    pub fn count(&self) -> u64 {
        self.groups.len() as u64
    }

    /// The groups with at least `min` records, sorted.
    pub fn sorted(self, order: Order, min: u64) -> Vec<(Box<[u8]>, Group)> {
        let mut groups: Vec<_> = self.groups.into_iter().filter(|(_, group)| group.count >= min).collect();
        groups.sort_by(|(a, x), (b, y)| {
            let by_size = match order {
                Order::Count => y.count.cmp(&x.count),
                Order::Sum => y.sum.total().compare(&x.sum.total()).then(y.count.cmp(&x.count)),
                Order::Key => std::cmp::Ordering::Equal,
            };
            by_size.then_with(|| compare_keys(a, b))
        });
        groups
    }
}

impl Group {
    /// One more record.
    pub fn add(&mut self, time: Option<Timestamp>) {
        self.count += 1;
        self.span.add(time);
    }

    /// So many more records, the first and the last of which have these times.
    pub fn add_many(&mut self, count: u64, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.count += count;
        self.span.add(first);
        self.span.add(last);
    }

    fn merge(&mut self, other: Self) {
        self.add_many(other.count, other.span.first, other.span.last);
        self.sum.merge(&other.sum);
        self.distinct.merge(other.distinct);
    }
}

impl Span {
    /// Takes in a time.
    pub fn add(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::{parts, push_part};

    fn key(text: Option<&str>) -> Vec<u8> {
        let mut key = Vec::new();
        push_part(&mut key, text);
        key
    }

    fn listed(groups: Groups, order: Order, min: u64) -> Vec<(String, u64)> {
        let name = |key: &[u8]| parts(key).next().flatten().unwrap_or("-").to_owned();
        groups.sorted(order, min).into_iter().map(|(key, group)| (name(&key), group.count)).collect()
    }

    fn filled(from: &[(Option<&str>, &str)]) -> Groups {
        let mut groups = Groups::default();
        for (name, number) in from {
            let group = groups.group(&key(*name));
            group.add(Timestamp::from_epoch(number.len() as i64));
            group.sum.add(number);
        }
        groups
    }

    #[test]
    fn groups_are_sorted_by_size_and_ties_by_key() {
        let make = || {
            filled(&[(Some("b"), "1"), (None, "50"), (Some("a"), "7"), (Some("c"), "1"), (Some("c"), "1")])
        };
        let names = |order, min| listed(make(), order, min).into_iter().map(|(n, _)| n).collect::<String>();
        assert_eq!(names(Order::Count, 1), "cab-");
        assert_eq!(names(Order::Count, 2), "c");
        assert_eq!(names(Order::Sum, 0), "-acb");
        assert_eq!(names(Order::Key, 0), "abc-");
    }

    #[test]
    fn parts_add_up() {
        let mut one = filled(&[(Some("a"), "1"), (Some("b"), "22")]);
        one.merge(filled(&[(Some("a"), "333"), (None, "1")]));
        assert_eq!(one.count(), 3);
        let group = one.group(&key(Some("a"))).clone();
        let time = |seconds| Timestamp::from_epoch(seconds);
        assert_eq!((group.count, group.span), (2, Span { first: time(1), last: time(3) }));
        assert_eq!(group.sum.total().to_string(), "334");
        let mut empty = Groups::default();
        empty.merge(one);
        assert_eq!(listed(empty, Order::Count, 0), [("a".into(), 2), ("b".into(), 1), ("-".into(), 1)]);
    }
}
