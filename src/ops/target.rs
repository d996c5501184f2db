//! What operations act on: the state they need, as types. Loading one is already the 404 or 409.

use std::sync::Arc;

use uuid::Uuid;

use super::plane::{DataPlane, Plane};
use crate::model::key::{Key, KeyVersion};
use crate::model::name::{HsmName, KeyId, KeyName};
use crate::model::rbac::{Covers as _, RoleAssignment, RoleDefinition, Scope};
use crate::model::{Error, Result};
use crate::store::Store;

/// What an operation acts on.
pub trait Target: Sized + Send + 'static {
    /// The plane it belongs to: who decides about access, and by what.
    type Plane: Plane;
    /// Names it.
    type Id: Clone + Send + Sync + 'static;

    /// Where it is, on its plane.
    fn container(id: &Self::Id) -> <Self::Plane as Plane>::Container;

    /// Where a role must grant the action. Found before anything else is told about the target.
    fn scope(id: &Self::Id, store: &Store) -> <Self::Plane as Plane>::Scope;

    /// The scope that the request itself names, where [`scope`](Self::scope) is found from state. Refusals name this
    /// one: they are then the same whatever is there, and tell nothing of it.
    fn asked(_: &Self::Id) -> Option<<Self::Plane as Plane>::Scope> {
        None
    }

    /// The HSM it is as a resource, for the record. Where an HSM is the place, that says so already.
    fn resource(_: &Self::Id) -> Option<&HsmName> {
        None
    }

    /// How the audit record names it.
    fn describe(id: &Self::Id) -> String;

    /// What operations that change it exclude each other by. One lock per key, one for the roles of an HSM.
    fn lock(id: &Self::Id) -> String;

    /// Finds it.
    ///
    /// # Errors
    /// Where it does not exist, or is not in the state the operation needs.
    fn load(id: &Self::Id, store: &Store) -> Result<Self>;
}

/// Names a key in an HSM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The key.
    pub name: KeyName,
}

impl KeyPath {
    fn id(&self) -> KeyId {
        KeyId { hsm: self.hsm.clone(), name: self.name.clone(), version: None }
    }

    fn live(&self, store: &Store) -> Result<Arc<Key>> {
        match store.key(&self.hsm, &self.name) {
            Some(key) if key.deletion.is_none() => Ok(key),
            _ => Err(Error::KeyNotFound { key: self.id() }),
        }
    }
}

/// What operations that change a key exclude each other by.
pub fn key_lock(hsm: &HsmName, name: &KeyName) -> String {
    format!("{}/{}", hsm.folded(), name.folded())
}

/// What operations that change an HSM as a resource exclude each other by.
pub fn hsm_lock(hsm: &HsmName) -> String {
    format!("resource {}", hsm.folded())
}

/// The whole HSM.
#[derive(Debug)]
pub struct Whole;

impl Target for Whole {
    type Plane = DataPlane;
    type Id = HsmName;

    fn container(id: &HsmName) -> HsmName {
        id.clone()
    }

    fn scope(_: &HsmName, _: &Store) -> Scope {
        Scope::Hsm
    }

    fn describe(id: &HsmName) -> String {
        format!("hsms/{id}")
    }

    fn lock(id: &HsmName) -> String {
        id.folded()
    }

    fn load(_: &HsmName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// All keys of an HSM.
#[derive(Debug)]
pub struct AllKeys;

impl Target for AllKeys {
    type Plane = DataPlane;
    type Id = HsmName;

    fn container(id: &HsmName) -> HsmName {
        id.clone()
    }

    fn scope(_: &HsmName, _: &Store) -> Scope {
        Scope::Keys
    }

    fn describe(id: &HsmName) -> String {
        format!("hsms/{id}/keys")
    }

    fn lock(id: &HsmName) -> String {
        id.folded()
    }

    fn load(_: &HsmName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Implements what all targets named by a [`KeyPath`] share.
macro_rules! named_by_key_path {
    ($folder:literal) => {
        type Plane = DataPlane;
        type Id = KeyPath;

        fn container(id: &KeyPath) -> HsmName {
            id.hsm.clone()
        }

        fn scope(id: &KeyPath, _: &Store) -> Scope {
            Scope::Key(id.name.clone())
        }

        fn describe(id: &KeyPath) -> String {
            format!("hsms/{}/{}/{}", id.hsm, $folder, id.name)
        }

        fn lock(id: &KeyPath) -> String {
            key_lock(&id.hsm, &id.name)
        }
    };
}

/// A name that can take a new version: free, or a live key's. A deleted key's name is taken.
#[derive(Debug)]
pub struct Name(pub Option<Arc<Key>>);

impl Target for Name {
    named_by_key_path!("keys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        match store.key(&id.hsm, &id.name) {
            Some(key) if key.deletion.is_some() => Err(Error::KeyDeleted { name: key.name.clone() }),
            key => Ok(Self(key)),
        }
    }
}

/// A live key with all its versions.
#[derive(Debug)]
pub struct LiveKey(pub Arc<Key>);

impl Target for LiveKey {
    named_by_key_path!("keys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        id.live(store).map(Self)
    }
}

/// A deleted key.
#[derive(Debug)]
pub struct DeletedKey(pub Arc<Key>);

impl Target for DeletedKey {
    named_by_key_path!("deletedKeys");

    fn load(id: &KeyPath, store: &Store) -> Result<Self> {
        match store.key(&id.hsm, &id.name) {
            Some(key) if key.deletion.is_some() => Ok(Self(key)),
            _ => Err(Error::DeletedKeyNotFound { hsm: id.hsm.clone(), name: id.name.clone() }),
        }
    }
}

/// One version of a live key, or its current one.
#[derive(Debug)]
pub struct Version(pub Arc<KeyVersion>);

impl Target for Version {
    type Plane = DataPlane;
    type Id = KeyId;

    fn container(id: &KeyId) -> HsmName {
        id.hsm.clone()
    }

    fn scope(id: &KeyId, _: &Store) -> Scope {
        Scope::Key(id.name.clone())
    }

    fn describe(id: &KeyId) -> String {
        id.to_string()
    }

    fn lock(id: &KeyId) -> String {
        key_lock(&id.hsm, &id.name)
    }

    fn load(id: &KeyId, store: &Store) -> Result<Self> {
        let live = store.key(&id.hsm, &id.name).filter(|key| key.deletion.is_none());
        let version = live.and_then(|key| key.version(id.version).cloned());
        version.map(Self).ok_or_else(|| Error::KeyNotFound { key: id.clone() })
    }
}

/// A scope at which a role assignment is made.
#[derive(Debug)]
pub struct RoleScope;

impl Target for RoleScope {
    type Plane = DataPlane;
    type Id = (HsmName, Scope);

    fn container(id: &Self::Id) -> HsmName {
        id.0.clone()
    }

    fn scope(id: &Self::Id, _: &Store) -> Scope {
        id.1.clone()
    }

    fn describe(id: &Self::Id) -> String {
        format!("hsms/{}/roleAssignments at {}", id.0, id.1)
    }

    fn lock(id: &Self::Id) -> String {
        id.0.folded()
    }

    fn load(_: &Self::Id, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Names a role definition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DefinitionPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The definition.
    pub id: Uuid,
    /// The scope at which it is asked for. Definitions belong to the whole HSM and are found there alone.
    pub scope: Scope,
}

/// A role definition.
#[derive(Debug)]
pub struct Definition(pub Arc<RoleDefinition>);

impl Target for Definition {
    type Plane = DataPlane;
    type Id = DefinitionPath;

    fn container(path: &DefinitionPath) -> HsmName {
        path.hsm.clone()
    }

    fn scope(path: &DefinitionPath, _: &Store) -> Scope {
        path.scope.clone()
    }

    fn describe(path: &DefinitionPath) -> String {
        format!("hsms/{}/roleDefinitions/{}", path.hsm, path.id)
    }

    fn lock(path: &DefinitionPath) -> String {
        path.hsm.folded()
    }

    fn load(path: &DefinitionPath, store: &Store) -> Result<Self> {
        let found = store.role_definition(&path.hsm, path.id).filter(|_| path.scope == Scope::Hsm);
        found.map(Self).ok_or(Error::RoleDefinitionNotFound)
    }
}

/// Names a role assignment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AssignmentPath {
    /// The HSM.
    pub hsm: HsmName,
    /// The assignment.
    pub id: Uuid,
    /// The scope at which it is asked for, where the name has one. It must be the assignment's own.
    pub scope: Option<Scope>,
}

impl AssignmentPath {
    fn asked(&self) -> Scope {
        self.scope.clone().unwrap_or(Scope::Hsm)
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
    type Id = AssignmentPath;

    fn container(path: &AssignmentPath) -> HsmName {
        path.hsm.clone()
    }

    /// The assignment's own scope. One that does not exist is asked for at the scope that is named, or at `/`, so that
    /// only who may see all of them learns that.
    fn scope(path: &AssignmentPath, store: &Store) -> Scope {
        path.find(store).map_or_else(|| path.asked(), |assignment| assignment.scope.clone())
    }

    fn asked(path: &AssignmentPath) -> Option<Scope> {
        Some(path.asked())
    }

    fn describe(path: &AssignmentPath) -> String {
        format!("hsms/{}/roleAssignments/{}", path.hsm, path.id)
    }

    fn lock(path: &AssignmentPath) -> String {
        path.hsm.folded()
    }

    fn load(path: &AssignmentPath, store: &Store) -> Result<Self> {
        let found = path.find(store).ok_or(Error::RoleAssignmentNotFound)?;
        Ok(found.as_ref().clone())
    }
}
