//! Log files: is one what its digest names, and what does it mean that no digest names one.

use std::error::Error;

use trailseal_archive::{
    Timestamp,
    gzip::{Ending, Form},
};

use crate::{
    chain::{Judgement, Status},
    chain_id::{ChainKind, Interval},
    digest::Digest,
    examine::DigestRow,
    finding::Code,
    policy::{PENDING, STAMP_TOLERANCE},
};

/// What reading a log file to its end showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// SHA-256 of the inflated bytes, as far as they could be read.
    pub sha256: [u8; 32],
    /// Inflated bytes.
    pub inflated: u64,
    /// How the file is stored.
    pub form: Form,
    /// How the compressed data ended.
    pub ending: Ending,
}

/// What there is of a named log.
#[derive(Clone, Copy, Debug)]
pub enum FoundLog<'a> {
    /// A file, read to its end.
    Read(&'a Observation),
    /// A file that could not be read, and why.
    Unreadable(&'a dyn Error),
    /// No file.
    Absent,
    /// Its bucket or prefix is not part of the archive.
    NotInArchive,
}

/// The judgement on a named log; made by [`judge_log`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogVerdict {
    status: Status,
    finding: Option<(Code, String)>,
    is_stored_inflated: bool,
}

impl LogVerdict {
    /// What became of it.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The code and the message that say so; `None` for a verified log.
    pub fn finding(&self) -> Option<(Code, &str)> {
        self.finding.as_ref().map(|(code, message)| (*code, message.as_str()))
    }

    /// Whether it is verified, but stored inflated.
    pub fn is_stored_inflated(&self) -> bool {
        self.is_stored_inflated
    }
}

/// What stands behind the hash that a digest states of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    /// The digest is authentic: a trusted key vouches for it.
    Proven,
    /// Only the digest's own word.
    Claimed,
}

/// Judges a log by the digest that names it with the hash `expected`; `None` where the digest states another algorithm
/// than SHA-256.
pub fn judge_log(expected: Option<[u8; 32]>, by: Vouched, found: FoundLog<'_>) -> LogVerdict {
    let verdict = judge_by_digest(expected, found);
    if by == Vouched::Proven {
        return verdict;
    }
    // An unproven digest proves nothing, but what the comparison showed is worth saying.
    let shown = match verdict.finding {
        None => "its content is the one that the digest names".to_owned(),
        Some((_, message)) => message,
    };
    let message = format!("the digest that names it is not proven; {shown}");
    LogVerdict {
        status: Status::Unproven,
        finding: Some((Code::LogUnproven, message)),
        is_stored_inflated: false,
    }
}

fn judge_by_digest(expected: Option<[u8; 32]>, log: FoundLog<'_>) -> LogVerdict {
    let found = |status, code, message: String| LogVerdict {
        status,
        finding: Some((code, message)),
        is_stored_inflated: false,
    };
    let violated = |code, message: &str| found(Status::Violated, code, message.to_owned());
    let seen = match log {
        FoundLog::Read(seen) => seen,
        FoundLog::Unreadable(reason) => {
            return found(
                Status::Unproven,
                Code::LogUnreadable,
                format!("the log file cannot be read: {reason}"),
            );
        }
        FoundLog::Absent => {
            let message = "a log file that its digest names is not there: deleted, expired by a lifecycle rule, archived or not copied".to_owned();
            return found(Status::Missing, Code::LogMissing, message);
        }
        FoundLog::NotInArchive => {
            let message =
                "the log file lies in a bucket or prefix that is not part of the archive".to_owned();
            return found(Status::Unproven, Code::LogNotInArchive, message);
        }
    };
    let content = match expected {
        Some(hash) if hash == seen.sha256 => "the content before them is the one that was signed",
        _ => "the content before them is not the one that was signed either",
    };
    match &seen.ending {
        Ending::Empty => violated(Code::LogEmpty, "the log file is empty"),
        Ending::LimitExceeded { limit } => found(
            Status::Violated,
            Code::LimitExceeded,
            format!("the log file inflates to more than {limit} bytes"),
        ),
        _ if expected.is_none() => {
            let message = "the digest states another hash algorithm than SHA-256 for this log".to_owned();
            found(Status::Unproven, Code::AlgorithmUnsupported, message)
        }
        Ending::Truncated => violated(Code::LogTruncated, "the gzip data of the log file are cut short"),
        Ending::Corrupt { reason } => found(
            Status::Violated,
            Code::LogCorrupt,
            format!("the gzip data of the log file are damaged: {reason}"),
        ),
        Ending::TrailingData { bytes } => {
            let message = format!("{bytes} bytes follow the log's gzip data; {content}");
            found(Status::Violated, Code::LogTrailingData, message)
        }
        Ending::ExtraMember { bytes } => {
            let message = format!("a further gzip member ({bytes} bytes) follows the log's; {content}");
            found(Status::Violated, Code::LogExtraMember, message)
        }
        Ending::Complete if expected == Some(seen.sha256) => LogVerdict {
            status: Status::Verified,
            finding: None,
            is_stored_inflated: seen.form == Form::Inflated,
        },
        Ending::Complete => violated(Code::LogAltered, "the log's content is not the one that was signed"),
    }
}

/// What the digests of an account and region say about a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    /// Windows of authentic digests, merged.
    proven: Vec<Interval>,
    /// Spans for which some chain has no authentic digest.
    holes: Vec<Interval>,
    /// End of the newest digest: of the authentic ones if there are any.
    pub newest_end: Option<Timestamp>,
    /// Start of the oldest authentic digest of the chain that began last: before, its trail may have logged without digests.
    pub last_begin: Option<Timestamp>,
}

/// What it means that no digest names a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unnamed {
    /// Authentic digests cover its delivery and do not name it, and no other trail delivers there, the user says.
    Planted,
    /// Authentic digests cover its delivery, and do not name it.
    Unreferenced,
    /// It may be too new for a digest.
    Pending,
    /// No digest covers its delivery.
    OutsideCoverage,
    /// Its name and its date folder state different days, so that nothing tells when it was delivered.
    StampMismatch,
    /// Its name holds no time.
    Stray,
}

impl Unnamed {
    /// The same where no statement of the user's counts.
    #[must_use]
    pub fn without_statement(self) -> Self {
        if self == Self::Planted { Self::Unreferenced } else { self }
    }
}

impl Covered {
    /// From all digests of an account and region, those of trails that were not asked for included: a log's
    /// name does not say to which trail it belongs.
    ///
    /// `is_wanted` picks the digests of one bucket and prefix: trails that deliver elsewhere say nothing about
    /// the logs there.
    pub fn new(rows: &[DigestRow], judgements: &[Judgement], is_wanted: impl Fn(&Digest) -> bool) -> Self {
        let mut chains = std::collections::BTreeMap::<_, Vec<(Interval, bool, bool)>>::new();
        let mut ends = [Vec::new(), Vec::new()];
        let mut begins = std::collections::BTreeMap::<_, Timestamp>::new();
        for (row, judgement) in rows.iter().zip(judgements) {
            let (Some(digest), Some(id)) = (row.digest(), row.chain()) else { continue };
            if id.kind == ChainKind::Backfill || digest.end <= digest.start || !is_wanted(digest) {
                continue;
            }
            let window = Interval { start: digest.start, end: digest.end };
            // A starting digest is empty by definition: validation, not delivery, began at its end.
            let proves = judgement.is_authentic() && !digest.is_starting();
            chains.entry(id).or_default().push((window, proves, digest.is_starting()));
            ends[usize::from(judgement.is_authentic())].push(window);
            if judgement.is_authentic() {
                let begin = begins.entry(id).or_insert(window.start);
                *begin = window.start.min(*begin);
            }
        }
        let mut covered = Self { last_begin: begins.into_values().max(), ..Self::default() };
        let known = if ends[1].is_empty() { &ends[0] } else { &ends[1] };
        covered.newest_end = known.iter().map(|window| window.end).max();
        for windows in chains.values_mut() {
            windows.sort_unstable();
            let proven =
                merge_intervals(windows.iter().filter(|(_, proves, _)| *proves).map(|(window, ..)| *window));
            // All that a chain does not prove may have been named by digests that are gone: from its first
            // digest on, and before that one unless it started the chain.
            let (first, _, is_starting) = windows[0];
            let mut from = if is_starting { first.start } else { first.start.plus(i64::MIN) };
            for window in &proven {
                covered.holes.push(Interval { start: from, end: window.start });
                from = window.end;
            }
            covered.holes.push(Interval { start: from, end: from.plus(i64::MAX) });
            covered.proven.extend(proven);
        }
        covered.proven = merge_intervals(covered.proven);
        covered.holes.retain(|hole| hole.start < hole.end);
        covered
    }

    /// Whether the digests of all chains had begun before a log was delivered at about `stamp`.
    pub fn has_begun(&self, stamp: Option<Timestamp>) -> bool {
        stamp.zip(self.last_begin).is_some_and(|(stamp, begin)| stamp.plus(-STAMP_TOLERANCE) >= begin)
    }

    /// What it means that a log delivered at about `stamp` is named by no digest.
    pub fn meaning(&self, stamp: Option<Timestamp>) -> Unnamed {
        let Some(stamp) = stamp else { return Unnamed::Stray };
        let (from, to) = (stamp.plus(-STAMP_TOLERANCE), stamp.plus(STAMP_TOLERANCE));
        let is_proven = find(&self.proven, from).is_some_and(|window| window.end >= to);
        let meets_hole = self.holes.iter().any(|hole| hole.start < to && hole.end > from);
        if is_proven && !meets_hole {
            return Unnamed::Unreferenced;
        }
        match self.newest_end {
            Some(newest) if to >= newest && stamp.since(newest) < PENDING => Unnamed::Pending,
            _ => Unnamed::OutsideCoverage,
        }
    }
}

/// Overlapping and touching spans made one, in order.
pub fn merge_intervals(spans: impl IntoIterator<Item = Interval>) -> Vec<Interval> {
    let mut spans: Vec<Interval> = spans.into_iter().collect();
    spans.sort_unstable();
    let mut merged: Vec<Interval> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// The span that holds `time`, among ordered disjoint ones.
fn find(spans: &[Interval], time: Timestamp) -> Option<&Interval> {
    let after = spans.partition_point(|span| span.start <= time);
    spans[..after].last().filter(|span| span.end > time)
}
