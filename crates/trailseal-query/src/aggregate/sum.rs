//! Sums that do not depend on the order of what is added.

/// Integers up to this many bits are added exactly, so that more of them than any archive holds fit an `i128`.
const EXACT_BITS: u32 = 90;
/// Floating-point numbers beyond this could overflow on the way.
const MAX_FLOAT: f64 = 1e290;

/// A sum in the making.
#[derive(Clone, Debug, Default)]
pub struct Sum {
    integers: i128,
    /// Numbers that do not overlap and whose exact sum is that of all decimals (Shewchuk's expansions).
    decimals: Vec<f64>,
    has_decimals: bool,
    values: u64,
    others: u64,
}

/// What a sum comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Total {
    /// Only integers were added: exact.
    Integer(i128),
    /// Rounded once, from the exact sum.
    Decimal(f64),
}

impl Sum {
    /// Adds a number as it is written; a text that is none is only counted.
    pub fn add(&mut self, text: &str) {
        if let Ok(integer) = text.parse::<i128>()
            && integer.unsigned_abs() < 1 << EXACT_BITS
        {
            self.integers += integer;
        } else if let Some(decimal) = decimal(text) {
            self.has_decimals = true;
            self.grow(decimal);
        } else {
            self.others += 1;
            return;
        }
        self.values += 1;
    }

    /// Adds what another part has.
    pub fn merge(&mut self, other: &Self) {
        self.integers += other.integers;
        self.has_decimals |= other.has_decimals;
        self.values += other.values;
        self.others += other.others;
        other.decimals.iter().for_each(|part| self.grow(*part));
    }

    /// The sum.
    pub fn total(&self) -> Total {
        if !self.has_decimals {
            return Total::Integer(self.integers);
        }
        // The halves of a large integer are exact.
        let mut all = self.clone();
        let high = self.integers >> 50 << 50;
        all.grow(high as f64);
        all.grow((self.integers - high) as f64);
        Total::Decimal(all.rounded())
    }

    /// How many numbers were added.
    pub fn values(&self) -> u64 {
        self.values
    }

    /// How many texts were no numbers.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// Adds to the expansion without rounding anything away.
    fn grow(&mut self, number: f64) {
        let mut carried = number;
        let mut kept = 0;
        for at in 0..self.decimals.len() {
            let (sum, error) = two_sum(carried, self.decimals[at]);
            if error != 0.0 {
                self.decimals[kept] = error;
                kept += 1;
            }
            carried = sum;
        }
        self.decimals.truncate(kept);
        self.decimals.push(carried);
    }

    /// The expansion's value, rounded half to even.
    fn rounded(&self) -> f64 {
        let mut parts = self.decimals.iter().rev().copied();
        let mut high = parts.next().unwrap_or(0.0);
        let mut low = 0.0;
        while low == 0.0 {
            let Some(part) = parts.next() else { break };
            (high, low) = two_sum(high, part);
        }
        // Half-way cases: what follows decides.
        if low != 0.0
            && let Some(next) = parts.find(|part| *part != 0.0)
            && (low < 0.0) == (next < 0.0)
        {
            let doubled = low * 2.0;
            let candidate = high + doubled;
            #[allow(clippy::float_cmp, reason = "the question is whether it was exact")]
            if doubled == candidate - high {
                high = candidate;
            }
        }
        high
    }
}

impl Total {
    /// For comparisons of totals with each other.
    pub fn compare(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (one, other) => one.approximate().total_cmp(&other.approximate()),
        }
    }

    fn approximate(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Decimal(decimal) => decimal,
        }
    }
}

/// As a JSON number.
impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Decimal(decimal) => write!(f, "{decimal}"),
        }
    }
}

/// The rounded sum and what was rounded away.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let virtual_b = sum - a;
    let error = (a - (sum - virtual_b)) + (b - virtual_b);
    (sum, error)
}

fn decimal(text: &str) -> Option<f64> {
    // Rust also reads "inf", "nan" and "infinity".
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.abs() <= MAX_FLOAT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(texts: &[&str]) -> Sum {
        let mut sum = Sum::default();
        for text in texts {
            sum.add(text);
        }
        sum
    }

    #[test]
    fn integers_are_exact_and_decimals_rounded_once() {
        assert_eq!(sum(&["9007199254740993", "1", "-3"]).total(), Total::Integer(9_007_199_254_740_991));
        assert_eq!(sum(&["0.1"; 10]).total(), Total::Decimal(1.0));
        assert_eq!(sum(&["1e100", "1", "-1e100"]).total(), Total::Decimal(1.0));
        assert_eq!(sum(&["9007199254740993", "0.5", "-0.5"]).total().to_string(), "9007199254740992");
        assert_eq!(sum(&["1.5", "2"]).total().to_string(), "3.5");
    }

    #[test]
    fn what_is_no_number_is_counted() {
        let sum = sum(&["1", "", "inf", "NaN", "1e300", "0x1", "many"]);
        assert_eq!((sum.total(), sum.values(), sum.others()), (Total::Integer(1), 1, 6));
    }

    #[test]
    fn huge_integers_do_not_overflow() {
        let huge = i128::MAX.to_string();
        let Total::Decimal(total) = sum(&[&huge, &huge, "1"]).total() else { panic!("it is too large") };
        assert!((total / 3.402_823_669_209_385e38 - 1.0).abs() < 1e-9, "{total}");
    }

    proptest! {
        #[test]
        fn order_and_parts_do_not_matter(
            numbers in proptest::collection::vec((-1e18..1e18_f64, -30..30_i32), 0..40), cut in 0..40_usize,
        ) {
            let texts: Vec<String> = numbers.iter().map(|(n, e)| format!("{}", n * 10_f64.powi(*e))).collect();
            let all: Vec<&str> = texts.iter().map(String::as_str).collect();
            let forward = sum(&all);
            let (left, right) = all.split_at(cut.min(all.len()));
            let reversed: Vec<&str> = right.iter().rev().copied().collect();
            let mut backward = sum(&reversed);
            backward.merge(&sum(left));
            prop_assert_eq!(forward.total(), backward.total());
        }
    }
}
