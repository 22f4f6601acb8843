//! Events that come one by one, held in memory: the newest so many bytes of them.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use trailseal_archive::Timestamp;
use trailseal_query::{
    Record,
    lookup::{AskedPage, AttributeKey, Lookup, LookupSource, Position, RecordPage, RecordPlace, Request},
};

use super::{
    LookupError,
    find::merged,
    keys::{Keys, LookupTexts, account, fit},
};

/// What every event takes: its number and its place in the order.
const ARRIVAL: usize = 160;

/// What an event takes that can be asked for, beside its record and where it is filed.
const ROW: usize = 240;

/// What each place takes under which an event is filed.
const FILED: usize = 48;

/// The last second that a time can be, of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Stands for a hash that all events have; a text that has it too costs a look at it.
const ALL: u64 = 0;

/// The newest events that came, up to so many bytes; many threads may ask and add at a time.
#[derive(Debug)]
pub struct RecentEvents {
    keys: Keys,
    limit: usize,
    inner: RwLock<RecentRows>,
}

#[derive(Debug, Default)]
struct RecentRows {
    /// Every event, in order, under each of its hashes, one of which all have. With their numbers: several records may
    /// claim to be one event, and a request may want any of them.
    filed: BTreeMap<FiledKey, Arc<RecentRow>>,
    /// In the order in which they came.
    arrived: VecDeque<Arrival>,
    bytes: usize,
}

/// Hash, place in the order, number.
type FiledKey = (u64, Arc<Position>, u64);

#[derive(Debug)]
struct RecentRow {
    traits: u8,
    region: u32,
    account: u32,
    hashes: Box<[u64]>,
    place: RecordPlace,
    record: Box<[u8]>,
}

#[derive(Debug)]
struct Arrival {
    number: u64,
    /// `None` for an event that is not filed, because nobody can ask for it.
    row: Option<(Arc<Position>, Arc<RecentRow>)>,
}

impl RecentEvents {
    /// Holds events up to so many bytes, what they take beside their records included.
    pub fn new(limit: usize) -> Self {
        Self { keys: Keys::new(), limit, inner: RwLock::default() }
    }

    /// Adds an event record; the oldest make room. Numbers grow, one an event.
    pub fn add(&self, number: u64, record: &[u8]) {
        let read = Record::new(record);
        let mut noted = LookupTexts::default();
        let is_asked_for = self.keys.note(&read, &mut noted, &|_| false);
        // behind those of an archive, where one event is in both
        let place = RecordPlace { file: u64::MAX, number };
        let position = Arc::new(Position::of(&read, place));
        let row = is_asked_for.then(|| {
            let id = read.member("eventID").and_then(|id| id.text()).unwrap_or_default();
            let LookupTexts { traits, region, account, mut hashes, .. } = noted;
            hashes.extend([ALL, self.keys.hash(AttributeKey::EventId, &id)]);
            Arc::new(RecentRow {
                traits,
                region,
                account,
                hashes: hashes.into(),
                place,
                record: record.into(),
            })
        });
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let RecentRows { filed, arrived, bytes } = &mut *inner;
        *bytes += ARRIVAL;
        if let Some(row) = &row {
            *bytes += row.bytes();
            filed.extend(row.keys(&position, number).map(|key| (key, Arc::clone(row))));
        }
        arrived.push_back(Arrival { number, row: row.map(|row| (position, row)) });
        while *bytes > self.limit {
            let Some(oldest) = arrived.pop_front() else { break };
            *bytes -= ARRIVAL;
            if let Some((position, row)) = oldest.row {
                *bytes -= row.bytes();
                row.keys(&position, oldest.number).for_each(|key| drop(filed.remove(&key)));
            }
        }
    }

    /// The number of the oldest event that is still held; `None` if none is.
    pub fn first(&self) -> Option<u64> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.arrived.front().map(|oldest| oldest.number)
    }

    /// How many events are held.
    pub fn len(&self) -> usize {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        inner.arrived.iter().filter(|arrival| arrival.row.is_some()).count()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those under which all rows lie that a request may want.
    fn hashes(&self, request: &Request) -> [Option<u64>; 2] {
        let keyed = request.attributes.iter().find_map(|attribute| {
            let key = AttributeKey::from_name(&attribute.key).filter(|key| *key != AttributeKey::ReadOnly)?;
            // records that have too many values of an attribute are filed under that
            Some([self.keys.hash(key, &attribute.value), self.keys.hash_of_overfull(key)].map(Some))
        });
        keyed.unwrap_or([Some(ALL), None])
    }
}

impl LookupSource for RecentEvents {
    type Error = LookupError;

    /// Tokens go on when events come.
    fn fingerprint(&self) -> u64 {
        0
    }

    /// Of any account more may come.
    fn is_all_of(&self, _: &str) -> bool {
        false
    }

    fn page(&self, asked: &AskedPage<'_>) -> Result<RecordPage, LookupError> {
        let AskedPage { request, lookup, .. } = *asked;
        let mut page = asked.page();
        let wanted = lookup.predicate_with_times();
        let categories = request.categories();
        let region = request.region.as_deref().map(|region| self.keys.short(Some(region)));
        let of_account = asked.account.map(|account| self.keys.short(Some(account)));
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let [listed, overfull] = self.hashes(request).map(|hash| inner.under(hash, start(lookup)));
        let before = |one: &(&FiledKey, &Arc<RecentRow>), other: &(&FiledKey, &Arc<RecentRow>)| {
            (&one.0.1, one.0.2) < (&other.0.1, other.0.2)
        };
        for ((_, position, _), row) in merged(listed, overfull, before) {
            let is_candidate = fit(row.traits, &categories, None)
                && region.is_none_or(|region| row.region == region)
                && of_account.is_none_or(|account| row.account == account);
            if !is_candidate {
                continue;
            }
            let record = Record::new(&row.record);
            let is_of_account =
                asked.account.is_none_or(|wanted| account(&record).as_deref() == Some(wanted));
            if is_of_account && wanted.matches(&record) {
                page.offer(Position::clone(position), row.place, row.record.len(), || row.record.clone());
            }
            if page.has_more() {
                break;
            }
        }
        Ok(page)
    }
}

impl RecentRows {
    /// What is filed under a hash, in order, from a place on.
    fn under(
        &self,
        hash: Option<u64>,
        start: Bound<(Position, u64)>,
    ) -> impl Iterator<Item = (&FiledKey, &Arc<RecentRow>)> {
        let ranges = hash.map(|hash| {
            let from = start.map(|(position, number)| (hash, Arc::new(position), number));
            self.filed.range((from, Bound::Unbounded)).take_while(move |((filed, ..), _)| *filed == hash)
        });
        ranges.into_iter().flatten()
    }
}

impl RecentRow {
    fn bytes(&self) -> usize {
        ROW + self.record.len() + self.hashes.len() * FILED
    }

    /// Where it is filed.
    fn keys<'r>(&'r self, position: &'r Arc<Position>, number: u64) -> impl Iterator<Item = FiledKey> + 'r {
        self.hashes.iter().map(move |hash| (*hash, Arc::clone(position), number))
    }
}

/// Where the rows begin that may be wanted.
fn start(lookup: &Lookup) -> Bound<(Position, u64)> {
    let place = RecordPlace { file: 0, number: 0 };
    // no id stands before the empty one, so that this is the first position of its second
    let newest = lookup.end.or_else(|| Timestamp::from_epoch(LAST_SECOND));
    let newest = Position::new(newest, Some(""), place);
    match &lookup.after {
        Some(after) if newest <= *after => Bound::Excluded((after.clone(), u64::MAX)),
        _ => Bound::Included((newest, 0)),
    }
}
