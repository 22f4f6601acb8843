//! The files among the logs that no digest names, beside those that one does.

use std::{collections::HashMap, ops::Deref};

use trailseal_verify::NamedLog;

use super::{
    located::Located,
    unnamed::{Twin, UnnamedFile},
};
use crate::{files::FileId, outcome::UnnamedLog, paths::text_of, run::Run};

/// An account and Region of whose files it is known what names them.
pub(crate) struct Matched {
    located: Located,
    /// Files that no digest names.
    pub(crate) unnamed: Vec<UnnamedFile>,
}

impl Deref for Matched {
    type Target = Located;

    fn deref(&self) -> &Located {
        &self.located
    }
}

impl Matched {
    /// Finds the files that no digest names.
    pub(crate) fn new(located: Located, run: &Run<'_>) -> Self {
        Self { unnamed: located.find_unnamed(run), located }
    }

    /// The files that must be hashed: the logs named by digests that are judged, and what may be copies of logs.
    pub(crate) fn files_to_hash(&self) -> Vec<FileId> {
        let mut files: Vec<FileId> = Vec::new();
        for row in self.judged_rows() {
            for log in self.asked_logs(row) {
                files.extend(self.files_of(row, log).into_iter().flatten());
            }
        }
        files.extend(self.unnamed.iter().filter(|file| file.twin != Twin::None).map(|file| file.id));
        files.sort_unstable();
        files.dedup();
        files.retain(|id| self.files.get(*id).file.refusal.is_none());
        files
    }

    /// What the report tells of an unnamed file.
    pub(crate) fn told(&self, unnamed: &UnnamedFile) -> UnnamedLog {
        let file = self.files.get(unnamed.id);
        let key = self.mounts.place(&text_of(&file.real()), None).key;
        UnnamedLog {
            path: file.shown().into(),
            key: key.into(),
            stamp: unnamed.stamp,
            meaning: unnamed.meaning,
            is_other_kind: unnamed.is_other_kind,
            is_in_scope: unnamed.is_in_scope,
            is_copy: false,
        }
    }

    /// The path of the log of which a file is a copy, or its key.
    pub(super) fn original(&self, twin: Twin, named: &NamedLog) -> String {
        let file = match twin {
            Twin::Log { row, log } => {
                self.files_of(row as usize, log as usize).ok().and_then(|mut files| files.next())
            }
            _ => None,
        };
        file.map_or_else(|| named.object.to_string(), |id| self.files.get(id).shown())
    }

    pub(crate) fn named_log(&self, row: u32, log: u32) -> Option<&NamedLog> {
        self.rows.get(row as usize)?.digest()?.logs.get(log as usize)
    }

    /// The logs that authentic digests name, by the hash of their content.
    pub(crate) fn hashes(&self) -> HashMap<[u8; 32], &NamedLog> {
        let authentic = self.authentic_rows().filter_map(|row| Some((row, self.rows[row].digest()?)));
        let logs = authentic.flat_map(|(row, digest)| {
            digest.logs.iter().enumerate().map(move |(log, named)| (row, log, named))
        });
        let present = logs.filter(|(row, log, _)| self.is_in_its_place(*row, *log));
        present.filter_map(|(.., named)| Some((named.hash?, named))).collect()
    }
}
