//! Roots that are archive files: they are unpacked into a folder beside all evidence, which is removed again.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use trailseal_archive::{
    temporary,
    unpack::{UnpackError, unpack},
};
use trailseal_evidence::{Options, UnpackedRoot};

use crate::{
    error::CommandError,
    interrupt::{Interrupt, Removal},
    output,
    render::plain::{plural, shown},
};

/// What is said where there is no room.
const PLACE: &str = "TMPDIR chooses the folder in which archive files are unpacked";

/// What was unpacked, for as long as it is needed.
#[derive(Debug, Default)]
pub(super) struct UnpackedRoots {
    /// Removed first when the process is ended, or else with this value.
    _removal: Option<Removal>,
    _folder: Option<TempDir>,
}

impl UnpackedRoots {
    /// Unpacks the roots that are zip or tar `archives`, and puts the folders in their places.
    ///
    /// # Errors
    /// When one of them cannot be unpacked as a whole.
    pub(super) fn take_the_place(
        options: &mut Options,
        archives: &BTreeSet<&Path>,
        interrupt: &Interrupt,
        is_quiet: bool,
    ) -> Result<Self, CommandError> {
        if archives.is_empty() {
            return Ok(Self::default());
        }
        let folder = make_folder(&options.roots)?;
        let removal = interrupt.remove_at_end(folder.path());
        for (number, root) in
            options.roots.iter_mut().enumerate().filter(|(_, root)| archives.contains(root.as_path()))
        {
            let place = folder.path().join(number.to_string());
            let archive = std::mem::replace(root, place);
            if !is_quiet {
                output::note(&format!(
                    "{} is unpacked into {}, and removed there at the end (TMPDIR chooses another place)",
                    shown(&archive.to_string_lossy()),
                    std::env::temp_dir().display()
                ));
            }
            options.unpacked.push(unpack_one(archive, root.clone(), interrupt, is_quiet)?);
        }
        Ok(Self { _removal: Some(removal), _folder: Some(folder) })
    }
}

/// A folder for nobody else, outside of what is read.
fn make_folder(roots: &[PathBuf]) -> Result<TempDir, CommandError> {
    let folder = std::env::temp_dir();
    let outside = temporary::outside(&folder, roots).ok_or_else(|| {
        let message =
            format!("cannot unpack into {}: it is not there, or part of the archive", folder.display());
        CommandError::new(message).hint(PLACE)
    })?;
    tempfile::Builder::new()
        .prefix("trailseal-")
        .tempdir_in(&outside)
        .map_err(|error| CommandError::file("unpack into", &outside, error).hint(PLACE))
}

/// Whether an error of writing would be another one elsewhere.
fn is_of_the_place(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(kind, PermissionDenied | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

fn unpack_one(
    archive: PathBuf,
    folder: PathBuf,
    interrupt: &Interrupt,
    is_quiet: bool,
) -> Result<UnpackedRoot, CommandError> {
    fs::create_dir(&folder).map_err(|error| CommandError::file("unpack into", &folder, error))?;
    let done = unpack(&archive, &folder, &|_| !interrupt.is_wanted());
    let done = done.map_err(|error| {
        let hint = match &error {
            UnpackError::Interrupted => return CommandError::interrupted(),
            UnpackError::Damaged(_) => {
                "nothing is judged, since files that were lost with the damage would look as if they had been \
                 removed; get another copy of the file, or unpack what can be, and verify that folder"
            }
            UnpackError::Encrypted => "unpack it with its password, and give the folder in its place",
            UnpackError::Write { source, .. } if is_of_the_place(source.kind()) => PLACE,
            _ => "unpack it by other means, and give the folder in its place",
        };
        let inside = error.to_string().replace(&format!("{}/", folder.display()), "");
        CommandError::file("unpack", &archive, inside).hint(hint)
    })?;
    if !is_quiet {
        if let Some(name) = done.twins.first() {
            output::note(&format!(
                "{}: {} under the name of an earlier one, such as {}: judged, too, as NAME (2)",
                shown(&archive.to_string_lossy()),
                plural(done.twins.len() as u64, "member"),
                shown(name)
            ));
        }
        if done.others > 0 {
            let archive = shown(&archive.to_string_lossy()).into_owned();
            output::note(&format!("{archive}: {} left out, a device or pipe", plural(done.others, "member")));
        }
    }
    Ok(UnpackedRoot { folder, archive, unreadable: done.unreadable })
}
