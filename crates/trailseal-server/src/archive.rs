//! The read-only service over a downloaded archive.
//!
//! It tells what digests and key files say, and leaves out what they do not. With keys, trails are left out of which no
//! digest that was looked at is authentic; whether the archive is what AWS signed is for `verify`.

mod describe;
mod discover;
mod input;
pub(crate) mod keys;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trailseal_evidence::inputs::Inputs;
use trailseal_trails::{Input, TrailId, trail_arn};
use trailseal_verify::{KeyRing, PublicKey};

use self::discover::{Found, Trail};
use crate::api::{ApiError, Caller, ErrorCode, Operation, second};

/// The trails of an archive: it answers `ListPublicKeys`, `DescribeTrails`, `GetTrail`, `ListTrails` and `GetTrailStatus`,
/// and refuses what would change it.
#[derive(Debug)]
pub struct ArchiveTrails {
    trails: Vec<Trail>,
    account: Option<String>,
    keys: Vec<PublicKey>,
    unproven: BTreeSet<String>,
}

impl ArchiveTrails {
    /// Finds the trails of the archive in the folders of the inputs. Reads the names of all digests, and of every chain the newest
    /// digest that can be read, and with keys is authentic: a trail that only others name is left out.
    ///
    /// `account` is the account that the server plays; without it all trails are shown.
    pub fn open(inputs: &Inputs, keys: Vec<PublicKey>, account: Option<String>) -> Self {
        let ring = KeyRing::new(keys.iter().cloned());
        let Found { trails, unproven } = discover::trails(inputs, account.as_deref(), &ring);
        Self { trails, account, keys, unproven }
    }

    /// The ARNs of trails that are left out: there are keys, and none proves one of the newest digests that name them.
    pub fn unproven_trails(&self) -> impl Iterator<Item = &str> {
        self.unproven.iter().map(String::as_str)
    }

    /// The trails of the account that the server plays, and those of organizations.
    fn visible(&self) -> impl Iterator<Item = &Trail> {
        let is_visible = |trail: &&Trail| {
            self.account.as_ref().is_none_or(|own| *own == trail.account || trail.is_organization())
        };
        self.trails.iter().filter(is_visible)
    }

    /// The trail that a name (in the caller's Region) or an ARN means.
    fn find(&self, caller: &Caller, name_or_arn: &str) -> Result<&Trail, ApiError> {
        let found = match TrailId::parse(name_or_arn)? {
            TrailId::Arn { .. } => self.visible().find(|trail| trail.arn == name_or_arn),
            TrailId::Name(name) => {
                let is_meant = |trail: &&Trail| trail.name == name && trail.is_in(&caller.region);
                // of several with one name, the caller's own
                self.visible().filter(is_meant).min_by_key(|trail| trail.account != caller.account)
            }
        };
        found.ok_or_else(|| {
            let message = format!("Unknown trail: {name_or_arn} for the user: {}", caller.account);
            ApiError::new(ErrorCode::TrailNotFoundException, message)
        })
    }

    fn describe_trails(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let input = Input::new(input)?;
        let with_shadows = input.flag("includeShadowTrails")?.unwrap_or(true);
        let names = input.texts("trailNameList")?.unwrap_or_default();
        let is_wanted = |trail: &Trail| match &names {
            names if names.is_empty() => trail.is_in(&caller.region),
            names => names
                .iter()
                .any(|name| *name == trail.arn || *name == trail.name && trail.is_in(&caller.region)),
        };
        let is_own = |trail: &Trail| with_shadows || trail.home == caller.region;
        let trails = self.visible().filter(|trail| is_wanted(trail) && is_own(trail));
        Ok(json!({ "trailList": trails.map(|trail| self.describe(trail)).collect::<Vec<_>>() }))
    }

    /// Whether a name (in the caller's Region) or an ARN means a trail of the archive.
    pub(crate) fn has_trail(&self, caller: &Caller, name_or_arn: &str) -> bool {
        self.find(caller, name_or_arn).is_ok()
    }

    /// Its public keys.
    pub(crate) fn public_keys(&self) -> &[PublicKey] {
        &self.keys
    }

    fn get_trail(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let trail = self.find(caller, input::name(input)?)?;
        Ok(json!({ "Trail": self.describe(trail) }))
    }

    /// With keys, every trail that is left has an authentic digest; without them nothing is known to be one.
    fn describe(&self, trail: &Trail) -> Value {
        describe::trail(trail, !self.keys.is_empty())
    }

    fn list_trails(&self) -> Value {
        json!({ "Trails": self.visible().map(describe::short).collect::<Vec<_>>() })
    }

    fn get_trail_status(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let name = input::name(input)?;
        let trail = self.find(caller, name).map_err(|error| with_arn(error, caller, name))?;
        Ok(describe::status(trail, &caller.region, second(caller.now)))
    }

    /// Answers one call about trails.
    ///
    /// # Errors
    /// [`ApiError`], which goes to the client as it is.
    pub(crate) fn answer(
        &self,
        caller: &Caller,
        operation: Operation,
        input: &Value,
    ) -> Result<Value, ApiError> {
        match operation {
            Operation::DescribeTrails => self.describe_trails(caller, input),
            Operation::GetTrail => self.get_trail(caller, input),
            Operation::ListTrails => Ok(self.list_trails()),
            Operation::GetTrailStatus => self.get_trail_status(caller, input),
            Operation::GetEventSelectors | Operation::GetInsightSelectors | Operation::ListTags => {
                let message = format!("An archive does not tell what {} asks for.", operation.as_str());
                Err(ApiError::new(ErrorCode::UnsupportedOperationException, message))
            }
            _ => {
                let message = format!(
                    "This server serves an archive, which is read-only: {} is not permitted.",
                    operation.as_str()
                );
                Err(ApiError::new(ErrorCode::OperationNotPermittedException, message))
            }
        }
    }
}

/// `GetTrailStatus` says the ARN of a trail that it does not know.
fn with_arn(error: ApiError, caller: &Caller, name: &str) -> ApiError {
    if error.code != ErrorCode::TrailNotFoundException || name.starts_with("arn:") {
        return error;
    }
    let arn = trail_arn(&caller.region, &caller.account, name);
    ApiError { message: format!("Unknown trail: {arn} for the user: {}", caller.account), ..error }
}

#[cfg(test)]
mod tests;
