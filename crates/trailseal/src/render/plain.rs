//! Text that is safe on a terminal, aligned and coloured.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
pub(crate) use trailseal_analysis::words::{grouped, plural};
use trailseal_archive::Timestamp;
use trailseal_evidence::report::Verdict;
use trailseal_verify::Severity;

pub(crate) use super::room::wrapped;
use super::{
    grid::{Grid, GridColumn, Keep},
    room::width as room_of,
};

/// A text from outside, with its control and direction characters escaped: a file name must not be able to
/// move the cursor or to turn a line around.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_dangerous(c) {
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}')
}

/// A moment without the `T` and `Z`: the text says once that all times are UTC.
pub(crate) fn moment(time: Timestamp) -> String {
    time.to_string().replace('T', " ").replace('Z', "")
}

/// A span, its second date left out where it is the first one's.
pub(crate) fn span(start: Timestamp, end: Timestamp) -> String {
    span_of(&moment(start), &moment(end))
}

/// A span of moments that are written in one way.
pub(crate) fn span_of(start: &str, end: &str) -> String {
    match end.split_once(' ') {
        Some((date, time)) if start.starts_with(date) => format!("{start} to {time}"),
        _ => format!("{start} to {end}"),
    }
}

/// The colour of a severity.
pub(crate) fn severity_style(severity: Severity) -> Style {
    match severity {
        Severity::Violation => AnsiColor::Red.on_default().bold(),
        Severity::Unproven => AnsiColor::Yellow.on_default(),
        Severity::Note => AnsiColor::Cyan.on_default(),
    }
}

/// The colour of a verdict.
pub(crate) fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Verified => AnsiColor::Green.on_default().bold(),
        Verdict::Violated => AnsiColor::Red.on_default().bold(),
        Verdict::Unproven | Verdict::Allowed => AnsiColor::Yellow.on_default().bold(),
    }
}

/// For headings and what is less important.
pub(crate) const DIM: Style = Style::new().dimmed();

/// Columns, as wide as their widest cell; the last one is not padded.
pub(crate) struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// With these headings.
    pub(crate) fn new(headings: [&str; N]) -> Self {
        Self { rows: vec![headings.map(str::to_owned)] }
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// Writes it, on a terminal of so many columns if it is one: what does not fit there continues on another line.
    pub(crate) fn write_on(&self, screen: Option<usize>, out: &mut dyn Write) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self.rows.iter().map(|row| row.to_vec()).collect();
        let lines = aligned(&rows);
        let Some(screen) = screen.filter(|screen| lines.iter().any(|line| room_of(line) > *screen)) else {
            return lines.iter().try_for_each(|line| writeln!(out, "{line}"));
        };
        let (headings, rows) = rows.split_first().map_or((&[][..], &[][..]), |(first, rest)| (first, rest));
        let columns = headings.iter().map(|name| GridColumn::new(name, Keep::Whole)).collect();
        let mut grid = Grid::new(columns, screen, true);
        for row in rows {
            grid.row(None, row.clone());
        }
        grid.write(out)
    }
}

/// Rows of cells as lines, without trailing space.
pub(crate) fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| room_of(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let space = width.saturating_sub(room_of(cell)) + 2;
            let _ = write!(line, "{cell}{:space$}", "");
        }
        line.truncate(line.trim_end().len());
        line
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_direction_characters_never_reach_the_terminal() {
        assert_eq!(shown("a\x1b[2Jb\u{9b}c\u{202e}d\r\n"), "a\\u{1b}[2Jb\\u{9b}c\\u{202e}d\\u{d}\\u{a}");
        assert!(matches!(shown("Grüße/日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn spans_numbers_and_words() {
        let time = |text| Timestamp::parse_loose(text).unwrap();
        let (a, b, c) = (time("2024-03-01T05:00:00Z"), time("2024-03-01T06:00:00Z"), time("2024-03-02"));
        assert_eq!(span(a, b), "2024-03-01 05:00:00 to 06:00:00");
        assert_eq!(span(a, c), "2024-03-01 05:00:00 to 2024-03-02 00:00:00");
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(plural(1, "log file") + &plural(2, " file"), "1 log file2  files");
    }
}
