//! Intents: declared before an operation changes a token, so that the sweeper can recover after a crash.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::ids::Ids;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::name::VersionId;
use crate::model::{Error, Result};
use crate::store::{Commit, Store};

/// The intents of running operations, which the sweeper skips.
#[derive(Clone, Debug, Default)]
pub struct RunningIntents(Arc<Mutex<HashSet<Uuid>>>);

impl RunningIntents {
    /// Whether the operation that declared this intent is running.
    pub fn contains(&self, intent: Uuid) -> bool {
        lock(&self.0).contains(&intent)
    }
}

/// The intents that one operation has declared. Dropping it lets the sweeper process those that are still open.
pub struct Intents {
    store: Store,
    declared: Mutex<Vec<Intent>>,
    under_way: RunningIntents,
}

impl Drop for Intents {
    fn drop(&mut self) {
        let mut under_way = lock(&self.under_way.0);
        for intent in lock(&self.declared).iter() {
            under_way.remove(&intent.id);
        }
    }
}

impl Intents {
    /// Creates an empty list.
    pub fn new(store: Store, under_way: RunningIntents) -> Self {
        Self { store, declared: Mutex::default(), under_way }
    }

    /// Commits an intent to create or destroy objects in a token. Required before every such change: after a crash, the
    /// sweeper undoes or completes only declared intents.
    ///
    /// # Errors
    /// If the intent could not be committed, or if objects to create are still to be destroyed: those of a key that was deleted
    /// permanently and is restored at once. The token must not be changed then.
    pub async fn declare(
        &self,
        container: &ContainerId,
        verb: IntentVerb,
        objects: Vec<VersionId>,
    ) -> Result<()> {
        // Only vaults may be without soft-delete.
        let creates = container.vault().is_some() && matches!(verb, IntentVerb::Create | IntentVerb::Restore);
        let is_destroyed = |open: &Intent| {
            open.container == *container && objects.iter().any(|object| open.destroys(*object))
        };
        if creates && self.store.intents().iter().any(is_destroyed) {
            return Err(Error::Conflict { what: "the key material".to_owned() });
        }
        let intent = Intent { id: Ids.ordered(), container: container.clone(), verb, objects };
        // Registered as running before it is stored, so that the sweeper skips it.
        lock(&self.under_way.0).insert(intent.id);
        lock(&self.declared).push(intent.clone());
        self.store.commit(Commit { open: Some(intent), ..Commit::default() }).await
    }

    /// Returns the intents declared so far.
    pub fn declared(&self) -> Vec<Intent> {
        lock(&self.declared).clone()
    }

    /// Returns the identifiers of the intents declared so far.
    pub fn ids(&self) -> Vec<Uuid> {
        lock(&self.declared).iter().map(|intent| intent.id).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
