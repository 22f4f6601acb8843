//! Times, and spans of time from one to another.

use std::sync::OnceLock;

use clap::Arg;
use trailseal_analysis::wanted::Wanted;
use trailseal_archive::Timestamp;
use trailseal_query::{
    Predicate, Zone,
    shortcut::time::{MeantTime, TypedTime},
    zone::ShownAt,
};

use super::{local_time::LocalTimes, span::span, zone::ZoneOption};
use crate::{clock, error::CommandError};

/// From when to when, for every command that takes it.
#[derive(Debug, Default, clap::Args)]
#[allow(clippy::doc_markdown, reason = "the help is no Markdown")]
pub(crate) struct Times {
    /// From this time on; a date means its first second
    ///
    /// RFC 3339 (2024-03-01T00:00:00Z, 2024-03-01T00:00+01:00), a date (2024-03-01, 20240301), a month (2024-03),
    /// 20240301T0546Z, "March 1, 2024 5:46 am", 03/01/2024 (the month first), seconds since 1970, `now`, `today`,
    /// `yesterday`, or back from now: -7d, -12h, -1d12h, -3mo, -1y. Without a zone it is UTC; what leans on today's date
    /// without saying so (10:00, March 8) is refused.
    #[arg(
        long,
        visible_alias = "start-time",
        value_name = "TIME",
        value_parser = typed_time,
        allow_hyphen_values = true
    )]
    from: Option<TypedTime>,

    /// Up to this time, in any form that --from takes; a date means its first second
    ///
    /// A month, `today` and `yesterday` mean all of it.
    #[arg(
        long,
        visible_alias = "end-time",
        value_name = "TIME",
        value_parser = typed_time,
        allow_hyphen_values = true
    )]
    to: Option<TypedTime>,
}

impl Times {
    /// The first moment.
    pub(crate) fn from(&self, zone: &Zone) -> Option<Timestamp> {
        self.meant_from(zone).map(MeantTime::start)
    }

    /// The last moment; a date ends with its first second.
    pub(crate) fn to(&self, zone: &Zone) -> Option<Timestamp> {
        self.meant_to(zone).map(|to| match to {
            MeantTime::Moment(time) | MeantTime::Date(time, _) | MeantTime::Period(_, time) => time,
            MeantTime::Changed(shown) => shown.latest(),
        })
    }

    /// The first moment that is not wanted, to who takes `--to` for that.
    pub(crate) fn until(&self, zone: &Zone) -> Option<Timestamp> {
        match self.meant_to(zone)? {
            MeantTime::Period(_, last) => Some(last.plus(1)),
            _ => self.to(zone),
        }
    }

    fn meant_from(&self, zone: &Zone) -> Option<MeantTime> {
        self.from.map(|from| from.in_zone(zone, start()))
    }

    fn meant_to(&self, zone: &Zone) -> Option<MeantTime> {
        self.to.map(|to| to.in_zone(zone, start()))
    }
}

/// When events happened, for the commands that search files for them.
#[derive(Debug, Default, clap::Args)]
#[command(
    mut_arg("from", |arg| also(arg, FROM_OF_EVENTS)),
    mut_arg("to", |arg| also(arg, TO_OF_EVENTS))
)]
pub(crate) struct EventTimes {
    #[command(flatten)]
    times: Times,

    #[command(flatten)]
    pub(crate) zone: ZoneOption,

    #[command(flatten)]
    pub(crate) local: LocalTimes,

    /// How long after its events a log file may have been delivered; later files are not opened
    ///
    /// By the time in its name. With --keys signed digests tell the times of events, and names are not asked: files that no
    /// digest names are opened.
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span)]
    late: i64,

    /// How far outside the signed event times of a log file its events may be
    ///
    /// Log files whose signed times lie outside --from and --to by more are not opened, and not missed.
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = span)]
    signed_margin: i64,
}

/// What `--from` means for events.
pub(crate) const FROM_OF_EVENTS: &str = "With --tz, times without a zone are of that one. Events at or after it are taken, and \
log files that were delivered earlier are not opened.";

/// What `--from` means to `LookupEvents`.
pub(crate) const FROM_OF_LOOKUP: &str = "With --tz, times without a zone are of that one. A month is refused, since the AWS CLI takes \
it for a day: the one that it is today. Events at or after it are taken.";

/// What `--to` means for the events of `LookupEvents`, which knows no days.
pub(crate) const TO_OF_LOOKUP: &str = "Events at or before it are taken.";

/// What `--to` means for events.
pub(crate) const TO_OF_EVENTS: &str =
    "Events at or before it are taken. A date alone, or the same date as --from, means that whole day.";

/// What is told to who gives a date as the end of a day.
pub(crate) const DATE_HINT: &str = "a date means its first second: the day itself ends with the next date";

/// From when to when, both included, and how late log files may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimeSpan {
    pub(crate) from: Option<Timestamp>,
    pub(crate) to: Option<Timestamp>,
    /// In seconds.
    pub(crate) late: i64,
    /// How far outside signed times events may be, in seconds.
    pub(crate) signed_margin: i64,
    from_typed: Option<MeantTime>,
    to_typed: Option<MeantTime>,
}

impl TimeSpan {
    /// What is to be told of how it was understood.
    pub(crate) fn notes(&self) -> Vec<String> {
        let changed = |option: &str, typed: Option<MeantTime>, taken: &str, time: Option<Timestamp>| {
            let time = time?;
            match typed? {
                MeantTime::Changed(ShownAt::Never { .. }) => Some(format!(
                    "clocks in --tz never showed {option}; the next time that they did is taken, {time}"
                )),
                MeantTime::Changed(_) => {
                    Some(format!("clocks in --tz showed {option} twice; the {taken} time is taken, {time}"))
                }
                _ => None,
            }
        };
        let whole = match (self.to_typed, self.to) {
            (Some(MeantTime::Date(_, last)), Some(to)) if to == last => {
                Some(format!("--to is taken as a whole day, to {to}"))
            }
            (Some(MeantTime::Period(_, last)), _) => Some(format!("--to is taken up to its end, {last}")),
            _ => None,
        };
        let from = changed("--from", self.from_typed, "first", self.from);
        let to = changed("--to", self.to_typed, "second", self.to);
        from.into_iter().chain(to).chain(whole).collect()
    }

    /// What is to be told of an end that leaves out nearly all of the day that was named.
    pub(crate) fn left_out_day(&self) -> Option<String> {
        let is_left_out =
            matches!((self.to_typed, self.to), (Some(MeantTime::Date(_, last)), Some(to)) if to != last);
        is_left_out.then(|| format!("--to: {DATE_HINT}"))
    }
}

impl EventTimes {
    /// What was asked for.
    ///
    /// # Errors
    /// When the span ends before it begins.
    pub(crate) fn span(&self) -> Result<TimeSpan, CommandError> {
        let Self { times, zone: ZoneOption { zone }, late, signed_margin, .. } = self;
        let (from_typed, to_typed) = (times.meant_from(zone), times.meant_to(zone));
        let from = times.from(zone);
        let to = match to_typed {
            Some(MeantTime::Date(first, last)) if from.is_none_or(|from| from == first) => Some(last),
            _ => times.to(zone),
        };
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(CommandError::new(format!("--from ({from}) is after --to ({to})")).hint(DATE_HINT));
        }
        let (late, signed_margin) = (*late, *signed_margin);
        Ok(TimeSpan { from, to, late, signed_margin, from_typed, to_typed })
    }

    /// The hours and days by themselves.
    ///
    /// # Errors
    /// When they cannot be understood.
    pub(crate) fn local_time(&self) -> Result<Predicate, CommandError> {
        let LocalTimes { hours, weekdays, outside } = self.local.clone();
        let zone = self.zone.zone.clone();
        let wanted = Wanted { hours, weekdays, is_outside: outside, zone, ..Wanted::default() };
        Ok(wanted.condition()?.predicate)
    }
}

/// An argument of [`Times`] with another sentence in its help: what it means to a command.
pub(crate) fn also(arg: Arg, sentence: &str) -> Arg {
    let help = match (arg.get_long_help(), arg.get_help()) {
        (Some(long), _) => format!("{long} {sentence}"),
        (None, short) => format!("{}\n\n{sentence}", short.cloned().unwrap_or_default()),
    };
    arg.long_help(help)
}

/// An argument of [`Times`] that stands for one of the AWS CLI, and takes what that takes besides.
pub(crate) fn of_aws(arg: Arg, sentence: &str) -> Arg {
    also(arg, sentence).value_parser(aws_time)
}

/// An argument of [`Times`] for `LookupEvents` alone: what the AWS CLI completes with the day that it is today is refused.
pub(crate) fn of_lookup(arg: Arg, sentence: &str) -> Arg {
    also(arg, sentence).value_parser(lookup_time)
}

/// A time in UTC, in any form that people write.
///
/// # Errors
/// A sentence with the forms, for any other text.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    typed_time(text).map(|time| time.in_zone(&Zone::utc(), start()).start())
}

/// A time, in any form that people write.
fn typed_time(text: &str) -> Result<TypedTime, String> {
    TypedTime::parse(text).map_err(|error| error.to_string())
}

/// A time for an option of the AWS CLI, which takes numbers of seconds with a sign or an exponent as well.
fn aws_time(text: &str) -> Result<TypedTime, String> {
    typed_time(text).or_else(|error| signed_number(text).map(TypedTime::Moment).ok_or(error))
}

/// The same without months: to the AWS CLI, 2024-03 is a day of March, the one that it is today.
fn lookup_time(text: &str) -> Result<TypedTime, String> {
    match aws_time(text)? {
        TypedTime::Month { .. } => Err(format!(
            "{:?} is no time to the AWS CLI's lookup-events but for the day that it is today; write a date, as 2024-03-01, or \
             back from now, as -7d",
            text.trim()
        )),
        time => Ok(time),
    }
}

/// The time that `now` means, and from which `-7d` goes back: the same for all options of a run.
fn start() -> Timestamp {
    static START: OnceLock<Timestamp> = OnceLock::new();
    *START.get_or_init(clock::second)
}

fn signed_number(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.contains(['-', 'e', 'E'])
        && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    Timestamp::parse_epoch(text).ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_digest_field(text).unwrap()
    }

    fn aws(text: &str) -> Result<Timestamp, String> {
        aws_time(text).map(|time| time.in_zone(&Zone::utc(), start()).start())
    }

    #[test]
    fn now_is_one_moment_in_a_run() {
        let (now, earlier) = (time("now").unwrap(), time("-7d").unwrap());
        assert_eq!(now.since(earlier), 7 * 86_400);
        assert_eq!((aws("now"), aws("-7d")), (Ok(now), Ok(earlier)));
    }

    #[test]
    fn numbers_with_a_sign_or_an_exponent_are_those_of_the_aws_cli_alone() {
        for (text, seconds) in [("-0.5", -1), ("-86400", -86_400), ("1e9", 1_000_000_000)] {
            assert_eq!(aws(text).map(Timestamp::epoch), Ok(seconds), "{text}");
            assert!(time(text).unwrap_err().contains("-7d"), "{text}");
        }
    }

    /// The seconds are those that awscli 1.46 makes of these texts, but for eight digits (seconds of 1970 to some of
    /// its commands) and for zones by name.
    #[test]
    fn times_mean_what_they_mean_to_the_aws_cli() {
        for (text, seconds) in [
            ("1688989356", 1_688_989_356),
            ("1688989356.9", 1_688_989_356),
            ("-0.5", -1),
            ("-86400", -86_400),
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
            ("07/10/2023", 1_688_947_200),
            ("2023-07-10 11:42:36 EST", 1_689_007_356),
        ] {
            assert_eq!(aws(text).map(Timestamp::epoch), Ok(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_not_one_only_is_refused() {
        for text in [
            "",
            " ",
            "nan",
            "inf",
            "1e99",
            "-",
            "e",
            "1e",
            "--5",
            "+5",
            "2023-07-10T24:00:00",
            "2023-07-10z",
            "2023-02-30",
            "20230230",
            "99999999",
            "2023",
            "11:42",
            "2023-07-10T11:42:36 CET",
            "2023-07-10T11:42:36+25:00",
            "2023-07-10T11:42:36+é",
            "é2023-07-10T11:42:36é",
        ] {
            let error = aws_time(text).unwrap_err();
            assert!(error.contains("2024-03-01") && error.contains("-7d"), "{text}: {error}");
            assert_eq!(time(text).unwrap_err(), error, "the words are the same");
            assert_eq!(lookup_time(text).unwrap_err(), error, "the words are the same");
        }
    }

    /// To the AWS CLI it is a day of that month: the one that it is today.
    #[test]
    fn a_month_is_no_time_to_lookup_events() {
        assert_eq!(time("2023-07").map(|time| time.to_string()).as_deref(), Ok("2023-07-01T00:00:00Z"));
        let error = lookup_time("2023-07").unwrap_err();
        assert!(error.contains("2024-03-01") && error.contains("-7d"), "{error}");
    }

    fn span_in(zone: &str, from: &str, to: &str) -> Result<TimeSpan, CommandError> {
        let typed = |text: &str| (text != "none").then(|| typed_time(text).unwrap());
        let times = Times { from: typed(from), to: typed(to) };
        let zone = ZoneOption { zone: Zone::named(zone).unwrap() };
        EventTimes { times, zone, local: LocalTimes::default(), late: 3600, signed_margin: 900 }.span()
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        for (from, to) in [
            ("2024-03-02T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("today", "yesterday"),
            ("2024-03-02", "2024-02"),
            ("now", "-1y"),
        ] {
            let error = span_in("Europe/Berlin", from, to).unwrap_err();
            assert!(error.to_string().contains("is after --to"), "{error}");
        }
        let same = span_in("UTC", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z").unwrap();
        assert_eq!((same.from, same.late), (same.to, 3600));
    }

    #[test]
    fn the_end_of_what_has_a_name_is_its_last_second() {
        for (from, to, end, is_noted) in [
            ("2024-03-01", "2024-03-01", "2024-03-01T23:59:59Z", true),
            ("none", "20240301", "2024-03-01T23:59:59Z", true),
            ("none", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", false),
            ("2024-02-28", "2024-03-01", "2024-03-01T00:00:00Z", false),
            ("none", "2024-02", "2024-02-29T23:59:59Z", true),
            ("2024-01", "2024-02", "2024-02-29T23:59:59Z", true),
        ] {
            let span = span_in("UTC", from, to).unwrap();
            assert_eq!(span.to, Some(at(end)), "{from} {to}");
            assert_eq!(!span.notes().is_empty(), is_noted, "{from} {to}");
        }
        let day = span_in("UTC", "yesterday", "yesterday").unwrap();
        assert_eq!(day.to.unwrap().since(day.from.unwrap()), 86_399);
        let times = Times { from: None, to: Some(typed_time("2024-02").unwrap()) };
        assert_eq!(times.until(&Zone::utc()), Some(at("2024-03-01T00:00:00Z")));
    }

    #[test]
    fn times_without_an_offset_are_those_of_the_zone() {
        for (from, to, expected, notes) in [
            ("2024-03-01", "2024-03-01", ["2024-02-29T23:00:00Z", "2024-03-01T22:59:59Z"], 1),
            ("2024-03-31", "2024-03-31", ["2024-03-30T23:00:00Z", "2024-03-31T21:59:59Z"], 1),
            ("2024-03-01 08:00", "2024-03-01T18:00Z", ["2024-03-01T07:00:00Z", "2024-03-01T18:00:00Z"], 0),
            ("2024-10-27 02:30", "2024-10-27 02:30", ["2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"], 2),
            ("2024-03-31 02:30", "2024-03-31 02:45", ["2024-03-31T01:00:00Z", "2024-03-31T01:00:00Z"], 2),
        ] {
            let span = span_in("Europe/Berlin", from, to).unwrap();
            assert_eq!([span.from, span.to].map(Option::unwrap), expected.map(at), "{from} {to}");
            assert_eq!(span.notes().len(), notes, "{:?}", span.notes());
        }
    }

    #[test]
    fn the_margin_is_that_of_a_scan() {
        use clap::{Args as _, FromArgMatches as _};
        let matches = EventTimes::augment_args(clap::Command::new("x")).get_matches_from(["x"]);
        let times = EventTimes::from_arg_matches(&matches).unwrap();
        assert_eq!((times.late, times.signed_margin), (86_400, trailseal_evidence::scan::SIGNED_MARGIN));
    }
}
