//! The comparison with an earlier report (`--baseline`; docs/spec/verification.md 5, rows 58 and 86).

use trailseal_verify::{Code, Finding, Interval, Policy, Severity, merge_intervals};

use super::speaks_of;
use crate::{
    expect::{BaselineChain, Expectations},
    outcome::{ChainOutcome, RegionOutcome},
};

/// What the earlier report had proven must be proven now, or be spoken of by a finding: its newest digests, and every
/// span. What lies outside what is asked for is not compared: a narrower run misses it for no fault of the archive.
pub(super) fn compare(
    outcomes: &[RegionOutcome],
    policy: &Policy,
    expect: &Expectations,
    findings: &[Finding],
) -> Vec<Finding> {
    let Some(baseline) = &expect.baseline else { return Vec::new() };
    let mut found = Vec::new();
    let mut compared = 0;
    for old in baseline.chains.iter().filter(|old| policy.wants_chain(&old.id)) {
        let chains = outcomes.iter().flat_map(|unit| &unit.chains);
        let now = chains
            .filter(|chain| chain.report.id.is_same_but_organization(&old.id))
            .max_by_key(|chain| chain.report.id == old.id);
        let head = compare_head(old, now, policy);
        let head_is_told = head.is_some();
        let is_rolled_back = head.as_ref().is_some_and(|head| head.code == Code::HeadRolledBack);
        compared += u64::from(old.head.as_ref().is_some_and(|head| policy.contains(head.end)));
        found.extend(head);
        if !(head_is_told && now.is_none()) {
            compared += compare_spans(old, now, policy, findings, is_rolled_back, &mut found);
        }
    }
    if compared == 0 {
        let message =
            "nothing that the earlier report had proven lies in what was asked for: nothing was compared";
        found.push(Finding::new(Code::BaselineNotCompared, message));
    }
    found
}

fn compare_head(old: &BaselineChain, now: Option<&ChainOutcome>, policy: &Policy) -> Option<Finding> {
    let old_head = old.head.as_ref().filter(|head| policy.contains(head.end))?;
    let head = now.and_then(|chain| chain.report.head.as_ref());
    let is_expired = now.and_then(|chain| chain.first_start).is_some_and(|first| old_head.end <= first);
    let (code, message) = match (now, head) {
        (Some(chain), _) if chain.holds_baseline_head == Some(true) => return None,
        (None, _) => (
            Code::RewrittenHistory,
            "the chain of the earlier report is not there at all (of a part of the archive, --account, --region and --trail say so)",
        ),
        _ if is_expired => (
            Code::RewrittenHistory,
            "the newest digest of the earlier report is older than all that is here: expired, deleted or not copied",
        ),
        (_, Some(head)) if head.end < old_head.end => {
            (Code::HeadRolledBack, "the newest digest is older than that of the earlier report")
        }
        (_, None) => {
            (Code::HeadRolledBack, "no digest of the chain is authentic, as one was in the earlier report")
        }
        _ => (Code::RewrittenHistory, "the newest digest of the earlier report is no longer in the chain"),
    };
    let actual = head.map_or("none".to_owned(), |head| format!("{} {}", head.end, head.sha256));
    let mut finding = Finding::new(code, message)
        .of_chain(&old.id)
        .about(None, &old_head.key)
        .expected(format!("{} {}", old_head.end, old_head.sha256), actual);
    finding.end = Some(old_head.end);
    Some(if is_expired { finding.weighing(Severity::Unproven) } else { finding })
}

/// Spans that were proven, and are neither proven now nor spoken of; says how many were compared.
fn compare_spans(
    old: &BaselineChain,
    now: Option<&ChainOutcome>,
    policy: &Policy,
    findings: &[Finding],
    is_rolled_back: bool,
    found: &mut Vec<Finding>,
) -> u64 {
    let id = now.map_or(&old.id, |chain| &chain.report.id);
    let speaks = |finding: &&Finding| speaks_of(finding, id) && tells_of_loss(finding.code);
    let span = |finding: &Finding| Some(Interval { start: finding.start?, end: finding.end? });
    let proven = now.into_iter().flat_map(|chain| chain.report.proven.iter().copied());
    let told = merge_intervals(proven.chain(findings.iter().filter(speaks).filter_map(span)));
    let mut compared = 0;
    for span in &old.proven {
        let start = policy.start.map_or(span.start, |from| from.max(span.start));
        let end = policy.end.map_or(span.end, |to| to.min(span.end));
        if start >= end {
            continue;
        }
        compared += 1;
        let newest = now.and_then(|chain| chain.last_end);
        // What is newer than the newest digest was said of it already.
        let is_said = |lost: &Interval| is_rolled_back && newest.is_some_and(|newest| lost.start >= newest);
        for lost in without(Interval { start, end }, &told).into_iter().filter(|lost| !is_said(lost)) {
            let first = now.and_then(|chain| chain.proves_from);
            // Its lifecycle may have taken what is older than the oldest digest that is left.
            let is_tail = |code| matches!(code, Code::TailCut | Code::NotCopied);
            let points_back = findings.iter().filter(speaks).any(|finding| is_tail(finding.code));
            let is_expired = points_back && first.is_some_and(|first| lost.end <= first);
            let message = "what the earlier report had proven is not proven now, and nothing else says why";
            let finding = Finding::new(Code::RewrittenHistory, message)
                .of_chain(&old.id)
                .spanning(lost.start, lost.end);
            found.push(if is_expired { finding.weighing(Severity::Unproven) } else { finding });
        }
    }
    compared
}

/// Whether a finding says that something is missing or wrong. What an earlier run had proven is no pause in logging, and
/// no time from before digests or after them.
fn tells_of_loss(code: Code) -> bool {
    !matches!(
        code,
        Code::Gap
            | Code::CoverageStartsLate
            | Code::CoverageEndsEarly
            | Code::CoverageHole
            | Code::HeadStale
            | Code::HeadBehindPeers
            | Code::LogOutsideCoverage
            | Code::LogPending
            | Code::LogUnreferenced
    )
}

/// What of a span lies in none of the others, which are ordered and disjoint.
fn without(span: Interval, others: &[Interval]) -> Vec<Interval> {
    let mut left = Vec::new();
    let mut from = span.start;
    for other in others.iter().filter(|other| other.end > span.start && other.start < span.end) {
        if other.start > from {
            left.push(Interval { start: from, end: other.start });
        }
        from = from.max(other.end);
    }
    if from < span.end {
        left.push(Interval { start: from, end: span.end });
    }
    left
}
