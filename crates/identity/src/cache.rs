//! A bounded cache of verified credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Caller;

/// The hash that identifies a credential in the cache. The credential itself is not stored.
pub(super) type Digest = [u8; 32];

/// Caches the callers of at most `capacity` credentials. Each use locks the map for one look-up.
pub(super) struct Cache {
    capacity: usize,
    entries: Mutex<HashMap<Digest, Entry>>,
}

struct Entry {
    caller: Arc<Caller>,
    /// The last second in which the entry is valid, by the system clock.
    until: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, entries: Mutex::default() }
    }

    pub(super) fn get(&self, digest: &Digest, now: u64) -> Option<Arc<Caller>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(digest).filter(|entry| now <= entry.until).map(|entry| entry.caller.clone())
    }

    /// Inserts an entry. A full cache evicts expired entries first, then an arbitrary eighth, so that it is not scanned
    /// for every new credential.
    pub(super) fn put(&self, digest: Digest, caller: Arc<Caller>, until: u64, now: u64) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.capacity {
            entries.retain(|_, entry| now <= entry.until);
        }
        if entries.len() >= self.capacity {
            let surplus = entries.len() - self.capacity + self.capacity / 8 + 1;
            let evicted: Vec<Digest> = entries.keys().take(surplus).copied().collect();
            for digest in evicted {
                entries.remove(&digest);
            }
        }
        entries.insert(digest, Entry { caller, until });
    }
}

/// Returns the SHA-256 digest.
pub(super) fn digest(bytes: &[u8]) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref());
    digest
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::name::PrincipalId;

    fn caller() -> Arc<Caller> {
        Arc::new(Caller {
            audiences: Vec::new(),
            principal: PrincipalId(Uuid::nil()),
            groups: Vec::new(),
            tenant: Uuid::nil(),
            from_simulator_authority: false,
            application: None,
            user: None,
        })
    }

    #[test]
    fn evicts_expired_entries_first() {
        let cache = Cache::new(8);
        for n in 0..8 {
            cache.put([n; 32], caller(), if n < 4 { 10 } else { 20 }, 0);
        }
        assert!(cache.get(&[0; 32], 10).is_some());
        assert!(cache.get(&[0; 32], 11).is_none());
        cache.put([8; 32], caller(), 20, 11);
        assert!((4..=8).all(|n| cache.get(&[n; 32], 11).is_some()));
        assert_eq!(cache.entries.lock().unwrap().len(), 5);
    }

    #[test]
    fn never_exceeds_its_capacity() {
        let cache = Cache::new(16);
        for n in 0..1000_u32 {
            cache.put(digest(&n.to_be_bytes()), caller(), 10, 0);
            assert!(cache.get(&digest(&n.to_be_bytes()), 0).is_some());
            assert!(cache.entries.lock().unwrap().len() <= 16);
        }
    }
}
