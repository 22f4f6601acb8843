//! One file a command; here is what they share.

use std::{
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use clap::Parser as _;

use crate::{
    cli::{Cli, Command},
    error::{COULD_NOT_RUN, CommandError},
    interrupt::Interrupt,
    output, words,
};

pub(crate) mod completions;
mod evidence;
pub(crate) mod follow;
pub(crate) mod generate;
pub(crate) mod index;
pub(crate) mod info;
pub(crate) mod keys;
pub(crate) mod lookup_events;
pub(crate) mod man;
pub(crate) mod options;
pub(crate) mod query;
pub(crate) mod record;
pub(crate) mod serve;
pub(crate) mod verify;

/// Everything from the arguments to the exit status.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    cli.color().write_global();
    let interrupt = match Interrupt::listen(cli.command.interrupted()) {
        Ok(interrupt) => interrupt,
        Err(error) => return fail(&error),
    };
    tell_panics();
    ExitCode::from(match guarded(|| run(&cli, &interrupt)) {
        Ok(status) => status,
        Err(error) if error.is_interrupt => return tell_interrupt(error, &interrupt),
        Err(error) => return fail(&error),
    })
}

fn run(cli: &Cli, interrupt: &Interrupt) -> Result<u8, CommandError> {
    match &cli.command {
        Command::Verify(args) => verify::run(args, interrupt),
        Command::Index(args) => index::run(args, interrupt),
        Command::Info(args) => info::run(args, interrupt),
        Command::Query(args) => query::run(args, interrupt),
        Command::Follow(args) => follow::run(args, interrupt),
        Command::Serve(args) => serve::run(args, interrupt),
        Command::Record(args) => record::run(args, interrupt),
        Command::Keys(args) => keys::run(args),
        Command::LookupEvents(args) => lookup_events::run(args, interrupt),
        Command::Generate(args) => generate::run(args, interrupt.flag()),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}

/// A panic, of whichever thread, becomes an error: half a report must not look like one.
fn guarded(work: impl FnOnce() -> Result<u8, CommandError>) -> Result<u8, CommandError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(CommandError::new("an internal error ended the run; nothing is proven")
            .hint("this is a bug in trailseal: please report it with the note above"))
    })
}

/// One panic is told, in one line: the threads that follow it down say nothing new.
fn tell_panics() {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    panic::set_hook(Box::new(|info| {
        if !IS_TOLD.swap(true, Ordering::SeqCst) {
            output::note(&format!("internal error: {info}").replace('\n', " "));
        }
    }));
}

/// Only one thread tells the user.
fn tell_interrupt(error: CommandError, interrupt: &Interrupt) -> ExitCode {
    if !interrupt.claim_report() {
        return ExitCode::from(error.status);
    }
    fail(&error.told(interrupt.message()))
}

fn fail(error: &CommandError) -> ExitCode {
    // Nobody can be told that stderr is gone.
    let _ = error.write(&mut anstream::stderr());
    ExitCode::from(error.status)
}

fn usage(error: &clap::Error) -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let Some(told) = words::told(error, &arguments) {
        return fail(&told);
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(COULD_NOT_RUN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_status_of_what_could_not_be_run() {
        let error =
            guarded(|| std::thread::scope(|s| s.spawn(|| panic!("broken")).join().unwrap())).unwrap_err();
        assert_eq!(error.status, COULD_NOT_RUN);
        assert!(error.to_string().contains("nothing is proven"), "{error}");
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
    }
}
