//! What is served of an archive.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use trailseal_archive::walk::Roots;
use trailseal_evidence::{
    Error,
    events::EventIndex,
    inputs::Inputs,
    mappings,
    scan::{ScanOptions, Summary},
};
use trailseal_server::Buckets;
use trailseal_verify::PublicKey;

use super::Args;
use crate::{commands::options::keys, error::CommandError, progress::Counts};

/// The folders of the archive.
pub(super) fn open(folders: &[PathBuf]) -> Result<Inputs, CommandError> {
    // a file is no archive, and says so in the words of its reading
    Roots::open(folders).map_err(Error::Root)?;
    Ok(Inputs::open(folders)?)
}

pub(super) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, CommandError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    Ok(keys::load(paths)?.content.keys)
}

/// Adds the buckets that the digests say they come from, and names them.
pub(super) fn add_buckets(
    buckets: &mut Buckets,
    inputs: &Inputs,
    args: &Args,
    counts: &Counts,
) -> Result<BTreeSet<String>, CommandError> {
    let mut names = BTreeSet::new();
    for mapping in mappings(inputs, args.threads.count, counts)? {
        let folder = Path::new(&mapping.folder);
        buckets
            .add(&mapping.bucket, &mapping.prefix, folder)
            .map_err(|error| CommandError::new(folder.display().to_string()).because(error))?;
        names.insert(mapping.bucket);
    }
    Ok(names)
}

pub(super) fn index(
    inputs: &Inputs,
    args: &Args,
    counts: &Counts,
) -> Result<(EventIndex, Summary), CommandError> {
    let options = ScanOptions {
        spool: Some(std::env::temp_dir()),
        threads: args.threads.count,
        ..ScanOptions::default()
    };
    counts
        .watch(!args.quiet.is_quiet, || EventIndex::load(Arc::new(inputs.list()), &options, counts))
        .map_err(CommandError::caused)
}
