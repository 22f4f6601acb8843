//! Patterns that stand for files and folders, never beyond the folder that they name.

use std::{
    fs, io,
    path::{Component, Path, PathBuf},
};

use globset::{GlobBuilder, GlobMatcher};

/// A pattern that reaches deeper than this into folders ends there; no archive does.
const MAX_DEPTH: usize = 64;

/// Why a pattern stands for nothing that can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// `..` behind the first wildcard.
    #[error("a .. may only stand before the first *, ?, [ or {{")]
    ParentFolder,
    /// The part with wildcards is not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// A pattern that is none.
    #[error("{}", .0.kind())]
    Syntax(#[source] globset::Error),
    /// Something that may be meant cannot be seen: it must not look like nothing.
    #[error("{}: {error}", path.display())]
    Unseen {
        /// A folder that cannot be read, or a link that is not followed.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// Nothing has such a name.
    #[error("nothing is like it")]
    Nothing,
}

/// Whether a path has wildcards.
pub fn is_pattern(path: &Path) -> bool {
    path.to_str().is_some_and(|text| text.contains(['*', '?', '[', '{']))
}

/// The files and folders that a pattern stands for, in order; of what lies below a folder that it stands for,
/// nothing twice.
///
/// `*` and `?` do not stand for `/`; `**` does. Links to folders are not descended into, and links that lead out of the
/// folder before the first wildcard are not taken.
///
/// # Errors
/// [`PatternError`].
pub fn expand(pattern: &Path) -> Result<Vec<PathBuf>, PatternError> {
    let (base, rest) = split(pattern);
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(PatternError::ParentFolder);
    }
    let text = rest.to_str().ok_or(PatternError::NotUtf8)?;
    let matcher = GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(PatternError::Syntax)?
        .compile_matcher();
    let (mut found, mut unseen) = (Vec::new(), Vec::new());
    walk(&base, Path::new(""), &matcher, 0, &mut Expansion { found: &mut found, unseen: &mut unseen });
    if let Some((path, error)) = unseen.into_iter().next() {
        return Err(PatternError::Unseen { path, error });
    }
    if found.is_empty() {
        return Err(PatternError::Nothing);
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
    unseen: &'a mut Vec<(PathBuf, io::Error)>,
}

/// Links to folders are not descended into, and links that lead out of the base are not taken.
fn walk(base: &Path, below: &Path, matcher: &GlobMatcher, depth: usize, to: &mut Expansion<'_>) {
    let folder =
        if base == Path::new("") && below == Path::new("") { PathBuf::from(".") } else { base.join(below) };
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        // a base that is not there stands for nothing
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
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
                to.unseen.push((found, io::Error::other(why)));
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

    #[test]
    fn patterns_stand_for_what_lies_below_their_base() {
        let base = tempfile::tempdir().unwrap();
        let path = |text: &str| base.path().join(text);
        for file in ["a/x.json", "a/b/y.json", "a/b/y.txt", "c/z.json"] {
            fs::create_dir_all(path(file).parent().unwrap()).unwrap();
            fs::write(path(file), "").unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = expand(&path(pattern)).unwrap();
            found.iter().map(|p| p.strip_prefix(base.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(found("a/**/*.json"), ["a/b/y.json", "a/x.json"]);
        assert_eq!(found("*/x.json"), ["a/x.json"]);
        assert_eq!(found("{a,c}"), ["a", "c"]);
        assert_eq!(found("a/b/y.tx?"), ["a/b/y.txt"]);
        assert!(expand(&path("*/*.gz")).is_err());
        assert!(expand(&path("a*/../c/*")).is_err());
        assert!(expand(&path("[")).is_err());
        assert!(expand(&path("none")).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn links_do_not_lead_out_of_the_base() {
        let base = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.json"), "").unwrap();
        std::os::unix::fs::symlink(outside.path(), base.path().join("link")).unwrap();
        assert!(expand(&base.path().join("**/*.json")).is_err());
        assert!(expand(&base.path().join("*/secret.json")).is_err());
        let link = outside.path().join("secret.json");
        std::os::unix::fs::symlink(link, base.path().join("out.json")).unwrap();
        fs::write(base.path().join("a.json"), "").unwrap();
        let error = expand(&base.path().join("*.json")).unwrap_err();
        assert!(error.to_string().contains("out.json: a symbolic link"), "{error}");
        fs::remove_file(base.path().join("out.json")).unwrap();
        std::os::unix::fs::symlink("a.json", base.path().join("b.json")).unwrap();
        assert_eq!(expand(&base.path().join("*.json")).unwrap().len(), 2);
    }
}
