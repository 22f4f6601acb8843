//! What digests say of the log files of an archive, before any log file is read.
//!
//! A query judges all digests first, which is cheap, and reads log files afterwards: those whose signed event
//! times can matter. A file that was read to its end gets a [`Integrity`], which all its event records share.
//!
//! ```no_run
//! use std::path::Path;
//! use trailseal_evidence::{Options, Silent, ledger::{Integrity, Ledger}};
//!
//! # use trailseal_archive::open::ReadError;
//! # fn read(_: &Path) -> Result<trailseal_verify::Observation, ReadError> { unimplemented!() }
//! let ledger = Ledger::load(&Options::default(), &Silent)?;
//! let path = Path::new("/archive/AWSLogs/…/log.json.gz");
//! let label = match ledger.entry(path) {
//!     Some(entry) => entry.label(read(path).as_ref().map_err(|error| error as _)).0,
//!     None => Integrity::NotCovered,
//! };
//! # Ok::<(), trailseal_evidence::Error>(())
//! ```

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::report::{DigestTotals, Mapping, Verdict};
use rayon::prelude::*;
use trailseal_archive::Timestamp;
use trailseal_verify::{
    Code, Finding, FoundLog, HOUR, ObjectKey, Observation, Policy, Severity, Status, Unnamed, Vouched,
    judge_log,
};

use crate::{
    conclude::{late_and_early, unnamed_code, unnamed_message},
    driver::judge_digests,
    error::Error,
    explain::Explanations,
    options::{Options, Progress},
    outcome::RegionOutcome,
    run::Signatures,
    survey::Opened,
};
use index::{DigestClaim, Index, Names, SlotState};
use load::Builder;

mod index;
mod load;

/// Folder → name → what digests say of a file to which a link leads that has the name of a log.
type Targets = HashMap<PathBuf, HashMap<OsString, SlotState>>;

/// What the digests of an archive say of its log files.
#[derive(Debug)]
pub struct Ledger {
    index: Index,
    /// Where the rows of named links are.
    targets: Targets,
    missing: Vec<MissingLog>,
    /// In order.
    missing_hashes: Vec<[u8; 32]>,
    summary: LedgerSummary,
    /// The chains.
    outcomes: Vec<RegionOutcome>,
    explanations: Explanations,
    /// Whether a verified log contradicts what the user states of trails.
    is_statement_contradicted: bool,
}

/// What is proven of the event records in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Integrity {
    /// The file is what a trusted key signed.
    Verified,
    /// A digest names the file, but nothing proves or disproves its content.
    Unproven,
    /// The file is not what a trusted key signed, or was planted.
    Violated,
    /// No digest speaks of the file.
    NotCovered,
}

impl Integrity {
    /// All of them, from the best to the least.
    pub const ALL: [Self; 4] = [Self::Verified, Self::Unproven, Self::Violated, Self::NotCovered];

    /// Its place in [`Integrity::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// As outputs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unproven => "unproven",
            Self::Violated => "violated",
            Self::NotCovered => "not_covered",
        }
    }
}

/// A log that an authentic digest names, and of which there is no file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MissingLog {
    /// Its bucket.
    pub bucket: Arc<str>,
    /// Its key.
    pub key: ObjectKey,
    /// The times of its oldest and newest event, if both are signed.
    pub event_span: Option<(Timestamp, Timestamp)>,
    /// [`Code::LogMissing`] where it should be there, [`Code::LogNotInArchive`] where its bucket or prefix was
    /// not copied, [`Code::LogUnreadable`] where its folder cannot be seen.
    pub code: Code,
}

impl MissingLog {
    /// Takes in what another digest says of the same log.
    fn widen(&mut self, other: Option<(Timestamp, Timestamp)>) {
        let spans = self.event_span.zip(other);
        self.event_span = spans.map(|(one, other)| (one.0.min(other.0), one.1.max(other.1)));
    }

    /// Whether it may hold events from `from` to `to`, both included.
    fn may_hold(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
        self.event_span.is_none_or(|(oldest, newest)| {
            from.is_none_or(|from| newest >= from) && to.is_none_or(|to| oldest <= to)
        })
    }
}

/// What is to be said of the digests, whatever log files are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerSummary {
    /// Counts of digest files.
    pub digests: DigestTotals,
    /// Logs that digests name.
    pub logs_named: u64,
    /// Those of authentic digests that should be there and are not.
    pub logs_missing: u64,
    /// Those of authentic digests whose bucket, prefix or folder is not to be seen.
    pub logs_out_of_reach: u64,
    /// Which folders stand for which places in S3, ordered.
    pub mappings: Vec<Mapping>,
    /// What was found about digests, about named logs of which there is no file, and about folders that could
    /// not be seen. The first thousand of such logs are listed one by one; [`Ledger::missing`] has them all.
    pub findings: Vec<Finding>,
    /// What the findings come to.
    pub verdict: Verdict,
}

impl Ledger {
    /// Reads and judges all digests below the roots, and finds the logs that they name; reads no log.
    ///
    /// Of the policy only what is allowed counts: nothing is left out by account, region, trail or time.
    ///
    /// # Errors
    /// [`Error`] when a root cannot be read or the run was interrupted. That there is no digest is no error.
    pub fn load(options: &Options, progress: &dyn Progress) -> Result<Self, Error> {
        let policy = Policy { allowed: options.policy.allowed.clone(), ..Policy::default() };
        let opened = Opened::new(options, &policy)?;
        let run = opened.run(options, &policy, progress, Signatures::Heads);
        let mut builder = Builder::default();
        opened.each_batch(&run, &|_, _| true, &mut |batch| {
            let regions = judge_digests(batch, &run)?;
            let parts: Vec<Builder> = run
                .pool
                .install(|| regions.into_par_iter().map(|region| Builder::of(&region, &run)).collect());
            for part in parts {
                builder.merge(part);
            }
            run.check_interrupt()
        })?;
        builder.finish(&opened, &run)
    }

    /// What the digests say of a file: by the path that a listing of the roots has for it (the real path of a
    /// root and what follows), or its real path. `None` for what is no log file of the archive.
    pub fn entry(&self, path: &Path) -> Option<FileClaims<'_>> {
        let by_real_path = || {
            let real = std::fs::canonicalize(path).ok()?;
            if real == path { None } else { self.index.find(&real) }
        };
        let target = || self.targets.get(path.parent()?)?.get(path.file_name()?).copied();
        let slot = self.index.find(path).or_else(by_real_path).or_else(target)?;
        Some(FileClaims { ledger: self, slot })
    }

    /// What the digests say of the files in a folder, by the path that a listing of the roots has for it, or its
    /// real path.
    pub fn folder(&self, path: &Path) -> FolderEntries<'_> {
        let real = std::fs::canonicalize(path).ok().filter(|real| real != path);
        let by_real_path = real.and_then(|real| self.index.folder(&real));
        FolderEntries {
            ledger: self,
            by_path: self.index.folder(path),
            by_real_path,
            targets: self.targets.get(path),
        }
    }

    /// The logs that authentic digests name and of which there is no file, in order of their keys.
    pub fn missing(&self) -> &[MissingLog] {
        &self.missing
    }

    /// Those of them that may hold events from `from` to `to`, both included.
    pub fn missing_between(
        &self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> impl Iterator<Item = &MissingLog> {
        self.missing.iter().filter(move |log| log.may_hold(from, to))
    }

    /// What is to be said of the digests.
    pub fn summary(&self) -> &LedgerSummary {
        &self.summary
    }

    /// What was found about the digests, and not about single logs, that may hide events from `from` to `to`, both
    /// included; and what the digests do not cover of that span, as `verify` says it (row 80). What is missing may
    /// hold events that were delivered `late` seconds after they happened.
    pub fn doubts(&self, from: Option<Timestamp>, to: Option<Timestamp>, late: i64) -> Vec<Finding> {
        let concerns = |finding: &&Finding| {
            // No digest was missing where there was none: a pause hides what happened in it.
            let late = if finding.code == Code::Gap { DELIVERY } else { late };
            let is_later = finding.start.zip(to).is_some_and(|(start, to)| start > to.plus(late));
            // The hour of the starting digest after it is not covered either.
            let more = if finding.code == Code::Gap { HOUR } else { 0 };
            let is_earlier = finding.end.zip(from).is_some_and(|(end, from)| end.plus(more) < from);
            finding.severity != Severity::Note
                && !finding.code.text().starts_with("log_")
                && !is_later
                && !is_earlier
        };
        let mut doubts: Vec<Finding> = self.summary.findings.iter().filter(concerns).cloned().collect();
        // The newest events of a span are delivered after it.
        let asked = Policy { start: from, end: to.map(|to| to.plus(DELIVERY)), ..Policy::default() };
        let uncovered = |unit| late_and_early(unit, &asked, &self.explanations);
        doubts.extend(self.outcomes.iter().flat_map(uncovered));
        doubts
    }
}

/// Seconds within which CloudTrail delivers most events.
pub(crate) const DELIVERY: i64 = 15 * 60;

/// What the digests say of the files in one folder.
#[derive(Clone, Copy, Debug)]
pub struct FolderEntries<'a> {
    ledger: &'a Ledger,
    by_path: Option<&'a Names>,
    by_real_path: Option<&'a Names>,
    targets: Option<&'a HashMap<OsString, SlotState>>,
}

impl<'a> FolderEntries<'a> {
    /// What they say of the file with this name, which is no link: as [`Ledger::entry`] does, without looking at
    /// the file.
    pub fn entry(&self, name: &str) -> Option<FileClaims<'a>> {
        let mut known = [self.by_path, self.by_real_path].into_iter().flatten();
        let target = || self.targets?.get(OsStr::new(name)).copied();
        let slot = known.find_map(|names| names.find(name)).or_else(target)?;
        Some(FileClaims { ledger: self.ledger, slot })
    }
}

/// What the digests say of one file.
#[derive(Clone, Copy, Debug)]
pub struct FileClaims<'a> {
    ledger: &'a Ledger,
    slot: SlotState,
}

impl FileClaims<'_> {
    /// Whether the file was read and is a digest document, or the metadata beside one: it holds no events.
    pub fn is_digest(&self) -> bool {
        self.slot == SlotState::Digest
    }

    /// The times of the oldest and newest event in the file, if all authentic digests that name it sign them.
    ///
    /// A file with other content may hold other events: it is not the log that was signed.
    pub fn event_span(&self) -> Option<(Timestamp, Timestamp)> {
        let spans = self.namings().filter(|naming| naming.is_authentic()).map(DigestClaim::span);
        spans.reduce(|one, other| {
            let (one, other) = one.zip(other)?;
            Some((one.0.min(other.0), one.1.max(other.1)))
        })?
    }

    /// The label of the file once it has been read to its end, and the reason unless it is verified: a
    /// finding's code and its message. `seen` is an error with the reason when the file could not be read.
    ///
    /// Where several authentic digests name the file, the worst that they say counts; where none does, nothing
    /// is proven. A file that no digest names and that holds the content of a missing log is not planted, but
    /// not in its place either: nothing covers it.
    pub fn label(&self, seen: Result<&Observation, &dyn std::error::Error>) -> (Integrity, Option<String>) {
        match self.slot {
            SlotState::Nothing | SlotState::Digest => (Integrity::NotCovered, None),
            SlotState::Named(_) => self.label_named(seen),
            SlotState::Unnamed { meaning, is_other_kind, twin } => {
                let hash = twin.and_then(|twin| self.ledger.index.of_twin(twin)?.hash());
                let is_copy = |content: &[u8; 32]| hash == Some(*content);
                label_copy(seen, &is_copy).unwrap_or_else(|| self.label_unnamed(meaning, is_other_kind, seen))
            }
            SlotState::Kin { meaning, is_other_kind, family } => {
                let is_copy = |content: &[u8; 32]| self.ledger.index.is_of_family(family, content);
                label_copy(seen, &is_copy).unwrap_or_else(|| self.label_unnamed(meaning, is_other_kind, seen))
            }
        }
    }

    fn namings(&self) -> impl Iterator<Item = &DigestClaim> {
        let first = match self.slot {
            SlotState::Named(first) => Some(first),
            _ => None,
        };
        first.into_iter().flat_map(|first| self.ledger.index.namings_from(first))
    }

    fn label_named(&self, seen: Result<&Observation, &dyn std::error::Error>) -> (Integrity, Option<String>) {
        let copy = match seen {
            Ok(observation) => FoundLog::Read(observation),
            Err(reason) => FoundLog::Unreadable(reason),
        };
        let is_authentic = self.namings().any(DigestClaim::is_authentic);
        let by = if is_authentic { Vouched::Proven } else { Vouched::Claimed };
        let mut verdicts = self
            .namings()
            .filter(|naming| naming.is_authentic() == is_authentic)
            .map(|naming| (judge_log(naming.hash(), by, copy), naming.is_conflicting()));
        let Some((mut worst, mut is_conflicting)) = verdicts.next() else {
            return (Integrity::NotCovered, None);
        };
        let mut is_what_one_says = worst.status() == Status::Verified;
        for (verdict, conflicts) in verdicts {
            is_what_one_says |= verdict.status() == Status::Verified;
            if rank(verdict.status()) < rank(worst.status()) {
                (worst, is_conflicting) = (verdict, conflicts);
            }
        }
        let label = match worst.status() {
            Status::Verified => Integrity::Verified,
            Status::Violated => Integrity::Violated,
            Status::Unproven | Status::Missing => Integrity::Unproven,
        };
        let reason = match worst.finding() {
            Some((Code::LogAltered, _)) if is_what_one_says && is_conflicting => Some(reason(
                Code::DigestConflict,
                "authentic digests name the log file with different hashes",
            )),
            Some((code, message)) => Some(reason(code, message)),
            None => None,
        };
        (label, reason)
    }

    fn label_unnamed(
        &self,
        meaning: Unnamed,
        is_other_kind: bool,
        seen: Result<&Observation, &dyn std::error::Error>,
    ) -> (Integrity, Option<String>) {
        let is_missed = |seen: &Observation| self.ledger.missing_hashes.binary_search(&seen.sha256).is_ok();
        if seen.is_ok_and(is_missed) {
            let message = "no digest names the file, but its content is that of a missing log file";
            return (Integrity::NotCovered, Some(reason(Code::LogFoundElsewhere, message)));
        }
        let meaning =
            if self.ledger.is_statement_contradicted { meaning.without_statement() } else { meaning };
        let code = unnamed_code(meaning, is_other_kind);
        let is_planted = meaning == Unnamed::Planted && !is_other_kind;
        let label = if is_planted { Integrity::Violated } else { Integrity::NotCovered };
        (label, Some(reason(code, unnamed_message(meaning, is_other_kind))))
    }
}

/// The label of a further copy of a proven log (row 69), if it is one.
fn label_copy(
    seen: Result<&Observation, &dyn std::error::Error>,
    is_copy: &dyn Fn(&[u8; 32]) -> bool,
) -> Option<(Integrity, Option<String>)> {
    let seen = seen.ok().filter(|seen| is_copy(&seen.sha256))?;
    let verdict = judge_log(Some(seen.sha256), Vouched::Proven, FoundLog::Read(seen));
    Some(match verdict.finding() {
        None => (Integrity::Verified, None),
        Some((code, message)) => (Integrity::Violated, Some(reason(code, message))),
    })
}

/// The worst is lowest.
fn rank(status: Status) -> u8 {
    match status {
        Status::Violated => 0,
        Status::Unproven | Status::Missing => 1,
        Status::Verified => 2,
    }
}

fn reason(code: Code, message: &str) -> String {
    format!("{}: {message}", code.text())
}
