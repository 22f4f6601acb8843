//! What is known of a row beside what is shown of it: to sort, count and choose among rows.

use trailseal_archive::Timestamp;

/// What is known of a row beside what is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey {
    /// Its event time.
    pub time: Option<Timestamp>,
    /// The fingerprint of its eventID; 0 for none.
    pub id: u128,
    /// The place of its label among all, if it has one.
    pub label: Option<usize>,
}
