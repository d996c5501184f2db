//! The access to containers on their data planes: authorizes callers by the permission model of the container.

use std::sync::Arc;

use super::Engine;
use super::call_record::CallRecord;
use super::plane_access::{Availability, PlaneAccess};
use crate::identity::{Caller, authorize};
use crate::ids::Ids;
use crate::model::container::{Container, ContainerId, PermissionModel};
use crate::model::error::DeniedAction;
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::VaultName;
use crate::model::vault_rbac::{ObjectScope, VaultAction};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, DataPlane, Intents, VaultPlane};

impl PlaneAccess for DataPlane {
    type Resolved = Container;

    fn record_container(pending: &mut CallRecord, container: &ContainerId) {
        pending.set_container(container);
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
    ) -> Result<()> {
        if container.tenant() != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the HSM",
            });
        }
        let store = &engine.0.store;
        match container.permission_model() {
            PermissionModel::LocalRbac(hsm) => {
                let roles = || store.role_definitions(hsm);
                let denied = || DeniedAction::Data(action, scopes.1.clone());
                authorize(caller, |principal| store.grants(hsm, principal), action, scopes.0, roles, denied)
            }
            PermissionModel::Vault(_) => {
                Err(Error::Unsupported { what: "The data plane of vaults is not available yet".to_owned() })
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

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
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
        _: &Engine,
        _: &Caller,
        _: &Container,
        _: VaultAction,
        _: (&ObjectScope, &ObjectScope),
    ) -> Result<()> {
        Err(Error::Unsupported { what: "The data plane of vaults is not available yet".to_owned() })
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

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
    }
}

/// Creates the context of an operation on the data plane of a container, for all planes whose operations have one.
fn create_data_context(
    engine: &Engine,
    container: &Container,
    caller: Option<&Caller>,
    now: Timestamp,
    availability: Availability,
) -> Result<Cx> {
    // Read again: since it was found, it may have been deleted or replaced by another of the same name.
    let (id, resolved) = (container.id(), container.unique_id());
    let container = engine.container(&id)?;
    if container.unique_id() != resolved {
        return Err(Error::NotFound((&id).into()));
    }
    // assumption: the reply of a deleted HSM's data plane is not recorded.
    container.check_live()?;
    if availability.requires_activation {
        container.check_activated()?;
    }
    if !availability.during_restore {
        container.check_not_restoring()?;
    }
    let token = engine.0.tokens.of(&id)?;
    let inner = &engine.0;
    Ok(Cx {
        aes_modes: inner.key_policies.aes_modes.for_container(&id),
        backup: inner.key_policies.backup.for_container(&id),
        backup_queue: inner.backup_queue.clone(),
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
