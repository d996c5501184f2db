//! Purges a deleted managed HSM whose retention interval has ended, for the scheduler.

use super::purge::destroy;
use super::{DeletedHsm, DeletedHsmPath};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Purges a deleted HSM at its scheduled purge date. Purge protection ends with the retention interval
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct PurgeExpiredManagedHsm {
    /// The deleted HSM.
    pub path: DeletedHsmPath,
}

impl Operation for PurgeExpiredManagedHsm {
    const NAME: &'static str = "PurgeExpiredManagedHsm";
    const EVENT: &'static str = "ManagedHsmPurge";
    const ACTION: ControlAction = ControlAction::DeletedHsmPurge;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    const DESTROYS_WHEN_DUE: bool = true;
    type Target = DeletedHsm;
    type Reply = ();

    fn target(&self) -> DeletedHsmPath {
        self.path.clone()
    }

    /// Rejects an HSM that was recovered, or recovered and deleted again, since the work was scheduled.
    fn check(&self, target: &DeletedHsm, now: Timestamp) -> Result<()> {
        match target.0.deletion {
            Some(deletion) if deletion.scheduled_purge_at <= now => Ok(()),
            _ => Err(Error::Conflict { what: format!("deleted managed HSM {}", target.0.name) }),
        }
    }

    async fn execute(self, target: DeletedHsm, cx: &ControlCx) -> Result<Done<()>> {
        destroy(&target, cx).await
    }
}
