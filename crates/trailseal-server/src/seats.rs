//! Who has a connection: when all seats are taken, the client that has been of no use for longest makes room, so that
//! idle and slow ones do not starve others.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};

/// The connections of a listener.
#[derive(Debug)]
pub(crate) struct Seats {
    opened: Instant,
    taken: Mutex<(u64, HashMap<u64, Arc<Seat>>)>,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Seat {
    opened: Instant,
    /// When it was accepted, or bytes of an answer were last taken, in milliseconds since the listener opened.
    useful: AtomicU64,
    /// The server works for it: its request is there as a whole.
    is_busy: AtomicBool,
    leave: Notify,
}

/// Leaves when it is dropped.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) seat: Arc<Seat>,
    seats: Arc<Seats>,
    number: u64,
}

impl Seats {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { opened: Instant::now(), taken: Mutex::default() })
    }

    /// A seat for a new connection.
    pub(crate) fn take(self: &Arc<Self>) -> Taken {
        let seat = Arc::new(Seat {
            opened: self.opened,
            useful: AtomicU64::new(0),
            is_busy: AtomicBool::new(false),
            leave: Notify::new(),
        });
        seat.touch();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.0 += 1;
        let number = taken.0;
        taken.1.insert(number, Arc::clone(&seat));
        Taken { seat, seats: Arc::clone(self), number }
    }

    /// Sends away who was of use longest ago and for whom nothing is being done, if there is one.
    pub(crate) fn make_room(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = taken.1.iter().filter(|(_, seat)| !seat.is_busy.load(Ordering::Relaxed));
        let oldest = idle.min_by_key(|(number, seat)| (seat.useful.load(Ordering::Relaxed), **number));
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some(seat) = taken.1.remove(&number)
        {
            seat.leave.notify_one();
        }
    }
}

impl Seat {
    /// Bytes of an answer were taken.
    pub(crate) fn touch(&self) {
        let now = self.opened.elapsed().as_millis() as u64;
        self.useful.store(now, Ordering::Relaxed);
    }

    /// Whether the server works for it.
    pub(crate) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Ends when the connection must make room.
    pub(crate) async fn sent_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner).1.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_was_of_no_use_for_longest_leaves_unless_it_is_worked_for() {
        let seats = Seats::new();
        let (first, second, third) = (seats.take(), seats.take(), seats.take());
        first.seat.set_busy(true);
        second.seat.useful.store(7, Ordering::Relaxed);
        third.seat.useful.store(5, Ordering::Relaxed);
        seats.make_room();
        third.seat.sent_away().await;
        seats.make_room();
        second.seat.sent_away().await;
        // nobody is left who could go
        seats.make_room();
        assert_eq!(seats.taken.lock().unwrap().1.len(), 1);
        drop(first);
        assert!(seats.taken.lock().unwrap().1.is_empty());
    }
}
