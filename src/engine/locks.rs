//! One changing operation at a time per target.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Locks by name. A lock exists while somebody holds it or waits for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Locks(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

/// Holds a lock; releases it when dropped.
pub(super) struct Held {
    name: String,
    locks: Locks,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Locks {
    /// Waits for the lock of this name.
    pub(super) async fn acquire(&self, name: String) -> Held {
        let lock = self.map().entry(name.clone()).or_default().clone();
        let guard = Some(lock.lock_owned().await);
        Held { name, locks: self.clone(), guard }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut map = self.locks.map();
        self.guard = None;
        // Nobody else has it: those who wait hold a clone each.
        if map.get(&self.name).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            map.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_is_left_behind() {
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
