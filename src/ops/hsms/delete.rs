//! Soft-deletes a managed HSM with its keys and role assignments.

use std::sync::Arc;

use super::{HsmBundle, HsmPath, LiveHsm};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::{Deletable, Transition};
use crate::model::hsm::ManagedHsm;
use crate::model::retention::Deletion;
use crate::ops::{ControlCx, Done, Operation};

/// Soft-deletes an HSM. Its name stays reserved, and it is billed until it is purged
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct DeleteManagedHsm {
    /// The HSM.
    pub path: HsmPath,
}

impl Operation for DeleteManagedHsm {
    const NAME: &'static str = "DeleteManagedHsm";
    const EVENT: &'static str = "ManagedHsmDelete";
    const ACTION: ControlAction = ControlAction::HsmDelete;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveHsm;
    type Reply = HsmBundle;

    fn target(&self) -> HsmPath {
        self.path.clone()
    }

    async fn execute(self, target: LiveHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        let hsm = target.0;
        let deletion = Deletion { deleted_at: cx.now, scheduled_purge_at: hsm.retention.purge_date(cx.now)? };
        let deleted = ManagedHsm { deletion: Some(deletion), ..hsm.as_ref().clone() };
        let bundle = HsmBundle::of(&Arc::new(deleted), &cx.store);
        Ok(Done::with(
            bundle,
            [Change::Transition(Deletable::ManagedHsm(hsm.name.clone()), Transition::SoftDelete(deletion))],
        ))
    }
}
