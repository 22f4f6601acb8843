//! Rows become chains: which digests are authentic, how they link, and what is missing between them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use trailseal_archive::Timestamp;

use crate::{
    chain_id::{ChainId, ChainKind, Interval},
    digest::Digest,
    examine::{DigestContent, DigestRow, Evidence, named_chain},
    finding::{Code, Finding, Severity},
    keys::KeyRing,
    logs::Vouched,
    policy::Policy,
    signature::{self, Signature, SignatureCheck, SignatureSource},
};

mod diagnosis;
mod gap;
mod heads;
mod links;
mod places;
mod scope;

pub use gap::Gap;
pub use heads::check_heads;

/// Seconds of a digest's window.
pub const HOUR: i64 = 3600;

/// What became of a digest or log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Proven to be what was signed.
    Verified,
    /// Proven not to be.
    Violated,
    /// Neither.
    Unproven,
    /// Not there.
    Missing,
}

/// The judgement on one row, at the same index as the row; made by [`assess`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    status: Status,
    evidence: Vec<Evidence>,
    source: Option<SignatureSource>,
    is_counted: bool,
    window: Option<Interval>,
}

impl Judgement {
    /// What became of the file.
    pub fn status(&self) -> Status {
        self.status
    }

    /// What makes it authentic; empty when nothing does.
    pub fn evidence(&self) -> &[Evidence] {
        &self.evidence
    }

    /// Where the signature that verified came from.
    pub fn source(&self) -> Option<SignatureSource> {
        self.source
    }

    /// Whether it is counted: in scope, a digest, and not a second copy of one.
    pub fn is_counted(&self) -> bool {
        self.is_counted
    }

    /// The window of which the row speaks: its own where it is authentic, else that of its place. `None` where neither
    /// says one.
    pub fn window(&self) -> Option<Interval> {
        self.window
    }

    /// What stands behind what the digest says.
    pub fn vouched(&self) -> Vouched {
        if self.is_authentic() { Vouched::Proven } else { Vouched::Claimed }
    }

    /// Whether a trusted key vouches for the digest's content.
    pub fn is_authentic(&self) -> bool {
        !self.evidence.is_empty()
    }
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Which one.
    pub id: ChainId,
    /// Its rows, oldest first; one row a digest.
    pub rows: Vec<usize>,
    /// Rows whose names say that they belong here, and which hold no digest.
    pub unusable: Vec<usize>,
    /// Spans without a digest.
    pub gaps: Vec<Gap>,
    /// Digests known to be missing.
    pub missing: u64,
}

/// The digests of one account and region, judged.
#[derive(Clone, Debug, Default)]
pub struct Assessment {
    /// One for each row.
    pub judgements: Vec<Judgement>,
    /// The chains, ordered; those that the policy leaves out are not here.
    pub chains: Vec<Chain>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Judges the digests of one account and region.
///
/// `is_mapped(bucket, key)` says whether that place in S3 belongs to what was copied into the archive.
/// Rows may come in any order; the result follows the order of their places.
pub fn assess(
    rows: &[DigestRow],
    keys: &KeyRing,
    policy: &Policy,
    is_mapped: &dyn Fn(&str, &str) -> bool,
) -> Assessment {
    let mut work = Work::new(rows, keys, policy, is_mapped);
    work.authenticate();
    work.place_rows();
    work.judge_rows();
    work.judge_places();
    work.find_forks();
    work.link();
    work.finish()
}

/// The state of an assessment.
struct Work<'a> {
    rows: &'a [DigestRow],
    keys: &'a KeyRing,
    policy: &'a Policy,
    is_mapped: &'a dyn Fn(&str, &str) -> bool,
    /// Row → the signature checks of all sources, the successors' among them.
    checks: Vec<Vec<Checked<'a>>>,
    judgements: Vec<Judgement>,
    /// Row → an authentic successor that names another hash for this place.
    contradicted_by: Vec<Option<usize>>,
    /// Claimed place → rows that claim it.
    claims: HashMap<Place<'a>, Vec<usize>>,
    /// Place → rows that name it as their predecessor.
    successors: HashMap<Place<'a>, Vec<usize>>,
    /// Key → rows found there that hold no digest.
    unusable_places: HashMap<&'a str, Vec<usize>>,
    /// Chain → the ends that the names of such rows state.
    unusable_ends: BTreeMap<ChainId, BTreeSet<Timestamp>>,
    /// Rows that are a further copy of another row's content, and that row.
    copies: HashMap<usize, usize>,
    /// Row → the chain of which it speaks.
    ids: Vec<Option<ChainId>>,
    chains: BTreeMap<ChainId, Chain>,
    findings: Vec<Finding>,
}

/// A signature of one source, checked; the text stays where it was found.
struct Checked<'a> {
    source: SignatureSource,
    hex: &'a str,
    check: SignatureCheck,
}

/// A bucket and a key.
type Place<'a> = (&'a str, &'a str);

impl<'a> Checked<'a> {
    fn own((signature, check): &'a (Signature, SignatureCheck)) -> Self {
        Self { source: signature.source, hex: &signature.hex, check: check.clone() }
    }
}

impl<'a> Work<'a> {
    fn new(
        rows: &'a [DigestRow],
        keys: &'a KeyRing,
        policy: &'a Policy,
        is_mapped: &'a dyn Fn(&str, &str) -> bool,
    ) -> Self {
        let mut claims: HashMap<Place<'a>, Vec<usize>> = HashMap::new();
        let mut successors: HashMap<Place<'a>, Vec<usize>> = HashMap::new();
        for (index, digest) in digests(rows) {
            claims.entry((&digest.bucket, &digest.object)).or_default().push(index);
            if let Some(previous) = &digest.previous {
                successors.entry((&previous.bucket, &previous.object)).or_default().push(index);
            }
        }
        let mut unusable_places: HashMap<&'a str, Vec<usize>> = HashMap::new();
        let mut unusable_ends: BTreeMap<ChainId, BTreeSet<Timestamp>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| row.digest().is_none()) {
            unusable_places.entry(&row.found.key).or_default().push(index);
            if let Some((id, end)) = named_chain(&row.found.key) {
                unusable_ends.entry(id).or_default().insert(end);
            }
        }
        let unproven = Judgement {
            status: Status::Unproven,
            evidence: Vec::new(),
            source: None,
            is_counted: false,
            window: None,
        };
        let mut work = Self {
            rows,
            keys,
            policy,
            is_mapped,
            checks: rows.iter().map(|row| row.signatures.iter().map(Checked::own).collect()).collect(),
            judgements: vec![unproven; rows.len()],
            contradicted_by: vec![None; rows.len()],
            claims,
            successors,
            unusable_places,
            unusable_ends,
            copies: HashMap::new(),
            ids: Vec::new(),
            chains: BTreeMap::new(),
            findings: Vec::new(),
        };
        work.find_copies();
        work
    }

    /// Of several rows with the same content, one speaks: that in its own place, else the first by path.
    fn find_copies(&mut self) {
        for claimants in self.claims.values() {
            let rank = |index: &usize| {
                let row = &self.rows[*index];
                let at_home = row.digest().is_some_and(|digest| row.found.is_place_of(&digest.object));
                (!at_home, row.trailing.is_some(), row.signatures.is_empty(), row.found.path.as_str())
            };
            let mut ordered = claimants.clone();
            ordered.sort_by(|a, b| rank(a).cmp(&rank(b)));
            let mut seen = HashMap::new();
            for index in ordered {
                let first = *seen.entry(self.rows[index].sha256).or_insert(index);
                if first != index {
                    self.copies.insert(index, first);
                }
            }
        }
    }

    /// Spreads authenticity: from signatures, then along the hashes of authentic successors.
    fn authenticate(&mut self) {
        self.add_successor_signatures();
        let mut queue = Vec::new();
        for index in 0..self.rows.len() {
            for checked in &self.checks[index] {
                let judgement = &mut self.judgements[index];
                if checked.check.is_genuine() {
                    judgement.source = judgement.source.or(Some(checked.source));
                }
                if checked.check == SignatureCheck::Verified {
                    let evidence = match checked.source {
                        SignatureSource::Successor => Evidence::SuccessorSignature,
                        _ => Evidence::Signature,
                    };
                    if !judgement.evidence.contains(&evidence) {
                        judgement.evidence.push(evidence);
                    }
                }
            }
            if self.judgements[index].is_authentic() {
                queue.push(index);
            }
        }
        let mut visited: HashSet<usize> = queue.iter().copied().collect();
        while let Some(successor) = queue.pop() {
            let Some((place, hash)) = named_predecessor(&self.rows[successor]) else { continue };
            for predecessor in self.claims.get(&place).cloned().unwrap_or_default() {
                if self.rows[predecessor].sha256 == hash {
                    let evidence = &mut self.judgements[predecessor].evidence;
                    if !evidence.contains(&Evidence::HashChain) {
                        evidence.push(Evidence::HashChain);
                    }
                    if visited.insert(predecessor) {
                        queue.push(predecessor);
                    }
                } else {
                    let known = &mut self.contradicted_by[predecessor];
                    *known = Some(known.map_or(successor, |other| other.min(successor)));
                }
            }
        }
        for judgement in &mut self.judgements {
            judgement.evidence.sort_unstable();
        }
    }

    /// A signature vouches for itself wherever it is found, so that of an unproven successor will do.
    fn add_successor_signatures(&mut self) {
        for (index, digest) in digests(self.rows) {
            let place = (digest.bucket.as_str(), digest.object.as_str());
            for successor in self.successors.get(&place).into_iter().flatten() {
                let said = self.rows[*successor].digest().and_then(|d| d.previous_signature.as_deref());
                let Some(hex) = said else { continue };
                let known = self.checks[index].iter().find(|other| {
                    other.hex.eq_ignore_ascii_case(hex)
                        && !matches!(other.check, SignatureCheck::AlgorithmUnsupported(_))
                });
                let source = SignatureSource::Successor;
                let check = known.map_or_else(
                    || {
                        let signature = Signature { source, hex: hex.to_owned(), algorithm: None };
                        signature::check_signature(digest, &self.rows[index].sha256, &signature, self.keys)
                    },
                    |other| other.check.clone(),
                );
                self.checks[index].push(Checked { source, hex, check });
            }
        }
    }

    fn finish(self) -> Assessment {
        let chains = self.chains.into_values().collect();
        Assessment { judgements: self.judgements, chains, findings: self.findings }
    }

    /// A finding about a row's digest.
    fn about(&self, index: usize, code: Code, message: impl Into<String>) -> Finding {
        let row = &self.rows[index];
        let finding = Finding::new(code, message).found_at(&row.found.path);
        let finding = match &row.content {
            DigestContent::Digest(digest, _) => finding.about(Some(&digest.bucket), &digest.object),
            DigestContent::Unusable(..) => finding.about(row.found.bucket.as_deref(), &row.found.key),
        };
        let finding = match &self.ids[index] {
            Some(id) => finding.of_chain(id),
            None => finding,
        };
        match self.judgements[index].window {
            Some(window) => finding.spanning(window.start, window.end),
            None => finding,
        }
    }

    fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Records a violation of a row's file.
    fn violate(&mut self, index: usize, finding: Finding) {
        if finding.severity == Severity::Violation {
            self.judgements[index].status = Status::Violated;
        }
        self.push(finding);
    }
}

/// The rows that hold digests.
fn digests<P>(rows: &[DigestRow<P>]) -> impl Iterator<Item = (usize, &Digest)> {
    rows.iter().enumerate().filter_map(|(index, row)| Some((index, row.digest()?)))
}

/// The place and the hash of the digest that a row names as its predecessor.
fn named_predecessor<P>(successor: &DigestRow<P>) -> Option<(Place<'_>, [u8; 32])> {
    let previous = successor.digest()?.previous.as_ref()?;
    let hash = previous.hash.filter(|_| previous.hash_supported)?;
    Some(((previous.bucket.as_str(), previous.object.as_str()), hash))
}

fn is_standard(id: &ChainId) -> bool {
    id.kind == ChainKind::Standard
}
