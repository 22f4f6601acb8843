//! The progress bar: only on a terminal, and only for work that takes over a second.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt::Interrupt;

/// Work that is shorter shows no bar.
const QUIET_TIME: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);

/// Counts what was found and done, and ends the run when the user wants it.
#[derive(Debug)]
pub(crate) struct Counts {
    verb: &'static str,
    interrupt: Interrupt,
    files: AtomicU64,
    bytes: AtomicU64,
    files_done: AtomicU64,
    bytes_done: AtomicU64,
}

impl Counts {
    /// Nothing counted yet; the bar says what is being done.
    pub(crate) fn new(verb: &'static str, interrupt: Interrupt) -> Self {
        let zero = || AtomicU64::new(0);
        Self { verb, interrupt, files: zero(), bytes: zero(), files_done: zero(), bytes_done: zero() }
    }

    /// Files and bytes on disk that were done.
    pub(crate) fn done(&self) -> (u64, u64) {
        (self.files_done.load(Ordering::Relaxed), self.bytes_done.load(Ordering::Relaxed))
    }

    /// Runs `work`, with a bar on stderr if `is_shown`, stderr is a terminal, and it takes long enough.
    pub(crate) fn watch<T>(&self, is_shown: bool, work: impl FnOnce() -> T) -> T {
        if !is_shown || !io::stderr().is_terminal() {
            return work();
        }
        thread::scope(|scope| {
            // Dropped when `work` is over, by a panic too, which ends the bar's thread.
            let (_working, end) = channel();
            scope.spawn(move || self.draw(&end, Instant::now()));
            work()
        })
    }

    fn draw(&self, end: &Receiver<()>, begun: Instant) {
        let goes_on = |time| end.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
        if !goes_on(QUIET_TIME) {
            return;
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(&format!("{} {{bar:24}} {{msg}}", self.verb)) {
            bar.set_style(style.progress_chars("=> "));
        }
        loop {
            let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let (done, all) = (load(&self.bytes_done), load(&self.bytes));
            bar.set_length(all);
            bar.set_position(done);
            // The bar was not there from the start, so its own estimate would be wrong.
            let speed = done as f64 / begun.elapsed().as_secs_f64();
            let left = (all.saturating_sub(done) as f64 / speed.max(1.0)).ceil() as u64;
            bar.set_message(format!(
                "{}/{} {}/{} files {}/s ETA {left} s",
                HumanBytes(done),
                HumanBytes(all),
                load(&self.files_done),
                load(&self.files),
                HumanBytes(speed as u64),
            ));
            if !goes_on(REDRAW) {
                break;
            }
        }
        bar.finish_and_clear();
    }
}

impl trailseal_evidence::Progress for Counts {
    fn add(&self, files: u64, bytes: u64) {
        self.files.fetch_add(files, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn done(&self, files: u64, bytes: u64) {
        self.files_done.fetch_add(files, Ordering::Relaxed);
        self.bytes_done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_wanted()
    }
}
