//! Is it untouched? Public keys, signatures, hashes and chain links of CloudTrail digest files.
//!
//! Everything here is a pure function over bytes and plain types: no files, no threads, no clock. The
//! rules are those of the project's page on verification; every finding code is one of its table.
//!
//! The steps, in order:
//! 1. [`KeyFile::parse`] reads the keys that the user trusts;
//! 2. [`examine()`] turns the bytes of one digest file into a row, alone;
//! 3. [`assess`] judges all rows of an account and region: authenticity, links, gaps;
//! 4. [`judge_log`] compares a log with its digest, [`Covered`] says what an unnamed log means.
//!
//! `trailseal-evidence` reads the files and gathers the judgements of all into a report.

mod chain;
mod chain_id;
mod der;
mod digest;
mod examine;
mod finding;
mod keys;
mod limits;
mod logs;
mod policy;
mod signature;

pub use chain::{Assessment, Chain, Gap, HOUR, Judgement, Status, assess, check_heads};
pub use chain_id::{ChainId, ChainKind, Interval};
pub use digest::{Digest, DigestError, NamedLog, ObjectKey, Previous};
pub use examine::{
    DigestContent, DigestFile, DigestRow, Evidence, FoundAt, Trailing, examine, named_chain,
    parse_digest_file,
};
pub use finding::{Code, Finding, Severity};
pub use keys::{KeyDefect, KeyDefectReason, KeyEncoding, KeyFile, KeyRing, PublicKey};
pub use limits::Limits;
pub use logs::{Covered, FoundLog, LogVerdict, Observation, Unnamed, Vouched, judge_log, merge_intervals};
pub use policy::{PENDING, Policy, STAMP_TOLERANCE};
pub use signature::{Signature, SignatureCheck, SignatureSource, check_signature};
