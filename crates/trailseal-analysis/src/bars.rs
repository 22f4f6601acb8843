//! Events by time, as a histogram and as a table.

use trailseal_archive::Timestamp;
use trailseal_query::{
    Zone,
    aggregate::{Bars, Step, parts},
};

use crate::{
    count::{self, Counted},
    error::Error,
    fields::Field,
    question::Question,
    table::{Cell, Table},
};

/// Which bars are wanted.
#[derive(Clone, Debug)]
pub struct BarsAsked {
    /// How wide a step is.
    pub step: Step,
    /// Whose hours and days the steps are.
    pub zone: Zone,
    /// The field whose values are told apart in every step.
    pub by: Option<Field>,
    /// At most so many of its values, the most frequent; the others are one.
    pub top: u64,
}

/// Counts events by time.
///
/// # Errors
/// [`Error`].
pub fn bars(question: &Question<'_>, asked: &BarsAsked) -> Result<Counted<Bars>, Error> {
    let counted = count::histogram(question, asked.step, &asked.zone, asked.by.as_ref())?;
    Ok(counted.map(|histogram| histogram.finish(usize::try_from(asked.top).unwrap_or(usize::MAX))))
}

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesName<'b> {
    /// Events with this value.
    Value(&'b str),
    /// Events without one.
    Absent,
    /// All values that have no series of their own.
    Other,
}

/// The counts of every series, with one count a step; all other values last.
pub fn series(bars: &Bars) -> Vec<(SeriesName<'_>, &[u64])> {
    let name = |key| parts(key).next().flatten().map_or(SeriesName::Absent, SeriesName::Value);
    let named = bars.series.iter().map(|series| (name(&series.key), &*series.counts));
    named.chain(bars.others.iter().map(|counts| (SeriesName::Other, &**counts))).collect()
}

/// A row a step: `time`, which is that of its first second in UTC, `count` and, where values are told apart, `by`, with `absent` and `other` beside it, since any
/// name may be a value.
pub fn table(bars: &Bars, asked: &BarsAsked) -> Table {
    let series = series(bars);
    let mut names = vec!["time".to_owned(), "count".to_owned()];
    if asked.by.is_some() {
        names.extend(["by", "absent", "other"].map(str::to_owned));
    }
    let row = |(at, (start, count)): (usize, &(Timestamp, u64))| {
        let mut row = vec![Cell::text(Some(start.to_string())), Cell::number(count)];
        if asked.by.is_some() {
            let value = |(name, counts): &(SeriesName<'_>, &[u64])| match name {
                SeriesName::Value(value) => Some(((*value).to_owned(), counts[at])),
                _ => None,
            };
            let of =
                |wanted| series.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, counts)| counts[at]);
            row.push(Cell::Numbers(series.iter().filter_map(value).collect()));
            row.push(Cell::number(of(SeriesName::Absent)));
            row.push(Cell::number(of(SeriesName::Other)));
        }
        row
    };
    Table { names, rows: bars.buckets.iter().enumerate().map(row).collect() }
}
