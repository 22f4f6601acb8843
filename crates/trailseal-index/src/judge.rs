//! Which files of a segment hold records that match, and which records these are.

use trailseal_archive::Timestamp;
use trailseal_query::{Filter, Predicate, predicate::Truth};

use crate::{
    groups::ColumnGroup,
    segment::{
        SegmentError,
        read::{Column, Filters, Segment, SegmentTimes},
    },
    truths::{SETS, Truths},
    values,
};

/// Seconds after which what is derived from a time may be something else.
const HOUR: i64 = 3_600;

/// What is known of the records of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileAnswer {
    /// None matches.
    None,
    /// So many match, and it is known which ([`FileAnswers::matching`]).
    Known(u32),
    /// Some may.
    Unclear,
}

/// What is known of the records of a segment's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAnswers {
    files: Vec<FileAnswer>,
    /// By row; `None` where all rows of all files match.
    matching: Option<Vec<bool>>,
}

impl FileAnswers {
    /// What is known of a file.
    pub fn of(&self, file: usize) -> FileAnswer {
        self.files.get(file).copied().unwrap_or(FileAnswer::Unclear)
    }

    /// Without what is known of single events.
    #[must_use]
    pub fn of_files(self) -> Self {
        Self { matching: None, ..self }
    }

    /// Which of the segment's events match, where that is [known](FileAnswer::Known) of their file; `None` if all do.
    pub fn matching(&self) -> Option<&[bool]> {
        self.matching.as_deref()
    }
}

impl Segment {
    /// For which records a filter's predicate is true.
    ///
    /// # Errors
    /// [`SegmentError`] when what is needed cannot be read: then nothing is known.
    pub fn answers(&self, filter: &Filter) -> Result<FileAnswers, SegmentError> {
        let files = 0..self.len();
        match Judge::new(self).truths(filter.predicate())? {
            RowTruths::All(all) => {
                let answer = |file| of_rows(self.rows_of(file).map(|_| all));
                Ok(FileAnswers { files: files.map(answer).collect(), matching: None })
            }
            RowTruths::Each(each) => {
                let rows = |file| each.get(self.rows_of(file)).unwrap_or_default();
                let answers = files.map(|file| of_rows(rows(file).iter().copied())).collect();
                let matching = each.iter().map(|truths| truths.may_be_true()).collect();
                Ok(FileAnswers { files: answers, matching: Some(matching) })
            }
        }
    }
}

/// What is known of a file with these rows.
fn of_rows(rows: impl Iterator<Item = Truths>) -> FileAnswer {
    let (mut matching, mut is_known) = (0, true);
    for truths in rows {
        matching += u32::from(truths.may_be_true());
        is_known &= !truths.may_be_true() || truths.known() == Some(Truth::True);
    }
    match matching {
        0 => FileAnswer::None,
        _ if is_known => FileAnswer::Known(matching),
        _ => FileAnswer::Unclear,
    }
}

/// What a condition may come to for every event of a segment.
enum RowTruths {
    All(Truths),
    Each(Vec<Truths>),
}

impl RowTruths {
    fn not(self) -> Self {
        match self {
            Self::All(all) => Self::All(all.not()),
            Self::Each(mut each) => {
                let table = Truths::all().map(Truths::not);
                for truths in &mut each {
                    *truths = table[truths.index()];
                }
                Self::Each(each)
            }
        }
    }

    fn combine(self, other: Self, combine: fn(Truths, Truths) -> Truths) -> Self {
        match (self, other) {
            (Self::All(one), Self::All(other)) => Self::All(combine(one, other)),
            (Self::Each(mut each), Self::All(all)) | (Self::All(all), Self::Each(mut each)) => {
                let table = Truths::all().map(|truths| combine(truths, all));
                for truths in &mut each {
                    *truths = table[truths.index()];
                }
                Self::Each(each)
            }
            (Self::Each(mut each), Self::Each(other)) => {
                let table: [[Truths; SETS]; SETS] =
                    Truths::all().map(|one| Truths::all().map(|other| combine(one, other)));
                for (truths, other) in each.iter_mut().zip(other) {
                    *truths = table[truths.index()][other.index()];
                }
                Self::Each(each)
            }
        }
    }
}

/// What of a segment was read for a question.
struct Judge<'s> {
    segment: &'s Segment,
    columns: [Option<Column>; ColumnGroup::ALL.len()],
    filters: Option<Filters<'s>>,
    times: Option<SegmentTimes>,
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
            Predicate::Not(part) => Ok(self.truths(part)?.not()),
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
        let decided = Truths::of((!start).into());
        // what one part decides for all events is not asked of the others
        let is_decided = |folded: &RowTruths| matches!(folded, RowTruths::All(all) if *all == decided);
        // values are few: what several parts say of them is put together before it is asked which event has which
        let mut tables: [Option<Vec<Truths>>; ColumnGroup::ALL.len()] = Default::default();
        let mut others = Vec::new();
        for part in parts {
            let Some(group) = ColumnGroup::of_condition(part) else {
                others.push(part);
                continue;
            };
            let table = self.table(group, part)?;
            match &mut tables[group.index()] {
                Some(known) => {
                    for (known, new) in known.iter_mut().zip(table) {
                        *known = combine(*known, new);
                    }
                }
                none => *none = Some(table),
            }
        }
        for (group, table) in ColumnGroup::ALL.into_iter().zip(tables) {
            if let Some(table) = table.filter(|_| !is_decided(&folded)) {
                folded = folded.combine(self.by_table(group, &table)?, combine);
            }
        }
        for part in others {
            if is_decided(&folded) {
                break;
            }
            folded = folded.combine(self.truths(part)?, combine);
        }
        Ok(folded)
    }

    /// A condition that is not made of others.
    fn condition(&mut self, condition: &Predicate) -> Result<RowTruths, SegmentError> {
        if let Some(group) = ColumnGroup::of_condition(condition) {
            let table = self.table(group, condition)?;
            return self.by_table(group, &table);
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

    fn column(&mut self, group: ColumnGroup) -> Result<&Column, SegmentError> {
        Ok(match &mut self.columns[group.index()] {
            Some(column) => column,
            none => none.insert(self.segment.column(group)?),
        })
    }

    /// What a condition comes to for the values of a column.
    fn table(&mut self, group: ColumnGroup, condition: &Predicate) -> Result<Vec<Truths>, SegmentError> {
        let column = self.column(group)?;
        let of_value = |number| Some(Truths::of(column.value(number)?.evaluate(condition)));
        let table: Option<Vec<Truths>> = (0..column.len()).map(of_value).collect();
        table.ok_or(SegmentError::Damaged { what: "a column" })
    }

    /// What something comes to for every event, by what it comes to for its value of a column.
    fn by_table(&mut self, group: ColumnGroup, table: &[Truths]) -> Result<RowTruths, SegmentError> {
        // most segments have no event with a value that is asked for
        if let Some((first, others)) = table.split_first()
            && others.iter().all(|truths| truths == first)
        {
            return Ok(RowTruths::All(*first));
        }
        let numbers = self.column(group)?.unpack();
        let each = numbers.into_iter().map(|number| table.get(number as usize).copied());
        let damaged = SegmentError::Damaged { what: "a column" };
        each.collect::<Option<_>>().map(RowTruths::Each).ok_or(damaged)
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
        let times = times.all().iter().copied();
        if !matches!(condition, Predicate::Derived(..)) {
            return Ok(RowTruths::Each(times.map(of).collect()));
        }
        // hours and days are texts, which take time to write
        let mut last: Option<(i64, Truths)> = None;
        let of_hour = times.map(|time| {
            let hour = time.div_euclid(HOUR);
            match last {
                Some((known, truths)) if known == hour => truths,
                _ => last.insert((hour, of(time))).1,
            }
        });
        Ok(RowTruths::Each(of_hour.collect()))
    }
}
