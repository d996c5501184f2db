//! The access to containers on their data planes: authorizes callers by the permission model of the container.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::Engine;
use super::call_record::CallRecord;
use super::plane_access::{Availability, PlaneAccess};
use crate::identity::{Caller, authorize, authorize_in_vault};
use crate::ids::Ids;
use crate::model::audience::Audience;
use crate::model::container::{Container, ContainerId, PermissionModel};
use crate::model::error::DeniedAction;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::VaultName;
use crate::model::vault::Vault;
use crate::model::vault_rbac::{ObjectScope, VaultAction};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, DataPlane, Intents, VaultPlane};

impl PlaneAccess for DataPlane {
    type Resolved = Container;

    fn record_container(pending: &mut CallRecord, container: &ContainerId) {
        pending.set_container(container);
    }

    fn check_audience(caller: &Caller, container: &ContainerId) -> Result<()> {
        caller.require_audience(Audience::of_data_plane(container.kind()))
    }

    fn resolve(engine: &Engine, container: &ContainerId) -> Result<Container> {
        engine.container(container)
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        container: &Container,
        action: DataAction,
        scopes: (&LocalScope, &LocalScope),
    ) -> Result<Option<Uuid>> {
        let store = &engine.0.store;
        let container = current(engine, container)?;
        check_tenant(caller, &container)?;
        match container.permission_model() {
            PermissionModel::LocalRbac(hsm) => {
                let roles = || store.role_definitions(hsm);
                let denied = || DeniedAction::Data(action, scopes.1.clone());
                authorize(caller, |principal| store.grants(hsm, principal), action, scopes.0, roles, denied)?;
                Ok(None)
            }
            PermissionModel::Vault(vault) => {
                let action = action.vault_action().ok_or_else(|| Error::Unsupported {
                    what: format!("Vaults have no operation that requires {action}"),
                })?;
                let objects = (&scopes.0.in_vault(), &scopes.1.in_vault());
                in_vault(engine, caller, vault, action, objects)
            }
        }
    }

    fn create_context(
        engine: &Engine,
        container: Container,
        caller: Option<&Caller>,
        now: Timestamp,
        availability: Availability,
    ) -> Result<Cx> {
        create_data_context(engine, &container, caller, now, availability)
    }

    fn set_deadline(cx: &mut Cx, deadline: Instant) {
        cx.set_deadline(deadline);
    }

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
    }

    fn addressed(cx: &Cx) -> Option<&Container> {
        called_container(cx)
    }
}

impl PlaneAccess for VaultPlane {
    type Resolved = Container;

    fn record_container(pending: &mut CallRecord, vault: &VaultName) {
        pending.set_container(&vault.into());
    }

    fn resolve(engine: &Engine, vault: &VaultName) -> Result<Container> {
        engine.container(&ContainerId::from(vault))
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        container: &Container,
        action: VaultAction,
        scopes: (&ObjectScope, &ObjectScope),
    ) -> Result<Option<Uuid>> {
        let container = current(engine, container)?;
        check_tenant(caller, &container)?;
        let other = || Error::internal("an operation of vaults addresses another container");
        in_vault(engine, caller, container.vault().ok_or_else(other)?, action, scopes)
    }

    fn create_context(
        engine: &Engine,
        container: Container,
        caller: Option<&Caller>,
        now: Timestamp,
        availability: Availability,
    ) -> Result<Cx> {
        create_data_context(engine, &container, caller, now, availability)
    }

    fn set_deadline(cx: &mut Cx, deadline: Instant) {
        cx.set_deadline(deadline);
    }

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
    }

    fn addressed(cx: &Cx) -> Option<&Container> {
        called_container(cx)
    }
}

/// Returns the container in its current state: since it was found, what decides about access to it may have changed.
///
/// # Errors
/// `NotFound` if it was deleted, or replaced by another of the same name.
fn current(engine: &Engine, found: &Container) -> Result<Container> {
    let id = found.id();
    let container = engine.container(&id)?;
    match container.unique_id() == found.unique_id() {
        true => Ok(container),
        false => Err(Error::NotFound((&id).into())),
    }
}

fn check_tenant(caller: &Caller, container: &Container) -> Result<()> {
    match container.tenant() == caller.tenant {
        true => Ok(()),
        false => {
            Err(Error::Unauthenticated { why: "the credential belongs to another tenant than the container" })
        }
    }
}

/// Authorizes a caller in a vault by its role assignments or by the access policies of the vault. Returns the deciding role
/// assignment.
fn in_vault(
    engine: &Engine,
    caller: &Caller,
    vault: &Vault,
    action: VaultAction,
    objects: (&ObjectScope, &ObjectScope),
) -> Result<Option<Uuid>> {
    let store = &engine.0.store;
    let grants = |principal| store.vault_grants(principal);
    authorize_in_vault(caller, vault, grants, action, objects, || store.control_definitions())
}

impl Engine {
    fn container(&self, id: &ContainerId) -> Result<Container> {
        self.0.store.container(id).ok_or_else(|| Error::NotFound(id.into()))
    }
}

/// Returns the container that a caller addresses; `None` for operations of the service itself.
fn called_container(cx: &Cx) -> Option<&Container> {
    (!cx.caller_principals.is_empty()).then_some(&cx.container)
}

/// Creates the context of an operation on the data plane of a container, for all planes whose operations have one.
pub(super) fn create_data_context(
    engine: &Engine,
    container: &Container,
    caller: Option<&Caller>,
    now: Timestamp,
    availability: Availability,
) -> Result<Cx> {
    let container = current(engine, container)?;
    let id = container.id();
    // assumption: the reply of a deleted HSM's data plane is not recorded.
    container.check_live()?;
    if availability.requires_activation {
        container.check_activated()?;
    }
    if !availability.during_restore {
        container.check_not_restoring()?;
    }
    let attached =
        engine.0.tokens.of(&id).and_then(|token| match token.info().serial == container.token_serial() {
            true => Ok(token),
            false => Err(Error::TokenUnavailable { why: format!("the token of {id} is not attached yet") }),
        });
    let token = attached.map(|token| match caller {
        // Callers take turns in the queue of the token.
        Some(caller) => token.for_caller(caller.principal.0.as_u64_pair().1),
        None => token,
    });
    let inner = &engine.0;
    Ok(Cx {
        aes_modes: inner.key_policies.aes_modes.for_container(&id),
        backup: inner.key_policies.backup.for_container(&id),
        backup_queue: inner.backup_queue.clone(),
        security_worlds: inner.security_worlds.clone(),
        test_issuer: inner.test_issuer.clone(),
        storage: Arc::clone(&inner.storage),
        clock: inner.clock.clone(),
        container,
        token,
        store: inner.store.clone(),
        public_keys: inner.public_keys.clone(),
        ids: Ids,
        now,
        caller_principals: caller.map(Caller::principals).unwrap_or_default(),
        sure: inner.clock.certain_time(),
        intents: engine.intents(),
    })
}
