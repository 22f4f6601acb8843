//! What follows something broken: where it ends, and what the list is in which it stands.

use super::{
    cut::{Stop, cut},
    split::{After, member_after},
};
use crate::json::Malformed;

/// Where a value ends in which a control character stands.
pub(super) enum Broken {
    /// Behind its last bracket: the string goes on behind the character.
    End(usize),
    /// The bytes end before.
    Short,
    /// A string in it has no end.
    Unknown,
}

/// Looks for the end of the value at `start`, as if control characters were allowed in strings. What lies in a broken value
/// is part of it, and no value of its own.
pub(super) fn broken_value(bytes: &[u8], start: usize) -> Broken {
    let (mut depth, mut in_string, mut is_escaped, mut is_broken) = (0_u32, false, false, false);
    for (at, byte) in bytes.iter().enumerate().skip(start).take(MAX_BROKEN) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' if in_string && is_broken => match bytes[at + 1..].trim_ascii_start().first() {
                Some(b',' | b':' | b'}' | b']') => (in_string, is_broken) = (false, false),
                Some(_) => return Broken::Unknown,
                None => return Broken::Short,
            },
            b'"' => in_string = !in_string,
            0..0x20 if in_string => is_broken = true,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Broken::End(at + 1);
                }
            }
            _ => {}
        }
    }
    if bytes.len() - start < MAX_BROKEN { Broken::Short } else { Broken::Unknown }
}

/// No record of CloudTrail is longer (256 KB), so that what lies beyond does not belong to a broken one.
const MAX_BROKEN: usize = 256 << 10;

/// What a list is that was entered behind something broken.
pub(super) enum EnteredList {
    /// A member of something else.
    Inner {
        /// The bracket that ends it, from the element on.
        end: usize,
    },
    /// That of the records.
    Outer,
    /// The bytes end before it does.
    Open,
}

/// What the list is of which this element is one: what stands behind its end tells. Its elements begin with `beginning`.
pub(super) fn list_of(bytes: &[u8], in_object: bool, beginning: &[u8]) -> EnteredList {
    let is_cut = bytes.len() < MAX_BROKEN;
    let bytes = &bytes[..bytes.len().min(MAX_BROKEN)];
    let mut elements = Vec::new();
    let at = match cut(bytes, 0, &mut elements) {
        Stop::Closed { at } if bytes[at] == b']' => at,
        Stop::Closed { at } => return EnteredList::Inner { end: at },
        Stop::Over { .. } if is_cut => return EnteredList::Open,
        // no record is as long
        Stop::Over { .. } | Stop::Control { .. } => return EnteredList::Outer,
    };
    let mut behind = &bytes[at + 1..];
    if in_object {
        loop {
            match member_after(behind) {
                Ok(After::Member(length)) => behind = &behind[length..],
                Ok(After::End(length)) => {
                    behind = &behind[length..];
                    break;
                }
                // another list of the same envelope
                Ok(After::Array(_)) => return EnteredList::Outer,
                Err(Malformed { offset }) if offset < behind.len() => return EnteredList::Inner { end: at },
                Err(_) => return EnteredList::Open,
            }
        }
    }
    let behind = behind.trim_ascii_start();
    let is_inner = match behind.first() {
        Some(b'}' | b']' | b':') => true,
        Some(b',') => {
            let next = behind[1..].trim_ascii_start();
            if is_cut && next.len() < beginning.len() {
                return EnteredList::Open;
            }
            next.starts_with(beginning) || matches!(next.first(), Some(sign) if !matches!(sign, b'{' | b'['))
        }
        Some(_) => false,
        None => return if is_cut { EnteredList::Open } else { EnteredList::Outer },
    };
    if is_inner { EnteredList::Inner { end: at } } else { EnteredList::Outer }
}
