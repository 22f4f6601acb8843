//! Which trails an archive's digests name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io,
    path::{Path, PathBuf},
};

use trailseal_archive::{
    Timestamp, gzip,
    gzip::Ending,
    key::{DigestName, KeyParts, ObjectKind, log_stamp},
    walk::{self, Lengths, Roots, UnitKey},
};
use trailseal_trails::trail_arn;
use trailseal_verify::{digest::Digest, limits::Limits, link::named_chain};

/// A digest of a Region's hour names some thousand logs at most; larger ones are left out here.
const MAX_DIGEST: u64 = 64 << 20;
/// How many digests of a chain are tried, newest first.
const TRIES: usize = 4;

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Ordered by ARN.
    pub(super) trails: Vec<Trail>,
    pub(super) accounts: BTreeSet<String>,
    /// Chains without a digest that could be read.
    pub(super) unread: usize,
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

/// Finds the trails.
pub(super) fn trails(roots: &Roots, account: Option<&str>) -> Found {
    let survey = roots.survey(&|_| true);
    let mut found = Found::default();
    let mut chains: BTreeMap<ChainKey, Vec<(Timestamp, PathBuf)>> = BTreeMap::new();
    for (unit, folders) in &survey.units {
        found.accounts.insert(unit.account.clone());
        for (_, folder) in folders.iter().filter(|(kind, _)| *kind == ObjectKind::Digest) {
            for listing in roots.list(folder, Lengths::Left, &mut Vec::new()) {
                listing.files.iter().for_each(|file| note(&mut chains, unit, &listing.folder.real, file));
            }
        }
    }
    for folder in &survey.others {
        let unit = UnitKey::default();
        roots.list_one(folder).iter().for_each(|file| note(&mut chains, &unit, &folder.real, file));
    }
    found.accounts.extend(chains.keys().map(|chain| chain.account.clone()));

    let mut trails: BTreeMap<TrailKey, (Trail, Timestamp)> = BTreeMap::new();
    for (chain, digests) in chains {
        let Some((end, _)) = digests.first() else { continue };
        let read = digests.iter().find_map(|(end, path)| Some((*end, read(path, &chain).ok()?)));
        found.unread += usize::from(read.is_none());
        let owner = account.or_else(|| found.accounts.first().map(String::as_str)).unwrap_or(&chain.account);
        let (trail, placed) =
            trails.entry(chain.trail.clone()).or_insert_with(|| (new_trail(&chain, owner), *end));
        let log = read.as_ref().and_then(|(_, read)| read.log);
        let newest = trail.regions.entry(chain.region).or_insert(Newest { digest: *end, log });
        *newest = Newest { digest: newest.digest.max(*end), log: newest.log.max(log) };
        if let Some((end, read)) = read
            && (trail.place.is_none() || end > *placed)
        {
            (trail.place, *placed) = (Some(read.place), end);
        }
    }
    found.trails = trails.into_values().map(|(trail, _)| trail).collect();
    found.trails.sort_by(|a, b| a.arn.cmp(&b.arn));
    found
}

/// Keeps a digest's name if it is among the newest of its chain.
fn note(
    chains: &mut BTreeMap<ChainKey, Vec<(Timestamp, PathBuf)>>,
    unit: &UnitKey,
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

fn read(path: &Path, chain: &ChainKey) -> io::Result<Read> {
    let unusable = || io::Error::from(io::ErrorKind::InvalidData);
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(unusable());
    }
    let (content, _, ending) = gzip::inflate_all(file, MAX_DIGEST)?;
    if matches!(
        ending,
        Ending::Empty | Ending::Truncated | Ending::Corrupt { .. } | Ending::LimitExceeded { .. }
    ) {
        return Err(unusable());
    }
    let digest = Digest::parse(&content, &Limits::default()).map_err(|_| unusable())?;
    // a digest of another chain under this name says nothing about this trail
    let (own, _) = named_chain(&digest.object).ok_or_else(unusable)?;
    let is_own = own.account == chain.account
        && own.region == chain.region
        && own.trail == chain.trail.name
        && own.home_region == chain.trail.home;
    let parts = KeyParts::parse(&digest.object).filter(|_| is_own).ok_or_else(unusable)?;
    let prefix = parts.prefix.strip_suffix('/').unwrap_or(parts.prefix).to_owned();
    let stamps = digest.logs.iter().filter_map(|log| {
        let key = log.object.to_string();
        log_stamp(key.rsplit('/').next().unwrap_or_default())
    });
    Ok(Read { log: stamps.max(), place: Place { bucket: digest.bucket, prefix } })
}
