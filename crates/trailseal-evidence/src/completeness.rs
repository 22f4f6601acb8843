//! Whether an answer is complete (docs/spec/verification.md 3): that all events which are shown are verified is not
//! enough, since a file that is missing, altered or unproven may have held others.

use trailseal_archive::Timestamp;
use trailseal_verify::{Code, Severity};

use crate::{
    ledger::{DELIVERY, Integrity, Ledger},
    scan::{EARLY, ScanOptions, Summary},
};

/// What may lack in the answer of a scan, or be in it without proof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Signed logs that are not there and may hold wanted events.
    pub missing_logs: u64,
    /// Logs that were read, that no digest speaks of, and that may hold wanted events.
    pub uncovered_logs: u64,
    /// Files that were read, and are unproven or violated.
    pub unproven_files: u64,
    /// Events of the answer that are not verified, where there is a ledger.
    pub unverified_events: u64,
    /// Places where something could not be read.
    pub damages: u64,
    /// Events of which not all combinations of values were counted.
    pub uncounted: u64,
    /// Whether all log files are of another time than what is wanted, so that nothing was read, and no keys say more.
    pub is_unreached: bool,
    /// The time up to which the archive was expected to reach, and does not.
    pub ends_before: Option<Timestamp>,
    /// What is wrong with the digests themselves.
    pub digests: DigestFindings,
}

/// Findings about digests, which say whether there may be log files that nothing speaks of any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DigestFindings {
    /// How many are violations.
    pub violations: u64,
    /// How many are not.
    pub unproven: u64,
    /// Their codes, each once, in the order in which they came.
    pub codes: Vec<&'static str>,
    /// From when to when the digests reach, where that is not the whole span: sentences, each once.
    pub reach: Vec<String>,
}

impl Completeness {
    /// Of the answer of a scan with these options. `answer` are the events that it holds by label, in the order of
    /// [`Integrity::ALL`]; zeros where nothing was verified.
    pub fn of(options: &ScanOptions<'_>, summary: &Summary, answer: &[u64; Integrity::ALL.len()]) -> Self {
        let [_, unproven, violated, _] = summary.labels;
        let [_, unverified @ ..] = answer;
        Self {
            missing_logs: options.ledger.map_or(0, |ledger| missing_logs(ledger, options)),
            uncovered_logs: uncovered_logs(summary, options),
            unproven_files: unproven + violated,
            unverified_events: unverified.iter().sum(),
            damages: summary.damages,
            uncounted: 0,
            is_unreached: options.ledger.is_none()
                && (summary.counts.records == 0 || summary.reach.is_narrow && summary.counts.matched == 0)
                && summary.reach.delivered.is_some_and(|(first, last)| {
                    // no event is later than its delivery
                    options.from.is_some_and(|from| from > last)
                        || options.to.is_some_and(|to| to.plus(options.delivery_delay) < first)
                }),
            ends_before: None,
            digests: options.ledger.map_or_else(DigestFindings::default, |ledger| {
                DigestFindings::of(ledger, options.from, options.to, options.delivery_delay)
            }),
        }
    }

    /// The same where the archive is expected to reach up to a time: by the newest log file that was delivered, or where there
    /// is a ledger by the newest digest.
    #[must_use]
    pub fn expecting(self, until: Option<Timestamp>, options: &ScanOptions<'_>, summary: &Summary) -> Self {
        let is_reached = |until: Timestamp| match options.ledger {
            Some(ledger) => {
                // of a span it is asked that its end was delivered, too
                let at = Some(until.plus(-DELIVERY));
                let doubts = ledger.doubts(at, at, 0);
                !doubts.iter().any(|finding| finding.code == Code::CoverageEndsEarly)
            }
            None => summary.reach.delivered.is_some_and(|(_, last)| last >= until),
        };
        Self { ends_before: until.filter(|until| !is_reached(*until)), ..self }
    }

    /// Whether everything that matters was read and is proven, as far as that was asked for.
    pub fn is_complete(&self) -> bool {
        let Self {
            missing_logs,
            uncovered_logs,
            unproven_files,
            unverified_events,
            damages,
            uncounted,
            is_unreached,
            ends_before,
            digests,
        } = self;
        missing_logs + uncovered_logs + unproven_files + unverified_events + damages + uncounted == 0
            && !is_unreached
            && ends_before.is_none()
            && digests.violations + digests.unproven == 0
    }
}

impl DigestFindings {
    /// What was found about the digests themselves, and not about single logs, that may hide events of a span.
    fn of(ledger: &Ledger, from: Option<Timestamp>, to: Option<Timestamp>, late: i64) -> Self {
        let mut found = Self::default();
        for finding in ledger.doubts(from, to, late) {
            let code = finding.code.text();
            match finding.severity {
                Severity::Violation => found.violations += 1,
                _ => found.unproven += 1,
            }
            if !found.codes.contains(&code) {
                found.codes.push(code);
            }
            let is_of_reach = matches!(finding.code, Code::CoverageStartsLate | Code::CoverageEndsEarly);
            if is_of_reach && !found.reach.contains(&finding.message) {
                found.reach.push(finding.message);
            }
        }
        found
    }
}

/// Signed logs that are not there and may hold events of the span: those that would be read.
fn missing_logs(ledger: &Ledger, options: &ScanOptions<'_>) -> u64 {
    let from = options.from.map(|from| from.plus(-options.signed_margin));
    let to = options.to.map(|to| to.plus(options.signed_margin));
    ledger.missing_between(from, to).count() as u64
}

/// Logs that were read though no digest speaks of them, and whose names do not say that they are of another time.
/// Whatever else lies in a folder needs no proof, and has no reason for lacking it.
fn uncovered_logs(summary: &Summary, options: &ScanOptions<'_>) -> u64 {
    let touches = |stamp: &Option<Timestamp>| {
        stamp.is_none_or(|stamp| {
            options.from.is_none_or(|from| stamp >= from.plus(-EARLY))
                && options.to.is_none_or(|to| stamp <= to.plus(options.delivery_delay))
        })
    };
    summary.uncovered.iter().filter(|(stamp, _)| touches(stamp)).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_lacks_makes_an_answer_incomplete() {
        let options = ScanOptions::default();
        let of =
            |summary: &Summary, answer: [u64; 4]| Completeness::of(&options, summary, &answer).is_complete();
        assert!(of(&Summary { labels: [9, 0, 0, 9], ..Summary::default() }, [7, 0, 0, 0]));
        for labels in [[0, 1, 0, 0], [0, 0, 1, 0]] {
            assert!(!of(&Summary { labels, ..Summary::default() }, [0; 4]));
            assert!(!of(&Summary::default(), labels));
        }
        assert!(!of(&Summary::default(), [1, 0, 0, 1]), "an event of a log that no digest speaks of");
        assert!(!of(&Summary { damages: 1, ..Summary::default() }, [0; 4]));
        assert!(!of(&Summary { uncovered: [(None, 1)].into(), ..Summary::default() }, [0; 4]));
        let digests = DigestFindings { unproven: 1, ..DigestFindings::default() };
        assert!(!Completeness { digests, ..Completeness::default() }.is_complete());
        assert!(!Completeness { missing_logs: 1, ..Completeness::default() }.is_complete());
        assert!(!Completeness { uncounted: 1, ..Completeness::default() }.is_complete());
        let ends_before = Timestamp::parse_digest_field("2024-03-01T10:00:00Z").ok();
        assert!(!Completeness { ends_before, ..Completeness::default() }.is_complete());
        assert!(Completeness::default().is_complete());
    }

    #[test]
    fn an_archive_that_ends_before_what_is_expected_is_not_complete() {
        let at = |text: &str| Timestamp::parse_digest_field(text).ok();
        let expecting = |last: &str, until: &str| {
            let mut summary = Summary::default();
            summary.reach.delivered = at(last).map(|last| (last, last));
            let completeness = Completeness::default();
            completeness.expecting(at(until), &ScanOptions::default(), &summary).ends_before
        };
        let (ten, eleven) = ("2024-03-01T10:00:00Z", "2024-03-01T11:00:00Z");
        assert_eq!(expecting(ten, eleven), at(eleven));
        assert_eq!(expecting(eleven, eleven), None);
        assert_eq!(expecting("", ten), at(ten), "no log file tells how far it reaches");
        assert_eq!(expecting(ten, ""), None, "nothing is expected");
    }

    #[test]
    fn logs_that_no_digest_speaks_of_count_if_they_may_hold_wanted_events() {
        let at = |text: &str| Timestamp::parse_digest_field(text).ok();
        let (from, to) = (at("2024-03-01T10:00:00Z"), at("2024-03-01T12:00:00Z"));
        let options = ScanOptions { from, to, delivery_delay: 3600, ..ScanOptions::default() };
        let of = |stamp: &str| {
            let summary = Summary { uncovered: [(at(stamp), 1)].into(), ..Summary::default() };
            Completeness::of(&options, &summary, &[0; 4]).uncovered_logs
        };
        let stamps = ["09:44:59", "09:45:00", "13:00:00", "13:00:01"];
        assert_eq!(stamps.map(|time| of(&format!("2024-03-01T{time}Z"))), [0, 1, 1, 0]);
    }
}
