//! Tables of events as people export them: CSV, whose rows become JSON objects. Columns are what an event says (Event
//! history, Athena, Lake), or hold whole events as text (`CloudWatch` Logs, Splunk, Elastic, PowerShell).

use std::io::{self, BufRead as _, BufReader, Read};

use memchr::memmem;

/// The longest first line that is looked at.
const MAX_HEADER: usize = 64 << 10;
/// Bytes that tell whether a file is such a table.
pub(super) const HEAD: usize = 4 << 10;

/// What stands between the columns of a table of events that begins with `head`; `None` if it is none.
pub(super) fn separator(head: &[u8]) -> Option<u8> {
    let head = behind_marks(head);
    let first = head.first()?;
    if !first.is_ascii_alphabetic() && !matches!(first, b'"' | b'@' | b'_') {
        return None;
    }
    let line = head.split(|byte| *byte == b'\n').next()?;
    // of as many the last one: a comma where there is one column
    let separator = [b';', b'\t', b','].into_iter().max_by_key(|sign| count(line, *sign))?;
    let mut names = line.split(|byte| *byte == separator).map(bare);
    let is_event = count(line, separator) > 0 && names.any(|name| name == b"eventname");
    // quotes in a quoted cell are doubled
    let holds_events =
        || !line.contains(&b'{') && IN_CELLS.iter().any(|name| memmem::find(head, name).is_some());
    (is_event || holds_events()).then_some(separator)
}

/// The name that every record has, within a cell.
const IN_CELLS: [&[u8]; 2] = [b"\"\"eventVersion\"\"", b"\"\"eventversion\"\""];

/// What follows a byte order mark, and the first line of PowerShell, which tells a type.
fn behind_marks(head: &[u8]) -> &[u8] {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match memchr::memchr(b'\n', head) {
        Some(end) if head.starts_with(b"#TYPE ") => &head[end + 1..],
        _ => head,
    }
}

fn count(line: &[u8], sign: u8) -> usize {
    memchr::memchr_iter(sign, line).count()
}

/// A column's name in small letters, without quotes, blanks and signs.
fn bare(name: &[u8]) -> Vec<u8> {
    name.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
}

/// The rows of a table as JSON objects, one a line: the names are those of the first line, all values are texts, and empty
/// ones are `null`.
pub(super) struct TableReader<'r> {
    rows: csv::Reader<Box<dyn Read + 'r>>,
    names: Vec<String>,
    row: csv::StringRecord,
    line: Vec<u8>,
    used: usize,
}

impl<'r> TableReader<'r> {
    /// Reads the first line.
    pub(super) fn new(reader: impl Read + 'r, separator: u8) -> io::Result<Self> {
        let mut reader = BufReader::new(reader);
        let mut header = Vec::new();
        while behind_marks(&header).is_empty() {
            let before = header.len();
            reader.by_ref().take(MAX_HEADER as u64).read_until(b'\n', &mut header)?;
            if header.len() == before {
                break;
            }
        }
        let header = behind_marks(&header).to_vec();
        let reader: Box<dyn Read + 'r> = Box::new(io::Cursor::new(header).chain(reader));
        let mut rows = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(reader);
        let names = rows.headers().map_err(io::Error::other)?.iter().map(str::to_owned).collect();
        Ok(Self { rows, names, row: csv::StringRecord::new(), line: Vec::new(), used: 0 })
    }

    /// The next row, if there is one.
    fn advance(&mut self) -> io::Result<()> {
        self.line.clear();
        self.used = 0;
        if !self.rows.read_record(&mut self.row).map_err(io::Error::other)? {
            return Ok(());
        }
        let value = |text: &str| match text {
            "" => serde_json::Value::Null,
            text => text.into(),
        };
        let members = self.names.iter().zip(self.row.iter()).map(|(name, text)| {
            // the console's names have blanks between their words
            let name: String = name.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
            (name, value(text))
        });
        let object: serde_json::Map<String, serde_json::Value> = members.collect();
        serde_json::to_writer(&mut self.line, &object).map_err(io::Error::other)?;
        self.line.push(b'\n');
        Ok(())
    }
}

impl Read for TableReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.used == self.line.len() {
            self.advance()?;
        }
        let length = out.len().min(self.line.len() - self.used);
        out[..length].copy_from_slice(&self.line[self.used..self.used + length]);
        self.used += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_events_are_known_by_their_first_line() {
        for (head, sign) in [
            ("Event ID,Event time,Event name,User name\n", Some(b',')),
            ("\"eventversion\",\"useridentity\",\"eventname\"\r\n", Some(b',')),
            ("\u{feff}eventVersion\teventName\n", Some(b'\t')),
            ("#TYPE Amazon.CloudTrail.Model.Event\r\n\"CloudTrailEvent\",\"EventName\"\r\n", Some(b',')),
            ("@timestamp,@message\n1,\"{\"\"eventVersion\"\":\"\"1.08\"\"}\"\n", Some(b',')),
            ("\"CloudTrailEvent\"\r\n\"{\"\"eventVersion\"\":\"\"1.08\"\"}\"\r\n", Some(b',')),
            ("timestamp;message\n1;x\n", None),
            ("eventName\n", None),
            ("a,b,c\n", None),
            ("{\"eventName\":\"x\",\"a\":1}\n", None),
            ("", None),
        ] {
            assert_eq!(separator(head.as_bytes()), sign, "{head}");
        }
    }

    #[test]
    fn a_line_of_powershell_about_a_type_is_no_header() {
        let mut json = String::new();
        let table = "\u{feff}#TYPE x\r\n\"a\",\"b\"\r\n\"1\",\"2\"\r\n";
        TableReader::new(table.as_bytes(), b',').unwrap().read_to_string(&mut json).unwrap();
        assert_eq!(json, "{\"a\":\"1\",\"b\":\"2\"}\n");
    }

    #[test]
    fn rows_become_objects() {
        let table = "\"eventname\",\"Event time\",x\nA,\"2024\n1\",\"say \"\"hi\"\"\"\nB,,\nC\n";
        let mut json = String::new();
        TableReader::new(table.as_bytes(), b',').unwrap().read_to_string(&mut json).unwrap();
        assert_eq!(
            json,
            "{\"Eventtime\":\"2024\\n1\",\"eventname\":\"A\",\"x\":\"say \\\"hi\\\"\"}\n\
             {\"Eventtime\":null,\"eventname\":\"B\",\"x\":null}\n{\"eventname\":\"C\"}\n"
        );
    }
}
