//! ARM RBAC (control plane): role definitions, role assignments and access checks.

mod assignments;
mod check_access;
mod create_assignment;
mod definitions;

pub use assignments::{DeleteControlRoleAssignment, GetControlRoleAssignment, ListControlRoleAssignments};
pub use check_access::CheckControlAccess;
pub use create_assignment::CreateControlRoleAssignment;
pub use definitions::{GetControlRoleDefinition, ListControlRoleDefinitions};

use std::sync::Arc;

use uuid::Uuid;

use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::local_rbac::HierarchicalScope as _;
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{ControlPlane, Target};
use crate::store::Store;

/// A value with the requested scope, with which resource names begin.
#[derive(Clone, Debug)]
pub struct AtScope<T> {
    /// The scope.
    pub scope: ControlScope,
    /// The value.
    pub item: T,
}

/// A scope of the control plane whose resource exists.
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
        match id.hsm() {
            None => Ok(Self),
            Some(name) => {
                let hsm = store.hsm(name).filter(|hsm| hsm.scope().is_same_as(id) && hsm.deletion.is_none());
                hsm.map(|_| Self).ok_or_else(|| Error::NotFound(name.into()))
            }
        }
    }
}

/// A role assignment at a scope.
#[derive(Debug)]
pub struct ExistingAssignment(pub Arc<ControlAssignment>);

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
