//! Where an answer goes: standard output, or the file of `--output`.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write},
};

use crate::{
    error::CommandError,
    interrupt::Interrupt,
    out_file::OutFile,
    output::{self, Colourless, DataOut, Quiet},
    packing::{PackedWriter, Packing},
};

/// A place for one answer.
pub(crate) struct Destination<'a> {
    /// The file, until it is written; without one it is standard output.
    pub(crate) target: Option<OutFile<'a>>,
    /// How a file is compressed.
    pub(crate) packing: Packing,
    /// Whether people read it.
    pub(crate) is_for_people: bool,
    /// What the user wishes meanwhile.
    pub(crate) interrupt: &'a Interrupt,
}

impl Destination<'_> {
    /// Lets `write` write there; it is told the columns of the terminal, if it is one. A file is there whole or not at all.
    ///
    /// # Errors
    /// Those of `write`, and when the file cannot be written.
    pub(crate) fn write<T>(
        &mut self,
        write: impl FnOnce(&mut Out, Option<usize>) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let Self { packing, is_for_people, .. } = *self;
        match self.target.take() {
            None => {
                let mut out = Out::stdout(is_for_people);
                let done = write(&mut out, output::width())?;
                out.flush()?;
                Ok(done)
            }
            Some(file) => file.write(self.interrupt, |file| {
                let mut out = Out::file(file, packing, is_for_people);
                let done = write(&mut out, None)?;
                out.finish()?;
                Ok(done)
            }),
        }
    }
}

/// A stream that knows whether anybody still reads it.
pub(crate) enum Out {
    /// Stdout, byte for byte, but for a terminal.
    Data(BufWriter<DataOut>),
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
            Self::Data(writer) => writer.get_ref().get_ref().is_gone(),
            Self::Screen(writer) => writer.get_ref().is_gone(),
            Self::File(writer) => writer.get_ref().get_ref().is_gone(),
            Self::Text(writer) => writer.get_ref().get_ref().get_ref().is_gone(),
        }
    }

    /// Whether it goes to a terminal, where the line of progress may stand.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Self::Data(_) | Self::Screen(_)) && io::stdout().is_terminal()
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
