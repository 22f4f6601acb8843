//! `trailseal completions`.

use std::io::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{cli::Cli, error::CommandError, output};

/// Write the completion script of a shell to stdout
///
/// For example: `trailseal completions bash > /etc/bash_completion.d/trailseal`, or
/// `trailseal completions fish > ~/.config/fish/completions/trailseal.fish`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Writes the script.
///
/// # Errors
/// When stdout cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "trailseal", &mut script);
    let mut out = output::data();
    out.write_all(&script)?;
    out.flush()?;
    Ok(0)
}
