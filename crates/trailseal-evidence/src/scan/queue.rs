//! Files on their way from the thread that finds them to those that read them.

use std::{
    collections::VecDeque,
    ops::ControlFlow,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// Files that are found before anybody reads them.
const CAPACITY: usize = 1024;

/// Files that a thread takes at once, at most.
const MOST: usize = 32;

/// Files for which a thread is woken: to wake it takes as long as to read a small one.
const WORTH_WAKING: usize = 8;

/// Hands out what is found in order, in portions: large ones while there is much, single files towards the end.
pub(super) struct Queue<T> {
    state: Mutex<QueueState<T>>,
    /// There is something to take, or nothing will come any more.
    filled: Condvar,
    /// There is room again, or nobody takes any more.
    drained: Condvar,
    threads: usize,
}

struct QueueState<T> {
    found: VecDeque<T>,
    is_closed: bool,
    /// Whether threads were woken for the first files, which nobody shall wait for.
    has_begun: bool,
    waiting: usize,
    /// Whether the finder waits for room.
    is_held: bool,
    takers: usize,
}

impl<T> Queue<T> {
    /// For so many threads, each of which must have a [`Taker`].
    pub(super) fn new(threads: usize) -> Self {
        let state = QueueState {
            found: VecDeque::new(),
            is_closed: false,
            has_begun: false,
            waiting: 0,
            is_held: false,
            takers: threads,
        };
        Self { state: Mutex::new(state), filled: Condvar::new(), drained: Condvar::new(), threads }
    }

    /// Adds what was found, once there is room; breaks when nobody takes any more.
    pub(super) fn push(&self, found: T) -> ControlFlow<()> {
        let is_full = |state: &mut QueueState<T>| {
            state.is_held = state.found.len() >= CAPACITY && state.takers > 0;
            state.is_held
        };
        let mut state = self.drained.wait_while(self.lock(), is_full).unwrap_or_else(PoisonError::into_inner);
        if state.takers == 0 {
            return ControlFlow::Break(());
        }
        state.found.push_back(found);
        // one more for so many more: to call takes time, too
        if state.waiting > 0 && (!state.has_begun || state.found.len().is_multiple_of(WORTH_WAKING)) {
            state.has_begun = true;
            self.filled.notify_one();
        }
        ControlFlow::Continue(())
    }

    /// Nothing will come any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.filled.notify_all();
    }

    fn take(&self) -> Option<Vec<T>> {
        let mut state = self.lock();
        state.waiting += 1;
        let is_empty = |state: &mut QueueState<T>| state.found.is_empty() && !state.is_closed;
        let mut state = self.filled.wait_while(state, is_empty).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        let count = (state.found.len() / (2 * self.threads)).clamp(1, MOST).min(state.found.len());
        let taken: Vec<T> = state.found.drain(..count).collect();
        // room for many, so that the finder is not woken for each
        let has_room = state.is_held && state.found.len() < CAPACITY / 2;
        drop(state);
        if has_room {
            self.drained.notify_one();
        }
        if taken.is_empty() { None } else { Some(taken) }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread's right to take; when the last one is gone, nobody waits for room any more.
pub(super) struct Taker<'q, T>(&'q Queue<T>);

impl<'q, T> Taker<'q, T> {
    /// One of those for which the queue was made.
    pub(super) fn new(queue: &'q Queue<T>) -> Self {
        Self(queue)
    }

    /// What to read next; `None` when everything was taken.
    pub(super) fn take(&self) -> Option<Vec<T>> {
        self.0.take()
    }
}

impl<T> Drop for Taker<'_, T> {
    fn drop(&mut self) {
        self.0.lock().takers -= 1;
        self.0.drained.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn everything_is_taken_once_and_in_order() {
        let queue = Queue::new(3);
        let taken: Vec<Vec<u32>> = thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| {
                    let taker = Taker::new(&queue);
                    scope.spawn(move || std::iter::from_fn(|| taker.take()).flatten().collect::<Vec<u32>>())
                })
                .collect();
            for number in 0..50_000 {
                assert!(queue.push(number).is_continue());
            }
            queue.close();
            takers.into_iter().map(|taker| taker.join().unwrap()).collect()
        });
        assert!(taken.iter().all(|numbers| numbers.is_sorted()));
        let mut all = taken.concat();
        all.sort_unstable();
        assert_eq!(all, (0..50_000).collect::<Vec<u32>>());
    }

    #[test]
    fn nothing_is_pushed_when_nobody_takes() {
        let queue = Queue::new(2);
        let (one, other) = (Taker::new(&queue), Taker::new(&queue));
        assert!(queue.push(1).is_continue());
        drop(one);
        assert!(queue.push(2).is_continue());
        assert_eq!(other.take(), Some(vec![1]));
        drop(other);
        assert!(queue.push(3).is_break());
    }

    #[test]
    fn who_waits_for_room_ends_with_the_last_taker() {
        let queue = Queue::new(1);
        thread::scope(|scope| {
            let taker = Taker::new(&queue);
            scope.spawn(|| {
                let mut flow = ControlFlow::Continue(());
                while flow.is_continue() {
                    flow = queue.push(0);
                }
            });
            drop(taker);
        });
    }
}
