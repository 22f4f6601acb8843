//! Which files of a segment may hold records that match.

use trailseal_archive::Timestamp;
use trailseal_query::{Filter, Predicate};

use crate::{
    groups::ColumnGroup,
    segment::{
        SegmentError,
        read::{Column, Filters, Segment, Times},
    },
    truths::Truths,
    values,
};

/// Which files of a segment may hold a record that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAnswers {
    may_match: Vec<bool>,
}

impl FileAnswers {
    /// Whether a file may; if not, it does not.
    pub fn may_match(&self, file: usize) -> bool {
        self.may_match.get(file).copied().unwrap_or(true)
    }
}

impl Segment {
    /// Which files may hold a record for which a filter's predicate is true.
    ///
    /// # Errors
    /// [`SegmentError`] when what is needed cannot be read: then nothing is known.
    pub fn may_match(&self, filter: &Filter) -> Result<FileAnswers, SegmentError> {
        let mut judge = Judge::new(self);
        let truths = judge.truths(filter.predicate())?;
        let may_match = match truths {
            RowTruths::All(all) => vec![all.may_be_true(); self.len()],
            RowTruths::Each(each) => (0..self.len())
                .map(|file| each[self.rows_of(file)].iter().any(|truths| truths.may_be_true()))
                .collect(),
        };
        Ok(FileAnswers { may_match })
    }
}

/// What a condition may come to for every event of a segment.
enum RowTruths {
    All(Truths),
    Each(Vec<Truths>),
}

/// What of a segment was read for a question.
struct Judge<'s> {
    segment: &'s Segment,
    columns: [Option<Column>; ColumnGroup::ALL.len()],
    filters: Option<Filters<'s>>,
    times: Option<Times<'s>>,
}

impl<'s> Judge<'s> {
    fn new(segment: &'s Segment) -> Self {
        Self { segment, columns: Default::default(), filters: None, times: None }
    }

    fn truths(&mut self, predicate: &Predicate) -> Result<RowTruths, SegmentError> {
        match predicate {
            Predicate::Constant(holds) => Ok(RowTruths::All(Truths::of((*holds).into()))),
            Predicate::All(parts) => self.fold(parts, true, Truths::and),
            Predicate::Any(parts) => self.fold(parts, false, Truths::or),
            Predicate::Not(part) => Ok(match self.truths(part)? {
                RowTruths::All(all) => RowTruths::All(all.not()),
                RowTruths::Each(mut each) => {
                    for truths in &mut each {
                        *truths = truths.not();
                    }
                    RowTruths::Each(each)
                }
            }),
            condition => self.condition(condition),
        }
    }

    fn fold(
        &mut self,
        parts: &[Predicate],
        start: bool,
        combine: fn(Truths, Truths) -> Truths,
    ) -> Result<RowTruths, SegmentError> {
        let mut folded = RowTruths::All(Truths::of(start.into()));
        for part in parts {
            folded = match (folded, self.truths(part)?) {
                (RowTruths::All(one), RowTruths::All(other)) => RowTruths::All(combine(one, other)),
                (RowTruths::Each(mut each), RowTruths::All(other))
                | (RowTruths::All(other), RowTruths::Each(mut each)) => {
                    for truths in &mut each {
                        *truths = combine(*truths, other);
                    }
                    RowTruths::Each(each)
                }
                (RowTruths::Each(mut each), RowTruths::Each(other)) => {
                    each.iter_mut().zip(other).for_each(|(truths, other)| *truths = combine(*truths, other));
                    RowTruths::Each(each)
                }
            };
        }
        Ok(folded)
    }

    /// A condition that is not made of others.
    fn condition(&mut self, condition: &Predicate) -> Result<RowTruths, SegmentError> {
        if let Some(group) = ColumnGroup::of_condition(condition) {
            return self.by_column(group, condition);
        }
        if Timestamp::from_epoch(0).is_some_and(|time| condition.at(time).is_some()) {
            return self.by_time(condition);
        }
        match condition.needed() {
            Some(needed) => {
                let hashes = values::hashes(&needed);
                let segment = self.segment;
                let filters = match &mut self.filters {
                    Some(filters) => filters,
                    none => none.insert(segment.filters()?),
                };
                let mut each = vec![Truths::ANY; segment.rows()];
                for file in 0..segment.len() {
                    let filter = filters.of(file).ok_or(SegmentError::Damaged { what: "a filter" })?;
                    if !filter.may_hold_any(&hashes) {
                        each[segment.rows_of(file)].fill(Truths::NOT_TRUE);
                    }
                }
                Ok(RowTruths::Each(each))
            }
            None => Ok(RowTruths::All(Truths::ANY)),
        }
    }

    fn by_column(&mut self, group: ColumnGroup, condition: &Predicate) -> Result<RowTruths, SegmentError> {
        let column = match &mut self.columns[group.index()] {
            Some(column) => column,
            none => none.insert(self.segment.column(group)?),
        };
        let damaged = || SegmentError::Damaged { what: "a column" };
        let of_value = |number| Some(Truths::of(column.value(number)?.evaluate(condition)));
        let table: Option<Vec<Truths>> = (0..column.len()).map(of_value).collect();
        let table = table.ok_or_else(damaged)?;
        let each: Option<Vec<Truths>> = column.numbers().map(|number| table.get(number).copied()).collect();
        each.map(RowTruths::Each).ok_or_else(damaged)
    }

    fn by_time(&mut self, condition: &Predicate) -> Result<RowTruths, SegmentError> {
        let segment = self.segment;
        let times = match &mut self.times {
            Some(times) => times,
            none => none.insert(segment.times()?),
        };
        let of = |time: i64| {
            let truth = Timestamp::from_epoch(time).and_then(|time| condition.at(time));
            truth.map_or(Truths::ANY, Truths::of)
        };
        Ok(RowTruths::Each((0..segment.len()).flat_map(|file| times.of(file)).map(of).collect()))
    }
}
