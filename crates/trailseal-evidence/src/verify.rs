//! The whole run: survey, batches, conclusion.

use std::collections::BTreeSet;

use crate::report::{Report, Scope, ScopeKey};
use trailseal_archive::walk::Folder;
use trailseal_verify::finding::{Code, Finding};

use crate::{
    batch::Signatures,
    conclude::{conclude, wanted},
    error::Error,
    options::{Options, Progress},
    outcome::UnitOutcome,
    search::search,
    survey::{Opened, place_by_name},
    unit::{UnitDetail, problem_finding},
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
    let opened = Opened::new(options, &options.policy)?;
    let run = opened.run(options, &options.policy, progress, Signatures::All);
    let mut outcomes = Vec::new();
    opened.each_batch(&run, &mut |batch| {
        outcomes.extend(run.verify(batch, observe)?);
        Ok(())
    })?;
    check_there_is_something(&outcomes, options)?;

    let elsewhere = search(&run, &wanted(&outcomes), &outcomes, &opened.survey.others)?;
    let mut others: Vec<Finding> = opened.problems.iter().map(problem_finding).collect();
    let found: BTreeSet<&str> = elsewhere.iter().map(|file| file.path.as_str()).collect();
    if !opened.survey.units.is_empty() {
        let is_new = |stray: &Finding| stray.path.as_deref().is_none_or(|path| !found.contains(path));
        others.extend(strays(&opened, options).into_iter().filter(is_new));
    }
    Ok(conclude(outcomes, scope(options), options, &elsewhere, others))
}

/// Files that by their names are digests or logs, and lie below `AWSLogs` where none belongs.
fn strays(opened: &Opened, options: &Options) -> Vec<Finding> {
    let Opened { roots, survey, .. } = opened;
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
