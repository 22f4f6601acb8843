//! The times that the AWS CLI takes: seconds since 1970, ISO 8601, and the forms of mail headers. A time without a
//! zone is UTC. Eight digits are a date, as in the other commands (to the AWS CLI they are seconds of 1970). What could mean two things (07/10/2023) or leans on today's date (2023-07, 11:42) is refused.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use trailseal_archive::Timestamp;

/// Dates with a time of the day, in all forms of either.
const DATES: [&str; 3] = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"];
const WORDED_DATES: [&str; 5] = ["%d %b %Y", "%b %d %Y", "%b %d, %Y", "%d-%b-%Y", "%B %d, %Y"];
const TIMES: [&str; 8] =
    ["%H:%M:%S%.f", "%H:%M:%S,%f", "%H:%M", "%H%M%S", "%H%M", "%I:%M %p", "%I:%M:%S %p", "%H"];

/// Reads a time; fractions of seconds are cut off.
///
/// # Errors
/// A sentence that names forms that are understood.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let trimmed = text.trim();
    epoch(trimmed).or_else(|| civil(trimmed)).ok_or_else(|| {
        format!(
            "{text:?} is no time: 1688989356, 2023-07-10, 20230710, 2023-07-10T11:42:36Z or \"2023-07-10 11:42\" are"
        )
    })
}

fn epoch(text: &str) -> Option<Timestamp> {
    let is_number = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let is_date = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: f64 = if is_number && !is_date { text.parse().ok()? } else { return None };
    (seconds.abs() < 1e15).then(|| Timestamp::from_epoch(seconds.floor() as i64)).flatten()
}

fn civil(text: &str) -> Option<Timestamp> {
    let text = without_weekday(text);
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Timestamp::from_epoch(time.timestamp());
    }
    let (local, offset) = cut_zone(text);
    let local = naive(local.trim_end())?;
    Timestamp::from_epoch(local.and_utc().timestamp() - offset)
}

/// `Mon, 10 Jul …` and `Mon Jul 10 …`.
fn without_weekday(text: &str) -> &str {
    let Some((first, rest)) = text.split_once([' ', ',']) else { return text };
    let is_weekday = first.parse::<chrono::Weekday>().is_ok();
    if is_weekday { rest.trim_start_matches([' ', ',']) } else { text }
}

/// What stands before the zone, and the zone's seconds east of Greenwich; no zone is UTC.
fn cut_zone(text: &str) -> (&str, i64) {
    for name in ["Z", "z", "UTC", "GMT"] {
        // A date alone has no zone, so that `2023-07-10Z` is refused as it is elsewhere.
        if let Some(local) = text.strip_suffix(name).filter(|local| local.len() > 10) {
            return (local, 0);
        }
    }
    let Some(at) = text.rfind(['+', '-']).filter(|at| *at > 9 && text[..*at].contains([':', 'T'])) else {
        return (text, 0);
    };
    match offset(&text[at + 1..]) {
        Some(seconds) if text[at..].starts_with('-') => (&text[..at], -seconds),
        Some(seconds) => (&text[..at], seconds),
        None => (text, 0),
    }
}

/// `HH`, `HHMM` or `HH:MM`.
fn offset(text: &str) -> Option<i64> {
    let digits: String = match text.split_once(':') {
        Some((hours, minutes)) if hours.len() == 2 && minutes.len() == 2 => [hours, minutes].concat(),
        None if matches!(text.len(), 2 | 4) => text.to_owned(),
        Some(_) | None => return None,
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 { digits[2..].parse().ok()? } else { 0 };
    (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
}

fn naive(text: &str) -> Option<NaiveDateTime> {
    for date in DATES {
        if let Ok(date) = NaiveDate::parse_from_str(text, date) {
            return date.and_hms_opt(0, 0, 0);
        }
        if let Some(time) = with_time(text, date, &['T', 't', ' ']) {
            return Some(time);
        }
    }
    for date in WORDED_DATES {
        if let Ok(date) = NaiveDate::parse_from_str(text, date) {
            return date.and_hms_opt(0, 0, 0);
        }
        if let Some(time) = with_time(text, date, &[' ']) {
            return Some(time);
        }
    }
    // as `date` prints it
    let forms = ["%b %d %H:%M:%S %Y"];
    forms
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .filter(|time| is_whole(time.time()))
}

fn with_time(text: &str, date: &str, separators: &[char]) -> Option<NaiveDateTime> {
    text.match_indices(separators).find_map(|(at, separator)| {
        let date = NaiveDate::parse_from_str(&text[..at], date).ok()?;
        let rest = text[at + separator.len()..].trim_start();
        let time = TIMES.iter().find_map(|form| time(rest, form))?;
        Some(date.and_time(time))
    })
}

fn time(text: &str, form: &str) -> Option<NaiveTime> {
    if form == "%H" {
        // chrono wants minutes as well
        let is_hour = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        return if is_hour { NaiveTime::from_hms_opt(text.parse().ok()?, 0, 0) } else { None };
    }
    NaiveTime::parse_from_str(text, form).ok().filter(|time| is_whole(*time))
}

/// No leap second: no event has one.
fn is_whole(time: NaiveTime) -> bool {
    use chrono::Timelike as _;
    time.nanosecond() < 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds are those that awscli 1.46 makes of these texts, but for eight digits.
    #[test]
    fn times_mean_what_they_mean_to_the_aws_cli() {
        for (text, seconds) in [
            ("1688989356", 1_688_989_356),
            ("1688989356.9", 1_688_989_356),
            ("-0.5", -1),
            ("1e9", 1_000_000_000),
            ("20230710", 1_688_947_200),
            ("2023-07-10T11:42Z", 1_688_989_320),
            ("2023-07-10T13:42+02:00", 1_688_989_320),
            ("20230710T1142Z", 1_688_989_320),
            ("2023-07-10", 1_688_947_200),
            ("2023-07-10T11:42:36Z", 1_688_989_356),
            ("2023-07-10T11:42:36", 1_688_989_356),
            ("2023-07-10T13:42:36+02:00", 1_688_989_356),
            ("2023-07-10T13:42:36+0200", 1_688_989_356),
            ("2023-07-10T13:42:36+02", 1_688_989_356),
            ("2023-07-10T11:42:36-08:00", 1_689_018_156),
            ("2023-07-10 11:42", 1_688_989_320),
            ("2023-07-10 11:42:36", 1_688_989_356),
            ("2023-07-10T11:42:36.999Z", 1_688_989_356),
            ("2023-07-10T11:42:36,999Z", 1_688_989_356),
            ("2023-07-10T11:42:36.123456789Z", 1_688_989_356),
            ("20230710T114236Z", 1_688_989_356),
            ("20230710T1142", 1_688_989_320),
            ("2023-07-10T11", 1_688_986_800),
            ("2023/07/10", 1_688_947_200),
            ("2023/07/10 11:42", 1_688_989_320),
            ("Mon, 10 Jul 2023 11:42:36 GMT", 1_688_989_356),
            ("Mon, 10 Jul 2023 13:42:36 +0200", 1_688_989_356),
            ("Mon Jul 10 11:42:36 2023", 1_688_989_356),
            ("10 Jul 2023", 1_688_947_200),
            ("10-Jul-2023", 1_688_947_200),
            ("Jul 10 2023", 1_688_947_200),
            ("July 10, 2023 11:42", 1_688_989_320),
            ("2023-07-10 11:42 UTC", 1_688_989_320),
            ("2023-07-10 11:42 +02:00", 1_688_982_120),
            ("2023-07-10 11:42 PM", 1_689_032_520),
        ] {
            assert_eq!(parse(text).map(Timestamp::epoch), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_not_one_only_is_refused() {
        for text in [
            "",
            " ",
            "yesterday",
            "nan",
            "inf",
            "1e99",
            "2023-07-10T24:00:00",
            "2023-07-10T11:42:60Z",
            "2023-07-10z",
            "2023-02-30",
            "20230230",
            "99999999",
            "2023-07",
            "07/10/2023",
            "11:42",
            "2023-07-10T11:42:36 EST",
            "2023-07-10T11:42:36+25:00",
            "2023-07-10T11:42:36+é",
            "é2023-07-10T11:42:36é",
        ] {
            assert!(parse(text).is_err(), "{text}: {:?}", parse(text));
        }
    }
}
