//! Trails in the words of the API. What an archive does not tell is left out.

use serde_json::{Map, Value, json};
use trailseal_archive::Timestamp;
use trailseal_verify::PENDING;

use super::discover::{Newest, Trail};

/// As `GetTrail` and `DescribeTrails` show it; that it validates only where a key vouches for a digest of it.
pub(super) fn trail(trail: &Trail, is_proven: bool) -> Value {
    let mut value = json!({
        "Name": trail.name,
        "TrailARN": trail.arn,
        "HomeRegion": trail.home,
        "IsMultiRegionTrail": trail.is_multi_region(),
        "IsOrganizationTrail": trail.is_organization(),
    });
    if let (true, Some(members)) = (is_proven, value.as_object_mut()) {
        members.insert("LogFileValidationEnabled".to_owned(), json!(true));
    }
    if let (Some(place), Some(members)) = (&trail.place, value.as_object_mut()) {
        members.insert("S3BucketName".to_owned(), json!(place.bucket));
        if !place.prefix.is_empty() {
            members.insert("S3KeyPrefix".to_owned(), json!(place.prefix));
        }
    }
    if let (true, Some(members)) = (trail.is_multi_region(), value.as_object_mut()) {
        // CloudTrail allows no other multi-Region trail
        members.insert("IncludeGlobalServiceEvents".to_owned(), json!(true));
    }
    value
}

/// As `ListTrails` shows it.
pub(super) fn short(trail: &Trail) -> Value {
    json!({ "TrailARN": trail.arn, "Name": trail.name, "HomeRegion": trail.home })
}

/// As `GetTrailStatus` shows it in a Region: a trail counts as logging while its newest digest is young enough that no
/// further one needs to be there.
pub(super) fn status(trail: &Trail, region: &str, now: Timestamp) -> Value {
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
    for name in [
        "LatestNotificationAttemptTime",
        "LatestNotificationAttemptSucceeded",
        "TimeLoggingStarted",
        "TimeLoggingStopped",
    ] {
        members.insert(name.to_owned(), json!(""));
    }
    Value::Object(members)
}
