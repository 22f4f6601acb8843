//! What the user states about the trails that deliver into the archive's buckets.

use std::path::{Path, PathBuf};

use trailseal_archive::open;
use trailseal_evidence::TrailStatement;

use crate::error::{Cause, CommandError};

/// What describes the trails of an account is no larger.
const MAX_STATEMENT: u64 = 16 << 20;

/// Which trails deliver there; without it, a log that no digest names may be that of a trail without validation.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Statement {
    /// No trail delivers into the archive's folders but those whose digests are in it
    ///
    /// Then a log file in a proven window that no digest names is planted, and a violation. Without this it may be
    /// that of a second trail without validation, and is unproven.
    #[arg(long, conflicts_with = "stated")]
    sole_trail: bool,

    /// The same, stated trail by trail: the output of `aws cloudtrail describe-trails`
    #[arg(long = "trails", value_name = "FILE")]
    stated: Option<PathBuf>,
}

impl Statement {
    /// What was stated.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no trails.
    pub(crate) fn read(&self) -> Result<Option<TrailStatement>, CommandError> {
        match &self.stated {
            Some(path) => read(path).map(Some),
            None => Ok(self.sole_trail.then_some(TrailStatement::SoleTrail)),
        }
    }
}

fn read(path: &Path) -> Result<TrailStatement, CommandError> {
    let fail = |cause: Cause| {
        CommandError::file("use the trails in", path, cause)
            .hint("make it with `aws cloudtrail describe-trails --output json > trails.json`")
    };
    let bytes = open::read_stream(path, MAX_STATEMENT).map_err(|error| fail(error.into()))?;
    TrailStatement::parse(&bytes).map_err(|error| fail(error.into()))
}
