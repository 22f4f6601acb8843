//! The read-only service over a downloaded archive.
//!
//! It tells what digests, key files and events of CloudTrail's own calls say. What they do not say is what a new
//! trail has, where AWS always answers it, and is left out elsewhere (docs/spec/wire-protocol.md 4.6). With keys,
//! trails are left out of which no digest that was looked at is authentic; whether the archive is what AWS signed is
//! for `verify`.

mod describe;
mod discover;
mod history;
mod input;
pub(crate) mod keys;
pub(crate) mod renewal;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use trailseal_evidence::{events::LookupError, inputs::Inputs};
use trailseal_query::lookup::LookupSource;
use trailseal_trails::{Input, SelectorsAnswer, TrailId, trail_arn};
use trailseal_verify::{KeyRing, PublicKey};

use self::{
    discover::{Found, Trail},
    history::TrailHistory,
};
use crate::api::{ApiError, Caller, ErrorCode, Operation, Timestamp, second};

/// The trails of an archive: it answers what only reads, and refuses what would change it.
#[derive(Debug)]
pub struct ArchiveTrails {
    trails: Vec<Trail>,
    account: Option<String>,
    keys: Vec<PublicKey>,
    unproven: BTreeSet<String>,
    /// By ARN, what events tell of a trail.
    histories: BTreeMap<String, TrailHistory>,
}

/// How many resources `ListTags` may be asked for at once.
pub(crate) const MAX_TAGGED: usize = 20;

impl ArchiveTrails {
    /// Finds the trails of the archive in the folders of the inputs. Reads the names of all digests, and of every
    /// chain the newest digest that can be read, and with keys is authentic: a trail that only others name is left
    /// out.
    ///
    /// `account` is the account that the server plays; without it all trails are shown.
    pub fn open(inputs: &Inputs, keys: Vec<PublicKey>, account: Option<String>) -> Self {
        let ring = KeyRing::new(keys.iter().cloned());
        let Found { trails, unproven } = discover::trails(inputs, account.as_deref(), &ring);
        Self { trails, account, keys, unproven, histories: BTreeMap::new() }
    }

    /// With what events of CloudTrail's calls tell of the trails: their selectors, tags and settings, and when they
    /// were started and stopped.
    ///
    /// # Errors
    /// [`LookupError`], when the events cannot be read.
    pub fn told_by(
        mut self,
        events: &dyn LookupSource<Error = LookupError>,
        now: Timestamp,
    ) -> Result<Self, LookupError> {
        if self.trails.is_empty() {
            return Ok(self);
        }
        let calls = history::calls(events, second(now))?;
        let history = |trail: &Trail| (trail.arn.clone(), TrailHistory::of(trail, &calls));
        self.histories = self.trails.iter().map(history).collect();
        Ok(self)
    }

    /// Whether digests name any trail, proven or not.
    pub fn has_trails(&self) -> bool {
        !self.trails.is_empty() || !self.unproven.is_empty()
    }

    /// The ARNs of trails whose event selectors no event tells: they are answered as those of a new trail.
    pub fn trails_of_unknown_selectors(&self) -> impl Iterator<Item = &str> {
        let is_unknown =
            |trail: &&Trail| self.history(trail).is_none_or(|history| history.selectors.is_none());
        self.trails.iter().filter(is_unknown).map(|trail| trail.arn.as_str())
    }

    /// The Regions of its trails' digests.
    pub(crate) fn regions(&self) -> BTreeSet<String> {
        self.trails.iter().flat_map(|trail| trail.regions.keys().chain([&trail.home])).cloned().collect()
    }

    fn history(&self, trail: &Trail) -> Option<&TrailHistory> {
        self.histories.get(&trail.arn)
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
            let name = name_or_arn.rsplit_once('/').map_or(name_or_arn, |(_, name)| name);
            let message = format!("Unknown trail: {name} for the user: {}", caller.account);
            ApiError::new(ErrorCode::TrailNotFoundException, message)
        })
    }

    /// The same for operations that say the ARN of a trail that is not known.
    fn find_by_arn(&self, caller: &Caller, name_or_arn: &str) -> Result<&Trail, ApiError> {
        self.find(caller, name_or_arn).map_err(|error| with_arn(error, caller, name_or_arn))
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
        describe::trail(trail, self.history(trail), !self.keys.is_empty())
    }

    fn list_trails(&self) -> Value {
        json!({ "Trails": self.visible().map(describe::short).collect::<Vec<_>>() })
    }

    fn get_trail_status(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let trail = self.find_by_arn(caller, input::name(input)?)?;
        Ok(describe::status(trail, self.history(trail), &caller.region, second(caller.now)))
    }

    fn get_event_selectors(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let name = Input::new(input)?.text("TrailName")?.unwrap_or_default();
        let trail = self.find_by_arn(caller, name)?;
        let told = self.history(trail).and_then(|history| history.selectors.clone());
        Ok(told.unwrap_or_else(|| SelectorsAnswer::of_new_trail(&trail.arn)).answer)
    }

    fn get_insight_selectors(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let members = Input::new(input)?;
        if members.text("EventDataStore")?.or(members.text("InsightsDestination")?).is_some() {
            let message = "Event data stores are not supported.";
            return Err(ApiError::new(ErrorCode::UnsupportedOperationException, message));
        }
        let trail = self.find(caller, members.text("TrailName")?.unwrap_or_default())?;
        let told = self.history(trail).and_then(|history| history.insights.as_ref());
        if let Some(selectors) = told.filter(|selectors| !selectors.is_empty()) {
            return Ok(json!({ "TrailARN": trail.arn, "InsightSelectors": selectors }));
        }
        let message = format!(
            "Trail {} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again.",
            trail.arn
        );
        Err(ApiError::new(ErrorCode::InsightNotEnabledException, message))
    }

    fn list_tags(&self, caller: &Caller, input: &Value) -> Result<Value, ApiError> {
        let ids = Input::new(input)?.texts("ResourceIdList")?.unwrap_or_default();
        if ids.is_empty() || ids.len() > MAX_TAGGED {
            let message = format!("ResourceIdList can have 1 to {MAX_TAGGED} ARNs.");
            return Err(ApiError::new(ErrorCode::InvalidParameterException, message));
        }
        let mut resources = Vec::with_capacity(ids.len());
        for id in ids {
            let TrailId::Arn { region, .. } = TrailId::parse(&id)? else {
                let message = format!("{id} is no ARN of a trail.");
                return Err(ApiError::new(ErrorCode::CloudTrailARNInvalidException, message));
            };
            let trail = self.visible().find(|trail| trail.arn == id).ok_or_else(|| {
                ApiError::new(ErrorCode::ResourceNotFoundException, "The specified resource was not found.")
            })?;
            if region != caller.region {
                let message = format!(
                    "Region in ARN is wrong, you can only access resources in region {}.",
                    caller.region
                );
                return Err(ApiError::new(ErrorCode::CloudTrailARNInvalidException, message));
            }
            let told = self.history(trail).into_iter().flat_map(|history| &history.tags);
            let tags: Vec<Value> = told.map(|(key, value)| describe::tag(key, value.as_deref())).collect();
            resources.push(json!({ "ResourceId": id, "TagsList": tags }));
        }
        Ok(json!({ "ResourceTagList": resources }))
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
            Operation::GetEventSelectors => self.get_event_selectors(caller, input),
            Operation::GetInsightSelectors => self.get_insight_selectors(caller, input),
            Operation::ListTags => self.list_tags(caller, input),
            _ => {
                let message = format!(
                    "This server serves an archive, which is read-only: {} is not permitted. With --data-dir it has local trails.",
                    operation.as_str()
                );
                Err(ApiError::new(ErrorCode::OperationNotPermittedException, message))
            }
        }
    }
}

/// `GetTrailStatus` and `GetEventSelectors` say the ARN of a trail that they do not know.
fn with_arn(error: ApiError, caller: &Caller, name: &str) -> ApiError {
    if error.code != ErrorCode::TrailNotFoundException {
        return error;
    }
    let is_arn = name.starts_with("arn:");
    let arn = if is_arn { name.to_owned() } else { trail_arn(&caller.region, &caller.account, name) };
    ApiError { message: format!("Unknown trail: {arn} for the user: {}", caller.account), ..error }
}

#[cfg(test)]
mod tests;
