//! Files among the logs that no digest names: copies of logs that are proven, logs of other trails, planted ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use trailseal_archive::{
    Timestamp,
    key::{KeyParts, ObjectKind, log_stamp},
    leftover::Leftover,
};
use trailseal_verify::{Covered, Policy, Unnamed};

use super::located::Located;
use crate::{
    days::{DAY, day_of, is_of_day, number_of},
    files::{FileId, FileRef},
    locate::{DeliveryPlace, Mounts},
    paths::text_of,
    read::SIDECAR,
    run::Run,
    sniff,
    sort::{Class, log_base, stamp_within},
    statement::{Delivery, TrailStatement},
};

/// A file among the logs that no digest names.
#[derive(Clone, Debug)]
pub(crate) struct UnnamedFile {
    pub(crate) id: FileId,
    pub(crate) stamp: Option<Timestamp>,
    pub(crate) meaning: Unnamed,
    /// Whether it lies in a folder that no digest is known to cover (`CloudTrail-Insight` …).
    pub(crate) is_other_kind: bool,
    /// Whether it was asked for, by its stamp or its date folder.
    pub(crate) is_in_scope: bool,
    pub(crate) twin: Twin,
}

/// The log of which a file may be a copy, by its name (row 95): content alone makes nothing a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// None that an authentic digest of the account and region names.
    None,
    /// This log of this row.
    Log { row: u32, log: u32 },
    /// Its name claims nothing: any log of the account and region.
    Any,
}

impl Located {
    /// The files that no digest names, whether they were asked for or not.
    pub(crate) fn find_unnamed(&self, run: &Run<'_>) -> Vec<UnnamedFile> {
        let named = self.named_files();
        let mut covered = CoveredPlaces::new(self, run.options.statement.as_ref());
        let mut twins = Twins::default();
        let mut unnamed = Vec::new();
        for (id, file) in self.files.iter() {
            let class = self.sorted.class(id);
            let is_false_metadata = class == Class::Metadata && !self.is_metadata(id, &file, run);
            if !(class == Class::Log || is_false_metadata) || named.contains(&id) {
                continue;
            }
            // A name that desktops give, and content that they do not (row 96).
            let is_false_leftover = Leftover::named(&file.folder.real, &file.file.name).is_some();
            let is_stray = is_false_metadata || is_false_leftover;
            let stamp = if is_stray { None } else { log_stamp(&file.file.name) };
            let path = text_of(&file.real());
            let day = day_of(&path);
            let meaning = match (stamp, day) {
                (Some(stamp), Some(day)) if !is_of_day(stamp, day) => Unnamed::StampMismatch,
                _ if self.is_out_of_layout(&path) => Unnamed::Stray,
                _ => covered.meaning(&path, stamp),
            };
            let is_other_kind = !matches!(file.kind, ObjectKind::Log | ObjectKind::Digest) && !is_stray;
            let twin = if is_other_kind || is_stray { Twin::None } else { twins.find(self, &file) };
            // A name may say nothing and still have a stamp.
            let is_in_scope = is_in_scope(run.policy, stamp_within(&file.file.name), day);
            unnamed.push(UnnamedFile { id, stamp, meaning, is_other_kind, is_in_scope, twin });
        }
        unnamed
    }

    /// Whether a file lies where CloudTrail puts none, in a bucket's folder that keeps AWS's layout (row 85).
    fn is_out_of_layout(&self, path: &str) -> bool {
        KeyParts::parse(path).is_none() && self.mounts.keep_layout(path)
    }

    /// Whether a file that is named like metadata holds metadata and nothing else.
    fn is_metadata(&self, id: FileId, file: &FileRef<'_>, run: &Run<'_>) -> bool {
        if self.sidecars.contains(&id) {
            return true;
        }
        if file.file.refusal.is_some() {
            return false;
        }
        // What lies beside a digest is spoken of there, whatever is wrong with it, unless it holds events.
        let beside = file.file.name.strip_suffix(SIDECAR).is_some_and(|name| {
            let digest = self.files.find_exactly(&text_of(&file.folder.real), name);
            digest.is_some_and(|digest| self.sorted.class(digest) == Class::Digest)
        });
        (beside && !sniff::may_hold_events(run.roots, file)) || sniff::metadata_in(run.roots, file).is_some()
    }
}

/// Finds the logs of which files may be copies.
#[derive(Default)]
struct Twins {
    by_base: Option<HashMap<String, (u32, u32)>>,
}

impl Twins {
    fn find(&mut self, unit: &Located, file: &FileRef<'_>) -> Twin {
        if file.file.refusal.is_some() {
            return Twin::None;
        }
        let Some(base) = log_base(&file.file.name) else {
            let has_stamp = log_stamp(&file.file.name).is_some();
            return if has_stamp { Twin::None } else { Twin::Any };
        };
        let by_base = self.by_base.get_or_insert_with(|| bases(unit));
        by_base.get(base).map_or(Twin::None, |(row, log)| Twin::Log { row: *row, log: *log })
    }
}

/// The logs that authentic digests name, by what makes their names their own.
fn bases(unit: &Located) -> HashMap<String, (u32, u32)> {
    let mut bases = HashMap::new();
    let is_own = |row: &usize| {
        unit.rows[*row]
            .chain()
            .is_some_and(|id| id.account == unit.key.account && id.region == unit.key.region)
    };
    for row in unit.authentic_rows().filter(is_own) {
        for (log, named) in unit.rows[row].digest().into_iter().flat_map(|digest| &digest.logs).enumerate() {
            if let Some(base) = log_base(named.object.name()) {
                bases.insert(base.to_owned(), (row as u32, log as u32));
            }
        }
    }
    bases
}

/// What the digests of each place of delivery cover, as far as it was asked for.
struct CoveredPlaces<'a> {
    unit: &'a Located,
    mounts: &'a Mounts,
    statement: Option<&'a TrailStatement>,
    places: BTreeMap<DeliveryPlace, (Covered, bool)>,
}

impl<'a> CoveredPlaces<'a> {
    fn new(unit: &'a Located, statement: Option<&'a TrailStatement>) -> Self {
        Self { unit, mounts: &unit.mounts, statement, places: BTreeMap::new() }
    }

    /// What it means that a file with a delivery time lies at a path, and no digest names it.
    fn meaning(&mut self, path: &str, stamp: Option<Timestamp>) -> Unnamed {
        let place = self.mounts.delivery(path);
        let (unit, statement) = (self.unit, self.statement);
        // Where no digest belongs, none speaks.
        let (covered, is_sole) = self.places.entry(place).or_insert_with_key(|place| {
            let is_here = |bucket: &str, key: &str| DeliveryPlace::of_object(bucket, key) == *place;
            let covered = Covered::new(&unit.rows, &unit.assessment.judgements, |digest| {
                is_here(&digest.bucket, &digest.object)
            });
            let is_sole = statement.is_some_and(|statement| is_sole(unit, place, statement));
            (covered, is_sole)
        });
        match covered.meaning(stamp) {
            Unnamed::Unreferenced if *is_sole && covered.has_begun(stamp) => Unnamed::Planted,
            meaning => meaning,
        }
    }
}

/// Whether the user states that only trails whose digests are proven deliver to a place.
fn is_sole(unit: &Located, place: &DeliveryPlace, statement: &TrailStatement) -> bool {
    let rows =
        unit.authentic_rows().filter_map(|row| Some((unit.rows[row].digest()?, unit.rows[row].chain()?)));
    let here = rows.filter(|(digest, _)| DeliveryPlace::of_object(&digest.bucket, &digest.object) == *place);
    let proven: BTreeSet<(&str, &str)> = here.map(|(_, id)| (&*id.trail, &*id.home_region)).collect();
    let delivery = Delivery {
        bucket: place.bucket.as_deref().unwrap_or_default(),
        prefix: &place.prefix,
        organization: place.organization.as_deref(),
        account: &unit.key.account,
        region: &unit.key.region,
    };
    !proven.is_empty() && statement.excludes_others(&delivery, &proven)
}

/// Whether a file was asked for: it is left out only if its stamp and its date folder both lie outside (row 84).
fn is_in_scope(policy: &Policy, stamp: Option<Timestamp>, day: Option<Timestamp>) -> bool {
    let by_stamp = stamp.map(|stamp| policy.contains(stamp));
    let by_folder = day.map(|day| policy.overlaps(day, day.plus(DAY)));
    match (by_stamp, by_folder) {
        // The minutes of a log's own day are told by its stamp; of midnight either may be meant.
        (Some(by_stamp), _)
            if stamp.zip(day).is_none_or(|(stamp, day)| number_of(stamp) == number_of(day)) =>
        {
            by_stamp
        }
        (None, None) => true,
        _ => by_stamp == Some(true) || by_folder == Some(true),
    }
}
