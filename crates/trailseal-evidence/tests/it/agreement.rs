//! The ledger says of every file, and of the digests, what the verification of the same archive says.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
};

use trailseal_archive::{
    gzip::Inflater,
    open::{ReadError, Refusal},
};
use trailseal_evidence::report::Report;
use trailseal_evidence::{
    Options, RegionDetail, Silent,
    ledger::{Integrity, Ledger},
};
use trailseal_sha256::Hasher;
use trailseal_verify::{Code, Finding, Observation, Policy, Severity, Status, Unnamed};

/// What a verification showed of the log files.
#[derive(Default)]
pub(crate) struct FilesSeen {
    /// Path → (whether the digest that names it is authentic, what became of it).
    named: BTreeMap<String, Vec<(bool, Status)>>,
    /// Path of a log that no digest names → what it means.
    unnamed: BTreeMap<String, Unnamed>,
}

impl FilesSeen {
    pub(crate) fn observe(&mut self, unit: &RegionDetail<'_>) {
        for (row, judgement) in unit.judgements().iter().enumerate() {
            for entry in unit.logs(row) {
                if let Some(path) = unit.path(&entry) {
                    let seen = (judgement.is_authentic(), entry.verdict.status());
                    self.named.entry(path).or_default().push(seen);
                }
            }
        }
        for log in unit.unnamed() {
            self.unnamed.insert(log.path.to_string(), log.meaning);
        }
    }

    /// The labels that a file may have, if the verification spoke of it.
    fn labels(&self, path: &str, report: &Report) -> Option<Vec<Integrity>> {
        if let Some(said) = self.named.get(path) {
            let authentic: Vec<Status> =
                said.iter().filter(|(is, _)| *is).map(|(_, status)| *status).collect();
            return Some(vec![if authentic.is_empty() {
                Integrity::Unproven
            } else if authentic.contains(&Status::Violated) {
                Integrity::Violated
            } else if authentic.contains(&Status::Unproven) {
                Integrity::Unproven
            } else {
                Integrity::Verified
            }]);
        }
        if !self.unnamed.contains_key(path) {
            return None;
        }
        let of_path = |code: &str| {
            let is =
                |finding: &&Finding| finding.code.text() == code && finding.path.as_deref() == Some(path);
            report.findings.iter().find(is)
        };
        // Content that an authentic digest names is what AWS signed, wherever it lies.
        if of_path("copy_of_verified").is_some() {
            return Some(vec![Integrity::Verified]);
        }
        if of_path("log_found_elsewhere").is_some() {
            return Some(vec![Integrity::Verified, Integrity::NotCovered]);
        }
        // How a copy is stored may be what is wrong with it.
        let is_ill = |finding: &&Finding| {
            finding.path.as_deref() == Some(path)
                && matches!(finding.code, Code::LogExtraMember | Code::LogTrailingData)
        };
        if report.findings.iter().any(|finding| is_ill(&finding)) {
            return Some(vec![Integrity::Violated]);
        }
        // A second trail without validation delivers so, unless the user's statement excludes it.
        let is_excluded =
            of_path("log_unreferenced").is_some_and(|finding| finding.severity == Severity::Violation);
        // What is not judged in a scope may be named by a digest that is, and proves nothing.
        Some(if is_excluded {
            vec![Integrity::Violated]
        } else {
            vec![Integrity::NotCovered, Integrity::Unproven]
        })
    }
}

/// Loads the ledger and compares.
pub(crate) fn check(options: &Options, report: &Report, files: &FilesSeen) {
    let ledger = Ledger::load(options, &Silent).unwrap();
    let Policy { start, end, accounts, regions, trails, .. } = &options.policy;
    let is_whole =
        start.is_none() && end.is_none() && [accounts, regions, trails].iter().all(|asked| asked.is_empty());
    let mut labels = BTreeMap::new();
    let mut paths: BTreeSet<String> = files.named.keys().chain(files.unnamed.keys()).cloned().collect();
    paths.extend(files_below(options));
    for path in paths {
        let seen = read(Path::new(&path), options);
        let entry = ledger.entry(Path::new(&path));
        let (label, reason) = match &entry {
            Some(entry) => entry.label(seen.as_ref().map_err(|error| error as _)),
            None => (Integrity::NotCovered, None),
        };
        if let Some(expected) = files.labels(&path, report) {
            assert!(expected.contains(&label), "{path}: {label:?} {reason:?}, not {expected:?}");
            if files.named.contains_key(&path) {
                assert_eq!(reason.is_none(), label == Integrity::Verified, "{path}: {reason:?}");
            }
        } else if is_whole && label != Integrity::NotCovered {
            // Of several copies of a log only the worst is spoken of; what a link leads to is spoken of at the link.
            let name = path.rsplit('/').next();
            let is_of = |other: &String| {
                let leads_here = || fs::canonicalize(other).is_ok_and(|real| real == Path::new(&path));
                other.rsplit('/').next() == name || leads_here()
            };
            assert!(files.named.keys().any(is_of), "{path}: {label:?}");
        }
        labels.insert(path, (label, reason.unwrap_or_default()));
    }
    for finding in &report.findings {
        check_finding(finding, &labels, files);
    }
    if is_whole {
        check_summary(&ledger, report, files);
    }
}

/// What the report says of a log file, its label says too.
fn check_finding(finding: &Finding, labels: &BTreeMap<String, (Integrity, String)>, files: &FilesSeen) {
    let known = finding.path.as_ref().and_then(|path| labels.get(path));
    let Some((label, reason)) = known else { return };
    let is_named = finding.path.as_ref().is_some_and(|path| files.named.contains_key(path));
    let expected: &[Integrity] = match finding.code {
        Code::LogFoundElsewhere | Code::StoredInflated => return,
        // A digest among those of another region names it.
        Code::LogOutsideCoverage if is_named => return,
        // The same file may be named by an authentic digest as well.
        Code::LogUnproven => &[Integrity::Unproven, Integrity::Verified, Integrity::Violated],
        Code::LogUnreadable => &[Integrity::Unproven],
        // In a wider scope a digest names it that proves nothing.
        Code::LogPending | Code::LogOutsideCoverage => &[Integrity::NotCovered, Integrity::Unproven],
        Code::StrayObject => &[Integrity::NotCovered],
        // In a wider scope the digest that names it is judged, and proves nothing.
        Code::LogUnreferenced if finding.severity != Severity::Violation => {
            &[Integrity::NotCovered, Integrity::Unproven]
        }
        Code::LogUnreferenced => &[Integrity::Violated],
        code if code.text().starts_with("log_") => &[Integrity::Violated],
        _ => return,
    };
    assert!(expected.contains(label), "{finding:?}: {label:?}");
    // A report may say more than the ledger, which reads no log.
    let said = reason.split_once(": ").map_or("", |(_, said)| said);
    let is_said = reason.starts_with(finding.code.text())
        && (finding.message.contains(said) || finding.code == Code::LogUnreadable);
    let is_told_otherwise = matches!(finding.code, Code::LogSwapped | Code::LogUnproven | Code::StrayObject)
        || *label == Integrity::Unproven;
    assert!(is_said || is_told_otherwise, "{finding:?}: {reason}");
}

/// The ledger finds what the report has, but for what only reading logs can show.
fn check_summary(ledger: &Ledger, report: &Report, files: &FilesSeen) {
    let summary = ledger.summary();
    let totals = &report.totals;
    assert_eq!(summary.digests, totals.digests);
    assert_eq!((summary.logs_named, summary.logs_missing), (totals.logs.named, totals.logs.missing));
    let needs_logs = |finding: &&Finding| {
        let is_of_file = finding.path.as_ref().is_some_and(|path| files.named.contains_key(path))
            && finding.code != Code::SymlinkNotFollowed;
        let is_of_copy = matches!(finding.code, Code::LogExtraMember | Code::LogTrailingData)
            && finding.path.as_ref().is_some_and(|path| files.unnamed.contains_key(path));
        let is_of_unnamed = matches!(
            finding.code,
            Code::LogPending | Code::LogOutsideCoverage | Code::StrayObject | Code::LogUnreferenced
        );
        let is_of_logs = finding.code == Code::StoredInflated && finding.trail.is_none();
        // That a file is a copy, or none of CloudTrail's, is told by its content.
        let is_of_content = ["copy_of_verified", "stamp_mismatch", "leftover"].contains(&finding.code.text());
        is_of_file
            || is_of_copy
            || is_of_unnamed
            || is_of_logs
            || is_of_content
            || finding.code == Code::LogFoundElsewhere
    };
    // An event in a log may explain a gap: that changes its message alone.
    let plain = |finding: &Finding| {
        let mut finding = finding.clone();
        if finding.code == Code::Gap {
            finding.message.truncate(finding.message.find("; ").unwrap_or(finding.message.len()));
        }
        // The report leaves out what it found to be a missing log.
        if finding.code == Code::NoDigests {
            (finding.start, finding.end) = (None, None);
        }
        finding
    };
    // The verification says nothing of an archive of which it can say nothing.
    let is_new = |finding: &Finding| finding.code == Code::NoDigests && finding.count.is_none();
    let of_report: Vec<Finding> = report.findings.iter().filter(|f| !needs_logs(f)).map(plain).collect();
    let of_ledger: Vec<Finding> = summary
        .findings
        .iter()
        .filter(|f| f.code != Code::StrayObject && !is_new(f) && !needs_logs(f))
        .map(plain)
        .collect();
    assert_eq!(of_ledger, of_report);
}

/// The regular files below the roots and mapped folders, without following links.
fn files_below(options: &Options) -> Vec<String> {
    let mut stack: Vec<PathBuf> = options.roots.clone();
    stack.extend(options.maps.iter().map(|map| map.folder.clone()));
    let mut files = Vec::new();
    while let Some(folder) = stack.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                stack.push(entry.path());
            } else if kind.is_file() {
                files.extend(entry.path().to_str().map(str::to_owned));
            }
        }
    }
    files
}

/// Reads a file as a query does.
pub(crate) fn read(path: &Path, options: &Options) -> Result<Observation, ReadError> {
    let real = fs::canonicalize(path)?;
    let mut roots = options.roots.iter().chain(options.maps.iter().map(|map| &map.folder));
    if !real.is_file() || !roots.any(|root| real.starts_with(fs::canonicalize(root).unwrap())) {
        return Err(Refusal::NotRegular.into());
    }
    let mut file = File::open(real)?;
    let mut inflater = Inflater::new();
    inflater.start(options.limits.max_inflated_log);
    let (mut hasher, mut window) = (Hasher::new(), vec![0; 64 * 1024]);
    loop {
        let length = inflater.fill(&mut file, &mut window)?;
        hasher.update(&window[..length]);
        if length < window.len() {
            break;
        }
    }
    Ok(Observation {
        sha256: hasher.finalize(),
        inflated: inflater.inflated(),
        form: inflater.form(),
        ending: inflater.ending().clone(),
    })
}
