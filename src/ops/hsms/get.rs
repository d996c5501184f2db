//! Returns a managed HSM.

use super::{HsmBundle, HsmPath, LiveHsm};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::ops::{ControlCx, Done, Operation};

/// Returns a live HSM.
#[derive(Clone, Debug)]
pub struct GetManagedHsm {
    /// The HSM.
    pub path: HsmPath,
}

impl Operation for GetManagedHsm {
    const NAME: &'static str = "GetManagedHsm";
    const EVENT: &'static str = "ManagedHsmGet";
    const ACTION: ControlAction = ControlAction::HsmRead;
    const METER: Meter = Meter::Free;
    type Target = LiveHsm;
    type Reply = HsmBundle;

    fn target(&self) -> HsmPath {
        self.path.clone()
    }

    async fn execute(self, target: LiveHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        Ok(Done::reply(HsmBundle::of(&target.0, &cx.store)))
    }
}
