//! The state of a trail that was delivered before and whose state is lost, from what lies in its bucket.
//!
//! Events of the journal that stand in a log file there are not delivered again; a log file that no digest names yet is
//! named by the next one; and the chains of digests go on behind their newest digests, which are never written over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use trailseal_archive::gzip::{Form, inflate_all};
use trailseal_archive::key::{DigestName, is_region_like};
use trailseal_archive::metadata::parse_sidecar;
use trailseal_archive::{Timestamp, trail::DeliveredTrail};

use super::listing;
use super::logs::{Facts, MAX_INFLATED};
use super::state::{Chain, LogRow, Previous, TrailState};
use super::{LiveError, second_of};
use crate::digest::sha256_hex;
use crate::journal::{Journal, JournalEntry, JournalPosition};
use crate::write::sidecar_name;

const DAY: i64 = 86_400;

/// What was found of a trail whose state is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuiltTrail {
    /// Its ARN.
    pub arn: String,
    /// The file that is not there.
    pub state: PathBuf,
    /// Entries that the journal still holds.
    pub entries: u64,
    /// Of these, how many stand in log files of the bucket: they are not delivered again.
    pub delivered: u64,
    /// The log files that were read.
    pub log_files: u64,
    /// Of these, how many no digest names yet: the next one does.
    pub pending: u64,
    /// The newest digests behind which the chains go on, one a Region; empty where chains begin anew.
    pub chains: Vec<String>,
    /// Files that could not be read: what stands in them is delivered again.
    pub unreadable: Vec<PathBuf>,
}

/// How often each event of the journal stands in log files of a trail, by a hash of its bytes.
pub(super) type DeliveredEvents = HashMap<[u8; 16], u32>;

pub(super) fn hash_of(event: &[u8]) -> [u8; 16] {
    let hash: [u8; 32] = Sha256::digest(event).into();
    *hash.first_chunk().expect("32 bytes have 16")
}

/// A log file of a bucket.
struct FoundLog {
    region: String,
    row: LogRow,
}

/// What lies in the bucket of a trail.
struct InBucket {
    events: DeliveredEvents,
    logs: Vec<FoundLog>,
    digests: Digests,
    read: u64,
    unreadable: Vec<PathBuf>,
}

/// The digests of a bucket.
#[derive(Default)]
struct Digests {
    /// The ends and paths of the trail's newest, by Region.
    newest: BTreeMap<String, (Timestamp, PathBuf)>,
    /// The log files that the trail's digests name.
    named: BTreeSet<String>,
    /// Those that only digests of others name.
    foreign: BTreeSet<String>,
    unreadable: Vec<PathBuf>,
}

/// The state of a trail as far as it can be told, what was found, and what it was compared with.
pub(super) fn rebuild(
    spec: &DeliveredTrail,
    path: &Path,
    journal: &Journal,
    buckets: &Path,
) -> Result<(TrailState, RebuiltTrail, DeliveredEvents), LiveError> {
    let found = in_bucket(spec, journal, buckets)?;
    let mut state = TrailState::new(spec, journal.first().0);
    state.spec.logging_until = None;
    state.active = true;
    state.skip_before = Some(spec.logging_since);
    state.compare_until = Some(journal.end().0);
    state.last_end = found.digests.newest.values().map(|(end, _)| *end).max();
    let mut rebuilt = RebuiltTrail {
        arn: spec.arn.clone(),
        state: path.to_owned(),
        entries: journal.end().0 - journal.first().0,
        delivered: found.events.values().map(|count| u64::from(*count)).sum(),
        log_files: found.read,
        pending: 0,
        chains: Vec::new(),
        unreadable: found.unreadable.into_iter().chain(found.digests.unreadable.iter().cloned()).collect(),
    };
    if spec.validation {
        chains(&mut state, &found.digests, buckets, &mut rebuilt);
        for FoundLog { region, row } in found.logs {
            if !found.digests.named.contains(&row.key) {
                state.chains.entry(region).or_default().logs.push(row);
                rebuilt.pending += 1;
            }
        }
    }
    if let Some(until) = spec.logging_until
        && rebuilt.pending == 0
        && (!spec.validation || state.last_end >= Some(second_of(until)))
        && is_all_there(spec, until, journal, &found.events)?
    {
        // it was delivered to its end: nothing more is to be written for it
        let last_end = state.last_end;
        state = TrailState::new(spec, journal.end().0);
        state.last_end = last_end;
        state.finished = Some(spec.logging_since);
    }
    Ok((state, rebuilt, found.events))
}

/// Whether all events of a run that is over stand in log files, those too that the trail's selectors may leave out.
fn is_all_there(
    spec: &DeliveredTrail,
    until: i64,
    journal: &Journal,
    events: &DeliveredEvents,
) -> Result<bool, LiveError> {
    for read in journal.read_from(journal.first()) {
        let (_, entry) = read?;
        let is_of_run = (spec.logging_since..until).contains(&entry.received());
        let is_seen = || spec.sees(entry.account(), entry.region(), &Facts::of(&entry).source);
        if is_of_run && is_seen() && events.get(&hash_of(entry.event())).is_none_or(|count| *count == 0) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is compared after a restart: the rest of a comparison that was not done.
pub(super) fn delivered_events(
    spec: &DeliveredTrail,
    journal: &Journal,
    buckets: &Path,
) -> Result<DeliveredEvents, LiveError> {
    Ok(in_bucket(spec, journal, buckets)?.events)
}

/// Begins the chains where the newest digests end. If one of those cannot be followed, all chains begin anew behind
/// them: their windows meet at the same times, and nothing may be written over.
fn chains(state: &mut TrailState, digests: &Digests, buckets: &Path, rebuilt: &mut RebuiltTrail) {
    let since = second_of(state.spec.logging_since);
    let home = state.spec.home_region.clone();
    let last = state.last_end.filter(|last| *last >= since);
    let newest = digests.newest.iter().filter(|(_, (end, _))| Some(*end) == last);
    let followed: Option<BTreeMap<String, Chain>> = newest
        .map(|(region, (_, path))| {
            let previous = Some(previous(path, buckets, &state.spec.bucket)?);
            Some((region.clone(), Chain { previous, ..Chain::default() }))
        })
        .collect();
    match followed.filter(|chains| !chains.is_empty()) {
        Some(chains) => {
            rebuilt.chains =
                chains.values().filter_map(|chain| Some(chain.previous.as_ref()?.key.clone())).collect();
            state.window_start = last;
            state.chains = chains;
        }
        None => state.window_start = Some(state.chain_start(since)),
    }
    state.chains.entry(home).or_default();
}

/// A digest as the next one names it; `None` without a signature.
fn previous(path: &Path, buckets: &Path, bucket: &str) -> Option<Previous> {
    let key = key_of(path, &buckets.join(bucket))?;
    let content = content(path).ok()??;
    let beside = path.with_file_name(sidecar_name(path.file_name()?.to_str()?));
    let signature = parse_sidecar(&fs::read(beside).ok()?).ok()?.signature?;
    Some(Previous { bucket: bucket.to_owned(), key, hash: sha256_hex(&content), signature })
}

fn in_bucket(spec: &DeliveredTrail, journal: &Journal, buckets: &Path) -> Result<InBucket, LiveError> {
    let mut events = DeliveredEvents::new();
    for read in journal.read_from(journal.first()) {
        let (_, entry) = read?;
        events.insert(hash_of(entry.event()), 0);
    }
    let bucket = buckets.join(&spec.bucket);
    // log files are named by the day of their delivery, which is not before the events came
    let first_day = second_of(spec.logging_since).plus(-DAY).date_folders();
    let digests = Digests::read(spec, &bucket, &first_day)?;
    let (mut logs, mut unreadable, mut read) = (Vec::new(), Vec::new(), 0);
    each_file(spec, "CloudTrail", &bucket, &first_day, &mut |region, path| {
        let Some(key) = key_of(path, &bucket) else { return };
        if digests.foreign.contains(&key) {
            return;
        }
        let Ok(Some(content)) = content(path) else {
            unreadable.push(path.to_owned());
            return;
        };
        let Ok(document) = serde_json::from_slice::<LogDocument<'_>>(&content) else {
            unreadable.push(path.to_owned());
            return;
        };
        read += 1;
        let mut span: Option<(Timestamp, Timestamp)> = None;
        for record in document.records {
            if let Some(count) = events.get_mut(&hash_of(record.get().as_bytes())) {
                *count += 1;
            }
            let entry = JournalEntry::new(&spec.account, region, spec.logging_since, record.get().as_bytes());
            let Ok(entry) = entry else { continue };
            let time = Facts::of(&entry).time;
            span = Some(span.map_or((time, time), |(oldest, newest)| (oldest.min(time), newest.max(time))));
        }
        let Some((oldest, newest)) = span else { return };
        let row = LogRow { bucket: spec.bucket.clone(), key, hash: sha256_hex(&content), oldest, newest };
        logs.push(FoundLog { region: region.to_owned(), row });
    })?;
    Ok(InBucket { events, logs, digests, read, unreadable })
}

impl Digests {
    fn read(spec: &DeliveredTrail, bucket: &Path, first_day: &str) -> Result<Self, LiveError> {
        let mut digests = Self::default();
        each_file(spec, "CloudTrail-Digest", bucket, "", &mut |region, path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Ok(name) = DigestName::parse(name) else { return };
            let is_own = name.trail == spec.name && name.home_region == spec.home_region;
            if is_own && digests.newest.get(region).is_none_or(|(end, _)| *end < name.end) {
                digests.newest.insert(region.to_owned(), (name.end, path.to_owned()));
            }
            if *name.end.date_folders() < *first_day {
                return;
            }
            let named = content(path).ok().flatten();
            let named = named.and_then(|content| serde_json::from_slice::<DigestFile>(&content).ok());
            let Some(DigestFile { logs }) = named else {
                digests.unreadable.push(path.to_owned());
                return;
            };
            let set = if is_own { &mut digests.named } else { &mut digests.foreign };
            set.extend(logs.into_iter().map(|log| log.key));
        })?;
        let Self { named, foreign, .. } = &mut digests;
        foreign.retain(|key| !named.contains(key));
        Ok(digests)
    }
}

#[derive(Deserialize)]
struct LogDocument<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct DigestFile {
    #[serde(rename = "logFiles", default)]
    logs: Vec<NamedLog>,
}

#[derive(Deserialize)]
struct NamedLog {
    #[serde(rename = "s3Object")]
    key: String,
}

/// Shows the files of a kind below the trail's folders, of the days from `first_day` (as `YYYY/MM/DD`) on, with their
/// Regions. What is not there has no files; links are not followed.
fn each_file(
    spec: &DeliveredTrail,
    kind: &str,
    bucket: &Path,
    first_day: &str,
    visit: &mut dyn FnMut(&str, &Path),
) -> Result<(), LiveError> {
    // the prefix of a Region whose name is empty is that of all
    let all = bucket.join(spec.key_prefix(kind, "").trim_end_matches('/'));
    for (region, folder) in entries(&all, true)?.into_iter().filter(|(region, _)| is_region_like(region)) {
        for (year, folder) in entries(&folder, true)? {
            for (month, folder) in entries(&folder, true)? {
                for (day, folder) in entries(&folder, true)? {
                    if *format!("{year}/{month}/{day}") < *first_day {
                        continue;
                    }
                    for (name, path) in entries(&folder, false)? {
                        if name.ends_with(".json.gz") {
                            visit(&region, &path);
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

/// The folders in a folder, or the files, by name.
fn entries(folder: &Path, folders: bool) -> Result<Vec<(String, PathBuf)>, LiveError> {
    let mut found = Vec::new();
    for entry in listing::entries(folder)? {
        let kind = entry.file_type().map_err(|source| LiveError::read(folder, source))?;
        if (if folders { kind.is_dir() } else { kind.is_file() })
            && let Ok(name) = entry.file_name().into_string()
        {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// The content of a gzip file; `None` if it is none.
fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let (bytes, form, _) = inflate_all(File::open(path)?, MAX_INFLATED)?;
    Ok((form == Form::Gzip).then_some(bytes))
}

fn key_of(path: &Path, bucket: &Path) -> Option<String> {
    path.strip_prefix(bucket).ok()?.to_str().map(str::to_owned)
}

/// Where a position stands in a comparison: entries before the end that is asked for are compared.
pub(super) fn is_compared(state: &TrailState, position: JournalPosition) -> bool {
    state.compare_until.is_some_and(|until| position.0 < until)
}
