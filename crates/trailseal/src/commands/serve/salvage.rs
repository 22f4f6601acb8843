//! `trailseal serve --salvage`.

use std::path::Path;

use trailseal_server::{Salvaged, salvage};

use crate::{
    error::{CommandError, PARTLY},
    output,
};

/// Makes a new data folder of what is intact of a damaged one, and says what that is.
pub(super) fn run(from: &Path, to: &Path) -> Result<u8, CommandError> {
    let Salvaged { kept, lost } = salvage(from, to).map_err(CommandError::caused)?;
    for what in &kept {
        output::note(&format!("kept: {what}"));
    }
    for what in &lost {
        output::note(&format!("LOST: {what}"));
    }
    output::note(&format!("the new data folder is {}; {} is as it was", to.display(), from.display()));
    Ok(if lost.is_empty() { 0 } else { PARTLY })
}
