//! Ctrl-C, SIGTERM and SIGHUP: the run ends within a fifth of a second, whatever it is doing. A server may do something else
//! on SIGHUP.

use std::{
    fmt, fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::error::{COULD_NOT_RUN, CommandError};

/// How long a run may take to end by itself; a slow system call or a stuck pipe must not delay the end.
const GRACE: Duration = Duration::from_millis(120);

/// A second signal within this time of the first is the same wish, sent twice: `timeout` signals the process and its group, and
/// wrappers pass on what a terminal has sent to all.
const TWIN: Duration = Duration::from_millis(250);

/// The user's wish to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<State>);

#[derive(Default)]
struct State {
    message: &'static str,
    is_wanted: AtomicBool,
    first: Mutex<Option<Instant>>,
    is_reported: AtomicBool,
    /// Files that are not whole yet, and folders for a time.
    unfinished: Mutex<Vec<PathBuf>>,
    /// Ends the work in an orderly way, however long that takes; a second signal does not wait for it.
    gentle: Mutex<Option<Box<dyn Fn() + Send>>>,
    /// What SIGHUP means instead.
    hangup: Mutex<Option<Box<dyn Fn() + Send>>>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("is_wanted", &self.is_wanted).finish_non_exhaustive()
    }
}

/// Something that is removed if the process is ended while this is held.
#[derive(Debug)]
pub(crate) struct Removal {
    interrupt: Interrupt,
    path: PathBuf,
}

impl Drop for Removal {
    fn drop(&mut self) {
        if let Ok(mut unfinished) = self.interrupt.0.unfinished.lock() {
            unfinished.retain(|path| *path != self.path);
        }
    }
}

impl Interrupt {
    /// Listens for the signals from now on; one of them makes the command end with `message`.
    ///
    /// # Errors
    /// When the system does not allow it.
    pub(crate) fn listen(message: &'static str) -> Result<Self, CommandError> {
        let interrupt = Self(Arc::new(State { message, ..State::default() }));
        let heard = interrupt.clone();
        let had_terminal = std::io::stderr().is_terminal();
        let failed = |error: io::Error| CommandError::new("cannot listen for interrupts").because(error);
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
        let listen = move || {
            for signal in signals.forever() {
                // who started this at a terminal that is gone now has hung up
                let has_hung_up = had_terminal && !std::io::stderr().is_terminal();
                if signal != SIGHUP || has_hung_up || !heard.hang_up() {
                    heard.stop();
                }
            }
        };
        thread::Builder::new().name("signals".to_owned()).spawn(listen).map_err(failed)?;
        Ok(interrupt)
    }

    /// Whether the user wants to stop.
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.is_wanted.load(Ordering::Relaxed)
    }

    /// For those who only look.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0.is_wanted
    }

    /// What the user is told.
    pub(crate) fn message(&self) -> &'static str {
        self.0.message
    }

    /// Whether the caller is the one who tells the user.
    pub(crate) fn claim_report(&self) -> bool {
        !self.0.is_reported.swap(true, Ordering::SeqCst)
    }

    /// Runs `write`, and removes the file at `path` if the process is ended meanwhile.
    pub(crate) fn guard<T>(&self, path: &Path, write: impl FnOnce() -> T) -> T {
        let _removal = self.remove_at_end(path);
        write()
    }

    /// From now on, and until the value is dropped, the file or folder at `path` is removed if the process is ended.
    pub(crate) fn remove_at_end(&self, path: &Path) -> Removal {
        if let Ok(mut unfinished) = self.0.unfinished.lock() {
            unfinished.push(path.to_owned());
        }
        Removal { interrupt: self.clone(), path: path.to_owned() }
    }

    /// From now on the first signal calls `end`, which must bring the command to its end.
    pub(crate) fn end_gently(&self, end: impl Fn() + Send + 'static) {
        if let Ok(mut gentle) = self.0.gentle.lock() {
            *gentle = Some(Box::new(end));
        }
    }

    /// From now on SIGHUP calls `act`, and ends nothing, unless the terminal is gone.
    pub(crate) fn on_hangup(&self, act: impl Fn() + Send + 'static) {
        if let Ok(mut hangup) = self.0.hangup.lock() {
            *hangup = Some(Box::new(act));
        }
    }

    /// Whether SIGHUP means something else than the end.
    fn hang_up(&self) -> bool {
        match self.0.hangup.lock().ok().as_deref().and_then(Option::as_ref) {
            Some(act) => {
                act();
                true
            }
            None => false,
        }
    }

    fn is_twin(&self) -> bool {
        self.0.first.lock().is_ok_and(|first| first.is_some_and(|first| first.elapsed() < TWIN))
    }

    fn stop(&self) {
        if self.0.is_wanted.swap(true, Ordering::SeqCst) {
            if self.is_twin() {
                return;
            }
            self.exit();
        }
        if let Ok(mut first) = self.0.first.lock() {
            *first = Some(Instant::now());
        }
        if let Some(end) = self.0.gentle.try_lock().ok().as_deref().and_then(Option::as_ref) {
            return end();
        }
        let watchdog = self.clone();
        let started = thread::Builder::new().spawn(move || {
            thread::sleep(GRACE);
            watchdog.exit();
        });
        if started.is_err() {
            self.exit();
        }
    }

    #[allow(clippy::exit, reason = "the threads that could return may be stuck in a system call")]
    fn exit(&self) {
        let unfinished = self.0.unfinished.try_lock().map(|mut paths| std::mem::take(&mut *paths));
        for path in unfinished.unwrap_or_default() {
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        if self.claim_report() {
            let mut stderr = anstream::stderr();
            if std::io::stderr().is_terminal() {
                // The progress bar may stand on this line.
                let _ = write!(stderr, "\r\x1b[K");
            }
            let _ = CommandError::new(self.message()).write(&mut stderr);
        }
        std::process::exit(COULD_NOT_RUN.into());
    }
}
