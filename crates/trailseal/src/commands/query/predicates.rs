//! The predicates that options stand for.

use trailseal_archive::Timestamp;
use trailseal_query::Predicate;

use super::{args, filter::TimeSpan};
use crate::error::CommandError;

/// All of which must hold.
pub(super) fn all(
    filter: &args::Filter,
    span: TimeSpan,
    notes: &mut Vec<String>,
) -> Result<Vec<Predicate>, CommandError> {
    let _ = (span, notes, &filter.conditions);
    Ok(Vec::new())
}

/// A time, in any form that people write.
pub(super) fn parse_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let _ = now;
    Timestamp::parse_loose(text).map_err(|error| error.to_string())
}
