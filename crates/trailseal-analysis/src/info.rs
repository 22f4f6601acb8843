//! What an archive holds, before anything particular is asked: files by kind, accounts, regions, times, who acted, calls
//! that stop or change logging. One pass over the files, in memory that has a bound; nothing is verified.
//!
//! What there is too much of to be counted ([`MAX_VALUES`] and its like) is said to be too much, and never counted in part.

use std::{borrow::Cow, collections::BTreeMap, ops::ControlFlow, sync::LazyLock};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::{
    Progress,
    inputs::FileSource,
    scan::{self, FileEnd, Fold, Row, ScanOptions, Skipped, Summary},
};
use trailseal_query::{
    Filter, Predicate,
    aggregate::Fingerprinter,
    derived::{self, Derived},
    path::FieldPath,
    scan::LeftOut,
    shortcut,
};

use crate::error::Error;

mod changes;
mod files;
mod uses;

pub use self::{
    changes::{LOGGING_CALLS, LoggingCall, LoggingChange, LoggingChanges},
    files::{
        DeliverySpan, FileKind, FilesOfKind, HourSpan, LogHours, MAX_CHAINS, MAX_DAYS, MAX_LOG_NAMES,
        NamedChain,
    },
    uses::{EventSpan, MAX_VALUE_BYTES, MAX_VALUES, UsedValue, UsedValues},
};

use self::{
    changes::Changes,
    files::{FileFindings, Files},
    uses::{AllUses, Uses},
};

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArchiveInfo {
    /// The name and version of this document.
    pub schema: &'static str,
    /// Events from this time on were asked for.
    pub from: Option<Timestamp>,
    /// Up to this time.
    pub to: Option<Timestamp>,
    /// Its files.
    pub files: InfoFiles,
    /// All its events.
    pub events: InfoEvents,
    /// By account and region: those that events or the names of log files say. `None` when there are too many.
    pub places: Option<Vec<InfoPlace>>,
    /// Trails by the names of digests; `None` when there are too many chains.
    pub trails: Option<Vec<NamedTrail>>,
    /// Chains of digests by their names, of which nothing is verified; `None` when there are too many.
    pub chains: Option<Vec<NamedChain>>,
    /// Who acted, by the field `principal`.
    pub principals: UsedValues,
    /// `userIdentity.accessKeyId`
    pub access_keys: UsedValues,
    /// `sourceIPAddress`
    pub source_ips: UsedValues,
    /// `eventName`
    pub event_names: UsedValues,
    /// Why events failed, by the field `error`.
    pub errors: UsedValues,
    /// Calls that stop or change logging, or destroy what was logged.
    pub logging: LoggingChanges,
    /// An access key with which to begin: of those with the most failed events the one with the most events.
    pub follow: Option<String>,
    /// What could not be read.
    pub damage: InfoDamage,
}

/// The files of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InfoFiles {
    /// Files that were found.
    pub found: u64,
    /// Files that were not opened, since their names say that they are of another time than was asked for.
    pub of_another_time: u64,
    /// Files in archive files.
    pub members: u64,
    /// Bytes on disk of those that were read.
    pub bytes: u64,
    /// Bytes of content after inflating.
    pub inflated: u64,
    /// Those that were opened and members of archive files, by kind; those of which there are none are left out.
    pub kinds: Vec<FilesOfKind>,
    /// When log files were delivered, by their names.
    pub delivered: Option<DeliverySpan>,
    /// Log files with the name of another one, whose events are counted twice if they are copies; `None` when there are too
    /// many names.
    pub same_names: Option<u64>,
    /// Digests whose names are not those that CloudTrail gives, so that their chain is not known.
    pub unnamed_digests: u64,
    /// Whether there are too many days with log files for hours without one to be told.
    pub has_too_many_days: bool,
    /// Values in them that are no events, by their nature.
    pub left_out: BTreeMap<&'static str, u64>,
}

/// The events of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InfoEvents {
    /// How many, when, and how many failed.
    #[serde(flatten)]
    pub span: EventSpan,
    /// Events with no time that can be read.
    pub without_time: u64,
}

/// An account and region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InfoPlace {
    /// The account: `recipientAccountId`, else the caller's. `None` for events that name none.
    pub account: Option<String>,
    /// `awsRegion`
    pub region: Option<String>,
    /// Its events.
    #[serde(flatten)]
    pub span: EventSpan,
    /// Its log files by their names; `None` when there are none with such a name, or too many.
    pub log_hours: Option<LogHours>,
}

/// A trail by the names of digests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedTrail {
    /// Its name.
    pub trail: String,
    /// The region in which it was created.
    pub home_region: String,
    /// Accounts with digests of such a trail: of an organization trail all of them, else trails of the same name.
    pub accounts: u64,
    /// Its chains: one an account and region.
    pub chains: u64,
    /// Its digests.
    pub digests: u64,
    /// The end of the first digest's hour.
    pub first: Timestamp,
    /// The end of the last one's.
    pub last: Timestamp,
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InfoDamage {
    /// How many places.
    pub places: u64,
    /// The first thousand of them.
    pub listed: Vec<DamagedPlace>,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedPlace {
    /// The file.
    pub file: String,
    /// The byte of its inflated content; `None` when the file as a whole could not be read.
    pub offset: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

/// Reads all files once, and says what they hold. Only events within the times of the options count, for which `wanted` holds.
///
/// # Errors
/// [`Error`] when nothing could be scanned or the run was interrupted.
pub fn info(
    files: &dyn FileSource,
    options: &ScanOptions<'_>,
    wanted: &Predicate,
    progress: &dyn Progress,
) -> Result<(ArchiveInfo, Summary), Error> {
    let filter = Filter::new(shortcut::time_range(options.from, options.to)?.and(wanted.clone()));
    let shared = Shared::default();
    let new = || InfoPart::new(&shared);
    let (mut part, summary) =
        scan::fold(files, options, &filter, progress, &new, &|part: &mut InfoPart<'_>, row| {
            part.add(row);
            ControlFlow::Continue(())
        })?;
    part.hand_over();
    let InfoPart { events, changes, .. } = part;
    Ok((shared.finish(events, changes, options, &summary), summary))
}

impl ArchiveInfo {
    /// Whether there is nothing in it that CloudTrail made: no event, no log file, no digest, and nothing damaged that might
    /// have been such.
    pub fn is_nothing(&self) -> bool {
        let is_something =
            |of: &FilesOfKind| matches!(of.kind, FileKind::Log | FileKind::Digest | FileKind::OtherTime);
        self.events.span.events == 0
            && self.damage.places == 0
            && self.files.of_another_time == 0
            && self.files.delivered.is_none()
            && !self.files.kinds.iter().any(is_something)
    }

    /// How many files are of a kind.
    pub fn of_kind(&self, kind: FileKind) -> u64 {
        self.files.kinds.iter().filter(|of| of.kind == kind).map(|of| of.files).sum()
    }
}

/// What is read of an event.
#[derive(Debug)]
struct SeenEvent<'a> {
    time: Option<Timestamp>,
    error: Option<Cow<'a, str>>,
    account: Option<Cow<'a, str>>,
    region: Option<Cow<'a, str>>,
    event_source: Option<Cow<'a, str>>,
    event_name: Option<Cow<'a, str>>,
    principal: Option<Cow<'a, str>>,
    access_key: Option<Cow<'a, str>>,
    source_ip: Option<Cow<'a, str>>,
}

static RECIPIENT: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["recipientAccountId"]));
static CALLER: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["userIdentity", "accountId"]));
static REGION: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["awsRegion"]));
static SOURCE: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["eventSource"]));
static NAME: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["eventName"]));
static ACCESS_KEY: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["userIdentity", "accessKeyId"]));
static SOURCE_IP: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["sourceIPAddress"]));

impl<'a> SeenEvent<'a> {
    fn of(row: &Row<'a>) -> Self {
        let record = &row.record;
        let text = |path: &FieldPath| record.text(path).filter(|text| !text.is_empty());
        let mut principal = None;
        let _ = Derived::Principal.visit(record, &mut |text| {
            principal = Some(text).filter(|text| !text.is_empty());
            ControlFlow::Break(())
        });
        Self {
            time: record.time(),
            error: derived::error(record),
            account: text(&RECIPIENT).or_else(|| text(&CALLER)),
            region: text(&REGION),
            event_source: text(&SOURCE),
            event_name: text(&NAME),
            principal,
            access_key: text(&ACCESS_KEY),
            source_ip: text(&SOURCE_IP),
        }
    }
}

/// What values are counted of, in the order of the arrays of them.
#[derive(Clone, Copy, Debug)]
enum ValueKind {
    Places,
    Principals,
    AccessKeys,
    SourceIps,
    EventNames,
    Errors,
}

const VALUE_KINDS: usize = 6;

/// What all threads count into.
#[derive(Debug, Default)]
struct Shared {
    uses: [AllUses; VALUE_KINDS],
    files: Files,
    fingerprinter: Fingerprinter,
}

/// What one thread counts.
#[derive(Debug)]
struct InfoPart<'s> {
    shared: &'s Shared,
    uses: [Uses; VALUE_KINDS],
    events: InfoEvents,
    changes: Changes,
    /// The key of the last place, for its memory.
    place: String,
}

impl<'s> InfoPart<'s> {
    fn new(shared: &'s Shared) -> Self {
        let (uses, events, changes) = Default::default();
        Self { shared, uses, events, changes, place: String::new() }
    }

    fn add(&mut self, row: &Row<'_>) {
        let event = SeenEvent::of(row);
        let (time, has_failed) = (event.time, event.error.is_some());
        self.events.span.add(time, has_failed);
        self.events.without_time += u64::from(time.is_none());
        let mut place = std::mem::take(&mut self.place);
        write_place(event.account.as_deref(), event.region.as_deref(), &mut place);
        let values = [
            (ValueKind::Places, Some(&*place)),
            (ValueKind::Principals, event.principal.as_deref()),
            (ValueKind::AccessKeys, event.access_key.as_deref()),
            (ValueKind::SourceIps, event.source_ip.as_deref()),
            (ValueKind::EventNames, event.event_name.as_deref()),
            (ValueKind::Errors, event.error.as_deref()),
        ];
        for (kind, value) in values {
            let Some(value) = value else { continue };
            let at = kind as usize;
            self.shared.uses[at].add(&mut self.uses[at], value, time, has_failed);
        }
        self.changes.add(row, &event);
        self.place = place;
    }

    /// Nothing more comes.
    fn hand_over(&mut self) {
        self.shared.uses.iter().zip(&mut self.uses).for_each(|(all, own)| all.take(own));
    }
}

impl Fold for InfoPart<'_> {
    fn merge(&mut self, mut other: Self) {
        other.hand_over();
        self.events.span.merge(&other.events.span);
        self.events.without_time += other.events.without_time;
        self.changes.merge(other.changes);
    }

    fn file(&mut self, end: &FileEnd<'_>) {
        self.shared.files.add(end, &self.shared.fingerprinter);
    }
}

/// An account and region as one value: what is absent is empty, and the length tells where the first one ends.
fn write_place(account: Option<&str>, region: Option<&str>, to: &mut String) {
    use std::fmt::Write as _;
    to.clear();
    let account = account.unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = write!(to, "{}:{account}{}", account.len(), region.unwrap_or_default());
}

fn read_place(place: &str) -> Option<(&str, &str)> {
    let (length, rest) = place.split_once(':')?;
    rest.split_at_checked(length.parse().ok()?)
}

impl Shared {
    fn finish(
        self,
        events: InfoEvents,
        changes: Changes,
        options: &ScanOptions<'_>,
        summary: &Summary,
    ) -> ArchiveInfo {
        let FileFindings { kinds, files, members, delivered, same_names, chains, unnamed_digests, hours } =
            self.files.finish(options.from, options.to);
        let [places, principals, access_keys, source_ips, event_names, errors] =
            self.uses.map(AllUses::finish);
        let list = |uses: &Option<Uses>| UsedValues::of(uses.as_ref(), events.span.events);
        // members of archive files that are of another time were told one by one
        let not_opened = [Skipped::EarlierTime, Skipped::LaterTime].map(|why| summary.skipped[why.index()].0);
        let members_of_another_time: u64 =
            kinds.iter().filter(|of| of.kind == FileKind::OtherTime).map(|of| of.files).sum();
        let of_another_time = not_opened.iter().sum::<u64>().saturating_sub(members_of_another_time);
        let left_out = LeftOut::ALL.iter().zip(summary.counts.left_out);
        let left_out =
            left_out.filter(|(_, count)| *count > 0).map(|(nature, count)| (nature.as_str(), count));
        ArchiveInfo {
            schema: "trailseal.info/1",
            from: options.from,
            to: options.to,
            files: InfoFiles {
                found: files + of_another_time,
                of_another_time,
                members,
                bytes: summary.bytes,
                inflated: summary.inflated,
                kinds,
                delivered,
                same_names,
                unnamed_digests,
                has_too_many_days: hours.is_none(),
                left_out: left_out.collect(),
            },
            places: places.map(|places| join(&places, hours.unwrap_or_default())),
            trails: chains.as_deref().map(trails),
            chains,
            principals: list(&principals),
            access_keys: list(&access_keys),
            source_ips: list(&source_ips),
            event_names: list(&event_names),
            errors: list(&errors),
            logging: changes.finish(),
            follow: access_keys.as_ref().and_then(key_to_follow),
            events,
            damage: InfoDamage {
                places: summary.damages,
                listed: summary.damage.iter().map(DamagedPlace::of).collect(),
            },
        }
    }
}

impl DamagedPlace {
    fn of(damage: &scan::Damage) -> Self {
        Self { file: damage.shown.clone(), offset: damage.offset, reason: damage.reason.clone() }
    }
}

/// The places that events name, and those that log files name.
fn join(places: &Uses, mut hours: BTreeMap<files::PlaceName, LogHours>) -> Vec<InfoPlace> {
    let named = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut all: Vec<InfoPlace> = places
        .iter()
        .filter_map(|(place, span)| {
            let (account, region) = read_place(place)?;
            let log_hours = hours.remove(&(account.to_owned(), region.to_owned()));
            Some(InfoPlace { account: named(account), region: named(region), span: *span, log_hours })
        })
        .collect();
    all.extend(hours.into_iter().map(|((account, region), log_hours)| InfoPlace {
        account: named(&account),
        region: named(&region),
        span: EventSpan::default(),
        log_hours: Some(log_hours),
    }));
    all.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    all
}

/// The trails of some chains.
fn trails(chains: &[NamedChain]) -> Vec<NamedTrail> {
    let mut trails: BTreeMap<(&str, &str), Vec<&NamedChain>> = BTreeMap::new();
    for chain in chains {
        trails.entry((&chain.trail, &chain.home_region)).or_default().push(chain);
    }
    let trail = |((trail, home_region), chains): ((&str, &str), Vec<&NamedChain>)| {
        let accounts: std::collections::BTreeSet<&str> =
            chains.iter().map(|chain| chain.account.as_str()).collect();
        Some(NamedTrail {
            trail: trail.to_owned(),
            home_region: home_region.to_owned(),
            accounts: accounts.len() as u64,
            chains: chains.len() as u64,
            digests: chains.iter().map(|chain| chain.digests).sum(),
            first: chains.iter().map(|chain| chain.first).min()?,
            last: chains.iter().map(|chain| chain.last).max()?,
        })
    };
    trails.into_iter().filter_map(trail).collect()
}

/// The key that failed most, and of several the one that did most.
fn key_to_follow(keys: &Uses) -> Option<String> {
    let is_key = |key: &str| {
        (16..=128).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    let rank =
        |(key, span): &(&str, &EventSpan)| (span.failed, span.events, std::cmp::Reverse((*key).to_owned()));
    let key = keys.iter().filter(|(key, _)| is_key(key)).max_by_key(rank);
    key.map(|(key, _)| key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_out_as_they_went_in() {
        let mut text = String::new();
        for (account, region) in
            [("111122223333", "us-east-1"), ("", ""), ("1:2", "é:"), ("", "12:x"), ("é", "")]
        {
            write_place(Some(account), Some(region), &mut text);
            assert_eq!(read_place(&text), Some((account, region)));
        }
        write_place(None, Some("eu-west-1"), &mut text);
        assert_eq!(read_place(&text), Some(("", "eu-west-1")));
    }

    #[test]
    fn the_key_to_begin_with_failed_most_and_is_one() {
        let (all, mut own) = (AllUses::default(), Uses::default());
        let mut add = |key: &str, events: u64, failed: u64| {
            (0..events).for_each(|n| all.add(&mut own, key, None, n < failed));
        };
        add("AKIAIOSFODNN7EXAMPL0", 50, 0);
        add("AKIAIOSFODNN7EXAMPL1", 5, 2);
        add("AKIAIOSFODNN7EXAMPL2", 6, 2);
        add("AKIAIOSFODNN7EXAMPL3", 6, 2);
        add("$(rm -rf /)AAAAAAAAA", 90, 9);
        all.take(&mut own);
        let uses = all.finish();
        assert_eq!(uses.as_ref().and_then(key_to_follow).as_deref(), Some("AKIAIOSFODNN7EXAMPL2"));
        assert_eq!(key_to_follow(&Uses::default()), None);
    }
}
