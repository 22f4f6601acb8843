//! Keys of groups: several texts, each of which may be absent, as one row of bytes.

use std::{cmp::Ordering, ops::ControlFlow};

/// Appends a part to a key.
pub fn push_part(key: &mut Vec<u8>, part: Option<&str>) {
    match part {
        None => key.push(0),
        Some(text) => {
            key.push(1);
            key.extend_from_slice(&(text.len() as u64).to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        }
    }
}

/// The parts of a key that [`push_part`] made; bytes that it did not make end early.
pub fn parts(key: &[u8]) -> impl Iterator<Item = Option<&str>> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let (&is_there, after) = rest.split_first()?;
        rest = after;
        if is_there == 0 {
            return Some(None);
        }
        let (length, after) = rest.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
        let text = std::str::from_utf8(after.get(..length)?).ok()?;
        rest = &after[length..];
        Some(Some(text))
    })
}

/// Orders keys by their parts; what is absent comes last.
pub fn compare_keys(one: &[u8], other: &[u8]) -> Ordering {
    let rank = |part: Option<&str>| part.is_none();
    let (mut one, mut other) = (parts(one), parts(other));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => {
                let ordering = rank(a).cmp(&rank(b)).then_with(|| a.cmp(&b));
                if ordering.is_ne() {
                    return ordering;
                }
            }
        }
    }
}

/// Shows `each` every combination of one value of every column, until it breaks; whether that was all.
///
/// A column without values counts as one absent value; one that has the same value twice counts it once.
pub fn combinations(
    columns: &[Vec<Option<String>>],
    key: &mut Vec<u8>,
    each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
) -> bool {
    let unique: Vec<Vec<Option<&str>>> = columns.iter().map(|column| unique(column)).collect();
    let mut at = vec![0; unique.len()];
    loop {
        key.clear();
        for (values, at) in unique.iter().zip(&at) {
            push_part(key, values[*at]);
        }
        if each(key).is_break() {
            return false;
        }
        if !advance(&mut at, &unique) {
            return true;
        }
    }
}

/// The next combination, the last column's value first; `false` after the last one.
fn advance(at: &mut [usize], columns: &[Vec<Option<&str>>]) -> bool {
    for (place, values) in at.iter_mut().zip(columns).rev() {
        *place += 1;
        if *place < values.len() {
            return true;
        }
        *place = 0;
    }
    false
}

fn unique(values: &[Option<String>]) -> Vec<Option<&str>> {
    let mut texts: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
    if texts.len() > 1 {
        texts.sort_unstable();
        texts.dedup();
        // What is null beside other values says nothing.
        if texts.len() > 1 && texts[0].is_none() {
            texts.remove(0);
        }
    }
    if texts.is_empty() {
        texts.push(None);
    }
    texts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(of: &[Option<&str>]) -> Vec<u8> {
        let mut key = Vec::new();
        for part in of {
            push_part(&mut key, *part);
        }
        key
    }

    #[test]
    fn keys_are_ordered_by_parts_with_what_is_absent_last() {
        let mut keys = [key(&[None, Some("a")]), key(&[Some("b"), None]), key(&[Some("b"), Some("a")])];
        keys.sort_by(|a, b| compare_keys(a, b));
        assert_eq!(keys, [key(&[Some("b"), Some("a")]), key(&[Some("b"), None]), key(&[None, Some("a")])]);
    }

    #[test]
    fn every_combination_of_different_values_is_shown_once() {
        let text = |text: &str| Some(text.to_owned());
        let columns = [vec![text("a"), text("b"), text("a")], vec![], vec![text("x"), None, text("y")]];
        let mut seen = Vec::new();
        let all = combinations(&columns, &mut Vec::new(), &mut |key| {
            seen.push(parts(key).map(|part| part.unwrap_or("-").to_owned()).collect::<String>());
            ControlFlow::Continue(())
        });
        assert_eq!((all, seen), (true, ["a-x", "a-y", "b-x", "b-y"].map(str::to_owned).to_vec()));
        let mut count = 0;
        assert!(!combinations(&columns, &mut Vec::new(), &mut |_| {
            count += 1;
            if count < 3 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        }));
        assert_eq!(count, 3);
        assert!(combinations(&[], &mut Vec::new(), &mut |key| {
            assert!(key.is_empty());
            ControlFlow::Continue(())
        }));
    }

    #[test]
    fn strange_bytes_end_a_key() {
        assert_eq!(parts(&[1, 255, 255, 255, 255, 255, 255, 255, 255, 1]).count(), 0);
        assert_eq!(parts(&[0, 1, 2]).collect::<Vec<_>>(), [None]);
    }

    proptest! {
        #[test]
        fn parts_are_what_was_pushed(values in proptest::collection::vec(proptest::option::of(".{0,4}"), 0..5)) {
            let parts_in: Vec<Option<&str>> = values.iter().map(Option::as_deref).collect();
            let key = key(&parts_in);
            prop_assert_eq!(parts(&key).collect::<Vec<_>>(), parts_in);
        }
    }
}
