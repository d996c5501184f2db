//! Purges a deleted resource whose retention interval has ended, for the scheduler.

use super::SoftDeletable;
use super::purge::destroy;
use crate::model::audit_entry::Meter;
use crate::model::{Error, Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CxOf, Done, Operation, Target};

/// Purges a deleted resource at its scheduled purge date. Purge protection ends with the retention interval
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct PurgeExpired<R: SoftDeletable> {
    /// The deleted resource.
    pub id: <R::Deleted as Target>::Id,
}

clone_by_fields!(PurgeExpired<R: SoftDeletable> { id });

impl<R: SoftDeletable> Operation for PurgeExpired<R> {
    const NAME: &'static str = R::OPERATIONS.purge_expired;
    const EVENT: &'static str = R::OPERATIONS.purge.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.purge.action;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    const DESTROYS_WHEN_DUE: bool = true;
    type Target = R::Deleted;
    type Reply = ();

    fn target(&self) -> <R::Deleted as Target>::Id {
        self.id.clone()
    }

    /// Rejects a resource that was recovered, or recovered and deleted again, since the work was scheduled.
    fn check(&self, target: &R::Deleted, now: Timestamp) -> Result<()> {
        let deleted = target.as_ref();
        match deleted.deletion() {
            Some(deletion) if deletion.scheduled_purge_at <= now => Ok(()),
            _ => {
                let resource = deleted.reference().deleted();
                Err(Error::Conflict { what: format!("{} {}", resource.kind, resource.id()) })
            }
        }
    }

    async fn execute(self, target: R::Deleted, cx: &CxOf<Self>) -> Result<Done<()>> {
        Ok(Done::with((), [destroy(&**target.as_ref(), cx).await?]))
    }
}
