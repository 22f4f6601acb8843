//! The file of access keys that may call.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::wire::is_access_key_id;

/// A larger file is refused.
const MAX_FILE: u64 = 1 << 20;
/// More keys are refused.
const MAX_KEYS: usize = 1000;
const MAX_SECRET: usize = 256;
const MAX_TOKEN: usize = 8192;

/// An access key's secret halves.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccessKey {
    secret: String,
    token: Option<String>,
}

impl AccessKey {
    pub(crate) fn new(secret: String, token: Option<String>) -> Self {
        Self { secret, token }
    }

    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

/// The access keys that may call, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessKeys {
    keys: BTreeMap<String, AccessKey>,
}

/// Why a file of access keys is not used. Secrets are never in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccessKeyError {
    /// It cannot be read.
    #[error("cannot read the access keys {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("the access keys {} can be read by others (mode {mode:03o}); chmod 600 it", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A line that is neither of the forms.
    #[error("line {line} of the access keys: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// No key in it.
    #[error("the file of access keys holds none")]
    Empty,
}

impl AccessKeys {
    /// Reads a file: `ACCESS_KEY_ID SECRET [SESSION_TOKEN]` a line, or the credentials file of the AWS CLI.
    ///
    /// # Errors
    /// [`AccessKeyError`]; on Unix also for a file that others than its owner may read.
    pub fn read(path: &Path) -> Result<Self, AccessKeyError> {
        let fail = |source| AccessKeyError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(fail(io::Error::other("it is not a regular file")));
        }
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
            if mode & 0o077 != 0 {
                return Err(AccessKeyError::Exposed { path: path.to_owned(), mode });
            }
        }
        let mut text = String::new();
        file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(fail)?;
        if text.len() as u64 > MAX_FILE {
            return Err(fail(io::Error::other("it is too large for access keys")));
        }
        Self::parse(&text)
    }

    /// Parses the content of such a file.
    ///
    /// # Errors
    /// [`AccessKeyError::Line`], [`AccessKeyError::Empty`].
    pub fn parse(text: &str) -> Result<Self, AccessKeyError> {
        let mut keys = Self::default();
        let mut section: Option<Section> = None;
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = at + 1;
            let (line, fail) = (line.trim(), |problem| AccessKeyError::Line { line: number, problem });
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with('[') {
                keys.close(section.replace(Section { line: number, ..Section::default() }))?;
            } else if let Some(section) = &mut section {
                let (name, value) = line.split_once('=').ok_or_else(|| fail("it is not NAME = VALUE"))?;
                section.set(name.trim(), value.trim());
            } else {
                let mut parts = line.split_ascii_whitespace().map(str::to_owned);
                let (id, secret, token) = (parts.next(), parts.next(), parts.next());
                if parts.next().is_some() {
                    return Err(fail("it is not ACCESS_KEY_ID SECRET [SESSION_TOKEN]"));
                }
                keys.close(Some(Section { line: number, id, secret, token }))?;
            }
        }
        keys.close(section)?;
        if keys.keys.is_empty() { Err(AccessKeyError::Empty) } else { Ok(keys) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none, which no file can say.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn find(&self, id: &str) -> Option<&AccessKey> {
        self.keys.get(id)
    }

    fn close(&mut self, section: Option<Section>) -> Result<(), AccessKeyError> {
        let Some(Section { line, id, secret, token }) = section else { return Ok(()) };
        let fail = |problem| Err(AccessKeyError::Line { line, problem });
        let (id, secret) = match (id, secret) {
            (Some(id), Some(secret)) => (id, secret),
            // a profile that assumes a role or uses SSO
            (None, None) => return Ok(()),
            _ => return fail("an access key needs an id and a secret"),
        };
        if !is_access_key_id(&id) {
            return fail("an access key id has 1 to 128 letters and digits");
        }
        if secret.is_empty()
            || secret.len() > MAX_SECRET
            || token.as_ref().is_some_and(|t| t.len() > MAX_TOKEN)
        {
            return fail("the secret or token is empty or too long");
        }
        let key = AccessKey::new(secret, token);
        if self.keys.insert(id, key.clone()).is_some_and(|earlier| earlier != key) {
            return fail("the access key id stands twice, with different secrets");
        }
        if self.keys.len() > MAX_KEYS {
            return fail("too many access keys");
        }
        Ok(())
    }
}

#[derive(Default)]
struct Section {
    line: usize,
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
}

impl Section {
    fn set(&mut self, name: &str, value: &str) {
        let slot = match name.to_ascii_lowercase().as_str() {
            "aws_access_key_id" => &mut self.id,
            "aws_secret_access_key" => &mut self.secret,
            "aws_session_token" => &mut self.token,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> (usize, &'static str) {
        match AccessKeys::parse(text).unwrap_err() {
            AccessKeyError::Line { line, problem } => (line, problem),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn lines_and_profiles_are_read() {
        let lines = AccessKeys::parse("# us\nAKONE  secret1\r\n\nAKTWO secret2 token2\n").unwrap();
        let profiles = AccessKeys::parse(
            "[default]\naws_access_key_id = AKONE\naws_secret_access_key=secret1\nregion = eu-west-1\n\
             [sso]\nsso_session = x\n[two]\naws_access_key_id=AKTWO\naws_secret_access_key = secret2\n\
             aws_session_token = token2\n",
        )
        .unwrap();
        assert_eq!(lines, profiles);
        assert_eq!(lines.find("AKTWO").unwrap().token(), Some("token2"));
        assert_eq!(lines.find("AKONE").unwrap().secret(), "secret1");
        assert!(lines.find("AKTHREE").is_none());
    }

    #[test]
    fn broken_lines_are_said_by_number_without_secrets() {
        assert_eq!(problem("AKONE s\nAKTWO").0, 2);
        assert_eq!(problem("AKONE a b c").0, 1);
        assert_eq!(problem("AK/ONE s").0, 1);
        assert_eq!(problem("AKONE a\nAKONE b").0, 2);
        assert_eq!(problem("[p]\nnonsense").0, 2);
        assert_eq!(problem("\n[p]\naws_access_key_id = AK\n").0, 2);
        assert!(matches!(AccessKeys::parse("# nothing\n"), Err(AccessKeyError::Empty)));
        let many: Vec<String> = (0..=MAX_KEYS).map(|n| format!("AK{n} s")).collect();
        let many = many.join("\n");
        assert_eq!(problem(&many).1, "too many access keys");
    }

    #[test]
    fn secrets_are_not_in_debug_output() {
        let keys = AccessKeys::parse("AKONE hunter2 hunter3").unwrap();
        assert!(!format!("{keys:?}").contains("hunter"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        std::fs::write(&path, "AKONE secret\n").unwrap();
        for (mode, is_fine) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false)]
        {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(AccessKeys::read(&path).is_ok(), is_fine, "{mode:o}");
        }
        assert!(AccessKeys::read(folder.path()).is_err());
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let file = File::create(&path).unwrap();
        file.set_len(MAX_FILE + 1).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(AccessKeys::read(&path), Err(AccessKeyError::Read { .. })));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\[?[a-z_A-Z =\\]#;]{0,20}\n){0,8}") {
            let _ = AccessKeys::parse(&text);
        }
    }
}
