//! Completes an interrupted purge: destroys the key material of the resource, then its record.

use super::SoftDeletable;
use crate::model::Result;
use crate::model::change::{Change, Intent};
use crate::model::deletion::Transition;
use crate::ops::{CompletedOperation, Recovered, Recovery, RecoveryCx, Target as _};

/// Returns the recovery of the intents of a noun's purges.
pub(in crate::ops) const fn purge_recovery<R: SoftDeletable>() -> Recovery {
    Recovery {
        undoes: false,
        lock: |intent, store| {
            R::purged_by(intent, store).map(|deleted| R::Deleted::lock(&deleted.deleted_path()))
        },
        resume: |intent, cx| Box::pin(complete_purge::<R>(intent, cx)),
    }
}

/// Returns the recovery of intents to destroy objects of purged resources of two nouns: of `First`, unless no such resource has the
/// objects.
pub(in crate::ops) const fn purge_recovery_of_either<First: SoftDeletable, Second: SoftDeletable>() -> Recovery
{
    Recovery {
        undoes: false,
        lock: |intent, store| {
            let first =
                First::purged_by(intent, store).map(|deleted| First::Deleted::lock(&deleted.deleted_path()));
            first.or_else(|| {
                Second::purged_by(intent, store).map(|deleted| Second::Deleted::lock(&deleted.deleted_path()))
            })
        },
        resume: |intent, cx| {
            if First::purged_by(intent, &cx.store).is_some() {
                Box::pin(complete_purge::<First>(intent, cx))
            } else {
                Box::pin(complete_purge::<Second>(intent, cx))
            }
        },
    }
}

async fn complete_purge<R: SoftDeletable>(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    let deleted = R::purged_by(intent, &cx.store);
    R::repeat_destroy(intent, deleted.as_deref(), cx).await?;
    let Some(deleted) = deleted else { return Ok(Recovered::default()) };
    let target = R::Deleted::describe(&deleted.deleted_path());
    let purge = Change::Transition(deleted.reference(), Transition::Purge(cx.clock.now()));
    let completed = CompletedOperation { event: R::OPERATIONS.purge.event, target };
    Ok(Recovered { changes: vec![purge], completed: Some(completed) })
}
