//! Events as bytes, one by one, on the threads that find them.

use trailseal_evidence::scan::Row;
use trailseal_query::{
    aggregate::{parts, push_part},
    json::quote,
    row::{LookupRow, TimeFormat},
};

use crate::{
    csv::{self, Dialect},
    fields::{Field, Fields},
};

/// How an event becomes bytes.
#[derive(Debug)]
pub enum RowFormat {
    /// JSON Lines, or elements of an array with a comma before each.
    Json {
        /// Only these fields.
        fields: Option<Fields>,
        /// Where it comes from, around it.
        provenance: bool,
        /// What is proven, around it.
        integrity: bool,
        /// An element of an array.
        is_element: bool,
    },
    /// A line of cells.
    Delimited(Dialect, Fields),
    /// Cells for people, to be read with [`cells`].
    Cells(Fields),
    /// A line with the row of `LookupEvents`, as the AWS CLI has it.
    Lookup,
}

impl RowFormat {
    /// Appends an event to `to`.
    pub fn write(&self, row: &Row<'_>, to: &mut Vec<u8>) {
        match self {
            Self::Json { fields, provenance, integrity, is_element } => {
                if *is_element {
                    to.extend_from_slice(b",\n");
                }
                if *provenance || *integrity {
                    envelope(fields.as_ref(), *provenance, *integrity, row, to);
                } else {
                    event(fields.as_ref(), row, to);
                }
                if !is_element {
                    to.push(b'\n');
                }
            }
            Self::Delimited(dialect, columns) => {
                csv::line(*dialect, columns.iter().map(|column| column.text(row).unwrap_or_default()), to);
            }
            Self::Cells(columns) => {
                columns.iter().for_each(|column| push_part(to, column.brief(row).as_deref()));
            }
            Self::Lookup => {
                to.extend_from_slice(&LookupRow::of(&row.record).json(TimeFormat::Iso8601));
                to.push(b'\n');
            }
        }
    }

    /// The fields that are written, where they are chosen.
    pub fn columns(&self) -> Option<&Fields> {
        match self {
            Self::Json { fields, .. } => fields.as_ref(),
            Self::Delimited(_, columns) | Self::Cells(columns) => Some(columns),
            Self::Lookup => None,
        }
    }
}

/// The cells of [`RowFormat::Cells`].
pub fn cells(row: &[u8]) -> impl Iterator<Item = Option<&str>> {
    parts(row)
}

fn event(fields: Option<&Fields>, row: &Row<'_>, to: &mut Vec<u8>) {
    let Some(fields) = fields else {
        to.extend_from_slice(&row.record.line());
        return;
    };
    to.push(b'{');
    for (at, column) in fields.iter().enumerate() {
        if at > 0 {
            to.push(b',');
        }
        member(column, row, to);
    }
    to.push(b'}');
}

fn member(column: &Field, row: &Row<'_>, to: &mut Vec<u8>) {
    quote(column.name(), to);
    to.push(b':');
    column.json(row, to);
}

fn envelope(fields: Option<&Fields>, provenance: bool, integrity: bool, row: &Row<'_>, to: &mut Vec<u8>) {
    to.push(b'{');
    if provenance {
        for column in Fields::of_provenance().iter() {
            member(column, row, to);
            to.push(b',');
        }
    }
    if integrity {
        to.extend_from_slice(b"\"integrity\":");
        match row.file.integrity {
            Some(label) => quote(label.as_str(), to),
            None => to.extend_from_slice(b"null"),
        }
        to.push(b',');
    }
    to.extend_from_slice(b"\"event\":");
    event(fields, row, to);
    to.push(b'}');
}

#[cfg(test)]
mod tests {
    use trailseal_evidence::scan::FileInfo;
    use trailseal_query::Record;

    use super::*;

    fn with_row<T>(record: &str, check: impl FnOnce(&Row<'_>) -> T) -> T {
        let file = FileInfo {
            shown: "archive/a.json.gz".to_owned(),
            index: 0,
            sha256: Some([0xab; 32]),
            integrity: None,
        };
        check(&Row { record: Record::new(record.as_bytes()), file: &file, number: 7, at: None })
    }

    const RECORD: &str = r#"{"eventName":"A\u0042", "n":1.0,"userAgent":"=1+1"}"#;

    fn written(format: &RowFormat) -> String {
        with_row(RECORD, |row| {
            let mut to = Vec::new();
            format.write(row, &mut to);
            String::from_utf8(to).unwrap()
        })
    }

    fn json(fields: Option<&str>, provenance: bool, integrity: bool, is_element: bool) -> String {
        let fields = fields.map(|names| Fields::parse(names).unwrap());
        written(&RowFormat::Json { fields, provenance, integrity, is_element })
    }

    #[test]
    fn events_are_as_they_are_in_the_log() {
        assert_eq!(json(None, false, false, false), format!("{RECORD}\n"));
        assert_eq!(json(None, false, false, true), format!(",\n{RECORD}"));
        assert_eq!(
            json(Some("n,eventName,x"), false, false, false),
            "{\"n\":1.0,\"eventName\":\"A\\u0042\",\"x\":null}\n"
        );
    }

    #[test]
    fn provenance_stands_around_the_event() {
        let place = format!(r#""file":"archive/a.json.gz","record":7,"sha256":"{}""#, "ab".repeat(32));
        assert_eq!(json(None, true, false, false), format!("{{{place},\"event\":{RECORD}}}\n"));
        assert_eq!(
            json(Some("n"), true, true, false),
            format!("{{{place},\"integrity\":null,\"event\":{{\"n\":1.0}}}}\n")
        );
    }

    #[test]
    fn csv_and_cells() {
        let columns = || Fields::parse("eventName,userAgent,none,record").unwrap();
        assert_eq!(written(&RowFormat::Delimited(Dialect::Csv, columns())), "AB,'=1+1,,7\r\n");
        let row = written(&RowFormat::Cells(columns()));
        assert_eq!(cells(row.as_bytes()).collect::<Vec<_>>(), [Some("AB"), Some("=1+1"), None, Some("7")]);
    }
}
