//! What all steps of a run share.

use trailseal_archive::walk::{Problem, Roots};
use trailseal_sha256::Lanes;
use trailseal_verify::Policy;

use crate::{
    error::Error,
    hash::Hashing,
    options::{Options, Progress},
};

/// What a run shares.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    /// What narrows and weakens the judgement.
    pub(crate) policy: &'a Policy,
    pub(crate) roots: &'a Roots,
    pub(crate) pool: &'a rayon::ThreadPool,
    pub(crate) progress: &'a dyn Progress,
    /// What the survey could not see.
    pub(crate) problems: &'a [Problem],
    pub(crate) signatures: Signatures,
}

/// Which signatures of digests are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// All.
    All,
    /// Those from which the hash chain leads to the others.
    Heads,
}

impl Run<'_> {
    pub(crate) fn hashing(&self) -> Hashing<'_> {
        Hashing {
            pool: self.pool,
            limit: self.options.limits.max_inflated_log,
            lanes: if self.options.portable_hash { Lanes::Portable } else { Lanes::Interleaved },
            index: None,
            progress: self.progress,
        }
    }

    pub(crate) fn check_interrupt(&self) -> Result<(), Error> {
        if self.progress.is_interrupted() { Err(Error::Interrupted) } else { Ok(()) }
    }
}
