//! Where rows of `LookupEvents` come from, and one answer from several such sources.

use std::ops::Deref;

use trailseal_archive::Timestamp;

use super::{DEFAULT_MAX_RESULTS, Limit, Lookup, Page, Position, Request, RequestError, token::digest};
use crate::{
    record::Record,
    row::{LookupRow, TimeFormat},
};

/// Event records in the order of their rows.
pub type RecordPage = Page<FoundRecord>;

/// Bytes of the records of one page; a page with fewer rows than were asked for has a token.
const MAX_PAGE: usize = 256 << 20;

/// Something that finds the rows of a request: an index, events in memory, a scan of files.
pub trait LookupSource: Send + Sync {
    /// Why it cannot.
    type Error: From<RequestError>;

    /// The first rows behind the position that was asked for, as many as there is room for, and whether there are more.
    ///
    /// # Errors
    /// When it cannot read what it has.
    fn page(&self, asked: &AskedPage<'_>) -> Result<RecordPage, Self::Error>;

    /// A number that changes when its events do, to which tokens are bound; 0 where events only come, which disturbs no
    /// token.
    fn fingerprint(&self) -> u64;

    /// Whether it holds no event of any other account: what is bound to it is bound to the account.
    fn is_all_of(&self, account: &str) -> bool;
}

/// An event record that was found, and its row as far as the source has made it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRecord {
    /// The record, and behind it the head of its row.
    bytes: Box<[u8]>,
    record: usize,
}

impl FoundRecord {
    /// One with the [`LookupRow::wire_head`] of its row.
    pub fn with_head(record: &[u8], head: &[u8]) -> Self {
        Self { bytes: [record, head].concat().into(), record: record.len() }
    }

    /// Bytes that [`Self::write_wire_row`] writes, about.
    pub fn wire_size(&self) -> usize {
        LookupRow::wire_size(self.record) + self.bytes.len() - self.record
    }

    /// Writes the row as it goes over the wire, behind what is there.
    pub fn write_wire_row(&self, out: &mut Vec<u8>) {
        match self.bytes.split_at(self.record) {
            (record, []) => LookupRow::of(&Record::new(record)).write_json(TimeFormat::Wire, out),
            (record, head) => LookupRow::write_headed(head, record, out),
        }
    }
}

/// A record whose row is made when it is wanted.
impl From<&[u8]> for FoundRecord {
    fn from(record: &[u8]) -> Self {
        Self { bytes: record.into(), record: record.len() }
    }
}

/// The record.
impl Deref for FoundRecord {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.record]
    }
}

/// What is asked of a source.
#[derive(Clone, Copy, Debug)]
pub struct AskedPage<'a> {
    /// The request, as it was checked.
    pub request: &'a Request,
    /// What it selects.
    pub lookup: &'a Lookup,
    /// Only events of this account: `recipientAccountId`, or `userIdentity.accountId` where that is absent.
    pub account: Option<&'a str>,
    /// How much the page may hold.
    pub limit: Limit,
}

impl AskedPage<'_> {
    /// A page without rows yet.
    pub fn page(&self) -> RecordPage {
        Page::new(self.limit, self.lookup.after.clone())
    }
}

/// Whose events are found, whatever the request says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupScope<'a> {
    /// Only events of this region; it takes the place of the request's. `None` leaves that to the request.
    pub region: Option<&'a str>,
    /// Only events of this account ([`AskedPage::account`]).
    pub account: Option<&'a str>,
}

/// A page of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookupAnswer {
    /// The event records, newest first.
    pub records: Vec<FoundRecord>,
    /// `NextToken`, if there are more.
    pub next_token: Option<String>,
}

impl LookupAnswer {
    /// The rows as `LookupEvents` answers them.
    pub fn rows(&self) -> impl Iterator<Item = LookupRow<'_>> {
        self.records.iter().map(|record| LookupRow::of(&Record::new(record)))
    }
}

/// Answers a request at the time `now` from all sources together; an event that several have is one row. Tokens are bound
/// to the sources' events, and to the account that asks, unless the sources have no other.
///
/// # Errors
/// [`RequestError`] when the request is rejected, or what a source says.
pub fn answer<E: From<RequestError>>(
    sources: &[&dyn LookupSource<Error = E>],
    request: &Request,
    scope: &LookupScope<'_>,
    now: Timestamp,
) -> Result<LookupAnswer, E> {
    let mut scoped;
    let request = match scope.region {
        None => request,
        Some(region) => {
            scoped = request.clone();
            scoped.region = Some(region.to_owned());
            &scoped
        }
    };
    let lookup = request.check(now, data_set(sources, scope))?;
    let limit = Limit { rows: lookup.max_results.unwrap_or(DEFAULT_MAX_RESULTS), bytes: MAX_PAGE };
    let asked = AskedPage { request, lookup: &lookup, account: scope.account, limit };
    let mut page = asked.page();
    for source in sources {
        page.merge(source.page(&asked)?);
    }
    let has_more = page.has_more();
    let mut after: Option<Position> = None;
    let mut records: Vec<FoundRecord> = Vec::with_capacity(page.len());
    for (position, record) in page.into_rows() {
        after = Some(position);
        records.push(record);
    }
    let next_token = after.filter(|_| has_more).map(|after| lookup.token(after));
    Ok(LookupAnswer { records, next_token })
}

/// What tokens are bound to: a token of one account is of no use to another.
fn data_set<E: From<RequestError>>(sources: &[&dyn LookupSource<Error = E>], scope: &LookupScope<'_>) -> u64 {
    let known = sources.iter().map(|source| source.fingerprint()).filter(|fingerprint| *fingerprint != 0);
    let both = |one: u64, other: u64| digest(&[one.to_be_bytes(), other.to_be_bytes()].concat());
    let fingerprint = known.reduce(both).unwrap_or(0);
    let is_all_of = |account| !sources.is_empty() && sources.iter().all(|source| source.is_all_of(account));
    match scope.account.filter(|account| !is_all_of(account)) {
        Some(account) => digest(&[&fingerprint.to_be_bytes(), account.as_bytes()].concat()),
        None => fingerprint,
    }
}
