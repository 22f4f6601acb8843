//! Numbers of rows in an order that whoever asks knows, in pieces: one comes or goes without moving all others.

use std::cmp::Ordering;

/// Numbers in a piece at most.
const PIECE: usize = 512;

/// What a list takes that has more than one number, beside its numbers.
const SEVERAL: usize = 112;

/// Numbers in order. Most texts are those of one event: such a list takes no memory of its own.
#[derive(Debug)]
pub(super) enum RowList {
    One(u32),
    Several(Box<Pieces>),
}

/// None of them is empty.
#[derive(Debug)]
pub(super) struct Pieces(Vec<Vec<u32>>);

impl RowList {
    /// Puts a number where it belongs; `order` says how another one stands to it. Says how many bytes more there are.
    pub(super) fn insert(&mut self, number: u32, order: impl Fn(u32) -> Ordering) -> usize {
        match self {
            Self::One(first) => {
                let mut pieces = Pieces(vec![vec![*first]]);
                pieces.insert(number, order);
                *self = Self::Several(Box::new(pieces));
                SEVERAL
            }
            Self::Several(pieces) => {
                pieces.insert(number, order);
                0
            }
        }
    }

    /// Takes the number away to which `order` says equal. Says how many bytes fewer there are; `None` when nothing is left.
    pub(super) fn remove(&mut self, order: impl Fn(u32) -> Ordering) -> Option<usize> {
        let Self::Several(pieces) = self else { return None };
        pieces.remove(order);
        match pieces.0[..] {
            [] => None,
            _ => Some(0),
        }
    }

    /// What is given back when the list goes.
    pub(super) fn overhead(&self) -> usize {
        match self {
            Self::One(_) => 0,
            Self::Several(_) => SEVERAL,
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Several(pieces) => pieces.0.iter().map(Vec::len).sum(),
        }
    }

    /// The numbers behind those of which `is_before` is true.
    pub(super) fn behind(&self, is_before: &dyn Fn(u32) -> bool) -> impl Iterator<Item = u32> + use<'_> {
        let (one, pieces) = match self {
            Self::One(number) => ((!is_before(*number)).then_some(*number), &[] as &[Vec<u32>]),
            Self::Several(pieces) => (None, &pieces.0[..]),
        };
        let first = pieces.partition_point(|piece| piece.last().is_some_and(|last| is_before(*last)));
        let (piece, rest) =
            pieces[first..].split_first().map_or((&[] as &[u32], &[] as &[Vec<u32>]), |(piece, rest)| {
                (&piece[piece.partition_point(|number| is_before(*number))..], rest)
            });
        one.into_iter().chain(piece.iter().copied()).chain(rest.iter().flatten().copied())
    }
}

impl Pieces {
    fn insert(&mut self, number: u32, order: impl Fn(u32) -> Ordering) {
        let is_before = |other: &u32| order(*other) == Ordering::Less;
        let last = self.0.len().saturating_sub(1);
        let at = self.0.partition_point(|piece| piece.last().is_some_and(is_before)).min(last);
        let place = self.0[at].partition_point(is_before);
        let piece = &mut self.0[at];
        if piece.len() < PIECE {
            piece.insert(place, number);
        } else if place == 0 {
            // the newest come first: pieces in front of others stay full
            self.0.insert(at, vec![number]);
        } else if place == piece.len() {
            self.0.insert(at + 1, vec![number]);
        } else {
            let mut behind = piece.split_off(PIECE / 2);
            match place.checked_sub(PIECE / 2) {
                Some(place) => behind.insert(place, number),
                None => piece.insert(place, number),
            }
            self.0.insert(at + 1, behind);
        }
    }

    fn remove(&mut self, order: impl Fn(u32) -> Ordering) {
        let is_before = |other: &u32| order(*other) == Ordering::Less;
        let at = self.0.partition_point(|piece| piece.last().is_some_and(is_before));
        let Some(piece) = self.0.get_mut(at) else { return };
        let Ok(place) = piece.binary_search_by(|other| order(*other)) else { return };
        piece.remove(place);
        if piece.is_empty() {
            self.0.remove(at);
        } else if piece.len() * 4 < piece.capacity() {
            piece.shrink_to(piece.len() * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn numbers_are_in_order_whatever_comes_and_goes(
            steps in proptest::collection::vec((any::<bool>(), 0..3_000_u32), 1..4_000),
            from in 0..3_000_u32,
            direction in 0..3_u8,
        ) {
            // so that each way of growing is walked for long: at the front, at the end, anywhere
            let number = |at: usize, any: u32| match direction {
                0 => 5_000 - at as u32,
                1 => at as u32,
                _ => any,
            };
            let mut expected = BTreeSet::new();
            let mut list: Option<RowList> = None;
            for (at, (comes, any)) in steps.into_iter().enumerate() {
                let number = number(at, any);
                if comes || direction < 2 && at < 2_000 {
                    if expected.insert(number) {
                        match &mut list {
                            None => list = Some(RowList::One(number)),
                            Some(list) => drop(list.insert(number, |other| other.cmp(&number))),
                        }
                    }
                } else if let Some(gone) = expected.range(any..).next().copied() {
                    expected.remove(&gone);
                    let held = list.as_mut().expect("a number is held");
                    if held.remove(|other| other.cmp(&gone)).is_none() {
                        list = None;
                    }
                }
            }
            prop_assert_eq!(list.as_ref().map_or(0, RowList::len), expected.len());
            let held: Vec<u32> = list.iter().flat_map(|list| list.behind(&|number| number < from)).collect();
            prop_assert_eq!(held, expected.range(from..).copied().collect::<Vec<_>>());
        }
    }
}
