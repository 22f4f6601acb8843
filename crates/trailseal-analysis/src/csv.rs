//! CSV (RFC 4180) that is safe to open in a spreadsheet.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

/// Appends a line of cells.
pub fn line<'a>(cells: impl Iterator<Item = Cow<'a, str>>, to: &mut Vec<u8>) {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .flexible(true)
        .buffer_capacity(1024)
        .from_writer(to);
    let cells: Vec<Cow<'a, str>> = cells.map(harmless).collect();
    // Writing to memory cannot fail, and lines of any length are allowed.
    let _ = writer.write_record(cells.iter().map(|cell| cell.as_bytes()));
    let _ = writer.flush();
}

/// A cell that a spreadsheet would take for a formula is made a text.
fn harmless(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{cell}").into() } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(cells: &[&str]) -> String {
        let mut to = Vec::new();
        line(cells.iter().map(|cell| Cow::Borrowed(*cell)), &mut to);
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(text(&["a", "b,c", "d\"e", "f\ng", ""]), "a,\"b,c\",\"d\"\"e\",\"f\ng\",\r\n");
        assert_eq!(text(&[""]), "\"\"\r\n");
    }

    #[test]
    fn formulas_are_made_texts() {
        assert_eq!(
            text(&["=cmd|' /C calc'!A0", "+1", "-1", "@x", "\tx", "\r=1", "\n=1", "a=b", "1-2"]),
            "'=cmd|' /C calc'!A0,'+1,'-1,'@x,'\tx,\"'\r=1\",\"'\n=1\",a=b,1-2\r\n"
        );
    }
}
