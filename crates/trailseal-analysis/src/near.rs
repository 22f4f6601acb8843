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
const SEGMENTS: usize = 2;
/// Values that are kept.
const MANY: usize = 100;
/// What people write around values.
const QUOTES: [char; 4] = ['*', '?', '\'', '"'];

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
/// Fields that no column of an index tells are looked at only where they have the value itself, or it in small or in capital
/// letters: else everything would be read to say that there is nothing.
///
/// # Errors
/// [`Error`] when they cannot be read.
pub fn near(question: &Question<'_>, asked: &[AskedValues]) -> Result<Vec<NearValue>, Error> {
    let (told, others): (Vec<AskedPlace<'_>>, Vec<AskedPlace<'_>>) =
        asked.iter().enumerate().partition(|(_, asked)| group_of(&asked.field).is_some());
    let mut groups: Vec<ColumnGroup> = told.iter().filter_map(|(_, asked)| group_of(&asked.field)).collect();
    groups.sort_by_key(|group| group.index());
    groups.dedup();
    let mut found = Counts::default();
    if !told.is_empty() {
        found.merge(count(question, &told, Predicate::Constant(true), Some(&groups))?);
    }
    if !others.is_empty() {
        let forms = others.iter().map(|(_, asked)| asked.field.is_one_of(&forms(&asked.values)));
        found.merge(count(question, &others, Predicate::any(forms.collect()), None)?);
    }
    let near = |((asked, wanted, found), count)| NearValue { asked, wanted, found, count };
    let mut all: Vec<NearValue> = found.near.into_iter().map(near).collect();
    all.sort_by(|a, b| (a.asked, &a.wanted, b.count, &a.found).cmp(&(b.asked, &b.wanted, a.count, &b.found)));
    Ok(all)
}

/// What was asked, with its place among all.
type AskedPlace<'p> = (usize, &'p AskedValues);

fn count<'p>(
    question: &Question<'_>,
    asked: &'p [AskedPlace<'p>],
    wanted: Predicate,
    groups: Option<&[ColumnGroup]>,
) -> Result<Counts<'p>, Error> {
    let Question { files, options, progress, .. } = question;
    let new = || Counts { asked, ..Counts::default() };
    let add = |part: &mut Counts<'_>, row: &Row<'_>| {
        for (at, AskedValues { field, values }) in asked {
            field.visit(row, &mut |value| part.add((*at, values), &value, 1));
        }
        ControlFlow::Continue(())
    };
    let add_columns = |part: &mut Counts<'_>, rows: &ColumnRows<'_>| {
        part.add_columns(groups.unwrap_or_default(), rows);
        ControlFlow::Continue(())
    };
    let columns = groups.map(|groups| ColumnFold { groups, add: &add_columns });
    let filter = Filter::new(wanted);
    let (found, _) = scan::fold_columns(*files, options, &filter, *progress, &new, &add, columns.as_ref())?;
    Ok(found)
}

/// The group whose columns tell a field.
fn group_of(field: &Field) -> Option<ColumnGroup> {
    match field.column()? {
        FieldColumn::Group(group) => Some(group),
        FieldColumn::Time(_) => None,
    }
}

/// Values, parts of lists of them, and the same in small and in capital letters.
fn forms(values: &[String]) -> Vec<String> {
    let parts = values.iter().flat_map(|value| value.split([',', ' ']).chain([value.as_str()]));
    let parts = parts.map(|part| part.trim_matches(QUOTES)).filter(|part| !part.is_empty());
    let mut forms: Vec<String> =
        parts.flat_map(|part| [part.to_owned(), part.to_lowercase(), part.to_uppercase()]).collect();
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// How many events have each value, by group and number.
type NumberCounts = HashMap<ColumnGroup, Vec<u64>>;

#[derive(Default)]
struct Counts<'p> {
    asked: &'p [AskedPlace<'p>],
    /// How many events have a value, by the place of what was asked, the value that was wanted and that which is there.
    near: BTreeMap<(usize, String, String), u64>,
    /// How many have a value by its number, by segment and group; not yet looked at.
    columns: HashMap<usize, (Arc<SegmentColumns>, NumberCounts)>,
}

impl Counts<'_> {
    fn add(&mut self, (at, values): (usize, &[String]), value: &FieldValue<'_>, count: u64) {
        let Some(text) = value.text() else { return };
        for wanted in values.iter().filter(|wanted| is_near(wanted, &text)) {
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
            for (at, AskedValues { field, values }) in self.asked {
                let Some(group) = group_of(field) else { continue };
                let counts = by_group.get(&group).map_or(&[][..], |counts| counts);
                for (number, count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
                    let Some(value) = columns.value(group, number) else { continue };
                    field.visit_group(&value, &mut |value| self.add((*at, values), &value, *count));
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
        let text = text.trim().trim_matches(QUOTES).to_lowercase();
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
