//! Several accounts and regions at once: as many as keep the threads busy, and no more than memory bears.

use std::{ops::ControlFlow, sync::OnceLock};

use rayon::prelude::*;
use trailseal_archive::{
    key::ObjectKind,
    walk::{Folder, Lengths, Listing, Problem, Roots, UnitKey},
};
use trailseal_sha256::Lanes;
use trailseal_verify::{DigestFile, DigestRow, Policy, check_heads, examine, parse_digest_file};

use crate::{
    error::Error,
    files::FileId,
    hash::{Hashing, Seen},
    options::{Options, Progress},
    outcome::UnitOutcome,
    read::DigestReader,
    sort::{Class, Sorted},
    unit::{SeenFiles, Unit, UnitDetail},
};

/// Files of a batch; a single account and region may have more.
pub(crate) const MAX_FILES: usize = 20_000;

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
    /// Lists the files of an account and region: those of its folders, and `more` outside AWS's layout.
    pub(crate) fn list(
        &self,
        key: UnitKey,
        folders: &[&(ObjectKind, Folder)],
        more: Vec<&(ObjectKind, Listing)>,
    ) -> Unit {
        let mut unit = Unit::new(key);
        for (kind, folder) in folders {
            // a ledger reads no log
            let is_read = *kind == ObjectKind::Digest || self.signatures == Signatures::All;
            let lengths = if is_read { Lengths::Asked } else { Lengths::Left };
            for listing in self.roots.list(folder, lengths, &mut unit.problems) {
                unit.files.add(*kind, listing);
            }
        }
        for (kind, listing) in more {
            unit.files.add(*kind, listing.clone());
        }
        unit.sorted = Sorted::new(&unit.files, self.options, self.roots);
        unit
    }

    /// Verifies a batch, and shows each unit to `observe` before it is dropped.
    pub(crate) fn verify(
        &self,
        mut units: Vec<Unit>,
        observe: &mut dyn FnMut(&UnitDetail<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<UnitOutcome>, Error> {
        self.judge_digests(&mut units)?;
        let jobs: Vec<(u32, FileId)> = units
            .iter()
            .enumerate()
            .flat_map(|(n, unit)| unit.files_to_hash().into_iter().map(move |id| (n as u32, id)))
            .collect();
        let seen = self.hash(&units, &jobs)?;
        let mut outcomes = Vec::new();
        for (n, unit) in units.iter().enumerate() {
            let files = SeenFiles { unit: n as u32, jobs: &jobs, seen: &seen };
            let outcome = unit.finish(files, self);
            if observe(&unit.detail(&outcome, files)).is_break() {
                return Err(Error::Interrupted);
            }
            outcomes.push(outcome);
        }
        self.check_interrupt()?;
        Ok(outcomes)
    }

    /// Reads and judges the digests of a batch, and finds the logs that they name.
    pub(crate) fn judge_digests(&self, units: &mut [Unit]) -> Result<(), Error> {
        self.read_digests(units)?;
        self.pool.install(|| {
            units.par_iter_mut().for_each(|unit| {
                if self.signatures == Signatures::Heads {
                    check_heads(&mut unit.rows, &self.options.keys);
                }
                unit.assess(self);
            });
        });
        Ok(())
    }

    /// Reads the digests of all units.
    fn read_digests(&self, units: &mut [Unit]) -> Result<(), Error> {
        let jobs: Vec<(&Unit, FileId)> =
            units.iter().flat_map(|unit| unit.sorted.digests.iter().map(move |id| (unit, *id))).collect();
        let length = |(unit, id): &(&Unit, FileId)| unit.files.get(*id).file.length;
        self.progress.add(jobs.len() as u64, jobs.iter().map(length).sum());
        let rows = self.pool.install(|| {
            jobs.par_iter()
                .with_min_len(4)
                .map_init(
                    || DigestReader::new(self.options, self.roots),
                    |reader, job| {
                        if self.progress.is_interrupted() {
                            return None;
                        }
                        let (unit, id) = job;
                        let metadata = unit.sorted.metadata.get(id).copied();
                        let row = reader.read(&unit.files, *id, metadata, |digest| self.look_at(digest));
                        self.progress.done(1, length(job));
                        Some(row)
                    },
                )
                .collect::<Option<Vec<_>>>()
        });
        let mut rows = rows.ok_or(Error::Interrupted)?.into_iter();
        for unit in units {
            let Sorted { digests, classes, .. } = &mut unit.sorted;
            for id in std::mem::take(digests) {
                match rows.next().flatten() {
                    Some((row, sidecar)) => {
                        digests.push(id);
                        unit.rows.push(row);
                        unit.sidecars.extend(sidecar);
                    }
                    None => classes[id as usize] = Class::Metadata,
                }
            }
        }
        Ok(())
    }

    fn look_at(&self, digest: DigestFile<'_>) -> DigestRow {
        let Options { keys, limits, .. } = self.options;
        match self.signatures {
            Signatures::All => examine(digest, keys, limits),
            Signatures::Heads => parse_digest_file(digest, limits),
        }
    }

    fn hash(&self, units: &[Unit], jobs: &[(u32, FileId)]) -> Result<Vec<OnceLock<Seen>>, Error> {
        let file = |(unit, id): &(u32, FileId)| units[*unit as usize].files.get(*id);
        let lengths: Vec<u64> = jobs.iter().map(|job| file(job).file.length).collect();
        self.progress.add(jobs.len() as u64, lengths.iter().sum());
        let seen = self.hashing().run(&lengths, &|index| file(&jobs[index]).open(self.roots));
        self.check_interrupt()?;
        Ok(seen)
    }

    pub(crate) fn hashing(&self) -> Hashing<'_> {
        Hashing {
            pool: self.pool,
            limit: self.options.limits.max_inflated_log,
            lanes: if self.options.portable_hash { Lanes::Portable } else { Lanes::Interleaved },
            progress: self.progress,
        }
    }

    pub(crate) fn check_interrupt(&self) -> Result<(), Error> {
        if self.progress.is_interrupted() { Err(Error::Interrupted) } else { Ok(()) }
    }
}
