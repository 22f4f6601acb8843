//! The whole run: survey, batches, conclusion.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use trailseal_archive::{
    key::{DigestName, ObjectKind, is_account_id},
    walk::{File, Folder, Listing, Roots, Survey, UnitKey},
};
use trailseal_verify::{
    finding::{Code, Finding},
    report::{Report, Scope, ScopeKey},
};

use crate::{
    batch::{MAX_FILES, Run},
    conclude::{conclude, wanted},
    error::Error,
    options::{Options, Progress},
    outcome::UnitOutcome,
    search::search,
    unit::{Unit, UnitDetail, problem_finding},
};

/// Verifies an archive.
///
/// `observe` is shown every account and region once it is judged, in order, with all its digests and logs;
/// the report does not hold those that are in order.
///
/// # Errors
/// [`Error`] when nothing could be checked or the run was interrupted; whatever is wrong with single files
/// is in the report instead.
pub fn verify(
    options: &Options,
    progress: &dyn Progress,
    observe: &mut dyn FnMut(&UnitDetail<'_>),
) -> Result<Report, Error> {
    let mut paths = options.roots.clone();
    paths.extend(options.maps.iter().map(|map| map.folder.clone()));
    let roots = Roots::open(&paths)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(options.threads)
        .build()
        .map_err(|error| Error::Threads(error.to_string()))?;
    let policy = &options.policy;

    let mut survey = roots.survey(&|unit| policy.wants_place(&unit.account, &unit.region));
    let problems = std::mem::take(&mut survey.problems);
    let run = Run { options, roots: &roots, pool: &pool, progress, problems: &problems };
    let mut loose = loose_files(&roots, &survey, options);
    let mut outcomes = Vec::new();
    let mut batch: Vec<Unit> = Vec::new();
    let keeps_layout = !survey.units.is_empty();
    let mut units = std::mem::take(&mut survey.units);
    for (account, region) in loose.keys() {
        if !units.keys().any(|unit| unit.account == *account && unit.region == *region) {
            let key = UnitKey { organization: None, account: account.clone(), region: region.clone() };
            units.insert(key, Vec::new());
        }
    }
    let listed = units.into_iter().map(|(key, folders)| {
        let more = loose.remove(&(key.account.clone(), key.region.clone())).unwrap_or_default();
        run.list(key, &folders, more)
    });
    for unit in listed {
        run.check_interrupt()?;
        let files: usize = batch.iter().map(|unit| unit.files.len()).sum();
        if !batch.is_empty() && files + unit.files.len() > MAX_FILES {
            outcomes.extend(run.verify(std::mem::take(&mut batch), observe)?);
        }
        batch.push(unit);
    }
    outcomes.extend(run.verify(batch, observe)?);
    check_there_is_something(&outcomes, options)?;

    let elsewhere = search(&run, &wanted(&outcomes), &outcomes, &survey.others)?;
    let mut others: Vec<Finding> = problems.iter().map(problem_finding).collect();
    let found: BTreeSet<&str> = elsewhere.iter().map(|file| file.path.as_str()).collect();
    if keeps_layout {
        let is_new = |stray: &Finding| stray.path.as_deref().is_none_or(|path| !found.contains(path));
        others.extend(strays(&roots, &survey, options).into_iter().filter(is_new));
    }
    Ok(conclude(outcomes, scope(options), options, &elsewhere, others))
}

/// Listings outside AWS's layout, by account and region.
type Loose = BTreeMap<(String, String), Vec<(ObjectKind, Listing)>>;

/// Trees that do not keep AWS's layout: their files tell by their names to which account and region they
/// belong. Where a root has the layout, only what `--map` names beside it is part of the archive.
fn loose_files(roots: &Roots, survey: &Survey, options: &Options) -> Loose {
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
            if options.policy.wants_place(&account, &region) {
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

/// Files that by their names are digests or logs, and lie below `AWSLogs` where none belongs.
fn strays(roots: &Roots, survey: &Survey, options: &Options) -> Vec<Finding> {
    let in_layout = |folder: &&Folder| folder.real.components().any(|part| part.as_os_str() == "AWSLogs");
    let mapped = |folder: &&Folder| !options.maps.iter().any(|map| folder.shown.starts_with(&map.folder));
    let mut strays = Vec::new();
    for folder in survey.others.iter().filter(in_layout).filter(mapped) {
        for file in roots.list_one(folder) {
            let Some((account, region, _)) = place_by_name(&file.name) else { continue };
            let is_sidecar = file.name.ends_with(crate::read::SIDECAR);
            if !is_sidecar && options.policy.wants_place(&account, &region) {
                let message = "a digest or log file by its name, in a folder where CloudTrail puts none";
                let path = folder.shown.join(&*file.name).display().to_string();
                strays.push(
                    Finding::new(Code::StrayObject, message).of_place(None, &account, &region).found_at(path),
                );
            }
        }
    }
    strays
}

/// `ACCOUNT_CloudTrail…_REGION_…`.
fn place_by_name(name: &str) -> Option<(String, String, ObjectKind)> {
    if let Ok(digest) = DigestName::parse(name) {
        return Some((digest.account.to_owned(), digest.region.to_owned(), ObjectKind::Digest));
    }
    let mut parts = name.split('_');
    let (account, kind, region) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = ObjectKind::from_folder(kind)?;
    is_account_id(account).then(|| (account.to_owned(), region.to_owned(), kind))
}

fn check_there_is_something(outcomes: &[UnitOutcome], options: &Options) -> Result<(), Error> {
    let is_something = |unit: &UnitOutcome| {
        !unit.chains.is_empty()
            || unit.totals.digests.found > 0
            || unit.log_files > 0
            || !unit.findings.is_empty()
    };
    if outcomes.iter().any(is_something) {
        return Ok(());
    }
    let policy = &options.policy;
    let roots = options.roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ");
    let mut sought = vec![format!("no digest or log file in {roots}")];
    for (what, asked) in
        [("account", &policy.accounts), ("region", &policy.regions), ("trail", &policy.trails)]
    {
        if !asked.is_empty() {
            sought.push(format!("{what} {}", asked.join(" or ")));
        }
    }
    sought.extend(policy.start.map(|start| format!("from {start}")));
    sought.extend(policy.end.map(|end| format!("until {end}")));
    let layout =
        "looked for [prefix/]AWSLogs/[o-…/]ACCOUNT/CloudTrail-Digest/REGION/… and …/CloudTrail/REGION/…";
    let sought = format!("{}; {layout}", sought.join(", "));
    Err(Error::NothingToVerify(sought))
}

fn scope(options: &Options) -> Scope {
    let key = |key: &trailseal_verify::keys::PublicKey| ScopeKey {
        fingerprint: key.fingerprint.clone(),
        file: key.file.clone(),
        validity_start: key.validity_start,
        validity_end: key.validity_end,
    };
    let policy = &options.policy;
    Scope {
        roots: options.roots.iter().map(|root| root.display().to_string()).collect(),
        start_time: policy.start,
        end_time: policy.end,
        as_of: options.expect.as_of,
        accounts: policy.accounts.clone(),
        regions: policy.regions.clone(),
        trails: policy.trails.clone(),
        allowed: policy.allowed.clone(),
        keys: options.keys.iter().map(key).collect(),
        mappings: Vec::new(),
    }
}
