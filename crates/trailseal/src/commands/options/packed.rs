//! What is told to who gives a zip or tar where a folder is needed, or a folder that holds only such a file.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Read as _,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use trailseal_archive::content::{ContentLimits, Detected, HEAD_BYTES, detect, read_file};
use trailseal_evidence::{Error, Options};

use crate::{error::CommandError, render::shell::shell_word};

/// Bytes that are inflated to see what is inside.
const LOOK_BYTES: u64 = 4 << 20;

/// Files and folders that are looked at in a root that has nothing to verify.
const MAX_ENTRIES: usize = 1000;

/// Levels of folders in which archives are looked for.
const MAX_DEPTH: usize = 3;

/// Archives that are named.
const MAX_NAMED: usize = 3;

/// Endings of packed files, longer ones first.
const ENDINGS: [&str; 22] = [
    ".tar.gz", ".tar.bz2", ".tar.zst", ".tar.lz4", ".tar.xz", ".tgz", ".tbz2", ".tbz", ".txz", ".tzst",
    ".tlz4", ".tar", ".zip", ".7z", ".rar", ".zst", ".bz2", ".xz", ".lz4", ".gz", ".bin", ".dat",
];

/// A file that is no copy of a bucket, but may hold one.
#[derive(Debug, PartialEq, Eq)]
struct Packed {
    /// `a zip archive`.
    what: String,
    /// How to unpack it into the folder, if it can be.
    how: Option<How>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Unzip,
    Tar,
    /// lz4 is not known to tar.
    Lz4Tar,
    SevenZip,
    Unrar,
    /// By a program that writes one file.
    One(&'static str),
}

/// Those of the roots that are zip or tar archives, which can be unpacked, compressed or not; all others must be folders.
///
/// # Errors
/// For the first root that is neither.
pub(crate) fn archives<'a>(
    roots: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<BTreeSet<&'a Path>, CommandError> {
    let mut archives = BTreeSet::new();
    for root in roots.into_iter().filter(|root| !root.is_dir()) {
        match look_into(root) {
            Some(packed) if matches!(packed.how, Some(How::Unzip | How::Tar)) => {
                archives.insert(root.as_path());
            }
            Some(packed) => return Err(packed.refusal(root)),
            None => {
                let message = format!("{} is no folder, and no zip or tar file", root.display());
                return Err(CommandError::new(message).hint(
                    "a log file is proven by the digests of its archive: give the folder that holds both; \
                     `trailseal query` reads single files",
                ));
            }
        }
    }
    Ok(archives)
}

/// How to unpack such a file by hand, and into which folder.
pub(crate) fn by_hand(path: &Path) -> Option<(String, String)> {
    let how = look_into(path)?.how?;
    let folder = folder_for(path);
    Some((how.command(path, &folder), folder))
}

/// The error for a file where a folder is needed, if it is a packed one: it cannot be read in place, since what is proven are
/// files, each with its path.
///
/// # Errors
/// That one.
pub(crate) fn refuse(file: &Path) -> Result<(), CommandError> {
    look_into(file).map_or(Ok(()), |packed| Err(packed.refusal(file)))
}

/// An error of the verification; where there was nothing to verify, with what the roots hold instead.
pub(crate) fn explain(error: Error, options: &Options) -> CommandError {
    let is_empty = matches!(error, Error::NothingToVerify(_));
    let error = CommandError::from(error);
    if is_empty { with_hints(error, options) } else { error }
}

/// The same error with a hint for each packed file in the roots.
pub(crate) fn with_hints(error: CommandError, options: &Options) -> CommandError {
    let mut left = MAX_ENTRIES;
    let mut found = Vec::new();
    for root in &options.roots {
        search(root, MAX_DEPTH, &mut left, &mut found);
    }
    let hints = found.iter().map(|(path, packed)| {
        let outer = options.unpacked.iter().find(|root| path.starts_with(&root.folder));
        let (place, advice) = match outer {
            Some(root) => (
                format!(
                    "{}!{}",
                    root.archive.display(),
                    path.strip_prefix(&root.folder).unwrap_or(path).display()
                ),
                "unpack both, and give the folder in their place".to_owned(),
            ),
            None => (path.display().to_string(), packed.advice(path)),
        };
        format!("{place} is {}, and what lies in it is not read; {advice}", packed.what)
    });
    hints.fold(error, CommandError::hint)
}

/// Packed files below a folder, in the order of their names.
fn search(folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<(PathBuf, Packed)>) {
    let Ok(entries) = folder.read_dir() else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().take(*left).map(|entry| entry.path()).collect();
    *left -= entries.len();
    entries.sort();
    for path in entries {
        let Ok(kind) = path.symlink_metadata() else { continue };
        if kind.is_dir() && depth > 1 {
            search(&path, depth - 1, left, found);
        } else if kind.is_file()
            && found.len() < MAX_NAMED
            && let Some(packed) = look_into(&path).filter(|packed| packed.how.is_some())
        {
            found.push((path, packed));
        }
    }
}

/// What a file is by its content, if it has to be unpacked or is of no use; `None` for texts, gzipped ones (log files)
/// and whatever is no file.
fn look_into(path: &Path) -> Option<Packed> {
    if !path.is_file() {
        return None;
    }
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut head).ok()?;
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let is_tar_by_name = name.contains(".tar")
        || [".tbz", ".tbz2", ".txz", ".tzst", ".tlz4"].iter().any(|end| name.ends_with(end));
    let packed = |what: &str, how| Some(Packed { what: what.to_owned(), how: Some(how) });
    match detect(&head) {
        Detected::Zip => packed("a zip archive", How::Unzip),
        Detected::Tar => packed("a tar archive", How::Tar),
        Detected::Gzip if has_members(path) => packed("a tar archive compressed with gzip", How::Tar),
        Detected::Zstd if has_members(path) || is_tar_by_name => {
            packed("a tar archive compressed with zstd", How::Tar)
        }
        Detected::Zstd => packed("a file compressed with zstd", How::One("zstd -d")),
        Detected::Bzip2 if has_members(path) || is_tar_by_name => {
            packed("a tar archive compressed with bzip2", How::Tar)
        }
        Detected::Xz if has_members(path) || is_tar_by_name => {
            packed("a tar archive compressed with xz", How::Tar)
        }
        // what is inside cannot be seen
        Detected::Unsupported("lz4") if is_tar_by_name => {
            packed("a tar archive compressed with lz4", How::Lz4Tar)
        }
        Detected::Bzip2 => packed("a file compressed with bzip2", How::One("bunzip2 -k")),
        Detected::Xz => packed("a file compressed with xz", How::One("unxz -k")),
        Detected::Unsupported("lz4") => packed("a file compressed with lz4", How::One("lz4 -d")),
        Detected::Unsupported("7z") => packed("a 7z archive", How::SevenZip),
        Detected::Unsupported("rar") => packed("a rar archive", How::Unrar),
        Detected::Unsupported(what) => Some(Packed { what: format!("a file of {what}"), how: None }),
        _ => None,
    }
}

/// Whether an archive is within the compressed file.
fn has_members(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let limits = ContentLimits { max_total: LOOK_BYTES, ..ContentLimits::default() };
    let mut has_members = false;
    let outcome = read_file("", file, &limits, &mut |name, _| {
        has_members = name.parts().len() > 1;
        ControlFlow::Break(())
    });
    has_members
        || outcome.skipped.directories > 0
        || outcome.problems.iter().any(|problem| problem.name.parts().len() > 1)
}

impl Packed {
    fn refusal(&self, path: &Path) -> CommandError {
        CommandError::new(format!("{} is {}, and a folder is needed", path.display(), self.what))
            .hint(self.advice(path))
    }

    /// How to unpack the file, and what then.
    fn advice(&self, path: &Path) -> String {
        let Some(how) = self.how else {
            return "what AWS signed are the files of the bucket, as they were delivered".to_owned();
        };
        let folder = folder_for(path);
        let command = how.command(path, &folder);
        if let How::One(_) = how {
            return format!("unpack it, and see what it holds:\n{command}");
        }
        let folder = shell_word(&folder);
        format!(
            "unpack it, and give the folder in its place:\n{command}\ntrailseal verify {folder} --keys KEYS"
        )
    }
}

impl How {
    /// The command that unpacks a file.
    fn command(self, path: &Path, folder: &str) -> String {
        let file = shell_word(&path.to_string_lossy());
        let folder = shell_word(folder);
        match self {
            Self::Unzip => format!("unzip {file} -d {folder}"),
            Self::Tar => format!("mkdir {folder} && tar -xf {file} -C {folder}"),
            Self::Lz4Tar => format!("mkdir {folder} && lz4 -dc {file} | tar -xf - -C {folder}"),
            Self::SevenZip => format!("7z x {file} -o{folder}"),
            Self::Unrar => format!("mkdir {folder} && unrar x {file} {folder}/"),
            Self::One(program) => format!("{program} {file}"),
        }
    }
}

/// A folder that is not there yet, named after the file, in the working directory.
fn folder_for(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending)).map_or(0, |ending| ending.len());
    let stem = &name[..name.len() - ending];
    let is_free = !stem.is_empty() && !Path::new(stem).exists();
    if is_free { stem.to_owned() } else { format!("{name}-unpacked") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_named_after_files() {
        for (file, folder) in [
            ("x/evidence.tar.gz", "evidence"),
            ("Evidence.ZIP", "Evidence"),
            ("case.7.zip", "case.7"),
            ("evidence", "evidence"),
            (".zip", ".zip-unpacked"),
            // it is there
            ("src.zip", "src.zip-unpacked"),
        ] {
            assert_eq!(folder_for(Path::new(file)), folder, "{file}");
        }
    }

    #[test]
    fn what_a_file_is_is_told_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        for (name, head, how) in [
            ("logs.gz", &b"PK\x03\x04"[..], Some(How::Unzip)),
            ("x.zip", b"7z\xbc\xaf\x27\x1c", Some(How::SevenZip)),
            ("x.bin", b"Rar!\x1a\x07", Some(How::Unrar)),
            ("x.tar.xz", b"\xfd7zXZ\0", Some(How::Tar)),
            ("x.txz", b"\xfd7zXZ\0", Some(How::Tar)),
            ("x.xz", b"\xfd7zXZ\0", Some(How::One("unxz -k"))),
            ("x.tar.lz4", b"\x04\x22\x4d\x18", Some(How::Lz4Tar)),
            ("x.tzst", b"\x28\xb5\x2f\xfd", Some(How::Tar)),
            ("x.zst", b"\x28\xb5\x2f\xfd", Some(How::One("zstd -d"))),
            ("x.zip", b"{\"Records\":[]}", None),
            ("x.gz", b"\x1f\x8b", None),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, head).unwrap();
            assert_eq!(look_into(&path).and_then(|packed| packed.how), how, "{name}");
        }
        assert_eq!(look_into(folder.path()), None);
        let path = folder.path().join("x.parquet");
        std::fs::write(&path, b"PAR1").unwrap();
        assert_eq!(look_into(&path).unwrap(), Packed { what: "a file of Parquet".to_owned(), how: None });
    }
}
