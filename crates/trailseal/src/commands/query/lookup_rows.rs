//! Events as rows of `LookupEvents`.

use trailseal_evidence::scan::Row;

/// Appends the row of an event and a line break.
pub(crate) fn write(row: &Row<'_>, to: &mut Vec<u8>) {
    to.extend_from_slice(&row.record.line());
    to.push(b'\n');
}
