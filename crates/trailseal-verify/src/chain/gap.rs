//! What no digest covers.

use serde::Serialize;
use trailseal_archive::Timestamp;

use crate::finding::Code;

/// A span that no digest covers, and the code of the finding that says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Its start.
    pub start: Timestamp,
    /// Its end.
    pub end: Timestamp,
    /// `gap`, `digest_missing`, `digests_missing_inferred`, `window_discontinuity` …
    pub code: Code,
    /// Whether something is proven to be missing; the finding says it.
    #[serde(skip)]
    pub is_violation: bool,
}
