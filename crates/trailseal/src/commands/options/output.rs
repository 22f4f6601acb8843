//! What is written, and where.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::{
    destination::Destination,
    error::CommandError,
    interrupt::Interrupt,
    out_file::{OutFile, format_of_name, is_stdout},
    packing::Packing,
};

/// For commands that are quiet or not.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct QuietOption {
    /// Only errors on stderr
    #[arg(id = "quiet", short, long = "quiet", overrides_with = "quiet")]
    pub(crate) is_quiet: bool,
}

/// The file that an answer is written to.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct OutputFile {
    /// Write to this file, which cannot lie below a ROOT; `-` is standard output
    ///
    /// Its ending chooses the format, and .gz or .zst behind that compresses it. Pipes and devices are written to as they are.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Replace the file of -o if there is one
    #[arg(short = 'C', long, requires = "file")]
    clobber: bool,
}

impl OutputFile {
    /// The file; `None` for standard output.
    pub(crate) fn target(&self) -> Option<&Path> {
        self.file.as_deref().filter(|path| !is_stdout(path))
    }

    /// The format that was asked for, else what the file's ending stands for, else `otherwise`.
    ///
    /// # Errors
    /// For an ending that stands for nothing that is written.
    pub(crate) fn format<F: ValueEnum>(
        &self,
        asked: Option<F>,
        endings: &[(&str, F)],
        otherwise: F,
    ) -> Result<F, CommandError> {
        match (asked, self.target()) {
            (Some(asked), _) => Ok(asked),
            (None, Some(path)) => format_of_name(path, endings, otherwise),
            (None, None) => Ok(otherwise),
        }
    }

    /// Where the answer goes, if it can be written there: a file must not lie among what is read.
    ///
    /// # Errors
    /// When it lies there, or is there already and may not be replaced.
    pub(crate) fn destination<'a>(
        &'a self,
        read: impl IntoIterator<Item = &'a PathBuf>,
        is_for_people: bool,
        interrupt: &'a Interrupt,
    ) -> Result<Destination<'a>, CommandError> {
        let target = self.target();
        Ok(Destination {
            target: target.map(|path| outside("the output", path, read, self.clobber)).transpose()?,
            packing: target.map_or(Packing::Plain, |path| Packing::of(path).0),
            is_for_people,
            interrupt,
        })
    }
}

/// A file to write that does not lie among what is read.
///
/// # Errors
/// When it lies there, or is there already and may not be replaced.
pub(crate) fn outside<'a>(
    what: &'static str,
    path: &'a Path,
    read: impl IntoIterator<Item = &'a PathBuf>,
    may_replace: bool,
) -> Result<OutFile<'a>, CommandError> {
    let mut read = read.into_iter().filter(|root| root.as_os_str() != "-");
    OutFile::check(what, path, &mut read, may_replace, "--clobber replaces it")
}
