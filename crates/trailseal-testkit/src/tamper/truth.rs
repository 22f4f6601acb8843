//! What was done to an archive, seen from what is left: the judge of a verification.
//!
//! Everything is decided by content: a signed object is missing when no file below the roots holds it, and an
//! event is unsigned when no digest that is left names the file that holds it. What may pass unseen all the same
//! is listed in [`Excuse`], and nowhere else.

use std::{fmt, sync::Arc};

use trailseal_archive::{Timestamp, key::DigestName, metadata::parse_sidecar};

use crate::tamper::{
    place::{NameKind, NamedPlace},
    scope::TamperScope,
    tree::{NodeContent, Tree, TreeNode},
    world::{Layout, Line, Signatures, Signed, World},
};

const HOUR: i64 = 3600;

/// What a verification cannot see, and why (docs/spec/verification.md 5 by the numbers of its rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Excuse {
    /// All digests and logs before a restart are gone: no object that is left names them, and a trail that began
    /// at the restart looks the same (35; `--from` and `--baseline` show it).
    BeforeRestart,
    /// All digests and logs of a chain are gone: its account or region looks as if it had never been there (51;
    /// `--expect-account` and `--expect-region` show it). Those that lie among the files of an account or region that was
    /// not asked for are gone, too: they are told of where they lie.
    WholeChain,
    /// The newest digests and their logs are gone, of this chain and of all chains of the trail that would be more
    /// than two hours newer: a copy made earlier looks the same (29; `--as-of` and `--to` show it).
    Newest,
    /// A backfill digest that no later one names is gone with its logs (53; `--baseline` shows it).
    Backfill,
    /// Events in a file outside `AWSLogs` whose name is none of CloudTrail's, in a folder without logs: no part of
    /// an archive. It is counted, no more (83, 85).
    OutsideLayout,
    /// Events in a file in another service's folder (`AWSLogs/ACCOUNT/Config/…`) whose name is none of CloudTrail's.
    OtherService,
}

impl Excuse {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::BeforeRestart,
        Self::WholeChain,
        Self::Newest,
        Self::Backfill,
        Self::OutsideLayout,
        Self::OtherService,
    ];
}

/// Why a verification must not end with status 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExcuseReason {
    /// A digest is gone, and a later one that is linked with it is there.
    DigestNamedByLater,
    /// The end of a segment is gone, and there is something before it and a later segment.
    GapGrown,
    /// The newest digests are gone, and other chains of the trail reach more than two hours further.
    HeadBehindPeers,
    /// Digests at an end of the span that was asked for are gone.
    AskedSpanNotCovered,
    /// A log is gone, and the digest that names it is there.
    LogNamed,
    /// A file with a signed object's name holds something else.
    Impostor,
    /// Events in a file that no digest which is left names.
    UnsignedEvents,
    /// A file with a log's or digest's name that is cut, damaged or has something appended.
    Damaged,
    /// A digest document that AWS did not sign.
    UnsignedDigest,
    /// What AWS signed for one account, region or trail, in a place or under a name of another.
    Misplaced,
}

impl ExcuseReason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::DigestNamedByLater,
        Self::GapGrown,
        Self::HeadBehindPeers,
        Self::AskedSpanNotCovered,
        Self::LogNamed,
        Self::Impostor,
        Self::UnsignedEvents,
        Self::Damaged,
        Self::UnsignedDigest,
        Self::Misplaced,
    ];
}

/// What the truth says of a scope.
#[derive(Clone, Debug, Default)]
pub struct TamperTruth {
    /// Each with the path or key.
    pub demands: Vec<(ExcuseReason, String)>,
    /// Each with the path or key.
    pub excuses: Vec<(Excuse, String)>,
}

impl TamperTruth {
    /// Whether something signed is missing or something unsigned is there, seen or not.
    pub fn is_tampered(&self) -> bool {
        !self.demands.is_empty() || !self.excuses.is_empty()
    }
}

impl fmt::Display for TamperTruth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (reason, what) in &self.demands {
            writeln!(f, "  must be told: {reason:?} {what}")?;
        }
        for (excuse, what) in &self.excuses {
            writeln!(f, "  cannot be seen: {excuse:?} {what}")?;
        }
        Ok(())
    }
}

/// A file below the roots.
#[derive(Debug)]
pub struct Sighting {
    /// Its path in the tree.
    pub path: String,
    /// What the path says.
    pub place: NamedPlace,
    /// What it holds.
    pub content: Arc<NodeContent>,
    /// The signed object that it is, byte for byte, in [`World::signed`].
    pub signed: Option<usize>,
}

/// What is left of an archive, the same for all scopes.
#[derive(Debug)]
pub struct Remains<'w> {
    world: &'w World,
    /// The files below the roots.
    pub files: Vec<Sighting>,
    /// Object → whether a file holds its content.
    is_present: Vec<bool>,
    /// Line → position → whether the digest is there, in a place where digests are looked for.
    is_readable: Vec<Vec<bool>>,
    /// Line → position → whether it is there, with or without something appended.
    is_authentic: Vec<Vec<bool>>,
    /// Line → position → whether it is in its place and something proves it: metadata, or the next one.
    is_proven: Vec<Vec<bool>>,
    /// Line → position → whether it lies in its own place.
    is_in_place: Vec<Vec<bool>>,
}

impl<'w> Remains<'w> {
    /// Looks at a tree that was made of a world.
    pub fn of(world: &'w World, tree: &Tree, roots: &[String]) -> Self {
        let mut files = Vec::new();
        for (path, node) in tree {
            let TreeNode::File(content) = node else { continue };
            let below = roots.iter().filter_map(|root| path.strip_prefix(root.as_str())?.strip_prefix('/'));
            let Some(below) = below.min_by_key(|below| below.len()) else { continue };
            let signed = content.sha256.as_deref().and_then(|hash| world.find(hash));
            files.push(Sighting {
                path: path.clone(),
                place: NamedPlace::of(below),
                content: Arc::clone(content),
                signed,
            });
        }
        let none: Vec<Vec<bool>> =
            world.lines.iter().map(|line| vec![false; line.chain.digests.len()]).collect();
        let mut remains = Self {
            is_present: vec![false; world.signed.len()],
            is_readable: none.clone(),
            is_authentic: none.clone(),
            is_proven: Vec::new(),
            is_in_place: none,
            world,
            files,
        };
        remains.look_for_objects();
        remains.prove(tree);
        remains
    }

    fn look_for_objects(&mut self) {
        for file in &self.files {
            let first = file.content.first.as_deref().and_then(|hash| self.world.find(hash));
            if let Some(number) = file.signed.or(first) {
                let signed = &self.world.signed[number];
                self.is_authentic[signed.line][signed.digest] |= signed.is_digest();
            }
            let Some(number) = file.signed else { continue };
            self.is_present[number] = true;
            let signed = &self.world.signed[number];
            let is_digest_name = matches!(file.place.name, NameKind::Digest(_));
            if signed.is_digest() && (is_digest_name || file.path.contains("CloudTrail-Digest")) {
                self.is_readable[signed.line][signed.digest] = true;
                self.is_in_place[signed.line][signed.digest] |= file.path == self.world.path(signed);
            }
        }
    }

    /// Which digests are proven: by a sidecar in its place or the manifest, or by the next one.
    fn prove(&mut self, tree: &Tree) {
        let mut proven = Vec::new();
        for (number, line) in self.world.lines.iter().enumerate() {
            let mut of_line = vec![false; line.chain.digests.len()];
            for segment in &line.segments {
                let mut is_next_proven = false;
                for position in segment.clone().rev() {
                    let digest = &line.chain.digests[position];
                    let path = self.world.layout.path(&digest.document.s3_bucket, digest.object());
                    let sidecar = tree.get(&format!("{path}.metadata.json")).and_then(TreeNode::file);
                    let is_signature_there = self.world.signatures == Signatures::Manifest
                        || sidecar.is_some_and(|file| holds(&file.bytes, digest.signature.as_bytes()));
                    let is_proven =
                        self.is_in_place[number][position] && (is_signature_there || is_next_proven);
                    of_line[position] = is_proven;
                    is_next_proven = is_proven;
                }
            }
            proven.push(of_line);
        }
        self.is_proven = proven;
    }

    /// Whether what a file holds was signed, and a digest that is there says so, for the place in which it lies.
    ///
    /// The only bytes whose rows may be called verified.
    pub fn may_be_verified(&self, file: &Sighting) -> bool {
        file.signed.is_some_and(|number| {
            let signed = &self.world.signed[number];
            self.is_authentic[signed.line][signed.digest] && self.fits(file, signed)
        })
    }

    /// Whether a log is AWS's, wherever it lies, and its digest is proven in its own place: where nobody tampered,
    /// its rows are verified (docs/spec/verification.md 5, row 69).
    pub fn is_proven_copy(&self, file: &Sighting) -> bool {
        file.signed.is_some_and(|number| {
            let signed = &self.world.signed[number];
            self.is_proven[signed.line][signed.digest] && !signed.is_digest() && self.fits(file, signed)
        })
    }

    /// Whether a log lies in its own place as it was signed, and everything that proves it does too: its rows must
    /// be called verified.
    pub fn must_be_verified(&self, file: &Sighting) -> bool {
        file.signed.is_some_and(|number| {
            let signed = &self.world.signed[number];
            let is_own = number < self.world.owned_signed;
            is_own
                && !signed.is_digest()
                && file.path == self.world.path(signed)
                && self.is_proven[signed.line][signed.digest]
                && self.is_in_place[signed.line][signed.digest]
        })
    }

    /// The archive's object with a key, and whether it is a starting digest.
    pub fn own(&self, key: &str) -> Option<(&'w Signed, bool)> {
        let one = self.world.own().iter().find(|one| one.key == key)?;
        let line = &self.world.lines[one.line];
        let is_first = one.digest == line.segments[one.segment].start;
        Some((one, one.is_digest() && is_first && !line.chain.is_backfill))
    }

    /// Whether the archive's log with a key lies in its place as it was signed, and its digest is proven there.
    pub fn is_sound(&self, key: &str) -> bool {
        let path = self.own(key).map(|(one, _)| self.world.path(one));
        path.is_some_and(|path| {
            self.files.iter().any(|file| file.path == path && self.must_be_verified(file))
        })
    }

    /// Whether an object may lie in a place: the account and region that the place states are its own. Outside AWS's
    /// layout a name says more than folders do.
    fn fits(&self, file: &Sighting, signed: &Signed) -> bool {
        let chain = &self.world.lines[signed.line].chain;
        let place = &file.place;
        let fits_folders = || {
            place.account.as_ref().is_none_or(|account| *account == chain.account)
                && place.region.as_ref().is_none_or(|region| *region == chain.region)
        };
        (fits_folders() || (!place.is_in_layout && place.named.is_some()))
            && place.named.as_ref().is_none_or(|(account, region)| {
                *account == chain.account && region.eq_ignore_ascii_case(&chain.region)
            })
    }

    /// What must be told of a scope, and what cannot be.
    pub fn truth(&self, scope: &TamperScope) -> TamperTruth {
        let mut truth = TamperTruth::default();
        self.missing(scope, &mut truth);
        for file in &self.files {
            self.file(file, scope, &mut truth);
        }
        truth
    }

    /// Which digests are there where a scope looks for them.
    fn readable(&self, scope: &TamperScope) -> Vec<Vec<bool>> {
        let mut readable = self.is_readable.clone();
        if scope.accounts.is_empty() && scope.regions.is_empty() {
            return readable;
        }
        readable.iter_mut().flatten().for_each(|is_readable| *is_readable = false);
        for file in &self.files {
            let Some(signed) = file.signed.map(|number| &self.world.signed[number]) else { continue };
            let is_asked = scope.holds_names(file.place.account.as_deref(), file.place.region.as_deref());
            if signed.is_digest() && is_asked {
                readable[signed.line][signed.digest] = self.is_readable[signed.line][signed.digest];
            }
        }
        readable
    }

    fn missing(&self, scope: &TamperScope, truth: &mut TamperTruth) {
        let readable = self.readable(scope);
        for (number, signed) in self.world.own().iter().enumerate() {
            let line = &self.world.lines[signed.line];
            if self.is_present[number] || !line.is_in(scope) || !scope.overlaps(signed.start, signed.end) {
                continue;
            }
            if !signed.is_digest() {
                let place = NamedPlace::of(&signed.key);
                let is_asked = place.stamp.is_some_and(|stamp| scope.surely_contains(stamp));
                if is_asked && readable[signed.line][signed.digest] {
                    truth.demands.push((ExcuseReason::LogNamed, signed.key.clone()));
                }
                // What a digest's absence comes to is said of the digest, not of its logs.
                continue;
            }
            // A starting digest covers nothing; a span that ends in its hour asks for nothing of it.
            let is_starting = signed.digest == line.segments[signed.segment].start && !line.chain.is_backfill;
            if is_starting && scope.end.is_some_and(|end| end <= signed.end) {
                continue;
            }
            match self.missing_digest(signed, line, &readable[signed.line], scope) {
                Ok(reason) => truth.demands.push((reason, signed.key.clone())),
                Err(excuse) => truth.excuses.push((excuse, signed.key.clone())),
            }
        }
    }

    fn missing_digest(
        &self,
        signed: &Signed,
        line: &Line,
        readable: &[bool],
        scope: &TamperScope,
    ) -> Result<ExcuseReason, Excuse> {
        let segment = &line.segments[signed.segment];
        if readable[signed.digest + 1..segment.end].contains(&true) {
            return Ok(ExcuseReason::DigestNamedByLater);
        }
        if line.chain.is_backfill {
            return Err(Excuse::Backfill);
        }
        let is_before = readable[..signed.digest].contains(&true);
        let is_after = readable[segment.end..].contains(&true);
        if !is_before && !is_after {
            return Err(Excuse::WholeChain);
        }
        if is_before && is_after {
            return Ok(ExcuseReason::GapGrown);
        }
        if is_after {
            let is_asked = scope.start.is_some();
            return if is_asked { Ok(ExcuseReason::AskedSpanNotCovered) } else { Err(Excuse::BeforeRestart) };
        }
        if scope.end.is_some() {
            return Ok(ExcuseReason::AskedSpanNotCovered);
        }
        if self.is_behind_peers(signed.line, scope) {
            Ok(ExcuseReason::HeadBehindPeers)
        } else {
            Err(Excuse::Newest)
        }
    }

    /// Whether other regions or accounts of the trail reach more than two hours further than this chain, and no
    /// event that ended the trail explains it (28, 29, 72).
    fn is_behind_peers(&self, number: usize, scope: &TamperScope) -> bool {
        let line = &self.world.lines[number];
        let Some(head) = head(line, &self.is_readable[number]) else { return false };
        let is_explained =
            line.is_ended && line.stops.last().is_some_and(|stop| head >= stop.time.plus(-HOUR - HOUR / 4));
        if is_explained {
            return false;
        }
        let chain = &line.chain;
        self.world.lines.iter().enumerate().any(|(other, peer)| {
            let of = &peer.chain;
            let is_peer = other != number
                && other < self.world.owned
                && !of.is_backfill
                && (&of.trail, &of.home_region) == (&chain.trail, &chain.home_region)
                && (of.account == chain.account
                    || (of.organization.is_some() && of.organization == chain.organization));
            // Of those that are not asked for only the names are read.
            let known = if peer.is_in(scope) { &self.is_readable } else { &self.is_in_place };
            let newest = self::head(peer, &known[other]);
            is_peer && newest.is_some_and(|newest| newest.since(head) > 2 * HOUR)
        })
    }

    fn file(&self, file: &Sighting, scope: &TamperScope, truth: &mut TamperTruth) {
        let Some(reason) = self.what_is_wrong(file) else { return };
        if !scope.surely_holds(&file.place) || !self.is_of_trail(file, scope) {
            return;
        }
        match reason {
            Ok(reason) => truth.demands.push((reason, file.path.clone())),
            Err(excuse) => truth.excuses.push((excuse, file.path.clone())),
        }
    }

    /// A log's name tells no trail: it may be of any that delivers to the account and region.
    fn is_of_trail(&self, file: &Sighting, scope: &TamperScope) -> bool {
        if scope.trails.is_empty() {
            return true;
        }
        if let NameKind::Digest(trail) = &file.place.name {
            return scope.holds_trail(trail);
        }
        // What an authentic digest of another trail says of its name is that trail's.
        if let Some(signed) = self.named_like(file) {
            return scope.holds_trail(&self.world.lines[signed.line].chain.trail);
        }
        self.world.lines[..self.world.owned].iter().enumerate().any(|(number, line)| {
            let chain = &line.chain;
            scope.holds_trail(&chain.trail)
                && file.place.account.as_ref() == Some(&chain.account)
                && file.place.region.as_ref() == Some(&chain.region)
                && self.is_proven[number].contains(&true)
        })
    }

    fn named_like(&self, file: &Sighting) -> Option<&'w Signed> {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        if file.place.is_named() { self.world.named(name) } else { None }
    }

    fn what_is_wrong(&self, file: &Sighting) -> Option<Result<ExcuseReason, Excuse>> {
        let content = &file.content;
        if content.is_digest {
            return match file.signed.map(|number| &self.world.signed[number]) {
                Some(signed) if self.is_misplaced_digest(file, signed) => Some(Ok(ExcuseReason::Misplaced)),
                Some(signed) => self.displaced(file, signed),
                None => Some(self.where_looked_for(file, ExcuseReason::UnsignedDigest)),
            };
        }
        if let Some(number) = file.signed {
            let signed = &self.world.signed[number];
            if !self.fits(file, signed) {
                return Some(self.where_looked_for(file, ExcuseReason::Misplaced));
            }
            if !self.is_readable[signed.line][signed.digest] {
                return Some(self.where_looked_for(file, ExcuseReason::UnsignedEvents));
            }
            return self.displaced(file, signed);
        }
        // Object metadata may be saved under a digest's name, beside it.
        let is_metadata = || parse_sidecar(&content.bytes).is_ok_and(|metadata| metadata.signature.is_some());
        if self.named_like(file).is_some() && (content.has_events || !is_metadata()) {
            return Some(Ok(ExcuseReason::Impostor));
        }
        if content.has_events {
            return Some(self.where_looked_for(file, ExcuseReason::UnsignedEvents));
        }
        let is_damaged = content.sha256.is_none() && !content.bytes.is_empty();
        (is_damaged && file.place.is_named()).then_some(Ok(ExcuseReason::Damaged))
    }

    /// What was signed lies in the own place of something else that was signed.
    fn displaced(&self, file: &Sighting, signed: &Signed) -> Option<Result<ExcuseReason, Excuse>> {
        let named = self.named_like(file)?;
        let is_other = named.key != signed.key;
        (is_other && file.path == self.world.path(named)).then_some(Ok(ExcuseReason::Impostor))
    }

    fn is_misplaced_digest(&self, file: &Sighting, signed: &Signed) -> bool {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let of_trail = DigestName::parse(name).is_ok_and(|name| {
            let chain = &self.world.lines[signed.line].chain;
            (name.trail, name.home_region) != (chain.trail.as_str(), chain.home_region.as_str())
        });
        of_trail || !self.fits(file, signed)
    }

    /// Whether CloudTrail's files are looked for in a place: below `AWSLogs`, under a name of a log or digest, and
    /// in a folder that holds such files.
    fn where_looked_for(&self, file: &Sighting, reason: ExcuseReason) -> Result<ExcuseReason, Excuse> {
        let place = &file.place;
        if place.is_named() {
            return Ok(reason);
        }
        if place.is_in_layout {
            return if place.is_of_other_service { Err(Excuse::OtherService) } else { Ok(reason) };
        }
        if place.is_in_kind && matches!(self.world.layout, Layout::Cut(_)) {
            return Ok(reason);
        }
        let folder = folder_of(&file.path);
        let is_among_logs = self.files.iter().any(|other| {
            other.place.is_named() && other.signed.is_some() && folder_of(&other.path) == folder
        });
        if is_among_logs { Ok(reason) } else { Err(Excuse::OutsideLayout) }
    }
}

/// The end of the newest digest of a chain that is there.
fn head(line: &Line, is_there: &[bool]) -> Option<Timestamp> {
    let newest = is_there.iter().rposition(|is| *is)?;
    Some(line.chain.digests[newest].end())
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}
