//! Activates a managed HSM.

use std::sync::Arc;

use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::container::ContainerId;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::ops::{Cx, DataPlane, Done, Operation, Target, WholeHsm, hsm_lock, security_domain};
use crate::store::Store;

/// Activates an HSM, with a new security domain; has no effect on an active one. Azure activates an HSM when its security
/// domain is downloaded: this operation requires the same data action.
#[derive(Clone, Debug)]
pub struct ActivateManagedHsm {
    /// The HSM.
    pub hsm: HsmName,
}

impl Operation for ActivateManagedHsm {
    const NAME: &'static str = "ActivateManagedHsm";
    const EVENT: &'static str = "ManagedHsmActivate";
    // assumption: Azure activates the HSM with the download itself.
    const ACTION: DataAction = DataAction::SecurityDomainDownload;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const REQUIRES_ACTIVATION: bool = false;
    type Target = HsmInAnyState;
    type Reply = ();

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: HsmInAnyState, cx: &Cx) -> Result<Done<()>> {
        let hsm = current_hsm(cx)?;
        let mut active = ManagedHsm { activation: Activation::Active, ..hsm.as_ref().clone() };
        if active.security_domain.is_none() {
            active.security_domain = security_domain::generate(cx).await?;
        }
        let changes = if active == *hsm { Vec::new() } else { vec![Change::ReplaceHsm(active)] };
        Ok(Done::with((), changes))
    }
}

/// Reads the addressed HSM again: it may have changed since the call was authorized.
pub(in crate::ops) fn current_hsm(cx: &Cx) -> Result<Arc<ManagedHsm>> {
    let name = &cx.managed_hsm()?.name;
    cx.store.hsm(name).ok_or_else(|| Error::NotFound(name.into()))
}

/// An HSM in any activation state. Shares the lock of changes to the HSM resource.
#[derive(Debug)]
pub struct HsmInAnyState;

impl Target for HsmInAnyState {
    type Plane = DataPlane;
    type Id = HsmName;

    fn container(id: &HsmName) -> ContainerId {
        WholeHsm::container(id)
    }

    fn scope(id: &HsmName, store: &Store) -> LocalScope {
        WholeHsm::scope(id, store)
    }

    fn describe(id: &HsmName) -> String {
        WholeHsm::describe(id)
    }

    fn lock(id: &HsmName) -> String {
        hsm_lock(id)
    }

    fn load(_: &HsmName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
