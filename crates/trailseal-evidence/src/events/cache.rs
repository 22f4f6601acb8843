//! Files that were read last, up to so many bytes.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What a file costs beside its content.
const OVERHEAD: usize = 256;

/// Holds what was asked for last.
#[derive(Debug)]
pub(super) struct Cache<V> {
    limit: usize,
    inner: Mutex<Inner<V>>,
}

#[derive(Debug)]
struct Inner<V> {
    held: HashMap<u64, Held<V>>,
    /// By the time of their last use, counted in uses.
    uses: BTreeMap<u64, u64>,
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Held<V> {
    value: Arc<V>,
    bytes: usize,
    used: u64,
}

impl<V> Cache<V> {
    /// Holds up to so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        let inner = Inner { held: HashMap::new(), uses: BTreeMap::new(), clock: 0, bytes: 0 };
        Self { limit, inner: Mutex::new(inner) }
    }

    pub(super) fn bytes(&self) -> usize {
        self.inner().bytes
    }

    pub(super) fn find(&self, key: u64) -> Option<Arc<V>> {
        let mut inner = self.inner();
        let Inner { held, uses, clock, .. } = &mut *inner;
        let held = held.get_mut(&key)?;
        *clock += 1;
        uses.remove(&held.used);
        uses.insert(*clock, key);
        held.used = *clock;
        Some(Arc::clone(&held.value))
    }

    /// Holds a value; what was used longest ago makes room. What is too large is not held.
    pub(super) fn put(&self, key: u64, value: Arc<V>, bytes: usize) {
        let bytes = bytes.saturating_add(OVERHEAD);
        if bytes > self.limit {
            return;
        }
        let mut inner = self.inner();
        inner.take(key);
        while inner.bytes + bytes > self.limit {
            let Some((_, oldest)) = inner.uses.first_key_value() else { break };
            let oldest = *oldest;
            inner.take(oldest);
        }
        inner.clock += 1;
        let used = inner.clock;
        inner.bytes += bytes;
        inner.uses.insert(used, key);
        inner.held.insert(key, Held { value, bytes, used });
    }

    /// Holds it no longer.
    pub(super) fn remove(&self, key: u64) {
        self.inner().take(key);
    }

    fn inner(&self) -> MutexGuard<'_, Inner<V>> {
        // no call in here panics between two changes that belong together
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Inner<V> {
    fn take(&mut self, key: u64) {
        if let Some(held) = self.held.remove(&key) {
            self.uses.remove(&held.used);
            self.bytes -= held.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let cache = Cache::new(3 * (OVERHEAD + 10));
        for key in 0..3 {
            cache.put(key, Arc::new(key), 10);
        }
        assert_eq!(cache.find(0).as_deref(), Some(&0));
        cache.put(3, Arc::new(3), 10);
        let held: Vec<u64> = (0..4).filter(|key| cache.find(*key).is_some()).collect();
        assert_eq!(held, [0, 2, 3]);
        assert_eq!(cache.bytes(), 3 * (OVERHEAD + 10));
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let cache = Cache::new(10_000);
        for key in 0..500 {
            cache.put(key % 37, Arc::new(()), (key as usize * 7919) % 12_000);
            assert!(cache.bytes() <= 10_000, "{key}");
            let inner = cache.inner();
            assert_eq!(inner.held.values().map(|held| held.bytes).sum::<usize>(), inner.bytes);
            assert_eq!(inner.held.len(), inner.uses.len());
        }
        (0..37).for_each(|key| cache.remove(key));
        assert_eq!((cache.bytes(), cache.inner().uses.len()), (0, 0));
    }
}
