//! What an operation may use while it runs.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::PublicKeys;
use crate::clock::Clock;
use crate::ids::Ids;
use crate::model::change::{Intent, IntentVerb};
use crate::model::hsm::ManagedHsm;
use crate::model::location::Locations;
use crate::model::name::{PrincipalId, VersionId};
use crate::model::resource::Subscription;
use crate::model::{Result, Timestamp};
use crate::store::{Commit, Store};
use crate::token::Token;

/// What an operation may use while it runs: the token of its HSM, the read side of the store, and
/// the present. Writing is the engine's, but for intents.
pub struct Cx {
    /// The HSM the operation was addressed to.
    pub hsm: Arc<ManagedHsm>,
    /// The token that holds its keys.
    pub token: Token,
    /// What is known. Operations read only.
    pub store: Store,
    /// Parsed public keys.
    pub public_keys: Arc<PublicKeys>,
    /// Makes identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// What has been declared so far.
    intents: Mutex<Vec<Intent>>,
    /// The intents of all operations that are running; the sweeper leaves them alone.
    under_way: UnderWay,
}

/// What an operation of the control plane may use.
pub struct ControlCx {
    /// The subscription it was addressed to.
    pub subscription: Arc<Subscription>,
    /// What is known. Operations read only.
    pub store: Store,
    /// Where resources can be.
    pub locations: Arc<Locations>,
    /// Makes identifiers.
    pub ids: Ids,
    /// When the call arrived.
    pub now: Timestamp,
    /// Who called; `None` where the service itself acts.
    pub caller: Option<PrincipalId>,
}

/// What an operation above subscriptions may use.
pub struct DirectoryCx {
    /// What is known. Operations read only.
    pub store: Store,
    /// The caller's tenant.
    pub tenant: Uuid,
    /// The caller and its groups.
    pub principals: Vec<PrincipalId>,
}

/// What an operation of the simulator may use.
pub struct SimulatorCx {
    /// The clock to be turned.
    pub clock: Clock,
    /// When the call arrived.
    pub now: Timestamp,
}

/// The intents of the operations that are running now.
#[derive(Clone, Debug, Default)]
pub struct UnderWay(Arc<Mutex<HashSet<Uuid>>>);

impl UnderWay {
    /// Whether the operation that declared this intent is still running.
    pub fn contains(&self, intent: Uuid) -> bool {
        self.lock().contains(&intent)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cx {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock();
        for intent in self.lock().iter() {
            under_way.remove(&intent.id);
        }
    }
}

impl Cx {
    /// A context without declared intents.
    pub fn new(
        hsm: Arc<ManagedHsm>,
        token: Token,
        store: Store,
        public_keys: Arc<PublicKeys>,
        under_way: UnderWay,
        now: Timestamp,
    ) -> Self {
        Self { hsm, token, store, public_keys, ids: Ids, now, under_way, intents: Mutex::default() }
    }

    /// Declares, durably, that objects are about to be made or destroyed in the token. Nothing is
    /// made or destroyed without: after a crash the sweeper undoes or finishes just what was declared.
    ///
    /// # Errors
    /// Where the declaration could not be written; then nothing may be done.
    pub async fn intend(&self, verb: IntentVerb, objects: Vec<VersionId>) -> Result<()> {
        let intent = Intent { id: self.ids.ordered(), hsm: self.hsm.name.clone(), verb, objects };
        // Known as under way before it is stored, so that the sweeper leaves it alone.
        self.under_way.lock().insert(intent.id);
        self.lock().push(intent.clone());
        self.store.commit(Commit { open: Some(intent), ..Commit::default() }).await
    }

    /// The intents declared so far.
    pub fn intents(&self) -> Vec<Intent> {
        self.lock().clone()
    }

    /// The ids of the intents declared so far.
    pub fn intent_ids(&self) -> Vec<Uuid> {
        self.lock().iter().map(|intent| intent.id).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Intent>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
