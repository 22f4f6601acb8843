//! Running the verification and saying what is expected of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use crate::agreement::{self, FilesSeen};
use serde_json::Value;
use trailseal_archive::Timestamp;
use trailseal_evidence::report::{ChainKind, Report};
use trailseal_evidence::{Error, Options, Silent, keys, verify};
use trailseal_testkit::Archive;
use trailseal_verify::{Code, Evidence, Finding, KeyRing, Severity, SignatureSource, Status};

/// A report, and what was observed of every digest and log.
pub(crate) struct Run {
    pub(crate) report: Report,
    /// Key that the digest claims (or that its place stands for) → what became of it; the worst of copies.
    pub(crate) digests: BTreeMap<String, DigestSeen>,
    /// Key → what became of a named log.
    pub(crate) logs: BTreeMap<String, Status>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DigestSeen {
    pub(crate) status: Status,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) source: Option<SignatureSource>,
}

/// The options for an archive: its root, its keys.
pub(crate) fn options(archive: &Archive) -> Options {
    options_for(&[archive.root()], &archive.keys())
}

/// The options for roots and a key path.
pub(crate) fn options_for(roots: &[PathBuf], key_path: &Path) -> Options {
    let loaded = keys::load(&[key_path.to_owned()]).unwrap();
    assert_eq!(loaded.content.defects, []);
    Options {
        roots: roots.to_vec(),
        keys: KeyRing::new(loaded.content.keys),
        key_files: loaded.files,
        threads: 2,
        ..Options::default()
    }
}

/// Verifies an archive with all its keys.
pub(crate) fn run(archive: &Archive) -> Run {
    run_with(&options(archive))
}

pub(crate) fn run_with(options: &Options) -> Run {
    try_run(options).unwrap()
}

/// Verifies, and compares the ledger of the same archive with the report.
pub(crate) fn try_run(options: &Options) -> Result<Run, Error> {
    let mut files = FilesSeen::default();
    let run = try_verify(options, &mut files)?;
    agreement::check(options, &run.report, &files);
    Ok(run)
}

/// Verifies and compares nothing: for archives that change meanwhile.
pub(crate) fn try_verify(options: &Options, files: &mut FilesSeen) -> Result<Run, Error> {
    let (mut digests, mut logs) = (BTreeMap::<String, DigestSeen>::new(), BTreeMap::new());
    let report = verify(options, &Silent, &mut |unit| {
        files.observe(unit);
        for (index, (row, judgement)) in unit.rows().iter().zip(unit.judgements()).enumerate() {
            if !judgement.is_counted() {
                continue;
            }
            let key = row.digest().map_or(&row.found.key, |digest| &digest.object);
            let seen = DigestSeen {
                status: judgement.status(),
                evidence: judgement.evidence().to_vec(),
                source: judgement.source(),
            };
            digests.insert(key.clone(), seen);
            for entry in unit.logs(index) {
                logs.insert(entry.named.object.to_string(), entry.verdict.status());
            }
        }
        ControlFlow::Continue(())
    })?;
    let run = Run { report, digests, logs };
    run.check_sums();
    Ok(run)
}

impl Run {
    /// What must hold for every report.
    fn check_sums(&self) {
        let (d, l) = (&self.report.totals.digests, &self.report.totals.logs);
        assert_eq!(d.found, d.verified + d.violated + d.unproven);
        assert_eq!(l.named, l.verified + l.violated + l.unproven + l.missing);
        let worst = self.report.findings.iter().map(|finding| finding.severity).min();
        let (verdicts, status): (&[&str], u8) = match worst {
            Some(Severity::Violation) => (&["violated"], 1),
            Some(Severity::Unproven) => (&["unproven"], 3),
            _ => (&["verified", "allowed"], 0),
        };
        let verdict = self.verdict();
        assert!(verdicts.contains(&&*verdict), "{verdict}: {}", self.list());
        assert_eq!(self.report.exit_status, status);
        if verdict == "verified" {
            assert_eq!((d.found, l.named), (d.verified, l.verified), "verified means everything");
            assert!(d.verified > 0, "where nothing is proven nothing is verified");
            self.check_holes();
        } else if verdict == "allowed" {
            assert_ne!(self.report.scope.allowed, [], "what was allowed is printed");
        }
        let sorted = self.report.findings.is_sorted_by(|a, b| a.sort_key() <= b.sort_key());
        assert!(sorted, "findings are in order");
        for chain in &self.report.chains {
            for pair in chain.proven.windows(2) {
                assert!(pair[0].end < pair[1].start, "proven spans are merged");
            }
        }
    }

    /// Row 82: between the proven spans of a verified chain lies nothing that no finding speaks of.
    fn check_holes(&self) {
        for chain in self.report.chains.iter().filter(|chain| chain.id.kind == ChainKind::Standard) {
            for pair in chain.proven.windows(2) {
                // The window of the starting digest that ends the hole is no part of its finding.
                let (start, end) = (pair[0].end, pair[1].start.plus(-HOUR));
                let covers = |finding: &Finding| {
                    finding.start.is_some_and(|from| from <= start) && finding.end.is_some_and(|to| to >= end)
                };
                assert!(self.report.findings.iter().any(covers), "a hole from {start}: {}", self.json());
            }
        }
    }

    /// The verdict as the report writes it.
    pub(crate) fn verdict(&self) -> String {
        self.value()["verdict"].as_str().unwrap().to_owned()
    }

    /// The report as it is written.
    pub(crate) fn value(&self) -> Value {
        serde_json::to_value(&self.report).unwrap()
    }

    /// The exit status.
    #[track_caller]
    pub(crate) fn status(&self, expected: u8) -> &Self {
        assert_eq!(self.report.exit_status, expected, "{}", self.list());
        self
    }

    /// Nothing is called a violation.
    #[track_caller]
    pub(crate) fn accuses_nobody(&self) -> &Self {
        let is_violation = |finding: &Finding| finding.severity == Severity::Violation;
        assert!(!self.report.findings.iter().any(is_violation), "{}", self.list());
        assert_ne!(self.report.exit_status, 1);
        self
    }

    /// Verified, and each of these notes at least once, and no other finding.
    #[track_caller]
    pub(crate) fn notes(&self, codes: &[&str]) -> &Self {
        let found: BTreeSet<String> = self.report.findings.iter().map(short).collect();
        let expected: BTreeSet<String> = codes.iter().map(|code| format!("N {code}")).collect();
        assert_eq!(found, expected, "{}", self.list());
        assert_eq!((self.verdict().as_str(), self.report.exit_status), ("verified", 0));
        self
    }

    /// No finding of these codes.
    #[track_caller]
    pub(crate) fn lacks(&self, codes: &[&str]) -> &Self {
        for code in codes {
            assert!(self.coded(code).is_empty(), "{code} in {}", self.list());
        }
        self
    }

    /// All findings of a code, by its text.
    pub(crate) fn coded(&self, code: &str) -> Vec<&Finding> {
        self.report.findings.iter().filter(|finding| finding.code.text() == code).collect()
    }

    /// The only finding of a code, by its text.
    #[track_caller]
    pub(crate) fn the(&self, code: &str) -> &Finding {
        let all = self.coded(code);
        assert_eq!(all.len(), 1, "one {code} in {}", self.list());
        all[0]
    }

    /// Whether a finding that is more than a note speaks of a file by its path or its key.
    #[track_caller]
    pub(crate) fn names(&self, path: &Path, key: &str) -> &Self {
        let path = path.display().to_string();
        let speaks = |finding: &Finding| {
            finding.severity != Severity::Note
                && (finding.path.as_deref() == Some(&path) || finding.key.as_deref() == Some(key))
        };
        assert!(self.report.findings.iter().any(speaks), "{path} in {}", self.list());
        self
    }

    /// Exactly these findings, each as `V code`, `U code` or `N code`, repeated as often as it occurs; and
    /// the verdict that follows from them.
    #[track_caller]
    pub(crate) fn finds(&self, expected: &[&str]) -> &Self {
        let mut actual: Vec<String> = self.report.findings.iter().map(short).collect();
        actual.sort();
        let mut expected: Vec<String> =
            expected.iter().map(|&text| repeated(text)).collect::<Vec<_>>().concat();
        expected.sort();
        assert_eq!(actual, expected, "{}", self.list());
        self
    }

    /// At least these findings.
    #[track_caller]
    pub(crate) fn finds_at_least(&self, expected: &[&str]) -> &Self {
        let actual: Vec<String> = self.report.findings.iter().map(short).collect();
        for text in expected {
            assert!(actual.iter().any(|found| found == text), "{text} in {}", self.list());
        }
        self
    }

    /// `[found, verified, violated, unproven, missing]` digests.
    #[track_caller]
    pub(crate) fn digest_totals(&self, expected: [u64; 5]) -> &Self {
        let d = &self.report.totals.digests;
        assert_eq!([d.found, d.verified, d.violated, d.unproven, d.missing], expected, "{}", self.list());
        self
    }

    /// `[named, verified, violated, unproven, missing]` logs.
    #[track_caller]
    pub(crate) fn log_totals(&self, expected: [u64; 5]) -> &Self {
        let l = &self.report.totals.logs;
        assert_eq!([l.named, l.verified, l.violated, l.unproven, l.missing], expected, "{}", self.list());
        self
    }

    /// `[unreferenced, pending, outside coverage]` logs.
    #[track_caller]
    pub(crate) fn unnamed_totals(&self, expected: [u64; 3]) -> &Self {
        let l = &self.report.totals.logs;
        assert_eq!([l.unreferenced, l.pending, l.outside_coverage], expected, "{}", self.list());
        self
    }

    /// The only finding of a code.
    #[track_caller]
    pub(crate) fn one(&self, code: Code) -> &Finding {
        let all = self.all(code);
        assert_eq!(all.len(), 1, "one {} in {}", code.text(), self.list());
        all[0]
    }

    /// All findings of a code.
    pub(crate) fn all(&self, code: Code) -> Vec<&Finding> {
        self.report.findings.iter().filter(|finding| finding.code == code).collect()
    }

    /// Whether every digest of the model but these is verified.
    #[track_caller]
    pub(crate) fn all_digests_verified_but(&self, archive: &Archive, others: &[&str]) -> &Self {
        for digest in archive.model.chains.iter().flat_map(|chain| &chain.digests) {
            let key = digest.object();
            if !others.contains(&key) {
                assert_eq!(self.digests.get(key).map(|seen| seen.status), Some(Status::Verified), "{key}");
            }
        }
        self
    }

    /// Whether every log of the model but these is verified.
    #[track_caller]
    pub(crate) fn all_logs_verified_but(&self, archive: &Archive, others: &[&str]) -> &Self {
        let digests = archive.model.chains.iter().flat_map(|chain| &chain.digests);
        for log in digests.flat_map(|digest| &digest.logs) {
            if !others.contains(&log.key.as_str()) {
                assert_eq!(self.logs.get(&log.key), Some(&Status::Verified), "{}", log.key);
            }
        }
        self
    }

    /// The findings for a failed assertion: a line each.
    pub(crate) fn list(&self) -> String {
        let lines = self.report.findings.iter().map(|finding| serde_json::to_string(finding).unwrap());
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn json(&self) -> String {
        serde_json::to_string(&self.report).unwrap()
    }
}

fn short(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Violation => 'V',
        Severity::Unproven => 'U',
        Severity::Note => 'N',
    };
    format!("{severity} {}", finding.code.text())
}

/// `V code x3` is three of them.
fn repeated(text: &str) -> Vec<String> {
    match text.split_once(" x") {
        Some((one, count)) => vec![one.to_owned(); count.parse().unwrap()],
        None => vec![text.to_owned()],
    }
}

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::parse_digest_field(text).unwrap()
}

/// The window of a digest of the first chain.
pub(crate) fn window(archive: &Archive, position: usize) -> (Option<Timestamp>, Option<Timestamp>) {
    let digest = &archive.chain().digests[position];
    (Some(digest.start()), Some(digest.end()))
}

/// An archive of the default plan: 7 digests, 12 logs.
pub(crate) fn small() -> Archive {
    trailseal_testkit::Plan::default().model().write()
}

pub(crate) const HOUR: i64 = 3600;

/// Whether a gap's message says that an event in this log explains it, rather than that logging went on.
pub(crate) fn is_explained_by(gap: &Finding, log: &str) -> bool {
    gap.message.contains(log) && !gap.message.contains("gone on")
}
