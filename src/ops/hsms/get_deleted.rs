//! Returns a deleted managed HSM.

use super::{DeletedHsm, DeletedHsmPath, HsmBundle};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::ops::{ControlCx, Done, Operation};

/// Returns a deleted HSM (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct GetDeletedManagedHsm {
    /// The deleted HSM.
    pub path: DeletedHsmPath,
}

impl Operation for GetDeletedManagedHsm {
    const NAME: &'static str = "GetDeletedManagedHsm";
    const EVENT: &'static str = "ManagedHsmGetDeleted";
    const ACTION: ControlAction = ControlAction::DeletedHsmRead;
    const METER: Meter = Meter::Free;
    type Target = DeletedHsm;
    type Reply = HsmBundle;

    fn target(&self) -> DeletedHsmPath {
        self.path.clone()
    }

    async fn execute(self, target: DeletedHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        Ok(Done::reply(HsmBundle::of(&target.0, &cx.store)))
    }
}
