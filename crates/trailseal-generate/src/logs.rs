//! One hour of one account in one region as log files.

use trailseal_archive::Timestamp;
use trailseal_deliver::digest::{DigestLogFile, HASH_ALGORITHM, sha256_hex};
use trailseal_deliver::write::{GzipWriter, log_file_name};

use crate::options::Options;
use crate::plan::{Chain, HOUR, Plan, Segment};
use crate::random::{Rng, derive_u64};
use crate::records::{Place, Records, Script};

/// Log files are delivered about so many times an hour.
const DELIVERIES: i64 = 12;
/// Names round the delivery time to this many seconds (docs/spec/format.md 1.1).
const STAMP: i64 = 300;
/// Logging stops so long before the end of the last window, and the last delivery is after it.
const STOP_BEFORE_END: i64 = 40;

/// What a thread keeps from one log file to the next.
pub(crate) struct Scratch {
    records: Vec<u8>,
    compressed: Vec<u8>,
    times: Vec<i64>,
    gzip: GzipWriter,
}

impl Scratch {
    pub(crate) fn new(gzip_level: u32) -> Self {
        Self {
            records: Vec::new(),
            compressed: Vec::new(),
            times: Vec::new(),
            gzip: GzipWriter::new(gzip_level),
        }
    }
}

/// The log files of an hour, as digests name them.
pub(crate) struct HourOfLogs {
    /// For the standard digest, in no order.
    pub(crate) logs: Vec<DigestLogFile>,
    /// For the backfill digest.
    pub(crate) late: Vec<DigestLogFile>,
    /// When the backfill digest is made, if there is one.
    pub(crate) backfill_generated: Option<Timestamp>,
}

/// Writes the log files of a chain.
pub(crate) struct LogWriter<'a> {
    pub(crate) options: &'a Options,
    pub(crate) plan: &'a Plan,
    pub(crate) records: &'a Records,
    pub(crate) chain: &'a Chain,
}

/// A log file before its records are made.
struct Delivery<'a> {
    delivered: i64,
    stamp: i64,
    events: u64,
    scripts: Vec<Script<'a>>,
    /// Seconds by which it is delivered later than usual.
    delay: i64,
}

impl<'a> LogWriter<'a> {
    /// Makes the log files of an hour (counted from the segment's start), hands each to
    /// `save(key, events, inflated, compressed)`, and returns what digests say of them.
    pub(crate) fn hour<E>(
        &self,
        segment: &Segment,
        hour: u32,
        key_prefix: &str,
        scratch: &mut Scratch,
        mut save: impl FnMut(&str, u64, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<HourOfLogs, E> {
        let from_first = segment.first_hour + hour;
        let account = &self.plan.accounts[self.chain.account];
        let region = &self.options.regions[self.chain.region];
        let seed = derive_u64(self.options.seed, &["hour", account, region, &from_first.to_string()]);
        let mut random = Rng::new(seed);
        let stops = segment.stopped && hour + 1 == segment.hours;
        let window = segment.window(hour).epoch();
        let latest = if stops { window + HOUR - STOP_BEFORE_END } else { i64::MAX };
        let mut times = (segment.start.epoch(), latest);

        let mut deliveries = self.deliveries(segment, hour, stops, &mut random);
        let backfill = self.chain.backfill.iter().find(|(at, _)| *at == from_first);
        let standard = deliveries.len();
        if backfill.is_some() {
            times.1 = times.1.min(window + HOUR - STOP_BEFORE_END);
            for _ in 0..random.between(1, 2) {
                let delivered = window + random.between(600, HOUR - 20);
                let events = random.between(3, 20).min(self.options.max_events_per_file.into()) as u64;
                let stamp = round_up(delivered);
                deliveries.push(Delivery { delivered, stamp, events, scripts: Vec::new(), delay: 0 });
            }
        }
        let mut entries = Vec::with_capacity(deliveries.len());
        for delivery in &deliveries {
            entries.push(self.log(delivery, times, key_prefix, &mut random, scratch, &mut save)?);
        }
        let late = entries.split_off(standard);
        for at in (1..entries.len()).rev() {
            entries.swap(at, random.below(at as u64 + 1) as usize);
        }
        Ok(HourOfLogs { logs: entries, late, backfill_generated: backfill.map(|(_, generated)| *generated) })
    }

    /// Spreads an hour's events over deliveries, and those over files.
    fn deliveries(&self, segment: &Segment, hour: u32, stops: bool, random: &mut Rng) -> Vec<Delivery<'a>> {
        let window = segment.window(hour).epoch();
        let events = self.plan.events(self.chain, segment.first_hour + hour);
        let mut counts = [0; DELIVERIES as usize];
        if events >= 4 * DELIVERIES as u64 {
            // about the same number each
            let share = events / DELIVERIES as u64;
            for count in &mut counts {
                *count = share - share / 5 + random.below(2 * (share / 5) + 1);
            }
            let given: u64 = counts.iter().sum();
            let last = &mut counts[random.below(DELIVERIES as u64) as usize];
            *last = (*last + events).saturating_sub(given);
        } else {
            for _ in 0..events {
                counts[random.below(DELIVERIES as u64) as usize] += 1;
            }
        }
        let mut scripts = self.scripts(segment, hour, stops);
        let mut deliveries = Vec::new();
        for (slot, count) in (1..).zip(counts) {
            let last = slot == DELIVERIES;
            let early = if last && stops { 10 } else { random.between(1, 60) };
            let delivered = window + slot * (HOUR / DELIVERIES) - early;
            let mine: Vec<Script<'a>> = scripts.extract_if(.., |s| last || s.at + 5 <= delivered).collect();
            let most = u64::from(self.options.max_events_per_file);
            let files = count.div_ceil(most).max(u64::from(!mine.is_empty()));
            for file in 0..files {
                let rounded_down = random.chance(1, 7) && mine.is_empty() && !stops;
                let stamp = if rounded_down { delivered / STAMP * STAMP } else { round_up(delivered) };
                let delay = if random.chance(1, 50) { random.between(600, 4800) } else { 0 };
                let events = count * (file + 1) / files - count * file / files;
                deliveries.push(Delivery { delivered, stamp, events, scripts: Vec::new(), delay });
            }
            if let Some(delivery) = deliveries.last_mut()
                && !mine.is_empty()
            {
                delivery.scripts = mine;
            }
        }
        deliveries
    }

    /// The records that must be in this hour.
    fn scripts(&self, segment: &Segment, hour: u32, stops: bool) -> Vec<Script<'a>> {
        let mut scripts = Vec::new();
        let story = self.records.story();
        if self.options.events_per_hour == 0 {
            return scripts;
        }
        let start = segment.window(hour).epoch();
        if self.chain.global && self.plan.story_hour == Some(segment.first_hour + hour) {
            scripts.extend(story.scripts(self.chain.account, self.plan.accounts.len(), start + 720));
        }
        if self.chain.records_trail && hour == 0 {
            scripts.push(story.start_logging(start));
        }
        if self.chain.records_trail && stops {
            scripts.push(story.stop_logging(start + HOUR - STOP_BEFORE_END));
        }
        scripts
    }

    fn log<E>(
        &self,
        delivery: &Delivery<'_>,
        (earliest, latest): (i64, i64),
        key_prefix: &str,
        random: &mut Rng,
        scratch: &mut Scratch,
        save: &mut impl FnMut(&str, u64, &[u8], &[u8]) -> Result<(), E>,
    ) -> Result<DigestLogFile, E> {
        let account = &self.plan.accounts[self.chain.account];
        let region = &self.options.regions[self.chain.region];
        let Scratch { records, compressed, times, gzip } = scratch;
        // an event is delivered within minutes of its time, and never named before it (docs/spec/records.md 2.7)
        let newest = delivery.delivered.min(delivery.stamp).min(latest) - delivery.delay;
        times.clear();
        for _ in 0..delivery.events {
            times.push((newest - random.between(5, 360)).max(earliest));
        }
        // two files of three come sorted
        if !random.chance(1, 3) {
            times.sort_unstable();
        }
        let trail_owner = if self.options.organization_id.is_some() { 0 } else { self.chain.account };
        let trail_arn = format!(
            "arn:aws:cloudtrail:{}:{}:trail/{}",
            self.chain.home, self.plan.accounts[trail_owner], self.options.trail
        );
        let place = Place {
            account: self.chain.account,
            region,
            region_seed: Records::region_seed(self.options.seed, region),
            global: self.chain.global,
            trail_arn: &trail_arn,
        };
        records.clear();
        records.extend_from_slice(b"{\"Records\":[");
        for (at, now) in times.iter().enumerate() {
            if at > 0 {
                records.push(b',');
            }
            self.records.write(records, place, *now, random, delivery.delay > 0);
        }
        for script in &delivery.scripts {
            if records.last() != Some(&b'[') {
                records.push(b',');
            }
            self.records.write_script(records, script, place, random);
            times.push(script.at);
        }
        records.extend_from_slice(b"]}");
        gzip.compress(records, compressed);
        let stamp = Timestamp::from_epoch(delivery.stamp).unwrap_or(self.plan.first);
        let key = format!(
            "{key_prefix}{}/{}",
            stamp.date_folders(),
            log_file_name(account, region, stamp, std::array::from_fn(|_| random.below(62) as u8)),
        );
        save(&key, times.len() as u64, records, compressed)?;
        let time = |epoch: Option<&i64>| {
            epoch
                .and_then(|epoch| Timestamp::from_epoch(*epoch))
                .map_or(String::new(), |time| time.to_string())
        };
        Ok(DigestLogFile {
            s3_bucket: self.options.bucket.clone(),
            s3_object: key,
            hash_value: sha256_hex(records),
            hash_algorithm: HASH_ALGORITHM.to_owned(),
            newest_event_time: time(times.iter().max()),
            oldest_event_time: time(times.iter().min()),
        })
    }
}

fn round_up(time: i64) -> i64 {
    (time + STAMP - 1) / STAMP * STAMP
}
