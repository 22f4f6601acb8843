//! Names, ARNs, Regions and buckets (docs/spec/wire-protocol.md 4.1, 4.2).
//!
//! The messages of `InvalidTrailNameException` on length and characters are the service's (N); those on adjacent
//! characters and on addresses are not known and ours (I), as are all messages on buckets and prefixes.

pub(crate) use trailseal_archive::key::is_account_id as is_account;

use crate::error::{ApiError, ErrorCode};

const MIN_NAME: usize = 3;
const MAX_NAME: usize = 128;
const MAX_PREFIX: usize = 200;

/// The name of a trail is one.
pub(crate) fn check_trail_name(name: &str) -> Result<(), ApiError> {
    let error = |message: String| Err(ApiError::new(ErrorCode::InvalidTrailNameException, message));
    let length = name.chars().count();
    if length < MIN_NAME {
        return error(format!(
            "Trail name too short. Minimum allowed length: {MIN_NAME} characters. Specified name length: {length} characters."
        ));
    }
    if length > MAX_NAME {
        return error(format!(
            "Trail name too long. Maximum allowed length: {MAX_NAME} characters. Specified name length: {length} characters."
        ));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || is_special(c)) {
        return error(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).".into(),
        );
    }
    if name.starts_with(is_special) {
        return error("Trail name must starts with a letter or number.".into());
    }
    if name.ends_with(is_special) {
        return error("Trail name must ends with a letter or number.".into());
    }
    if name.as_bytes().windows(2).any(|two| two.iter().all(|c| is_special(char::from(*c)))) {
        return error("Trail name cannot have adjacent periods, underscores, or hyphens.".into());
    }
    if is_address(name) {
        return error("Trail name cannot be in IP address format.".into());
    }
    Ok(())
}

fn is_special(c: char) -> bool {
    matches!(c, '.' | '_' | '-')
}

fn is_address(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 4
        && parts.iter().all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_digit()))
}

/// The name of a bucket is one by S3's rules: 3 to 63 of lower-case letters, digits, periods and hyphens, with a
/// letter or digit at both ends, no adjacent periods, no address.
pub(crate) fn check_bucket_name(name: &str) -> Result<(), ApiError> {
    let error = |message: &str| Err(ApiError::new(ErrorCode::InvalidS3BucketNameException, message));
    if !(3..=63).contains(&name.chars().count()) {
        return error("Bucket name should be between 3 and 63 characters long.");
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.chars().all(|c| plain(c) || matches!(c, '.' | '-')) {
        return error(
            "Bucket name can only contain lowercase letters, numbers, periods (.), and hyphens (-).",
        );
    }
    if !name.starts_with(plain) || !name.ends_with(plain) {
        return error("Bucket name must start and end with a letter or number.");
    }
    if name.contains("..") || is_address(name) {
        return error("Bucket name cannot have adjacent periods or be in IP address format.");
    }
    Ok(())
}

/// A prefix of up to 200 characters. Since a bucket is a folder here, those that are no path below it are
/// rejected as well, which the service does not do: empty parts, `.` and `..`, backslashes, control characters.
pub(crate) fn check_prefix(prefix: &str) -> Result<(), ApiError> {
    let error = |message: &str| Err(ApiError::new(ErrorCode::InvalidS3PrefixException, message));
    if prefix.chars().count() > MAX_PREFIX {
        return error("S3 key prefix too long. Maximum allowed length: 200 characters.");
    }
    let is_bad = |part: &str| matches!(part, "" | "." | "..");
    if prefix.split('/').any(is_bad) || prefix.chars().any(|c| c.is_control() || c == '\\') {
        return error("S3 key prefix is not a path below the bucket.");
    }
    Ok(())
}

/// Whether a text has the form of a Region, as `us-east-1` and `us-gov-west-1` have.
pub(crate) fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let letters = |word: &str| !word.is_empty() && word.bytes().all(|c| c.is_ascii_lowercase());
    text.len() <= 32
        && (1..=2).contains(&number.len())
        && number.bytes().all(|c| c.is_ascii_digit())
        && words.contains('-')
        && words.split('-').all(letters)
}

/// The partition that a Region belongs to, as ARNs name it.
pub fn partition(region: &str) -> &'static str {
    const STARTS: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    STARTS.iter().find(|(start, _)| region.starts_with(start)).map_or("aws", |(_, partition)| partition)
}

/// The ARN of a trail.
pub fn trail_arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:{}:cloudtrail:{region}:{account}:trail/{name}", partition(region))
}

/// The parts of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) partition: &'a str,
    pub(crate) service: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// The parts, where there are six.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some(service), Some(region), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        Some(Self { partition, service, region, account, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trail_names_follow_every_rule() {
        let long = "a".repeat(128);
        for name in ["abc", "a.b", "a_b-c.d", "1-2", "1.2.3", "1.2.3.4a", "1234.1.1.1", &long] {
            assert_eq!(check_trail_name(name), Ok(()), "{name}");
        }
        let too_long = "a".repeat(129);
        for (name, message) in [
            (
                "",
                "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 0 characters.",
            ),
            (
                "ab",
                "Trail name too short. Minimum allowed length: 3 characters. Specified name length: 2 characters.",
            ),
            (
                &too_long,
                "Trail name too long. Maximum allowed length: 128 characters. Specified name length: 129 characters.",
            ),
            (".abc", "Trail name must starts with a letter or number."),
            ("abc-", "Trail name must ends with a letter or number."),
            (
                "a b",
                "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
            ),
            (
                "tr\u{e4}il",
                "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
            ),
            ("my-_namespace", "Trail name cannot have adjacent periods, underscores, or hyphens."),
            ("192.168.5.4", "Trail name cannot be in IP address format."),
        ] {
            let expected = ApiError::new(ErrorCode::InvalidTrailNameException, message);
            assert_eq!(check_trail_name(name), Err(expected), "{name}");
        }
    }

    #[test]
    fn bucket_names_follow_the_rules_of_s3() {
        let (longest, too_long) = ("b".repeat(63), "b".repeat(64));
        for name in ["abc", "a.b", "a-b--c", "1bc", &longest] {
            assert_eq!(check_bucket_name(name), Ok(()), "{name}");
        }
        for name in ["", "ab", &too_long, "Abc", "a_b", "-ab", "ab.", "a..b", "1.2.3.4", "../x", "a/b"] {
            let code = check_bucket_name(name).map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::InvalidS3BucketNameException), "{name}");
        }
    }

    #[test]
    fn prefixes_stay_below_the_bucket() {
        let (longest, too_long) = ("p".repeat(200), "p".repeat(201));
        for prefix in ["p", "a/b", "o-x/logs", "..a", &longest] {
            assert_eq!(check_prefix(prefix), Ok(()), "{prefix}");
        }
        for prefix in ["", "/", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a\0b", &too_long] {
            let code = check_prefix(prefix).map_err(|error| error.code);
            assert_eq!(code, Err(ErrorCode::InvalidS3PrefixException), "{prefix}");
        }
    }

    #[test]
    fn regions_have_a_form_and_a_partition() {
        for (region, expected) in [
            ("us-east-1", "aws"),
            ("ap-southeast-12", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert!(is_region(region), "{region}");
            assert_eq!(partition(region), expected);
        }
        for text in ["", "us", "us-1", "us-east", "us-east-", "US-east-1", "us--1", "a/b-c-1", "us-east-123"]
        {
            assert!(!is_region(text), "{text}");
        }
    }
}
