//! The order of rows (docs/spec/lookup-events.md 1.1; docs/spec/records.md 2.4 for what is delivered twice), and the
//! newest so many of them in bounded memory.

use std::{cmp::Reverse, collections::BTreeMap, collections::btree_map::Entry};

use trailseal_archive::Timestamp;

use crate::{record::Record, row::top::TopLevel};

/// What a row costs beside its content.
const OVERHEAD: usize = 160;

/// Where a record lies in the data set: the same in every scan of the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordPlace {
    /// The number of the file in a stable order.
    pub file: u64,
    /// The number of the record in its file.
    pub number: u64,
}

/// Where a row stands in the order of rows: newest first, then by event id; then, among records without one, by
/// their places. Two records at one position are one event, delivered twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Rows without a time come last.
    time: Reverse<Option<Timestamp>>,
    identity: RowIdentity,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum RowIdentity {
    Event(Box<str>),
    Place(RecordPlace),
}

/// How much a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Rows.
    pub rows: usize,
    /// Bytes of all rows; one row is held in any case.
    pub bytes: usize,
}

/// Collects the first rows after a position, whatever the order in which they are offered.
#[derive(Debug)]
pub struct Page<R> {
    limit: Limit,
    after: Option<Position>,
    rows: BTreeMap<Position, Held<R>>,
    bytes: usize,
    /// The first position that has no room: it and all behind it are for the next page.
    bound: Option<Position>,
}

#[derive(Debug)]
struct Held<R> {
    place: RecordPlace,
    size: usize,
    row: R,
}

impl Position {
    /// That of a record.
    pub fn of(record: &Record<'_>, place: RecordPlace) -> Self {
        let top = TopLevel::of(record.value());
        let id = top.event_id.and_then(|id| id.text()).filter(|id| !id.is_empty());
        Self::new(top.time(record), id.as_deref(), place)
    }

    /// That of a row with this `EventTime` and `EventId`.
    pub fn new(time: Option<Timestamp>, event_id: Option<&str>, place: RecordPlace) -> Self {
        let identity = event_id.map_or(RowIdentity::Place(place), |id| RowIdentity::Event(id.into()));
        Self { time: Reverse(time), identity }
    }

    pub(super) fn from_parts(time: Option<Timestamp>, identity: RowIdentity) -> Self {
        Self { time: Reverse(time), identity }
    }

    /// The row's `EventTime`: no row behind it is newer.
    pub fn time(&self) -> Option<Timestamp> {
        self.time.0
    }

    pub(super) fn identity(&self) -> &RowIdentity {
        &self.identity
    }
}

impl<R> Page<R> {
    /// An empty page that takes the first rows behind `after`, or the first of all.
    pub fn new(limit: Limit, after: Option<Position>) -> Self {
        Self { limit, after, rows: BTreeMap::new(), bytes: 0, bound: None }
    }

    /// Offers a row of `size` bytes; `make` is called only if there is room for it. Of several records at one
    /// position that with the first place is held.
    pub fn offer(&mut self, position: Position, place: RecordPlace, size: usize, make: impl FnOnce() -> R) {
        if self.after.as_ref().is_some_and(|after| position <= *after)
            || self.bound.as_ref().is_some_and(|bound| position >= *bound)
        {
            return;
        }
        let size = size.saturating_add(OVERHEAD);
        match self.rows.entry(position) {
            Entry::Occupied(mut held) if place < held.get().place => {
                self.bytes = self.bytes - held.get().size + size;
                held.insert(Held { place, size, row: make() });
            }
            Entry::Occupied(_) => return,
            Entry::Vacant(free) => {
                self.bytes = self.bytes.saturating_add(size);
                free.insert(Held { place, size, row: make() });
            }
        }
        self.shrink();
    }

    /// Both in one, as if all rows had been offered to it.
    pub fn merge(&mut self, other: Self) {
        if let Some(bound) = other.bound {
            self.limit_to(bound);
        }
        for (position, held) in other.rows {
            self.offer(position, held.place, held.size.saturating_sub(OVERHEAD), || held.row);
        }
    }

    /// Whether a row of this time may have a place on it.
    pub fn has_room_at(&self, time: Timestamp) -> bool {
        self.bound.as_ref().is_none_or(|bound| bound.time().is_none_or(|bound| time >= bound))
    }

    /// Whether it takes no row of this time, or of a later one, since they were on a page before.
    pub fn is_behind(&self, time: Timestamp) -> bool {
        self.after.as_ref().is_some_and(|after| after.time().is_none_or(|after| time > after))
    }

    /// Whether rows were left for the next page.
    pub fn has_more(&self) -> bool {
        self.bound.is_some()
    }

    /// The rows held so far.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows in their order.
    pub fn into_rows(self) -> impl Iterator<Item = (Position, R)> {
        self.rows.into_iter().map(|(position, held)| (position, held.row))
    }

    fn shrink(&mut self) {
        while self.rows.len() > self.limit.rows || (self.bytes > self.limit.bytes && self.rows.len() > 1) {
            let Some((position, held)) = self.rows.pop_last() else { return };
            self.bytes -= held.size;
            // It stands before every position that was turned away so far.
            self.bound = Some(position);
        }
    }

    fn limit_to(&mut self, bound: Position) {
        for held in self.rows.split_off(&bound).into_values() {
            self.bytes -= held.size;
        }
        if self.bound.as_ref().is_none_or(|own| bound < *own) {
            self.bound = Some(bound);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Limit = Limit { rows: usize::MAX, bytes: usize::MAX };

    fn place(number: u64) -> RecordPlace {
        RecordPlace { file: number / 3, number: number % 3 }
    }

    fn positions(records: &[&str]) -> Vec<u64> {
        let mut page = Page::new(ALL, None);
        for (number, record) in (0..).zip(records) {
            let position = Position::of(&Record::new(record.as_bytes()), place(number));
            page.offer(position, place(number), 0, || number);
        }
        page.into_rows().map(|(_, number)| number).collect()
    }

    #[test]
    fn rows_are_newest_first_then_by_event_id_1_1() {
        let order = positions(&[
            r#"{"eventID":"b","eventTime":"2023-07-10T11:00:00Z"}"#,
            r#"{"eventID":"z","eventTime":"2023-07-10T12:00:00Z"}"#,
            r#"{"eventID":"a"}"#,
            r#"{"eventID":"a","eventTime":"2023-07-10T11:00:00Z"}"#,
            r#"{"eventID":"y","eventTime":"2023-07-10T12:00:01.5Z"}"#,
        ]);
        assert_eq!(order, [4, 1, 3, 0, 2]);
    }

    #[test]
    fn records_delivered_twice_are_one_row_and_those_without_an_id_are_not_2_4() {
        let twice = r#"{"eventID":"a","eventTime":"2023-07-10T11:00:00Z"}"#;
        let other = r#"{"eventID":"a","eventTime":"2023-07-10T11:00:01Z"}"#;
        let nameless = r#"{"eventTime":"2023-07-10T11:00:00Z"}"#;
        let empty = r#"{"eventID":"","eventTime":"2023-07-10T11:00:00Z"}"#;
        assert_eq!(positions(&[twice, other, twice, nameless, nameless, empty]), [1, 0, 3, 4, 5]);
    }

    #[test]
    fn of_records_delivered_twice_the_first_place_counts() {
        for order in [[7, 2], [2, 7]] {
            let mut page = Page::new(ALL, None);
            for number in order {
                page.offer(Position::new(None, Some("a"), place(number)), place(number), 9, || number);
            }
            assert_eq!(page.into_rows().map(|(_, number)| number).collect::<Vec<_>>(), [2]);
        }
    }

    #[test]
    fn a_page_holds_no_more_than_its_limits() {
        let limit = Limit { rows: 10, bytes: 5 * (OVERHEAD + 100) };
        let mut page = Page::new(limit, None);
        let mut made = 0;
        for number in 0..1000 {
            let time = Timestamp::from_epoch(i64::from(1000 - number));
            page.offer(Position::new(time, None, place(0)), place(0), 100, || made += 1);
            assert!(page.len() <= 5 && page.bytes <= limit.bytes);
        }
        assert_eq!((page.len(), page.has_more(), made), (5, true, 6));
        page.offer(Position::new(Timestamp::from_epoch(5000), None, place(0)), place(0), 1 << 40, || ());
        assert_eq!(page.len(), 1, "a row larger than the page has it for itself");
    }

    type Row = (Option<i64>, Option<u8>, u64);

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        proptest::collection::vec(
            (proptest::option::of(0..4_i64), proptest::option::of(0..6_u8), 0..9_u64),
            0..60,
        )
    }

    fn position((time, id, number): Row) -> Position {
        let id = id.map(|id| format!("e{id}"));
        Position::new(time.and_then(Timestamp::from_epoch), id.as_deref(), place(number))
    }

    proptest! {
        #[test]
        fn pages_of_any_size_walk_the_sorted_whole(
            rows in any_rows(),
            limit in 1..7_usize,
            bytes in prop_oneof![Just(usize::MAX), Just(2 * OVERHEAD + 40), Just(0)],
            split in 1..4_usize,
            seed in any::<u64>(),
        ) {
            let mut expected: Vec<Position> = rows.iter().copied().map(position).collect();
            expected.sort();
            expected.dedup();

            let mut walked = Vec::new();
            let mut after: Option<Position> = None;
            let mut random = seed;
            loop {
                let limit = Limit { rows: limit, bytes };
                let mut pages: Vec<Page<Row>> = (0..split).map(|_| Page::new(limit, after.clone())).collect();
                let mut offered = rows.clone();
                while !offered.is_empty() {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let row = offered.swap_remove((random >> 33) as usize % offered.len());
                    let size = usize::from(row.1.unwrap_or(0)) * 10;
                    pages[(random >> 13) as usize % split].offer(position(row), place(row.2), size, || row);
                }
                let mut pages = pages.into_iter();
                let mut page = pages.next().unwrap();
                pages.for_each(|other| page.merge(other));
                prop_assert!(page.len() <= limit.rows);
                let has_more = page.has_more();
                let before = walked.len();
                for (position, row) in page.into_rows() {
                    prop_assert_eq!(super::tests::position(row), position.clone());
                    walked.push(position);
                }
                if !has_more {
                    break;
                }
                prop_assert!(walked.len() > before, "every page advances");
                after = walked.last().cloned();
            }
            prop_assert_eq!(walked, expected);
        }
    }
}
