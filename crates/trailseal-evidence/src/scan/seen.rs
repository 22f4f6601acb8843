//! Files that an earlier run read, so that a question is asked of what came since.

use std::{
    collections::HashSet,
    fmt::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use trailseal_sha256::Hasher;

use crate::{inputs::FileState, paths::text_of};

/// The first word of the text.
const SCHEMA: &str = "trailseal.seen/1";

/// Bytes of a file's mark: enough that no two files of an archive share one.
const MARK: usize = 16;

type Mark = [u8; MARK];

/// Which files were read, by their own absolute path, length and time of change. A file that changed is another one.
#[derive(Debug, Default)]
pub struct SeenFiles {
    question: String,
    before: HashSet<Mark>,
    now: Mutex<HashSet<Mark>>,
}

/// Why a text tells of no files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeenError {
    /// It is no text of [`SeenFiles::to_text`].
    #[error("line {line} is none of a state that `trailseal query --since-state` wrote")]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// Its files were asked something else: what they hold was not looked for.
    #[error("it was written for another question")]
    Question,
}

impl SeenFiles {
    /// None yet, for a question: a text of one line that is another one where other events are asked for.
    pub fn new(question: &str) -> Self {
        Self { question: hex::encode(mark(question, None)), ..Self::default() }
    }

    /// Reads what [`SeenFiles::to_text`] wrote.
    ///
    /// # Errors
    /// [`SeenError`].
    pub fn parse(text: &str, question: &str) -> Result<Self, SeenError> {
        let mut seen = Self::new(question);
        let mut lines = text.lines();
        let (schema, asked) = lines.next().and_then(|first| first.split_once(' ')).unwrap_or_default();
        if schema != SCHEMA {
            return Err(SeenError::Form { line: 1 });
        }
        if asked != seen.question {
            return Err(SeenError::Question);
        }
        for (at, line) in lines.enumerate() {
            let mut found: Mark = [0; MARK];
            hex::decode_to_slice(line, &mut found).map_err(|_| SeenError::Form { line: at + 2 })?;
            seen.before.insert(found);
        }
        Ok(seen)
    }

    /// The files that this run found, whether it read them or an earlier one, but for those that could not be read: `unread`.
    /// What is no more there is not among them.
    pub fn to_text<'a>(&self, unread: impl Iterator<Item = (&'a Path, FileState)>) -> String {
        let unread: HashSet<Mark> = unread.map(|(path, state)| mark(&text_of(path), state)).collect();
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let mut marks: Vec<&Mark> = now.iter().filter(|found| !unread.contains(*found)).collect();
        marks.sort_unstable();
        let mut text = format!("{SCHEMA} {}\n", self.question);
        for found in marks {
            let _ = writeln!(text, "{}", hex::encode(found));
        }
        text
    }

    /// Whether a file is to be read; it is remembered. What has no state always is.
    pub(crate) fn is_new(&self, path: &Path, state: FileState) -> bool {
        if state.is_none() {
            return true;
        }
        let found = mark(&text_of(path), state);
        self.now.lock().unwrap_or_else(PoisonError::into_inner).insert(found);
        !self.before.contains(&found)
    }
}

/// The mark of a file, or of a text.
fn mark(text: &str, state: FileState) -> Mark {
    let mut hasher = Hasher::new();
    hasher.update(text.as_bytes());
    if let Some((length, changed)) = state {
        hasher.update(&[0]);
        hasher.update(&length.to_le_bytes());
        hasher.update(&changed.to_le_bytes());
    }
    let mut found = [0; MARK];
    found.copy_from_slice(&hasher.finalize()[..MARK]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_and_again_when_it_changed() {
        let (a, b) = (Path::new("/x/a.json.gz"), Path::new("/x/b.json.gz"));
        let first = SeenFiles::new("q");
        assert!(first.is_new(a, Some((1, 2))) && first.is_new(b, Some((1, 2))));
        let text = first.to_text(std::iter::once((b, Some((1, 2)))));
        let second = SeenFiles::parse(&text, "q").unwrap();
        assert!(!second.is_new(a, Some((1, 2))), "it was read");
        assert!(second.is_new(b, Some((1, 2))), "it could not be read");
        assert!(second.is_new(a, Some((1, 3))) && second.is_new(a, Some((2, 2))), "it changed");
        assert!(second.is_new(a, None), "nobody knows whether it did");
        let third = SeenFiles::parse(&SeenFiles::new("q").to_text(std::iter::empty()), "q").unwrap();
        assert!(third.is_new(a, Some((1, 2))), "what was not there any more is new when it comes again");
    }

    #[test]
    fn what_is_no_state_of_this_question_is_refused() {
        let text = SeenFiles::new("q").to_text(std::iter::empty());
        assert_eq!(SeenFiles::parse(&text, "p").unwrap_err(), SeenError::Question);
        for (text, line) in [("", 1), ("trailseal.seen/2 x", 1), (&*format!("{text}zz\n"), 2)] {
            assert_eq!(SeenFiles::parse(text, "q").unwrap_err(), SeenError::Form { line });
        }
    }
}
