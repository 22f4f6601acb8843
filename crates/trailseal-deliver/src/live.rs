//! Delivers what a journal holds: for every trail that logs, log files and signed digest files.
//!
//! [`Deliverer::tick`] is called every second or so, with the journal, the trails and the time; it has no
//! clock and no threads. What lies on the disk, below the folders of [`Folders`]:
//!
//! | path | what |
//! | --- | --- |
//! | `BUCKET/[PREFIX/]AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/…json.gz` | log files |
//! | `BUCKET/[PREFIX/]AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/…json.gz` | digest files, each with its sidecar `…json.gz.metadata.json` |
//! | `_trailseal/delivery/HASH.json` | the state of a trail: how far the journal is delivered, the log files that no digest names yet, the newest digests, and what is being written |
//! | `_trailseal/keys/public-keys.json` | the public keys of all Regions |
//! | `_trailseal/keys/private/REGION_FINGERPRINT.key` | the private keys, readable by the owner alone |
//!
//! Every file is written under a temporary name (`.HASH.tmp`), synced, renamed, and its folder synced.
//!
//! Log files: their names and hashes are saved in the trail's state, then they are written, then the state
//! says that they are delivered. After a crash in between, those that are there are kept and named by the
//! next digest, and if any is missing, all their events are delivered again. So every event is in a log
//! file at least once, and every log file that was delivered while validation was on is in a digest.
//!
//! Digests: the end of the window is saved, then the digests are written, then the state moves on. The same
//! state gives the same digests, so after a crash they are written over.
#![allow(clippy::doc_markdown)] // the table's paths

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use trailseal_archive::{Timestamp, trail::DeliveredTrail};

mod digests;
mod error;
mod keyring;
mod listing;
mod logs;
mod rebuild;
mod salvage;
mod state;
mod trail;

pub use error::LiveError;
pub use keyring::{PublishedKeys, RegionKeys};
pub use rebuild::RebuiltTrail;
pub use salvage::{LostFile, SalvagedState, SalvagedStates, salvage};

use self::keyring::SigningKeys;
use self::state::TrailState;
use self::trail::Trail;
use crate::journal::disk::Disk;
use crate::journal::{Journal, JournalPosition};
use crate::write::DEFAULT_GZIP_LEVEL;

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Folders {
    /// The folder of buckets.
    pub buckets: PathBuf,
    /// The states of trails.
    pub delivery: PathBuf,
    /// Keys.
    pub keys: PathBuf,
}

impl Folders {
    /// The folder of all that is no bucket: no bucket is called so.
    pub const OWN: &str = "_trailseal";

    /// A data folder: buckets directly below it, the rest below [`OWN`](Self::OWN).
    pub fn below(data: &Path) -> Self {
        let own = data.join(Self::OWN);
        Self { buckets: data.to_owned(), delivery: own.join("delivery"), keys: own.join("keys") }
    }
}

/// How to deliver.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// Where.
    pub folders: Folders,
    /// Seconds between deliveries of log files. Default 300.
    pub delivery_interval: i64,
    /// Seconds that a digest covers. Default 3600.
    pub digest_interval: i64,
    /// Regions in which a multi-Region trail has chains of digests from its start; in others it has one
    /// from its first event on. Default none.
    pub regions: Vec<String>,
    /// 0 to 9.
    pub gzip_level: u32,
    /// The disk.
    pub disk: Disk,
}

impl LiveOptions {
    /// The defaults.
    pub fn new(folders: Folders) -> Self {
        Self {
            folders,
            delivery_interval: 300,
            digest_interval: 3600,
            regions: Vec::new(),
            gzip_level: DEFAULT_GZIP_LEVEL,
            disk: Disk::default(),
        }
    }
}

/// What a call of [`Deliverer::tick`] is given.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// The journal.
    pub journal: &'a Journal,
    /// Entries from here on are left for the next call. To be taken from [`Journal::end`] before the trails
    /// are listed: then no entry is decided upon without a trail that was started before it came.
    pub until: JournalPosition,
    /// The trails that log, and those that stopped since the last call. A trail that was delivered before
    /// and is not here any more (deleted, stopped) is delivered up to `until` and ended.
    pub trails: &'a [DeliveredTrail],
    /// The time.
    pub now: Timestamp,
    /// What is to be done.
    pub due: Due,
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// What the intervals say, and what trails need that were started, stopped or changed.
    ByTime,
    /// Only the latter; what is due by time waits for another call.
    Turns,
    /// Log files whatever the interval, and the ends of windows that have any: after it every log file is named by a
    /// digest.
    Everything,
}

/// What a call did.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// One entry a trail, by ARN.
    pub trails: Vec<TrailOutcome>,
    /// Entries before it are delivered wherever they are wanted; for [`Journal::release`].
    pub delivered: JournalPosition,
}

/// What a call did for a trail, for GetTrailStatus.
#[derive(Clone, Debug)]
pub struct TrailOutcome {
    /// The trail.
    pub arn: String,
    /// Log files delivered.
    pub log_files: u64,
    /// Events in them.
    pub events: u64,
    /// Digest files delivered.
    pub digests: u64,
    /// When log files were delivered, if any were.
    pub latest_delivery: Option<Timestamp>,
    /// When digests were delivered, if any were.
    pub latest_digest_delivery: Option<Timestamp>,
    /// Why log files could not be delivered. They are tried again by the next call.
    pub delivery_error: Option<LiveError>,
    /// Why digest files could not be delivered. They are tried again by the next call.
    pub digest_error: Option<LiveError>,
    /// The trail does not log any more and nothing is left to do for it.
    pub is_finished: bool,
}

/// Delivers; one a data folder.
#[derive(Debug)]
pub struct Deliverer {
    options: LiveOptions,
    keys: SigningKeys,
    trails: BTreeMap<String, Trail>,
    /// Never goes back.
    clock: Timestamp,
}

/// What all trails share in a call.
struct Context<'a> {
    round: &'a Round<'a>,
    options: &'a LiveOptions,
    wants: &'a dyn Fn(&DeliveredTrail, &[u8]) -> bool,
    clock: Timestamp,
}

impl Deliverer {
    /// Opens the folders, which are made if they are missing. The journal's lock is what keeps a second
    /// process out, so open the journal first.
    ///
    /// # Errors
    /// [`LiveError`]: not readable, not writable or damaged.
    pub fn open(options: LiveOptions) -> Result<Self, LiveError> {
        let folder = &options.folders.delivery;
        let created = options.disk.create_folders(folder, true);
        created.map_err(|source| LiveError::write(folder, source))?;
        let keys = SigningKeys::open(&options.folders.keys, &options.disk)?;
        let mut clock = second_of(0);
        let mut trails = BTreeMap::new();
        for state in state::load_all(folder)? {
            clock = state.last_end.into_iter().chain(state.window_start).fold(clock, Timestamp::max);
            let path = state::path_of(folder, &state.spec.arn);
            trails.insert(state.spec.arn.clone(), Trail::new(state, path, true));
        }
        Ok(Self { options, keys, trails, clock })
    }

    /// Does what is due. `wants` evaluates a trail's selectors on an event record; which Regions and
    /// accounts a trail sees is decided before.
    ///
    /// Errors are those of single trails, and all is tried again by the next call. Times of digests and log
    /// files never go back, even if `now` does.
    pub fn tick(&mut self, round: &Round<'_>, wants: &dyn Fn(&DeliveredTrail, &[u8]) -> bool) -> Outcome {
        self.clock = self.clock.max(round.now);
        let first = round.journal.first();
        let mut outcome = Outcome { trails: Vec::new(), delivered: round.until };
        for spec in round.trails {
            if self.trails.contains_key(&spec.arn) {
                continue;
            }
            if let Err(reason) = spec.check() {
                let error = Some(LiveError::Trail { reason });
                outcome.trails.push(TrailOutcome { delivery_error: error, ..TrailOutcome::new(&spec.arn) });
                outcome.delivered = outcome.delivered.min(first);
            } else {
                let path = state::path_of(&self.options.folders.delivery, &spec.arn);
                let trail = Trail::new(TrailState::new(spec, first.0), path, false);
                self.trails.insert(spec.arn.clone(), trail);
            }
        }
        let cx = Context { round, options: &self.options, wants, clock: self.clock };
        let specs: BTreeMap<&str, &DeliveredTrail> =
            round.trails.iter().map(|s| (s.arn.as_str(), s)).collect();
        let mut idle = BTreeSet::new();
        for (arn, trail) in &mut self.trails {
            let spec = specs.get(arn.as_str()).copied();
            if spec.is_none() && !trail.is_busy() {
                if trail.saved.is_none() {
                    idle.insert(arn.clone());
                }
                continue;
            }
            let mut out = TrailOutcome::new(arn);
            trail.run(spec, &cx, &mut self.keys, &mut out);
            if trail.is_busy() || out.delivery_error.is_some() {
                let needed = trail.saved.map_or(first, JournalPosition);
                outcome.delivered = outcome.delivered.min(needed);
            }
            outcome.trails.push(out);
        }
        self.trails.retain(|arn, _| !idle.contains(arn));
        outcome
    }

    /// For a journal that ends before what was delivered, because it was cut or replaced: what comes into it from
    /// now on is delivered. To be called before anything is appended. Says which trails were ahead, and how far.
    pub fn follow_journal(&mut self, end: JournalPosition) -> Vec<(String, JournalPosition)> {
        let ahead = self.trails.iter_mut().filter_map(|(arn, trail)| {
            let was = trail.follow_journal(end.0)?;
            Some((arn.clone(), JournalPosition(was)))
        });
        ahead.collect()
    }

    /// Whether a state of the trail is there, whatever it does.
    pub fn knows(&self, arn: &str) -> bool {
        self.trails.contains_key(arn)
    }

    /// For a trail that was delivered before and whose state is lost: what lies in its bucket says what of the journal is
    /// delivered, and where its chains of digests go on. To be called before the first [`Self::tick`].
    ///
    /// # Errors
    /// [`LiveError`]: the trail cannot be delivered at all, or its bucket cannot be listed.
    pub fn rebuild(&mut self, spec: &DeliveredTrail, journal: &Journal) -> Result<RebuiltTrail, LiveError> {
        spec.check().map_err(|reason| LiveError::Trail { reason })?;
        let path = state::path_of(&self.options.folders.delivery, &spec.arn);
        let buckets = &self.options.folders.buckets;
        let (state, rebuilt, delivered) = rebuild::rebuild(spec, &path, journal, buckets)?;
        self.clock = state.last_end.into_iter().chain(state.window_start).fold(self.clock, Timestamp::max);
        self.trails.insert(spec.arn.clone(), Trail::rebuilt(state, path, delivered));
        Ok(rebuilt)
    }

    /// The trails that log, as far as is known here.
    pub fn active(&self) -> impl Iterator<Item = &str> {
        self.trails.iter().filter(|(_, trail)| trail.state.active).map(|(arn, _)| arn.as_str())
    }

    /// How many public keys are there without the files of their private parts, which were lost.
    pub fn orphaned_keys(&self) -> usize {
        self.keys.orphans()
    }

    /// The public keys of all Regions, for ListPublicKeys.
    pub fn public_keys(&self) -> PublishedKeys {
        self.keys.published()
    }
}

impl TrailOutcome {
    fn new(arn: &str) -> Self {
        Self {
            arn: arn.to_owned(),
            log_files: 0,
            events: 0,
            digests: 0,
            latest_delivery: None,
            latest_digest_delivery: None,
            delivery_error: None,
            digest_error: None,
            is_finished: false,
        }
    }

    fn note_log(&mut self, events: u64, cx: &Context<'_>) {
        self.log_files += 1;
        self.events += events;
        self.latest_delivery = Some(cx.clock);
    }

    fn note_digests(&mut self, digests: u64, cx: &Context<'_>) {
        if digests > 0 {
            self.digests += digests;
            self.latest_digest_delivery = Some(cx.clock);
        }
    }
}

/// The second of a time in milliseconds, within the years 1970 to 9999.
fn second_of(millis: i64) -> Timestamp {
    let seconds = millis.div_euclid(1000).clamp(0, 253_402_300_799);
    Timestamp::from_epoch(seconds).expect("a second of the years 1970 to 9999")
}
