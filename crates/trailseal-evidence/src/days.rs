//! The days of which date folders and names speak.

use std::collections::BTreeSet;

use trailseal_archive::{
    Timestamp,
    key::{DigestName, KeyParts, ObjectKind, day_of_folders, is_region_like, log_stamp},
};

/// Seconds of a day.
pub(crate) const DAY: i64 = 24 * 3600;

/// Days of which there is a digest or log file, counted from 1970-01-01.
#[derive(Clone, Debug, Default)]
pub(crate) struct Days {
    /// Of the files that lie in date folders, by these.
    pub of_folders: BTreeSet<i64>,
    /// Of all others, by their names.
    pub of_names: BTreeSet<i64>,
}

/// The first second of the day that the date folders in a path or key state.
pub(crate) fn day_of(path: &str) -> Option<Timestamp> {
    if let Some(parts) = KeyParts::parse(path) {
        return parts.day();
    }
    // A tree that was cut has no more of a key than its kind and its region.
    let (folders, _) = path.rsplit_once('/')?;
    let mut starts = folders.match_indices('/').map(|(at, _)| &folders[at + 1..]);
    let below = starts.find_map(|rest| {
        let (kind, rest) = rest.split_once('/')?;
        let (region, rest) = rest.split_once('/')?;
        (ObjectKind::from_folder(kind).is_some() && is_region_like(region)).then_some(rest)
    });
    day_of_folders(below?)
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
