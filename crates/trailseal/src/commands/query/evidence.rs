//! What `--verified-with` needs: keys, metadata, and the digests' judgement.

use std::path::PathBuf;

use trailseal_archive::{Timestamp, key::ObjectKind, walk::Roots};
use trailseal_evidence::{
    Options,
    ledger::Ledger,
    scan::{EARLY, Summary},
};
use trailseal_verify::{
    finding::{Code, Severity},
    keys::KeyRing,
};

use super::{args, filter::TimeSpan};
use crate::{
    commands::verify, error::CommandError, progress::Counts, render::query::summary::DigestFindings,
};

/// Verifies the digests below the roots; `None` when that is not asked for.
///
/// # Errors
/// When keys or metadata cannot be used, or a root is no folder.
pub(crate) fn load(
    evidence: &args::Keys,
    roots: &[PathBuf],
    threads: usize,
    counts: &Counts,
) -> Result<Option<Ledger>, CommandError> {
    if evidence.verified_with.is_empty() {
        return Ok(None);
    }
    if let Some(file) = roots.iter().find(|root| !root.is_dir()) {
        verify::packed::refuse([file])?;
        return Err(CommandError::new(format!(
            "--verified-with needs folders, and {} is none",
            file.display()
        ))
        .hint("give the folder that holds the digests as well as the logs"));
    }
    let loaded = trailseal_evidence::keys::load(&evidence.verified_with)?;
    if !loaded.content.defects.is_empty() {
        return Err(verify::key_defects(&loaded.content.defects));
    }
    let options = Options {
        roots: roots.to_vec(),
        maps: evidence.maps.clone(),
        keys: KeyRing::new(loaded.content.keys),
        key_files: loaded.files,
        manifest: evidence.metadata.as_deref().map(verify::read_manifest).transpose()?,
        statement: evidence.statement.read()?,
        threads,
        ..Options::default()
    };
    Ok(Some(Ledger::load(&options, counts)?))
}

/// Whether folders of digests lie below the roots, as CloudTrail lays them out; for a scan that ended early.
pub(crate) fn has_digest_folders(roots: &[PathBuf]) -> bool {
    let folders: Vec<PathBuf> = roots.iter().filter(|root| root.is_dir()).cloned().collect();
    let Ok(roots) = Roots::open(&folders) else { return false };
    let units = roots.survey(&|_| true).units;
    units.values().flatten().any(|(kind, _)| *kind == ObjectKind::Digest)
}

/// Signed logs that are not there and may hold events of a span: those that would be read.
pub(crate) fn missing_logs(ledger: Option<&Ledger>, span: TimeSpan) -> u64 {
    let from = span.from.map(|from| from.plus(-span.signed_margin));
    let to = span.to.map(|to| to.plus(span.signed_margin));
    ledger.map_or(0, |ledger| ledger.missing_between(from, to).count() as u64)
}

/// Logs that were read though no digest speaks of them, and whose names do not say that they are of another time.
/// Whatever else lies in a folder needs no proof, and has no reason for lacking it.
pub(crate) fn uncovered_logs(summary: &Summary, span: TimeSpan) -> u64 {
    let touches = |stamp: &Option<Timestamp>| {
        stamp.is_none_or(|stamp| {
            span.from.is_none_or(|from| stamp >= from.plus(-EARLY))
                && span.to.is_none_or(|to| stamp <= to.plus(span.late))
        })
    };
    summary.uncovered.iter().filter(|(stamp, _)| touches(stamp)).map(|(_, count)| count).sum()
}

/// What was found about the digests themselves, and not about single logs, that may hide events of a span.
pub(crate) fn digest_findings(ledger: Option<&Ledger>, span: TimeSpan) -> DigestFindings {
    let mut found = DigestFindings::default();
    for finding in ledger.map_or(Vec::new(), |ledger| ledger.doubts(span.from, span.to, span.late)) {
        let code = finding.code.text();
        match finding.severity {
            Severity::Violation => found.violations += 1,
            _ => found.unproven += 1,
        }
        if !found.codes.contains(&code) {
            found.codes.push(code);
        }
        let is_of_reach = matches!(finding.code, Code::CoverageStartsLate | Code::CoverageEndsEarly);
        if is_of_reach && !found.reach.contains(&finding.message) {
            found.reach.push(finding.message);
        }
    }
    found
}
