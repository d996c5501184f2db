//! Recovers a deleted resource with everything in it.

use std::sync::Arc;

use super::{SoftDeletable, check_soft_delete};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::Transition;
use crate::model::{Error, Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Recovers a deleted resource with everything in it: the versions of a key; the keys, deleted keys with their dates, and
/// role assignments of an HSM (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct Recover<R: SoftDeletable> {
    /// The deleted resource.
    pub id: <R::Recoverable as Target>::Id,
}

clone_by_fields!(Recover<R: SoftDeletable> { id });

impl<R: SoftDeletable> Operation for Recover<R> {
    const NAME: &'static str = R::OPERATIONS.recover.name;
    const EVENT: &'static str = R::OPERATIONS.recover.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.recover.action;
    const METER: Meter = R::OPERATIONS.recover.meter;
    const CHANGES: bool = true;
    type Target = R::Recoverable;
    type Reply = R::LiveBundle;

    fn target(&self) -> <R::Recoverable as Target>::Id {
        self.id.clone()
    }

    fn check_context(&self, cx: &CxOf<Self>) -> Result<()> {
        check_soft_delete(cx, "recover")
    }

    fn check(&self, target: &R::Recoverable, _: Timestamp) -> Result<()> {
        target.as_ref().check_changeable("recover")
    }

    async fn execute(self, target: R::Recoverable, cx: &CxOf<Self>) -> Result<Done<R::LiveBundle>> {
        let deleted = target.as_ref();
        // The sweeper completes an interrupted purge, whose objects may already be destroyed.
        if cx.store().intents().iter().any(|intent| deleted.is_purged_by(intent)) {
            let (kind, name) = (R::KIND_DURING_PURGE, deleted.reference().live());
            return Err(Error::Conflict { what: format!("{kind} {} is being purged, so it", name.id()) });
        }
        let bundle =
            Arc::new(deleted.with_deletion(None, cx.now())).live_bundle(deleted.recovery_level(cx))?;
        Ok(Done::with(bundle, [Change::Transition(deleted.reference(), Transition::Recover(cx.now()))]))
    }
}
