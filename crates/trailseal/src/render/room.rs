//! How many columns of a terminal a text takes, and what of it fits into fewer.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar as _;

/// The columns of a terminal that a text takes: the sum over its characters, so that a part never takes more than the
/// whole. Of what terminals draw in different ways, the widest is assumed.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> usize {
    // the one asks for the wide form of the sign before it; others, which have none, stand for a sign
    if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(1) }
}

/// The beginning and the end of what is too long, for names differ in either.
pub(crate) fn shortened(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return text.into();
    }
    let Some(kept) = room.checked_sub(1) else { return "".into() };
    let end = kept / 2;
    let head: String = fitting(text.chars(), kept - end).collect();
    let tail: Vec<char> = fitting(text.chars().rev(), end).collect();
    head.chars().chain(['…']).chain(tail.into_iter().rev()).collect::<String>().into()
}

/// As many of the characters as fit.
pub(crate) fn fitting(chars: impl Iterator<Item = char>, room: usize) -> impl Iterator<Item = char> {
    let mut taken = 0;
    chars.take_while(move |c| {
        taken += width_of(*c);
        taken <= room
    })
}

/// An ARN without what stands at the beginning of nearly all of them, where it is so: `111122223333:user/ci-deploy`. Those of
/// other partitions stay as they are.
pub(crate) fn without_arn_prefix(text: &str) -> &str {
    let Some((service, rest)) = text.strip_prefix("arn:aws:").and_then(|rest| rest.split_once(':')) else {
        return text;
    };
    let is_service = !service.is_empty() && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    let rest = rest.strip_prefix(':').unwrap_or(rest);
    if is_service && !rest.is_empty() { rest } else { text }
}

/// Words on lines of a width; a longer word has a line of its own, which is longer.
pub(crate) fn wrapped(text: &str, room: usize) -> Vec<String> {
    wrapped_behind(text, room, room)
}

/// A note on lines of a width: what is too long for one continues at a space, indented by two more than the note.
pub(crate) fn noted(text: &str, room: usize) -> Vec<String> {
    let (indent, more) = (text.len() - text.trim_start_matches(' ').len(), 2);
    if visible(text) <= room || room <= indent + more {
        return vec![text.to_owned()];
    }
    let mut lines = wrapped_behind(&text[indent..], room - indent, room - indent - more);
    for (at, line) in lines.iter_mut().enumerate() {
        let space = if at == 0 { indent } else { indent + more };
        line.insert_str(0, &" ".repeat(space));
    }
    lines
}

/// The width without what sets colours.
fn visible(text: &str) -> usize {
    if text.contains('\u{1b}') { width(&anstream::adapter::strip_str(text).to_string()) } else { width(text) }
}

/// Words on lines of which the first has another width.
fn wrapped_behind(text: &str, first: usize, others: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let (mut used, mut room) = (0, first);
    for word in text.split(' ') {
        let needed = visible(word);
        match lines.last_mut() {
            Some(line) if used + 1 + needed <= room => {
                line.push(' ');
                line.push_str(word);
                used += 1 + needed;
            }
            before => {
                room = if before.is_some() { others } else { first };
                lines.push(word.to_owned());
                used = needed;
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wide_takes_two_columns() {
        assert_eq!(["", "abc", "日本", "e\u{301}", "❤\u{fe0f}", "🦀"].map(width), [0, 3, 4, 1, 2, 2]);
    }

    #[test]
    fn the_ends_stay_of_what_is_too_long() {
        assert_eq!(shortened("abcdefghij", 10), "abcdefghij");
        assert_eq!(shortened("abcdefghij", 5), "ab…ij");
        assert_eq!(shortened("日本語日本語", 6), "日…語", "half of a character is none");
        assert_eq!([0, 1, 2].map(|room| shortened("abc", room).into_owned()), ["", "…", "a…"]);
    }

    #[test]
    fn arns_lose_their_beginning() {
        for (text, short) in [
            ("arn:aws:iam::111122223333:user/ci-deploy", "111122223333:user/ci-deploy"),
            ("arn:aws:s3:::bucket/key", "bucket/key"),
            ("arn:aws:dynamodb:us-east-1:1:table/orders (+1)", "us-east-1:1:table/orders (+1)"),
            ("arn:aws-cn:iam::1:user/a", "arn:aws-cn:iam::1:user/a"),
            ("arn:aws:iam:::", "arn:aws:iam:::"),
            ("arn:aws:a b::c", "arn:aws:a b::c"),
            ("arn:aws:", "arn:aws:"),
        ] {
            assert_eq!(without_arn_prefix(text), short);
        }
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("日本 日本", 5), ["日本", "日本"]);
        assert_eq!(wrapped("longer-than-that a b", 5), ["longer-than-that", "a b"]);
        assert_eq!(noted("one two three four", 9), ["one two", "  three", "  four"]);
        assert_eq!(noted("  one two three", 9), ["  one two", "    three"]);
        assert_eq!(noted("one two", 9), ["one two"]);
        assert_eq!(noted("one two", 2), ["one two"], "there is no room to indent");
    }
}
