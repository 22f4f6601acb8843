//! What is served of an archive.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use trailseal_archive::walk::Roots;
use trailseal_evidence::{
    Error, Options as EvidenceOptions,
    events::EventIndex,
    ledger::Ledger,
    scan::{ScanOptions, Summary},
};
use trailseal_server::Buckets;
use trailseal_verify::keys::{KeyRing, PublicKey};

use super::Args;
use crate::{commands::verify, error::CommandError, progress::Counts};

/// The accounts that the archive's folders name.
pub(super) fn accounts(roots: &[PathBuf]) -> Result<BTreeSet<String>, CommandError> {
    let units = Roots::open(roots).map_err(Error::Root)?.survey(&|_| true).units;
    Ok(units.into_keys().map(|unit| unit.account).filter(|account| !account.is_empty()).collect())
}

pub(super) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, CommandError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    let loaded = trailseal_evidence::keys::load(paths)?;
    if !loaded.content.defects.is_empty() {
        return Err(verify::key_defects(&loaded.content.defects));
    }
    Ok(loaded.content.keys)
}

/// Adds the buckets that the digests say they come from, and names them.
pub(super) fn add_buckets(
    buckets: &mut Buckets,
    args: &Args,
    counts: &Counts,
) -> Result<BTreeSet<String>, CommandError> {
    let options = EvidenceOptions {
        roots: args.archive.clone(),
        keys: KeyRing::new(Vec::new()),
        threads: args.threads,
        ..EvidenceOptions::default()
    };
    let ledger = Ledger::load(&options, counts)?;
    let mut names = BTreeSet::new();
    for mapping in &ledger.summary().mappings {
        let folder = Path::new(&mapping.folder);
        buckets
            .add(&mapping.bucket, &mapping.prefix, folder)
            .map_err(|error| CommandError::new(format!("{}: {error}", folder.display())))?;
        names.insert(mapping.bucket.clone());
    }
    Ok(names)
}

pub(super) fn index(args: &Args, counts: &Counts) -> Result<(EventIndex, Summary), CommandError> {
    let options = ScanOptions {
        inputs: args.archive.clone(),
        spool: Some(std::env::temp_dir()),
        threads: args.threads,
        ..ScanOptions::default()
    };
    counts
        .watch(!args.quiet, || EventIndex::load(&options, counts))
        .map_err(|error| CommandError::new(error.to_string()))
}
