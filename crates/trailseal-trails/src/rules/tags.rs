//! Tags (docs/spec/wire-protocol.md 4.4).
//!
//! All texts are ours (I) but those on the Region and account of an ARN (R); so are that `ListTags` answers in the
//! Region of the ARN only (two reports say so (R), against 4.3), that a tag without a value is listed without one,
//! and what is answered to ARNs of other resources of CloudTrail.

use std::sync::Arc;

use super::{
    Call, Outcome,
    find::{TrailId, malformed, wrong_arn},
};
use crate::{
    answer::{Body, OperationAnswer, ResourceTags},
    error::{ApiError, ErrorCode},
    input::Input,
    names::Arn,
    selectors::shorten,
    state::{Change, Tag, Trail},
};

const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;
const MAX_RESOURCES: usize = 20;

impl<'a> Call<'a> {
    pub(super) fn add_tags(self) -> Result<Outcome, ApiError> {
        let trail = self.tagged_at_home()?;
        let added = self.tags()?.ok_or_else(|| invalid("TagsList is required."))?;
        let mut trail = Trail::clone(trail);
        for tag in added {
            match trail.tags.iter_mut().find(|before| before.key == tag.key) {
                Some(before) => *before = tag,
                None => trail.tags.push(tag),
            }
        }
        check_count(&trail.tags)?;
        Ok((OperationAnswer::empty(), Some(Change::put(trail))))
    }

    pub(super) fn remove_tags(self) -> Result<Outcome, ApiError> {
        let trail = self.tagged_at_home()?;
        let removed = self.tags().map_err(|error| match error.code {
            // no limit is declared for this operation
            ErrorCode::TagsLimitExceededException => invalid(error.message),
            _ => error,
        })?;
        let removed = removed.ok_or_else(|| invalid("TagsList is required."))?;
        let mut trail = Trail::clone(trail);
        trail.tags.retain(|tag| removed.iter().all(|removed| removed.key != tag.key));
        Ok((OperationAnswer::empty(), Some(Change::put(trail))))
    }

    pub(super) fn list_tags(self) -> Result<Outcome, ApiError> {
        let ids = self.input.texts("ResourceIdList")?.unwrap_or_default();
        if !(1..=MAX_RESOURCES).contains(&ids.len()) {
            return Err(ApiError::new(
                ErrorCode::InvalidParameterException,
                "ResourceIdList can have 1 to 20 ARNs.",
            ));
        }
        if self.input.text("NextToken")?.is_some_and(|token| !token.is_empty()) {
            return Err(ApiError::new(ErrorCode::InvalidTokenException, "The token is not valid."));
        }
        let mut resources = Vec::with_capacity(ids.len());
        for id in ids {
            let trail = self.tagged(&id)?;
            if trail.home_region != self.caller.region {
                return Err(wrong_arn(format!(
                    "Region in ARN is wrong, you can only access resources in region {}.",
                    self.caller.region
                )));
            }
            resources.push(ResourceTags { tags_list: trail.tags.clone(), resource_id: id });
        }
        Ok((OperationAnswer(Body::ListTags { resources }), None))
    }

    /// The tags of a request, if it has any.
    pub(super) fn tags(self) -> Result<Option<Vec<Tag>>, ApiError> {
        let Some(tags) = self.input.structures("TagsList", Tag::read)? else { return Ok(None) };
        for (index, tag) in tags.iter().enumerate() {
            if tags[..index].iter().any(|before| before.key == tag.key) {
                return Err(invalid(format!(
                    "The tag key {} is specified more than once.",
                    shorten(&tag.key)
                )));
            }
            // more cannot be right, and the search above takes the square of them
            if index >= 4 * MAX_TAGS {
                return Err(too_many());
            }
        }
        Ok(Some(tags))
    }

    fn tagged_at_home(self) -> Result<&'a Arc<Trail>, ApiError> {
        let id = self.input.text("ResourceId")?.unwrap_or_default();
        let trail = self.tagged(id)?;
        self.check_home(trail)?;
        Ok(trail)
    }

    fn tagged(self, id: &str) -> Result<&'a Arc<Trail>, ApiError> {
        let arn = Arn::parse(id).filter(|arn| arn.service == "cloudtrail").ok_or_else(malformed)?;
        let other = |code, message| Err(ApiError::new(code, message));
        match arn.resource.split_once('/').map(|(kind, _)| kind) {
            Some("trail") => {}
            Some("eventdatastore") => {
                return other(
                    ErrorCode::EventDataStoreNotFoundException,
                    "The specified event data store was not found.",
                );
            }
            Some("channel") => {
                return other(ErrorCode::ResourceNotFoundException, "The specified channel was not found.");
            }
            Some("dashboard") => {
                return other(
                    ErrorCode::ResourceTypeNotSupportedException,
                    "The specified resource type is not supported.",
                );
            }
            _ => return Err(malformed()),
        }
        let id = TrailId::parse_arn(id)?;
        self.find(id)?.ok_or_else(|| {
            ApiError::new(ErrorCode::ResourceNotFoundException, "The specified resource was not found.")
        })
    }
}

impl Tag {
    fn read(input: Input<'_>) -> Result<Self, ApiError> {
        let key = input.text("Key")?.unwrap_or_default().to_owned();
        let value = input.text("Value")?.map(str::to_owned);
        if !(1..=MAX_KEY).contains(&key.chars().count()) {
            return Err(invalid("A tag key has 1 to 128 characters."));
        }
        if value.as_deref().unwrap_or_default().chars().count() > MAX_VALUE {
            return Err(invalid("A tag value has at most 256 characters."));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(invalid("A tag key cannot start with aws:, which is reserved."));
        }
        Ok(Self { key, value })
    }
}

/// A trail has at most 50 tags.
pub(super) fn check_count(tags: &[Tag]) -> Result<(), ApiError> {
    if tags.len() > MAX_TAGS { Err(too_many()) } else { Ok(()) }
}

fn too_many() -> ApiError {
    ApiError::new(ErrorCode::TagsLimitExceededException, "A trail can have at most 50 tags.")
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidTagParameterException, message)
}
