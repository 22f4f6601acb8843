//! Stdout and stderr: a reader that went away is no error, a full disk is.

use std::{
    fmt,
    io::{self, BufWriter, IsTerminal as _, Write},
};

use crate::render::{plain::shown, room::noted};

/// Buffered stdout for the screen: colours only where they are wanted.
pub(crate) fn screen() -> BufWriter<Quiet<anstream::AutoStream<io::Stdout>>> {
    BufWriter::with_capacity(1 << 16, Quiet::new(anstream::AutoStream::auto(io::stdout())))
}

/// Stdout for data.
pub(crate) type DataOut = Harmless<Quiet<io::Stdout>>;

/// Buffered stdout for data, byte for byte; on a terminal, what could move its cursor is escaped.
pub(crate) fn data() -> BufWriter<DataOut> {
    let out = Harmless::new(Quiet::new(io::stdout()), io::stdout().is_terminal());
    BufWriter::with_capacity(1 << 16, out)
}

/// The columns of the terminal; `None` when stdout is none, so that nothing is wrapped.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0).max(40))
}

/// The columns of the terminal that stderr is, if it is one.
pub(crate) fn error_width() -> Option<usize> {
    terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0))
}

/// Stderr for notes: on a terminal, what is longer than a line continues on the next one, indented.
pub(crate) fn notes() -> NoteLines<anstream::AutoStream<io::Stderr>> {
    NoteLines { inner: anstream::stderr(), screen: error_width(), line: Vec::new() }
}

/// Lines that continue at a space where they are too long. What must be copied as it is, as the commands in hints, is not
/// to be written through it.
#[derive(Debug)]
pub(crate) struct NoteLines<W: Write> {
    inner: W,
    screen: Option<usize>,
    line: Vec<u8>,
}

impl<W: Write> NoteLines<W> {
    fn write_line(&mut self, screen: usize) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        match std::str::from_utf8(&line) {
            Ok(text) => noted(text, screen).iter().try_for_each(|line| writeln!(self.inner, "{line}")),
            Err(_) => self.inner.write_all(&line).and_then(|()| self.inner.write_all(b"\n")),
        }
    }
}

impl<W: Write> Write for NoteLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(screen) = self.screen else { return self.inner.write(bytes) };
        let mut lines = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = lines.next() {
            self.line.extend_from_slice(part);
            if lines.peek().is_some() {
                self.write_line(screen)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for NoteLines<W> {
    fn drop(&mut self) {
        // Nobody can be told that stderr is gone.
        let _ = self.inner.write_all(&std::mem::take(&mut self.line));
    }
}

/// One line on stderr, beside the data: `note: …`.
pub(crate) fn note(text: &dyn fmt::Display) {
    let cyan = anstyle::AnsiColor::Cyan.on_default();
    let text = shown(&text.to_string()).into_owned();
    // Nobody can be told that stderr is gone.
    let _ = writeln!(notes(), "{cyan}note:{cyan:#} {text}");
}

/// Text for people on its way into a file: without colours.
#[derive(Debug)]
pub(crate) struct Colourless<W> {
    inner: W,
    state: anstream::adapter::StripBytes,
}

impl<W: Write> Colourless<W> {
    /// Over this stream.
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, state: anstream::adapter::StripBytes::new() }
    }

    /// The stream itself.
    pub(crate) fn get_ref(&self) -> &W {
        &self.inner
    }

    /// The stream itself.
    pub(crate) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Colourless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for text in self.state.strip_next(bytes) {
            self.inner.write_all(text)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Data on its way to a terminal, line by line: what could move its cursor or turn a line around is escaped.
#[derive(Debug)]
pub(crate) struct Harmless<W> {
    inner: W,
    is_terminal: bool,
    line: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// Over this stream; one that is no terminal gets what is written.
    pub(crate) fn new(inner: W, is_terminal: bool) -> Self {
        Self { inner, is_terminal, line: Vec::new() }
    }

    /// The stream itself.
    pub(crate) fn get_ref(&self) -> &W {
        &self.inner
    }

    fn put(&mut self) -> io::Result<()> {
        let line = String::from_utf8_lossy(&self.line);
        // a table has tabs, and lines of CSV end in two characters
        let text = line.trim_end_matches(['\r', '\n']);
        let cells: Vec<_> = text.split('\t').map(crate::render::plain::shown).collect();
        self.inner.write_all(cells.join("\t").as_bytes())?;
        self.inner.write_all(&line.as_bytes()[text.len()..])?;
        self.line.clear();
        Ok(())
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_terminal {
            return self.inner.write(bytes);
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.put()?;
            }
        }
        Ok(bytes.len())
    }

    /// Rows are written whole, so that what waits ends where a row does.
    fn flush(&mut self) -> io::Result<()> {
        if self.is_terminal {
            self.put()?;
        }
        self.inner.flush()
    }
}

/// Swallows what is written after the reader has gone (`| head`).
#[derive(Debug)]
pub(crate) struct Quiet<W> {
    inner: W,
    is_gone: bool,
}

impl<W: Write> Quiet<W> {
    /// Over this stream.
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, is_gone: false }
    }

    /// Whether the reader has gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone
    }

    fn unless_gone<T>(&mut self, instead: T, work: impl FnOnce(&mut W) -> io::Result<T>) -> io::Result<T> {
        if self.is_gone {
            return Ok(instead);
        }
        match work(&mut self.inner) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.is_gone = true;
                Ok(instead)
            }
            result => result,
        }
    }
}

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_gone(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_gone((), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(io::ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn notes_continue_at_a_space() {
        let written = |screen, parts: &[&str]| {
            let mut lines = NoteLines { inner: Vec::new(), screen, line: Vec::new() };
            for part in parts {
                lines.write_all(part.as_bytes()).unwrap();
            }
            let text = String::from_utf8(std::mem::take(&mut lines.inner)).unwrap();
            drop(lines);
            text
        };
        let parts = ["\u{1b}[33mnote:\u{1b}[0m one two", " three\n  more\n", "\n"];
        let expected = "\u{1b}[33mnote:\u{1b}[0m one two\n  three\n  more\n\n";
        assert_eq!(written(Some(13), &parts), expected, "colours take no room");
        assert_eq!(written(None, &parts), parts.concat());
    }

    #[test]
    fn data_on_a_terminal_cannot_move_its_cursor() {
        let mut out = Harmless::new(Vec::new(), true);
        for part in ["a\u{1b}[2J\tb", "c\r\n{\"x\":\"\u{9b}\u{202e}\"}\n[", "d"] {
            out.write_all(part.as_bytes()).unwrap();
        }
        out.flush().unwrap();
        let text = String::from_utf8(out.get_ref().clone()).unwrap();
        assert_eq!(text, "a\\u{1b}[2J\tbc\r\n{\"x\":\"\\u{9b}\\u{202e}\"}\n[d");
    }

    #[test]
    fn only_a_reader_that_went_away_is_no_error() {
        let mut gone = Quiet::new(Fails(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.write(b"abc").unwrap(), 3);
        gone.flush().unwrap();
        let mut full = Quiet::new(Fails(io::ErrorKind::StorageFull));
        assert!(full.write(b"abc").is_err());
        assert!(full.flush().is_err());
    }
}
