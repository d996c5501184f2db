//! Undoes an interrupted creation of a managed HSM: rolls back the allocation of its token.

use crate::model::Result;
use crate::model::change::Intent;
use crate::ops::{Recovered, Recovery, RecoveryCx, hsm_lock};

/// The recovery of intents to allocate a token for a new HSM.
pub(in crate::ops) const CREATION_RECOVERY: Recovery = Recovery {
    undoes: true,
    // A running creation of an HSM with this name may be using the token.
    lock: |intent, _| Some(hsm_lock(&intent.hsm)),
    resume: |intent, cx| Box::pin(roll_back_allocation(intent, cx)),
};

/// Rolls back the token allocation of an HSM that was not created.
async fn roll_back_allocation(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    if cx.store.hsm(&intent.hsm).is_none() {
        cx.tokens.detach(&intent.hsm);
    }
    cx.token_pool.rollback(intent.hsm.as_str(), || cx.store.token_serials()).await?;
    Ok(Recovered::default())
}
