//! A file that a command writes: whole or not there at all, and never among the evidence. Pipes and devices are written as
//! they are.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use clap::ValueEnum;

use crate::{
    error::{Cause, CommandError},
    interrupt::Interrupt,
    packing::Packing,
};

/// A place where a file may be written.
#[derive(Debug)]
pub(crate) struct OutFile<'a> {
    /// What it is called in messages: `the report`.
    what: &'static str,
    path: &'a Path,
    may_replace: bool,
    /// Whether it is a pipe or device, which is written in place.
    is_stream: bool,
}

/// Whether a path stands for standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// The format that the name of a file stands for, by its ending (and .gz or .zst behind that). A pipe or device, and a name
/// without an ending, say nothing: `otherwise`.
///
/// # Errors
/// For an ending that stands for nothing that is written, and for a format in place of a name.
pub(crate) fn format_of_name<F: ValueEnum>(
    path: &Path,
    endings: &[(&str, F)],
    otherwise: F,
) -> Result<F, CommandError> {
    let (_, name) = Packing::of(path);
    let ending = name.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let refused = |why: &str| CommandError::new(format!("--output {}: {why}", path.display()));
    let Some(ending) = ending.filter(|_| !path.starts_with("/dev")) else {
        let written = path.to_str().unwrap_or_default();
        return match F::from_str(written, true) {
            Ok(_) => Err(refused("that is a format, and the name of a file is needed")
                .hint(format!("-t {written} chooses the format; -o ./{written} writes a file of this name"))),
            Err(_) => Ok(otherwise),
        };
    };
    if let Some((_, format)) = endings.iter().find(|(known, _)| *known == ending) {
        return Ok(format.clone());
    }
    let known: Vec<String> = endings.iter().map(|(known, _)| format!(".{known}")).collect();
    let error = refused(&format!(
        "the endings are {}, also with .gz or .zst behind them; -t chooses a format for any name",
        known.join(", ")
    ));
    Err(match ending.as_str() {
        "xlsx" | "xls" | "ods" => {
            error.hint("`trailseal query --for excel -o x.csv` writes what a spreadsheet reads")
        }
        _ => error,
    })
}

impl<'a> OutFile<'a> {
    /// Looks, before the work begins, whether a file can be written to `path`. `otherwise` says what to do when
    /// one is there that may not be replaced.
    ///
    /// # Errors
    /// When it lies below one of the folders, exists and may not be replaced, or has no folder.
    pub(crate) fn check(
        what: &'static str,
        path: &'a Path,
        folders: &mut dyn Iterator<Item = &PathBuf>,
        may_replace: bool,
        otherwise: &str,
    ) -> Result<Self, CommandError> {
        let this = Self { what, path, may_replace, is_stream: is_stream(path) };
        if is_stdout(path) {
            return Err(this
                .fail("standard output has something else on it")
                .hint("--format json writes the report there; a file of this name is ./-"));
        }
        if this.is_stream {
            return Ok(this);
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let real = fs::canonicalize(folder).map_err(|error| this.fail(error))?;
        for root in folders {
            if fs::canonicalize(root).is_ok_and(|root| real.starts_with(&root) || is_same(path, &root)) {
                let why =
                    format!("it lies below the archive {}, and evidence is never written to", root.display());
                return Err(this.fail(why).hint("choose a place outside the archive"));
            }
        }
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() => Err(this.fail("it is a folder").hint("name a file in it")),
            Ok(found) if !found.is_file() => {
                Err(this.fail("something that is not a regular file, a pipe or a device is there"))
            }
            Ok(_) if !may_replace => Err(this.fail("it is there already").hint(otherwise)),
            _ if path.file_name().is_none() => Err(this.fail("it has no file name")),
            _ => Ok(this),
        }
    }

    /// Lets `write` write beside the file's place first, and then moves it there; into a pipe or device at once.
    ///
    /// # Errors
    /// Those of `write`, and when the file cannot be made; then nothing is left of it.
    pub(crate) fn write<T>(
        self,
        interrupt: &Interrupt,
        write: impl FnOnce(fs::File) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        if self.is_stream {
            let stream = fs::File::options().append(true).open(self.path);
            return write(stream.map_err(|error| self.fail(error))?);
        }
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = self.path.with_file_name(name);
        let result = interrupt.guard(&unfinished, || {
            let file = fs::File::create_new(&unfinished).map_err(|error| self.fail(error))?;
            let result = write(file)?;
            self.put(&unfinished).map_err(|error| self.fail(error))?;
            Ok(result)
        });
        result.inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
        })
    }

    /// The error for a file that cannot be written.
    pub(crate) fn fail(&self, cause: impl Into<Cause>) -> CommandError {
        CommandError::file(&format!("write {} to", self.what), self.path, cause)
    }

    fn put(&self, unfinished: &Path) -> io::Result<()> {
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

/// Whether a path leads to a pipe or a device for characters (`/dev/null`), or to an open descriptor of this process, as
/// the shell's `>(…)`.
fn is_stream(path: &Path) -> bool {
    let is_descriptor =
        ["/dev/fd", "/proc/self/fd"].iter().any(|folder| path.parent() == Some(Path::new(folder)));
    let is_special =
        |kind: fs::FileType| kind.is_fifo() || kind.is_char_device() || is_descriptor && kind.is_file();
    path == Path::new("/dev/stderr") || fs::metadata(path).is_ok_and(|found| is_special(found.file_type()))
}

/// Whether a path leads to a file that is itself read.
fn is_same(path: &Path, real: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|path| path == real)
}
