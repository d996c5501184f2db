//! The targets of ARM RBAC: scopes, role assignments and role definitions.

use std::sync::Arc;

use uuid::Uuid;

use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::custom_role::is_visible_at;
use crate::model::local_rbac::{HierarchicalScope as _, RoleDefinition};
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::resources::AnyScope;
use crate::ops::{ControlPlane, Target};
use crate::store::Store;

/// A scope of the control plane whose resource exists. Of the scope of an object in a vault, the vault must exist.
// assumption: it is not recorded whether Azure requires the object to exist.
#[derive(Debug)]
pub struct ExistingScope;

impl Target for ExistingScope {
    type Plane = ControlPlane;
    type Id = ControlScope;

    fn container(id: &ControlScope) -> SubscriptionId {
        id.subscription()
    }

    fn scope(id: &ControlScope, _: &Store) -> ControlScope {
        id.clone()
    }

    fn describe(id: &ControlScope) -> String {
        format!("{id}/roleAssignments")
    }

    fn lock(id: &ControlScope) -> String {
        format!("subscriptions/{}", id.subscription())
    }

    fn load(id: &ControlScope, store: &Store) -> Result<Self> {
        let subscription = id.subscription();
        if let Some(group) = id.resource_group()
            && store.resource_group(subscription, group).is_none()
        {
            return Err(Error::NotFound(Resource::group(subscription, group)));
        }
        match id.container() {
            None => Ok(Self),
            Some(container) => {
                let found = store.container(&container).filter(|found| {
                    found.scope().is_same_as(&id.without_object()) && found.deletion().is_none()
                });
                found.map(|_| Self).ok_or_else(|| Error::NotFound((&container).into()))
            }
        }
    }
}

/// A role assignment at a scope.
#[derive(Debug)]
pub struct ExistingAssignment(Arc<ControlAssignment>);

impl From<ExistingAssignment> for Arc<ControlAssignment> {
    fn from(existing: ExistingAssignment) -> Self {
        existing.0
    }
}

impl Target for ExistingAssignment {
    type Plane = ControlPlane;
    type Id = (ControlScope, Uuid);

    fn container(id: &Self::Id) -> SubscriptionId {
        id.0.subscription()
    }

    fn scope(id: &Self::Id, _: &Store) -> ControlScope {
        id.0.clone()
    }

    fn describe(id: &Self::Id) -> String {
        format!("{}/roleAssignments/{}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        format!("subscriptions/{}", id.0.subscription())
    }

    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        let mut known = store.control_assignments().into_iter();
        let found = known.find(|known| known.id == id.1 && known.scope.is_same_as(&id.0));
        found.map(Self).ok_or(Error::NotFound(Resource::unnamed(ResourceKind::RoleAssignment)))
    }
}

/// A role definition, requested at a scope: a built-in one, or a custom one that can be assigned there or below.
#[derive(Debug)]
pub struct ExistingDefinition(Arc<RoleDefinition>);

impl From<ExistingDefinition> for Arc<RoleDefinition> {
    fn from(existing: ExistingDefinition) -> Self {
        existing.0
    }
}

impl AsRef<Arc<RoleDefinition>> for ExistingDefinition {
    fn as_ref(&self) -> &Arc<RoleDefinition> {
        &self.0
    }
}

impl Target for ExistingDefinition {
    type Plane = ControlPlane;
    type Id = (ControlScope, Uuid);

    fn container(id: &Self::Id) -> SubscriptionId {
        AnyScope::container(&id.0)
    }

    fn scope(id: &Self::Id, store: &Store) -> ControlScope {
        AnyScope::scope(&id.0, store)
    }

    // The audit log names the scope, as for a list.
    fn describe(id: &Self::Id) -> String {
        AnyScope::describe(&id.0)
    }

    fn lock(id: &Self::Id) -> String {
        AnyScope::lock(&id.0)
    }

    fn load(id: &Self::Id, store: &Store) -> Result<Self> {
        let found = store.control_definitions().into_iter().find(|role| role.id == id.1);
        let found = found.filter(|role| is_visible_at(role, &id.0));
        found.map(Self).ok_or(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)))
    }
}
