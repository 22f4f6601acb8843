//! Who acted: one name for each, whatever its records say of it (docs/spec/records.md 2.3, 2.4, 2.9).

use std::{borrow::Cow, fmt::Write as _, ops::ControlFlow, sync::LazyLock};

use crate::{json::Value, path::FieldPath, record::Record, row};

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal<'a> {
    /// The account, for what belongs to one.
    account: Option<Cow<'a, str>>,
    kind: Kind,
    /// The role, user, service or id; nothing for the root user.
    name: Cow<'a, str>,
    /// Of a role's session, its name.
    session: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Role,
    User,
    FederatedUser,
    Root,
    /// A service, a person of the Identity Center, an id: whatever is named by itself.
    Other,
    /// An id that means something in its account.
    OfAccount,
}

impl<'a> Principal<'a> {
    /// Who made the call that a record tells of; `None` when it does not say.
    ///
    /// All sessions of a role are the role, by its name in its account, since a session's ARN tells no more: whether or not
    /// the record names the issuer, and without the path.
    pub fn of(record: &Record<'a>) -> Option<Self> {
        let caller = Caller::of(record)?;
        caller.by_arn().or_else(|| caller.by_type(record))
    }

    /// With its account and kind: `111122223333:role/Ops`, `111122223333:root`, `ec2.amazonaws.com`.
    pub fn full(&self) -> String {
        let mut text = String::new();
        if let Some(account) = &self.account
            && self.kind != Kind::Other
        {
            let _ = write!(text, "{account}:");
        }
        text.push_str(match self.kind {
            Kind::Role => "role/",
            Kind::User => "user/",
            Kind::FederatedUser => "federated-user/",
            Kind::Root => "root",
            Kind::Other | Kind::OfAccount => "",
        });
        text.push_str(&self.name);
        text
    }

    /// Without them, and with the session: `Ops/alice`, `root`, `ec2.amazonaws.com`.
    pub fn short(self) -> Cow<'a, str> {
        match (self.kind, self.session) {
            (Kind::Root, _) => "root".into(),
            (_, Some(session)) => format!("{}/{session}", self.name).into(),
            _ => self.name,
        }
    }
}

/// The `userIdentity` of a record.
struct Caller<'a>(Value<'a>);

impl<'a> Caller<'a> {
    fn of(record: &Record<'a>) -> Option<Self> {
        static PATH: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["userIdentity"]));
        record.first(&PATH).map(Self)
    }

    /// A text that is not empty.
    fn text(&self, path: &[&str]) -> Option<Cow<'a, str>> {
        let value = path.iter().try_fold(self.0, |value, name| value.member(name))?;
        value.as_str().filter(|text| !text.is_empty())
    }

    fn issuer(&self, member: &str) -> Option<Cow<'a, str>> {
        self.text(&["sessionContext", "sessionIssuer", member])
    }

    fn account(&self) -> Option<Cow<'a, str>> {
        self.text(&["accountId"])
    }

    fn is_root(&self) -> bool {
        self.text(&["type"]).is_some_and(|kind| kind == "Root")
    }

    fn by_arn(&self) -> Option<Principal<'a>> {
        let arn = self.text(&["arn"])?;
        let arn = Arn::read(&arn)?;
        let owned = |text: &str| -> Cow<'a, str> { Cow::Owned(text.to_owned()) };
        let (kind, name, session) = match arn.kind {
            "assumed-role" => {
                let (role, session) = arn.name.split_once('/').unwrap_or((arn.name, ""));
                (Kind::Role, role, Some(session).filter(|session| !session.is_empty()))
            }
            "role" => (Kind::Role, last(arn.name), None),
            "user" => (Kind::User, last(arn.name), None),
            "federated-user" => (Kind::FederatedUser, arn.name, None),
            "root" => (Kind::Root, "", None),
            _ => return None,
        };
        let account =
            Some(owned(arn.account)).filter(|account| !account.is_empty()).or_else(|| self.account());
        Some(Principal { account, kind, name: owned(name), session: session.map(owned) })
    }

    fn by_type(&self, record: &Record<'a>) -> Option<Principal<'a>> {
        let account = self.account();
        let new = |kind, name| Principal { account: account.clone(), kind, name, session: None };
        if self.is_root() {
            return Some(new(Kind::Root, "".into()));
        }
        if self.text(&["type"]).is_some_and(|kind| kind == "IAMUser")
            && let Some(name) = self.text(&["userName"])
        {
            return Some(new(Kind::User, name));
        }
        let is_of_role = self.issuer("type").is_some_and(|kind| kind == "Role");
        if let Some(role) = self.issuer("userName").filter(|_| is_of_role) {
            let account = self.issuer("accountId").or(account);
            return Some(Principal { account, kind: Kind::Role, name: role, session: row::username(record) });
        }
        if let Some(user) = self.text(&["onBehalfOf", "userId"]) {
            return Some(new(Kind::Other, user));
        }
        if let Some(service) = self.text(&["invokedBy"]).filter(|_| self.text(&["principalId"]).is_none()) {
            return Some(new(Kind::Other, service));
        }
        let of_account = row::username(record).or_else(|| self.text(&["principalId"]));
        if let Some(name) = of_account {
            return Some(new(Kind::OfAccount, name));
        }
        self.text(&["invokedBy"])
            .or_else(|| self.text(&["type"]))
            .or(account.clone())
            .map(|name| new(Kind::Other, name))
    }
}

/// Shows `visit` every name by which one may know who acted: the ARN and the id of the identity, of the role behind a
/// session and of the session, the names in them, the user name, the source identity, the user of the Identity Center, the
/// service, and [`Principal::full`].
pub fn names<'a>(
    record: &Record<'a>,
    visit: &mut dyn FnMut(Cow<'a, str>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    const PATHS: [&[&str]; 10] = [
        &["arn"],
        &["principalId"],
        &["userName"],
        &["sessionContext", "sessionIssuer", "arn"],
        &["sessionContext", "sessionIssuer", "userName"],
        &["sessionContext", "sessionIssuer", "principalId"],
        &["sessionContext", "sourceIdentity"],
        &["onBehalfOf", "userId"],
        &["invokedBy"],
        &["credentialId"],
    ];
    let Some(caller) = Caller::of(record) else { return ControlFlow::Continue(()) };
    for path in PATHS {
        if let Some(text) = caller.text(path) {
            visit(text)?;
        }
    }
    if let Some(username) = row::username(record) {
        visit(username)?;
    }
    // the role's own id before that of the session
    if let Some(id) = caller.text(&["principalId"])
        && let Some((role, _)) = id.split_once(':')
    {
        visit(role.to_owned().into())?;
    }
    if let Some(text) = caller.text(&["arn"])
        && let Some(arn) = Arn::read(&text)
        && !arn.name.is_empty()
    {
        let role = arn.name.split('/').next().filter(|_| arn.kind == "assumed-role");
        if let Some(role) = role {
            visit(role.to_owned().into())?;
            visit(format!("arn:{}:iam::{}:role/{role}", arn.partition, arn.account).into())?;
        }
        visit(last(arn.name).to_owned().into())?;
    }
    match Principal::of(record) {
        Some(who) => {
            visit(who.full().into())?;
            visit(who.short())
        }
        None => ControlFlow::Continue(()),
    }
}

/// What the ARN of an identity says.
struct Arn<'t> {
    partition: &'t str,
    account: &'t str,
    /// `user`, `assumed-role`, `root`.
    kind: &'t str,
    /// What stands behind it, with the path of a user or the session of a role.
    name: &'t str,
}

impl<'t> Arn<'t> {
    fn read(arn: &'t str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let (partition, _, _) = (parts.next()?, parts.next()?, parts.next()?);
        let (account, resource) = (parts.next()?, parts.next()?);
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        Some(Self { partition, account, kind, name })
    }
}

/// What stands behind the path.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(identity: &str) -> Option<(String, String)> {
        let record = format!(r#"{{"userIdentity":{identity}}}"#);
        let who = Principal::of(&Record::new(record.as_bytes()))?;
        Some((who.full(), who.short().into_owned()))
    }

    fn names_of(identity: &str) -> Vec<String> {
        let record = format!(r#"{{"userIdentity":{identity}}}"#);
        let mut found = Vec::new();
        let _ = names(&Record::new(record.as_bytes()), &mut |name| {
            found.push(name.into_owned());
            ControlFlow::Continue(())
        });
        found
    }

    #[test]
    fn whoever_acted_has_one_name_2_9() {
        for (identity, full, short) in [
            (
                r#"{"type":"AssumedRole","principalId":"AROAX:alice","arn":"arn:aws:sts::1:assumed-role/Ops/alice"}"#,
                "1:role/Ops",
                "Ops/alice",
            ),
            (
                r#"{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/Ops/bob","accountId":"1","sessionContext":
                    {"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::1:role/path/Ops","userName":"Ops"}}}"#,
                "1:role/Ops",
                "Ops/bob",
            ),
            (
                r#"{"type":"AssumedRole","principalId":"AROAX:bob","accountId":"1","sessionContext":
                    {"sessionIssuer":{"type":"Role","userName":"Ops","accountId":"1"}}}"#,
                "1:role/Ops",
                "Ops/bob",
            ),
            (
                r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/team/bob","userName":"bob"}"#,
                "1:user/bob",
                "bob",
            ),
            (r#"{"type":"IAMUser","userName":"bob","accountId":"1"}"#, "1:user/bob", "bob"),
            (r#"{"type":"IAMUser","userName":"bob"}"#, "user/bob", "bob"),
            (r#"{"type":"Root","arn":"arn:aws:iam::1:root","userName":"alias"}"#, "1:root", "root"),
            (r#"{"type":"Root","accountId":"1"}"#, "1:root", "root"),
            (
                r#"{"type":"FederatedUser","arn":"arn:aws:sts::1:federated-user/eve"}"#,
                "1:federated-user/eve",
                "eve",
            ),
            (
                r#"{"type":"IdentityCenterUser","accountId":"1","onBehalfOf":{"userId":"94e8-1"}}"#,
                "94e8-1",
                "94e8-1",
            ),
            (
                r#"{"type":"AWSService","invokedBy":"ec2.amazonaws.com"}"#,
                "ec2.amazonaws.com",
                "ec2.amazonaws.com",
            ),
            (
                r#"{"accountId":"1","invokedBy":"kms.amazonaws.com"}"#,
                "kms.amazonaws.com",
                "kms.amazonaws.com",
            ),
            (r#"{"type":"AWSAccount","principalId":"AIDAX","accountId":"2"}"#, "2:AIDAX", "AIDAX"),
            (r#"{"type":"SAMLUser","principalId":"idp:sub","userName":"sub"}"#, "sub", "sub"),
            (r#"{"arn":"","type":"Unknown"}"#, "Unknown", "Unknown"),
        ] {
            assert_eq!(of(identity), Some((full.to_owned(), short.to_owned())), "{identity}");
        }
        assert_eq!(of("null"), None);
        assert_eq!(Principal::of(&Record::new(b"{}")), None);
    }

    #[test]
    fn it_is_known_by_every_name() {
        let session = r#"{"type":"AssumedRole","principalId":"AROAX:alice","arn":"arn:aws:sts::1:assumed-role/Ops/alice",
            "sessionContext":{"sessionIssuer":{},"sourceIdentity":"a.smith"},"invokedBy":"athena.amazonaws.com",
            "onBehalfOf":{"userId":"94e8-1"}}"#;
        let names = names_of(session);
        for name in [
            "arn:aws:sts::1:assumed-role/Ops/alice",
            "arn:aws:iam::1:role/Ops",
            "1:role/Ops",
            "Ops",
            "Ops/alice",
            "alice",
            "AROAX:alice",
            "AROAX",
            "a.smith",
            "athena.amazonaws.com",
            "94e8-1",
        ] {
            assert!(names.iter().any(|known| known == name), "{name} {names:?}");
        }
        assert!(
            names_of(r#"{"type":"IAMUser","arn":"arn:aws:iam::1:user/team/bob"}"#)
                .contains(&"bob".to_owned())
        );
        assert!(names_of("null").is_empty());
    }
}
