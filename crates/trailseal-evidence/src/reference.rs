//! What `aws cloudtrail validate-logs` finds, as data: its walk, step by step (docs/formats/aws.md).
//!
//! The reference walks each chain from its newest digest backwards, by pointer where a digest is valid and by listing where it
//! is not. To find the same in the same order, so does this.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::ControlFlow,
};

use trailseal_archive::{Timestamp, gzip::Form, key::KeyParts};
use trailseal_verify::{
    ChainId, ChainKind, Code, Digest, DigestContent, DigestRow, SignatureCheck, SignatureSource, Status,
    named_chain,
};

use crate::stage::{LogEntry, RegionDetail};

/// One thing that the reference says, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceStep<'a> {
    /// A run begins: a trail, an account, a Region, over a span of time.
    Begin {
        /// The trail's chain of hourly digests.
        chain: &'a ChainId,
        /// The asked span, or that of the trail's digests.
        span: (Timestamp, Timestamp),
    },
    /// A digest file.
    Digest {
        /// Of which chain.
        kind: ChainKind,
        /// Where it is.
        bucket: &'a str,
        /// Where it is.
        key: &'a str,
        /// Why it is not valid, in the reference's words.
        problem: Option<String>,
    },
    /// A log file that the digest before names.
    Log {
        /// Where it is.
        bucket: &'a str,
        /// Where it is.
        key: String,
        /// Why it is not valid, in the reference's words.
        problem: Option<&'static str>,
    },
    /// No logs were delivered in a span.
    Gap {
        /// In which chain.
        kind: ChainKind,
        /// The span.
        span: (Timestamp, Timestamp),
    },
    /// A run is over.
    End(ReferenceTotals),
}

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferenceTotals {
    /// What was asked for, or the span of the trail's digests.
    pub asked: (Timestamp, Timestamp),
    /// The span of the valid digests within.
    pub found: Option<(Timestamp, Timestamp)>,
    /// Hourly digests.
    pub digests: Validity,
    /// Backfill digests.
    pub backfill: Validity,
    /// Log files.
    pub logs: Validity,
}

/// How many files are valid, and how many are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Valid ones.
    pub valid: u64,
    /// Others.
    pub invalid: u64,
}

impl Validity {
    /// All of them.
    pub fn checked(self) -> u64 {
        self.valid + self.invalid
    }
}

impl ReferenceTotals {
    /// Files of any kind that are not valid.
    pub fn invalid(&self) -> u64 {
        self.digests.invalid + self.backfill.invalid + self.logs.invalid
    }
}

/// Shows the steps of one run for every trail of an account and Region, until `visit` breaks. Without an asked start or end,
/// each run is over the span of its digests.
pub fn reference_walk(
    detail: &RegionDetail<'_>,
    asked: (Option<Timestamp>, Option<Timestamp>),
    visit: &mut dyn FnMut(ReferenceStep<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let listing = DigestListing::new(detail);
    let trails: BTreeSet<ChainId> = detail
        .chains()
        .iter()
        .map(|chain| ChainId { kind: ChainKind::Standard, ..chain.id.clone() })
        .collect();
    for id in trails {
        let (first, last) = listing.span(&id);
        let (Some(start), Some(end)) = (asked.0.or(first), asked.1.or(last)) else { continue };
        let totals = ReferenceTotals {
            asked: (start, end),
            found: None,
            digests: Validity::default(),
            backfill: Validity::default(),
            logs: Validity::default(),
        };
        ReferenceWalk { detail, listing: &listing, id, totals, visit: &mut *visit }.run()?;
    }
    ControlFlow::Continue(())
}

/// What a bucket listing would show of the digests.
struct DigestListing<'a> {
    rows: &'a [DigestRow],
    /// Key → rows found there.
    by_key: HashMap<String, Vec<usize>>,
    /// Keys of digests with what their names state, in the order of a listing.
    keys: BTreeMap<String, (ChainId, Timestamp)>,
    detail: &'a RegionDetail<'a>,
}

/// Where a trail delivers: what the reference lists.
struct ReferencePlace {
    bucket: String,
    prefix: String,
    organization: Option<String>,
}

impl<'a> DigestListing<'a> {
    fn new(detail: &'a RegionDetail<'a>) -> Self {
        let rows = detail.rows();
        let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
        let mut keys = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            let key = listed_key(row);
            if let Some(named) = named_chain(&key) {
                keys.insert(key.clone(), named);
            }
            by_key.entry(key).or_default().push(index);
        }
        Self { rows, by_key, keys, detail }
    }

    /// The digests of a chain, wherever its trail delivered them.
    fn digests(&self, id: &ChainId) -> impl Iterator<Item = &'a Digest> {
        let chain = self.detail.chains().iter().find(|chain| chain.id == *id);
        let rows = self.rows;
        chain.into_iter().flat_map(|chain| &chain.rows).filter_map(|row| rows[*row].digest())
    }

    fn span(&self, id: &ChainId) -> (Option<Timestamp>, Option<Timestamp>) {
        let backfill = ChainId { kind: ChainKind::Backfill, ..id.clone() };
        let digests = || self.digests(id).chain(self.digests(&backfill));
        (digests().map(|digest| digest.start).min(), digests().map(|digest| digest.end).max())
    }

    /// Where the trail of a chain delivers: where its newest digest lies. The reference lists no other place, and
    /// finds what was delivered to one before by the pointers of the digests.
    fn place(&self, id: &ChainId) -> ReferencePlace {
        let newest = self.digests(id).max_by_key(|digest| digest.end);
        let anywhere = || self.rows.iter().find_map(|row| row.found.bucket.clone());
        let parts = newest.and_then(|digest| KeyParts::parse(&digest.object));
        let of_id = || {
            self.keys.iter().find(|(_, (of, _))| same_trail(of, id)).and_then(|(key, _)| KeyParts::parse(key))
        };
        let parts = parts.or_else(of_id);
        ReferencePlace {
            bucket: newest.map(|digest| digest.bucket.clone()).or_else(anywhere).unwrap_or_default(),
            prefix: parts.as_ref().map_or_else(String::new, |parts| parts.prefix.to_owned()),
            organization: parts.and_then(|parts| parts.organization.map(str::to_owned)),
        }
    }

    /// The keys of a chain in a place whose stamps lie from `start` to an hour after `end`.
    fn keys(
        &self,
        id: &ChainId,
        place: &ReferencePlace,
        start: Timestamp,
        end: Timestamp,
    ) -> Vec<(String, Timestamp)> {
        let is_in_place = |key: &str| {
            let parts = KeyParts::parse(key);
            parts.is_some_and(|parts| {
                (parts.prefix, parts.organization) == (&*place.prefix, place.organization.as_deref())
            }) && self.row(&place.bucket, key).is_some()
        };
        let of_chain = self.keys.iter().filter(|(_, (of, _))| same_trail(of, id) && of.kind == id.kind);
        let in_span = of_chain.filter(|(_, (_, stamp))| *stamp >= start && *stamp <= end.plus(3600));
        in_span.filter(|(key, _)| is_in_place(key)).map(|(key, (_, stamp))| (key.clone(), *stamp)).collect()
    }

    fn row(&self, bucket: &str, key: &str) -> Option<usize> {
        let in_bucket = |row: &&usize| {
            let found = &self.rows[**row].found;
            found.bucket.as_deref().is_none_or(|found| found == bucket)
        };
        self.by_key.get(key)?.iter().find(in_bucket).copied()
    }
}

/// The key under which a bucket would list a row's file: stored inflated, it may have lost its `.gz`.
fn listed_key(row: &DigestRow) -> String {
    match row.digest() {
        Some(digest) if row.found.is_place_of(&digest.object) => digest.object.clone(),
        _ => row.found.key.clone(),
    }
}

fn same_trail(a: &ChainId, b: &ChainId) -> bool {
    a.account == b.account && a.region == b.region && a.trail == b.trail && a.home_region == b.home_region
}

/// One run of the reference: a trail, an account, a Region.
struct ReferenceWalk<'r, 'a> {
    detail: &'r RegionDetail<'a>,
    listing: &'r DigestListing<'a>,
    id: ChainId,
    totals: ReferenceTotals,
    visit: &'r mut dyn FnMut(ReferenceStep<'_>) -> ControlFlow<()>,
}

impl<'a> ReferenceWalk<'_, 'a> {
    fn run(mut self) -> ControlFlow<()> {
        (self.visit)(ReferenceStep::Begin { chain: &self.id, span: self.totals.asked })?;
        self.traverse(ChainKind::Standard)?;
        self.traverse(ChainKind::Backfill)?;
        (self.visit)(ReferenceStep::End(self.totals))
    }

    fn traverse(&mut self, kind: ChainKind) -> ControlFlow<()> {
        let (start, end) = self.totals.asked;
        let id = ChainId { kind, ..self.id.clone() };
        let mut place = self.listing.place(&id);
        let mut keys = self.listing.keys(&id, &place, start, end);
        let Some((mut key, mut last_start)) = keys.pop() else { return ControlFlow::Continue(()) };
        while start <= last_start {
            let next = match self.fetch(&place.bucket, &key) {
                Ok((row, digest)) => {
                    last_start = digest.start;
                    self.valid(row, digest, kind)?;
                    if let Some(previous) = &digest.previous {
                        if previous.bucket != place.bucket {
                            place.bucket.clone_from(&previous.bucket);
                            keys = self.listing.keys(&id, &place, start, digest.end);
                        }
                        Some(previous.object.clone())
                    } else {
                        let next = before(&mut keys, &key);
                        if let Some((_, end)) = &next {
                            (self.visit)(ReferenceStep::Gap { kind, span: (*end, last_start) })?;
                        }
                        next.map(|(key, _)| key)
                    }
                }
                Err(problem) => {
                    self.count(kind).invalid += 1;
                    let (bucket, problem) = (&place.bucket, Some(problem));
                    (self.visit)(ReferenceStep::Digest { kind, bucket, key: &key, problem })?;
                    before(&mut keys, &key).map(|(key, _)| key)
                }
            };
            match next {
                Some(next) => key = next,
                None => break,
            }
        }
        ControlFlow::Continue(())
    }

    /// A digest that is valid, or why it is not, in the reference's order and words.
    fn fetch(&self, bucket: &str, key: &str) -> Result<(usize, &'a Digest), String> {
        let Some(index) = self.listing.row(bucket, key) else { return Err("not found".to_owned()) };
        let row = &self.listing.rows[index];
        let digest = match &row.content {
            DigestContent::Digest(digest, _) => digest,
            DigestContent::Unusable(..) => return Err("invalid format".to_owned()),
        };
        if digest.bucket != bucket || digest.object != key {
            return Err("has been moved from its original location".to_owned());
        }
        let judgement = &self.detail.judgements()[index];
        let own =
            row.signatures().iter().find(|(signature, _)| signature.source != SignatureSource::Successor);
        let failed = "signature verification failed";
        match own.map(|(signature, check)| (signature.hex.as_str(), check)) {
            Some((_, SignatureCheck::OtherContent | SignatureCheck::NotBySuchKey)) => {
                return Err(failed.to_owned());
            }
            Some((hex, SignatureCheck::Malformed(_))) => return Err(malformed(hex).to_owned()),
            _ if judgement.is_authentic() => {}
            Some((_, SignatureCheck::AlgorithmUnsupported(_))) => {
                return Err("signature algorithm is not SHA256withRSA".to_owned());
            }
            Some((_, SignatureCheck::KeyUnknown)) => {
                let (home, fingerprint) = (&self.id.home_region, &digest.fingerprint);
                return Err(format!("public key not found in region {home} for fingerprint {fingerprint}"));
            }
            _ => return Err(failed.to_owned()),
        }
        if row.trailing.is_some() {
            return Err("unexpected data after end of compressed stream".to_owned());
        }
        // What only trailseal sees (a fork, say) is a problem all the same.
        let is_fine = judgement.status() == Status::Verified;
        if is_fine { Ok((index, digest)) } else { Err(failed.to_owned()) }
    }

    fn valid(&mut self, row: usize, digest: &Digest, kind: ChainKind) -> ControlFlow<()> {
        let (asked_start, asked_end) = self.totals.asked;
        let (start, end) = (digest.start.max(asked_start), digest.end.min(asked_end));
        let found = self.totals.found.map_or((start, end), |(s, e)| (s.min(start), e.max(end)));
        self.totals.found = Some(found);
        self.count(kind).valid += 1;
        let (bucket, key) = (&digest.bucket, &digest.object);
        (self.visit)(ReferenceStep::Digest { kind, bucket, key, problem: None })?;
        for entry in self.detail.logs(row) {
            let problem = log_problem(&entry);
            let logs = &mut self.totals.logs;
            *(if problem.is_some() { &mut logs.invalid } else { &mut logs.valid }) += 1;
            let (bucket, key) = (&entry.named.bucket, entry.named.object.to_string());
            (self.visit)(ReferenceStep::Log { bucket, key, problem })?;
        }
        ControlFlow::Continue(())
    }

    fn count(&mut self, kind: ChainKind) -> &mut Validity {
        match kind {
            ChainKind::Standard => &mut self.totals.digests,
            ChainKind::Backfill => &mut self.totals.backfill,
        }
    }
}

/// Why a log is not valid to the reference.
fn log_problem(entry: &LogEntry<'_>) -> Option<&'static str> {
    let has_content = entry.seen.is_some_and(|seen| Some(seen.sha256) == entry.named.hash);
    let (code, _) = entry.verdict.finding()?;
    Some(match code {
        Code::LogMissing | Code::LogNotInArchive => "not found",
        Code::LogTrailingData | Code::LogExtraMember => "unexpected data after end of compressed stream",
        // What is not gzip at all cannot be inflated by the reference.
        Code::LogAltered if entry.seen.is_some_and(|seen| seen.form == Form::Inflated) => "invalid format",
        Code::LogAltered | Code::LogEmpty => "hash value doesn't match",
        // The reference compares what could be inflated.
        Code::LogTruncated if !has_content => "hash value doesn't match",
        Code::AlgorithmUnsupported => "hash algorithm is not SHA-256",
        Code::LogUnreadable => "cannot be read",
        _ => "invalid format",
    })
}

/// The next key of a listing that is older than `key`, which need not be in it.
fn before(keys: &mut Vec<(String, Timestamp)>, key: &str) -> Option<(String, Timestamp)> {
    let (_, stamp) = named_chain(key)?;
    while let Some((next, end)) = keys.pop() {
        if end < stamp {
            return Some((next, end));
        }
    }
    None
}

/// What the reference's hex decoder says; a signature of the wrong length only fails.
fn malformed(hex: &str) -> &'static str {
    if hex.len() % 2 == 1 {
        "Odd-length string"
    } else if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "Non-hexadecimal digit found"
    } else {
        "signature verification failed"
    }
}
