//! Runs an operation on an object of a vault as one of the control plane.

use std::sync::Arc;

use super::VaultContentsPlane;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::container_id::ContainerId;
use crate::model::vault::Vault;
use crate::model::vault_rbac::ObjectScope;
use crate::model::{Result, Timestamp};
use crate::ops::vaults::VaultPath;
use crate::ops::{Cx, Done, Operation, OperationNames, Plane, Target};
use crate::store::Store;

/// An operation on objects of vaults that the control plane has, too.
pub trait ResourceOperation:
    Operation<Target: Target<Plane: Plane<Cx = Cx, Scope: Into<ObjectScope>>>>
{
    /// Its names, action and meter on the control plane.
    const RESOURCE: OperationNames<ControlAction>;
}

/// An operation on an object of a vault, authorized by the roles of the control plane.
#[derive(Clone, Debug)]
pub struct ThroughControlPlane<O> {
    /// The vault, by its path as a resource.
    pub vault: VaultPath,
    /// The operation. It addresses the same vault.
    pub operation: O,
}

/// A reply, with the vault that holds the object.
#[derive(Clone, Debug)]
pub struct InVault<T> {
    /// The vault.
    pub vault: Arc<Vault>,
    /// The reply.
    pub item: T,
}

/// The target of an operation, authorized at its scope on the control plane.
#[derive(Debug)]
pub struct AsResource<T>(T);

impl<T: Target<Plane: Plane<Scope: Into<ObjectScope>>>> Target for AsResource<T> {
    type Plane = VaultContentsPlane;
    type Id = (VaultPath, T::Id);

    fn container((vault, _): &Self::Id) -> VaultPath {
        vault.clone()
    }

    fn scope((vault, id): &Self::Id, store: &Store) -> ControlScope {
        let VaultPath { subscription, resource_group, name } = vault.clone();
        ControlScope::Vault(subscription, resource_group, name).at(&T::scope(id, store).into())
    }

    fn resource((vault, _): &Self::Id) -> Option<ContainerId> {
        Some((&vault.name).into())
    }

    fn object((_, id): &Self::Id) -> Option<String> {
        T::object(id)
    }

    fn describe((_, id): &Self::Id) -> String {
        T::describe(id)
    }

    /// The lock of the object, which operations of its data plane take.
    fn lock((_, id): &Self::Id) -> String {
        T::lock(id)
    }

    fn load((_, id): &Self::Id, store: &Store) -> Result<Self> {
        T::load(id, store).map(Self)
    }
}

impl<O: ResourceOperation> Operation for ThroughControlPlane<O> {
    const NAME: &'static str = O::RESOURCE.name;
    const EVENT: &'static str = O::RESOURCE.event;
    const ACTION: ControlAction = O::RESOURCE.action;
    const METER: Meter = O::RESOURCE.meter;
    const CHANGES: bool = O::CHANGES;
    // gRPC clients use the data plane.
    const IS_RPC: bool = false;
    type Target = AsResource<O::Target>;
    type Reply = InVault<O::Reply>;

    fn target(&self) -> (VaultPath, <O::Target as Target>::Id) {
        (self.vault.clone(), self.operation.target())
    }

    fn check(&self, target: &AsResource<O::Target>, now: Timestamp) -> Result<()> {
        self.operation.check(&target.0, now)
    }

    async fn execute(self, target: AsResource<O::Target>, cx: &Cx) -> Result<Done<Self::Reply>> {
        let vault = Arc::clone(cx.vault()?);
        Ok(self.operation.execute(target.0, cx).await?.map(|item| InVault { vault, item }))
    }
}
