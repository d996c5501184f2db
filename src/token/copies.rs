//! Session-object copies of much-used keys.
//!
//! SoftHSM reads an object's file at each use, Kryoptic its database; a session object spares that.
//! A copy keeps all attributes (`SENSITIVE`, not `EXTRACTABLE`), lives as long as the session that
//! made it, and outlives its original: what destroys the key must drop the copy first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::object::Attribute;
use cryptoki::session::Session;

use super::error::{Attempt, Failure, Remedy};
use super::handles::{Handles, Objects, Part};
use crate::model::name::VersionId;

/// Uses of an original before a copy is made; a key used a few times is not worth one.
const USES_BEFORE_COPY: u32 = 4;

/// The copies and the session that holds them.
pub(super) struct Copies {
    limit: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    session: Option<Session>,
    held: HashMap<(VersionId, Part), Arc<Objects>>,
}

impl Copies {
    /// Keeps at most `limit` copies; 0 means none.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, shelf: Mutex::default() }
    }

    /// Whether an original used this often should have a copy by now.
    pub(super) const fn wanted(&self, uses: u32) -> bool {
        // Not at every further use: the token may refuse, or another thread be at it.
        self.limit > 0 && uses >= USES_BEFORE_COPY && uses.is_multiple_of(USES_BEFORE_COPY)
    }

    /// Makes a copy, unless another thread is at it. The caller holds the token's lock against
    /// changes, so that the key cannot be destroyed meanwhile. A refusal is no fault: the original works.
    pub(super) fn make(
        &self,
        id: VersionId,
        part: Part,
        objects: &Arc<Objects>,
        handles: &Handles,
        open: impl FnOnce() -> Attempt<Session>,
    ) {
        let Ok(mut shelf) = self.shelf.try_lock() else { return };
        if !handles.holds(id, objects) {
            return;
        }
        let Some(handle) = objects.part(part) else { return };
        if handle.copy().is_some() {
            return;
        }
        if shelf.held.len() >= self.limit {
            shelf.evict(handles);
        }
        if shelf.session.is_none() {
            shelf.session = open().ok();
        }
        let Some(session) = &shelf.session else { return };
        match session.copy_object(handle.original, &[Attribute::Token(false)]) {
            Ok(copy) => {
                handle.set_copy(copy);
                shelf.held.insert((id, part), Arc::clone(objects));
            }
            Err(error) => {
                tracing::debug!(%error, "the token makes no copy of a key");
                // If it was the session that failed, its copies are gone with it, and whoever uses
                // one finds its handle invalid.
                if Failure::from(error).remedy() == Remedy::NewSession {
                    *shelf = Shelf::default();
                }
            }
        }
    }

    /// Destroys the copies of a key.
    pub(super) fn drop_of(&self, id: VersionId) {
        if self.limit == 0 {
            return;
        }
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        for part in [Part::Main, Part::Twin] {
            shelf.destroy((id, part));
        }
    }

    /// Closes the session, and thereby destroys all copies. Entries that name them must be gone.
    pub(super) fn clear(&self) {
        *self.shelf.lock().unwrap_or_else(PoisonError::into_inner) = Shelf::default();
    }
}

impl Shelf {
    /// Gives up the copy that was used longest ago. Whoever is about to use it finds its handle
    /// invalid and looks the key up again.
    fn evict(&mut self, handles: &Handles) {
        let oldest = self
            .held
            .iter()
            .min_by_key(|((_, part), objects)| objects.part(*part).map_or(0, super::handles::Handle::used_at))
            .map(|(key, objects)| (*key, Arc::clone(objects)));
        let Some(((id, _), objects)) = oldest else { return };
        if handles.holds(id, &objects) {
            handles.insert(id, objects.without_copies());
        }
        for part in [Part::Main, Part::Twin] {
            self.destroy((id, part));
        }
    }

    fn destroy(&mut self, key: (VersionId, Part)) {
        let Some(objects) = self.held.remove(&key) else { return };
        if let (Some(session), Some(copy)) =
            (&self.session, objects.part(key.1).and_then(super::handles::Handle::copy))
            && let Err(error) = session.destroy_object(copy)
        {
            tracing::warn!(version = %key.0, %error, "the copy of a key could not be destroyed");
        }
    }
}
