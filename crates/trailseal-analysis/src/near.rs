//! What may have been meant, where nothing was found: values that are like the ones that were asked for.

use std::{
    collections::{BTreeMap, HashMap},
    ops::ControlFlow,
    sync::Arc,
};

use trailseal_evidence::{
    index::{ColumnGroup, SegmentColumns},
    scan::{self, ColumnFold, ColumnRows, Fold, Row},
};
use trailseal_query::{Filter, Predicate};

use crate::{
    error::Error,
    fields::{Field, FieldColumn, FieldValue},
    question::Question,
};

/// Segments of which columns are held.
const SEGMENTS: usize = 8;
/// Values that are kept.
const MANY: usize = 100;

/// What was asked of a field.
#[derive(Clone, Debug)]
pub struct AskedValues {
    /// The field.
    pub field: Field,
    /// The values.
    pub values: Vec<String>,
}

/// A value that is like one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearValue {
    /// The place of what was asked among all.
    pub asked: usize,
    /// The value that was asked for.
    pub wanted: String,
    /// The value that is there.
    pub found: String,
    /// How many events have it.
    pub count: u64,
}

/// Looks at all events of the files for values that are like the ones that were asked for: in another case, with or without a
/// service, with a version or number behind the name, an account in groups, or one of several in a list. The most frequent first.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn near(question: &Question<'_>, asked: &[AskedValues]) -> Result<Vec<NearValue>, Error> {
    let everything = Filter::new(Predicate::Constant(true));
    let Question { files, options, progress, .. } = question;
    let groups = groups(asked);
    let new = || Counts { asked, near: BTreeMap::new(), columns: HashMap::new() };
    let add = |part: &mut Counts<'_>, row: &Row<'_>| {
        for (at, AskedValues { field, .. }) in asked.iter().enumerate() {
            field.visit(row, &mut |value| part.add(at, &value, 1));
        }
        ControlFlow::Continue(())
    };
    let add_columns = |part: &mut Counts<'_>, rows: &ColumnRows<'_>| {
        part.add_columns(groups.as_deref().unwrap_or_default(), rows);
        ControlFlow::Continue(())
    };
    let columns = groups.as_deref().map(|groups| ColumnFold { groups, add: &add_columns });
    let (found, _) =
        scan::fold_columns(*files, options, &everything, *progress, &new, &add, columns.as_ref())?;
    let near = |((asked, wanted, found), count)| NearValue { asked, wanted, found, count };
    let mut all: Vec<NearValue> = found.near.into_iter().map(near).collect();
    all.sort_by(|a, b| (a.asked, &a.wanted, b.count, &a.found).cmp(&(b.asked, &b.wanted, a.count, &b.found)));
    Ok(all)
}

/// The groups that tell all fields; `None` if they do not.
fn groups(asked: &[AskedValues]) -> Option<Vec<ColumnGroup>> {
    let mut groups = Vec::new();
    for AskedValues { field, .. } in asked {
        match field.column()? {
            FieldColumn::Group(group) if groups.contains(&group) => {}
            FieldColumn::Group(group) => groups.push(group),
            FieldColumn::Time(_) => return None,
        }
    }
    Some(groups)
}

/// How many events have each value, by group and number.
type NumberCounts = HashMap<ColumnGroup, Vec<u64>>;

struct Counts<'p> {
    asked: &'p [AskedValues],
    /// How many events have a value, by the place of what was asked, the value that was wanted and that which is there.
    near: BTreeMap<(usize, String, String), u64>,
    /// How many have a value by its number, by segment and group; not yet looked at.
    columns: HashMap<usize, (Arc<SegmentColumns>, NumberCounts)>,
}

impl Counts<'_> {
    fn add(&mut self, at: usize, value: &FieldValue<'_>, count: u64) {
        let Some(text) = value.text() else { return };
        for wanted in self.asked[at].values.iter().filter(|wanted| is_near(wanted, &text)) {
            *self.near.entry((at, wanted.clone(), text.clone().into_owned())).or_default() += count;
            self.cut();
        }
    }

    /// Keeps the first ones, so that it does not matter in which order they come: what is left out once has so many
    /// before it for ever.
    fn cut(&mut self) {
        while self.near.len() > MANY {
            self.near.pop_last();
        }
    }

    fn add_columns(&mut self, groups: &[ColumnGroup], rows: &ColumnRows<'_>) {
        if self.columns.len() >= SEGMENTS && !self.columns.contains_key(&rows.segment()) {
            self.look();
        }
        let new = || (Arc::clone(rows.columns()), HashMap::new());
        let (columns, by_group) = self.columns.entry(rows.segment()).or_insert_with(new);
        for group in groups {
            let counts = by_group.entry(*group).or_insert_with(|| vec![0; columns.count(*group)]);
            let numbers = columns.numbers(*group);
            rows.each().for_each(|row| counts[numbers[row] as usize] += 1);
        }
    }

    /// Looks at the values of columns, and lets go of these.
    fn look(&mut self) {
        for (columns, by_group) in std::mem::take(&mut self.columns).into_values() {
            for (at, AskedValues { field, .. }) in self.asked.iter().enumerate() {
                let Some(FieldColumn::Group(group)) = field.column() else { continue };
                let counts = by_group.get(&group).map_or(&[][..], |counts| counts);
                for (number, count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
                    let Some(value) = columns.value(group, number) else { continue };
                    field.visit_group(&value, &mut |value| self.add(at, &value, *count));
                }
            }
        }
    }
}

impl Fold for Counts<'_> {
    fn merge(&mut self, other: Self) {
        for (key, count) in other.near {
            *self.near.entry(key).or_default() += count;
        }
        self.cut();
    }

    fn end(&mut self) {
        self.look();
    }

    fn hears_of_files() -> bool {
        false
    }
}

/// Whether a value may have been meant by another one.
fn is_near(wanted: &str, found: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim().trim_matches(['*', '?', '\'', '"']).to_lowercase();
        let text = text.trim_end_matches(".amazonaws.com");
        // accounts are written in groups of four
        let is_grouped = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_grouped { text.replace('-', "") } else { text.to_owned() }
    };
    let found = bare(found);
    let is_like = |wanted: &str| {
        let wanted = bare(wanted);
        let name = wanted.rsplit([':', '/']).next().unwrap_or_default();
        let is_version =
            |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'v' | b'_' | b'-'));
        !name.is_empty() && (found == wanted || found.strip_prefix(name).is_some_and(is_version))
    };
    wanted.split([',', ' ']).any(is_like)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_near_by_case_service_version_and_in_lists() {
        for (wanted, found) in [
            ("Consolelogin", "ConsoleLogin"),
            ("CreateFunction", "CreateFunction20150331"),
            ("s3:GetObject", "GetObject"),
            ("GetObject,PutObject", "PutObject"),
            ("S3", "s3.amazonaws.com"),
            ("*ALICE*", "alice"),
            ("1111-2222-3333", "111122223333"),
            ("us-east", "us-east-1"),
        ] {
            assert!(is_near(wanted, found), "{wanted} {found}");
        }
        for (wanted, found) in [("Get", "GetObject"), ("", "x"), ("*", "x"), ("GetObject", "PutObject")] {
            assert!(!is_near(wanted, found), "{wanted} {found}");
        }
    }
}
