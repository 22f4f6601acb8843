//! Who calls: what an access key stands for, as `sts:GetCallerIdentity` and the events of calls tell it
//! (docs/spec/wire-protocol.md 1.7).
//!
//! The server has no users of its own. A file of access keys may name a key's owner; a key without one stands for a
//! user that is named like it, so that the same key is the same user in every event, before and after a restart.

use std::fmt;

use ring::digest::{SHA256, digest};
use serde::Serialize;
use trailseal_archive::key::is_account_id;
use trailseal_trails::partition;

/// The name of whoever calls without an access key.
const ANONYMOUS: &str = "anonymous";
/// As IAM has it for users is 64; an access key id, which may stand for one, has up to 128.
const MAX_NAME: usize = 128;

/// Whose an access key is, by the words of whoever runs the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeyOwner {
    /// Nothing is said.
    #[default]
    Unnamed,
    /// A user of the account that the server plays.
    User(String),
    /// A user, root, a session of a role or a federated user.
    Arn(IdentityArn),
}

/// The ARN of somebody who can call, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityArn {
    partition: String,
    account: String,
    kind: IdentityKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum IdentityKind {
    Root,
    /// The path with the name behind it.
    User {
        path: String,
    },
    RoleSession {
        role: String,
        session: String,
    },
    Federated {
        name: String,
    },
}

impl IdentityArn {
    /// Reads the ARN of a user, of root, of a role's session, or of a federated user.
    pub(crate) fn parse(arn: &str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else { return None };
        let is_partition = partition.strip_prefix("aws").is_some_and(|rest| {
            rest.is_empty()
                || rest.starts_with('-') && rest.bytes().all(|c| c.is_ascii_lowercase() || c == b'-')
        });
        if !is_partition || !is_account_id(account) {
            return None;
        }
        let kind = match (service, resource.split_once('/')) {
            ("iam", None) if resource == "root" => IdentityKind::Root,
            ("iam", Some(("user", path))) if path.split('/').all(is_name) => {
                IdentityKind::User { path: path.to_owned() }
            }
            ("sts", Some(("assumed-role", path))) => {
                let (role, session) =
                    path.split_once('/').filter(|(role, session)| is_name(role) && is_name(session))?;
                IdentityKind::RoleSession { role: role.to_owned(), session: session.to_owned() }
            }
            ("sts", Some(("federated-user", name))) if is_name(name) => {
                IdentityKind::Federated { name: name.to_owned() }
            }
            _ => return None,
        };
        Some(Self { partition: partition.to_owned(), account: account.to_owned(), kind })
    }

    /// The last part: of a user its name, of a role's session the session's. Root has none.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.kind {
            IdentityKind::Root => None,
            IdentityKind::User { path } => path.rsplit('/').next(),
            IdentityKind::RoleSession { session: name, .. } | IdentityKind::Federated { name } => Some(name),
        }
    }

    pub(crate) fn account(&self) -> &str {
        &self.account
    }

    /// Its unique id, as IAM gives one to users and roles: always the same for the same ARN.
    fn id(&self) -> String {
        match &self.kind {
            IdentityKind::Root => self.account.clone(),
            IdentityKind::User { .. } => unique_id("AIDA", &self.to_string()),
            IdentityKind::RoleSession { role, session } => format!("{}:{session}", self.role_id(role)),
            IdentityKind::Federated { name } => format!("{}:{name}", self.account),
        }
    }

    fn role_arn(&self, role: &str) -> String {
        format!("arn:{}:iam::{}:role/{role}", self.partition, self.account)
    }

    fn role_id(&self, role: &str) -> String {
        unique_id("AROA", &self.role_arn(role))
    }
}

impl fmt::Display for IdentityArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, account, kind } = self;
        match kind {
            IdentityKind::Root => write!(f, "arn:{partition}:iam::{account}:root"),
            IdentityKind::User { path } => write!(f, "arn:{partition}:iam::{account}:user/{path}"),
            IdentityKind::RoleSession { role, session } => {
                write!(f, "arn:{partition}:sts::{account}:assumed-role/{role}/{session}")
            }
            IdentityKind::Federated { name } => {
                write!(f, "arn:{partition}:sts::{account}:federated-user/{name}")
            }
        }
    }
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerIdentity {
    arn: IdentityArn,
}

impl CallerIdentity {
    /// Whoever calls with an access key that nothing is known of, or without one.
    pub fn of_key(access_key: Option<&str>, account: &str, region: &str) -> Self {
        Self::of_user(access_key.unwrap_or(ANONYMOUS), account, region)
    }

    /// The owner of an access key.
    pub(crate) fn of_owner(owner: &KeyOwner, access_key: &str, account: &str, region: &str) -> Self {
        match owner {
            KeyOwner::Unnamed => Self::of_key(Some(access_key), account, region),
            KeyOwner::User(name) => Self::of_user(name, account, region),
            KeyOwner::Arn(arn) => Self { arn: arn.clone() },
        }
    }

    fn of_user(name: &str, account: &str, region: &str) -> Self {
        let kind = IdentityKind::User { path: name.to_owned() };
        Self {
            arn: IdentityArn { partition: partition(region).to_owned(), account: account.to_owned(), kind },
        }
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        self.arn.to_string()
    }

    /// Its unique id: `UserId`, and `principalId` of events.
    pub fn id(&self) -> String {
        self.arn.id()
    }

    /// `userIdentity` of its events (docs/spec/records.md 2.3).
    pub(crate) fn user_identity<'a>(&self, access_key: Option<&'a str>) -> UserIdentity<'a> {
        let IdentityArn { account, kind, .. } = &self.arn;
        let name = || self.arn.name().map(str::to_owned);
        let (kind, user_name, session_context) = match kind {
            IdentityKind::Root => ("Root", None, None),
            IdentityKind::User { .. } => ("IAMUser", name(), None),
            IdentityKind::Federated { .. } => ("FederatedUser", None, None),
            IdentityKind::RoleSession { role, .. } => {
                let session_issuer = SessionIssuer {
                    r#type: "Role",
                    principal_id: self.arn.role_id(role),
                    arn: self.arn.role_arn(role),
                    account_id: account.clone(),
                    user_name: role.clone(),
                };
                ("AssumedRole", None, Some(SessionContext { session_issuer }))
            }
        };
        UserIdentity {
            r#type: kind,
            principal_id: self.id(),
            arn: self.arn(),
            account_id: account.clone(),
            access_key_id: access_key,
            user_name,
            session_context,
        }
    }
}

/// `userIdentity`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserIdentity<'a> {
    r#type: &'static str,
    principal_id: String,
    arn: String,
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext {
    session_issuer: SessionIssuer,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer {
    r#type: &'static str,
    principal_id: String,
    arn: String,
    account_id: String,
    user_name: String,
}

/// The name of a user, a role or a session: letters, digits and `+=,.@_-`.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+=,.@_-".contains(&c))
}

/// An id in the form of IAM's: what it is of, and 17 letters and digits.
fn unique_id(prefix: &str, arn: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let hash = digest(&SHA256, arn.as_bytes());
    let letters = hash.as_ref().iter().take(17).map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    prefix.chars().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn told(arn: &str) -> Value {
        let identity = CallerIdentity { arn: IdentityArn::parse(arn).unwrap() };
        assert_eq!(identity.arn(), arn);
        serde_json::to_value(identity.user_identity(Some("AKID"))).unwrap()
    }

    #[test]
    fn an_arn_says_type_name_and_session() {
        let user = told("arn:aws:iam::111122223333:user/team/ann");
        assert_eq!((&user["type"], &user["userName"]), (&json!("IAMUser"), &json!("ann")));
        assert!(user["principalId"].as_str().unwrap().starts_with("AIDA"));
        assert_eq!(user["principalId"].as_str().unwrap().len(), 21);
        let root = told("arn:aws-cn:iam::111122223333:root");
        assert_eq!((&root["type"], &root["principalId"]), (&json!("Root"), &json!("111122223333")));
        assert_eq!(root.get("userName"), None);
        let session = told("arn:aws:sts::111122223333:assumed-role/Admin/ann@example.com");
        let issuer = &session["sessionContext"]["sessionIssuer"];
        assert_eq!(session["type"], "AssumedRole");
        assert_eq!(issuer["arn"], "arn:aws:iam::111122223333:role/Admin");
        let id = format!("{}:ann@example.com", issuer["principalId"].as_str().unwrap());
        assert_eq!(session["principalId"].as_str(), Some(id.as_str()));
        let federated = told("arn:aws:sts::111122223333:federated-user/bob");
        assert_eq!(federated["principalId"], "111122223333:bob");
    }

    #[test]
    fn what_cannot_call_has_no_identity() {
        for arn in [
            "",
            "arn:aws:iam::111122223333:role/Admin",
            "arn:aws:iam::111122223333:user/",
            "arn:aws:iam::111122223333:user//ann",
            "arn:aws:iam::111122223333:user/a b",
            "arn:aws:iam::1111:user/ann",
            "arn:aws:iam:us-east-1:111122223333:user/ann",
            "arn:awsome:iam::111122223333:user/ann",
            "arn:aws:sts::111122223333:assumed-role/Admin",
            "arn:aws:sts::111122223333:assumed-role/Admin/a/b",
            "arn:aws:iam::111122223333:assumed-role/Admin/a",
            "arn:aws:s3:::bucket",
        ] {
            assert_eq!(IdentityArn::parse(arn), None, "{arn}");
        }
    }

    #[test]
    fn a_key_without_an_owner_is_a_user_of_its_own_name_for_ever() {
        let identity = |key| CallerIdentity::of_key(key, "111122223333", "eu-west-1");
        assert_eq!(identity(Some("AKONE")).arn(), "arn:aws:iam::111122223333:user/AKONE");
        assert_eq!(identity(Some("AKONE")).id(), identity(Some("AKONE")).id());
        assert_ne!(identity(Some("AKONE")).id(), identity(Some("AKTWO")).id());
        assert_eq!(identity(None).arn(), "arn:aws:iam::111122223333:user/anonymous");
        let china = CallerIdentity::of_key(None, "111122223333", "cn-north-1");
        assert_eq!(china.arn(), "arn:aws-cn:iam::111122223333:user/anonymous");
        let owned =
            CallerIdentity::of_owner(&KeyOwner::User("ann".to_owned()), "AK", "111122223333", "us-east-1");
        assert_eq!(owned.arn(), "arn:aws:iam::111122223333:user/ann");
    }
}
