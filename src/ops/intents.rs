//! What operations declare before they touch a token, so that a crash leaves nothing behind and loses nothing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::ids::Ids;
use crate::model::Result;
use crate::model::change::{Intent, IntentVerb};
use crate::model::name::{HsmName, VersionId};
use crate::store::{Commit, Store};

/// The intents of the operations that are running now; the sweeper leaves them alone.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<Uuid>>>);

impl UnderWay {
    /// Whether the operation that declared this intent is still running.
    pub fn contains(&self, intent: Uuid) -> bool {
        lock(&self.0).contains(&intent)
    }
}

/// The intents that one operation has declared.
pub struct Intents {
    store: Store,
    declared: Mutex<Vec<Intent>>,
    under_way: UnderWay,
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
    /// None so far.
    pub fn new(store: Store, under_way: UnderWay) -> Self {
        Self { store, declared: Mutex::default(), under_way }
    }

    /// Declares, durably, that something is about to be made or destroyed in a token. Nothing is made
    /// or destroyed without: after a crash the sweeper undoes or finishes just what was declared.
    ///
    /// # Errors
    /// Where the declaration could not be written; then nothing may be done.
    pub async fn declare(&self, hsm: &HsmName, verb: IntentVerb, objects: Vec<VersionId>) -> Result<()> {
        let intent = Intent { id: Ids.ordered(), hsm: hsm.clone(), verb, objects };
        // Known as under way before it is stored, so that the sweeper leaves it alone.
        lock(&self.under_way.0).insert(intent.id);
        lock(&self.declared).push(intent.clone());
        self.store.commit(Commit { open: Some(intent), ..Commit::default() }).await
    }

    /// Those declared so far.
    pub fn declared(&self) -> Vec<Intent> {
        lock(&self.declared).clone()
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<Uuid> {
        lock(&self.declared).iter().map(|intent| intent.id).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
