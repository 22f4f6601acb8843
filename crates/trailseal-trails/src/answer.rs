//! Answers, with their members in the order of the API reference; what is absent is left out.
//!
//! `HasCustomEventSelectors` says that the selectors differ from those of a new trail (I).

use serde::Serialize;

use crate::{
    insights::InsightSelector,
    selectors::{self, SelectorsDocument},
    state::{Tag, Trail},
    status::Status,
};

/// The answer of a call. It serialises to the members in the order of the API reference.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OperationAnswer(pub(crate) Body);

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Empty {},
    Trail(Box<TrailAnswer>),
    GetTrail {
        #[serde(rename = "Trail")]
        trail: Box<TrailAnswer>,
    },
    DescribeTrails {
        #[serde(rename = "trailList")]
        trails: Vec<TrailAnswer>,
    },
    ListTrails {
        #[serde(rename = "Trails")]
        trails: Vec<TrailInfo>,
    },
    Status(Box<Status>),
    EventSelectors(SelectorsDocument),
    InsightSelectors {
        #[serde(rename = "TrailARN")]
        trail_arn: String,
        #[serde(rename = "InsightSelectors")]
        selectors: Vec<InsightSelector>,
    },
    ListTags {
        #[serde(rename = "ResourceTagList")]
        resources: Vec<ResourceTags>,
    },
}

/// A trail, as `CreateTrail` and `UpdateTrail` (without its home Region and selectors) and as the reads show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TrailAnswer {
    name: String,
    #[serde(rename = "S3BucketName")]
    bucket: String,
    #[serde(rename = "S3KeyPrefix", skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sns_topic_name: Option<String>,
    #[serde(rename = "SnsTopicARN", skip_serializing_if = "Option::is_none")]
    sns_topic_arn: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_region: Option<String>,
    #[serde(rename = "TrailARN")]
    trail_arn: String,
    log_file_validation_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_log_group_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_watch_logs_role_arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kms_key_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_custom_event_selectors: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_insight_selectors: Option<bool>,
    is_organization_trail: bool,
    recursive_logging: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TrailInfo {
    #[serde(rename = "TrailARN")]
    pub(crate) trail_arn: String,
    pub(crate) name: String,
    pub(crate) home_region: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ResourceTags {
    pub(crate) resource_id: String,
    pub(crate) tags_list: Vec<Tag>,
}

impl OperationAnswer {
    pub(crate) fn empty() -> Self {
        Self(Body::Empty {})
    }
}

impl TrailAnswer {
    /// As the reads show it.
    pub(crate) fn full(trail: &Trail) -> Self {
        Self {
            home_region: Some(trail.home_region.clone()),
            has_custom_event_selectors: Some(trail.selectors != selectors::of_new_trail()),
            has_insight_selectors: Some(!trail.insights.is_empty()),
            ..Self::brief(trail)
        }
    }

    /// As `CreateTrail` and `UpdateTrail` show it.
    pub(crate) fn brief(trail: &Trail) -> Self {
        Self {
            name: trail.name.clone(),
            bucket: trail.bucket.clone(),
            prefix: trail.prefix.clone(),
            sns_topic_name: trail.topic.as_ref().map(|topic| topic.name.clone()),
            sns_topic_arn: trail.topic.as_ref().map(|topic| topic.arn.clone()),
            include_global_service_events: trail.includes_global_service_events,
            is_multi_region_trail: trail.is_multi_region,
            home_region: None,
            trail_arn: trail.arn(),
            log_file_validation_enabled: trail.validates_log_files,
            cloud_watch_logs_log_group_arn: trail.log_group.as_ref().map(|logs| logs.group_arn.clone()),
            cloud_watch_logs_role_arn: trail.log_group.as_ref().map(|logs| logs.role_arn.clone()),
            kms_key_id: trail.key.clone(),
            has_custom_event_selectors: None,
            has_insight_selectors: None,
            is_organization_trail: trail.is_organization,
            recursive_logging: trail.is_recursive,
        }
    }

    /// The answer to an update that removed the topic has its members, and they are empty.
    pub(crate) fn with_empty_topic(self) -> Self {
        Self { sns_topic_name: Some(String::new()), sns_topic_arn: Some(String::new()), ..self }
    }
}
