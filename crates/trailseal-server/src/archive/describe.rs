//! Trails in the words of the API (docs/spec/wire-protocol.md 4.6). Of what an archive does not tell, truth values
//! are answered, because AWS always answers them; the rest is left out.

use serde_json::{Map, Value, json};
use trailseal_archive::Timestamp;
use trailseal_verify::PENDING;

use super::{
    discover::{Newest, Trail},
    history::TrailHistory,
};

/// As `GetTrail` and `DescribeTrails` show it; that it validates only where a key vouches for a digest of it.
pub(super) fn trail(trail: &Trail, history: Option<&TrailHistory>, is_proven: bool) -> Value {
    let told = history.cloned().unwrap_or_default();

    let mut value = json!({
        "Name": trail.name,
        "TrailARN": trail.arn,
        "HomeRegion": trail.home,
        "IsMultiRegionTrail": trail.is_multi_region(),
        "IsOrganizationTrail": trail.is_organization(),
        "LogFileValidationEnabled": is_proven,
        "IncludeGlobalServiceEvents": true,
        "HasCustomEventSelectors": told.selectors.is_some_and(|selectors| selectors.is_custom),
        "HasInsightSelectors": told.insights.is_some_and(|selectors| !selectors.is_empty()),
        "RecursiveLogging": true,
    });
    if let Some(members) = value.as_object_mut() {
        members.extend(told.settings);
    }
    if let (Some(place), Some(members)) = (&trail.place, value.as_object_mut()) {
        members.insert("S3BucketName".to_owned(), json!(place.bucket));
        if !place.prefix.is_empty() {
            members.insert("S3KeyPrefix".to_owned(), json!(place.prefix));
        }
    }
    value
}

/// A tag.
pub(super) fn tag(key: &str, value: Option<&str>) -> Value {
    match value {
        Some(value) => json!({ "Key": key, "Value": value }),
        None => json!({ "Key": key }),
    }
}

/// As `ListTrails` shows it.
pub(super) fn short(trail: &Trail) -> Value {
    json!({ "TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.home })
}

/// As `GetTrailStatus` shows it in a Region: a trail counts as logging while its newest digest is young enough that no
/// further one needs to be there.
pub(super) fn status(trail: &Trail, history: Option<&TrailHistory>, region: &str, now: Timestamp) -> Value {
    let here = trail.regions.get(region).copied();
    let all = trail.regions.values().copied();
    let newest =
        here.or_else(|| all.reduce(|a, b| Newest { digest: a.digest.max(b.digest), log: a.log.max(b.log) }));
    let mut members = Map::new();
    let is_logging = newest.is_some_and(|newest| now.since(newest.digest) <= PENDING);
    members.insert("IsLogging".to_owned(), json!(is_logging));
    let delivered = newest.and_then(|newest| newest.log);
    if let Some(newest) = newest {
        members.insert("LatestDigestDeliveryTime".to_owned(), json!(newest.digest.epoch()));
    }
    if let Some(delivered) = delivered {
        members.insert("LatestDeliveryTime".to_owned(), json!(delivered.epoch()));
    }
    let delivered = delivered.map(|time| time.to_string()).unwrap_or_default();
    for name in ["LatestDeliveryAttemptTime", "LatestDeliveryAttemptSucceeded"] {
        members.insert(name.to_owned(), json!(delivered));
    }
    for name in ["LatestNotificationAttemptTime", "LatestNotificationAttemptSucceeded"] {
        members.insert(name.to_owned(), json!(""));
    }
    for (number, text, time) in [
        ("StartLoggingTime", "TimeLoggingStarted", history.and_then(|told| told.started)),
        ("StopLoggingTime", "TimeLoggingStopped", history.and_then(|told| told.stopped)),
    ] {
        if let Some(time) = time {
            members.insert(number.to_owned(), json!(time.epoch()));
        }
        members.insert(text.to_owned(), json!(time.map(|time| time.to_string()).unwrap_or_default()));
    }
    Value::Object(members)
}
