//! Puts a managed HSM into service.

use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::HsmName;
use crate::model::rbac::{Action, Scope};
use crate::model::{Error, Result};
use crate::ops::{Cx, DataPlane, Done, Operation, Target, Whole, hsm_lock};
use crate::store::Store;

/// Activates an HSM; one that is active stays so. The real service does this when its security domain is downloaded, which is not
/// built yet: so this is for who may do that.
#[derive(Clone, Debug)]
pub struct ActivateManagedHsm {
    /// Which.
    pub hsm: HsmName,
}

impl Operation for ActivateManagedHsm {
    const NAME: &'static str = "ActivateManagedHsm";
    const EVENT: &'static str = "ManagedHsmActivate";
    // assumption: the real service is activated by the download itself.
    const ACTION: Action = Action::SecurityDomainDownload;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    const IN_SERVICE: bool = false;
    type Target = InAnyState;
    type Reply = ();

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: InAnyState, cx: &Cx) -> Result<Done<()>> {
        // As it is now: the one the call was let in with may have been changed since.
        let hsm =
            cx.store.hsm(&cx.hsm.name).ok_or_else(|| Error::HsmNotFound { hsm: cx.hsm.name.clone() })?;
        if hsm.activation == Activation::Active {
            return Ok(Done::reply(()));
        }
        let active = ManagedHsm { activation: Activation::Active, ..hsm.as_ref().clone() };
        Ok(Done::with((), [Change::ReplaceHsm(active)]))
    }
}

/// An HSM, activated or not. Excluded by what changes the HSM as a resource, too.
#[derive(Debug)]
pub struct InAnyState;

impl Target for InAnyState {
    type Plane = DataPlane;
    type Id = HsmName;

    fn container(id: &HsmName) -> HsmName {
        Whole::container(id)
    }

    fn scope(id: &HsmName, store: &Store) -> Scope {
        Whole::scope(id, store)
    }

    fn describe(id: &HsmName) -> String {
        Whole::describe(id)
    }

    fn lock(id: &HsmName) -> String {
        hsm_lock(id)
    }

    fn load(_: &HsmName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
