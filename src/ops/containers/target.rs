//! The targets of operations on containers as resources.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use super::ContainerResource;
use crate::model::arm_rbac::ControlScope;
use crate::model::container::ContainerId;
use crate::model::location::normalize;
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result};
use crate::ops::{ControlPlane, Target};
use crate::store::Store;

/// Identifies a live container as a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerPath<R: ContainerResource> {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroupName,
    /// The container.
    pub name: R::Name,
}

impl<R: ContainerResource> ContainerPath<R> {
    fn scope(&self) -> ControlScope {
        R::scope(self.subscription, self.resource_group.clone(), self.name.clone())
    }

    /// Returns the record of the live container.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn live(&self, store: &Store) -> Result<Arc<R>> {
        let not_found = || Error::NotFound(R::missing(self));
        R::find(&self.name, store).filter(|found| self.is_live(found)).ok_or_else(not_found)
    }

    /// Whether the container of this name is live and has this path.
    pub fn is_live(&self, found: &R) -> bool {
        found.subscription() == self.subscription
            && found.resource_group().to_case_insensitive() == self.resource_group.to_case_insensitive()
            && found.deletion().is_none()
    }
}

/// Implements the common part of targets identified by a [`ContainerPath`].
macro_rules! named_by_path {
    () => {
        type Plane = ControlPlane;
        type Id = ContainerPath<R>;

        fn container(id: &ContainerPath<R>) -> SubscriptionId {
            id.subscription
        }

        fn scope(id: &ContainerPath<R>, _: &Store) -> ControlScope {
            id.scope()
        }

        fn resource(id: &ContainerPath<R>) -> Option<ContainerId> {
            Some(R::container_id(&id.name))
        }

        fn describe(id: &ContainerPath<R>) -> String {
            id.scope().to_string()
        }

        fn lock(id: &ContainerPath<R>) -> String {
            R::lock(&id.name)
        }
    };
}

/// An unused name in an existing resource group.
#[derive(Debug)]
pub struct NewContainer<R>(PhantomData<R>);

impl<R: ContainerResource> Target for NewContainer<R> {
    named_by_path!();

    fn load(id: &ContainerPath<R>, store: &Store) -> Result<Self> {
        if store.resource_group(id.subscription, &id.resource_group).is_none() {
            return Err(Error::NotFound(Resource::group(id.subscription, &id.resource_group)));
        }
        match R::find(&id.name, store) {
            Some(known) => Err(Error::Exists {
                resource: R::deletable(known.name()).live(),
                deleted: known.deletion().is_some(),
            }),
            None => Ok(Self(PhantomData)),
        }
    }
}

/// A live container.
#[derive(Debug)]
pub struct Live<R>(pub Arc<R>);

impl<R> AsRef<Arc<R>> for Live<R> {
    fn as_ref(&self) -> &Arc<R> {
        &self.0
    }
}

impl<R: ContainerResource> Target for Live<R> {
    named_by_path!();

    fn load(id: &ContainerPath<R>, store: &Store) -> Result<Self> {
        id.live(store).map(Self)
    }
}

/// Identifies a deleted container, by subscription and location: a deleted container is not in a resource group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedPath<R: ContainerResource> {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The location; case and spaces are ignored.
    pub location: String,
    /// The container.
    pub name: R::Name,
}

impl<R: ContainerResource> DeletedPath<R> {
    fn find(&self, store: &Store) -> Result<Arc<R>> {
        let matches = |found: &Arc<R>| {
            found.subscription() == self.subscription
                && found.deletion().is_some()
                && normalize(found.location()) == normalize(&self.location)
        };
        let not_found = || Error::NotFound(R::deletable(&self.name).deleted());
        R::find(&self.name, store).filter(matches).ok_or_else(not_found)
    }

    fn describe(&self) -> String {
        let Self { subscription, location, name } = self;
        format!(
            "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/{}/{name}",
            R::DELETED_TYPE
        )
    }
}

/// Implements the common part of targets identified by a [`DeletedPath`].
macro_rules! named_by_deleted_path {
    () => {
        type Plane = ControlPlane;
        type Id = DeletedPath<R>;

        fn container(id: &DeletedPath<R>) -> SubscriptionId {
            id.subscription
        }

        fn resource(id: &DeletedPath<R>) -> Option<ContainerId> {
            Some(R::container_id(&id.name))
        }

        fn describe(id: &DeletedPath<R>) -> String {
            id.describe()
        }

        fn lock(id: &DeletedPath<R>) -> String {
            R::lock(&id.name)
        }

        fn load(id: &DeletedPath<R>, store: &Store) -> Result<Self> {
            id.find(store).map(Self)
        }
    };
}

/// A deleted container, to get or purge, which is authorized at the subscription.
#[derive(Debug)]
pub struct Deleted<R>(pub Arc<R>);

impl<R> AsRef<Arc<R>> for Deleted<R> {
    fn as_ref(&self) -> &Arc<R> {
        &self.0
    }
}

impl<R: ContainerResource> Target for Deleted<R> {
    named_by_deleted_path!();

    fn scope(id: &DeletedPath<R>, _: &Store) -> ControlScope {
        ControlScope::Subscription(id.subscription)
    }
}

/// A deleted container, to recover, which is authorized at its former scope.
#[derive(Debug)]
pub struct Recoverable<R>(pub Arc<R>);

impl<R> AsRef<Arc<R>> for Recoverable<R> {
    fn as_ref(&self) -> &Arc<R> {
        &self.0
    }
}

impl<R: ContainerResource> Target for Recoverable<R> {
    named_by_deleted_path!();

    fn scope(id: &DeletedPath<R>, store: &Store) -> ControlScope {
        match id.find(store) {
            Ok(found) => R::scope(found.subscription(), found.resource_group().clone(), found.name().clone()),
            Err(_) => ControlScope::Subscription(id.subscription),
        }
    }

    /// The request does not name the resource group.
    fn requested_scope(id: &DeletedPath<R>) -> Option<ControlScope> {
        Some(ControlScope::Subscription(id.subscription))
    }
}

/// The containers of a subscription, or of one resource group in it.
#[derive(Debug)]
pub struct ContainersOfScope;

impl Target for ContainersOfScope {
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

/// Implements targets that are authorized at a subscription, because they are in no resource group.
macro_rules! of_subscription {
    ($target:ident, $part:ident) => {
        impl<R: ContainerResource> Target for $target<R> {
            type Plane = ControlPlane;
            type Id = SubscriptionId;

            fn container(id: &SubscriptionId) -> SubscriptionId {
                *id
            }

            fn scope(id: &SubscriptionId, _: &Store) -> ControlScope {
                ControlScope::Subscription(*id)
            }

            fn describe(id: &SubscriptionId) -> String {
                format!("/subscriptions/{id}/providers/Microsoft.KeyVault/{}", R::$part)
            }

            fn lock(id: &SubscriptionId) -> String {
                id.to_string()
            }

            fn load(_: &SubscriptionId, _: &Store) -> Result<Self> {
                Ok(Self(PhantomData))
            }
        }
    };
}

/// The deleted containers of a subscription.
#[derive(Debug)]
pub struct DeletedOfSubscription<R>(PhantomData<R>);

of_subscription!(DeletedOfSubscription, DELETED_TYPE);

/// The names of containers. They are unique in the service, and are checked with a role at a subscription.
#[derive(Debug)]
pub struct ContainerNames<R>(PhantomData<R>);

of_subscription!(ContainerNames, NAME_CHECK);
