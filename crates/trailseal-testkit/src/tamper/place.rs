//! What a path says of a file: written anew here, so that no fault of the product is also the judge's.

use trailseal_archive::{Timestamp, key::DigestName};

const DAY: i64 = 24 * 3600;

/// What a file's name is by its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// `ACCOUNT_CloudTrail…_REGION_STAMP…`.
    Log,
    /// `ACCOUNT_CloudTrail-Digest_REGION_TRAIL_HOME_STAMP…`, and the trail.
    Digest(String),
    /// Anything else.
    Other,
}

/// What a path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPlace {
    /// The account of the folders, else that of the name.
    pub account: Option<String>,
    /// The region of the folders, else that of the name.
    pub region: Option<String>,
    /// Midnight of the date folders.
    pub day: Option<Timestamp>,
    /// The time in the name.
    pub stamp: Option<Timestamp>,
    /// What the name is.
    pub name: NameKind,
    /// The account and region of the name, if it is that of a log or digest.
    pub named: Option<(String, String)>,
    /// Whether it lies below a folder `AWSLogs`, in whatever case.
    pub is_in_layout: bool,
    /// Whether it lies in a folder of another service below an account.
    pub is_of_other_service: bool,
    /// Whether a folder above it is one of CloudTrail's kinds.
    pub is_in_kind: bool,
}

impl NamedPlace {
    /// Reads a path.
    pub fn of(path: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let (name, folders) = parts.split_last().map_or(("", &[][..]), |(name, folders)| (*name, folders));
        let layout = folders.iter().rposition(|part| part.eq_ignore_ascii_case("AWSLogs"));
        let mut place = Self {
            account: None,
            region: None,
            day: None,
            stamp: None,
            name: NameKind::Other,
            named: None,
            is_in_layout: layout.is_some(),
            is_of_other_service: false,
            is_in_kind: false,
        };
        let mut below = &folders[layout.map_or(0, |at| at + 1)..];
        if layout.is_some() {
            if below.first().is_some_and(|part| part.starts_with("o-")) {
                below = &below[1..];
            }
            place.account = below.first().filter(|part| is_account(part)).map(|part| (*part).to_owned());
            let service = below.get(1).filter(|_| place.account.is_some());
            place.is_of_other_service = service.is_some_and(|part| !is_kind(part));
        }
        if let Some(at) = below.iter().position(|part| is_kind(part)) {
            place.is_in_kind = true;
            let is_region = |part: &&&str| part.matches('-').count() >= 2;
            place.region = below.get(at + 1).filter(is_region).map(|part| part.to_ascii_lowercase());
        }
        place.day = day_of(below);
        place.read_name(name);
        place
    }

    fn read_name(&mut self, name: &str) {
        self.stamp = stamp_in(name);
        let stem = name.strip_suffix(".json.gz").or_else(|| name.strip_suffix(".json"));
        let Some(stem) = stem.filter(|_| !name.ends_with(".metadata.json")) else { return };
        let mut parts = stem.split('_');
        let (Some(account), Some(kind), Some(region)) = (parts.next(), parts.next(), parts.next()) else {
            return;
        };
        if !is_account(account) || !is_kind(kind) || region.matches('-').count() < 2 {
            return;
        }
        if let Ok(digest) = DigestName::parse(name) {
            self.name = NameKind::Digest(digest.trail.to_owned());
            self.stamp = Some(digest.end);
        } else {
            self.name = NameKind::Log;
        }
        self.named = Some((account.to_owned(), region.to_owned()));
        self.account.get_or_insert_with(|| account.to_owned());
        self.region.get_or_insert_with(|| region.to_owned());
    }

    /// Whether the name is that of a log or digest.
    pub fn is_named(&self) -> bool {
        self.name != NameKind::Other
    }

    /// Whether the stamp is of the day of the folders, or of the day before or after.
    pub fn agrees(&self) -> bool {
        match (self.stamp, self.day) {
            (Some(stamp), Some(day)) => (-DAY..2 * DAY).contains(&stamp.since(day)),
            _ => true,
        }
    }
}

/// The first time that stands anywhere in a name.
fn stamp_in(name: &str) -> Option<Timestamp> {
    name.match_indices('T').find_map(|(at, _)| {
        let start = at.checked_sub(8)?;
        let end = at + name[at..].find('Z')? + 1;
        match end - start {
            14 => Timestamp::parse_minute_stamp(name.get(start..end)?).ok(),
            16 => Timestamp::parse_stamp(name.get(start..end)?).ok(),
            _ => None,
        }
    })
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_kind(text: &str) -> bool {
    text.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("CloudTrail"))
}

/// The day of the last three folders that are one.
fn day_of(folders: &[&str]) -> Option<Timestamp> {
    folders.windows(3).rev().find_map(|parts| {
        let text = format!("{}{}{}T000000Z", parts[0], parts[1], parts[2]);
        Timestamp::parse_stamp(&text).ok()
    })
}
