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
    index::ArchiveIndex,
    inputs::Inputs,
    mappings,
    scan::{ScanOptions, Summary},
};
use trailseal_server::{Buckets, is_bucket_name};
use trailseal_verify::PublicKey;

use super::Args;
use crate::{
    commands::options::{index, keys},
    error::CommandError,
    progress::Counts,
};

/// The folders of the archive.
pub(super) fn open(folders: &[PathBuf]) -> Result<Inputs, CommandError> {
    if let Some(path) = folders.iter().find(|path| path.is_file()) {
        return Err(CommandError::new(format!(
            "cannot serve {}: it is a file, and no folder",
            path.display()
        ))
        .hint("what is served is a folder: unpack an archive file into one, put log files into one")
        .hint(format!("`trailseal lookup-events {}` answers from a file", path.display())));
    }
    Roots::open(folders).map_err(Error::Root)?;
    Ok(Inputs::open(folders)?)
}

pub(super) fn public_keys(paths: &[PathBuf]) -> Result<Vec<PublicKey>, CommandError> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    Ok(keys::load(paths)?.content.keys)
}

/// The buckets of an archive.
#[derive(Debug, Default)]
pub(super) struct ArchiveBuckets {
    /// All.
    pub(super) names: BTreeSet<String>,
    /// Those that no digest names, but the folder in which `AWSLogs` lies.
    pub(super) by_folder: BTreeSet<String>,
}

/// Adds the buckets that the digests say they come from; where none says so, those that folders are named after.
pub(super) fn add_buckets(
    buckets: &mut Buckets,
    inputs: &Inputs,
    args: &Args,
    counts: &Counts,
) -> Result<ArchiveBuckets, CommandError> {
    let mut added = ArchiveBuckets::default();
    let mut add = |bucket: &str, prefix: &str, folder: &Path| {
        let failed = |error| CommandError::new(folder.display().to_string()).because(error);
        buckets.add(bucket, prefix, folder).map_err(failed)
    };
    let mut known: Vec<PathBuf> = Vec::new();
    for mapping in mappings(inputs, args.threads.count, counts)? {
        let folder = Path::new(&mapping.folder);
        add(&mapping.bucket, &mapping.prefix, folder)?;
        known.extend(folder.canonicalize());
        added.names.insert(mapping.bucket);
    }
    let roots: Vec<PathBuf> = args.folders().iter().filter_map(|root| root.canonicalize().ok()).collect();
    let folders: BTreeSet<PathBuf> = inputs
        .survey()
        .units
        .values()
        .flatten()
        .map(|(_, folder)| &folder.real)
        .filter(|folder| !known.iter().any(|known| folder.starts_with(known)))
        .filter_map(|folder| bucket_folder(folder, &roots))
        .collect();
    for folder in folders {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { continue };
        // where digests name a bucket, a folder of its name may be another one
        if is_bucket_name(name) && !added.names.contains(name) {
            add(name, "", &folder)?;
            added.by_folder.insert(name.to_owned());
        }
    }
    added.names.extend(added.by_folder.iter().cloned());
    Ok(added)
}

/// The folder that stands for a bucket, of a folder of log files: that in which `AWSLogs` lies if it was given, else
/// the one directly in the folder that was given, since what stands between is the trail's prefix.
fn bucket_folder(folder: &Path, roots: &[PathBuf]) -> Option<PathBuf> {
    let root =
        roots.iter().filter(|root| folder.starts_with(root)).min_by_key(|root| root.as_os_str().len())?;
    let inner = folder.strip_prefix(root).ok()?;
    let mut parts = inner.components();
    let first = Path::new(parts.next()?.as_os_str());
    if first.as_os_str() == LOGS {
        return Some(root.clone());
    }
    parts.any(|part| part.as_os_str() == LOGS).then(|| root.join(first))
}

/// The folder that every trail delivers into, behind its prefix.
const LOGS: &str = "AWSLogs";

pub(super) fn index(
    inputs: &Inputs,
    args: &Args,
    counts: &Counts,
) -> Result<(EventIndex, Summary), CommandError> {
    let (options, index) = (scan_options(args), index_on_disk(args));
    counts
        .watch(!args.quiet.is_quiet, || EventIndex::load(Arc::new(inputs.list()), index, &options, counts))
        .map_err(CommandError::caused)
}

/// What an index on disk knows; what of it cannot be used is told.
pub(super) fn index_on_disk(args: &Args) -> Option<Arc<ArchiveIndex>> {
    let index = args.index.open(&args.folders())?;
    index::tell_problems(&index);
    Some(Arc::new(index))
}

/// How files are read, at the start and later.
pub(super) fn scan_options(args: &Args) -> ScanOptions<'static> {
    ScanOptions { spool: Some(std::env::temp_dir()), threads: args.threads.count, ..ScanOptions::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_the_folder_that_holds_awslogs_or_its_prefix() {
        let roots = [PathBuf::from("/data"), PathBuf::from("/data/inner"), PathBuf::from("/my-logs")];
        for (folder, expected) in [
            ("/data/my-logs/AWSLogs/1/CloudTrail/us-east-1", Some("/data/my-logs")),
            ("/data/my-logs/a/b/AWSLogs/1/CloudTrail/us-east-1", Some("/data/my-logs")),
            ("/data/AWSLogs/1/CloudTrail/us-east-1", Some("/data")),
            ("/data/inner/AWSLogs/1/CloudTrail/us-east-1", Some("/data/inner")),
            ("/my-logs/AWSLogs/1/CloudTrail/us-east-1", Some("/my-logs")),
            ("/data/my-logs/CloudTrail/us-east-1", None),
            ("/elsewhere/my-logs/AWSLogs/1/CloudTrail/us-east-1", None),
            ("/data", None),
        ] {
            assert_eq!(bucket_folder(Path::new(folder), &roots), expected.map(PathBuf::from), "{folder}");
        }
        for name in ["my-logs", "My_Logs.2015", "abc"] {
            assert!(is_bucket_name(name), "{name}");
        }
        for name in ["ab", "", "my logs", "my/logs", "\u{fc}ber"] {
            assert!(!is_bucket_name(name), "{name}");
        }
    }
}
