//! The elements of a stream of JSON, whatever its shape: top-level values (one, many, one a line), the elements
//! of top-level arrays, and those of the arrays in envelopes (`{"Records":[…]}`).

use super::{
    broken::{Broken, EnteredList, broken_value, list_of},
    cut::{Element, Stop, cut},
};
use crate::json::{Malformed, Value, first_value};

/// Members whose arrays hold what matters, in log files, output of `lookup-events`, logs of `CloudWatch`,
/// Firehose and SQS.
pub(crate) const ENVELOPES: [&str; 7] =
    ["Records", "Events", "events", "logEvents", "records", "Messages", "configurationItems"];

/// An unfinished top-level object of this size is looked into for an envelope.
const IMPATIENCE: usize = 1 << 20;

/// Bytes that tell whether a bracket begins JSON.
const ENOUGH: usize = 32;

/// Bytes of top-level values that are cut together.
const PART: usize = 64 * 1024;

/// The reason of damage that a larger limit for records would spare.
pub const TOO_LONG: &str = "a value that is longer than the limit for records; it was passed over";

/// What comes after the bytes that are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// More bytes.
    More,
    /// More bytes, but only when some of these were consumed: the buffer cannot grow.
    Full,
    /// Nothing.
    End,
}

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece<'a> {
    /// Objects and arrays side by side.
    Elements {
        /// The bytes that hold them.
        bytes: &'a [u8],
        /// Their places there.
        elements: &'a [Element],
    },
    /// Numbers, strings and the like, among the elements of an array.
    Scalars(u64),
    /// Something that is no JSON, or JSON that is cut short.
    Damage {
        /// Where, in the whole stream.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
}

/// Cuts one stream into elements.
#[derive(Debug)]
pub(crate) struct Splitter {
    mode: Mode,
    /// The place in the stream of the first byte of the buffer.
    offset: u64,
    elements: Vec<Element>,
    began_as_json: bool,
    /// Whether nothing but white space came by.
    is_at_start: bool,
    /// How the last whole element of an array begins, up to its first name: so does the next one, where what lies between
    /// is broken.
    beginning: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Between top-level values.
    Top,
    /// Among the elements of an array.
    Array { in_object: bool, has_element: bool },
    /// Behind the array of an envelope, before its end.
    Envelope,
    /// Within a value that is too long; brackets that are open, and whether in a string or behind a backslash.
    Skipping { depth: u32, in_string: bool, is_escaped: bool, then: Then },
    /// Behind a broken element of an array, before the next one that begins like the others.
    Seeking { in_object: bool },
    /// The rest cannot be understood.
    Lost,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Top,
    Array { in_object: bool },
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            mode: Mode::Top,
            offset: 0,
            elements: Vec::new(),
            began_as_json: false,
            is_at_start: true,
            beginning: Vec::new(),
        }
    }

    /// Makes ready for another stream.
    pub(crate) fn start(&mut self) {
        self.mode = Mode::Top;
        self.offset = 0;
        self.began_as_json = false;
        self.is_at_start = true;
        self.beginning.clear();
    }

    /// Whether the stream began like JSON.
    pub(crate) fn began_as_json(&self) -> bool {
        self.began_as_json
    }

    /// The place in the stream of the next byte that will be given.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Takes the bytes that come next, those that were not consumed before included; how many it consumed.
    pub(crate) fn feed(&mut self, bytes: &[u8], next: Next, visit: &mut dyn FnMut(Piece<'_>)) -> usize {
        let mut at = 0;
        loop {
            let (mode, before) = (self.mode, at);
            at = match mode {
                Mode::Top => self.top(bytes, at, next, visit),
                Mode::Array { in_object, has_element } => {
                    self.array(bytes, at, next, in_object, has_element, visit)
                }
                Mode::Envelope => self.envelope(bytes, at, next, visit),
                Mode::Skipping { .. } => self.skip(bytes, at, next, visit),
                Mode::Seeking { in_object } => self.seek(bytes, at, next, in_object),
                Mode::Lost => bytes.len(),
            };
            if self.mode == mode && (at == before || at == bytes.len()) {
                break;
            }
        }
        self.offset += at as u64;
        at
    }

    fn damage(&self, at: usize, reason: &'static str, visit: &mut dyn FnMut(Piece<'_>)) {
        visit(Piece::Damage { offset: self.offset + at as u64, reason });
    }

    /// Top-level values.
    fn top(&mut self, bytes: &[u8], from: usize, next: Next, visit: &mut dyn FnMut(Piece<'_>)) -> usize {
        let start = from + space(&bytes[from..]);
        let Some(byte) = bytes.get(start) else { return start };
        if bytes[start..].starts_with(BOM) {
            return start + BOM.len();
        }
        if matches!(byte, b'[' | b'{') && next == Next::More && bytes.len() - start < ENOUGH {
            return start;
        }
        let is_json = begins_like_json(&bytes[start..]);
        self.began_as_json |= std::mem::take(&mut self.is_at_start) && is_json;
        match byte {
            b',' | 0x1e => return start + 1,
            _ if !is_json => return self.no_value(bytes, start, next, visit),
            b'[' => {
                self.mode = Mode::Array { in_object: false, has_element: false };
                return start + 1;
            }
            b'{' => match envelope_start(bytes, start) {
                Ok(Some(array)) => {
                    self.mode = Mode::Array { in_object: true, has_element: false };
                    return array;
                }
                Err(Short) if next == Next::More => return start,
                Ok(None) | Err(Short) => {}
            },
            _ => {}
        }
        self.values(bytes, start, next, visit)
    }

    /// Top-level values from a brace on.
    fn values(&mut self, bytes: &[u8], from: usize, next: Next, visit: &mut dyn FnMut(Piece<'_>)) -> usize {
        // in parts, so that every damaged line does not make the whole rest be cut anew
        let mut part = PART;
        let (stop, is_all) = loop {
            let until = bytes.len().min(from.saturating_add(part));
            self.elements.clear();
            let stop = cut(&bytes[..until], from, &mut self.elements);
            let is_over = matches!(stop, Stop::Over { .. });
            if !self.elements.is_empty() || !is_over || until == bytes.len() {
                break (stop, until == bytes.len());
            }
            part *= 4;
        };
        // up to where something stands that is no value
        let (mut whole, mut end) = (0, from);
        for element in &self.elements {
            let gap = &bytes[end..element.start];
            if gap != b"\n" && !gap.iter().all(|byte| is_space(*byte) || matches!(byte, b',' | 0x1e)) {
                break;
            }
            (whole, end) = (whole + 1, element.end);
        }
        if whole > 0 {
            visit(Piece::Elements { bytes, elements: &self.elements[..whole] });
        }
        let is_rest_understood =
            whole == self.elements.len() && (is_all || !matches!(stop, Stop::Over { .. }));
        if !is_rest_understood || whole > 0 && matches!(stop, Stop::Over { .. }) {
            // the rest is looked at from its beginning
            return end;
        }
        match stop {
            Stop::Over { is_open: false } => end,
            Stop::Over { is_open: true } => self.open_value(bytes, end, next, Then::Top, visit),
            Stop::Closed { at } => {
                self.damage(at, "a bracket closes that was not opened", visit);
                self.next_line(bytes, at + 1)
            }
            Stop::Control { start, at } => match broken_value(bytes, start) {
                Broken::Short if next == Next::More => start,
                Broken::End(end) if Self::is_value_behind(&bytes[end..]) => {
                    self.damage(at, CONTROL, visit);
                    end
                }
                _ => {
                    self.damage(at, CONTROL, visit);
                    self.next_line(bytes, at)
                }
            },
        }
    }

    /// A value of which the end is not there; `from` is where it begins, but for white space.
    fn open_value(
        &mut self,
        bytes: &[u8],
        from: usize,
        next: Next,
        then: Then,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> usize {
        let length = bytes.len() - from;
        if then == Then::Top && next != Next::End && (length > IMPATIENCE || next == Next::Full) {
            let start = from + space(&bytes[from..]);
            if let Some(array) = envelope_within(bytes, start) {
                self.mode = Mode::Array { in_object: true, has_element: false };
                return array;
            }
        }
        match next {
            Next::More => from,
            Next::Full if from > 0 => from,
            Next::Full => {
                self.damage(from, TOO_LONG, visit);
                self.mode = Mode::Skipping { depth: 0, in_string: false, is_escaped: false, then };
                from
            }
            Next::End => {
                self.damage(bytes.len(), "the content ends within a value", visit);
                self.mode = Mode::Lost;
                bytes.len()
            }
        }
    }

    /// Something at the top level that begins no object or array.
    fn no_value(
        &mut self,
        bytes: &[u8],
        start: usize,
        next: Next,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> usize {
        let rest = &bytes[start..];
        // Export tasks of CloudWatch Logs put the time before each event.
        let token = rest.iter().position(|byte| is_space(*byte)).unwrap_or(rest.len());
        if token == rest.len() && token < 40 && next == Next::More {
            return start;
        }
        let is_time = |byte: &u8| byte.is_ascii_digit() || b"T:.Z+-".contains(byte);
        if (10..40).contains(&token) && rest[..token].iter().all(is_time) {
            return start + token;
        }
        let line = match memchr::memchr(b'\n', rest) {
            Some(end) => &rest[..end],
            None if next == Next::More => return start,
            None => rest,
        };
        // What others put before a record, such as the header of syslog, is passed over, and a text may hold one.
        if memchr::memmem::find(line, VERSION).is_some() {
            if line[0] == b'"'
                && let Ok((Value::String(_), length)) = first_value(line)
                && line[length..].trim_ascii_start().first() != Some(&b':')
            {
                let element = Element { start, end: start + length, is_plain: false };
                visit(Piece::Elements { bytes, elements: &[element] });
                return start + length;
            }
            if let Some(brace) = memchr::memchr(b'{', &line[1..])
                && !is_within_value(&line[..=brace])
            {
                return start + 1 + brace;
            }
        }
        self.damage(start, "neither a JSON object nor an array", visit);
        self.next_line(bytes, start)
    }

    /// Goes on behind the line in which `at` lies.
    fn next_line(&mut self, bytes: &[u8], at: usize) -> usize {
        let Some(line_break) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) else {
            // one line in all, or a line that is longer than the buffer: not JSON Lines
            self.mode = Mode::Lost;
            return bytes.len();
        };
        at + line_break + 1
    }

    /// Elements of an array.
    fn array(
        &mut self,
        bytes: &[u8],
        from: usize,
        next: Next,
        in_object: bool,
        mut has_element: bool,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> usize {
        // lists of texts have nothing to be cut at
        let texts = whole_scalars(bytes, from, has_element);
        let from = texts.end;
        has_element |= texts.others + texts.holding.len() as u64 > 0;
        let mut scalars = texts.others;
        let mut holding = texts.holding;
        self.elements.clear();
        let stop = cut(bytes, from, &mut self.elements);
        let mut end = from;
        let mut damaged = None;
        let mut whole = 0;
        for element in &self.elements {
            let gap = &bytes[end..element.start];
            if !(has_element && gap == b",") {
                match gap_before(gap, has_element) {
                    Ok(found) if found > 0 => {
                        let texts = whole_scalars(bytes, end, has_element);
                        scalars += texts.others;
                        holding.extend(texts.holding);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        damaged = Some(end + error.offset);
                        break;
                    }
                }
            }
            (has_element, end, whole) = (true, element.end, whole + 1);
        }
        if !holding.is_empty() {
            visit(Piece::Elements { bytes, elements: &holding });
        }
        if let Some(last) = self.elements[..whole].last() {
            self.beginning = beginning(&bytes[last.start..last.end]).to_vec();
            visit(Piece::Elements { bytes, elements: &self.elements[..whole] });
        }
        if scalars > 0 {
            visit(Piece::Scalars(scalars));
        }
        self.mode = Mode::Array { in_object, has_element };
        if let Some(at) = damaged {
            let reason = "no JSON between the elements of an array";
            return self.lose_element(bytes, at, in_object, reason, visit);
        }
        match stop {
            Stop::Over { is_open: false } if next == Next::End => {
                self.lose(bytes, bytes.len(), "the content ends within an array", visit)
            }
            Stop::Over { is_open: false } if next == Next::Full && end == 0 => {
                self.lose(bytes, 0, "too much that is no element between the elements of an array", visit)
            }
            Stop::Over { is_open: false } => end,
            Stop::Over { is_open: true } => {
                let after = self.open_value(bytes, end, next, Then::Array { in_object }, visit);
                // the mode of a skip begins at the element itself
                if matches!(self.mode, Mode::Skipping { .. }) {
                    end + to_bracket(&bytes[end..])
                } else {
                    after
                }
            }
            Stop::Control { start, at } => match broken_value(bytes, start) {
                Broken::Short if next == Next::More => end,
                Broken::End(behind)
                    if matches!(bytes[behind..].trim_ascii_start().first(), Some(b',' | b']')) =>
                {
                    self.damage(at, CONTROL, visit);
                    self.mode = Mode::Array { in_object, has_element: true };
                    behind
                }
                _ => self.lose_element(bytes, at, in_object, CONTROL, visit),
            },
            Stop::Closed { at } => match gap_after(&bytes[end..at], has_element) {
                _ if bytes[at] != b']' => {
                    self.lose_element(bytes, at, in_object, "a brace closes an array", visit)
                }
                Err(error) => {
                    let reason = "no JSON at the end of an array";
                    self.lose_element(bytes, end + error.offset, in_object, reason, visit)
                }
                Ok(found) => {
                    if found > 0 {
                        let texts = whole_scalars(bytes, end, has_element);
                        if !texts.holding.is_empty() {
                            visit(Piece::Elements { bytes, elements: &texts.holding });
                        }
                        if texts.others > 0 {
                            visit(Piece::Scalars(texts.others));
                        }
                    }
                    self.mode = if in_object { Mode::Envelope } else { Mode::Top };
                    at + 1
                }
            },
        }
    }

    /// Whether a value, a new line or nothing is behind a value.
    fn is_value_behind(rest: &[u8]) -> bool {
        let behind = rest.trim_ascii_start();
        matches!(behind.first(), None | Some(b',' | 0x1e))
            || begins_like_json(behind)
            || behind.len() < rest.len() && rest[..rest.len() - behind.len()].contains(&b'\n')
    }

    /// Gives up an element of an array, but not those behind it.
    fn lose_element(
        &mut self,
        bytes: &[u8],
        at: usize,
        in_object: bool,
        reason: &'static str,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> usize {
        if self.beginning.is_empty() {
            self.beginning = NATIVE.to_vec();
        }
        self.damage(at, reason, visit);
        self.mode = Mode::Seeking { in_object };
        // a comma right before it is that of the next element
        let before = bytes[..at].trim_ascii_end();
        if before.ends_with(b",") { before.len() - 1 } else { at }
    }

    /// Looks for the next element that begins like the last whole one, stands behind a comma, and lies in no list that
    /// belongs to what is broken: what a caller wrote there may begin like an event.
    fn seek(&mut self, bytes: &[u8], from: usize, next: Next, in_object: bool) -> usize {
        let mut inner_until = 0;
        for at in memchr::memmem::find_iter(&bytes[from..], &self.beginning) {
            let before = bytes[..from + at].trim_ascii_end();
            if !before.ends_with(b",") || at == 0 && from == 0 || at < inner_until {
                continue;
            }
            match list_of(&bytes[from + at..], in_object, &self.beginning) {
                EnteredList::Inner { end } => inner_until = at + end,
                EnteredList::Open if next == Next::More => return before.len() - 1,
                EnteredList::Open | EnteredList::Outer => {
                    self.mode = Mode::Array { in_object, has_element: false };
                    return from + at;
                }
            }
        }
        match next {
            Next::End => {
                self.mode = Mode::Lost;
                bytes.len()
            }
            // the comma and what begins like an element may lie across the end
            Next::More => from.max(bytes.len().saturating_sub(4 * ENOUGH)),
            Next::Full => bytes.len(),
        }
    }

    fn lose(
        &mut self,
        bytes: &[u8],
        at: usize,
        reason: &'static str,
        visit: &mut dyn FnMut(Piece<'_>),
    ) -> usize {
        self.damage(at, reason, visit);
        self.mode = Mode::Lost;
        bytes.len()
    }

    /// The members of an envelope behind its array.
    fn envelope(&mut self, bytes: &[u8], from: usize, next: Next, visit: &mut dyn FnMut(Piece<'_>)) -> usize {
        let rest = &bytes[from..];
        let fail = match member_after(rest) {
            Ok(After::End(length)) => {
                self.mode = Mode::Top;
                return from + length;
            }
            Ok(After::Member(length)) => return from + length,
            Ok(After::Array(length)) => {
                self.mode = Mode::Array { in_object: true, has_element: false };
                return from + length;
            }
            Err(fail) => fail,
        };
        match (fail.offset >= rest.len(), next) {
            (true, Next::More) => from,
            (true, Next::Full) if from > 0 => from,
            (true, Next::End) => self.lose(bytes, bytes.len(), "the content ends within an object", visit),
            _ => self.lose(bytes, from + fail.offset, "no JSON behind an array", visit),
        }
    }

    /// Passes over a value that is too long.
    fn skip(&mut self, bytes: &[u8], from: usize, next: Next, visit: &mut dyn FnMut(Piece<'_>)) -> usize {
        let Mode::Skipping { mut depth, mut in_string, mut is_escaped, then } = self.mode else {
            return from;
        };
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if in_string => is_escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        self.mode = match then {
                            Then::Top => Mode::Top,
                            Then::Array { in_object } => Mode::Array { in_object, has_element: true },
                        };
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        if next == Next::End {
            return self.lose(bytes, bytes.len(), "the content ends within a value", visit);
        }
        self.mode = Mode::Skipping { depth, in_string, is_escaped, then };
        bytes.len()
    }
}

/// The bytes end too early to tell.
struct Short;

/// What is said of a value that [`broken_value`] looks through.
const CONTROL: &str = "a control character in a string, or a string without an end";

/// Whether what follows text in a line is the value of a member: the line is a piece of JSON whose beginning lacks, and what
/// lies in it is part of something that cannot be known.
fn is_within_value(before: &[u8]) -> bool {
    let before = before.trim_ascii_end();
    let before = before.strip_suffix(b"[").unwrap_or(before).trim_ascii_end();
    before
        .strip_suffix(b":")
        .map(<[u8]>::trim_ascii_end)
        .is_some_and(|name| name.is_empty() || name.ends_with(b"\""))
}

const BOM: &[u8] = b"\xef\xbb\xbf";
/// The name that every record has.
const VERSION: &[u8] = b"eventVersion";
/// How CloudTrail's records begin.
const NATIVE: &[u8] = b"{\"eventVersion\"";

/// Whether bytes begin as a JSON object, array or string does, and not as some text in brackets.
fn begins_like_json(bytes: &[u8]) -> bool {
    let inside = || bytes[1..].trim_ascii_start();
    match bytes.first() {
        Some(b'{') => matches!(inside().first(), None | Some(b'"' | b'}')),
        Some(b'[') => match inside().first() {
            None | Some(b'{' | b'[' | b'"' | b']') => true,
            Some(_) => first_value(inside()).is_ok_and(|(_, length)| {
                matches!(inside()[length..].trim_ascii_start().first(), None | Some(b',' | b']'))
            }),
        },
        _ => false,
    }
}

/// An object's brace and first name, with the quotes; nothing for anything else.
fn beginning(element: &[u8]) -> &[u8] {
    const LONGEST: usize = 64;
    let name =
        element.strip_prefix(b"{\"").and_then(|rest| memchr::memchr(b'"', &rest[..rest.len().min(LONGEST)]));
    name.map_or(&[], |length| &element[..length + 3])
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

fn space(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !is_space(*byte)).unwrap_or(bytes.len())
}

fn to_bracket(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| matches!(byte, b'{' | b'[')).unwrap_or(bytes.len())
}

/// Behind the bracket of the array, where the first member of the object at `start` is an envelope's.
fn envelope_start(bytes: &[u8], start: usize) -> Result<Option<usize>, Short> {
    let mut at = start + 1;
    at += space(&bytes[at..]);
    let rest = &bytes[at..];
    let is_name = |name: &&&str| {
        rest.strip_prefix(b"\"")
            .and_then(|rest| rest.strip_prefix(name.as_bytes()))
            .is_some_and(|rest| rest.starts_with(b"\""))
    };
    let Some(name) = ENVELOPES.iter().find(is_name) else {
        return if rest.len() < 24 { Err(Short) } else { Ok(None) };
    };
    at += name.len() + 2;
    at += space(&bytes[at..]);
    match bytes.get(at) {
        Some(b':') => at += 1,
        Some(_) => return Ok(None),
        None => return Err(Short),
    }
    at += space(&bytes[at..]);
    match bytes.get(at) {
        Some(b'[') => Ok(Some(at + 1)),
        Some(_) => Ok(None),
        None => Err(Short),
    }
}

/// The same for a later member of an object that does not end in these bytes.
fn envelope_within(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes.get(start) != Some(&b'{') {
        return None;
    }
    let mut at = start + 1;
    let mut is_first = true;
    loop {
        // the first member has no comma before it
        let length = match member(&bytes[at..], is_first) {
            Ok(After::Array(length)) => return Some(at + length),
            Ok(After::Member(length)) => length,
            Ok(After::End(_)) | Err(_) => return None,
        };
        at += length;
        is_first = false;
    }
}

pub(super) enum After {
    /// The object's end, behind its brace.
    End(usize),
    /// Another member, behind it.
    Member(usize),
    /// Another envelope array, behind its bracket.
    Array(usize),
}

pub(super) fn member_after(bytes: &[u8]) -> Result<After, Malformed> {
    member(bytes, false)
}

/// What comes next in an object. An offset at the end of the bytes means that they are too few.
fn member(bytes: &[u8], is_first: bool) -> Result<After, Malformed> {
    let fail = |offset| Malformed { offset };
    let mut at = space(bytes);
    match bytes.get(at) {
        Some(b'}') => return Ok(After::End(at + 1)),
        Some(b',') if !is_first => at += 1,
        Some(b'"') if is_first => {}
        _ => return Err(fail(at)),
    }
    let (name, length) = first_value(&bytes[at..]).map_err(|error| fail(at + error.offset))?;
    let Value::String(name) = name else { return Err(fail(at)) };
    at += length;
    at += space(&bytes[at..]);
    if bytes.get(at) != Some(&b':') {
        return Err(fail(at));
    }
    at += 1;
    at += space(&bytes[at..]);
    if bytes.get(at) == Some(&b'[') && ENVELOPES.iter().any(|envelope| name.is(envelope)) {
        return Ok(After::Array(at + 1));
    }
    let (value, length) = first_value(&bytes[at..]).map_err(|error| fail(at + error.offset))?;
    // a number or word at the very end of the bytes may go on
    let may_go_on = matches!(value, Value::Number(_));
    if may_go_on && at + length == bytes.len() {
        Err(fail(bytes.len()))
    } else {
        Ok(After::Member(at + length))
    }
}

/// What stands before an element: a comma if one came before, and scalars; how many.
fn gap_before(gap: &[u8], has_element: bool) -> Result<u64, Malformed> {
    let (scalars, ends_with_comma) = scalars(gap, has_element)?;
    if ends_with_comma || (!has_element && scalars == 0) {
        Ok(scalars)
    } else {
        Err(Malformed { offset: gap.len() })
    }
}

/// What stands between the last element and the end of the array.
fn gap_after(gap: &[u8], has_element: bool) -> Result<u64, Malformed> {
    let (scalars, ends_with_comma) = scalars(gap, has_element)?;
    if ends_with_comma { Err(Malformed { offset: gap.len() }) } else { Ok(scalars) }
}

/// Counts scalars and says whether a comma is the last; `needs_comma` when something came before.
fn scalars(gap: &[u8], mut needs_comma: bool) -> Result<(u64, bool), Malformed> {
    let (mut count, mut at, mut ends_with_comma) = (0, 0, false);
    loop {
        at += space(&gap[at..]);
        if at == gap.len() {
            return Ok((count, ends_with_comma));
        }
        if needs_comma {
            if gap[at] != b',' {
                return Err(Malformed { offset: at });
            }
            at += 1;
            (needs_comma, ends_with_comma) = (false, true);
        } else {
            let (_, length) =
                first_value(&gap[at..]).map_err(|error| Malformed { offset: at + error.offset })?;
            at += length;
            count += 1;
            (needs_comma, ends_with_comma) = (true, false);
        }
    }
}

/// Scalars side by side in an array.
struct Scalars {
    /// Behind the last one that is whole.
    end: usize,
    /// Texts that may hold a record.
    holding: Vec<Element>,
    /// How many others there are.
    others: u64,
}

/// The scalars from `from` on, up to what is none, or is not whole.
fn whole_scalars(bytes: &[u8], from: usize, mut has_element: bool) -> Scalars {
    let mut texts = Scalars { end: from, holding: Vec::new(), others: 0 };
    loop {
        let mut start = texts.end + space(&bytes[texts.end..]);
        if has_element {
            if bytes.get(start) != Some(&b',') {
                return texts;
            }
            start += 1;
            start += space(&bytes[start..]);
        }
        if matches!(bytes.get(start), None | Some(b'{' | b'[' | b']' | b'}')) {
            return texts;
        }
        let Ok((value, length)) = first_value(&bytes[start..]) else { return texts };
        let end = start + length;
        // a number at the end of the bytes may go on
        if matches!(value, Value::Number(_)) && end == bytes.len() {
            return texts;
        }
        match value {
            Value::String(text) if memchr::memmem::find(text.raw(), VERSION).is_some() => {
                texts.holding.push(Element { start, end, is_plain: false });
            }
            _ => texts.others += 1,
        }
        (texts.end, has_element) = (end, true);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scan::pieces::in_pieces;

    /// Elements, scalars and damage of a stream that comes in pieces of `step` bytes into a buffer of `room`.
    fn split(text: &str, step: usize, room: usize) -> (Vec<String>, u64, Vec<(u64, &'static str)>) {
        let (mut elements, mut scalars, mut damage) = (vec![], 0, vec![]);
        let mut splitter = Splitter::new();
        in_pieces(text.as_bytes(), step, room, |buffer, next| {
            splitter.feed(buffer, next, &mut |piece| match piece {
                Piece::Elements { bytes, elements: found } => {
                    for element in found {
                        elements.push(String::from_utf8(bytes[element.start..element.end].to_vec()).unwrap());
                    }
                }
                Piece::Scalars(found) => scalars += found,
                Piece::Damage { offset, reason } => damage.push((offset, reason)),
            })
        });
        (elements, scalars, damage)
    }

    fn elements(text: &str) -> Vec<String> {
        let whole = split(text, usize::MAX, usize::MAX);
        assert_eq!(whole.2, [], "{text}");
        for step in [1, 2, 7] {
            assert_eq!(split(text, step, usize::MAX), whole, "{text} in steps of {step}");
        }
        whole.0
    }

    #[test]
    fn every_shape_gives_its_elements() {
        let two = ["{\"a\":1}", "{\"b\":[2]}"];
        for text in [
            "{\"Records\":[{\"a\":1},{\"b\":[2]}]}",
            " { \"Records\" : [ {\"a\":1} , {\"b\":[2]} ] } \n",
            "[{\"a\":1},{\"b\":[2]}]",
            "{\"a\":1}\n{\"b\":[2]}\n",
            "{\"a\":1}{\"b\":[2]}",
            "{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"b\":[2]}]}",
            "{\"Events\":[{\"a\":1},{\"b\":[2]}],\"NextToken\":\"x]\",\"n\":1}",
            "{\"Records\":[{\"a\":1}],\"x\":{\"y\":1},\"Records\":[{\"b\":[2]}]}",
            "2024-03-01T00:00:00.000Z {\"a\":1}\n2024-03-01T00:00:01.000Z {\"b\":[2]}\n",
            "[1,{\"a\":1},\"x\",null,{\"b\":[2]},true]",
            "{\"a\":1}\n\u{feff}{\"b\":[2]}\n",
            "\u{feff}{\"Records\":[{\"a\":1}]}\u{feff}{\"Records\":[{\"b\":[2]}]}",
        ] {
            assert_eq!(elements(text), two, "{text}");
        }
        for text in ["", " \n", "[]", "{\"Records\":[]}", "{\"Records\":[],\"a\":{}}", "[1,2]"] {
            assert_eq!(elements(text), [""; 0], "{text}");
        }
        assert_eq!(split("[1,{},\"x\"]", 3, usize::MAX).1, 2);
    }

    #[test]
    fn texts_and_what_stands_behind_other_text_in_a_line_may_hold_records() {
        let record = "{\"eventVersion\":\"1.08\"}";
        let text = "\"{\\\"eventVersion\\\":\\\"1.08\\\"}\"";
        for (content, found) in [
            (format!("[{text},\"x\",{text}]"), vec![text, text]),
            (format!("[{record},{text},1]"), vec![record, text]),
            (format!("{text}\n{text}\n"), vec![text, text]),
            (
                format!("2024 Feb 14 14:50:00 host->app {record}\n<14>1 2024 x {record}\n"),
                vec![record, record],
            ),
        ] {
            assert_eq!(elements(&content), found, "{content}");
        }
        let many = format!("[{}]", vec![text; 1000].join(",\n"));
        assert_eq!(split(&many, 50, 100).0.len(), 1000, "texts are given as they come");
    }

    #[test]
    fn text_in_brackets_is_no_json() {
        for content in
            ["[2024-03-01 10:00] x {}\n[INFO] y\n", "[.ShellClassInfo]\nIconFile=x\n", "{ code; }", "{% x %}"]
        {
            let mut splitter = Splitter::new();
            splitter.feed(content.as_bytes(), Next::End, &mut |_| {});
            assert!(!splitter.began_as_json(), "{content}");
        }
        for content in ["[]", "[1,2]", "{}", " {\"a\":1}", "[{", "{\"Rec", "[\n null , 1]", "\u{feff}{\"a\":"]
        {
            let mut splitter = Splitter::new();
            splitter.feed(content.as_bytes(), Next::End, &mut |_| {});
            assert!(splitter.began_as_json(), "{content}");
        }
    }

    #[test]
    fn what_stands_before_damage_is_given_and_the_place_is_said() {
        for (text, whole, offset) in [
            ("{\"Records\":[{\"a\":1},{\"b\"", 1, 24),
            ("{\"Records\":[{\"a\":1}", 1, 19),
            ("{\"Records\":[{\"a\":1}]", 1, 20),
            ("{\"Records\":[{\"a\":1} oops {}]}", 1, 20),
            ("{\"Records\":[{\"a\":1},]}", 1, 20),
            ("{\"Records\":[{\"a\":1}}", 1, 19),
            ("{\"Records\":[{\"a\":1},{\"b\":\"x\ny\"}]}", 1, 27),
            ("{\"a\":1}\n{\"b\":\"x\n{\"c\":1}\n", 2, 15),
            ("{\"a\":1}\nhello there\n{\"c\":1}\n", 2, 8),
            ("{\"a\":1}}\n{\"c\":1}\n", 2, 7),
            ("<html>", 0, 0),
        ] {
            for step in [1, 5, usize::MAX] {
                let (elements, _, damage) = split(text, step, usize::MAX);
                assert_eq!(elements.len(), whole, "{text}");
                assert_eq!(damage.len(), 1, "{text} {damage:?}");
                let place =
                    if text.ends_with("]}") && offset == 20 && text.contains(",]") { 21 } else { offset };
                assert!(damage[0].0 == offset || damage[0].0 == place, "{text} {damage:?}");
            }
        }
    }

    /// What a caller wrote into a broken record is no element, whatever breaks it.
    #[test]
    fn what_lies_in_a_broken_record_is_part_of_it() {
        let forged = "{\"eventVersion\":\"1\",\"eventName\":\"Forged\"}";
        let record = |name: &str| format!("{{\"eventVersion\":\"1\",\"eventName\":\"{name}\"}}");
        for inner in [
            format!("{{\"a\":{forged}}}"),
            format!("{{\"a\":[{forged},{forged},{forged}]}}"),
            format!("{{\"a\":[{forged},{forged}],\"b\":[1,{forged}]}}"),
            format!("[{forged},{forged}]"),
            format!("[[{{}},{forged}]]"),
            format!("{{\"a\":{{\"b\":[{forged},{forged}]}}}}"),
        ] {
            let around = |broken: &str, after: &str| {
                format!("{{\"eventVersion\":\"1\",{broken},\"requestParameters\":{inner}{after}}}")
            };
            for (broken, gives) in [
                (around("\"x\":\"a\nb\"", ",\"y\":1"), true),
                (around("\"x\":\"a\tb\"", ",\"y\":\"\\\"}]\""), true),
                (around("\"x\":\"}\n]\"", ""), true),
                (around("\"x\":1}", ",\"y\":1"), false),
                (around("\"x\":1]", ",\"y\":1"), false),
            ] {
                let (a, c) = (record("A"), record("C"));
                for text in [
                    format!("{{\"Records\":[{a},{broken},{c}]}}"),
                    format!("{{\"Events\":[{a},{broken},{c}],\"NextToken\":\"x\"}}"),
                    format!("[{a},{broken},{c}]"),
                    format!("{a}\n{broken}\n{c}\n"),
                ] {
                    let is_list = !text.starts_with(&a);
                    if !gives && !is_list {
                        continue;
                    }
                    for step in [usize::MAX, 50] {
                        let (found, _, damage) = split(&text, step, usize::MAX);
                        assert!(!damage.is_empty(), "{text}");
                        let names: Vec<_> = found.iter().filter(|found| found.contains("Forged")).collect();
                        let is_itself = |found: &&&String| found.contains("requestParameters");
                        assert!(names.iter().all(|found| is_itself(&found)), "{text}: {names:?}");
                        assert!(found.contains(&a), "{text}");
                        if gives {
                            assert!(found.contains(&c), "{text}: {found:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_that_begins_within_a_record_gives_nothing() {
        let forged = "{\"eventVersion\":\"1\",\"eventName\":\"Forged\"}";
        for before in ["\"a\":", ":", ":[ ", "-cli\",\"a\" : ", "x\",\"a\":[", "\"a\":\"b\",\"c\":[ "] {
            let (found, _, damage) = split(&format!("{before}{forged},\"x\":1}}\n"), usize::MAX, usize::MAX);
            assert_eq!(found, [""; 0], "{before}");
            assert_eq!(damage.len(), 1, "{before}");
        }
        for before in ["a.json:", "host->app ", "x: ", "| 1 | ", "a.json: ["] {
            let (found, ..) = split(&format!("{before}{forged}"), usize::MAX, usize::MAX);
            assert_eq!(found, [forged], "{before}");
        }
    }

    #[test]
    fn values_beyond_the_limit_are_passed_over_and_said() {
        let long = format!("{{\"x\":\"{}]}}\\\"\"}}", "y".repeat(100));
        for (text, offset) in [
            (format!("{{\"Records\":[{{\"a\":1}},{long},{{\"b\":2}}]}}"), 19),
            (format!("{{\"a\":1}}\n{long}\n{{\"b\":2}}"), 7),
        ] {
            let (elements, _, damage) = split(&text, 16, 64);
            assert_eq!(elements, ["{\"a\":1}", "{\"b\":2}"], "{text}");
            assert_eq!(damage.len(), 1);
            assert!(damage[0].0.abs_diff(offset) <= 2, "{damage:?}");
        }
    }

    #[test]
    fn an_envelope_is_found_behind_other_members_without_holding_the_whole() {
        let record = "{\"a\":\"0123456789\"}";
        let records = vec![record; 100].join(",");
        let text = format!("{{\"owner\":\"x\",\"n\":{{}},\"logEvents\":[{records}],\"z\":1}}");
        let (elements, _, damage) = split(&text, 32, 128);
        assert_eq!((elements.len(), damage), (100, vec![]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived_and_the_cut_of_the_stream_does_not_matter(
            text in "[\\[\\]{}\",:\\\\a1 \nRecords]{0,120}", step in 1_usize..20,
        ) {
            let whole = split(&text, usize::MAX, usize::MAX);
            let pieces = split(&text, step, usize::MAX);
            // behind damage the pieces may see less of a line
            if whole.2.is_empty() {
                prop_assert_eq!(pieces, whole);
            }
            split(&text, step, 24);
        }
    }
}
