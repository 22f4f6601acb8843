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

/// Buffered stdout for data, byte for byte.
pub(crate) fn data() -> BufWriter<Quiet<io::Stdout>> {
    BufWriter::with_capacity(1 << 16, Quiet::new(io::stdout()))
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
    fn only_a_reader_that_went_away_is_no_error() {
        let mut gone = Quiet::new(Fails(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.write(b"abc").unwrap(), 3);
        gone.flush().unwrap();
        let mut full = Quiet::new(Fails(io::ErrorKind::StorageFull));
        assert!(full.write(b"abc").is_err());
        assert!(full.flush().is_err());
    }
}
