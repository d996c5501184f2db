//! The access to the contents of vaults through the control plane.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::Engine;
use super::call_record::CallRecord;
use super::container_access::create_data_context;
use super::plane_access::{Availability, PlaneAccess};
use crate::identity::Caller;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::container::Container;
use crate::model::resource::Subscription;
use crate::model::{Result, Timestamp};
use crate::ops::{ControlPlane, Cx, Intents, Plane, VaultContentsPlane};

/// The path of a vault as a resource.
type VaultPath = <VaultContentsPlane as Plane>::Container;

impl PlaneAccess for VaultContentsPlane {
    /// The vault is looked for once the caller is authorized.
    type Resolved = (Arc<Subscription>, VaultPath);

    fn record_container(pending: &mut CallRecord, vault: &VaultPath) {
        pending.set_container(&(&vault.name).into());
    }

    fn resolve(engine: &Engine, vault: &VaultPath) -> Result<Self::Resolved> {
        Ok((ControlPlane::resolve(engine, &vault.subscription)?, vault.clone()))
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        (subscription, _): &Self::Resolved,
        action: ControlAction,
        scopes: (&ControlScope, &ControlScope),
    ) -> Result<Option<Uuid>> {
        ControlPlane::authorize(engine, caller, subscription, action, scopes)
    }

    fn create_context(
        engine: &Engine,
        (_, vault): Self::Resolved,
        caller: Option<&Caller>,
        now: Timestamp,
        availability: Availability,
    ) -> Result<Cx> {
        let vault = vault.live(&engine.0.store)?;
        create_data_context(engine, &Container::Vault(vault), caller, now, availability)
    }

    fn set_deadline(cx: &mut Cx, deadline: Instant) {
        cx.set_deadline(deadline);
    }

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
    }
}
