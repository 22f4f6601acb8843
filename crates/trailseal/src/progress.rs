//! The progress bar: only on a terminal, and only for work that takes over a second.

use std::{
    io::{self, IsTerminal as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use trailseal_evidence::ProgressStage;

use crate::{
    interrupt::Interrupt,
    output,
    render::plain::{grouped, plural},
};

/// Work that is shorter shows no bar.
const QUIET_TIME: Duration = Duration::from_secs(1);
const REDRAW: Duration = Duration::from_millis(100);
/// Columns of the bar.
const BAR: u64 = 24;
/// Columns where the terminal does not say.
const USUAL: usize = 80;

/// Counts what was found and done, and ends the run when the user wants it.
#[derive(Debug)]
pub(crate) struct Counts {
    verb: &'static str,
    interrupt: Interrupt,
    files: AtomicU64,
    bytes: AtomicU64,
    files_done: AtomicU64,
    bytes_done: AtomicU64,
    stage: AtomicU8,
    line: Mutex<ProgressLine>,
}

/// The line on the screen.
#[derive(Debug, Default)]
struct ProgressLine {
    bar: Option<ProgressBar>,
    is_over: bool,
}

/// How far a run has come.
struct Standing {
    verb: &'static str,
    stage: ProgressStage,
    files: u64,
    bytes: u64,
    files_done: u64,
    bytes_done: u64,
    seconds: f64,
}

impl Counts {
    /// Nothing counted yet; the bar says what is being done.
    pub(crate) fn new(verb: &'static str, interrupt: Interrupt) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            verb,
            interrupt,
            files: zero(),
            bytes: zero(),
            files_done: zero(),
            bytes_done: zero(),
            stage: AtomicU8::new(stage_number(ProgressStage::Working)),
            line: Mutex::default(),
        }
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
        loop {
            // a line that fills the last column makes some terminals begin another one
            let screen = output::error_width().unwrap_or(USUAL).saturating_sub(1);
            let text = self.standing(begun).line(screen);
            {
                let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
                if line.is_over {
                    return;
                }
                line.bar.get_or_insert_with(new_bar).set_message(text);
            }
            if !goes_on(REDRAW) {
                break;
            }
        }
        self.end();
    }

    /// Takes the line off the screen for good: what is written now goes to the same terminal.
    pub(crate) fn end(&self) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.is_over = true;
        if let Some(bar) = line.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn standing(&self, begun: Instant) -> Standing {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Standing {
            verb: self.verb,
            stage: match self.stage.load(Ordering::Relaxed) {
                0 => ProgressStage::Listing,
                1 => ProgressStage::Working,
                _ => ProgressStage::Sorting,
            },
            files: load(&self.files),
            bytes: load(&self.bytes),
            files_done: load(&self.files_done),
            bytes_done: load(&self.bytes_done),
            seconds: begun.elapsed().as_secs_f64(),
        }
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn stage_number(stage: ProgressStage) -> u8 {
    match stage {
        ProgressStage::Listing => 0,
        ProgressStage::Working => 1,
        ProgressStage::Sorting => 2,
    }
}

impl Standing {
    /// One line that fits: without the rate, the files and the bar where there is no room for them.
    fn line(&self, screen: usize) -> String {
        let Self { verb, files, bytes, files_done, bytes_done, .. } = self;
        let lines = match self.stage {
            ProgressStage::Sorting => vec!["sorting…".to_owned()],
            _ if *files == 0 => vec!["listing…".to_owned()],
            ProgressStage::Listing => {
                let done = grouped(*files_done);
                vec![
                    format!(
                        "listing… {done} of {} so far, {}",
                        plural(*files, "file"),
                        HumanBytes(*bytes_done)
                    ),
                    format!("listing… {done} of {} files", grouped(*files)),
                    "listing…".to_owned(),
                ]
            }
            ProgressStage::Working => {
                // The bar was not there from the start, so its own estimate would be wrong.
                let speed = *bytes_done as f64 / self.seconds.max(1e-3);
                let left = (bytes.saturating_sub(*bytes_done) as f64 / speed.max(1.0)).ceil() as u64;
                let bytes = format!("{}/{}", HumanBytes(*bytes_done), HumanBytes(*bytes));
                let (files, rate) =
                    (format!("{files_done}/{files} files"), format!("{}/s", HumanBytes(speed as u64)));
                let bar = self.bar();
                vec![
                    format!("{verb} {bar} {bytes} {files} {rate} ETA {left} s"),
                    format!("{verb} {bar} {bytes} {files} ETA {left} s"),
                    format!("{verb} {bar} {bytes} ETA {left} s"),
                    format!("{verb} {bytes} ETA {left} s"),
                    (*verb).to_owned(),
                ]
            }
        };
        let shortest = lines.last().cloned().unwrap_or_default();
        lines.into_iter().find(|line| line.chars().count() <= screen).unwrap_or(shortest)
    }

    fn bar(&self) -> String {
        let done =
            u128::from(self.bytes_done.min(self.bytes)) * u128::from(BAR) / u128::from(self.bytes.max(1));
        let done = done as usize;
        let head = if done < BAR as usize { ">" } else { "" };
        format!("{:<room$}", format!("{}{head}", "=".repeat(done)), room = BAR as usize)
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

    fn enter(&self, stage: ProgressStage) {
        self.stage.store(stage_number(stage), Ordering::Relaxed);
    }

    fn is_interrupted(&self) -> bool {
        self.interrupt.is_wanted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(stage: ProgressStage) -> Standing {
        Standing {
            verb: "searching",
            stage,
            files: 123_456,
            bytes: 3 << 40,
            files_done: 61_728,
            bytes_done: (3 << 39) + (1 << 38),
            seconds: 7.0,
        }
    }

    #[test]
    fn the_line_fits_and_loses_the_rate_first() {
        let working = standing(ProgressStage::Working);
        for screen in [200, 99, 79, 59, 39, 20] {
            let line = working.line(screen);
            assert!(line.chars().count() <= screen, "{line}");
            assert_eq!(line.contains("B/s"), screen >= 99, "{line}");
            assert_eq!(line.contains("files"), screen >= 79, "{line}");
            assert_eq!(line.contains("ETA"), screen >= 39, "{line}");
            assert_eq!(line.contains('='), screen >= 79, "{line}");
        }
        let few = Standing {
            files: 2_694,
            files_done: 1_834,
            bytes: 18_067_456,
            bytes_done: 11_272_192,
            ..working
        };
        let line = few.line(85);
        assert!(line.contains("1834/2694 files ETA") && !line.contains("/s"), "{line}");
        assert_eq!(few.bar().len(), 24);
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        for (stage, files, line) in [
            (ProgressStage::Working, 0, "listing…"),
            (ProgressStage::Listing, 0, "listing…"),
            (ProgressStage::Listing, 123_456, "listing… 61,728 of 123,456 files so far, 1.75 TiB"),
            (ProgressStage::Sorting, 123_456, "sorting…"),
        ] {
            assert_eq!(Standing { files, ..standing(stage) }.line(79), line);
        }
        let done = Standing { bytes: 10, bytes_done: 11, ..standing(ProgressStage::Working) };
        assert!(done.bar().chars().all(|c| c == '='), "more than was announced: {}", done.bar());
    }
}
