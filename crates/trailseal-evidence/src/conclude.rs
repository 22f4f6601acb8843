//! All units together become the report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trailseal_archive::Timestamp;

use crate::report::{ChainId, ChainKind, Report, SCHEMA, Scope, TOOL, Totals, Verdict};
use trailseal_verify::{Code, Finding, HOUR, PENDING, Policy, STAMP_TOLERANCE, Severity, Unnamed};

use crate::expect::Expectations;
use crate::explain::{self, Explanations, Question};
use crate::leftovers::Leftovers;
use crate::options::Options;
use crate::outcome::{ChainOutcome, RegionOutcome, UnnamedLog};
use crate::trail_id::{own_trail_of, trail_of};

mod baseline;
mod holes;
mod not_copied;

pub(crate) use holes::find as holes;

/// Unnamed logs of one meaning that a unit may list one by one; the rest become one finding.
const MAX_LISTED: usize = 1_000;

/// A file whose content is that of a missing or altered log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FoundContent {
    /// Its path.
    pub path: String,
    /// SHA-256 of its inflated bytes.
    pub sha256: [u8; 32],
}

/// The hashes of content that was signed and is not in its place: where it lies is worth a search.
pub(crate) fn wanted(outcomes: &[RegionOutcome]) -> BTreeSet<[u8; 32]> {
    outcomes.iter().flat_map(|unit| &unit.displaced).map(|displaced| displaced.expected).collect()
}

/// Makes the report of all units; `elsewhere` is what a search for [`wanted`] content found, `others` are
/// findings that belong to no unit.
pub(crate) fn conclude(
    mut outcomes: Vec<RegionOutcome>,
    mut scope: Scope,
    options: &Options,
    explanations: &Explanations,
    elsewhere: &[FoundContent],
    others: Vec<Finding>,
) -> Report {
    let Options { policy, expect, .. } = options;
    name_swapped(&mut outcomes);
    let found: BTreeSet<&str> = elsewhere.iter().map(|file| file.path.as_str()).collect();
    let mut findings = others;
    findings.extend(found_elsewhere(&outcomes, elsewhere));
    let mut leftovers = Leftovers::default();
    for unit in &mut outcomes {
        let other_trail = explanations.of_unreferenced(unit);
        // The user's statement is not true of this account.
        for log in unit.unnamed.iter_mut().filter(|_| other_trail.is_some()) {
            log.meaning = log.meaning.without_statement();
        }
        findings.extend(unnamed_logs(unit, &found, other_trail.as_deref()));
        leftovers.merge(&unit.leftovers);
        scope.mappings.append(&mut unit.mappings);
    }
    findings.extend(leftovers.findings());
    findings.extend(of_digests(&mut outcomes, policy, expect, explanations));
    findings.extend(holes(&outcomes, policy, &findings));
    let totals = totals(&outcomes, policy);
    let verdict = settle(&mut findings, &totals, policy);
    scope.mappings.sort();
    scope.mappings.dedup();
    let chains = outcomes.into_iter().flat_map(|unit| unit.chains);
    let mut chains: Vec<_> = chains.filter(ChainOutcome::is_spoken_of).map(|chain| chain.report).collect();
    chains.sort_by(|a, b| a.id.cmp(&b.id));
    let exit_status = verdict.exit_status();
    Report { schema: SCHEMA, tool: TOOL, verdict, exit_status, scope, totals, chains, findings }
}

/// What the units found, and what comparing their digests shows.
pub(crate) fn of_digests(
    outcomes: &mut [RegionOutcome],
    policy: &Policy,
    expect: &Expectations,
    explanations: &Explanations,
) -> Vec<Finding> {
    explain_gaps(outcomes, explanations);
    not_copied::mark(outcomes);
    let mut findings = Vec::new();
    for unit in outcomes.iter_mut() {
        findings.extend(late_and_early(unit, policy, explanations));
        findings.append(&mut unit.findings);
    }
    let stale = stale_heads(outcomes, policy, expect);
    findings
        .extend(stale.into_iter().filter(|(question, _)| !explanations.has_ended(question)).map(|(_, f)| f));
    findings.extend(absent(outcomes, policy, expect));
    findings.extend(baseline::compare(outcomes, policy, expect, &findings));
    findings
}

/// The ends of chains that an event in a verified log may explain.
pub(crate) fn questions(outcomes: &[RegionOutcome], policy: &Policy, expect: &Expectations) -> Vec<Question> {
    let mut questions = explain::gaps(outcomes);
    questions.extend(stale_heads(outcomes, policy, expect).into_iter().map(|(question, _)| question));
    let early = outcomes.iter().flat_map(|unit| &unit.chains).filter_map(|chain| ends_early(chain, policy));
    questions.extend(early.map(|(question, _)| question));
    questions
}

/// Says of gaps which event explains them; they stay what they are.
fn explain_gaps(outcomes: &mut [RegionOutcome], explanations: &Explanations) {
    for unit in outcomes {
        let RegionOutcome { chains, findings, .. } = unit;
        for chain in chains.iter().filter(|chain| chain.report.id.kind == ChainKind::Standard) {
            for gap in chain.report.gaps.iter().filter(|gap| gap.code == Code::Gap) {
                let question = Question::new(&chain.report.id, gap.start, Some(gap.end), &chain.run_starts);
                let Some(told) = explanations.of_gap(&question) else { continue };
                let is_gap = |finding: &&mut Finding| {
                    finding.code == Code::Gap
                        && finding.trail.as_ref() == Some(&chain.report.id.trail)
                        && (finding.start, finding.end) == (Some(gap.start), Some(gap.end))
                };
                for finding in findings.iter_mut().filter(is_gap) {
                    finding.message = format!("{}; {told}", finding.message);
                }
            }
        }
    }
}

/// Seconds of all gaps in the asked span.
fn gap_seconds(outcomes: &[RegionOutcome], policy: &Policy) -> u64 {
    let gaps = outcomes.iter().flat_map(|unit| &unit.chains).flat_map(|chain| &chain.report.gaps);
    let seconds = gaps.filter(|gap| gap.code == Code::Gap).map(|gap| {
        let start = policy.start.map_or(gap.start, |from| from.max(gap.start));
        policy.end.map_or(gap.end, |to| to.min(gap.end)).since(start).max(0)
    });
    seconds.sum::<i64>().unsigned_abs()
}

/// Weighs and orders findings, and says what they come to.
pub(crate) fn settle(findings: &mut Vec<Finding>, totals: &Totals, policy: &Policy) -> Verdict {
    for finding in findings.iter_mut() {
        policy.weigh(finding);
    }
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    findings.dedup();
    // The word is for what a key vouches for, whatever was allowed (row 87).
    let is_lost = |finding: &Finding| {
        use Code::{DigestMissing, DigestNotInArchive, NotCopied, TailCut};
        matches!(finding.code, DigestNotInArchive | DigestMissing | TailCut | NotCopied)
    };
    let is_proven = totals.digests.verified > 0
        && totals.digests.unproven + totals.logs.unproven == 0
        && !findings.iter().any(is_lost);
    match findings.iter().map(|finding| finding.severity).min() {
        Some(Severity::Violation) => Verdict::Violated,
        Some(Severity::Unproven) => Verdict::Unproven,
        _ if is_proven => Verdict::Verified,
        _ if policy.allowed.is_empty() => Verdict::Unproven,
        _ => Verdict::Allowed,
    }
}

/// The counts of all units, once it is known what was not copied.
pub(crate) fn totals(outcomes: &[RegionOutcome], policy: &Policy) -> Totals {
    let mut totals = Totals::default();
    for unit in outcomes {
        add(&mut totals, &unit.totals);
        totals.files.add(&unit.files);
    }
    let not_copied = outcomes.iter().map(|unit| unit.not_copied).sum();
    let logs = &mut totals.logs;
    logs.missing = logs.missing.saturating_sub(not_copied);
    logs.unproven += not_copied;
    logs.not_copied = not_copied;
    totals.gap_seconds = gap_seconds(outcomes, policy);
    totals
}

fn add(sum: &mut Totals, more: &Totals) {
    let (d, l) = (&mut sum.digests, &mut sum.logs);
    d.found += more.digests.found;
    d.verified += more.digests.verified;
    d.violated += more.digests.violated;
    d.unproven += more.digests.unproven;
    d.missing += more.digests.missing;
    l.named += more.logs.named;
    l.verified += more.logs.verified;
    l.violated += more.logs.violated;
    l.unproven += more.logs.unproven;
    l.missing += more.logs.missing;
    l.unreferenced += more.logs.unreferenced;
    l.pending += more.logs.pending;
    l.outside_coverage += more.logs.outside_coverage;
    sum.bytes_inflated += more.bytes_inflated;
}

/// Two altered logs that hold each other's content were swapped.
fn name_swapped(outcomes: &mut [RegionOutcome]) {
    let mut by_expected: HashMap<[u8; 32], (usize, usize)> = HashMap::new();
    for (u, unit) in outcomes.iter().enumerate() {
        for (d, displaced) in unit.displaced.iter().enumerate() {
            by_expected.insert(displaced.expected, (u, d));
        }
    }
    let mut swaps = Vec::new();
    for (u, unit) in outcomes.iter().enumerate() {
        for displaced in &unit.displaced {
            let Some(actual) = displaced.actual.filter(|actual| *actual != displaced.expected) else {
                continue;
            };
            let Some((ou, od)) = by_expected.get(&actual).copied() else { continue };
            let other = &outcomes[ou].displaced[od];
            if other.actual == Some(displaced.expected) {
                let key = outcomes[ou].findings[other.finding].key.clone().unwrap_or_default();
                swaps.push((u, displaced.finding, key));
            }
        }
    }
    for (unit, index, other) in swaps {
        let finding = &mut outcomes[unit].findings[index];
        finding.code = Code::LogSwapped;
        finding.message =
            format!("the log file holds the content of {other}, and that one holds its content");
    }
}

fn found_elsewhere(outcomes: &[RegionOutcome], elsewhere: &[FoundContent]) -> Vec<Finding> {
    let mut files: BTreeMap<[u8; 32], Vec<&str>> = BTreeMap::new();
    for file in elsewhere {
        files.entry(file.sha256).or_default().push(&file.path);
    }
    // A log that was moved over another one lies in that one's place.
    for unit in outcomes {
        for displaced in &unit.displaced {
            let path = unit.findings[displaced.finding].path.as_deref();
            if let (Some(actual), Some(path)) = (displaced.actual, path) {
                files.entry(actual).or_default().push(path);
            }
        }
    }
    let mut findings = Vec::new();
    for unit in outcomes {
        for displaced in &unit.displaced {
            let lost = &unit.findings[displaced.finding];
            if lost.code == Code::LogSwapped {
                continue;
            }
            for path in files.get(&displaced.expected).into_iter().flatten() {
                let mut finding = lost.clone().weighing(Severity::Note).found_at(*path);
                finding.code = Code::LogFoundElsewhere;
                finding.message = format!("the content that was signed lies in {path}");
                findings.push(finding);
            }
        }
    }
    findings
}

/// The findings for logs that no digest names, and their counts.
fn unnamed_logs(unit: &mut RegionOutcome, found: &BTreeSet<&str>, other_trail: Option<&str>) -> Vec<Finding> {
    let is_told = |log: &&UnnamedLog| log.is_in_scope && !log.is_copy && !found.contains(&*log.path);
    let mut findings = Vec::new();
    let logs: Vec<&UnnamedLog> = unit.unnamed.iter().filter(is_told).collect();
    let is_log = |log: &&&UnnamedLog| log.stamp.is_some();
    if let Some(finding) = no_digests(unit, logs.iter().filter_map(|log| log.stamp)) {
        unit.totals.logs.outside_coverage += logs.iter().filter(is_log).count() as u64;
        findings.push(finding);
    }
    let is_summed_up = !findings.is_empty();
    let mut by_meaning: BTreeMap<(Code, bool), Vec<&UnnamedLog>> = BTreeMap::new();
    for log in logs.into_iter().filter(|log| !is_summed_up || log.meaning >= Unnamed::StampMismatch) {
        let is_planted = log.meaning == Unnamed::Planted && !log.is_other_kind;
        by_meaning.entry((unnamed_code(log.meaning, log.is_other_kind), is_planted)).or_default().push(log);
    }
    for ((code, is_planted), mut logs) in by_meaning {
        logs.sort_by(|a, b| (a.stamp, &a.key, &a.path).cmp(&(b.stamp, &b.key, &b.path)));
        let counts = &mut unit.totals.logs;
        match code {
            Code::LogUnreferenced => counts.unreferenced += logs.len() as u64,
            Code::LogPending => counts.pending += logs.len() as u64,
            // An object among the logs is no log (row 31).
            Code::StrayObject => {}
            _ if !is_summed_up => counts.outside_coverage += logs.len() as u64,
            _ => {}
        }
        // A violation is never summed up.
        let listed = if is_planted { logs.len() } else { logs.len().min(MAX_LISTED) };
        let severity = if is_planted { Severity::Violation } else { code.severity() };
        for log in &logs[..listed] {
            let message = unnamed_message(log.meaning, log.is_other_kind);
            let mut finding =
                place(Finding::new(code, message), unit).weighing(severity).about(None, &log.key);
            finding.start = log.stamp;
            if let (Code::LogUnreferenced, Some(other)) = (code, other_trail) {
                finding.message = format!("{}; {other}", finding.message);
            }
            findings.push(finding.found_at(&*log.path));
        }
        if let [first, ..] = &logs[listed..] {
            let count = (logs.len() - listed) as u64;
            let message = format!("{count} more files like those before");
            let mut finding =
                place(Finding::new(code, message), unit).about(None, &first.key).counting(count);
            (finding.start, finding.end) = (first.stamp, logs.last().and_then(|log| log.stamp));
            findings.push(finding);
        }
    }
    findings
}

fn place(finding: Finding, unit: &RegionOutcome) -> Finding {
    finding.of_place(unit.organization.as_deref(), &unit.account, &unit.region)
}

/// Whether a finding of some weight speaks of a chain: of its trail, or of its account and region as a whole.
fn speaks_of(finding: &Finding, id: &ChainId) -> bool {
    finding.severity != Severity::Note
        && finding.account.as_ref() == Some(&id.account)
        && finding.region.as_ref() == Some(&id.region)
        && finding.trail.as_ref().is_none_or(|trail| *trail == id.trail)
}

/// The finding for logs of which no digest could speak, from their delivery times.
pub(crate) fn no_digests(
    unit: &RegionOutcome,
    stamps: impl Iterator<Item = Timestamp> + Clone,
) -> Option<Finding> {
    if unit.digest_files > 0 || unit.unnamed_logs == 0 {
        return None;
    }
    let message = format!("{} log files, and no digest that speaks of them", unit.unnamed_logs);
    let mut finding = place(Finding::new(Code::NoDigests, message), unit).counting(unit.unnamed_logs);
    (finding.start, finding.end) = (stamps.clone().min(), stamps.max());
    Some(finding)
}

/// What it means that no digest names a log, as a finding's code.
pub(crate) fn unnamed_code(meaning: Unnamed, is_other_kind: bool) -> Code {
    match meaning {
        Unnamed::Stray => Code::StrayObject,
        Unnamed::StampMismatch => Code::StampMismatch,
        _ if is_other_kind => Code::LogOutsideCoverage,
        Unnamed::Planted | Unnamed::Unreferenced => Code::LogUnreferenced,
        Unnamed::Pending => Code::LogPending,
        Unnamed::OutsideCoverage => Code::LogOutsideCoverage,
    }
}

/// The same in words.
pub(crate) fn unnamed_message(meaning: Unnamed, is_other_kind: bool) -> &'static str {
    match meaning {
        Unnamed::Stray => "an object among the logs whose name holds no delivery time",
        Unnamed::StampMismatch => {
            "a log file whose name and date folder state different days: nothing tells when it was delivered"
        }
        _ if is_other_kind => "a file of a kind that digests are not known to name",
        Unnamed::Planted => {
            "a log file in a proven window that no digest names, where no other trail delivers as was stated: planted, or named by a backfill digest that is not here"
        }
        Unnamed::Unreferenced => {
            "a log file in a proven window that no digest names: of a trail without validation, planted, or named by a backfill digest that is not here (--sole-trail or --trails say which trails deliver there)"
        }
        Unnamed::Pending => {
            "a log file that is newer than the newest digest, as the last hours of a copy are"
        }
        Unnamed::OutsideCoverage => {
            "a log file from a time that the authentic digests of its trails do not cover"
        }
    }
}

/// Logs, or the asked span, that begin before or end after what the digests cover.
pub(crate) fn late_and_early(
    unit: &RegionOutcome,
    policy: &Policy,
    explanations: &Explanations,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let standard = || unit.chains.iter().filter(|chain| chain.report.id.kind == ChainKind::Standard);
    let first =
        standard().filter_map(|chain| Some((chain.first_start?, chain))).min_by_key(|(start, _)| *start);
    findings.extend(without_proof(unit, policy));
    let oldest = logs_of_trails(unit).filter_map(|log| log.stamp).min();
    for chain in standard() {
        let Some(start) = chain.first_start else { continue };
        let is_first = first.is_some_and(|(_, first)| std::ptr::eq(first, chain));
        let older_log = oldest.filter(|oldest| is_first && start.since(*oldest) > STAMP_TOLERANCE);
        let proves_from = chain.proves_from.unwrap_or(start);
        let asked = policy.start.filter(|asked| *asked < proves_from);
        // A span that ends before has no start of its own to compare; only a chain that names a predecessor, or the
        // only one, is known to have begun before.
        let is_cut = chain.first_start == chain.proves_from;
        let is_alone = !standard().any(|other| other.proves_from.or(other.first_start) < policy.end);
        let ends_before =
            policy.end.filter(|end| *end <= proves_from && (policy.start.is_some() || is_alone || is_cut));
        if let Some(from) = asked.or(older_log).or(ends_before) {
            let message = match (asked, ends_before) {
                (_, Some(_)) => format!("nothing is covered before {proves_from}; {}", reach(chain)),
                (None, _) => "a log file is older than the first digest".to_owned(),
                _ => format!("what was asked for begins before the first digest; {}", reach(chain)),
            };
            let start = if asked.is_some() { proves_from } else { start };
            let to = policy.end.map_or(start, |end| end.min(start)).max(from);
            findings.push(span(chain, Code::CoverageStartsLate, message, from, to));
        }
        // A span without an end reaches as far as the archive does.
        let goes_on = policy.end.is_none() && standard().any(|other| other.last_end > policy.start);
        let Some((question, mut finding)) = ends_early(chain, policy).filter(|_| !goes_on) else { continue };
        if explanations.has_ended(&question) {
            finding.message += "; its trail was stopped or deleted, or its account left, as a verified log says: it logged no more";
        }
        findings.push(finding);
    }
    findings
}

/// Whose hours no authentic digest could prove, though there are digests: an account and region with backfill digests
/// alone, which speak of late logs only; one, or a chain beside others, with digests outside the asked span, of which
/// nothing else is said.
fn without_proof(unit: &RegionOutcome, policy: &Policy) -> Vec<Finding> {
    let hole = |chain: &ChainOutcome, message: &str| {
        let finding = Finding::new(Code::CoverageHole, message).of_chain(&chain.report.id);
        match policy.start.zip(policy.end) {
            Some((start, end)) => finding.spanning(start, end),
            None => finding,
        }
    };
    // Of digests in the asked span more is said one by one; of a span before or after them nothing.
    let is_narrowed = policy.start.is_some() || policy.end.is_some();
    if unit.chains.iter().any(ChainOutcome::is_authentic_standard) {
        let is_unproven =
            |chain: &&ChainOutcome| chain.report.id.kind == ChainKind::Standard && chain.last_end.is_none();
        let unproven =
            unit.chains.iter().filter(is_unproven).filter(|chain| is_narrowed && !chain.is_in_span);
        let message = "no digest of this chain is one that a key vouches for: nothing proves its part of what was asked for";
        return unproven.map(|chain| hole(chain, message)).collect();
    }
    let Some(chain) = unit.chains.first() else { return Vec::new() };
    // No standard chain is left.
    if unit.chains.iter().any(|chain| chain.last_end.is_some()) {
        let message = "the only digests here that a key vouches for are backfill digests, which speak of late logs alone";
        return vec![hole(chain, message)];
    }
    let message = "no digest here is one that a key vouches for: nothing proves what was asked for";
    is_narrowed.then(|| hole(chain, message)).into_iter().collect()
}

/// Unnamed logs that tell from when to when trails delivered.
fn logs_of_trails(unit: &RegionOutcome) -> impl Iterator<Item = &UnnamedLog> {
    unit.unnamed.iter().filter(|log| {
        let is_dated = !matches!(log.meaning, Unnamed::StampMismatch | Unnamed::Stray);
        !log.is_other_kind && log.is_in_scope && !log.is_copy && is_dated
    })
}

/// From when to when a chain reaches.
fn reach(chain: &ChainOutcome) -> String {
    match (chain.proves_from.or(chain.first_start), chain.last_end) {
        (Some(first), Some(last)) => format!("the digests here reach from {first} to {last}"),
        _ => "no digest here is authentic".to_owned(),
    }
}

/// A chain that ends before the asked span does.
fn ends_early(chain: &ChainOutcome, policy: &Policy) -> Option<(Question, Finding)> {
    let asked = policy.end.or(policy.start)?;
    let end = chain.last_end.filter(|end| *end < asked && chain.report.id.kind == ChainKind::Standard)?;
    let from = policy.start.map_or(end, |start| start.max(end));
    let message = if policy.start.is_some_and(|start| start >= end) {
        format!("nothing is covered after {end}; {}", reach(chain))
    } else {
        format!("the newest digest ends before what was asked for does; {}", reach(chain))
    };
    let question = Question::new(&chain.report.id, end, None, &chain.run_starts);
    Some((question, span(chain, Code::CoverageEndsEarly, message, from, asked)))
}

fn span(
    chain: &ChainOutcome,
    code: Code,
    message: impl Into<String>,
    start: Timestamp,
    end: Timestamp,
) -> Finding {
    let finding = Finding::new(code, message).of_chain(&chain.report.id).spanning(start, end);
    match &chain.report.head {
        Some(head) => finding.about(None, &head.key),
        None => finding,
    }
}

/// Chains whose newest digest is older than it should be; each with the question whether it was ended.
fn stale_heads(
    outcomes: &[RegionOutcome],
    policy: &Policy,
    expect: &Expectations,
) -> Vec<(Question, Finding)> {
    let mut newest: BTreeMap<(&str, &str, &str), Timestamp> = BTreeMap::new();
    let mut take = |trail, end| {
        let time = newest.entry(trail).or_insert(end);
        *time = (*time).max(end);
    };
    for (chain, end) in outcomes.iter().flat_map(|unit| standard_heads(unit, policy)) {
        chain.trails().into_iter().for_each(|trail| take(trail, end));
    }
    // Whoever was not asked for tells as well, as far as the asked span goes.
    let named = outcomes.iter().flat_map(|unit| &unit.peers).filter(|(id, _)| id.kind == ChainKind::Standard);
    for (id, end) in named {
        let end = policy.end.map_or(*end, |asked| asked.min(*end));
        take(trail_of(id), end);
        take(own_trail_of(id), end);
    }
    let mut findings = Vec::new();
    for unit in outcomes {
        let stamps = logs_of_trails(unit).filter_map(|log| log.stamp);
        let newest_log = stamps.filter(|stamp| policy.contains(*stamp)).max();
        for (chain, end) in standard_heads(unit, policy) {
            let mut behind = |code, message: &str, time| {
                let question = Question::new(&chain.report.id, end, None, &chain.run_starts);
                findings.push((question, span(chain, code, message, end, time)));
            };
            let log = newest_log.filter(|log| log.since(end) > PENDING);
            let peer = chain.trails().iter().map(|trail| newest[trail]).max().unwrap_or(end);
            if let Some(log) = log {
                behind(
                    Code::HeadStale,
                    "log files are newer than the newest digest by more than two hours",
                    log,
                );
            } else if peer.since(end) > PENDING {
                let message =
                    "the trail's digests elsewhere are newer than the newest one here by more than two hours";
                behind(Code::HeadStale, message, peer);
            } else if let Some(time) = expect.as_of.filter(|time| end < *time) {
                behind(Code::HeadStale, "the newest digest ends before --as-of", time);
            }
            // Windows of one trail may end at different minutes; a whole hour is a digest.
            if peer.since(end) >= HOUR {
                behind(
                    Code::HeadBehindPeers,
                    "the trail's other regions or accounts have newer digests",
                    peer,
                );
            }
        }
    }
    findings
}

/// The chains of an account and region that have an authentic digest, each with the end of the newest.
fn standard_heads<'a>(
    unit: &'a RegionOutcome,
    policy: &Policy,
) -> impl Iterator<Item = (&'a ChainOutcome, Timestamp)> {
    let chains = unit.chains.iter().filter(|chain| chain.report.id.kind == ChainKind::Standard);
    chains.filter_map(|chain| Some((chain, newest_end(chain, policy)?)))
}

/// The end of a chain's newest authentic digest, as far as the asked span goes.
fn newest_end(chain: &ChainOutcome, policy: &Policy) -> Option<Timestamp> {
    match policy.end {
        Some(_) => chain.report.head.as_ref().map(|head| head.end),
        None => chain.last_end,
    }
}

/// Accounts and regions that should be there and are not; what the run was narrowed to should be there too.
fn absent(outcomes: &[RegionOutcome], policy: &Policy, expect: &Expectations) -> Vec<Finding> {
    let chains = || outcomes.iter().flat_map(|unit| &unit.chains);
    // Anybody can write a file; only what a key vouches for says that an account or region is there.
    let present: BTreeSet<(&str, &str)> =
        chains().filter(|chain| chain.is_authentic_standard()).map(ChainOutcome::place).collect();
    let logs = outcomes.iter().filter(|unit| unit.unnamed_logs > 0);
    let seen: BTreeSet<&str> =
        logs.map(|unit| &*unit.account).chain(chains().map(|chain| chain.place().0)).collect();
    let accounts: BTreeSet<&str> = present.iter().map(|(account, _)| *account).collect();
    let mut findings = Vec::new();
    let is_unexpected = |account: &&&str| {
        !expect.accounts.is_empty()
            && expect.accounts.iter().chain(&policy.accounts).all(|asked| asked != **account)
    };
    for account in seen.iter().filter(is_unexpected) {
        let message = format!("account {account} is not among those that are expected");
        findings.push(Finding::new(Code::AccountUnexpected, message).of_place(None, account, ""));
    }
    let asked = expect.accounts.iter().chain(&policy.accounts);
    for account in asked.filter(|account| !accounts.contains(account.as_str())) {
        let message = format!("no digest of account {account} is there that a key vouches for");
        findings.push(Finding::new(Code::AccountAbsent, message).of_place(None, account, ""));
    }
    for region in policy.regions.iter().filter(|asked| !present.iter().any(|(_, region)| region == asked)) {
        let message = format!("no digest of region {region} is there that a key vouches for");
        findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, "", region));
    }
    let has_chain = |trail: &&String| {
        chains().any(|chain| chain.is_authentic_standard() && chain.report.id.trail == **trail)
    };
    for trail in policy.trails.iter().filter(|trail| !has_chain(trail)) {
        let mut finding = Finding::new(
            Code::NoDigests,
            format!("no digest of trail {trail} is there that a key vouches for"),
        );
        finding.trail = Some(trail.clone());
        findings.push(finding);
    }
    for region in &expect.regions {
        for account in accounts.iter().filter(|account| !present.contains(&(**account, region.as_str()))) {
            let message = format!(
                "no digest of the expected region {region} is there for account {account} that a key vouches for"
            );
            findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, account, region));
        }
        if accounts.is_empty() {
            let message = format!("nothing of the expected region {region} is there");
            findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, "", region));
        }
    }
    findings
}
