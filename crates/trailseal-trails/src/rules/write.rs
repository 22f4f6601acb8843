//! `CreateTrail`, `UpdateTrail`, `DeleteTrail` (docs/spec/wire-protocol.md 4.1, 4.2).
//!
//! Ours (I): in which order a request's faults are found, but that the topic comes before the bucket; that the
//! limit and the uniqueness of names hold in every Region that a multi-Region trail gets a shadow in, and also when
//! `UpdateTrail` makes a trail one (which declares no error for it); and the texts on a missing name or bucket.
//! So is that an empty prefix removes it, that empty texts are absent ones in a new trail, and that every update asks for the
//! bucket again. `RecursiveLogging` (D) is answered as the last member, where older models do not see it (I).
//! "Trail NAME already exists for customer: ACCOUNT" is seen in reports (R).

use super::{Call, Outcome, tags::check_count};
use crate::{
    answer::{Body, OperationAnswer, TrailAnswer},
    error::{ApiError, ErrorCode},
    names::{check_bucket_name, check_prefix, check_trail_name},
    selectors,
    state::{Change, Deliveries, Logging, Trail},
};

const MAX_TRAILS: usize = 5;

impl Call<'_> {
    pub(super) fn create_trail(self) -> Result<Outcome, ApiError> {
        let name = self.input.text("Name")?.unwrap_or_default();
        check_trail_name(name)?;
        let tags = self.tags()?.unwrap_or_default();
        check_count(&tags)?;
        let blank = Trail {
            name: name.to_owned(),
            account: self.caller.account.clone(),
            home_region: self.caller.region.clone(),
            bucket: String::new(),
            prefix: None,
            topic: None,
            includes_global_service_events: true,
            is_multi_region: false,
            validates_log_files: false,
            log_group: None,
            key: None,
            is_organization: false,
            is_recursive: true,
            selectors: selectors::of_new_trail(),
            insights: Vec::new(),
            tags,
            logging: Logging::default(),
            changed: Some(self.caller.now),
            deliveries: Deliveries::default(),
        };
        let mut trail = self.with_settings(&blank)?;
        check_bucket_name(&trail.bucket)?;
        self.check_room(&trail, false)?;
        self.check_services(&mut trail, None)?;
        let answer = OperationAnswer(Body::Trail(Box::new(TrailAnswer::brief(&trail))));
        Ok((answer, Some(Change::put(trail))))
    }

    pub(super) fn update_trail(self) -> Result<Outcome, ApiError> {
        let before = self.named_trail_at_home("Name")?;
        let mut trail = self.with_settings(before)?;
        if trail.is_multi_region && !before.is_multi_region {
            self.check_room(&trail, true)?;
        }
        self.check_services(&mut trail, Some(before))?;
        trail.note_change(before, self.caller.now);
        let answer = TrailAnswer::brief(&trail);
        let is_topic_removed = self.input.text("SnsTopicName")? == Some("");
        let answer = if is_topic_removed { answer.with_empty_topic() } else { answer };
        Ok((OperationAnswer(Body::Trail(Box::new(answer))), Some(Change::put(trail))))
    }

    pub(super) fn delete_trail(self) -> Result<Outcome, ApiError> {
        let trail = self.named_trail_at_home("Name")?;
        Ok((OperationAnswer::empty(), Some(Change::delete(trail))))
    }

    /// The trail with what the request says; what it does not say is kept.
    fn with_settings(self, before: &Trail) -> Result<Trail, ApiError> {
        let mut trail = before.clone();
        let input = self.input;
        let set = |setting: &mut bool, name: &str| -> Result<(), ApiError> {
            if let Some(value) = input.flag(name)? {
                *setting = value;
            }
            Ok(())
        };
        set(&mut trail.includes_global_service_events, "IncludeGlobalServiceEvents")?;
        set(&mut trail.is_multi_region, "IsMultiRegionTrail")?;
        set(&mut trail.validates_log_files, "EnableLogFileValidation")?;
        set(&mut trail.is_organization, "IsOrganizationTrail")?;
        set(&mut trail.is_recursive, "RecursiveLogging")?;
        if trail.is_multi_region && !trail.includes_global_service_events {
            return Err(ApiError::new(
                ErrorCode::InvalidParameterCombinationException,
                "Multi-Region trail must include global service events.",
            ));
        }
        if let Some(bucket) = input.text("S3BucketName")? {
            check_bucket_name(bucket)?;
            bucket.clone_into(&mut trail.bucket);
        }
        if let Some(prefix) = input.text("S3KeyPrefix")? {
            trail.prefix = match prefix {
                "" => None,
                prefix => {
                    check_prefix(prefix)?;
                    Some(prefix.to_owned())
                }
            };
        }
        if let Some(topic) = input.text("SnsTopicName")? {
            trail.topic = if topic.is_empty() { None } else { Some(self.topic(topic)?) };
        }
        trail.log_group = self.log_group(before.log_group.as_ref())?;
        if let Some(key) = input.text("KmsKeyId")? {
            trail.key = if key.is_empty() { None } else { Some(self.key(key)?) };
        }
        if trail.is_organization && !before.is_organization {
            self.check_organization()?;
        }
        Ok(trail)
    }

    /// A trail that is new, or new to other Regions, has a name and a place in each of its Regions.
    fn check_room(self, trail: &Trail, is_update: bool) -> Result<(), ApiError> {
        let is_itself =
            |other: &Trail| is_update && other.name == trail.name && other.home_region == trail.home_region;
        let others = || self.account.trails().filter(|other| !is_itself(other));
        let shares_region = |other: &Trail| trail.is_multi_region || other.is_visible_in(&trail.home_region);
        if others().any(|other| other.name == trail.name && shares_region(other)) {
            return Err(ApiError::new(
                ErrorCode::TrailAlreadyExistsException,
                format!("Trail {} already exists for customer: {}", trail.name, trail.account),
            ));
        }
        let elsewhere = self.account.regions().filter(|_| trail.is_multi_region);
        for region in std::iter::once(trail.home_region.as_str()).chain(elsewhere) {
            if others().filter(|other| other.is_visible_in(region)).count() >= MAX_TRAILS {
                return Err(ApiError::new(
                    ErrorCode::MaximumNumberOfTrailsExceededException,
                    format!("User: {} already has {MAX_TRAILS} trails in {region}.", trail.account),
                ));
            }
        }
        Ok(())
    }
}
