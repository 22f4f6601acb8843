//! An archive's index that a newer one replaces while lookups go on, and who asks for that.

use std::{
    collections::BTreeSet,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use trailseal_evidence::events::EventIndex;

/// How long a lookup waits for an index that is being made.
const PATIENCE: Duration = Duration::from_secs(30);

/// The index that lookups are answered from. Whoever runs the server may renew it: [`wait`](Self::wait) says when that is
/// wanted, and [`renewed`](Self::renewed) takes the new one. An answer is always of one index, as a whole.
#[derive(Debug)]
pub struct ServedIndex {
    current: RwLock<Arc<EventIndex>>,
    state: Mutex<RenewalState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct RenewalState {
    /// Somebody renews it.
    is_attended: bool,
    is_wanted: bool,
    /// Files that a lookup could not read, as the user would write them.
    suspects: BTreeSet<String>,
    /// What was wanted is being done.
    is_running: bool,
    /// How often something was done.
    times: u64,
    is_over: bool,
}

/// What is wanted of whoever renews an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// It is to be renewed; these files could not be read, as the user would write them.
    Wanted(BTreeSet<String>),
    /// Nobody wants it, and the time is over.
    Timeout,
    /// It will not be needed any more.
    Over,
}

/// What becomes of a lookup that met a file which is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterError {
    /// It is an error, which names the file; the archive will be read again, if anybody does.
    Fail {
        /// Whether somebody reads it again.
        is_renewed: bool,
    },
    /// There is a newer index.
    Retry,
}

impl ServedIndex {
    /// Begins with an index.
    pub fn new(index: EventIndex) -> Self {
        let current = RwLock::new(Arc::new(index));
        Self { current, state: Mutex::default(), changed: Condvar::new() }
    }

    /// The index of now.
    pub fn current(&self) -> Arc<EventIndex> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for a renewal.
    pub fn ask(&self) {
        self.state().is_wanted = true;
        self.changed.notify_all();
    }

    /// Waits until a renewal is wanted, for `time` at most or without an end. Who calls it renews: [`renewed`](Self::renewed)
    /// is to be called after [`Renewal::Wanted`].
    pub fn wait(&self, time: Option<Duration>) -> Renewal {
        let mut state = self.state();
        state.is_attended = true;
        let is_idle = |state: &mut RenewalState| !state.is_wanted && !state.is_over;
        state = match time {
            None => self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner),
            Some(time) => {
                self.changed
                    .wait_timeout_while(state, time, is_idle)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        if state.is_over {
            Renewal::Over
        } else if state.is_wanted {
            state.is_wanted = false;
            state.is_running = true;
            Renewal::Wanted(std::mem::take(&mut state.suspects))
        } else {
            Renewal::Timeout
        }
    }

    /// Takes the new index; `None` when there is none, because the archive could not be read. Lookups go on with the one
    /// before then.
    pub fn renewed(&self, index: Option<EventIndex>) {
        if let Some(index) = index {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        }
        let mut state = self.state();
        state.is_running = false;
        state.times += 1;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the waiting of whoever renews, for good.
    pub fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        state.is_attended = false;
        drop(state);
        self.changed.notify_all();
    }

    /// Of a lookup that met a file which is not as `used` knows it. The first one is an error; those that come while the
    /// archive is read again wait for that.
    pub(crate) fn after_error(&self, used: &Arc<EventIndex>, file: &str) -> AfterError {
        let mut state = self.state();
        if !Arc::ptr_eq(used, &self.current()) {
            return AfterError::Retry;
        }
        if !state.is_attended {
            return AfterError::Fail { is_renewed: false };
        }
        let is_first = state.suspects.insert(file.to_owned()) && !state.is_running;
        if is_first || !(state.is_wanted || state.is_running) {
            state.is_wanted = true;
            drop(state);
            self.changed.notify_all();
            return AfterError::Fail { is_renewed: true };
        }
        let times = state.times;
        let is_waiting = |state: &mut RenewalState| state.times == times && !state.is_over;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, is_waiting);
        drop(waited);
        if Arc::ptr_eq(used, &self.current()) {
            AfterError::Fail { is_renewed: true }
        } else {
            AfterError::Retry
        }
    }

    fn state(&self) -> MutexGuard<'_, RenewalState> {
        // no code that holds the lock leaves the state half changed
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
