//! The `trailseal` command: arguments, output, progress and exit status. What it does is done by the library
//! crates; nothing here judges.

mod cli;
mod clock;
mod commands;
mod destination;
mod error;
mod interrupt;
mod out_file;
mod output;
mod packing;
mod progress;
mod render;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
