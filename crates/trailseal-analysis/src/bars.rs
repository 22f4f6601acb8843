//! Events by time, as a histogram and as a table.

use trailseal_archive::Timestamp;
use trailseal_query::aggregate::{Bars, Step, parts};

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
    /// The field whose values are told apart in every step.
    pub by: Option<Field>,
    /// At most so many of its values, the most frequent; the others are one.
    pub top: u64,
}

/// The name of what has no value.
const ABSENT: &str = "(absent)";
/// The name of all values that have no series of their own.
const OTHERS: &str = "(other)";

/// Counts events by time.
///
/// # Errors
/// [`Error`].
pub fn bars(question: &Question<'_>, asked: &BarsAsked) -> Result<Counted<Bars>, Error> {
    let counted = count::histogram(question, asked.step, asked.by.as_ref())?;
    Ok(counted.map(|histogram| histogram.finish(usize::try_from(asked.top).unwrap_or(usize::MAX))))
}

/// The counts of every value by its name, with one count a step; what is left last.
pub fn series(bars: &Bars) -> Vec<(String, &[u64])> {
    let name = |key: &[u8]| parts(key).next().flatten().unwrap_or(ABSENT).to_owned();
    let named = bars.series.iter().map(|series| (name(&series.key), &*series.counts));
    named.chain(bars.others.iter().map(|counts| (OTHERS.to_owned(), &**counts))).collect()
}

/// A row a step: `time`, `count` and, where values are told apart, `by`.
pub fn table(bars: &Bars, asked: &BarsAsked) -> Table {
    let series = series(bars);
    let mut names = vec!["time".to_owned(), "count".to_owned()];
    names.extend(asked.by.iter().map(|_| "by".to_owned()));
    let row = |(at, (start, count)): (usize, &(Timestamp, u64))| {
        let mut row = vec![Cell::text(Some(start.to_string())), Cell::number(count)];
        row.extend(asked.by.iter().map(|_| {
            Cell::Numbers(series.iter().map(|(name, counts)| (name.clone(), counts[at])).collect())
        }));
        row
    };
    Table { names, rows: bars.buckets.iter().enumerate().map(row).collect() }
}
