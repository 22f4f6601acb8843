//! Whole seconds of UTC, the only time CloudTrail's digests know.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use self::written::{WrittenTime, WrittenTimeError};

mod written;

/// A moment in UTC, in whole seconds since 1970-01-01T00:00:00Z.
///
/// Always between the years 0000 and 9999, so that printing cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time; {expected}")]
pub struct TimeError {
    /// The text as received.
    pub text: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

const MIN: i64 = -62_167_219_200;
const MAX: i64 = 253_402_300_799;

impl Timestamp {
    /// From seconds since the epoch; `None` outside the years 0000 to 9999.
    pub fn from_epoch(seconds: i64) -> Option<Self> {
        (MIN..=MAX).contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since the epoch.
    pub fn epoch(self) -> i64 {
        self.0
    }

    /// This moment moved by `seconds`, kept within the years 0000 to 9999.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds).clamp(MIN, MAX))
    }

    /// Seconds from `earlier` to this moment (negative when this is the earlier one).
    pub fn since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }

    /// Parses the form of digest fields: `YYYY-MM-DDTHH:MM:SSZ`, exactly (docs/spec/format.md 1.2).
    ///
    /// # Errors
    /// [`TimeError`] for any other text.
    pub fn parse_digest_field(text: &str) -> Result<Self, TimeError> {
        plain_seconds(text.as_bytes())
            .and_then(Self::from_epoch)
            .ok_or_else(|| TimeError { text: shorten(text), expected: "YYYY-MM-DDTHH:MM:SSZ is" })
    }

    /// Parses the stamp in a digest name: `YYYYMMDDTHHMMSSZ`.
    ///
    /// # Errors
    /// [`TimeError`] for any other text.
    pub fn parse_stamp(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: shorten(text), expected: "YYYYMMDDTHHMMSSZ is" };
        if text.len() != 16 || !shape(text, b"ddddddddTddddddZ") {
            return Err(error());
        }
        NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ")
            .ok()
            .and_then(|t| Self::from_epoch(t.and_utc().timestamp()))
            .ok_or_else(error)
    }

    /// Parses the stamp in a log name: `YYYYMMDDTHHmmZ`.
    ///
    /// # Errors
    /// [`TimeError`] for any other text.
    pub fn parse_minute_stamp(text: &str) -> Result<Self, TimeError> {
        let seconds = || {
            let text: &[u8; 14] = text.as_bytes().try_into().ok()?;
            let (date, time) = text.split_at(8);
            let [b'T', time @ .., b'Z'] = time else { return None };
            seconds_of([&date[..4], &date[4..6], &date[6..], &time[..2], &time[2..], b"00"])
        };
        let time = seconds().and_then(Self::from_epoch);
        time.ok_or_else(|| TimeError { text: shorten(text), expected: "YYYYMMDDTHHmmZ is" })
    }

    /// Parses what people and key files write: RFC 3339 with any offset, with or without seconds, the same
    /// without an offset (taken as UTC, as botocore does), a date (also `20240301`), the stamps of log and digest
    /// names, or seconds since the epoch with or without a fraction (docs/spec/format.md 1.6). Fractions of a second
    /// are cut off.
    ///
    /// Eight digits are a date and never seconds: these would all lie in 1970 to 1973, before CloudTrail.
    ///
    /// # Errors
    /// [`TimeError`] for any other text.
    pub fn parse_loose(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError {
            text: shorten(text),
            expected: "RFC 3339 (2024-03-01T00:00:00Z, 2024-03-01T00:00Z), a date (2024-03-01, 20240301), \
                       20240301T0000Z or seconds since 1970 are",
        };
        let trimmed = text.trim();
        if let Some(written) = parse_calendar(trimmed) {
            return Ok(written.time);
        }
        if shape(trimmed, b"dddddddd") {
            return Err(error());
        }
        Self::parse_epoch(trimmed).map_err(|_| error())
    }

    fn midnight(date: NaiveDate) -> Option<Self> {
        Self::from_epoch(i64::from(date.to_epoch_days()) * 86_400)
    }

    /// Parses a number: seconds since the epoch, with or without a fraction, which is cut off. It is the form of
    /// times that are numbers in JSON, whatever number of digits they have.
    ///
    /// # Errors
    /// [`TimeError`] for any other text.
    pub fn parse_epoch(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError { text: shorten(text), expected: "seconds since 1970 are" };
        let seconds: f64 = text.parse().map_err(|_| error())?;
        if !seconds.is_finite() || seconds.abs() > MAX as f64 {
            return Err(error());
        }
        Self::from_epoch(seconds.floor() as i64).ok_or_else(error)
    }

    /// The stamp of a digest name: `YYYYMMDDTHHMMSSZ`.
    pub fn stamp(self) -> String {
        self.utc().format("%Y%m%dT%H%M%SZ").to_string()
    }

    /// The stamp of a log name: `YYYYMMDDTHHmmZ`.
    pub fn minute_stamp(self) -> String {
        self.utc().format("%Y%m%dT%H%MZ").to_string()
    }

    /// The date folders of a key: `YYYY/MM/DD`.
    pub fn date_folders(self) -> String {
        self.utc().format("%Y/%m/%d").to_string()
    }

    fn utc(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp(self.0, 0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC: `2024-03-01T05:46:41Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.utc().format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_loose(&text).map_err(serde::de::Error::custom)
    }
}

/// The forms of [`Timestamp::parse_loose`] that are no number of seconds.
fn parse_calendar(text: &str) -> Option<WrittenTime> {
    let zoned = |time| WrittenTime { time, has_zone: true };
    let local = |time| WrittenTime { time, has_zone: false };
    let with_seconds = with_seconds(text);
    if let Ok(t) = DateTime::parse_from_rfc3339(with_seconds.as_deref().unwrap_or(text)) {
        return Timestamp::from_epoch(t.timestamp()).map(zoned);
    }
    if let Ok(t) = Timestamp::parse_stamp(text).or_else(|_| Timestamp::parse_minute_stamp(text)) {
        return Some(zoned(t));
    }
    if shape(text, b"dddddddd") {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok().and_then(Timestamp::midnight).map(local);
    }
    // To the parser behind this, 14-10-26 is a day of the year 14.
    if !text.get(..5).is_some_and(|year| shape(year, b"dddd-")) {
        return None;
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"] {
        if let Ok(t) = NaiveDateTime::parse_from_str(text, form) {
            return Timestamp::from_epoch(t.and_utc().timestamp()).map(local);
        }
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(Timestamp::midnight).map(local)
}

/// Whether `text` has the shape of `pattern`, where `d` stands for a digit.
fn shape(text: &str, pattern: &[u8]) -> bool {
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(c, p)| if *p == b'd' { c.is_ascii_digit() } else { c == *p })
}

/// `2024-03-01T05:46Z` with the seconds that RFC 3339 wants; `None` for texts of any other shape.
fn with_seconds(text: &str) -> Option<String> {
    let (minutes, offset) = text.split_at_checked("2024-03-01T05:46".len())?;
    let is_offset = offset.starts_with(['Z', 'z', '+', '-']) && minutes.as_bytes()[13] == b':';
    is_offset.then(|| format!("{minutes}:00{offset}"))
}

/// Seconds since the epoch of `YYYY-MM-DDTHH:MM:SSZ`; every event record and every log that a digest names has
/// such a time, so this is five times as fast as a general parser.
fn plain_seconds(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    if [4, 7, 10, 13, 16, 19].map(|at| text[at]) != *b"--T::Z" {
        return None;
    }
    seconds_of([&text[..4], &text[5..7], &text[8..10], &text[11..13], &text[14..16], &text[17..19]])
}

/// The same of digits: year, month, day, hour, minute and second.
fn seconds_of(digits: [&[u8]; 6]) -> Option<i64> {
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
    };
    let [year, month, day, hour, minute, second] = digits.map(number);
    let date = NaiveDate::from_ymd_opt(year? as i32, month? as u32, day? as u32)?;
    let (hour, minute, second) = (hour?, minute?, second?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(i64::from(date.to_epoch_days()) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// At most 40 characters of a hostile text, for an error message.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_time_reads_as_the_same_second() {
        let expected = Timestamp::parse_digest_field("2024-03-01T05:46:00Z").unwrap();
        assert_eq!(Timestamp::parse_stamp("20240301T054600Z").unwrap(), expected);
        assert_eq!(Timestamp::parse_minute_stamp("20240301T0546Z").unwrap(), expected);
        for text in [
            "2024-03-01T05:46:00+00:00",
            "2024-03-01T06:46:00+01:00",
            "2024-03-01T05:46:00",
            "2024-03-01T05:46",
            "2024-03-01 05:46",
            "2024-03-01T05:46Z",
            "2024-03-01T06:46+01:00",
            "2024-03-01 05:46Z",
            "20240301T0546Z",
            "20240301T054600Z",
            "1709271960",
            "1709271960.75",
            "1709271960.0",
        ] {
            assert_eq!(Timestamp::parse_loose(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn eight_digits_are_a_date_and_never_an_epoch() {
        let date = Timestamp::parse_loose("2026-03-08").unwrap();
        assert_eq!(Timestamp::parse_loose("20260308"), Ok(date));
        assert_eq!(Timestamp::parse_loose(" 20260308 "), Ok(date));
        for text in ["99999999", "20260230", "20261301", "00000000", "20260308T", "20260308Z"] {
            let error = Timestamp::parse_loose(text).unwrap_err().to_string();
            assert!(error.contains("2024-03-01T00:00Z") && error.contains("20240301"), "{error}");
        }
        // a number of a JSON text is one whatever its digits
        assert_eq!(Timestamp::parse_epoch("20260308").map(Timestamp::epoch), Ok(20_260_308));
        assert_eq!(Timestamp::parse_epoch("1453076702.0").map(Timestamp::epoch), Ok(1_453_076_702));
        for seconds in ["0", "9999999", "999999999"] {
            assert_eq!(Timestamp::parse_loose(seconds).map(Timestamp::epoch), Ok(seconds.parse().unwrap()));
        }
    }

    #[test]
    fn what_is_no_time_is_an_error() {
        for text in
            ["", "2024-3-1T00:00:00Z", "2024-13-01T00:00:00Z", "+024-03-01T00:00:00Z", "now", "NaN", "1e300"]
        {
            assert!(Timestamp::parse_digest_field(text).is_err(), "{text}");
            assert!(Timestamp::parse_loose(text).is_err() || text.starts_with("2024-3"), "{text}");
        }
        assert!(Timestamp::parse_stamp("20240301T246100Z").is_err());
        assert!(Timestamp::parse_minute_stamp("2024030１T05Z").is_err());
    }

    #[test]
    fn printing_and_parsing_are_inverse() {
        for seconds in [0, 1, 1_709_271_960, 253_402_300_799, -1] {
            let t = Timestamp::from_epoch(seconds).unwrap();
            assert_eq!(Timestamp::parse_digest_field(&t.to_string()).unwrap(), t);
            assert_eq!(Timestamp::parse_stamp(&t.stamp()).unwrap(), t);
        }
    }
}
