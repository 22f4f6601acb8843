//! Copies by date folders (docs/spec/verification.md 5, row 79): at their edges digests name logs, and point to
//! digests, of days of which the copy has nothing. Who was there cannot be told from who took whole days away: unproven.

use std::collections::BTreeSet;

use trailseal_archive::Timestamp;
use trailseal_verify::{Code, Finding, HOUR, Severity};

use crate::{
    days::{DAY, day_of, number_of},
    outcome::{ChainOutcome, RegionOutcome},
};

/// Says of what is missing that its day was not copied, where it lies before or after all days of the archive.
pub(super) fn mark(outcomes: &mut [RegionOutcome]) {
    let of_folders: BTreeSet<i64> = outcomes.iter().flat_map(|unit| &unit.days.of_folders).copied().collect();
    let of_names: BTreeSet<i64> = outcomes.iter().flat_map(|unit| &unit.days.of_names).copied().collect();
    // Who copies by date folders takes what lies in some; files in others tell only where there are none.
    let days = if of_folders.is_empty() { of_names } else { of_folders };
    let (Some(first), Some(last)) = (days.first().copied(), days.last().copied()) else { return };
    let is_edge = |day: i64| day < first || day > last;
    for unit in outcomes {
        let RegionOutcome { findings, chains, not_copied, .. } = unit;
        for finding in findings.iter_mut() {
            let Some(day) = day_of_missing(finding).filter(|day| is_edge(*day)) else { continue };
            if finding.code == Code::LogMissing {
                *not_copied += 1;
            }
            let was = finding.code;
            finding.code = Code::NotCopied;
            finding.severity = Severity::Unproven;
            let what =
                if was == Code::LogMissing { "a log file that its digest names" } else { "the predecessor" };
            finding.message = format!(
                "{what} lies in the folders of {}, a day of which the archive has nothing: copy that day too",
                date(day)
            );
            for chain in
                chains.iter_mut().filter(|chain| finding.trail.as_ref() == Some(&chain.report.id.trail))
            {
                soften(chain, finding, was);
            }
        }
    }
}

/// The day in whose folder something lies that is missing.
fn day_of_missing(finding: &Finding) -> Option<i64> {
    let is_missing = matches!(finding.code, Code::LogMissing | Code::TailCut | Code::DigestMissing);
    day_of(finding.key.as_deref().filter(|_| is_missing)?).map(number_of)
}

/// Takes back that the chain is violated there.
fn soften(chain: &mut ChainOutcome, finding: &Finding, was: Code) {
    let (Some(start), Some(end)) = (finding.start, finding.end) else { return };
    for gap in chain.report.gaps.iter_mut().filter(|gap| (gap.start, gap.end, gap.code) == (start, end, was))
    {
        gap.code = Code::NotCopied;
        gap.is_violation = false;
    }
    let Some(coverage) = &mut chain.report.coverage else { return };
    let hour =
        (start.epoch() + end.since(start) / 2).div_euclid(HOUR) - coverage.start.epoch().div_euclid(HOUR);
    let Ok(hour) = usize::try_from(hour) else { return };
    if coverage.hours.as_bytes().get(hour) == Some(&b'V') {
        coverage.hours.replace_range(hour..=hour, if was == Code::LogMissing { "U" } else { "G" });
    }
}

fn date(day: i64) -> String {
    Timestamp::from_epoch(day * DAY).map_or(String::new(), Timestamp::date_folders)
}
