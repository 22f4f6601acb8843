//! Why a command could not do its work, as the user reads it.

use std::{error::Error, fmt, io, path::Path};

use crate::render::plain::shown;

/// The exit status of everything that could not be run (docs/spec/verification.md 3).
pub(crate) const COULD_NOT_RUN: u8 = 2;

/// The exit status of a run that could not do all of its work.
pub(crate) const PARTLY: u8 = 3;

/// What an error comes from: another one, or words.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// An error, and what may help: `error: …` and `hint: …` lines on stderr.
#[derive(Debug)]
pub(crate) struct CommandError {
    /// The process's exit status.
    pub(crate) status: u8,
    /// What could not be done, without a full stop; empty where the cause says it.
    pub(crate) message: String,
    /// The error that it comes from.
    pub(crate) cause: Option<Cause>,
    /// What to do about it.
    pub(crate) hints: Vec<String>,
    /// Whether the user stopped the run: then only one message may be printed.
    pub(crate) is_interrupt: bool,
}

impl CommandError {
    /// An error with the status [`COULD_NOT_RUN`].
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: COULD_NOT_RUN,
            message: message.into(),
            cause: None,
            hints: Vec::new(),
            is_interrupt: false,
        }
    }

    /// Of an error that says all itself.
    pub(crate) fn caused(cause: impl Into<Cause>) -> Self {
        Self::new("").because(cause)
    }

    /// With the error that it comes from.
    pub(crate) fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The user's interrupt; what it says is [`Interrupt::message`](crate::interrupt::Interrupt::message).
    pub(crate) fn interrupted() -> Self {
        Self { is_interrupt: true, ..Self::new("interrupted") }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(what: &str, path: &Path, cause: impl Into<Cause>) -> Self {
        Self::new(format!("cannot {what} {}", path.display())).because(cause)
    }

    /// In other words.
    pub(crate) fn told(self, message: &str) -> Self {
        Self { message: message.to_owned(), cause: None, ..self }
    }

    /// With advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The lines for stderr; control characters of names that came from outside are escaped.
    pub(crate) fn write(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let red = anstyle::AnsiColor::Red.on_default().bold();
        writeln!(to, "{red}error:{red:#} {}", shown(&self.to_string()))?;
        self.write_hints(to)
    }

    /// The lines of the hints alone.
    pub(crate) fn write_hints(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let cyan = anstyle::AnsiColor::Cyan.on_default();
        for hint in &self.hints {
            let mut lines = hint.lines();
            writeln!(to, "{cyan}hint:{cyan:#} {}", shown(lines.next().unwrap_or_default()))?;
            for line in lines {
                writeln!(to, "      {}", shown(line))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            None => to.write_str(&self.message),
            Some(cause) if self.message.is_empty() => cause.fmt(to),
            Some(cause) => write!(to, "{}: {cause}", self.message),
        }
    }
}

impl Error for CommandError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// An error and what caused it, from the outermost in; what an error says of its causes itself is not said again.
pub(crate) fn chained(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    causes.map(ToString::to_string).fold(error.to_string(), |text, cause| {
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}

impl From<trailseal_evidence::Error> for CommandError {
    fn from(error: trailseal_evidence::Error) -> Self {
        use trailseal_evidence::Error;
        match error {
            Error::Interrupted => Self::interrupted(),
            Error::Threads(_) => Self::caused(error).hint("ask for fewer with --threads"),
            other => Self::caused(other),
        }
    }
}

impl From<trailseal_analysis::Error> for CommandError {
    fn from(error: trailseal_analysis::Error) -> Self {
        use trailseal_analysis::Error;
        match error {
            Error::Evidence(error) => error.into(),
            Error::TooManyValues => Self::caused(error).hint(
                "count by fewer fields, or filter more narrowly; --limit and --fields print values as they come",
            ),
            Error::Write(error) => error.into(),
            Error::NoSpillFolder(_) => Self::new(format!(
                "cannot write the output: the folder for temporary files, {}, is part of what is read or absent; set TMPDIR to another one",
                std::env::temp_dir().display()
            )),
            Error::TooManyLinks { .. } => {
                Self::caused(error).hint("narrow the time with --from and --to")
            }
            other => Self::caused(other),
        }
    }
}

/// Stdout that cannot be written; a reader that went away is no error (see [`crate::output`]).
impl From<io::Error> for CommandError {
    fn from(error: io::Error) -> Self {
        Self::new("cannot write the output").because(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says nothing of its cause.
    #[derive(Debug)]
    struct Outer(io::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("it failed")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn no_cause_is_said_twice() {
        let cause = || io::Error::other("the disk is gone");
        let silent = CommandError::new("cannot read a");
        assert_eq!(chained(&silent), "cannot read a");
        assert_eq!(chained(&silent.because(cause())), "cannot read a: the disk is gone");
        let twice = CommandError::new("b").because(CommandError::new("a").because(cause()));
        assert_eq!(chained(&twice), "b: a: the disk is gone");
        assert_eq!(chained(&Outer(cause())), "it failed: the disk is gone");
    }
}
