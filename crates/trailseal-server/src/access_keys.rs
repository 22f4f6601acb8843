//! The file of access keys that may call.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use crate::{
    identity::{IdentityArn, KeyOwner, is_name},
    wire::is_access_key_id,
};

/// A larger file is refused.
const MAX_FILE: u64 = 1 << 20;
/// More keys are refused.
const MAX_KEYS: usize = 1000;
const MAX_SECRET: usize = 256;
const MAX_TOKEN: usize = 8192;

/// An access key's secret halves, and whose it is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AccessKey {
    secret: String,
    token: Option<String>,
    owner: KeyOwner,
}

impl AccessKey {
    pub(crate) fn new(secret: String, token: Option<String>) -> Self {
        Self { secret, token, owner: KeyOwner::Unnamed }
    }

    pub(crate) fn owner(&self) -> &KeyOwner {
        &self.owner
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
    /// What it holds.
    #[error("the access keys {}: {fault}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        fault: AccessKeyFault,
    },
}

/// What is wrong with the content of a file of access keys. Secrets are never in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccessKeyFault {
    /// A line that is neither of the forms.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// No key in it.
    #[error("there is no key in it")]
    Empty,
}

/// The form of a line.
const FORM: &str = "it is not ACCESS_KEY_ID SECRET [SESSION_TOKEN] [user_name=NAME] [arn=ARN]";

impl AccessKeys {
    /// Reads a file: `ACCESS_KEY_ID SECRET [SESSION_TOKEN] [user_name=NAME] [arn=ARN]` a line, or the credentials
    /// file of the AWS CLI, in which a profile may have `user_name` and `arn` as well. A key without them stands for
    /// a user of its own name.
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
        Self::parse(&text).map_err(|fault| AccessKeyError::Content { path: path.to_owned(), fault })
    }

    /// Parses the content of such a file.
    ///
    /// # Errors
    /// [`AccessKeyFault`].
    pub fn parse(text: &str) -> Result<Self, AccessKeyFault> {
        let mut keys = Self::default();
        let mut section: Option<Section> = None;
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = at + 1;
            let (line, fail) = (line.trim(), |problem| AccessKeyFault::Line { line: number, problem });
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if line.starts_with('[') {
                keys.close(section.replace(Section { line: number, ..Section::default() }))?;
            } else if let Some(section) = &mut section {
                let (name, value) = line.split_once('=').ok_or_else(|| fail("it is not NAME = VALUE"))?;
                section.set(name.trim(), value.trim());
            } else {
                let section = Section::of_line(number, line).ok_or_else(|| fail(FORM))?;
                if section.secret.is_none() {
                    return Err(fail(FORM));
                }
                if section.token.as_deref().is_some_and(is_misspelt_owner) {
                    return Err(fail("only user_name=NAME and arn=ARN say whose a key is"));
                }
                keys.close(Some(section))?;
            }
        }
        keys.close(section)?;
        if keys.keys.is_empty() { Err(AccessKeyFault::Empty) } else { Ok(keys) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none, which no file can say.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The first account of an owner's ARN that is another one than that which the server plays: whoever calls acts
    /// in the server's.
    pub fn foreign_account(&self, account: &str) -> Option<&str> {
        let accounts = self.keys.values().filter_map(|key| match &key.owner {
            KeyOwner::Arn(arn) => Some(arn.account()),
            KeyOwner::Unnamed | KeyOwner::User(_) => None,
        });
        accounts.into_iter().find(|other| *other != account)
    }

    pub(crate) fn find(&self, id: &str) -> Option<&AccessKey> {
        self.keys.get(id)
    }

    fn close(&mut self, section: Option<Section>) -> Result<(), AccessKeyFault> {
        let Some(Section { line, id, secret, token, user_name, arn }) = section else { return Ok(()) };
        let fail = |problem| Err(AccessKeyFault::Line { line, problem });
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
        let owner = match (user_name, arn.as_deref().map(IdentityArn::parse)) {
            (_, Some(None)) => {
                return fail(
                    "arn must be that of a user, of root, of a role's session or of a federated user",
                );
            }
            (Some(name), _) if !is_name(&name) => {
                return fail("user_name has 1 to 128 letters, digits and +=,.@_-");
            }
            (Some(name), Some(Some(arn))) if arn.name() != Some(name.as_str()) => {
                return fail("user_name is not the name at the end of arn");
            }
            (_, Some(Some(arn))) => KeyOwner::Arn(arn),
            (Some(name), None) => KeyOwner::User(name),
            (None, None) => KeyOwner::Unnamed,
        };
        let key = AccessKey { owner, ..AccessKey::new(secret, token) };
        if self.keys.insert(id, key.clone()).is_some_and(|earlier| earlier != key) {
            return fail("the access key id stands twice, with different secrets or owners");
        }
        if self.keys.len() > MAX_KEYS {
            return fail("too many access keys");
        }
        Ok(())
    }
}

/// Whether a word in the place of a token is meant to say whose the key is, as `username=ann`: of Base64 only the end has `=`.
fn is_misspelt_owner(token: &str) -> bool {
    token.split_once('=').is_some_and(|(name, value)| {
        let is_name = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '-';
        name.len() <= 16
            && !name.is_empty()
            && name.chars().all(is_name)
            && !value.trim_matches('=').is_empty()
    })
}

#[derive(Default)]
struct Section {
    line: usize,
    id: Option<String>,
    secret: Option<String>,
    token: Option<String>,
    user_name: Option<String>,
    arn: Option<String>,
}

impl Section {
    /// A line that is an access key by itself; `None` for one that is none.
    fn of_line(line: usize, text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let mut section = Self { line, ..Self::default() };
        section.id = words.next().map(str::to_owned);
        section.secret = words.next().map(str::to_owned);
        for word in words {
            let (slot, value) = match word.split_once('=') {
                Some(("user_name", name)) => (&mut section.user_name, name),
                Some(("arn", arn)) => (&mut section.arn, arn),
                // a token may have `=` in it; it comes first
                _ if section.user_name.is_none() && section.arn.is_none() => (&mut section.token, word),
                _ => return None,
            };
            if slot.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        Some(section)
    }

    fn set(&mut self, name: &str, value: &str) {
        let slot = match name.to_ascii_lowercase().as_str() {
            "aws_access_key_id" => &mut self.id,
            "aws_secret_access_key" => &mut self.secret,
            "aws_session_token" => &mut self.token,
            "user_name" => &mut self.user_name,
            "arn" => &mut self.arn,
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
            AccessKeyFault::Line { line, problem } => (line, problem),
            other @ AccessKeyFault::Empty => panic!("{other}"),
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
    fn a_key_may_have_an_owner() {
        let arn = "arn:aws:iam::111122223333:user/team/ann";
        let lines = AccessKeys::parse(&format!(
            "AKONE s user_name=ann\nAKTWO s tok/en== arn={arn}\nAKTHREE s arn={arn} user_name=ann\nAKFOUR s t\n"
        ))
        .unwrap();
        let profiles = AccessKeys::parse(&format!(
            "[a]\naws_access_key_id=AKONE\naws_secret_access_key=s\nuser_name = ann\n\
             [b]\naws_access_key_id=AKTWO\naws_secret_access_key=s\naws_session_token=tok/en==\nArn={arn}\n\
             [c]\naws_access_key_id=AKTHREE\naws_secret_access_key=s\narn = {arn}\nuser_name=ann\n\
             [d]\naws_access_key_id=AKFOUR\naws_secret_access_key=s\naws_session_token=t\nrole_arn=arn:x\n"
        ))
        .unwrap();
        assert_eq!(lines, profiles);
        assert_eq!(lines.find("AKONE").unwrap().owner(), &KeyOwner::User("ann".to_owned()));
        let owner = KeyOwner::Arn(IdentityArn::parse(arn).unwrap());
        assert_eq!(lines.find("AKTWO").unwrap().owner(), &owner);
        assert_eq!(lines.find("AKTWO").unwrap().token(), Some("tok/en=="));
        assert_eq!(lines.find("AKTHREE").unwrap().owner(), &owner);
        assert_eq!(lines.find("AKFOUR").unwrap().owner(), &KeyOwner::Unnamed);
        assert_eq!(lines.foreign_account("111122223333"), None);
        assert_eq!(lines.foreign_account("444455556666"), Some("111122223333"));
    }

    #[test]
    fn an_owner_that_is_none_is_said() {
        for line in [
            "AKONE s user_name=",
            "AKONE s user_name=a/b",
            "AKONE s arn=",
            "AKONE s arn=arn:aws:iam::111122223333:role/x",
            "AKONE s user_name=bob arn=arn:aws:iam::111122223333:user/ann",
            "AKONE s user_name=bob arn=arn:aws:iam::111122223333:root",
            "AKONE s user_name=a user_name=a",
            "AKONE s user_name=a token",
            "AKONE s username=ann",
            "AKONE s user-name=ann",
            "AKONE s role=arn:aws:iam::111122223333:role/x",
            "AKONE s\nAKONE s user_name=a",
        ] {
            problem(line);
        }
    }

    #[test]
    fn broken_lines_are_said_by_number_without_secrets() {
        assert_eq!(problem("AKONE s\nAKTWO").0, 2);
        assert_eq!(problem("AKONE a b c").0, 1);
        assert_eq!(problem("AK/ONE s").0, 1);
        assert_eq!(problem("AKONE a\nAKONE b").0, 2);
        assert_eq!(problem("[p]\nnonsense").0, 2);
        assert_eq!(problem("\n[p]\naws_access_key_id = AK\n").0, 2);
        assert!(matches!(AccessKeys::parse("# nothing\n"), Err(AccessKeyFault::Empty)));
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
        for text in ["", "AKONE\n"] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let said = AccessKeys::read(&path).unwrap_err().to_string();
            assert!(said.contains(&path.display().to_string()), "{said}");
        }
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
