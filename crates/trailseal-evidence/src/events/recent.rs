//! Events that come one by one, held in memory: the newest so many bytes of them.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::{Bound, RangeBounds as _},
    sync::{PoisonError, RwLock},
};

use trailseal_query::{
    Record,
    lookup::{AttributeKey, Limit, Lookup, Page, Place, Position, Request},
};

use super::{
    MAX_PAGE, Scope,
    find::categories,
    keys::{Keys, Noted, account, fit},
};

/// What every event takes: its number and its place in the order.
const ARRIVAL: usize = 160;

/// What an event takes that can be asked for, beside its record and its hashes.
const ROW: usize = 400;

/// The newest events that came, up to so many bytes; many threads may ask and add at a time.
#[derive(Debug)]
pub struct RecentEvents {
    keys: Keys,
    limit: usize,
    inner: RwLock<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// With their numbers: several records may claim to be one event, and a request may want any of them.
    rows: BTreeMap<(Position, u64), Row>,
    /// By the hash of the event id, and the number.
    by_id: BTreeMap<(u64, u64), Position>,
    /// In the order in which they came.
    arrived: VecDeque<Arrival>,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    id: u64,
    traits: u8,
    region: u32,
    account: u32,
    hashes: Box<[u64]>,
    place: Place,
    record: Box<[u8]>,
}

#[derive(Debug)]
struct Arrival {
    number: u64,
    /// `None` for an event that is not in the order, because nobody can ask for it.
    position: Option<Position>,
}

impl RecentEvents {
    /// Holds events up to so many bytes, what they take beside their records included.
    pub fn new(limit: usize) -> Self {
        Self { keys: Keys::new(), limit, inner: RwLock::default() }
    }

    /// Adds an event record; the oldest make room. Numbers grow, one an event.
    pub fn add(&self, number: u64, record: &[u8]) {
        let read = Record::new(record);
        let mut noted = Noted::default();
        let is_asked_for = self.keys.note(&read, &mut noted, &|_| false);
        // behind those of an archive, where one event is in both
        let place = Place { file: u64::MAX, number };
        let position = Position::of(&read, place);
        let id = read.member("eventID").and_then(|id| id.text()).unwrap_or_default();
        let id = self.keys.hash(AttributeKey::EventId, &id);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let Inner { rows, by_id, arrived, bytes } = &mut *inner;
        arrived.push_back(Arrival { number, position: is_asked_for.then(|| position.clone()) });
        *bytes += ARRIVAL;
        if is_asked_for {
            let Noted { traits, region, account, hashes, .. } = noted;
            let row =
                Row { id, traits, region, account, hashes: hashes.into(), place, record: record.into() };
            *bytes += row.bytes();
            by_id.insert((id, number), position.clone());
            rows.insert((position, number), row);
        }
        while *bytes > self.limit {
            let Some(oldest) = arrived.pop_front() else { break };
            *bytes -= ARRIVAL;
            if let Some(row) = oldest.position.and_then(|position| rows.remove(&(position, oldest.number))) {
                by_id.remove(&(row.id, oldest.number));
                *bytes -= row.bytes();
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
        self.inner.read().unwrap_or_else(PoisonError::into_inner).rows.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `rows` rows of a checked request, whose region is that of the scope.
    pub(super) fn page(
        &self,
        request: &Request,
        scope: &Scope<'_>,
        lookup: &Lookup,
        rows: usize,
    ) -> Page<Box<[u8]>> {
        let mut page = Page::new(Limit { rows, bytes: MAX_PAGE }, lookup.after.clone());
        let wanted = lookup.predicate_with_times();
        let hashes = self.hashes(request);
        let categories = categories(request);
        let region = request.region.as_deref().map(|region| self.keys.short(Some(region)));
        let of_account = scope.account.map(|account| self.keys.short(Some(account)));
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        for ((position, _), row) in inner.candidates(self.id(request), start(lookup)) {
            let is_candidate = fit(row.traits, &categories, None)
                && region.is_none_or(|region| row.region == region)
                && of_account.is_none_or(|account| row.account == account)
                && hashes.is_none_or(|either| either.iter().any(|hash| row.hashes.contains(hash)));
            if !is_candidate {
                continue;
            }
            let record = Record::new(&row.record);
            let is_of_account =
                scope.account.is_none_or(|wanted| account(&record).as_deref() == Some(wanted));
            if is_of_account && wanted.matches(&record) {
                page.offer(position.clone(), row.place, row.record.len(), || row.record.clone());
            }
            if page.has_more() {
                break;
            }
        }
        page
    }

    /// That of the event id that is asked for.
    fn id(&self, request: &Request) -> Option<u64> {
        let wanted = request.attributes.iter().find(|one| one.key == AttributeKey::EventId.name())?;
        Some(self.keys.hash(AttributeKey::EventId, &wanted.value))
    }

    /// Those of an attribute which has some: of its value, and of records that have too many of its values.
    fn hashes(&self, request: &Request) -> Option<[u64; 2]> {
        request.attributes.iter().find_map(|attribute| {
            let key = AttributeKey::from_name(&attribute.key)?;
            let has_one = !matches!(key, AttributeKey::EventId | AttributeKey::ReadOnly);
            has_one.then(|| [self.keys.hash(key, &attribute.value), self.keys.hash_of_overfull(key)])
        })
    }
}

impl Inner {
    /// Rows in order, from a place on; of one event id, if it is known.
    fn candidates(
        &self,
        id: Option<u64>,
        start: Bound<(Position, u64)>,
    ) -> Box<dyn Iterator<Item = (&(Position, u64), &Row)> + '_> {
        let range = (start, Bound::Unbounded);
        let Some(id) = id else { return Box::new(self.rows.range(range)) };
        let named = self.by_id.range((id, 0)..=(id, u64::MAX));
        let mut places: Vec<_> = named.map(|((_, number), position)| (position.clone(), *number)).collect();
        places.retain(|place| range.contains(place));
        places.sort_unstable();
        Box::new(places.into_iter().filter_map(|place| self.rows.get_key_value(&place)))
    }
}

impl Row {
    fn bytes(&self) -> usize {
        ROW + self.record.len() + size_of_val(&*self.hashes)
    }
}

/// Where the rows begin that may be wanted.
fn start(lookup: &Lookup) -> Bound<(Position, u64)> {
    let place = Place { file: 0, number: 0 };
    // no id stands before the empty one, so that this is the first position of its second
    let newest = lookup.end.map(|end| Position::new(Some(end), Some(""), place));
    match (&lookup.after, newest) {
        (Some(after), Some(newest)) if newest > *after => Bound::Included((newest, 0)),
        (Some(after), _) => Bound::Excluded((after.clone(), u64::MAX)),
        (None, Some(newest)) => Bound::Included((newest, 0)),
        (None, None) => Bound::Unbounded,
    }
}
