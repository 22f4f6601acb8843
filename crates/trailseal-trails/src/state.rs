//! What is known of an account's trails.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use trailseal_archive::trail::DeliveredTrail;
use trailseal_query::selectors::Rules;

use crate::{
    Millis,
    insights::InsightSelector,
    names::trail_arn,
    selectors::{self, SelectorsDocument},
};

/// The trails of one account, in all Regions. Copies share what they have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// By home Region and name.
    trails: BTreeMap<(String, String), Arc<Trail>>,
}

/// What a call changes: one trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Change(pub(crate) Action);

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// It is like this from now on.
    Put(Arc<Trail>),
    /// It is gone.
    Delete { home_region: String, name: String },
}

/// A trail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trail {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) home_region: String,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) topic: Option<Topic>,
    pub(crate) includes_global_service_events: bool,
    pub(crate) is_multi_region: bool,
    pub(crate) validates_log_files: bool,
    pub(crate) log_group: Option<LogGroup>,
    pub(crate) key: Option<String>,
    pub(crate) is_organization: bool,
    pub(crate) is_recursive: bool,
    pub(crate) selectors: Rules,
    pub(crate) insights: Vec<InsightSelector>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) logging: Logging,
    /// When what matters to delivery last changed; rows of older versions do not say it.
    #[serde(default)]
    pub(crate) changed: Option<Millis>,
    pub(crate) deliveries: Deliveries,
}

/// An SNS topic, as the user spelled it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub(crate) name: String,
    pub(crate) arn: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogGroup {
    pub(crate) group_arn: String,
    pub(crate) role_arn: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tag {
    pub(crate) key: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) value: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) is_on: bool,
    pub(crate) started: Option<Millis>,
    pub(crate) stopped: Option<Millis>,
}

/// How deliveries went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deliveries {
    pub(crate) log: Delivery,
    pub(crate) digest: Delivery,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) attempted: Option<Millis>,
    pub(crate) succeeded: Option<Millis>,
    /// Of the last attempt, if it failed.
    pub(crate) error: Option<String>,
}

impl Account {
    /// The account after this change.
    #[must_use]
    pub fn with(&self, change: &Change) -> Self {
        let mut trails = self.trails.clone();
        match &change.0 {
            Action::Put(trail) => {
                trails.insert((trail.home_region.clone(), trail.name.clone()), Arc::clone(trail));
            }
            Action::Delete { home_region, name } => {
                trails.remove(&(home_region.clone(), name.clone()));
            }
        }
        Self { trails }
    }

    /// The trails that are logging or were. One that is deleted is gone.
    pub fn delivered_trails(&self) -> Vec<DeliveredTrail> {
        self.trails().filter_map(|trail| trail.as_delivered()).collect()
    }

    /// All trails, by Region and name.
    pub(crate) fn trails(&self) -> impl Iterator<Item = &Arc<Trail>> {
        self.trails.values()
    }

    pub(crate) fn trail(&self, home_region: &str, name: &str) -> Option<&Arc<Trail>> {
        self.trails.get(&(home_region.to_owned(), name.to_owned()))
    }

    /// The trails of a Region: its own, and the shadows of multi-Region trails.
    pub(crate) fn visible_in<'a>(&'a self, region: &'a str) -> impl Iterator<Item = &'a Arc<Trail>> {
        self.trails().filter(move |trail| trail.is_visible_in(region))
    }

    /// The Regions in which trails are at home.
    pub(crate) fn regions(&self) -> impl Iterator<Item = &str> {
        let mut regions: Vec<_> = self.trails.keys().map(|(region, _)| region.as_str()).collect();
        regions.dedup();
        regions.into_iter()
    }
}

impl Change {
    pub(crate) fn put(trail: Trail) -> Self {
        Self(Action::Put(Arc::new(trail)))
    }

    pub(crate) fn delete(trail: &Trail) -> Self {
        Self(Action::Delete { home_region: trail.home_region.clone(), name: trail.name.clone() })
    }
}

impl Trail {
    pub(crate) fn arn(&self) -> String {
        trail_arn(&self.home_region, &self.account, &self.name)
    }

    pub(crate) fn is_visible_in(&self, region: &str) -> bool {
        self.is_multi_region || self.home_region == region
    }

    /// The time of a change, if it matters to delivery.
    pub(crate) fn note_change(&mut self, before: &Self, now: Millis) {
        let of = |trail: &Self| {
            let flags = (trail.includes_global_service_events, trail.is_multi_region, trail.is_recursive);
            (trail.bucket.clone(), trail.prefix.clone(), trail.validates_log_files, flags)
        };
        if of(self) != of(before)
            || selectors::sorted(&self.selectors) != selectors::sorted(&before.selectors)
        {
            self.changed = Some(now);
        }
    }

    pub(crate) fn as_delivered(&self) -> Option<DeliveredTrail> {
        let since = self.logging.started?;
        let selectors = SelectorsDocument::of(self.arn(), &selectors::sorted(&self.selectors));
        Some(DeliveredTrail {
            arn: self.arn(),
            name: self.name.clone(),
            account: self.account.clone(),
            home_region: self.home_region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            multi_region: self.is_multi_region,
            include_global_service_events: self.includes_global_service_events,
            validation: self.validates_log_files,
            selectors: serde_json::to_value(selectors).ok()?,
            logging_since: since.millis(),
            logging_until: self.logging.stopped.filter(|_| !self.logging.is_on).map(Millis::millis),
            changed: self.changed.unwrap_or(since).millis(),
        })
    }
}

impl Deliveries {
    /// The same after one more attempt.
    pub(crate) fn note(&mut self, kind: DeliveryKind, time: Millis, result: Result<(), String>) {
        let delivery = match kind {
            DeliveryKind::Log => &mut self.log,
            DeliveryKind::Digest => &mut self.digest,
        };
        delivery.attempted = Some(time);
        match result {
            Ok(()) => {
                delivery.succeeded = Some(time);
                delivery.error = None;
            }
            Err(error) => delivery.error = Some(error),
        }
    }
}

/// What was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryKind {
    /// A log file.
    Log,
    /// A digest file.
    Digest,
}
