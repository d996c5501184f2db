//! Soft-deletes a resource with everything in it.

use std::sync::Arc;

use super::SoftDeletable;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::Transition;
use crate::model::retention::Deletion;
use crate::model::{Result, Timestamp};
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Soft-deletes a resource and sets its scheduled purge date, which does not change later. Its name stays reserved
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct Delete<R: SoftDeletable> {
    /// The resource.
    pub id: <R::Live as Target>::Id,
}

impl<R: SoftDeletable> Operation for Delete<R> {
    const NAME: &'static str = R::OPERATIONS.delete.name;
    const EVENT: &'static str = R::OPERATIONS.delete.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.delete.action;
    const METER: Meter = R::OPERATIONS.delete.meter;
    const CHANGES: bool = true;
    type Target = R::Live;
    type Reply = R::DeletedBundle;

    fn target(&self) -> <R::Live as Target>::Id {
        self.id.clone()
    }

    fn check(&self, target: &R::Live, _: Timestamp) -> Result<()> {
        target.as_ref().check_changeable("delete")
    }

    async fn execute(self, target: R::Live, cx: &CxOf<Self>) -> Result<Done<R::DeletedBundle>> {
        let live = target.as_ref();
        let level = live.recovery_level(cx);
        let deletion = Deletion::new(cx.now(), level.retention)?;
        let bundle = Arc::new(live.with_deletion(Some(deletion), cx.now())).deleted_bundle(level)?;
        Ok(Done::with(bundle, [Change::Transition(live.reference(), Transition::SoftDelete(deletion))]))
    }
}
