//! What ROOT stands for: patterns are expanded here, never beyond the folder that they name.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

use crate::error::CommandError;

/// A pattern that reaches deeper than this into folders ends there; no archive does.
const MAX_DEPTH: usize = 64;

/// Where events are read from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Input {
    /// Folders, files, patterns in quotes ('logs/**/*.json.gz'), or `-` for standard input
    #[arg(value_name = "ROOT", required_unless_present_any = ["directories", "files"])]
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
            expanded.extend(glob(root)?);
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
    let stdin = expanded.iter().filter(|path| *path == Path::new("-")).count();
    if stdin > 1 {
        return Err(CommandError::new("standard input (-) can be read only once"));
    }
    Ok(expanded)
}

fn missing(path: &Path, why: &str) -> CommandError {
    let error = CommandError::file("read", path, &why);
    let follows_error = std::env::args_os()
        .zip(std::env::args_os().skip(1))
        .any(|(before, after)| before == "--error" && after == path.as_os_str());
    let word = path.to_str().filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    match word {
        _ if follows_error => {
            error.hint(format!("a code stands behind an equals sign: --error={}", path.display()))
        }
        Some(word) if word.len() > 3 && word.starts_with(|c: char| c.is_ascii_uppercase()) => error.hint(
            format!("`trailseal query ROOT --keyword {word}` finds events in which this stands, --event-name {word} those of this name"),
        ),
        _ => error,
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '[', '{']))
}

/// The files and folders that a pattern stands for, in order; of what lies below a folder that it stands for,
/// nothing twice.
fn glob(pattern: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let fail = |why: &dyn std::fmt::Display| CommandError::file("read the pattern", pattern, why);
    let (base, rest) = split(pattern);
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(fail(&"a .. may only stand before the first *, ?, [ or {"));
    }
    let text = rest.to_str().ok_or_else(|| fail(&"it is not UTF-8"))?;
    let matcher = GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| fail(&error.kind()))?
        .compile_matcher();
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    walk(&base, Path::new(""), &matcher, 0, &mut Expansion { found: &mut found, unseen: &mut unseen });
    // what could not be seen must not look like nothing
    if let Some((folder, error)) = unseen.first() {
        return Err(fail(&format!("{}: {error}", folder.display()))
            .hint("name the folder instead: what cannot be seen is then told, and the rest is read"));
    }
    if found.is_empty() {
        return Err(
            fail(&"nothing is like it").hint("* and ? do not stand for /; ** does: 'logs/**/*.json.gz'")
        );
    }
    found.sort();
    Ok(found)
}

/// The folder before the first component that is a pattern, and the rest.
fn split(pattern: &Path) -> (PathBuf, PathBuf) {
    let is_literal = |part: &Component<'_>| !is_pattern(Path::new(part.as_os_str()));
    let base: PathBuf = pattern.components().take_while(is_literal).collect();
    let rest = pattern.components().skip_while(is_literal).collect();
    (base, rest)
}

/// What a pattern came to.
struct Expansion<'a> {
    found: &'a mut Vec<PathBuf>,
    /// Folders that cannot be read.
    unseen: &'a mut Vec<(PathBuf, std::io::Error)>,
}

/// Links to folders are not descended into, and links that lead out of the base are not taken.
fn walk(base: &Path, below: &Path, matcher: &GlobMatcher, depth: usize, to: &mut Expansion<'_>) {
    let folder =
        if base == Path::new("") && below == Path::new("") { PathBuf::from(".") } else { base.join(below) };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        // a base that is not there stands for nothing
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return to.unseen.push((folder, error)),
    };
    for entry in entries.filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = below.join(entry.file_name());
        // a pipe would be waited for; who means one names it
        let is_readable = kind.is_file() || kind.is_dir() || kind.is_symlink();
        if is_readable && matcher.is_match(&path) {
            let found = base.join(&path);
            if kind.is_symlink() && !leads_below(&found, base) {
                let why = "a symbolic link that leads nowhere or out of the folder that the pattern names";
                to.unseen.push((found, std::io::Error::other(why)));
            } else {
                to.found.push(found);
            }
        } else if kind.is_dir() && depth < MAX_DEPTH {
            walk(base, &path, matcher, depth + 1, to);
        }
    }
}

fn leads_below(link: &Path, base: &Path) -> bool {
    let base = if base == Path::new("") { Path::new(".") } else { base };
    let (link, base) = (fs::canonicalize(link), fs::canonicalize(base));
    link.is_ok_and(|link| base.is_ok_and(|base| link.starts_with(base)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(roots: &[PathBuf]) -> Input {
        Input::of(roots)
    }

    #[test]
    fn patterns_stand_for_what_lies_below_their_base() {
        let base = tempfile::tempdir().unwrap();
        let path = |text: &str| base.path().join(text);
        for file in ["a/x.json", "a/b/y.json", "a/b/y.txt", "c/z.json"] {
            fs::create_dir_all(path(file).parent().unwrap()).unwrap();
            fs::write(path(file), "").unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = expand(&input(&[path(pattern)])).unwrap();
            found.iter().map(|p| p.strip_prefix(base.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(found("a/**/*.json"), ["a/b/y.json", "a/x.json"]);
        assert_eq!(found("*/x.json"), ["a/x.json"]);
        assert_eq!(found("{a,c}"), ["a", "c"]);
        assert_eq!(found("a/b/y.tx?"), ["a/b/y.txt"]);
        assert!(expand(&input(&[path("*/*.gz")])).is_err());
        assert!(expand(&input(&[path("a*/../c/*")])).is_err());
        assert!(expand(&input(&[path("[")])).is_err());
        assert!(expand(&input(&[path("none")])).is_err());
        assert!(expand(&input(&["-".into(), "-".into()])).is_err());
        fs::write(path("[1].json"), "").unwrap();
        assert_eq!(found("[1].json"), ["[1].json"], "what is there is meant as it is written");
    }

    #[test]
    #[cfg(unix)]
    fn links_do_not_lead_out_of_the_base() {
        let base = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.json"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), base.path().join("link")).unwrap();
        assert!(expand(&input(&[base.path().join("**/*.json")])).is_err());
        assert!(expand(&input(&[base.path().join("*/secret.json")])).is_err());
        let link = outside.path().join("secret.json");
        std::os::unix::fs::symlink(link, base.path().join("out.json")).unwrap();
        fs::write(base.path().join("a.json"), "").unwrap();
        let error = expand(&input(&[base.path().join("*.json")])).unwrap_err();
        assert!(error.message.contains("out.json: a symbolic link"), "{}", error.message);
        fs::remove_file(base.path().join("out.json")).unwrap();
        std::os::unix::fs::symlink("a.json", base.path().join("b.json")).unwrap();
        assert_eq!(expand(&input(&[base.path().join("*.json")])).unwrap().len(), 2);
    }
}
