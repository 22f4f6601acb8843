//! Files by kind, and what the names of log and digest files say: trails, chains, hours.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{Mutex, PoisonError},
};

use serde::Serialize;
use trailseal_archive::{
    Timestamp,
    key::{DigestName, ObjectKind},
};
use trailseal_evidence::scan::{FileEnd, Skipped};
use trailseal_query::{aggregate::Fingerprinter, scan::LeftOut};

/// Names of files that are kept of every kind.
const NAMES: usize = 100;
/// Names of log files among which those that are there twice are looked for.
pub const MAX_LOG_NAMES: usize = 4_000_000;
/// Days with log files, of all accounts and regions together; of more, hours without a file are not told.
pub const MAX_DAYS: usize = 2_000_000;
/// Accounts and regions of log files, and chains; of more they are not told.
pub const MAX_CHAINS: usize = 100_000;
/// Hours without a file that are listed of an account and region, as spans.
const SPANS: usize = 1000;

const HOUR: i64 = 3600;
const HOURS_OF_DAY: i64 = 24;

/// What a file is, by its content first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// It holds events, or none, and has the name of a log file.
    Log,
    /// It holds events, and has another name.
    OtherEvents,
    /// A digest document.
    Digest,
    /// JSON without events that is named as the metadata of an object.
    Metadata,
    /// Other JSON without events.
    OtherJson,
    /// No JSON, and its name does not say that it should be.
    NotJson,
    /// It has no content, or nothing in it: no value, no member.
    Empty,
    /// A desktop or a copy left it behind.
    Leftover,
    /// An archive file (zip, tar), whose members are counted by kind as well.
    ArchiveFile,
    /// A member of an archive file that was delivered at another time than is wanted.
    OtherTime,
    /// Nothing of it could be read.
    Unread,
}

impl FileKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Log,
        Self::OtherEvents,
        Self::Digest,
        Self::Metadata,
        Self::OtherJson,
        Self::NotJson,
        Self::Empty,
        Self::Leftover,
        Self::ArchiveFile,
        Self::OtherTime,
        Self::Unread,
    ];

    fn of(end: &FileEnd<'_>) -> Self {
        let is_log = || end.place().is_some_and(|(_, _, kind)| kind != ObjectKind::Digest);
        let others: u64 = end.counts.left_out.iter().sum();
        match end.skipped {
            _ if end.members > 0 => Self::ArchiveFile,
            Some(Skipped::Leftover) => Self::Leftover,
            Some(Skipped::NotJson) => Self::NotJson,
            Some(Skipped::Empty) => Self::Empty,
            Some(_) => Self::OtherTime,
            None if end.counts.records > 0 => {
                if is_log() {
                    Self::Log
                } else {
                    Self::OtherEvents
                }
            }
            None if end.left_out(LeftOut::Digest) > 0 => Self::Digest,
            None if others == 0 && end.damages > 0 => Self::Unread,
            None if end.is_sidecar() => Self::Metadata,
            None if is_log() => Self::Log,
            None if others == 0 => Self::Empty,
            None => Self::OtherJson,
        }
    }
}

/// The files of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilesOfKind {
    /// The kind.
    pub kind: FileKind,
    /// How many, members of archive files among them.
    pub files: u64,
    /// How many of them hold no event.
    pub without_events: u64,
    /// How many of them are damaged somewhere.
    pub damaged: u64,
    /// The first hundred in archive order; for log, digest and metadata files none.
    pub names: Vec<String>,
}

/// The digests of one trail for an account and region, by their names: nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedChain {
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
    /// The trail.
    pub trail: String,
    /// The trail's home region.
    pub home_region: String,
    /// How many digests.
    pub digests: u64,
    /// Of these, backfill digests.
    pub backfill: u64,
    /// The end of the first one's hour, by its name.
    pub first: Timestamp,
    /// The end of the last one's.
    pub last: Timestamp,
}

/// The log files of an account and region, by their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogHours {
    /// How many log files of management and data events have a time in their names.
    pub log_files: u64,
    /// The beginning of the first hour in which one was delivered.
    pub first: Timestamp,
    /// The beginning of the last one.
    pub last: Timestamp,
    /// Hours from the first to the last.
    pub hours: u64,
    /// Those in which none was delivered.
    pub without: u64,
    /// These, where one follows the other as one, in order; the first thousand.
    pub spans: Vec<HourSpan>,
}

/// When log files were delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeliverySpan {
    /// The first one.
    pub first: Timestamp,
    /// The last one.
    pub last: Timestamp,
}

/// Hours one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HourSpan {
    /// Their beginning.
    pub from: Timestamp,
    /// Their end.
    pub to: Timestamp,
    /// How many.
    pub hours: u64,
}

/// An account and region by the names of files.
pub(super) type PlaceName = (String, String);

/// What the names of all files come to.
#[derive(Debug, Default)]
pub(super) struct FileFindings {
    /// In the order of [`FileKind::ALL`], those without files left out.
    pub(super) kinds: Vec<FilesOfKind>,
    /// Files that lie on disk or were given, as far as they were read.
    pub(super) files: u64,
    /// Files in archive files.
    pub(super) members: u64,
    /// When the first and the last log file was delivered.
    pub(super) delivered: Option<DeliverySpan>,
    /// Log files with the name of another one; `None` when there are too many names.
    pub(super) same_names: Option<u64>,
    /// The chains; `None` when there are too many.
    pub(super) chains: Option<Vec<NamedChain>>,
    /// Digests whose names are not those that CloudTrail gives.
    pub(super) unnamed_digests: u64,
    /// Hours by place; `None` when there are too many.
    pub(super) hours: Option<BTreeMap<PlaceName, LogHours>>,
}

/// The same while files are read.
#[derive(Debug, Default)]
pub(super) struct Files(Mutex<FilesSeen>);

#[derive(Debug, Default)]
struct FilesSeen {
    kinds: BTreeMap<FileKind, KindSeen>,
    files: u64,
    members: u64,
    delivered: Option<DeliverySpan>,
    log_names: HashSet<u128>,
    has_many_names: bool,
    same_names: u64,
    chains: BTreeMap<[String; 4], ChainSeen>,
    has_many_chains: bool,
    unnamed_digests: u64,
    logs: BTreeMap<PlaceName, LogsSeen>,
    days: usize,
    has_many_days: bool,
}

#[derive(Debug, Default)]
struct KindSeen {
    files: u64,
    without_events: u64,
    damaged: u64,
    names: BTreeSet<(u64, String)>,
}

#[derive(Clone, Copy, Debug)]
struct ChainSeen {
    digests: u64,
    backfill: u64,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Debug, Default)]
struct LogsSeen {
    files: u64,
    /// Of every day the hours in which one was delivered, as bits.
    days: BTreeMap<i64, u32>,
}

impl Files {
    /// Takes note of a file that was read.
    pub(super) fn add(&self, end: &FileEnd<'_>, fingerprinter: &Fingerprinter) {
        let kind = FileKind::of(end);
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *(if end.is_member { &mut seen.members } else { &mut seen.files }) += 1;
        seen.add_kind(kind, end);
        if kind == FileKind::Digest {
            seen.add_digest(end);
        }
        let place = end.place().filter(|_| kind != FileKind::ArchiveFile);
        if let Some((account, region, object)) = place.filter(|(_, _, object)| *object != ObjectKind::Digest)
        {
            seen.add_name(fingerprinter.of(end.own_name().unwrap_or(end.name()).as_bytes()));
            if let Some(stamp) = end.delivered() {
                seen.add_log(account, region, object, stamp);
            }
        }
    }

    /// What they come to; hours are told as far as they lie within a span of time.
    pub(super) fn finish(self, from: Option<Timestamp>, to: Option<Timestamp>) -> FileFindings {
        let seen = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let hours = |(place, logs): (PlaceName, LogsSeen)| Some((place, logs.hours(from, to)?));
        let chain = |([account, region, trail, home_region], seen): ([String; 4], ChainSeen)| {
            let ChainSeen { digests, backfill, first, last } = seen;
            NamedChain { account, region, trail, home_region, digests, backfill, first, last }
        };
        let kind = |(kind, seen): (FileKind, KindSeen)| FilesOfKind {
            kind,
            files: seen.files,
            without_events: seen.without_events,
            damaged: seen.damaged,
            names: seen.names.into_iter().map(|(_, name)| name).collect(),
        };
        FileFindings {
            kinds: seen.kinds.into_iter().map(kind).collect(),
            files: seen.files,
            members: seen.members,
            delivered: seen.delivered,
            same_names: (!seen.has_many_names).then_some(seen.same_names),
            chains: (!seen.has_many_chains).then(|| seen.chains.into_iter().map(chain).collect()),
            unnamed_digests: seen.unnamed_digests,
            hours: (!seen.has_many_days).then(|| seen.logs.into_iter().filter_map(hours).collect()),
        }
    }
}

impl FilesSeen {
    fn add_kind(&mut self, kind: FileKind, end: &FileEnd<'_>) {
        let of_kind = self.kinds.entry(kind).or_default();
        of_kind.files += 1;
        of_kind.without_events += u64::from(end.counts.records == 0);
        of_kind.damaged += u64::from(end.damages > 0);
        if !matches!(kind, FileKind::Log | FileKind::Digest | FileKind::Metadata) {
            of_kind.names.insert((end.index, end.shown.to_owned()));
            if of_kind.names.len() > NAMES {
                of_kind.names.pop_last();
            }
        }
    }

    fn add_digest(&mut self, end: &FileEnd<'_>) {
        let Ok(name) = DigestName::parse(end.name()) else {
            self.unnamed_digests += 1;
            return;
        };
        if self.has_many_chains {
            return;
        }
        let chain = [name.account, name.region, name.trail, name.home_region].map(str::to_owned);
        let new = ChainSeen { digests: 0, backfill: 0, first: name.end, last: name.end };
        let seen = self.chains.entry(chain).or_insert(new);
        seen.digests += 1;
        seen.backfill += u64::from(name.backfill);
        seen.first = seen.first.min(name.end);
        seen.last = seen.last.max(name.end);
        if self.chains.len() > MAX_CHAINS {
            self.has_many_chains = true;
            self.chains.clear();
        }
    }

    fn add_name(&mut self, fingerprint: u128) {
        if self.has_many_names {
            return;
        }
        self.same_names += u64::from(!self.log_names.insert(fingerprint));
        if self.log_names.len() > MAX_LOG_NAMES {
            self.has_many_names = true;
            self.log_names = HashSet::new();
        }
    }

    fn add_log(&mut self, account: &str, region: &str, kind: ObjectKind, stamp: Timestamp) {
        let DeliverySpan { first, last } =
            self.delivered.unwrap_or(DeliverySpan { first: stamp, last: stamp });
        self.delivered = Some(DeliverySpan { first: first.min(stamp), last: last.max(stamp) });
        // Insights and the like come when there is something to tell, not every hour.
        if kind != ObjectKind::Log || self.has_many_days {
            return;
        }
        let logs = self.logs.entry((account.to_owned(), region.to_owned())).or_default();
        logs.files += 1;
        let hour = stamp.epoch().div_euclid(HOUR);
        let days_before = logs.days.len();
        *logs.days.entry(hour.div_euclid(HOURS_OF_DAY)).or_default() |= 1 << hour.rem_euclid(HOURS_OF_DAY);
        self.days += logs.days.len() - days_before;
        if self.days > MAX_DAYS || self.logs.len() > MAX_CHAINS {
            self.has_many_days = true;
            self.logs.clear();
        }
    }
}

impl LogsSeen {
    /// The hours from the first to the last one with a file, as far as they lie within the span as a whole; `None` when none
    /// does.
    fn hours(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Option<LogHours> {
        let is_within = |hour: &i64| {
            from.is_none_or(|from| hour * HOUR >= from.epoch())
                && to.is_none_or(|to| (hour + 1) * HOUR - 1 <= to.epoch())
        };
        let of_day = |(day, bits): (&i64, &u32)| {
            let (day, bits) = (*day, *bits);
            (0..HOURS_OF_DAY)
                .filter(move |hour| bits & 1 << hour != 0)
                .map(move |hour| day * HOURS_OF_DAY + hour)
        };
        let mut hours = self.days.iter().flat_map(of_day).filter(is_within);
        let first = hours.next()?;
        let (mut last, mut without, mut spans) = (first, 0, Vec::new());
        let at = |hour: i64| Timestamp::from_epoch(hour * HOUR);
        for hour in hours {
            let between = hour - last - 1;
            if between > 0 {
                without += between as u64;
                if let (Some(from), Some(to), true) = (at(last + 1), at(hour), spans.len() < SPANS) {
                    spans.push(HourSpan { from, to, hours: between as u64 });
                }
            }
            last = hour;
        }
        Some(LogHours {
            log_files: self.files,
            first: at(first)?,
            last: at(last)?,
            hours: (last - first + 1) as u64,
            without,
            spans,
        })
    }
}

#[cfg(test)]
mod tests {
    use trailseal_query::scan::Counts;

    use super::*;

    const LOG: &str = "111122223333_CloudTrail_us-east-1_20240301T0015Z_AbCdEfGhIjKlMnOp.json.gz";

    fn end(shown: &str) -> FileEnd<'_> {
        FileEnd {
            shown,
            index: 0,
            is_member: false,
            members: 0,
            counts: Counts::default(),
            skipped: None,
            damages: 0,
        }
    }

    fn with(shown: &str, records: u64, left_out: [u64; 4]) -> FileEnd<'_> {
        FileEnd { counts: Counts { records, left_out, ..Counts::default() }, ..end(shown) }
    }

    #[test]
    fn content_says_what_a_file_is_and_names_tell_only_the_rest() {
        let sidecar = "x_digest.json.gz.metadata.json";
        for (end, kind) in [
            (with(LOG, 3, [0; 4]), FileKind::Log),
            (with("x.json", 3, [0; 4]), FileKind::OtherEvents),
            (with(sidecar, 3, [0; 4]), FileKind::OtherEvents),
            (with(LOG, 0, [1, 0, 0, 0]), FileKind::Digest),
            (with(LOG, 0, [0; 4]), FileKind::Log),
            (with(sidecar, 0, [0, 0, 0, 1]), FileKind::Metadata),
            (with("x.json", 0, [0, 0, 0, 1]), FileKind::OtherJson),
            (with("x.json", 0, [0; 4]), FileKind::Empty),
            (FileEnd { damages: 1, ..end(LOG) }, FileKind::Unread),
            (FileEnd { damages: 1, ..with(LOG, 1, [0; 4]) }, FileKind::Log),
            (FileEnd { members: 2, ..with("x.zip", 1, [0; 4]) }, FileKind::ArchiveFile),
            (FileEnd { skipped: Some(Skipped::NotJson), ..end(LOG) }, FileKind::NotJson),
            (FileEnd { skipped: Some(Skipped::Leftover), ..end(LOG) }, FileKind::Leftover),
            (FileEnd { skipped: Some(Skipped::LaterTime), ..end(LOG) }, FileKind::OtherTime),
        ] {
            assert_eq!(FileKind::of(&end), kind, "{end:?}");
        }
    }

    fn time(text: &str) -> Timestamp {
        Timestamp::parse_loose(text).unwrap()
    }

    fn found(stamps: &[&str], from: Option<&str>, to: Option<&str>) -> Option<LogHours> {
        let (files, fingerprinter) = (Files::default(), Fingerprinter::default());
        for stamp in stamps {
            let name = format!("111122223333_CloudTrail_us-east-1_{stamp}_a.json.gz");
            files.add(&end(&name), &fingerprinter);
        }
        let findings = files.finish(from.map(time), to.map(time));
        findings.hours.unwrap().into_values().next()
    }

    #[test]
    fn hours_without_a_file_are_those_between_the_first_and_the_last() {
        let hours =
            found(&["20240301T0455Z", "20240229T2305Z", "20240301T0000Z", "20240301T0455Z"], None, None)
                .unwrap();
        assert_eq!((hours.hours, hours.without, hours.log_files), (6, 3, 4));
        assert_eq!(hours.first, time("2024-02-29T23:00:00Z"));
        let (from, to) = (time("2024-03-01T01:00:00Z"), time("2024-03-01T04:00:00Z"));
        assert_eq!(hours.spans, [HourSpan { from, to, hours: 3 }]);
    }

    #[test]
    fn hours_of_which_a_part_was_not_asked_for_are_not_told() {
        let stamps = ["20240301T0005Z", "20240301T0205Z", "20240301T0405Z"];
        let hours = found(&stamps, Some("2024-03-01T00:30:00Z"), Some("2024-03-01T04:59:59Z")).unwrap();
        assert_eq!((hours.hours, hours.without), (3, 1));
        assert!(found(&stamps, Some("2024-03-01T05:00:00Z"), None).is_none());
    }

    #[test]
    fn names_from_the_ends_of_time_take_no_memory_or_time() {
        let hours = found(&["00010101T0000Z", "99991231T2359Z"], None, None).unwrap();
        assert_eq!((hours.spans.len(), hours.hours - hours.without), (1, 2));
    }

    #[test]
    fn the_same_names_and_chains_are_counted() {
        let (files, fingerprinter) = (Files::default(), Fingerprinter::default());
        let digest = "111122223333_CloudTrail-Digest_us-east-1_audit_eu-west-1_20240301T010000Z.json.gz";
        let copies = [format!("copy/{LOG}"), LOG.replace(".json.gz", " (1).json")];
        for shown in [LOG, &copies[0], &copies[1]] {
            files.add(&with(shown, 1, [0; 4]), &fingerprinter);
        }
        for shown in [digest, &digest.replace("T01", "T03"), "renamed.json.gz"] {
            files.add(&with(shown, 0, [1, 0, 0, 0]), &fingerprinter);
        }
        files.add(&with(&format!("{digest}.metadata.json"), 0, [0, 0, 0, 1]), &fingerprinter);
        let findings = files.finish(None, None);
        assert_eq!((findings.same_names, findings.unnamed_digests, findings.files), (Some(2), 1, 7));
        let chains = findings.chains.unwrap();
        assert_eq!((chains.len(), chains[0].digests, &*chains[0].trail), (1, 2, "audit"));
        assert_eq!(chains[0].last, time("2024-03-01T03:00:00Z"));
    }
}
