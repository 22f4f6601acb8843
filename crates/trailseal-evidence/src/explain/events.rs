//! Reading the events that change a trail from a log file.

use std::{
    fmt,
    io::{self, BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use trailseal_archive::{
    Timestamp,
    gzip::{Ending, GzipReader, Inflater},
};
use trailseal_sha256::Hasher;

use super::Change;

/// A successful call that changes a trail or an organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Call {
    pub(super) time: Timestamp,
    pub(super) name: String,
    pub(super) change: Change,
    /// The trail as the request names it: its name or its ARN.
    pub(super) trail: Option<String>,
    /// Where the call was made.
    pub(super) region: Option<String>,
    /// Whose event it is.
    pub(super) account: Option<String>,
}

/// The calls in a log, if its bytes still have the hash that was signed.
pub(super) fn read(input: impl Read, expected: [u8; 32], limit: u64) -> io::Result<Vec<Call>> {
    let mut inflater = Inflater::new();
    let mut tee = Tee { input: GzipReader::new(&mut inflater, input, limit), hasher: Hasher::new() };
    let mut calls = Calls::default();
    {
        let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 * 1024, &mut tee));
        if calls.read(&mut json).is_err() {
            calls.found.clear();
        }
    }
    io::copy(&mut tee, &mut io::sink())?;
    let Tee { input, hasher } = tee;
    let is_complete = *input.inflater().ending() == Ending::Complete;
    Ok(if is_complete && hasher.finalize() == expected { calls.found } else { Vec::new() })
}

/// Hashes what passes.
struct Tee<R> {
    input: R,
    hasher: Hasher,
}

impl<R: Read> Read for Tee<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}

#[derive(Default)]
struct Calls {
    found: Vec<Call>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "eventSource")]
    source: Option<String>,
    #[serde(default, rename = "eventName")]
    name: Option<String>,
    #[serde(default, rename = "eventTime")]
    time: Option<String>,
    #[serde(default, rename = "errorCode")]
    error: Option<IgnoredAny>,
    #[serde(default, rename = "awsRegion")]
    region: Option<String>,
    #[serde(default, rename = "recipientAccountId")]
    account: Option<String>,
    #[serde(default, rename = "requestParameters")]
    parameters: Option<Value>,
    #[serde(default, rename = "responseElements")]
    response: Option<Value>,
}

impl Event {
    /// What it changes, if it does.
    fn change(&self) -> Option<Change> {
        match (self.source.as_deref()?, self.name.as_deref()?) {
            ("cloudtrail.amazonaws.com", "StopLogging" | "DeleteTrail") => Some(Change::Stopped),
            ("cloudtrail.amazonaws.com", "StartLogging") => Some(Change::Started),
            ("cloudtrail.amazonaws.com", "UpdateTrail") => self.update(),
            ("cloudtrail.amazonaws.com", "CreateTrail") => self.delivery(true),
            ("organizations.amazonaws.com", "RemoveAccountFromOrganization") => {
                let account = text(self.parameters.as_ref(), "accountId")?;
                Some(Change::Left { account: Some(account.to_owned()) })
            }
            ("organizations.amazonaws.com", "LeaveOrganization") => Some(Change::Left { account: None }),
            _ => None,
        }
    }

    /// An update ends validation, or moves where the trail delivers; anything else explains nothing (row 60).
    fn update(&self) -> Option<Change> {
        let ends = |value: Option<&Value>, name| {
            value.and_then(|value| value.get(name)) == Some(&Value::Bool(false))
        };
        let is_end = ends(self.parameters.as_ref(), "enableLogFileValidation")
            || ends(self.response.as_ref(), "logFileValidationEnabled");
        if is_end { Some(Change::ValidationEnded) } else { self.delivery(false) }
    }

    /// Where a trail delivers after a call.
    fn delivery(&self, is_new: bool) -> Option<Change> {
        let places = [self.response.as_ref(), self.parameters.as_ref()];
        let find = |name| places.iter().find_map(|place| text(*place, name));
        let asks = |name| self.parameters.as_ref().is_some_and(|parameters| parameters.get(name).is_some());
        if !is_new && !asks("s3BucketName") && !asks("s3KeyPrefix") {
            return None;
        }
        let is = |result: &str, parameter: &str| {
            let said = self.response.as_ref().and_then(|response| response.get(result)?.as_bool());
            said.or_else(|| self.parameters.as_ref()?.get(parameter)?.as_bool()).unwrap_or(false)
        };
        Some(Change::Delivers {
            bucket: find("s3BucketName").map(str::to_owned),
            prefix: find("s3KeyPrefix").unwrap_or_default().to_owned(),
            is_new,
            validates: is("logFileValidationEnabled", "enableLogFileValidation"),
            is_multi_region: is("isMultiRegionTrail", "isMultiRegionTrail"),
        })
    }
}

fn text<'a>(value: Option<&'a Value>, name: &str) -> Option<&'a str> {
    value?.get(name)?.as_str()
}

impl Calls {
    /// Reads a log file record by record: `{"Records":[…]}`.
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(File(self))
    }

    fn take(&mut self, event: Event) {
        let Some(change) = event.change().filter(|_| event.error.is_none()) else { return };
        let time = event.time.as_deref().and_then(|time| Timestamp::parse_digest_field(time).ok());
        let (Some(time), Some(name)) = (time, event.name) else { return };
        let trail = text(event.parameters.as_ref(), "name").map(str::to_owned);
        self.found.push(Call { time, name, change, trail, region: event.region, account: event.account });
    }
}

struct File<'a>(&'a mut Calls);

impl<'de> Visitor<'de> for File<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "Records" {
                map.next_value_seed(Records(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Records<'a>(&'a mut Calls);

impl<'de> serde::de::DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(event) = records.next_element::<Event>()? {
            self.0.take(event);
        }
        Ok(())
    }
}
