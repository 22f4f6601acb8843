//! Numbers that are written in digits: `-12.50`.

use std::cmp::Ordering;

/// A number as it is written, without a sign, leading zeros, and zeros at the end of its fraction.
struct Decimal<'t> {
    is_negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

impl<'t> Decimal<'t> {
    fn read(text: &'t str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !are_digits(whole) || !are_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { is_negative: text.starts_with('-') && !is_zero, whole, fraction })
    }
}

/// Compares two numbers in digits, exactly; `None` when one is written otherwise.
pub(crate) fn compare_decimals(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Decimal::read(one)?, Decimal::read(other)?);
    let size = || {
        let lengths = one.whole.len().cmp(&other.whole.len());
        lengths.then_with(|| one.whole.cmp(other.whole)).then_with(|| one.fraction.cmp(other.fraction))
    };
    Some(match (one.is_negative, other.is_negative) {
        (false, false) => size(),
        (true, true) => size().reverse(),
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
    })
}

/// The digits that stand in every way in which a number is written in digits; `None` when it is written otherwise, or when
/// no digit must.
pub(crate) fn whole_digits(text: &str) -> Option<&str> {
    Decimal::read(text).map(|number| number.whole).filter(|digits| !digits.is_empty())
}

/// Whether it is a number in digits.
pub(crate) fn is_decimal(text: &str) -> bool {
    Decimal::read(text).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn digits_are_compared_whatever_their_number() {
        use Ordering::{Equal, Greater, Less};
        for (one, other, ordering) in [
            ("5", "10", Less),
            ("-5", "-10", Greater),
            ("007.50", "7.5", Equal),
            ("-0.0", "0", Equal),
            ("12345678901234567890.1", "12345678901234567890.10", Equal),
            ("12345678901234567890.1", "12345678901234567890.11", Less),
            ("0.09", "0.1", Less),
            ("-1", "0.1", Less),
        ] {
            assert_eq!(compare_decimals(one, other), Some(ordering), "{one} {other}");
            assert_eq!(compare_decimals(other, one), Some(ordering.reverse()), "{other} {one}");
        }
        for text in ["", "-", "1.", ".1", "1e3", "+1", " 1", "1_0", "١", "0x1", "1.2.3"] {
            assert_eq!(compare_decimals(text, "1"), None, "{text}");
        }
        assert_eq!(
            (whole_digits("0070.5"), whole_digits("0.5"), whole_digits("x")),
            (Some("70"), None, None)
        );
    }

    proptest! {
        #[test]
        fn whole_numbers_compare_as_numbers(one: i64, other: i64) {
            prop_assert_eq!(compare_decimals(&one.to_string(), &other.to_string()), Some(one.cmp(&other)));
        }
    }
}
