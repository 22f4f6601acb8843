//! Events by the values of fields, as a table.

use trailseal_archive::Timestamp;
use trailseal_query::aggregate::{Group, Order, parts};

use crate::{
    count::{self, Asked, Counted},
    error::Error,
    fields::Field,
    question::Question,
    table::{Cell, Table},
};

/// Which groups are wanted, and what is to be known of each.
#[derive(Clone, Debug)]
pub struct GroupsAsked {
    /// The fields by whose values events are grouped; without any, all events are one group.
    pub keys: Vec<Field>,
    /// The field whose numbers are summed.
    pub sum: Option<Field>,
    /// The field whose different values are counted.
    pub distinct: Option<Field>,
    /// Only the keys are wanted, no counts.
    pub only_keys: bool,
    /// What they are sorted by.
    pub order: Order,
    /// At most so many.
    pub top: Option<u64>,
    /// Only those of so many events.
    pub min_count: u64,
    /// Only those with so many different values.
    pub min_distinct: u64,
}

/// The groups that were asked for.
#[derive(Debug)]
pub struct GroupTable {
    /// One row a group: its keys, then `count`, `sum`, `distinct`, `first` and `last`.
    pub table: Table,
    /// How many groups there are, those beyond the top among them.
    pub all: u64,
    /// Values in the field to be summed that are no numbers.
    pub not_numbers: u64,
}

/// Counts events by the values of fields: an event with several values counts for each.
///
/// # Errors
/// [`Error`].
pub fn groups(question: &Question<'_>, asked: &GroupsAsked) -> Result<Counted<GroupTable>, Error> {
    let facts = Asked { keys: &asked.keys, sum: asked.sum.as_ref(), distinct: asked.distinct.as_ref() };
    let counted = count::groups(question, &facts)?;
    Ok(counted.map(|mut groups| {
        let is_single = asked.keys.is_empty();
        if is_single {
            // The sum of nothing is a sum, too.
            groups.group(&[]);
        }
        let mut sorted = groups.sorted(asked.order, if is_single { 0 } else { asked.min_count });
        sorted.retain(|(_, group)| group.distinct.count() >= asked.min_distinct);
        let all = sorted.len() as u64;
        sorted.truncate(asked.top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX)));
        let not_numbers = sorted.iter().map(|(_, group)| group.sum.others()).sum();
        let rows = sorted.iter().map(|(key, group)| asked.row(key, group)).collect();
        GroupTable { table: Table { names: asked.names(), rows }, all, not_numbers }
    }))
}

impl GroupsAsked {
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.keys.iter().map(|field| field.name().to_owned()).collect();
        if !self.only_keys {
            names.push("count".to_owned());
            names.extend(self.sum.iter().map(|_| "sum".to_owned()));
            names.extend(self.distinct.iter().map(|_| "distinct".to_owned()));
            names.extend(["first", "last"].map(str::to_owned));
        }
        names
    }

    fn row(&self, key: &[u8], group: &Group) -> Vec<Cell> {
        let mut row: Vec<Cell> = parts(key).map(Cell::text).collect();
        if !self.only_keys {
            row.push(Cell::number(group.count));
            row.extend(self.sum.iter().map(|_| Cell::number(group.sum.total())));
            row.extend(self.distinct.iter().map(|_| Cell::number(group.distinct.count())));
            let time = |time: Option<Timestamp>| Cell::text(time.map(|time| time.to_string()));
            row.extend([time(group.span.first), time(group.span.last)]);
        }
        row
    }
}
