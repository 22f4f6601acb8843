//! What the commands that search events make of `--keys`: the digests' judgement, and what an answer may lack.

use std::path::PathBuf;

use trailseal_evidence::{Options, ledger::Ledger};
use trailseal_verify::KeyRing;

use super::options::{
    keys::{self, VerifiedWith},
    packed,
};
use crate::{error::CommandError, progress::Counts};

/// Verifies the digests below the roots; `None` when that is not asked for.
///
/// # Errors
/// When keys or metadata cannot be used, or a root is no folder.
pub(crate) fn load(
    verified: &VerifiedWith,
    roots: &[PathBuf],
    threads: usize,
    counts: &Counts,
) -> Result<Option<Ledger>, CommandError> {
    if !verified.is_wanted() {
        return Ok(None);
    }
    if let Some(file) = roots.iter().find(|root| !root.is_dir()) {
        packed::refuse(file)?;
        return Err(CommandError::new(format!("--keys needs folders, and {} is none", file.display()))
            .hint("give the folder that holds the digests as well as the logs"));
    }
    let loaded = keys::load(&verified.keys())?;
    let options = Options {
        roots: roots.to_vec(),
        maps: verified.objects.maps.clone(),
        keys: KeyRing::new(loaded.content.keys),
        key_files: loaded.files,
        manifest: verified.objects.manifest()?,
        statement: verified.statement.read()?,
        threads,
        ..Options::default()
    };
    Ok(Some(Ledger::load(&options, counts)?))
}
