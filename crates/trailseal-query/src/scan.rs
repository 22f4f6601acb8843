//! The scan of one stream of content: finding its event records, and those among them that pass a filter, at
//! the speed of memory.
//!
//! A [`Scanner`] takes the content of a file in pieces of any size and shape (docs/spec/records.md 2.6). Records
//! that cannot match are passed over by looking for the filter's texts in their bytes; this only ever spares
//! work.

mod broken;
#[allow(clippy::inline_always, reason = "the loop over blocks must be compiled as a whole")]
mod cut;
#[cfg(test)]
mod pieces;
mod split;
mod unwrap;

use crate::{
    derived::FileFacts,
    filter::{Filter, Judged},
    json::Malformed,
    record::Record,
};

pub use split::{Next, TOO_LONG};
pub use unwrap::LeftOut;

use cut::Element;
use split::{Piece, Splitter};
use unwrap::{Unwrapped, is_base64_of_records, is_native, text_names_version, unwrap};

/// What was found in the content.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// A record that passes the filter.
    Match {
        /// The record.
        record: Record<'a>,
        /// Its place among the event records of the stream, from 1.
        number: u64,
        /// The byte of the stream at which it begins; `None` where the stream holds it in another form (in a string, in
        /// a payload) or within another object.
        at: Option<u64>,
    },
    /// Something that cannot be read.
    Damage {
        /// Where, in the stream.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

/// What was seen in a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Event records.
    pub records: u64,
    /// Those that passed the filter; aggregated events that did so besides, which are no records.
    pub matched: u64,
    /// How many of these are aggregated events.
    pub aggregated: u64,
    /// Those that did not, and that no filter of times can find, since their time cannot be read; only among those that
    /// were looked at for another reason, and only if the filter asks for times.
    pub untimed: u64,
    /// How many of the records stand as a whole within something else: neither as a value of the stream, nor told by the
    /// columns of a row.
    pub within: u64,
    /// Values that are none, in the order of [`LeftOut::ALL`].
    pub left_out: [u64; LeftOut::ALL.len()],
}

/// Scans one stream after the other.
#[derive(Debug)]
pub struct Scanner<'f> {
    filter: &'f Filter,
    /// The filter of the stream at hand, if it asks for something of its file.
    own: Option<Filter>,
    /// Whether matches are checked to be valid JSON.
    checks: bool,
    splitter: Splitter,
    counts: Counts,
    /// Why a stream that did not begin like JSON may hold events all the same.
    may_hold_events: Option<&'static str>,
}

impl<'f> Scanner<'f> {
    /// Scans for the records that pass a filter. With `checks`, one that matches and is no valid JSON is damage
    /// instead; without, only its brackets and strings are known to be in order.
    pub fn new(filter: &'f Filter, checks: bool) -> Self {
        Self {
            filter,
            own: None,
            checks,
            splitter: Splitter::new(),
            counts: Counts::default(),
            may_hold_events: None,
        }
    }

    /// Makes ready for another stream.
    pub fn start(&mut self) {
        self.splitter.start();
        self.counts = Counts::default();
        self.own = None;
        self.may_hold_events = None;
    }

    /// The same, for one of which the file is known.
    pub fn start_in(&mut self, file: &FileFacts<'_>) {
        self.start();
        self.own = self.filter.within(file);
    }

    /// What was seen since the start.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Why a stream that is no JSON and gave no event may hold some: it speaks of them, or it is base64.
    pub fn may_hold_events(&self) -> Option<&'static str> {
        self.may_hold_events.filter(|_| !self.is_json())
    }

    /// Whether the stream began like JSON, or an event was found in it, so that what could not be read of it is damage.
    pub fn is_json(&self) -> bool {
        self.splitter.began_as_json() || self.counts.records > 0
    }

    /// Takes the bytes that come next: those that an earlier call did not consume, and new ones behind them. Says
    /// how many it consumed.
    ///
    /// A record must lie in the buffer as a whole; [`Next::Full`] says that the buffer cannot grow, so that a
    /// record that does not fit is passed over as damage.
    pub fn feed(&mut self, bytes: &[u8], next: Next, visit: &mut dyn FnMut(Found<'_>)) -> usize {
        let Self { filter, own, checks, splitter, counts, may_hold_events } = self;
        let filter = own.as_ref().unwrap_or(filter);
        let base = splitter.offset();
        let consumed = splitter.feed(bytes, next, &mut |piece| match piece {
            Piece::Elements { bytes, elements } => {
                Batch { filter, checks: *checks, bytes, base, counts, visit }.elements(elements);
            }
            Piece::Scalars(count) => counts.leave_out(LeftOut::Foreign, count),
            Piece::Damage { offset, reason } => visit(Found::Damage { offset, reason }),
        });
        if !splitter.began_as_json() && may_hold_events.is_none() {
            *may_hold_events = match () {
                () if text_names_version(bytes) => Some("it speaks of eventVersion, and is no JSON"),
                () if base == 0 && is_base64_of_records(bytes) => {
                    Some("it is base64, which is read within JSON only")
                }
                () => None,
            };
        }
        consumed
    }
}

impl Counts {
    /// Adds what was seen elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.matched += other.matched;
        self.aggregated += other.aggregated;
        self.untimed += other.untimed;
        self.within += other.within;
        for (kind, count) in LeftOut::ALL.into_iter().zip(other.left_out) {
            self.leave_out(kind, count);
        }
    }

    /// What came to what was seen before.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let mut left_out = self.left_out;
        for (now, then) in left_out.iter_mut().zip(before.left_out) {
            *now -= then;
        }
        Self {
            records: self.records - before.records,
            aggregated: self.aggregated - before.aggregated,
            matched: self.matched - before.matched,
            untimed: self.untimed - before.untimed,
            within: self.within - before.within,
            left_out,
        }
    }

    fn leave_out(&mut self, kind: LeftOut, count: u64) {
        self.left_out[kind as usize] += count;
    }
}

/// Elements side by side.
struct Batch<'a, 'b> {
    filter: &'a Filter,
    checks: bool,
    bytes: &'b [u8],
    /// The place of the bytes in the stream.
    base: u64,
    counts: &'a mut Counts,
    visit: &'a mut dyn FnMut(Found<'_>),
}

impl Batch<'_, '_> {
    fn elements(&mut self, elements: &[Element]) {
        let Some(last) = elements.last() else { return };
        let Some(texts) = self.filter.texts() else {
            return elements.iter().for_each(|element| self.element(element, true));
        };
        // in step with the elements
        let mut hits = texts.hits(&self.bytes[..last.end]);
        for element in elements {
            let may_match = hits.stand_between(element.start, element.end) || !element.is_plain;
            self.element(element, may_match);
        }
    }

    #[inline]
    fn element(&mut self, element: &Element, may_match: bool) {
        let bytes = &self.bytes[element.start..element.end];
        if is_native(bytes) {
            self.counts.records += 1;
            if may_match {
                self.record(bytes, element.is_plain, element.start, true);
            }
        } else {
            self.wrapper(bytes, element);
        }
    }

    /// Anything that does not begin as CloudTrail's own files have it.
    fn wrapper(&mut self, bytes: &[u8], element: &Element) {
        unwrap(bytes, element.is_plain, &mut |unwrapped| match unwrapped {
            Unwrapped::Record { bytes, is_plain, is_element, is_row } => {
                self.counts.records += 1;
                self.counts.within += u64::from(!is_element && !is_row);
                self.record(bytes, is_plain, element.start, is_element);
            }
            Unwrapped::Aggregated { bytes, is_plain } => {
                self.counts.leave_out(LeftOut::Aggregated, 1);
                if self.filter.takes_aggregated() {
                    let before = self.counts.matched;
                    self.record(bytes, is_plain, element.start, false);
                    self.counts.aggregated += self.counts.matched - before;
                }
            }
            Unwrapped::LeftOut(kind) => self.counts.leave_out(kind, 1),
            Unwrapped::Damaged(reason) => self.damage(element.start, reason),
        });
    }

    /// `start` is the place of the element that holds it, or that it is.
    fn record(&mut self, bytes: &[u8], is_plain: bool, start: usize, is_element: bool) {
        let record = if is_plain { Record::plain(bytes) } else { Record::new(bytes) };
        match self.filter.judge(&record) {
            Judged::Wanted => {}
            Judged::Unwanted => return,
            Judged::Untimed => return self.counts.untimed += 1,
        }
        if self.checks
            && let Err(Malformed { offset }) = record.check()
        {
            return self.damage(start + offset, "a record that is no valid JSON");
        }
        self.counts.matched += 1;
        let at = is_element.then(|| self.base + start as u64);
        (self.visit)(Found::Match { record, number: self.counts.records, at });
    }

    fn damage(&mut self, at: usize, reason: &'static str) {
        (self.visit)(Found::Damage { offset: self.base + at as u64, reason });
    }
}
