//! Where indexes lie, and whether they are used.

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    time::Duration,
};

use trailseal_evidence::index::ArchiveIndex;

use crate::{error::CommandError, output, render::shell::shell_word};

/// A scan that takes longer is told what an index is for.
const LONG: Duration = Duration::from_secs(2);

/// The folder of indexes.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct IndexFolder {
    /// The folder of indexes; by default `trailseal/index` in the user's cache folder
    ///
    /// `XDG_CACHE_HOME`, else `~/.cache`. It must be the user's own, and nobody else's to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) index_dir: Option<PathBuf>,
}

/// Whether an index is used.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct IndexUse {
    #[command(flatten)]
    pub(crate) folder: IndexFolder,

    /// Read every file, even where an index (`trailseal index`) says that nothing in it is wanted
    ///
    /// The answer is the same.
    #[arg(long)]
    pub(crate) no_index: bool,
}

/// Whether an index is used, and how far, where files are searched.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct IndexSearch {
    #[command(flatten)]
    pub(crate) index: IndexUse,

    /// Do not ask of every file that an index knows whether it is as it was: for a million files
    ///
    /// Folders are listed all the same, so that new files are read. A file that was written over since is searched as it was,
    /// and the summary says of how many files that was not asked. With keys all files are read and compared.
    #[arg(long, conflicts_with = "no_index")]
    pub(crate) trust_index: bool,
}

impl IndexSearch {
    /// See [`IndexUse::open`].
    pub(crate) fn open(&self, given: &[PathBuf]) -> Option<ArchiveIndex> {
        let index = self.index.open(given)?;
        Some(if self.trust_index { index.trusted() } else { index })
    }

    /// See [`IndexUse::note`].
    pub(crate) fn note(&self, index: Option<&ArchiveIndex>, took: Duration, given: &[PathBuf]) {
        self.index.note(index, took, given);
    }
}

impl IndexFolder {
    /// The folder, if there is any: without a home there is none.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let from = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = || from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")));
        self.index_dir.clone().or_else(|| cache().map(|cache| cache.join("trailseal/index")))
    }

    /// The same where one must be.
    ///
    /// # Errors
    /// [`CommandError`] when there is none.
    pub(crate) fn needed(&self) -> Result<PathBuf, CommandError> {
        let none = || {
            CommandError::new("there is no folder for the index: neither XDG_CACHE_HOME nor HOME is set")
                .hint("--index-dir DIR")
        };
        self.path().ok_or_else(none)
    }
}

/// Says what of an index is not used.
pub(crate) fn tell_problems(index: &ArchiveIndex) {
    for problem in index.problems() {
        output::note(&format!("an index is not used, and files are read instead: {problem}"));
    }
}

impl IndexUse {
    /// What is known of what was given; nothing where no index is to be used or there is none.
    pub(crate) fn open(&self, given: &[PathBuf]) -> Option<ArchiveIndex> {
        let folder = self.folder.path().filter(|_| !self.no_index)?;
        Some(ArchiveIndex::open(&folder, given))
    }

    /// Says, once the run is over, what of an index was not used; and on a terminal, after a run that took long without one, what
    /// it would have done.
    pub(crate) fn note(&self, index: Option<&ArchiveIndex>, took: Duration, given: &[PathBuf]) {
        if let Some(index) = index {
            tell_problems(index);
        }
        let is_there = index.is_some_and(|index| !index.is_empty());
        let is_wanted = !self.no_index && !is_there && took >= LONG && io::stderr().is_terminal();
        if is_wanted && given.iter().all(|path| path.is_dir() || path.is_file()) {
            let roots = given.iter().map(|path| shell_word(&path.display().to_string()));
            let roots = roots.collect::<Vec<_>>().join(" ");
            output::note(&format!(
                "`trailseal index {roots}` once, and the next time only what may answer is read"
            ));
        }
    }
}
