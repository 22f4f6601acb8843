//! The files that are scanned, in archive order.

use std::{
    collections::HashSet,
    fs, io,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use trailseal_archive::walk::{Listing, Problem, RootError, Roots};

use super::Damage;
use crate::Error;

/// What was asked for, opened.
pub(super) struct Inputs {
    parts: Vec<Part>,
}

enum Part {
    Folder(Roots),
    File {
        given: PathBuf,
        real: PathBuf,
        length: u64,
    },
    /// A pipe or device: `<(command)`, `/dev/stdin`.
    Pipe(PathBuf),
    Stdin,
}

/// A file to read.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Its place in archive order.
    pub(super) turn: u64,
    /// Where it is; `None` for standard input.
    pub(super) real: Option<PathBuf>,
    /// As the user would write it.
    pub(super) shown: String,
    /// Bytes on disk.
    pub(super) length: u64,
    /// Whether the user named it.
    pub(super) is_given: bool,
    /// Whether it can be read once only.
    pub(super) is_pipe: bool,
    /// Why it must not be opened.
    pub(super) refusal: Option<String>,
}

impl Job {
    /// Its name, without folders.
    pub(super) fn name(&self) -> &str {
        self.shown.rsplit('/').next().unwrap_or_default()
    }
}

impl Inputs {
    /// Looks at what was given: what lies in a folder that is given too, or is given twice, counts once.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, Error> {
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
        let all = Roots::open(&folders)?;
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
                if !all.contain(&real) {
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
                parts.push(Part::Folder(Roots::open(std::slice::from_ref(path))?));
            }
        }
        Ok(Self { parts })
    }

    /// Finds the files one after the other; what cannot be seen is returned.
    pub(super) fn each(&self, visit: &mut dyn FnMut(Job) -> ControlFlow<()>) -> Vec<Damage> {
        let mut problems = Vec::new();
        let mut turn = 0;
        let mut send = |job: Job| {
            let job = Job { turn, ..job };
            turn += 1;
            visit(job)
        };
        let given = |real: Option<PathBuf>, shown: String, length, is_pipe| Job {
            turn: 0,
            real,
            shown,
            length,
            is_given: true,
            is_pipe,
            refusal: None,
        };
        for part in &self.parts {
            let flow = match part {
                Part::Stdin => send(given(None, "-".to_owned(), 0, true)),
                Part::Pipe(path) => send(given(Some(path.clone()), path.display().to_string(), 0, true)),
                Part::File { given: path, real, length } => {
                    send(given(Some(real.clone()), path.display().to_string(), *length, false))
                }
                Part::Folder(roots) => {
                    let mut flow = ControlFlow::Continue(());
                    roots.walk(&mut problems, &mut |Listing { folder, files }| {
                        for file in files {
                            let real = folder.real.join(&*file.name);
                            let shown = folder.shown.join(&*file.name).display().to_string();
                            let refusal = file.refusal.map(|refusal| refusal.to_string());
                            flow = send(Job {
                                turn: 0,
                                real: Some(real),
                                shown,
                                length: file.length,
                                is_given: false,
                                is_pipe: false,
                                refusal,
                            });
                            flow?;
                        }
                        ControlFlow::Continue(())
                    });
                    flow
                }
            };
            if flow.is_break() {
                break;
            }
        }
        let damage = |problem: Problem| Damage {
            index: u64::MAX,
            shown: problem.shown.display().to_string(),
            offset: None,
            reason: problem.kind.to_string(),
        };
        problems.into_iter().map(damage).collect()
    }
}
