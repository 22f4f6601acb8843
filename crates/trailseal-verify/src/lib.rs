//! Is it untouched? Public keys, signatures, hashes and chain links of CloudTrail digest files.
//!
//! Everything here is a pure function over bytes and plain types: no files, no threads, no clock. The
//! rules are those of the project's page on verification; every finding code is one of its table.
//!
//! The steps, in order:
//! 1. [`keys::KeyFile::parse`] reads the keys that the user trusts;
//! 2. [`link::examine`] turns the bytes of one digest file into a row, alone;
//! 3. [`chain::assess`] judges all rows of an account and region: authenticity, links, gaps;
//! 4. [`logs::judge`] compares a log with its digest, [`logs::Covered`] says what an unnamed log means.
//!
//! `trailseal-evidence` reads the files and gathers the judgements of all into a report.

pub mod chain;
mod der;
pub mod digest;
pub mod finding;
pub mod keys;
pub mod limits;
pub mod link;
pub mod logs;
pub mod parts;
pub mod policy;
pub mod signature;
