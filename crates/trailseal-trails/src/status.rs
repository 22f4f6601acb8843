//! `GetTrailStatus` (docs/spec/wire-protocol.md 4.3).
//!
//! The six deprecated members are strings that are always there: empty, or the time in whole seconds. That the
//! times of notifications and `CloudWatch` Logs never appear is ours: nothing is notified or sent there. Whether
//! `StopLoggingTime` stays after logging was started again is not known; it stays (I).

use serde::Serialize;

use crate::{Millis, state::Trail, time::as_seconds};

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Status {
    is_logging: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_delivery_error: Option<String>,
    #[serde(serialize_with = "as_seconds", skip_serializing_if = "Option::is_none")]
    latest_delivery_time: Option<Millis>,
    #[serde(serialize_with = "as_seconds", skip_serializing_if = "Option::is_none")]
    start_logging_time: Option<Millis>,
    #[serde(serialize_with = "as_seconds", skip_serializing_if = "Option::is_none")]
    stop_logging_time: Option<Millis>,
    #[serde(serialize_with = "as_seconds", skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_time: Option<Millis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_digest_delivery_error: Option<String>,
    latest_delivery_attempt_time: String,
    latest_notification_attempt_time: String,
    latest_notification_attempt_succeeded: String,
    latest_delivery_attempt_succeeded: String,
    time_logging_started: String,
    time_logging_stopped: String,
}

impl Status {
    pub(crate) fn of(trail: &Trail) -> Self {
        let text = |time: Option<Millis>| time.map(|time| time.to_string()).unwrap_or_default();
        let (log, digest) = (&trail.deliveries.log, &trail.deliveries.digest);
        Self {
            is_logging: trail.logging.is_on,
            latest_delivery_error: log.error.clone(),
            latest_delivery_time: log.succeeded,
            start_logging_time: trail.logging.started,
            stop_logging_time: trail.logging.stopped,
            latest_digest_delivery_time: digest.succeeded,
            latest_digest_delivery_error: digest.error.clone(),
            latest_delivery_attempt_time: text(log.attempted),
            latest_notification_attempt_time: String::new(),
            latest_notification_attempt_succeeded: String::new(),
            latest_delivery_attempt_succeeded: text(log.succeeded),
            time_logging_started: text(trail.logging.started),
            time_logging_stopped: text(trail.logging.stopped),
        }
    }
}
