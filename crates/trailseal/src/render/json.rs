//! One JSON document: the report, and the figures of `--stats`.

use std::io::{self, Write};

use serde::Serialize;
use trailseal_evidence::report::Report;

use super::stats::Stats;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<&'a Stats>,
}

/// Writes the document, and a line feed.
pub(crate) fn write(report: &Report, stats: Option<&Stats>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { report, stats })?;
    writeln!(out)
}
