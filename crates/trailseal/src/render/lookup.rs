//! `LookupEvents` answers in the forms of the AWS CLI.

use std::io::{self, Write};

use trailseal_query::{
    Record,
    lookup::FoundRecord,
    row::{LookupRow, TimeFormat},
};

mod table;
mod text;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Form {
    /// One JSON document, as the AWS CLI prints it
    Json,
    /// One JSON object a line for every event
    Jsonl,
    /// Tab-separated lines: EVENTS and RESOURCES, columns in alphabetical order
    Text,
    /// Boxes, for people
    Table,
}

/// Writes an answer, row by row.
#[derive(Debug)]
pub(crate) struct Writer<W> {
    form: Form,
    times: TimeFormat,
    /// Rows whose columns agree in the form of text: a page.
    page_size: usize,
    /// Where the token of a text stands.
    is_one_page: bool,
    rows: u64,
    held: Vec<FoundRecord>,
    to: W,
}

impl<W: Write> Writer<W> {
    /// Over this stream.
    pub(crate) fn new(form: Form, times: TimeFormat, page_size: usize, is_one_page: bool, to: W) -> Self {
        Self { form, times, page_size, is_one_page, rows: 0, held: Vec::new(), to }
    }

    /// Whether all rows are held until the end.
    pub(crate) fn holds_all(&self) -> bool {
        self.form == Form::Table
    }

    /// The next row, made of a record.
    pub(crate) fn row(&mut self, record: FoundRecord) -> io::Result<()> {
        let row = || LookupRow::of(&Record::new(&record));
        match self.form {
            Form::Json => {
                let before = if self.rows == 0 { "{\n    \"Events\": [\n        " } else { ",\n        " };
                self.to.write_all(before.as_bytes())?;
                self.to.write_all(&row().pretty_json(self.times, 8))?;
            }
            Form::Jsonl => {
                self.to.write_all(&row().json(self.times))?;
                self.to.write_all(b"\n")?;
            }
            Form::Text => {
                self.held.push(record);
                // The token of a single page stands before its rows.
                if self.held.len() >= self.page_size && !self.is_one_page {
                    self.write_text_page()?;
                }
            }
            Form::Table => self.held.push(record),
        }
        self.rows += 1;
        Ok(())
    }

    /// The end of the answer, with the token of the next page if there is one.
    pub(crate) fn finish(mut self, token: Option<&str>) -> io::Result<W> {
        match self.form {
            Form::Json => {
                let events: &[u8] = if self.rows == 0 { b"{\n    \"Events\": []" } else { b"\n    ]" };
                self.to.write_all(events)?;
                if let Some(token) = token {
                    write!(self.to, ",\n    \"NextToken\": \"{token}\"")?;
                }
                self.to.write_all(b"\n}\n")?;
            }
            Form::Jsonl => {}
            Form::Text => {
                if let Some(token) = token.filter(|_| self.is_one_page) {
                    writeln!(self.to, "{token}")?;
                }
                self.write_text_page()?;
                if let Some(token) = token.filter(|_| !self.is_one_page) {
                    writeln!(self.to, "NEXTTOKEN\t{token}")?;
                }
            }
            Form::Table => {
                let records: Vec<Record<'_>> = self.held.iter().map(|record| Record::new(record)).collect();
                let rows: Vec<LookupRow<'_>> = records.iter().map(LookupRow::of).collect();
                table::write(&rows, self.times, token, &mut self.to)?;
            }
        }
        self.to.flush()?;
        Ok(self.to)
    }

    fn write_text_page(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let records: Vec<Record<'_>> = held.iter().map(|record| Record::new(record)).collect();
        let rows: Vec<LookupRow<'_>> = records.iter().map(LookupRow::of).collect();
        text::write(&rows, self.times, &mut self.to)
    }
}

/// The names of the texts that any of the rows has, in alphabetical order.
fn columns(rows: &[LookupRow<'_>], times: TimeFormat) -> Vec<&'static str> {
    let mut names: Vec<&str> = rows.iter().flat_map(|row| row.texts(times).map(|(name, _)| name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests;
