//! The story in every archive that has events: the long-lived key of the user `ci-deploy` is used from a
//! strange address, looks around, is refused here and there, creates a user with a key of its own, which
//! assumes a role in the other account, reads payroll files there and shares a snapshot.
//!
//! Also the calls with which trails are started and stopped.

use crate::random::{Rng, derive_u64};

use super::catalog::{Call, Caller, Class, Scope, Service};
use super::identity::Principal;
use super::text::base32;
use super::{Account, Api};

/// What the intruder calls the user that it creates.
const NEW_USER: &str = "backup-svc";
/// RFC 5737: belongs to nobody.
const ADDRESS: &str = "192.0.2.66";
const AGENT: &str = "Boto3/1.28.11 Python/3.11.2 Linux/6.1.0-kali9-amd64 Botocore/1.31.11";

/// The people and calls of the story.
pub(crate) struct Story {
    /// The key that the intruder makes for itself.
    pub(super) new_key: String,
    /// The key of the role that it assumes.
    pub(super) session_key: String,
    stolen: Principal,
    new_user: Principal,
    session: Principal,
    steps: Vec<Step>,
    start_logging: Api,
    stop_logging: Api,
}

/// Whose credentials a step uses.
#[derive(Clone, Copy)]
enum With {
    StolenKey,
    NewKey,
    Session,
}

struct Step {
    /// Seconds after the story begins.
    after: i64,
    with: With,
    api: Api,
    error: Option<usize>,
}

/// One record that must be written, whatever the mix.
pub(crate) struct Script<'a> {
    /// When it happens, seconds since 1970.
    pub(crate) at: i64,
    pub(super) api: &'a Api,
    pub(super) principal: Option<&'a Principal>,
    pub(super) origin: Option<(&'a str, &'a str)>,
    pub(super) error: Option<usize>,
}

impl Story {
    pub(super) fn new(seed: u64, accounts: &[String]) -> Self {
        let first = accounts.first().map_or("", String::as_str);
        let other = accounts.get(1).map_or(first, String::as_str);
        let new_key = base32("AKIA", derive_u64(seed, &["story", "user"]));
        let session_key = base32("ASIA", derive_u64(seed, &["story", "session"]));
        // an account is made the same every time, so this is the same user with the same key
        let stolen = Account::new(seed, first)
            .user("ci-deploy")
            .cloned()
            .unwrap_or_else(|| Principal::user(first, "ci-deploy", &mut Rng::new(seed)));
        Self {
            stolen,
            new_user: Principal::known_user(first, NEW_USER, &new_key),
            session: Principal::known_session(other, "OrganizationAccountAccessRole", NEW_USER, &session_key),
            new_key,
            session_key,
            steps: steps(),
            start_logging: Api::new(&TRAIL, &TRAIL.calls[0]),
            stop_logging: Api::new(&TRAIL, &TRAIL.calls[1]),
        }
    }

    /// How many accounts deliver a part of the story: the first, and the second if there is one.
    pub(crate) fn scripts(&self, account: usize, accounts: usize, start: i64) -> Vec<Script<'_>> {
        let other = usize::from(accounts > 1);
        self.steps
            .iter()
            .filter(|step| account == if matches!(step.with, With::Session) { other } else { 0 })
            .map(|step| Script {
                at: start + step.after,
                api: &step.api,
                principal: Some(match step.with {
                    With::StolenKey => &self.stolen,
                    With::NewKey => &self.new_user,
                    With::Session => &self.session,
                }),
                origin: Some((ADDRESS, AGENT)),
                error: step.error,
            })
            .collect()
    }

    /// The call that starts the trail.
    pub(crate) fn start_logging(&self, at: i64) -> Script<'_> {
        Script { at, api: &self.start_logging, principal: None, origin: None, error: None }
    }

    /// The call that stops the trail.
    pub(crate) fn stop_logging(&self, at: i64) -> Script<'_> {
        Script { at, api: &self.stop_logging, principal: None, origin: None, error: None }
    }
}

const fn call(name: &'static str, read: bool, request: &'static str, response: &'static str) -> Call {
    Call {
        name,
        read,
        weight: 1,
        request,
        response,
        additional: "",
        resources: "",
        details: "",
        class: Class::Management,
        caller: Caller::Anyone,
    }
}

const fn service(
    source: &'static str,
    action: &'static str,
    host: &'static str,
    scope: Scope,
    calls: &'static [Call],
) -> Service {
    const ERRORS: &[(&str, &str)] = &[(
        "AccessDenied",
        "User: <arn> is not authorized to perform: <action> because no identity-based policy allows the <action> action",
    )];
    Service { source, action, host, scope, api_version: "", errors: ERRORS, calls }
}

static TRAIL: Service = service(
    "cloudtrail.amazonaws.com",
    "cloudtrail",
    "cloudtrail.<region>.amazonaws.com",
    Scope::Regional,
    &[
        call("StartLogging", false, r#"{"name":"<trailarn>"}"#, "null"),
        call("StopLogging", false, r#"{"name":"<trailarn>"}"#, "null"),
    ],
);

#[rustfmt::skip]
static STS: Service = service("sts.amazonaws.com", "sts", "sts.<region>.amazonaws.com", Scope::Regional, &[
    call("GetCallerIdentity", true, "null", "null"),
    call("AssumeRole", true, r#"{"roleArn":"arn:aws:iam::<otheraccount>:role/OrganizationAccountAccessRole","roleSessionName":"backup-svc","durationSeconds":43200}"#, r#"{"credentials":{"accessKeyId":"<storysession>","sessionToken":"<token>","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"AROA4EXAMPLE<hex8>:backup-svc","arn":"arn:aws:sts::<otheraccount>:assumed-role/OrganizationAccountAccessRole/backup-svc"}}"#),
]);

#[rustfmt::skip]
static IAM: Service = service("iam.amazonaws.com", "iam", "iam.amazonaws.com", Scope::Global, &[
    call("ListUsers", true, r#"{"maxItems":1000}"#, "null"),
    call("ListRoles", true, r#"{"maxItems":1000}"#, "null"),
    call("GetAccountAuthorizationDetails", true, "null", "null"),
    call("CreateUser", false, r#"{"userName":"backup-svc"}"#, r#"{"user":{"path":"/","userName":"backup-svc","userId":"AIDA4EXAMPLE<hex8>","arn":"arn:aws:iam::<account>:user/backup-svc","createDate":"<now>"}}"#),
    call("AttachUserPolicy", false, r#"{"userName":"backup-svc","policyArn":"arn:aws:iam::aws:policy/AdministratorAccess"}"#, "null"),
    call("CreateAccessKey", false, r#"{"userName":"backup-svc"}"#, r#"{"accessKey":{"userName":"backup-svc","accessKeyId":"<storykey>","status":"Active","createDate":"<now>"}}"#),
    call("CreateLoginProfile", false, r#"{"userName":"backup-svc","passwordResetRequired":false}"#, r#"{"loginProfile":{"userName":"backup-svc","createDate":"<now>","passwordResetRequired":false}}"#),
]);

const TRAFFIC: &str = r#"{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"AuthenticationMethod":"AuthHeader","x-amz-id-2":"<base64>","bytesTransferredOut":<bytes>}"#;

#[rustfmt::skip]
static S3: Service = service("s3.amazonaws.com", "s3", "s3.<region>.amazonaws.com", Scope::Regional, &[
    Call { additional: TRAFFIC, ..call("ListBuckets", true, r#"{"Host":"s3.<region>.amazonaws.com"}"#, "null") },
    Call {
        additional: TRAFFIC,
        class: Class::Data,
        resources: r#"[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::<bucket>/payroll/2024-03.xlsx"},{"accountId":"<account>","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::<bucket>"}]"#,
        ..call("GetObject", true, r#"{"bucketName":"<bucket>","Host":"<bucket>.s3.<region>.amazonaws.com","key":"payroll/2024-03.xlsx"}"#, "null")
    },
]);

#[rustfmt::skip]
static EC2: Service = service("ec2.amazonaws.com", "ec2", "ec2.<region>.amazonaws.com", Scope::Regional, &[
    call("DescribeInstances", true, r#"{"instancesSet":{},"filterSet":{}}"#, "null"),
    call("ModifySnapshotAttribute", false, r#"{"snapshotId":"<snapshot>","createVolumePermission":{"add":{"items":[{"userId":"695555666677"}]}},"attributeType":"CREATE_VOLUME_PERMISSION"}"#, r#"{"requestId":"<uuid>","_return":true}"#),
]);

fn steps() -> Vec<Step> {
    use With::{NewKey, Session, StolenKey};
    let ok = None;
    let refused = Some(0);
    let plan: [(i64, With, &'static Service, usize, Option<usize>); 22] = [
        (0, StolenKey, &STS, 0, ok),
        (9, StolenKey, &S3, 0, ok),
        (14, StolenKey, &IAM, 0, ok),
        (16, StolenKey, &IAM, 1, ok),
        (21, StolenKey, &IAM, 2, refused),
        (24, StolenKey, &EC2, 0, refused),
        (31, StolenKey, &EC2, 0, refused),
        (70, StolenKey, &IAM, 3, ok),
        (74, StolenKey, &IAM, 4, ok),
        (79, StolenKey, &IAM, 5, ok),
        (95, StolenKey, &IAM, 6, refused),
        (190, NewKey, &STS, 0, ok),
        (204, NewKey, &S3, 0, ok),
        (260, NewKey, &STS, 1, ok),
        (275, Session, &STS, 0, ok),
        (281, Session, &S3, 0, ok),
        (300, Session, &S3, 1, ok),
        (303, Session, &S3, 1, ok),
        (309, Session, &S3, 1, refused),
        (312, Session, &S3, 1, ok),
        (340, Session, &EC2, 0, ok),
        (395, Session, &EC2, 1, ok),
    ];
    plan.into_iter()
        .map(|(after, with, service, call, error)| Step {
            after,
            with,
            api: Api::new(service, &service.calls[call]),
            error,
        })
        .collect()
}
