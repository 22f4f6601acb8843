//! Tables as JSON, CSV and columns; for what is not an event.

use std::io::{self, Write};

use clap::ValueEnum;
use trailseal_analysis::{
    csv,
    table::{Cell, Table},
};

use super::table::Columns;
use crate::render::zone::ShownZone;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
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

/// Writes a table in a format; as columns where it is none for data, for a terminal of so many columns if there is one.
/// Returns the names of those that were left out.
///
/// # Errors
/// When `out` cannot be written.
pub(crate) fn write(
    format: EventFormat,
    table: &Table,
    screen: Option<usize>,
    zone: &ShownZone,
    out: &mut dyn Write,
) -> io::Result<Vec<String>> {
    let mut buffer = Vec::new();
    match format {
        EventFormat::Jsonl => {
            for row in &table.rows {
                buffer.clear();
                table.json(row, &mut buffer);
                buffer.push(b'\n');
                out.write_all(&buffer)?;
            }
        }
        EventFormat::Json => {
            out.write_all(b"[")?;
            for (at, row) in table.rows.iter().enumerate() {
                buffer.clear();
                buffer.extend_from_slice(if at == 0 { b"\n" } else { b",\n" });
                table.json(row, &mut buffer);
                out.write_all(&buffer)?;
            }
            out.write_all(b"\n]\n")?;
        }
        EventFormat::Csv => {
            csv::line(table.columns().iter().map(|name| name.as_str().into()), &mut buffer);
            for row in &table.rows {
                let cells = table.flat(row);
                csv::line(cells.iter().map(|(_, cell)| cell.plain()), &mut buffer);
            }
            out.write_all(&buffer)?;
        }
        EventFormat::Table | EventFormat::Lookup if table.rows.is_empty() => {}
        EventFormat::Table | EventFormat::Lookup => {
            let names = table.columns();
            let is_number = |at: usize| {
                table.rows.iter().any(|row| table.flat(row).get(at).is_some_and(|(_, cell)| cell.is_number()))
            };
            let are_numbers: Vec<bool> = (0..names.len()).map(is_number).collect();
            let mut columns = Columns::of_counts(&names, &are_numbers, screen, zone);
            for row in &table.rows {
                let cells = table.flat(row);
                columns.row(cells.iter().map(|(_, cell)| match &**cell {
                    Cell::Nothing => None,
                    Cell::Text(text) | Cell::Number(text) => Some(text.as_str()),
                    Cell::Numbers(_) => Some(""),
                }));
            }
            columns.write(out)?;
            return Ok(columns.gone().into_iter().map(str::to_owned).collect());
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: EventFormat) -> String {
        let names = ["a.b", "count", "by"].map(str::to_owned).into();
        let by = |x, y| Cell::Numbers(vec![("x".into(), x), ("=y".into(), y)]);
        let rows = vec![
            vec![Cell::Text("q\"\u{1b}".into()), Cell::number(12), by(1, 2)],
            vec![Cell::Nothing, Cell::number(3), by(0, 4)],
        ];
        let mut out = Vec::new();
        write(format, &Table { names, rows }, None, &ShownZone::utc(), &mut out).unwrap();
        String::from_utf8(out).unwrap().replace("\u{1b}[1m", "").replace("\u{1b}[0m", "")
    }

    #[test]
    fn rows_in_every_format() {
        let first = r#"{"a.b":"q\"\u001b","count":12,"by":{"x":1,"=y":2}}"#;
        let second = r#"{"a.b":null,"count":3,"by":{"x":0,"=y":4}}"#;
        assert_eq!(written(EventFormat::Jsonl), format!("{first}\n{second}\n"));
        assert_eq!(written(EventFormat::Json), format!("[\n{first},\n{second}\n]\n"));
        assert_eq!(written(EventFormat::Csv), "a.b,count,by=x,by==y\r\n\"q\"\"\u{1b}\",12,1,2\r\n,3,0,4\r\n");
        assert_eq!(
            written(EventFormat::Table),
            "a.b       count  by=x  by==y\nq\"\\u{1b}     12     1      2\n-             3     0      4\n"
        );
    }

    #[test]
    fn no_rows_are_a_header_or_an_empty_array() {
        let table = Table { names: vec!["a".to_owned()], rows: Vec::new() };
        let written = |format| {
            let mut out = Vec::new();
            write(format, &table, None, &ShownZone::utc(), &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(written(EventFormat::Csv), "a\r\n");
        assert_eq!(written(EventFormat::Json), "[\n]\n");
        assert_eq!(written(EventFormat::Jsonl), "");
        assert_eq!(written(EventFormat::Table), "");
    }
}
