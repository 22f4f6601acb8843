//! Which public keys an archive needs: for the user who has none yet.

use std::collections::BTreeMap;

use trailseal_archive::{
    Timestamp,
    key::{DigestName, ObjectKind},
    walk::{AccountRegion, Lengths},
};

use crate::{error::Error, options::Options};

/// The span of a region's digests, by their names: keys are issued a region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyNeed {
    /// The region whose digests these are.
    pub region: String,
    /// End of the oldest digest.
    pub first: Timestamp,
    /// End of the newest digest.
    pub last: Timestamp,
}

/// What `list-public-keys` must be asked for, ordered by region; empty when there is no digest.
///
/// # Errors
/// [`Error::Root`] when a root cannot be read.
pub fn key_needs(options: &Options) -> Result<Vec<KeyNeed>, Error> {
    let roots = options.open(&options.roots)?;
    let policy = &options.policy;
    let survey = roots.survey(&|unit: &AccountRegion| policy.wants_place(&unit.account, &unit.region));
    let mut spans: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
    let mut take = |name: &str| {
        let Ok(digest) = DigestName::parse(name) else { return };
        let in_scope = policy.wants_place(digest.account, digest.region) && policy.contains(digest.end);
        if in_scope && (policy.trails.is_empty() || policy.trails.iter().any(|trail| trail == digest.trail)) {
            let span = spans.entry(digest.region.to_owned()).or_insert((digest.end, digest.end));
            *span = (span.0.min(digest.end), span.1.max(digest.end));
        }
    };
    let folders = survey.units.values().flatten().filter(|(kind, _)| *kind == ObjectKind::Digest);
    for (_, folder) in folders {
        for listing in roots.list(folder, Lengths::Left, &mut Vec::new()) {
            listing.files.iter().for_each(|file| take(&file.name));
        }
    }
    for folder in &survey.others {
        roots.list_one(folder).iter().for_each(|file| take(&file.name));
    }
    Ok(spans.into_iter().map(|(region, (first, last))| KeyNeed { region, first, last }).collect())
}
