//! Recovers a deleted managed HSM with its keys and role assignments.

use std::sync::Arc;

use super::{DeletedHsmPath, HsmBundle, RecoverableHsm, is_being_purged};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::{Deletable, Transition};
use crate::model::hsm::ManagedHsm;
use crate::model::{Error, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Recovers a deleted HSM with its keys, deleted keys and their dates, and role assignments
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct RecoverDeletedManagedHsm {
    /// The deleted HSM.
    pub path: DeletedHsmPath,
}

impl Operation for RecoverDeletedManagedHsm {
    const NAME: &'static str = "RecoverDeletedManagedHsm";
    const EVENT: &'static str = "ManagedHsmRecover";
    const ACTION: ControlAction = ControlAction::HsmWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = RecoverableHsm;
    type Reply = HsmBundle;

    fn target(&self) -> DeletedHsmPath {
        self.path.clone()
    }

    async fn execute(self, target: RecoverableHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        let hsm = target.0;
        if is_being_purged(&hsm, cx) {
            return Err(Error::Conflict { what: format!("managed HSM {} is being purged, so it", hsm.name) });
        }
        let live = ManagedHsm { deletion: None, ..hsm.as_ref().clone() };
        let bundle = HsmBundle::of(&Arc::new(live), &cx.store);
        Ok(Done::with(
            bundle,
            [Change::Transition(Deletable::ManagedHsm(hsm.name.clone()), Transition::Recover(cx.now))],
        ))
    }
}
