//! A table that fits the terminal: one line a row, what does not fit is cut, what could move the cursor escaped.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, Row, presets};

use crate::render::plain::shown;

/// Cells that are longer would make columns too wide where there is no terminal.
const MAX_CELL: usize = 4096;

/// Rows below headings.
pub(crate) struct Columns {
    table: comfy_table::Table,
}

impl Columns {
    /// With these headings, for a terminal of so many columns; without one, nothing is cut.
    pub(crate) fn new(names: &[String], width: Option<usize>) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_truncation_indicator("…");
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        }
        let mut header = Row::from(names.iter().map(|name| Cell::new(shown(name))).collect::<Vec<_>>());
        header.max_height(1);
        table.set_header(header);
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, if at + 1 == names.len() { 0 } else { 2 }));
            // Times and ids are of no use when they are cut.
            if matches!(names[at].as_str(), "eventTime" | "time" | "first" | "last") && width.is_some() {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        Self { table }
    }

    /// Lets numbers end below each other.
    pub(crate) fn align_right(&mut self, is_number: &dyn Fn(usize) -> bool) {
        for (at, column) in self.table.column_iter_mut().enumerate() {
            if is_number(at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }

    /// One more row.
    pub(crate) fn row(&mut self, cells: impl Iterator<Item = impl AsRef<str>>) {
        let cells: Vec<Cell> = cells.map(|cell| Cell::new(shown(cut(cell.as_ref())))).collect();
        let mut row = Row::from(cells);
        row.max_height(1);
        self.table.add_row(row);
    }

    /// How many rows it has.
    pub(crate) fn count(&self) -> usize {
        self.table.row_count()
    }

    /// Writes it, the headings dimmed.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for (at, line) in self.table.lines().enumerate() {
            let line = line.trim_end();
            if at == 0 {
                let bold = anstyle::Style::new().bold();
                writeln!(out, "{bold}{line}{bold:#}")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }
}

fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_CELL).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(width: Option<usize>, cells: &[&str]) -> String {
        let names: Vec<String> =
            ["eventTime", "a", "b"][..cells.len()].iter().map(|n| (*n).to_owned()).collect();
        let mut table = Columns::new(&names, width);
        table.row(cells.iter());
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn every_row_is_one_line_that_fits() {
        let long = "word ".repeat(40);
        let text = table(Some(60), &["2024-03-01T05:46:41Z", &long, &"x".repeat(300)]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert!(text.contains("2024-03-01T05:46:41Z") && text.contains('…'), "{text}");
        assert_eq!(table(None, &["t", &long, "x"]).lines().nth(1), Some(&*format!("t          {long}  x")));
    }

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        let text = table(Some(200), &["t", "\u{1b}[2Jx\r\n\u{202e}y", "\u{9b}"]);
        assert!(text.contains("\\u{1b}[2Jx\\u{d}\\u{a}\\u{202e}y"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text}");
    }
}
