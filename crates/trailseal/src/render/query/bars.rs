//! A histogram as bars.

use std::io::{self, Write};

use trailseal_analysis::bars::{SeriesName, series};
use trailseal_query::aggregate::Bars;

use super::kind::cell_text;
use crate::render::{
    plain::{DIM, aligned, grouped},
    room::{shortened, width, without_arn_prefix},
    zone::ShownZone,
};

/// The widest bar, where there is no terminal to fill.
const WIDTH: usize = 60;
/// The widest name of a series on a terminal: an address is not longer.
const LONGEST: usize = 40;
/// The narrowest bar that says anything.
const LEAST: usize = 8;
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/// Writes a line a bucket: when, how many, a bar, and the counts of the series. On a terminal the bar takes what is left, or
/// goes, and series that do not fit leave, from the right; returns what left.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(
    bars: &Bars,
    screen: Option<usize>,
    zone: &ShownZone,
    out: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let most = bars.buckets.iter().map(|(_, count)| *count).max().unwrap_or(0);
    if bars.buckets.is_empty() {
        return Ok(Vec::new());
    }
    let series = series(bars);
    let mut rows = vec![vec![format!("time ({})", zone.name()), "events".to_owned()]];
    rows[0].extend(series.iter().map(|(name, _)| match name {
        SeriesName::Value(value) if screen.is_some() => {
            shortened(without_arn_prefix(&cell_text(value)), LONGEST).into_owned()
        }
        SeriesName::Value(value) => cell_text(value),
        SeriesName::Absent => "(absent)".to_owned(),
        SeriesName::Other => "(other)".to_owned(),
    }));
    for (at, (start, count)) in bars.buckets.iter().enumerate() {
        let mut row = vec![zone.moment(*start), grouped(*count)];
        row.extend(series.iter().map(|(_, counts)| grouped(counts[at])));
        rows.push(row);
    }
    let gone = screen.map_or(Vec::new(), |screen| leave(&mut rows, screen));
    align_right(&mut rows);
    // All lines are as wide, so that the bars begin below each other.
    let lines = aligned(&rows);
    let text = lines.iter().map(|line| width(line)).max().unwrap_or(0);
    let room = screen.map_or(WIDTH, |screen| screen.saturating_sub(text + 2).min(WIDTH));
    writeln!(out, "{DIM}{}{DIM:#}", lines[0])?;
    for (line, (_, count)) in lines[1..].iter().zip(&bars.buckets) {
        let space = text.saturating_sub(width(line)) + 2;
        let bar = if room < LEAST { String::new() } else { bar(*count, most, room) };
        writeln!(out, "{}", format!("{line}{:space$}{bar}", "").trim_end())?;
    }
    Ok(gone)
}

/// Takes series from the right out of rows that are too wide, and says which.
fn leave(rows: &mut [Vec<String>], screen: usize) -> Vec<String> {
    let mut total = 0;
    let kept = (0..rows[0].len()).take_while(|at| {
        total += rows.iter().map(|row| width(&row[*at])).max().unwrap_or(0) + 2;
        // when and how many are always told
        *at < 2 || total <= screen + 2
    });
    let kept = kept.count();
    let gone = rows[0][kept..].to_vec();
    for row in rows.iter_mut() {
        row.truncate(kept);
    }
    gone
}

fn align_right(rows: &mut [Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    for column in 1..columns {
        let room = rows.iter().map(|row| width(&row[column])).max().unwrap_or(0);
        for row in rows.iter_mut() {
            let space = room.saturating_sub(width(&row[column]));
            row[column] = format!("{:space$}{}", "", row[column]);
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
        write(&histogram.finish(8), Some(60), &ShownZone::utc(), &mut out).unwrap();
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
