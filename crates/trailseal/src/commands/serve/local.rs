//! Local trails: opening their folder, and delivering while the server runs.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use trailseal_server::{Local, LocalOptions, Trouble};

use super::Args;
use crate::{clock::now, error::CommandError, output};

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(250);

/// Opens the data folder, into which nothing may be delivered for a bucket of the archive.
pub(super) fn open(args: &Args, evidence: BTreeSet<String>) -> Result<Option<Local>, CommandError> {
    let Some(folder) = &args.data_dir else { return Ok(None) };
    keep_apart(folder, &args.folders())?;
    let mut options = LocalOptions::new(folder);
    options.delivery_interval = args.delivery_interval;
    options.digest_interval = args.digest_interval;
    options.recent_bytes = usize::try_from(args.recent).unwrap_or(usize::MAX);
    options.archive_buckets = evidence;
    options.allows_unknown_resource_types = args.allow_unknown_resource_types;
    let local = Local::open(&options).map_err(|error| {
        let is_damage = error.is_damage();
        let failure = CommandError::caused(error);
        if is_damage {
            let folder = folder.display();
            return failure.hint(format!(
                "`trailseal serve --salvage {folder} NEW` makes a new data folder of what is intact, and says what is lost"
            ));
        }
        failure
    })?;
    for note in local.notes() {
        output::note(note);
    }
    Ok(Some(local))
}

/// Nothing is ever written below an archive's folders.
fn keep_apart(folder: &Path, roots: &[PathBuf]) -> Result<(), CommandError> {
    let failed = |path: &Path, error: io::Error| CommandError::file("use", path, error);
    if roots.is_empty() {
        return Ok(());
    }
    let folder = real(folder).map_err(|error| failed(folder, error))?;
    for root in roots {
        let root = root.canonicalize().map_err(|error| failed(root, error))?;
        if folder.starts_with(&root) || root.starts_with(&folder) {
            return Err(CommandError::new(format!(
                "{} and {} lie in one another: an archive is evidence, below which nothing is written",
                folder.display(),
                root.display()
            ))
            .hint("give --data-dir a folder of its own; what is delivered there is served anyway"));
        }
    }
    Ok(())
}

/// Where a folder is, or will be when it is made.
fn real(folder: &Path) -> io::Result<PathBuf> {
    match folder.canonicalize() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            let name = folder.file_name().ok_or(error)?;
            Ok(real(parent.unwrap_or(Path::new(".")))?.join(name))
        }
        real => real,
    }
}

/// Runs `serve` and delivers meanwhile; afterwards everything that came in is delivered and signed, or told: then the
/// second is false.
pub(super) fn deliver_while<T>(local: Option<&Local>, serve: impl FnOnce() -> T) -> (T, bool) {
    let Some(local) = local else { return (serve(), true) };
    let result = thread::scope(|scope| {
        // dropped when `serve` is over, by a panic too, which ends the thread
        let (_serving, end) = channel::<()>();
        scope.spawn(move || {
            while end.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                tell(&local.tick(now()));
            }
        });
        serve()
    });
    let left = local.close(now());
    tell(&left);
    (result, left.is_empty())
}

fn tell(trouble: &[Trouble]) {
    for trouble in trouble {
        output::note(trouble);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_data_folder_in_an_archive_is_refused_and_not_made() {
        let root = tempfile::tempdir().unwrap();
        let archive = root.path().join("archive");
        fs::create_dir(&archive).unwrap();
        let roots = [archive.clone()];
        for folder in ["archive", "archive/data", "archive/a/b", ".", "archive/x/../y"] {
            assert!(keep_apart(&root.path().join(folder), &roots).is_err(), "{folder}");
        }
        assert_eq!(fs::read_dir(&archive).unwrap().count(), 0);
        for folder in ["data", "archived", "a/b"] {
            assert!(keep_apart(&root.path().join(folder), &roots).is_ok(), "{folder}");
        }
    }
}
