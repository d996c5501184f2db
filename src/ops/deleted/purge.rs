//! Purges a deleted key: destroys its objects in the token, then its record.

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::deletion::{Deletable, Transition};
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, DeletedKey, Done, KeyPath, Operation};

/// Purges a deleted key, unless purge protection is enabled
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct PurgeDeletedKey {
    /// The deleted key.
    pub key: KeyPath,
}

impl Operation for PurgeDeletedKey {
    const NAME: &'static str = "PurgeDeletedKey";
    const EVENT: &'static str = "KeyPurge";
    const ACTION: DataAction = DataAction::DeletedKeyPurge;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = DeletedKey;
    type Reply = ();

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: DeletedKey, cx: &Cx) -> Result<Done<()>> {
        if let Some(deletion) = target.0.deletion {
            cx.recovery_level().check_purge(deletion, cx.sure)?;
        }
        destroy(&target, cx).await
    }
}

/// Destroys the objects of a deleted key in the token, then its record.
pub(super) async fn destroy(target: &DeletedKey, cx: &Cx) -> Result<Done<()>> {
    let objects: Vec<_> = target.0.versions.iter().map(|version| version.version).collect();
    cx.declare_intent(IntentVerb::Destroy, objects.clone()).await?;
    cx.token.destroy(&objects).await?;
    let key = Deletable::Key(cx.hsm.name.clone(), target.0.name.clone());
    Ok(Done::with((), [Change::Transition(key, Transition::Purge(cx.now))]))
}
