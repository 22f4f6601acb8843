//! Where events go: stdout or a file, row by row.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    time::{Duration, Instant},
};

use trailseal_analysis::{csv::Dialect, fields::Fields, row_format, rows::RowSink};

use crate::{
    output::{self, Colourless, Quiet},
    packing::{PackedWriter, Packing},
    render::query::{cells, table::Columns, timeline::Timeline},
};

/// The first events are shown at once, later ones at least so often.
const FLUSH: Duration = Duration::from_millis(50);
/// Rows that are aligned with one another; what follows has its own widths.
const TABLE_ROWS: usize = 1000;

/// A stream that knows whether anybody still reads it.
pub(crate) enum Out {
    /// Stdout, byte for byte.
    Data(BufWriter<Quiet<io::Stdout>>),
    /// Stdout with colours where they are wanted.
    Screen(BufWriter<Quiet<anstream::AutoStream<io::Stdout>>>),
    /// A file, perhaps compressed, or a pipe.
    File(BufWriter<PackedWriter<Quiet<File>>>),
    /// The same with text for people, without colours.
    Text(BufWriter<Colourless<PackedWriter<Quiet<File>>>>),
}

impl Out {
    /// Stdout for people or for programs.
    pub(crate) fn stdout(is_for_people: bool) -> Self {
        if is_for_people { Self::Screen(output::screen()) } else { Self::Data(output::data()) }
    }

    /// A file, for people or for programs; it is whole only after [`finish`](Self::finish).
    pub(crate) fn file(file: File, packing: Packing, is_for_people: bool) -> Self {
        let file = PackedWriter::new(packing, Quiet::new(file));
        if is_for_people {
            Self::Text(BufWriter::with_capacity(1 << 16, Colourless::new(file)))
        } else {
            Self::File(BufWriter::with_capacity(1 << 16, file))
        }
    }

    /// Writes what comes last.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        match self {
            Self::Data(_) | Self::Screen(_) => Ok(()),
            Self::File(writer) => writer.into_inner().map_err(io::IntoInnerError::into_error)?.finish(),
            Self::Text(writer) => {
                writer.into_inner().map_err(io::IntoInnerError::into_error)?.into_inner().finish()
            }
        }
    }

    /// Whether the reader went away.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Data(writer) => writer.get_ref().is_gone(),
            Self::Screen(writer) => writer.get_ref().is_gone(),
            Self::File(writer) => writer.get_ref().get_ref().is_gone(),
            Self::Text(writer) => writer.get_ref().get_ref().get_ref().is_gone(),
        }
    }

    fn inner(&mut self) -> &mut dyn Write {
        match self {
            Self::Data(writer) => writer,
            Self::Screen(writer) => writer,
            Self::File(writer) => writer,
            Self::Text(writer) => writer,
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }
}

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
    width: Option<usize>,
    table: Option<Columns>,
    timeline: Option<Timeline>,
    has_begun: bool,
    flushed: Option<Instant>,
}

impl<'a> EventSink<'a> {
    /// For rows of this shape, on a terminal of so many columns.
    pub(crate) fn new(out: &'a mut Out, shape: Shape, width: Option<usize>) -> Self {
        Self { out, shape, width, table: None, timeline: None, has_begun: false, flushed: None }
    }

    /// Writes rows that need no more than to be written: many at once.
    fn rows(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let is_first = self.begin()?;
        if is_first && matches!(self.shape, Shape::Array) {
            bytes = bytes.strip_prefix(b",").unwrap_or(bytes);
        }
        self.out.write_all(bytes)
    }

    /// Writes what comes last.
    ///
    /// # Errors
    /// When the stream cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.begin()?;
        self.write_table()?;
        if let Some(timeline) = &mut self.timeline {
            timeline.write(self.out)?;
        }
        if matches!(self.shape, Shape::Array) {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
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

    fn write_table(&mut self) -> io::Result<()> {
        match self.table.take() {
            Some(table) => table.write(self.out),
            None => Ok(()),
        }
    }
}

impl RowSink for EventSink<'_> {
    fn takes_single_rows(&self) -> bool {
        matches!(self.shape, Shape::Table(_) | Shape::Timeline(_))
    }

    fn take(&mut self, rows: &[u8]) -> io::Result<()> {
        match &self.shape {
            Shape::Plain | Shape::Array | Shape::Delimited(..) => self.rows(rows),
            Shape::Table(names) => {
                let table = self.table.get_or_insert_with(|| Columns::new(names, self.width));
                table.row(row_format::cells(rows).map(|cell| cell.unwrap_or("-")));
                if table.count() >= TABLE_ROWS { self.write_table() } else { Ok(()) }
            }
            Shape::Timeline(names) => {
                let timeline = self.timeline.get_or_insert_with(|| Timeline::new(names, self.width));
                timeline.line(row_format::cells(rows));
                if timeline.count() >= TABLE_ROWS { timeline.write(self.out) } else { Ok(()) }
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
