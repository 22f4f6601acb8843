//! What the user states about the trails that deliver into the archive's buckets (docs/spec/verification.md 5, row 17).
//!
//! A log that no digest names may be planted, or be another trail's that does not validate: nothing in the log or
//! its name tells. Only who knows the account's trails can exclude the second.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Which trails deliver into the folders of the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrailStatement {
    /// Those whose digests are in the archive, and no other.
    SoleTrail,
    /// These, and no other.
    Trails(Vec<StatedTrail>),
}

/// A trail as `DescribeTrails` shows it; what decides nothing is left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StatedTrail {
    /// Its name.
    pub name: String,
    /// The bucket into which it delivers.
    #[serde(rename = "S3BucketName")]
    pub bucket: String,
    /// The prefix there.
    #[serde(default, rename = "S3KeyPrefix")]
    pub prefix: Option<String>,
    /// The Region in which it was created.
    pub home_region: String,
    /// Whether it delivers from all Regions.
    #[serde(default)]
    pub is_multi_region_trail: bool,
    /// Whether it is an organization's.
    #[serde(default)]
    pub is_organization_trail: bool,
    /// Its ARN, which has the account.
    #[serde(default, rename = "TrailARN")]
    pub arn: Option<String>,
    /// Whether it writes digests.
    #[serde(default)]
    pub log_file_validation_enabled: bool,
}

/// Why a text states no trails.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not the output of `aws cloudtrail describe-trails`: {0}")]
pub struct StatementError(String);

impl TrailStatement {
    /// The output of `aws cloudtrail describe-trails`, or a list of such trails.
    ///
    /// # Errors
    /// [`StatementError`] when it is something else, or names no trail.
    pub fn parse(bytes: &[u8]) -> Result<Self, StatementError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Output {
            Described {
                #[serde(rename = "trailList", alias = "TrailList")]
                trails: Vec<StatedTrail>,
            },
            Bare(Vec<StatedTrail>),
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| StatementError(error.to_string()))?;
        let read = serde_json::from_value(value);
        let (Output::Described { trails } | Output::Bare(trails)) = read.map_err(|_| {
            let needed = "a trailList whose trails have Name, S3BucketName and HomeRegion is needed";
            StatementError(needed.to_owned())
        })?;
        if trails.is_empty() {
            return Err(StatementError("it names no trail".to_owned()));
        }
        Ok(Self::Trails(trails))
    }

    /// Whether, by this statement, every trail that delivers an account's and Region's logs into a folder of a
    /// bucket is one of `proven`: trails (name and home Region) whose digests prove what they delivered.
    pub(crate) fn excludes_others(&self, place: &Delivery<'_>, proven: &BTreeSet<(&str, &str)>) -> bool {
        let Self::Trails(trails) = self else { return true };
        let mut here = trails.iter().filter(|trail| trail.delivers_to(place)).peekable();
        here.peek().is_some()
            && here.all(|trail| {
                trail.log_file_validation_enabled && proven.contains(&(&*trail.name, &*trail.home_region))
            })
    }
}

/// Where logs lie, and whose they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivery<'a> {
    pub(crate) bucket: &'a str,
    /// With its final `/`, or empty.
    pub(crate) prefix: &'a str,
    pub(crate) organization: Option<&'a str>,
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

impl StatedTrail {
    fn delivers_to(&self, place: &Delivery<'_>) -> bool {
        let account = self.arn.as_deref().and_then(|arn| arn.split(':').nth(4));
        let is_owner = self.is_organization_trail || account.is_none_or(|account| account == place.account);
        self.bucket == place.bucket
            && self.prefix.as_deref().unwrap_or_default().trim_end_matches('/')
                == place.prefix.trim_end_matches('/')
            // An organization's trail may deliver without a folder of the organization, as early ones did.
            && (self.is_organization_trail || place.organization.is_none())
            && (self.is_multi_region_trail || self.home_region == place.region)
            && is_owner
    }
}
