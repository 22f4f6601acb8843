//! Moments in milliseconds: answers carry fractions of a second (docs/spec/wire-protocol.md 1.6).

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A moment in UTC, in whole milliseconds since 1970-01-01T00:00:00Z, within the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(i64);

const MIN: i64 = -62_167_219_200_000;
const MAX: i64 = 253_402_300_799_999;

impl Millis {
    /// From milliseconds since the epoch, moved into the years 0000 to 9999.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MIN, MAX))
    }

    /// Milliseconds since the epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl fmt::Display for Millis {
    /// RFC 3339 in UTC, in whole seconds, as the deprecated members of `GetTrailStatus` have it:
    /// `2015-09-01T20:35:57Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match trailseal_archive::Timestamp::from_epoch(self.seconds()) {
            Some(seconds) => seconds.fmt(f),
            None => Ok(()),
        }
    }
}

/// As answers have it: seconds since the epoch, with a fraction if there is one.
#[expect(clippy::ref_option, reason = "what serde hands over")]
pub(crate) fn as_seconds<S: Serializer>(time: &Option<Millis>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(Millis(millis)) if millis % 1_000 == 0 => serializer.serialize_i64(millis / 1_000),
        Some(Millis(millis)) => serializer.serialize_f64(*millis as f64 / 1_000.0),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_print_as_the_service_prints_them() {
        let time = Millis::from_millis(1_441_139_757_497);
        assert_eq!(time.to_string(), "2015-09-01T20:35:57Z");
        let json = |time| serde_json::to_string(&Holder { time: Some(time) }).unwrap();
        assert_eq!(json(time), r#"{"time":1441139757.497}"#);
        assert_eq!(json(Millis::from_millis(1_000)), r#"{"time":1}"#);
        assert_eq!(Millis::from_millis(-1).to_string(), "1969-12-31T23:59:59Z");
        for far in [i64::MIN, i64::MAX] {
            assert!(Millis::from_millis(far).to_string().ends_with('Z'));
        }
    }

    #[derive(Serialize)]
    struct Holder {
        #[serde(serialize_with = "as_seconds")]
        time: Option<Millis>,
    }
}
