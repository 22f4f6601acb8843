//! The file of `--report`: whole or not there at all, and never among the evidence.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use trailseal_evidence::Options;
use trailseal_verify::report::Report;

use crate::{
    error::CommandError,
    interrupt::Interrupt,
    render::{json, text::Stats},
};

/// A place where the report may be written.
pub(super) struct ReportFile<'a> {
    path: &'a Path,
    may_replace: bool,
}

impl<'a> ReportFile<'a> {
    /// Looks, before the work begins, whether the report can be written to `path`.
    ///
    /// # Errors
    /// When it lies below a root, exists and may not be replaced, or has no folder.
    pub(super) fn check(path: &'a Path, options: &Options, may_replace: bool) -> Result<Self, CommandError> {
        let fail = |error: &dyn std::fmt::Display| CommandError::file("write the report to", path, error);
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let real = fs::canonicalize(folder).map_err(|error| fail(&error))?;
        let folders = options.roots.iter().chain(options.maps.iter().map(|map| &map.folder));
        for root in folders {
            if fs::canonicalize(root).is_ok_and(|root| real.starts_with(root)) {
                let why =
                    format!("it lies below the archive {}, and evidence is never written to", root.display());
                return Err(fail(&why).hint("choose a place outside the archive"));
            }
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.is_file() => Err(fail(&"something that is not a regular file is there")),
            Ok(_) if !may_replace => {
                Err(fail(&"it is there already").hint("--clobber replaces it; --baseline compares with it"))
            }
            _ if path.file_name().is_none() => Err(fail(&"it has no file name")),
            _ => Ok(Self { path, may_replace }),
        }
    }

    /// Writes the report beside its place first, and then moves it there.
    ///
    /// # Errors
    /// When it cannot be written; then nothing is left of it.
    pub(super) fn write(
        self,
        report: &Report,
        stats: Option<&Stats>,
        interrupt: &Interrupt,
    ) -> Result<(), CommandError> {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = self.path.with_file_name(name);
        interrupt.guard(&unfinished, || self.write_by_way_of(&unfinished, report, stats)).map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            CommandError::file("write the report to", self.path, &error)
        })
    }

    fn write_by_way_of(
        &self,
        unfinished: &PathBuf,
        report: &Report,
        stats: Option<&Stats>,
    ) -> io::Result<()> {
        let mut file = io::BufWriter::new(fs::File::create_new(unfinished)?);
        json::write(report, stats, &mut file)?;
        file.flush()?;
        if self.may_replace {
            return fs::rename(unfinished, self.path);
        }
        // A link fails where a file appeared meanwhile; not every file system has links.
        match fs::hard_link(unfinished, self.path) {
            Ok(()) => fs::remove_file(unfinished),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            Err(_) if fs::symlink_metadata(self.path).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(unfinished, self.path),
        }
    }
}
