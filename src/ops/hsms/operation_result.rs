//! Tells what became of a managed HSM that somebody made, changed, deleted or purged.

use std::sync::Arc;

use uuid::Uuid;

use super::HsmBundle;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::hsm::ManagedHsm;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result};
use crate::ops::{ControlCx, ControlPlane, Done, Operation, Target};
use crate::store::Store;

/// Asks for the outcome of a long operation, as clients of Azure Resource Manager do until there is one. All of them
/// end before they are answered here, so what is asked for is what is there now.
#[derive(Clone, Debug)]
pub struct GetManagedHsmOperationResult {
    /// In which subscription.
    pub subscription: SubscriptionId,
    /// The HSM, by the id that it alone ever had.
    pub id: Uuid,
}

/// What became of an HSM.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is there.
    Live(HsmBundle),
    /// It is deleted, or purged.
    Gone,
}

/// An HSM, past or present.
#[derive(Debug)]
pub struct EverHsm(Option<Arc<ManagedHsm>>);

fn find(id: &(SubscriptionId, Uuid), store: &Store) -> Option<Arc<ManagedHsm>> {
    store.hsms().into_iter().find(|hsm| hsm.subscription == id.0 && hsm.id == id.1)
}

impl Target for EverHsm {
    type Plane = ControlPlane;
    type Id = (SubscriptionId, Uuid);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0
    }

    /// Where the HSM is or was: whoever may change it there may see what came of it. A purged one has left only its
    /// subscription.
    fn scope(id: &Self::Id, store: &Store) -> ControlScope {
        find(id, store).map_or(ControlScope::Subscription(id.0), |hsm| hsm.scope())
    }

    fn asked(id: &Self::Id) -> Option<ControlScope> {
        Some(ControlScope::Subscription(id.0))
    }

    fn describe(id: &Self::Id) -> String {
        format!("/subscriptions/{}/providers/Microsoft.KeyVault/managedHsmOperationResults/{}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        id.1.to_string()
    }

    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        let hsm = find(id, store);
        let lived = || store.lifetimes().iter().any(|life| life.subscription == id.0 && life.id == id.1);
        if hsm.is_some() || lived() { Ok(Self(hsm)) } else { Err(Error::RouteNotFound) }
    }
}

impl Operation for GetManagedHsmOperationResult {
    const NAME: &'static str = "GetManagedHsmOperationResult";
    const EVENT: &'static str = "ManagedHsmOperationResultGet";
    const ACTION: ControlAction = ControlAction::HsmOperationRead;
    const METER: Meter = Meter::Free;
    // On gRPC, what takes long is answered when it is done.
    const IS_RPC: bool = false;
    type Target = EverHsm;
    type Reply = Outcome;

    fn target(&self) -> (SubscriptionId, Uuid) {
        (self.subscription, self.id)
    }

    async fn execute(self, target: EverHsm, cx: &ControlCx) -> Result<Done<Outcome>> {
        let live = target.0.filter(|hsm| hsm.deletion.is_none());
        Ok(Done::reply(live.map_or(Outcome::Gone, |hsm| Outcome::Live(HsmBundle::of(&hsm, &cx.store)))))
    }
}
