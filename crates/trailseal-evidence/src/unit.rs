//! One account and region on its way from files to an outcome.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
    sync::OnceLock,
};

use crate::report::Mapping;
use trailseal_archive::{
    Timestamp,
    gzip::Ending,
    key::{KeyParts, log_stamp},
    walk::{Problem, ProblemKind, Roots, UnitKey},
};
use trailseal_verify::{
    Assessment, Code, Digest, DigestRow, Finding, FoundAt, FoundLog, Judgement, LogVerdict, NamedLog,
    ObjectKey, Observation, STAMP_TOLERANCE, Status, assess, judge_log,
};

use crate::{
    batch::Run,
    files::{FileId, FileTable},
    hash::Seen,
    locate::Mounts,
    outcome::{Displaced, LogTally, UnitOutcome, UnnamedLog, log_finding, logs_stored_inflated},
    paths::{path_of, text_of},
    sort::Sorted,
    unnamed::{Twin, UnnamedFile},
};

mod search;

use search::Search;

/// An account and region: its files, its digests, and where its logs lie.
#[derive(Default)]
pub(crate) struct Unit {
    pub(crate) key: UnitKey,
    pub(crate) files: FileTable,
    /// What the files are.
    pub(crate) sorted: Sorted,
    /// One for each file of [`Sorted::digests`].
    pub(crate) rows: Vec<DigestRow>,
    /// The metadata that were read beside digests.
    pub(crate) sidecars: HashSet<FileId>,
    pub(crate) assessment: Assessment,
    pub(crate) mounts: Mounts,
    /// Row → log → the file, or why there is none.
    located: Vec<Vec<Located>>,
    /// Further copies of a log: (row, log) → files.
    copies: HashMap<(usize, usize), Vec<FileId>>,
    /// Logs that were found by their names, in a tree that has lost AWS's layout.
    found_by_name: u64,
    /// Where the asked span begins.
    asked_from: Option<Timestamp>,
    /// Files that no digest names.
    pub(crate) unnamed: Vec<UnnamedFile>,
    pub(crate) problems: Vec<Problem>,
    /// Real paths below which nothing could be seen.
    hidden: Vec<PathBuf>,
}

/// Findings about named logs that an account and region may list one by one; a digest's further ones become one a
/// code. JSON Lines has all of them.
const MAX_LISTED: usize = 50_000;

/// The same for a digest that nothing proves: anybody can claim millions (row 78).
const MAX_CLAIMS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Located {
    File(FileId),
    Absent,
    /// Its folder cannot be read.
    Hidden,
    NotInArchive,
}

/// What was seen of a unit's files.
#[derive(Clone, Copy)]
pub(crate) struct SeenFiles<'a> {
    /// The unit's number in its batch.
    pub(crate) unit: u32,
    /// (unit, file) in order.
    pub(crate) jobs: &'a [(u32, FileId)],
    /// What was seen of each.
    pub(crate) seen: &'a [OnceLock<Seen>],
}

impl<'a> SeenFiles<'a> {
    pub(crate) fn get(self, id: FileId) -> Option<&'a Seen> {
        let at = self.jobs.binary_search(&(self.unit, id)).ok()?;
        self.seen[at].get()
    }
}

impl Unit {
    /// A unit of which nothing is known yet.
    pub(crate) fn new(key: UnitKey) -> Self {
        Self { key, ..Self::default() }
    }

    /// Judges the digests, finds the logs that they name, and the files that they do not.
    pub(crate) fn assess(&mut self, run: &Run<'_>) {
        let Run { options, roots, .. } = *run;
        self.hidden = run.problems.iter().chain(&self.problems).filter_map(hidden_place).collect();
        let ids = &self.sorted.digests;
        let real: Vec<String> = ids.iter().map(|id| text_of(&self.files.get(*id).real())).collect();
        let voters: Vec<(String, &DigestRow)> = real.iter().cloned().zip(&self.rows).collect();
        self.mounts = Mounts::infer(&options.maps, &voters);
        for (index, path) in real.iter().enumerate() {
            let mut found = self.place_of_row(path, self.rows[index].digest());
            found.path = self.files.get(self.sorted.digests[index]).shown();
            self.rows[index].found = found;
        }
        let is_mapped = |bucket: &str, key: &str| {
            self.mounts.hold(roots, bucket, key)
                && !self.mounts.paths(bucket, key).any(|path| self.is_hidden(&path))
        };
        self.assessment = assess(&self.rows, &options.keys, run.policy, &is_mapped);
        self.asked_from = run.policy.start.filter(|_| !options.whole_digests);
        self.locate(roots);
        self.unnamed = self.find_unnamed(run);
    }

    /// The place in S3 that a digest file's path stands for. Outside AWS's layout only the name tells.
    fn place_of_row(&self, path: &str, digest: Option<&Digest>) -> FoundAt {
        let name = path.rsplit('/').next().unwrap_or(path);
        if let Some(digest) = digest.filter(|_| KeyParts::parse(path).is_none()) {
            let own = digest.object.rsplit('/').next().unwrap_or_default();
            if own == name || own.strip_suffix(".gz") == Some(name) {
                let (bucket, key) = (Some(digest.bucket.clone()), digest.object.clone());
                return FoundAt { path: String::new(), bucket, key };
            }
        }
        self.mounts.place(path, digest.map(|digest| digest.bucket.as_str()))
    }

    /// Whether a real path lies in a folder that could not be read, or beyond a link that was not followed.
    fn is_hidden(&self, path: &str) -> bool {
        self.hidden.iter().any(|hidden| path_of(path).starts_with(hidden))
    }

    /// Finds the named logs.
    fn locate(&mut self, roots: &Roots) {
        let mut search = Search::default();
        for index in 0..self.rows.len() {
            let logs = self.rows[index].digest().map_or(0, |digest| digest.logs.len());
            let mut located = Vec::with_capacity(logs);
            for log in 0..logs {
                located.push(self.locate_log(index, log, roots, &mut search));
            }
            self.located.push(located);
        }
        self.found_by_name = search.found_by_name;
    }

    /// The logs of a row that are judged: not those that were delivered before the asked span (row 79).
    fn asked_logs(&self, row: usize) -> impl Iterator<Item = usize> + '_ {
        let window = self.assessment.judgements[row].window();
        let from = self.asked_from.filter(|from| window.is_none_or(|window| window.start < *from));
        let is_asked = move |log: &usize| {
            let Some((from, digest)) = from.zip(self.rows[row].digest()) else { return true };
            let stamp = log_stamp(digest.logs[*log].object.name());
            stamp.is_none_or(|stamp| stamp >= from.plus(-STAMP_TOLERANCE))
        };
        (0..self.located[row].len()).filter(is_asked)
    }

    fn locate_log(&mut self, row: usize, log: usize, roots: &Roots, search: &mut Search) -> Located {
        let Some(named) = self.rows[row].digest().map(|digest| &digest.logs[log]) else {
            return Located::Absent;
        };
        let key = named.object.to_string();
        let mut files = Vec::new();
        let paths: Vec<String> = self.mounts.paths(&named.bucket, &key).collect();
        for path in &paths {
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            if let Some(id) = self.files.find(folder, name) {
                files.push(id);
                continue;
            }
            // A name outside this account's and region's folders is looked up where it points to.
            if self.files.has_folder(folder) || !search.is_folder(folder) {
                continue;
            }
            let inflated = path.strip_suffix(".gz").unwrap_or(path);
            for real in [path.as_str(), inflated].map(path_of) {
                if let Some(length) = roots.probe(&real) {
                    files.extend(self.files.adopt(&real, length, roots));
                    break;
                }
            }
        }
        if files.is_empty() {
            files.extend(search.elsewhere(self, row, &key));
        }
        match files.split_first() {
            Some((first, more)) => {
                if !more.is_empty() {
                    self.copies.insert((row, log), more.to_vec());
                }
                Located::File(*first)
            }
            None if paths.iter().any(|path| self.is_hidden(path)) => Located::Hidden,
            None if paths.iter().any(|path| roots.contain(&path_of(path))) => Located::Absent,
            None => Located::NotInArchive,
        }
    }

    /// The files that must be hashed: the logs named by digests that are judged, and what may be copies of logs.
    pub(crate) fn files_to_hash(&self) -> Vec<FileId> {
        let mut files: Vec<FileId> = Vec::new();
        for row in self.judged_rows() {
            for log in self.asked_logs(row) {
                if let Located::File(id) = self.located[row][log] {
                    files.push(id);
                    files.extend(self.copies.get(&(row, log)).into_iter().flatten());
                }
            }
        }
        files.extend(self.unnamed.iter().filter(|file| file.twin != Twin::None).map(|file| file.id));
        files.sort_unstable();
        files.dedup();
        files.retain(|id| self.files.get(*id).file.refusal.is_none());
        files
    }

    /// The rows that are counted.
    pub(crate) fn judged_rows(&self) -> impl Iterator<Item = usize> {
        self.assessment.judgements.iter().enumerate().filter(|(_, j)| j.is_counted()).map(|(row, _)| row)
    }

    /// Judges the logs and gathers what is left of the unit.
    pub(crate) fn finish(&self, seen: SeenFiles<'_>, run: &Run<'_>) -> UnitOutcome {
        let mut outcome = self.begin(run);
        let conflicts = self.report_repeated_names(&mut outcome);
        let tallies = self.judge_logs(seen, &conflicts, &mut outcome);
        outcome.add_chains(&self.rows, &self.assessment, &tallies, run);
        self.judge_unnamed(seen, &mut outcome);
        self.report_problems(&mut outcome);
        outcome
    }

    /// Where its digests say that buckets lie.
    pub(crate) fn mappings(&self, run: &Run<'_>) -> Vec<Mapping> {
        self.mounts.mappings(run.roots).collect()
    }

    /// An outcome that knows what the digests say of themselves.
    pub(crate) fn begin(&self, run: &Run<'_>) -> UnitOutcome {
        UnitOutcome {
            organization: self.key.organization.clone(),
            account: self.key.account.clone(),
            region: self.key.region.clone(),
            findings: self.assessment.findings.clone(),
            digest_files: self.rows.len() as u64,
            mappings: self.mappings(run),
            days: self.days(),
            files: self.count_files(),
            leftovers: self.leftovers(),
            maps: self.check_maps(run.options),
            ..UnitOutcome::default()
        }
    }

    fn judge_logs(
        &self,
        seen: SeenFiles<'_>,
        conflicts: &Conflicts,
        outcome: &mut UnitOutcome,
    ) -> Vec<LogTally> {
        let mut tallies = vec![LogTally::default(); self.rows.len()];
        let mut hashed = HashSet::new();
        let mut inflated: Option<(u64, FileId, usize, usize)> = None;
        let mut left = MAX_LISTED;
        for row in self.judged_rows() {
            let mut budget =
                if self.assessment.judgements[row].is_authentic() { left } else { left.min(MAX_CLAIMS) };
            let before = budget;
            let mut unlisted: BTreeMap<Code, (u64, Finding)> = BTreeMap::new();
            for log in self.asked_logs(row) {
                let entry = self.log_entry(row, log, seen);
                tallies[row].add(&entry.verdict);
                if entry.verdict.is_stored_inflated() {
                    let file = entry.file.unwrap_or_default();
                    inflated = Some(inflated.map_or((1, file, row, log), |(n, f, r, l)| (n + 1, f, r, l)));
                }
                if let Some((id, Ok(observation))) =
                    entry.file.and_then(|id| Some((id, seen.get(id)?.as_ref())))
                    && hashed.insert(id)
                {
                    outcome.totals.bytes_inflated += observation.inflated;
                }
                // Where two authentic digests disagree and the log is what one of them says, that is the finding.
                let agrees = |(object, hash): &(ObjectKey, [u8; 32])| {
                    *object == entry.named.object && entry.seen.is_some_and(|seen| seen.sha256 == *hash)
                };
                let is_altered =
                    entry.verdict.finding().as_ref().is_some_and(|(code, _)| *code == Code::LogAltered);
                if is_altered && conflicts.iter().any(agrees) {
                    continue;
                }
                match log_finding(&entry.verdict, &self.rows[row]) {
                    None => {}
                    Some(_) if budget > 0 => {
                        budget -= 1;
                        self.report_log(row, &entry, outcome);
                    }
                    Some(finding) => unlisted.entry(finding.code).or_insert((0, finding)).0 += 1,
                }
            }
            tallies[row].is_cut = tallies[row].named < self.located[row].len() as u64;
            left -= before - budget;
            outcome.findings.extend(unlisted.into_values().map(|(count, mut finding)| {
                finding.message = format!("{count} more log files of this digest: {}", finding.message);
                finding.counting(count)
            }));
        }
        if let Some((count, file, row, log)) = inflated {
            let named = self.rows[row].digest().map(|digest| &digest.logs[log]);
            let path = self.files.get(file).shown();
            let (bucket, key) =
                named.map(|named| (&*named.bucket, named.object.to_string())).unwrap_or_default();
            let finding = logs_stored_inflated(count, &path, bucket, &key);
            outcome.findings.push(self.place(finding));
        }
        tallies
    }

    /// What became of one named log; the worst of its copies speaks.
    fn log_entry<'a>(&'a self, row: usize, log: usize, seen: SeenFiles<'a>) -> LogEntry<'a> {
        let digest = self.rows[row].digest().expect("only digests name logs");
        let named = &digest.logs[log];
        let by = self.assessment.judgements[row].vouched();
        let files = match self.files_of(row, log) {
            Ok(files) => files,
            Err(copy) => return LogEntry::without_file(named, judge_log(named.hash, by, copy)),
        };
        let entries = files.map(|id| {
            let refusal = self.files.get(id).file.refusal.map(|refusal| refusal.to_string());
            let seen = seen.get(id);
            let copy = match (&refusal, seen) {
                (Some(reason), _) | (None, Some(Err(reason))) => FoundLog::Unreadable(reason),
                (None, Some(Ok(observation))) => FoundLog::Read(observation),
                (None, None) => FoundLog::Unreadable("it was not read"),
            };
            let verdict = judge_log(named.hash, by, copy);
            LogEntry { named, verdict, file: Some(id), seen: seen.and_then(|seen| seen.as_ref().ok()) }
        });
        let rank = |entry: &LogEntry<'_>| match entry.verdict.status() {
            Status::Violated => 0,
            Status::Verified => 1,
            Status::Unproven => 2,
            Status::Missing => 3,
        };
        entries.min_by_key(rank).expect("there is a first file")
    }

    /// The files that lie where a named log belongs, or what there is instead.
    pub(crate) fn files_of(
        &self,
        row: usize,
        log: usize,
    ) -> Result<impl Iterator<Item = FileId>, FoundLog<'static>> {
        let first = match self.located[row][log] {
            Located::File(id) => id,
            Located::Absent => return Err(FoundLog::Absent),
            Located::Hidden => {
                return Err(FoundLog::Unreadable("its folder cannot be read or lies outside the archive"));
            }
            Located::NotInArchive => return Err(FoundLog::NotInArchive),
        };
        let more = self.copies.get(&(row, log)).into_iter().flatten().copied();
        Ok(std::iter::once(first).chain(more))
    }

    pub(crate) fn report_log(&self, row: usize, entry: &LogEntry<'_>, outcome: &mut UnitOutcome) {
        let Some(finding) = log_finding(&entry.verdict, &self.rows[row]) else { return };
        let named = entry.named;
        let mut finding = finding.about(Some(&named.bucket), &named.object.to_string());
        if let Some(id) = entry.file {
            finding.path = Some(self.files.get(id).shown());
        }
        let actual = entry.seen.map(|seen| seen.sha256);
        finding.expected = named.hash.map(hex::encode);
        // The hash of what could be inflated of a damaged file is no hash of the file.
        let is_whole = |seen: &&Observation| {
            matches!(seen.ending, Ending::Complete | Ending::TrailingData { .. } | Ending::ExtraMember { .. })
        };
        finding.actual = entry.seen.filter(is_whole).map(|seen| hex::encode(seen.sha256));
        // A log of an unmapped bucket may lie in the archive after all: it must not pass for a planted one.
        let is_displaced = matches!(entry.verdict.status(), Status::Missing | Status::Violated)
            || finding.code == Code::LogNotInArchive;
        if let (true, Some(expected)) = (is_displaced, named.hash)
            && actual != Some(expected)
        {
            let altered = finding.code == Code::LogAltered;
            let actual = actual.filter(|_| altered);
            outcome.displaced.push(Displaced { finding: outcome.findings.len(), expected, actual });
        }
        outcome.findings.push(finding);
    }

    /// Logs that more than one digest names.
    pub(crate) fn report_repeated_names(&self, outcome: &mut UnitOutcome) -> Conflicts {
        let mut conflicts = Conflicts::new();
        let authentic = self.judged_rows().filter(|row| self.assessment.judgements[*row].is_authentic());
        let digest = |row: u32| self.rows[row as usize].digest().expect("only digests are authentic");
        let log = |(row, log): (u32, u32)| &digest(row).logs[log as usize];
        let mut names: Vec<(u32, u32)> = authentic
            .flat_map(|row| (0..digest(row as u32).logs.len()).map(move |log| (row as u32, log as u32)))
            .collect();
        let place = |at: (u32, u32)| (&*log(at).bucket, &log(at).object);
        let mut known = HashSet::with_capacity(names.len());
        if names.iter().all(|at| known.insert(place(*at))) {
            return conflicts;
        }
        names.sort_unstable_by(|a, b| place(*a).cmp(&place(*b)).then_with(|| a.cmp(b)));
        for pair in names.windows(2) {
            if place(pair[0]) == place(pair[1]) {
                let (twin, named) = (log(pair[0]), log(pair[1]));
                let (other, digest, row) =
                    (digest(pair[0].0), digest(pair[1].0), &self.rows[pair[1].0 as usize]);
                let (code, message) = if twin.hash == named.hash {
                    (Code::LogNamedTwice, "the log file is named twice, with the same hash")
                } else {
                    conflicts
                        .extend([twin, named].iter().filter_map(|log| Some((log.object.clone(), log.hash?))));
                    (Code::DigestConflict, "the log file is named twice, with different hashes")
                };
                let mut finding =
                    Finding::new(code, message).about(Some(&named.bucket), &named.object.to_string());
                if let Some(id) = row.chain() {
                    finding = finding.of_chain(id).spanning(digest.start, digest.end).said_by(&digest.object);
                    finding.message = format!("{}; also by {}", finding.message, other.object);
                }
                finding.expected = twin.hash.map(hex::encode);
                finding.actual = named.hash.map(hex::encode);
                outcome.findings.push(finding);
            }
        }
        conflicts
    }

    /// Whether there is a file where a named log belongs.
    pub(crate) fn is_in_its_place(&self, row: usize, log: usize) -> bool {
        matches!(self.located[row][log], Located::File(_))
    }

    /// Logs that were found by their names.
    pub(crate) fn found_by_name(&self) -> u64 {
        self.found_by_name
    }

    /// The files that a digest names which proves it, or is judged itself: what nothing proves spares no log
    /// (row 62).
    pub(crate) fn named_files(&self) -> HashSet<FileId> {
        let speaks = |row: usize| {
            let judgement = &self.assessment.judgements[row];
            judgement.is_authentic() || judgement.is_counted()
        };
        let mut named = HashSet::new();
        for row in (0..self.rows.len()).filter(|row| speaks(*row)) {
            for (log, located) in self.located[row].iter().enumerate() {
                if let Located::File(id) = located {
                    named.insert(*id);
                    named.extend(self.copies.get(&(row, log)).into_iter().flatten());
                }
            }
        }
        named
    }

    /// What the walk left out.
    pub(crate) fn report_problems(&self, outcome: &mut UnitOutcome) {
        self.note_files(outcome);
        let problems = self.problems.iter().map(|problem| self.place(problem_finding(problem)));
        outcome.findings.extend(problems);
    }

    /// For those who want every digest and log.
    pub(crate) fn detail<'a>(&'a self, outcome: &'a UnitOutcome, seen: SeenFiles<'a>) -> UnitDetail<'a> {
        UnitDetail { unit: self, outcome, seen }
    }
}

/// Logs that authentic digests name with different hashes, and the hashes.
pub(crate) type Conflicts = Vec<(ObjectKey, [u8; 32])>;

/// Where a problem hides what may be there.
fn hidden_place(problem: &Problem) -> Option<PathBuf> {
    let hides = matches!(problem.kind, ProblemKind::Unreadable(_) | ProblemKind::LeavesRoots);
    hides.then(|| problem.real.clone())
}

/// The finding for something that the walk left out.
pub(crate) fn problem_finding(problem: &Problem) -> Finding {
    let code = match problem.kind {
        ProblemKind::Loop => Code::SymlinkLoop,
        ProblemKind::Alias => Code::SymlinkAlias,
        ProblemKind::Unreadable(_) => Code::FolderUnreadable,
        _ => Code::SymlinkNotFollowed,
    };
    Finding::new(code, problem.kind.to_string()).found_at(problem.shown.display().to_string())
}

/// One named log and what became of it.
pub struct LogEntry<'a> {
    /// How its digest names it.
    pub named: &'a NamedLog,
    /// The judgement.
    pub verdict: LogVerdict,
    file: Option<FileId>,
    /// What was read, if anything.
    pub seen: Option<&'a trailseal_verify::Observation>,
}

impl<'a> LogEntry<'a> {
    /// A log of which there is no file.
    pub(crate) fn without_file(named: &'a NamedLog, verdict: LogVerdict) -> Self {
        Self { named, verdict, file: None, seen: None }
    }
}

/// Every digest and log of one account and region, for those outputs that list them all.
pub struct UnitDetail<'a> {
    unit: &'a Unit,
    outcome: &'a UnitOutcome,
    seen: SeenFiles<'a>,
}

impl<'a> UnitDetail<'a> {
    /// The digest files; one index means one file in all that follows.
    pub fn rows(&self) -> &'a [DigestRow] {
        &self.unit.rows
    }

    /// The judgements on them.
    pub fn judgements(&self) -> &'a [Judgement] {
        &self.unit.assessment.judgements
    }

    /// The chains in scope: their identity and rows.
    pub fn chains(&self) -> &'a [trailseal_verify::Chain] {
        &self.unit.assessment.chains
    }

    /// The logs that a row names and that are judged; empty when the row is not.
    pub fn logs(&self, row: usize) -> impl Iterator<Item = LogEntry<'a>> + '_ {
        let unit = self.unit;
        let is_counted = self.judgements()[row].is_counted();
        let logs = is_counted.then(|| unit.asked_logs(row)).into_iter().flatten();
        logs.map(move |log| unit.log_entry(row, log, self.seen))
    }

    /// The path of a log's file, as found.
    pub fn path(&self, entry: &LogEntry<'_>) -> Option<String> {
        entry.file.map(|id| self.unit.files.get(id).shown())
    }

    /// The log files that no digest names.
    pub fn unnamed(&self) -> &'a [UnnamedLog] {
        &self.outcome.unnamed
    }

    /// The account and region, as the folders say.
    pub fn key(&self) -> &'a UnitKey {
        &self.unit.key
    }
}
