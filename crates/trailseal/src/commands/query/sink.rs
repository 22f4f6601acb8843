//! Where events go: stdout or a file, row by row.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use trailseal_analysis::{csv::Dialect, fields::Fields, row_format, rows::RowSink};

use crate::{
    destination::Out,
    progress::Counts,
    render::{
        plain::{DIM, grouped, plural},
        query::{cells, table::Columns, timeline::Timeline},
        room::noted,
        zone::ShownZone,
    },
};

/// The first events are shown at once, later ones at least so often.
const FLUSH: Duration = Duration::from_millis(50);
/// Rows that are aligned with one another; what follows has its own widths.
const TABLE_ROWS: usize = 1000;

/// What rows become on their way out.
#[derive(Debug)]
pub(crate) enum Shape {
    /// They are as they are.
    Plain,
    /// Elements of a JSON array, with a comma before each.
    Array,
    /// Lines of cells below a header.
    Delimited(Dialect, Vec<String>),
    /// Cells of a table.
    Table(Vec<String>),
    /// Cells of a timeline.
    Timeline(Vec<String>),
}

impl Shape {
    /// The names of columns.
    pub(crate) fn names(columns: &Fields) -> Vec<String> {
        columns.names().map(str::to_owned).collect()
    }
}

/// Puts rows out.
pub(crate) struct EventSink<'a> {
    out: &'a mut Out,
    shape: Shape,
    screen: Option<usize>,
    zone: &'a ShownZone,
    /// Whose line must be gone when something is written.
    counts: &'a Counts,
    /// Rows that are shown at most, and that were.
    most: Option<u64>,
    shown: u64,
    table: Option<Columns>,
    timeline: Option<Timeline>,
    has_begun: bool,
    flushed: Option<Instant>,
}

impl<'a> EventSink<'a> {
    /// For rows of this shape, on a terminal of so many columns.
    pub(crate) fn new(
        out: &'a mut Out,
        shape: Shape,
        screen: Option<usize>,
        zone: &'a ShownZone,
        counts: &'a Counts,
    ) -> Self {
        Self {
            out,
            shape,
            screen,
            zone,
            counts,
            most: None,
            shown: 0,
            table: None,
            timeline: None,
            has_begun: false,
            flushed: None,
        }
    }

    /// The same, that takes all rows and shows so many of them.
    pub(crate) fn at_most(self, most: Option<u64>) -> Self {
        Self { most, ..self }
    }

    /// Writes rows that need no more than to be written: many at once.
    fn rows(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.end_progress();
        let is_first = self.begin()?;
        if is_first && matches!(self.shape, Shape::Array) {
            bytes = bytes.strip_prefix(b",").unwrap_or(bytes);
        }
        self.out.write_all(bytes)
    }

    /// Writes what comes last: of a screen also what is not on it, if there are so many rows in `all`.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub(crate) fn finish(mut self, all: Option<u64>) -> io::Result<()> {
        self.begin()?;
        self.end_progress();
        let mut gone: Vec<String> = Vec::new();
        if let Some(table) = self.table.as_mut() {
            if table.count() > 0 {
                table.write(self.out)?;
            }
            gone.extend(table.gone().into_iter().map(str::to_owned));
        }
        if let Some(timeline) = &mut self.timeline {
            timeline.write(self.out)?;
            gone.extend(timeline.gone().into_iter().map(str::to_owned));
        }
        let more = all.map_or(0, |all| all.saturating_sub(self.shown));
        if more > 0 {
            writeln!(self.out, "{DIM}… {} more: -n, -o FILE, | less{DIM:#}", grouped(more))?;
        }
        write_gone(&gone, "--fields", self.screen, self.out)?;
        if matches!(self.shape, Shape::Array) {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }

    /// The line of progress and what is written share a screen; with a file they do not.
    fn end_progress(&self) {
        if self.out.is_terminal() {
            self.counts.end();
        }
    }

    /// Writes what comes first, once; whether it was now.
    fn begin(&mut self) -> io::Result<bool> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Ok(false);
        }
        match &self.shape {
            Shape::Array => self.out.write_all(b"[")?,
            Shape::Delimited(dialect, names) => cells::write_header(*dialect, names, self.out)?,
            Shape::Plain | Shape::Table(_) | Shape::Timeline(_) => {}
        }
        Ok(true)
    }
}

/// Says which columns did not fit on a screen, and what shows them.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_gone(
    names: &[String],
    how: &str,
    screen: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let text = format!("{} not shown ({}): {how}", plural(names.len() as u64, "column"), names.join(", "));
    let lines = screen.map_or_else(|| vec![text.clone()], |screen| noted(&text, screen));
    lines.iter().try_for_each(|line| writeln!(out, "{DIM}{line}{DIM:#}"))
}

impl RowSink for EventSink<'_> {
    fn takes_single_rows(&self) -> bool {
        matches!(self.shape, Shape::Table(_) | Shape::Timeline(_))
    }

    fn take(&mut self, rows: &[u8]) -> io::Result<()> {
        if self.most.is_some_and(|most| self.shown >= most) {
            return Ok(());
        }
        self.shown += 1;
        match &self.shape {
            Shape::Plain | Shape::Array | Shape::Delimited(..) => self.rows(rows),
            Shape::Table(names) => {
                let new = || Columns::of_events(names, self.screen, self.zone);
                let table = self.table.get_or_insert_with(new);
                table.event(row_format::cells(rows));
                if table.count() < TABLE_ROWS {
                    return Ok(());
                }
                if self.out.is_terminal() {
                    self.counts.end();
                }
                table.write(self.out)
            }
            Shape::Timeline(names) => {
                let new = || Timeline::new(names, self.screen, self.zone);
                let timeline = self.timeline.get_or_insert_with(new);
                timeline.line(row_format::cells(rows));
                if timeline.count() < TABLE_ROWS {
                    return Ok(());
                }
                if self.out.is_terminal() {
                    self.counts.end();
                }
                timeline.write(self.out)
            }
        }
    }

    /// Shows what was written, unless that was done a moment ago.
    fn pause(&mut self) -> io::Result<()> {
        if self.flushed.is_none_or(|at| at.elapsed() > FLUSH) {
            self.out.flush()?;
            self.flushed = Some(Instant::now());
        }
        Ok(())
    }

    fn is_gone(&self) -> bool {
        self.out.is_gone()
    }
}
