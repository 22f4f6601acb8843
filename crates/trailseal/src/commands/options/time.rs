//! Times, and spans of time from one to another.

use std::sync::OnceLock;

use clap::Arg;
use trailseal_archive::Timestamp;
use trailseal_query::shortcut;

use super::span::span;
use crate::{clock, error::CommandError};

/// From when to when, for every command that takes it.
#[derive(Debug, Default, clap::Args)]
#[allow(clippy::doc_markdown, reason = "the help is no Markdown")]
pub(crate) struct Times {
    /// From this time on; a date means its first second in UTC
    ///
    /// RFC 3339 (2024-03-01T00:00:00Z, 2024-03-01T00:00+01:00), a date (2024-03-01, 20240301), 20240301T0546Z, "March 1,
    /// 2024 5:46 am", 03/01/2024 (the month first), seconds since 1970, `now`, or back from now: -7d, -12h, -1d12h.
    /// Without a zone it is UTC; what leans on today's date is refused.
    #[arg(
        long,
        visible_alias = "start-time",
        value_name = "TIME",
        value_parser = time,
        allow_hyphen_values = true
    )]
    pub(crate) from: Option<Timestamp>,

    /// Up to this time, in any form that --from takes; a date means its first second in UTC
    #[arg(
        long,
        visible_alias = "end-time",
        value_name = "TIME",
        value_parser = end_time,
        allow_hyphen_values = true
    )]
    to: Option<EndTime>,
}

impl Times {
    /// The time of `--to`.
    pub(crate) fn to(&self) -> Option<Timestamp> {
        self.to.map(|to| to.time)
    }
}

/// The end of a span, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndTime {
    time: Timestamp,
    /// Whether a date was written, without a time of the day.
    is_date: bool,
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

    /// How long after its events a log file may have been delivered; later files are not opened
    ///
    /// Only where no signed digest tells a file's event times.
    #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = span)]
    late: i64,

    /// How far outside the signed event times of a log file its events may be
    ///
    /// Log files whose signed times lie outside --from and --to by more are not opened, and not missed.
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = span)]
    signed_margin: i64,
}

/// What `--from` means for events.
pub(crate) const FROM_OF_EVENTS: &str =
    "Events at or after it are taken, and log files that were delivered earlier are not opened.";

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
    /// Whether the end was written as a date, and is that of the day.
    is_whole_day: bool,
}

impl TimeSpan {
    /// What is to be told of how it was understood.
    pub(crate) fn note(&self) -> Option<String> {
        let to = self.to.filter(|_| self.is_whole_day)?;
        Some(format!("--to is taken as a whole day, to {to}"))
    }
}

impl EventTimes {
    /// What was asked for.
    ///
    /// # Errors
    /// When the span ends before it begins.
    pub(crate) fn span(&self) -> Result<TimeSpan, CommandError> {
        let Self { times: Times { from, to: end }, late, signed_margin } = *self;
        let is_whole_day = end.is_some_and(|end| end.is_date && from.is_none_or(|from| from == end.time));
        let to = end.map(|end| if is_whole_day { end.time.plus(24 * 3600 - 1) } else { end.time });
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(CommandError::new(format!("--from ({from}) is after --to ({to})")).hint(DATE_HINT));
        }
        Ok(TimeSpan { from, to, late, signed_margin, is_whole_day })
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

/// The same for the end of a span.
pub(crate) fn end_of_aws(arg: Arg, sentence: &str) -> Arg {
    also(arg, sentence).value_parser(aws_end_time)
}

/// A time, in any form that people write.
///
/// # Errors
/// A sentence with the forms, for any other text.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    parse(text, start())
}

fn end_time(text: &str) -> Result<EndTime, String> {
    time(text).map(|time| EndTime { time, is_date: is_date(text) })
}

fn aws_end_time(text: &str) -> Result<EndTime, String> {
    aws_time(text).map(|time| EndTime { time, is_date: is_date(text) })
}

/// `2024-03-01`, `2024/03/01`, `20240301`
fn is_date(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == 8 && (text.len() == 8 || text.len() == 10 && !text.contains(['T', ' ', ':', '.']))
}

/// A time for an option of the AWS CLI, which takes numbers of seconds with a sign or an exponent as well.
fn aws_time(text: &str) -> Result<Timestamp, String> {
    time(text).or_else(|error| signed_number(text).ok_or(error))
}

/// The time that `now` means, and from which `-7d` goes back: the same for all options of a run.
fn start() -> Timestamp {
    static START: OnceLock<Timestamp> = OnceLock::new();
    *START.get_or_init(clock::second)
}

fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    shortcut::time::parse(text, now).map_err(|error| error.to_string())
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

    #[test]
    fn every_form_is_read_by_every_option() {
        let now = at("2024-03-10T12:00:00Z");
        for (text, expected) in [
            ("now", "2024-03-10T12:00:00Z"),
            ("-7d", "2024-03-03T12:00:00Z"),
            ("-24h", "2024-03-09T12:00:00Z"),
            ("-1d12h", "2024-03-09T00:00:00Z"),
            ("now-90m", "2024-03-10T10:30:00Z"),
            ("2024-03-08", "2024-03-08T00:00:00Z"),
            ("20260308", "2026-03-08T00:00:00Z"),
            ("2024-03-08T05:46:00Z", "2024-03-08T05:46:00Z"),
            ("2024-03-08T06:46:00.5+01:00", "2024-03-08T05:46:00Z"),
            ("2024-03-08 05:46", "2024-03-08T05:46:00Z"),
            ("20240308T0546Z", "2024-03-08T05:46:00Z"),
            ("20240308T054600Z", "2024-03-08T05:46:00Z"),
            ("1709876760", "2024-03-08T05:46:00Z"),
            ("1709876760.75", "2024-03-08T05:46:00Z"),
            ("1709876760750", "2024-03-08T05:46:00Z"),
            ("March 8, 2024 5:46 am", "2024-03-08T05:46:00Z"),
            ("Fri, 08 Mar 2024 05:46:00 GMT", "2024-03-08T05:46:00Z"),
            ("03/08/2024", "2024-03-08T00:00:00Z"),
        ] {
            assert_eq!(parse(text, now), Ok(at(expected)), "{text}");
        }
    }

    #[test]
    fn now_is_one_moment_in_a_run() {
        let (now, earlier) = (time("now").unwrap(), time("-7d").unwrap());
        assert_eq!(now.since(earlier), 7 * 86_400);
        assert_eq!((aws_time("now"), aws_time("-7d")), (Ok(now), Ok(earlier)));
    }

    #[test]
    fn numbers_with_a_sign_or_an_exponent_are_those_of_the_aws_cli_alone() {
        for (text, seconds) in [("-0.5", -1), ("-86400", -86_400), ("1e9", 1_000_000_000)] {
            assert_eq!(aws_time(text).map(Timestamp::epoch), Ok(seconds), "{text}");
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
            assert_eq!(aws_time(text).map(Timestamp::epoch), Ok(seconds), "{text}");
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
            "2023-07",
            "11:42",
            "2023-07-10T11:42:36 CET",
            "2023-07-10T11:42:36+25:00",
            "2023-07-10T11:42:36+é",
            "é2023-07-10T11:42:36é",
        ] {
            let error = aws_time(text).unwrap_err();
            assert!(error.contains("2024-03-01") && error.contains("-7d"), "{text}: {error}");
            assert_eq!(time(text).unwrap_err(), error, "the words are the same");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let span = |from: &str, to: &str| {
            let (from, to) = (time(from).ok(), end_time(to).ok());
            EventTimes { times: Times { from, to }, late: 3600, signed_margin: 900 }.span()
        };
        let error = span("2024-03-02T00:00:00Z", "2024-03-01T00:00:00Z").unwrap_err();
        assert!(error.to_string().contains("is after --to"), "{error}");
        let same = span("2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z").unwrap();
        assert_eq!((same.from, same.late), (same.to, 3600));
        for (from, to, end) in [
            ("2024-03-01", "2024-03-01", "2024-03-01T23:59:59Z"),
            ("none", "20240301", "2024-03-01T23:59:59Z"),
            ("none", "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z"),
            ("2024-02-28", "2024-03-01", "2024-03-01T00:00:00Z"),
        ] {
            let span = span(from, to).unwrap();
            assert_eq!(span.to, Some(at(end)), "{from} {to}");
            assert_eq!(span.note().is_some(), end.ends_with("59Z"));
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
