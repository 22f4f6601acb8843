//! A timeline: one line an event, in columns.

use std::io::{self, Write};

use super::kind::{CellKind, cell_text, short_source};
use crate::render::{
    grid::{ABSENT, Grid, GridColumn},
    room::width,
    zone::ShownZone,
};

/// Columns are not made wider than this for a single long cell.
const MAX_WIDTH: usize = 48;

/// What a timeline begins with where no fields were asked for.
const OWN: [&str; 4] = ["time", "who", "event", "source"];

/// Lines that are aligned with one another: those of a screen below lines with their days, those of a file each with its day.
pub(crate) struct Timeline {
    kinds: Vec<CellKind>,
    zone: ShownZone,
    /// The cells of a line in the order of a screen.
    order: Vec<usize>,
    place: Place,
}

enum Place {
    Screen(Grid),
    File(FileLines),
}

/// Lines that are as long as they are.
struct FileLines {
    /// As wide as all lines so far needed, so that later ones stand below them.
    widths: Vec<usize>,
    waiting: Vec<Vec<String>>,
}

impl Timeline {
    /// With columns of these names, for a terminal of so many columns; without one, nothing is cut or left out.
    pub(crate) fn new(names: &[String], screen: Option<usize>, zone: &ShownZone) -> Self {
        let kinds: Vec<CellKind> = names.iter().map(|name| CellKind::of(name)).collect();
        let mut order: Vec<usize> = (0..names.len()).collect();
        let is_own = names.len() > 3 && names[..4] == OWN;
        if is_own {
            // what was done comes before who did it, which may be long
            order[1..4].rotate_left(1);
        }
        let place = match screen {
            Some(screen) => {
                let column = |at: &usize| {
                    let column = kinds[*at].column(&names[*at]);
                    // what failed and what it was about share the end of a line
                    GridColumn { flows: is_own && kinds[*at] == CellKind::Error, ..column }
                };
                let columns = order.iter().map(column).collect();
                Place::Screen(Grid::new(columns, screen, false))
            }
            None => Place::File(FileLines { widths: vec![0; kinds.len()], waiting: Vec::new() }),
        };
        Self { kinds, zone: zone.clone(), order, place }
    }

    /// One more line, not written yet.
    pub(crate) fn line<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>) {
        let Self { kinds, zone, order, place } = self;
        let mut day = None;
        let text = |(at, (kind, cell)): (usize, (&CellKind, Option<&str>))| {
            let Some(cell) = cell else {
                let is_often_absent = matches!(kind, CellKind::Error | CellKind::Resource);
                return if is_often_absent { "" } else { ABSENT }.to_owned();
            };
            match kind {
                CellKind::Time => match (zone.day_and_time(cell), &*place) {
                    (None, _) => cell_text(cell),
                    (Some((of, time)), Place::Screen(_)) if at == 0 => {
                        day = Some(format!("{of} ({})", zone.name()));
                        time
                    }
                    // no day above it says the zone
                    (_, Place::File(_)) => zone.in_line(cell).unwrap_or_else(|| cell_text(cell)),
                    (Some((of, time)), _) => format!("{of} {time}"),
                },
                CellKind::Source => short_source(&cell_text(cell)).to_owned(),
                CellKind::Error => format!("[{}]", cell_text(cell)),
                _ => cell_text(cell),
            }
        };
        let mut line: Vec<String> = kinds.iter().zip(cells).enumerate().map(text).collect();
        match place {
            Place::Screen(grid) => {
                line.resize(order.len(), String::new());
                grid.row(day, order.iter().map(|at| std::mem::take(&mut line[*at])).collect());
            }
            Place::File(lines) => lines.add(line),
        }
    }

    /// How many lines wait to be written.
    pub(crate) fn count(&self) -> usize {
        match &self.place {
            Place::Screen(grid) => grid.count(),
            Place::File(lines) => lines.waiting.len(),
        }
    }

    /// The columns that were left out.
    pub(crate) fn gone(&self) -> Vec<&str> {
        match &self.place {
            Place::Screen(grid) => grid.gone().collect(),
            Place::File(_) => Vec::new(),
        }
    }

    /// Writes the lines that wait.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.place {
            Place::Screen(grid) => grid.write(out),
            Place::File(lines) => lines.write(&self.kinds, out),
        }
    }
}

impl FileLines {
    fn add(&mut self, line: Vec<String>) {
        for (least, cell) in self.widths.iter_mut().zip(&line) {
            let needed = width(cell);
            // a longer cell pushes the rest of its own line only
            *least = if needed <= MAX_WIDTH { needed.max(*least) } else { (*least).max(1) };
        }
        self.waiting.push(line);
    }

    fn write(&mut self, kinds: &[CellKind], out: &mut dyn Write) -> io::Result<()> {
        for line in self.waiting.drain(..) {
            // Space is written when something follows it.
            let mut space = 0;
            for ((cell, kind), room) in line.iter().zip(kinds).zip(&self.widths).filter(|(_, w)| **w > 0) {
                if !cell.is_empty() {
                    let style = kind.column("").style;
                    write!(out, "{:space$}{style}{cell}{style:#}", "")?;
                    space = 0;
                }
                space += room.saturating_sub(width(cell)) + 2;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] = ["time", "who", "event", "source", "from", "error", "resource"];
    const FAILED: [Option<&str>; 7] = [
        Some("2024-03-01T05:46:41Z"),
        Some("Admin/alice"),
        Some("GetObject"),
        Some("s3.amazonaws.com"),
        Some("198.51.100.7"),
        Some("AccessDenied"),
        Some("bucket\u{202e}"),
    ];
    const PLAIN: [Option<&str>; 7] =
        [Some("2024-03-01T05:46:42Z"), Some("bob"), Some("ListBuckets"), None, None, None, None];

    fn written(screen: Option<usize>, lines: &[[Option<&str>; 7]]) -> String {
        let names: Vec<String> = NAMES.map(str::to_owned).into();
        let mut timeline = Timeline::new(&names, screen, &ShownZone::utc());
        for line in lines {
            timeline.line(line.iter().copied());
        }
        let mut out = Vec::new();
        timeline.write(&mut out).unwrap();
        assert_eq!(timeline.count(), 0);
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    #[test]
    fn a_line_says_when_who_what_from_where_and_whether_it_failed() {
        assert_eq!(
            written(None, &[FAILED, PLAIN]),
            "2024-03-01 05:46:41  Admin/alice  GetObject    s3  198.51.100.7  [AccessDenied]  bucket\\u{202e}\n\
             2024-03-01 05:46:42  bob          ListBuckets  -   -\n"
        );
        assert_eq!(
            written(None, &[PLAIN]),
            "2024-03-01 05:46:42  bob  ListBuckets  -  -\n",
            "no room is left for what no event has"
        );
        assert_eq!(written(None, &[]), "");
    }

    #[test]
    fn a_screen_has_days_and_what_was_done_before_who_did_it() {
        let mut long = FAILED;
        let role = "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole";
        (long[1], long[6]) = (Some(role), Some(role));
        insta::assert_snapshot!(written(Some(80), &[FAILED, PLAIN, long, FAILED, FAILED]));
        insta::assert_snapshot!(written(Some(200), &[FAILED, PLAIN, long, FAILED, FAILED]));
        assert!(written(Some(40), &[long]).contains("198.51.100.7"), "addresses are not cut");
    }

    #[test]
    fn in_a_file_nothing_is_cut_and_every_line_has_its_day() {
        let mut long = FAILED;
        let role = "arn:aws:iam::111122223333:role/OrganizationAccountAccessRole";
        (long[1], long[6]) = (Some(role), Some(role));
        let text = written(None, &[long, PLAIN]);
        assert!(text.lines().all(|line| line.starts_with("2024-03-01 05:46:4")), "{text}");
        assert!(text.contains(role), "nothing is cut in a file");
        assert!(text.contains("bob  ListBuckets"), "one long cell moves no others");
        assert_eq!(
            written(None, &[long]).matches(role).count(),
            2,
            "a column of nothing but long cells is shown"
        );
    }
}
