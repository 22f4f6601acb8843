//! A histogram as bars.

use std::io::{self, Write};

use trailseal_analysis::bars::{SeriesName, series};
use trailseal_query::aggregate::Bars;

use crate::render::plain::{DIM, aligned, grouped, moment, shown};

/// The widest bar, where there is no terminal to fill.
const WIDTH: usize = 60;
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Writes a line a bucket: when, how many, a bar, and the counts of the series.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(bars: &Bars, width: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
    let most = bars.buckets.iter().map(|(_, count)| *count).max().unwrap_or(0);
    if bars.buckets.is_empty() {
        return Ok(());
    }
    let series = series(bars);
    let mut rows = vec![vec!["time (UTC)".to_owned(), "events".to_owned()]];
    rows[0].extend(series.iter().map(|(name, _)| match name {
        SeriesName::Value(value) => shown(value).into_owned(),
        SeriesName::Absent => "(absent)".to_owned(),
        SeriesName::Other => "(other)".to_owned(),
    }));
    for (at, (start, count)) in bars.buckets.iter().enumerate() {
        let mut row = vec![moment(*start), grouped(*count)];
        row.extend(series.iter().map(|(_, counts)| grouped(counts[at])));
        rows.push(row);
    }
    align_right(&mut rows);
    // All lines are as wide, so that the bars begin below each other.
    let lines = aligned(&rows);
    let text = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let room = width.map_or(WIDTH, |width| width.saturating_sub(text + 2)).clamp(8, WIDTH);
    writeln!(out, "{DIM}{}{DIM:#}", lines[0])?;
    for (line, (_, count)) in lines[1..].iter().zip(&bars.buckets) {
        let line = format!("{line:<text$}  {}", bar(*count, most, room));
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn align_right(rows: &mut [Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    for column in 1..columns {
        let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        for row in rows.iter_mut() {
            row[column] = format!("{:>width$}", row[column]);
        }
    }
}

/// As long as its part of the most; something is never shown as nothing.
fn bar(count: u64, most: u64, room: usize) -> String {
    let eighths = u128::from(count) * room as u128 * 8 / u128::from(most.max(1));
    let eighths = (eighths as usize).max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    bar
}

#[cfg(test)]
mod tests {
    use trailseal_archive::Timestamp;
    use trailseal_query::{Zone, aggregate::Histogram};

    use super::*;

    #[test]
    fn bars_are_as_long_as_their_counts() {
        let mut histogram = Histogram::new("1h".parse().unwrap(), Zone::utc());
        for (hour, count) in [(5, 1600), (6, 1), (8, 400)] {
            for _ in 0..count {
                let time = Timestamp::from_epoch(hour * 3600);
                histogram.add(time);
                histogram.add_value(time, &[0]);
            }
        }
        let mut out = Vec::new();
        write(&histogram.finish(8), Some(60), &mut out).unwrap();
        let text = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(
            text,
            "time (UTC)           events  (absent)\n\
             1970-01-01 05:00:00   1,600     1,600  █████████████████████\n\
             1970-01-01 06:00:00       1         1  ▏\n\
             1970-01-01 07:00:00       0         0\n\
             1970-01-01 08:00:00     400       400  █████▎\n"
        );
    }
}
