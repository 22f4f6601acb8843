//! What the rules must ask of the services around CloudTrail.
//!
//! A local server has no SNS, no KMS, no `CloudWatch` Logs, no IAM and no Organizations. [`OnDemand`] says what it
//! supposes of them, and a server that knows better says so by its own [`Environment`]. The rules check the forms
//! of names and ARNs before they ask, so that only well-formed ones arrive here.

use crate::{Caller, resource_types};

/// The services around CloudTrail. Every answer has a default, which is that of [`OnDemand`].
pub trait Environment: Send + Sync {
    /// CloudTrail's preflight (docs/spec/wire-protocol.md 4.2): may `key`, an empty object whose name ends with `/`, be
    /// written into this bucket? The service writes it; whether this does is its own matter. By default buckets
    /// come into being on demand.
    ///
    /// # Errors
    /// Why it may not.
    fn write_marker(&self, _caller: &Caller, _bucket: &str, _key: &str) -> Result<(), BucketFault> {
        Ok(())
    }

    /// Whether CloudTrail may publish to this topic; by default every topic exists and allows it. Nothing is
    /// published.
    fn may_publish(&self, _caller: &Caller, _topic_arn: &str) -> bool {
        true
    }

    /// The ARN of the key that this ARN of a key or an alias stands for. By default every key exists, and an alias
    /// stands for itself, because nobody here knows its key. Nothing is encrypted.
    ///
    /// # Errors
    /// Why it cannot be used.
    fn key(&self, _caller: &Caller, arn: &str) -> Result<String, KeyFault> {
        Ok(arn.to_owned())
    }

    /// Whether the role may write to the log group; by default it may. Nothing is written there.
    fn may_write_events(&self, _caller: &Caller, _log_group_arn: &str, _role_arn: &str) -> bool {
        true
    }

    /// Whether the data events of a type of resources (`AWS::SERVICE::TYPE`) can be selected; by default those that
    /// CloudTrail is known to take (docs/spec/selectors-and-insights.md 3.2).
    fn takes_resource_type(&self, resource_type: &str) -> bool {
        resource_types::is_known(resource_type)
    }

    /// What the account is to AWS Organizations; by default nothing.
    fn organization(&self, _caller: &Caller) -> Organization {
        Organization::None
    }
}

/// Every bucket, topic, key and log group whose name is well-formed is there and may be used; there is no
/// organization.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnDemand;

impl Environment for OnDemand {}

/// Why nothing can be written into a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketFault {
    /// There is no such bucket.
    Missing,
    /// Its policy does not allow it.
    Denied,
}

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no such key, or its policy does not allow it.
    Denied,
    /// It is disabled.
    Disabled,
}

/// What an account is to an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Organization {
    /// It belongs to none.
    None,
    /// It is a member.
    Member,
    /// It manages one, or CloudTrail for it.
    Management,
}
