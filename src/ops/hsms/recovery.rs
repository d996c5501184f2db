//! Undoes an interrupted creation of a managed HSM: rolls back the allocation of its token.

use crate::model::Result;
use crate::model::change::Intent;
use crate::model::container::ContainerId;
use crate::ops::{Recovered, Recovery, RecoveryCx, hsm_lock};

/// The recovery of intents to allocate a token for a new HSM.
pub(in crate::ops) const CREATION_RECOVERY: Recovery = Recovery {
    undoes: true,
    // A running creation of an HSM with this name may be using the token.
    lock: |intent, _| {
        let ContainerId::ManagedHsm(name) = &intent.container;
        Some(hsm_lock(name))
    },
    resume: |intent, cx| Box::pin(roll_back_allocation(intent, cx)),
};

/// Rolls back the token allocation of an HSM that was not created.
async fn roll_back_allocation(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    if cx.store.container(&intent.container).is_none() {
        cx.tokens.detach(&intent.container);
    }
    cx.token_pool.rollback(intent.container.as_stored(), || cx.store.token_serials()).await?;
    Ok(Recovered::default())
}
