//! Random honest archives.

use std::{collections::HashMap, ops::Range, sync::Arc};

use serde_json::json;
use trailseal_archive::Timestamp;
use trailseal_deliver::{
    DigestDocument,
    digest::sha256_hex,
    write::{PublishedKey, gzip, public_keys_json, sidecar_name},
};

use crate::{
    keys::signing_key,
    model::{Log, ModelChain, ModelDigest},
    plan::{record, records},
    tamper::{
        random::Random,
        scope::TamperScope,
        tree::{NodeContent, Tree, TreeNode},
    },
};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Digests of one world, about: each costs a signature when the world is made and one each time it is verified.
const MAX_DIGESTS: usize = 44;

/// The account of the attacker's own, whose digests AWS signs with the same key.
pub const FOREIGN_ACCOUNT: &str = "999988887777";

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "111122223334"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const ORGANIZATION: &str = "o-exampleorgid";
const TRAIL_NAMES: [[&str; 3]; 5] = [
    ["audit", "audit-2", "main-trail"],
    ["t1", "t1_us-east-1_b", "t1_eu-west-1"],
    ["main-trail", "main-trail_us-east-1", "other"],
    ["a.b", "a.b_20240301T000000Z", "x_backfill"],
    ["org-trail", "org-trail_CloudTrail-Digest_b", "org"],
];

/// One digest chain, cut where logging stopped.
#[derive(Clone, Debug)]
pub struct Line {
    /// The chain; prefix, bucket and organization are those that it has at its end.
    pub chain: ModelChain,
    /// Positions of digests that are linked with one another. A starting digest begins a new segment, so does
    /// a backfill digest that names no other.
    pub segments: Vec<Range<usize>>,
    /// The number of its trail in this world.
    pub trail: usize,
    /// The events that ended its segments, whether logs tell of them or not.
    pub stops: Vec<StoppedTrail>,
    /// Whether the last of them ended the trail for good.
    pub is_ended: bool,
}

/// The event that ends a segment.
#[derive(Clone, Debug)]
pub struct StoppedTrail {
    /// When.
    pub time: Timestamp,
    /// The segment that it ends.
    pub segment: usize,
}

/// An object that AWS signed: a digest, or a log that one names.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its chain, in [`World::lines`].
    pub line: usize,
    /// Its segment.
    pub segment: usize,
    /// Its digest's position.
    pub digest: usize,
    /// Its position among the digest's logs; `None` for the digest itself.
    pub log: Option<usize>,
    /// Its bucket.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// The hash of its inflated content.
    pub sha256: String,
    /// Start of the digest's window.
    pub start: Timestamp,
    /// End of the digest's window.
    pub end: Timestamp,
}

impl Signed {
    /// The last part of the key.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it is a digest.
    pub fn is_digest(&self) -> bool {
        self.log.is_none()
    }
}

/// Where the signatures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// A sidecar beside every digest.
    Everywhere,
    /// A sidecar beside the newest digest of every segment.
    Ends,
    /// One file for all.
    Manifest,
}

/// How buckets become folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One root that holds a folder for each bucket.
    Buckets,
    /// A root for each bucket.
    Roots,
    /// One root that holds what lies below `AWSLogs/ACCOUNT/`.
    Cut(String),
}

impl Layout {
    /// The path at which an object is copied to.
    pub fn path(&self, bucket: &str, key: &str) -> String {
        if let Self::Cut(account) = self {
            let below = key.split_once(&format!("AWSLogs/{account}/")).map(|(_, below)| below);
            return below
                .map_or_else(|| format!("archive/{bucket}/{key}"), |below| format!("archive/{below}"));
        }
        format!("archive/{bucket}/{key}")
    }
}

/// A random honest archive.
#[derive(Debug)]
pub struct World {
    /// What it was made of.
    pub seed: u64,
    /// The chains of the archive, then those of the attacker's own account.
    pub lines: Vec<Line>,
    /// How many of the chains are the archive's.
    pub owned: usize,
    /// Where things lie.
    pub layout: Layout,
    /// Where signatures lie.
    pub signatures: Signatures,
    /// Its files.
    pub tree: Tree,
    /// The roots, paths of the tree.
    pub roots: Vec<String>,
    /// Everything that AWS signed; what is the archive's comes first.
    pub signed: Vec<Signed>,
    /// How much of [`World::signed`] is the archive's.
    pub owned_signed: usize,
    /// Logs of the archive that no digest names: of a trail without validation, or too new.
    pub loose: Vec<(Log, ModelChain)>,
    /// What the metadata manifest holds, if the signatures are there.
    pub manifest: Option<String>,
    /// Why the whole archive cannot be proven, honest as it is.
    pub unprovable: Vec<&'static str>,
    /// A moment before the first digest.
    pub start: Timestamp,
    /// A moment after the last one.
    pub end: Timestamp,
    by_hash: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
}

/// A trail while its chains are made.
struct Trail {
    number: usize,
    name: String,
    home_region: &'static str,
    organization: Option<String>,
    bucket: String,
    prefix: String,
    accounts: Vec<&'static str>,
    regions: Vec<&'static str>,
    /// Start of logging and hours of each segment.
    spans: Vec<(Timestamp, usize)>,
    /// The event that ends each segment, if its logs tell.
    events: Vec<Option<&'static str>>,
    is_ended: bool,
    /// From this digest on it delivers to another place.
    change: Option<(usize, Change)>,
    rotate: Option<usize>,
}

#[derive(Clone)]
enum Change {
    Bucket(String),
    Prefix(String),
    Organization(String),
}

impl World {
    /// The world of a seed.
    pub fn random(seed: u64) -> Self {
        let mut maker = Maker::new(seed);
        let trails = maker.trails();
        let mut lines = Vec::new();
        for trail in &trails {
            maker.lines(trail, &mut lines);
        }
        maker.backfills(&mut lines);
        let owned = lines.len();
        maker.foreign(&trails, &mut lines);
        maker.finish(lines, owned, &trails)
    }

    /// The text of a key file with all keys.
    pub fn keys(&self) -> String {
        let mut numbers: Vec<usize> =
            self.lines.iter().flat_map(|line| &line.chain.digests).map(|digest| digest.key).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let validity = (self.start.plus(-40 * DAY), self.end.plus(40 * DAY));
        let keys: Vec<PublishedKey> = numbers
            .iter()
            .map(|number| PublishedKey::of(signing_key(*number), validity.0, validity.1))
            .collect();
        public_keys_json(&keys)
    }

    /// The digest of an object.
    pub fn digest(&self, signed: &Signed) -> &ModelDigest {
        &self.lines[signed.line].chain.digests[signed.digest]
    }

    /// The path of an object.
    pub fn path(&self, signed: &Signed) -> String {
        self.layout.path(&signed.bucket, &signed.key)
    }

    /// The object whose content has this hash.
    pub(crate) fn find(&self, sha256: &str) -> Option<usize> {
        self.by_hash.get(sha256).copied()
    }

    /// The archive's object with this file name, or with this and `.gz`.
    pub(crate) fn named(&self, name: &str) -> Option<&Signed> {
        let number = self.by_name.get(name).or_else(|| self.by_name.get(&format!("{name}.gz")))?;
        self.signed.get(*number)
    }

    /// What AWS signed of the archive itself.
    pub fn own(&self) -> &[Signed] {
        &self.signed[..self.owned_signed]
    }

    /// The file of an object, as AWS delivers it.
    pub fn content(&self, signed: &Signed) -> Arc<NodeContent> {
        let path = self.path(signed);
        match self.tree.get(&path) {
            Some(TreeNode::File(content)) => Arc::clone(content),
            _ => NodeContent::of(gzip(self.inflated(signed), 6)),
        }
    }

    /// The inflated content of an object.
    pub fn inflated(&self, signed: &Signed) -> &[u8] {
        let digest = self.digest(signed);
        signed.log.map_or(&digest.inflated, |log| &digest.logs[log].content)
    }

    /// The text of a digest's sidecar.
    pub fn sidecar(&self, signed: &Signed) -> String {
        self.digest(signed).sidecar().to_json()
    }

    /// Whether everything of a scope is proven as long as nobody touches the archive.
    pub fn is_provable(&self, scope: &TamperScope) -> bool {
        if !self.unprovable.is_empty() {
            return false;
        }
        let mut lines = self.lines[..self.owned].iter().filter(|line| line.is_in(scope)).peekable();
        lines.peek().is_some()
            && lines.all(|line| {
                let Some((first, last)) = line.chain.digests.first().zip(line.chain.digests.last()) else {
                    return false;
                };
                scope.start.is_none_or(|start| first.end() <= start)
                    && scope.end.is_none_or(|end| end <= last.end().plus(-HOUR / 2))
                    && scope.overlaps(first.end(), last.end())
            })
    }

    /// A line of what it is.
    pub fn summary(&self) -> String {
        let lines: Vec<String> = self.lines[..self.owned].iter().map(Line::summary).collect();
        let unprovable =
            if self.unprovable.is_empty() { "provable".to_owned() } else { self.unprovable.join(", ") };
        format!("{:?}, {:?}, {unprovable}\n  {}", self.layout, self.signatures, lines.join("\n  "))
    }
}

impl Line {
    /// Whether its account, region and trail are asked for.
    pub fn is_in(&self, scope: &TamperScope) -> bool {
        scope.holds_names(Some(&self.chain.account), Some(&self.chain.region))
            && scope.holds_trail(&self.chain.trail)
    }

    fn summary(&self) -> String {
        let ModelChain {
            account, region, trail, home_region, organization, bucket, prefix, is_backfill, ..
        } = &self.chain;
        let place = format!("{bucket}/{prefix}AWSLogs/{}", organization.as_deref().unwrap_or_default());
        let kind = if *is_backfill { " backfill" } else { "" };
        let spans: Vec<String> = self
            .segments
            .iter()
            .filter_map(|range| {
                let digests = &self.chain.digests[range.clone()];
                Some(format!("{} to {} ({})", digests.first()?.end(), digests.last()?.end(), digests.len()))
            })
            .collect();
        let ended = if self.is_ended { ", ended" } else { "" };
        format!("{account} {region} {trail} of {home_region}{kind} in {place}: {}{ended}", spans.join(", "))
    }
}

struct Maker {
    seed: u64,
    random: Random,
    accounts: Vec<&'static str>,
    regions: Vec<&'static str>,
    start: Timestamp,
    end: Timestamp,
    unprovable: Vec<&'static str>,
    /// Nothing honest that cannot be proven.
    is_plain: bool,
    unique: usize,
}

impl Maker {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let accounts = random.choose(&[1, 1, 1, 2, 2, 3]);
        let regions = random.choose(&[1, 1, 2]);
        let first = Timestamp::parse_digest_field("2024-03-01T00:00:00Z").expect("a time");
        let start = first.plus(random.between(12, 23) * HOUR);
        let end = start.plus(random.between(5, 12) * HOUR);
        let mut list = REGIONS[..regions].to_vec();
        if random.chance(40) {
            list = REGIONS[REGIONS.len() - regions..].to_vec();
        }
        let is_plain = random.chance(50);
        Self {
            seed,
            random,
            accounts: ACCOUNTS[..accounts].to_vec(),
            regions: list,
            start,
            end,
            unprovable: Vec::new(),
            is_plain,
            unique: 0,
        }
    }

    fn trails(&mut self) -> Vec<Trail> {
        let names = self.random.choose(&TRAIL_NAMES);
        let wanted = self.random.choose(&[1, 1, 1, 2, 2, 3]);
        let mut trails: Vec<Trail> = Vec::new();
        let mut digests = 0;
        for (number, name) in names[..wanted].iter().enumerate() {
            let trail = self.trail(number, name, &trails);
            let hours: usize = trail.spans.iter().map(|(_, hours)| hours + 1).sum();
            let cost = hours * trail.accounts.len() * trail.regions.len();
            if digests > 0 && digests + cost > MAX_DIGESTS {
                break;
            }
            digests += cost;
            trails.push(trail);
        }
        trails
    }

    fn trail(&mut self, number: usize, name: &str, others: &[Trail]) -> Trail {
        let is_of_organization = self.random.chance(30);
        let accounts = if is_of_organization || self.random.chance(60) {
            self.accounts.clone()
        } else {
            vec![self.random.choose(&self.accounts)]
        };
        let home_region = self.random.choose(&self.regions);
        let regions = if self.random.chance(75) { self.regions.clone() } else { vec![home_region] };
        let (bucket, prefix) = match others.first() {
            Some(other) if self.random.chance(65) => (other.bucket.clone(), other.prefix.clone()),
            _ => {
                let prefixes = ["", "", "", "prod/", "a/b/", "o-exampleorgid/"];
                let buckets = ["audit-logs", "audit-logs", "audit-logs-2"];
                (self.random.choose(&buckets).to_owned(), self.random.choose(&prefixes).to_owned())
            }
        };
        let mut trail = Trail {
            number,
            name: name.to_owned(),
            home_region,
            organization: is_of_organization.then(|| ORGANIZATION.to_owned()),
            bucket,
            prefix,
            accounts,
            regions,
            spans: Vec::new(),
            events: Vec::new(),
            is_ended: false,
            change: None,
            rotate: self.random.chance(30).then(|| self.random.below(3) + 1),
        };
        self.spans(&mut trail, others.is_empty());
        self.change(&mut trail);
        trail
    }

    /// When the trail logs: from a random moment to the end of the world, with a pause or two.
    fn spans(&mut self, trail: &mut Trail, is_first: bool) {
        let late = if is_first { 0 } else { self.random.between(0, 2) };
        let mut start = self.start.plus(late * HOUR + self.random.between(0, HOUR - 1));
        let stops = if self.is_plain { 0 } else { self.random.choose(&[0, 0, 1, 1, 1, 2]) };
        for _ in 0..stops {
            let left = self.end.since(start) / HOUR;
            if left < 4 {
                break;
            }
            let hours = self.random.between(1, left - 3);
            let pause = self.random.choose(&[600, HOUR, 5400, 2 * HOUR, 2 * HOUR + 900]);
            let event = self.random.choose(&[
                None,
                Some("StopLogging"),
                Some("StopLogging"),
                Some("UpdateTrail"),
                Some("DeleteTrail"),
            ]);
            trail.spans.push((start, hours as usize));
            trail.events.push(event);
            start = start.plus(hours * HOUR + pause);
            self.unprovable.push("a gap");
        }
        let left = (self.end.since(start) / HOUR).max(1);
        // A trail that ends before the others was deleted, and a log says so.
        trail.is_ended = !is_first && left > 2 && self.random.chance(25);
        let hours = if trail.is_ended { self.random.between(1, left - 1) } else { left };
        trail.spans.push((start, hours as usize));
        trail.events.push(trail.is_ended.then(|| self.random.choose(&["StopLogging", "DeleteTrail"])));
    }

    fn change(&mut self, trail: &mut Trail) {
        let digests: usize = trail.spans.iter().map(|(_, hours)| hours + 1).sum();
        if !self.random.chance(20) || digests < 3 {
            return;
        }
        let at = 1 + self.random.below(digests - 1);
        let change = match self.random.below(3) {
            0 => Change::Bucket("audit-logs-new".to_owned()),
            1 => Change::Prefix(format!("moved-{}/", trail.number)),
            _ if trail.organization.is_none() && trail.accounts.len() == 1 => {
                Change::Organization(ORGANIZATION.to_owned())
            }
            _ => return,
        };
        trail.change = Some((at, change));
    }

    /// The chains of a trail: one for each account and region.
    fn lines(&mut self, trail: &Trail, lines: &mut Vec<Line>) {
        let owner = trail.accounts[0];
        let mut stop_times = Vec::new();
        for (start, hours) in &trail.spans {
            stop_times.push(start.plus(*hours as i64 * HOUR - self.random.between(120, 3000)));
        }
        for account in &trail.accounts {
            for region in &trail.regions {
                let holds_events =
                    (trail.organization.is_none() || *account == owner) && *region == trail.home_region;
                let mut chain = ModelChain {
                    account: (*account).to_owned(),
                    region: (*region).to_owned(),
                    trail: trail.name.clone(),
                    home_region: trail.home_region.to_owned(),
                    organization: trail.organization.clone(),
                    prefix: trail.prefix.clone(),
                    bucket: trail.bucket.clone(),
                    is_backfill: false,
                    digests: Vec::new(),
                };
                let mut segments = Vec::new();
                let mut stops = Vec::new();
                for (number, (start, hours)) in trail.spans.iter().enumerate() {
                    let from = chain.digests.len();
                    let event = trail.events[number].filter(|_| holds_events);
                    self.segment(&mut chain, trail, (*start, *hours), event.map(|e| (e, stop_times[number])));
                    segments.push(from..chain.digests.len());
                    if number + 1 < trail.spans.len() || trail.is_ended {
                        stops.push(StoppedTrail { time: stop_times[number], segment: number });
                    }
                }
                lines.push(Line { chain, segments, trail: trail.number, stops, is_ended: trail.is_ended });
            }
        }
    }

    fn segment(
        &mut self,
        chain: &mut ModelChain,
        trail: &Trail,
        (start, hours): (Timestamp, usize),
        event: Option<(&str, Timestamp)>,
    ) {
        let key = |position: usize| trail.rotate.map_or(0, |every| position / every % 2);
        Self::move_trail(chain, trail);
        let document =
            DigestDocument::starting(&chain.account, start, &chain.bucket, &chain.digest_key(start));
        chain.digests.push(sealed(document, key(chain.digests.len()), Vec::new(), None));
        for hour in 0..hours as i64 {
            let window = (start.plus(hour * HOUR), start.plus((hour + 1) * HOUR));
            let old = chain.clone_place();
            let has_moved = Self::move_trail(chain, trail);
            let mut logs = Vec::new();
            let mut times: Vec<i64> =
                (0..self.random.below(4)).map(|_| self.random.between(30, HOUR - 30)).collect();
            times.sort_unstable();
            for time in times {
                // Until the trail moves, within the hour, logs go to the old place.
                let place = if has_moved && time < HOUR / 2 { &old } else { &*chain };
                logs.push(self.log(place, window.0.plus(time), None));
            }
            if let Some((name, time)) = event.filter(|(_, time)| *time > window.0 && *time <= window.1) {
                logs.push(self.log(chain, time.plus(60), Some((name, time))));
            }
            let key_of_digest = chain.digest_key(window.1);
            let document =
                DigestDocument::empty(&chain.account, window.0, window.1, &chain.bucket, &key_of_digest);
            let digest = sealed(document, key(chain.digests.len()), logs, chain.digests.last());
            chain.digests.push(digest);
        }
    }

    /// Whether the trail delivers to another place from the next digest on.
    fn move_trail(chain: &mut ModelChain, trail: &Trail) -> bool {
        let Some((at, change)) = &trail.change else { return false };
        if *at != chain.digests.len() {
            return false;
        }
        match change.clone() {
            Change::Bucket(bucket) => chain.bucket = bucket,
            Change::Prefix(prefix) => chain.prefix = prefix,
            Change::Organization(organization) => chain.organization = Some(organization),
        }
        true
    }

    /// A log of one record, delivered at a time; its name tells the time to five minutes.
    fn log(&mut self, chain: &ModelChain, time: Timestamp, event: Option<(&str, Timestamp)>) -> Log {
        self.unique += 1;
        let identity = sha256_hex(format!("{} {}", self.seed, self.unique).as_bytes());
        let unique: String = identity.chars().take(16).collect::<String>().to_uppercase();
        let rounded = time.epoch().div_euclid(300) + i64::from(self.random.chance(50));
        let stamp = Timestamp::from_epoch(rounded * 300).expect("a time of this century");
        let at = time.plus(-self.random.between(60, 900));
        let mut list = vec![record(chain, at, "DescribeInstances", &unique)];
        let mut newest = at;
        if let Some((name, time)) = event {
            let trail = self.trail_text(chain);
            list.push(trail_event(chain, time, name, &unique, &trail));
            newest = at.max(time);
        }
        Log {
            bucket: chain.bucket.clone(),
            key: chain.log_key(stamp, &unique),
            content: records(&list),
            oldest: event.map_or(at, |(_, time)| at.min(time)),
            newest,
        }
    }

    /// How a request names a trail: by its name or its ARN.
    fn trail_text(&mut self, chain: &ModelChain) -> String {
        if self.random.chance(50) { chain.trail.clone() } else { arn(chain) }
    }

    /// Digests for logs that came late.
    fn backfills(&mut self, lines: &mut Vec<Line>) {
        if !self.random.chance(25) {
            return;
        }
        let at = self.random.below(lines.len());
        let of = lines[at].clone();
        let mut chain = ModelChain { is_backfill: true, digests: Vec::new(), ..of.chain.clone() };
        let is_linked = self.random.chance(40);
        let mut segments: Vec<Range<usize>> = Vec::new();
        let mut positions: Vec<usize> = (0..=self.random.below(2))
            .map(|_| 1 + self.random.below(of.chain.digests.len() - 1))
            .filter(|position| of.chain.digests[*position].document.previous_s3_object.is_some())
            .collect();
        positions.sort_unstable();
        positions.dedup();
        for position in positions {
            let (start, end) = (of.chain.digests[position].start(), of.chain.digests[position].end());
            let late = self.log(&chain, start.plus(1500), None);
            let key = chain.digest_key(end);
            let document = DigestDocument::empty(&chain.account, start, end, &chain.bucket, &key);
            let previous = chain.digests.last().filter(|_| is_linked);
            let mut digest = sealed(document, 0, vec![late], previous);
            digest.generated = Some(end.plus(48 * HOUR));
            let number = chain.digests.len();
            chain.digests.push(digest);
            match segments.last_mut() {
                Some(last) if is_linked => last.end = number + 1,
                _ => segments.push(number..number + 1),
            }
        }
        if !chain.digests.is_empty() {
            lines.push(Line { chain, segments, trail: of.trail, stops: Vec::new(), is_ended: false });
        }
    }

    /// The attacker's own account: a short chain signed by the same regional key, with a trail of the name of one
    /// of the archive's, and logs that tell of its end.
    fn foreign(&mut self, trails: &[Trail], lines: &mut Vec<Line>) {
        let of = &trails[self.random.below(trails.len())];
        let region = self.random.choose(&self.regions);
        let start = self.start.plus(self.random.between(0, 2 * HOUR));
        let stop = self.random.between(1, 3);
        let trail = Trail {
            number: trails.len(),
            name: if self.random.chance(70) { of.name.clone() } else { "evil".to_owned() },
            home_region: if self.random.chance(70) { of.home_region } else { region },
            organization: None,
            bucket: if self.random.chance(50) { of.bucket.clone() } else { "evil-bucket".to_owned() },
            prefix: if self.random.chance(50) { of.prefix.clone() } else { String::new() },
            accounts: vec![FOREIGN_ACCOUNT],
            regions: vec![region],
            spans: vec![(start, stop as usize)],
            events: vec![None],
            is_ended: false,
            change: None,
            rotate: None,
        };
        let first = lines.len();
        self.lines(&trail, lines);
        // Events of the attacker's that name the archive's trails.
        for line in &mut lines[first..] {
            let last = line.chain.digests.len() - 1;
            let time = line.chain.digests[last].end().plus(-900);
            let victim = ModelChain {
                account: if self.random.chance(50) { of.accounts[0] } else { FOREIGN_ACCOUNT }.to_owned(),
                trail: of.name.clone(),
                home_region: of.home_region.to_owned(),
                ..line.chain.clone_place()
            };
            let text = self.trail_text(&victim);
            let id = format!("foreign-{}", self.seed);
            let content = records(&[trail_event(&line.chain, time, "StopLogging", &id, &text)]);
            let mut log = self.log(&line.chain.clone_place(), time.plus(60), None);
            (log.content, log.oldest, log.newest) = (content, time, time);
            let digest = &mut line.chain.digests[last];
            digest.logs.push(log);
            digest.name_logs();
            digest.seal();
        }
    }

    fn finish(mut self, lines: Vec<Line>, owned: usize, trails: &[Trail]) -> World {
        let loose = self.loose(&lines[..owned]);
        self.note_peers(trails);
        let is_cut = self.accounts.len() == 1
            && trails.iter().all(|trail| {
                let same = trail.bucket == trails[0].bucket && trail.prefix == trails[0].prefix;
                same && trail.organization.is_none() && trail.change.is_none()
            });
        let layout = match self.random.below(10) {
            0 | 1 if is_cut => Layout::Cut(self.accounts[0].to_owned()),
            2 | 3 => Layout::Roots,
            _ => Layout::Buckets,
        };
        let signatures = self.random.choose(&[
            Signatures::Everywhere,
            Signatures::Everywhere,
            Signatures::Ends,
            Signatures::Manifest,
        ]);
        let mut world = World {
            seed: self.seed,
            signed: signed(&lines),
            owned_signed: 0,
            lines,
            owned,
            layout,
            signatures,
            tree: Tree::new(),
            roots: Vec::new(),
            loose,
            manifest: None,
            unprovable: self.unprovable,
            start: self.start.plus(-HOUR),
            end: self.end.plus(HOUR),
            by_hash: HashMap::new(),
            by_name: HashMap::new(),
        };
        world.owned_signed = world.signed.iter().filter(|signed| signed.line < owned).count();
        let numbered = || world.signed.iter().enumerate();
        world.by_hash = numbered().map(|(number, one)| (one.sha256.clone(), number)).collect();
        let own = numbered().take(world.owned_signed);
        world.by_name = own.map(|(number, one)| (one.name().to_owned(), number)).collect();
        world.fill();
        world
    }

    /// A trail whose regions or accounts do not all go on to the same time looks as if it had been cut.
    fn note_peers(&mut self, trails: &[Trail]) {
        // Events of the owner's home region are only seen where that region is part of the world.
        for trail in trails {
            let says = trail.events.last().is_some_and(Option::is_some);
            let is_seen = trail.regions.contains(&trail.home_region);
            if trail.is_ended && !(says && is_seen) {
                self.unprovable.push("a trail that ended without a word");
            }
        }
    }

    /// Logs of the archive that no digest names.
    fn loose(&mut self, lines: &[Line]) -> Vec<(Log, ModelChain)> {
        let mut loose = Vec::new();
        let standard: Vec<&Line> = lines.iter().filter(|line| !line.chain.is_backfill).collect();
        if !self.is_plain && self.random.chance(20) {
            let line = standard[self.random.below(standard.len())];
            let place = line.chain.clone_place();
            for _ in 0..2 + self.random.below(3) {
                let time = self.start.plus(self.random.between(0, self.end.since(self.start)));
                loose.push((self.log(&place, time, None), place.clone()));
            }
            self.unprovable.push("a trail without validation");
        }
        if !self.is_plain && self.random.chance(20) {
            let live: Vec<&&Line> = standard.iter().filter(|line| !line.is_ended).collect();
            let line = live[self.random.below(live.len())];
            let place = line.chain.clone_place();
            let newest = line.chain.digests.last().map_or(self.end, ModelDigest::end);
            let time = newest.plus(self.random.between(600, 3000));
            loose.push((self.log(&place, time, None), place));
            self.unprovable.push("a log that is too new");
        }
        loose
    }
}

impl ModelChain {
    /// The chain without its digests: where it delivers to.
    #[must_use]
    pub fn clone_place(&self) -> Self {
        Self {
            account: self.account.clone(),
            region: self.region.clone(),
            trail: self.trail.clone(),
            home_region: self.home_region.clone(),
            organization: self.organization.clone(),
            prefix: self.prefix.clone(),
            bucket: self.bucket.clone(),
            is_backfill: self.is_backfill,
            digests: Vec::new(),
        }
    }
}

impl World {
    fn fill(&mut self) {
        let mut tree = Tree::new();
        let mut manifest = String::new();
        for line in &self.lines[..self.owned] {
            for (position, digest) in line.chain.digests.iter().enumerate() {
                for log in &digest.logs {
                    put(&mut tree, self.layout.path(&log.bucket, &log.key), gzip(&log.content, 6));
                }
                let path = self.layout.path(&digest.document.s3_bucket, digest.object());
                let is_end = line.segments.iter().any(|range| range.end == position + 1);
                if self.signatures == Signatures::Everywhere
                    || (self.signatures == Signatures::Ends && is_end)
                {
                    put(&mut tree, sidecar_name(&path), digest.sidecar().to_json().into_bytes());
                }
                if self.signatures == Signatures::Manifest {
                    manifest += &digest.manifest_line();
                }
                put(&mut tree, path, digest.stored());
            }
        }
        for (log, _) in &self.loose {
            put(&mut tree, self.layout.path(&log.bucket, &log.key), gzip(&log.content, 6));
        }
        self.roots = match self.layout {
            Layout::Buckets | Layout::Cut(_) => vec!["archive".to_owned()],
            Layout::Roots => {
                let mut buckets: Vec<String> =
                    tree.keys().map(|path| path.split('/').take(2).collect::<Vec<_>>().join("/")).collect();
                buckets.dedup();
                buckets
            }
        };
        self.manifest = (self.signatures == Signatures::Manifest).then_some(manifest);
        self.tree = tree;
    }
}

fn put(tree: &mut Tree, path: String, bytes: Vec<u8>) {
    tree.insert(path, TreeNode::File(NodeContent::of(bytes)));
}

/// A digest that is signed once, whether it has a predecessor or not.
fn sealed(
    document: DigestDocument,
    key: usize,
    logs: Vec<Log>,
    previous: Option<&ModelDigest>,
) -> ModelDigest {
    let mut digest =
        ModelDigest { document, key, logs, inflated: Vec::new(), signature: String::new(), generated: None };
    digest.name_logs();
    if let Some(previous) = previous {
        digest.link_to(previous);
    }
    digest.seal();
    digest
}

/// The ARN of a chain's trail.
pub(crate) fn arn(chain: &ModelChain) -> String {
    format!("arn:aws:cloudtrail:{}:{}:trail/{}", chain.home_region, chain.account, chain.trail)
}

/// An event that stops, deletes or changes a trail.
pub(crate) fn trail_event(
    chain: &ModelChain,
    time: Timestamp,
    name: &str,
    id: &str,
    trail: &str,
) -> serde_json::Value {
    let mut event = record(chain, time, name, &format!("{id}-event"));
    event["awsRegion"] = json!(chain.home_region);
    event["readOnly"] = json!(false);
    event["eventSource"] = json!("cloudtrail.amazonaws.com");
    event["requestParameters"] = json!({ "name": trail });
    if name == "UpdateTrail" {
        event["requestParameters"]["enableLogFileValidation"] = json!(false);
        event["responseElements"] = json!({ "name": trail, "logFileValidationEnabled": false });
    }
    event
}

fn signed(lines: &[Line]) -> Vec<Signed> {
    let mut all = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        for (position, digest) in line.chain.digests.iter().enumerate() {
            let segment =
                line.segments.iter().position(|range| range.contains(&position)).expect("all are in one");
            let one = Signed {
                line: number,
                segment,
                digest: position,
                log: None,
                bucket: digest.document.s3_bucket.clone(),
                key: digest.object().to_owned(),
                sha256: sha256_hex(&digest.inflated),
                start: digest.start(),
                end: digest.end(),
            };
            for (at, log) in digest.logs.iter().enumerate() {
                all.push(Signed {
                    log: Some(at),
                    bucket: log.bucket.clone(),
                    key: log.key.clone(),
                    sha256: sha256_hex(&log.content),
                    ..one.clone()
                });
            }
            all.push(one);
        }
    }
    all
}
