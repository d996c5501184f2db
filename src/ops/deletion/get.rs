//! Returns a deleted resource.

use super::{SoftDeletable, check_soft_delete};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CxOf, Done, Operation, Target};

/// Returns a deleted resource (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct GetDeleted<R: SoftDeletable> {
    /// The deleted resource.
    pub id: <R::Deleted as Target>::Id,
}

clone_by_fields!(GetDeleted<R: SoftDeletable> { id });

impl<R: SoftDeletable> Operation for GetDeleted<R> {
    const NAME: &'static str = R::OPERATIONS.get_deleted.name;
    const EVENT: &'static str = R::OPERATIONS.get_deleted.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.get_deleted.action;
    const METER: Meter = R::OPERATIONS.get_deleted.meter;
    type Target = R::Deleted;
    type Reply = R::DeletedBundle;

    fn target(&self) -> <R::Deleted as Target>::Id {
        self.id.clone()
    }

    fn check_context(&self, cx: &CxOf<Self>) -> Result<()> {
        check_soft_delete(cx, "get")
    }

    async fn execute(self, target: R::Deleted, cx: &CxOf<Self>) -> Result<Done<R::DeletedBundle>> {
        let deleted = target.as_ref();
        Ok(Done::reply(deleted.deleted_bundle(deleted.recovery_level(cx))?))
    }
}
