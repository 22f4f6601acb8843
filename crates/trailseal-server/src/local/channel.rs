//! `PutAuditEvents`: its channel and its events.
//!
//! Every well-formed channel of the caller's account and Region is there: no operation here makes channels.

use std::{collections::BTreeSet, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::event::{self, Event, EventFault};
use crate::{
    api::{ApiError, Caller, ErrorCode},
    audit::{AuditCall, AuditError, AuditErrorCode},
};

const MAX_EVENTS: usize = 100;
const MAX_ID: usize = 128;

/// An item of `auditEvents`.
pub(super) struct AuditEvent<'a> {
    pub(super) id: &'a str,
    data: &'a str,
    checksum: Option<&'a str>,
}

/// The events of a call.
///
/// # Errors
/// For a channel that is none or another's, and for a list that is none.
pub(super) fn audit_events<'a>(
    call: &'a AuditCall,
    caller: &Caller,
) -> Result<Vec<AuditEvent<'a>>, AuditError> {
    check_channel(&call.channel_arn, caller)?;
    let invalid = |message: String| AuditError::from(ApiError::new(ErrorCode::ValidationException, message));
    let items = call.input.get("auditEvents").and_then(Value::as_array);
    let items = items.ok_or_else(|| invalid("auditEvents must be a list".to_owned()))?;
    if items.is_empty() || items.len() > MAX_EVENTS {
        let message = format!("auditEvents has {} items; it takes 1 to {MAX_EVENTS}", items.len());
        return Err(invalid(message));
    }
    let mut ids = BTreeSet::new();
    let mut events = Vec::with_capacity(items.len());
    for (number, item) in (1..).zip(items) {
        let event = AuditEvent::of(item)
            .ok_or_else(|| invalid(format!("item {number} of auditEvents has no valid id and eventData")))?;
        if !ids.insert(event.id) {
            let code = AuditErrorCode::DuplicatedAuditEventId;
            return Err(AuditError {
                code,
                message: "Two or more entries in the request have the same event ID.".to_owned(),
            });
        }
        events.push(event);
    }
    Ok(events)
}

impl<'a> AuditEvent<'a> {
    fn of(item: &'a Value) -> Option<Self> {
        let text = |name| item.get(name).and_then(Value::as_str);
        let is_id = |id: &&str| {
            (1..=MAX_ID).contains(&id.len())
                && id.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_".contains(&c))
        };
        let checksum = match item.get("eventDataChecksum") {
            None => None,
            Some(checksum) => Some(checksum.as_str()?),
        };
        Some(Self { id: text("id").filter(is_id)?, data: text("eventData")?, checksum })
    }

    /// The event in it.
    pub(super) fn read(&self, caller: &Caller, source: IpAddr) -> Result<Event, EventFault> {
        let is_whole = |checksum| checksum == STANDARD.encode(digest(&SHA256, self.data.as_bytes()));
        if !self.checksum.is_none_or(is_whole) {
            return Err(EventFault::Checksum);
        }
        event::read(self.data.as_bytes(), caller, source)
    }
}

/// A channel's ARN, or what follows `channel/` in it.
fn check_channel(channel: &str, caller: &Caller) -> Result<(), AuditError> {
    let is_id = |id: &str| {
        (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')
    };
    if is_id(channel) {
        return Ok(());
    }
    let error = |code, message: &str| Err(AuditError { code, message: message.to_owned() });
    let parts: Vec<&str> = channel.splitn(6, ':').collect();
    match parts[..] {
        ["arn", partition, "cloudtrail", region, account, resource]
            if partition.starts_with("aws") && resource.strip_prefix("channel/").is_some_and(is_id) =>
        {
            if account != caller.account {
                let message = "The caller's account ID must be the same as the channel owner's account ID.";
                error(AuditErrorCode::ChannelInsufficientPermission, message)
            } else if region != caller.region {
                error(AuditErrorCode::ChannelNotFound, "The channel could not be found.")
            } else {
                Ok(())
            }
        }
        _ => {
            error(AuditErrorCode::InvalidChannelARN, "The specified channel ARN is not a valid channel ARN.")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Timestamp;

    const CHANNEL: &str =
        "arn:aws:cloudtrail:us-east-1:111122223333:channel/00000000-1111-2222-3333-444444444444";
    const EVENT: &str = r#"{"eventName":"A","eventSource":"my.app","eventID":"one"}"#;

    fn caller() -> Caller {
        let (account, region) = ("111122223333".to_owned(), "us-east-1".to_owned());
        Caller { account, region, now: Timestamp::from_millis(0) }
    }

    fn call(channel: &str, events: &Value) -> AuditCall {
        let input = json!({ "auditEvents": events });
        AuditCall { channel_arn: channel.to_owned(), external_id: None, input, scope: None }
    }

    /// The error that a call is refused with.
    fn refusal(channel: &str, events: &Value) -> AuditErrorCode {
        audit_events(&call(channel, events), &caller()).err().expect("it is refused").code
    }

    #[test]
    fn a_channel_is_the_account_s_and_of_the_region() {
        let events = || json!([{"id": "a", "eventData": EVENT}]);
        for channel in [CHANNEL, "00000000-1111-2222-3333-444444444444"] {
            assert_eq!(audit_events(&call(channel, &events()), &caller()).unwrap().len(), 1);
        }
        for (channel, code) in [
            (CHANNEL.replace("1111222", "9999999"), AuditErrorCode::ChannelInsufficientPermission),
            (CHANNEL.replace("us-east-1", "eu-west-1"), AuditErrorCode::ChannelNotFound),
            (CHANNEL.replace("channel/", "trail/"), AuditErrorCode::InvalidChannelARN),
            (CHANNEL.replace("cloudtrail", "s3"), AuditErrorCode::InvalidChannelARN),
            (format!("{CHANNEL}/x"), AuditErrorCode::InvalidChannelARN),
            (format!("{CHANNEL}:x"), AuditErrorCode::InvalidChannelARN),
            ("no channel".to_owned(), AuditErrorCode::InvalidChannelARN),
            ("x".repeat(129), AuditErrorCode::InvalidChannelARN),
            (String::new(), AuditErrorCode::InvalidChannelARN),
        ] {
            assert_eq!(refusal(&channel, &events()), code, "{channel}");
        }
    }

    #[test]
    fn a_call_has_1_to_100_well_formed_items() {
        let items = |count: usize| {
            let item = |number| json!({"id": format!("{number}"), "eventData": EVENT});
            Value::Array((0..count).map(item).collect())
        };
        assert_eq!(audit_events(&call(CHANNEL, &items(100)), &caller()).unwrap().len(), 100);
        for events in [
            items(0),
            items(101),
            Value::Null,
            json!({"id": "a", "eventData": EVENT}),
            json!([EVENT]),
            json!([{"eventData": EVENT}]),
            json!([{"id": "a"}]),
            json!([{"id": "", "eventData": EVENT}]),
            json!([{"id": "a b", "eventData": EVENT}]),
            json!([{"id": "x".repeat(129), "eventData": EVENT}]),
            json!([{"id": "a", "eventData": {}}]),
            json!([{"id": "a", "eventData": EVENT, "eventDataChecksum": 1}]),
        ] {
            let code = AuditErrorCode::Common(ErrorCode::ValidationException);
            assert_eq!(refusal(CHANNEL, &events), code, "{events}");
        }
        let twice = json!([{"id": "a", "eventData": EVENT}, {"id": "a", "eventData": "{}"}]);
        assert_eq!(refusal(CHANNEL, &twice), AuditErrorCode::DuplicatedAuditEventId);
    }

    #[test]
    fn a_checksum_that_is_given_must_be_that_of_the_data() {
        let read = |checksum: &str| {
            let item = json!({"id": "a", "eventData": EVENT, "eventDataChecksum": checksum});
            AuditEvent::of(&item).unwrap().read(&caller(), [127, 0, 0, 1].into()).map(|event| event.id)
        };
        let right = STANDARD.encode(digest(&SHA256, EVENT.as_bytes()));
        assert_eq!(read(&right), Ok("one".to_owned()));
        for wrong in
            ["", "AAAA", right.trim_end_matches('='), &hex::encode(digest(&SHA256, EVENT.as_bytes()))]
        {
            assert_eq!(read(wrong), Err(EventFault::Checksum), "{wrong}");
        }
        assert_eq!(EventFault::Checksum.code(), "InvalidChecksum");
    }
}
