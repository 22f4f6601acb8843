//! The comparison with an earlier report (`--baseline`).

use trailseal_verify::{
    finding::{Code, Finding},
    policy::Policy,
};

use crate::expect::Expectations;
use crate::outcome::UnitOutcome;

/// Every head of the earlier report must still be in its chain, and not be newer than the head now. What lies
/// outside the asked span is not compared: a narrower run misses it for no fault of the archive.
pub(super) fn compare(outcomes: &[UnitOutcome], policy: &Policy, expect: &Expectations) -> Vec<Finding> {
    let Some(baseline) = &expect.baseline else { return Vec::new() };
    let mut findings = Vec::new();
    for old in baseline.chains.iter().filter(|old| policy.wants_chain(&old.id)) {
        let Some(old_head) = old.head.as_ref().filter(|head| policy.contains(head.end)) else { continue };
        let mut chains = outcomes.iter().flat_map(|unit| &unit.chains);
        let now = chains.find(|chain| chain.report.id == old.id);
        let head = now.and_then(|chain| chain.report.head.as_ref());
        let (code, message) = match (now, head) {
            (Some(chain), _) if chain.holds_baseline_head == Some(true) => continue,
            (None, _) => (
                Code::RewrittenHistory,
                "the chain of the earlier report is not there at all (of a part of the archive, --account, --region and --trail say so)",
            ),
            (_, Some(head)) if head.end < old_head.end => {
                (Code::HeadRolledBack, "the newest digest is older than that of the earlier report")
            }
            (_, None) => (
                Code::HeadRolledBack,
                "no digest of the chain is authentic, as one was in the earlier report",
            ),
            _ => {
                (Code::RewrittenHistory, "the newest digest of the earlier report is no longer in the chain")
            }
        };
        let actual = head.map_or("none".to_owned(), |head| format!("{} {}", head.end, head.sha256));
        let mut finding = Finding::new(code, message)
            .of_chain(&old.id)
            .about(None, &old_head.key)
            .expected(format!("{} {}", old_head.end, old_head.sha256), actual);
        finding.end = Some(old_head.end);
        findings.push(finding);
    }
    findings
}
