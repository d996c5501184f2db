//! The targets of operations: the state they need, as types. Loading a target returns the 404 and 409 errors.

use std::sync::Arc;

use uuid::Uuid;

use super::plane::{DataPlane, Plane};
use crate::model::container::ContainerId;
use crate::model::container_id::KeyId;
use crate::model::key::{Key, KeyVersion};
use crate::model::local_rbac::{HierarchicalScope as _, LocalScope, RoleAssignment, RoleDefinition};
use crate::model::name::{HsmName, KeyName};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::store::Store;

/// The target of an operation.
pub trait Target: Sized + Send + 'static {
    /// The plane it belongs to, which determines authorization and context.
    type Plane: Plane;
    /// Identifies it.
    type Id: Clone + Send + Sync + 'static;

    /// Returns its container on its plane.
    fn container(id: &Self::Id) -> <Self::Plane as Plane>::Container;

    /// Returns the scope at which a role must grant the action. Called before the target is loaded.
    fn scope(id: &Self::Id, store: &Store) -> <Self::Plane as Plane>::Scope;

    /// Returns the scope that the request names, if [`scope`](Self::scope) depends on stored state. `Forbidden` errors
    /// name this scope, so that they do not disclose whether the target exists.
    fn requested_scope(_: &Self::Id) -> Option<<Self::Plane as Plane>::Scope> {
        None
    }

    /// Returns the container if the target is the resource of a container, for the audit record. Not needed on the data plane.
    fn resource(_: &Self::Id) -> Option<ContainerId> {
        None
    }

    /// Returns the lower-case name of the object that it is or belongs to, if it depends on no other object of its container. By default,
    /// it depends on all.
    fn object(_: &Self::Id) -> Option<String> {
        None
    }

    /// Returns its name in the audit record.
    fn describe(id: &Self::Id) -> String;

    /// Returns the name of the lock that serializes changes to it: one lock per key, one for the roles of an HSM.
    fn lock(id: &Self::Id) -> String;

    /// Loads it from the store.
    ///
    /// # Errors
    /// If it does not exist, or is not in the state that the operation requires.
    fn load(id: &Self::Id, store: &Store) -> Result<Self>;
}

/// Identifies a key in a container.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPath {
    /// The container.
    pub container: ContainerId,
    /// The key.
    pub name: KeyName,
}

impl KeyPath {
    fn id(&self) -> KeyId {
        KeyId { container: self.container.clone(), name: self.name.clone(), version: None }
    }

    fn live(&self, store: &Store) -> Result<Arc<Key>> {
        match store.key(&self.container, &self.name) {
            Some(key) if key.deletion.is_none() => Ok(key),
            _ => Err(Error::NotFound((&self.id()).into())),
        }
    }
}

/// Returns the name of the lock that serializes changes to a key.
fn key_lock(container: &ContainerId, name: &KeyName) -> String {
    format!("{}/{}", container.to_case_insensitive(), name.to_case_insensitive())
}

/// Returns the name of the lock that serializes changes to a container as a resource.
pub fn container_lock(container: &ContainerId) -> String {
    format!("resource {}", container.to_case_insensitive())
}

/// Returns the name of the lock that serializes changes to an HSM resource.
pub fn hsm_lock(hsm: &HsmName) -> String {
    container_lock(&hsm.into())
}

/// An HSM as a whole, with scope `/`.
#[derive(Debug)]
pub struct WholeHsm;

impl Target for WholeHsm {
    type Plane = DataPlane;
    type Id = HsmName;

    fn container(id: &HsmName) -> ContainerId {
        id.into()
    }

    fn scope(_: &HsmName, _: &Store) -> LocalScope {
        LocalScope::Hsm
    }

    fn describe(id: &HsmName) -> String {
        format!("hsms/{id}")
    }

    fn lock(id: &HsmName) -> String {
        id.to_case_insensitive()
    }

    fn load(_: &HsmName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// A container as a whole, with scope `/`.
#[derive(Debug)]
pub struct WholeContainer;

impl Target for WholeContainer {
    type Plane = DataPlane;
    type Id = ContainerId;

    fn container(id: &ContainerId) -> ContainerId {
        id.clone()
    }

    fn scope(_: &ContainerId, _: &Store) -> LocalScope {
        LocalScope::Hsm
    }

    fn describe(id: &ContainerId) -> String {
        id.to_string()
    }

    fn lock(id: &ContainerId) -> String {
        id.to_case_insensitive()
    }

    fn load(_: &ContainerId, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// All keys of a container, with scope `/keys`.
#[derive(Debug)]
pub struct AllKeys;

impl Target for AllKeys {
    type Plane = DataPlane;
    type Id = ContainerId;

    fn container(id: &ContainerId) -> ContainerId {
        id.clone()
    }

    fn scope(_: &ContainerId, _: &Store) -> LocalScope {
        LocalScope::Keys
    }

    fn describe(id: &ContainerId) -> String {
        format!("{id}/keys")
    }

    fn lock(id: &ContainerId) -> String {
        id.to_case_insensitive()
    }

    fn load(_: &ContainerId, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Implements the common part of targets identified by a [`KeyPath`].
macro_rules! named_by_key_path {
    ($folder:literal) => {
        type Plane = DataPlane;
        type Id = KeyPath;

        fn container(id: &KeyPath) -> ContainerId {
            id.container.clone()
        }

        fn scope(id: &KeyPath, _: &Store) -> LocalScope {
            LocalScope::Key(id.name.clone())
        }

        fn object(id: &KeyPath) -> Option<String> {
            Some(id.name.to_case_insensitive())
        }

        fn describe(id: &KeyPath) -> String {
            format!("{}/{}/{}", id.container, $folder, id.name)
        }

        fn lock(id: &KeyPath) -> String {
            key_lock(&id.container, &id.name)
        }
    };
}

/// A key name that accepts a new version: unused, or the name of a live key. The name of a deleted key is reserved.
#[derive(Debug)]
pub struct NewVersionName(pub Option<Arc<Key>>);

impl Target for NewVersionName {
    named_by_key_path!("keys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        match store.key(&id.container, &id.name) {
            Some(key) => match key.deletion {
                Some(deletion) => Err(Error::deleted(Resource::key(&id.container, &key.name), deletion)),
                None => Ok(Self(Some(key))),
            },
            None => Ok(Self(None)),
        }
    }
}

/// A live key with all its versions.
#[derive(Debug)]
pub struct LiveKey(pub Arc<Key>);

impl AsRef<Arc<Key>> for LiveKey {
    fn as_ref(&self) -> &Arc<Key> {
        &self.0
    }
}

impl Target for LiveKey {
    named_by_key_path!("keys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        id.live(store).map(Self)
    }
}

/// A deleted key.
#[derive(Debug)]
pub struct DeletedKey(pub Arc<Key>);

impl AsRef<Arc<Key>> for DeletedKey {
    fn as_ref(&self) -> &Arc<Key> {
        &self.0
    }
}

impl Target for DeletedKey {
    named_by_key_path!("deletedKeys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        match store.key(&id.container, &id.name) {
            Some(key) if key.deletion.is_some() => Ok(Self(key)),
            _ => Err(Error::NotFound(Resource::deleted_key(&id.container, &id.name))),
        }
    }
}

/// A version of a live key; the current one if the identifier names none.
#[derive(Debug)]
pub struct LiveKeyVersion(pub Arc<KeyVersion>);

impl Target for LiveKeyVersion {
    type Plane = DataPlane;
    type Id = KeyId;

    fn container(id: &KeyId) -> ContainerId {
        id.container.clone()
    }

    fn scope(id: &KeyId, _: &Store) -> LocalScope {
        LocalScope::Key(id.name.clone())
    }

    fn object(id: &KeyId) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &KeyId) -> String {
        id.to_string()
    }

    fn lock(id: &KeyId) -> String {
        key_lock(&id.container, &id.name)
    }

    fn load(id: &KeyId, store: &Store) -> Result<Self> {
        let live = store.key(&id.container, &id.name).filter(|key| key.deletion.is_none());
        let version = live.and_then(|key| key.version(id.version).cloned());
        version.map(Self).ok_or_else(|| Error::NotFound(id.into()))
    }
}

/// A scope of local RBAC, at which role assignments are created and listed.
#[derive(Debug)]
pub struct RoleScope;

impl Target for RoleScope {
    type Plane = DataPlane;
    type Id = (HsmName, LocalScope);

    fn container(id: &Self::Id) -> ContainerId {
        (&id.0).into()
    }

    fn scope(id: &Self::Id, _: &Store) -> LocalScope {
        id.1.clone()
    }

    fn describe(id: &Self::Id) -> String {
        format!("hsms/{}/roleAssignments at {}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        id.0.to_case_insensitive()
    }

    fn load(_: &Self::Id, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Identifies a role definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleDefinitionPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The definition.
    pub id: Uuid,
    /// The scope in the request. Role definitions exist only at `/`.
    pub scope: LocalScope,
}

/// A role definition.
#[derive(Debug)]
pub struct ExistingRoleDefinition(pub Arc<RoleDefinition>);

impl From<ExistingRoleDefinition> for Arc<RoleDefinition> {
    fn from(existing: ExistingRoleDefinition) -> Self {
        existing.0
    }
}

impl AsRef<Arc<RoleDefinition>> for ExistingRoleDefinition {
    fn as_ref(&self) -> &Arc<RoleDefinition> {
        &self.0
    }
}

impl Target for ExistingRoleDefinition {
    type Plane = DataPlane;
    type Id = RoleDefinitionPath;

    fn container(path: &RoleDefinitionPath) -> ContainerId {
        (&path.hsm).into()
    }

    fn scope(path: &RoleDefinitionPath, _: &Store) -> LocalScope {
        path.scope.clone()
    }

    fn describe(path: &RoleDefinitionPath) -> String {
        format!("hsms/{}/roleDefinitions/{}", path.hsm, path.id)
    }

    fn lock(path: &RoleDefinitionPath) -> String {
        path.hsm.to_case_insensitive()
    }

    fn load(path: &RoleDefinitionPath, store: &Store) -> Result<Self> {
        let found = store.role_definition(&path.hsm, path.id).filter(|_| path.scope == LocalScope::Hsm);
        found.map(Self).ok_or(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)))
    }
}

/// Identifies a role assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoleAssignmentPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The assignment.
    pub id: Uuid,
    /// The scope in the request, if its resource name has one. It must be the scope of the assignment.
    pub scope: Option<LocalScope>,
}

impl RoleAssignmentPath {
    fn requested_scope(&self) -> LocalScope {
        self.scope.clone().unwrap_or(LocalScope::Hsm)
    }

    fn find(&self, store: &Store) -> Option<Arc<RoleAssignment>> {
        store.role_assignments(&self.hsm).into_iter().find(|known| {
            known.id == self.id && self.scope.as_ref().is_none_or(|scope| scope.is_same_as(&known.scope))
        })
    }
}

/// A role assignment.
impl Target for RoleAssignment {
    type Plane = DataPlane;
    type Id = RoleAssignmentPath;

    fn container(path: &RoleAssignmentPath) -> ContainerId {
        (&path.hsm).into()
    }

    /// The scope of the assignment. If it does not exist, the scope in the request or `/`: only callers who may read
    /// there learn that it does not exist.
    fn scope(path: &RoleAssignmentPath, store: &Store) -> LocalScope {
        path.find(store).map_or_else(|| path.requested_scope(), |assignment| assignment.scope.clone())
    }

    fn requested_scope(path: &RoleAssignmentPath) -> Option<LocalScope> {
        Some(path.requested_scope())
    }

    fn describe(path: &RoleAssignmentPath) -> String {
        format!("hsms/{}/roleAssignments/{}", path.hsm, path.id)
    }

    fn lock(path: &RoleAssignmentPath) -> String {
        path.hsm.to_case_insensitive()
    }

    fn load(path: &RoleAssignmentPath, store: &Store) -> Result<Self> {
        let found =
            path.find(store).ok_or(Error::NotFound(Resource::unnamed(ResourceKind::RoleAssignment)))?;
        Ok(found.as_ref().clone())
    }
}
