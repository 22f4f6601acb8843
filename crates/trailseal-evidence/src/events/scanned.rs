//! Lookups over files that are read anew for every page.

use std::{ops::ControlFlow, sync::Mutex};

use trailseal_query::{
    Filter,
    lookup::{AskedPage, LookupSource, Position, RecordPage, RecordPlace},
};

use super::{LookupError, keys::account};
use crate::{
    Progress,
    inputs::FileSource,
    scan::{self, ScanOptions, Summary},
};

/// Files that are scanned for every page.
pub struct ScannedEvents<'a> {
    files: &'a dyn FileSource,
    options: ScanOptions<'a>,
    fingerprint: u64,
    progress: &'a dyn Progress,
    /// What the first scan read: later ones see the same.
    first: Mutex<Option<Summary>>,
}

impl<'a> ScannedEvents<'a> {
    /// Over these files, with the fingerprint that tokens are to be bound to. Of the options the times are those of the
    /// request.
    pub fn new(
        files: &'a dyn FileSource,
        fingerprint: u64,
        options: ScanOptions<'a>,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { files, options, fingerprint, progress, first: Mutex::new(None) }
    }

    /// What was read.
    pub fn summary(self) -> Summary {
        self.first.into_inner().unwrap_or_default().unwrap_or_default()
    }
}

impl LookupSource for ScannedEvents<'_> {
    type Error = LookupError;

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Nobody has looked.
    fn is_all_of(&self, _: &str) -> bool {
        false
    }

    fn page(&self, asked: &AskedPage<'_>) -> Result<RecordPage, LookupError> {
        // Not narrowed to what lies behind the position: which files are read must not change from page to page.
        let options = ScanOptions { from: asked.lookup.start, to: asked.lookup.end, ..self.options.clone() };
        let filter = Filter::new(asked.lookup.predicate_with_times());
        let (page, summary) = scan::fold(
            self.files,
            &options,
            &filter,
            self.progress,
            &|| asked.page(),
            &|page: &mut RecordPage, row| {
                let is_of_account =
                    asked.account.is_none_or(|wanted| account(&row.record).as_deref() == Some(wanted));
                if is_of_account {
                    let place = RecordPlace { file: row.file.index, number: row.number };
                    let bytes = row.record.bytes();
                    page.offer(Position::of(&row.record, place), place, bytes.len(), || bytes.into());
                }
                ControlFlow::Continue(())
            },
        )?;
        if let Ok(mut first) = self.first.lock() {
            first.get_or_insert(summary);
        }
        Ok(page)
    }
}
