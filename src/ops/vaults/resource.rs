//! Vaults as containers that are resources: the names of their operations, and their records.

use std::sync::Arc;

use super::VaultPath;
use crate::model::Timestamp;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::container::{Container, ContainerId};
use crate::model::deletion::Deletable;
use crate::model::name::{VaultName, VersionId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::vault::Vault;
use crate::ops::OperationNames;
use crate::ops::containers::{ContainerOperations, ContainerResource, container_record};
use crate::ops::deletion::DeletionOperations;

/// Returns the names of an operation on the resource, which is not billed.
const fn free(
    name: &'static str,
    event: &'static str,
    action: ControlAction,
) -> OperationNames<ControlAction> {
    OperationNames { name, event, action, meter: Meter::Free }
}

/// Returns the names of an operation on the resource that is billed like one on its contents: recovery and purge.
///
/// Source: "Azure Key Vault soft-delete overview", billing implications.
const fn billed(
    name: &'static str,
    event: &'static str,
    action: ControlAction,
) -> OperationNames<ControlAction> {
    OperationNames { name, event, action, meter: Meter::Management }
}

impl ContainerResource for Vault {
    type Name = VaultName;

    // Events that "Azure Key Vault logging" does not list are named like those of objects.
    const OPERATIONS: ContainerOperations = ContainerOperations {
        get: free("GetVault", "VaultGet", ControlAction::VaultRead),
        list: free("ListVaults", "VaultList", ControlAction::VaultRead),
        check_name: free("CheckVaultName", "VaultCheckName", ControlAction::ContainerNameRead),
        deletion: DeletionOperations {
            delete: free("DeleteVault", "VaultDelete", ControlAction::VaultDelete),
            get_deleted: free("GetDeletedVault", "VaultGetDeleted", ControlAction::DeletedVaultRead),
            list_deleted: free("ListDeletedVaults", "VaultListDeleted", ControlAction::DeletedVaultList),
            recover: billed("RecoverDeletedVault", "VaultRecover", ControlAction::VaultWrite),
            purge: billed("PurgeDeletedVault", "VaultPurge", ControlAction::DeletedVaultPurge),
            purge_expired: "PurgeExpiredVault",
        },
    };
    const KIND: ResourceKind = ResourceKind::Vault;
    const DELETED_TYPE: &'static str = "deletedVaults";
    const NAME_CHECK: &'static str = "checkNameAvailability";

    fn of(container: &Container) -> Option<&Arc<Self>> {
        container.vault()
    }

    fn container_id(name: &VaultName) -> ContainerId {
        name.into()
    }

    fn deletable(name: &VaultName) -> Deletable {
        Deletable::Vault(name.clone())
    }

    fn scope(subscription: SubscriptionId, group: ResourceGroupName, name: VaultName) -> ControlScope {
        ControlScope::Vault(subscription, group, name)
    }

    fn container(self: &Arc<Self>) -> Container {
        Container::Vault(Arc::clone(self))
    }

    container_record!();

    fn with_deletion(&self, deletion: Option<Deletion>, now: Timestamp) -> Self {
        Self { deletion, updated: now, ..self.clone() }
    }

    fn missing(path: &VaultPath) -> Resource {
        Resource::vault_at(path.subscription, &path.resource_group, &path.name)
    }

    fn own_objects(&self) -> Vec<VersionId> {
        vec![self.sealing_key()]
    }
}
