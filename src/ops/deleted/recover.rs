//! Recovers a deleted key with all its versions.

use super::DeletedKeyBundle;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::deletion::{Deletable, Transition};
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Result};
use crate::ops::keys::KeyBundle;
use crate::ops::{Cx, DeletedKey, Done, KeyPath, Operation};

/// Recovers a deleted key (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct RecoverDeletedKey {
    /// The deleted key.
    pub key: KeyPath,
}

impl Operation for RecoverDeletedKey {
    const NAME: &'static str = "RecoverDeletedKey";
    const EVENT: &'static str = "KeyRecover";
    const ACTION: DataAction = DataAction::DeletedKeyRecover;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = DeletedKey;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: DeletedKey, cx: &Cx) -> Result<Done<KeyBundle>> {
        // The sweeper completes an interrupted purge, whose objects may already be destroyed.
        let begun = cx.store.intents().into_iter().any(|intent| {
            intent.verb == IntentVerb::Destroy
                && intent.hsm == cx.hsm.name
                && target.0.versions.iter().any(|version| intent.objects.contains(&version.version))
        });
        if begun {
            return Err(Error::Conflict {
                what: format!("deleted key {} is being purged, so it", target.0.name),
            });
        }
        let bundle = DeletedKeyBundle::of(&target.0, cx.recovery_level())?;
        let key = Deletable::Key(cx.hsm.name.clone(), target.0.name.clone());
        Ok(Done::with(bundle.current, [Change::Transition(key, Transition::Recover(cx.now))]))
    }
}
