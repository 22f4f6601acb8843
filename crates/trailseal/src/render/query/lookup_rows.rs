//! Events as rows of `LookupEvents`.

use trailseal_evidence::scan::Row;
use trailseal_query::row::{LookupRow, TimeFormat};

/// Appends the row of an event, as the AWS CLI has it, and a line break.
pub(super) fn write(row: &Row<'_>, to: &mut Vec<u8>) {
    to.extend_from_slice(&LookupRow::of(&row.record).json(TimeFormat::Iso8601));
    to.push(b'\n');
}
