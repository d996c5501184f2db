//! Purges a deleted key whose retention interval has ended, for the scheduler.

use super::purge::destroy;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, DeletedKey, Done, KeyPath, Operation};

/// Purges a deleted key at its scheduled purge date. Purge protection ends with the retention interval
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct PurgeExpiredKey {
    /// The deleted key.
    pub key: KeyPath,
}

impl Operation for PurgeExpiredKey {
    const NAME: &'static str = "PurgeExpiredKey";
    const EVENT: &'static str = "KeyPurge";
    const ACTION: DataAction = DataAction::DeletedKeyPurge;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    const DESTROYS_WHEN_DUE: bool = true;
    type Target = DeletedKey;
    type Reply = ();

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    /// Rejects a key that was recovered, or recovered and deleted again, since the work was scheduled.
    fn check(&self, target: &DeletedKey, now: Timestamp) -> Result<()> {
        match target.0.deletion {
            Some(deletion) if deletion.scheduled_purge_at <= now => Ok(()),
            _ => Err(Error::Conflict { what: format!("deleted key {}", target.0.name) }),
        }
    }

    async fn execute(self, target: DeletedKey, cx: &Cx) -> Result<Done<()>> {
        destroy(&target, cx).await
    }
}
