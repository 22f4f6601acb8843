//! States and keys of a damaged data folder, as far as each file is whole.

use std::path::PathBuf;

use super::keyring::{self, SigningKeys};
use super::listing::files;
use super::state;
use super::{Folders, LiveError};
use crate::journal::disk::Disk;
use crate::journal::{JournalPosition, SalvagedJournal};

/// A file of which nothing could be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub reason: String,
}

/// A state that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SalvagedState {
    /// The trail.
    pub arn: String,
    /// How far the damaged journal was delivered for it.
    pub delivered: JournalPosition,
    /// Whether it logs.
    pub is_active: bool,
}

/// What became of states and keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvagedStates {
    /// The states.
    pub states: Vec<SalvagedState>,
    /// Keys that were kept.
    pub keys: usize,
    /// What was lost.
    pub lost: Vec<LostFile>,
}

/// Copies the states, with the positions of the salvaged journal, and the keys from the folders of one data folder into
/// those of a new one. Nothing is changed in the former.
///
/// # Errors
/// [`LiveError`]: a folder cannot be listed, or the new ones cannot be written.
pub fn salvage(
    from: &Folders,
    to: &Folders,
    journal: &SalvagedJournal,
    disk: &Disk,
) -> Result<SalvagedStates, LiveError> {
    let mut done = SalvagedStates::default();
    disk.create_folders(&to.delivery, true).map_err(|source| LiveError::write(&to.delivery, source))?;
    for path in files(&from.delivery, "json")? {
        match state::load(&from.delivery, &path) {
            Ok(mut state) => {
                let position = |old: u64| journal.position(JournalPosition(old)).0;
                done.states.push(SalvagedState {
                    arn: state.spec.arn.clone(),
                    delivered: JournalPosition(state.position),
                    is_active: state.active,
                });
                state.position = position(state.position);
                state.compare_until = state.compare_until.map(position);
                if let Some(plan) = &mut state.delivering {
                    plan.to = position(plan.to);
                }
                state.save(&state::path_of(&to.delivery, &state.spec.arn), disk)?;
            }
            Err(error) => done.lost.push(LostFile { path, reason: error.to_string() }),
        }
    }
    let (keys, lost) = keyring::salvage(&from.keys, &to.keys, disk)?;
    done.keys = keys;
    done.lost.extend(lost);
    // makes the file of public keys
    SigningKeys::open(&to.keys, disk)?;
    Ok(done)
}
