//! What the user expects of an archive as a whole.

use crate::report::{ChainId, Interval, NewestDigest};
use serde::Deserialize;
use trailseal_archive::Timestamp;

/// What must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The time up to which digests must reach.
    pub as_of: Option<Timestamp>,
    /// Accounts that must be there.
    pub accounts: Vec<String>,
    /// Regions that must be there.
    pub regions: Vec<String>,
    /// An earlier report.
    pub baseline: Option<Baseline>,
}

/// The parts of an earlier report that `--baseline` needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Baseline {
    /// Must be that of the reports that are written.
    pub schema: String,
    /// Its chains.
    pub chains: Vec<BaselineChain>,
}

/// A chain of an earlier report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct BaselineChain {
    /// Which chain it was.
    #[serde(flatten)]
    pub id: ChainId,
    /// Its head then.
    #[serde(default)]
    pub head: Option<NewestDigest>,
    /// What it had proven.
    #[serde(default)]
    pub proven: Vec<Interval>,
}

impl Baseline {
    /// Whether it proves anything that a later archive can be held against.
    pub fn proves_something(&self) -> bool {
        self.chains.iter().any(|chain| chain.head.is_some() || !chain.proven.is_empty())
    }
}
