//! Concludes interrupted operations on managed HSMs: undoes a creation, and completes a purge.

use super::PurgeDeletedManagedHsm;
use crate::model::Result;
use crate::model::change::{Change, Intent};
use crate::model::deletion::{Deletable, Transition};
use crate::ops::{CompletedOperation, Operation as _, Recovered, Recovery, RecoveryCx, hsm_lock, wipe};

/// The recovery of intents to allocate a token for a new HSM.
pub(in crate::ops) const CREATION_RECOVERY: Recovery = Recovery {
    undoes: true,
    // A running creation of an HSM with this name may be using the token.
    lock: |intent, _| Some(hsm_lock(&intent.hsm)),
    resume: |intent, cx| Box::pin(roll_back_allocation(intent, cx)),
};

/// The recovery of intents to wipe the token of a deleted HSM.
pub(in crate::ops) const PURGE_RECOVERY: Recovery = Recovery {
    undoes: false,
    lock: |intent, _| Some(hsm_lock(&intent.hsm)),
    resume: |intent, cx| Box::pin(complete_purge(intent, cx)),
};

/// Rolls back the token allocation of an HSM that was not created.
async fn roll_back_allocation(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    if cx.store.hsm(&intent.hsm).is_none() {
        cx.tokens.detach(&intent.hsm);
    }
    cx.token_pool.rollback(intent.hsm.as_str(), || cx.store.token_serials()).await?;
    Ok(Recovered::default())
}

/// Wipes the token of an HSM, and removes the HSM from the store.
async fn complete_purge(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    let Some(hsm) = cx.store.hsm(&intent.hsm).filter(|hsm| hsm.deletion.is_some()) else {
        return Ok(Recovered::default());
    };
    wipe(&cx.store, &cx.token_pool, &hsm).await?;
    cx.tokens.detach(&hsm.name);
    let completed = CompletedOperation { event: PurgeDeletedManagedHsm::EVENT, target: hsm.deleted_id() };
    let purge = Transition::Purge(cx.clock.now());
    let changes = vec![Change::Transition(Deletable::ManagedHsm(hsm.name.clone()), purge)];
    Ok(Recovered { changes, completed: Some(completed) })
}
