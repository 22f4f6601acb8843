//! One account and region, finished: what is left of it once its digests and logs have been judged.

use trailseal_archive::Timestamp;

use crate::report::{ChainReport, Coverage, Head, Interval, Mapping, Totals};
use trailseal_verify::{
    chain::{Assessment, Chain, HOUR, Judgement, Status},
    finding::{Code, Finding, Severity},
    link::{DigestRow, named_chain},
    logs::{LogVerdict, Unnamed, merge},
};

use crate::expect::Expectations;

/// What one account and region adds to the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnitOutcome {
    /// The organization, as the folders say.
    pub organization: Option<String>,
    /// The account, as the folders say; empty when they do not.
    pub account: String,
    /// The region, as the folders say; empty when they do not.
    pub region: String,
    /// Its chains.
    pub chains: Vec<ChainOutcome>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Its counts.
    pub totals: Totals,
    /// Named logs whose content is not there; resolved among all units.
    pub displaced: Vec<Displaced>,
    /// Log files that no digest names.
    pub unnamed: Vec<UnnamedLog>,
    /// Log files in scope that no digest names.
    pub log_files: u64,
    /// Digest files seen, in scope or not.
    pub digest_files: u64,
    /// Where buckets were taken to lie.
    pub mappings: Vec<Mapping>,
    /// Events in verified logs around the gaps that say that a trail was stopped or changed.
    pub changes: Vec<TrailChange>,
}

/// An event that explains a gap: `StopLogging`, `DeleteTrail` or `UpdateTrail`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TrailChange {
    /// When it happened.
    pub time: Timestamp,
    /// `eventName`.
    pub event: String,
    /// The trail as the request named it: its name or its ARN.
    pub trail: String,
    /// The key of the verified log that holds it.
    pub log: String,
}

impl TrailChange {
    /// Whether the request meant the trail of a gap; an organization's trail is of another account.
    fn is_of(&self, gap: &Finding, trail: &str) -> bool {
        let account = gap.account.as_deref().filter(|_| gap.organization.is_none()).unwrap_or_default();
        let is_owner = |arn: &str| arn.strip_suffix(":trail/").is_some_and(|owner| owner.ends_with(account));
        self.trail == trail || self.trail.strip_suffix(trail).is_some_and(is_owner)
    }
}

/// Seconds before a gap in which the event that opens it may lie.
pub(crate) const CHANGE_MARGIN: i64 = 2 * HOUR;

/// A chain, and what only the comparison with others can tell.
#[derive(Clone, Debug)]
pub(crate) struct ChainOutcome {
    /// Its part of the report.
    pub report: ChainReport,
    /// Start of its oldest digest in scope.
    pub first_start: Option<Timestamp>,
    /// Whether the head of the earlier report is still in it; `None` without one.
    pub holds_baseline_head: Option<bool>,
}

/// A named log whose content is missing or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Displaced {
    /// Index of its finding in [`UnitOutcome::findings`].
    pub finding: usize,
    /// The hash that was signed.
    pub expected: [u8; 32],
    /// The hash of what lies in its place.
    pub actual: Option<[u8; 32]>,
}

/// A log file that no digest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnnamedLog {
    /// The file.
    pub path: Box<str>,
    /// The key that its place stands for.
    pub key: Box<str>,
    /// The delivery time in its name.
    pub stamp: Option<Timestamp>,
    /// What it means.
    pub meaning: Unnamed,
    /// Whether it lies in a folder that no digest is known to cover (`CloudTrail-Insight` …).
    pub is_other_kind: bool,
}

/// Turns the gaps that a trail change in a verified log explains into notes.
pub(crate) fn corroborate(outcomes: &mut [UnitOutcome]) {
    let mut changes: Vec<TrailChange> = outcomes.iter().flat_map(|unit| unit.changes.clone()).collect();
    changes.sort();
    let gaps = outcomes.iter_mut().flat_map(|unit| &mut unit.findings).filter(|f| f.code == Code::Gap);
    for gap in gaps {
        let (Some(start), Some(end), Some(trail)) = (gap.start, gap.end, gap.trail.clone()) else { continue };
        let is_cause = |change: &&TrailChange| {
            change.is_of(gap, &trail) && change.time >= start.plus(-CHANGE_MARGIN) && change.time <= end
        };
        if let Some(change) = changes.iter().find(is_cause) {
            gap.severity = Severity::Note;
            let TrailChange { event, time, log, .. } = change;
            gap.message = format!("{}; {event} at {time} in the verified log {log} explains it", gap.message);
        }
    }
}

/// Counts of the logs of one digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTally {
    /// Named by it.
    pub named: u64,
    /// Verified.
    pub verified: u64,
    /// Violated.
    pub violated: u64,
    /// Unproven.
    pub unproven: u64,
    /// Missing.
    pub missing: u64,
}

impl LogTally {
    /// Counts a log.
    pub(crate) fn add(&mut self, verdict: &LogVerdict) {
        self.named += 1;
        match verdict.status {
            Status::Verified => self.verified += 1,
            Status::Violated => self.violated += 1,
            Status::Unproven => self.unproven += 1,
            Status::Missing => self.missing += 1,
        }
    }
}

impl UnitOutcome {
    /// Counts the digests of an assessment and reports its chains; `tallies` has one entry a row.
    pub(crate) fn add_chains(
        &mut self,
        rows: &[DigestRow],
        assessment: &Assessment,
        tallies: &[LogTally],
        expect: &Expectations,
    ) {
        for ((row, judgement), tally) in rows.iter().zip(&assessment.judgements).zip(tallies) {
            if !judgement.is_counted {
                continue;
            }
            let digests = &mut self.totals.digests;
            digests.found += 1;
            match judgement.status {
                Status::Verified => digests.verified += 1,
                Status::Violated => digests.violated += 1,
                Status::Unproven | Status::Missing => digests.unproven += 1,
            }
            self.totals.bytes_inflated += row.inflated;
            let logs = &mut self.totals.logs;
            logs.named += tally.named;
            logs.verified += tally.verified;
            logs.violated += tally.violated;
            logs.unproven += tally.unproven;
            logs.missing += tally.missing;
        }
        for chain in &assessment.chains {
            self.totals.digests.missing += chain.missing;
            let view = ChainView { rows, judgements: &assessment.judgements, tallies, chain };
            let outcome = view.outcome(expect);
            // A chain of which nothing lies in the asked span is not spoken of.
            if outcome.report.digests > 0 {
                self.findings.extend(view.stored_inflated());
                self.chains.push(outcome);
            }
        }
    }
}

struct ChainView<'a> {
    rows: &'a [DigestRow],
    judgements: &'a [Judgement],
    tallies: &'a [LogTally],
    chain: &'a Chain,
}

impl ChainView<'_> {
    fn outcome(&self, expect: &Expectations) -> ChainOutcome {
        let counted: Vec<usize> =
            self.rows_of_chain().filter(|row| self.judgements[*row].is_counted).collect();
        let windows = || counted.iter().filter_map(|row| Some((*row, self.window(*row)?)));
        let is_proven =
            |row: usize| self.state(row) == Status::Verified && self.judgements[row].is_authentic();
        let sum = |count: fn(&LogTally) -> u64| counted.iter().map(|row| count(&self.tallies[*row])).sum();
        let report = ChainReport {
            id: self.chain.id.clone(),
            digests: counted.len() as u64,
            digests_verified: counted
                .iter()
                .filter(|row| self.judgements[**row].status == Status::Verified)
                .count() as u64,
            logs: sum(|tally| tally.named),
            logs_verified: sum(|tally| tally.verified),
            proven: merge(windows().filter(|(row, _)| is_proven(*row)).map(|(_, window)| window)),
            gaps: self.chain.gaps.clone(),
            head: self.head(&counted),
            coverage: self.coverage(&counted),
        };
        ChainOutcome {
            report,
            first_start: windows().map(|(_, window)| window.start).min(),
            holds_baseline_head: self.baseline_head(expect),
        }
    }

    /// Its digests, oldest first, then the files that hold none.
    fn rows_of_chain(&self) -> impl Iterator<Item = usize> {
        self.chain.rows.iter().chain(&self.chain.unusable).copied()
    }

    /// The newest authentic digest.
    fn head(&self, counted: &[usize]) -> Option<Head> {
        let newest = counted.iter().rev().find(|row| self.judgements[**row].is_authentic())?;
        let digest = self.rows[*newest].digest()?;
        let sha256 = hex::encode(self.rows[*newest].sha256);
        Some(Head { key: digest.object.clone(), end: digest.end, sha256 })
    }

    fn baseline_head(&self, expect: &Expectations) -> Option<bool> {
        let chains = &expect.baseline.as_ref()?.chains;
        let old = chains.iter().find(|old| old.id == self.chain.id)?.head.as_ref()?;
        let is_old = |row: &usize| {
            let row = &self.rows[*row];
            let key = row.digest().is_some_and(|digest| digest.object == old.key);
            key && hex::encode(row.sha256).eq_ignore_ascii_case(&old.sha256)
        };
        Some(self.chain.rows.iter().any(is_old))
    }

    fn window(&self, row: usize) -> Option<Interval> {
        let Some(digest) = self.rows[row].digest() else {
            let (_, end) = named_chain(&self.rows[row].found.key)?;
            return Some(Interval { start: end.plus(-HOUR), end });
        };
        (digest.end > digest.start).then_some(Interval { start: digest.start, end: digest.end })
    }

    /// What a digest and its logs come to together.
    fn state(&self, row: usize) -> Status {
        let tally = &self.tallies[row];
        if self.judgements[row].status == Status::Violated || tally.violated + tally.missing > 0 {
            Status::Violated
        } else if self.judgements[row].status == Status::Unproven || tally.unproven > 0 {
            Status::Unproven
        } else {
            Status::Verified
        }
    }

    fn coverage(&self, counted: &[usize]) -> Option<Coverage> {
        // A window belongs to the hour of UTC in which its middle lies.
        let hour = |start: Timestamp, end: Timestamp| (start.epoch() + end.since(start) / 2).div_euclid(HOUR);
        let mut marks: Vec<(i64, char)> = Vec::new();
        for gap in &self.chain.gaps {
            let hours = ((gap.end.since(gap.start) + HOUR - 1) / HOUR).min(MAX_STRIP);
            let mark = if gap.is_violation { 'V' } else { 'G' };
            marks.extend(
                (0..hours).map(|n| (hour(gap.start.plus(n * HOUR), gap.start.plus((n + 1) * HOUR)), mark)),
            );
        }
        let authentic = || counted.iter().filter(|row| self.judgements[**row].is_authentic());
        let span = merge(authentic().filter_map(|row| self.window(*row)));
        let near = |window: &Interval| match (span.first(), span.last()) {
            (Some(first), Some(last)) => {
                window.end.since(first.start) > -MAX_STRAY && last.end.since(window.start) > -MAX_STRAY
            }
            _ => true,
        };
        for row in counted {
            // Anybody can write a digest for any year; the strip shows those that are proven, and near ones.
            let Some(window) = self.window(*row).filter(near) else { continue };
            let mark = match self.state(*row) {
                Status::Verified => 'P',
                Status::Violated | Status::Missing => 'V',
                Status::Unproven => 'U',
            };
            marks.push((hour(window.start, window.end), mark));
        }
        let first = marks.iter().map(|(hour, _)| *hour).min()?;
        let last = marks.iter().map(|(hour, _)| *hour).max()?;
        // A forged digest may lie in any year.
        if last - first >= MAX_STRIP {
            return None;
        }
        let mut hours = vec!['.'; (last - first + 1) as usize];
        let weight = |mark: char| ".GPUV".find(mark);
        for (hour, mark) in marks {
            let slot = &mut hours[(hour - first) as usize];
            if weight(mark) > weight(*slot) {
                *slot = mark;
            }
        }
        Some(Coverage { start: Timestamp::from_epoch(first * HOUR)?, hours: hours.into_iter().collect() })
    }

    /// One note a chain: a whole archive may be stored inflated.
    fn stored_inflated(&self) -> Option<Finding> {
        let rows = || self.chain.rows.iter().filter(|row| self.judgements[**row].is_counted);
        let mut inflated = rows().map(|row| &self.rows[*row]).filter(|row| row.is_stored_inflated);
        let first = inflated.next()?;
        let count = 1 + inflated.count() as u64;
        let message = format!("{count} digest files are stored inflated; their content is what counts");
        let finding = Finding::new(Code::StoredInflated, message).of_chain(&self.chain.id).counting(count);
        let digest = first.digest()?;
        Some(finding.about(Some(&digest.bucket), &digest.object).found_at(&first.found.path))
    }
}

/// Seconds outside the proven span at which an unproven digest is still shown: a month.
const MAX_STRAY: i64 = 31 * 24 * HOUR;

/// Hours that a strip may span: eleven years.
const MAX_STRIP: i64 = 100_000;

/// The note that verified logs are stored inflated; `first` names one of them.
pub(crate) fn logs_stored_inflated(count: u64, path: &str, bucket: &str, key: &str) -> Finding {
    let message = format!("{count} log files are stored inflated; their content is what was signed");
    Finding::new(Code::StoredInflated, message).counting(count).found_at(path).about(Some(bucket), key)
}

/// The finding for a named log, as far as the log itself is concerned.
pub(crate) fn log_finding(verdict: &LogVerdict, row: &DigestRow) -> Option<Finding> {
    let (code, message) = verdict.finding.as_ref()?;
    let (digest, id) = (row.digest()?, row.chain()?);
    let severity = match verdict.status {
        Status::Violated | Status::Missing => Severity::Violation,
        Status::Unproven => Severity::Unproven,
        Status::Verified => Severity::Note,
    };
    let finding = Finding::new(*code, message).weighing(severity).of_chain(id).said_by(&digest.object);
    Some(finding.spanning(digest.start, digest.end))
}
