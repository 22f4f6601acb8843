//! `userIdentity`, in all its types (docs/spec/records.md 2.3).

use crate::random::{Rng, derive_u64, mix};

use super::text::{base32, digits_of, time, uuid_text};

/// The types of `userIdentity` that stand for a caller. (`AWSService`, and no type at all, are written by
/// [`service`] and [`nobody`].)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    User,
    AssumedRole,
    Role,
    FederatedUser,
    AwsAccount,
    SamlUser,
    WebIdentityUser,
    IdentityCenterUser,
    Directory,
    Unknown,
}

/// A caller that comes back: one identity, a few addresses, a few user agents.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    pub(super) kind: Kind,
    /// User name, role name, or whatever the type has.
    pub(super) name: String,
    pub(super) arn: String,
    account: String,
    /// `principalId` of a user.
    id: String,
    /// The access key of a user; empty for sessions, whose key changes.
    pub(super) access_key: String,
    pub(super) addresses: Vec<String>,
    pub(super) agents: &'static [&'static str],
    /// Whether it signs in to the console.
    pub(super) console: bool,
    pub(super) mfa: bool,
    seed: u64,
    /// The JSON up to where a session's key begins; all of it when there is no session.
    head: String,
    session: Option<Session>,
}

/// What changes with time in the identity of a session.
#[derive(Clone, Debug)]
struct Session {
    /// The JSON between the key and the creation date, and after the date.
    middle: String,
    tail: String,
    /// A session lasts this long, in seconds; then there is a new one with a new key.
    length: i64,
    /// A session that is always the same has its key here.
    key: Option<String>,
}

const SDK_AGENTS: &[&str] = &[
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.209-198.812.amzn2.x86_64 md/arch#x86_64 lang/python#3.11.8 md/pyimpl#CPython exec-env/AWS_Lambda_python3.11 cfg/retry-mode#standard Botocore/1.34.51",
    "aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.5 md/GOOS#linux md/GOARCH#amd64 api/s3#1.48.0 exec-env/AWS_ECS_FARGATE",
    "aws-sdk-java/2.21.42 Linux/5.15.0-1052-aws OpenJDK_64-Bit_Server_VM/17.0.9+8-LTS Java/17.0.9 vendor/Amazon.com_Inc. io/sync http/Apache cfg/retry-mode/legacy",
    "aws-sdk-js/3.515.0 ua/2.0 os/linux#6.1.66 lang/js md/nodejs#20.11.1 api/dynamodb#3.515.0 exec-env/AWS_Lambda_nodejs20.x",
];
const CLI_AGENTS: &[&str] = &[
    "aws-cli/2.15.25 Python/3.11.8 Linux/5.15.0-97-generic exe/x86_64.ubuntu.22 prompt/off command/sts.get-caller-identity",
    "APN/1.0 HashiCorp/1.0 Terraform/1.7.4 (+https://www.terraform.io) terraform-provider-aws/5.38.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.25.0 os/linux lang/go#1.21.7 md/GOOS#linux md/GOARCH#amd64 api/ec2#1.149.1",
    "Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic Botocore/1.29.165",
    "aws-cli/1.29.62 Python/3.9.18 Darwin/23.3.0 botocore/1.31.62",
];
const BROWSER_AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3.1 Safari/605.1.15",
    "AWS Internal",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0",
];

impl Principal {
    /// An IAM user with a long-lived key.
    pub(super) fn user(account: &str, name: &str, random: &mut Rng) -> Self {
        let seed = random.next();
        let arn = match name {
            "legacy-app" => format!("arn:aws:iam::{account}:user/service/old/{name}"),
            _ => format!("arn:aws:iam::{account}:user/{name}"),
        };
        let access_key = base32("AKIA", mix(seed));
        let id = user_id(account, name);
        let head = format!(
            r#"{{"type":"IAMUser","principalId":"{id}","arn":"{arn}","accountId":"{account}","accessKeyId":"{access_key}","userName":"{name}"}}"#
        );
        let mut user = Self::new(Kind::User, name, arn, seed, head, None);
        account.clone_into(&mut user.account);
        user.id = id;
        user.access_key = access_key;
        user.agents = CLI_AGENTS;
        user.console = matches!(name, "backup-operator" | "audit-reader" | "sre-oncall" | "support-tier2");
        user.mfa = name != "support-tier2";
        user
    }

    /// A role that a machine has assumed.
    pub(super) fn role_session(account: &str, role: &str, session: &str, random: &mut Rng) -> Self {
        let seed = random.next();
        let delivery = if session.starts_with("i-") { r#","ec2RoleDelivery":"2.0""# } else { "" };
        let mut principal =
            Self::assumed_role(account, "", role, session, (false, delivery), (3600, None), seed);
        principal.agents = SDK_AGENTS;
        principal
    }

    /// A role that a person has assumed by signing in to the console.
    pub(super) fn console_session(account: &str, role: &str, person: &str, random: &mut Rng) -> Self {
        let seed = random.next();
        let path = "aws-reserved/sso.amazonaws.com/eu-west-1/";
        let mut principal =
            Self::assumed_role(account, path, role, person, (true, ""), (8 * 3600, None), seed);
        principal.agents = BROWSER_AGENTS;
        principal.console = true;
        principal.mfa = true;
        principal
    }

    /// A session whose key is known: the intruder's.
    pub(super) fn known_session(account: &str, role: &str, session: &str, key: &str) -> Self {
        let life = (12 * 3600, Some(key.to_owned()));
        let mut principal = Self::assumed_role(
            account,
            "",
            role,
            session,
            (false, ""),
            life,
            derive_u64(0, &[account, session]),
        );
        principal.agents = CLI_AGENTS;
        principal
    }

    /// A user whose key is known: the one that the intruder creates.
    pub(super) fn known_user(account: &str, name: &str, key: &str) -> Self {
        let mut user = Self::user(account, name, &mut Rng::new(derive_u64(0, &[account, name])));
        user.head = user.head.replace(&user.access_key, key);
        key.clone_into(&mut user.access_key);
        user
    }

    fn assumed_role(
        account: &str,
        path: &str,
        role: &str,
        session: &str,
        (mfa, delivery): (bool, &str),
        (length, key): (i64, Option<String>),
        seed: u64,
    ) -> Self {
        let role_id = role_id(account, role);
        let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
        let head = format!(
            r#"{{"type":"AssumedRole","principalId":"{role_id}:{session}","arn":"{arn}","accountId":"{account}","accessKeyId":""#
        );
        let middle = format!(
            r#"","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{role_id}","arn":"arn:aws:iam::{account}:role/{path}{role}","accountId":"{account}","userName":"{role}"}},"webIdFederationData":{{}},"attributes":{{"creationDate":""#
        );
        let tail = format!(r#"","mfaAuthenticated":"{mfa}"}}{delivery}}}"#);
        let session = Session { middle, tail, length, key };
        Self::new(Kind::AssumedRole, role, arn, seed, head, Some(session))
    }

    /// The rarer types, of which an account has one each.
    pub(super) fn simple(kind: Kind, account: &str, random: &mut Rng) -> Self {
        let seed = random.next();
        let root = format!("arn:aws:iam::{account}:root");
        let (name, arn, head, session) = match kind {
            Kind::Root => {
                let head = format!(
                    r#"{{"type":"Root","principalId":"{account}","arn":"{root}","accountId":"{account}","accessKeyId":""#
                );
                (
                    "root",
                    root,
                    head,
                    Some((r#"","sessionContext":{"attributes":{"creationDate":""#.to_owned(), 4)),
                )
            }
            Kind::FederatedUser => {
                let arn = format!("arn:aws:sts::{account}:federated-user/reporting");
                let head = format!(
                    r#"{{"type":"FederatedUser","principalId":"{account}:reporting","arn":"{arn}","accountId":"{account}","accessKeyId":""#
                );
                let middle = format!(
                    r#"","sessionContext":{{"sessionIssuer":{{"type":"IAMUser","principalId":"{}","arn":"arn:aws:iam::{account}:user/service/old/legacy-app","accountId":"{account}","userName":"legacy-app"}},"webIdFederationData":{{}},"attributes":{{"creationDate":""#,
                    user_id(account, "legacy-app")
                );
                ("reporting", arn, head, Some((middle, 12)))
            }
            Kind::Role => {
                let arn = format!("arn:aws:iam::{account}:role/monitoring");
                let id = role_id(account, "monitoring");
                let head = format!(
                    r#"{{"type":"Role","principalId":"{id}:monitoring","arn":"{arn}","accountId":"{account}","userName":"monitoring"}}"#
                );
                ("monitoring", arn, head, None)
            }
            Kind::AwsAccount => {
                let id = base32("AROA", mix(seed)) + "A:partner-sync";
                let head = format!(r#"{{"type":"AWSAccount","principalId":"{id}","accountId":"{account}"}}"#);
                ("partner-sync", root, head, None)
            }
            Kind::SamlUser => {
                let head = format!(
                    r#"{{"type":"SAMLUser","principalId":"{}:sre-oncall","userName":"sre-oncall","identityProvider":"{}="}}"#,
                    "pVYhVO0BjTkkVwY9HoLOJMBoHMQ", "pVYhVO0BjTkkVwY9HoLOJMBoHMQ"
                );
                ("sre-oncall", root, head, None)
            }
            Kind::WebIdentityUser => {
                let provider =
                    format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com");
                let subject = "repo:example/web:ref:refs/heads/main";
                let head = format!(
                    r#"{{"type":"WebIdentityUser","principalId":"{provider}:sts.amazonaws.com:{subject}","userName":"{subject}","identityProvider":"{provider}"}}"#
                );
                ("web", root, head, None)
            }
            Kind::IdentityCenterUser => {
                let head = format!(
                    r#"{{"type":"IdentityCenterUser","accountId":"{account}","onBehalfOf":{{"userId":"{}","identityStoreArn":"arn:aws:identitystore::{account}:identitystore/d-90670e8c7f"}},"credentialId":"{}"}}"#,
                    uuid_text(random.clone()),
                    uuid_text(Rng::new(seed))
                );
                ("identity-center", root, head, None)
            }
            Kind::Directory => {
                let head = format!(
                    r#"{{"type":"Directory","principalId":"d-90670e8c7f","accountId":"{account}","userName":"corp\\helpdesk"}}"#
                );
                ("directory", root, head, None)
            }
            _ => {
                let head = format!(
                    r#"{{"type":"Unknown","principalId":"{account}","accountId":"{account}","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"}}"#
                );
                ("unknown", root, head, None)
            }
        };
        let session = session.map(|(middle, hours)| Session {
            middle,
            tail: r#"","mfaAuthenticated":"false"}}"#.to_owned(),
            length: hours * 3600,
            key: None,
        });
        Self::new(kind, name, arn, seed, head, session)
    }

    fn new(kind: Kind, name: &str, arn: String, seed: u64, head: String, session: Option<Session>) -> Self {
        let mut random = Rng::new(seed ^ 0xadd7);
        // addresses of RFC 5737 and 3849, which belong to nobody
        let addresses = (0..3)
            .map(|at| match (kind, at) {
                (Kind::AssumedRole, 0) => format!("198.51.100.{}", random.between(1, 254)),
                (_, 2) => format!("2001:db8:{:x}::{:x}", random.below(0xffff), random.between(1, 0xffff)),
                _ => format!("203.0.113.{}", random.between(1, 254)),
            })
            .collect();
        Self {
            kind,
            name: name.to_owned(),
            arn,
            account: String::new(),
            id: String::new(),
            access_key: String::new(),
            addresses,
            agents: BROWSER_AGENTS,
            console: false,
            mfa: false,
            seed,
            head,
            session,
        }
    }

    /// Whether it acts with a session's credentials.
    pub(super) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    /// Writes the identity of a user at the sign-in page: no key yet, and on failure no ARN either.
    pub(super) fn write_sign_in(&self, out: &mut Vec<u8>, now: i64, failed: bool) {
        if self.kind != Kind::User {
            return self.write(out, now, None);
        }
        out.extend_from_slice(b"{\"type\":\"IAMUser\",\"principalId\":\"");
        out.extend_from_slice(self.id.as_bytes());
        if !failed {
            out.extend_from_slice(b"\",\"arn\":\"");
            out.extend_from_slice(self.arn.as_bytes());
        }
        out.extend_from_slice(b"\",\"accountId\":\"");
        out.extend_from_slice(self.account.as_bytes());
        out.extend_from_slice(if failed { b"\",\"accessKeyId\":\"" } else { b"" });
        out.extend_from_slice(b"\",\"userName\":\"");
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(b"\"}");
    }

    /// Writes the identity as it is at a time; `invoked_by` names the service that acts for it.
    pub(super) fn write(&self, out: &mut Vec<u8>, now: i64, invoked_by: Option<&str>) {
        out.extend_from_slice(self.head.as_bytes());
        if let Some(session) = &self.session {
            // sessions of different principals begin at different times
            let offset = (self.seed % session.length as u64) as i64;
            let start = (now - offset).div_euclid(session.length) * session.length + offset;
            match &session.key {
                Some(key) => out.extend_from_slice(key.as_bytes()),
                None => digits_of(out, "ASIA", mix(self.seed ^ start as u64)),
            }
            out.extend_from_slice(session.middle.as_bytes());
            time(out, start);
            out.extend_from_slice(session.tail.as_bytes());
            out.push(b'}');
        }
        if let Some(service) = invoked_by {
            out.pop();
            out.extend_from_slice(b",\"invokedBy\":\"");
            out.extend_from_slice(service.as_bytes());
            out.extend_from_slice(b"\"}");
        }
    }
}

/// An AWS service that calls on its own.
pub(super) fn service(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"{\"type\":\"AWSService\",\"invokedBy\":\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\"}");
}

/// The identity of a service event: no type.
pub(super) fn nobody(out: &mut Vec<u8>, account: &str, name: &str) {
    out.extend_from_slice(b"{\"accountId\":\"");
    out.extend_from_slice(account.as_bytes());
    out.extend_from_slice(b"\",\"invokedBy\":\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\"}");
}

fn user_id(account: &str, name: &str) -> String {
    base32("AIDA", derive_u64(0, &["user", account, name])) + "A"
}

fn role_id(account: &str, name: &str) -> String {
    base32("AROA", derive_u64(0, &["role", account, name])) + "A"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(principal: &Principal, now: i64, invoked_by: Option<&str>) -> serde_json::Value {
        let mut out = Vec::new();
        principal.write(&mut out, now, invoked_by);
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn every_type_is_valid_json_with_and_without_invoked_by() {
        let mut random = Rng::new(1);
        let mut all = vec![
            Principal::user("111122223333", "legacy-app", &mut random),
            Principal::role_session("111122223333", "app-server", "i-0abc", &mut random),
            Principal::console_session("111122223333", "admin", "sre-01", &mut random),
        ];
        let kinds = [
            Kind::Root,
            Kind::FederatedUser,
            Kind::Role,
            Kind::AwsAccount,
            Kind::SamlUser,
            Kind::WebIdentityUser,
            Kind::IdentityCenterUser,
            Kind::Directory,
            Kind::Unknown,
        ];
        all.extend(kinds.map(|kind| Principal::simple(kind, "111122223333", &mut random)));
        for principal in &all {
            let value = value(principal, 1_709_271_960, Some("athena.amazonaws.com"));
            assert_eq!(value["invokedBy"], "athena.amazonaws.com");
            assert!(value["type"].is_string());
            assert_eq!(value["sessionContext"].is_object(), principal.has_session());
        }
    }

    #[test]
    fn a_session_keeps_its_key_until_it_ends() {
        let role = Principal::role_session("111122223333", "app-server", "s", &mut Rng::new(1));
        let key = |now| value(&role, now, None)["accessKeyId"].as_str().unwrap().to_owned();
        let keys: std::collections::BTreeSet<_> = (0..48).map(|n| key(1_709_271_960 + n * 300)).collect();
        assert!((4..=6).contains(&keys.len()), "{keys:?}");
        assert!(keys.iter().all(|key| key.len() == 20 && key.starts_with("ASIA")));
    }
}
