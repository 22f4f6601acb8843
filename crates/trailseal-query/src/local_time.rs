//! The hours of the day and the days of the week at which events happened, as the clocks of a time zone show them
//! (docs/spec/records.md 2.10).

use std::fmt;

use trailseal_archive::Timestamp;

use crate::zone::Zone;

const DAY: i64 = 86_400;
const MINUTES_OF_DAY: u16 = 24 * 60;
const NAMES: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Hours of days of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Whose clocks are meant.
    pub zone: Zone,
    /// At any of these hours; without one, at any hour.
    pub hours: Vec<HourRange>,
    /// On these days; that of an hour after midnight is the day that has begun then.
    pub weekdays: Weekdays,
}

/// From one time of the day until another, which is no part of it; over midnight where the second is the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourRange {
    /// Minutes since midnight, less than a day.
    from: u16,
    /// Minutes since midnight, a day at most, and never the same as `from`.
    until: u16,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekday(u8);

/// Some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weekdays(u8);

impl LocalTime {
    /// Whether a moment lies in it.
    pub fn holds(&self, time: Timestamp) -> bool {
        let shown = self.zone.shown(time);
        let minute = (shown.rem_euclid(DAY) / 60) as u16;
        let is_in_hours = self.hours.is_empty() || self.hours.iter().any(|hours| hours.holds(minute));
        is_in_hours && self.weekdays.hold(Weekday::of(shown))
    }
}

impl HourRange {
    /// Reads `08:00-18:00`, `8-18`, `22:00-06:00`; `24:00` is the end of a day.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let (from, until) = (minutes(from.trim())?, minutes(until.trim())?);
        (from < MINUTES_OF_DAY && from != until).then_some(Self { from, until })
    }

    fn holds(self, minute: u16) -> bool {
        if self.from < self.until {
            (self.from..self.until).contains(&minute)
        } else {
            minute >= self.from || minute < self.until
        }
    }
}

/// Minutes since midnight: `8`, `08`, `8:30`, `08:30`, `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':').unwrap_or((text, "00"));
    let is_number = |text: &str| text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) || minute.len() != 2 {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= MINUTES_OF_DAY).then_some(minutes)
}

impl Weekday {
    /// That of so many seconds after 1970-01-01 00:00:00, which was a Thursday.
    pub fn of(shown: i64) -> Self {
        Self((shown.div_euclid(DAY) + 3).rem_euclid(7) as u8)
    }

    /// Its name in three letters: `mon`.
    pub fn name(self) -> &'static str {
        &NAMES[usize::from(self.0)][..3]
    }

    /// The names of all, from Monday on.
    pub fn names() -> impl Iterator<Item = &'static str> {
        (0..7).map(|day| Self(day).name())
    }

    /// Reads a name in three letters or whole, in any case.
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let at = NAMES.iter().position(|name| *name == lower || name[..3] == lower)?;
        Some(Self(at as u8))
    }
}

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0x7f);
    /// No day.
    pub const NONE: Self = Self(0);

    /// Reads `mon`, `Monday`, `mon-fri`; `fri-mon` goes over the end of the week.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let (from, to) = (Weekday::parse(from.trim())?, Weekday::parse(to.trim())?);
        let days = (to.0 + 7 - from.0) % 7;
        Some((0..=days).fold(Self::NONE, |all, day| Self(all.0 | 1 << ((from.0 + day) % 7))))
    }

    /// The days of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether this day is among them.
    fn hold(self, day: Weekday) -> bool {
        self.0 >> day.0 & 1 == 1
    }
}

impl fmt::Display for LocalTime {
    /// In the words of the options: `hours 08:00-18:00, mon,tue (Europe/Berlin)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("local_time(")?;
        for (at, HourRange { from, until }) in self.hours.iter().enumerate() {
            let separator = if at == 0 { "" } else { "," };
            let [from, until] =
                [from, until].map(|minutes| format!("{:02}:{:02}", minutes / 60, minutes % 60));
            write!(f, "{separator}{from}-{until}")?;
        }
        f.write_str(if self.hours.is_empty() { "" } else { ", " })?;
        let days = (0..7).map(Weekday).filter(|day| self.weekdays.hold(*day));
        let days: Vec<&str> = days.map(Weekday::name).collect();
        write!(f, "{}, {})", days.join(","), self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_loose(text).unwrap()
    }

    fn local_time(zone: &str, hours: &[&str], weekdays: &[&str]) -> LocalTime {
        let weekdays = weekdays.iter().map(|text| Weekdays::parse(text).unwrap()).reduce(Weekdays::and);
        LocalTime {
            zone: Zone::named(zone).unwrap(),
            hours: hours.iter().map(|text| HourRange::parse(text).unwrap()).collect(),
            weekdays: weekdays.unwrap_or(Weekdays::ALL),
        }
    }

    #[test]
    fn hours_end_before_their_end_and_go_over_midnight() {
        let holds = |hours: &str, time: &str| {
            local_time("UTC", &[hours], &[]).holds(at(&format!("2024-03-01T{time}Z")))
        };
        for (hours, inside, outside) in [
            ("08:00-18:00", ["08:00:00", "17:59:59"], ["07:59:59", "18:00:00"]),
            ("8-18", ["08:00:00", "17:59:59"], ["07:59:59", "18:00:00"]),
            ("8:30 - 18", ["08:30:00", "12:00:00"], ["08:29:59", "23:59:59"]),
            ("22:00-06:00", ["22:00:00", "05:59:59"], ["06:00:00", "21:59:59"]),
            ("18:00-24:00", ["18:00:00", "23:59:59"], ["17:59:59", "00:00:00"]),
            ("18:00-00:00", ["18:00:00", "23:59:59"], ["17:59:59", "00:00:00"]),
        ] {
            assert!(inside.iter().all(|time| holds(hours, time)), "{hours}");
            assert!(outside.iter().all(|time| !holds(hours, time)), "{hours}");
        }
        assert!(["00:00:00", "23:59:59"].iter().all(|time| holds("00:00-24:00", time)));
    }

    #[test]
    fn days_of_the_week_are_those_of_the_zone() {
        // Friday 23:30 in London is Saturday in Berlin
        let friday_night = at("2024-03-01T23:30:00Z");
        assert!(local_time("Europe/London", &[], &["mon-fri"]).holds(friday_night));
        assert!(!local_time("Europe/Berlin", &[], &["Mon-Fri"]).holds(friday_night));
        assert!(local_time("Europe/Berlin", &["22:00-06:00"], &["SATURDAY", "sun"]).holds(friday_night));
        for (text, days) in [
            ("mon", 0b000_0001),
            ("Sunday", 0b100_0000),
            ("mon-fri", 0b001_1111),
            ("fri-mon", 0b111_0001),
            ("sat - sun", 0b110_0000),
            ("mon-sun", 0b111_1111),
            ("tue-mon", 0b111_1111),
            ("wed-wednesday", 0b000_0100),
        ] {
            assert_eq!(Weekdays::parse(text), Some(Weekdays(days)), "{text}");
        }
        assert_eq!(Weekday::of(at("1969-12-31T23:59:59Z").epoch()).name(), "wed");
        assert_eq!(Weekday::of(at("2024-10-27T00:00:00Z").epoch()).name(), "sun");
    }

    /// 02:00 to 03:00 is not there on 2024-03-31 in Berlin, and twice on 2024-10-27.
    #[test]
    fn hours_are_those_that_clocks_show_when_they_are_set() {
        let night = local_time("Europe/Berlin", &["02:00-03:00"], &[]);
        let hours_of = |day: &str| {
            let (start, end) = (night.zone.day_after(at(day), 0), night.zone.day_after(at(day), 1));
            (0..end.since(start) / 60).filter(|minute| night.holds(start.plus(minute * 60))).count()
        };
        assert_eq!(["2024-03-31", "2024-10-27", "2024-03-30"].map(hours_of), [0, 120, 60]);
        let office = local_time("Europe/Berlin", &["08:00-18:00"], &[]);
        for (before, start) in [
            ("2024-03-30T06:59:59Z", "2024-03-30T07:00:00Z"),
            ("2024-03-31T05:59:59Z", "2024-03-31T06:00:00Z"),
        ] {
            assert_eq!([before, start].map(|time| office.holds(at(time))), [false, true], "{start}");
        }
    }

    #[test]
    fn what_is_neither_hours_nor_days_is_refused() {
        for text in [
            "",
            "-",
            "8",
            "08:00",
            "08:00-",
            "-18:00",
            "08:00-08:00",
            "24:00-06:00",
            "24-24",
            "08:00-24:01",
            "25-26",
            "8:5-9",
            "08:60-09:00",
            "008-9",
            "08:00-18:00-20:00",
            "08.00-18.00",
            "8am-6pm",
            "é-ü",
            "08:00–18:00",
        ] {
            assert_eq!(HourRange::parse(text), None, "{text}");
        }
        for text in
            ["", "-", "mo", "mond", "mon-", "-fri", "weekend", "mon-fri-sun", "mon,tue", "montag", "é"]
        {
            assert_eq!(Weekdays::parse(text), None, "{text}");
        }
    }

    #[test]
    fn it_is_printed_as_it_was_asked_for() {
        let text = local_time("europe/berlin", &["8-18", "22:30-6"], &["mon-tue", "sun"]).to_string();
        assert_eq!(text, "local_time(08:00-18:00,22:30-06:00, mon,tue,sun, Europe/Berlin)");
        assert_eq!(local_time("UTC", &[], &["sat"]).to_string(), "local_time(sat, UTC)");
    }
}
