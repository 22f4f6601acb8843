//! What became of every log of an account and Region.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Deref,
};

use trailseal_archive::{gzip::Ending, walk::AccountRegion};
use trailseal_verify::{
    Chain, Code, DigestRow, Finding, FoundLog, Judgement, LogVerdict, NamedLog, ObjectKey, Observation,
    Status, Vouched, judge_log,
};

use super::{matched::Matched, observed::Observed, told::Conflicts, unnamed::Twin};
use crate::{
    files::FileId,
    outcome::{LogTally, LostContent, RegionOutcome, UnnamedLog, log_finding, logs_stored_inflated},
    run::Run,
    unseen::Unseen,
};

/// Findings about named logs that an account and region may list one by one; a digest's further ones become one a
/// code. JSON Lines has all of them.
const MAX_LISTED: usize = 50_000;

/// The same for a digest that nothing proves: anybody can claim millions (row 78).
const MAX_CLAIMS: usize = 1_000;

/// Copies that are listed one by one; the rest become one finding.
const MAX_COPIES: u64 = 1_000;

/// An account and Region, judged.
pub(crate) struct Judged {
    files: Hashed,
    logs: JudgedLogs,
    outcome: RegionOutcome,
}

/// An account and Region whose logs were read.
struct Hashed {
    matched: Matched,
    observed: Observed,
}

impl Deref for Hashed {
    type Target = Matched;

    fn deref(&self) -> &Matched {
        &self.matched
    }
}

/// What became of the logs that digests name.
struct JudgedLogs {
    /// Row → the logs of it that are judged.
    of_rows: Vec<Vec<JudgedLog>>,
    /// Each different one of those given lately once, as that of logs that are plainly verified.
    verdicts: Vec<LogVerdict>,
}

/// One named log: small, for there are millions.
#[derive(Clone, Copy)]
struct JudgedLog {
    /// Its place in its digest.
    log: u32,
    /// The file that speaks, or [`NO_FILE`].
    file: FileId,
    /// Its place among the verdicts.
    verdict: u32,
}

/// Verdicts that are looked through for the same one.
const LATELY: usize = 8;

/// Stands for no file: an account and Region has fewer.
const NO_FILE: FileId = FileId::MAX;

impl JudgedLog {
    fn file(self) -> Option<FileId> {
        (self.file != NO_FILE).then_some(self.file)
    }
}

/// One named log and what became of it.
pub struct LogEntry<'a> {
    /// How its digest names it.
    pub named: &'a NamedLog,
    /// The judgement.
    pub verdict: &'a LogVerdict,
    file: Option<FileId>,
    /// What was read, if anything.
    pub seen: Option<&'a Observation>,
}

impl<'a> LogEntry<'a> {
    /// A log of which there is no file.
    pub(crate) fn without_file(named: &'a NamedLog, verdict: &'a LogVerdict) -> Self {
        Self { named, verdict, file: None, seen: None }
    }
}

impl Judged {
    /// Judges the logs, and gathers what the report needs.
    pub(crate) fn new(matched: Matched, observed: Observed, run: &Run<'_>) -> Self {
        let files = Hashed { matched, observed };
        let logs = JudgedLogs::new(&files);
        let mut outcome = files.begin(run);
        let conflicts = files.report_repeated_names(&mut outcome);
        let tallies = files.report_logs(&logs, &conflicts, &mut outcome);
        outcome.add_chains(&files.rows, &files.assessment, &tallies, run);
        files.judge_unnamed(&mut outcome);
        files.report_problems(&mut outcome);
        Self { files, logs, outcome }
    }

    /// For those who want every digest and log.
    pub(crate) fn detail(&self) -> RegionDetail<'_> {
        RegionDetail { judged: self }
    }

    /// What is left when nobody wants to see every digest and log.
    pub(crate) fn into_outcome(self) -> RegionOutcome {
        self.outcome
    }
}

impl JudgedLogs {
    /// Judges every log once.
    fn new(files: &Hashed) -> Self {
        let mut logs = Self { of_rows: vec![Vec::new(); files.rows.len()], verdicts: Vec::new() };
        for row in files.judged_rows() {
            let judged = files.asked_logs(row).map(|log| {
                let (file, verdict) = files.judge_named(row, log);
                JudgedLog { log: log as u32, file: file.unwrap_or(NO_FILE), verdict: logs.keep(verdict) }
            });
            logs.of_rows[row] = judged.collect();
        }
        logs
    }

    /// The place of a verdict. One that was given lately is kept once: a digest can claim a million logs that are not there.
    fn keep(&mut self, verdict: LogVerdict) -> u32 {
        let known = self.verdicts.iter().rev().take(LATELY).position(|known| *known == verdict);
        if let Some(back) = known {
            return (self.verdicts.len() - 1 - back) as u32;
        }
        self.verdicts.push(verdict);
        self.verdicts.len() as u32 - 1
    }

    /// The judged logs of a row.
    fn of_row<'a>(&'a self, files: &'a Hashed, row: usize) -> impl Iterator<Item = (usize, LogEntry<'a>)> {
        self.of_rows[row].iter().map(move |judged| {
            let seen = judged.file().and_then(|id| files.observed.get(id)?.as_ref().ok());
            let (log, verdict) = (judged.log as usize, &self.verdicts[judged.verdict as usize]);
            (log, LogEntry { named: &files.named(row)[log], verdict, file: judged.file(), seen })
        })
    }
}

impl Hashed {
    /// What became of one named log, and the file that says so: the worst of its copies speaks.
    fn judge_named(&self, row: usize, log: usize) -> (Option<FileId>, LogVerdict) {
        let expected = self.named(row)[log].hash;
        let by = self.assessment.judgements[row].vouched();
        let files = match self.files_of(row, log) {
            Ok(files) => files,
            Err(found) => return (None, judge_log(expected, by, found)),
        };
        let verdicts = files.map(|id| {
            let refusal = self.matched.files.get(id).file.refusal;
            let found = match (&refusal, self.observed.get(id)) {
                (Some(refusal), _) => FoundLog::Unreadable(refusal),
                (None, Some(Ok(observation))) => FoundLog::Read(observation),
                (None, Some(Err(error))) => FoundLog::Unreadable(error),
                (None, None) => FoundLog::Unreadable(&Unseen::NotRead),
            };
            (Some(id), judge_log(expected, by, found))
        });
        let rank = |(_, verdict): &(Option<FileId>, LogVerdict)| match verdict.status() {
            Status::Violated => 0,
            Status::Verified => 1,
            Status::Unproven => 2,
            Status::Missing => 3,
        };
        verdicts.min_by_key(rank).expect("there is a first file")
    }

    /// Tells what became of the logs, and counts it for every row.
    fn report_logs(
        &self,
        logs: &JudgedLogs,
        conflicts: &Conflicts,
        outcome: &mut RegionOutcome,
    ) -> Vec<LogTally> {
        let mut tallies = vec![LogTally::default(); self.rows.len()];
        let mut hashed = HashSet::new();
        let mut inflated: Option<(u64, FileId, usize, usize)> = None;
        let mut left = MAX_LISTED;
        for row in self.judged_rows() {
            let mut budget =
                if self.assessment.judgements[row].is_authentic() { left } else { left.min(MAX_CLAIMS) };
            let before = budget;
            let mut unlisted: BTreeMap<Code, (u64, Finding)> = BTreeMap::new();
            for (log, entry) in logs.of_row(self, row) {
                tallies[row].add(entry.verdict);
                if entry.verdict.is_stored_inflated() {
                    let file = entry.file.unwrap_or_default();
                    inflated = Some(inflated.map_or((1, file, row, log), |(n, f, r, l)| (n + 1, f, r, l)));
                }
                if let Some((id, observation)) = entry.file.zip(entry.seen)
                    && hashed.insert(id)
                {
                    outcome.totals.bytes_inflated += observation.inflated;
                }
                // Where two authentic digests disagree and the log is what one of them says, that is the finding.
                let agrees = |(object, hash): &(ObjectKey, [u8; 32])| {
                    *object == entry.named.object && entry.seen.is_some_and(|seen| seen.sha256 == *hash)
                };
                let is_altered = entry.verdict.finding().is_some_and(|(code, _)| code == Code::LogAltered);
                if is_altered && conflicts.iter().any(agrees) {
                    continue;
                }
                match log_finding(entry.verdict, &self.rows[row]) {
                    None => {}
                    Some(_) if budget > 0 => {
                        budget -= 1;
                        report_log(self, row, &entry, outcome);
                    }
                    Some(finding) => unlisted.entry(finding.code).or_insert((0, finding)).0 += 1,
                }
            }
            tallies[row].is_cut = tallies[row].named < self.named(row).len() as u64;
            left -= before - budget;
            outcome.findings.extend(unlisted.into_values().map(|(count, mut finding)| {
                finding.message = format!("{count} more log files of this digest: {}", finding.message);
                finding.counting(count)
            }));
        }
        if let Some((count, file, row, log)) = inflated {
            let named = &self.named(row)[log];
            let path = self.matched.files.get(file).shown();
            let finding = logs_stored_inflated(count, &path, &named.bucket, &named.object.to_string());
            outcome.findings.push(self.place(finding));
        }
        tallies
    }

    /// Says what became of the files that no digest names.
    fn judge_unnamed(&self, outcome: &mut RegionOutcome) {
        let mut hashes = None;
        let mut copies = 0;
        for unnamed in &self.unnamed {
            let file = self.matched.files.get(unnamed.id);
            let content = self.observed.get(unnamed.id).and_then(|seen| seen.as_ref().ok());
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
                outcome.unnamed_logs +=
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
}

/// The finding about a named log, if there is one.
pub(crate) fn report_log(files: &Matched, row: usize, entry: &LogEntry<'_>, outcome: &mut RegionOutcome) {
    let Some(finding) = log_finding(entry.verdict, &files.rows[row]) else { return };
    let named = entry.named;
    let mut finding = finding.about(Some(&named.bucket), &named.object.to_string());
    if let Some(id) = entry.file {
        finding.path = Some(files.files.get(id).shown());
    }
    let actual = entry.seen.map(|seen| seen.sha256);
    finding.expected = named.hash.map(hex::encode);
    // The hash of what could be inflated of a damaged file is no hash of the file.
    let is_whole = |seen: &&Observation| {
        matches!(seen.ending, Ending::Complete | Ending::TrailingData { .. } | Ending::ExtraMember { .. })
    };
    finding.actual = entry.seen.filter(is_whole).map(|seen| hex::encode(seen.sha256));
    // A log of an unmapped bucket may lie in the archive after all: it must not pass for a planted one.
    let is_displaced = matches!(entry.verdict.status(), Status::Missing | Status::Violated)
        || finding.code == Code::LogNotInArchive;
    if let (true, Some(expected)) = (is_displaced, named.hash)
        && actual != Some(expected)
    {
        let altered = finding.code == Code::LogAltered;
        let actual = actual.filter(|_| altered);
        outcome.displaced.push(LostContent { finding: outcome.findings.len(), expected, actual });
    }
    outcome.findings.push(finding);
}

/// Every digest and log of one account and region, for those outputs that list them all.
pub struct RegionDetail<'a> {
    judged: &'a Judged,
}

impl<'a> RegionDetail<'a> {
    /// The digest files; one index means one file in all that follows.
    pub fn rows(&self) -> &'a [DigestRow] {
        &self.judged.files.rows
    }

    /// The judgements on them.
    pub fn judgements(&self) -> &'a [Judgement] {
        &self.judged.files.assessment.judgements
    }

    /// The chains in scope: their identity and rows.
    pub fn chains(&self) -> &'a [Chain] {
        &self.judged.files.assessment.chains
    }

    /// The logs that a row names and that are judged; empty when the row is not.
    pub fn logs(&self, row: usize) -> impl Iterator<Item = LogEntry<'a>> + use<'a> {
        self.judged.logs.of_row(&self.judged.files, row).map(|(_, entry)| entry)
    }

    /// The path of a log's file, as found.
    pub fn path(&self, entry: &LogEntry<'_>) -> Option<String> {
        entry.file.map(|id| self.judged.files.matched.files.get(id).shown())
    }

    /// The log files that no digest names.
    pub fn unnamed(&self) -> &'a [UnnamedLog] {
        &self.judged.outcome.unnamed
    }

    /// The account and region, as the folders say.
    pub fn key(&self) -> &'a AccountRegion {
        &self.judged.files.key
    }
}
