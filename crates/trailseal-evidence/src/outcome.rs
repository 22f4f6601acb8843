//! One account and region, finished: what is left of it once its digests and logs have been judged.

use trailseal_archive::Timestamp;

use crate::report::{
    ChainId, ChainKind, ChainReport, Coverage, FileTotals, Interval, Mapping, NewestDigest, Totals,
};
use trailseal_verify::{
    Assessment, Chain, Code, Digest, DigestRow, Finding, HOUR, Judgement, LogVerdict, Severity, Status,
    Unnamed, merge_intervals,
};

use crate::{
    days::Days,
    expect::Expectations,
    leftovers::Leftovers,
    run::Run,
    trail_id::{own_trail_of, trail_of},
};

/// What one account and region adds to the report.
#[derive(Clone, Debug, Default)]
pub(crate) struct RegionOutcome {
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
    pub displaced: Vec<LostContent>,
    /// Log files that no digest names.
    pub unnamed: Vec<UnnamedLog>,
    /// The oldest log in a proven window that no digest names, where they are not kept.
    pub unclaimed_since: Option<Timestamp>,
    /// Log files in scope that no digest names.
    pub unnamed_logs: u64,
    /// Logs that were counted as missing, and are of days that were not copied.
    pub not_copied: u64,
    /// Digest files seen, in scope or not.
    pub digest_files: u64,
    /// Where buckets were taken to lie.
    pub mappings: Vec<Mapping>,
    /// Days of which there is a digest or log file.
    pub days: Days,
    /// What its files are.
    pub files: FileTotals,
    /// What desktops, copies and archives left among them.
    pub leftovers: Leftovers,
    /// The newest digests of accounts and regions that were not asked for, by their names.
    pub peers: Vec<(ChainId, Timestamp)>,
    /// The number of a stated map, and whether a digest of its folder fits it.
    pub maps: Vec<(usize, bool)>,
}

/// A chain, and what only the comparison with others can tell.
#[derive(Clone, Debug)]
pub(crate) struct ChainOutcome {
    /// Its part of the report.
    pub report: ChainReport,
    /// The start of its oldest digest, in scope or not: of the authentic ones if there are any.
    pub first_start: Option<Timestamp>,
    /// From when on its authentic digests prove: the end of one that starts the chain.
    pub proves_from: Option<Timestamp>,
    /// The end of its newest authentic digest, in scope or not.
    pub last_end: Option<Timestamp>,
    /// The start of the run of the chain in which its newest digest lies: the end of the newest starting digest.
    pub run_starts: Vec<Timestamp>,
    /// Whether anything of it lies in the asked span.
    pub is_in_span: bool,
    /// Whether the head of the earlier report is still in it; `None` without one.
    pub holds_baseline_head: Option<bool>,
}

impl ChainOutcome {
    /// What it has in common with its peers: its trail, and the account's own, which an organization's may have been or
    /// become. Whoever removes the digest that says so must not make two trails of one.
    pub(crate) fn trails(&self) -> [(&str, &str, &str); 2] {
        [trail_of(&self.report.id), own_trail_of(&self.report.id)]
    }

    /// Its account and region.
    pub(crate) fn place(&self) -> (&str, &str) {
        (&self.report.id.account, &self.report.id.region)
    }

    /// Whether it is no chain of backfill digests, and a key vouches for one of its digests.
    pub(crate) fn is_authentic_standard(&self) -> bool {
        self.report.id.kind == ChainKind::Standard && self.last_end.is_some()
    }

    /// Whether the report has it: something of it, or a gap in it, lies in the asked span.
    pub(crate) fn is_spoken_of(&self) -> bool {
        self.is_in_span || !self.report.gaps.is_empty()
    }
}

/// A named log whose content is missing or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LostContent {
    /// Index of its finding in [`RegionOutcome::findings`].
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
    /// Whether it was asked for.
    pub is_in_scope: bool,
    /// Whether it is a further copy of a log that is proven.
    pub is_copy: bool,
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
    /// Whether logs were left out that were delivered before the asked span.
    pub is_cut: bool,
}

impl LogTally {
    /// Counts a log.
    pub(crate) fn add(&mut self, verdict: &LogVerdict) {
        self.named += 1;
        match verdict.status() {
            Status::Verified => self.verified += 1,
            Status::Violated => self.violated += 1,
            Status::Unproven => self.unproven += 1,
            Status::Missing => self.missing += 1,
        }
    }
}

impl RegionOutcome {
    /// Counts the digests of an assessment and reports its chains; `tallies` has one entry a row.
    pub(crate) fn add_chains(
        &mut self,
        rows: &[DigestRow],
        assessment: &Assessment,
        tallies: &[LogTally],
        run: &Run<'_>,
    ) {
        for ((row, judgement), tally) in rows.iter().zip(&assessment.judgements).zip(tallies) {
            if !judgement.is_counted() {
                continue;
            }
            let digests = &mut self.totals.digests;
            digests.found += 1;
            match judgement.status() {
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
            let view = ChainView {
                rows,
                judgements: &assessment.judgements,
                tallies,
                chain,
                from: run.policy.start,
            };
            self.findings.extend(view.stored_inflated());
            self.chains.push(view.outcome(&run.options.expect));
        }
    }
}

struct ChainView<'a> {
    rows: &'a [DigestRow],
    judgements: &'a [Judgement],
    tallies: &'a [LogTally],
    chain: &'a Chain,
    /// Where the asked span begins.
    from: Option<Timestamp>,
}

impl ChainView<'_> {
    fn outcome(&self, expect: &Expectations) -> ChainOutcome {
        let counted: Vec<usize> =
            self.rows_of_chain().filter(|row| self.judgements[*row].is_counted()).collect();
        let windows = || counted.iter().filter_map(|row| Some((*row, self.window(*row)?)));
        let is_proven =
            |row: usize| self.state(row) == Status::Verified && self.judgements[row].is_authentic();
        let sum = |count: fn(&LogTally) -> u64| counted.iter().map(|row| count(&self.tallies[*row])).sum();
        let report = ChainReport {
            id: self.chain.id.clone(),
            digests: counted.len() as u64,
            digests_verified: counted
                .iter()
                .filter(|row| self.judgements[**row].status() == Status::Verified)
                .count() as u64,
            logs: sum(|tally| tally.named),
            logs_verified: sum(|tally| tally.verified),
            proven: merge_intervals(
                windows()
                    .filter(|(row, _)| is_proven(*row))
                    .filter_map(|(row, window)| self.proven(row, window)),
            ),
            gaps: self.chain.gaps.clone(),
            head: self.head(&counted),
            coverage: self.coverage(&counted),
        };
        let authentic = || self.chain.rows.iter().copied().filter(|row| self.judgements[*row].is_authentic());
        let is_starting = |row: usize| self.is_starting(row);
        let covers_from = |row: usize| {
            let window = self.window(row)?;
            Some(if is_starting(row) { window.end } else { window.start })
        };
        ChainOutcome {
            is_in_span: report.digests > 0,
            first_start: authentic()
                .filter_map(|row| Some(self.window(row)?.start))
                .min()
                .or_else(|| windows().map(|(_, window)| window.start).min()),
            proves_from: authentic().filter_map(covers_from).min(),
            last_end: authentic().filter_map(|row| self.window(row)).map(|window| window.end).max(),
            run_starts: authentic().filter(|row| is_starting(*row)).filter_map(covers_from).collect(),
            holds_baseline_head: self.baseline_head(expect),
            report,
        }
    }

    /// Whether a digest starts its chain; backfill digests need not be linked.
    fn is_starting(&self, row: usize) -> bool {
        self.chain.id.kind == ChainKind::Standard && self.rows[row].digest().is_some_and(Digest::is_starting)
    }

    /// What a proven digest proves: a starting digest names no log, and the hour before it may have been without
    /// logging (row 66). Of a digest at the edge of the asked span only the logs within it were judged.
    fn proven(&self, row: usize, window: Interval) -> Option<Interval> {
        let is_starting = self.is_starting(row);
        let start = match self.from {
            Some(from) if self.tallies[row].is_cut => window.start.max(from),
            _ => window.start,
        };
        (!is_starting && start < window.end).then_some(Interval { start, end: window.end })
    }

    /// Its digests, oldest first, then the files that hold none.
    fn rows_of_chain(&self) -> impl Iterator<Item = usize> {
        self.chain.rows.iter().chain(&self.chain.unusable).copied()
    }

    /// The newest authentic digest.
    fn head(&self, counted: &[usize]) -> Option<NewestDigest> {
        let newest = counted.iter().rev().find(|row| self.judgements[**row].is_authentic())?;
        let digest = self.rows[*newest].digest()?;
        let sha256 = hex::encode(self.rows[*newest].sha256);
        Some(NewestDigest { key: digest.object.clone(), end: digest.end, sha256 })
    }

    fn baseline_head(&self, expect: &Expectations) -> Option<bool> {
        let chains = &expect.baseline.as_ref()?.chains;
        let same = chains.iter().find(|old| old.id == self.chain.id);
        let joined = || chains.iter().find(|old| old.id.is_same_but_organization(&self.chain.id));
        let old = same.or_else(joined)?.head.as_ref()?;
        let is_old = |row: &usize| {
            let row = &self.rows[*row];
            let key = row.digest().is_some_and(|digest| digest.object == old.key);
            key && hex::encode(row.sha256).eq_ignore_ascii_case(&old.sha256)
        };
        Some(self.chain.rows.iter().any(is_old))
    }

    fn window(&self, row: usize) -> Option<Interval> {
        self.judgements[row].window().filter(|window| window.end > window.start)
    }

    /// What a digest and its logs come to together.
    fn state(&self, row: usize) -> Status {
        let tally = &self.tallies[row];
        if self.judgements[row].status() == Status::Violated || tally.violated + tally.missing > 0 {
            Status::Violated
        } else if self.judgements[row].status() == Status::Unproven || tally.unproven > 0 {
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
        let span = merge_intervals(authentic().filter_map(|row| self.window(*row)));
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
                // the hour before logging began
                Status::Verified if self.proven(*row, window).is_none() => continue,
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
        let rows = || self.chain.rows.iter().filter(|row| self.judgements[**row].is_counted());
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
    let (code, message) = verdict.finding()?;
    let (digest, id) = (row.digest()?, row.chain()?);
    let severity = match verdict.status() {
        Status::Violated | Status::Missing => Severity::Violation,
        Status::Unproven => Severity::Unproven,
        Status::Verified => Severity::Note,
    };
    let finding = Finding::new(code, message).weighing(severity).of_chain(id).said_by(&digest.object);
    Some(finding.spanning(digest.start, digest.end))
}
