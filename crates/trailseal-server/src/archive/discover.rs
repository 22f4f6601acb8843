//! Which trails an archive's digests name.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use trailseal_archive::{
    Timestamp, gzip,
    key::{DigestName, KeyParts, ObjectKind, log_stamp},
    metadata::{MAX_SIDECAR_BYTES, ObjectMetadata, parse_sidecar, read_xattrs},
    walk::{self, AccountRegion, Lengths, Roots},
};
use trailseal_evidence::inputs::Inputs;
use trailseal_trails::trail_arn;
use trailseal_verify::{
    Digest, DigestFile, DigestRow, KeyRing, Limits, Signature, SignatureSource, check_signature, examine,
    named_chain,
};

/// A digest of a Region's hour names some thousand logs at most; larger ones are left out here.
const MAX_DIGEST: u64 = 64 << 20;
/// How many digests of a chain are tried, newest first.
const TRIES: usize = 4;

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Ordered by ARN.
    pub(super) trails: Vec<Trail>,
    /// Trails that only digests name which no key proves, by ARN; none without keys.
    pub(super) unproven: BTreeSet<String>,
}

/// A trail, as its digests tell.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    pub(super) arn: String,
    /// Of an organization trail, the account that the server plays or the first of the archive: digests do not name the
    /// management account.
    pub(super) account: String,
    pub(super) name: String,
    pub(super) home: String,
    pub(super) organization: Option<String>,
    /// Where the newest digest that could be read lies.
    pub(super) place: Option<Place>,
    /// The newest digest of each Region.
    pub(super) regions: BTreeMap<String, Newest>,
}

/// Bucket and prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) bucket: String,
    /// Without a slash at its end; empty for none.
    pub(super) prefix: String,
}

/// The newest digest of a trail in a Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Newest {
    /// The end of its window, by its name.
    pub(super) digest: Timestamp,
    /// The newest stamp of the log files that it names.
    pub(super) log: Option<Timestamp>,
}

impl Trail {
    pub(super) fn is_organization(&self) -> bool {
        self.organization.is_some()
    }

    /// Whether digests come from another Region than its own.
    pub(super) fn is_multi_region(&self) -> bool {
        self.regions.keys().any(|region| *region != self.home)
    }

    /// Whether a Region shows it: its own, and for a multi-Region trail every other.
    pub(super) fn is_in(&self, region: &str) -> bool {
        self.home == region || self.is_multi_region()
    }
}

/// What makes one trail: of an organization, the accounts share it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct TrailKey {
    organization: Option<String>,
    /// Empty for an organization trail.
    account: String,
    name: String,
    home: String,
}

/// A trail's digests of one account and Region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ChainKey {
    trail: TrailKey,
    account: String,
    region: String,
}

/// Finds the trails. With keys, chains count of which one of the newest digests is authentic.
pub(super) fn trails(inputs: &Inputs, account: Option<&str>, keys: &KeyRing) -> Found {
    let (roots, survey) = (inputs.roots(), inputs.survey());
    let mut accounts = BTreeSet::new();
    let mut chains: BTreeMap<ChainKey, Vec<(Timestamp, PathBuf)>> = BTreeMap::new();
    for (unit, folders) in &survey.units {
        accounts.insert(unit.account.clone());
        for (_, folder) in folders.iter().filter(|(kind, _)| *kind == ObjectKind::Digest) {
            for listing in roots.list(folder, Lengths::Left, &mut Vec::new()) {
                listing.files.iter().for_each(|file| note(&mut chains, unit, &listing.folder.real, file));
            }
        }
    }
    for folder in &survey.others {
        let unit = AccountRegion::default();
        roots.list_one(folder).iter().for_each(|file| note(&mut chains, &unit, &folder.real, file));
    }
    accounts.extend(chains.keys().map(|chain| chain.account.clone()));

    let mut trails: BTreeMap<TrailKey, (Trail, Timestamp)> = BTreeMap::new();
    let mut unproven = BTreeSet::new();
    for (chain, digests) in chains {
        let Some((end, _)) = digests.first() else { continue };
        let owner = account.or_else(|| accounts.first().map(String::as_str)).unwrap_or(&chain.account);
        let read = newest(roots, &chain, &digests, keys);
        if read.is_none() && keys.iter().next().is_some() {
            unproven.insert(new_trail(&chain, owner).arn);
            continue;
        }
        let (trail, placed) =
            trails.entry(chain.trail.clone()).or_insert_with(|| (new_trail(&chain, owner), *end));
        let log = read.as_ref().and_then(|(_, read)| read.log);
        let known = trail.regions.entry(chain.region).or_insert(Newest { digest: *end, log });
        *known = Newest { digest: known.digest.max(*end), log: known.log.max(log) };
        if let Some((end, read)) = read
            && (trail.place.is_none() || end > *placed)
        {
            (trail.place, *placed) = (Some(read.place), end);
        }
    }
    let mut trails: Vec<Trail> = trails.into_values().map(|(trail, _)| trail).collect();
    trails.sort_by(|a, b| a.arn.cmp(&b.arn));
    unproven.retain(|arn| trails.iter().all(|trail| trail.arn != *arn));
    Found { trails, unproven }
}

/// The newest digest of a chain that can be read, and with keys is authentic.
///
/// As in a verification, a digest is authentic by a signature beside it, or by that which its successor holds of it.
fn newest(
    roots: &Roots,
    chain: &ChainKey,
    digests: &[(Timestamp, PathBuf)],
    keys: &KeyRing,
) -> Option<(Timestamp, Read)> {
    let has_keys = keys.iter().next().is_some();
    let mut newer: Vec<Digest> = Vec::new();
    for (end, path) in digests {
        let Some((digest, row, read)) = read(roots, path, chain, keys) else { continue };
        let successors = newer.iter().filter_map(|newer| signature_of(newer, &digest));
        let is_genuine = |found: Signature| check_signature(&digest, &row.sha256, &found, keys).is_genuine();
        // a genuine digest under the name of another one proves nothing of this name
        let is_authentic = named_chain(&digest.object).is_some_and(|(_, named)| named == *end)
            && (row.signatures().iter().any(|(_, check)| check.is_genuine())
                || successors.into_iter().any(is_genuine));
        if is_authentic || !has_keys {
            return Some((*end, read));
        }
        newer.push(digest);
    }
    None
}

/// What a digest holds as the signature of the one before it.
fn signature_of(successor: &Digest, digest: &Digest) -> Option<Signature> {
    let previous = successor.previous.as_ref()?;
    let is_it = previous.bucket == digest.bucket && previous.object == digest.object;
    let hex = successor.previous_signature.clone().filter(|_| is_it)?;
    Some(Signature { source: SignatureSource::Successor, hex, algorithm: None })
}

/// Keeps a digest's name if it is among the newest of its chain.
fn note(
    chains: &mut BTreeMap<ChainKey, Vec<(Timestamp, PathBuf)>>,
    unit: &AccountRegion,
    folder: &Path,
    file: &walk::File,
) {
    let Ok(name) = DigestName::parse(&file.name) else { return };
    if name.backfill || file.refusal.is_some() {
        return;
    }
    let organization = unit.organization.clone();
    let account = if organization.is_some() { String::new() } else { name.account.to_owned() };
    let trail =
        TrailKey { organization, account, name: name.trail.to_owned(), home: name.home_region.to_owned() };
    let chain = ChainKey { trail, account: name.account.to_owned(), region: name.region.to_owned() };
    let newest = chains.entry(chain).or_default();
    let at = newest.partition_point(|(end, _)| *end >= name.end);
    if at < TRIES {
        newest.insert(at, (name.end, folder.join(&*file.name)));
        newest.truncate(TRIES);
    }
}

fn new_trail(chain: &ChainKey, owner: &str) -> Trail {
    let key = &chain.trail;
    let account = if key.organization.is_some() { owner.to_owned() } else { key.account.clone() };
    Trail {
        arn: trail_arn(&key.home, &account, &key.name),
        account,
        name: key.name.clone(),
        home: key.home.clone(),
        organization: key.organization.clone(),
        place: None,
        regions: BTreeMap::new(),
    }
}

struct Read {
    place: Place,
    log: Option<Timestamp>,
}

fn read(
    roots: &Roots,
    path: &Path,
    chain: &ChainKey,
    keys: &KeyRing,
) -> Option<(Digest, DigestRow<()>, Read)> {
    let (content, form, ending) = gzip::inflate_all(roots.open_file(path).ok()?, MAX_DIGEST).ok()?;
    let file = DigestFile {
        content: Ok(&content),
        form,
        ending: &ending,
        signatures: if keys.iter().next().is_some() { signatures(roots, path) } else { Vec::new() },
        backfill_generated: None,
        metadata_problem: None,
    };
    let row = examine(file, keys, &Limits::default());
    let digest = row.digest().cloned()?;
    // a digest of another chain under this name says nothing about this trail
    let (own, _) = named_chain(&digest.object)?;
    let is_own = own.account == chain.account
        && own.region == chain.region
        && own.trail == chain.trail.name
        && own.home_region == chain.trail.home;
    let parts = KeyParts::parse(&digest.object).filter(|_| is_own)?;
    let prefix = parts.prefix.strip_suffix('/').unwrap_or(parts.prefix).to_owned();
    let stamps = digest.logs.iter().filter_map(|log| {
        let key = log.object.to_string();
        log_stamp(key.rsplit('/').next().unwrap_or_default())
    });
    let read = Read { log: stamps.max(), place: Place { bucket: digest.bucket.clone(), prefix } };
    Some((digest, row, read))
}

/// The signatures that lie beside a digest: in its sidecar, or in its extended attributes.
fn signatures(roots: &Roots, path: &Path) -> Vec<Signature> {
    let mut sidecar = path.as_os_str().to_owned();
    sidecar.push(".metadata.json");
    let of = |metadata: ObjectMetadata, source| {
        let algorithm = metadata.signature_algorithm;
        metadata.signature.map(|hex| Signature { source, hex, algorithm })
    };
    let read = |path: &Path| {
        let bytes = roots.open_file(path).ok()?.read_bounded(MAX_SIDECAR_BYTES as u64).ok()?;
        parse_sidecar(&bytes).ok()
    };
    let beside = read(Path::new(&sidecar)).and_then(|found| of(found, SignatureSource::Sidecar));
    let attributes = read_xattrs(path).ok().flatten();
    let attributes = attributes.and_then(|found| of(found, SignatureSource::ExtendedAttribute));
    beside.into_iter().chain(attributes).collect()
}
