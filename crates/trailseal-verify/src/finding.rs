//! Findings: what was seen, of which object, and how much it weighs.

use serde::{Deserialize, Serialize};
use trailseal_archive::Timestamp;

use crate::chain_id::ChainId;

/// How much a finding weighs (docs/spec/verification.md 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Altered, removed, planted or forged, and proven so: exit status 1.
    Violation,
    /// Could not be proven: exit status 3.
    Unproven,
    /// Worth knowing.
    Note,
}

macro_rules! codes {
    ($($name:ident = $text:literal, $severity:ident, $doc:literal;)*) => {
        /// What was found; the names are those of docs/spec/verification.md 5.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] #[serde(rename = $text)] $name,)*
        }

        impl Code {
            /// Every code, in the order of its text.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code's text in reports.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The severity it has unless the circumstances change it.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    AccountAbsent = "account_absent", Unproven, "An expected account has no digest and no log.";
    AccountUnexpected = "account_unexpected", Unproven, "An account that is not expected has digests or logs here.";
    AlgorithmUnsupported = "algorithm_unsupported", Unproven, "Another algorithm than the one known is stated.";
    BackfillTimeUnknown = "backfill_time_unknown", Note, "A backfill digest without its generation time.";
    BaselineNotCompared = "baseline_not_compared", Note, "Nothing of the earlier report lies in what was asked for.";
    CopyOfVerified = "copy_of_verified", Note, "A further copy of a file that is proven.";
    CoverageEndsEarly = "coverage_ends_early", Unproven, "The newest digest ends before `--to`.";
    CoverageHole = "coverage_hole", Unproven, "A span inside what was asked for that is not proven, and of which nothing else speaks.";
    CoverageStartsLate = "coverage_starts_late", Unproven, "Logs, or `--from`, are older than the first digest.";
    DigestAltered = "digest_altered", Violation, "A digest's bytes are not those that were signed.";
    DigestConflict = "digest_conflict", Violation, "Two digests name one log with different hashes.";
    DigestMalformed = "digest_malformed", Violation, "A digest file that is not a digest.";
    DigestMissing = "digest_missing", Violation, "A digest that its successor names is not there.";
    DigestNotInArchive = "digest_not_in_archive", Unproven, "A digest's predecessor lies in a bucket or prefix that is not in the archive.";
    DigestTrailingData = "digest_trailing_data", Violation, "Bytes or a gzip member after a digest's content.";
    DigestUnreadable = "digest_unreadable", Unproven, "A digest file that cannot be read.";
    DigestsMissingInferred = "digests_missing_inferred", Violation, "More digests are missing than the one that is named.";
    FolderUnreadable = "folder_unreadable", Unproven, "A folder that cannot be read.";
    Fork = "fork", Violation, "Two validly signed digests claim one place.";
    Gap = "gap", Unproven, "A chain ends and a new one starts later.";
    HeadBehindPeers = "head_behind_peers", Unproven, "This chain's newest digest is older than that of its peers.";
    HeadRolledBack = "head_rolled_back", Violation, "The newest digest is older than that of an earlier report.";
    HeadStale = "head_stale", Unproven, "Something is newer than the newest digest by more than it may be.";
    KeyOutsideValidity = "key_outside_validity", Note, "A digest ends outside the validity stated for its key.";
    KeyUnknown = "key_unknown", Unproven, "No trusted key has the fingerprint.";
    LayoutLost = "layout_lost", Note, "Files that were found by name and hash, not by their place.";
    Leftover = "leftover", Note, "What desktops, copies and archives leave behind.";
    LimitExceeded = "limit_exceeded", Violation, "An object exceeds a limit.";
    LocationMismatch = "location_mismatch", Violation, "A valid digest in another digest's place.";
    LogAltered = "log_altered", Violation, "A log's content is not what was signed.";
    LogCorrupt = "log_corrupt", Violation, "A log's gzip data are damaged.";
    LogEmpty = "log_empty", Violation, "A log of zero bytes.";
    LogExtraMember = "log_extra_member", Violation, "A gzip member after a log's content.";
    LogFoundElsewhere = "log_found_elsewhere", Note, "The content of a missing or altered log, under another name.";
    LogMissing = "log_missing", Violation, "A log that an authentic digest names is not there.";
    LogNamedTwice = "log_named_twice", Note, "Two digests name one log, with one hash.";
    LogNotInArchive = "log_not_in_archive", Unproven, "A named log lies in a bucket or prefix that is not in the archive.";
    LogOutsideCoverage = "log_outside_coverage", Unproven, "A log that no digest names, where no digest speaks.";
    LogPending = "log_pending", Unproven, "A log too new for a digest.";
    LogSwapped = "log_swapped", Violation, "Two logs hold each other's content.";
    LogTrailingData = "log_trailing_data", Violation, "Bytes after a log's content.";
    LogTruncated = "log_truncated", Violation, "A log that is cut short.";
    LogUnproven = "log_unproven", Unproven, "A log whose digest is not authentic.";
    LogUnreadable = "log_unreadable", Unproven, "A log that cannot be read.";
    LogUnreferenced = "log_unreferenced", Unproven, "A log in a proven window that no digest names.";
    NameMismatch = "name_mismatch", Violation, "A digest's name or folder says another thing than its content.";
    NoDigests = "no_digests", Unproven, "Logs, but no digest.";
    NotCopied = "not_copied", Unproven, "What lies in a day folder of which the archive has nothing.";
    RegionAbsent = "region_absent", Unproven, "An expected region has no digest and no log.";
    RewrittenHistory = "rewritten_history", Violation, "The head of an earlier report is no longer in its chain.";
    RootAddsNothing = "root_adds_nothing", Note, "A folder that was given and in which nothing was asked for.";
    SidecarMalformed = "sidecar_malformed", Unproven, "Object metadata that cannot be read.";
    SignatureMalformed = "signature_malformed", Violation, "A signature that is no signature.";
    SignatureMismatch = "signature_mismatch", Violation, "A signature that the key did not make.";
    SignatureSourcesDisagree = "signature_sources_disagree", Unproven, "Two sources hold different signatures of one digest.";
    SignatureUnavailable = "signature_unavailable", Unproven, "No signature of a chain's end.";
    StampMismatch = "stamp_mismatch", Unproven, "A log whose name and date folder state different days.";
    StoredInflated = "stored_inflated", Note, "A file that is stored inflated.";
    StrayObject = "stray_object", Unproven, "An object that is neither digest nor log.";
    SymlinkAlias = "symlink_alias", Note, "A symbolic link that is another name of a file of the archive.";
    SymlinkLoop = "symlink_loop", Note, "A symbolic link that leads in a circle.";
    SymlinkNotFollowed = "symlink_not_followed", Unproven, "A symbolic link that leaves the roots or leads nowhere.";
    TailCut = "tail_cut", Violation, "The oldest digest names a predecessor that is not there.";
    WindowAnomaly = "window_anomaly", Note, "Windows that overlap, run backwards, or are far from an hour.";
    WindowDiscontinuity = "window_discontinuity", Unproven, "Linked digests with a hole between their windows.";
}

impl std::str::FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|code| code.text() == text);
        known.copied().ok_or_else(|| format!("{text:?} is no finding code"))
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// How much it weighs.
    pub severity: Severity,
    /// The S3 key of the object that is spoken of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The file, as it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The trail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trail: Option<String>,
    /// The key of the digest that speaks of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What should have been there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// Start of the span that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// End of the span that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    /// How many objects are meant, where it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// One plain sentence, without a full stop.
    pub message: String,
}

impl Finding {
    /// A finding with its usual severity.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            key: None,
            bucket: None,
            path: None,
            organization: None,
            account: None,
            region: None,
            trail: None,
            digest: None,
            expected: None,
            actual: None,
            start: None,
            end: None,
            count: None,
            message: message.into(),
        }
    }

    /// With another severity.
    #[must_use]
    pub fn weighing(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// About this object.
    #[must_use]
    pub fn about(mut self, bucket: Option<&str>, key: &str) -> Self {
        self.bucket = bucket.map(str::to_owned);
        self.key = Some(key.to_owned());
        self
    }

    /// Found at this path.
    #[must_use]
    pub fn found_at(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Of this chain.
    #[must_use]
    pub fn of_chain(mut self, id: &ChainId) -> Self {
        self.trail = Some(id.trail.clone());
        self.of_place(id.organization.as_deref(), &id.account, &id.region)
    }

    /// Of this account and region.
    #[must_use]
    pub fn of_place(mut self, organization: Option<&str>, account: &str, region: &str) -> Self {
        let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        self.organization = organization.map(str::to_owned);
        self.account = known(account);
        self.region = known(region);
        self
    }

    /// Over this span.
    #[must_use]
    pub fn spanning(mut self, start: Timestamp, end: Timestamp) -> Self {
        (self.start, self.end) = (Some(start), Some(end));
        self
    }

    /// Expected this, found that.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        (self.expected, self.actual) = (Some(expected.into()), Some(actual.into()));
        self
    }

    /// Said by the digest with this key.
    #[must_use]
    pub fn said_by(mut self, digest: &str) -> Self {
        self.digest = Some(digest.to_owned());
        self
    }

    /// So many.
    #[must_use]
    pub fn counting(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// The order of a report: organization, account, region, trail, time, code, key, then the rest, so
    /// that the order is total.
    pub fn sort_key(&self) -> impl Ord + '_ {
        let time = self.start.or(self.end);
        let place = (&self.organization, &self.account, &self.region, &self.trail);
        (place, time, self.code.text(), &self.key, &self.path, (&self.bucket, &self.digest, &self.message))
    }
}

#[cfg(test)]
mod tests;
