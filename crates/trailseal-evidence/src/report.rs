//! What `verify` says, as data: the schema `trailseal.verify/1` (docs/spec/verification.md 4).

use serde::{Deserialize, Serialize};
use trailseal_archive::Timestamp;

pub use trailseal_verify::{ChainId, ChainKind, Code, Finding, Gap, Interval, Severity};

/// Name and version of the program.
pub const TOOL: &str = concat!("trailseal ", env!("CARGO_PKG_VERSION"));

/// The name and version of the schema.
pub const SCHEMA: &str = "trailseal.verify/1";

/// The whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// Name and version of the program that judged.
    pub tool: &'static str,
    /// One word for everything in scope.
    pub verdict: Verdict,
    /// The process's exit status that belongs to the verdict.
    pub exit_status: u8,
    /// What was looked at.
    pub scope: Scope,
    /// Counts over all chains.
    pub totals: Totals,
    /// One entry a chain, ordered.
    pub chains: Vec<ChainReport>,
    /// All findings, ordered by (organization, account, region, trail, time, code, key).
    pub findings: Vec<Finding>,
}

/// The verdict over everything in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything in scope is proven.
    Verified,
    /// At least one violation is proven.
    Violated,
    /// No violation, but not everything could be proven.
    Unproven,
    /// Nothing that was not allowed, but what was allowed leaves nothing, or not all that digests name, proven.
    Allowed,
}

impl Verdict {
    /// The exit status: 0, 1 or 3 (docs/spec/verification.md 3).
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Verified | Self::Allowed => 0,
            Self::Violated => 1,
            Self::Unproven => 3,
        }
    }

    /// Upper-case, as the last line of the text says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Verified => "VERIFIED",
            Self::Violated => "VIOLATED",
            Self::Unproven => "UNPROVEN",
            Self::Allowed => "ALLOWED",
        }
    }
}

/// What was looked at, and what weakened the judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scope {
    /// The roots as given.
    pub roots: Vec<String>,
    /// `--from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<Timestamp>,
    /// `--to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// `--as-of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// `--account`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// `--region`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// `--trail`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trails: Vec<String>,
    /// Whether the user stated which trails deliver: `sole_trail`, or `trails` with `--trails`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<&'static str>,
    /// Whether an earlier report was compared with (`--baseline`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub baseline: bool,
    /// `--expect-account`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_accounts: Vec<String>,
    /// `--expect-region`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected_regions: Vec<String>,
    /// Codes that `--allow` turned into notes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<Code>,
    /// Indexes from which hashes of content were taken, for files whose stored bytes are those that were indexed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub index: Vec<ScopeIndex>,
    /// The keys that were trusted.
    pub keys: Vec<ScopeKey>,
    /// Where buckets were taken to lie, inferred from the digests or stated with `--map`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mappings: Vec<Mapping>,
}

/// An index that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeIndex {
    /// Its folder.
    pub path: String,
    /// When it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<Timestamp>,
    /// Files of which the hash of the content was taken from it.
    pub files: u64,
}

/// One trusted key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScopeKey {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The file it came from.
    pub file: String,
    /// SHA-256 of that file, hex.
    pub file_sha256: String,
    /// Start of the stated validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_start: Option<Timestamp>,
    /// End of the stated validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_end: Option<Timestamp>,
}

/// A place in S3 and the folder that holds its copy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mapping {
    /// The bucket.
    pub bucket: String,
    /// The key prefix, empty or ending in `/`.
    pub prefix: String,
    /// The folder.
    pub folder: String,
    /// Whether it was inferred rather than stated.
    pub inferred: bool,
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Digest files.
    pub digests: DigestTotals,
    /// Log files.
    pub logs: LogTotals,
    /// What became of every file that was looked at.
    pub files: FileTotals,
    /// Seconds without a digest because logging stopped, explained or not, allowed or not; those of all chains
    /// together.
    pub gap_seconds: u64,
    /// Inflated bytes that were hashed.
    pub bytes_inflated: u64,
}

/// Counts of files by what they are: `found` is the sum of all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FileTotals {
    /// In the roots, as far as accounts and regions were asked for.
    pub found: u64,
    /// Read as digest files, in scope or not.
    pub digests: u64,
    /// Log files that digests name, in scope or not.
    pub logs: u64,
    /// Further copies of proven log files.
    pub copies: u64,
    /// Among the logs, and named by no digest; each has a finding, if it was asked for.
    pub unnamed: u64,
    /// Object metadata.
    pub metadata: u64,
    /// Key files.
    pub keys: u64,
    /// Empty files that stand for folders.
    pub markers: u64,
    /// What desktops, copies and archives leave behind.
    pub leftovers: u64,
    /// Links that are other names of files, or were not followed.
    pub aliases: u64,
    /// Neither, where log and digest files are expected; each has a finding.
    pub strays: u64,
    /// Elsewhere, and nothing of CloudTrail's: not judged.
    pub others: u64,
}

impl FileTotals {
    /// Adds the counts of other files.
    pub fn add(&mut self, more: &Self) {
        let Self {
            found,
            digests,
            logs,
            copies,
            unnamed,
            metadata,
            keys,
            markers,
            leftovers,
            aliases,
            strays,
            others,
        } = more;
        self.found += found;
        self.digests += digests;
        self.logs += logs;
        self.copies += copies;
        self.unnamed += unnamed;
        self.metadata += metadata;
        self.keys += keys;
        self.markers += markers;
        self.leftovers += leftovers;
        self.aliases += aliases;
        self.strays += strays;
        self.others += others;
    }
}

/// Counts of digest files: `found` is the sum of `verified`, `violated` and `unproven`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DigestTotals {
    /// In the archive and in scope.
    pub found: u64,
    /// Authentic and untouched.
    pub verified: u64,
    /// Proven to be altered, forged or out of place.
    pub violated: u64,
    /// Could not be proven.
    pub unproven: u64,
    /// Named by a successor, or inferred, and not there.
    pub missing: u64,
}

/// Counts of log files: `named` is the sum of `verified`, `violated`, `unproven` and `missing`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogTotals {
    /// Named by a digest in scope.
    pub named: u64,
    /// Named by an authentic digest with the hash they have.
    pub verified: u64,
    /// Proven not to be what was signed.
    pub violated: u64,
    /// Named, but not provable.
    pub unproven: u64,
    /// Of the unproven ones, those of days of which the archive has nothing.
    pub not_copied: u64,
    /// Named by an authentic digest and not there.
    pub missing: u64,
    /// In a proven window, but named by no digest.
    pub unreferenced: u64,
    /// Newer than the newest digest by less than two hours.
    pub pending: u64,
    /// Where no digest speaks.
    pub outside_coverage: u64,
}

/// One digest chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainReport {
    /// Which chain it is.
    #[serde(flatten)]
    pub id: ChainId,
    /// Digest files found.
    pub digests: u64,
    /// Digest files verified.
    pub digests_verified: u64,
    /// Log files named.
    pub logs: u64,
    /// Log files verified.
    pub logs_verified: u64,
    /// Windows whose digests and logs are all proven, contiguous ones merged.
    pub proven: Vec<Interval>,
    /// Windows that no digest covers.
    pub gaps: Vec<Gap>,
    /// The newest authentic digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<NewestDigest>,
    /// Hour by hour, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
}

/// The newest authentic digest of a chain: what a later run compares itself with (`--baseline`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestDigest {
    /// Its key.
    pub key: String,
    /// End of its window.
    pub end: Timestamp,
    /// SHA-256 of its inflated bytes, hex.
    pub sha256: String,
}

/// One character an hour: `P` proven, `V` violated, `U` unproven, `G` gap, `.` nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// The full hour of UTC at which the first character stands.
    pub start: Timestamp,
    /// The characters.
    pub hours: String,
}
