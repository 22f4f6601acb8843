//! How far the trails that were asked for reach in accounts and regions that were not (rows 28 and 62): their digests
//! are not read, but their names tell.

use std::{collections::BTreeMap, ops::ControlFlow};

use trailseal_archive::{
    Timestamp,
    key::ObjectKind,
    walk::{AccountRegion, File, Folder, Roots, Survey},
};
use trailseal_verify::named_chain;

use crate::{
    days::{day_of, is_of_day},
    outcome::RegionOutcome,
    paths::text_of,
    report::{ChainId, ChainKind},
};

/// Accounts and regions that were not asked for.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Their folders of digests.
    folders: Vec<(AccountRegion, Folder)>,
    /// Their newest digests outside AWS's layout.
    loose: BTreeMap<ChainId, Timestamp>,
}

/// Day folders that are looked through for a trail that others outlived: an organization has thousands of regions.
const MAX_DAYS: usize = 40;

/// Name and home region of a trail → the end of its oldest head among what was asked for.
type Sought = BTreeMap<(String, String), Timestamp>;

impl Peers {
    pub(crate) fn new(
        survey: &Survey,
        is_peer: impl Fn(&AccountRegion) -> bool,
        loose: BTreeMap<ChainId, Timestamp>,
    ) -> Self {
        let of_account: BTreeMap<&str, &String> = survey
            .units
            .keys()
            .filter_map(|unit| Some((&*unit.account, unit.organization.as_ref()?)))
            .collect();
        // What lies outside the layout is judged with what lies in it.
        let placed = |(id, end): (ChainId, Timestamp)| {
            let organization = of_account.get(&*id.account).map(|organization| (*organization).clone());
            (ChainId { organization, ..id }, end)
        };
        let peers = survey.units.iter().filter(|(unit, _)| is_peer(unit));
        let folders = peers.flat_map(|(unit, folders)| {
            let digests = folders.iter().filter(|(kind, _)| *kind == ObjectKind::Digest);
            digests.map(|(_, folder)| (unit.clone(), folder.clone()))
        });
        Self { folders: folders.collect(), loose: loose.into_iter().map(placed).collect() }
    }

    /// The newest digest of each of their chains whose trail is one of those that were judged.
    pub(crate) fn newest(&self, roots: &Roots, judged: &[RegionOutcome]) -> Vec<(ChainId, Timestamp)> {
        let mut sought = Sought::new();
        let chains = judged.iter().flat_map(|unit| &unit.chains);
        for chain in chains.filter(|chain| chain.report.id.kind == ChainKind::Standard) {
            let (id, Some(end)) = (&chain.report.id, chain.last_end) else { continue };
            let oldest = sought.entry((id.trail.clone(), id.home_region.clone())).or_insert(end);
            *oldest = end.min(*oldest);
        }
        let mut newest: Vec<(ChainId, Timestamp)> = self.loose.clone().into_iter().collect();
        if !sought.is_empty() {
            newest.extend(
                self.folders.iter().flat_map(|(unit, folder)| newest_in(roots, unit, folder, &sought)),
            );
        }
        newest
    }
}

/// The newest digests of trails in an account's and region's folder; what is older than what is compared with it is
/// not looked for.
fn newest_in(
    roots: &Roots,
    unit: &AccountRegion,
    folder: &Folder,
    sought: &Sought,
) -> Vec<(ChainId, Timestamp)> {
    let mut found: BTreeMap<(String, String), (ChainId, Timestamp)> = BTreeMap::new();
    let mut days = 0;
    roots.list_backwards(folder, &mut |folder: &Folder, files: &[File]| {
        let mut newest = None;
        let day = day_of(&format!("{}/x", text_of(&folder.real)));
        // Anybody can write a name into a folder of another day.
        let named = files.iter().filter_map(|file| named_chain(&file.name));
        for (id, end) in named.filter(|(_, end)| day.is_some_and(|day| is_of_day(*end, day))) {
            newest = newest.max(Some(end));
            let trail = (id.trail.clone(), id.home_region.clone());
            if id.kind != ChainKind::Standard || !sought.contains_key(&trail) {
                continue;
            }
            let id = ChainId { organization: unit.organization.clone(), ..id };
            let known = found.entry(trail).or_insert((id, end));
            known.1 = end.max(known.1);
        }
        days += usize::from(newest.is_some());
        let is_open = |(trail, oldest): (&(String, String), &Timestamp)| {
            !found.contains_key(trail) && newest.is_none_or(|newest| newest >= *oldest)
        };
        if days < MAX_DAYS && sought.iter().any(is_open) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found.into_values().collect()
}
