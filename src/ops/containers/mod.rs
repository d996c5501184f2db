//! Containers as resources of the control plane, once for managed HSMs and vaults: their targets, and the operations that
//! read, soft-delete, recover and purge them.
//!
//! What differs by kind is stated by [`ContainerResource`]; creating and updating differ, and are in `ops/hsms` and
//! `ops/vaults`.

mod check_name;
mod claims;
mod deletion;
mod get;
mod list;
mod recovery;
mod target;

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::Arc;

pub use check_name::{CheckName, NameAvailability};
pub(super) use claims::claims;
pub use get::Get;
pub use list::List;
pub(super) use recovery::CREATION_RECOVERY;
pub use target::{
    ContainerNames, ContainerPath, ContainersOfScope, Deleted, DeletedOfSubscription, DeletedPath, Live,
    NewContainer, Recoverable,
};

use super::deletion::DeletionOperations;
use super::{OperationNames, container_lock};
use crate::model::Timestamp;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::container::{Container, ContainerId};
use crate::model::deletion::Deletable;
use crate::model::field::InvalidValue;
use crate::model::name::VersionId;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::store::Store;

/// The record of a kind of container. Implemented by `ManagedHsm` and `Vault`; the operations of this module then exist for
/// it.
pub trait ContainerResource: Clone + Eq + Debug + Send + Sync + Sized + 'static {
    /// Its name.
    type Name: Clone + Eq + Debug + Display + Send + Sync + FromStr<Err = InvalidValue> + 'static;

    /// The names and actions of its operations.
    const OPERATIONS: ContainerOperations;
    /// The kind by which errors name it.
    const KIND: ResourceKind;
    /// The type of the soft-deleted resource, without its namespace, as Azure Resource Manager spells it.
    const DELETED_TYPE: &'static str;
    /// The action that checks a name, as Azure Resource Manager spells it.
    const NAME_CHECK: &'static str;

    /// Returns the record in a container; `None` if the container is of another kind.
    fn of(container: &Container) -> Option<&Arc<Self>>;

    /// Returns the identifier of a container of this name.
    fn container_id(name: &Self::Name) -> ContainerId;

    /// Returns the resource of this name as one that can be soft-deleted.
    fn deletable(name: &Self::Name) -> Deletable;

    /// Returns the scope of a resource.
    fn scope(subscription: SubscriptionId, group: ResourceGroupName, name: Self::Name) -> ControlScope;

    /// Returns the container.
    fn container(self: &Arc<Self>) -> Container;

    /// Returns its name.
    fn name(&self) -> &Self::Name;

    /// Returns its region.
    fn location(&self) -> &str;

    /// Returns its subscription.
    fn subscription(&self) -> SubscriptionId;

    /// Returns its resource group.
    fn resource_group(&self) -> &ResourceGroupName;

    /// Returns the dates of its deletion; `None` while it is live.
    fn deletion(&self) -> Option<Deletion>;

    /// Returns the record with other dates of its deletion, as changed at `now`.
    fn with_deletion(&self, deletion: Option<Deletion>, now: Timestamp) -> Self;

    /// Returns the recovery level of the container and its contents. `protected` means that its subscription cannot be
    /// cancelled.
    fn level(&self, protected: bool) -> RecoveryLevel;

    /// Returns the objects in its token that belong to no key.
    fn own_objects(&self) -> Vec<VersionId>;

    /// Returns the record of a name, live or deleted.
    fn find(name: &Self::Name, store: &Store) -> Option<Arc<Self>> {
        Self::of(&store.container(&Self::container_id(name))?).cloned()
    }

    /// Returns all records, live and deleted, by name.
    fn all(store: &Store) -> Vec<Arc<Self>> {
        store.containers().iter().filter_map(|container| Self::of(container).cloned()).collect()
    }

    /// Returns the resource that does not exist at a path, as errors name it.
    fn missing(path: &ContainerPath<Self>) -> Resource {
        Self::deletable(&path.name).live()
    }

    /// Returns the lock of all operations on a name.
    fn lock(name: &Self::Name) -> String {
        container_lock(&Self::container_id(name))
    }
}

/// Implements the functions of [`ContainerResource`] that return a field of the record.
macro_rules! container_record {
    () => {
        fn name(&self) -> &Self::Name {
            &self.name
        }

        fn location(&self) -> &str {
            &self.location
        }

        fn subscription(&self) -> SubscriptionId {
            self.subscription
        }

        fn resource_group(&self) -> &ResourceGroupName {
            &self.resource_group
        }

        fn deletion(&self) -> Option<Deletion> {
            self.deletion
        }

        fn level(&self, protected: bool) -> RecoveryLevel {
            self.recovery_level(protected)
        }
    };
}
pub(super) use container_record;

/// What the operations of a kind of container differ in.
#[derive(Clone, Copy, Debug)]
pub struct ContainerOperations {
    /// Of [`Get`].
    pub get: OperationNames<ControlAction>,
    /// Of [`List`].
    pub list: OperationNames<ControlAction>,
    /// Of [`CheckName`].
    pub check_name: OperationNames<ControlAction>,
    /// Of deletion, recovery and purge.
    pub deletion: DeletionOperations<ControlAction>,
}

/// A container as surfaces show it.
#[derive(Clone, Debug)]
pub struct Bundle<R> {
    /// The resource.
    pub resource: Arc<R>,
    /// The recovery level of the container and its contents.
    pub level: RecoveryLevel,
}

impl<R: ContainerResource> Bundle<R> {
    /// Returns the bundle of a container.
    pub(super) fn of(resource: &Arc<R>, store: &Store) -> Self {
        Self { resource: Arc::clone(resource), level: recovery_level(resource.as_ref(), store) }
    }
}

/// Returns the recovery level of a container and its contents.
fn recovery_level<R: ContainerResource>(resource: &R, store: &Store) -> RecoveryLevel {
    let subscription = store.subscription(resource.subscription());
    resource.level(subscription.is_some_and(|subscription| subscription.protected))
}
