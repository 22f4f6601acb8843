//! `trailseal man`.

use std::{fs, path::PathBuf};

use clap::CommandFactory as _;

use crate::{cli::Cli, error::CommandError};

/// Write the manual pages into a folder: trailseal.1 and one page for each command
///
/// Read one with `man -l DIR/trailseal-verify.1`. The folder is made if it is not there; pages of the same
/// name in it are replaced.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// When the folder or a page cannot be written.
pub(crate) fn run(args: &Args) -> Result<u8, CommandError> {
    let fail = |error: std::io::Error| CommandError::file("write manual pages to", &args.folder, error);
    fs::create_dir_all(&args.folder).map_err(fail)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), &args.folder).map_err(fail)?;
    Ok(0)
}
