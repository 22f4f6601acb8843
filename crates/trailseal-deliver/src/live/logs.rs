//! Entries of the journal into log files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;
use serde_json::Value;
use trailseal_archive::Timestamp;
use trailseal_archive::gzip::{Form, inflate_all};

use super::rebuild::{DeliveredEvents, hash_of, is_compared};
use super::state::{LogRow, PlannedLog, TrailState};
use super::{Context, LiveError, second_of};
use crate::digest::sha256_hex;
use crate::journal::{JournalEntry, JournalPosition};
use crate::write::{GzipWriter, log_file_name};

/// A log file gets no more events once its records are so long, inflated.
const FILE_BYTES: usize = 8 << 20;
/// So many bytes of records are gathered before files are written.
const ROUND_BYTES: usize = 32 << 20;
/// What a log file that we wrote may inflate to: one more entry of the journal's longest.
pub(super) const MAX_INFLATED: u64 = 128 << 20;

/// What was gathered.
pub(super) struct Gathered {
    /// The entry after the last one that was looked at.
    pub(super) to: u64,
    pub(super) files: Vec<PlannedLog>,
    pub(super) skip_before: Option<i64>,
    /// Nothing that the trail may have now is left.
    pub(super) is_all: bool,
    /// What stood in log files before.
    pub(super) left_out: DeliveredEvents,
}

/// A log file that is being filled.
struct Open {
    records: Vec<u8>,
    events: u64,
    oldest: Timestamp,
    newest: Timestamp,
}

/// Reads on from the trail's position, up to the first entry received at `limit` or later. Where the state was lost, what
/// is `delivered` is left out; who calls forgets these once what was gathered is planned.
pub(super) fn gather(
    state: &TrailState,
    limit: Option<i64>,
    delivered: &DeliveredEvents,
    cx: &Context<'_>,
) -> Result<Gathered, LiveError> {
    let until = cx.round.until.0;
    let mut gathered = Gathered {
        to: state.position,
        files: Vec::new(),
        skip_before: state.skip_before,
        is_all: true,
        left_out: DeliveredEvents::new(),
    };
    let mut open: BTreeMap<String, Open> = BTreeMap::new();
    let mut bytes = 0;
    let mut left_out = DeliveredEvents::new();
    if state.position > cx.round.journal.end().0 {
        let (end, delivered) = (cx.round.journal.end(), JournalPosition(state.position));
        return Err(LiveError::JournalBehind { end, delivered });
    }
    for read in cx.round.journal.read_from(JournalPosition(state.position)) {
        let (position, entry) = read?;
        if position.0 >= until || limit.is_some_and(|limit| entry.received() >= limit) {
            break;
        }
        gathered.to = position.0 + 1;
        if gathered.skip_before.is_some_and(|before| entry.received() < before) {
            continue;
        }
        gathered.skip_before = None;
        let facts = Facts::of(&entry);
        let spec = &state.spec;
        let is_seen = spec.sees(entry.account(), entry.region(), &facts.source);
        if !is_seen || !(cx.wants)(spec, entry.event()) {
            continue;
        }
        if is_compared(state, position) {
            let hash = hash_of(entry.event());
            let before = left_out.entry(hash).or_default();
            if delivered.get(&hash).is_some_and(|count| *before < *count) {
                *before += 1;
                continue;
            }
        }
        if let Some(file) = open.get_mut(entry.region()) {
            file.add(&entry, facts.time);
            bytes += entry.event().len();
            if file.records.len() >= FILE_BYTES
                && let Some(file) = open.remove(entry.region())
            {
                gathered.files.push(file.finish(state, entry.region(), cx)?);
            }
        } else {
            let mut file = Open {
                records: b"{\"Records\":[".to_vec(),
                events: 0,
                oldest: facts.time,
                newest: facts.time,
            };
            file.add(&entry, facts.time);
            bytes += entry.event().len();
            open.insert(entry.region().to_owned(), file);
        }
        if bytes >= ROUND_BYTES {
            gathered.is_all = false;
            break;
        }
    }
    for (region, file) in open {
        gathered.files.push(file.finish(state, &region, cx)?);
    }
    gathered.left_out = left_out;
    Ok(gathered)
}

impl Open {
    fn add(&mut self, entry: &JournalEntry, time: Timestamp) {
        if self.events > 0 {
            self.records.push(b',');
        }
        self.records.extend_from_slice(entry.event());
        self.events += 1;
        self.oldest = self.oldest.min(time);
        self.newest = self.newest.max(time);
    }

    fn finish(mut self, state: &TrailState, region: &str, cx: &Context<'_>) -> Result<PlannedLog, LiveError> {
        self.records.extend_from_slice(b"]}");
        let mut content = Vec::new();
        GzipWriter::new(cx.options.gzip_level).compress(&self.records, &mut content);
        let spec = &state.spec;
        let key = format!(
            "{}{}/{}",
            spec.key_prefix("CloudTrail", region),
            cx.clock.date_folders(),
            log_file_name(&spec.account, region, cx.clock, random_bytes()?),
        );
        let row = LogRow {
            bucket: spec.bucket.clone(),
            key,
            hash: sha256_hex(&self.records),
            oldest: self.oldest,
            newest: self.newest,
        };
        let (region, events) = (region.to_owned(), self.events);
        Ok(PlannedLog { region, events, row, content: Some(content), is_written: false })
    }
}

/// Whether a log file is there, with the content that was planned. One with another content is none of ours.
pub(super) fn is_there(path: &Path, row: &LogRow) -> Result<bool, LiveError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file.map_err(|source| LiveError::read(path, source))?,
    };
    let (bytes, form, _) = inflate_all(file, MAX_INFLATED).map_err(|source| LiveError::read(path, source))?;
    Ok(form == Form::Gzip && sha256_hex(&bytes) == row.hash)
}

fn random_bytes() -> Result<[u8; 16], LiveError> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| LiveError::Random)?;
    Ok(random)
}

/// What delivery must know of an event.
pub(super) struct Facts {
    pub(super) time: Timestamp,
    pub(super) source: String,
}

impl Facts {
    pub(super) fn of(entry: &JournalEntry) -> Self {
        #[derive(Deserialize)]
        struct Fields {
            #[serde(rename = "eventTime")]
            time: Option<Value>,
            #[serde(rename = "eventSource")]
            source: Option<Value>,
        }
        let (time, source) = match serde_json::from_slice::<Fields>(entry.event()) {
            Ok(Fields { time, source }) => (time, source),
            // such as a name that stands twice: the last one counts
            Err(_) => match serde_json::from_slice::<Value>(entry.event()) {
                Ok(mut event) => {
                    let mut take = |name| event.get_mut(name).map(Value::take);
                    (take("eventTime"), take("eventSource"))
                }
                Err(_) => (None, None),
            },
        };
        let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
        let time = text(time).and_then(|time| Timestamp::parse_digest_field(&time).ok());
        Self {
            time: time.unwrap_or_else(|| second_of(entry.received())),
            source: text(source).unwrap_or_default(),
        }
    }
}
