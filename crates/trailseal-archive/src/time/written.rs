//! The times that people type: what `aws cloudtrail validate-logs` takes, and so python-dateutil, words included.
//!
//! The rules are those of dateutil (`parser.parse`, 2.9): tests hold this against its answers. What is different, so
//! that one text means one time:
//!
//! - What dateutil completes with today's date ("10:00", "March 2026") is an error: no clock is read.
//! - The names of zones other than UTC, GMT, Z and those of mail headers (RFC 2822) are an error, and so are `UTC+3`
//!   and its like, which mean one thing to people and the contrary to dateutil.
//! - Years of two digits do not move with the clock: 00 to 68 are 2000 to 2068, the others 19xx, as in POSIX.
//! - A fraction where none belongs ("8.5 March 2026") is an error.
//!
//! No crate does this: `dtparse` is a port of dateutil, but reads the clock and lets today's date in; `dateparser` and
//! `parse_datetime` read the clock and the local zone, and have other grammars.

use chrono::NaiveDate;

use super::{Timestamp, parse_calendar, shorten};

/// What is named when a text is not understood.
const FORMS: &str = "2024-03-01T05:46:00Z, 2024-03-01T05:46Z, \"2024-03-01 05:46\" (UTC), 2024-03-01, 20240301, \
                     20240301T0546Z, \"1 March 2024 5:46 am +01:00\", 03/01/2024 (the month first) and seconds since \
                     1970 are";

/// Why a text that a person typed is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrittenTimeError {
    /// No form is known that looks like this.
    #[error("{text:?} is no time; {FORMS}")]
    NotUnderstood {
        /// The text, shortened.
        text: String,
    },
    /// The form is known, but there is no such day or time of the day.
    #[error("{text:?} is no time: there is no such date or hour; {FORMS}")]
    OutOfRange {
        /// The text, shortened.
        text: String,
    },
    /// Year, month or day are not written.
    #[error(
        "{text:?} is no time: it would lean on today's date, and no clock is read; write year, month and day, as in \
         2024-03-01 or \"1 March 2024 05:46\""
    )]
    Incomplete {
        /// The text, shortened.
        text: String,
    },
    /// A zone that has no offset here.
    #[error(
        "{text:?} is no time: the zone {zone:?} could mean several offsets; write the offset, as in \
         2024-03-01T05:46+01:00"
    )]
    Zone {
        /// The text, shortened.
        text: String,
        /// The zone, shortened.
        zone: String,
    },
}

/// A time that a person wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenTime {
    /// The moment; without a zone, that at which clocks in UTC show what was written.
    pub time: Timestamp,
    /// Whether it says its zone, as a number of seconds since 1970 does.
    pub has_zone: bool,
}

impl WrittenTime {
    /// Parses what people type: the forms of [`Timestamp::parse_loose`], and those of python-dateutil's
    /// `parser.parse`, which the AWS CLI uses: `8 Mar 2026`, `March 8, 2026 10pm`, `03/08/2026` (the month first),
    /// `Sun, 08 Mar 2026 10:00:00 GMT`, `20260308100000`. Fractions of a second are cut off.
    ///
    /// A number is seconds since the epoch, unless its digits are those of a date (4, 6, 8, 12 or 14 of them): then it
    /// is that date, or an error.
    ///
    /// # Errors
    /// [`WrittenTimeError`] for any other text.
    pub fn parse(text: &str) -> Result<Self, WrittenTimeError> {
        let trimmed = text.trim();
        let found = match number(trimmed) {
            Some(Number::Epoch) => {
                let time = Timestamp::parse_epoch(trimmed).map_err(|_| Fault::OutOfRange);
                time.map(|time| Self { time, has_zone: true })
            }
            Some(Number::Date) if trimmed.contains('.') => Err(Fault::Incomplete),
            Some(Number::Date) | None => parse_calendar(trimmed).map_or_else(|| read(trimmed), Ok),
        };
        found.map_err(|fault| {
            let text = shorten(text);
            match fault {
                Fault::NotUnderstood => WrittenTimeError::NotUnderstood { text },
                Fault::OutOfRange => WrittenTimeError::OutOfRange { text },
                Fault::Incomplete => WrittenTimeError::Incomplete { text },
                Fault::Zone(zone) => WrittenTimeError::Zone { text, zone: shorten(&zone) },
            }
        })
    }
}

impl Timestamp {
    /// Parses what [`WrittenTime::parse`] does; a time without a zone is UTC.
    ///
    /// # Errors
    /// [`WrittenTimeError`] for any other text.
    pub fn parse_written(text: &str) -> Result<Self, WrittenTimeError> {
        WrittenTime::parse(text).map(|written| written.time)
    }
}

/// What a text of digits is.
enum Number {
    Epoch,
    Date,
}

/// `None` if `text` is no number without a sign.
fn number(text: &str) -> Option<Number> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let is_date = matches!(whole.len(), 4 | 6 | 8 | 12 | 14)
        // a day and month (08.03), not a fraction of one of the first seconds of 1970
        || text.len() > whole.len() && whole.len() <= 2 && fraction.len() <= 2 && whole != "0";
    Some(if is_date { Number::Date } else { Number::Epoch })
}

#[derive(Debug)]
enum Fault {
    NotUnderstood,
    OutOfRange,
    Incomplete,
    Zone(String),
}

type Step<T> = Result<T, Fault>;

fn read(text: &str) -> Step<WrittenTime> {
    if !text.is_ascii() {
        return Err(Fault::NotUnderstood);
    }
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, date: Date::default(), clock: Clock::default() };
    reader.run()?;
    if reader.date.members.is_empty()
        && reader.clock.hour.is_none()
        && !tokens.iter().any(|token| is_weekday(token))
    {
        return Err(Fault::NotUnderstood);
    }
    let (year, month, day) = reader.date.resolve()?;
    let seconds = reader.clock.seconds()?;
    let date = u32::try_from(month).ok().zip(u32::try_from(day).ok());
    let date = date.and_then(|(month, day)| NaiveDate::from_ymd_opt(year, month, day));
    let days = date.filter(|_| year > 0).ok_or(Fault::OutOfRange)?.to_epoch_days();
    let time = Timestamp::from_epoch(i64::from(days) * 86_400 + seconds).ok_or(Fault::OutOfRange)?;
    Ok(WrittenTime { time, has_zone: reader.clock.offset.is_some() })
}

/// Cuts a text into words, numbers (with a decimal point where it can be one) and single characters. A point or comma
/// that cannot belong to a number is a token of its own.
fn tokens(text: &str) -> Vec<String> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let mut is_word = bytes[at].is_ascii_alphabetic();
        let mut is_dotted = false;
        at += 1;
        if !is_word && !bytes[start].is_ascii_digit() {
            let is_space = bytes[start].is_ascii_whitespace();
            tokens.push(if is_space { " ".to_owned() } else { text[start..at].to_owned() });
            continue;
        }
        let mut has_letters = is_word;
        while let Some(byte) = bytes.get(at) {
            let is_after_point = bytes[at - 1] == b'.';
            match byte {
                b'.' => is_dotted = true,
                b',' if !is_word && !is_dotted && at - start >= 2 => is_dotted = true,
                b'0'..=b'9' if !is_word || is_dotted && is_after_point => is_word = false,
                b'a'..=b'z' | b'A'..=b'Z' if is_word || is_dotted && is_after_point => {
                    (is_word, has_letters) = (true, true);
                }
                _ => break,
            }
            at += 1;
        }
        let token = &text[start..at];
        let points = token.matches('.').count();
        if is_dotted && (has_letters || points > 1 || token.ends_with(['.', ','])) {
            let mut rest = token;
            while let Some(mark) = rest.find(['.', ',']) {
                let pieces = [&rest[..mark], &rest[mark..=mark]];
                tokens.extend(pieces.into_iter().filter(|piece| !piece.is_empty()).map(str::to_owned));
                rest = &rest[mark + 1..];
            }
            tokens.extend((!rest.is_empty()).then(|| rest.to_owned()));
        } else {
            tokens.push(token.replace(',', if points == 0 { "." } else { "," }));
        }
    }
    tokens
}

/// The members of a date in the order in which they stand, and which of them is known to be what.
#[derive(Debug, Default)]
struct Date {
    members: Vec<i32>,
    year: Option<usize>,
    month: Option<usize>,
    /// A year with its century, or a number that can be nothing else, is among them.
    has_century: bool,
}

impl Date {
    /// A number as it is written: three digits and more are a year.
    fn add(&mut self, digits: &str) -> Step<()> {
        if digits.len() > 2 {
            return self.add_year(digits);
        }
        self.members.push(whole(digits)?);
        Ok(())
    }

    /// A number that stands alone: it is a year by what it counts.
    fn add_alone(&mut self, digits: &str) -> Step<()> {
        let value = whole(digits)?;
        if value > 100 {
            return self.add_year(digits);
        }
        self.members.push(value);
        Ok(())
    }

    fn add_year(&mut self, digits: &str) -> Step<()> {
        let value = whole(digits)?;
        self.has_century = true;
        if self.year.replace(self.members.len()).is_some() {
            return Err(Fault::NotUnderstood);
        }
        self.members.push(value);
        Ok(())
    }

    fn add_month(&mut self, month: i32) -> Step<()> {
        if self.month.replace(self.members.len()).is_some() {
            return Err(Fault::NotUnderstood);
        }
        self.members.push(month);
        Ok(())
    }

    fn add_month_or_number(&mut self, token: &str) -> Step<()> {
        match month(token) {
            Some(month) => self.add_month(month),
            None => self.add(token),
        }
    }

    /// Whether a number that stands before a word can be a day.
    fn could_be_day(&self, value: i32) -> bool {
        let Some(month) = self.month.map(|at| self.members[at]) else { return (1..=31).contains(&value) };
        // any leap year does as long as there is no year
        let year = self.year.map_or(2000, |at| self.members[at]);
        let day = u32::try_from(value).ok().zip(u32::try_from(month).ok());
        day.is_some_and(|(day, month)| NaiveDate::from_ymd_opt(year, month, day).is_some())
    }

    /// Year, month and day.
    fn resolve(&self) -> Step<(i32, i32, i32)> {
        let &[first, second, third] = self.members.as_slice() else {
            let is_short = self.members.len() < 3;
            return Err(if is_short { Fault::Incomplete } else { Fault::NotUnderstood });
        };
        let (year, month, day) = match (self.year, self.month) {
            (Some(year), Some(month)) => {
                // the places are 0, 1 and 2
                (self.members[year], self.members[month], self.members[3 - year - month])
            }
            (None, Some(0)) if second > 31 => (second, first, third),
            (None, Some(0)) => (third, first, second),
            (None, Some(1)) if first > 31 => (first, second, third),
            (None, Some(1)) => (third, second, first),
            (None, Some(_)) if second > 31 => (second, third, first),
            (None, Some(_)) => (first, third, second),
            (year, None) if first > 31 || year == Some(0) => (first, second, third),
            (_, None) if first > 12 => (third, second, first),
            (_, None) => (third, first, second),
        };
        let year = if self.has_century { year } else { with_century(year) };
        Ok((year, month, day))
    }
}

fn with_century(year: i32) -> i32 {
    match year {
        0..=68 => 2000 + year,
        69..=99 => 1900 + year,
        _ => year,
    }
}

/// The time of the day, and its zone.
#[derive(Debug, Default)]
struct Clock {
    hour: Option<i32>,
    minute: i32,
    second: i32,
    /// A zone's name was there.
    is_named: bool,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

impl Clock {
    /// Seconds since midnight in UTC; another day's, where the zone makes it one.
    fn seconds(&self) -> Step<i64> {
        let hour = self.hour.unwrap_or(0);
        if !(0..24).contains(&hour) || !(0..60).contains(&self.minute) || !(0..60).contains(&self.second) {
            return Err(Fault::OutOfRange);
        }
        let seconds = i64::from(hour) * 3_600 + i64::from(self.minute) * 60 + i64::from(self.second);
        Ok(seconds - self.offset.unwrap_or(0))
    }

    /// An hour of twelve.
    fn set_half_day_hour(&mut self, hour: i32, half: Half) {
        self.hour = Some(match half {
            Half::Am if hour == 12 => 0,
            Half::Pm if hour < 12 => hour + 12,
            Half::Am | Half::Pm => hour,
        });
    }

    /// Minutes, of which a fraction is seconds.
    fn set_minute(&mut self, token: &str) -> Step<()> {
        let (minute, seconds) = with_fraction(token)?;
        self.minute = minute;
        if seconds > 0 {
            self.second = seconds;
        }
        Ok(())
    }

    /// Seconds, of which a fraction is cut off.
    fn set_second(&mut self, token: &str) -> Step<()> {
        (self.second, _) = with_fraction(token)?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
enum Half {
    Am,
    Pm,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Hour,
    Minute,
    Second,
}

struct Reader<'a> {
    tokens: &'a [String],
    at: usize,
    date: Date,
    clock: Clock,
}

impl<'a> Reader<'a> {
    fn token(&self, ahead: usize) -> Option<&'a str> {
        self.tokens.get(self.at + ahead).map(String::as_str)
    }

    /// The token that must be there.
    fn need(&self, ahead: usize) -> Step<&'a str> {
        self.token(ahead).ok_or(Fault::NotUnderstood)
    }

    fn run(&mut self) -> Step<()> {
        while let Some(token) = self.token(0) {
            if token.starts_with(|c: char| c.is_ascii_digit()) {
                self.number(token)?;
            } else {
                self.word(token)?;
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Anything but a number; leaves `at` at the last token that belongs to it.
    fn word(&mut self, token: &'a str) -> Step<()> {
        if is_weekday(token) {
            // It adds nothing to a whole date, and dateutil does not check it.
        } else if let Some(month) = month(token) {
            self.month(month)?;
        } else if let Some(half) = half(token) {
            let hour = self.clock.hour.filter(|hour| (0..=12).contains(hour)).ok_or(Fault::NotUnderstood)?;
            self.clock.set_half_day_hour(hour, half);
        } else if self.could_be_zone(token) {
            self.zone(token)?;
        } else if self.clock.hour.is_some() && matches!(token, "+" | "-") {
            self.offset(token)?;
        } else if !is_filler(token) {
            return Err(Fault::NotUnderstood);
        }
        Ok(())
    }

    /// `Mar`, `Mar-08`, `Mar/08/2026`, `Mar of 2026`.
    fn month(&mut self, month: i32) -> Step<()> {
        self.date.add_month(month)?;
        match self.token(1) {
            Some(separator @ ("-" | "/")) => {
                self.date.add(self.need(2)?)?;
                if self.token(3) == Some(separator) {
                    self.date.add(self.need(4)?)?;
                    self.at += 2;
                }
                self.at += 2;
            }
            Some(" ") if self.token(3) == Some(" ") && self.token(2).is_some_and(|of| is(of, &["of"])) => {
                if let Some(year) = self.token(4) {
                    if let Ok(value) = whole(year) {
                        self.date.add_year(&with_century(value).to_string())?;
                    }
                    self.at += 4;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn could_be_zone(&self, token: &str) -> bool {
        self.clock.hour.is_some()
            && !self.clock.is_named
            && self.clock.offset.is_none()
            && token.len() <= 5
            // the M of P.M.
            && !is_filler(token)
            && (token.bytes().all(|byte| byte.is_ascii_uppercase()) || is_utc(token))
    }

    fn zone(&mut self, token: &str) -> Step<()> {
        let unknown = || Fault::Zone(token.to_owned());
        self.clock.is_named = true;
        if matches!(self.token(1), Some("+" | "-")) {
            // GMT+3 is three hours east to people, and three hours west to POSIX and dateutil
            let offset = self.tokens[self.at..].concat();
            self.at += 1;
            self.offset("+")?;
            let is_zero = self.clock.offset == Some(0) && is_utc(token);
            return if is_zero { Ok(()) } else { Err(Fault::Zone(offset)) };
        }
        self.clock.offset = Some(zone_hours(token).ok_or_else(unknown)? * 3_600);
        Ok(())
    }

    /// `+01:00`, `+0100`, `+01`, and after it the zone's name in parentheses; `at` is at the sign.
    fn offset(&mut self, sign: &str) -> Step<()> {
        let digits = self.need(1)?;
        let (hours, minutes) = if digits.len() == 4 {
            self.at += 1;
            (whole(&digits[..2])?, whole(&digits[2..])?)
        } else if self.token(2) == Some(":") {
            let minutes = self.need(3)?;
            self.at += 3;
            (whole(digits)?, whole(minutes)?)
        } else {
            self.at += 1;
            (if digits.len() <= 2 { whole(digits)? } else { return Err(Fault::NotUnderstood) }, 0)
        };
        if !(0..24).contains(&hours) || !(0..60).contains(&minutes) {
            return Err(Fault::OutOfRange);
        }
        let seconds = i64::from(hours) * 3_600 + i64::from(minutes) * 60;
        if self.clock.offset.replace(if sign == "-" { -seconds } else { seconds }).is_some() {
            return Err(Fault::NotUnderstood);
        }
        if let (Some(" "), Some("("), Some(name), Some(")")) =
            (self.token(1), self.token(2), self.token(3), self.token(4))
            && name.len() >= 3
            && name.bytes().all(|byte| byte.is_ascii_uppercase())
        {
            self.at += 4;
        }
        Ok(())
    }

    /// A number, and what stands beside it and says what it is; leaves `at` at the last token that belongs to it.
    fn number(&mut self, token: &'a str) -> Step<()> {
        let next = self.token(1);
        let is_time_marked = next.is_some_and(|next| next == ":" || unit(next).is_some());
        if self.date.members.len() == 3
            && matches!(token.len(), 2 | 4)
            && self.clock.hour.is_none()
            && !is_time_marked
        {
            // 20240301T05, 20240301T0546
            self.clock.hour = Some(whole(&token[..2])?);
            if token.len() == 4 {
                self.clock.minute = whole(&token[2..])?;
            }
        } else if token.len() == 6 || token.find('.') == Some(6) {
            self.six_digits(token)?;
        } else if matches!(token.len(), 8 | 12 | 14) {
            self.compact(token)?;
        } else if let Some((unit, ahead)) = self.unit_of_number() {
            self.clock_part(token, unit)?;
            self.at += ahead;
        } else if let (Some(":"), Some(minute)) = (next, self.token(2)) {
            self.clock.hour = Some(whole(token)?);
            self.clock.set_minute(minute)?;
            self.at += 2;
            if let (Some(":"), Some(second)) = (self.token(1), self.token(2)) {
                self.clock.set_second(second)?;
                self.at += 2;
            }
        } else if let Some(separator @ ("-" | "/" | ".")) = next {
            self.separated(token, separator)?;
        } else if next.is_none_or(is_filler) {
            if let Some(half) = self.token(2).and_then(half) {
                self.clock.set_half_day_hour(whole(token)?, half);
                self.at += 2;
            } else {
                self.date.add_alone(token)?;
                self.at += 1;
            }
        } else if let Some(half) = next.and_then(half) {
            self.clock.set_half_day_hour(whole(token)?, half);
            self.at += 1;
        } else if self.date.could_be_day(whole(token)?) {
            self.date.add_alone(token)?;
        } else {
            return Err(Fault::NotUnderstood);
        }
        Ok(())
    }

    /// A date without separators if there is none yet, else a time of the day, perhaps with a fraction.
    fn six_digits(&mut self, token: &str) -> Step<()> {
        if self.date.members.is_empty() && !token.contains('.') {
            self.date.add(&token[..2])?;
            self.date.add(&token[2..4])?;
            return self.date.add(&token[4..]);
        }
        self.clock.hour = Some(whole(&token[..2])?);
        self.clock.minute = whole(&token[2..4])?;
        self.clock.set_second(&token[4..])
    }

    /// `20240301`, `202403010546`, `20240301054600`.
    fn compact(&mut self, token: &str) -> Step<()> {
        self.date.add_year(&token[..4])?;
        self.date.add(&token[4..6])?;
        self.date.add(&token[6..8])?;
        if token.len() > 8 {
            self.clock.hour = Some(whole(&token[8..10])?);
            self.clock.minute = whole(&token[10..12])?;
        }
        if token.len() > 12 {
            self.clock.second = whole(&token[12..])?;
        }
        Ok(())
    }

    /// The unit of the number at `at` (`10h`, `10 h`, and the minutes of `10h30`), and how many tokens it takes.
    fn unit_of_number(&self) -> Option<(Unit, usize)> {
        let before = |back: usize| self.at.checked_sub(back).map(|at| self.tokens[at].as_str());
        let smaller = |token: &str| match unit(token)? {
            Unit::Hour => Some(Unit::Minute),
            Unit::Minute => Some(Unit::Second),
            Unit::Second => None,
        };
        if let Some(unit) = self.token(1).and_then(unit) {
            return Some((unit, 1));
        }
        if let (Some(" "), Some(unit)) = (self.token(1), self.token(2).and_then(unit)) {
            return Some((unit, 2));
        }
        if let Some(unit) = before(1).and_then(smaller) {
            return Some((unit, 0));
        }
        let is_last = self.token(1).is_none();
        before(2).filter(|_| is_last && before(1) == Some(" ")).and_then(smaller).map(|unit| (unit, 0))
    }

    fn clock_part(&mut self, token: &str, unit: Unit) -> Step<()> {
        match unit {
            Unit::Hour => {
                let (hour, minutes) = with_fraction(token)?;
                self.clock.hour = Some(hour);
                if minutes > 0 {
                    self.clock.minute = minutes;
                }
                Ok(())
            }
            Unit::Minute => self.clock.set_minute(token),
            Unit::Second => self.clock.set_second(token),
        }
    }

    /// `2024-03-01`, `1-Mar-2024`, `03/01`.
    fn separated(&mut self, token: &str, separator: &str) -> Step<()> {
        self.date.add(token)?;
        self.at += 1;
        if let Some(second) = self.token(1).filter(|token| !is_filler(token)) {
            self.date.add_month_or_number(second)?;
            self.at += 1;
            if self.token(1) == Some(separator) {
                self.date.add_month_or_number(self.need(2)?)?;
                self.at += 2;
            }
        }
        Ok(())
    }
}

/// A number without a fraction.
fn whole(digits: &str) -> Step<i32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number).ok_or(Fault::NotUnderstood)
}

/// The number before the point, and its fraction in sixtieths, cut off.
fn with_fraction(token: &str) -> Step<(i32, i32)> {
    let Some((whole_part, fraction)) = token.split_once('.') else { return Ok((whole(token)?, 0)) };
    let digits = &fraction[..fraction.len().min(6)];
    let scale = 10_i32.pow(u32::try_from(digits.len()).unwrap_or(0));
    Ok((whole(whole_part)?, whole(digits)? * 60 / scale))
}

fn is(token: &str, words: &[&str]) -> bool {
    words.iter().any(|word| token.eq_ignore_ascii_case(word))
}

fn is_weekday(token: &str) -> bool {
    let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    days.iter().any(|day| is(token, &[day, &day[..3]]))
}

fn month(token: &str) -> Option<i32> {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let found = (1..).zip(MONTHS).find(|(_, month)| is(token, &[month, &month[..3]]));
    found.map(|(number, _)| number).or_else(|| is(token, &["Sept"]).then_some(9))
}

fn half(token: &str) -> Option<Half> {
    match token.to_ascii_lowercase().as_str() {
        "am" | "a" => Some(Half::Am),
        "pm" | "p" => Some(Half::Pm),
        _ => None,
    }
}

fn unit(token: &str) -> Option<Unit> {
    match token.to_ascii_lowercase().as_str() {
        "h" | "hour" | "hours" => Some(Unit::Hour),
        "m" | "minute" | "minutes" => Some(Unit::Minute),
        "s" | "second" | "seconds" => Some(Unit::Second),
        _ => None,
    }
}

fn is_utc(token: &str) -> bool {
    is(token, &["UTC", "GMT", "Z"])
}

/// The hours east of Greenwich of the zones that RFC 2822 (section 4.3) knows.
fn zone_hours(token: &str) -> Option<i64> {
    Some(match token {
        _ if is_utc(token) || token == "UT" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => return None,
    })
}

/// Words and marks that say nothing.
fn is_filler(token: &str) -> bool {
    const WORDS: [&str; 18] =
        [" ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd", "th"];
    is(token, &WORDS)
}

#[cfg(test)]
mod tests;
