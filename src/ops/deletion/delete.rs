//! Deletes a resource with everything in it.

use std::sync::Arc;

use super::SoftDeletable;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, Intent};
use crate::model::deletion::Transition;
use crate::model::{Result, Timestamp};
use crate::ops::clone::clone_by_fields;
use crate::ops::{ActionOf, CommonCx as _, CxOf, Done, Operation, Target};

/// Soft-deletes a resource and sets its scheduled purge date, which does not change later. Its name stays reserved
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
///
/// In a vault without soft-delete, the resource is soft-deleted and purged in one call. One transaction removes its record and
/// opens the intent to destroy its key material, which follows before the reply; if it is interrupted, the sweeper completes it.
/// A container keeps its record until its token is wiped, so that nothing else can get its name.
pub struct Delete<R: SoftDeletable> {
    /// The resource.
    pub id: <R::Live as Target>::Id,
}

clone_by_fields!(Delete<R: SoftDeletable> { id });

impl<R: SoftDeletable> Operation for Delete<R> {
    const NAME: &'static str = R::OPERATIONS.delete.name;
    const EVENT: &'static str = R::OPERATIONS.delete.event;
    const ACTION: ActionOf<Self> = R::OPERATIONS.delete.action;
    const METER: Meter = R::OPERATIONS.delete.meter;
    const CHANGES: bool = true;
    const AWAITS_INTENT: bool = true;
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
        let deletion = level.deletion_at(cx.now())?;
        let bundle = Arc::new(live.with_deletion(Some(deletion), cx.now())).deleted_bundle(level)?;
        let mut changes = vec![Change::Transition(live.reference(), Transition::SoftDelete(deletion))];
        if !deletion.is_permanent() {
            return Ok(Done::with(bundle, changes));
        }
        let (reference, id) = (live.reference(), cx.ids().ordered());
        let intent = |(verb, objects)| Intent { id, container: reference.container(), verb, objects };
        let open = live.purge_intent().map(intent);
        if !R::PURGE_NEEDS_RECORD {
            changes.push(Change::Transition(reference.clone(), Transition::Purge(cx.now())));
        }
        Ok(Done { open, ..Done::with(bundle, changes) })
    }
}
