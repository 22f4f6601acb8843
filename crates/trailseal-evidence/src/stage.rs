//! An account and Region on its way from files to an outcome. Every step makes a type of its own, so that what was not
//! done cannot be asked for:
//!
//! | step | what is known then |
//! | --- | --- |
//! | [`Listed`] | its files, and what each is |
//! | [`DigestsRead`] | what its digest files hold, each looked at alone |
//! | [`Assessed`] | where buckets lie, which digests are authentic, the chains |
//! | [`Located`] | the file of every log that a digest names |
//! | [`Matched`] | the files that none names, and what they may be copies of |
//! | [`Judged`] | what became of every log, once its file was hashed ([`Observed`]) |
//!
//! A ledger stops at [`Matched`]: it hashes nothing.

mod assessed;
mod digests;
mod judged;
mod listed;
mod located;
mod matched;
mod observed;
mod search;
mod told;
mod unnamed;

pub use judged::{LogEntry, RegionDetail};

pub(crate) use assessed::Assessed;
pub(crate) use digests::DigestsRead;
pub(crate) use judged::{Judged, report_log};
pub(crate) use listed::{Listed, problem_finding};
pub(crate) use located::Located;
pub(crate) use matched::Matched;
pub(crate) use observed::Observed;
pub(crate) use unnamed::{Twin, UnnamedFile};
