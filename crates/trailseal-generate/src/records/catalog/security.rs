//! Identity, keys, secrets, sign-in, audit.

use super::{
    Call, Caller, Class, JSON_ERRORS, QUERY_ERRORS, REFUSED_QUERY, Scope, Service, event, read, write,
};

const IAM_ERRORS: &[(&str, &str)] = &[
    REFUSED_QUERY,
    ("NoSuchEntityException", "The role with name <role>-<hex8> cannot be found."),
    ("EntityAlreadyExistsException", "User with name <user> already exists."),
    ("MalformedPolicyDocumentException", "Syntax errors in policy."),
];
const SIGNIN_ERRORS: &[(&str, &str)] = &[("", "Failed authentication")];

const fn global(
    source: &'static str,
    action: &'static str,
    host: &'static str,
    errors: &'static [(&'static str, &'static str)],
    calls: &'static [Call],
) -> Service {
    Service { source, action, host, scope: Scope::Global, api_version: "", errors, calls }
}

const fn regional(
    source: &'static str,
    action: &'static str,
    host: &'static str,
    calls: &'static [Call],
) -> Service {
    Service { source, action, host, scope: Scope::Regional, api_version: "", errors: JSON_ERRORS, calls }
}

pub(super) const SERVICES: &[Service] = &[
    global("iam.amazonaws.com", "iam", "iam.amazonaws.com", IAM_ERRORS, IAM),
    global("signin.amazonaws.com", "signin", "signin.aws.amazon.com", SIGNIN_ERRORS, SIGNIN),
    global(
        "organizations.amazonaws.com",
        "organizations",
        "organizations.us-east-1.amazonaws.com",
        JSON_ERRORS,
        ORGANIZATIONS,
    ),
    Service {
        errors: QUERY_ERRORS,
        ..regional("sts.amazonaws.com", "sts", "sts.<region>.amazonaws.com", STS)
    },
    regional("kms.amazonaws.com", "kms", "kms.<region>.amazonaws.com", KMS),
    regional(
        "secretsmanager.amazonaws.com",
        "secretsmanager",
        "secretsmanager.<region>.amazonaws.com",
        SECRETS,
    ),
    regional("ssm.amazonaws.com", "ssm", "ssm.<region>.amazonaws.com", SSM),
    regional("cloudtrail.amazonaws.com", "cloudtrail", "cloudtrail.<region>.amazonaws.com", CLOUDTRAIL),
    regional("config.amazonaws.com", "config", "config.<region>.amazonaws.com", CONFIG),
    regional("guardduty.amazonaws.com", "guardduty", "guardduty.<region>.amazonaws.com", GUARDDUTY),
    regional("securityhub.amazonaws.com", "securityhub", "securityhub.<region>.amazonaws.com", SECURITYHUB),
    regional("acm.amazonaws.com", "acm", "acm.<region>.amazonaws.com", ACM),
    regional("sso.amazonaws.com", "sso", "portal.sso.<region>.amazonaws.com", SSO),
    regional(
        "access-analyzer.amazonaws.com",
        "access-analyzer",
        "access-analyzer.<region>.amazonaws.com",
        ANALYZER,
    ),
    regional("ds.amazonaws.com", "ds", "ds.<region>.amazonaws.com", DIRECTORY),
];

#[rustfmt::skip]
const IAM: &[Call] = &[
    read("GetRole", 150, r#"{"roleName":"<role>"}"#),
    read("ListAttachedRolePolicies", 110, r#"{"roleName":"<role>"}"#),
    read("ListRolePolicies", 80, r#"{"roleName":"<role>"}"#),
    read("GetUser", 70, r#"{"userName":"<user>"}"#),
    read("GetPolicy", 66, r#"{"policyArn":"arn:aws:iam::<account>:policy/<managedpolicy>"}"#),
    read("GetPolicyVersion", 60, r#"{"policyArn":"arn:aws:iam::<account>:policy/<managedpolicy>","versionId":"v<small>"}"#),
    read("ListRoles", 50, r#"{"maxItems":1000}"#),
    read("ListUsers", 30, r#"{"maxItems":1000}"#),
    read("ListAccessKeys", 26, r#"{"userName":"<user>"}"#),
    read("GetInstanceProfile", 40, r#"{"instanceProfileName":"<role>"}"#),
    read("GetAccountSummary", 12, "null"),
    read("GetAccountPasswordPolicy", 10, "null"),
    read("GetLoginProfile", 8, r#"{"userName":"<user>"}"#),
    read("ListMFADevices", 9, r#"{"userName":"<user>"}"#),
    read("GetAccessKeyLastUsed", 14, r#"{"accessKeyId":"<newkey>"}"#),
    read("GenerateCredentialReport", 4, "null").returns(r#"{"state":"STARTED","description":"No report exists. Starting a new report generation task"}"#),
    read("SimulatePrincipalPolicy", 4, r#"{"policySourceArn":"arn:aws:iam::<account>:role/<role>","actionNames":["s3:GetObject"],"resourceArns":["*"]}"#),
    write("CreateRole", 8, r#"{"roleName":"<role>-<hex8>","path":"/service-role/","assumeRolePolicyDocument":"<trust>","description":"<words>","maxSessionDuration":3600}"#, r#"{"role":{"path":"/service-role/","roleName":"<role>-<hex8>","roleId":"AROA4EXAMPLE<hex8>","arn":"arn:aws:iam::<account>:role/service-role/<role>-<hex8>","createDate":"<now>","assumeRolePolicyDocument":"%7B%22Version%22%3A%222012-10-17%22%7D"}}"#),
    write("AttachRolePolicy", 9, r#"{"roleName":"<role>","policyArn":"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}"#, "null"),
    write("PutRolePolicy", 9, r#"{"roleName":"<role>","policyName":"<managedpolicy>","policyDocument":"<policy>"}"#, "null"),
    write("CreatePolicyVersion", 3, r#"{"policyArn":"arn:aws:iam::<account>:policy/<managedpolicy>","policyDocument":"<policy>","setAsDefault":true}"#, r#"{"policyVersion":{"versionId":"v<small>","isDefaultVersion":true,"createDate":"<now>"}}"#),
    write("CreateUser", 3, r#"{"userName":"<user>-<hex8>","tags":[{"key":"owner","value":"<words>"}]}"#, r#"{"user":{"path":"/","userName":"<user>-<hex8>","userId":"AIDA4EXAMPLE<hex8>","arn":"arn:aws:iam::<account>:user/<user>-<hex8>","createDate":"<now>","tags":[{"key":"owner","value":"<words>"}]}}"#),
    write("CreateAccessKey", 4, r#"{"userName":"<user>"}"#, r#"{"accessKey":{"userName":"<user>","accessKeyId":"<newkey>","status":"Active","createDate":"<now>"}}"#),
    write("UpdateAccessKey", 3, r#"{"userName":"<user>","accessKeyId":"<newkey>","status":"Inactive"}"#, "null"),
    write("DeleteAccessKey", 3, r#"{"userName":"<user>","accessKeyId":"<newkey>"}"#, "null"),
    write("AddUserToGroup", 3, r#"{"groupName":"<group>","userName":"<user>"}"#, "null"),
    write("DeleteRole", 4, r#"{"roleName":"<role>-<hex8>"}"#, "null"),
    write("UpdateAssumeRolePolicy", 3, r#"{"roleName":"<role>","policyDocument":"<trust>"}"#, "null"),
    write("DeactivateMFADevice", 2, r#"{"userName":"<user>","serialNumber":"arn:aws:iam::<account>:mfa/<user>"}"#, "null"),
];

#[rustfmt::skip]
const SIGNIN: &[Call] = &[
    write("ConsoleLogin", 26, "null", r#"{"ConsoleLogin":"Success"}"#).class(Class::SignIn).by(Caller::Console).additional(r#"{"LoginTo":"https://console.aws.amazon.com/console/home?state=hashArgs%23&isauthcode=true","MobileVersion":"No","MFAIdentifier":"arn:aws:iam::<account>:mfa/<user>","MFAUsed":"Yes"}"#),
    write("ConsoleLogin", 8, "null", r#"{"ConsoleLogin":"Success"}"#).class(Class::SignIn).by(Caller::Console).additional(r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"Yes","MFAUsed":"No"}"#),
    write("ConsoleLogin", 9, "null", r#"{"ConsoleLogin":"Failure"}"#).class(Class::SignIn).by(Caller::Console).additional(r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"No"}"#),
    write("ConsoleLogin", 3, "null", r#"{"ConsoleLogin":"Success"}"#).class(Class::SignIn).by(Caller::Root).additional(r#"{"LoginTo":"https://console.aws.amazon.com/console/home","MobileVersion":"No","MFAUsed":"Yes"}"#),
    write("CheckMfa", 10, "null", r#"{"CheckMfa":"Success"}"#).class(Class::SignIn).by(Caller::Console).additional(r#"{"MfaType":"Virtual MFA"}"#),
    write("SwitchRole", 6, "null", r#"{"SwitchRole":"Success"}"#).class(Class::SignIn).by(Caller::Console).additional(r#"{"SwitchFrom":"arn:aws:iam::<account>:user/<user>","RedirectTo":"https://console.aws.amazon.com/s3/home"}"#),
    write("PasswordRecoveryRequested", 2, "null", r#"{"PasswordRecoveryRequested":"Success"}"#).class(Class::SignIn).by(Caller::Unknown),
    write("UserAuthentication", 8, "null", "null").class(Class::Service).by(Caller::IdentityCenter),
];

#[rustfmt::skip]
const ORGANIZATIONS: &[Call] = &[
    read("DescribeOrganization", 30, "null").by(Caller::OnBehalf("config.amazonaws.com", 30)),
    read("ListAccounts", 16, r#"{"maxResults":20}"#),
    read("DescribeAccount", 12, r#"{"accountId":"<account>"}"#),
    write("AttachPolicy", 2, r#"{"policyId":"p-<hex8>","targetId":"<account>"}"#, "null"),
    event("CreateAccountResult", 2, "AWS Internal", r#"{"createAccountStatus":{"accountId":"<otheraccount>","state":"SUCCEEDED","accountName":"****","completedTimestamp":"<now>","requestedTimestamp":"<now>"}}"#),
];

const ROLE: &str =
    r#"[{"accountId":"<account>","type":"AWS::IAM::Role","ARN":"arn:aws:iam::<account>:role/<role>"}]"#;

#[rustfmt::skip]
const STS: &[Call] = &[
    read("AssumeRole", 760, r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<function>-<hex8>","durationSeconds":3600}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"AROA4EXAMPLE<hex8>:<function>","arn":"arn:aws:sts::<account>:assumed-role/<role>/<function>-<hex8>"}}"#).on(ROLE).by(Caller::Service("lambda.amazonaws.com", 70)),
    read("AssumeRole", 160, r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"<instance>"}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"}}"#).on(ROLE).by(Caller::Service("ec2.amazonaws.com", 100)),
    read("GetCallerIdentity", 190, "null").returns("null"),
    read("AssumeRoleWithSAML", 20, r#"{"sAMLAssertionID":"_<uuid>","roleSessionName":"sre-oncall","roleArn":"arn:aws:iam::<account>:role/<role>","principalArn":"arn:aws:iam::<account>:saml-provider/corp","durationSeconds":43200}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"},"assumedRoleUser":{"assumedRoleId":"AROA4EXAMPLE<hex8>:sre-oncall","arn":"arn:aws:sts::<account>:assumed-role/<role>/sre-oncall"},"subject":"sre-oncall","subjectType":"persistent","issuer":"https://sso.example.com/saml","audience":"https://signin.aws.amazon.com/saml"}"#).on(ROLE).by(Caller::Saml),
    read("AssumeRoleWithWebIdentity", 60, r#"{"roleArn":"arn:aws:iam::<account>:role/<role>","roleSessionName":"GitHubActions","durationSeconds":3600}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"},"subjectFromWebIdentityToken":"repo:example/web:ref:refs/heads/main","assumedRoleUser":{"assumedRoleId":"AROA4EXAMPLE<hex8>:GitHubActions","arn":"arn:aws:sts::<account>:assumed-role/<role>/GitHubActions"},"provider":"arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com","audience":"sts.amazonaws.com"}"#).on(ROLE).by(Caller::WebIdentity),
    read("GetSessionToken", 14, r#"{"durationSeconds":43200,"serialNumber":"arn:aws:iam::<account>:mfa/<user>"}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"}}"#),
    read("GetFederationToken", 5, r#"{"name":"reporting","durationSeconds":43200}"#).returns(r#"{"credentials":{"accessKeyId":"<newsession>","sessionToken":"<token>","expiration":"<expiry>"},"federatedUser":{"federatedUserId":"<account>:reporting","arn":"arn:aws:sts::<account>:federated-user/reporting"}}"#),
    read("DecodeAuthorizationMessage", 4, r#"{"encodedMessage":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#),
];

const KEY: &str = r#"[{"accountId":"<account>","type":"AWS::KMS::Key","ARN":"arn:aws:kms:<region>:<account>:key/<kmskey>"}]"#;

#[rustfmt::skip]
const KMS: &[Call] = &[
    read("Decrypt", 780, r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::<bucket>/<key>","aws:lambda:FunctionArn":"arn:aws:lambda:<region>:<account>:function:<function>"},"keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).on(KEY).by(Caller::OnBehalf("s3.amazonaws.com", 35)),
    read("GenerateDataKey", 380, r#"{"keySpec":"AES_256","encryptionContext":{"aws:cloudtrail:arn":"<trailarn>","aws:s3:arn":"arn:aws:s3:::<bucket>/<key>"},"keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>"}"#).on(KEY).by(Caller::Service("cloudtrail.amazonaws.com", 50)),
    read("DescribeKey", 130, r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>"}"#).on(KEY),
    read("ListAliases", 40, r#"{"limit":100}"#),
    read("GetKeyPolicy", 18, r#"{"keyId":"<kmskey>","policyName":"default"}"#).on(KEY),
    read("GetKeyRotationStatus", 24, r#"{"keyId":"<kmskey>"}"#).on(KEY),
    write("CreateGrant", 26, r#"{"granteePrincipal":"<uuid>.<region>.amazonaws.com","keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>","operations":["Decrypt","GenerateDataKeyWithoutPlaintext"],"constraints":{"encryptionContextSubset":{"aws:ebs:id":"<volume>"}}}"#, r#"{"grantId":"<hex64>","keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>"}"#).on(KEY).by(Caller::OnBehalf("ec2.amazonaws.com", 60)),
    write("PutKeyPolicy", 3, r#"{"keyId":"<kmskey>","policyName":"default","policy":"<policy>","bypassPolicyLockoutSafetyCheck":false}"#, "null").on(KEY),
    write("ScheduleKeyDeletion", 2, r#"{"keyId":"<kmskey>","pendingWindowInDays":7}"#, r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>","keyState":"PendingDeletion","deletionDate":"<expiry>","pendingWindowInDays":7}"#).on(KEY),
    event("RotateKey", 3, "AWS Internal", r#"{"keyId":"<kmskey>"}"#),
    read("Decrypt", 22, r#"{"keyId":"arn:aws:kms:<region>:<account>:key/<kmskey>","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#).class(Class::Network).on(KEY),
];

const SECRET: &str =
    r#"[{"ARN":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3","accountId":"<account>"}]"#;

#[rustfmt::skip]
const SECRETS: &[Call] = &[
    read("GetSecretValue", 300, r#"{"secretId":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3"}"#).on(SECRET),
    read("DescribeSecret", 70, r#"{"secretId":"<secret>"}"#),
    read("ListSecrets", 24, r#"{"maxResults":100,"filters":[{"key":"name","values":["prod"]}]}"#),
    write("PutSecretValue", 8, r#"{"clientRequestToken":"<uuid>","secretId":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3","versionStages":["AWSPENDING"]}"#, r#"{"arn":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3"}"#).by(Caller::OnBehalf("lambda.amazonaws.com", 50)),
    write("DeleteSecret", 2, r#"{"secretId":"<secret>","recoveryWindowInDays":7,"forceDeleteWithoutRecovery":false}"#, r#"{"arn":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3","name":"<secret>","deletionDate":"<expiry>"}"#),
    event("RotationSucceeded", 5, "secretsmanager.amazonaws.com", r#"{"secretId":"arn:aws:secretsmanager:<region>:<account>:secret:<secret>-a1B2c3"}"#),
    read("GetSecretValue", 16, r#"{"secretId":"<secret>"}"#).class(Class::Network),
];

#[rustfmt::skip]
const SSM: &[Call] = &[
    write("UpdateInstanceInformation", 560, r#"{"instanceId":"<instance>","agentVersion":"3.2.2222.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"10.0.<private>","computerName":"ip-10-0-<small>-<small>.<region>.compute.internal","agentName":"amazon-ssm-agent","availabilityZone":"<region>a","sSMConnectionChannel":"ssmmessages"}"#, "null"),
    read("GetParameter", 240, r#"{"name":"<param>","withDecryption":true}"#),
    read("GetParametersByPath", 70, r#"{"path":"/prod/app","recursive":true,"withDecryption":true,"maxResults":10}"#),
    read("DescribeInstanceInformation", 60, r#"{"maxResults":50,"filters":[{"key":"InstanceIds","values":["<instance>"]}]}"#),
    read("ListAssociations", 90, r#"{"associationFilterList":[{"key":"InstanceId","value":"<instance>"}],"maxResults":20}"#),
    write("PutParameter", 10, r#"{"name":"<param>","value":"HIDDEN_DUE_TO_SECURITY_REASONS","type":"SecureString","overwrite":true,"description":"<words>"}"#, r#"{"version":<small>,"tier":"Standard"}"#),
    write("SendCommand", 8, r#"{"documentName":"AWS-RunShellScript","instanceIds":["<instance>","<instance2>"],"parameters":"HIDDEN_DUE_TO_SECURITY_REASONS","comment":"<words>"}"#, r#"{"command":{"commandId":"<uuid>","documentName":"AWS-RunShellScript","comment":"<words>","expiresAfter":"<expiry>","parameters":"HIDDEN_DUE_TO_SECURITY_REASONS","instanceIds":["<instance>","<instance2>"],"status":"Pending","targetCount":2}}"#),
    write("StartSession", 9, r#"{"target":"<instance>","documentName":"SSM-SessionManagerRunShell"}"#, r#"{"sessionId":"<user>-0<hex16>","tokenValue":"Value hidden due to security reasons.","streamUrl":"wss://ssmmessages.<region>.amazonaws.com/v1/data-channel/<user>-0<hex16>?role=publish_subscribe"}"#),
];

#[rustfmt::skip]
const CLOUDTRAIL: &[Call] = &[
    read("DescribeTrails", 60, r#"{"trailNameList":[],"includeShadowTrails":false}"#),
    read("GetTrailStatus", 60, r#"{"name":"<trailarn>"}"#),
    read("LookupEvents", 40, r#"{"lookupAttributes":[{"attributeKey":"EventName","attributeValue":"ConsoleLogin"}],"maxResults":50,"startTime":"<now>","endTime":"<expiry>"}"#),
    read("GetEventSelectors", 14, r#"{"trailName":"<trailarn>"}"#),
    read("ListPublicKeys", 3, r#"{"startTime":"<now>","endTime":"<expiry>"}"#),
    write("PutEventSelectors", 2, r#"{"trailName":"<trailarn>","eventSelectors":[{"readWriteType":"All","includeManagementEvents":true,"dataResources":[{"type":"AWS::S3::Object","values":["arn:aws:s3"]}],"excludeManagementEventSources":[]}]}"#, r#"{"trailARN":"<trailarn>","eventSelectors":[{"readWriteType":"All","includeManagementEvents":true}]}"#),
    write("AddTags", 2, r#"{"resourceId":"<trailarn>","tagsList":[{"key":"note","value":"<words>"}]}"#, "null"),
];

#[rustfmt::skip]
const CONFIG: &[Call] = &[
    read("DescribeConfigurationRecorders", 50, "null"),
    write("PutEvaluations", 160, r#"{"evaluations":[{"complianceResourceType":"AWS::EC2::Instance","complianceResourceId":"<instance>","complianceType":"NON_COMPLIANT","annotation":"<words>","orderingTimestamp":"<now>"}],"resultToken":"<token>","testMode":false}"#, r#"{"failedEvaluations":[]}"#),
    read("SelectResourceConfig", 10, r#"{"expression":"SELECT resourceId WHERE resourceType = 'AWS::S3::Bucket'","limit":100}"#),
    event("ConfigurationSnapshotDelivered", 2, "config.amazonaws.com", r#"{"deliveryChannelName":"default","s3Bucket":"<bucket>"}"#),
];

#[rustfmt::skip]
const GUARDDUTY: &[Call] = &[
    read("ListDetectors", 30, r#"{"maxResults":50}"#),
    read("GetFindings", 20, r#"{"detectorId":"<hex32>","findingIds":["<hex32>","<hex32>"]}"#),
    write("ArchiveFindings", 3, r#"{"detectorId":"<hex32>","findingIds":["<hex32>"]}"#, "null"),
];

#[rustfmt::skip]
const SECURITYHUB: &[Call] = &[
    write("BatchImportFindings", 60, r#"{"findings":[{"schemaVersion":"2018-10-08","id":"<uuid>","productArn":"arn:aws:securityhub:<region>::product/aws/inspector","generatorId":"<hex16>","awsAccountId":"<account>","types":["Software and Configuration Checks"],"createdAt":"<now>","updatedAt":"<now>","severity":{"label":"MEDIUM"},"title":"<words>","description":"<words>","resources":[{"type":"AwsEc2Instance","id":"arn:aws:ec2:<region>:<account>:instance/<instance>"}]}]}"#, r#"{"failedCount":0,"successCount":1,"failedFindings":[]}"#).by(Caller::Service("inspector2.amazonaws.com", 60)),
    read("GetFindings", 14, r#"{"filters":{"severityLabel":[{"comparison":"EQUALS","value":"CRITICAL"}]},"maxResults":100}"#),
];

#[rustfmt::skip]
const ACM: &[Call] = &[
    read("DescribeCertificate", 40, r#"{"certificateArn":"arn:aws:acm:<region>:<account>:certificate/<cert>"}"#),
    read("ListCertificates", 20, r#"{"certificateStatuses":["ISSUED"],"maxItems":100}"#),
    write("RequestCertificate", 2, r#"{"domainName":"<domain>","validationMethod":"DNS","subjectAlternativeNames":["*.<domain>"]}"#, r#"{"certificateArn":"arn:aws:acm:<region>:<account>:certificate/<uuid>"}"#),
];

#[rustfmt::skip]
const SSO: &[Call] = &[
    read("ListAccountRoles", 16, r#"{"accountId":"<account>","maxResults":50}"#).by(Caller::IdentityCenter),
    read("GetRoleCredentials", 18, r#"{"accountId":"<account>","roleName":"PowerUser"}"#).by(Caller::IdentityCenter).class(Class::Service),
    write("CreatePermissionSet", 2, r#"{"instanceArn":"arn:aws:sso:::instance/ssoins-<hex16>","name":"PowerUser","description":"<words>","sessionDuration":"PT8H"}"#, r#"{"permissionSet":{"name":"PowerUser","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-<hex16>/ps-<hex16>","createdDate":"<now>"}}"#),
];

#[rustfmt::skip]
const ANALYZER: &[Call] = &[
    read("ListFindings", 14, r#"{"analyzerArn":"arn:aws:access-analyzer:<region>:<account>:analyzer/account","maxResults":50}"#),
    read("ValidatePolicy", 5, r#"{"policyDocument":"<policy>","policyType":"RESOURCE_POLICY"}"#),
    write("CreatePolicyPreview", 2, r#"{"policyDocument":"{\"Version\":\"2012-10-17\",\"Statement\":[<manystatements>]}","configurations":{}}"#, r#"{"id":"<uuid>"}"#),
];

#[rustfmt::skip]
const DIRECTORY: &[Call] = &[
    read("DescribeDirectories", 9, r#"{"directoryIds":["d-90670e8c7f"]}"#),
    write("AuthorizeApplication", 5, r#"{"directoryId":"d-90670e8c7f","applicationId":"<hex16>"}"#, "null").by(Caller::Directory).class(Class::ConsoleAction),
];
