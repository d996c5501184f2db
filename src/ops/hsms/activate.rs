//! Activates a managed HSM.

use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::ops::security_domain::{self, DomainSecrets};
use crate::ops::{Cx, DataPlane, Done, Operation, Target, WholeHsm, hsm_lock};
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
        // Read again: the HSM may have changed since the call was authorized.
        let hsm = cx
            .store
            .hsm(&cx.managed_hsm().name)
            .ok_or_else(|| Error::NotFound((&cx.managed_hsm().name).into()))?;
        let mut active = ManagedHsm { activation: Activation::Active, ..hsm.as_ref().clone() };
        if hsm.security_domain.is_none() && security_domain::is_supported(&cx.token) {
            let objects = [cx.ids.version(), cx.ids.version()];
            cx.declare_intent(IntentVerb::Create, objects.to_vec()).await?;
            let secrets = DomainSecrets::generate(&cx.token).await?;
            active.security_domain =
                Some(security_domain::install(&secrets, &cx.token, hsm.id, objects).await?);
        }
        if active == *hsm {
            return Ok(Done::reply(()));
        }
        Ok(Done::with((), [Change::ReplaceHsm(active)]))
    }
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
