//! Completes an interrupted purge of a key: destroys its objects, then its record.

use super::PurgeDeletedKey;
use crate::model::Result;
use crate::model::change::{Change, Intent};
use crate::model::deletion::{Deletable, Transition};
use crate::ops::{
    CompletedOperation, DeletedKey, KeyPath, Operation as _, Recovered, Recovery, RecoveryCx, Target,
};
use crate::store::{Listing, Store};

/// The recovery of intents to destroy the objects of a deleted key.
pub(in crate::ops) const PURGE_RECOVERY: Recovery = Recovery {
    undoes: false,
    lock: |intent, store| purged_key(intent, store).map(|key| DeletedKey::lock(&key)),
    resume: |intent, cx| Box::pin(complete_purge(intent, cx)),
};

async fn complete_purge(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    let key = purged_key(intent, &cx.store);
    cx.tokens.of(&intent.hsm)?.destroy(&intent.objects).await?;
    let Some(key) = key else { return Ok(Recovered::default()) };
    let completed = CompletedOperation { event: PurgeDeletedKey::EVENT, target: DeletedKey::describe(&key) };
    let purge = Transition::Purge(cx.clock.now());
    let changes = vec![Change::Transition(Deletable::Key(key.hsm, key.name), purge)];
    Ok(Recovered { changes, completed: Some(completed) })
}

/// Returns the deleted key whose versions the intent names.
fn purged_key(intent: &Intent, store: &Store) -> Option<KeyPath> {
    let deleted = store.keys(&intent.hsm, Listing::Deleted, None, usize::MAX);
    let key = deleted
        .into_iter()
        .find(|key| key.versions.iter().all(|version| intent.objects.contains(&version.version)))?;
    Some(KeyPath { hsm: intent.hsm.clone(), name: key.name.clone() })
}
