//! The coverage strip: one row a day, one character an hour.

use std::io::{self, Write};

use anstyle::AnsiColor;
use trailseal_archive::Timestamp;
use trailseal_evidence::report::{ChainReport, Coverage};

use super::{
    chains::{MANY, name},
    plain::{DIM, plural},
    style::Style,
};

const DAY: i64 = 24 * 3600;
/// Rows of one chain that are shown; whole days that look alike are one row.
const MAX_ROWS: usize = 40;

/// Writes the strips of the chains; of many chains, only of those that are not proven throughout.
pub(crate) fn write(chains: &[ChainReport], style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let with_strip = || chains.iter().filter_map(|chain| Some((chain, chain.coverage.as_ref()?)));
    let is_interesting = |coverage: &Coverage| coverage.hours.contains(|hour| hour != 'P');
    let shown: Vec<_> = if chains.len() <= MANY || style.verbose {
        with_strip().collect()
    } else {
        with_strip().filter(|(_, coverage)| is_interesting(coverage)).take(MANY).collect()
    };
    if shown.is_empty() {
        let count = plural(with_strip().count() as u64, "chain");
        return writeln!(
            out,
            "{DIM}Hour by hour:{DIM:#} {count}, each proven in every hour of its span (--verbose)"
        );
    }
    writeln!(out, "{DIM}Hour by hour (UTC): # proven  X violated  ? unproven  - gap  . nothing{DIM:#}")?;
    for (chain, coverage) in &shown {
        write_chain(chain, coverage, style, out)?;
    }
    let left_out = with_strip().count() - shown.len();
    if left_out > 0 {
        writeln!(out, "{} not shown (--verbose)", plural(left_out as u64, "more chain"))?;
    }
    Ok(())
}

fn write_chain(
    chain: &ChainReport,
    coverage: &Coverage,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let rows = rows(coverage);
    let limit = if style.verbose { usize::MAX } else { MAX_ROWS };
    let width = rows.iter().take(limit).map(|row| row.label.chars().count()).max().unwrap_or(0);
    writeln!(out, "{}", name(&chain.id))?;
    writeln!(out, "  {DIM}{:width$}  0     6     12    18{DIM:#}", "")?;
    for row in rows.iter().take(limit) {
        writeln!(out, "  {:<width$}  {}", row.label, painted(&row.hours))?;
    }
    if rows.len() > limit {
        writeln!(out, "  and {} more rows (--verbose)", rows.len() - limit)?;
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Row {
    label: String,
    hours: String,
}

/// The days of a strip, runs of three and more that look alike made one.
fn rows(coverage: &Coverage) -> Vec<Row> {
    let first_day = coverage.start.epoch().div_euclid(DAY);
    let lead = coverage.start.epoch().rem_euclid(DAY) / 3600;
    let mut hours: Vec<char> =
        std::iter::repeat_n('.', lead as usize).chain(coverage.hours.chars().map(mark)).collect();
    hours.resize(hours.len().next_multiple_of(24), '.');
    let days: Vec<String> = hours.chunks(24).map(|day| day.iter().collect()).collect();
    let mut rows = Vec::new();
    let mut at = 0;
    while at < days.len() {
        let alike = days[at..].iter().take_while(|day| **day == days[at]).count();
        let run = if alike >= 3 { alike } else { 1 };
        let first = date(first_day + at as i64);
        let label = match run {
            1 => first,
            _ => format!("{first} … {} ({run} days)", date(first_day + (at + run - 1) as i64)),
        };
        rows.push(Row { label, hours: days[at].clone() });
        at += run;
    }
    rows
}

fn mark(hour: char) -> char {
    match hour {
        'P' => '#',
        'V' => 'X',
        'U' => '?',
        'G' => '-',
        _ => '.',
    }
}

fn date(day: i64) -> String {
    Timestamp::from_epoch(day * DAY).map_or(String::new(), |time| time.to_string().chars().take(10).collect())
}

fn painted(hours: &str) -> String {
    let mut text = String::new();
    let mut current = None;
    for hour in hours.chars() {
        let colour = match hour {
            '#' => AnsiColor::Green.on_default(),
            'X' => AnsiColor::Red.on_default().bold(),
            '?' => AnsiColor::Yellow.on_default(),
            '-' => AnsiColor::Magenta.on_default(),
            _ => DIM,
        };
        if current != Some(colour) {
            let end =
                current.map_or(String::new(), |colour: anstyle::Style| colour.render_reset().to_string());
            text = text + &end + &colour.render().to_string();
            current = Some(colour);
        }
        text.push(hour);
    }
    if let Some(colour) = current {
        text += &colour.render_reset().to_string();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strip(start: &str, hours: &str) -> Vec<(String, String)> {
        let coverage = Coverage { start: Timestamp::parse_loose(start).unwrap(), hours: hours.to_owned() };
        rows(&coverage).into_iter().map(|row| (row.label, row.hours)).collect()
    }

    #[test]
    fn a_day_begins_at_midnight_whatever_the_first_hour() {
        let rows = strip("2024-03-01T22:00:00Z", "PVUG");
        let expected =
            [("2024-03-01", "......................#X"), ("2024-03-02", "?-......................")];
        assert_eq!(rows, expected.map(|(label, hours)| (label.to_owned(), hours.to_owned())));
    }

    #[test]
    fn days_that_look_alike_are_one_row() {
        let rows = strip("2024-02-28", &"P".repeat(24 * 4 + 2));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].0, "2024-02-28 … 2024-03-02 (4 days)");
        assert_eq!(rows[1].1, "##......................");
        assert_eq!(strip("2024-02-28", &"P".repeat(48)).len(), 2, "two days are not worth merging");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let plain = anstream::adapter::strip_str(&painted("..##X?-")).to_string();
        assert_eq!(plain, "..##X?-");
    }
}
