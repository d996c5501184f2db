//! Returns the result of a long-running operation on a managed HSM.

use std::sync::Arc;

use uuid::Uuid;

use super::HsmBundle;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::hsm::ManagedHsm;
use crate::model::lifetime::ContainerLifetime;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result};
use crate::ops::{ControlCx, ControlPlane, Done, Operation, Target};
use crate::store::Store;

/// Returns the result of a long-running operation, which clients of Azure Resource Manager poll. Operations of this
/// service complete before the reply, so the result is the current state of the HSM.
#[derive(Clone, Debug)]
pub struct GetManagedHsmOperationResult {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The unique identifier of the HSM, which is never reused.
    pub id: Uuid,
}

/// The state of the HSM.
#[derive(Clone, Debug)]
pub enum OperationOutcome {
    /// The HSM is live.
    Live(HsmBundle),
    /// The HSM is deleted or purged.
    Deleted,
}

/// An HSM that exists or existed.
#[derive(Debug)]
pub struct PastOrPresentHsm(Option<Arc<ManagedHsm>>);

fn find(id: &(SubscriptionId, Uuid), store: &Store) -> Option<Arc<ManagedHsm>> {
    store.hsms().into_iter().find(|hsm| hsm.subscription == id.0 && hsm.id == id.1)
}

impl Target for PastOrPresentHsm {
    type Plane = ControlPlane;
    type Id = (SubscriptionId, Uuid);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0
    }

    /// The scope of the HSM, at which the operation was authorized; that of the subscription if the HSM is purged.
    fn scope(id: &Self::Id, store: &Store) -> ControlScope {
        find(id, store).map_or(ControlScope::Subscription(id.0), |hsm| hsm.scope())
    }

    fn requested_scope(id: &Self::Id) -> Option<ControlScope> {
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
        let is_it = |life: &ContainerLifetime| {
            life.container.managed_hsm().is_some() && life.subscription == id.0 && life.id == id.1
        };
        let lived = || store.lifetimes().iter().any(is_it);
        if hsm.is_some() || lived() { Ok(Self(hsm)) } else { Err(Error::RouteNotFound) }
    }
}

impl Operation for GetManagedHsmOperationResult {
    const NAME: &'static str = "GetManagedHsmOperationResult";
    const EVENT: &'static str = "ManagedHsmOperationResultGet";
    const ACTION: ControlAction = ControlAction::HsmOperationRead;
    const METER: Meter = Meter::Free;
    // gRPC methods reply when the operation is complete.
    const IS_RPC: bool = false;
    type Target = PastOrPresentHsm;
    type Reply = OperationOutcome;

    fn target(&self) -> (SubscriptionId, Uuid) {
        (self.subscription, self.id)
    }

    async fn execute(self, target: PastOrPresentHsm, cx: &ControlCx) -> Result<Done<OperationOutcome>> {
        let live = target.0.filter(|hsm| hsm.deletion.is_none());
        Ok(Done::reply(
            live.map_or(OperationOutcome::Deleted, |hsm| {
                OperationOutcome::Live(HsmBundle::of(&hsm, &cx.store))
            }),
        ))
    }
}
