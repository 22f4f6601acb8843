//! All units together become the report.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trailseal_archive::Timestamp;

use crate::report::{ChainId, ChainKind, Report, SCHEMA, Scope, Totals, Verdict};
use trailseal_verify::{
    chain::HOUR,
    finding::{Code, Finding, Severity},
    logs::Unnamed,
    policy::{PENDING, Policy, STAMP_TOLERANCE},
};

use crate::expect::Expectations;
use crate::options::Options;
use crate::outcome::{ChainOutcome, UnitOutcome, UnnamedLog, corroborate};

mod baseline;

/// Unnamed logs of one meaning that a unit may list one by one; the rest become one finding.
const MAX_LISTED: usize = 1_000;

/// A file whose content is that of a missing or altered log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Elsewhere {
    /// Its path.
    pub path: String,
    /// SHA-256 of its inflated bytes.
    pub sha256: [u8; 32],
}

/// The hashes of content that was signed and is not in its place: where it lies is worth a search.
pub(crate) fn wanted(outcomes: &[UnitOutcome]) -> BTreeSet<[u8; 32]> {
    outcomes.iter().flat_map(|unit| &unit.displaced).map(|displaced| displaced.expected).collect()
}

/// Makes the report of all units; `elsewhere` is what a search for [`wanted`] content found, `others` are
/// findings that belong to no unit.
pub(crate) fn conclude(
    mut outcomes: Vec<UnitOutcome>,
    mut scope: Scope,
    options: &Options,
    elsewhere: &[Elsewhere],
    others: Vec<Finding>,
) -> Report {
    let Options { policy, expect, .. } = options;
    name_swapped(&mut outcomes);
    corroborate(&mut outcomes);
    let found: BTreeSet<&str> = elsewhere.iter().map(|file| file.path.as_str()).collect();
    let mut findings = others;
    let mut totals = Totals::default();
    findings.extend(found_elsewhere(&outcomes, elsewhere));
    for unit in &mut outcomes {
        findings.extend(unnamed_logs(unit, policy, &found));
        add(&mut totals, &unit.totals);
        scope.mappings.append(&mut unit.mappings);
    }
    findings.extend(of_digests(&mut outcomes, policy, expect));
    let verdict = settle(&mut findings, policy);
    scope.mappings.sort();
    scope.mappings.dedup();
    let mut chains: Vec<_> =
        outcomes.into_iter().flat_map(|unit| unit.chains).map(|chain| chain.report).collect();
    chains.sort_by(|a, b| a.id.cmp(&b.id));
    let exit_status = verdict.exit_status();
    Report { schema: SCHEMA, verdict, exit_status, scope, totals, chains, findings }
}

/// What the units found, and what comparing their digests shows.
pub(crate) fn of_digests(
    outcomes: &mut [UnitOutcome],
    policy: &Policy,
    expect: &Expectations,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for unit in outcomes.iter_mut() {
        findings.extend(late_and_early(unit, policy));
        findings.append(&mut unit.findings);
    }
    findings.extend(stale_heads(outcomes, policy, expect));
    findings.extend(absent(outcomes, policy, expect));
    findings.extend(baseline::compare(outcomes, policy, expect));
    findings
}

/// Weighs and orders findings, and says what they come to.
pub(crate) fn settle(findings: &mut Vec<Finding>, policy: &Policy) -> Verdict {
    for finding in findings.iter_mut() {
        policy.weigh(finding);
    }
    findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    findings.dedup();
    match findings.iter().map(|finding| finding.severity).min() {
        Some(Severity::Violation) => Verdict::Violated,
        Some(Severity::Unproven) => Verdict::Unproven,
        _ => Verdict::Verified,
    }
}

pub(crate) fn add(sum: &mut Totals, more: &Totals) {
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
fn name_swapped(outcomes: &mut [UnitOutcome]) {
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

fn found_elsewhere(outcomes: &[UnitOutcome], elsewhere: &[Elsewhere]) -> Vec<Finding> {
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
fn unnamed_logs(unit: &mut UnitOutcome, policy: &Policy, found: &BTreeSet<&str>) -> Vec<Finding> {
    let in_scope = |log: &&UnnamedLog| {
        log.stamp.is_none_or(|stamp| policy.contains(stamp)) && !found.contains(&*log.path)
    };
    let mut findings = Vec::new();
    let logs: Vec<&UnnamedLog> = unit.unnamed.iter().filter(in_scope).collect();
    if let Some(finding) = no_digests(unit, logs.iter().filter_map(|log| log.stamp)) {
        unit.totals.logs.outside_coverage += logs.len() as u64;
        return vec![finding];
    }
    let mut by_meaning: BTreeMap<Code, Vec<&UnnamedLog>> = BTreeMap::new();
    for log in logs {
        by_meaning.entry(unnamed_code(log.meaning, log.is_other_kind)).or_default().push(log);
    }
    for (code, mut logs) in by_meaning {
        logs.sort_by(|a, b| (a.stamp, &a.key, &a.path).cmp(&(b.stamp, &b.key, &b.path)));
        let counts = &mut unit.totals.logs;
        match code {
            Code::LogUnreferenced => counts.unreferenced += logs.len() as u64,
            Code::LogPending => counts.pending += logs.len() as u64,
            _ => counts.outside_coverage += logs.len() as u64,
        }
        // A violation is never summed up.
        let listed = if code == Code::LogUnreferenced { logs.len() } else { logs.len().min(MAX_LISTED) };
        for log in &logs[..listed] {
            let mut finding = place(Finding::new(code, unnamed_message(code, log.is_other_kind)), unit)
                .about(None, &log.key);
            finding.start = log.stamp;
            findings.push(finding.found_at(&*log.path));
        }
        if let [first, ..] = &logs[listed..] {
            let count = (logs.len() - listed) as u64;
            let message = format!("{count} more log files like those before");
            let mut finding =
                place(Finding::new(code, message), unit).about(None, &first.key).counting(count);
            (finding.start, finding.end) = (first.stamp, logs.last().and_then(|log| log.stamp));
            findings.push(finding);
        }
    }
    findings
}

fn place(finding: Finding, unit: &UnitOutcome) -> Finding {
    finding.of_place(unit.organization.as_deref(), &unit.account, &unit.region)
}

/// The finding for logs of which no digest could speak, from their delivery times.
pub(crate) fn no_digests(
    unit: &UnitOutcome,
    stamps: impl Iterator<Item = Timestamp> + Clone,
) -> Option<Finding> {
    if unit.digest_files > 0 || unit.log_files == 0 {
        return None;
    }
    let message = format!("{} log files, and no digest that speaks of them", unit.log_files);
    let mut finding = place(Finding::new(Code::NoDigests, message), unit).counting(unit.log_files);
    (finding.start, finding.end) = (stamps.clone().min(), stamps.max());
    Some(finding)
}

/// What it means that no digest names a log, as a finding's code.
pub(crate) fn unnamed_code(meaning: Unnamed, is_other_kind: bool) -> Code {
    match meaning {
        _ if is_other_kind => Code::LogOutsideCoverage,
        Unnamed::Unreferenced => Code::LogUnreferenced,
        Unnamed::Pending => Code::LogPending,
        Unnamed::OutsideCoverage => Code::LogOutsideCoverage,
        Unnamed::Stray => Code::StrayObject,
    }
}

/// The same in words.
pub(crate) fn unnamed_message(code: Code, is_other_kind: bool) -> &'static str {
    match code {
        Code::LogUnreferenced => {
            "a log file in a proven window that no digest names: planted, or named by a backfill digest that is not here"
        }
        Code::LogPending => {
            "a log file that is newer than the newest digest, as the last hours of a copy are"
        }
        Code::StrayObject => "an object among the logs whose name holds no delivery time",
        _ if is_other_kind => "a file of a kind that digests are not known to name",
        _ => "a log file from a time that the authentic digests of its trails do not cover",
    }
}

/// Logs, or the asked span, that begin before or end after what the digests cover.
fn late_and_early(unit: &UnitOutcome, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let standard = || unit.chains.iter().filter(|chain| chain.report.id.kind == ChainKind::Standard);
    let first =
        standard().filter_map(|chain| Some((chain.first_start?, chain))).min_by_key(|(start, _)| *start);
    let stamps = unit.unnamed.iter().filter(|log| !log.is_other_kind).filter_map(|log| log.stamp);
    let oldest = stamps.filter(|stamp| policy.contains(*stamp)).min();
    for chain in standard() {
        let Some(start) = chain.first_start else { continue };
        let is_first = first.is_some_and(|(_, first)| std::ptr::eq(first, chain));
        let older_log = oldest.filter(|oldest| is_first && start.since(*oldest) > STAMP_TOLERANCE);
        let asked = policy.start.filter(|asked| *asked < start);
        if let Some(from) = asked.or(older_log) {
            let what = if asked.is_some() { "--start-time" } else { "a log file" };
            let message = format!("{what} is older than the first digest");
            findings.push(span(chain, Code::CoverageStartsLate, message, from, start));
        }
        if let (Some(asked), Some(head)) = (policy.end, &chain.report.head)
            && head.end < asked
        {
            let message = "the newest digest ends before --end-time";
            findings.push(span(chain, Code::CoverageEndsEarly, message, head.end, asked));
        }
    }
    findings
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

/// Chains whose newest digest is older than it should be.
fn stale_heads(outcomes: &[UnitOutcome], policy: &Policy, expect: &Expectations) -> Vec<Finding> {
    let standard = |unit: &'_ UnitOutcome| {
        let chains = unit.chains.iter().filter(|chain| chain.report.id.kind == ChainKind::Standard);
        chains.filter_map(|chain| Some((chain.clone(), chain.report.head.clone()?.end))).collect::<Vec<_>>()
    };
    let mut newest: BTreeMap<(Option<String>, String, String), Timestamp> = BTreeMap::new();
    for (chain, end) in outcomes.iter().flat_map(standard) {
        let time = newest.entry(peers(&chain.report.id)).or_insert(end);
        *time = (*time).max(end);
    }
    let mut findings = Vec::new();
    for unit in outcomes {
        let chains = standard(unit);
        let stamps = unit.unnamed.iter().filter(|log| !log.is_other_kind).filter_map(|log| log.stamp);
        let newest_log = stamps.filter(|stamp| policy.contains(*stamp)).max();
        for (chain, end) in &chains {
            let mut behind =
                |code, message: &str, time| findings.push(span(chain, code, message, *end, time));
            let log = newest_log.filter(|log| log.since(*end) > PENDING);
            let peer = newest[&peers(&chain.report.id)];
            if let Some(log) = log {
                behind(
                    Code::HeadStale,
                    "log files are newer than the newest digest by more than two hours",
                    log,
                );
            } else if peer.since(*end) > PENDING {
                let message =
                    "the trail's digests elsewhere are newer than the newest one here by more than two hours";
                behind(Code::HeadStale, message, peer);
            } else if let Some(time) = expect.as_of.filter(|time| *end < *time) {
                behind(Code::HeadStale, "the newest digest ends before --as-of", time);
            }
            // Windows of one trail may end at different minutes; a whole hour is a digest.
            if peer.since(*end) >= HOUR {
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

/// The chains of one trail, over its regions and accounts. A trail of one account has its home region and
/// name; an organization's trail has the organization besides.
fn peers(id: &ChainId) -> (Option<String>, String, String) {
    let owner = id.organization.clone().unwrap_or_else(|| id.account.clone());
    (Some(owner), id.trail.clone(), id.home_region.clone())
}

/// Accounts and regions that should be there and are not; what the run was narrowed to should be there too.
fn absent(outcomes: &[UnitOutcome], policy: &Policy, expect: &Expectations) -> Vec<Finding> {
    let present: BTreeSet<(&str, &str)> = outcomes
        .iter()
        .flat_map(|unit| {
            let chains =
                unit.chains.iter().map(|c| (c.report.id.account.as_str(), c.report.id.region.as_str()));
            let logs = (unit.log_files > 0).then_some((unit.account.as_str(), unit.region.as_str()));
            chains.chain(logs)
        })
        .collect();
    let accounts: BTreeSet<&str> = present.iter().map(|(account, _)| *account).collect();
    let mut findings = Vec::new();
    let asked = expect.accounts.iter().chain(&policy.accounts);
    for account in asked.filter(|account| !accounts.contains(account.as_str())) {
        let message = format!("nothing of account {account} is there");
        findings.push(Finding::new(Code::AccountAbsent, message).of_place(None, account, ""));
    }
    for region in policy.regions.iter().filter(|asked| !present.iter().any(|(_, region)| region == asked)) {
        let message = format!("nothing of region {region} is there");
        findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, "", region));
    }
    let has_chain = |trail: &&String| {
        outcomes.iter().flat_map(|unit| &unit.chains).any(|chain| chain.report.id.trail == **trail)
    };
    for trail in policy.trails.iter().filter(|trail| !has_chain(trail)) {
        let mut finding = Finding::new(Code::NoDigests, format!("no digest of trail {trail} is there"));
        finding.trail = Some(trail.clone());
        findings.push(finding);
    }
    for region in &expect.regions {
        for account in accounts.iter().filter(|account| !present.contains(&(**account, region.as_str()))) {
            let message = format!("nothing of the expected region {region} is there for account {account}");
            findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, account, region));
        }
        if accounts.is_empty() {
            let message = format!("nothing of the expected region {region} is there");
            findings.push(Finding::new(Code::RegionAbsent, message).of_place(None, "", region));
        }
    }
    findings
}
