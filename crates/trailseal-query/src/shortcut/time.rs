//! The times that `--from` and `--to` take.

use trailseal_archive::{Timestamp, time::WrittenTimeError};

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; milliseconds since 1970, now, -7d, T-7d, now-24h and -1d12h are times as well, with the units w, d, h, m and s"
)]
pub struct ParseTimeError(#[source] WrittenTimeError);

/// Digits from which on a number counts milliseconds.
const MILLISECOND_DIGITS: usize = 13;

/// Reads a time.
///
/// - what [`Timestamp::parse_written`] reads: RFC 3339, with `T` or a space, with or without seconds; a date, which is
///   its first second, also as the end of a range; the stamps of log and digest names; words (`8 Mar 2026 10pm`);
///   without an offset in UTC
/// - seconds since 1970, with or without a fraction (which is cut off); 13 digits are milliseconds
/// - `now`; `-7d`, `T-7d` and `now-7d`: that long before `now`; units w, d, h, m, s, also several (`-1d12h`)
///
/// # Errors
/// [`ParseTimeError`] for any other text, and for times outside the years 0000 to 9999.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, ParseTimeError> {
    let trimmed = text.trim();
    milliseconds(trimmed)
        .or_else(|| relative(trimmed, now))
        .map_or_else(|| Timestamp::parse_written(text).map_err(ParseTimeError), Ok)
}

fn milliseconds(text: &str) -> Option<Timestamp> {
    let is_number = text.len() == MILLISECOND_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    Timestamp::from_epoch(text.parse::<i64>().ok().filter(|_| is_number)? / 1_000)
}

fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.to_ascii_lowercase();
    if text == "now" {
        return Some(now);
    }
    let rest = ["now", "t"].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(&text);
    let seconds = span(rest.strip_prefix('-')?)?;
    Timestamp::from_epoch(now.epoch().checked_sub(seconds)?)
}

/// Reads a span of time: the seconds of `7d` or `1d12h`, with the units w, d, h, m and s; `None` for any other text, and for
/// more than 64 bits hold.
pub fn span(text: &str) -> Option<i64> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let mut characters = tail.chars();
        let unit = match characters.next()?.to_ascii_lowercase() {
            'w' => 604_800,
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(unit)?)?;
        rest = characters.as_str();
    }
    if text.is_empty() { None } else { Some(total) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_loose(text).unwrap()
    }

    #[test]
    fn every_form_is_read() {
        let now = at("2024-03-10T12:00:00Z");
        for (text, expected) in [
            ("2024-03-01T05:46:00Z", "2024-03-01T05:46:00Z"),
            ("2024-03-01T06:46:00+01:00", "2024-03-01T05:46:00Z"),
            ("2024-03-01 05:46:00", "2024-03-01T05:46:00Z"),
            ("2024-03-01T05:46", "2024-03-01T05:46:00Z"),
            ("2024-03-01", "2024-03-01T00:00:00Z"),
            (" 2024-03-01 ", "2024-03-01T00:00:00Z"),
            ("20240301", "2024-03-01T00:00:00Z"),
            ("2024-03-01T05:46Z", "2024-03-01T05:46:00Z"),
            ("March 1, 2024 5:46 am", "2024-03-01T05:46:00Z"),
            ("03/01/2024", "2024-03-01T00:00:00Z"),
            ("2024-03-01T06:46+01:00", "2024-03-01T05:46:00Z"),
            ("20240301T0546Z", "2024-03-01T05:46:00Z"),
            ("20240301T054600Z", "2024-03-01T05:46:00Z"),
            ("1709271960", "2024-03-01T05:46:00Z"),
            ("1709271960.75", "2024-03-01T05:46:00Z"),
            ("1709271960750", "2024-03-01T05:46:00Z"),
            ("now", "2024-03-10T12:00:00Z"),
            ("NOW", "2024-03-10T12:00:00Z"),
            ("-7d", "2024-03-03T12:00:00Z"),
            ("T-7d", "2024-03-03T12:00:00Z"),
            ("-90m", "2024-03-10T10:30:00Z"),
            ("-1w", "2024-03-03T12:00:00Z"),
            ("now-24h", "2024-03-09T12:00:00Z"),
            ("-1d12h", "2024-03-09T00:00:00Z"),
            ("-30s", "2024-03-10T11:59:30Z"),
        ] {
            assert_eq!(parse(text, now), Ok(at(expected)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_the_forms() {
        let now = at("2024-03-10T12:00:00Z");
        for text in [
            "",
            "-",
            "7d",
            "-7",
            "-d",
            "-7y",
            "+7d",
            "yesterday",
            "2024-13-01",
            "99999999",
            "20240230",
            "1e9",
            "inf",
            "nan",
            "now+1h",
            "T",
            "-99999999999999999999d",
            "-9999999999999w",
            "-999999w",
            "2024",
            "10:00",
            ".",
            "-1d-1h",
            "-7d ago",
        ] {
            let error = parse(text, now).unwrap_err();
            assert!(error.to_string().contains("-7d"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>(), near in "(now|T)?-?[0-9]{0,20}[wdhmsé]?[0-9]{0,3}[hm]?") {
            let now = at("2024-03-10T12:00:00Z");
            let _ = (parse(&text, now), parse(&near, now));
        }
    }
}
