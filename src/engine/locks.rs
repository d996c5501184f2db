//! Named locks: one changing operation at a time per target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Locks by name. An entry exists while a task holds the lock or waits for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

/// Releases the lock when dropped.
pub(super) struct LockGuard {
    name: String,
    locks: Locks,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the lock of this name.
    pub(super) async fn acquire(&self, name: String) -> LockGuard {
        let lock = self.map().entry(name.clone()).or_default().clone();
        let guard = Some(lock.lock_owned().await);
        LockGuard { name, locks: self.clone(), guard }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        let mut map = self.locks.map();
        self.guard = None;
        // A waiting task holds a clone: a count of one means that no task waits.
        if map.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            map.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn locks_are_exclusive_and_removed_when_unused() {
        let locks = Locks::default();
        let first = locks.acquire("a".to_owned()).await;
        let other = locks.acquire("b".to_owned()).await;
        let waiting = tokio::spawn({
            let locks = locks.clone();
            async move { locks.acquire("a".to_owned()).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        drop(waiting.await.unwrap());
        drop(other);
        assert!(locks.map().is_empty());
    }
}
