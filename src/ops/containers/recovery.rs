//! Undoes an interrupted creation of a container: rolls back the allocation of its token.

use crate::model::Result;
use crate::model::change::Intent;
use crate::ops::{Recovered, Recovery, RecoveryCx, container_lock};

/// The recovery of intents to allocate a token for a new container.
pub(in crate::ops) const CREATION_RECOVERY: Recovery = Recovery {
    undoes: true,
    // A running creation of a container with this name may be using the token.
    lock: |intent, _| Some(container_lock(&intent.container)),
    resume: |intent, cx| Box::pin(roll_back_allocation(intent, cx)),
};

/// Rolls back the token allocation of a container that was not created.
async fn roll_back_allocation(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    if cx.store.container(&intent.container).is_none() {
        cx.tokens.detach(&intent.container);
    }
    cx.token_pool.rollback(intent.container.as_stored(), || cx.store.token_serials()).await?;
    Ok(Recovered::default())
}
