//! `tagging:GetResources` of the Resource Groups Tagging API, which Cloud Custodian asks for the tags of trails.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Known;
use crate::{
    api::{ApiError, ErrorCode},
    service::TaggedResource,
    wire::{self, WireRequest},
};

/// The types of resources that stand for trails.
const TYPES: [&str; 2] = ["cloudtrail", "cloudtrail:trail"];

/// The trails at home in the Region of the call that have tags, in one page.
pub(super) fn resources(request: &WireRequest<'_>, known: &Known<'_>) -> Result<Value, ApiError> {
    let input = wire::input(request.body)?;
    let asked = TagQuery::deserialize(&input)
        .map_err(|error| ApiError::new(ErrorCode::SerializationException, error.to_string()))?;
    let tagged = known.cloudtrail.tagged_trails(known.caller);
    let items = tagged.into_iter().filter(|resource| !resource.tags.is_empty() && asked.wants(resource));
    let items: Vec<Value> = items
        .map(|TaggedResource { arn, tags }| {
            let tags: Vec<Value> =
                tags.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
            json!({ "ResourceARN": arn, "Tags": tags })
        })
        .collect();
    Ok(json!({ "PaginationToken": "", "ResourceTagMappingList": items }))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagQuery {
    #[serde(rename = "ResourceARNList")]
    arns: Vec<String>,
    resource_type_filters: Vec<String>,
    tag_filters: Vec<TagFilter>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagFilter {
    key: String,
    values: Vec<String>,
}

impl TagQuery {
    /// Whether a resource is of a type and has tags that are asked for; a filter without values takes any.
    fn wants(&self, resource: &TaggedResource) -> bool {
        let is_type = |kind: &String| TYPES.contains(&kind.as_str());
        let has = |filter: &TagFilter| {
            resource.tags.iter().any(|(key, value)| {
                *key == filter.key && (filter.values.is_empty() || filter.values.contains(value))
            })
        };
        (self.resource_type_filters.is_empty() || self.resource_type_filters.iter().any(is_type))
            && (self.arns.is_empty() || self.arns.contains(&resource.arn))
            && self.tag_filters.iter().all(has)
    }
}
