//! `ListPublicKeys` from key files (docs/spec/wire-protocol.md 4.3).

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use trailseal_archive::Timestamp;
use trailseal_trails::Input;
use trailseal_verify::{KeyEncoding, PublicKey};

use super::input;
use crate::api::{ApiError, Caller, ErrorCode, second};

/// The keys of the caller's Region, and those of no stated Region, whose validity overlaps the range asked for, all in
/// one page: `NextToken` is ignored, as AWS does with one that it did not make.
pub(crate) fn list<'k>(
    keys: impl Iterator<Item = &'k PublicKey>,
    caller: &Caller,
    input: &Value,
) -> Result<Value, ApiError> {
    let now = second(caller.now);
    let start = input::time(input, "StartTime")?.unwrap_or(now);
    let end = input::time(input, "EndTime")?.unwrap_or(now);
    Input::new(input)?.text("NextToken")?;
    if start > end {
        let message = "The start time must not be after the end time.";
        return Err(ApiError::new(ErrorCode::InvalidTimeRangeException, message));
    }
    let is_here = |key: &&PublicKey| key.region.as_ref().is_none_or(|region| *region == caller.region);
    let overlaps = |key: &&PublicKey| {
        key.validity_start.is_none_or(|from| from <= end) && key.validity_end.is_none_or(|to| start <= to)
    };
    // a key that several files hold is one key
    let mut entries: BTreeMap<(Option<Timestamp>, Option<Timestamp>, &'k str), Value> = BTreeMap::new();
    for key in keys.filter(is_here).filter(overlaps) {
        for fingerprint in fingerprints(key) {
            entries
                .entry((key.validity_start, key.validity_end, fingerprint))
                .or_insert_with(|| entry(key, fingerprint));
        }
    }
    Ok(json!({ "PublicKeyList": entries.into_values().collect::<Vec<_>>() }))
}

/// The fingerprint of the PKCS#1 form, which `Value` has; for a key that came in the other encoding that fingerprint
/// too, since digests may name the key by it.
fn fingerprints(key: &PublicKey) -> impl Iterator<Item = &str> {
    match key.encoding {
        KeyEncoding::Pkcs1 => [Some(key.fingerprint.as_str()), None],
        KeyEncoding::SubjectPublicKeyInfo => {
            [Some(key.other_fingerprint.as_str()), Some(key.fingerprint.as_str())]
        }
    }
    .into_iter()
    .flatten()
}

fn entry(key: &PublicKey, fingerprint: &str) -> Value {
    let mut value = json!({ "Value": STANDARD.encode(&key.pkcs1), "Fingerprint": fingerprint });
    let times = [("ValidityStartTime", key.validity_start), ("ValidityEndTime", key.validity_end)];
    for (name, time) in times {
        if let (Some(time), Some(members)) = (time, value.as_object_mut()) {
            members.insert(name.to_owned(), json!(time.epoch()));
        }
    }
    value
}
