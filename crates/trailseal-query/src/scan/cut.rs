//! Cutting bytes into the JSON objects and arrays that lie in them side by side.

use crate::json::structure::{Structure, Visitor, walk};

/// One object or array, from bracket to bracket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Its first byte.
    pub(crate) start: usize,
    /// The byte behind its last.
    pub(crate) end: usize,
    /// Whether it holds neither `\u` nor `\/`: then every text stands in it as it is compared, and in one way
    /// only.
    pub(crate) is_plain: bool,
}

/// Where cutting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The bytes are over. What follows the last element, or an element of which the end is missing, is left.
    Over {
        /// Whether an element has begun.
        is_open: bool,
    },
    /// A bracket closes what holds the elements.
    Closed {
        /// The bracket.
        at: usize,
    },
    /// A control character stands in a string of the element that begins at `start`.
    Control {
        /// The element's first byte.
        start: usize,
        /// The character.
        at: usize,
    },
}

/// Finds the elements from `from` on, where no string is open; what lies between them is not looked at.
pub(crate) fn cut(bytes: &[u8], from: usize, elements: &mut Vec<Element>) -> Stop {
    let mut cutter = Cutter { bytes, elements, start: 0, depth: 0, is_plain: true, stop: None };
    walk(bytes, from, &mut cutter);
    let is_open = cutter.depth > 0;
    cutter.stop.unwrap_or(Stop::Over { is_open })
}

struct Cutter<'a> {
    bytes: &'a [u8],
    elements: &'a mut Vec<Element>,
    /// The first byte of the element that is open.
    start: usize,
    depth: u32,
    /// Of the element that is open.
    is_plain: bool,
    stop: Option<Stop>,
}

impl Visitor for Cutter<'_> {
    #[inline(always)]
    fn block(&mut self, at: usize, structure: Structure) -> bool {
        let Structure { opens, closes, controls, backslashes, .. } = structure;
        if controls | backslashes != 0 && !self.look_closer(at, &structure) {
            return false;
        }
        if closes.count_ones() < self.depth {
            self.depth = self.depth + opens.count_ones() - closes.count_ones();
            return true;
        }
        self.brackets(at, opens, closes, backslashes)
    }
}

impl Cutter<'_> {
    /// The brackets of a block, one by one.
    #[inline(always)]
    fn brackets(&mut self, at: usize, opens: u64, closes: u64, backslashes: u64) -> bool {
        let mut brackets = opens | closes;
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            brackets &= brackets - 1;
            let place = at + bit as usize;
            if opens >> bit & 1 == 1 {
                if self.depth == 0 {
                    self.start = place;
                    // what the rest of this block holds counts for it
                    self.is_plain = backslashes == 0 || !self.has_other_spellings(at, backslashes);
                }
                self.depth += 1;
            } else if self.depth == 0 {
                self.stop = Some(Stop::Closed { at: place });
                return false;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    let Self { start, is_plain, .. } = *self;
                    self.elements.push(Element { start, end: place + 1, is_plain });
                }
            }
        }
        true
    }

    /// A block with a backslash or with a control character in a string.
    #[cold]
    fn look_closer(&mut self, at: usize, structure: &Structure) -> bool {
        if structure.controls != 0 {
            let bit = structure.controls.trailing_zeros();
            // elements that end before it are whole
            let before = (1_u64 << bit) - 1;
            let (opens, closes) = (structure.opens & before, structure.closes & before);
            if self.brackets(at, opens, closes, structure.backslashes) {
                let place = at + bit as usize;
                let start = if self.depth > 0 { self.start } else { place };
                self.stop = Some(Stop::Control { start, at: place });
            }
            return false;
        }
        self.is_plain &= !self.has_other_spellings(at, structure.backslashes);
        true
    }

    fn has_other_spellings(&self, at: usize, mut backslashes: u64) -> bool {
        while backslashes != 0 {
            let place = at + backslashes.trailing_zeros() as usize;
            backslashes &= backslashes - 1;
            if matches!(self.bytes.get(place + 1), Some(b'u' | b'/')) {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut_all(text: &str) -> (Vec<&str>, Stop) {
        let mut elements = Vec::new();
        let stop = cut(text.as_bytes(), 0, &mut elements);
        (elements.iter().map(|element| &text[element.start..element.end]).collect(), stop)
    }

    #[test]
    fn elements_are_cut_at_their_own_brackets() {
        let text = r#" {"a":"}{"}, [{"b":"\"}"}] {"c":{}}] {"d""#;
        let (elements, stop) = cut_all(text);
        assert_eq!(elements, [r#"{"a":"}{"}"#, r#"[{"b":"\"}"}]"#, r#"{"c":{}}"#]);
        assert_eq!(stop, Stop::Closed { at: text.find("] {\"d").unwrap() });
        assert_eq!(cut_all("{} {\"x\""), (vec!["{}"], Stop::Over { is_open: true }));
        assert_eq!(cut_all("{} "), (vec!["{}"], Stop::Over { is_open: false }));
    }

    #[test]
    fn a_line_break_in_a_string_ends_the_cutting() {
        let (elements, stop) = cut_all("{\"a\":1}\n{\"b\":\"x\n{}");
        assert_eq!(elements, ["{\"a\":1}"]);
        assert_eq!(stop, Stop::Control { start: 8, at: 15 });
    }

    #[test]
    fn other_spellings_are_noticed_wherever_they_stand() {
        for padding in 0..130 {
            let pad = " ".repeat(padding);
            let text = format!("{pad}{{\"a\":\"\\\"\"}}{{{pad}\"b\":\"\\u0041{pad}\"}}{{\"c\":\"x\"}}");
            let mut elements = Vec::new();
            cut(text.as_bytes(), 0, &mut elements);
            assert!(!elements[1].is_plain, "{padding}");
            // the others may share a block with it
            assert_eq!(elements.len(), 3);
        }
    }

    proptest! {
        #[test]
        fn values_are_found_whatever_lies_in_them(
            values in proptest::collection::vec("[\\[\\]{}\"\\\\a-z,:]{0,90}", 0..20),
        ) {
            let elements: Vec<String> = values.iter().map(|v| serde_json::json!({ v: [v, {}] }).to_string()).collect();
            let text = elements.join(",");
            let (found, stop) = cut_all(&text);
            prop_assert_eq!(found, elements);
            prop_assert_eq!(stop, Stop::Over { is_open: false });
        }
    }
}
