//! What `CreateTrail` and `UpdateTrail` check of the services around (docs/spec/wire-protocol.md 4.2).
//!
//! Texts in the spec are the service's (N); those on topics' names, keys and organizations are ours (I).

use super::Call;
use crate::{
    BucketFault, KeyFault, Organization,
    error::{ApiError, ErrorCode},
    names::{Arn, is_account, is_region, partition},
    state::{LogGroup, Topic, Trail},
};

const MAX_TOPIC: usize = 256;
const MAX_GROUP: usize = 512;

impl Call<'_> {
    /// The topic of a name or an ARN.
    pub(super) fn topic(self, text: &str) -> Result<Topic, ApiError> {
        let error =
            || ApiError::new(ErrorCode::InvalidSnsTopicNameException, "SNS Topic name or ARN is not valid.");
        if text.chars().count() > MAX_TOPIC {
            return Err(error());
        }
        let arn = if text.starts_with("arn:") {
            let arn = Arn::parse(text).filter(|arn| arn.service == "sns" && is_region(arn.region));
            let arn = arn.filter(|arn| is_account(arn.account) && arn.partition == partition(arn.region));
            arn.filter(|arn| is_topic_name(arn.resource)).map(|_| text.to_owned())
        } else {
            is_topic_name(text).then(|| self.arn_here("sns", text))
        };
        Ok(Topic { name: text.to_owned(), arn: arn.ok_or_else(error)? })
    }

    /// What the two members make of the log group that a trail has: one alone is refused whatever the trail has (N),
    /// an empty text removes both.
    pub(super) fn log_group(self, before: Option<&LogGroup>) -> Result<Option<LogGroup>, ApiError> {
        let group = self.input.text("CloudWatchLogsLogGroupArn")?;
        let role = self.input.text("CloudWatchLogsRoleArn")?;
        let (group, role) = match (group, role) {
            (None, None) => return Ok(before.cloned()),
            (None | Some(""), None | Some("")) => return Ok(None),
            (group, role) => (group.unwrap_or_default().to_owned(), role.unwrap_or_default().to_owned()),
        };
        let group_error = |text| ApiError::new(ErrorCode::InvalidCloudWatchLogsLogGroupArnException, text);
        let role_error = |text| ApiError::new(ErrorCode::InvalidCloudWatchLogsRoleArnException, text);
        let both = "You must specify a log group and a role ARN.";
        if group.is_empty() {
            return Err(group_error(both));
        }
        if role.is_empty() {
            return Err(role_error(both));
        }
        let region = self.log_group_region(&group);
        let region =
            region.ok_or_else(|| group_error("CloudTrail cannot validate the specified log group ARN."))?;
        if region != self.caller.region {
            return Err(group_error("You must specify a log group that is in the current region."));
        }
        if !self.is_role(&role) {
            return Err(role_error("CloudTrail cannot validate the specified role ARN."));
        }
        Ok(Some(LogGroup { group_arn: group, role_arn: role }))
    }

    /// The ARN of a key or alias that a key ID, an alias or an ARN stands for.
    pub(super) fn key(self, text: &str) -> Result<String, ApiError> {
        let is_resource = |resource: &str| match resource.split_once('/') {
            Some(("key", id)) => is_key_id(id),
            Some(("alias", name)) => is_alias(name),
            _ => false,
        };
        let arn = if text.starts_with("arn:") {
            let arn = Arn::parse(text).filter(|arn| arn.service == "kms" && is_account(arn.account));
            let arn = arn.filter(|arn| arn.region == self.caller.region && is_resource(arn.resource));
            let arn = arn.filter(|arn| arn.partition == partition(&self.caller.region));
            arn.map(|_| text.to_owned())
        } else if text.starts_with("alias/") {
            is_resource(text).then(|| self.arn_here("kms", text))
        } else {
            is_key_id(text).then(|| self.arn_here("kms", &format!("key/{text}")))
        };
        arn.ok_or_else(|| {
            ApiError::new(
                ErrorCode::KmsKeyNotFoundException,
                "KMS key does not exist, or is not in the same region as the S3 bucket.",
            )
        })
    }

    /// The services around allow what a trail says. The topic comes before the bucket.
    pub(super) fn check_services(self, trail: &mut Trail, before: Option<&Trail>) -> Result<(), ApiError> {
        let error = |code, text: &str| Err(ApiError::new(code, text));
        let (caller, environment) = (self.caller, self.environment);
        if let Some(topic) = &trail.topic
            && before.and_then(|trail| trail.topic.as_ref()) != Some(topic)
            && !environment.may_publish(caller, &topic.arn)
        {
            return error(
                ErrorCode::InsufficientSnsTopicPolicyException,
                "SNS Topic does not exist or the topic policy is incorrect!",
            );
        }
        self.write_marker(trail, "CloudTrail")?;
        if trail.validates_log_files {
            self.write_marker(trail, "CloudTrail-Digest")?;
        }
        if let Some(key) = &trail.key
            && before.and_then(|trail| trail.key.as_ref()) != Some(key)
        {
            trail.key = Some(match environment.key(caller, key) {
                Ok(arn) => arn,
                Err(KeyFault::Denied) => {
                    return error(
                        ErrorCode::InsufficientEncryptionPolicyException,
                        "Insufficient permissions to access S3 bucket or KMS key.",
                    );
                }
                Err(KeyFault::Disabled) => return error(ErrorCode::KmsException, "KMS key is disabled."),
            });
        }
        if let Some(logs) = &trail.log_group
            && before.and_then(|trail| trail.log_group.as_ref()) != Some(logs)
            && !environment.may_write_events(caller, &logs.group_arn, &logs.role_arn)
        {
            return error(
                ErrorCode::InvalidCloudWatchLogsLogGroupArnException,
                "Access denied. Verify in IAM that the role has adequate permissions.",
            );
        }
        Ok(())
    }

    /// CloudTrail's preflight: an empty object where files of this kind will be delivered.
    pub(super) fn write_marker(self, trail: &Trail, kind: &str) -> Result<(), ApiError> {
        let prefix = trail.prefix.as_ref().map(|prefix| format!("{prefix}/")).unwrap_or_default();
        let key = format!("{prefix}AWSLogs/{}/{kind}/", trail.account);
        let bucket = &trail.bucket;
        self.environment.write_marker(self.caller, bucket, &key).map_err(|fault| match fault {
            BucketFault::Missing => ApiError::new(
                ErrorCode::S3BucketDoesNotExistException,
                format!("S3 bucket {bucket} does not exist!"),
            ),
            BucketFault::Denied => ApiError::new(
                ErrorCode::InsufficientS3BucketPolicyException,
                format!("Incorrect S3 bucket policy is detected for bucket: {bucket}"),
            ),
        })
    }

    /// An organization's trail is its management account's matter.
    pub(super) fn check_organization(self) -> Result<(), ApiError> {
        let error = |code, text: &str| Err(ApiError::new(code, text));
        match self.environment.organization(self.caller) {
            Organization::Management => Ok(()),
            Organization::Member => error(
                ErrorCode::NotOrganizationMasterAccountException,
                "The account is not the management account of the organization.",
            ),
            Organization::None => error(
                ErrorCode::OrganizationsNotInUseException,
                "The account is not a member of an organization.",
            ),
        }
    }

    /// The Region of a well-formed ARN of a log group in this account.
    fn log_group_region(self, text: &str) -> Option<&str> {
        let arn = Arn::parse(text).filter(|arn| arn.service == "logs" && is_region(arn.region))?;
        let name = arn.resource.strip_prefix("log-group:")?.strip_suffix(":*")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/#".contains(c);
        let is_valid = arn.partition == partition(arn.region)
            && arn.account == self.caller.account
            && (1..=MAX_GROUP).contains(&name.len())
            && name.chars().all(plain);
        is_valid.then_some(arn.region)
    }

    fn is_role(self, text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
        Arn::parse(text).is_some_and(|arn| {
            let path = arn.resource.strip_prefix("role/").unwrap_or_default();
            arn.partition == partition(&self.caller.region)
                && arn.service == "iam"
                && arn.region.is_empty()
                && arn.account == self.caller.account
                && (1..=MAX_GROUP + 64).contains(&path.len())
                && !path.ends_with('/')
                && path.chars().all(plain)
        })
    }

    fn arn_here(self, service: &str, resource: &str) -> String {
        let (region, account) = (&self.caller.region, &self.caller.account);
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
    }
}

/// Topics of the first-in-first-out kind, whose names end with `.fifo`, are none here.
fn is_topic_name(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    !text.is_empty() && text.bytes().all(plain)
}

fn is_alias(text: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'/');
    (1..=250).contains(&text.len()) && text.bytes().all(plain)
}

/// A UUID, or the ID of a multi-Region key.
fn is_key_id(text: &str) -> bool {
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|c| c.is_ascii_hexdigit());
    if let Some(id) = text.strip_prefix("mrk-") {
        return hex(id, 32);
    }
    let parts: Vec<_> = text.split('-').collect();
    parts.len() == 5 && parts.iter().zip([8, 4, 4, 4, 12]).all(|(part, length)| hex(part, length))
}
