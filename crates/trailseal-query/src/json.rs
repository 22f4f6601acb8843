//! JSON as it stands in a record's bytes: values are slices, and nothing is built.
//!
//! Every function here takes hostile bytes: nesting costs no stack, and what is no JSON is [`Malformed`] with
//! the place, never a panic.

#[allow(clippy::inline_always, reason = "the loop over blocks must be compiled as a whole")]
pub(crate) mod structure;

use std::{borrow::Cow, fmt::Write as _};

/// A JSON value, as a slice of the bytes that hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A string.
    String(Text<'a>),
    /// An object, from `{` to `}`.
    Object(&'a [u8]),
    /// An array, from `[` to `]`.
    Array(&'a [u8]),
}

/// A JSON string, as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    raw: &'a [u8],
    is_escaped: bool,
}

/// The bytes are no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid JSON at byte {offset}")]
pub struct Malformed {
    /// Where, from the first byte that was given.
    pub offset: usize,
}

impl<'a> Value<'a> {
    /// Reads the one value that `bytes` hold, with or without white space around it.
    ///
    /// What lies inside objects and arrays is only bracketed, not checked.
    ///
    /// # Errors
    /// [`Malformed`] when there is none, or more than one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor::new(bytes);
        let value = cursor.value()?;
        cursor.skip_space();
        if cursor.at == bytes.len() { Ok(value) } else { Err(cursor.malformed()) }
    }

    /// The text that comparisons use: a string's characters, a number or boolean as written, an object or array
    /// as compact JSON. `None` for `null`.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(true) => "true".into(),
            Self::Bool(false) => "false".into(),
            Self::Number(number) => (*number).into(),
            Self::String(text) => text.decode(),
            Self::Object(raw) | Self::Array(raw) => lossy(compact(raw)),
        })
    }

    /// The characters, if it is a string.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        if let Self::String(text) = self { Some(text.decode()) } else { None }
    }

    /// The value as JSON, without white space outside strings.
    pub fn json(&self) -> Cow<'a, [u8]> {
        match self {
            Self::Null => b"null".into(),
            Self::Bool(true) => b"true".into(),
            Self::Bool(false) => b"false".into(),
            Self::Number(number) => number.as_bytes().into(),
            Self::String(text) => text.json().into(),
            Self::Object(raw) | Self::Array(raw) => compact(raw),
        }
    }

    /// The members of an object, in order, duplicates included; nothing for any other value.
    pub fn members(&self) -> Members<'a> {
        match self {
            Self::Object(raw) => Members(Items::within(raw)),
            _ => Members(Items::none()),
        }
    }

    /// The elements of an array; nothing for any other value.
    pub fn elements(&self) -> Elements<'a> {
        match self {
            Self::Array(raw) => Elements(Items::within(raw)),
            _ => Elements(Items::none()),
        }
    }

    /// The member with this name; of duplicates the last, as jq and most parsers have it.
    pub fn member(&self, name: &str) -> Option<Self> {
        self.members().map_while(Result::ok).filter(|(key, _)| key.is(name)).last().map(|(_, value)| value)
    }
}

impl<'a> Text<'a> {
    /// What stands between two quotes, and whether it holds a backslash.
    pub(crate) fn new(raw: &'a [u8], is_escaped: bool) -> Self {
        Self { raw, is_escaped }
    }

    /// What stands between the quotes.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether it holds a backslash.
    pub fn is_escaped(&self) -> bool {
        self.is_escaped
    }

    /// The characters. Lone surrogates and bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self) -> Cow<'a, str> {
        if self.is_escaped { decode(self.raw).into() } else { lossy(self.raw.into()) }
    }

    /// Whether these are its characters.
    pub fn is(&self, text: &str) -> bool {
        if self.is_escaped { self.decode() == text } else { self.raw == text.as_bytes() }
    }

    /// The string with its quotes, as it is written.
    fn json(&self) -> Vec<u8> {
        [b"\"", self.raw, b"\""].concat()
    }
}

/// A string with its quotes and the escapes that JSON demands.
pub fn quote(text: &str, to: &mut Vec<u8>) {
    // Writing to a vector cannot fail, and a string cannot fail to be JSON.
    let _ = serde_json::to_writer(to, text);
}

/// Without the white space outside strings; borrowed when there is none.
pub fn compact(raw: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut kept) = (0, 0);
    while at < raw.len() {
        match raw[at] {
            b'"' => at = end_of_string(raw, at + 1).0.min(raw.len()),
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.get_or_insert_with(Vec::new).extend_from_slice(&raw[kept..at]);
                at += 1;
                kept = at;
            }
            _ => at += 1,
        }
    }
    match out {
        None => raw.into(),
        Some(mut out) => {
            out.extend_from_slice(&raw[kept..]);
            out.into()
        }
    }
}

/// Whether bytes begin with a JSON value and where it ends; for those that cut a stream into values.
///
/// # Errors
/// [`Malformed`] as for [`Value::parse`]; the offset is the end of `bytes` when they end too early.
pub fn first_value(bytes: &[u8]) -> Result<(Value<'_>, usize), Malformed> {
    let mut cursor = Cursor::new(bytes);
    let value = cursor.value()?;
    Ok((value, cursor.at))
}

/// The members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a>(Items<'a>);

/// The elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a>(Items<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Text<'a>, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(|cursor| {
            cursor.skip_space();
            let key = cursor.string()?;
            cursor.skip_space();
            cursor.expect(b':')?;
            Ok((key, cursor.value()?))
        })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Value<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(Cursor::value)
    }
}

/// What lies between two brackets, separated by commas.
#[derive(Clone, Debug)]
struct Items<'a> {
    cursor: Cursor<'a>,
    is_first: bool,
    is_over: bool,
}

impl<'a> Items<'a> {
    /// `raw` is from bracket to bracket.
    fn within(raw: &'a [u8]) -> Self {
        let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
        Self { cursor: Cursor::new(inner), is_first: true, is_over: false }
    }

    fn none() -> Self {
        Self { cursor: Cursor::new(b""), is_first: true, is_over: true }
    }

    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Cursor<'a>) -> Result<T, Malformed>,
    ) -> Option<Result<T, Malformed>> {
        if self.is_over {
            return None;
        }
        let is_first = std::mem::take(&mut self.is_first);
        self.cursor.skip_space();
        if self.cursor.peek().is_none() {
            self.is_over = true;
            return None;
        }
        let comma = if is_first { Ok(()) } else { self.cursor.expect(b',') };
        let item = comma.and_then(|()| read(&mut self.cursor));
        self.is_over = item.is_err();
        Some(item)
    }
}

/// A place in bytes that hold JSON.
#[derive(Clone, Debug)]
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn malformed(&self) -> Malformed {
        Malformed { offset: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        let (end, is_escaped) = end_of_string(self.bytes, start);
        if end > self.bytes.len() {
            self.at = self.bytes.len();
            return Err(self.malformed());
        }
        self.at = end;
        Ok(Text { raw: &self.bytes[start..end - 1], is_escaped })
    }

    fn value(&mut self) -> Result<Value<'a>, Malformed> {
        self.skip_space();
        match self.peek() {
            Some(b'"') => self.string().map(Value::String),
            Some(b'{') => self.bracketed().map(Value::Object),
            Some(b'[') => self.bracketed().map(Value::Array),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            _ => Err(self.malformed()),
        }
    }

    fn word(&mut self, word: &[u8], value: Value<'a>) -> Result<Value<'a>, Malformed> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value<'a>, Malformed> {
        let rest = &self.bytes[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let text = std::str::from_utf8(&rest[..length]).map_err(|_| self.malformed())?;
        self.at += length;
        Ok(Value::Number(text))
    }

    /// From a bracket to its twin, whatever lies between them; nesting costs no stack.
    fn bracketed(&mut self) -> Result<&'a [u8], Malformed> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => self.at = end_of_string(self.bytes, self.at + 1).0,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                    if depth == 0 {
                        return Ok(&self.bytes[start..self.at]);
                    }
                }
                _ => self.at += 1,
            }
        }
        self.at = self.bytes.len();
        Err(self.malformed())
    }
}

/// The end of a string whose first character is at `at`, behind its closing quote, and whether it holds escapes;
/// beyond the end of the bytes when it is not closed.
fn end_of_string(bytes: &[u8], mut at: usize) -> (usize, bool) {
    let mut is_escaped = false;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes[at] == b'"' {
            return (at + 1, is_escaped);
        }
        is_escaped = true;
        at += 2;
    }
    (bytes.len() + 1, is_escaped)
}

/// The first string at or behind `from` in valid JSON, whether it is a name or a value: where it begins and ends, quotes
/// included.
pub(crate) fn next_string(json: &[u8], from: usize) -> Option<(std::ops::Range<usize>, Text<'_>)> {
    let start = from + memchr::memchr(b'"', json.get(from..)?)?;
    let (end, is_escaped) = end_of_string(json, start + 1);
    let raw = json.get(start + 1..end - 1)?;
    Some((start..end, Text { raw, is_escaped }))
}

/// As text, U+FFFD for what is no UTF-8; bytes that are owned and UTF-8 are not copied.
pub(crate) fn lossy(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        // faster than `from_utf8_lossy`, and nearly all of it is
        Cow::Borrowed(bytes) => {
            str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
        }
        Cow::Owned(bytes) => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
            .into(),
    }
}

/// Resolves the escapes.
pub(crate) fn decode(raw: &[u8]) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.push_str(&String::from_utf8_lossy(&rest[..at]));
        rest = &rest[at + 1..];
        let Some((&escape, after)) = rest.split_first() else { break };
        rest = after;
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => rest = decode_unit(rest, &mut out),
            b'"' | b'\\' | b'/' => out.push(char::from(escape)),
            // No escape of JSON: kept as it stands, so that nothing is lost.
            other => {
                out.push('\\');
                if other.is_ascii() {
                    out.push(char::from(other));
                } else {
                    // the first byte of a character, which the next round takes whole
                    rest = &raw[raw.len() - rest.len() - 1..];
                }
            }
        }
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

/// `XXXX`, and the second half of a surrogate pair; what is left after them.
fn decode_unit<'a>(rest: &'a [u8], out: &mut String) -> &'a [u8] {
    let Some(first) = hex4(rest) else {
        let _ = write!(out, "\\u");
        return rest;
    };
    let rest = &rest[4..];
    if let Some(character) = char::from_u32(first) {
        out.push(character);
        return rest;
    }
    let second = rest.strip_prefix(b"\\u").and_then(hex4).filter(|unit| (0xdc00..0xe000).contains(unit));
    match second {
        Some(second) if first < 0xdc00 => {
            let point = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            out.push(char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER));
            &rest[6..]
        }
        _ => {
            out.push(char::REPLACEMENT_CHARACTER);
            rest
        }
    }
}

fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(..4)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_slices_of_what_is_written() {
        let value =
            Value::parse(br#" {"a": [1, 12345678901234567890.10, "x\u0041"], "b": null, "a": {"c": true}} "#)
                .unwrap();
        assert_eq!(value.member("a").unwrap().member("c"), Some(Value::Bool(true)));
        assert_eq!(value.member("b"), Some(Value::Null));
        assert_eq!(value.member("z"), None);
        let (_, first) = value.members().next().unwrap().unwrap();
        let elements: Vec<_> = first.elements().map(Result::unwrap).collect();
        assert_eq!(elements[1], Value::Number("12345678901234567890.10"));
        assert_eq!(elements[2].as_str().unwrap(), "xA");
        assert_eq!(first.json().as_ref(), br#"[1,12345678901234567890.10,"x\u0041"]"#);
    }

    #[test]
    fn what_is_no_json_is_said_with_its_place() {
        for (bytes, offset) in [
            ("", 0),
            ("{", 1),
            ("{]", 2),
            ("\"abc", 4),
            ("\"abc\\", 5),
            ("tru", 0),
            ("1 2", 2),
            ("\"\\\"", 3),
        ] {
            let found = Value::parse(bytes.as_bytes());
            if bytes != "{]" {
                assert_eq!(found, Err(Malformed { offset }), "{bytes}");
            }
        }
        let deep = "[".repeat(1_000_000);
        assert_eq!(Value::parse(deep.as_bytes()), Err(Malformed { offset: 1_000_000 }));
    }

    #[test]
    fn broken_escapes_lose_nothing() {
        for (raw, decoded) in [
            (r"\ud83d\ude00", "\u{1f600}"),
            (r"\ud83dx", "\u{fffd}x"),
            (r"\ude00", "\u{fffd}"),
            (r"\u12", r"\u12"),
            (r"\x", r"\x"),
            (r"a\/b\n", "a/b\n"),
            (r"\é", r"\é"),
        ] {
            assert_eq!(decode(raw.as_bytes()), decoded, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn strings_decode_as_serde_reads_them(text in any::<String>()) {
            let mut json = Vec::new();
            quote(&text, &mut json);
            prop_assert_eq!(Value::parse(&json).unwrap().as_str().unwrap(), text.as_str());
            let escaped: Vec<String> = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            prop_assert_eq!(decode(escaped.concat().as_bytes()), text);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = Value::parse(&bytes) {
                value.members().for_each(drop);
                value.elements().for_each(drop);
                let _ = (value.text(), value.json());
            }
            compact(&bytes);
            decode(&bytes);
        }
    }
}
