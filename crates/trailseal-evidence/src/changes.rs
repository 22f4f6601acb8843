//! Events that explain a gap: somebody stopped, deleted or changed the trail (spec/verification.md 5, 33).

use std::{
    fmt,
    io::{self, BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use trailseal_archive::{
    Timestamp,
    gzip::{Ending, GzipReader, Inflater},
};
use trailseal_sha256::Hasher;
use trailseal_verify::{chain::Status, finding::Code};

use crate::{
    batch::Run,
    outcome::{CHANGE_MARGIN, TrailChange, UnitOutcome},
    read,
    unit::{SeenFiles, Unit},
};

/// Logs that are searched for one gap, the nearest to its start first.
const MAX_LOGS: usize = 500;

/// Searches the verified logs around the unit's gaps.
pub(crate) fn find(
    unit: &Unit,
    outcome: &UnitOutcome,
    seen: SeenFiles<'_>,
    run: &Run<'_>,
) -> Vec<TrailChange> {
    let gaps: Vec<(Timestamp, Timestamp)> = outcome
        .findings
        .iter()
        .filter(|finding| finding.code == Code::Gap)
        .filter_map(|finding| Some((finding.start?.plus(-CHANGE_MARGIN), finding.end?)))
        .collect();
    let mut changes = Vec::new();
    if gaps.is_empty() {
        return changes;
    }
    let detail = unit.detail(outcome, seen);
    let logs = (0..unit.rows.len()).flat_map(|row| detail.logs(row).collect::<Vec<_>>());
    let verified: Vec<_> = logs.filter(|entry| entry.verdict.status == Status::Verified).collect();
    for (start, end) in gaps {
        // What AWS signed about a log's events says whether it is worth opening.
        let overlaps = |entry: &&crate::unit::LogEntry<'_>| {
            entry.named.oldest_event.is_none_or(|oldest| oldest <= end)
                && entry.named.newest_event.is_none_or(|newest| newest >= start)
        };
        let mut near: Vec<_> = verified.iter().filter(overlaps).collect();
        near.sort_by_key(|entry| (entry.named.oldest_event, &entry.named.object));
        for entry in near.into_iter().take(MAX_LOGS) {
            let (Some(expected), Some(file)) = (entry.named.hash, detail.file(entry)) else { continue };
            let Ok(input) = read::open(&file) else { continue };
            for event in events(input, expected, run.options.limits.max_inflated_log).unwrap_or_default() {
                if event.time >= start && event.time <= end {
                    changes.push(TrailChange { log: entry.named.object.to_string(), ..event });
                }
            }
        }
    }
    changes
}

/// The trail changes in a log, if its bytes still have the hash that was verified.
fn events(input: impl Read, expected: [u8; 32], limit: u64) -> io::Result<Vec<TrailChange>> {
    let mut inflater = Inflater::new();
    let mut tee = Tee { input: GzipReader::new(&mut inflater, input, limit), hasher: Hasher::new() };
    let mut changes = Changes::default();
    {
        let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, &mut tee));
        if changes.read(&mut json).is_err() {
            changes.found.clear();
        }
    }
    io::copy(&mut tee, &mut io::sink())?;
    let Tee { input, hasher } = tee;
    let is_complete = *input.inflater().ending() == Ending::Complete;
    Ok(if is_complete && hasher.finalize() == expected { changes.found } else { Vec::new() })
}

/// Hashes what passes.
struct Tee<R> {
    input: R,
    hasher: Hasher,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}

#[derive(Default)]
struct Changes {
    found: Vec<TrailChange>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "eventSource")]
    source: Option<String>,
    #[serde(default, rename = "eventName")]
    name: Option<String>,
    #[serde(default, rename = "eventTime")]
    time: Option<String>,
    #[serde(default, rename = "errorCode")]
    error: Option<IgnoredAny>,
    #[serde(default, rename = "requestParameters")]
    parameters: Option<serde_json::Value>,
}

impl Changes {
    /// Reads a log file record by record: `{"Records":[…]}`.
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(File(self))
    }

    fn take(&mut self, event: Event) {
        let is_change = matches!(event.name.as_deref(), Some("StopLogging" | "DeleteTrail" | "UpdateTrail"))
            && event.source.as_deref() == Some("cloudtrail.amazonaws.com")
            && event.error.is_none();
        // Turning validation on, or leaving it on, explains no gap.
        let validation = event.parameters.as_ref().and_then(|p| p.get("enableLogFileValidation"));
        let is_change = is_change && validation.and_then(serde_json::Value::as_bool) != Some(true);
        let trail = event.parameters.as_ref().and_then(|p| p.get("name")).and_then(|name| name.as_str());
        let time = event.time.as_deref().and_then(|time| Timestamp::parse_digest_field(time).ok());
        if let (true, Some(trail), Some(time), Some(name)) = (is_change, trail, time, event.name) {
            self.found.push(TrailChange { time, event: name, trail: trail.to_owned(), log: String::new() });
        }
    }
}

struct File<'a>(&'a mut Changes);

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "Records" {
                map.next_value_seed(Records(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Records<'a>(&'a mut Changes);

impl<'de> serde::de::DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(event) = records.next_element::<Event>()? {
            self.0.take(event);
        }
        Ok(())
    }
}
