//! Which folders stand for which buckets.

use trailseal_verify::Policy;

use crate::{
    Error, Options, Progress,
    driver::judge_digests,
    inputs::{FileSource as _, Inputs},
    report::Mapping,
    run::Signatures,
    survey::Opened,
};

/// What the digests of an archive say about where its folders come from, in order; no signature is looked at.
///
/// # Errors
/// [`Error`] when a folder cannot be read, or the run was interrupted.
pub fn mappings(inputs: &Inputs, threads: usize, progress: &dyn Progress) -> Result<Vec<Mapping>, Error> {
    let options = Options { roots: inputs.given().to_vec(), threads, ..Options::default() };
    let everything = Policy::default();
    let opened = Opened::new(&options, &everything)?;
    let run = opened.run(&options, &everything, progress, Signatures::Heads);
    let mut mappings = Vec::new();
    opened.each_batch(&run, &|_, _| true, &mut |batch| {
        let regions = judge_digests(batch, &run)?;
        mappings.extend(regions.iter().flat_map(|region| region.mappings(&run)));
        run.check_interrupt()
    })?;
    mappings.sort();
    mappings.dedup();
    Ok(mappings)
}
