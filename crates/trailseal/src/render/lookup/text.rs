//! `--output text`: a line of texts for an event and one for each of its resources.

use std::io::{self, Write};

use trailseal_query::row::{LookupRow, TimeFormat};

use super::columns;
use crate::render::plain::shown;

/// Writes the rows of a page, whose lines have the same columns.
pub(super) fn write(rows: &[LookupRow<'_>], times: TimeFormat, to: &mut dyn Write) -> io::Result<()> {
    let columns = columns(rows, times);
    for row in rows {
        write!(to, "EVENTS")?;
        for column in &columns {
            let text = row.texts(times).find(|(name, _)| name == column).map(|(_, text)| text);
            // A line break in a name must not make a line of its own.
            write!(to, "\t{}", shown(&text.unwrap_or_default()))?;
        }
        writeln!(to)?;
        let has_types = row.resources.iter().any(|resource| resource.resource_type.is_some());
        for resource in &row.resources {
            write!(to, "RESOURCES\t{}", shown(&resource.name))?;
            if has_types {
                write!(to, "\t{}", shown(resource.resource_type.as_deref().unwrap_or_default()))?;
            }
            writeln!(to)?;
        }
    }
    Ok(())
}
