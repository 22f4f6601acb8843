//! Rows of cells on a screen: a line a row wherever it can be.
//!
//! What must not be cut never is. Where the screen is narrow, ARNs lose their beginning, then columns are made narrower where
//! that hurts the fewest rows. Where a quarter of the rows does not fit even so, whole columns leave, from the right, and
//! [`Grid::gone`] tells which. Other rows that do not fit push their cells together, and what is left of them continues on the
//! next line, indented.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use anstyle::Style;

use super::{
    plain::DIM,
    room::{fitting, shortened, width, without_arn_prefix, wrapped},
};

/// What stands where there is nothing.
pub(crate) const ABSENT: &str = "-";
/// What stands above rows without a day, for they are of no day that stands above them.
const UNDATED: &str = "(no time that can be read)";
/// Between columns.
const GAP: usize = 2;
/// In front of what continues a row.
const INDENT: usize = 10;
/// Headings keep at least so much.
const LEAST_HEADING: usize = 9;
/// Where more of the rows than one in so many do not fit into a line, a column leaves.
const MISFITS: usize = 4;
/// Rows with cells out of their columns, which are as bad as one that does not fit: below headings and without them.
const PUSHED: (usize, usize) = (2, 3);
/// Cells are looked at up to this width.
const MAX_WIDTH: usize = 4096;
/// Rows that are looked at to find the widths of columns.
const SAMPLE: usize = 4096;

/// What may become of the cells of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// They are shown, and whole.
    Whole,
    /// They are whole or, with their column, not there.
    WholeOrGone,
    /// They are shown, and may lose their middle, but for so much.
    Part(usize),
    /// They may lose their middle, but for so much, or leave with their column.
    PartOrGone(usize),
}

impl Keep {
    /// What is left at least of cells that may be cut.
    fn least(self) -> Option<usize> {
        match self {
            Self::Whole | Self::WholeOrGone => None,
            Self::Part(least) | Self::PartOrGone(least) => Some(least),
        }
    }

    fn may_leave(self) -> bool {
        matches!(self, Self::WholeOrGone | Self::PartOrGone(_))
    }
}

/// A column and what is special about it.
#[derive(Clone, Debug)]
pub(crate) struct GridColumn {
    /// What stands above it, and what it is called where it is left out.
    pub(crate) name: String,
    /// The heading where it is another.
    pub(crate) heading: Option<String>,
    /// What may become of its cells.
    pub(crate) keep: Keep,
    /// Whether its cells end below each other.
    pub(crate) is_right: bool,
    /// Whether its cells have no place of their own: rows without one go on where it would begin.
    pub(crate) flows: bool,
    /// How its cells look.
    pub(crate) style: Style,
}

/// Rows that wait to be written, and what was decided for those before them.
#[derive(Debug)]
pub(crate) struct Grid {
    columns: Vec<GridColumn>,
    screen: usize,
    has_headings: bool,
    has_begun: bool,
    day: Option<String>,
    lines: Vec<GridLine>,
    rows: usize,
    is_gone: Vec<bool>,
}

#[derive(Debug)]
enum GridLine {
    Day(String),
    Row(Vec<String>),
}

/// A cell in its place on a line.
#[derive(Clone)]
struct PlacedCell<'a> {
    column: usize,
    start: usize,
    text: Cow<'a, str>,
    style: Style,
}

fn write_line(line: &[PlacedCell<'_>], out: &mut dyn Write) -> io::Result<()> {
    let mut at = 0;
    for PlacedCell { start, text, style, .. } in line {
        write!(out, "{:space$}{style}{text}{style:#}", "", space = start.saturating_sub(at))?;
        at = start + width(text);
    }
    writeln!(out)
}

/// The beginning of what is too long.
fn begun(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let kept: String = fitting(text.chars(), room.saturating_sub(1)).collect();
    if room == 0 { kept } else { kept + "…" }
}

/// Where a line ends.
fn end(line: &[PlacedCell<'_>]) -> usize {
    line.last().map_or(0, |last| last.start + width(&last.text))
}

/// Moves cells to the left until a line fits, no more of them than need be; whether it does.
fn pull(line: &mut [PlacedCell<'_>], screen: usize) -> bool {
    let mut limit = screen;
    for cell in line.iter_mut().rev() {
        let Some(most) = limit.checked_sub(width(&cell.text)) else { return false };
        cell.start = cell.start.min(most);
        match cell.start.checked_sub(GAP) {
            Some(before) => limit = before,
            // what stands before it, if anything does, has no room
            None => limit = 0,
        }
    }
    true
}

impl Grid {
    /// For a screen of so many columns.
    pub(crate) fn new(columns: Vec<GridColumn>, screen: usize, has_headings: bool) -> Self {
        let is_gone = vec![false; columns.len()];
        Self {
            columns,
            screen,
            has_headings,
            has_begun: false,
            day: None,
            lines: Vec::new(),
            rows: 0,
            is_gone,
        }
    }

    /// One more row, which is not written yet; its cells are safe on a terminal. A row of another day than the one before it
    /// stands below a line that says so, one without a day behind others below a line that says this.
    pub(crate) fn row(&mut self, day: Option<String>, cells: Vec<String>) {
        if self.day != day {
            self.lines.push(GridLine::Day(day.clone().unwrap_or_else(|| UNDATED.to_owned())));
            self.day = day;
        }
        self.lines.push(GridLine::Row(cells));
        self.rows += 1;
    }

    /// How many rows wait.
    pub(crate) fn count(&self) -> usize {
        self.rows
    }

    /// The columns that were left out of what is written.
    pub(crate) fn gone(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().zip(&self.is_gone).filter(|(_, gone)| **gone).map(|(column, _)| &*column.name)
    }

    /// Writes the rows that wait.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(crate) fn write(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let mut lines = std::mem::take(&mut self.lines);
        self.rows = 0;
        let fitted = self.fit(&mut lines);
        if self.has_headings && !std::mem::replace(&mut self.has_begun, true) {
            self.write_headings(&fitted, out)?;
        }
        for line in &lines {
            match line {
                GridLine::Day(day) => writeln!(out, "{DIM}{day}{DIM:#}")?,
                GridLine::Row(cells) => {
                    for line in self.place(cells, &fitted) {
                        write_line(&line, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn write_headings(&self, fitted: &Fitted, out: &mut dyn Write) -> io::Result<()> {
        let headings: Vec<String> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| match fitted.widths[at] {
                _ if at >= fitted.split => column.heading().to_owned(),
                room => begun(column.heading(), room),
            })
            .collect();
        let first = self.as_many(&self.aligned(&headings, &fitted.widths));
        let rest = self.behind(&first, &headings);
        let mut lines: Vec<_> = Some(first).filter(|first| !first.is_empty()).into_iter().collect();
        self.continue_with(&rest, true, &mut lines);
        let bold = Style::new().bold();
        for mut line in lines {
            for cell in &mut line {
                cell.style = bold;
            }
            write_line(&line, out)?;
        }
        Ok(())
    }

    /// How the rows fit best. ARNs in `lines` are made shorter where that is needed.
    fn fit(&mut self, lines: &mut [GridLine]) -> Fitted {
        let all = self.columns.len();
        if self.needs(lines, all).total() > self.screen {
            for cells in lines.iter_mut().filter_map(GridLine::cells_mut) {
                for (cell, _) in cells.iter_mut().zip(&self.columns).filter(|(_, column)| column.may_cut()) {
                    let short = without_arn_prefix(cell);
                    if short.len() < cell.len() {
                        *cell = short.to_owned();
                    }
                }
            }
        }
        // of very many rows, as counts may have, the first ones decide
        let lines = &lines[..lines.len().min(SAMPLE)];
        let before = self.is_gone.clone();
        loop {
            let fitted = self.fitted(lines, all);
            if !self.has_misfits(lines, &fitted) {
                return fitted;
            }
            let may_leave = |at: &usize| self.columns[*at].keep.may_leave() && fitted.widths[*at] > 0;
            let Some(last) = (1..all).rev().find(may_leave) else { break };
            self.is_gone[last] = true;
        }
        // Rows need several lines even so: then there is room for all columns.
        self.is_gone = before;
        let splits = (1..all).rev().map(|split| self.fitted(lines, split));
        let mut splits = splits.skip_while(|fitted| fitted.split > 1 && self.has_misfits(lines, fitted));
        splits.next().unwrap_or_else(|| self.fitted(lines, all))
    }

    /// With the columns before `split` on the first line of a row.
    fn fitted(&self, lines: &[GridLine], split: usize) -> Fitted {
        let mut needs = self.needs(lines, split);
        needs.narrow(self.screen);
        for at in (0..split).filter(|at| self.columns[*at].flows) {
            needs.widths[at] = 1;
        }
        Fitted { widths: needs.widths, split }
    }

    /// Whether too many rows do not fit into a line with their cells in their columns.
    fn has_misfits(&self, lines: &[GridLine], fitted: &Fitted) -> bool {
        let (mut rows, mut misfits, mut pushed) = (0, 0, 0);
        for cells in lines.iter().filter_map(GridLine::cells) {
            rows += 1;
            let mut line = self.aligned(cells, &fitted.widths);
            self.cut(&mut line);
            let is_over = end(&line) > self.screen;
            let others = line.split_last().map_or(&[][..], |(_, others)| others);
            let is_pushed = is_over || others.iter().any(|cell| self.is_longer(cell, fitted));
            if is_over && !pull(&mut line, self.screen) {
                misfits += 1;
            } else {
                pushed += usize::from(is_pushed);
            }
        }
        let as_one = if self.has_headings { PUSHED.0 } else { PUSHED.1 };
        (misfits * as_one + pushed) * MISFITS > rows * as_one
    }

    fn is_longer(&self, cell: &PlacedCell<'_>, fitted: &Fitted) -> bool {
        !self.columns[cell.column].flows && width(&cell.text) > fitted.widths[cell.column]
    }

    fn needs(&self, lines: &[GridLine], split: usize) -> Needs {
        let rows = lines.iter().filter(|line| line.cells().is_some()).count();
        let mut needs = Needs {
            widths: vec![0; self.columns.len()],
            counts: vec![Vec::new(); self.columns.len()],
            least: Vec::new(),
            may_cut: self.columns.iter().map(GridColumn::may_cut).collect(),
        };
        let shown = |(at, column): &(usize, &GridColumn)| *at < split && !self.is_gone[*at] && !column.flows;
        for (at, column) in self.columns.iter().enumerate().filter(shown) {
            // what is not cut pushes others out of their columns
            let weight = if column.may_cut() { 1 } else { 3 };
            for cells in lines.iter().filter_map(GridLine::cells) {
                needs.add(at, cells.get(at).map_or(0, |cell| width(cell)), weight);
            }
            if self.has_headings {
                // as much as a quarter of the rows: it is needed to understand any
                needs.add(at, width(column.heading()), rows / 4 + 1);
            }
        }
        let least = if self.has_headings { LEAST_HEADING } else { 1 };
        needs.least = self
            .columns
            .iter()
            .zip(&needs.widths)
            .map(|(column, width)| (*width).min(column.keep.least().unwrap_or(least)))
            .collect();
        needs
    }

    /// The lines of a row.
    fn place<'a>(&self, cells: &'a [String], Fitted { widths, split }: &Fitted) -> Vec<Vec<PlacedCell<'a>>> {
        let first = self.as_many(&self.aligned(cells, widths));
        let mut rest = self.behind(&first, cells);
        if *split < self.columns.len() && rest.iter().all(|(_, cell)| *cell == ABSENT) {
            rest.clear();
        }
        let mut lines: Vec<_> = Some(first).filter(|first| !first.is_empty()).into_iter().collect();
        let is_parted = self.has_headings && *split < self.columns.len();
        self.continue_with(&rest, is_parted, &mut lines);
        lines
    }

    /// As many cells of a line as fit into it, cut and moved to the left where need be.
    fn as_many<'a>(&self, aligned: &[PlacedCell<'a>]) -> Vec<PlacedCell<'a>> {
        let fitting = (1..=aligned.len()).rev().find_map(|count| {
            let mut line = aligned[..count].to_vec();
            self.cut(&mut line);
            pull(&mut line, self.screen).then_some(line)
        });
        fitting.unwrap_or_default()
    }

    /// The cells that are to be shown and are not on the first line.
    fn behind<'a>(&self, first: &[PlacedCell<'_>], cells: &'a [String]) -> Vec<(usize, &'a str)> {
        let is_first = |column: usize| first.iter().any(|cell| cell.column == column);
        let cells = cells.iter().enumerate().map(|(column, cell)| (column, cell.as_str()));
        cells
            .filter(|(column, cell)| !self.is_gone[*column] && !cell.is_empty() && !is_first(*column))
            .collect()
    }

    /// Cells below each other; those that are too long push the others on, or are cut where they may be.
    fn aligned<'a>(&self, cells: &'a [String], widths: &[usize]) -> Vec<PlacedCell<'a>> {
        let is_last = |column: usize| {
            (column + 1..widths.len()).all(|at| widths[at] == 0 || cells.get(at).is_none_or(String::is_empty))
        };
        let (mut start, mut used) = (0, 0);
        let mut line: Vec<PlacedCell<'a>> = Vec::new();
        for (column, room) in widths.iter().enumerate().filter(|(_, room)| **room > 0) {
            if let Some(cell) = cells.get(column).filter(|cell| !cell.is_empty()) {
                let at = if line.is_empty() { start } else { start.max(used + GAP) };
                let text = match self.columns[column].keep.least() {
                    Some(least) if is_last(column) => {
                        shortened(cell, self.screen.saturating_sub(at).max(least))
                    }
                    Some(_) => shortened(cell, *room),
                    None => cell.into(),
                };
                let taken = width(&text);
                let at = if self.columns[column].is_right { at + room.saturating_sub(taken) } else { at };
                used = at + taken;
                line.push(PlacedCell { column, start: at, text, style: self.style(column, cell) });
            }
            if !self.columns[column].flows {
                start += room + GAP;
            }
        }
        line
    }

    /// Cuts more of the cells that may be cut, where there is too little room for all.
    fn cut(&self, line: &mut [PlacedCell<'_>]) {
        let gaps = GAP * line.len().saturating_sub(1);
        let mut total = line.iter().map(|cell| width(&cell.text)).sum::<usize>() + gaps;
        while total > self.screen {
            let can_give = |cell: &&mut PlacedCell<'_>| {
                self.columns[cell.column].keep.least().is_some_and(|least| width(&cell.text) > least)
            };
            let Some(widest) = line.iter_mut().filter(can_give).max_by_key(|cell| width(&cell.text)) else {
                return;
            };
            let room = width(&widest.text);
            widest.text = shortened(&widest.text, room - 1).into_owned().into();
            total -= room - width(&widest.text);
        }
    }

    /// More cells, on the last line if there is room and they are not parted from it, and else below it, indented.
    fn continue_with<'a>(
        &self,
        cells: &[(usize, &'a str)],
        is_parted: bool,
        lines: &mut Vec<Vec<PlacedCell<'a>>>,
    ) {
        let indent = INDENT.min(self.screen / 4);
        let room = self.screen - indent;
        for (count, (column, cell)) in cells.iter().enumerate() {
            let style = self.style(*column, cell);
            let text = if self.columns[*column].may_cut() { shortened(cell, room) } else { (*cell).into() };
            let at = lines.last().map_or(0, |line| end(line) + GAP);
            let has_room = at + width(&text) <= self.screen && !(is_parted && count == 0);
            if let Some(line) = lines.last_mut().filter(|_| has_room) {
                line.push(PlacedCell { column: *column, start: at, text, style });
                continue;
            }
            // what is longer than a line breaks at its spaces only
            for text in wrapped(&text, room).into_iter().filter(|text| !text.is_empty()) {
                let start = if lines.is_empty() { 0 } else { indent };
                lines.push(vec![PlacedCell { column: *column, start, text: text.into(), style }]);
            }
        }
    }

    fn style(&self, column: usize, cell: &str) -> Style {
        if cell == ABSENT { Style::new() } else { self.columns[column].style }
    }
}

impl GridColumn {
    /// A column of texts.
    pub(crate) fn new(name: &str, keep: Keep) -> Self {
        Self {
            name: name.to_owned(),
            heading: None,
            keep,
            is_right: false,
            flows: false,
            style: Style::new(),
        }
    }

    fn may_cut(&self) -> bool {
        self.keep.least().is_some()
    }

    fn heading(&self) -> &str {
        self.heading.as_deref().unwrap_or(&self.name)
    }
}

impl GridLine {
    fn cells(&self) -> Option<&[String]> {
        match self {
            Self::Row(cells) => Some(cells),
            Self::Day(_) => None,
        }
    }

    fn cells_mut(&mut self) -> Option<&mut [String]> {
        match self {
            Self::Row(cells) => Some(cells),
            Self::Day(_) => None,
        }
    }
}

/// How rows fit.
struct Fitted {
    /// Of columns on the first line of a row; 0 for those that are empty or left out.
    widths: Vec<usize>,
    /// The first column that begins on another line.
    split: usize,
}

/// How wide columns must be.
struct Needs {
    widths: Vec<usize>,
    /// By column and width, how many cells are as wide.
    counts: Vec<Vec<usize>>,
    least: Vec<usize>,
    may_cut: Vec<bool>,
}

impl Needs {
    fn add(&mut self, column: usize, width: usize, weight: usize) {
        let width = width.min(MAX_WIDTH);
        let counts = &mut self.counts[column];
        if counts.len() <= width {
            counts.resize(width + 1, 0);
        }
        counts[width] += weight;
        self.widths[column] = self.widths[column].max(width);
    }

    fn total(&self) -> usize {
        let shown = self.widths.iter().filter(|width| **width > 0);
        shown.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
    }

    /// Makes columns narrower until a line fits, always the one where the fewest cells are longer than that. What is still
    /// longer than most is no reason to keep a column wide.
    fn narrow(&mut self, screen: usize) {
        let mut longer = vec![0; self.widths.len()];
        while self.total() > screen {
            let can_give = |at: &usize| self.widths[*at] > self.least[*at];
            let hurt = |at: &usize| {
                (longer[*at] + self.cells_of(*at, self.widths[*at]), usize::MAX - self.widths[*at])
            };
            let Some(at) = (0..self.widths.len()).filter(can_give).min_by_key(hurt) else { return };
            longer[at] += self.cells_of(at, self.widths[at]);
            self.widths[at] -= 1;
        }
        for at in (0..longer.len()).filter(|at| longer[*at] > 0) {
            while self.widths[at] > self.least[at] && self.cells_of(at, self.widths[at]) == 0 {
                self.widths[at] -= 1;
            }
        }
        // what that has freed is for texts that would be cut
        while self.total() < screen {
            let is_cut = |at: &usize| self.may_cut[*at] && longer[*at] > 0;
            let Some(at) = (0..self.widths.len()).filter(is_cut).max_by_key(|at| longer[*at]) else { return };
            self.widths[at] += 1;
            longer[at] -= self.cells_of(at, self.widths[at]);
        }
    }

    fn cells_of(&self, column: usize, width: usize) -> usize {
        self.counts[column].get(width).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(grid: &mut Grid) -> String {
        let mut out = Vec::new();
        grid.write(&mut out).unwrap();
        anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string()
    }

    fn grid(keeps: &[Keep], screen: usize, rows: &[Vec<String>]) -> Grid {
        let column = |(at, keep): (usize, &Keep)| GridColumn::new(&format!("column{at}"), *keep);
        let mut grid = Grid::new(keeps.iter().enumerate().map(column).collect(), screen, false);
        for row in rows {
            grid.row(None, row.clone());
        }
        grid
    }

    fn texts(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn what_is_long_once_costs_only_its_own_row() {
        let keeps = [Keep::Whole, Keep::Part(8), Keep::WholeOrGone];
        let mut rows = vec![texts(&["one", "who", "x"]); 9];
        rows.push(texts(&["much-longer-than-all-of-the-others", "who-acted-then", "y"]));
        let mut grid = grid(&keeps, 40, &rows);
        let text = written(&mut grid);
        assert_eq!(text.lines().nth(8), Some("one  who             x"), "{text}");
        assert!(
            text.ends_with("much-longer-than-all-of-the-others\n          who-acted-then  y\n"),
            "{text}"
        );
        assert_eq!(grid.gone().count(), 0);
    }

    #[test]
    fn columns_leave_from_the_right_and_are_told() {
        let keeps = [Keep::Whole, Keep::WholeOrGone, Keep::PartOrGone(8), Keep::Whole];
        let row = texts(&["a".repeat(12).as_str(), &"b".repeat(12), &"c".repeat(12), &"d".repeat(12)]);
        for (screen, gone) in
            [(80, vec![]), (50, vec![]), (40, vec!["column2"]), (36, vec!["column1", "column2"])]
        {
            let mut grid = grid(&keeps, screen, std::slice::from_ref(&row));
            let text = written(&mut grid);
            assert_eq!(grid.gone().collect::<Vec<_>>(), gone, "{screen}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        let mut grid = grid(&keeps, 20, &[row]);
        let text = written(&mut grid);
        assert_eq!(
            (grid.gone().count(), text.lines().count()),
            (0, 4),
            "several lines have room for all: {text}"
        );
    }

    #[test]
    fn days_stand_above_their_rows_once() {
        let mut grid = grid(&[Keep::Whole], 40, &[]);
        for (day, time) in [("1", "a"), ("1", "b"), ("2", "c")] {
            grid.row(Some(day.to_owned()), texts(&[time]));
        }
        assert_eq!(written(&mut grid), "1\na\nb\n2\nc\n");
        grid.row(Some("2".to_owned()), texts(&["d"]));
        grid.row(None, texts(&["at no time"]));
        grid.row(Some("2".to_owned()), texts(&["e"]));
        assert_eq!(written(&mut grid), "d\n(no time that can be read)\nat no time\n2\ne\n");
    }

    fn keep() -> impl Strategy<Value = Keep> {
        prop_oneof![
            Just(Keep::Whole),
            Just(Keep::WholeOrGone),
            (1_usize..20).prop_map(Keep::Part),
            (1_usize..20).prop_map(Keep::PartOrGone)
        ]
    }

    #[test]
    fn cells_that_flow_take_no_room_from_other_rows() {
        let rows = [texts(&["a", "failed", "what"]), texts(&["b", "", "what"])];
        let mut grid = grid(&[Keep::Whole, Keep::Whole, Keep::PartOrGone(4)], 40, &[]);
        grid.columns[1].flows = true;
        for row in rows {
            grid.row(None, row);
        }
        assert_eq!(written(&mut grid), "a  failed  what\nb  what\n");
    }

    fn rows() -> impl Strategy<Value = (Vec<Keep>, Vec<Vec<String>>)> {
        let cell = prop_oneof![
            "\u{301}{0,3}",
            "[a-zA-Z0-9:./-]{0,50}",
            "[a-c ]{0,90}",
            "[日本é🦀a]{0,30}",
            "-",
            "arn:aws:iam::1:user/[a-z]{1,40}"
        ];
        proptest::collection::vec(keep(), 1..8).prop_flat_map(move |keeps| {
            let row = proptest::collection::vec(cell.clone(), keeps.len());
            (Just(keeps), proptest::collection::vec(row, 1..12))
        })
    }

    proptest! {
        #[test]
        fn lines_fit_and_nothing_that_is_left_out_is_unsaid((keeps, rows) in rows(), screen in 20_usize..200, has_days: bool, has_headings: bool, flows: bool) {
            let mut grid = grid(&keeps, screen, &[]);
            grid.has_headings = has_headings;
            grid.columns[0].flows = flows;
            let squeezed = |text: &str| text.replace([' ', '\n'], "");
            for (at, row) in rows.iter().enumerate() {
                grid.row(has_days.then(|| format!("day {at}")), row.clone());
            }
            let text = written(&mut grid);
            let gone: Vec<bool> = (0..keeps.len()).map(|at| grid.gone().any(|name| name == format!("column{at}"))).collect();
            for line in text.lines().filter(|line| width(line) > screen) {
                let word = line.trim();
                let is_whole = |cell: &String| cell.split(' ').any(|part| part == word);
                let column_of = |row: &Vec<String>| row.iter().zip(&keeps).any(|(cell, keep)| keep.least().is_none() && is_whole(cell));
                prop_assert!(rows.iter().any(column_of), "{screen} {line:?} in {text}");
            }
            let all = squeezed(&text);
            for row in &rows {
                for ((cell, keep), is_gone) in row.iter().zip(&keeps).zip(&gone) {
                    prop_assert!(!is_gone || keep.may_leave());
                    let is_there = all.contains(&squeezed(cell));
                    let is_told = *is_gone || keep.least().is_some() && (all.contains('…') || all.contains(&squeezed(without_arn_prefix(cell))));
                    // a line of nothing but absent cells says nothing
                    prop_assert!(is_there || is_told || cell == ABSENT, "{cell:?} in {text}");
                }
            }
        }
    }
}
