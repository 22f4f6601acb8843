//! What a command reads, opened once: the folders, files and pipes that were given, each of them once.
//!
//! [`Inputs`] are walked while a scan goes on; a [`FileList`] holds all their files, with what changes when a file does.
//! A scan takes either ([`FileSource`]), and both number the files alike.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use trailseal_archive::{
    key::ObjectKind,
    open::Refusal,
    stamp::FileStamp,
    walk::{Listing, Problem, RootError, Roots, Survey},
};

use crate::Error;

pub(crate) mod ahead;
mod list;

pub use self::list::{FileList, FileState};

pub(crate) use self::list::state;

/// The state of what lies at a path, by itself and not by what a link leads to.
pub fn file_state(path: &Path) -> FileState {
    fs::symlink_metadata(path).ok().as_ref().and_then(state)
}

/// The folders and files at these paths, each by its canonical path.
pub(crate) fn canonical(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect()
}

/// Paths that were given, opened.
#[derive(Debug)]
pub struct Inputs {
    given: Vec<PathBuf>,
    parts: Vec<Part>,
    /// All folders together.
    roots: Roots,
    survey: OnceLock<Survey>,
}

#[derive(Debug)]
enum Part {
    Folder(Arc<Roots>),
    File {
        given: PathBuf,
        real: PathBuf,
        length: u64,
    },
    /// A pipe or device: `<(command)`, `/dev/stdin`.
    Pipe(PathBuf),
    Stdin,
}

/// Where a scan takes its files from.
pub trait FileSource: Sync {
    /// The paths that were given.
    fn given(&self) -> &[PathBuf];

    /// Whether standard input is among them, which can be read once only.
    fn reads_stdin(&self) -> bool {
        self.given().iter().any(|input| input.as_os_str() == "-")
    }

    /// All of them, if they are listed.
    fn list(&self) -> Option<&FileList> {
        None
    }

    /// Shows all of them in archive order, the files of folders folder by folder, until `visit` breaks. What could not be
    /// seen becomes a problem.
    ///
    /// Files that are links to nowhere, out of the folders or in a circle are among those of a folder, and have no number
    /// ([`has_number`]).
    fn each(
        &self,
        problems: &mut Vec<Problem>,
        visit: &mut dyn FnMut(InputPart<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()>;
}

/// A piece of what was given.
#[derive(Clone, Copy, Debug)]
pub enum InputPart<'a> {
    /// Standard input.
    Stdin,
    /// What can be read once only.
    Pipe(&'a Path),
    /// A file that was named.
    File {
        /// As it was named.
        given: &'a Path,
        /// Where it is.
        real: &'a Path,
        /// Bytes on disk.
        length: u64,
        /// What the file system said of it, if it was asked.
        stamp: Option<FileStamp>,
    },
    /// A folder that was named, or one in it, with the files directly in it.
    Folder {
        /// What it was found below, and must not be left for.
        roots: &'a Arc<Roots>,
        /// The folder and its files.
        listing: &'a Listing,
        /// What the file system said of each of the files, if it was asked.
        stamps: Option<&'a [Option<FileStamp>]>,
    },
}

/// Whether a file of a folder is counted among the files of the inputs: links that are not followed are told as problems.
pub fn has_number(refusal: Option<Refusal>) -> bool {
    !matches!(refusal, Some(Refusal::Link | Refusal::Circle))
}

impl Inputs {
    /// Looks at what was given (`-` is standard input): what lies in a folder that is given too, or is given twice, counts
    /// once.
    ///
    /// # Errors
    /// [`Error::Root`] for a path that is not there or cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, Error> {
        let fail = |path: &Path, source: io::Error| Error::Root(RootError { path: path.to_owned(), source });
        let (mut folders, mut files, mut pipes) = (Vec::new(), Vec::new(), Vec::new());
        for path in paths {
            if path == Path::new("-") {
                continue;
            }
            let metadata = fs::metadata(path).map_err(|error| fail(path, error))?;
            match () {
                () if metadata.is_dir() => folders.push(path.clone()),
                () if metadata.is_file() => files.push(path),
                () => pipes.push(path),
            }
        }
        let roots = Roots::open(&folders)?;
        let mut seen = HashSet::new();
        let mut parts = Vec::new();
        for path in paths {
            if path == Path::new("-") {
                if seen.insert(path.clone()) {
                    parts.push(Part::Stdin);
                }
                continue;
            }
            if pipes.contains(&path) {
                parts.push(Part::Pipe(path.clone()));
                continue;
            }
            let real = fs::canonicalize(path).map_err(|error| fail(path, error))?;
            if !seen.insert(real.clone()) {
                continue;
            }
            if files.contains(&path) {
                if !roots.contain(&real) {
                    let length = fs::metadata(&real).map_or(0, |metadata| metadata.len());
                    parts.push(Part::File { given: path.clone(), real, length });
                }
                continue;
            }
            // a folder in a folder is left out by the whole
            let is_inner = folders.iter().any(|other| {
                fs::canonicalize(other).is_ok_and(|other| other != real && real.starts_with(&other))
            });
            if !is_inner {
                parts.push(Part::Folder(Arc::new(Roots::open(std::slice::from_ref(path))?)));
            }
        }
        Ok(Self { given: paths.to_vec(), parts, roots, survey: OnceLock::new() })
    }

    /// Lists all files, with their states.
    pub fn list(&self) -> FileList {
        FileList::of(self, true)
    }

    /// Lists all files without asking for their states, as for an index that is [trusted](crate::index::ArchiveIndex::trusted).
    pub fn list_unasked(&self) -> FileList {
        FileList::of(self, false)
    }

    /// Whether anything can be read once only.
    pub fn reads_pipe(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Pipe(_) | Part::Stdin))
    }

    /// The accounts that the folders name.
    pub fn accounts(&self) -> BTreeSet<String> {
        let accounts = self.survey().units.keys().map(|unit| unit.account.clone());
        accounts.filter(|account| !account.is_empty()).collect()
    }

    /// The regions of the log folders that are laid out as CloudTrail does.
    pub fn regions(&self) -> BTreeSet<String> {
        let has_logs =
            |folders: &[(ObjectKind, _)]| folders.iter().any(|(kind, _)| *kind != ObjectKind::Digest);
        let units = self.survey().units.iter().filter(|(_, folders)| has_logs(folders));
        units.map(|(unit, _)| unit.region.clone()).collect()
    }

    /// Whether folders of digests lie among them, as CloudTrail lays them out.
    pub fn has_digest_folders(&self) -> bool {
        self.survey().units.values().flatten().any(|(kind, _)| *kind == ObjectKind::Digest)
    }

    /// The folders that were given, to open what was found in them.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// The folders of every account and region, looked for once.
    pub fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| self.roots.survey(&|_| true))
    }
}

impl FileSource for Inputs {
    fn given(&self) -> &[PathBuf] {
        &self.given
    }

    fn each(
        &self,
        problems: &mut Vec<Problem>,
        visit: &mut dyn FnMut(InputPart<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for part in &self.parts {
            match part {
                Part::Stdin => visit(InputPart::Stdin)?,
                Part::Pipe(path) => visit(InputPart::Pipe(path))?,
                Part::File { given, real, length } => {
                    visit(InputPart::File { given, real, length: *length, stamp: None })?;
                }
                Part::Folder(roots) => {
                    let mut flow = ControlFlow::Continue(());
                    roots.walk(problems, &mut |listing| {
                        flow = visit(InputPart::Folder { roots, listing: &listing, stamps: None });
                        flow
                    });
                    flow?;
                }
            }
        }
        ControlFlow::Continue(())
    }
}
