//! What an archive holds, before any file of it is read: accounts and regions, a batch at a time.

use std::collections::BTreeMap;

use rayon::prelude::*;
use trailseal_archive::{
    key::ObjectKind,
    walk::{AccountRegion, Folder, Listing, Problem, Roots, Survey},
};
use trailseal_verify::Policy;

use crate::{
    error::Error,
    options::{Options, Progress},
    outside::Outside,
    peers::Peers,
    run::{Run, Signatures},
    stage::Listed,
};

/// Files of a batch; a single account and Region may have more.
const MAX_FILES: usize = 20_000;

/// An archive whose folders are known.
pub(crate) struct Opened {
    pub(crate) roots: Roots,
    pool: rayon::ThreadPool,
    pub(crate) survey: Survey,
    /// Accounts and regions that were not asked for.
    pub(crate) peers: Peers,
    /// What lies outside AWS's layout.
    pub(crate) outside: Outside,
    /// What the survey could not see.
    pub(crate) problems: Vec<Problem>,
}

impl Opened {
    /// Finds the accounts and regions that the policy wants.
    pub(crate) fn new(options: &Options, policy: &Policy) -> Result<Self, Error> {
        let mut paths = options.roots.clone();
        paths.extend(options.maps.iter().map(|map| map.folder.clone()));
        let roots = options.open(&paths)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.threads)
            .build()
            .map_err(|error| Error::Threads(std::io::Error::other(error)))?;
        let mut survey = roots.survey(&|_| true);
        let is_wanted = |unit: &AccountRegion| policy.wants_place(&unit.account, &unit.region);
        let mut outside = Outside::new(&roots, &survey.others, options, policy);
        let loose = std::mem::take(&mut outside.peers);
        let peers = Peers::new(&survey, |unit| !is_wanted(unit), loose);
        survey.units.retain(|unit, _| is_wanted(unit));
        let problems = std::mem::take(&mut survey.problems);
        Ok(Self { roots, pool, survey, peers, outside, problems })
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

    /// Lists the accounts and regions that `is_wanted`, and hands them over in batches, in order. One account and
    /// region is judged as a whole, whatever organization its folders lie under: a trail may become an
    /// organization's (row 71).
    pub(crate) fn each_batch(
        &self,
        run: &Run<'_>,
        is_wanted: &dyn Fn(&str, &str) -> bool,
        take: &mut dyn FnMut(Vec<Listed>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut work = self.work(is_wanted).into_iter();
        let mut batch: Vec<Listed> = Vec::new();
        let mut files = 0;
        loop {
            run.check_interrupt()?;
            // One account and region a thread: each may have millions of files.
            let next: Vec<ListingWork<'_>> = work.by_ref().take(self.pool.current_num_threads()).collect();
            if next.is_empty() {
                break;
            }
            let list = |work: ListingWork<'_>| Listed::new(work.key, &work.folders, work.loose, run);
            let listed: Vec<Listed> = self.pool.install(|| next.into_par_iter().map(list).collect());
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

    fn work(&self, is_wanted: &dyn Fn(&str, &str) -> bool) -> Vec<ListingWork<'_>> {
        let mut work: BTreeMap<(&str, &str), ListingWork<'_>> = BTreeMap::new();
        for (key, folders) in &self.survey.units {
            let entry =
                work.entry((&key.account, &key.region)).or_insert_with(|| ListingWork::new(key.clone()));
            if entry.key.organization != key.organization {
                entry.key.organization = None;
            }
            entry.folders.extend(folders);
        }
        for ((account, region), loose) in &self.outside.loose {
            let key = AccountRegion { organization: None, account: account.clone(), region: region.clone() };
            work.entry((account, region)).or_insert_with(|| ListingWork::new(key)).loose.extend(loose);
        }
        let wanted = work.into_iter().filter(|((account, region), _)| is_wanted(account, region));
        wanted.map(|(_, work)| work).collect()
    }
}

/// An account and region, and what is to be listed of it.
struct ListingWork<'a> {
    key: AccountRegion,
    folders: Vec<&'a (ObjectKind, Folder)>,
    loose: Vec<&'a (ObjectKind, Listing)>,
}

impl ListingWork<'_> {
    fn new(key: AccountRegion) -> Self {
        Self { key, folders: Vec::new(), loose: Vec::new() }
    }
}
