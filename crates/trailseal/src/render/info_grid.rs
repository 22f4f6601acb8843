//! Tables in which nothing is cut: columns that do not fit are left out as a whole, from the right, and that is said.

use std::io::{self, Write};

use super::plain::{DIM, shown};

/// Blanks between columns.
const GAP: usize = 2;

/// Rows below headings.
#[derive(Debug)]
pub(crate) struct InfoGrid {
    heads: Vec<String>,
    right: Vec<usize>,
    lines: Vec<InfoLine>,
}

#[derive(Debug)]
enum InfoLine {
    /// What stands above rows that belong together.
    Group(String),
    Row(Vec<String>),
}

impl InfoGrid {
    /// With these headings.
    pub(crate) fn new(heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { heads, right: Vec::new(), lines: Vec::new() }
    }

    /// Lets the numbers in these columns end below each other.
    pub(crate) fn align_right(&mut self, columns: &[usize]) {
        self.right.extend(columns);
    }

    /// One more row, escaped for a terminal.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(InfoLine::Row(cells.map(|cell| shown(&cell).into_owned()).into()));
    }

    /// What the rows that follow belong to, unless it is the same as before.
    pub(crate) fn group(&mut self, name: &str) {
        let name = shown(name).into_owned();
        let mut lines = self.lines.iter().rev();
        let last = lines.find_map(|line| if let InfoLine::Group(name) = line { Some(name) } else { None });
        if last != Some(&name) {
            self.lines.push(InfoLine::Group(name));
        }
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.heads.iter().map(|head| head.chars().count()).collect();
        for line in &self.lines {
            let InfoLine::Row(cells) = line else { continue };
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }

    /// How many columns fit, from the left; at least one.
    pub(crate) fn fitting(&self, width: Option<usize>) -> usize {
        let widths = self.widths();
        let Some(width) = width else { return widths.len() };
        let ends = widths.iter().scan(0, |start, column| {
            let end = *start + column;
            *start = end + GAP;
            Some(end)
        });
        ends.take_while(|end| *end <= width).count().max(1)
    }

    /// Writes it, `indent` columns in, the headings bold.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&self, width: Option<usize>, indent: usize, out: &mut dyn Write) -> io::Result<()> {
        let bold = anstyle::Style::new().bold();
        let columns = self.fitting(width.map(|width| width.saturating_sub(indent)));
        let widths = self.widths();
        let line = |cells: &[String]| {
            let mut line = " ".repeat(indent);
            for (at, cell) in cells.iter().take(columns).enumerate() {
                let blanks = " ".repeat(widths[at].saturating_sub(cell.chars().count()));
                let is_right = self.right.contains(&at);
                let (before, after) = if is_right { (&*blanks, "") } else { ("", &*blanks) };
                line.push_str(if at > 0 { "  " } else { "" });
                line.push_str(before);
                line.push_str(cell);
                line.push_str(after);
            }
            line.truncate(line.trim_end().len());
            line
        };
        writeln!(out, "{bold}{}{bold:#}", line(&self.heads))?;
        for found in &self.lines {
            match found {
                InfoLine::Group(name) => writeln!(out, "{name}")?,
                InfoLine::Row(cells) => writeln!(out, "{}", line(cells))?,
            }
        }
        if columns < self.heads.len() {
            let left_out = self.heads[columns..].join(", ");
            writeln!(out, "{:indent$}{DIM}not shown, too wide: {left_out} (-t json){DIM:#}", "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: Option<usize>, indent: usize) -> String {
        let mut grid = InfoGrid::new(&["KEY", "EVENTS", "FIRST"]);
        grid.align_right(&[1]);
        grid.group("a");
        grid.row(["AKIA1", "1,000", "2024\u{1b}"].map(str::to_owned));
        grid.group("a");
        grid.row(["AKIA22", "7", "-"].map(str::to_owned));
        let mut out = Vec::new();
        grid.write(width, indent, &mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn columns_are_whole_or_left_out() {
        let all = "KEY     EVENTS  FIRST\na\nAKIA1    1,000  2024\\u{1b}\nAKIA22       7  -\n";
        assert_eq!(written(None, 0), all);
        assert_eq!(written(Some(26), 0), all);
        let two = "KEY     EVENTS\na\nAKIA1    1,000\nAKIA22       7\nnot shown, too wide: FIRST (-t json)\n";
        assert_eq!(written(Some(25), 0), two);
        assert_eq!(written(Some(14), 0), two);
        assert_eq!(written(Some(3), 0).lines().next(), Some("KEY"), "one always is shown");
        assert_eq!(written(Some(16), 2).lines().nth(2), Some("  AKIA1    1,000"));
    }
}
