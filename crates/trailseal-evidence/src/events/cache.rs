//! Records and files that were read last, up to so many bytes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::content::Content;

/// What an item costs beside its content.
const OVERHEAD: usize = 256;

/// Holds what was asked for last.
#[derive(Debug)]
pub(super) struct Cache {
    limit: usize,
    inner: Mutex<Inner>,
}

/// What is held.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Record(Arc<[u8]>),
    File(Arc<Content>),
}

/// Of which record or file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    file: usize,
    /// A record's rank; `None` for the file.
    rank: Option<u32>,
}

#[derive(Debug, Default)]
struct Inner {
    held: BTreeMap<Key, CachedItem>,
    /// By the time of their last use, counted in uses.
    uses: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

#[derive(Debug)]
struct CachedItem {
    item: Item,
    bytes: usize,
    used: u64,
}

impl Cache {
    /// Holds up to so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, inner: Mutex::default() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.inner().bytes
    }

    pub(super) fn record(&self, file: usize, rank: u32) -> Option<Arc<[u8]>> {
        match self.inner().find(Key { file, rank: Some(rank) })? {
            Item::Record(record) => Some(record),
            Item::File(_) => None,
        }
    }

    pub(super) fn file(&self, file: usize) -> Option<Arc<Content>> {
        match self.inner().find(Key { file, rank: None })? {
            Item::File(content) => Some(content),
            Item::Record(_) => None,
        }
    }

    pub(super) fn put_record(&self, file: usize, rank: u32, record: Arc<[u8]>) {
        let bytes = record.len();
        self.put(Key { file, rank: Some(rank) }, Item::Record(record), bytes);
    }

    pub(super) fn put_file(&self, file: usize, content: Arc<Content>) {
        let bytes = content.bytes();
        self.put(Key { file, rank: None }, Item::File(content), bytes);
    }

    /// Holds nothing of a file any longer.
    pub(super) fn remove(&self, file: usize) {
        let mut inner = self.inner();
        let all = Key { file, rank: None }..=Key { file, rank: Some(u32::MAX) };
        let keys: Vec<Key> = inner.held.range(all).map(|(key, _)| *key).collect();
        for key in keys {
            inner.take(key);
        }
    }

    /// What was used longest ago makes room. What is too large is not held.
    fn put(&self, key: Key, item: Item, bytes: usize) {
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
        inner.held.insert(key, CachedItem { item, bytes, used });
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // no call in here panics between two changes that belong together
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&mut self, key: Key) -> Option<Item> {
        let Self { held, uses, clock, .. } = self;
        let held = held.get_mut(&key)?;
        *clock += 1;
        uses.remove(&held.used);
        uses.insert(*clock, key);
        held.used = *clock;
        Some(held.item.clone())
    }

    fn take(&mut self, key: Key) {
        if let Some(held) = self.held.remove(&key) {
            self.uses.remove(&held.used);
            self.bytes -= held.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(length: usize) -> Arc<[u8]> {
        vec![0; length].into()
    }

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let cache = Cache::new(3 * (OVERHEAD + 10));
        for rank in 0..3 {
            cache.put_record(7, rank, record(10));
        }
        assert_eq!(cache.record(7, 0), Some(record(10)));
        cache.put_record(7, 3, record(10));
        let held: Vec<u32> = (0..4).filter(|rank| cache.record(7, *rank).is_some()).collect();
        assert_eq!(held, [0, 2, 3]);
        assert_eq!(cache.bytes(), 3 * (OVERHEAD + 10));
    }

    #[test]
    fn a_file_goes_with_its_records_and_no_others() {
        let cache = Cache::new(1 << 20);
        for file in 0..3 {
            cache.put_file(file, Arc::new(Content::Scanned));
            cache.put_record(file, 0, record(file));
            cache.put_record(file, u32::MAX, record(file));
        }
        cache.remove(1);
        let held = |file| {
            [
                cache.file(file).is_some(),
                cache.record(file, 0).is_some(),
                cache.record(file, u32::MAX).is_some(),
            ]
        };
        assert_eq!([held(0), held(1), held(2)], [[true; 3], [false; 3], [true; 3]]);
        assert_eq!(cache.bytes(), 6 * OVERHEAD + 4);
    }

    #[test]
    fn it_never_holds_more_than_its_limit() {
        let cache = Cache::new(10_000);
        for key in 0..500 {
            cache.put_record(key % 5, key as u32 % 37, record((key * 7919) % 12_000));
            assert!(cache.bytes() <= 10_000, "{key}");
            let inner = cache.inner();
            assert_eq!(inner.held.values().map(|held| held.bytes).sum::<usize>(), inner.bytes);
            assert_eq!(inner.held.len(), inner.uses.len());
        }
        for file in 0..5 {
            cache.remove(file);
        }
        assert_eq!((cache.bytes(), cache.inner().uses.len()), (0, 0));
    }
}
