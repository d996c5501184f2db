//! A cache of session-object copies of frequently used keys.
//!
//! SoftHSM reads an object's file at each use, Kryoptic its database; a session object avoids that.
//! A copy keeps all attributes (`SENSITIVE`, not `EXTRACTABLE`) and exists until the session that
//! created it closes, even after its original is destroyed: destroy the copy before the key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::object::Attribute;
use cryptoki::session::Session;

use super::error::{Attempt, Failure, Remedy};
use super::handles::{Handles, KeyObjects, Part};
use crate::model::name::VersionId;

/// The number of uses of a token object after which it is copied.
const USES_BEFORE_COPY: u32 = 4;

/// The session-object copies and the session that owns them.
pub(super) struct SessionObjectCache {
    limit: usize,
    state: Mutex<CacheState>,
}

#[derive(Default)]
struct CacheState {
    session: Option<Session>,
    entries: HashMap<(VersionId, Part), Arc<KeyObjects>>,
}

impl SessionObjectCache {
    /// A cache of at most `limit` copies; 0 disables it.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// Whether a token object with this number of uses should be copied now.
    pub(super) const fn should_copy(&self, uses: u32) -> bool {
        // Retried only every few uses: the token may refuse, or another thread may hold the lock.
        self.limit > 0 && uses >= USES_BEFORE_COPY && uses.is_multiple_of(USES_BEFORE_COPY)
    }

    /// Whether a session for copies is open.
    pub(super) fn has_session(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).session.is_some()
    }

    /// Copies a key's object into the session, unless another thread is doing so. The caller holds the
    /// device's read lock, so that the key is not destroyed at the same time. A failure to copy is not an
    /// error: the original stays in use.
    pub(super) fn create_copy(
        &self,
        id: VersionId,
        part: Part,
        objects: &Arc<KeyObjects>,
        handles: &Handles,
        open: impl FnOnce() -> Attempt<Session>,
    ) {
        let Ok(mut state) = self.state.try_lock() else { return };
        if !handles.is_current(id, objects) {
            return;
        }
        let Some(handle) = objects.part(part) else { return };
        if handle.copy().is_some() {
            return;
        }
        if state.entries.len() >= self.limit {
            state.evict(handles);
        }
        if state.session.is_none() {
            state.session = open().ok();
        }
        let Some(session) = &state.session else { return };
        match session.copy_object(handle.original, &[Attribute::Token(false)]) {
            Ok(copy) => {
                handle.set_copy(copy);
                state.entries.insert((id, part), Arc::clone(objects));
            }
            Err(error) => {
                tracing::debug!(%error, "the token cannot create a session copy of a key");
                // A failed session takes its copies with it; a use of their handles returns
                // `CKR_KEY_HANDLE_INVALID`.
                if Failure::from(error).remedy() == Remedy::NewSession {
                    *state = CacheState::default();
                }
            }
        }
    }

    /// Destroys the copies of a key.
    pub(super) fn remove(&self, id: VersionId) {
        if self.limit == 0 {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for part in [Part::Main, Part::HmacCompanion] {
            state.destroy((id, part));
        }
    }

    /// Closes the session, which destroys all copies. The caller has removed the handle entries that refer
    /// to them.
    pub(super) fn clear(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = CacheState::default();
    }
}

impl CacheState {
    /// Evicts the least recently used copy. A concurrent use of it fails with an invalid handle and looks
    /// the key up again.
    fn evict(&mut self, handles: &Handles) {
        let oldest = self
            .entries
            .iter()
            .min_by_key(|((_, part), objects)| objects.part(*part).map_or(0, super::handles::Handle::used_at))
            .map(|(key, objects)| (*key, Arc::clone(objects)));
        let Some(((id, _), objects)) = oldest else { return };
        if handles.is_current(id, &objects) {
            handles.insert(id, objects.without_copies());
        }
        for part in [Part::Main, Part::HmacCompanion] {
            self.destroy((id, part));
        }
    }

    fn destroy(&mut self, key: (VersionId, Part)) {
        let Some(objects) = self.entries.remove(&key) else { return };
        if let (Some(session), Some(copy)) =
            (&self.session, objects.part(key.1).and_then(super::handles::Handle::copy))
            && let Err(error) = session.destroy_object(copy)
        {
            tracing::warn!(version = %key.0, %error, "the session copy of a key could not be destroyed");
        }
    }
}
