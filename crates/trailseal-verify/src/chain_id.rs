//! What findings speak of: which chain, what span.

use serde::{Deserialize, Serialize};
use trailseal_archive::Timestamp;

/// What makes a chain one chain (docs/spec/verification.md 2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChainId {
    /// The organization, of an organization trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The account whose events are covered.
    pub account: String,
    /// The region whose events are covered.
    pub region: String,
    /// The trail's name.
    pub trail: String,
    /// The region in which the trail was created.
    pub home_region: String,
    /// Standard or backfill.
    pub kind: ChainKind,
}

impl ChainId {
    /// Whether both are one chain whose trail has become an organization's, or is one no more (row 71).
    pub fn is_same_but_organization(&self, other: &Self) -> bool {
        let Self { organization: _, account, region, trail, home_region, kind } = self;
        (account, region, trail, home_region, kind)
            == (&other.account, &other.region, &other.trail, &other.home_region, &other.kind)
    }
}

/// Standard and backfill digests form chains of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainKind {
    /// The hourly digests.
    Standard,
    /// Digests for logs that came late.
    Backfill,
}

/// A span of delivery time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Interval {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
}

#[cfg(test)]
mod tests;
