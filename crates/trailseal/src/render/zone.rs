//! How times are shown to people: in which zone, and what it is called.

use std::{fmt, sync::Arc};

use trailseal_archive::Timestamp;

use super::plain;

/// The zone of the times on a screen.
#[derive(Clone)]
pub(crate) struct ShownZone {
    name: String,
    moment: Arc<dyn Fn(Timestamp) -> String + Send + Sync>,
}

impl ShownZone {
    /// Coordinated Universal Time, which is what CloudTrail writes.
    pub(crate) fn utc() -> Self {
        Self::new("UTC", plain::moment)
    }

    /// A zone of this name, whose moments are written as `YYYY-MM-DD HH:MM:SS`.
    pub(crate) fn new(name: &str, moment: impl Fn(Timestamp) -> String + Send + Sync + 'static) -> Self {
        Self { name: name.to_owned(), moment: Arc::new(moment) }
    }

    /// What it is called: `UTC`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// A moment in it: `2024-03-01 04:19:08`.
    pub(crate) fn moment(&self, time: Timestamp) -> String {
        (self.moment)(time)
    }

    /// The day and the time of what CloudTrail writes as a time, with the fraction of its second; nothing for any other
    /// text, which is to be shown as it is.
    pub(crate) fn day_and_time(&self, text: &str) -> Option<(String, String)> {
        let (seconds, fraction) = match text.strip_suffix('Z')?.split_once('.') {
            None => (text.to_owned(), String::new()),
            Some((seconds, digits)) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => {
                (format!("{seconds}Z"), format!(".{digits}"))
            }
            Some(_) => return None,
        };
        let moment = self.moment(Timestamp::parse_digest_field(&seconds).ok()?);
        let (day, time) = moment.split_once(' ')?;
        Some((day.to_owned(), format!("{time}{fraction}")))
    }
}

impl fmt::Debug for ShownZone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("ShownZone").field(&self.name).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_as_a_time_has_a_day() {
        let utc = ShownZone::utc();
        let parts = |text| utc.day_and_time(text).map(|(day, time)| format!("{day} {time}"));
        assert_eq!(parts("2024-03-01T04:19:08Z").as_deref(), Some("2024-03-01 04:19:08"));
        assert_eq!(parts("2024-03-01T04:19:08.25Z").as_deref(), Some("2024-03-01 04:19:08.25"));
        for text in
            ["", "Z", "2024-03-01", "2024-03-01T04:19:08", "2024-03-01T04:19:08.Z", "2024-13-01T04:19:08Z"]
        {
            assert_eq!(parts(text), None, "{text}");
        }
        let later = ShownZone::new("+01:00", |time| plain::moment(time.plus(3600)));
        let moved = later.day_and_time("2024-03-01T23:30:00.5Z");
        assert_eq!(moved, Some(("2024-03-02".to_owned(), "00:30:00.5".to_owned())));
    }
}
