//! The file of `--report`.

use std::{
    io::{self, Write as _},
    path::Path,
};

use trailseal_evidence::Options;
use trailseal_evidence::report::Report;

use crate::{
    error::CommandError,
    interrupt::Interrupt,
    out_file::OutFile,
    render::{json, stats::Stats},
};

/// Endings of what is no JSON.
const OTHERS: [&str; 10] = ["csv", "docx", "gz", "htm", "html", "md", "pdf", "txt", "xlsx", "zst"];

/// A place where the report may be written.
pub(super) struct ReportFile<'a> {
    file: OutFile<'a>,
    path: &'a Path,
}

impl<'a> ReportFile<'a> {
    /// Looks, before the work begins, whether the report can be written to `path`.
    ///
    /// # Errors
    /// When it lies below a root, exists and may not be replaced, or has no folder.
    pub(super) fn check(path: &'a Path, options: &Options, may_replace: bool) -> Result<Self, CommandError> {
        let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
        if let Some(ending) = ending.filter(|ending| OTHERS.contains(&ending.as_str())) {
            return Err(CommandError::new(format!(
                "--report {}: it is JSON, and no .{ending}",
                path.display()
            ))
            .hint("name it .json; standard output has the text"));
        }
        let mut folders = options.roots.iter().chain(options.maps.iter().map(|map| &map.folder));
        let otherwise = "--clobber replaces it; --baseline compares with it";
        let file = OutFile::check("the report", path, &mut folders, may_replace, otherwise)?;
        Ok(Self { file, path })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is left of it.
    pub(super) fn write(
        self,
        report: &Report,
        stats: Option<&Stats>,
        interrupt: &Interrupt,
    ) -> Result<(), CommandError> {
        let path = self.path;
        self.file.write(interrupt, |file| {
            let mut file = io::BufWriter::new(file);
            json::write(report, stats, &mut file)
                .and_then(|()| file.flush())
                .map_err(|error| CommandError::file("write the report to", path, error))
        })
    }
}
