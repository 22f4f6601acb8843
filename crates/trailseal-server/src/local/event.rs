//! Events that come in from outside: what they must say, and what is added where they are silent.

use serde::Serialize;
use trailseal_archive::{Timestamp as Seconds, key::is_region_like};
use trailseal_deliver::journal::{Entry, EntryError};
use trailseal_query::Record;

use crate::{
    api::{Caller, Timestamp},
    uuid,
};

/// No event of CloudTrail is longer (spec/records.md 2.1).
const MAX_EVENT: usize = 256 << 10;
const MAX_EVENT_ID: usize = 128;

/// The version of records that this server makes, and of those that do not say theirs.
pub(super) const EVENT_VERSION: &str = "1.11";

/// An event that can be taken.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) entry: Entry,
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EventFault {
    #[error("it is not one JSON object")]
    NoObject,
    #[error("it has {bytes} bytes; an event has at most {MAX_EVENT}")]
    TooLong { bytes: usize },
    #[error("{member} is missing")]
    Missing { member: &'static str },
    #[error("{member} must be {expected}")]
    Invalid { member: &'static str, expected: &'static str },
    #[error("eventDataChecksum is not the Base64 of the SHA-256 of eventData")]
    Checksum,
}

impl EventFault {
    /// As `PutAuditEvents` calls it.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoObject => "InvalidData",
            Self::TooLong { .. } => "FieldTooLong",
            Self::Missing { .. } => "FieldNotFound",
            Self::Invalid { member: "eventSource", .. } => "InvalidEventSource",
            Self::Invalid { .. } => "InvalidData",
            Self::Checksum => "InvalidChecksum",
        }
    }
}

/// Reads an event record. What it says stays as it is, byte for byte; members that every record has and that it has
/// not (`eventVersion`, `eventTime`, `awsRegion`, `eventID`, `recipientAccountId`) are added at its end.
pub(super) fn read(text: &[u8], caller: &Caller) -> Result<Event, EventFault> {
    let text = text.trim_ascii();
    if text.len() > MAX_EVENT {
        return Err(EventFault::TooLong { bytes: text.len() });
    }
    // whether it is JSON as a whole; only then its members are looked at
    let fault = |error| match error {
        EntryError::Region => EventFault::Invalid { member: "awsRegion", expected: "a Region" },
        _ => EventFault::NoObject,
    };
    let entry = |event: &[u8]| Entry::new(&caller.account, &caller.region, caller.now.millis(), event);
    let mut taken = entry(text).map_err(fault)?;
    let record = Record::new(text);
    let is_insight = record.member("insightDetails").is_some();
    for member in ["eventSource", "eventName"] {
        if text_of(&record, member, "a text")?.is_none() && !is_insight {
            return Err(EventFault::Missing { member });
        }
    }
    let mut missing = Missing::default();
    if text_of(&record, "eventVersion", "a text")?.is_none() {
        missing.event_version = Some(EVENT_VERSION);
    }
    match text_of(&record, "eventTime", "a time")? {
        Some(time) if Seconds::parse_digest_field(&time).is_err() => {
            return Err(EventFault::Invalid { member: "eventTime", expected: "YYYY-MM-DDTHH:MM:SSZ" });
        }
        Some(_) => {}
        None => missing.event_time = Some(time(caller.now)),
    }
    let region = text_of(&record, "awsRegion", "a Region")?;
    if region.as_deref().is_some_and(|region| !is_region_like(region)) {
        return Err(EventFault::Invalid { member: "awsRegion", expected: "a Region" });
    }
    let region = region.unwrap_or_else(|| {
        missing.aws_region = Some(caller.region.clone());
        caller.region.clone()
    });
    let id = match text_of(&record, "eventID", "a text")? {
        Some(id) if id.len() > MAX_EVENT_ID => {
            return Err(EventFault::Invalid { member: "eventID", expected: "at most 128 bytes long" });
        }
        Some(id) => id,
        None => missing.event_id.insert(uuid::random()).clone(),
    };
    if record.member("recipientAccountId").is_none() {
        missing.recipient_account_id = Some(caller.account.clone());
    }
    if let Some(whole) = missing.added_to(text) {
        taken = entry(&whole).map_err(fault)?;
    }
    Ok(Event { id, entry: taken.in_region(&region).map_err(fault)? })
}

/// The time of a record.
pub(super) fn time(now: Timestamp) -> String {
    now.to_string()
}

/// Members that are added; `None` where the record has them.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Missing {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_version: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aws_region: Option<String>,
    #[serde(rename = "eventID", skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_account_id: Option<String>,
}

impl Missing {
    /// The object, which has some members, with these behind its own; `None` if there are none.
    fn added_to(&self, object: &[u8]) -> Option<Vec<u8>> {
        let members = serde_json::to_vec(self).unwrap_or_default();
        let (Some(open), Some(more)) = (object.strip_suffix(b"}"), members.strip_prefix(b"{")) else {
            return None;
        };
        (more != b"}").then(|| [open.trim_ascii_end(), b",", more].concat())
    }
}

/// A member that, if it is there, is a text and not empty.
fn text_of(
    record: &Record<'_>,
    member: &'static str,
    expected: &'static str,
) -> Result<Option<String>, EventFault> {
    let Some(value) = record.member(member) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(|text| Some(text.into_owned())).ok_or(EventFault::Invalid { member, expected })
}
