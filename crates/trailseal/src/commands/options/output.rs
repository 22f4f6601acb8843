//! What is written, and where.

use std::path::{Path, PathBuf};

use crate::{
    error::CommandError,
    out_file::{OutFile, is_stdout},
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

    /// How it is compressed.
    pub(crate) fn packing(&self) -> Packing {
        self.target().map_or(Packing::Plain, |path| Packing::of(path).0)
    }

    /// Looks whether it can be written: it must not lie among what is read.
    ///
    /// # Errors
    /// When it lies there, or is there already and may not be replaced.
    pub(crate) fn check<'a>(
        &'a self,
        read: impl IntoIterator<Item = &'a PathBuf>,
    ) -> Result<Option<OutFile<'a>>, CommandError> {
        self.target().map(|path| outside("the output", path, read, self.clobber)).transpose()
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
