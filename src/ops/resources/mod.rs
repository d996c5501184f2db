//! Subscriptions, resource groups and locations.

mod create_group;
mod groups;
mod locations;
mod operation_result;
mod subscriptions;
mod update_group;
mod update_subscription;

pub use create_group::{CreateResourceGroup, CreatedGroup};
pub use groups::{DeleteResourceGroup, GetResourceGroup, ListResourceGroups};
pub use locations::ListLocations;
pub use operation_result::GetResourceGroupDeletion;
pub use subscriptions::{GetSubscription, ListSubscriptions};
pub use update_group::UpdateResourceGroup;
pub use update_subscription::UpdateSubscription;

use std::sync::Arc;

use crate::model::arm_rbac::ControlScope;
use crate::model::resource::{ResourceGroup, ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result};
use crate::ops::{ControlPlane, DirectoryPlane, Target};
use crate::store::Store;

/// The tenant, above subscriptions.
#[derive(Debug)]
pub struct Directory;

impl Target for Directory {
    type Plane = DirectoryPlane;
    type Id = ();

    fn container((): &()) {}

    fn scope((): &(), _: &Store) {}

    fn describe((): &()) -> String {
        "subscriptions".to_owned()
    }

    fn lock((): &()) -> String {
        "subscriptions".to_owned()
    }

    fn load((): &(), _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// A scope of the control plane, whether or not its resource exists.
#[derive(Debug)]
pub struct AnyScope;

impl Target for AnyScope {
    type Plane = ControlPlane;
    type Id = ControlScope;

    fn container(id: &ControlScope) -> SubscriptionId {
        id.subscription()
    }

    fn scope(id: &ControlScope, _: &Store) -> ControlScope {
        id.clone()
    }

    fn describe(id: &ControlScope) -> String {
        id.to_string()
    }

    /// Changes are serialized per subscription.
    fn lock(id: &ControlScope) -> String {
        format!("subscriptions/{}", id.subscription())
    }

    fn load(_: &ControlScope, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// A resource group.
#[derive(Debug)]
pub struct ExistingResourceGroup(pub Arc<ResourceGroup>);

impl Target for ExistingResourceGroup {
    type Plane = ControlPlane;
    type Id = (SubscriptionId, ResourceGroupName);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0
    }

    fn scope(id: &Self::Id, _: &Store) -> ControlScope {
        ControlScope::ResourceGroup(id.0, id.1.clone())
    }

    fn describe(id: &Self::Id) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        format!("subscriptions/{}", id.0)
    }

    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        let missing = || Error::NotFound(Resource::group(id.0, &id.1));
        store.resource_group(id.0, &id.1).map(Self).ok_or_else(missing)
    }
}
