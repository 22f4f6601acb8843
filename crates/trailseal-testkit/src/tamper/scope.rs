//! Which part of an archive is asked for.

use std::fmt;

use trailseal_archive::Timestamp;

use crate::tamper::place::{NameKind, NamedPlace};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// A log's name tells its delivery to about five minutes (docs/spec/format.md 1.1).
const TOLERANCE: i64 = 6 * 60;

/// `--account`, `--region`, `--trail`, `--from`, `--to`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TamperScope {
    /// All when empty.
    pub accounts: Vec<String>,
    /// All when empty.
    pub regions: Vec<String>,
    /// All when empty.
    pub trails: Vec<String>,
    /// From here.
    pub start: Option<Timestamp>,
    /// To there.
    pub end: Option<Timestamp>,
}

impl fmt::Display for TamperScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [("account", &self.accounts), ("region", &self.regions), ("trail", &self.trails)];
        let lists = named.iter().flat_map(|(name, all)| all.iter().map(move |one| format!("--{name} {one}")));
        let times = [("start", self.start), ("end", self.end)];
        let times = times.iter().filter_map(|(name, time)| Some(format!("--{name}-time {}", (*time)?)));
        let all: Vec<String> = lists.chain(times).collect();
        f.write_str(&if all.is_empty() { "everything".to_owned() } else { all.join(" ") })
    }
}

impl TamperScope {
    /// Whether it leaves nothing out.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// Whether an account and region are asked for; what is not known is.
    pub fn holds_names(&self, account: Option<&str>, region: Option<&str>) -> bool {
        let holds = |asked: &[String], name: Option<&str>| {
            asked.is_empty() || name.is_none_or(|name| asked.iter().any(|one| one == name))
        };
        holds(&self.accounts, account) && holds(&self.regions, region)
    }

    /// Whether a trail is asked for.
    pub fn holds_trail(&self, trail: &str) -> bool {
        self.trails.is_empty() || self.trails.iter().any(|one| one == trail)
    }

    /// Whether a window lies in it, at least in part.
    pub fn overlaps(&self, start: Timestamp, end: Timestamp) -> bool {
        self.start.is_none_or(|from| end > from) && self.end.is_none_or(|to| start < to)
    }

    /// Whether a moment surely lies in it: not so near to its ends that a name's rounding matters.
    pub fn surely_contains(&self, time: Timestamp) -> bool {
        self.start.is_none_or(|from| time >= from.plus(TOLERANCE))
            && self.end.is_none_or(|to| time <= to.plus(-TOLERANCE))
    }

    /// Whether a file's place surely lies in its accounts, regions and times.
    ///
    /// A name's stamp counts, unless it is not of the day of its folders: then the file is left out only if
    /// both lie outside (docs/spec/verification.md 5, row 84).
    pub fn surely_holds(&self, place: &NamedPlace) -> bool {
        if !self.holds_names(place.account.as_deref(), place.region.as_deref()) {
            return false;
        }
        let by_stamp = place.stamp.map(|stamp| match place.name {
            NameKind::Digest(_) => self.overlaps(stamp.plus(TOLERANCE - HOUR), stamp.plus(-TOLERANCE)),
            _ => self.surely_contains(stamp),
        });
        let by_day = place.day.map(|day| self.overlaps(day.plus(TOLERANCE), day.plus(DAY - TOLERANCE)));
        match (by_stamp, by_day) {
            (Some(stamp), Some(day)) if !place.agrees() => stamp || day,
            (Some(stamp), _) => stamp,
            (None, Some(day)) => day,
            (None, None) => true,
        }
    }
}
