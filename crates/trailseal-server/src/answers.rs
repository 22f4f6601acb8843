//! What answers may take of the memory until their clients have taken them: clients that ask for much and do not read
//! must not fill it.

use std::{sync::Arc, time::Duration};

use hyper::body::Bytes;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::listen::{Body, whole};

/// Smaller answers need no room: connections are bounded, too.
const SMALL: usize = 64 << 10;
/// How long an answer waits for those of others to be taken.
const PATIENCE: Duration = Duration::from_millis(200);
/// The unit in which the bytes are counted.
const UNIT: usize = 1024;

/// The bytes that the answers of all connections may take.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    left: Arc<Semaphore>,
    all: u32,
}

/// The share of an answer.
#[derive(Debug)]
pub(crate) struct Room(Option<OwnedSemaphorePermit>);

/// An answer with its share, which ends when the last byte is on its way.
struct HeldAnswer {
    bytes: Bytes,
    _share: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for HeldAnswer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Answers {
    pub(crate) fn new(bytes: usize) -> Self {
        let all = u32::try_from(bytes.div_ceil(UNIT).clamp(1, Semaphore::MAX_PERMITS)).unwrap_or(u32::MAX);
        Self { left: Arc::new(Semaphore::new(all as usize)), all }
    }

    /// Room for an answer, if there is some soon. One that is larger than all of it has it alone.
    pub(crate) async fn room(&self, bytes: usize) -> Option<Room> {
        if bytes <= SMALL {
            return Some(Room(None));
        }
        let share = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.all);
        let taken = timeout(PATIENCE, Arc::clone(&self.left).acquire_many_owned(share)).await;
        Some(Room(Some(taken.ok()?.ok()?)))
    }
}

impl Room {
    /// For what is small, whatever it is.
    pub(crate) const NONE: Self = Self(None);

    /// A body that gives the room back when it is sent, or the connection ends.
    pub(crate) fn hold(self, bytes: impl Into<Bytes>) -> Body {
        let bytes = bytes.into();
        match self.0 {
            Some(share) => whole(Bytes::from_owner(HeldAnswer { bytes, _share: share })),
            None => whole(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn large_answers_share_the_room_until_they_are_sent() {
        let answers = Answers::new(4 * SMALL);
        let first = answers.room(3 * SMALL).await.unwrap().hold(vec![b'x'; 3 * SMALL]);
        assert!(answers.room(2 * SMALL).await.is_none(), "the first was not taken");
        assert!(answers.room(SMALL).await.is_some(), "small ones need none");
        drop(first);
        let whole = answers.room(100 * SMALL).await.expect("it has all of it");
        assert!(answers.room(SMALL + 1).await.is_none());
        drop(whole.hold(Bytes::new()));
        assert!(answers.room(4 * SMALL).await.is_some());
    }
}
