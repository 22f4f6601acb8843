//! What ROOT stands for.

use std::{
    fs, io,
    os::unix::fs::FileTypeExt as _,
    path::{Path, PathBuf},
};

use trailseal_archive::pattern::{self, PatternError, is_pattern};

use crate::error::CommandError;

/// Where events are read from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Input {
    /// Folders, files, patterns in quotes ('logs/**/*.json.gz'), or `-` for standard input
    ///
    /// Without one, standard input, where that is a pipe or a file.
    #[arg(value_name = "ROOT")]
    pub(crate) roots: Vec<PathBuf>,

    /// The same as ROOT, for a folder (repeatable)
    #[arg(short = 'd', long = "directory", value_name = "DIR", help_heading = "Input")]
    pub(crate) directories: Vec<PathBuf>,

    /// The same as ROOT, for a file (repeatable)
    #[arg(short = 'f', long = "file", value_name = "FILE", help_heading = "Input")]
    pub(crate) files: Vec<PathBuf>,
}

impl Input {
    /// These alone.
    pub(crate) fn of(roots: &[PathBuf]) -> Self {
        Self { roots: roots.to_vec(), directories: Vec::new(), files: Vec::new() }
    }
}

/// The folders and files to read, patterns expanded.
///
/// # Errors
/// When one is not there, or a pattern stands for nothing.
pub(crate) fn expand(input: &Input) -> Result<Vec<PathBuf>, CommandError> {
    let mut expanded = Vec::new();
    for root in &input.roots {
        if root == Path::new("-") || fs::symlink_metadata(root).is_ok() {
            expanded.push(root.clone());
        } else if is_pattern(root) {
            expanded.extend(matching(root)?);
        } else {
            return Err(missing(root, "no such file or folder"));
        }
    }
    for folder in &input.directories {
        if !folder.is_dir() {
            return Err(missing(folder, "no such folder"));
        }
        expanded.push(folder.clone());
    }
    for file in &input.files {
        if file != Path::new("-") && (!file.exists() || file.is_dir()) {
            return Err(missing(file, "no such file"));
        }
        expanded.push(file.clone());
    }
    if expanded.is_empty() {
        if !is_stdin_given() {
            return Err(CommandError::new("no ROOT is given: a folder or file to read")
                .hint("a pipe or file as standard input is read without one"));
        }
        expanded.push(PathBuf::from("-"));
    }
    let stdin = expanded.iter().filter(|path| *path == Path::new("-")).count();
    if stdin > 1 {
        return Err(CommandError::new("standard input (-) can be read only once"));
    }
    Ok(expanded)
}

/// Whether standard input is a pipe, socket or file, and neither a terminal nor /dev/null.
fn is_stdin_given() -> bool {
    fs::metadata("/dev/stdin").is_ok_and(|found| {
        let kind = found.file_type();
        kind.is_fifo() || kind.is_file() || kind.is_socket()
    })
}

/// The error where what was given holds no file at all, of whatever kind.
pub(crate) fn no_file(roots: &[PathBuf]) -> CommandError {
    let given: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
    CommandError::new(format!("nothing to search: there is no file in {}", given.join(", ")))
}

/// Says of what is not there that it is not, in the same words everywhere.
///
/// # Errors
/// For the first path at which nothing is.
pub(crate) fn must_exist<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), CommandError> {
    let absent = paths
        .into_iter()
        .find(|path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound));
    absent.map_or(Ok(()), |path| Err(missing(path, "no such file or folder")))
}

fn missing(path: &Path, why: &str) -> CommandError {
    let error = CommandError::file("read", path, why);
    let follows = |option: &str| {
        let mut words = std::env::args_os().zip(std::env::args_os().skip(1));
        words.any(|(before, after)| before == option && after == path.as_os_str())
    };
    if let Some(url) = path.to_str().filter(|text| text.starts_with("s3:")) {
        // a shell or a path may have lost a slash
        let bucket = match url.trim_start_matches("s3:").trim_matches('/') {
            "" => "my-bucket",
            bucket => bucket,
        };
        return error
            .hint("no bucket is read over the network; copy it first, and give the copy:")
            .hint(format!("aws s3 sync s3://{bucket}/ archive/{bucket}/"));
    }
    let word = path.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match word {
        _ if follows("--error") => {
            error.hint(format!("a code stands behind an equals sign: --error={}", path.display()))
        }
        _ if follows("--watch") => {
            error.hint(format!("a span stands behind an equals sign: --watch={}", path.display()))
        }
        Some(word) if word.len() > 3 && word.starts_with(|c: char| c.is_ascii_uppercase()) => error.hint(
            format!("`trailseal query ROOT --keyword {word}` finds events in which this stands, --event-name {word} those of this name"),
        ),
        _ => error,
    }
}

/// What a pattern stands for.
fn matching(pattern: &Path) -> Result<Vec<PathBuf>, CommandError> {
    pattern::expand(pattern).map_err(|error| {
        let hint = match error {
            PatternError::Unseen { .. } => {
                Some("name the folder instead: what cannot be seen is then told, and the rest is read")
            }
            PatternError::Nothing => Some("* and ? do not stand for /; ** does: 'logs/**/*.json.gz'"),
            _ => None,
        };
        let error = CommandError::file("read the pattern", pattern, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_what_is_there_what_is_like_them_or_refused() {
        let base = tempfile::tempdir().unwrap();
        for name in ["a.json", "[1].json"] {
            fs::write(base.path().join(name), "").unwrap();
        }
        let expanded = |root: &str| expand(&Input::of(&[base.path().join(root)]));
        assert_eq!(expanded("*.json").unwrap().len(), 2);
        assert_eq!(expanded("[1].json").unwrap().len(), 1, "what is there is meant as it is written");
        assert!(expanded("none").is_err() && expanded("none*").is_err());
        assert!(expand(&Input::of(&["-".into(), "-".into()])).is_err());
    }
}
