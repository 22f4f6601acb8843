//! The part of an object that is asked for, by `Range` (RFC 9110 14) or `partNumber`.

/// What `Range` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// From a byte, to one or to the end.
    From(u64, Option<u64>),
    /// The last bytes.
    Last(u64),
}

/// No byte of the object is in the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unsatisfiable;

impl Span {
    /// Reads a value of `Range`. What is none, is of other units or of several parts is ignored: `None`. S3 gives one
    /// part only, and the whole object otherwise.
    pub(crate) fn read(value: &str) -> Option<Self> {
        let (unit, set) = value.split_once('=')?;
        let set = set.trim();
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = set.split_once('-')?;
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(|first| Self::From(first, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The first byte and the length of what it selects of an object.
    pub(crate) fn of(self, length: u64) -> Result<(u64, u64), Unsatisfiable> {
        let (first, end) = match self {
            Self::From(first, last) => {
                (first, last.map_or(length, |last| last.saturating_add(1).min(length)))
            }
            Self::Last(wanted) => (length.saturating_sub(wanted), length),
        };
        if first < end { Ok((first, end - first)) } else { Err(Unsatisfiable) }
    }
}

/// Digits and nothing else; more than there are numbers for is as good as no end.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_single_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=1",
            "bytes=--1",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes:0-1",
            "bytes=1-2-3",
        ] {
            assert_eq!(Span::read(value), None, "{value}");
        }
    }

    #[test]
    fn ranges_select_bytes() {
        for (value, length, expected) in [
            ("bytes=0-0", 10, Ok((0, 1))),
            ("Bytes=2-4", 10, Ok((2, 3))),
            ("bytes=2-", 10, Ok((2, 8))),
            ("bytes=-3", 10, Ok((7, 3))),
            ("bytes=-30", 10, Ok((0, 10))),
            ("bytes=9-99999999999999999999999", 10, Ok((9, 1))),
            ("bytes=10-", 10, Err(Unsatisfiable)),
            ("bytes=99999999999999999999999-", 10, Err(Unsatisfiable)),
            ("bytes=-0", 10, Err(Unsatisfiable)),
            ("bytes=0-", 0, Err(Unsatisfiable)),
            ("bytes=-5", 0, Err(Unsatisfiable)),
        ] {
            assert_eq!(Span::read(value).unwrap().of(length), expected, "{value} of {length}");
        }
    }

    proptest! {
        #[test]
        fn a_span_lies_in_the_object(value in "bytes=[0-9]{0,21}-[0-9]{0,21}", length in 0_u64..40) {
            if let Some(Ok((first, count))) = Span::read(&value).map(|span| span.of(length)) {
                prop_assert!(count > 0 && first + count <= length);
            }
        }

        #[test]
        fn nothing_panics(value in ".{0,40}") {
            let _ = Span::read(&value);
        }
    }
}
