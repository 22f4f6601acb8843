//! Names in a predicate that no event record has, and what CloudTrail writes instead; values that it never writes.

use std::collections::BTreeSet;

use super::mismatch;
use crate::{
    derived::Derived,
    path::{AGGREGATED, FieldPath, MEMBERS, TOP_LEVEL},
    predicate::Predicate,
};

/// The letters that may differ between a misspelt name and the right one.
const MAX_DISTANCE: usize = 2;
/// Longer names are not compared with others.
const MAX_NAME: usize = 64;
/// The notes that are given.
pub(super) const MAX_NOTES: usize = 20;

/// A note for every path whose names no event record has, though it may have been meant to, and for every
/// comparison with a value that CloudTrail never writes in the field; at most twenty.
///
/// Nothing is wrong with either: edited records hold misspelt names and odd values, and services add new ones.
pub fn suggestions(predicate: &Predicate) -> Vec<String> {
    let (mut paths, mut values) = (BTreeSet::new(), BTreeSet::new());
    collect(predicate, &[], &mut paths, &mut values);
    paths.iter().filter_map(|path| note(path)).chain(values).take(MAX_NOTES).collect()
}

/// A field that no event record has, where all that records have are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// The path.
    pub written: String,
    /// What may have been meant.
    pub better: Option<String>,
}

/// The fields of a predicate that no event record has: those that begin with an unknown name, and unknown members of
/// `userIdentity`; `is_meant` says of which names it is known that they are meant.
pub fn unknown_fields(predicate: &Predicate, is_meant: &dyn Fn(&str) -> bool) -> Vec<UnknownField> {
    let (mut paths, mut values) = (BTreeSet::new(), BTreeSet::new());
    collect(predicate, &[], &mut paths, &mut values);
    paths.iter().filter_map(|path| unknown_field(path, is_meant)).collect()
}

fn is_known(first: &str) -> bool {
    TOP_LEVEL.contains(&first) || AGGREGATED.contains(&first)
}

fn unknown_field(path: &[String], is_meant: &dyn Fn(&str) -> bool) -> Option<UnknownField> {
    let written = path.join(".");
    let first = path.first()?;
    if is_meant(first) {
        return None;
    }
    if !is_known(first) {
        let better = better_top_level(first).map(|better| join(&better, &path[1..]));
        return Some(UnknownField { written, better });
    }
    let member = path.get(1).filter(|member| first == "userIdentity" && !is_meant(member))?;
    let (_, members) = MEMBERS.iter().find(|(object, _)| object == first)?;
    if members.contains(&member.as_str()) {
        return None;
    }
    let better = nearest(member, members.iter().copied());
    Some(UnknownField { written, better: better.map(|name| join(&format!("{first}.{name}"), &path[2..])) })
}

fn collect(
    predicate: &Predicate,
    prefix: &[String],
    paths: &mut BTreeSet<Vec<String>>,
    values: &mut BTreeSet<String>,
) {
    let mut add = |path: &FieldPath| {
        paths.insert([prefix, path.segments()].concat());
    };
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => {
            for part in parts {
                collect(part, prefix, paths, values);
            }
        }
        Predicate::Not(part) => collect(part, prefix, paths, values),
        Predicate::Field(path, test) => {
            add(path);
            values.extend(mismatch::note(&[prefix, path.segments()].concat(), test));
        }
        Predicate::Fields(left, _, right) => {
            add(left);
            add(right);
        }
        Predicate::Element(path, inner) => {
            let prefix = [prefix, path.segments()].concat();
            collect(inner, &prefix, paths, values);
            paths.insert(prefix);
        }
        Predicate::Derived(Derived::Weekday, test) => values.extend(mismatch::weekday(test)),
        Predicate::Derived(Derived::Hour, test) => values.extend(mismatch::hour(test)),
        Predicate::Constant(_)
        | Predicate::TimeRange(_)
        | Predicate::LocalTime(_)
        | Predicate::Derived(..)
        | Predicate::OfFile(..)
        | Predicate::Category(_)
        | Predicate::Anywhere(_) => {}
    }
}

fn note(path: &[String]) -> Option<String> {
    let written = path.join(".");
    let first = path.first()?;
    if !is_known(first) {
        return Some(match better_top_level(first) {
            Some(better) => {
                format!("{written}: CloudTrail writes {}", join(&better, &path[1..]))
            }
            None => format!("{written}: event records have no field {first}"),
        });
    }
    let mut object = first.clone();
    for (index, name) in path.iter().enumerate().skip(1) {
        let (_, members) = MEMBERS.iter().find(|(known, _)| *known == object)?;
        if !members.contains(&name.as_str()) {
            let better = nearest(name, members.iter().copied())?;
            let better = join(&format!("{object}.{better}"), &path[index + 1..]);
            return Some(format!("{written}: CloudTrail writes {better}"));
        }
        object = format!("{object}.{name}");
    }
    None
}

fn join(start: &str, names: &[String]) -> String {
    std::iter::once(start).chain(names.iter().map(String::as_str)).collect::<Vec<_>>().join(".")
}

/// A known top-level name that is like this one, or the path of a known member of this name.
fn better_top_level(name: &str) -> Option<String> {
    let bare = name.replace('_', "");
    if let Some(known) = TOP_LEVEL.iter().find(|known| known.eq_ignore_ascii_case(&bare)) {
        return Some((*known).to_owned());
    }
    let member = |(object, members): &(&str, &[&str])| {
        let found = members.iter().find(|member| member.eq_ignore_ascii_case(&bare))?;
        Some(format!("{object}.{found}"))
    };
    MEMBERS.iter().find_map(member).or_else(|| nearest(name, TOP_LEVEL.into_iter()).map(str::to_owned))
}

/// The known name that differs in case only, else in the fewest letters, if in few.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME {
        return None;
    }
    let lower = name.to_lowercase();
    let distance = |known: &str| distance(&lower, &known.to_lowercase());
    // short names are like too many others
    let limit = MAX_DISTANCE.min(name.len() / 3);
    known.map(|known| (distance(known), known)).filter(|(far, _)| *far <= limit).min().map(|(_, known)| known)
}

/// The letters to change, add or leave out.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, right) in other.iter().enumerate() {
            let changed = diagonal + usize::from(left != *right);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
