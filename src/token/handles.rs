//! Which object handles belong to which key version.
//!
//! Filled by one scan when the token is opened and kept true by what makes and destroys objects, so
//! that using a key searches nothing: a search costs time for every object in the token.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use cryptoki::object::ObjectHandle;

use crate::model::name::VersionId;

/// The objects of one key version.
#[derive(Debug)]
pub(super) struct Objects {
    /// The private or AES key.
    pub(super) main: Handle,
    /// The secret key with the same bytes that makes MACs; AES keys only.
    pub(super) twin: Option<Handle>,
}

/// Which of a key's objects.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Part {
    Main,
    Twin,
}

/// A token object and the session-object copy that may stand in for it.
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

    /// The copy, if there is one.
    pub(super) fn copy(&self) -> Option<ObjectHandle> {
        self.copy.get().copied()
    }

    /// Remembers a copy; the first stays.
    pub(super) fn set_copy(&self, copy: ObjectHandle) -> bool {
        self.copy.set(copy).is_ok()
    }

    /// Counts a use at `tick`; returns how often the original was used before.
    pub(super) fn use_at(&self, tick: u64) -> u32 {
        self.used_at.store(tick, Ordering::Relaxed);
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    /// When it was last used.
    pub(super) fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }
}

impl Objects {
    /// New entry without copies.
    pub(super) fn new(main: ObjectHandle, twin: Option<ObjectHandle>) -> Self {
        Self { main: Handle::new(main), twin: twin.map(Handle::new) }
    }

    /// One of the objects.
    pub(super) fn part(&self, part: Part) -> Option<&Handle> {
        match part {
            Part::Main => Some(&self.main),
            Part::Twin => self.twin.as_ref(),
        }
    }

    /// The handles of the token objects.
    pub(super) fn originals(&self) -> impl Iterator<Item = ObjectHandle> {
        std::iter::once(self.main.original).chain(self.twin.iter().map(|twin| twin.original))
    }

    /// The same objects without copies.
    pub(super) fn without_copies(&self) -> Self {
        Self::new(self.main.original, self.twin.as_ref().map(|twin| twin.original))
    }

    fn same_objects(&self, other: &Self) -> bool {
        self.originals().eq(other.originals())
    }
}

/// The handles of all keys in the token.
#[derive(Default)]
pub(super) struct Handles {
    known: RwLock<HashMap<VersionId, Arc<Objects>>>,
    clock: AtomicU64,
}

impl Handles {
    /// The objects of a key, as far as is known without asking the token.
    pub(super) fn get(&self, id: VersionId) -> Option<Arc<Objects>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Notes the objects of a key.
    pub(super) fn insert(&self, id: VersionId, objects: Objects) -> Arc<Objects> {
        let objects = Arc::new(objects);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&objects));
        objects
    }

    /// Forgets a key.
    pub(super) fn remove(&self, id: VersionId) -> Option<Arc<Objects>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    /// Whether this very entry is still the one in force.
    pub(super) fn holds(&self, id: VersionId, objects: &Arc<Objects>) -> bool {
        self.get(id).is_some_and(|known| Arc::ptr_eq(&known, objects))
    }

    /// Replaces everything by what a scan found; entries for the same objects keep their copies.
    pub(super) fn replace(&self, found: HashMap<VersionId, Objects>) {
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

    /// Forgets everything: the handles of an ended login are worthless.
    pub(super) fn clear(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many keys are known.
    pub(super) fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// A number that grows with every use, for telling what was used last.
    pub(super) fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::Relaxed)
    }
}
