//! What is known of a trail's delivery, in one file a trail that is replaced whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use trailseal_archive::{Timestamp, trail::DeliveredTrail};

use super::LiveError;
use super::listing::files;
use crate::journal::disk::Disk;

const VERSION: u32 = 1;

/// The state of a trail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TrailState {
    version: u32,
    /// The trail as it was when it was last looked at.
    pub(super) spec: DeliveredTrail,
    /// Whether it logs; false before its first start and after a stop.
    pub(super) active: bool,
    /// `logging_since` of the last run that was delivered to its end.
    pub(super) finished: Option<i64>,
    /// All entries of the journal before it are in log files, as far as the trail wants them.
    pub(super) position: u64,
    /// Entries received before it are not logged, up to the first one received later.
    pub(super) skip_before: Option<i64>,
    /// Entries before it are compared with what lies in the bucket, because the state before this one was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) compare_until: Option<u64>,
    /// The start of the window that the next digests will cover; `None` where no chain runs.
    pub(super) window_start: Option<Timestamp>,
    /// The end of the newest digest. Later chains begin after it, so that names differ.
    pub(super) last_end: Option<Timestamp>,
    /// By Region.
    pub(super) chains: BTreeMap<String, Chain>,
    /// Log files that are being written.
    pub(super) delivering: Option<Delivery>,
    /// Digests that are being written.
    pub(super) closing: Option<Closing>,
}

/// A chain of digests that runs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Chain {
    /// The newest digest; `None` until the starting digest is written.
    pub(super) previous: Option<Previous>,
    /// The log files of the window that is being closed.
    pub(super) sealed: Vec<LogRow>,
    /// The log files that the next digest will name.
    pub(super) logs: Vec<LogRow>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Previous {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) hash: String,
    pub(super) signature: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LogRow {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) hash: String,
    pub(super) oldest: Timestamp,
    pub(super) newest: Timestamp,
}

/// Log files to be written; saved before the first one is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Delivery {
    /// Once they are there, all entries before it are delivered.
    pub(super) to: u64,
    pub(super) files: Vec<PlannedLog>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PlannedLog {
    pub(super) region: String,
    pub(super) events: u64,
    pub(super) row: LogRow,
    /// The compressed file; `None` after a restart.
    #[serde(skip)]
    pub(super) content: Option<Vec<u8>>,
    #[serde(skip)]
    pub(super) is_written: bool,
}

/// A window to be closed; saved before its first digest is written, so that after a crash the same digests
/// are written again, byte for byte.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Closing {
    pub(super) end: Timestamp,
    /// The chains end with it.
    pub(super) is_final: bool,
}

impl TrailState {
    pub(super) fn new(spec: &DeliveredTrail, position: u64) -> Self {
        Self {
            version: VERSION,
            spec: spec.clone(),
            active: false,
            finished: None,
            position,
            skip_before: None,
            compare_until: None,
            window_start: None,
            last_end: None,
            chains: BTreeMap::new(),
            delivering: None,
            closing: None,
        }
    }

    /// The start of a new chain that should begin at `at`.
    pub(super) fn chain_start(&self, at: Timestamp) -> Timestamp {
        self.last_end.map_or(at, |last| at.max(last.plus(1)))
    }

    pub(super) fn save(&self, path: &Path, disk: &Disk) -> Result<(), LiveError> {
        let text = serde_json::to_vec(self).map_err(|error| LiveError::damaged(path, error.to_string()))?;
        disk.replace(path, &text, true).map_err(|source| LiveError::write(path, source))
    }
}

/// The file of a trail's state.
pub(super) fn path_of(folder: &Path, arn: &str) -> PathBuf {
    folder.join(format!("{}.json", hex::encode(&Sha256::digest(arn.as_bytes())[..16])))
}

/// All states in a folder.
pub(super) fn load_all(folder: &Path) -> Result<Vec<TrailState>, LiveError> {
    files(folder, "json")?.iter().map(|path| load(folder, path)).collect()
}

/// One state.
pub(super) fn load(folder: &Path, path: &Path) -> Result<TrailState, LiveError> {
    let text = fs::read(path).map_err(|source| LiveError::read(path, source))?;
    let state: TrailState =
        serde_json::from_slice(&text).map_err(|error| LiveError::damaged(path, error.to_string()))?;
    if state.version != VERSION {
        return Err(LiveError::damaged(path, format!("its version is {}", state.version)));
    }
    if path_of(folder, &state.spec.arn) != path {
        return Err(LiveError::damaged(path, "its name is not that of its trail"));
    }
    state.spec.check().map_err(|reason| LiveError::damaged(path, reason))?;
    Ok(state)
}
