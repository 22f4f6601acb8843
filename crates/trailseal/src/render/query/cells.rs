//! Rows of cells as JSON, CSV and tables; for what is not an event.

use std::{borrow::Cow, io, io::Write};

use clap::ValueEnum;
use trailseal_query::json::quote;

use super::{csv, table::Table};

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One event a line, byte for byte as it is in the log
    Jsonl,
    /// One JSON array
    Json,
    /// Comma-separated values with a header, safe to open in a spreadsheet
    Csv,
    /// Columns for people
    Table,
    /// Rows of `aws cloudtrail lookup-events`, one a line
    Lookup,
}

/// A value in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Nothing: `null`, an empty cell, `-`.
    Nothing,
    /// A text.
    Text(String),
    /// A number as it is to be written.
    Number(String),
    /// Numbers by name, an object in JSON.
    Numbers(Vec<(String, u64)>),
}

impl Cell {
    /// A text, if there is one.
    pub(crate) fn text(text: Option<impl Into<String>>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Text(text.into()))
    }

    /// A number.
    #[allow(clippy::needless_pass_by_value, reason = "numbers are copied")]
    pub(crate) fn number(number: impl ToString) -> Self {
        Self::Number(number.to_string())
    }

    fn json(&self, to: &mut Vec<u8>) {
        match self {
            Self::Nothing => to.extend_from_slice(b"null"),
            Self::Text(text) => quote(text, to),
            Self::Number(number) => to.extend_from_slice(number.as_bytes()),
            Self::Numbers(numbers) => {
                to.push(b'{');
                for (at, (name, number)) in numbers.iter().enumerate() {
                    comma(at, to);
                    quote(name, to);
                    to.extend_from_slice(format!(":{number}").as_bytes());
                }
                to.push(b'}');
            }
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Cells that are numbers by name are as many columns.
    fn flat<'a>(&'a self, name: &'a str) -> Vec<(&'a str, Cow<'a, Self>)> {
        match self {
            Self::Numbers(numbers) => numbers
                .iter()
                .map(|(name, number)| (name.as_str(), Cow::Owned(Self::number(number))))
                .collect(),
            _ => vec![(name, Cow::Borrowed(self))],
        }
    }

    fn plain(&self) -> Cow<'_, str> {
        match self {
            Self::Nothing | Self::Numbers(_) => "".into(),
            Self::Text(text) | Self::Number(text) => text.into(),
        }
    }
}

fn comma(at: usize, to: &mut Vec<u8>) {
    if at > 0 {
        to.push(b',');
    }
}

/// An object of these names and values.
fn object(names: &[String], cells: &[Cell], to: &mut Vec<u8>) {
    to.push(b'{');
    for (at, (name, cell)) in names.iter().zip(cells).enumerate() {
        comma(at, to);
        quote(name, to);
        to.push(b':');
        cell.json(to);
    }
    to.push(b'}');
}

/// Writes rows in a format; as a table where it is none for data.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(
    format: Format,
    names: &[String],
    rows: &[Vec<Cell>],
    width: Option<usize>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    match format {
        Format::Jsonl => {
            for row in rows {
                buffer.clear();
                object(names, row, &mut buffer);
                buffer.push(b'\n');
                out.write_all(&buffer)?;
            }
            Ok(())
        }
        Format::Json => {
            out.write_all(b"[")?;
            for (at, row) in rows.iter().enumerate() {
                buffer.clear();
                buffer.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
                object(names, row, &mut buffer);
                out.write_all(&buffer)?;
            }
            out.write_all(b"\n]\n")
        }
        Format::Csv => {
            let header = rows.first().map_or_else(|| names.to_vec(), |row| flat_names(names, row));
            csv::line(header.iter().map(|name| name.as_str().into()), &mut buffer);
            for row in rows {
                let cells: Vec<_> = flat(names, row).into_iter().map(|(_, cell)| cell).collect();
                csv::line(cells.iter().map(|cell| cell.plain()), &mut buffer);
            }
            out.write_all(&buffer)
        }
        Format::Table | Format::Lookup => {
            let Some(first) = rows.first() else { return Ok(()) };
            let mut table = Table::new(&flat_names(names, first), width);
            let is_number = |at: usize| {
                rows.iter().any(|row| flat(names, row).get(at).is_some_and(|(_, cell)| cell.is_number()))
            };
            table.align_right(&is_number);
            for row in rows {
                let cells = flat(names, row).into_iter().map(|(_, cell)| match &*cell {
                    Cell::Nothing => "-".to_owned(),
                    cell => cell.plain().into_owned(),
                });
                table.row(cells);
            }
            table.write(out)
        }
    }
}

fn flat<'a>(names: &'a [String], row: &'a [Cell]) -> Vec<(&'a str, Cow<'a, Cell>)> {
    names.iter().zip(row).flat_map(|(name, cell)| cell.flat(name)).collect()
}

fn flat_names(names: &[String], row: &[Cell]) -> Vec<String> {
    flat(names, row).into_iter().map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format) -> String {
        let names = ["a.b", "count", "by"].map(str::to_owned);
        let by = |x, y| Cell::Numbers(vec![("x".into(), x), ("=y".into(), y)]);
        let rows = [
            vec![Cell::Text("q\"\u{1b}".into()), Cell::number(12), by(1, 2)],
            vec![Cell::Nothing, Cell::number(3), by(0, 4)],
        ];
        let mut out = Vec::new();
        write(format, &names, &rows, None, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace("\u{1b}[1m", "").replace("\u{1b}[0m", "")
    }

    #[test]
    fn rows_in_every_format() {
        let first = r#"{"a.b":"q\"\u001b","count":12,"by":{"x":1,"=y":2}}"#;
        let second = r#"{"a.b":null,"count":3,"by":{"x":0,"=y":4}}"#;
        assert_eq!(written(Format::Jsonl), format!("{first}\n{second}\n"));
        assert_eq!(written(Format::Json), format!("[\n{first},\n{second}\n]\n"));
        assert_eq!(written(Format::Csv), "a.b,count,x,'=y\r\n\"q\"\"\u{1b}\",12,1,2\r\n,3,0,4\r\n");
        assert_eq!(
            written(Format::Table),
            "a.b       count  x  =y\nq\"\\u{1b}     12  1   2\n-             3  0   4\n"
        );
    }

    #[test]
    fn no_rows_are_a_header_or_an_empty_array() {
        let names = ["a".to_owned()];
        let written = |format| {
            let mut out = Vec::new();
            write(format, &names, &[], None, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(Format::Csv), "a\r\n");
        assert_eq!(written(Format::Json), "[\n]\n");
        assert_eq!(written(Format::Jsonl), "");
        assert_eq!(written(Format::Table), "");
    }
}
