//! One event, with what says its place in the order.

use std::{borrow::Cow, cmp::Ordering};

use trailseal_archive::Timestamp;
use trailseal_query::{
    Record,
    lookup::{FoundRecord, Position, RecordPlace},
    row::LookupRow,
};

use crate::events::keys::LookupTexts;

/// The second of an event without a time: behind all others.
pub(super) const NO_TIME: i64 = i64::MIN;

/// An event without an id.
const NO_ID: u32 = u32::MAX;

/// What a row takes beside its data: itself, twice while the queue of rows grows, and the allocation of its data.
pub(super) const ROW: usize = 2 * size_of::<RecentRow>() + 16;

/// An event that came.
#[derive(Debug)]
pub(super) struct RecentRow {
    pub(super) time: i64,
    pub(super) number: u64,
    /// The record, what its row says before it, its id if that stands there in another form, and the hashes under which it
    /// is filed; nothing of an event that nobody can ask for.
    data: Box<[u8]>,
    record: u32,
    /// Where the head of its row ends; where the record does, if it has none.
    head_end: u32,
    id_start: u32,
    id_length: u32,
    pub(super) region: u32,
    pub(super) account: u32,
    pub(super) traits: u8,
}

impl RecentRow {
    /// One that nobody can ask for.
    pub(super) fn unasked(number: u64) -> Self {
        let (data, id_length) = (Box::default(), NO_ID);
        Self {
            time: NO_TIME,
            number,
            data,
            record: 0,
            head_end: 0,
            id_start: 0,
            id_length,
            region: 0,
            account: 0,
            traits: 0,
        }
    }

    /// A record with this id that is filed under these hashes.
    pub(super) fn filed(
        number: u64,
        record: &Record<'_>,
        id: Option<Cow<'_, str>>,
        noted: &LookupTexts,
        hashes: &[u64],
    ) -> Self {
        let bytes = record.bytes();
        let head = LookupRow::wire_head(record).unwrap_or_default();
        let Ok(head_end) = u32::try_from(bytes.len() + head.len()) else { return Self::unasked(number) };
        let id = id.filter(|id| !id.is_empty());
        let beside: &str = match &id {
            Some(Cow::Owned(text)) => text,
            _ => "",
        };
        let (id_start, id_length) = match &id {
            // it lies in the record: there, nothing but the difference of two addresses
            Some(Cow::Borrowed(text)) => {
                let start = (text.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
                debug_assert_eq!(bytes.get(start..start.wrapping_add(text.len())), Some(text.as_bytes()));
                (start as u32, text.len() as u32)
            }
            Some(Cow::Owned(text)) => (head_end, text.len() as u32),
            None => (0, NO_ID),
        };
        let hashes = hashes.iter().flat_map(|hash| hash.to_ne_bytes());
        let size = head_end as usize + beside.len() + hashes.clone().count();
        let mut data = Vec::with_capacity(size);
        data.extend_from_slice(bytes);
        data.extend_from_slice(&head);
        data.extend_from_slice(beside.as_bytes());
        data.extend(hashes);
        Self {
            time: record.time().map_or(NO_TIME, Timestamp::epoch),
            number,
            data: data.into(),
            record: bytes.len() as u32,
            head_end,
            id_start,
            id_length,
            region: noted.region,
            account: noted.account,
            traits: noted.traits,
        }
    }

    /// Whether it can be asked for.
    pub(super) fn is_filed(&self) -> bool {
        self.record > 0
    }

    pub(super) fn record(&self) -> &[u8] {
        &self.data[..self.record as usize]
    }

    /// What its row says before the record; nothing where that was not made.
    pub(super) fn head(&self) -> &[u8] {
        &self.data[self.record as usize..self.head_end as usize]
    }

    /// The record with the head of its row.
    pub(super) fn found(&self) -> FoundRecord {
        FoundRecord::with_head(self.record(), self.head())
    }

    pub(super) fn place(&self) -> RecordPlace {
        // behind those of an archive, where one event is in both
        RecordPlace { file: u64::MAX, number: self.number }
    }

    pub(super) fn position(&self) -> Position {
        let id = self.id().and_then(|id| std::str::from_utf8(id).ok());
        Position::new(Timestamp::from_epoch(self.time), id, self.place())
    }

    /// Bytes that it takes, without its places in lists.
    pub(super) fn bytes(&self) -> usize {
        ROW + self.data.len()
    }

    /// Those under which it is filed.
    pub(super) fn hashes(&self) -> impl Iterator<Item = u64> {
        let id_end = (self.id_length != NO_ID).then(|| self.id_start.saturating_add(self.id_length));
        let start = id_end.map_or(self.head_end, |end| end.max(self.head_end)) as usize;
        let (hashes, _) = self.data[start..].as_chunks();
        hashes.iter().copied().map(u64::from_ne_bytes)
    }

    fn id(&self) -> Option<&[u8]> {
        (self.id_length != NO_ID).then(|| &self.data[self.id_start as usize..][..self.id_length as usize])
    }

    /// The order of positions, and of the same event that of coming.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let by_id = || match (self.id(), other.id()) {
            (Some(one), Some(two)) => one.cmp(two),
            (one, two) => one.is_none().cmp(&two.is_none()),
        };
        other.time.cmp(&self.time).then_with(by_id).then_with(|| self.number.cmp(&other.number))
    }
}
