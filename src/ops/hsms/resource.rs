//! Managed HSMs as containers that are resources: the names of their operations, and their records.

use std::sync::Arc;

use crate::model::Timestamp;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::container::{Container, ContainerId};
use crate::model::deletion::Deletable;
use crate::model::hsm::ManagedHsm;
use crate::model::name::{HsmName, VersionId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::security_domain::SecurityDomain;
use crate::ops::OperationNames;
use crate::ops::containers::{ContainerOperations, ContainerResource, container_record};
use crate::ops::deletion::DeletionOperations;

impl ContainerResource for ManagedHsm {
    type Name = HsmName;

    const OPERATIONS: ContainerOperations = ContainerOperations {
        get: OperationNames {
            name: "GetManagedHsm",
            event: "ManagedHsmGet",
            action: ControlAction::HsmRead,
            meter: Meter::Free,
        },
        list: OperationNames {
            name: "ListManagedHsms",
            event: "ManagedHsmList",
            action: ControlAction::HsmRead,
            meter: Meter::Free,
        },
        check_name: OperationNames {
            name: "CheckManagedHsmName",
            event: "ManagedHsmCheckName",
            // assumption: the action that Azure requires for this is not published.
            action: ControlAction::HsmRead,
            meter: Meter::Free,
        },
        deletion: DeletionOperations {
            delete: OperationNames {
                name: "DeleteManagedHsm",
                event: "ManagedHsmDelete",
                action: ControlAction::HsmDelete,
                meter: Meter::Free,
            },
            get_deleted: OperationNames {
                name: "GetDeletedManagedHsm",
                event: "ManagedHsmGetDeleted",
                action: ControlAction::DeletedHsmRead,
                meter: Meter::Free,
            },
            list_deleted: OperationNames {
                name: "ListDeletedManagedHsms",
                event: "ManagedHsmListDeleted",
                action: ControlAction::DeletedHsmList,
                meter: Meter::Free,
            },
            recover: OperationNames {
                name: "RecoverDeletedManagedHsm",
                event: "ManagedHsmRecover",
                action: ControlAction::HsmWrite,
                meter: Meter::Management,
            },
            purge: OperationNames {
                name: "PurgeDeletedManagedHsm",
                event: "ManagedHsmPurge",
                action: ControlAction::DeletedHsmPurge,
                meter: Meter::Management,
            },
            purge_expired: "PurgeExpiredManagedHsm",
        },
    };
    const KIND: ResourceKind = ResourceKind::ManagedHsm;
    const DELETED_TYPE: &'static str = "deletedManagedHSMs";
    const NAME_CHECK: &'static str = "checkMhsmNameAvailability";

    fn of(container: &Container) -> Option<&Arc<Self>> {
        container.managed_hsm()
    }

    fn container_id(name: &HsmName) -> ContainerId {
        name.into()
    }

    fn deletable(name: &HsmName) -> Deletable {
        Deletable::ManagedHsm(name.clone())
    }

    fn scope(subscription: SubscriptionId, group: ResourceGroupName, name: HsmName) -> ControlScope {
        ControlScope::ManagedHsm(subscription, group, name)
    }

    fn container(self: &Arc<Self>) -> Container {
        Container::ManagedHsm(Arc::clone(self))
    }

    container_record!();

    fn with_deletion(&self, deletion: Option<Deletion>, _: Timestamp) -> Self {
        Self { deletion, ..self.clone() }
    }

    fn own_objects(&self) -> Vec<VersionId> {
        let of_domain = self.security_domain.iter().flat_map(SecurityDomain::objects);
        of_domain.chain(self.transfer_key.iter().map(|key| key.object)).collect()
    }
}
