//! Reading a request's body: bounded in bytes, in time, and in the bytes of all bodies together.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// What is read and thrown away of a body that is too large, so that a client which sends all before it reads sees the
/// answer and not a reset.
const MAX_DISCARDED: u64 = 8 << 20;
/// How long that may take.
const DISCARDING: Duration = Duration::from_secs(2);
/// The unit in which the bytes of all bodies are counted.
const UNIT: usize = 1024;

/// The bytes that the bodies of all requests may take.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A body, and its share of the budget.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    share: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than the limit.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// The bodies of other requests leave no room.
    NoRoom,
    /// The connection broke, or the chunks are malformed.
    Broken,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes.div_ceil(UNIT).min(Semaphore::MAX_PERMITS))))
    }
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read<B>(
    mut body: B,
    limit: usize,
    time: Duration,
    budget: &Budget,
) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let read = timeout(time, read_all(&mut body, limit, budget)).await.unwrap_or(Err(BodyError::TooSlow));
    if matches!(read, Err(BodyError::TooLarge | BodyError::NoRoom)) {
        // however that goes, the answer is known
        let _ = timeout(time.min(DISCARDING), discard(body)).await;
    }
    read
}

async fn read_all<B>(body: &mut B, limit: usize, budget: &Budget) -> Result<Held, BodyError>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut held = Held { bytes: Vec::new(), share: None };
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let length = held.bytes.len().saturating_add(data.len());
        if length > limit {
            return Err(BodyError::TooLarge);
        }
        held.reserve(length, budget)?;
        held.bytes.extend_from_slice(&data);
    }
    Ok(held)
}

impl Held {
    fn reserve(&mut self, length: usize, budget: &Budget) -> Result<(), BodyError> {
        let have = self.share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = length.div_ceil(UNIT).saturating_sub(have);
        let more = u32::try_from(more).map_err(|_| BodyError::TooLarge)?;
        if more == 0 {
            return Ok(());
        }
        let permit = Arc::clone(&budget.0).try_acquire_many_owned(more).map_err(|_| BodyError::NoRoom)?;
        match &mut self.share {
            Some(share) => share.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }
}

/// Takes what a client sends of a body that means nothing, so that it sees the answer and not a reset; not all of it,
/// nor for long.
pub(crate) async fn pass_over<B>(body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    let _ = timeout(DISCARDING, discard(body)).await;
}

async fn discard<B>(mut body: B)
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > MAX_DISCARDED {
        return;
    }
    let mut left = MAX_DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;

    use super::*;

    fn read_now(length: usize, limit: usize, budget: &Budget) -> Result<Held, BodyError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        runtime.block_on(read(body, limit, Duration::from_mins(1), budget))
    }

    #[test]
    fn the_limit_is_exact() {
        let budget = Budget::new(1 << 20);
        assert_eq!(read_now(100, 100, &budget).unwrap().bytes.len(), 100);
        assert_eq!(read_now(101, 100, &budget).unwrap_err(), BodyError::TooLarge);
        assert_eq!(read_now(0, 0, &budget).unwrap().bytes.len(), 0);
    }

    #[test]
    fn bodies_share_a_budget_and_give_it_back() {
        let budget = Budget::new(8 * UNIT);
        let first = read_now(5 * UNIT, 1 << 20, &budget).unwrap();
        assert_eq!(read_now(5 * UNIT, 1 << 20, &budget).unwrap_err(), BodyError::NoRoom);
        drop(first);
        assert!(read_now(8 * UNIT, 1 << 20, &budget).is_ok());
        assert!(read_now(8 * UNIT, 1 << 20, &budget).is_ok());
    }
}
