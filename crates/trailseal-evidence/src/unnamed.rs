//! Files among the logs that no digest names: copies of logs that are proven, logs of other trails, planted ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trailseal_archive::{
    Timestamp,
    key::{KeyParts, ObjectKind, log_stamp},
    leftover::Leftover,
};
use trailseal_verify::{
    Code, Covered, Finding, FoundLog, NamedLog, Policy, Status, Unnamed, Vouched, judge_log,
};

use crate::{
    batch::Run,
    days::{DAY, Days, day_of, is_of_day, number_of, stamp_of},
    files::{FileId, FileRef},
    locate::{DeliveryPlace, Mounts},
    options::{Map, Options},
    outcome::{Leftovers, UnitOutcome, UnnamedLog},
    paths::text_of,
    read::SIDECAR,
    report::FileTotals,
    sniff,
    sort::{Class, log_base, stamp_within},
    statement::{Delivery, TrailStatement},
    unit::{SeenFiles, Unit},
};

/// Copies that are listed one by one; the rest become one finding.
const MAX_COPIES: u64 = 1_000;

/// A file among the logs that no digest names.
#[derive(Clone, Debug)]
pub(crate) struct UnnamedFile {
    pub(crate) id: FileId,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) meaning: Unnamed,
    /// Whether it lies in a folder that no digest is known to cover (`CloudTrail-Insight` …).
    pub(crate) is_other_kind: bool,
    /// Whether it was asked for, by its stamp or its date folder.
    pub(crate) is_in_scope: bool,
    pub(crate) twin: Twin,
}

/// The log of which a file may be a copy, by its name (row 95): content alone makes nothing a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// None that an authentic digest of the account and region names.
    None,
    /// This log of this row.
    Log { row: u32, log: u32 },
    /// Its name claims nothing: any log of the account and region.
    Any,
}

impl Unit {
    /// The files that no digest names, whether they were asked for or not.
    pub(crate) fn find_unnamed(&self, run: &Run<'_>) -> Vec<UnnamedFile> {
        let named = self.named_files();
        let mut covered = CoveredPlaces::new(self, run.options.statement.as_ref());
        let mut twins = Twins::default();
        let mut unnamed = Vec::new();
        for (id, file) in self.files.iter() {
            let class = self.sorted.class(id);
            let is_false_metadata = class == Class::Metadata && !self.is_metadata(id, &file, run);
            if !(class == Class::Log || is_false_metadata) || named.contains(&id) {
                continue;
            }
            // A name that desktops give, and content that they do not (row 96).
            let is_false_leftover = Leftover::named(&file.folder.real, &file.file.name).is_some();
            let is_stray = is_false_metadata || is_false_leftover;
            let stamp = if is_stray { None } else { log_stamp(&file.file.name) };
            let path = text_of(&file.real());
            let day = day_of(&path);
            let meaning = match (stamp, day) {
                (Some(stamp), Some(day)) if !is_of_day(stamp, day) => Unnamed::StampMismatch,
                _ if self.is_out_of_layout(&path) => Unnamed::Stray,
                _ => covered.meaning(&path, stamp),
            };
            let is_other_kind = !matches!(file.kind, ObjectKind::Log | ObjectKind::Digest) && !is_stray;
            let twin = if is_other_kind || is_stray { Twin::None } else { twins.find(self, &file) };
            // A name may say nothing and still have a stamp.
            let is_in_scope = is_in_scope(run.policy, stamp_within(&file.file.name), day);
            unnamed.push(UnnamedFile { id, stamp, meaning, is_other_kind, is_in_scope, twin });
        }
        unnamed
    }

    /// Whether a file lies where CloudTrail puts none, in a bucket's folder that keeps AWS's layout (row 85).
    fn is_out_of_layout(&self, path: &str) -> bool {
        KeyParts::parse(path).is_none() && self.mounts.keep_layout(path)
    }

    /// Whether a file that is named like metadata holds metadata and nothing else.
    fn is_metadata(&self, id: FileId, file: &FileRef<'_>, run: &Run<'_>) -> bool {
        if self.sidecars.contains(&id) {
            return true;
        }
        if file.file.refusal.is_some() {
            return false;
        }
        // What lies beside a digest is spoken of there, whatever is wrong with it, unless it holds events.
        let beside = file.file.name.strip_suffix(SIDECAR).is_some_and(|name| {
            let digest = self.files.find_exactly(&text_of(&file.folder.real), name);
            digest.is_some_and(|digest| self.sorted.class(digest) == Class::Digest)
        });
        (beside && !sniff::may_hold_events(run.roots, file)) || sniff::metadata_in(run.roots, file).is_some()
    }

    /// Says what became of the files that no digest names.
    pub(crate) fn judge_unnamed(&self, seen: SeenFiles<'_>, outcome: &mut UnitOutcome) {
        let mut hashes = None;
        let mut copies = 0;
        for unnamed in &self.unnamed {
            let file = self.files.get(unnamed.id);
            let content = seen.get(unnamed.id).and_then(|seen| seen.as_ref().ok());
            let twin = content.and_then(|content| match unnamed.twin {
                Twin::None => None,
                // The content of a log that is missing was not copied, but moved (row 8).
                Twin::Log { row, log } if !self.is_in_its_place(row as usize, log as usize) => None,
                Twin::Log { row, log } => {
                    let named = self.named_log(row, log)?;
                    (named.hash == Some(content.sha256)).then_some(named)
                }
                Twin::Any => {
                    let hashes = hashes.get_or_insert_with(|| self.hashes());
                    hashes.get(&content.sha256).copied()
                }
            });
            let (Some(named), Some(content)) = (twin, content) else {
                outcome.log_files +=
                    u64::from(unnamed.is_in_scope && !unnamed.is_other_kind && unnamed.stamp.is_some());
                outcome.unnamed.push(self.told(unnamed));
                continue;
            };
            outcome.unnamed.push(UnnamedLog { is_copy: true, ..self.told(unnamed) });
            outcome.totals.bytes_inflated += content.inflated;
            outcome.files.copies += 1;
            outcome.files.unnamed -= 1;
            if !unnamed.is_in_scope {
                continue;
            }
            // How it is stored may still be a crime (row 65).
            let verdict = judge_log(named.hash, Vouched::Proven, FoundLog::Read(content));
            let (code, message) = match verdict.finding() {
                None => (
                    Code::CopyOfVerified,
                    format!("a copy of the log file {}", self.original(unnamed.twin, named)),
                ),
                Some((code, message)) => (code, format!("in a copy of a log file, {message}")),
            };
            copies += u64::from(verdict.status() == Status::Verified);
            if verdict.status() == Status::Verified && copies > MAX_COPIES {
                continue;
            }
            let finding =
                self.place(Finding::new(code, message)).about(Some(&named.bucket), &named.object.to_string());
            let finding = finding.found_at(file.shown());
            outcome.findings.push(match unnamed.stamp {
                Some(stamp) => finding.spanning(stamp, stamp),
                None => finding,
            });
        }
        if copies > MAX_COPIES {
            let message = format!("{} more copies of log files", copies - MAX_COPIES);
            let finding = Finding::new(Code::CopyOfVerified, message).counting(copies - MAX_COPIES);
            outcome.findings.push(self.place(finding));
        }
    }

    /// What the report tells of an unnamed file.
    pub(crate) fn told(&self, unnamed: &UnnamedFile) -> UnnamedLog {
        let file = self.files.get(unnamed.id);
        let key = self.mounts.place(&text_of(&file.real()), None).key;
        UnnamedLog {
            path: file.shown().into(),
            key: key.into(),
            stamp: unnamed.stamp,
            meaning: unnamed.meaning,
            is_other_kind: unnamed.is_other_kind,
            is_in_scope: unnamed.is_in_scope,
            is_copy: false,
        }
    }

    /// The path of the log of which a file is a copy, or its key.
    fn original(&self, twin: Twin, named: &NamedLog) -> String {
        let file = match twin {
            Twin::Log { row, log } => {
                self.files_of(row as usize, log as usize).ok().and_then(|mut files| files.next())
            }
            _ => None,
        };
        file.map_or_else(|| named.object.to_string(), |id| self.files.get(id).shown())
    }

    pub(crate) fn named_log(&self, row: u32, log: u32) -> Option<&NamedLog> {
        self.rows.get(row as usize)?.digest()?.logs.get(log as usize)
    }

    /// The logs that authentic digests name, by the hash of their content.
    pub(crate) fn hashes(&self) -> HashMap<[u8; 32], &NamedLog> {
        let authentic = self.authentic_rows().filter_map(|row| Some((row, self.rows[row].digest()?)));
        let logs = authentic.flat_map(|(row, digest)| {
            digest.logs.iter().enumerate().map(move |(log, named)| (row, log, named))
        });
        let present = logs.filter(|(row, log, _)| self.is_in_its_place(*row, *log));
        present.filter_map(|(.., named)| Some((named.hash?, named))).collect()
    }

    pub(crate) fn authentic_rows(&self) -> impl Iterator<Item = usize> + '_ {
        let judgements = self.assessment.judgements.iter().enumerate();
        judgements.filter(|(_, judgement)| judgement.is_authentic()).map(|(row, _)| row)
    }

    /// A finding about this account and region.
    pub(crate) fn place(&self, finding: Finding) -> Finding {
        finding.of_place(self.key.organization.as_deref(), &self.key.account, &self.key.region)
    }

    /// The days of which there is a digest or log file.
    pub(crate) fn days(&self) -> Days {
        let mut days = Days::default();
        for (first, listing) in self.files.listings() {
            let is_of_trail =
                |at: usize| matches!(self.sorted.class(first + at as FileId), Class::Digest | Class::Log);
            let day = day_of(&format!("{}/x", text_of(&listing.folder.real)));
            let mut files = listing.files.iter().enumerate().filter(|(at, _)| is_of_trail(*at));
            if let Some(day) = day {
                days.of_folders.extend(files.next().map(|_| number_of(day)));
            } else {
                days.of_names.extend(files.filter_map(|(_, file)| stamp_of(&file.name)).map(number_of));
            }
        }
        days
    }

    /// What the files are, so that their counts add up.
    pub(crate) fn count_files(&self) -> FileTotals {
        let mut totals = FileTotals { found: self.files.len() as u64, ..FileTotals::default() };
        for id in 0..self.files.len() as FileId {
            match self.sorted.class(id) {
                Class::Digest => totals.digests += 1,
                Class::Log => totals.logs += 1,
                Class::Metadata => totals.metadata += 1,
                Class::Keys => totals.keys += 1,
                Class::Marker => totals.markers += 1,
                Class::Leftover(_) => totals.leftovers += 1,
                Class::Alias => totals.aliases += 1,
            }
        }
        for unnamed in &self.unnamed {
            match self.sorted.class(unnamed.id) {
                Class::Metadata => {
                    totals.metadata -= 1;
                    totals.unnamed += 1;
                }
                Class::Log => {
                    totals.logs -= 1;
                    totals.unnamed += 1;
                }
                _ => {}
            }
        }
        totals
    }

    pub(crate) fn leftovers(&self) -> Leftovers {
        let mut leftovers = Leftovers::default();
        for (id, file) in self.files.iter() {
            if let Class::Leftover(kind) = self.sorted.class(id) {
                leftovers.add(kind, &file.shown());
            }
        }
        leftovers
    }

    /// Notes about the files as a whole.
    pub(crate) fn note_files(&self, outcome: &mut UnitOutcome) {
        let is_alias =
            |id, file: &FileRef<'_>| self.sorted.class(id) == Class::Alias && file.file.refusal.is_none();
        let aliases = || self.files.iter().filter(|(id, file)| is_alias(*id, file));
        if let Some((_, first)) = aliases().next() {
            let count = aliases().count() as u64;
            let message =
                format!("{count} symbolic links are other names of files that are judged where they lie");
            let finding = Finding::new(Code::SymlinkAlias, message).counting(count).found_at(first.shown());
            outcome.findings.push(self.place(finding));
        }
        if self.found_by_name() > 0 {
            let count = self.found_by_name();
            let message = format!(
                "{count} log files were found by their names: the folders are not those into which CloudTrail delivers"
            );
            outcome.findings.push(self.place(Finding::new(Code::LayoutLost, message).counting(count)));
        }
    }

    /// For each `--map`, whether a digest of its folder fits it, or none of them does.
    pub(crate) fn check_maps(&self, options: &Options) -> Vec<(usize, bool)> {
        let mut checked = Vec::new();
        for (number, map) in options.maps.iter().enumerate() {
            let Ok(folder) = std::fs::canonicalize(&map.folder) else { continue };
            let folder = format!("{}/", text_of(&folder));
            for (row, id) in self.sorted.digests.iter().enumerate() {
                let path = text_of(&self.files.get(*id).real());
                let (Some(rest), Some(digest)) = (path.strip_prefix(&folder), self.rows[row].digest()) else {
                    continue;
                };
                checked.push((number, fits(map, rest, &digest.bucket, &digest.object)));
            }
        }
        checked.sort_unstable();
        checked.dedup();
        checked
    }
}

/// Whether a map says of a digest's place what the digest says.
fn fits(map: &Map, rest: &str, bucket: &str, object: &str) -> bool {
    let claimed = object.strip_prefix(&map.prefix);
    map.bucket == bucket
        && claimed.is_some_and(|claimed| claimed == rest || claimed.strip_suffix(".gz") == Some(rest))
}

/// Finds the logs of which files may be copies.
#[derive(Default)]
struct Twins {
    by_base: Option<HashMap<String, (u32, u32)>>,
}

impl Twins {
    fn find(&mut self, unit: &Unit, file: &FileRef<'_>) -> Twin {
        if file.file.refusal.is_some() {
            return Twin::None;
        }
        let Some(base) = log_base(&file.file.name) else {
            let has_stamp = log_stamp(&file.file.name).is_some();
            return if has_stamp { Twin::None } else { Twin::Any };
        };
        let by_base = self.by_base.get_or_insert_with(|| bases(unit));
        by_base.get(base).map_or(Twin::None, |(row, log)| Twin::Log { row: *row, log: *log })
    }
}

/// The logs that authentic digests name, by what makes their names their own.
fn bases(unit: &Unit) -> HashMap<String, (u32, u32)> {
    let mut bases = HashMap::new();
    let is_own = |row: &usize| {
        unit.rows[*row]
            .chain()
            .is_some_and(|id| id.account == unit.key.account && id.region == unit.key.region)
    };
    for row in unit.authentic_rows().filter(is_own) {
        for (log, named) in unit.rows[row].digest().into_iter().flat_map(|digest| &digest.logs).enumerate() {
            if let Some(base) = log_base(named.object.name()) {
                bases.insert(base.to_owned(), (row as u32, log as u32));
            }
        }
    }
    bases
}

/// What the digests of each place of delivery cover, as far as it was asked for.
struct CoveredPlaces<'a> {
    unit: &'a Unit,
    mounts: &'a Mounts,
    statement: Option<&'a TrailStatement>,
    places: BTreeMap<DeliveryPlace, (Covered, bool)>,
}

impl<'a> CoveredPlaces<'a> {
    fn new(unit: &'a Unit, statement: Option<&'a TrailStatement>) -> Self {
        Self { unit, mounts: &unit.mounts, statement, places: BTreeMap::new() }
    }

    /// What it means that a file with a delivery time lies at a path, and no digest names it.
    fn meaning(&mut self, path: &str, stamp: Option<Timestamp>) -> Unnamed {
        let place = self.mounts.delivery(path);
        let (unit, statement) = (self.unit, self.statement);
        // Where no digest belongs, none speaks.
        let (covered, is_sole) = self.places.entry(place).or_insert_with_key(|place| {
            let is_here = |bucket: &str, key: &str| DeliveryPlace::of_object(bucket, key) == *place;
            let covered = Covered::new(&unit.rows, &unit.assessment.judgements, |digest| {
                is_here(&digest.bucket, &digest.object)
            });
            let is_sole = statement.is_some_and(|statement| is_sole(unit, place, statement));
            (covered, is_sole)
        });
        match covered.meaning(stamp) {
            Unnamed::Unreferenced if *is_sole && covered.has_begun(stamp) => Unnamed::Planted,
            meaning => meaning,
        }
    }
}

/// Whether the user states that only trails whose digests are proven deliver to a place.
fn is_sole(unit: &Unit, place: &DeliveryPlace, statement: &TrailStatement) -> bool {
    let rows =
        unit.authentic_rows().filter_map(|row| Some((unit.rows[row].digest()?, unit.rows[row].chain()?)));
    let here = rows.filter(|(digest, _)| DeliveryPlace::of_object(&digest.bucket, &digest.object) == *place);
    let proven: BTreeSet<(&str, &str)> = here.map(|(_, id)| (&*id.trail, &*id.home_region)).collect();
    let delivery = Delivery {
        bucket: place.bucket.as_deref().unwrap_or_default(),
        prefix: &place.prefix,
        organization: place.organization.as_deref(),
        account: &unit.key.account,
        region: &unit.key.region,
    };
    !proven.is_empty() && statement.excludes_others(&delivery, &proven)
}

/// Whether a file was asked for: it is left out only if its stamp and its date folder both lie outside (row 84).
fn is_in_scope(policy: &Policy, stamp: Option<Timestamp>, day: Option<Timestamp>) -> bool {
    let by_stamp = stamp.map(|stamp| policy.contains(stamp));
    let by_folder = day.map(|day| policy.overlaps(day, day.plus(DAY)));
    match (by_stamp, by_folder) {
        // The minutes of a log's own day are told by its stamp; of midnight either may be meant.
        (Some(by_stamp), _)
            if stamp.zip(day).is_none_or(|(stamp, day)| number_of(stamp) == number_of(day)) =>
        {
            by_stamp
        }
        (None, None) => true,
        _ => by_stamp == Some(true) || by_folder == Some(true),
    }
}
