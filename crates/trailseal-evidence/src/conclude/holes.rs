//! The net below all rules (docs/spec/verification.md 5, row 82): what is not proven inside the asked span, and of
//! which nothing else speaks, leaves a run unproven, whatever the cause.

use trailseal_verify::{Code, Finding, Interval, Policy, merge_intervals};

use super::speaks_of;
use crate::{
    outcome::{ChainOutcome, RegionOutcome},
    report::ChainKind,
};

/// The holes in what chains prove, from their first authentic digest to their last, that no finding of some weight
/// covers.
pub(crate) fn find(outcomes: &[RegionOutcome], policy: &Policy, findings: &[Finding]) -> Vec<Finding> {
    let chains = outcomes.iter().flat_map(|unit| &unit.chains);
    let standard = chains.filter(|chain| chain.report.id.kind == ChainKind::Standard);
    standard.flat_map(|chain| of_chain(chain, policy, findings)).collect()
}

fn of_chain(chain: &ChainOutcome, policy: &Policy, findings: &[Finding]) -> Vec<Finding> {
    let (Some(first), Some(last)) = (chain.proves_from, chain.last_end) else { return Vec::new() };
    let start = policy.start.map_or(first, |start| start.max(first));
    let end = policy.end.map_or(last, |end| end.min(last));
    let id = &chain.report.id;
    let span = |finding: &Finding| {
        let (start, end) = (finding.start?, finding.end?);
        (start < end).then_some(Interval { start, end })
    };
    // A starting digest's own hour is known to be uncovered; the gap before it says so.
    let started = chain.run_starts.iter().map(|end| Interval { start: end.plus(-super::HOUR), end: *end });
    let told = findings.iter().filter(|finding| speaks_of(finding, id)).filter_map(span);
    let covered = chain.report.proven.iter().copied().chain(told).chain(started);
    let mut holes = Vec::new();
    let mut from = start;
    for part in merge_intervals(covered) {
        if part.start > from && from < end {
            holes.push(Interval { start: from, end: part.start.min(end) });
        }
        from = from.max(part.end);
    }
    if from < end {
        holes.push(Interval { start: from, end });
    }
    let finding = |hole: Interval| {
        let message = "nothing proves this span, and nothing else was found that explains why";
        Finding::new(Code::CoverageHole, message).of_chain(id).spanning(hole.start, hole.end)
    };
    holes.into_iter().map(finding).collect()
}
