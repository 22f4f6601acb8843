//! What became of a file, told once it was read.

use std::ops::ControlFlow;

use trailseal_archive::{Timestamp, key::ObjectKind};
use trailseal_query::scan::{Counts, LeftOut};

use super::{ColumnFold, ColumnRows, Fold, Row, Skipped, Summary};
use crate::{
    read::SIDECAR,
    sort::{log_base, place_by_name, stamp_within},
};

/// A file that was read, or a member of an archive file: what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd<'a> {
    /// Its path as the user would write it, as [`FileInfo::shown`](super::FileInfo::shown).
    pub shown: &'a str,
    /// Its place in archive order, as [`FileInfo::index`](super::FileInfo::index).
    pub index: u64,
    /// Whether it is a member of an archive file, which has an end of its own after those of its members.
    pub is_member: bool,
    /// How many members were read in it: it is an archive file if there are any.
    pub members: u64,
    /// What was seen in it and in its members.
    pub counts: Counts,
    /// Why it was not read, or not as JSON.
    pub skipped: Option<Skipped>,
    /// Places in it that are damaged; of an archive file those of its members, too.
    pub damages: u64,
}

impl<'a> FileEnd<'a> {
    /// Its name without folders.
    pub fn name(&self) -> &'a str {
        let member = if self.is_member { self.shown.rsplit('!').next() } else { None };
        let path = member.unwrap_or(self.shown);
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The account, region and kind that its name states, if it is one of a digest or log.
    pub fn place(&self) -> Option<(&'a str, &'a str, ObjectKind)> {
        if self.is_sidecar() { None } else { place_by_name(self.name()) }
    }

    /// What of its name is the log's own, whatever copies added before and behind; `None` if it is no log's.
    pub fn own_name(&self) -> Option<&'a str> {
        log_base(self.name())
    }

    /// When it was delivered by its name, if that is one of a log.
    pub fn delivered(&self) -> Option<Timestamp> {
        stamp_within(self.name())
    }

    /// Whether its name says that it holds the metadata of an object.
    pub fn is_sidecar(&self) -> bool {
        self.name().ends_with(SIDECAR)
    }

    /// How many values in it are of that nature, and no events.
    pub fn left_out(&self, nature: LeftOut) -> u64 {
        let mut all = LeftOut::ALL.iter().zip(self.counts.left_out);
        all.find(|(kind, _)| **kind == nature).map_or(0, |(_, count)| count)
    }
}

/// Who hears of what a thread finds.
pub(super) trait OnFound {
    /// A row; breaks when there are enough.
    fn row(&mut self, row: &Row<'_>) -> ControlFlow<()>;

    /// All rows of a file that is not read; breaks when there are enough.
    fn columns(&mut self, _: &ColumnRows<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// What became of a file, after its rows.
    fn file(&mut self, _: &FileEnd<'_>) {}
}

impl<F: FnMut(&Row<'_>) -> ControlFlow<()>> OnFound for F {
    fn row(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        self(row)
    }
}

/// A part of what is folded, and how rows are added to it.
pub(super) struct FoldPart<'p, P> {
    pub(super) part: &'p mut P,
    pub(super) add: &'p (dyn Fn(&mut P, &Row<'_>) -> ControlFlow<()> + Sync),
    pub(super) columns: Option<&'p ColumnFold<'p, P>>,
}

impl<P: Fold> OnFound for FoldPart<'_, P> {
    fn row(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        (self.add)(self.part, row)
    }

    fn columns(&mut self, rows: &ColumnRows<'_>) -> ControlFlow<()> {
        self.columns.map_or(ControlFlow::Continue(()), |columns| (columns.add)(self.part, rows))
    }

    fn file(&mut self, end: &FileEnd<'_>) {
        self.part.file(end);
    }
}

/// What a summary said before a file was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    counts: Counts,
    skipped: [(u64, u64); Skipped::ALL.len()],
    damages: u64,
}

impl Before {
    pub(super) fn of(summary: &Summary) -> Self {
        Self { counts: summary.counts, skipped: summary.skipped, damages: summary.damages }
    }

    /// What the file made of it.
    pub(super) fn end<'a>(&self, summary: &Summary, shown: &'a str, index: u64) -> FileEnd<'a> {
        let is_more = |why: &Skipped| summary.skipped[why.index()].0 > self.skipped[why.index()].0;
        FileEnd {
            shown,
            index,
            is_member: false,
            members: 0,
            counts: summary.counts.since(&self.counts),
            skipped: Skipped::ALL.into_iter().find(is_more),
            damages: summary.damages.saturating_sub(self.damages),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(shown: &str, is_member: bool) -> FileEnd<'_> {
        FileEnd {
            shown,
            index: 0,
            is_member,
            members: 0,
            counts: Counts::default(),
            skipped: None,
            damages: 0,
        }
    }

    #[test]
    fn names_say_what_a_file_should_be() {
        let log = "111122223333_CloudTrail_us-east-1_20240301T0015Z_AbCdEfGhIjKlMnOp.json.gz";
        for (shown, is_member) in [(format!("a!b/{log}"), false), (format!("a.zip!b/{log}"), true)] {
            let end = end(&shown, is_member);
            assert_eq!(end.name(), log);
            assert_eq!(end.place(), Some(("111122223333", "us-east-1", ObjectKind::Log)));
            assert_eq!(end.own_name(), log.strip_suffix(".json.gz"));
            assert_eq!(end.delivered(), Timestamp::parse_loose("2024-03-01T00:15:00Z").ok());
        }
        assert_eq!(end("a.zip!x.json", true).name(), "x.json");
        assert_eq!(end("a!x.json", false).name(), "a!x.json");
        let sidecar = format!("{log}.metadata.json");
        assert!(end(&sidecar, false).is_sidecar() && end(&sidecar, false).place().is_none());
    }
}
