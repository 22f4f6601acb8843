//! A table: on a terminal as wide as that is, elsewhere as wide as its cells; what could move the cursor is escaped.

use std::io::{self, Write};

use super::kind::{CellKind, cell_text, short_source};
use crate::render::{
    grid::{ABSENT, Grid, GridColumn, Keep},
    plain::aligned,
    room::width,
    zone::ShownZone,
};

/// What keys of counts keep together where the terminal is narrow: first and last times leave before.
const LEAST_KEYS: usize = 40;

/// Rows below headings.
pub(crate) struct Columns {
    kinds: Vec<CellKind>,
    zone: ShownZone,
    is_right: Vec<bool>,
    place: TablePlace,
}

enum TablePlace {
    Screen(Grid),
    File { waiting: Vec<Vec<String>> },
}

impl Columns {
    /// Of events, with these headings, for a terminal of so many columns; without one, nothing is cut or left out.
    pub(crate) fn of_events(names: &[String], screen: Option<usize>, zone: &ShownZone) -> Self {
        let kinds: Vec<CellKind> = names.iter().map(|name| CellKind::of(name)).collect();
        let columns = kinds.iter().zip(names).map(|(kind, name)| kind.column(name)).collect();
        Self::new(names, kinds, columns, screen, zone)
    }

    /// Of what events come to: keys, numbers, first and last times.
    pub(crate) fn of_counts(
        names: &[String],
        is_number: &[bool],
        screen: Option<usize>,
        zone: &ShownZone,
    ) -> Self {
        let is_time = |name: &String| matches!(name.as_str(), "first" | "last" | "time");
        let kind = |(name, is_number): (&String, &bool)| match name {
            // of which no digit can be spared
            _ if *is_number => CellKind::Id,
            name if is_time(name) => CellKind::Time,
            name => CellKind::of(name),
        };
        let kinds: Vec<CellKind> = names.iter().zip(is_number).map(kind).collect();
        let texts = |kind: &&CellKind| matches!(kind, CellKind::Actor | CellKind::Resource | CellKind::Other);
        let least = LEAST_KEYS / kinds.iter().filter(texts).count().max(1);
        let column = |(at, (kind, name)): (usize, (&CellKind, &String))| {
            let mut column = kind.column(name);
            column.is_right = is_number[at];
            column.keep = match kind {
                CellKind::Time if is_time(name) && at > 0 => Keep::WholeOrGone,
                kind if texts(&kind) => Keep::Part(least),
                _ => Keep::Whole,
            };
            if *kind == CellKind::Time {
                column.heading = Some(format!("{} ({})", column.name, zone.name()));
            }
            column
        };
        let columns = kinds.iter().zip(names).enumerate().map(column).collect();
        Self { is_right: is_number.to_vec(), ..Self::new(names, kinds, columns, screen, zone) }
    }

    fn new(
        names: &[String],
        kinds: Vec<CellKind>,
        columns: Vec<GridColumn>,
        screen: Option<usize>,
        zone: &ShownZone,
    ) -> Self {
        let place = match screen {
            Some(screen) => TablePlace::Screen(Grid::new(columns, screen, true)),
            None => TablePlace::File { waiting: vec![names.iter().map(|name| cell_text(name)).collect()] },
        };
        Self { is_right: vec![false; kinds.len()], kinds, zone: zone.clone(), place }
    }

    /// One more row of events: those of a screen stand below their day.
    pub(crate) fn event<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>) {
        self.add(cells, true);
    }

    /// One more row of counts.
    pub(crate) fn row<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>) {
        self.add(cells, false);
    }

    fn add<'a>(&mut self, cells: impl Iterator<Item = Option<&'a str>>, has_days: bool) {
        let Self { kinds, zone, place, .. } = self;
        let grid = match place {
            TablePlace::Screen(grid) => grid,
            TablePlace::File { waiting } => {
                // no heading says the zone; what is in UTC is as CloudTrail writes it
                let moved = |kind: &CellKind, cell: &str| {
                    let is_moved = *kind == CellKind::Time && !zone.is_utc();
                    if is_moved { zone.in_line(cell) } else { None }
                };
                let text = |kind, cell| moved(kind, cell).unwrap_or_else(|| cell_text(cell));
                let row = kinds.iter().zip(cells);
                waiting.push(
                    row.map(|(kind, cell)| cell.map_or(ABSENT.to_owned(), |cell| text(kind, cell))).collect(),
                );
                return;
            }
        };
        let mut day = None;
        let text = |(at, (kind, cell)): (usize, (&CellKind, Option<&str>))| {
            let Some(cell) = cell else { return ABSENT.to_owned() };
            match (kind, zone.day_and_time(cell)) {
                (CellKind::Time, Some((of, time))) if has_days && at == 0 => {
                    day = Some(format!("{of} ({})", zone.name()));
                    time
                }
                (CellKind::Time, Some((of, time))) => format!("{of} {time}"),
                (CellKind::Source, _) => short_source(&cell_text(cell)).to_owned(),
                _ => cell_text(cell),
            }
        };
        let cells = kinds.iter().zip(cells).enumerate().map(text).collect();
        grid.row(day, cells);
    }

    /// How many rows wait to be written.
    pub(crate) fn count(&self) -> usize {
        match &self.place {
            TablePlace::Screen(grid) => grid.count(),
            TablePlace::File { waiting } => waiting.len().saturating_sub(1),
        }
    }

    /// The columns that were left out.
    pub(crate) fn gone(&self) -> Vec<&str> {
        match &self.place {
            TablePlace::Screen(grid) => grid.gone().collect(),
            TablePlace::File { .. } => Vec::new(),
        }
    }

    /// Writes the rows that wait, the headings in bold.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let waiting = match &mut self.place {
            TablePlace::Screen(grid) => return grid.write(out),
            TablePlace::File { waiting } => waiting,
        };
        for (at, _) in self.is_right.iter().enumerate().filter(|(_, is_right)| **is_right) {
            let room = waiting.iter().map(|row| width(&row[at])).max().unwrap_or(0);
            for row in waiting.iter_mut() {
                row[at] = format!("{:space$}{}", "", row[at], space = room - width(&row[at]));
            }
        }
        for (at, line) in aligned(waiting).iter().enumerate() {
            if at == 0 {
                let bold = anstyle::Style::new().bold();
                writeln!(out, "{bold}{line}{bold:#}")?;
            } else {
                writeln!(out, "{line}")?;
            }
        }
        waiting.truncate(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 7] =
        ["eventTime", "eventName", "eventSource", "username", "sourceIPAddress", "awsRegion", "error"];
    const ROWS: [[Option<&str>; 7]; 3] = [
        [
            Some("2024-03-01T05:46:41Z"),
            Some("DescribeInstances"),
            Some("ec2.amazonaws.com"),
            Some("ci-deploy"),
            Some("192.0.2.66"),
            Some("us-east-1"),
            Some("AccessDenied"),
        ],
        [
            Some("2024-03-01T05:46:42Z"),
            Some("AssumeRoleWithWebIdentity"),
            Some("sts.amazonaws.com"),
            None,
            Some("2001:db8:1234:5678:9abc:def0:1234:5678"),
            Some("us-east-1"),
            None,
        ],
        [
            Some("2024-03-02T00:00:00Z"),
            Some("CreateUser"),
            Some("iam.amazonaws.com"),
            Some("arn:aws:iam::111122223333:user/ci-deploy"),
            Some("192.0.2.66"),
            Some("us-east-1"),
            None,
        ],
    ];

    fn table(names: &[&str], rows: &[Vec<Option<&str>>], screen: Option<usize>) -> (String, Vec<String>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut table = Columns::of_events(&names, screen, &ShownZone::utc());
        for row in rows {
            table.event(row.iter().copied());
        }
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
        (text, table.gone().into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn on_a_terminal_the_day_stands_once() {
        let rows: Vec<_> = [0, 1, 2, 2, 2, 2, 2, 2].map(|at: usize| ROWS[at].to_vec()).into();
        let (text, gone) = table(&NAMES, &rows, Some(80));
        insta::assert_snapshot!("80", format!("without {gone:?}\n{text}"));
        let (text, gone) = table(&NAMES, &rows, Some(200));
        insta::assert_snapshot!("200", text);
        assert_eq!(gone, [""; 0]);
    }

    #[test]
    fn the_zone_stands_in_the_heading_or_behind_every_time() {
        let zone = ShownZone::of(&trailseal_query::Zone::named("Asia/Tokyo").unwrap());
        let names = ["eventTime", "eventName"].map(str::to_owned);
        let written = |screen| {
            let mut table = Columns::of_events(&names, screen, &zone);
            table.event([Some("2024-03-01T14:46:41Z"), Some("GetUser")].into_iter());
            table.event([Some("2024-03-01T15:46:41.5Z"), Some("2024-03-01T15:46:41Z")].into_iter());
            table.event([Some("soon"), None].into_iter());
            let mut out = Vec::new();
            table.write(&mut out).unwrap();
            anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
        };
        let screen = written(Some(80));
        let (first, second) = screen.split_once("2024-03-02 (Asia/Tokyo)").unwrap();
        assert!(first.contains("2024-03-01 (Asia/Tokyo)") && first.contains("23:46:41 "), "{screen}");
        assert!(second.contains("00:46:41.5 ") && second.contains("2024-03-01T15:46:41Z"), "{screen}");
        let file = written(None);
        assert!(file.contains("2024-03-02 00:46:41.5+09:00") && file.contains("\nsoon "), "{file}");
        let mut counts =
            Columns::of_counts(&["n", "first"].map(str::to_owned), &[true, false], Some(80), &zone);
        counts.row([Some("1"), Some("2024-03-01T15:46:41Z")].into_iter());
        let mut out = Vec::new();
        counts.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("first (Asia/Tokyo)") && text.contains("2024-03-02 00:46:41"), "{text}");
    }

    #[test]
    fn where_rows_need_two_lines_no_column_is_left_out() {
        let mut rows = ROWS.map(Vec::from);
        for row in &mut rows {
            row[6] = Some("Client.UnauthorizedOperation");
        }
        let (text, gone) = table(&NAMES, &rows, Some(80));
        insta::assert_snapshot!("two_lines", text);
        assert_eq!(gone, [""; 0]);
    }

    #[test]
    fn in_a_file_every_row_is_a_line_with_all_of_it() {
        let (text, gone) = table(&NAMES, &ROWS.map(Vec::from), None);
        insta::assert_snapshot!(text);
        assert_eq!(gone, [""; 0]);
    }

    #[test]
    fn counts_keep_keys_and_numbers() {
        let names = ["userIdentity.arn", "sourceIPAddress", "count", "first", "last"].map(str::to_owned);
        let numbers = [false, false, true, false, false];
        let role = "arn:aws:sts::111122223333:assumed-role/OrganizationAccountAccessRole/alice";
        let times = [Some("2024-03-01T05:46:41Z"), Some("2024-03-02T05:46:41Z")];
        let mut texts = Vec::new();
        for screen in [80, 120, 200] {
            let mut table = Columns::of_counts(&names, &numbers, Some(screen), &ShownZone::utc());
            table.row([Some(role), Some("192.0.2.66"), Some("12345"), times[0], times[1]].into_iter());
            table.row([None, Some("2001:db8::1"), Some("6"), times[0], times[1]].into_iter());
            let mut out = Vec::new();
            table.write(&mut out).unwrap();
            let text = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
            texts.push(format!("{screen}, without {:?}\n{text}", table.gone()));
        }
        insta::assert_snapshot!(texts.join("\n"));
    }

    #[test]
    fn nothing_reaches_the_terminal_as_a_command() {
        for screen in [None, Some(80), Some(200)] {
            let row = vec![Some("t"), Some("\u{1b}[2Jx\r\n\u{202e}y"), Some("\u{9b}")];
            let (text, _) = table(&["eventTime", "a", "\u{1b}b"], &[row], screen);
            assert!(text.contains("\\u{1b}[2Jx\\u{d}\\u{a}\\u{202e}y"), "{text}");
            assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text}");
        }
    }

    #[test]
    fn what_is_cut_of_a_huge_cell_is_seen() {
        let huge = "x".repeat(5000);
        let (text, _) = table(&["a"], &[vec![Some(&huge)]], None);
        assert!(text.ends_with("x…\n") && text.chars().count() < 4200, "{}", text.len());
    }
}
