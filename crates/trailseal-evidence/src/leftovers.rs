//! What desktops, copies and archives left among the files, by kind.

use std::collections::BTreeMap;

use trailseal_archive::leftover::Leftover;
use trailseal_verify::{Code, Finding};

/// Leftovers by kind: how many, and the first path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers(BTreeMap<&'static str, (u64, String)>);

impl Leftovers {
    pub(crate) fn add(&mut self, kind: Leftover, path: &str) {
        self.take(kind.as_str(), 1, path);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|(kind, (count, path))| self.take(kind, *count, path));
    }

    fn take(&mut self, kind: &'static str, count: u64, path: &str) {
        let (sum, first) = self.0.entry(kind).or_insert_with(|| (0, path.to_owned()));
        *sum += count;
        if path < first.as_str() {
            path.clone_into(first);
        }
    }

    /// One note a kind (row 70).
    pub(crate) fn findings(&self) -> impl Iterator<Item = Finding> + '_ {
        self.0.iter().map(|(kind, (count, path))| {
            let message =
                format!("{count} files that desktops, copies or archives leave behind ({kind}); no logs");
            Finding::new(Code::Leftover, message).counting(*count).found_at(path)
        })
    }
}
