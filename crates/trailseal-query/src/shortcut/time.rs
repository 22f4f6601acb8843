//! The times that `--from` and `--to` take.

use trailseal_archive::{
    Timestamp,
    time::{WrittenTime, WrittenTimeError},
};

use crate::zone::{ShownAt, Zone};

/// Why a text is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}; milliseconds since 1970, now, -7d, T-7d, now-24h, -1d12h, -1y, -3mo, today, yesterday and a month (2024-03) are times \
     as well, with the units y, mo, w, d, h, m and s"
)]
pub struct ParseTimeError(#[source] WrittenTimeError);

/// Digits from which on a number counts milliseconds.
const MILLISECOND_DIGITS: usize = 13;

/// A time as it was typed. Which moment it is, a zone says, and for some the moment that it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypedTime {
    /// A moment: its zone is written, or it counts seconds.
    Moment(Timestamp),
    /// A date and a time of the day: the moment at which clocks in UTC show them.
    Clock(Timestamp),
    /// A date: the moment at which it begins in UTC.
    Date(Timestamp),
    /// A month.
    Month {
        /// The year.
        year: i32,
        /// The month, from 1 on.
        month: u32,
    },
    /// A day, so many before that which it is now.
    DaysAgo(i64),
    /// Before now.
    Back {
        /// So many months, and then
        months: u32,
        /// so many seconds.
        seconds: i64,
    },
}

/// What a typed time comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeantTime {
    /// One moment.
    Moment(Timestamp),
    /// What clocks show twice, since they were set back, or never, since they were set forward.
    Changed(ShownAt),
    /// A date, from its first second to its last.
    Date(Timestamp, Timestamp),
    /// What is a span by its name: today, yesterday, a month; from its first second to its last.
    Period(Timestamp, Timestamp),
}

impl MeantTime {
    /// Where it begins: the first second, or the earlier of two moments.
    pub fn start(self) -> Timestamp {
        match self {
            Self::Moment(time) | Self::Date(time, _) | Self::Period(time, _) => time,
            Self::Changed(shown) => shown.earliest(),
        }
    }
}

impl TypedTime {
    /// Reads a time.
    ///
    /// - what [`WrittenTime::parse`] reads: RFC 3339, with `T` or a space, with or without seconds; a date; the stamps of log and
    ///   digest names; words (`8 Mar 2026 10pm`); without an offset they are those of a zone
    /// - seconds since 1970, with or without a fraction (which is cut off); 13 digits are milliseconds
    /// - `now`; `-7d`, `T-7d` and `now-7d`: that long before now; units y, mo, w, d, h, m, s, also several, the largest first
    ///   (`-1d12h`). A day is 24 hours; years and months are those of the calendar, so that a month before March 31 is the last
    ///   of February
    /// - `today`, `yesterday`, and a month: `2024-03`
    ///
    /// # Errors
    /// [`ParseTimeError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, ParseTimeError> {
        let trimmed = text.trim();
        let special = milliseconds(trimmed).or_else(|| relative(trimmed)).or_else(|| month(trimmed));
        special.map_or_else(|| written(text), Ok)
    }

    /// What it means in a zone, at the moment that it is now. What lies outside the years 0000 to 9999 is their beginning or
    /// end.
    pub fn in_zone(self, zone: &Zone, now: Timestamp) -> MeantTime {
        match self {
            Self::Moment(time) => MeantTime::Moment(time),
            Self::Clock(time) => match zone.shown_at(time.epoch()) {
                ShownAt::Once(time) => MeantTime::Moment(time),
                changed => MeantTime::Changed(changed),
            },
            Self::Date(date) => {
                let start_of = |days: i64| zone.shown_at(date.epoch() + days * DAY).earliest();
                MeantTime::Date(start_of(0), start_of(1).plus(-1))
            }
            Self::Month { year, month } => {
                let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
                MeantTime::Period(
                    zone.start_of_month(year, month),
                    zone.start_of_month(next_year, next).plus(-1),
                )
            }
            Self::DaysAgo(days) => {
                MeantTime::Period(zone.day_after(now, -days), zone.day_after(now, 1 - days).plus(-1))
            }
            Self::Back { months, seconds } => {
                MeantTime::Moment(zone.months_before(now, months).plus(seconds.saturating_neg()))
            }
        }
    }
}

/// Reads a time in UTC, as [`TypedTime::parse`] does: the first second, where it is a date, a day or a month.
///
/// # Errors
/// [`ParseTimeError`] for any other text.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, ParseTimeError> {
    TypedTime::parse(text).map(|time| time.in_zone(&Zone::utc(), now).start())
}

const DAY: i64 = 86_400;
/// No time is farther back than the years that there are.
const MOST_MONTHS: u32 = 12 * 9_999;
const MOST_SECONDS: i64 = 9_999 * 366 * DAY;

fn milliseconds(text: &str) -> Option<TypedTime> {
    let is_number = text.len() == MILLISECOND_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = text.parse::<i64>().ok().filter(|_| is_number)? / 1_000;
    Timestamp::from_epoch(seconds).map(TypedTime::Moment)
}

fn relative(text: &str) -> Option<TypedTime> {
    let text = text.to_ascii_lowercase();
    match text.as_str() {
        "now" => return Some(TypedTime::Back { months: 0, seconds: 0 }),
        "today" => return Some(TypedTime::DaysAgo(0)),
        "yesterday" => return Some(TypedTime::DaysAgo(1)),
        _ => {}
    }
    let rest = ["now", "t"].iter().find_map(|start| text.strip_prefix(start)).unwrap_or(&text);
    let rest = rest.strip_prefix('-')?;
    let (years, rest) = leading(rest, "y");
    let (months, rest) = leading(rest, "mo");
    let is_whole = rest.is_empty() && years.or(months).is_some();
    let seconds = if is_whole { 0 } else { span(rest)? };
    let months = years.unwrap_or(0).checked_mul(12)?.checked_add(months.unwrap_or(0))?;
    (months <= MOST_MONTHS && seconds <= MOST_SECONDS).then_some(TypedTime::Back { months, seconds })
}

/// The number that stands first if this unit follows it, and the rest.
fn leading<'t>(text: &'t str, unit: &str) -> (Option<u32>, &'t str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, tail) = text.split_at(digits);
    match (number.parse(), tail.strip_prefix(unit)) {
        (Ok(number), Some(rest)) => (Some(number), rest),
        _ => (None, text),
    }
}

/// `2024-03`
fn month(text: &str) -> Option<TypedTime> {
    let (year, month) = text.split_once('-')?;
    let is_number =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, month) =
        (is_number(year, 4).then(|| year.parse())?, is_number(month, 2).then(|| month.parse())?);
    let (year, month) = (year.ok()?, month.ok()?);
    (1..=12).contains(&month).then_some(TypedTime::Month { year, month })
}

fn written(text: &str) -> Result<TypedTime, ParseTimeError> {
    let WrittenTime { time, has_zone } = WrittenTime::parse(text).map_err(ParseTimeError)?;
    Ok(match has_zone {
        true => TypedTime::Moment(time),
        false if is_date(text) => TypedTime::Date(time),
        false => TypedTime::Clock(time),
    })
}

/// `2024-03-01`, `2024/03/01`, `20240301`
fn is_date(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == 8 && (text.len() == 8 || text.len() == 10 && !text.contains(['T', ' ', ':', '.']))
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
            ("-1y", "2023-03-10T12:00:00Z"),
            ("-3mo", "2023-12-10T12:00:00Z"),
            ("-1mo12h", "2024-02-10T00:00:00Z"),
            ("now-1Y2MO1W", "2023-01-03T12:00:00Z"),
            ("-3m", "2024-03-10T11:57:00Z"),
            ("today", "2024-03-10T00:00:00Z"),
            ("Yesterday", "2024-03-09T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z"),
            ("-9999y", "0000-01-01T00:00:00Z"),
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
            "+7d",
            "tomorrow",
            "-1d1y",
            "-1h1mo",
            "-y",
            "-mo",
            "-10000y",
            "-99999999999mo",
            "-1yy",
            "2024-13",
            "2024-3",
            "2024/03",
            "March 2024",
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

    #[test]
    fn a_zone_says_which_moment_is_meant() {
        let now = at("2024-10-27T12:00:00Z");
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let meant = |text: &str| TypedTime::parse(text).unwrap().in_zone(&berlin, now);
        for (text, expected) in [
            ("2024-03-01 08:00", MeantTime::Moment(at("2024-03-01T07:00:00Z"))),
            ("1 July 2024 8 am", MeantTime::Moment(at("2024-07-01T06:00:00Z"))),
            ("2024-03-01T08:00Z", MeantTime::Moment(at("2024-03-01T08:00:00Z"))),
            ("2024-03-01T08:00-05:00", MeantTime::Moment(at("2024-03-01T13:00:00Z"))),
            ("20240301T0800Z", MeantTime::Moment(at("2024-03-01T08:00:00Z"))),
            ("1709271960", MeantTime::Moment(at("2024-03-01T05:46:00Z"))),
            ("-24h", MeantTime::Moment(at("2024-10-26T12:00:00Z"))),
            ("2024-03-31", MeantTime::Date(at("2024-03-30T23:00:00Z"), at("2024-03-31T21:59:59Z"))),
            ("10/27/2024", MeantTime::Date(at("2024-10-26T22:00:00Z"), at("2024-10-27T22:59:59Z"))),
            ("today", MeantTime::Period(at("2024-10-26T22:00:00Z"), at("2024-10-27T22:59:59Z"))),
            ("yesterday", MeantTime::Period(at("2024-10-25T22:00:00Z"), at("2024-10-26T21:59:59Z"))),
            ("2024-03", MeantTime::Period(at("2024-02-29T23:00:00Z"), at("2024-03-31T21:59:59Z"))),
            ("2024-12", MeantTime::Period(at("2024-11-30T23:00:00Z"), at("2024-12-31T22:59:59Z"))),
            (
                "2024-10-27 02:30",
                MeantTime::Changed(ShownAt::Twice {
                    first: at("2024-10-27T00:30:00Z"),
                    second: at("2024-10-27T01:30:00Z"),
                }),
            ),
            ("2024-03-31 02:30", MeantTime::Changed(ShownAt::Never { next: at("2024-03-31T01:00:00Z") })),
        ] {
            assert_eq!(meant(text), expected, "{text}");
        }
    }

    /// A month before 13:00 is 13:00, whatever clocks do between; a day is 24 hours.
    #[test]
    fn months_are_those_of_the_calendar_and_days_are_24_hours() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for (now, text, expected) in [
            ("2024-11-26T12:00:00Z", "-1mo", "2024-10-26T11:00:00Z"),
            ("2024-11-26T12:00:00Z", "-31d", "2024-10-26T12:00:00Z"),
            ("2024-03-31T12:00:00Z", "-1mo", "2024-02-29T13:00:00Z"),
            ("2024-02-29T12:00:00Z", "-1y", "2023-02-28T12:00:00Z"),
            ("2024-02-29T12:00:00Z", "-4y", "2020-02-29T12:00:00Z"),
            ("2024-02-29T23:30:00Z", "-1mo", "2024-01-31T23:30:00Z"),
            ("2024-11-27T01:30:00Z", "-1mo1h", "2024-10-26T23:30:00Z"),
        ] {
            let meant = TypedTime::parse(text).unwrap().in_zone(&berlin, at(now));
            assert_eq!(meant, MeantTime::Moment(at(expected)), "{now} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in any::<String>(), near in "(now|T)?-?[0-9]{0,20}(y|mo|[wdhmsé])?[0-9]{0,6}(mo|[hm-])?[0-9]{0,2}") {
            let now = at("2024-03-10T12:00:00Z");
            let _ = (parse(&text, now), parse(&near, now));
        }
    }
}
