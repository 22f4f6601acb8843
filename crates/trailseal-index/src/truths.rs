//! What a condition may come to: some of SQL's three truth values.

use trailseal_query::predicate::Truth;

/// A set of truth values; of an event of which everything is known, one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truths(u8);

const TRUE: u8 = 1;
const UNKNOWN: u8 = 2;
const FALSE: u8 = 4;
/// Sets of the three.
pub(crate) const SETS: usize = 8;

impl Truths {
    /// Nothing is known.
    pub(crate) const ANY: Self = Self(TRUE | UNKNOWN | FALSE);
    /// It does not hold.
    pub(crate) const NOT_TRUE: Self = Self(UNKNOWN | FALSE);

    pub(crate) fn of(truth: Truth) -> Self {
        Self(match truth {
            Truth::True => TRUE,
            Truth::Unknown => UNKNOWN,
            Truth::False => FALSE,
        })
    }

    pub(crate) fn may_be_true(self) -> bool {
        self.0 & TRUE != 0
    }

    /// What it comes to, if that can be one thing only.
    pub(crate) fn known(self) -> Option<Truth> {
        match self.0 {
            TRUE => Some(Truth::True),
            UNKNOWN => Some(Truth::Unknown),
            FALSE => Some(Truth::False),
            _ => None,
        }
    }

    /// All sets, in the order of [`index`](Self::index).
    pub(crate) fn all() -> [Self; SETS] {
        std::array::from_fn(|set| Self(set as u8))
    }

    /// Its place among all sets.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What the opposite may come to.
    pub(crate) fn not(self) -> Self {
        Self(self.0 & UNKNOWN | (self.0 & TRUE) << 2 | (self.0 & FALSE) >> 2)
    }

    /// What both together may come to.
    pub(crate) fn and(self, other: Self) -> Self {
        let (one, two) = (self.0, other.0);
        // false with any, true with both true, unknown where neither is false and one is unknown
        let is_false = (one | two) & FALSE;
        let is_true = one & two & TRUE;
        let not_false = |truths: u8| truths & (TRUE | UNKNOWN) != 0;
        let is_unknown = if not_false(one) && not_false(two) { (one | two) & UNKNOWN } else { 0 };
        Self(is_false | is_true | is_unknown)
    }

    /// What one of both may come to.
    pub(crate) fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Truth; 3] = [Truth::True, Truth::Unknown, Truth::False];

    fn members(truths: Truths) -> Vec<Truth> {
        ALL.into_iter().filter(|truth| truths.0 & Truths::of(*truth).0 != 0).collect()
    }

    #[test]
    fn sets_with_one_member_are_known() {
        for truths in Truths::all() {
            let members = members(truths);
            assert_eq!(truths.known(), (members.len() == 1).then(|| members[0]));
            assert_eq!(Truths::all()[truths.index()], truths);
        }
    }

    fn set(truths: impl Iterator<Item = Truth>) -> Truths {
        Truths(truths.fold(0, |set, truth| set | Truths::of(truth).0))
    }

    #[test]
    fn sets_come_to_what_their_members_come_to() {
        // false is the greatest of the three
        for one in 1..8 {
            let one = Truths(one);
            let opposite = |truth: Truth| match truth {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                Truth::Unknown => Truth::Unknown,
            };
            assert_eq!(one.not(), set(members(one).into_iter().map(opposite)));
            for two in (1..8).map(Truths) {
                let pairs = || {
                    members(one).into_iter().flat_map(move |a| members(two).into_iter().map(move |b| (a, b)))
                };
                assert_eq!(one.and(two), set(pairs().map(|(a, b)| a.max(b))), "{one:?} and {two:?}");
                assert_eq!(one.or(two), set(pairs().map(|(a, b)| a.min(b))), "{one:?} or {two:?}");
            }
        }
    }
}
