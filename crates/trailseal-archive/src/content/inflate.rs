//! The layer that inflates gzip: all members, one after the other.

use std::io::{self, Read};

use crate::gzip::{Ending, Inflater};

use super::{
    Reason,
    source::{Allowance, Source},
};

pub(super) struct GzipContent<'s, 'a> {
    inflater: &'s mut Inflater,
    source: &'s mut Source<'a>,
    allowance: Allowance,
    failure: Option<Reason>,
}

impl<'s, 'a> GzipContent<'s, 'a> {
    pub(super) fn new(inflater: &'s mut Inflater, source: &'s mut Source<'a>, allowance: Allowance) -> Self {
        inflater.start_all_members(u64::MAX);
        Self { inflater, source, allowance, failure: None }
    }

    /// Why the content has ended, if that is not its end.
    fn ending(&self) -> Option<Reason> {
        // a file that cannot be read on is not a truncated one
        if let Some(reason) = self.source.failure() {
            return Some(reason.clone());
        }
        Some(match self.inflater.ending() {
            Ending::Complete | Ending::Empty | Ending::ExtraMember { .. } => return None,
            Ending::TrailingData { bytes } => Reason::TrailingData { bytes: *bytes, after: "the gzip data" },
            Ending::Truncated => Reason::Truncated { within: "the gzip data" },
            Ending::Corrupt { reason } if self.inflater.fails_trailer() => {
                Reason::Checksum { what: reason.clone() }
            }
            Ending::Corrupt { reason } => Reason::corrupt(reason),
            Ending::LimitExceeded { limit } => Reason::EntryTooLarge { limit: *limit },
        })
    }
}

impl Read for GzipContent<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.failure.is_none() {
            let length = self.inflater.fill(&mut self.source.quiet(), out)?;
            if length > 0 {
                self.failure = self.allowance.spend(length).err();
                return Ok(length);
            }
            self.failure = self.ending();
        }
        match &self.failure {
            Some(reason) => Err(reason.clone().at(self.inflater.inflated()).into()),
            None => Ok(0),
        }
    }
}
