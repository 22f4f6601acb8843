//! What an archive holds, before any file of it is read: accounts and regions, a batch at a time.

use std::{collections::BTreeMap, path::PathBuf};

use rayon::prelude::*;
use trailseal_archive::{
    key::{DigestName, ObjectKind, is_account_id},
    walk::{File, Folder, Listing, Problem, Roots, Survey, UnitKey},
};
use trailseal_verify::policy::Policy;

use crate::{
    batch::{MAX_FILES, Run, Signatures},
    error::Error,
    options::{Options, Progress},
    unit::Unit,
};

/// An archive whose folders are known.
pub(crate) struct Opened {
    pub(crate) roots: Roots,
    pool: rayon::ThreadPool,
    pub(crate) survey: Survey,
    /// What the survey could not see.
    pub(crate) problems: Vec<Problem>,
}

impl Opened {
    /// Finds the accounts and regions that the policy wants.
    pub(crate) fn new(options: &Options, policy: &Policy) -> Result<Self, Error> {
        let mut paths = options.roots.clone();
        paths.extend(options.maps.iter().map(|map| map.folder.clone()));
        let roots = Roots::open(&paths)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .build()
            .map_err(|error| Error::Threads(error.to_string()))?;
        let mut survey = roots.survey(&|unit| policy.wants_place(&unit.account, &unit.region));
        let problems = std::mem::take(&mut survey.problems);
        Ok(Self { roots, pool, survey, problems })
    }

    /// What a run over it shares.
    pub(crate) fn run<'a>(
        &'a self,
        options: &'a Options,
        policy: &'a Policy,
        progress: &'a dyn Progress,
        signatures: Signatures,
    ) -> Run<'a> {
        let Self { roots, pool, problems, .. } = self;
        Run { options, policy, roots, pool, progress, problems, signatures }
    }

    /// Lists all accounts and regions, and hands them over in batches, in order.
    pub(crate) fn each_batch(
        &self,
        run: &Run<'_>,
        take: &mut dyn FnMut(Vec<Unit>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut loose = loose_files(&self.roots, &self.survey, run);
        let mut units: BTreeMap<UnitKey, &[(ObjectKind, Folder)]> =
            self.survey.units.iter().map(|(key, folders)| (key.clone(), folders.as_slice())).collect();
        for (account, region) in loose.keys() {
            if !units.keys().any(|unit| unit.account == *account && unit.region == *region) {
                let key = UnitKey { organization: None, account: account.clone(), region: region.clone() };
                units.insert(key, &[]);
            }
        }
        let work = units.into_iter().map(|(key, folders)| {
            let more = loose.remove(&(key.account.clone(), key.region.clone())).unwrap_or_default();
            (key, folders, more)
        });
        let mut work = work.collect::<Vec<_>>().into_iter();
        let mut batch: Vec<Unit> = Vec::new();
        let mut files = 0;
        loop {
            run.check_interrupt()?;
            // One account and region a thread: each may have millions of files.
            let next: Vec<_> = work.by_ref().take(self.pool.current_num_threads()).collect();
            if next.is_empty() {
                break;
            }
            let list = |(key, folders, more)| run.list(key, folders, more);
            let listed: Vec<Unit> = self.pool.install(|| next.into_par_iter().map(list).collect());
            for unit in listed {
                if !batch.is_empty() && files + unit.files.len() > MAX_FILES {
                    take(std::mem::take(&mut batch))?;
                    files = 0;
                }
                files += unit.files.len();
                batch.push(unit);
            }
        }
        take(batch)
    }
}

/// Listings outside AWS's layout, by account and region.
type Loose = BTreeMap<(String, String), Vec<(ObjectKind, Listing)>>;

/// Trees that do not keep AWS's layout: their files tell by their names to which account and region they
/// belong. Where a root has the layout, only what `--map` names beside it is part of the archive.
fn loose_files(roots: &Roots, survey: &Survey, run: &Run<'_>) -> Loose {
    let Run { options, policy, .. } = *run;
    let mapped: Vec<PathBuf> = options.maps.iter().filter_map(|map| map.folder.canonicalize().ok()).collect();
    let is_part = |folder: &&Folder| {
        survey.units.is_empty() || mapped.iter().any(|mapped| folder.real.starts_with(mapped))
    };
    let mut loose = Loose::new();
    for folder in survey.others.iter().filter(is_part) {
        let mut kinds: BTreeMap<(String, String, ObjectKind), Vec<File>> = BTreeMap::new();
        for file in roots.list_one(folder) {
            let name = file.name.strip_suffix(crate::read::SIDECAR).unwrap_or(&file.name);
            let Some((account, region, kind)) = place_by_name(name) else { continue };
            if policy.wants_place(&account, &region) {
                kinds.entry((account, region, kind)).or_default().push(file);
            }
        }
        for ((account, region, kind), files) in kinds {
            let listing = Listing { folder: folder.clone(), files };
            loose.entry((account, region)).or_default().push((kind, listing));
        }
    }
    loose
}

/// `ACCOUNT_CloudTrail…_REGION_…`.
pub(crate) fn place_by_name(name: &str) -> Option<(String, String, ObjectKind)> {
    if let Ok(digest) = DigestName::parse(name) {
        return Some((digest.account.to_owned(), digest.region.to_owned(), ObjectKind::Digest));
    }
    let mut parts = name.split('_');
    let (account, kind, region) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = ObjectKind::from_folder(kind)?;
    is_account_id(account).then(|| (account.to_owned(), region.to_owned(), kind))
}
