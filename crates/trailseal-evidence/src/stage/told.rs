//! What is told of an account and Region as a whole, whether its logs are hashed or not.

use std::collections::HashSet;

use trailseal_verify::{Code, Finding, ObjectKey};

use super::{listed::problem_finding, matched::Matched};
use crate::{
    days::{Days, day_of, number_of, stamp_of},
    files::{FileId, FileRef},
    leftovers::Leftovers,
    options::{Map, Options},
    outcome::RegionOutcome,
    paths::text_of,
    report::FileTotals,
    run::Run,
    sort::Class,
};

/// Logs that authentic digests name with different hashes, and the hashes.
pub(crate) type Conflicts = Vec<(ObjectKey, [u8; 32])>;

impl Matched {
    /// An outcome that knows what the digests say of themselves.
    pub(crate) fn begin(&self, run: &Run<'_>) -> RegionOutcome {
        RegionOutcome {
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
            ..RegionOutcome::default()
        }
    }

    /// Logs that more than one digest names.
    pub(crate) fn report_repeated_names(&self, outcome: &mut RegionOutcome) -> Conflicts {
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

    /// What the walk left out.
    pub(crate) fn report_problems(&self, outcome: &mut RegionOutcome) {
        self.note_files(outcome);
        let problems = self.problems.iter().map(|problem| self.place(problem_finding(problem)));
        outcome.findings.extend(problems);
    }

    /// The days of which there is a digest or log file.
    pub(crate) fn days(&self) -> Days {
        let mut days = Days::default();
        for (first, listing) in self.files.listings() {
            let is_of_trail =
                |at: usize| matches!(self.sorted.class(first + at as FileId), Class::Digest | Class::Log);
            let day = day_of(&format!("{}/x", text_of(&listing.folder.real)));
            let mut files = listing.files.iter().enumerate().filter(|(at, _)| is_of_trail(*at));
            if let Some(day) = day {
                days.of_folders.extend(files.next().map(|_| number_of(day)));
            } else {
                days.of_names.extend(files.filter_map(|(_, file)| stamp_of(&file.name)).map(number_of));
            }
        }
        days
    }

    /// What the files are, so that their counts add up.
    pub(crate) fn count_files(&self) -> FileTotals {
        let mut totals = FileTotals { found: self.files.len() as u64, ..FileTotals::default() };
        for id in 0..self.files.len() as FileId {
            match self.sorted.class(id) {
                Class::Digest => totals.digests += 1,
                Class::Log => totals.logs += 1,
                Class::Metadata => totals.metadata += 1,
                Class::Keys => totals.keys += 1,
                Class::Marker => totals.markers += 1,
                Class::Leftover(_) => totals.leftovers += 1,
                Class::Alias => totals.aliases += 1,
            }
        }
        for unnamed in &self.unnamed {
            match self.sorted.class(unnamed.id) {
                Class::Metadata => {
                    totals.metadata -= 1;
                    totals.unnamed += 1;
                }
                Class::Log => {
                    totals.logs -= 1;
                    totals.unnamed += 1;
                }
                _ => {}
            }
        }
        totals
    }

    pub(crate) fn leftovers(&self) -> Leftovers {
        let mut leftovers = Leftovers::default();
        for (id, file) in self.files.iter() {
            if let Class::Leftover(kind) = self.sorted.class(id) {
                leftovers.add(kind, &file.shown());
            }
        }
        leftovers
    }

    /// Notes about the files as a whole.
    pub(crate) fn note_files(&self, outcome: &mut RegionOutcome) {
        let is_alias =
            |id, file: &FileRef<'_>| self.sorted.class(id) == Class::Alias && file.file.refusal.is_none();
        let aliases = || self.files.iter().filter(|(id, file)| is_alias(*id, file));
        if let Some((_, first)) = aliases().next() {
            let count = aliases().count() as u64;
            let message =
                format!("{count} symbolic links are other names of files that are judged where they lie");
            let finding = Finding::new(Code::SymlinkAlias, message).counting(count).found_at(first.shown());
            outcome.findings.push(self.place(finding));
        }
        if self.found_by_name() > 0 {
            let count = self.found_by_name();
            let message = format!(
                "{count} log files were found by their names: the folders are not those into which CloudTrail delivers"
            );
            outcome.findings.push(self.place(Finding::new(Code::LayoutLost, message).counting(count)));
        }
    }

    /// For each `--map`, whether a digest of its folder fits it, or none of them does.
    pub(crate) fn check_maps(&self, options: &Options) -> Vec<(usize, bool)> {
        let mut checked = Vec::new();
        for (number, map) in options.maps.iter().enumerate() {
            let Ok(folder) = std::fs::canonicalize(&map.folder) else { continue };
            let folder = format!("{}/", text_of(&folder));
            for (row, id) in self.digest_files.iter().enumerate() {
                let path = text_of(&self.files.get(*id).real());
                let (Some(rest), Some(digest)) = (path.strip_prefix(&folder), self.rows[row].digest()) else {
                    continue;
                };
                checked.push((number, fits(map, rest, &digest.bucket, &digest.object)));
            }
        }
        checked.sort_unstable();
        checked.dedup();
        checked
    }
}

/// Whether a map says of a digest's place what the digest says.
fn fits(map: &Map, rest: &str, bucket: &str, object: &str) -> bool {
    let claimed = object.strip_prefix(&map.prefix);
    map.bucket == bucket
        && claimed.is_some_and(|claimed| claimed == rest || claimed.strip_suffix(".gz") == Some(rest))
}
