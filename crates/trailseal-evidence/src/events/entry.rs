//! What is held of a record, and the order of records.

use std::{cmp::Ordering, ops::Range};

use rayon::slice::ParallelSliceMut as _;
use trailseal_archive::Timestamp;
use trailseal_query::lookup::{Position, RecordPlace};

/// Stands for no time; less than every time, so that it comes last.
pub(super) const NO_TIME: i64 = i64::MIN;

/// The letters of a UUID as text.
const UUID_LETTERS: usize = 36;

/// Where the dashes of a UUID stand.
const DASHES: [usize; 4] = [8, 13, 18, 23];

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A record.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexedEvent {
    pub(super) time: i64,
    /// [`RecordPlace::file`]
    pub(super) file: u64,
    /// By `kind`: a UUID's bytes, or the beginning and the length of a text.
    id: [u8; 16],
    /// [`RecordPlace::number`]
    pub(super) number: u32,
    pub(super) region: u32,
    pub(super) account: u32,
    pub(super) extent: Extent,
    kind: IdKind,
    pub(super) traits: u8,
}

/// Where the bytes of a record lie. What is found there is the record when its sum is right, and only then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// The byte of its file's content at which it begins ([`Row::at`](crate::scan::Row::at)); [`Extent::NOWHERE`] when
    /// it lies there in another form, or further behind than can be said.
    pub(super) start: u32,
    pub(super) length: u32,
    /// A hash of the bytes, in any case.
    pub(super) sum: u64,
}

impl Extent {
    /// In place of a start.
    pub(super) const NOWHERE: u32 = u32::MAX;

    pub(super) fn new(at: Option<u64>, length: usize, sum: u64) -> Self {
        match (at.and_then(|at| u32::try_from(at).ok()), u32::try_from(length)) {
            (Some(start), Ok(length)) => Self { start, length, sum },
            _ => Self { start: Self::NOWHERE, length: 0, sum },
        }
    }

    /// The bytes of the content; `None` when that is unknown.
    pub(super) fn range(self) -> Option<Range<usize>> {
        let start = (self.start != Self::NOWHERE).then_some(self.start as usize)?;
        Some(start..start.checked_add(self.length as usize)?)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdKind {
    Uuid,
    Text,
    None,
}

/// Event ids that are no UUIDs, one behind the other.
pub(super) type Texts = Vec<u8>;

/// All records, in the order of rows; those of one event in the order of their places. A record's rank is its place
/// in this order.
#[derive(Debug, Default)]
pub(super) struct IndexedEvents {
    sorted: Vec<IndexedEvent>,
    texts: Texts,
    /// Ranks, in the order of event ids; records without one are left out.
    by_id: Vec<u32>,
}

impl IndexedEvent {
    /// `texts` takes an id that is no UUID.
    pub(super) fn new(
        time: Option<Timestamp>,
        id: Option<&str>,
        place: (u64, u32),
        texts: &mut Texts,
    ) -> Self {
        let (kind, id) = match id.map(|text| (text, uuid(text.as_bytes()))) {
            None => (IdKind::None, [0; 16]),
            Some((_, Some(bytes))) => (IdKind::Uuid, bytes),
            Some((text, None)) => {
                let start = texts.len() as u64;
                texts.extend_from_slice(text.as_bytes());
                (IdKind::Text, span(start, text.len() as u64))
            }
        };
        let time = time.map_or(NO_TIME, Timestamp::epoch);
        let extent = Extent { start: Extent::NOWHERE, length: 0, sum: 0 };
        Self { time, file: place.0, id, number: place.1, region: 0, account: 0, extent, kind, traits: 0 }
    }

    /// The entry after its texts were put behind `before` others.
    pub(super) fn moved(mut self, before: usize) -> Self {
        if self.kind == IdKind::Text {
            let (start, length) = self.span();
            self.id = span(start + before as u64, length);
        }
        self
    }

    pub(super) fn place(&self) -> RecordPlace {
        RecordPlace { file: self.file, number: u64::from(self.number) }
    }

    fn span(&self) -> (u64, u64) {
        let number = u128::from_be_bytes(self.id);
        ((number >> 64) as u64, number as u64)
    }

    /// The id's text; `buffer` takes that of a UUID.
    fn id<'t>(&self, texts: &'t [u8], buffer: &'t mut [u8; UUID_LETTERS]) -> Option<&'t [u8]> {
        match self.kind {
            IdKind::None => None,
            IdKind::Uuid => {
                *buffer = uuid_text(&self.id);
                Some(buffer)
            }
            IdKind::Text => {
                let (start, length) = self.span();
                texts.get(start as usize..(start + length) as usize)
            }
        }
    }

    /// By id alone; those without one come last.
    fn compare_ids(&self, other: &Self, texts: &[u8]) -> Ordering {
        if self.kind == IdKind::Uuid && other.kind == IdKind::Uuid {
            return self.id.cmp(&other.id);
        }
        let (mut one, mut two) = ([0; UUID_LETTERS], [0; UUID_LETTERS]);
        match (self.id(texts, &mut one), other.id(texts, &mut two)) {
            (Some(one), Some(two)) => one.cmp(two),
            (one, two) => one.is_none().cmp(&two.is_none()),
        }
    }

    fn compare(&self, other: &Self, texts: &[u8]) -> Ordering {
        let by_time = || other.time.cmp(&self.time);
        by_time().then_with(|| self.compare_ids(other, texts)).then_with(|| self.place().cmp(&other.place()))
    }
}

impl IndexedEvents {
    /// Brings records into order, and says the rank of each.
    pub(super) fn sort(unsorted: Vec<IndexedEvent>, mut texts: Texts) -> (Self, Vec<u32>) {
        let mut order: Vec<u32> = (0..unsorted.len() as u32).collect();
        order.par_sort_unstable_by(|one, two| {
            unsorted[*one as usize].compare(&unsorted[*two as usize], &texts)
        });
        let mut ranks = vec![0; order.len()];
        for (rank, number) in (0..).zip(&order) {
            ranks[*number as usize] = rank;
        }
        let entries: Vec<IndexedEvent> = order.into_iter().map(|number| unsorted[number as usize]).collect();
        drop(unsorted);
        let has_id = |rank: &u32| entries[*rank as usize].kind != IdKind::None;
        let mut by_id: Vec<u32> = (0..entries.len() as u32).filter(has_id).collect();
        by_id.par_sort_unstable_by(|one, two| {
            entries[*one as usize].compare_ids(&entries[*two as usize], &texts).then(one.cmp(two))
        });
        by_id.shrink_to_fit();
        texts.shrink_to_fit();
        (Self { sorted: entries, texts, by_id }, ranks)
    }

    /// The same event in another index.
    pub(super) fn copied(&self, rank: u32, file: u64, texts: &mut Texts) -> IndexedEvent {
        let mut entry = IndexedEvent { file, ..*self.of(rank) };
        if entry.kind == IdKind::Text {
            let (start, length) = entry.span();
            entry.id = span(texts.len() as u64, length);
            texts.extend_from_slice(
                self.texts.get(start as usize..(start + length) as usize).unwrap_or_default(),
            );
        }
        entry
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.sorted.capacity() * size_of::<IndexedEvent>() + self.texts.capacity() + self.by_id.capacity() * 4
    }

    pub(super) fn of(&self, rank: u32) -> &IndexedEvent {
        &self.sorted[rank as usize]
    }

    /// The event id, for a filter.
    pub(super) fn event_id(&self, rank: u32) -> Option<String> {
        let mut buffer = [0; UUID_LETTERS];
        let id = self.of(rank).id(&self.texts, &mut buffer)?;
        std::str::from_utf8(id).ok().map(str::to_owned)
    }

    pub(super) fn position(&self, rank: u32) -> Position {
        self.position_of(self.of(rank))
    }

    fn position_of(&self, entry: &IndexedEvent) -> Position {
        let mut buffer = [0; UUID_LETTERS];
        let id = entry.id(&self.texts, &mut buffer).and_then(|id| std::str::from_utf8(id).ok());
        Position::new(Timestamp::from_epoch(entry.time), id, entry.place())
    }

    /// The ranks of the records with this id, in their order.
    pub(super) fn with_id(&self, id: &str) -> &[u32] {
        let id = id.as_bytes();
        let compare = |rank: u32| {
            let mut buffer = [0; UUID_LETTERS];
            self.of(rank).id(&self.texts, &mut buffer).map_or(Ordering::Greater, |own| own.cmp(id))
        };
        let start = self.by_id.partition_point(|rank| compare(*rank) == Ordering::Less);
        let length = self.by_id[start..].partition_point(|rank| compare(*rank) == Ordering::Equal);
        &self.by_id[start..start + length]
    }

    /// The rank of the first record behind a position.
    pub(super) fn behind(&self, after: &Position) -> u32 {
        self.sorted.partition_point(|entry| self.position_of(entry) <= *after) as u32
    }

    /// The rank of the first record that is not later than this.
    pub(super) fn not_after(&self, time: Timestamp) -> u32 {
        self.sorted.partition_point(|entry| entry.time > time.epoch()) as u32
    }

    /// The rank of the first record before this time.
    pub(super) fn before(&self, time: Timestamp) -> u32 {
        self.sorted.partition_point(|entry| entry.time >= time.epoch()) as u32
    }

    /// The rank of the first record without a time.
    pub(super) fn timeless(&self) -> u32 {
        self.sorted.partition_point(|entry| entry.time != NO_TIME) as u32
    }
}

fn span(start: u64, length: u64) -> [u8; 16] {
    (u128::from(start) << 64 | u128::from(length)).to_be_bytes()
}

/// The bytes of a UUID in the form in which it is written again: 36 letters, none of them large.
fn uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; UUID_LETTERS] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    let mut digits = 0;
    for (at, letter) in text.iter().enumerate() {
        if DASHES.contains(&at) {
            if *letter != b'-' {
                return None;
            }
            continue;
        }
        let digit = match letter {
            b'0'..=b'9' => letter - b'0',
            b'a'..=b'f' => letter - b'a' + 10,
            _ => return None,
        };
        bytes[digits / 2] = bytes[digits / 2] << 4 | digit;
        digits += 1;
    }
    Some(bytes)
}

fn uuid_text(bytes: &[u8; 16]) -> [u8; UUID_LETTERS] {
    let mut text = [b'-'; UUID_LETTERS];
    let places = (0..UUID_LETTERS).filter(|at| !DASHES.contains(at));
    for (digit, at) in places.enumerate() {
        let byte = bytes[digit / 2];
        let value = if digit % 2 == 0 { byte >> 4 } else { byte & 15 };
        text[at] = HEX[usize::from(value)];
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_takes_64_bytes() {
        assert_eq!(size_of::<IndexedEvent>(), 64);
    }

    #[test]
    fn only_uuids_that_are_written_the_same_again_are_bytes() {
        let text = b"0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
        assert_eq!(uuid(text).map(|bytes| uuid_text(&bytes)), Some(*text));
        for other in [
            "0F1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f",
            "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f00",
            "0f1e2d3c04b5a-6978-8796-a5b4c3d2e1f0",
            "0f1e2d3g-4b5a-6978-8796-a5b4c3d2e1f0",
            "",
        ] {
            assert_eq!(uuid(other.as_bytes()), None, "{other}");
        }
    }

    type Row = (Option<i64>, Option<String>, u64, u32);

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        let uuid = (0..4_u8).prop_map(|last| format!("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f{last}"));
        let id = prop_oneof![3 => uuid, 1 => "[0-9a-f]{1,3}", 1 => "[0-2]f1e2d3c-.{0,4}"];
        let row = (proptest::option::of(0..3_i64), proptest::option::weighted(0.8, id), 0..3_u64, 0..9_u32);
        proptest::collection::vec(row, 0..60)
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_positions_and_then_of_places(rows in any_rows(), probe in any::<prop::sample::Index>()) {
            let mut texts = Texts::new();
            let time = |epoch: Option<i64>| epoch.and_then(Timestamp::from_epoch);
            let unsorted: Vec<IndexedEvent> = rows
                .iter()
                .map(|(epoch, id, file, number)| {
                    IndexedEvent::new(time(*epoch), id.as_deref(), (*file, *number), &mut texts)
                })
                .collect();
            let (entries, ranks) = IndexedEvents::sort(unsorted, texts);

            let mut expected: Vec<(Position, RecordPlace)> = rows
                .iter()
                .map(|(epoch, id, file, number)| {
                    let place = RecordPlace { file: *file, number: u64::from(*number) };
                    (Position::new(time(*epoch), id.as_deref(), place), place)
                })
                .collect();
            for (row, rank) in expected.iter().zip(ranks) {
                prop_assert_eq!(&entries.position(rank), &row.0);
            }
            expected.sort();
            for (rank, row) in (0..).zip(&expected) {
                prop_assert_eq!((entries.position(rank), entries.of(rank).place()), row.clone());
            }
            if !rows.is_empty() {
                let row = &rows[probe.index(rows.len())];
                if let Some(id) = &row.1 {
                    let with_id: Vec<u32> = (0..entries.len() as u32)
                        .filter(|rank| entries.event_id(*rank).as_ref() == Some(id))
                        .collect();
                    prop_assert_eq!(entries.with_id(id), with_id);
                }
                let place = RecordPlace { file: row.2, number: u64::from(row.3) };
                let after = Position::new(time(row.0), row.1.as_deref(), place);
                let behind = expected.iter().filter(|(position, _)| *position <= after).count();
                prop_assert_eq!(entries.behind(&after) as usize, behind);
            }
            prop_assert_eq!(entries.with_id("none"), &[] as &[u32]);
        }
    }
}
