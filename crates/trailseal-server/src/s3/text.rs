//! Text of keys in XML and URLs.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `encoding-type=url` leaves as it is.
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'*').remove(b'/');

/// Text as `encoding-type=url` wants it. A space is `%20`, which every decoder takes for one.
pub(crate) fn url_encoded(text: &str) -> String {
    utf8_percent_encode(text, URL).to_string()
}

/// Text without what XML 1.0 cannot hold in any form: such a character becomes U+FFFD, so that one name does not make
/// a whole listing unreadable.
pub(crate) fn for_xml(text: String) -> String {
    if text.chars().all(is_xml) {
        text
    } else {
        text.chars().map(|c| if is_xml(c) { c } else { '\u{fffd}' }).collect()
    }
}

fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Written XML in which a CR is one for readers, too: a raw one would be read as LF (XML 1.0, 2.11).
pub(crate) fn with_returns(xml: &str) -> Cow<'_, str> {
    if xml.contains('\r') { Cow::Owned(xml.replace('\r', "&#13;")) } else { Cow::Borrowed(xml) }
}

/// Text as content of an element.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            c if is_xml(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn odd_names_are_written_so_that_they_can_be_read() {
        assert_eq!(url_encoded("a/b c+é%\u{1}\r~(*"), "a/b%20c%2B%C3%A9%25%01%0D%7E%28*");
        assert_eq!(for_xml("a\u{1}\u{0}\u{ffff}\r\n\t😀".to_owned()), "a\u{fffd}\u{fffd}\u{fffd}\r\n\t😀");
        assert_eq!(with_returns("a\rb"), "a&#13;b");
        assert_eq!(escaped("<a & \"b\">\r\u{1}"), "&lt;a &amp; \"b\"&gt;&#13;\u{fffd}");
    }

    proptest! {
        #[test]
        fn encoded_text_decodes_to_itself(text in ".{0,20}") {
            let encoded = url_encoded(&text);
            prop_assert!(encoded.bytes().all(|c| c.is_ascii_graphic() && c != b'+'));
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), text);
        }
    }
}
