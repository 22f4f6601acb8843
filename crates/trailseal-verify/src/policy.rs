//! What the user asked for: it narrows and weakens, and all of it is printed in the report.

use trailseal_archive::Timestamp;

use crate::{
    chain_id::ChainId,
    finding::{Code, Finding, Severity},
};

/// How far an archive's newest log may be ahead of the newest digest: digests come about half an hour
/// after the hour that they cover (docs/spec/format.md 1.7).
pub const PENDING: i64 = 2 * 3600;
/// A log's name tells its delivery to about five minutes (docs/spec/format.md 1.1).
pub const STAMP_TOLERANCE: i64 = 6 * 60;

/// The user's wishes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Only digests whose windows end after this.
    pub start: Option<Timestamp>,
    /// Only digests whose windows start before this.
    pub end: Option<Timestamp>,
    /// Only these accounts; all when empty.
    pub accounts: Vec<String>,
    /// Only these source regions; all when empty.
    pub regions: Vec<String>,
    /// Only these trails; all when empty.
    pub trails: Vec<String>,
    /// Findings that are to be notes.
    pub allowed: Vec<Code>,
}

impl Policy {
    /// Whether an account and region are asked for; an unknown one (empty) always is.
    pub fn wants_place(&self, account: &str, region: &str) -> bool {
        let wants = |asked: &[String], text: &str| {
            asked.is_empty() || text.is_empty() || asked.iter().any(|asked| asked == text)
        };
        wants(&self.accounts, account) && wants(&self.regions, region)
    }

    /// Whether no account and no region is left out.
    pub fn is_of_all_places(&self) -> bool {
        self.accounts.is_empty() && self.regions.is_empty()
    }

    /// Whether a chain is asked for.
    pub fn wants_chain(&self, id: &ChainId) -> bool {
        self.wants_place(&id.account, &id.region)
            && (self.trails.is_empty() || self.trails.contains(&id.trail))
    }

    /// Whether a window lies, at least in part, in the asked span.
    pub fn overlaps(&self, start: Timestamp, end: Timestamp) -> bool {
        self.start.is_none_or(|from| end > from) && self.end.is_none_or(|to| start < to)
    }

    /// Whether a moment lies in the asked span.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|from| time >= from) && self.end.is_none_or(|to| time <= to)
    }

    /// Turns an allowed finding into a note; violations stay what they are.
    pub fn weigh(&self, finding: &mut Finding) {
        if finding.severity == Severity::Unproven && self.allowed.contains(&finding.code) {
            finding.severity = Severity::Note;
        }
    }
}

#[cfg(test)]
mod tests;
