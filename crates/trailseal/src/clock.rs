//! The machine's clock, and the zone that it is set to; nothing else asks for the time of the day.

use std::time::{SystemTime, UNIX_EPOCH};

use trailseal_archive::Timestamp;
use trailseal_query::Zone;
use trailseal_server::Timestamp as Moment;

/// Now, in milliseconds; a clock that is set before 1970 counts as 1970.
pub(crate) fn now() -> Moment {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The second that it is.
pub(crate) fn second() -> Timestamp {
    Timestamp::from_epoch(now().seconds()).expect("a moment lies in the years 0000 to 9999")
}

/// The time zone of the machine, by its name: what `TZ` says, else what /etc/localtime is a link to. `None` where neither says a
/// name that is known.
pub(crate) fn zone() -> Option<Zone> {
    let rules = jiff::tz::TimeZone::try_system().ok()?;
    Zone::named(rules.iana_name()?).ok()
}
