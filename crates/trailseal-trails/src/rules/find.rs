//! Which trail a request names (docs/spec/wire-protocol.md 4.1).
//!
//! "Unknown trail: NAME for the user: ACCOUNT" is the service's (N): of an ARN, too, `GetTrail` says the name alone
//! (N), which is taken for the other operations (I). `GetTrailStatus` and `GetEventSelectors` say the ARN, also of a
//! bare name (N, R). "Region in ARN is wrong, …" and "`AccountID` in ARN is wrong, …" are seen in reports of
//! `ListTags` (R) and taken for the other operations (I). The texts of `InvalidHomeRegionException` and of a
//! malformed ARN are ours (I).

use std::sync::Arc;

use super::Call;
use crate::{
    error::{ApiError, ErrorCode},
    names::{Arn, check_trail_name, is_account, is_region, partition, trail_arn},
    state::Trail,
};

/// What a request says of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailId<'a> {
    /// Its name; which trail that is depends on the caller's Region.
    Name(&'a str),
    /// Its ARN, in parts.
    Arn {
        /// The home Region.
        region: &'a str,
        /// The account.
        account: &'a str,
        /// The name.
        name: &'a str,
    },
}

impl<'a> TrailId<'a> {
    /// A name or an ARN, well-formed.
    ///
    /// # Errors
    /// `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
    pub fn parse(text: &'a str) -> Result<Self, ApiError> {
        if text.starts_with("arn:") {
            return Self::parse_arn(text);
        }
        check_trail_name(text)?;
        Ok(Self::Name(text))
    }

    pub(super) fn parse_arn(text: &'a str) -> Result<Self, ApiError> {
        let arn = Arn::parse(text).filter(|arn| arn.service == "cloudtrail" && is_region(arn.region));
        let arn = arn.filter(|arn| is_account(arn.account) && arn.partition == partition(arn.region));
        let name = |arn: Arn<'a>| {
            let name = arn.resource.strip_prefix("trail/")?;
            check_trail_name(name).is_ok().then_some(name)
        };
        match arn.and_then(|arn| Some((arn, name(arn)?))) {
            Some((arn, name)) => Ok(Self::Arn { region: arn.region, account: arn.account, name }),
            None => Err(malformed()),
        }
    }
}

impl<'a> Call<'a> {
    /// The trail that a member of the request names, for reading it: of this Region or a shadow by name, any
    /// by ARN.
    pub(super) fn named_trail(self, member: &str) -> Result<&'a Arc<Trail>, ApiError> {
        let (_, id) = self.trail_id(member)?;
        self.find(id)?.ok_or_else(|| match id {
            TrailId::Name(name) | TrailId::Arn { name, .. } => self.unknown(name),
        })
    }

    /// The same for operations that say the whole ARN of an unknown trail.
    pub(super) fn named_trail_by_arn(self, member: &str) -> Result<&'a Arc<Trail>, ApiError> {
        let (text, id) = self.trail_id(member)?;
        self.find(id)?.ok_or_else(|| match id {
            TrailId::Name(name) => self.unknown(&trail_arn(&self.caller.region, &self.caller.account, name)),
            TrailId::Arn { .. } => self.unknown(text),
        })
    }

    /// The trail that a member of the request names, for changing it: that is done in its home Region.
    pub(super) fn named_trail_at_home(self, member: &str) -> Result<&'a Arc<Trail>, ApiError> {
        let trail = self.named_trail(member)?;
        self.check_home(trail)?;
        Ok(trail)
    }

    pub(super) fn check_home(self, trail: &Trail) -> Result<(), ApiError> {
        if trail.home_region == self.caller.region {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::InvalidHomeRegionException,
            format!(
                "The trail {} can be changed only in its home region: {}.",
                trail.arn(),
                trail.home_region
            ),
        ))
    }

    /// The trail, if there is one.
    pub(super) fn find(self, id: TrailId<'_>) -> Result<Option<&'a Arc<Trail>>, ApiError> {
        match id {
            TrailId::Arn { region, account, name } => {
                self.check_account(account)?;
                Ok(self.account.trail(region, name))
            }
            TrailId::Name(name) => Ok(self.find_name(name)),
        }
    }

    /// The trail that a bare name stands for in this Region.
    pub(super) fn find_name(self, name: &str) -> Option<&'a Arc<Trail>> {
        let own = self.account.trail(&self.caller.region, name);
        let shadow = || self.account.trails().find(|trail| trail.is_multi_region && trail.name == name);
        own.or_else(shadow)
    }

    pub(super) fn check_account(self, account: &str) -> Result<(), ApiError> {
        if account == self.caller.account {
            return Ok(());
        }
        Err(wrong_arn(format!(
            "AccountID in ARN is wrong, you can only access resources with AccountID {}.",
            self.caller.account
        )))
    }

    fn trail_id(self, member: &str) -> Result<(&'a str, TrailId<'a>), ApiError> {
        let text = self.input.text(member)?.unwrap_or_default();
        Ok((text, TrailId::parse(text)?))
    }

    fn unknown(self, text: &str) -> ApiError {
        ApiError::new(
            ErrorCode::TrailNotFoundException,
            format!("Unknown trail: {text} for the user: {}", self.caller.account),
        )
    }
}

pub(super) fn wrong_arn(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::CloudTrailARNInvalidException, message)
}

pub(super) fn malformed() -> ApiError {
    wrong_arn(
        "The ARN is not valid. The following is the format of a trail ARN: arn:aws:cloudtrail:us-east-2:123456789012:trail/MyTrail",
    )
}
