//! The days of which date folders and names speak.

use trailseal_archive::{
    Timestamp,
    key::{DigestName, KeyParts, log_stamp},
};

/// Seconds of a day.
pub(crate) const DAY: i64 = 24 * 3600;

/// The first second of the day that the date folders in a path or key state.
pub(crate) fn day_of(path: &str) -> Option<Timestamp> {
    KeyParts::parse(path)?.day()
}

/// The number of a moment's day since 1970.
pub(crate) fn number_of(time: Timestamp) -> i64 {
    time.epoch().div_euclid(DAY)
}

/// Whether a stamp is of a folder's day, one day either way: logs of midnight lie in the next one.
pub(crate) fn is_of_day(stamp: Timestamp, day: Timestamp) -> bool {
    (-1..=1).contains(&(number_of(stamp) - number_of(day)))
}

/// The time in the name of a digest or log.
pub(crate) fn stamp_of(name: &str) -> Option<Timestamp> {
    let digest = DigestName::parse(name).ok().map(|name| name.end);
    digest.or_else(|| log_stamp(name))
}
