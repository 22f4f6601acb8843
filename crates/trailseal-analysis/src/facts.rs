//! What is to be known of events that are counted, on its way from the threads that find them.

use std::{borrow::Cow, ops::ControlFlow};

use trailseal_archive::Timestamp;
use trailseal_evidence::scan::{Batch, Row};
use trailseal_query::aggregate::{combinations, push_part};

use crate::{
    count::Asked,
    fields::{Field, FieldValue},
    question::RowKey,
};

/// Combinations of values of several fields of one event that are counted; those of one field all are.
pub const MAX_COMBINATIONS: usize = 100_000;
/// Bytes of all of them.
const MAX_COMBINED: usize = 64 << 20;

/// What is known of some events.
#[derive(Debug, Default)]
pub(crate) struct FactBatch {
    texts: Texts,
    events: Vec<Known>,
}

/// An event: where its texts end among those of all. They begin where those of the event before end.
#[derive(Clone, Copy, Debug)]
struct Known {
    key: RowKey,
    groups_end: usize,
    numbers_end: usize,
    distinct_end: usize,
    is_clipped: bool,
}

/// What is known of an event.
pub(crate) struct EventFacts<'b> {
    /// Its time and id.
    pub(crate) key: RowKey,
    /// Whether it has more combinations of values than are counted.
    pub(crate) is_clipped: bool,
    texts: &'b Texts,
    start: usize,
    known: Known,
}

/// Something that has values in fields.
pub(crate) trait Valued<'a> {
    /// Shows `each` every value of a field; `at` is its [place](Asked::fields) among those that are asked for.
    fn visit(&self, at: usize, field: &Field, each: &mut dyn FnMut(FieldValue<'a>));
}

impl<'a> Valued<'a> for Row<'a> {
    fn visit(&self, _: usize, field: &Field, each: &mut dyn FnMut(FieldValue<'a>)) {
        field.visit(self, each);
    }
}

/// Events that have the same values: how many they are, the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Many {
    pub(crate) count: u64,
    pub(crate) first: Option<Timestamp>,
    pub(crate) last: Option<Timestamp>,
}

impl Many {
    /// A single one.
    pub(crate) fn one(time: Option<Timestamp>) -> Self {
        Self { count: 1, first: time, last: time }
    }
}

impl FactBatch {
    /// Adds an event.
    pub(crate) fn push<'a>(&mut self, key: RowKey, asked: &Asked<'_>, row: &impl Valued<'a>) {
        let mut is_clipped = false;
        if !self.push_single(asked, row) {
            let texts = |(at, field)| {
                let mut texts = Vec::new();
                row.visit(at, field, &mut |cell| texts.push(cell.text().map(Cow::into_owned)));
                texts
            };
            let fields: Vec<_> = asked.keys.iter().enumerate().map(texts).collect();
            let texts = &mut self.texts;
            let (mut count, start) = (0, texts.bytes.len());
            is_clipped = !combinations(&fields, &mut Vec::new(), &mut |group| {
                let has_room =
                    count < MAX_COMBINATIONS && texts.bytes.len() - start + group.len() <= MAX_COMBINED;
                if fields.len() > 1 && !has_room {
                    return ControlFlow::Break(());
                }
                count += 1;
                texts.push(|to| to.extend_from_slice(group));
                ControlFlow::Continue(())
            });
        }
        let groups_end = self.texts.len();
        self.push_values(asked.keys.len(), asked.sum, row);
        let numbers_end = self.texts.len();
        self.push_values(asked.keys.len() + 1, asked.distinct, row);
        let distinct_end = self.texts.len();
        self.events.push(Known { key, groups_end, numbers_end, distinct_end, is_clipped });
    }

    /// The one group of an event that has one value in every field, as almost all do; `false` if it has not.
    fn push_single<'a>(&mut self, asked: &Asked<'_>, row: &impl Valued<'a>) -> bool {
        let before = self.texts.len();
        let mut is_single = true;
        self.texts.push(|to| {
            for (at, field) in asked.keys.iter().enumerate() {
                let start = to.len();
                let mut count = 0_u64;
                row.visit(at, field, &mut |cell| {
                    if count == 0 {
                        push_part(to, cell.text().as_deref());
                    }
                    count += 1;
                });
                is_single &= count < 2;
                if to.len() == start {
                    push_part(to, None);
                }
            }
        });
        if !is_single {
            self.texts.truncate(before);
        }
        is_single
    }

    fn push_values<'a>(&mut self, at: usize, field: Option<&Field>, row: &impl Valued<'a>) {
        let Some(field) = field else { return };
        let texts = &mut self.texts;
        row.visit(at, field, &mut |cell| {
            if let Some(text) = cell.text() {
                texts.push(|to| to.extend_from_slice(text.as_bytes()));
            }
        });
    }

    /// The events, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = EventFacts<'_>> {
        let mut start = 0;
        self.events.iter().map(move |known| {
            let start = std::mem::replace(&mut start, known.distinct_end);
            let Known { key, is_clipped, .. } = *known;
            EventFacts { key, is_clipped, texts: &self.texts, start, known: *known }
        })
    }
}

impl Batch for FactBatch {
    fn bytes(&self) -> usize {
        self.texts.bytes.len()
            + self.texts.ends.len() * size_of::<usize>()
            + self.events.len() * size_of::<Known>()
    }

    fn clear(&mut self) {
        self.texts.truncate(0);
        self.events.clear();
    }
}

impl<'b> EventFacts<'b> {
    /// The keys of the groups that it counts in.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.texts.range(self.start, self.known.groups_end)
    }

    /// The values that are summed.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.texts.range(self.known.groups_end, self.known.numbers_end)
    }

    /// The values that are counted once each.
    pub(crate) fn distinct(&self) -> impl Iterator<Item = &'b [u8]> + use<'b> {
        self.texts.range(self.known.numbers_end, self.known.distinct_end)
    }
}

/// Byte strings, one behind the other.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    fn truncate(&mut self, length: usize) {
        self.ends.truncate(length);
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    fn range(&self, start: usize, end: usize) -> impl Iterator<Item = &[u8]> {
        let first = start.checked_sub(1).map_or(0, |before| self.ends[before]);
        let ends = self.ends[start..end].iter().copied();
        ends.scan(first, |start, end| Some(&self.bytes[std::mem::replace(start, end)..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_they_went_in() {
        let mut texts = Texts::default();
        for text in ["a", "", "bcd", "gone"] {
            texts.push(|to| to.extend_from_slice(text.as_bytes()));
        }
        texts.truncate(3);
        texts.push(|to| to.push(b'e'));
        let all = |start, end| texts.range(start, end).map(<[u8]>::to_vec).collect::<Vec<_>>().concat();
        assert_eq!(
            (all(0, 4), all(1, 3), all(3, 4), all(2, 2)),
            (b"abcde".into(), b"bcd".into(), b"e".into(), vec![])
        );
    }
}
