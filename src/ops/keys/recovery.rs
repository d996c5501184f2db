//! Undoes an interrupted creation, import or rotation of a key: destroys its objects, which no reply has named.

use crate::model::Result;
use crate::model::change::Intent;
use crate::ops::{Recovered, Recovery, RecoveryCx};

/// The recovery of intents to create the objects of a key version.
pub(in crate::ops) const CREATION_RECOVERY: Recovery = Recovery {
    undoes: true,
    // The identifiers of the objects were generated for the interrupted operation.
    lock: |_, _| None,
    resume: |intent, cx| Box::pin(destroy_objects(intent, cx)),
};

async fn destroy_objects(intent: &Intent, cx: &RecoveryCx) -> Result<Recovered> {
    cx.tokens.of(&intent.container)?.destroy(&intent.objects).await?;
    Ok(Recovered::default())
}
