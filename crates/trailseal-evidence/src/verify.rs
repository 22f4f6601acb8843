//! The whole run: survey, batches, conclusion.

use std::{collections::BTreeSet, ops::ControlFlow, path::Path};

use crate::report::{Report, Scope, ScopeKey};
use trailseal_verify::{Code, Finding, Severity};

use crate::{
    conclude::{conclude, questions, wanted},
    driver::verify_batch,
    error::Error,
    explain::Explanations,
    index::ArchiveIndex,
    options::{Options, Progress},
    outcome::RegionOutcome,
    run::Signatures,
    search::search,
    stage::{RegionDetail, problem_finding},
    statement::TrailStatement,
    survey::Opened,
};

/// Verifies an archive.
///
/// `observe` is shown every account and region once it is judged, in order, with all its digests and logs;
/// the report does not hold those that are in order. When it breaks, the run ends.
///
/// # Errors
/// [`Error`] when nothing could be checked or the run was interrupted; whatever is wrong with single files
/// is in the report instead.
pub fn verify(
    options: &Options,
    progress: &dyn Progress,
    observe: &mut dyn FnMut(&RegionDetail<'_>) -> ControlFlow<()>,
) -> Result<Report, Error> {
    let opened = Opened::new(options, &options.policy)?;
    let run = opened.run(options, &options.policy, progress, Signatures::All);
    let mut outcomes = Vec::new();
    opened.each_batch(&run, &|_, _| true, &mut |batch| {
        outcomes.extend(verify_batch(batch, &run, observe)?);
        Ok(())
    })?;
    check_there_is_something(&outcomes, &opened, options)?;
    check_maps(&outcomes, options)?;

    outcomes.push(opened.outcome(&outcomes));
    let questions = questions(&outcomes, &options.policy, &options.expect);
    let explanations = Explanations::search(questions, &outcomes, options, progress)?;
    let elsewhere = search(&run, &wanted(&outcomes), &outcomes, &opened.survey.others)?;
    let mut others = opened.findings(&elsewhere.iter().map(|file| file.path.as_str()).collect());
    others.extend(opened.roots_that_add_nothing(options));
    Ok(conclude(outcomes, scope(options), options, &explanations, &elsewhere, others))
}

impl Opened {
    /// What belongs to no account and region; what lies elsewhere by its hash is told otherwise.
    pub(crate) fn findings(&self, found: &BTreeSet<&str>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self.problems.iter().map(problem_finding).collect();
        let is_new = |stray: &&Finding| stray.path.as_deref().is_none_or(|path| !found.contains(path));
        findings.extend(self.outside.strays.iter().filter(is_new).cloned());
        findings
    }

    /// Roots of which nothing was asked for, beside others.
    fn roots_that_add_nothing(&self, options: &Options) -> Vec<Finding> {
        let idle = options.roots.iter().filter(|root| !self.holds_anything(root));
        let finding = |root: &std::path::PathBuf| {
            let message = "nothing in this folder is of what was asked for";
            Finding::new(Code::RootAddsNothing, message)
                .found_at(options.given_as(root).display().to_string())
        };
        idle.map(finding).collect()
    }

    /// Whether a digest or log that was asked for, by its folder or name, lies in a root.
    fn holds_anything(&self, root: &Path) -> bool {
        let Ok(real) = std::fs::canonicalize(root) else { return true };
        let is_in = |folder: &Path| folder.starts_with(&real) || real.starts_with(folder);
        self.survey.units.values().flatten().any(|(_, folder)| is_in(&folder.real))
            || self.outside.loose.values().flatten().any(|(_, listing)| is_in(&listing.folder.real))
    }

    /// The files outside AWS's layout, as the outcome of no account and region.
    pub(crate) fn outcome(&self, judged: &[RegionOutcome]) -> RegionOutcome {
        RegionOutcome {
            files: self.outside.files.clone(),
            leftovers: self.outside.leftovers.clone(),
            peers: self.peers.newest(&self.roots, judged),
            ..RegionOutcome::default()
        }
    }
}

/// A map that fits no digest of its folder is an argument of the user's, and no proof of anything (row 92).
pub(crate) fn check_maps(outcomes: &[RegionOutcome], options: &Options) -> Result<(), Error> {
    let checked: BTreeSet<(usize, bool)> = outcomes.iter().flat_map(|unit| &unit.maps).copied().collect();
    let wrong = (0..options.maps.len())
        .find(|map| checked.contains(&(*map, false)) && !checked.contains(&(*map, true)));
    wrong.map_or(Ok(()), |wrong| {
        let map = &options.maps[wrong];
        let text = format!("s3://{}/{}={}", map.bucket, map.prefix, map.folder.display());
        Err(Error::Map { map: text })
    })
}

fn check_there_is_something(
    outcomes: &[RegionOutcome],
    opened: &Opened,
    options: &Options,
) -> Result<(), Error> {
    let is_something = |unit: &RegionOutcome| {
        !unit.chains.is_empty()
            || unit.totals.digests.found > 0
            || unit.unnamed_logs > 0
            || unit.findings.iter().any(|finding| finding.severity != Severity::Note)
            || unit.unnamed.iter().any(|log| log.is_in_scope)
    };
    if outcomes.iter().any(is_something) {
        return check_roots(opened, options);
    }
    let policy = &options.policy;
    let roots = options.given().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ");
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

/// Every root must hold something that is of CloudTrail by its name: a second folder given by mistake must not look
/// like one that was verified (row 83).
fn check_roots(opened: &Opened, options: &Options) -> Result<(), Error> {
    for root in &options.roots {
        if !opened.holds_anything(root) && options.policy.is_of_all_places() {
            return Err(Error::NothingToVerify(format!(
                "no digest or log file in {}, one of the folders that were given",
                options.given_as(root).display()
            )));
        }
    }
    Ok(())
}

fn scope(options: &Options) -> Scope {
    let key = |key: &trailseal_verify::PublicKey| ScopeKey {
        fingerprint: key.fingerprint.clone(),
        file: key.file.clone(),
        file_sha256: hex::encode(key.file_sha256),
        validity_start: key.validity_start,
        validity_end: key.validity_end,
    };
    let policy = &options.policy;
    Scope {
        roots: options.given().map(|root| root.display().to_string()).collect(),
        start_time: policy.start,
        end_time: policy.end,
        as_of: options.expect.as_of,
        accounts: policy.accounts.clone(),
        regions: policy.regions.clone(),
        trails: policy.trails.clone(),
        statement: options.statement.as_ref().map(|statement| match statement {
            TrailStatement::SoleTrail => "sole_trail",
            TrailStatement::Trails(_) => "trails",
        }),
        baseline: options.expect.baseline.is_some(),
        expected_accounts: options.expect.accounts.clone(),
        expected_regions: options.expect.regions.clone(),
        allowed: policy.allowed.clone(),
        index: options.index.as_ref().map(ArchiveIndex::used).unwrap_or_default(),
        keys: options.keys.iter().map(key).collect(),
        mappings: Vec::new(),
    }
}
