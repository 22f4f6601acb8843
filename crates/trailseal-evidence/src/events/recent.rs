//! Events that come one by one, held in memory: the newest so many bytes of them.
//!
//! Every event is filed, for its account, Region and category, under each text that it can be looked up by, and under one
//! that all have. So a lookup walks the events that it answers, and others only where a record has too many texts.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap, VecDeque, hash_map::Entry},
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use memchr::memmem::Finder;
use trailseal_archive::Timestamp;
use trailseal_query::{
    Record,
    category::Category,
    json::quote,
    lookup::{
        AskedPage, Attribute, AttributeKey, Lookup, LookupSource, Position, RecordPage, RecordPlace, Request,
    },
};

use super::{
    LookupError,
    keys::{CATEGORY, Keys, LookupTexts, ScopeNames, account, fit, read_only},
};

mod list;
mod row;

use self::{
    list::RowList,
    row::{NO_TIME, RecentRow},
};

/// What each place takes under which an event is filed, beside its hash in the row's data.
const FILED: usize = 12;

/// What each text takes under which any event is filed: its hash and its list, in a table that may be half empty.
const LISTED: usize = 56;

/// What an account, Region and category takes of which any event is held.
const SCOPE: usize = 192;

/// The last second that a time can be, of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// Stands for a hash that all events of a scope have; a text that has it too costs a look at it.
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
    /// In the order in which they came.
    rows: VecDeque<RecentRow>,
    /// The number of the first of them here, modulo 2³²: a row's number here is its place plus this.
    first: u32,
    /// The rows that can be asked for.
    filed: usize,
    scopes: BTreeMap<RecentScope, ScopeState>,
    /// The rows of each scope under each of their hashes, in order.
    lists: HashMap<u64, RowList>,
    bytes: usize,
}

/// What a request asks for in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct RecentScope {
    account: u32,
    region: u32,
    category: u8,
}

#[derive(Clone, Debug)]
struct ScopeState {
    hash: u64,
    rows: usize,
    /// The account and Region of all its events; `None` where two have other ones of the same hash.
    names: Option<ScopeNames<'static>>,
}

impl RecentEvents {
    /// Holds events up to so many bytes, what they take beside their records included.
    pub fn new(limit: usize) -> Self {
        Self { keys: Keys::new(), limit, inner: RwLock::default() }
    }

    /// Adds an event record; the oldest make room. Numbers grow, one an event.
    pub fn add(&self, number: u64, record: &[u8]) {
        let record = Record::new(record);
        let names = ScopeNames::of(&record);
        let row = self.row(number, &record, &names);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.push(row, &self.keys, &names);
        while inner.bytes > self.limit && inner.pop() {}
    }

    fn row(&self, number: u64, record: &Record<'_>, names: &ScopeNames<'_>) -> RecentRow {
        let mut noted = LookupTexts::default();
        if !self.keys.note(record, names, &mut noted, &|_| false) {
            return RecentRow::unasked(number);
        }
        let id = record.member("eventID").and_then(|id| id.text());
        let read_only = read_only(record).map(|is_read_only| if is_read_only { "true" } else { "false" });
        let mut hashes = std::mem::take(&mut noted.hashes);
        hashes.extend([ALL, self.keys.hash(AttributeKey::EventId, id.as_deref().unwrap_or_default())]);
        hashes.extend(read_only.map(|text| self.keys.hash(AttributeKey::ReadOnly, text)));
        let scope = self.keys.scope(noted.account, noted.region, noted.traits & CATEGORY);
        for hash in &mut hashes {
            *hash ^= scope;
        }
        // one hash twice would be filed twice
        hashes.sort_unstable();
        hashes.dedup();
        RecentRow::filed(number, record, id, &noted, &hashes)
    }

    /// The number of the oldest event that is still held; `None` if none is.
    pub fn first(&self) -> Option<u64> {
        self.inner().rows.front().map(|oldest| oldest.number)
    }

    /// How many events are held.
    pub fn len(&self) -> usize {
        self.inner().filed
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the events take, as far as that is counted: never more than the limit.
    pub fn bytes(&self) -> usize {
        self.inner().bytes
    }

    fn inner(&self) -> RwLockReadGuard<'_, RecentRows> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hashes of an attribute under which all rows lie that a request may want, of each scope; those of the attribute
    /// that the fewest have.
    fn hashes(&self, request: &Request, inner: &RecentRows, scopes: &[u64]) -> Vec<u64> {
        let keyed = request.attributes.iter().filter_map(|attribute| {
            let key = AttributeKey::from_name(&attribute.key)?;
            // records that have too many values of an attribute are filed under that
            let hashes = [self.keys.hash(key, &attribute.value), self.keys.hash_of_overfull(key)];
            Some(of_scopes(&hashes, scopes))
        });
        let rows = |hashes: &Vec<u64>| {
            hashes.iter().filter_map(|hash| inner.lists.get(hash)).map(RowList::len).sum()
        };
        keyed.min_by_key(|hashes| -> usize { rows(hashes) }).unwrap_or_else(|| of_scopes(&[ALL], scopes))
    }
}

fn of_scopes(hashes: &[u64], scopes: &[u64]) -> Vec<u64> {
    scopes.iter().flat_map(|scope| hashes.iter().map(move |hash| hash ^ scope)).collect()
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
        let asked_scope = AskedScope {
            categories: request.categories(),
            region: request.region.as_deref().map(|region| self.keys.short(Some(region))),
            account: asked.account.map(|account| self.keys.short(Some(account))),
        };
        let inner = self.inner();
        // where an account and Region are known by their names, no record need be asked for them again
        let is_told = |state: &ScopeState| {
            let names = state.names.as_ref();
            names.is_some_and(|names| names.are(asked.account, request.region.as_deref()))
        };
        let are_told = inner.scopes_of(&asked_scope).all(is_told);
        let wanted = if are_told { lookup.attributes_with_times() } else { lookup.predicate_with_times() };
        let told = are_told.then(|| ToldByHead::new(request, lookup));
        let scopes: Vec<u64> = inner.scopes_of(&asked_scope).map(|state| state.hash).collect();
        let hashes = self.hashes(request, &inner, &scopes);
        for row in inner.in_order(&hashes, lookup) {
            if !asked_scope.has(row) {
                continue;
            }
            let record = Record::new(row.record());
            let is_of_account =
                || asked.account.is_none_or(|wanted| account(&record).as_deref() == Some(wanted));
            let is_wanted = || (are_told || is_of_account()) && wanted.matches(&record);
            if told.as_ref().is_some_and(|told| told.holds(row)) || is_wanted() {
                page.offer(row.position(), row.place(), row.record().len(), || row.found());
            }
            if page.has_more() {
                break;
            }
        }
        Ok(page)
    }
}

/// What the head of a row says of it, so that its record need not be asked: that it has the attributes of a request, and lies in
/// its times. Of a row of which it says neither, nothing is known.
struct ToldByHead {
    /// Members as they stand in heads. Quotes in texts are escaped: nothing else looks like one.
    members: Vec<Finder<'static>>,
    oldest: i64,
    newest: i64,
}

impl ToldByHead {
    fn new(request: &Request, lookup: &Lookup) -> Self {
        let member = |attribute: &Attribute| {
            let mut member = format!("\"{}\":", attribute.key).into_bytes();
            quote(&attribute.value, &mut member);
            Finder::new(&member).into_owned()
        };
        Self {
            members: request.attributes.iter().map(member).collect(),
            oldest: lookup.start.map_or(NO_TIME + 1, Timestamp::epoch),
            newest: lookup.end.map_or(i64::MAX, Timestamp::epoch),
        }
    }

    fn holds(&self, row: &RecentRow) -> bool {
        (self.oldest..=self.newest).contains(&row.time)
            && self.members.iter().all(|member| member.find(row.head()).is_some())
    }
}

/// What a request asks for beside attributes and times.
struct AskedScope {
    categories: Vec<Category>,
    region: Option<u32>,
    account: Option<u32>,
}

impl AskedScope {
    /// Whether a row that is filed under a hash that is asked for is not there because two hashes are the same.
    fn has(&self, row: &RecentRow) -> bool {
        fit(row.traits, &self.categories, None)
            && self.region.is_none_or(|region| row.region == region)
            && self.account.is_none_or(|account| row.account == account)
    }

    fn covers(&self, scope: RecentScope) -> bool {
        fit(scope.category, &self.categories, None)
            && self.region.is_none_or(|region| scope.region == region)
            && self.account.is_none_or(|account| scope.account == account)
    }
}

impl RecentRows {
    fn push(&mut self, row: RecentRow, keys: &Keys, names: &ScopeNames<'_>) {
        self.bytes += row.bytes();
        let number = self.first.wrapping_add(self.rows.len() as u32);
        self.rows.push_back(row);
        let Self { rows, first, filed, scopes, lists, bytes } = self;
        let of = |number: u32| &rows[number.wrapping_sub(*first) as usize];
        let row = of(number);
        if !row.is_filed() {
            return;
        }
        *filed += 1;
        let scope = RecentScope::of(row);
        let state = scopes.entry(scope).or_insert_with(|| {
            *bytes += SCOPE;
            let hash = keys.scope(scope.account, scope.region, scope.category);
            ScopeState { hash, rows: 0, names: Some(names.clone().into_owned()) }
        });
        state.rows += 1;
        if state.names.as_ref().is_some_and(|known| known != names) {
            state.names = None;
        }
        for hash in row.hashes() {
            *bytes += FILED;
            match lists.entry(hash) {
                Entry::Vacant(free) => {
                    *bytes += LISTED;
                    free.insert(RowList::One(number));
                }
                Entry::Occupied(mut list) => {
                    *bytes += list.get_mut().insert(number, |other| of(other).order(row));
                }
            }
        }
    }

    /// Forgets the oldest row; false if there is none.
    fn pop(&mut self) -> bool {
        let Self { rows, first, filed, scopes, lists, bytes } = self;
        let of = |number: u32| &rows[number.wrapping_sub(*first) as usize];
        let Some(row) = rows.front() else { return false };
        *bytes -= row.bytes();
        if row.is_filed() {
            *filed -= 1;
            for hash in row.hashes() {
                *bytes -= FILED;
                let Entry::Occupied(mut list) = lists.entry(hash) else { continue };
                if list.get_mut().remove(|other| of(other).order(row)).is_none() {
                    *bytes -= LISTED + list.remove().overhead();
                }
            }
            if let Some(state) = scopes.get_mut(&RecentScope::of(row)) {
                state.rows -= 1;
                if state.rows == 0 {
                    scopes.remove(&RecentScope::of(row));
                    *bytes -= SCOPE;
                }
            }
        }
        rows.pop_front();
        *first = first.wrapping_add(1);
        true
    }

    fn of(&self, number: u32) -> &RecentRow {
        &self.rows[number.wrapping_sub(self.first) as usize]
    }

    fn scopes_of(&self, asked: &AskedScope) -> impl Iterator<Item = &ScopeState> {
        self.scopes.iter().filter(|(scope, _)| asked.covers(**scope)).map(|(_, state)| state)
    }

    /// The rows that are filed under any of these hashes, in order, as far as their times are asked for.
    fn in_order(&self, hashes: &[u64], lookup: &Lookup) -> RecentOrder<'_> {
        let after = start(lookup);
        let oldest = lookup.start.map_or(NO_TIME, Timestamp::epoch);
        let heads = hashes.iter().filter_map(|hash| {
            let list = self.lists.get(hash)?;
            let is_before = |number: u32| after.is_before(self.of(number));
            self.head(list, Box::new(list.behind(&is_before)), oldest)
        });
        RecentOrder { rows: self, oldest, heads: heads.collect() }
    }

    /// The next row of a list that may be wanted: where those that are too old begin, it goes on with those without a time.
    fn head<'r>(&'r self, list: &'r RowList, mut rest: Rest<'r>, oldest: i64) -> Option<Head<'r>> {
        let mut row = self.of(rest.next()?);
        if row.time < oldest && row.time != NO_TIME {
            rest = Box::new(list.behind(&|number| self.of(number).time != NO_TIME));
            row = self.of(rest.next()?);
        }
        Some(Head { row, list, rest })
    }
}

impl RecentScope {
    fn of(row: &RecentRow) -> Self {
        Self { account: row.account, region: row.region, category: row.traits & CATEGORY }
    }
}

type Rest<'r> = Box<dyn Iterator<Item = u32> + 'r>;

/// Several lists as one.
struct RecentOrder<'r> {
    rows: &'r RecentRows,
    oldest: i64,
    heads: BinaryHeap<Head<'r>>,
}

/// The first row of a list that was not walked yet. The greatest comes first out of a heap: that whose row does.
struct Head<'r> {
    row: &'r RecentRow,
    list: &'r RowList,
    rest: Rest<'r>,
}

impl<'r> Iterator for RecentOrder<'r> {
    type Item = &'r RecentRow;

    fn next(&mut self) -> Option<&'r RecentRow> {
        let Head { row, list, rest } = self.heads.pop()?;
        self.heads.extend(self.rows.head(list, rest, self.oldest));
        Some(row)
    }
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.row.order(self.row)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

/// Where the rows begin that may be wanted.
enum Start {
    At(Position),
    Behind(Position),
}

impl Start {
    fn is_before(&self, row: &RecentRow) -> bool {
        match self {
            Self::At(first) => row.position() < *first,
            Self::Behind(last) => row.position() <= *last,
        }
    }
}

fn start(lookup: &Lookup) -> Start {
    let place = RecordPlace { file: 0, number: 0 };
    // no id stands before the empty one, so that this is the first position of its second
    let newest = lookup.end.or_else(|| Timestamp::from_epoch(LAST_SECOND));
    let newest = Position::new(newest, Some(""), place);
    match &lookup.after {
        Some(after) if newest <= *after => Start::Behind(after.clone()),
        _ => Start::At(newest),
    }
}
