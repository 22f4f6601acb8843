//! Batches of rows in archive order, from threads that work out of order.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use super::Batch;

/// Bytes that a thread gathers before it passes them on, when it may.
const PIECE: usize = 64 * 1024;

/// Bytes of finished files that wait for their turn; beyond them, threads wait.
const MAX_WAITING: usize = 8 << 20;

/// Lets the threads emit what they wrote in the order of their files.
pub(super) struct InOrder<'a, B> {
    state: Mutex<TurnState<'a, B>>,
    changed: Condvar,
    is_over: &'a AtomicBool,
}

struct TurnState<'a, B> {
    /// The file whose turn it is.
    next: u64,
    /// What is finished and waits.
    waiting: BTreeMap<u64, B>,
    waiting_bytes: usize,
    emit: &'a mut (dyn FnMut(&mut B) -> ControlFlow<()> + Send),
}

impl<'a, B: Batch> InOrder<'a, B> {
    /// `is_over` is set when `emit` breaks.
    pub(super) fn new(
        emit: &'a mut (dyn FnMut(&mut B) -> ControlFlow<()> + Send),
        is_over: &'a AtomicBool,
    ) -> Self {
        let state = TurnState { next: 0, waiting: BTreeMap::new(), waiting_bytes: 0, emit };
        Self { state: Mutex::new(state), changed: Condvar::new(), is_over }
    }

    /// Emits what was written of a file that goes on, if it is much and it is the file's turn; waits for the turn
    /// when it is too much to be held.
    pub(super) fn pass_on(&self, turn: u64, written: &mut B) {
        if written.bytes() < PIECE {
            return;
        }
        let mut state = self.lock();
        if written.bytes() >= MAX_WAITING {
            state = self.wait_for(turn, state);
        }
        if state.next == turn {
            self.emit(&mut state, written);
        } else if self.is_stopped() {
            *written = B::default();
        }
    }

    /// Emits the rest of a file, now or when its turn comes.
    pub(super) fn end(&self, turn: u64, written: &mut B) {
        let mut state = self.lock();
        if state.next != turn && state.waiting_bytes + written.bytes() > MAX_WAITING {
            state = self.wait_for(turn, state);
        }
        if state.next != turn {
            state.waiting_bytes += written.bytes();
            state.waiting.insert(turn, std::mem::take(written));
            return;
        }
        self.emit(&mut state, written);
        state.next += 1;
        while let Some(mut batch) = {
            let next = state.next;
            state.waiting.remove(&next)
        } {
            state.waiting_bytes -= batch.bytes();
            self.emit(&mut state, &mut batch);
            state.next += 1;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Sees to it that nobody waits for a thread that panics.
    pub(super) fn watch(&self) -> Watch<'_, 'a, B> {
        Watch { turns: self }
    }

    fn emit(&self, state: &mut TurnState<'_, B>, written: &mut B) {
        if !self.is_stopped() && written.bytes() > 0 && (state.emit)(written).is_break() {
            self.stop();
        }
        written.clear();
    }

    fn wait_for<'s>(
        &self,
        turn: u64,
        state: MutexGuard<'s, TurnState<'a, B>>,
    ) -> MutexGuard<'s, TurnState<'a, B>> {
        self.changed
            .wait_while(state, |state| state.next != turn && !self.is_stopped())
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, TurnState<'a, B>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B> InOrder<'_, B> {
    fn is_stopped(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn stop(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }
}

/// Held by a thread while it works.
pub(super) struct Watch<'t, 'a, B> {
    turns: &'t InOrder<'a, B>,
}

impl<B> Drop for Watch<'_, '_, B> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // the lock orders this with a thread that is about to wait
            let _state = self.turns.state.lock();
            self.turns.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_out_of_order_comes_out_in_order() {
        let is_over = AtomicBool::new(false);
        let mut out = Vec::new();
        let mut emit = |bytes: &mut Vec<u8>| {
            out.extend_from_slice(bytes);
            ControlFlow::Continue(())
        };
        let turns = InOrder::new(&mut emit, &is_over);
        let next = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    loop {
                        let turn = next.fetch_add(1, Ordering::Relaxed);
                        if turn >= 200 {
                            return;
                        }
                        buffer.extend(std::iter::repeat_n(turn as u8, 300_000));
                        turns.end(turn, &mut buffer);
                    }
                });
            }
        });
        let order: Vec<u8> = out.chunks(300_000).map(|chunk| chunk[0]).collect();
        assert_eq!(order, (0..200).collect::<Vec<u8>>());
    }

    #[test]
    fn a_break_lets_nobody_wait() {
        let is_over = AtomicBool::new(false);
        let mut emit = |_: &mut Vec<u8>| ControlFlow::Break(());
        let turns = InOrder::new(&mut emit, &is_over);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut buffer = vec![0; MAX_WAITING + 1];
                turns.end(5, &mut buffer);
            });
            let mut buffer = vec![0; 10];
            turns.end(0, &mut buffer);
        });
        assert!(is_over.load(Ordering::Relaxed));
    }
}
