//! Lines of cells: CSV (RFC 4180) that is safe to open in a spreadsheet, the same as Excel wants it, and tabs.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

/// What stands before the first line for Excel, which takes the file for UTF-8 then.
pub const EXCEL_MARK: &str = "\u{feff}";

/// Digits from which on a spreadsheet rounds a number or writes it with an exponent: account numbers have as many.
const LONG_NUMBER: usize = 12;

/// How cells are separated and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Commas; what a spreadsheet would take for a formula is made a text.
    Csv,
    /// The same, times as spreadsheets read them (UTC), and long or zero-led numbers as texts. [`EXCEL_MARK`] stands before it.
    Excel,
    /// Tabs, for programs: tabs, line ends and backslashes in cells are escaped with a backslash, as jq's `@tsv` does.
    Tsv,
}

/// Appends a line of cells.
pub fn line<'a>(dialect: Dialect, cells: impl Iterator<Item = Cow<'a, str>>, to: &mut Vec<u8>) {
    let cells: Vec<Cow<'a, str>> = match dialect {
        Dialect::Csv => cells.map(harmless).collect(),
        Dialect::Excel => cells.map(for_excel).collect(),
        Dialect::Tsv => return tabs(cells, to),
    };
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .flexible(true)
        .buffer_capacity(1024)
        .from_writer(to);
    // Writing to memory cannot fail, and lines of any length are allowed.
    let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    let _ = writer.flush();
}

/// A cell that a spreadsheet would take for a formula is made a text.
fn harmless(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}").into() } else { cell }
}

fn for_excel(cell: Cow<'_, str>) -> Cow<'_, str> {
    let is_number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && (cell.len() >= LONG_NUMBER || cell.len() > 1 && cell.starts_with('0')) {
        return format!("=\"{cell}\"").into();
    }
    match spreadsheet_time(&cell) {
        Some(time) => time.into(),
        None => harmless(cell),
    }
}

/// `2024-03-01T04:19:54Z` without its letters.
fn spreadsheet_time(text: &str) -> Option<String> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let is_of = |part: &str, shape: &str| {
        part.len() == shape.len()
            && part
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, sign)| if sign == b'0' { byte.is_ascii_digit() } else { byte == sign })
    };
    (is_of(date, "0000-00-00") && is_of(time, "00:00:00")).then(|| format!("{date} {time}"))
}

fn tabs<'a>(cells: impl Iterator<Item = Cow<'a, str>>, to: &mut Vec<u8>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            to.push(b'\t');
        }
        for byte in cell.bytes() {
            match byte {
                b'\t' => to.extend_from_slice(b"\\t"),
                b'\n' => to.extend_from_slice(b"\\n"),
                b'\r' => to.extend_from_slice(b"\\r"),
                b'\\' => to.extend_from_slice(b"\\\\"),
                other => to.push(other),
            }
        }
    }
    to.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dialect: Dialect, cells: &[&str]) -> String {
        let mut to = Vec::new();
        line(dialect, cells.iter().map(|cell| Cow::Borrowed(*cell)), &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(
            text(Dialect::Csv, &["a", "b,c", "d\"e", "f\ng", ""]),
            "a,\"b,c\",\"d\"\"e\",\"f\ng\",\r\n"
        );
        assert_eq!(text(Dialect::Csv, &[""]), "\"\"\r\n");
    }

    #[test]
    fn formulas_are_made_texts() {
        assert_eq!(
            text(
                Dialect::Csv,
                &["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\r=1", "\n=1", "a=b", "1-2"]
            ),
            "'=cmd|' /C calc'!A0,'+1,'-1,'@x,'\tx,\"'\r=1\",\"'\n=1\",a=b,1-2\r\n"
        );
    }

    #[test]
    fn a_spreadsheet_keeps_ids_and_reads_times() {
        assert_eq!(
            text(
                Dialect::Excel,
                &[
                    "012345678901",
                    "007",
                    "0",
                    "42",
                    "111122223333",
                    "2024-03-01T04:19:54Z",
                    "=1",
                    "\"111122223333\""
                ]
            ),
            "\"=\"\"012345678901\"\"\",\"=\"\"007\"\"\",0,42,\"=\"\"111122223333\"\"\",2024-03-01 04:19:54,'=1,\
             \"\"\"111122223333\"\"\"\r\n"
        );
        assert_eq!(
            text(Dialect::Excel, &["2024-03-01T04:19:54.5Z", "2024-13-01"]),
            "2024-03-01T04:19:54.5Z,2024-13-01\r\n"
        );
    }

    #[test]
    fn tabs_within_cells_are_escaped() {
        assert_eq!(text(Dialect::Tsv, &["a\tb", "", "c\\n\r\n", "=1"]), "a\\tb\t\tc\\\\n\\r\\n\t=1\n");
    }
}
