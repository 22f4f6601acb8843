//! Filling a ledger, an account and region at a time.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

use crate::report::Mapping;
use trailseal_archive::{
    Timestamp,
    leftover::Leftover,
    open::Refusal,
    walk::{Folder, Listing},
};
use trailseal_verify::{Code, Finding, FoundLog, NamedLog, ObjectKey, Unnamed, judge_log};

use super::{
    Ledger, LedgerSummary, MissingLog, Targets,
    index::{DigestClaim, Index, SlotState},
};
use crate::{
    conclude::{holes, no_digests, of_digests, questions, settle, totals},
    error::Error,
    explain::Explanations,
    files::FileId,
    outcome::{LogTally, RegionOutcome, UnnamedLog},
    run::Run,
    sniff,
    stage::{LogEntry, Matched, Twin, UnnamedFile, report_log},
    survey::Opened,
    verify::check_maps,
};

/// Absent logs that are listed one by one; the rest become one finding.
const MAX_LISTED: usize = 1_000;

/// What becomes a ledger.
#[derive(Default)]
pub(super) struct Builder {
    index: Index,
    /// Files outside their account's and region's folders to which links lead.
    targets: Vec<(PathBuf, DigestClaim, MissingLog)>,
    missing: Vec<MissingLog>,
    /// The content that should lie where nothing does.
    missing_hashes: Vec<[u8; 32]>,
    outcomes: Vec<RegionOutcome>,
    /// The first findings about absent logs, and how many more there are of each code.
    listed: Vec<Finding>,
    unlisted: BTreeMap<Code, u64>,
}

impl Builder {
    /// What the judged digests of an account and region say.
    pub(super) fn of(unit: &Matched, run: &Run<'_>) -> Self {
        let mut builder = Self::default();
        builder.take(unit, run);
        builder
    }

    /// Adds what those of other accounts and regions say.
    pub(super) fn merge(&mut self, other: Self) {
        let Self { index, targets, missing, missing_hashes, outcomes, listed, unlisted } = other;
        self.index.merge(index);
        self.targets.extend(targets);
        self.missing.extend(missing);
        self.missing_hashes.extend(missing_hashes);
        self.outcomes.extend(outcomes);
        for finding in listed {
            self.list(finding.code, || Some(finding));
        }
        for (code, count) in unlisted {
            *self.unlisted.entry(code).or_default() += count;
        }
    }

    fn list(&mut self, code: Code, finding: impl FnOnce() -> Option<Finding>) {
        if self.listed.len() < MAX_LISTED {
            self.listed.extend(finding());
        } else {
            *self.unlisted.entry(code).or_default() += 1;
        }
    }

    fn take(&mut self, unit: &Matched, run: &Run<'_>) {
        let mut outcome = unit.begin(run);
        let conflicts = unit.report_repeated_names(&mut outcome);
        let conflicts: HashSet<(&ObjectKey, &[u8; 32])> =
            conflicts.iter().map(|(key, hash)| (key, hash)).collect();
        let unread = Unread::new(unit, run);
        let mut slots = vec![SlotState::Nothing; unit.files.len()];
        let mut tallies = vec![LogTally::default(); unit.rows.len()];
        for row in unit.judged_rows() {
            let Some(digest) = unit.rows[row].digest() else { continue };
            let is_authentic = unit.assessment.judgements[row].is_authentic();
            for (log, named) in digest.logs.iter().enumerate() {
                let files = match unit.files_of(row, log) {
                    Ok(files) => files,
                    Err(copy) => {
                        self.miss(unit, (row, named), copy, &mut tallies[row]);
                        continue;
                    }
                };
                tallies[row].named += 1;
                let is_conflicting = is_authentic
                    && !conflicts.is_empty()
                    && named.hash.as_ref().is_some_and(|hash| conflicts.contains(&(&named.object, hash)));
                let naming = DigestClaim::new(named, is_authentic, is_conflicting);
                for id in files {
                    let slot = &mut slots[id as usize];
                    *slot = self.index.name(*slot, naming);
                    // What an unproven digest claims is missed by nobody, and may be claimed a million times.
                    match is_authentic.then(|| unread.rows_of(unit, id)).flatten() {
                        None => {}
                        Some(Rows::Nowhere) => self.missing.push(missing_log(named)),
                        Some(Rows::Elsewhere(path)) => {
                            self.targets.push((path, naming, missing_log(named)));
                        }
                    }
                }
            }
        }
        outcome.add_chains(&unit.rows, &unit.assessment, &tallies, run);
        self.take_unnamed(unit, &mut slots, &mut outcome);
        // What a verified log tells of other trails matters only to who says that there is none.
        outcome.unclaimed_since = outcome.unclaimed_since.filter(|_| run.options.statement.is_some());
        unit.report_problems(&mut outcome);
        for (id, row) in unit.digest_files.iter().zip(&unit.rows) {
            if row.digest().is_some() {
                slots[*id as usize] = SlotState::Digest;
            }
        }
        for id in &unit.sidecars {
            slots[*id as usize] = SlotState::Digest;
        }
        for (first, listing) in unit.files.listings() {
            let first = first as usize;
            let slots = &slots[first..first + listing.files.len()];
            self.index.add(listing, slots);
            // A scan finds what lies behind a link to a folder where it lies.
            let real = std::fs::canonicalize(&listing.folder.real).ok();
            if let Some(real) = real.filter(|real| *real != listing.folder.real) {
                let folder = Folder { real, ..listing.folder.clone() };
                self.index.add(&Listing { folder, files: listing.files.clone() }, slots);
            }
        }
        self.outcomes.push(outcome);
    }

    /// Marks the files that no digest names. Of their times only the first and the last are kept: what an outcome
    /// says of digests needs no more.
    fn take_unnamed(&mut self, unit: &Matched, slots: &mut [SlotState], outcome: &mut RegionOutcome) {
        let [mut logs, mut all, mut unclaimed] = [Span::default(), Span::default(), Span::default()];
        let mut family = None;
        for file in &unit.unnamed {
            let UnnamedFile { id, meaning, is_other_kind, .. } = *file;
            slots[id as usize] = match file.twin {
                Twin::Any => {
                    let hashes = || unit.hashes().into_keys().collect();
                    let family = *family.get_or_insert_with(|| self.index.add_family(hashes()));
                    SlotState::Kin { meaning, is_other_kind, family }
                }
                Twin::Log { row, log } => {
                    // The content of a log that is missing was not copied, but moved (row 8).
                    let is_copy = unit.is_in_its_place(row as usize, log as usize);
                    let named = unit.named_log(row, log).filter(|_| is_copy);
                    let twin = named.and_then(|named| self.index.twin(DigestClaim::new(named, true, false)));
                    SlotState::Unnamed { meaning, is_other_kind, twin }
                }
                Twin::None => SlotState::Unnamed { meaning, is_other_kind, twin: None },
            };
            // What may be a copy is no log of its own before it is read.
            if matches!(file.twin, Twin::Log { .. }) || file.meaning == Unnamed::StampMismatch {
                continue;
            }
            outcome.unnamed_logs += u64::from(!is_other_kind && file.stamp.is_some());
            all.take(file.stamp);
            if !is_other_kind {
                logs.take(file.stamp);
            }
            if !is_other_kind && matches!(meaning, Unnamed::Unreferenced | Unnamed::Planted) {
                unclaimed.take(file.stamp);
            }
        }
        let end = |time| UnnamedLog {
            path: Box::default(),
            key: Box::default(),
            stamp: Some(time),
            meaning: Unnamed::OutsideCoverage,
            is_other_kind: false,
            is_in_scope: true,
            is_copy: false,
        };
        outcome.unclaimed_since = unclaimed.ends().min();
        outcome.unnamed = logs.ends().map(end).collect();
        outcome.findings.extend(no_digests(outcome, all.ends()));
    }

    /// The files to which links lead that have the names of logs. One of which no digest speaks is that log. Any other is
    /// read as what it is, so that the rows of the log are nowhere, unless it is named with the same content.
    fn resolve_targets(&mut self) -> Targets {
        let mut targets = Targets::new();
        for (path, naming, missing) in std::mem::take(&mut self.targets) {
            match (self.index.find(&path), path.parent().zip(path.file_name())) {
                (Some(SlotState::Named(first)), _) => {
                    let mut known = self.index.namings_from(first);
                    let is_same = known.any(|known| known.is_authentic() && known.hash() == naming.hash());
                    self.missing.extend((!is_same).then_some(missing));
                }
                (None, Some((folder, name))) => {
                    let names = targets.entry(folder.to_owned()).or_default();
                    let slot = names.entry(name.to_owned()).or_insert(SlotState::Nothing);
                    *slot = self.index.name(*slot, naming);
                }
                _ => self.missing.push(missing),
            }
        }
        targets
    }

    /// A named log of which there is no file.
    fn miss(
        &mut self,
        unit: &Matched,
        (row, named): (usize, &NamedLog),
        copy: FoundLog<'_>,
        tally: &mut LogTally,
    ) {
        let judgement = &unit.assessment.judgements[row];
        let verdict = judge_log(named.hash, judgement.vouched(), copy);
        tally.add(&verdict);
        let Some((code, _)) = verdict.finding() else { return };
        if judgement.is_authentic() {
            self.missing.push(MissingLog { code, ..missing_log(named) });
            let is_elsewhere = matches!(copy, FoundLog::Absent | FoundLog::NotInArchive);
            self.missing_hashes.extend(named.hash.filter(|_| is_elsewhere));
        }
        self.list(code, || {
            let mut outcome = RegionOutcome::default();
            report_log(unit, row, &LogEntry::without_file(named, &verdict), &mut outcome);
            outcome.findings.pop()
        });
    }

    /// The ledger of all that was taken.
    ///
    /// # Errors
    /// Those of the search for what explains the ends of chains.
    pub(super) fn finish(mut self, opened: &Opened, run: &Run<'_>) -> Result<Ledger, Error> {
        self.index.seal();
        let targets = self.resolve_targets();
        self.missing.sort_unstable();
        self.missing.dedup_by(|later, kept| {
            let is_same = later.bucket == kept.bucket && later.key == kept.key;
            if is_same {
                kept.widen(later.event_span);
            }
            is_same
        });
        self.missing.shrink_to_fit();
        self.missing_hashes.sort_unstable();
        self.missing_hashes.dedup();
        self.missing_hashes.shrink_to_fit();

        check_maps(&self.outcomes, run.options)?;
        let mut findings = opened.findings(&BTreeSet::new());
        // They belong to no outcome, which may have too many.
        self.outcomes
            .push(RegionOutcome { findings: std::mem::take(&mut self.listed), ..RegionOutcome::default() });
        findings.extend(self.unlisted.iter().map(|(code, count)| {
            Finding::new(*code, format!("{count} more log files like those before")).counting(*count)
        }));
        let expect = &run.options.expect;
        let questions = questions(&self.outcomes, run.policy, expect);
        let explanations = Explanations::search(questions, &self.outcomes, run.options, run.progress)?;
        findings.extend(of_digests(&mut self.outcomes, run.policy, expect, &explanations));
        findings.extend(holes(&self.outcomes, run.policy, &findings));
        let totals = totals(&self.outcomes, run.policy);
        // Where there is nothing, nothing is verified.
        if totals.digests.found == 0 && !findings.iter().any(|finding| finding.code == Code::NoDigests) {
            findings.push(Finding::new(Code::NoDigests, "there is no digest file"));
        }
        let is_statement_contradicted = explanations.contradict_statement(&self.outcomes);
        let verdict = settle(&mut findings, &totals, run.policy);
        let mut mappings: Vec<Mapping> =
            self.outcomes.iter_mut().flat_map(|unit| std::mem::take(&mut unit.mappings)).collect();
        mappings.sort();
        mappings.dedup();
        let summary = LedgerSummary {
            digests: totals.digests,
            logs_named: totals.logs.named,
            logs_missing: totals.logs.missing,
            logs_out_of_reach: self.missing.iter().filter(|log| log.code != Code::LogMissing).count() as u64,
            mappings,
            findings,
            verdict,
        };
        let Self { index, missing, missing_hashes, mut outcomes, .. } = self;
        // Of an outcome only its chains are needed to say what a span lacks.
        for unit in &mut outcomes {
            let chains = std::mem::take(&mut unit.chains);
            *unit = RegionOutcome { chains, ..RegionOutcome::default() };
        }
        Ok(Ledger {
            index,
            targets,
            missing,
            missing_hashes,
            summary,
            outcomes,
            explanations,
            is_statement_contradicted,
        })
    }
}

/// A named log, as one that is not there.
fn missing_log(named: &NamedLog) -> MissingLog {
    let event_span = named.oldest_event.zip(named.newest_event);
    let (bucket, key) = (named.bucket.clone(), named.object.clone());
    MissingLog { bucket, key, event_span, code: Code::LogMissing }
}

/// Where a scan finds the rows of a file that a digest names, if not in it.
enum Rows {
    /// It passes over the file.
    Nowhere,
    /// In the file to which it leads as a link.
    Elsewhere(PathBuf),
}

/// Files that a scan passes over, though a digest names what lies there.
struct Unread<'a> {
    run: &'a Run<'a>,
    /// In folders of desktops: whatever their names.
    in_leftovers: HashMap<FileId, Leftover>,
}

impl<'a> Unread<'a> {
    fn new(unit: &Matched, run: &'a Run<'a>) -> Self {
        let listings = unit.files.listings();
        let folders = listings.filter_map(|(first, listing)| {
            let kind = Leftover::in_folder(&listing.folder.real)?;
            Some((first..).take(listing.files.len()).map(move |id| (id, kind)))
        });
        Self { run, in_leftovers: folders.flatten().collect() }
    }

    /// Where a scan finds the rows of a named file, if not in it.
    fn rows_of(&self, unit: &Matched, id: FileId) -> Option<Rows> {
        let file = unit.files.get(id);
        let in_folder = self.in_leftovers.get(&id).copied();
        match file.file.refusal {
            Some(Refusal::Circle) => return Some(Rows::Nowhere),
            Some(_) => return None,
            None if in_folder.is_some() && sniff::leftover(self.run.roots, in_folder, &file).is_some() => {
                return Some(Rows::Nowhere);
            }
            None if !file.file.is_link => return None,
            None => {}
        }
        std::fs::canonicalize(file.real()).ok().map(Rows::Elsewhere)
    }
}

/// The first and the last of some times.
#[derive(Clone, Copy, Default)]
struct Span(Option<(Timestamp, Timestamp)>);

impl Span {
    fn take(&mut self, time: Option<Timestamp>) {
        let Some(time) = time else { return };
        self.0 = Some(self.0.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
    }

    fn ends(self) -> impl Iterator<Item = Timestamp> + Clone {
        self.0.into_iter().flat_map(|(first, last)| [first, last])
    }
}
