//! Purges a deleted resource: destroys its key material in the token, then its record.

use super::{CxOfNoun, SoftDeletable, check_soft_delete};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::Transition;
use crate::model::{Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Purges a deleted resource, unless purge protection is enabled. Its name becomes available
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
pub struct Purge<R: SoftDeletable> {
    /// The deleted resource.
    pub id: <R::Deleted as Target>::Id,
}

clone_by_fields!(Purge<R: SoftDeletable> { id });

impl<R: SoftDeletable> Operation for Purge<R> {
    const NAME: &'static str = R::OPERATIONS.purge.name;
    const EVENT: &'static str = R::OPERATIONS.purge.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.purge.action;
    const METER: Meter = R::OPERATIONS.purge.meter;
    const CHANGES: bool = true;
    type Target = R::Deleted;
    type Reply = R::PurgeReply;

    fn target(&self) -> <R::Deleted as Target>::Id {
        self.id.clone()
    }

    fn check_context(&self, cx: &CxOf<Self>) -> Result<()> {
        check_soft_delete(cx, "purge")
    }

    fn check(&self, target: &R::Deleted, _: Timestamp) -> Result<()> {
        target.as_ref().check_changeable("purge")
    }

    async fn execute(self, target: R::Deleted, cx: &CxOf<Self>) -> Result<Done<R::PurgeReply>> {
        let deleted = target.as_ref();
        let level = deleted.recovery_level(cx);
        if let Some(deletion) = deleted.deletion() {
            level.check_purge(deletion, cx.sure())?;
        }
        let change = destroy(&**deleted, cx).await?;
        Ok(Done::with(deleted.purge_reply(level), [change]))
    }
}

/// Destroys the key material of a deleted resource, and returns the change that removes its record.
pub(super) async fn destroy<R: SoftDeletable>(deleted: &R, cx: &CxOfNoun<R>) -> Result<Change> {
    let reference = deleted.reference();
    if let Some((verb, objects)) = deleted.purge_intent() {
        cx.intents().declare(&reference.container(), verb, objects).await?;
    }
    deleted.destroy(cx).await?;
    Ok(Change::Transition(reference, Transition::Purge(cx.now())))
}
