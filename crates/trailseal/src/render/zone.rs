//! How times are shown to people: in which zone, and what it is called.

use trailseal_archive::Timestamp;
use trailseal_query::Zone;

use super::plain::span_of;

/// The zone of the times on a screen.
#[derive(Clone, Debug)]
pub(crate) struct ShownZone {
    zone: Zone,
}

/// `04:19:08`
const TIME: usize = 8;

impl ShownZone {
    /// Coordinated Universal Time, which is what CloudTrail writes.
    #[cfg(test)]
    pub(crate) fn utc() -> Self {
        Self::of(&Zone::utc())
    }

    /// This one.
    pub(crate) fn of(zone: &Zone) -> Self {
        Self { zone: zone.clone() }
    }

    /// What it is called: `UTC`.
    pub(crate) fn name(&self) -> &str {
        self.zone.name()
    }

    /// A moment in it: `2024-03-01 04:19:08`, and the offset where clocks show that twice.
    pub(crate) fn moment(&self, time: Timestamp) -> String {
        self.zone.print(time)
    }

    /// A span in it, its second day left out where it is the first one's.
    pub(crate) fn span(&self, start: Timestamp, end: Timestamp) -> String {
        span_of(&self.moment(start), &self.moment(end))
    }

    /// The day and the time of what CloudTrail writes as a time, with the fraction of its second, and the offset where
    /// clocks show it twice; nothing for any other text, which is to be shown as it is.
    pub(crate) fn day_and_time(&self, text: &str) -> Option<(String, String)> {
        let (time, fraction) = written(text)?;
        let moment = self.zone.print(time);
        let (day, time) = moment.split_once(' ')?;
        let (time, offset) = time.split_at_checked(TIME)?;
        Some((day.to_owned(), format!("{time}{fraction}{offset}")))
    }

    /// The same in one, for a line of which no heading says the zone: with the offset where that is not UTC's.
    pub(crate) fn in_line(&self, text: &str) -> Option<String> {
        let (day, mut time) = self.day_and_time(text)?;
        if !self.zone.is_utc() && !time.contains(['+', '-']) {
            time.push_str(&self.zone.print_offset(written(text)?.0));
        }
        Some(format!("{day} {time}"))
    }

    /// Whether it is UTC.
    pub(crate) fn is_utc(&self) -> bool {
        self.zone.is_utc()
    }
}

/// A time as CloudTrail writes it, and the fraction of its second with its point.
fn written(text: &str) -> Option<(Timestamp, String)> {
    let (seconds, fraction) = match text.strip_suffix('Z')?.split_once('.') {
        None => (text.to_owned(), String::new()),
        Some((seconds, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
            (format!("{seconds}Z"), format!(".{digits}"))
        }
        Some(_) => return None,
    };
    Some((Timestamp::parse_digest_field(&seconds).ok()?, fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(zone: &str, text: &str) -> Option<String> {
        let zone = ShownZone::of(&Zone::named(zone).unwrap());
        zone.day_and_time(text).map(|(day, time)| format!("{day} {time}"))
    }

    #[test]
    fn what_is_written_as_a_time_has_a_day() {
        let utc = |text| parts("UTC", text);
        assert_eq!(utc("2024-03-01T04:19:08Z").as_deref(), Some("2024-03-01 04:19:08"));
        assert_eq!(utc("2024-03-01T04:19:08.25Z").as_deref(), Some("2024-03-01 04:19:08.25"));
        for text in
            ["", "Z", "2024-03-01", "2024-03-01T04:19:08", "2024-03-01T04:19:08.Z", "2024-13-01T04:19:08Z"]
        {
            assert_eq!(utc(text), None, "{text}");
        }
        assert_eq!(parts("+01:00", "2024-03-01T23:30:00.5Z").as_deref(), Some("2024-03-02 00:30:00.5"));
    }

    #[test]
    fn a_time_that_clocks_show_twice_says_which() {
        let berlin = |text| parts("Europe/Berlin", text);
        assert_eq!(berlin("2024-10-27T00:30:00.5Z").as_deref(), Some("2024-10-27 02:30:00.5+02:00"));
        assert_eq!(berlin("2024-10-27T01:30:00Z").as_deref(), Some("2024-10-27 02:30:00+01:00"));
        assert_eq!(berlin("2024-10-27T02:30:00Z").as_deref(), Some("2024-10-27 03:30:00"));
    }

    #[test]
    fn a_line_without_a_heading_says_the_offset() {
        let in_line = |zone: &str, text| ShownZone::of(&Zone::named(zone).unwrap()).in_line(text).unwrap();
        assert_eq!(in_line("UTC", "2024-03-01T04:19:08Z"), "2024-03-01 04:19:08");
        assert_eq!(in_line("Europe/Berlin", "2024-03-01T04:19:08.5Z"), "2024-03-01 05:19:08.5+01:00");
        assert_eq!(in_line("Europe/Berlin", "2024-10-27T00:30:00Z"), "2024-10-27 02:30:00+02:00");
        assert_eq!(in_line("-03:30", "2024-03-01T04:19:08Z"), "2024-03-01 00:49:08-03:30");
    }
}
