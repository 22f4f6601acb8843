//! `--since-state`: what an earlier run read.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use trailseal_archive::open;
use trailseal_evidence::{
    inputs::file_state,
    scan::{SeenError, SeenFiles, Summary},
};

use crate::{
    error::{Cause, CommandError},
    interrupt::Interrupt,
    out_file::OutFile,
};

/// A state is no larger: one line a file.
const MAX_STATE: u64 = 4 << 30;

/// What the file at `path` says was read; nothing, where there is no such file yet.
///
/// # Errors
/// When it cannot be read, is no state, or is that of another question.
pub(super) fn read(path: &Path, question: &str) -> Result<SeenFiles, CommandError> {
    if !fs::exists(path).unwrap_or(true) {
        return Ok(SeenFiles::new(question));
    }
    if !fs::metadata(path).is_ok_and(|found| found.is_file()) {
        return Err(CommandError::new(format!("--since-state {}: that is no regular file", path.display())));
    }
    let fail = |cause: Cause| CommandError::file("use the state", path, cause);
    let bytes = open::read_stream(path, MAX_STATE).map_err(|error| fail(error.into()))?;
    SeenFiles::parse(&String::from_utf8_lossy(&bytes), question).map_err(|error| {
        let hint = match &error {
            SeenError::Question => "every question has a state of its own: name another file",
            _ => "name another file, or one that does not exist yet",
        };
        fail(error.into()).hint(hint)
    })
}

/// Writes what was read, once the answer is out. What could not be read is read again the next time.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(
    file: OutFile<'_>,
    seen: &SeenFiles,
    summary: &Summary,
    interrupt: &Interrupt,
) -> Result<(), CommandError> {
    if summary.damages > summary.damage.len() as u64 {
        return Err(file.fail("too many files could not be read, so that nothing is taken as read"));
    }
    let unread = summary.damage.iter().filter(|damage| damage.offset.is_none());
    let unread: Vec<PathBuf> = unread.filter_map(|damage| fs::canonicalize(&damage.shown).ok()).collect();
    let text = seen.to_text(unread.iter().map(|path| (path.as_path(), file_state(path))));
    file.write(interrupt, |mut to| Ok(to.write_all(text.as_bytes())?))
}
