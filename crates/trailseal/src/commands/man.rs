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
    for entry in fs::read_dir(&args.folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("trailseal") && name.ends_with(".1") {
            let page = fs::read_to_string(&path).map_err(fail)?;
            fs::write(&path, typeset(&page)).map_err(fail)?;
        }
    }
    Ok(0)
}

/// A page whose commands can be copied: no word is divided or stretched, and what stands below the options, examples among it,
/// keeps its lines.
fn typeset(page: &str) -> String {
    let mut set = String::with_capacity(page.len() + 64);
    let mut keeps_lines = false;
    for line in page.lines() {
        let is_section = line.starts_with(".SH ");
        if is_section && std::mem::take(&mut keeps_lines) {
            set.push_str(".fi\n");
        }
        if line == ".SH EXTRA" {
            keeps_lines = true;
            set.push_str(".SH NOTES\n.nf\n");
            continue;
        }
        set.push_str(line);
        set.push('\n');
        if line.starts_with(".TH ") {
            set.push_str(".nh\n.ad l\n");
        }
    }
    if keeps_lines {
        set.push_str(".fi\n");
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_on_a_page_keep_their_lines() {
        assert_eq!(
            typeset(".TH a 1\n.SH NAME\na\n.SH EXTRA\nExamples:\n  x y\n.SH VERSION\nv1\n"),
            ".TH a 1\n.nh\n.ad l\n.SH NAME\na\n.SH NOTES\n.nf\nExamples:\n  x y\n.fi\n.SH VERSION\nv1\n"
        );
    }
}
