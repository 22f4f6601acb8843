//! What `--verified-with` needs: keys, metadata, and the digests' judgement.

use std::path::PathBuf;

use trailseal_evidence::{Options, ledger::Ledger};
use trailseal_verify::keys::KeyRing;

use super::args;
use crate::{commands::verify, error::CommandError, progress::Counts};

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
