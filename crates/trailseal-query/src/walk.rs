//! One walk over a record: that it is valid JSON, where its members stand, and every string and number in it.
//!
//! For what reads every record whole, as making an index does. All that is told of a record could be asked of it member by
//! member; this is faster, and tests hold that it is the same.

mod identities;
#[allow(clippy::inline_always, reason = "the loop over blocks must be compiled as a whole")]
mod marks;
mod members;

use std::ops::ControlFlow;

use crate::{
    json::{Malformed, Text},
    needed::{WholeValue, may_hold_document, values_of_text},
};

pub use members::{Member, WalkedRecord};

use identities::Identities;
use marks::StringMarks;
use members::Place;

/// Takes the values of a record one by one.
pub trait ValueVisitor {
    /// The characters of a string, in UTF-8.
    fn text(&mut self, characters: &[u8]);
    /// A number as it is written.
    fn number(&mut self, number: &[u8]);
}

/// Why a record was not walked to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// It is no valid JSON.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// There are documents in texts within documents, deeper than is looked.
    #[error("documents within documents are too deep")]
    TooDeep,
}

/// Walks one record after the other.
#[derive(Debug, Default)]
pub struct RecordWalker {
    marks: StringMarks,
    /// Whether what lies around the object or array at hand is an object, the outermost first.
    around: Vec<bool>,
    identities: Identities,
}

impl RecordWalker {
    /// Shows everything again.
    pub fn forget(&mut self) {
        self.identities.forget();
    }

    /// Walks a record, from brace to brace. Shows `visitor` every string and number in it, names of members left out, and
    /// those of JSON documents in strings, as [`whole_values`](crate::needed::whole_values) does; some, too, if it fails. Those of
    /// a `userIdentity` that stood in a record before, since the walker [forgot](Self::forget), may be left out.
    ///
    /// # Errors
    /// [`WalkError`]; it is malformed where [`Record::check`](crate::Record::check) says so.
    pub fn walk<'a, V: ValueVisitor>(
        &mut self,
        record: &'a [u8],
        visitor: &mut V,
    ) -> Result<WalkedRecord<'a>, WalkError> {
        let Self { marks, around, identities } = self;
        if record.first() != Some(&b'{') || u32::try_from(record.len()).is_err() {
            return Err(Malformed { offset: 0 }.into());
        }
        if let Err(error) = str::from_utf8(record) {
            return Err(Malformed { offset: error.valid_up_to() }.into());
        }
        marks.mark(record)?;
        around.clear();
        let mut walk = MemberWalk {
            bytes: record,
            at: 0,
            quotes: marks.quotes(),
            backslashes: marks.backslashes(),
            around,
            is_object: false,
            depth: 0,
            places: [Place::Other; TRACKED],
            starts: [0; TRACKED],
            walked: WalkedRecord::new(record),
            identities,
            identity: None,
            visitor,
        };
        walk.values()?;
        walk.skip_space();
        if walk.at != record.len() {
            return Err(walk.malformed().into());
        }
        Ok(walk.walked)
    }
}

/// Depths at which members are told from one another, and 0.
const TRACKED: usize = 4;

struct MemberWalk<'w, 'a, V> {
    bytes: &'a [u8],
    at: usize,
    /// The quotes that are still to come: those of each string, one behind the other.
    quotes: &'w [u32],
    /// The backslashes that are still to come.
    backslashes: &'w [u32],
    around: &'w mut Vec<bool>,
    /// Whether an object is open, and not an array.
    is_object: bool,
    /// Objects and arrays that are open.
    depth: usize,
    /// At each depth, what the value at hand is.
    places: [Place; TRACKED],
    starts: [usize; TRACKED],
    walked: WalkedRecord<'a>,
    identities: &'w mut Identities,
    /// Quotes and backslashes that were still to come where the identity at hand begins.
    identity: Option<(usize, usize)>,
    visitor: &'w mut V,
}

impl<'a, V: ValueVisitor> MemberWalk<'_, 'a, V> {
    fn malformed(&self) -> Malformed {
        Malformed { offset: self.at }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The value at hand and all that lies in it; then the place is behind it.
    fn values(&mut self) -> Result<(), WalkError> {
        loop {
            self.skip_space();
            if let Some(start) = self.starts.get_mut(self.depth) {
                *start = self.at;
            }
            match self.peek() {
                Some(b'"') => {
                    let text = self.string()?;
                    self.text(text)?;
                }
                Some(b'{') if self.is_known_identity() => {}
                Some(b'{') => {
                    self.open(true);
                    self.skip_space();
                    if self.peek() != Some(b'}') {
                        self.name()?;
                        continue;
                    }
                    self.close();
                }
                Some(b'[') => {
                    self.open(false);
                    self.skip_space();
                    if self.peek() != Some(b']') {
                        continue;
                    }
                    self.close();
                }
                Some(b'-' | b'0'..=b'9') => {
                    let start = self.at;
                    self.number()?;
                    self.visitor.number(&self.bytes[start..self.at]);
                }
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                _ => return Err(self.malformed().into()),
            }
            // what is behind it
            loop {
                self.keep();
                if self.depth == 0 {
                    return Ok(());
                }
                self.skip_space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if self.is_object {
                            self.skip_space();
                            self.name()?;
                        }
                        break;
                    }
                    Some(b'}') if self.is_object => self.close(),
                    Some(b']') if !self.is_object => self.close(),
                    _ => return Err(self.malformed().into()),
                }
            }
        }
    }

    /// Whether an identity begins here that was walked before; it is passed over then.
    #[inline]
    fn is_known_identity(&mut self) -> bool {
        if self.depth != 1 || self.places[1] != Place::Member(Member::UserIdentity) {
            return false;
        }
        let found = self.bytes.get(self.at..).and_then(|rest| self.identities.at_start_of(rest));
        let Some(found) = found else {
            self.identity = Some((self.quotes.len(), self.backslashes.len()));
            return false;
        };
        let Some(quotes) = self.quotes.get(found.quotes..) else { return false };
        self.quotes = quotes;
        self.walked.keep_identity(found, self.at);
        self.at += found.bytes.len();
        true
    }

    /// Remembers the identity that ends here.
    fn remember(&mut self, start: usize) {
        let Some((quotes, backslashes)) = self.identity.take() else { return };
        let walked = &mut self.walked;
        // one with escapes is walked each time
        if backslashes != self.backslashes.len() {
            return;
        }
        let Some(identity) = self.bytes.get(start..self.at).and_then(|bytes| self.identities.add(bytes))
        else {
            return;
        };
        identity.quotes = quotes - self.quotes.len();
        walked.tell_identity(identity, start);
    }

    #[inline]
    fn open(&mut self, is_object: bool) {
        self.around.push(self.is_object);
        self.is_object = is_object;
        self.depth += 1;
        if let Some(place) = self.places.get_mut(self.depth) {
            *place = Place::Other;
        }
        self.at += 1;
    }

    #[inline]
    fn close(&mut self) {
        self.is_object = self.around.pop().unwrap_or_default();
        self.depth -= 1;
        self.at += 1;
    }

    /// Keeps where the value that ends here stands, if it is asked for.
    #[inline]
    fn keep(&mut self) {
        if let Some(place) = self.places.get(self.depth)
            && *place != Place::Other
        {
            let (place, start) = (*place, self.starts[self.depth]);
            self.walked.keep(place, start, self.at);
            if place == Place::Member(Member::UserIdentity) {
                self.remember(start);
            }
        }
    }

    /// The name of a member and its colon.
    #[inline]
    fn name(&mut self) -> Result<(), WalkError> {
        if self.peek() != Some(b'"') {
            return Err(self.malformed().into());
        }
        let name = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.malformed().into());
        }
        self.at += 1;
        if self.depth < TRACKED {
            if self.depth == 1 && name.is_escaped() {
                self.walked.has_escaped_name = true;
            }
            let place = Place::of(self.places[self.depth - 1], self.depth, name.raw());
            if place == Place::Member(Member::UserIdentity) {
                self.walked.forget_identity();
            }
            self.places[self.depth] = place;
        }
        Ok(())
    }

    /// The string that begins here.
    #[inline]
    fn string(&mut self) -> Result<Text<'a>, Malformed> {
        let [_, end, rest @ ..] = self.quotes else { return Err(self.malformed()) };
        let end = *end as usize;
        let start = self.at + 1;
        let raw = self.bytes.get(start..end).ok_or(self.malformed())?;
        self.quotes = rest;
        self.at = end + 1;
        let is_escaped = self.backslashes.first().is_some_and(|place| (*place as usize) < end);
        if is_escaped {
            self.escapes(start, raw)?;
        }
        Ok(Text::new(raw, is_escaped))
    }

    /// Checks what stands behind the backslashes of a string.
    #[cold]
    fn escapes(&mut self, start: usize, raw: &[u8]) -> Result<(), Malformed> {
        let end = start + raw.len();
        let passed = self.backslashes.partition_point(|place| (*place as usize) < end);
        self.backslashes = &self.backslashes[passed..];
        let mut at = 0;
        while let Some(found) = raw.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
            at += found + 1;
            let is_escape = match raw.get(at) {
                Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
                Some(b'u') => {
                    raw.get(at + 1..at + 5).is_some_and(|unit| unit.iter().all(u8::is_ascii_hexdigit))
                }
                _ => false,
            };
            if !is_escape {
                return Err(Malformed { offset: start + at });
            }
            at += 1;
        }
        Ok(())
    }

    #[inline]
    fn text(&mut self, text: Text<'_>) -> Result<(), WalkError> {
        if !text.is_escaped() && !may_hold_document(text) {
            self.visitor.text(text.raw());
            return Ok(());
        }
        let visitor = &mut *self.visitor;
        let flow = values_of_text(text, &mut |value| {
            match value {
                WholeValue::Text(characters) => visitor.text(&characters),
                WholeValue::Number(number) => visitor.number(number),
            }
            ControlFlow::Continue(())
        });
        if flow.is_break() { Err(WalkError::TooDeep) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // a digit behind a leading zero is refused by what comes next
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
