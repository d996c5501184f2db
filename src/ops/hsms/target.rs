//! The targets of operations on managed HSMs.

use std::sync::Arc;

use crate::model::arm_rbac::ControlScope;
use crate::model::container::ContainerId;
use crate::model::hsm::ManagedHsm;
use crate::model::location::normalize;
use crate::model::name::HsmName;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result};
use crate::ops::{ControlPlane, Target, hsm_lock};
use crate::store::Store;

/// Identifies a live HSM resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HsmPath {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroupName,
    /// The HSM.
    pub name: HsmName,
}

impl HsmPath {
    fn scope(&self) -> ControlScope {
        ControlScope::ManagedHsm(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    fn live(&self, store: &Store) -> Result<Arc<ManagedHsm>> {
        let matches = |hsm: &Arc<ManagedHsm>| {
            hsm.subscription == self.subscription
                && hsm.resource_group.to_case_insensitive() == self.resource_group.to_case_insensitive()
                && hsm.deletion.is_none()
        };
        let not_found = || Error::NotFound((&self.name).into());
        store.hsm(&self.name).filter(matches).ok_or_else(not_found)
    }
}

/// Implements the common part of targets identified by an [`HsmPath`].
macro_rules! named_by_hsm_path {
    () => {
        type Plane = ControlPlane;
        type Id = HsmPath;

        fn container(id: &HsmPath) -> SubscriptionId {
            id.subscription
        }

        fn scope(id: &HsmPath, _: &Store) -> ControlScope {
            id.scope()
        }

        fn resource(id: &HsmPath) -> Option<ContainerId> {
            Some((&id.name).into())
        }

        fn describe(id: &HsmPath) -> String {
            id.scope().to_string()
        }

        fn lock(id: &HsmPath) -> String {
            hsm_lock(&id.name)
        }
    };
}

/// An unused HSM name in an existing resource group.
#[derive(Debug)]
pub struct NewHsm;

impl Target for NewHsm {
    named_by_hsm_path!();

    fn load(id: &HsmPath, store: &Store) -> Result<Self> {
        if store.resource_group(id.subscription, &id.resource_group).is_none() {
            return Err(Error::NotFound(Resource::group(id.subscription, &id.resource_group)));
        }
        match store.hsm(&id.name) {
            Some(hsm) => Err(Error::Exists { resource: (&hsm.name).into(), deleted: hsm.deletion.is_some() }),
            None => Ok(Self),
        }
    }
}

/// A live HSM.
#[derive(Debug)]
pub struct LiveHsm(pub Arc<ManagedHsm>);

impl AsRef<Arc<ManagedHsm>> for LiveHsm {
    fn as_ref(&self) -> &Arc<ManagedHsm> {
        &self.0
    }
}

impl Target for LiveHsm {
    named_by_hsm_path!();

    fn load(id: &HsmPath, store: &Store) -> Result<Self> {
        id.live(store).map(Self)
    }
}

/// Identifies a deleted HSM, by subscription and location: a deleted HSM is not in a resource group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedHsmPath {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The location; case and spaces are ignored.
    pub location: String,
    /// The HSM.
    pub name: HsmName,
}

impl DeletedHsmPath {
    fn find(&self, store: &Store) -> Result<Arc<ManagedHsm>> {
        let matches = |hsm: &Arc<ManagedHsm>| {
            hsm.subscription == self.subscription
                && hsm.deletion.is_some()
                && normalize(&hsm.location) == normalize(&self.location)
        };
        let not_found = || Error::NotFound(Resource::deleted_hsm(&self.name));
        store.hsm(&self.name).filter(matches).ok_or_else(not_found)
    }

    fn describe(&self) -> String {
        let Self { subscription, location, name } = self;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}"
        )
    }
}

/// Implements the common part of targets identified by a [`DeletedHsmPath`].
macro_rules! named_by_deleted_hsm_path {
    () => {
        type Plane = ControlPlane;
        type Id = DeletedHsmPath;

        fn container(id: &DeletedHsmPath) -> SubscriptionId {
            id.subscription
        }

        fn resource(id: &DeletedHsmPath) -> Option<ContainerId> {
            Some((&id.name).into())
        }

        fn describe(id: &DeletedHsmPath) -> String {
            id.describe()
        }

        fn lock(id: &DeletedHsmPath) -> String {
            hsm_lock(&id.name)
        }

        fn load(id: &DeletedHsmPath, store: &Store) -> Result<Self> {
            id.find(store).map(Self)
        }
    };
}

/// A deleted HSM, to get or purge, which is authorized at the subscription.
#[derive(Debug)]
pub struct DeletedHsm(pub Arc<ManagedHsm>);

impl AsRef<Arc<ManagedHsm>> for DeletedHsm {
    fn as_ref(&self) -> &Arc<ManagedHsm> {
        &self.0
    }
}

impl Target for DeletedHsm {
    named_by_deleted_hsm_path!();

    fn scope(id: &DeletedHsmPath, _: &Store) -> ControlScope {
        ControlScope::Subscription(id.subscription)
    }
}

/// A deleted HSM, to recover, which is authorized at its former scope.
#[derive(Debug)]
pub struct RecoverableHsm(pub Arc<ManagedHsm>);

impl AsRef<Arc<ManagedHsm>> for RecoverableHsm {
    fn as_ref(&self) -> &Arc<ManagedHsm> {
        &self.0
    }
}

impl Target for RecoverableHsm {
    named_by_deleted_hsm_path!();

    fn scope(id: &DeletedHsmPath, store: &Store) -> ControlScope {
        match id.find(store) {
            Ok(hsm) => {
                ControlScope::ManagedHsm(hsm.subscription, hsm.resource_group.clone(), hsm.name.clone())
            }
            Err(_) => ControlScope::Subscription(id.subscription),
        }
    }

    /// The request does not name the resource group.
    fn requested_scope(id: &DeletedHsmPath) -> Option<ControlScope> {
        Some(ControlScope::Subscription(id.subscription))
    }
}

/// The HSMs of a subscription, or of one resource group in it.
#[derive(Debug)]
pub struct HsmCollection;

impl Target for HsmCollection {
    type Plane = ControlPlane;
    type Id = (SubscriptionId, Option<ResourceGroupName>);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0
    }

    fn scope(id: &Self::Id, _: &Store) -> ControlScope {
        match &id.1 {
            Some(group) => ControlScope::ResourceGroup(id.0, group.clone()),
            None => ControlScope::Subscription(id.0),
        }
    }

    fn describe(id: &Self::Id) -> String {
        match &id.1 {
            Some(group) => format!("/subscriptions/{}/resourceGroups/{group}", id.0),
            None => format!("/subscriptions/{}", id.0),
        }
    }

    fn lock(id: &Self::Id) -> String {
        id.0.to_string()
    }

    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        match &id.1 {
            Some(group) if store.resource_group(id.0, group).is_none() => {
                Err(Error::NotFound(Resource::group(id.0, group)))
            }
            _ => Ok(Self),
        }
    }
}

/// The deleted HSMs and HSM names of a subscription, which are in no resource group.
#[derive(Debug)]
pub struct SubscriptionHsms;

impl Target for SubscriptionHsms {
    type Plane = ControlPlane;
    type Id = SubscriptionId;

    fn container(id: &SubscriptionId) -> SubscriptionId {
        *id
    }

    fn scope(id: &SubscriptionId, _: &Store) -> ControlScope {
        ControlScope::Subscription(*id)
    }

    fn describe(id: &SubscriptionId) -> String {
        format!("/subscriptions/{id}/providers/Microsoft.KeyVault/deletedManagedHSMs")
    }

    fn lock(id: &SubscriptionId) -> String {
        id.to_string()
    }

    fn load(_: &SubscriptionId, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
