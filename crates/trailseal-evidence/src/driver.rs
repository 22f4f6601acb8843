//! Several accounts and Regions at once: as many as keep the threads busy, and no more than memory bears.

use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::{
    error::Error,
    outcome::RegionOutcome,
    run::Run,
    stage::{Assessed, DigestsRead, Judged, Listed, Located, Matched, Observed, RegionDetail},
};

/// Reads and judges the digests of a batch, and finds the logs that they name, and the files that they do not.
///
/// # Errors
/// [`Error::Interrupted`].
pub(crate) fn judge_digests(batch: Vec<Listed>, run: &Run<'_>) -> Result<Vec<Matched>, Error> {
    let read = DigestsRead::read(batch, run)?;
    let judge = |read| Matched::new(Located::new(Assessed::new(read, run), run), run);
    Ok(run.pool.install(|| read.into_par_iter().map(judge).collect()))
}

/// Verifies a batch, and shows each account and Region to `observe` before it is dropped.
///
/// # Errors
/// [`Error::Interrupted`], also when `observe` breaks.
pub(crate) fn verify_batch(
    batch: Vec<Listed>,
    run: &Run<'_>,
    observe: &mut dyn FnMut(&RegionDetail<'_>) -> ControlFlow<()>,
) -> Result<Vec<RegionOutcome>, Error> {
    let matched = judge_digests(batch, run)?;
    let observed = Observed::all(&matched, run)?;
    let mut outcomes = Vec::new();
    for (matched, observed) in matched.into_iter().zip(observed) {
        let judged = Judged::new(matched, observed, run);
        if observe(&judged.detail()).is_break() {
            return Err(Error::Interrupted);
        }
        outcomes.push(judged.into_outcome());
    }
    run.check_interrupt()?;
    Ok(outcomes)
}
