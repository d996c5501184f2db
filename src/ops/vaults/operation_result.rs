//! Returns the result of a purge of a vault.

use uuid::Uuid;

use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, ControlPlane, Done, Operation, Target};
use crate::store::Store;

/// Returns the result of a purge, which clients of Azure Resource Manager poll. A purge is complete before its reply, so the
/// result is a success, at the time of the poll.
#[derive(Clone, Debug)]
pub struct GetVaultOperationResult {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The unique identifier of the vault, which is never reused.
    pub id: Uuid,
}

/// A purge that is complete.
#[derive(Debug)]
pub struct CompletedPurge;

impl Target for CompletedPurge {
    type Plane = ControlPlane;
    type Id = (SubscriptionId, Uuid);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0
    }

    fn scope(id: &Self::Id, _: &Store) -> ControlScope {
        ControlScope::Subscription(id.0)
    }

    fn describe(id: &Self::Id) -> String {
        format!("/subscriptions/{}/providers/Microsoft.KeyVault/operationResults/{}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        id.1.to_string()
    }

    /// The vault of a purge that is not complete exists.
    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        match store.vaults().iter().any(|vault| vault.id == id.1) {
            true => Err(Error::RouteNotFound),
            false => Ok(Self),
        }
    }
}

impl Operation for GetVaultOperationResult {
    const NAME: &'static str = "GetVaultOperationResult";
    const EVENT: &'static str = "VaultOperationResultGet";
    const ACTION: ControlAction = ControlAction::VaultOperationRead;
    const METER: Meter = Meter::Free;
    // gRPC methods reply when the operation is complete.
    const IS_RPC: bool = false;
    type Target = CompletedPurge;
    type Reply = Timestamp;

    fn target(&self) -> (SubscriptionId, Uuid) {
        (self.subscription, self.id)
    }

    async fn execute(self, _: CompletedPurge, cx: &ControlCx) -> Result<Done<Timestamp>> {
        Ok(Done::reply(cx.now))
    }
}
