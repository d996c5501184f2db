//! Returns the result of a purge of a vault.

use uuid::Uuid;

use super::super::containers::OfSubscription;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::resource::SubscriptionId;
use crate::model::vault::Vault;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Returns the result of a purge, which clients of Azure Resource Manager poll. A purge is complete before its reply, so the
/// result is a success, at the time of the poll.
#[derive(Clone, Debug)]
pub struct GetVaultOperationResult {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The unique identifier of the vault, which is never reused.
    pub id: Uuid,
}

impl Operation for GetVaultOperationResult {
    const NAME: &'static str = "GetVaultOperationResult";
    const EVENT: &'static str = "VaultOperationResultGet";
    const ACTION: ControlAction = ControlAction::VaultOperationRead;
    const METER: Meter = Meter::Free;
    // gRPC methods reply when the operation is complete.
    const IS_RPC: bool = false;
    type Target = OfSubscription<Vault>;
    type Reply = Timestamp;

    fn target(&self) -> SubscriptionId {
        self.subscription
    }

    async fn execute(self, _: OfSubscription<Vault>, cx: &ControlCx) -> Result<Done<Timestamp>> {
        // The purge of a vault that exists has not taken place.
        match cx.store.vaults().iter().any(|vault| vault.id == self.id) {
            true => Err(Error::RouteNotFound),
            false => Ok(Done::reply(cx.now)),
        }
    }
}
