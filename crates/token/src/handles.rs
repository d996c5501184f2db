//! A cache of the object handles of each key version.
//!
//! Filled by one scan when the token is opened, and updated when objects are created and destroyed, so that
//! using a key needs no search: the cost of a search grows with the number of objects in the token.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use cryptoki::object::ObjectHandle;

use crate::model::name::VersionId;

/// The objects of one key version.
#[derive(Debug)]
pub(super) struct KeyObjects {
    /// The private key or AES key.
    pub(super) main: Handle,
    /// The generic secret key with the same bytes, used for HMAC; AES keys only.
    pub(super) hmac_companion: Option<Handle>,
}

/// Selects one of a key's objects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Part {
    Main,
    HmacCompanion,
}

/// A token object and the session-object copy that may be used instead.
#[derive(Debug)]
pub(super) struct Handle {
    pub(super) original: ObjectHandle,
    copy: OnceLock<ObjectHandle>,
    uses: AtomicU32,
    used_at: AtomicU64,
}

impl Handle {
    pub(super) const fn new(original: ObjectHandle) -> Self {
        Self { original, copy: OnceLock::new(), uses: AtomicU32::new(0), used_at: AtomicU64::new(0) }
    }

    /// The handle of the session copy, if there is one.
    pub(super) fn copy(&self) -> Option<ObjectHandle> {
        self.copy.get().copied()
    }

    /// Sets the session copy, unless one is set. Returns whether it was set.
    pub(super) fn set_copy(&self, copy: ObjectHandle) -> bool {
        self.copy.set(copy).is_ok()
    }

    /// Records a use at `tick`; returns the number of earlier uses.
    pub(super) fn use_at(&self, tick: u64) -> u32 {
        self.used_at.store(tick, Ordering::Relaxed);
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// The tick of the last use.
    pub(super) fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }
}

impl KeyObjects {
    /// An entry without session copies.
    pub(super) fn new(main: ObjectHandle, companion: Option<ObjectHandle>) -> Self {
        Self { main: Handle::new(main), hmac_companion: companion.map(Handle::new) }
    }

    /// The object of this part; `None` if the key does not have it.
    pub(super) fn part(&self, part: Part) -> Option<&Handle> {
        match part {
            Part::Main => Some(&self.main),
            Part::HmacCompanion => self.hmac_companion.as_ref(),
        }
    }

    /// The handles of the token objects.
    pub(super) fn originals(&self) -> impl Iterator<Item = ObjectHandle> {
        std::iter::once(self.main.original)
            .chain(self.hmac_companion.iter().map(|companion| companion.original))
    }

    /// The same token objects without session copies.
    pub(super) fn without_copies(&self) -> Self {
        Self::new(self.main.original, self.hmac_companion.as_ref().map(|companion| companion.original))
    }

    fn same_objects(&self, other: &Self) -> bool {
        self.originals().eq(other.originals())
    }
}

/// The handles of all keys in the token.
#[derive(Default)]
pub(super) struct Handles {
    known: RwLock<HashMap<VersionId, Arc<KeyObjects>>>,
    clock: AtomicU64,
}

impl Handles {
    /// The cached objects of a key. Does not call the token.
    pub(super) fn get(&self, id: VersionId) -> Option<Arc<KeyObjects>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Caches the objects of a key.
    pub(super) fn insert(&self, id: VersionId, objects: KeyObjects) -> Arc<KeyObjects> {
        let objects = Arc::new(objects);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&objects));
        objects
    }

    /// Removes a key from the cache.
    pub(super) fn remove(&self, id: VersionId) -> Option<Arc<KeyObjects>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Whether `objects` is still the current entry, by pointer equality.
    pub(super) fn is_current(&self, id: VersionId, objects: &Arc<KeyObjects>) -> bool {
        self.get(id).is_some_and(|known| Arc::ptr_eq(&known, objects))
    }

    /// Replaces all entries by the result of a scan; entries for the same objects keep their copies.
    pub(super) fn replace(&self, found: HashMap<VersionId, KeyObjects>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut old = std::mem::take(&mut *known);
        *known = found
            .into_iter()
            .map(|(id, objects)| match old.remove(&id) {
                Some(same) if same.same_objects(&objects) => (id, same),
                _ => (id, Arc::new(objects)),
            })
            .collect();
    }

    /// Removes all entries: the handles of an ended login are invalid.
    pub(super) fn clear(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The identifiers of all cached keys.
    pub(super) fn ids(&self) -> Vec<VersionId> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }

    /// All cached keys.
    pub(super) fn all(&self) -> Vec<Arc<KeyObjects>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Advances and returns the use counter, which orders uses for eviction.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }
}
