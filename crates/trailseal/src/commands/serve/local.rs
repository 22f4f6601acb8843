//! Local trails: opening their folder, and delivering while the server runs.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use trailseal_archive::walk::Roots;
use trailseal_server::{Local, LocalOptions, Trouble};

use super::Args;
use crate::{clock::now, error::CommandError, output};

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_millis(250);

/// Opens the data folder, into which nothing may be delivered for a bucket of the archive.
pub(super) fn open(args: &Args, evidence: BTreeSet<String>) -> Result<Option<Local>, CommandError> {
    let Some(folder) = &args.data_dir else { return Ok(None) };
    keep_apart(folder, &args.folders())?;
    is_own(folder)?;
    let mut options = LocalOptions::new(folder);
    options.delivery_interval = args.delivery_interval;
    options.digest_interval = args.digest_interval;
    options.recent_bytes = usize::try_from(args.recent).unwrap_or(usize::MAX);
    options.archive_buckets = evidence;
    options.allows_unknown_resource_types = args.allow_unknown_resource_types;
    let local = Local::open(&options).map_err(|error| {
        let folder = folder.display();
        let hint = match &error {
            damaged if damaged.is_damage() => Some(format!(
                "`trailseal serve --salvage {folder} NEW` makes a new data folder of what is intact, and says what is lost"
            )),
            used if used.is_in_use() => {
                Some(format!("another `trailseal serve` has {folder}; end it, or give --data-dir another folder"))
            }
            _ => None,
        };
        hint.into_iter().fold(CommandError::caused(error), CommandError::hint)
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

/// A folder that no server has made its own, and that holds an archive, is evidence: nothing is written into it.
fn is_own(folder: &Path) -> Result<(), CommandError> {
    if !folder.exists() || Local::is_at(folder) {
        return Ok(());
    }
    let shown = folder.display();
    if !folder.is_dir() {
        return Err(CommandError::new(format!(
            "cannot use the data folder {shown}: it is a file, and no folder"
        )));
    }
    let failed = |error| CommandError::file("use the data folder", folder, error);
    let roots = Roots::open(&[folder.to_owned()]).map_err(|error| failed(error.source))?;
    if roots.survey(&|_| true).units.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{shown} holds an archive, and no local trails (there is no _trailseal in it): an archive is evidence, below which nothing is \
         written"
    );
    Err(CommandError::new(message).hint("give the archive as ROOT, and --data-dir a folder of its own"))
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
    fn an_archive_is_no_data_folder_and_is_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        for bucket in ["", "my-logs", "my-logs/some/prefix"] {
            for kind in ["CloudTrail", "CloudTrail-Digest"] {
                let folder = root.path().join(format!("{}-{kind}", bucket.replace('/', "-")));
                let region = folder.join(bucket).join("AWSLogs/111122223333").join(kind).join("us-east-1");
                fs::create_dir_all(region).unwrap();
                let error = is_own(&folder).unwrap_err();
                assert!(error.message.contains("evidence"), "{bucket} {kind}: {error}");
                assert!(!Local::is_at(&folder));
                // the same, once a server has it
                fs::create_dir(folder.join("_trailseal")).unwrap();
                assert!(is_own(&folder).is_ok(), "{bucket} {kind}");
            }
        }
        fs::create_dir_all(root.path().join("new/my-logs")).unwrap();
        assert!(is_own(&root.path().join("new")).is_ok(), "a bucket in which nothing is");
        assert!(is_own(&root.path().join("absent")).is_ok());
        fs::write(root.path().join("file"), "").unwrap();
        assert!(is_own(&root.path().join("file")).unwrap_err().message.contains("no folder"));
    }

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
