//! Public keys, and what else digests are verified with.

use std::{
    io,
    path::{Path, PathBuf},
};

use trailseal_archive::{metadata::Manifest, open};
use trailseal_evidence::{
    Map,
    keys::{self, Loaded},
};
use trailseal_verify::KeyDefect;

use super::{input::must_exist, map::map, statement::Statement};
use crate::error::{Cause, CommandError};

/// A file with the signatures of many digests is no larger.
const MAX_MANIFEST: u64 = 4 << 30;

/// What log files are verified with, in commands that search them.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Evidence")]
pub(crate) struct VerifiedWith {
    /// Verify the digests with these public keys first, and label every event (repeatable)
    ///
    /// A file, or a folder whose .json, .der and .pem files are read, as for `trailseal verify --keys`. Labels:
    /// `verified` (AWS signed the file), `unproven`, `violated` (altered or planted), `not_covered`. Signed event
    /// times also tell which files need to be opened. --metadata, --map, --sole-trail and --trails go with it.
    #[arg(id = "verified_with", long = "keys", visible_alias = "verified-with", value_name = "KEYS")]
    keys: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) objects: Objects,

    #[command(flatten)]
    pub(crate) statement: Statement,
}

/// Where signatures and log files are, if not where CloudTrail puts them.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Objects {
    /// Object metadata (signatures) of many digests in one file; `-` for stdin
    ///
    /// JSON Lines, an array (`rclone lsjson --metadata`), or one object: key to metadata.
    #[arg(long, value_name = "FILE")]
    pub(crate) metadata: Option<PathBuf>,

    /// Where the objects of a bucket or prefix lie (repeatable); otherwise inferred from the digests
    #[arg(long = "map", value_name = "s3://BUCKET/PREFIX=DIR", value_parser = map)]
    pub(crate) maps: Vec<Map>,
}

impl VerifiedWith {
    /// The keys that are given.
    pub(crate) fn keys(&self) -> Vec<PathBuf> {
        paths(&self.keys)
    }

    /// Whether any are given.
    pub(crate) fn is_wanted(&self) -> bool {
        !self.keys.is_empty()
    }
}

/// Files and folders, of which several may stand in one argument with commas between them; a path with a comma in it is
/// meant as it is, where it is there.
pub(crate) fn paths(given: &[PathBuf]) -> Vec<PathBuf> {
    let each = |path: &PathBuf| match path.to_str() {
        Some(text) if text.contains(',') && !path.exists() => text.split(',').map(PathBuf::from).collect(),
        _ => vec![path.clone()],
    };
    given.iter().flat_map(each).collect()
}

impl Objects {
    /// The object metadata in the file.
    ///
    /// # Errors
    /// When it cannot be read or holds none.
    pub(crate) fn manifest(&self) -> Result<Option<Manifest>, CommandError> {
        self.metadata.as_deref().map(read_manifest).transpose()
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, CommandError> {
    let fail = |cause: Cause| CommandError::file("read the metadata in", path, cause);
    let bytes = if path == Path::new("-") {
        open::bounded(io::stdin().lock(), MAX_MANIFEST)
    } else {
        open::read_stream(path, MAX_MANIFEST)
    };
    let bytes = bytes.map_err(|error| fail(error.into()))?;
    let manifest = Manifest::parse(&bytes).map_err(|error| fail(error.into()))?;
    if manifest.is_empty() {
        return Err(fail("it holds no signature".into()));
    }
    Ok(manifest)
}

/// The keys in files and folders, none of which may be defective.
///
/// # Errors
/// When one cannot be read, or has a defect.
pub(crate) fn load(paths: &[PathBuf]) -> Result<Loaded, CommandError> {
    must_exist(paths)?;
    let loaded = keys::load(paths)?;
    match &loaded.content.defects[..] {
        [] => Ok(loaded),
        defects => Err(refused(defects)),
    }
}

fn refused(defects: &[KeyDefect]) -> CommandError {
    let texts: Vec<String> = defects.iter().take(10).map(ToString::to_string).collect();
    let more = defects.len().saturating_sub(texts.len());
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    CommandError::new(format!("unusable keys: {}{more}", texts.join("; "))).hint(
        "`trailseal keys FILE…` lists the keys and defects of files; remove or repair what is defective",
    )
}
