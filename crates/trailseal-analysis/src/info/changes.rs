//! Calls that stop or change what is logged, or destroy what was.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Serialize;
use trailseal_archive::Timestamp;
use trailseal_evidence::scan::Row;
use trailseal_query::path::FieldPath;

use super::SeenEvent;

/// Calls that are told one by one; of others how many there are.
const LISTED: usize = 1000;
/// Bytes of one text of them: ids and names are shorter.
const LONGEST: usize = 2048;

/// The calls, by service. Those of CloudTrail itself come before the others where not all are shown.
pub const LOGGING_CALLS: [(&str, &[&str]); 9] = [
    (
        "cloudtrail.amazonaws.com",
        &[
            "CreateTrail",
            "DeleteEventDataStore",
            "DeleteTrail",
            "DeregisterOrganizationDelegatedAdmin",
            "PutEventSelectors",
            "PutInsightSelectors",
            "StartEventDataStoreIngestion",
            "StartLogging",
            "StopEventDataStoreIngestion",
            "StopLogging",
            "UpdateEventDataStore",
            "UpdateTrail",
        ],
    ),
    (
        "config.amazonaws.com",
        &["DeleteConfigurationRecorder", "DeleteDeliveryChannel", "StopConfigurationRecorder"],
    ),
    ("ec2.amazonaws.com", &["DeleteFlowLogs"]),
    ("guardduty.amazonaws.com", &["DeleteDetector", "UpdateDetector"]),
    ("kms.amazonaws.com", &["DisableKey", "ScheduleKeyDeletion"]),
    ("logs.amazonaws.com", &["DeleteLogGroup", "DeleteLogStream"]),
    ("macie2.amazonaws.com", &["DisableMacie"]),
    (
        "s3.amazonaws.com",
        &[
            "DeleteBucket",
            "DeleteBucketPolicy",
            "PutBucketLifecycle",
            "PutBucketLifecycleConfiguration",
            "PutBucketPolicy",
            "PutBucketVersioning",
        ],
    ),
    ("securityhub.amazonaws.com", &["DisableSecurityHub"]),
];

/// What of the request says what a call was about.
static TARGETS: LazyLock<Vec<FieldPath>> = LazyLock::new(|| {
    let names = [
        "name",
        "trailName",
        "eventDataStore",
        "bucketName",
        "keyId",
        "detectorId",
        "configurationRecorderName",
        "deliveryChannelName",
        "logGroupName",
        "delegatedAdminAccountId",
    ];
    names.map(|name| FieldPath::new(["requestParameters", name])).into()
});
static EVENT_ID: LazyLock<FieldPath> = LazyLock::new(|| FieldPath::new(["eventID"]));

/// A call that stops or changes logging.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoggingChange {
    /// `eventTime`
    pub time: Option<Timestamp>,
    /// `eventSource`
    pub event_source: String,
    /// `eventName`
    pub event_name: String,
    /// Why it failed, if it did.
    pub error: Option<String>,
    /// Who called.
    pub principal: Option<String>,
    /// `userIdentity.accessKeyId`
    pub access_key: Option<String>,
    /// `sourceIPAddress`
    pub source_ip: Option<String>,
    /// The account.
    pub account: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The trail, bucket, key and so on, as the request names it.
    pub target: Option<String>,
    /// `eventID`
    pub event_id: Option<String>,
    /// The file that holds it.
    pub file: String,
}

/// How often a call was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggingCall {
    /// `eventSource`
    pub event_source: &'static str,
    /// `eventName`
    pub event_name: &'static str,
    /// How often.
    pub events: u64,
    /// How often without success.
    pub failed: u64,
}

/// All such calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LoggingChanges {
    /// How many.
    pub events: u64,
    /// Those that failed.
    pub failed: u64,
    /// Every call that was looked for, those that were not made among them.
    pub calls: Vec<LoggingCall>,
    /// The first thousand, those of CloudTrail itself before others, by time.
    pub listed: Vec<LoggingChange>,
}

/// The place of a change among those that are listed: CloudTrail's before others, by time, by `eventID`, and copies as the
/// archive has them.
type Rank = (bool, Option<Timestamp>, Option<String>, u64, u64);

/// What a thread has found.
#[derive(Debug, Default)]
pub(super) struct Changes {
    counts: BTreeMap<(usize, usize), (u64, u64)>,
    listed: BTreeMap<Rank, LoggingChange>,
}

impl Changes {
    /// Takes note of an event, if it is such a call.
    pub(super) fn add(&mut self, row: &Row<'_>, facts: &SeenEvent<'_>) {
        let Some(call) = facts.event_name.as_deref() else { return };
        let Some((service, name)) = find(facts.event_source.as_deref(), call) else { return };
        let (events, failed) = self.counts.entry((service, name)).or_default();
        *events += 1;
        *failed += u64::from(facts.error.is_some());
        let text = |text: Option<&str>| text.map(clipped);
        let event_id = text(row.record.text(&EVENT_ID).as_deref());
        let rank = (service != 0, facts.time, event_id.clone(), row.file.index, row.number);
        let is_full = self.listed.len() >= LISTED;
        if is_full && self.listed.last_key_value().is_some_and(|(last, _)| *last < rank) {
            return;
        }
        let target = TARGETS.iter().find_map(|path| row.record.text(path));
        let change = LoggingChange {
            time: facts.time,
            event_source: LOGGING_CALLS[service].0.to_owned(),
            event_name: LOGGING_CALLS[service].1[name].to_owned(),
            error: text(facts.error.as_deref()),
            principal: text(facts.principal.as_deref()),
            access_key: text(facts.access_key.as_deref()),
            source_ip: text(facts.source_ip.as_deref()),
            account: text(facts.account.as_deref()),
            region: text(facts.region.as_deref()),
            target: text(target.as_deref()),
            event_id,
            file: row.file.shown.clone(),
        };
        self.listed.insert(rank, change);
        self.shorten();
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (call, (events, failed)) in other.counts {
            let sum = self.counts.entry(call).or_default();
            *sum = (sum.0 + events, sum.1 + failed);
        }
        self.listed.extend(other.listed);
        self.shorten();
    }

    fn shorten(&mut self) {
        while self.listed.len() > LISTED {
            self.listed.pop_last();
        }
    }

    pub(super) fn finish(self) -> LoggingChanges {
        let calls: Vec<LoggingCall> = LOGGING_CALLS
            .iter()
            .enumerate()
            .flat_map(|(service, (event_source, names))| {
                names
                    .iter()
                    .enumerate()
                    .map(move |(name, event_name)| (service, event_source, name, event_name))
            })
            .map(|(service, event_source, name, event_name)| {
                let (events, failed) = self.counts.get(&(service, name)).copied().unwrap_or_default();
                LoggingCall { event_source, event_name, events, failed }
            })
            .collect();
        LoggingChanges {
            events: calls.iter().map(|call| call.events).sum(),
            failed: calls.iter().map(|call| call.failed).sum(),
            calls,
            listed: self.listed.into_values().collect(),
        }
    }
}

/// The place of a call in the table.
fn find(source: Option<&str>, name: &str) -> Option<(usize, usize)> {
    let source = source?;
    let service = LOGGING_CALLS.iter().position(|(known, _)| *known == source)?;
    Some((service, LOGGING_CALLS[service].1.iter().position(|known| *known == name)?))
}

/// A text that was not made to fill memory.
fn clipped(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST).last().unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_once_in_the_table_and_are_known_with_their_service() {
        let all: Vec<(&str, &str)> = LOGGING_CALLS
            .iter()
            .flat_map(|(source, names)| names.iter().map(|name| (*source, *name)))
            .collect();
        let names: std::collections::BTreeSet<&str> = all.iter().map(|(_, name)| *name).collect();
        assert_eq!(names.len(), all.len(), "a command names them without their services");
        for (source, name) in all {
            let (service, at) = find(Some(source), name).unwrap();
            assert_eq!((LOGGING_CALLS[service].0, LOGGING_CALLS[service].1[at]), (source, name));
        }
        assert_eq!(find(Some("s3.amazonaws.com"), "StopLogging"), None);
        assert_eq!(find(None, "StopLogging"), None);
        assert_eq!(LOGGING_CALLS[0].0, "cloudtrail.amazonaws.com", "the first one ranks before the others");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(clipped("é"), "é");
        let long = clipped(&"é".repeat(LONGEST));
        assert!(long.ends_with('…') && long.len() <= LONGEST + 5);
    }
}
