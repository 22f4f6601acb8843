//! Time zones: what clocks on the wall show, and which moment was meant by it (docs/spec/records.md 2.10).
//!
//! The rules of the zones are those of the IANA Time Zone Database, of the version that comes with `jiff` and is part of
//! the program: the same question has the same answer on every machine. No clock and no environment is read.

use std::fmt;

use jiff::{
    Span,
    civil::{Date, DateTime},
    tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase},
};
use trailseal_archive::Timestamp;

const DAY: i64 = 86_400;

/// A time zone: the rules by which clocks in some part of the world are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// Why a text is no time zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZoneError {
    /// No zone has this name.
    #[error("{text:?} is no time zone{}; Europe/Berlin, UTC and +02:00 are", or(.near))]
    Unknown {
        /// The text, shortened.
        text: String,
        /// Zones that may have been meant.
        near: Vec<String>,
    },
    /// `UTC+2` is two hours east to people, and two hours west to POSIX.
    #[error("{text:?} could mean two zones; an offset is written alone: +02:00 is two hours east of UTC")]
    TwoWays {
        /// The text, shortened.
        text: String,
    },
    /// An offset that is none.
    #[error("{text:?} is no offset; they go from -14:00 to +14:00, as +05:30")]
    Offset {
        /// The text, shortened.
        text: String,
    },
}

/// The moments at which clocks show a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownAt {
    /// One.
    Once(Timestamp),
    /// Two: clocks were set back.
    Twice {
        /// Before they were.
        first: Timestamp,
        /// After that.
        second: Timestamp,
    },
    /// None: clocks were set forward over it.
    Never {
        /// The moment at which they were.
        next: Timestamp,
    },
}

impl ShownAt {
    /// The one moment, the earlier of two, or the first after what was left out.
    pub fn earliest(self) -> Timestamp {
        match self {
            Self::Once(time) | Self::Twice { first: time, .. } | Self::Never { next: time } => time,
        }
    }

    /// The one moment, the later of two, or the first after what was left out.
    pub fn latest(self) -> Timestamp {
        match self {
            Self::Once(time) | Self::Twice { second: time, .. } | Self::Never { next: time } => time,
        }
    }
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }

    /// The zone with a name of the IANA Time Zone Database, in any case (`Europe/Berlin`, `UTC`), or with an offset (`+02:00`,
    /// `-0330`, `+2`), which is that of all times.
    ///
    /// # Errors
    /// [`ZoneError`].
    pub fn named(text: &str) -> Result<Self, ZoneError> {
        let text = text.trim();
        let shortened = || text.chars().take(40).collect::<String>();
        if text.starts_with(['+', '-']) {
            return offset(text).ok_or_else(|| ZoneError::Offset { text: shortened() });
        }
        let database = TimeZoneDatabase::bundled();
        if let Ok(rules) = database.get(text) {
            let name = rules.iana_name().unwrap_or("UTC").to_owned();
            // a name that is kept for what is not known
            let is_known = !rules.is_unknown();
            if is_known {
                return Ok(if rules == TimeZone::UTC { Self::utc() } else { Self { name, rules } });
            }
        }
        let upper = text.to_ascii_uppercase();
        let rest = ["UTC", "GMT"].iter().find_map(|start| upper.strip_prefix(start));
        if rest.is_some_and(|rest| rest.trim_start().starts_with(['+', '-'])) {
            return Err(ZoneError::TwoWays { text: shortened() });
        }
        let lower = text.to_lowercase().replace(' ', "_");
        let is_near = |name: &String| name.to_lowercase().rsplit('/').next() == Some(lower.as_str());
        let near = database.available().map(|name| name.to_string()).filter(is_near).take(3).collect();
        Err(ZoneError::Unknown { text: shortened(), near })
    }

    /// Its name as the database writes it, or its offset.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is UTC.
    pub fn is_utc(&self) -> bool {
        self.rules == TimeZone::UTC
    }

    /// The seconds that its clocks are ahead of UTC.
    pub fn offset(&self, time: Timestamp) -> i64 {
        if self.is_utc() { 0 } else { i64::from(self.rules.to_offset(instant(time.epoch())).seconds()) }
    }

    /// What its clocks show: the seconds from 1970-01-01 00:00:00 to the date and time of the day that they show.
    pub fn shown(&self, time: Timestamp) -> i64 {
        time.epoch() + self.offset(time)
    }

    /// When its clocks show this.
    pub fn shown_at(&self, shown: i64) -> ShownAt {
        let at = |offset: Offset| moment(shown.saturating_sub(i64::from(offset.seconds())));
        if self.is_utc() {
            return ShownAt::Once(moment(shown));
        }
        let date_and_time = Offset::UTC.to_datetime(instant(shown));
        match self.rules.to_ambiguous_timestamp(date_and_time).offset() {
            AmbiguousOffset::Unambiguous { offset } => ShownAt::Once(at(offset)),
            AmbiguousOffset::Fold { before, after } => {
                ShownAt::Twice { first: at(before), second: at(after) }
            }
            AmbiguousOffset::Gap { before, after } => {
                // with the offset of later the moment lies before clocks were set, with that of before behind it
                let (start, end) = (at(after), at(before));
                let mut changes = self.rules.following(instant(start.epoch()));
                let change = changes.find(|change| change.offset() == after);
                let next = change.and_then(|change| Timestamp::from_epoch(change.timestamp().as_second()));
                ShownAt::Never { next: next.unwrap_or(end) }
            }
        }
    }

    /// The first moment of the day that its clocks show.
    pub fn start_of_day(&self, time: Timestamp) -> Timestamp {
        self.day_after(time, 0)
    }

    /// The first moment of the day that is so many days after that of `time`.
    pub fn day_after(&self, time: Timestamp, days: i64) -> Timestamp {
        let today = self.shown(time).div_euclid(DAY);
        self.shown_at((today + days) * DAY).earliest()
    }

    /// The first moment of a month.
    pub fn start_of_month(&self, year: i32, month: u32) -> Timestamp {
        let date = i16::try_from(year).ok().zip(i8::try_from(month).ok());
        let date = date.and_then(|(year, month)| Date::new(year, month, 1).ok());
        self.shown_at(date.map_or(i64::MAX, |date| seconds(date.at(0, 0, 0, 0)))).earliest()
    }

    /// When its clocks showed the same time of the day so many months before, on the same day of the month or the last one that
    /// there was.
    pub fn months_before(&self, time: Timestamp, months: u32) -> Timestamp {
        if months == 0 {
            return time;
        }
        let now = Offset::UTC.to_datetime(instant(self.shown(time)));
        let then = Span::new().try_months(months).and_then(|span| now.checked_sub(span));
        self.shown_at(then.map_or(i64::MIN, seconds)).earliest()
    }

    /// How far its clocks are ahead of UTC: `+01:00`.
    pub fn print_offset(&self, time: Timestamp) -> String {
        offset_text(self.offset(time))
    }

    /// A time as its clocks show it, `2024-03-01 06:46:41`; with the offset behind it where they show that twice.
    pub fn print(&self, time: Timestamp) -> String {
        let shown = self.shown(time);
        let mut text = moment(shown).to_string().replace('T', " ");
        text.truncate("2024-03-01 06:46:41".len());
        if !self.is_utc() && matches!(self.shown_at(shown), ShownAt::Twice { .. }) {
            text.push_str(&self.print_offset(time));
        }
        text
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Display for Zone {
    /// Its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// `+02:00`, `-0330`, `+2`.
fn offset(text: &str) -> Option<Zone> {
    let (sign, digits) = (text.get(..1)?, text.get(1..)?);
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "00"),
    };
    let is_number = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    if !is_number(hours, 2) || !is_number(minutes, 2) || minutes.len() != 2 {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = hours * 3_600 + minutes * 60;
    if minutes > 59 || seconds > 14 * 3_600 {
        return None;
    }
    let seconds = if sign == "-" { -seconds } else { seconds };
    if seconds == 0 {
        return Some(Zone::utc());
    }
    let rules = TimeZone::fixed(Offset::from_seconds(seconds).ok()?);
    Some(Zone { name: offset_text(i64::from(seconds)), rules })
}

/// `+02:00`; the seconds that clocks were set by before 1900 in some places stand behind it.
fn offset_text(seconds: i64) -> String {
    let (sign, all) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    let (hours, minutes, rest) = (all / 3_600, all / 60 % 60, all % 60);
    let rest = if rest == 0 { String::new() } else { format!(":{rest:02}") };
    format!("{sign}{hours:02}:{minutes:02}{rest}")
}

fn or(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(", {} is", near.join(" or ")) }
}

/// The seconds from 1970-01-01 00:00:00 to a date and time of the day.
fn seconds(date_and_time: DateTime) -> i64 {
    Offset::UTC.to_timestamp(date_and_time).map_or(i64::MAX, jiff::Timestamp::as_second)
}

/// The last days of the year 9999 are more than `jiff` knows; no rule changes there.
fn instant(seconds: i64) -> jiff::Timestamp {
    let (least, most) = (jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    jiff::Timestamp::from_second(seconds.clamp(least, most)).unwrap_or_default()
}

/// Kept within the years that a time can have.
fn moment(seconds: i64) -> Timestamp {
    let epoch = Timestamp::from_epoch(0).unwrap_or_else(|| unreachable!("1970 is a year"));
    epoch.plus(seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn at(text: &str) -> Timestamp {
        Timestamp::parse_loose(text).unwrap()
    }

    fn zone(text: &str) -> Zone {
        Zone::named(text).unwrap()
    }

    /// When clocks show a time that is written as if it were UTC.
    fn shown_at(zone: &Zone, text: &str) -> ShownAt {
        zone.shown_at(at(text).epoch())
    }

    #[test]
    fn zones_have_names_in_any_case_and_offsets() {
        for (text, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            (" UTC ", "UTC"),
            ("utc", "UTC"),
            ("Asia/Kolkata", "Asia/Kolkata"),
            ("+02:00", "+02:00"),
            ("-0330", "-03:30"),
            ("+2", "+02:00"),
            ("-14", "-14:00"),
            ("+00:00", "UTC"),
            ("-0", "UTC"),
        ] {
            assert_eq!(zone(text).name(), name, "{text}");
        }
        assert!(zone("UTC").is_utc() && Zone::default().is_utc() && !zone("Europe/London").is_utc());
    }

    #[test]
    fn what_is_no_zone_is_told_what_may_be_meant() {
        let error = |text: &str| Zone::named(text).unwrap_err().to_string();
        assert!(
            error("Berlin").contains("\"Berlin\" is no time zone, Europe/Berlin is;"),
            "{}",
            error("Berlin")
        );
        assert!(error("new york").contains("America/New_York is"));
        assert!(error("Etc/Unknown").contains("is no time zone;"));
        for text in ["", "CEST", "local", "../../etc/passwd", "Europe/", "Europe/Berlin\0"] {
            assert!(error(text).contains("is no time zone"), "{text}");
        }
        for text in ["UTC+2", "GMT-03:00", "utc +1"] {
            assert!(error(text).contains("could mean two zones"), "{text}");
        }
        for text in ["+", "-", "+25", "+14:01", "+1:5", "+02:60", "+020", "+02:00:00", "+2h", "-é"] {
            assert!(error(text).contains("is no offset"), "{text}");
        }
    }

    #[test]
    fn clocks_are_set_forward_in_march() {
        let berlin = zone("Europe/Berlin");
        assert_eq!(berlin.print(at("2024-03-31T00:59:59Z")), "2024-03-31 01:59:59");
        assert_eq!(berlin.print(at("2024-03-31T01:00:00Z")), "2024-03-31 03:00:00");
        assert_eq!(shown_at(&berlin, "2024-03-31T01:30:00Z"), ShownAt::Once(at("2024-03-31T00:30:00Z")));
        for never in ["2024-03-31T02:00:00Z", "2024-03-31T02:30:00Z", "2024-03-31T02:59:59Z"] {
            assert_eq!(
                shown_at(&berlin, never),
                ShownAt::Never { next: at("2024-03-31T01:00:00Z") },
                "{never}"
            );
        }
        assert_eq!(shown_at(&berlin, "2024-03-31T03:00:00Z"), ShownAt::Once(at("2024-03-31T01:00:00Z")));
        let start = berlin.start_of_day(at("2024-03-31T12:00:00Z"));
        let next = berlin.day_after(at("2024-03-31T12:00:00Z"), 1);
        assert_eq!((start, next.since(start)), (at("2024-03-30T23:00:00Z"), 23 * 3_600));
    }

    #[test]
    fn clocks_are_set_back_in_october_and_the_hour_that_is_twice_says_which() {
        let berlin = zone("Europe/Berlin");
        let (first, second) = (at("2024-10-27T00:30:00Z"), at("2024-10-27T01:30:00Z"));
        assert_eq!(shown_at(&berlin, "2024-10-27T02:30:00Z"), ShownAt::Twice { first, second });
        assert_eq!(berlin.print(first), "2024-10-27 02:30:00+02:00");
        assert_eq!(berlin.print(second), "2024-10-27 02:30:00+01:00");
        assert_eq!(berlin.print(at("2024-10-27T02:00:00Z")), "2024-10-27 03:00:00");
        let start = berlin.start_of_day(first);
        assert_eq!(berlin.day_after(first, 1).since(start), 25 * 3_600);
    }

    #[test]
    fn days_begin_where_clocks_have_no_midnight_or_two() {
        // Brazil set clocks forward at midnight, Cuba sets them back to midnight, Samoa left out a day
        let sao_paulo = zone("America/Sao_Paulo");
        assert_eq!(sao_paulo.start_of_day(at("2018-11-04T12:00:00Z")), at("2018-11-04T03:00:00Z"));
        let havana = zone("America/Havana");
        assert_eq!(havana.start_of_day(at("2024-11-03T12:00:00Z")), at("2024-11-03T04:00:00Z"));
        let apia = zone("Pacific/Apia");
        let before = at("2011-12-30T08:00:00Z");
        assert_eq!(apia.print(before), "2011-12-29 22:00:00");
        assert_eq!(apia.day_after(before, 1), apia.day_after(before, 2));
    }

    #[test]
    fn the_ends_of_time_are_survived() {
        let (first, last) = (at("0000-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z"));
        for zone in [zone("Europe/Berlin"), zone("+14:00"), zone("-14:00"), Zone::utc()] {
            for time in [first, last] {
                assert_eq!(zone.print(time).len(), 19, "{zone}");
                let _ = (zone.shown_at(i64::MAX / 2), zone.shown_at(i64::MIN / 2), zone.day_after(time, 1));
            }
        }
    }

    proptest! {
        #[test]
        fn what_clocks_show_at_a_moment_is_shown_at_it(
            seconds in -4_000_000_000_i64..8_000_000_000,
            name in prop::sample::select(vec![
                "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana",
                "Pacific/Apia", "Africa/Casablanca", "+05:30", "UTC",
            ]),
        ) {
            let (zone, time) = (zone(name), Timestamp::from_epoch(seconds).unwrap());
            match zone.shown_at(zone.shown(time)) {
                ShownAt::Once(found) => prop_assert_eq!(found, time),
                ShownAt::Twice { first, second } => {
                    prop_assert!((first == time || second == time) && first < second);
                }
                ShownAt::Never { next } => prop_assert!(false, "{time} is {next}"),
            }
            let day = zone.start_of_day(time);
            prop_assert!(day <= time && zone.day_after(time, 1) > time);
            prop_assert_eq!(zone.print(time).len() > 19, matches!(zone.shown_at(zone.shown(time)), ShownAt::Twice { .. }));
        }
    }
}
