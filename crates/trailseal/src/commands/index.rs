//! `trailseal index`.

use std::{io::Write as _, time::Instant};

use indicatif::HumanBytes;
use trailseal_evidence::{
    index::{self, IndexMade, IndexOf, MakeError, make},
    inputs::Inputs,
};

use crate::{
    commands::options::{
        index::IndexFolder,
        input::{self, Input},
        number::Threads,
    },
    error::CommandError,
    interrupt::Interrupt,
    output,
    progress::Counts,
    render::plain::{grouped, plural, shown},
};

/// What stands below the options in the help.
pub(crate) const AFTER_HELP: &str = "\
An index holds, for every file that is whole JSON: its size, times and inode, hashes of its bytes
and of its content, a filter of all values in it, and columns of what is asked most (time, name,
service, caller, key, address, agent, error, account, region). query, lookup-events and follow
read only files in which something may match; the answer is the same with it and without. verify
takes the hash of a file's content from it where the file's bytes, which are read and hashed each
time, are those of then. Labels and verdicts are never kept.

A file is as it was if its size, times and inode are: whoever can set the clock can hide a change
from a search, not from verify or --keys. --no-index reads everything. What came since is read
until the index is brought up to date, by the same command; that reads only what is new.

It lies outside the archive; nothing is written below ROOT. It is trusted as this program is: keep
it where nobody else can write. A damaged one is told, and files are read instead.

Examples:
  trailseal index ./archive
  trailseal query ./archive --access-key AKIAIOSFODNN7EXAMPLE
  trailseal index ./archive --status

Exit status:
  0  done
  2  could not run: wrong arguments, unreadable root, the index cannot be written, interrupted;
     with --status: there is none";

/// Make an index of an archive, or bring it up to date: later questions read only what may answer them
///
/// Read every file once and keep what is in it, in a folder of its own outside of the archive. Files that are known as they
/// are now are not read again.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    input: Input,

    #[command(flatten, next_help_heading = "Index")]
    folder: IndexFolder,

    /// Say what there is, and make nothing
    #[arg(long, conflicts_with = "remove", help_heading = "Index")]
    status: bool,

    /// Remove the indexes of ROOT
    #[arg(long, help_heading = "Index")]
    remove: bool,

    /// Only errors on stderr
    #[arg(short, long, overrides_with = "quiet", help_heading = "Output")]
    quiet: bool,

    #[command(flatten, next_help_heading = "Limits")]
    threads: Threads,
}

/// Makes the index.
///
/// # Errors
/// [`CommandError`] when it could not be made.
pub(crate) fn run(args: &Args, interrupt: &Interrupt) -> Result<u8, CommandError> {
    let roots = input::expand(&args.input)?;
    let inputs = Inputs::open(&roots)?;
    if inputs.reads_pipe() {
        return Err(CommandError::new("only files and folders are indexed, no pipe"));
    }
    let folder = args.folder.needed()?;
    if args.status || args.remove {
        let found = index::all(&folder, &roots).map_err(CommandError::caused)?;
        if found.is_empty() {
            return Err(CommandError::new("there is no index of what was given")
                .hint("`trailseal index ROOT` makes one"));
        }
        if args.remove {
            found.iter().try_for_each(IndexOf::remove).map_err(CommandError::caused)?;
        }
        let verb = if args.remove { "removed: " } else { "" };
        let lines = found.iter().map(|index| format!("{verb}{}\n", described(index)));
        return print(args, &lines.collect::<String>());
    }
    let begun = Instant::now();
    let counts = Counts::new("indexing", interrupt.clone());
    let made = counts.watch(!args.quiet, || make(&folder, &inputs, args.threads.count, &counts));
    let made = match made {
        _ if interrupt.is_wanted() => return Err(CommandError::interrupted()),
        Err(MakeError::Index(error)) => return Err(CommandError::caused(error).hint(WRITE_HINT)),
        Err(MakeError::Read(error)) => return Err(error.into()),
        Err(error) => return Err(CommandError::caused(error)),
        Ok(made) => made,
    };
    let found = index::all(&folder, &roots).map_err(CommandError::caused)?;
    let mut text = summary(&made, begun.elapsed().as_secs_f64());
    for index in &found {
        text.push_str(&described(index));
        text.push('\n');
    }
    print(args, &text)
}

const WRITE_HINT: &str = "the index before it, if any, is as it was; --index-dir DIR chooses another folder";

fn summary(made: &IndexMade, seconds: f64) -> String {
    let mut text = format!(
        "{} read and taken in ({}), {} known before, in {seconds:.1} s\n",
        plural(made.taken, "file"),
        HumanBytes(made.taken_bytes),
        grouped(made.known)
    );
    if made.left > 0 {
        let verb = if made.left == 1 { "is" } else { "are" };
        text += &plural(made.left, "file");
        text.extend([
            " ",
            verb,
            " read by each question: damaged, packed, or in other forms than log files have\n",
        ]);
    }
    text
}

fn described(index: &IndexOf) -> String {
    let status = index.status;
    format!(
        "{}: {}, {} ({} on disk), {} of index",
        shown(&index.folder.display().to_string()),
        plural(status.files, "file"),
        plural(status.events, "event"),
        HumanBytes(status.file_bytes),
        HumanBytes(status.bytes)
    )
}

fn print(args: &Args, text: &str) -> Result<u8, CommandError> {
    if args.quiet {
        return Ok(0);
    }
    let mut out = output::screen();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(0)
}
