//! A trail, as far as what it delivers goes: where to, and which events it sees at all.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::key::{is_account_id, is_region_like};

/// Sources whose events are global: recorded in one Region, whichever Region they concern. The three that
/// the AWS documentation names.
const GLOBAL_SOURCES: [&str; 3] = ["iam.amazonaws.com", "sts.amazonaws.com", "cloudfront.amazonaws.com"];

/// A trail that logs, or did until [`Self::logging_until`]. Times are in milliseconds since 1970, and come from one clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveredTrail {
    /// The trail's ARN; what tells trails apart.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its account, whose events it logs: 12 digits.
    pub account: String,
    /// The Region in which it was created.
    pub home_region: String,
    /// The bucket.
    pub bucket: String,
    /// `S3KeyPrefix`, without a `/` at the end.
    pub prefix: Option<String>,
    /// `IsMultiRegionTrail`.
    pub multi_region: bool,
    /// `IncludeGlobalServiceEvents`.
    pub include_global_service_events: bool,
    /// `LogFileValidationEnabled`.
    pub validation: bool,
    /// The event selectors, for the callback that evaluates them.
    pub selectors: Value,
    /// Events received from here on are logged.
    pub logging_since: i64,
    /// Events received from here on are no longer logged: the trail is delivered to its end, gets a final
    /// digest, and is done. A trail that is not mentioned any more is delivered up to the moment.
    pub logging_until: Option<i64>,
    /// When the trail last changed: events received before are delivered as it was then.
    pub changed: i64,
}

impl DeliveredTrail {
    /// Whether everything that becomes a part of a path is what it should be.
    ///
    /// # Errors
    /// What is not, as a clause.
    pub fn check(&self) -> Result<(), &'static str> {
        let name_is_good = (3..=128).contains(&self.name.len())
            && self.name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c));
        if !name_is_good {
            Err("its name is none of a trail")
        } else if !is_account_id(&self.account) {
            Err("its account is not 12 digits")
        } else if !is_region_like(&self.home_region) {
            Err("its home Region does not have the shape of one")
        } else if !is_bucket(&self.bucket) {
            Err("its bucket's name is none of a bucket")
        } else if self.prefix.as_deref().is_some_and(|prefix| !is_prefix(prefix)) {
            Err("its key prefix cannot be a path of folders")
        } else {
            Ok(())
        }
    }

    /// Whether it logs events of a source in a Region at all (before its selectors): its home Region, all
    /// Regions if it is a multi-Region trail, and global-service events if it is to and sees their Region.
    pub fn sees(&self, account: &str, region: &str, event_source: &str) -> bool {
        let is_global = region == global_region(region) && GLOBAL_SOURCES.contains(&event_source);
        account == self.account
            && (self.multi_region || region == self.home_region)
            && (!is_global || self.include_global_service_events)
    }

    /// The key of an object up to and with the Region's `/`.
    pub fn key_prefix(&self, kind: &str, region: &str) -> String {
        let prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let prefix = prefix.map_or(String::new(), |prefix| format!("{prefix}/"));
        format!("{prefix}AWSLogs/{}/{kind}/{region}/", self.account)
    }
}

/// The Region in which a partition records global-service events.
fn global_region(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "cn-northwest-1"
    } else if region.starts_with("us-gov-") {
        "us-gov-west-1"
    } else {
        "us-east-1"
    }
}

fn is_bucket(name: &str) -> bool {
    (3..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
}

fn is_prefix(prefix: &str) -> bool {
    let is_folder = |name: &str| {
        !matches!(name, "" | "." | "..") && !name.chars().any(|c| c.is_control() || c == '\\' || c == ':')
    };
    prefix.is_empty() || (prefix.len() <= 200 && prefix.split('/').all(is_folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(name: &str) -> DeliveredTrail {
        DeliveredTrail {
            arn: format!("arn:aws:cloudtrail:us-east-1:111122223333:trail/{name}"),
            name: name.to_owned(),
            account: "111122223333".to_owned(),
            home_region: "us-east-1".to_owned(),
            bucket: "audit-logs".to_owned(),
            prefix: None,
            multi_region: true,
            include_global_service_events: true,
            validation: true,
            selectors: Value::Null,
            logging_since: 0,
            logging_until: None,
            changed: 0,
        }
    }

    #[test]
    fn nothing_that_leaves_its_folder_passes() {
        assert_eq!(example("audit").check(), Ok(()));
        let with_prefix =
            |prefix: &str| DeliveredTrail { prefix: Some(prefix.to_owned()), ..example("audit") };
        for prefix in ["../x", "a/../b", "/a", "a/", "a//b", "a\0b", "a\\b", "C:", &"a".repeat(201)] {
            assert!(with_prefix(prefix).check().is_err(), "{prefix:?}");
        }
        assert_eq!(with_prefix("a/b.c").check(), Ok(()));
        assert_eq!(with_prefix("").key_prefix("CloudTrail", "r"), "AWSLogs/111122223333/CloudTrail/r/");
        for bucket in ["..", "_trailseal", ".x.", "a/b", "ab", ""] {
            assert!(
                DeliveredTrail { bucket: bucket.to_owned(), ..example("audit") }.check().is_err(),
                "{bucket}"
            );
        }
        for name in ["a/b", "ab", "a b c", "..\u{e9}"] {
            assert!(example(name).check().is_err(), "{name}");
        }
    }

    #[test]
    fn a_trail_sees_its_region_or_all_and_global_events_where_they_are_recorded() {
        let (account, iam, ec2) = ("111122223333", "iam.amazonaws.com", "ec2.amazonaws.com");
        let all = example("audit");
        let single = DeliveredTrail { multi_region: false, ..all.clone() };
        let without = DeliveredTrail { include_global_service_events: false, ..single.clone() };
        let elsewhere = DeliveredTrail { home_region: "eu-west-1".to_owned(), ..single.clone() };
        for (trail, region, source, expected) in [
            (&all, "eu-west-1", ec2, true),
            (&all, "us-east-1", iam, true),
            (&single, "eu-west-1", ec2, false),
            (&single, "us-east-1", iam, true),
            (&without, "us-east-1", iam, false),
            (&without, "us-east-1", ec2, true),
            (&elsewhere, "us-east-1", iam, false),
            (&elsewhere, "eu-west-1", ec2, true),
        ] {
            assert_eq!(trail.sees(account, region, source), expected, "{} {region} {source}", trail.name);
        }
        assert!(!all.sees("444455556666", "us-east-1", ec2));
    }
}
