//! Brings a deleted key back with all its versions.

use super::DeletedKeyBundle;
use crate::model::change::{Change, IntentVerb};
use crate::model::entry::Meter;
use crate::model::rbac::Action;
use crate::model::{Error, Result};
use crate::ops::keys::KeyBundle;
use crate::ops::{Cx, DeletedKey, Done, KeyPath, Operation};

/// Recovers a deleted key.
#[derive(Clone, Debug)]
pub struct RecoverDeletedKey {
    /// Which.
    pub key: KeyPath,
}

impl Operation for RecoverDeletedKey {
    const NAME: &'static str = "RecoverDeletedKey";
    const EVENT: &'static str = "KeyRecover";
    const ACTION: Action = Action::DeletedKeyRecover;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = DeletedKey;
    type Reply = KeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: DeletedKey, cx: &Cx) -> Result<Done<KeyBundle>> {
        // A purge that began and was interrupted is finished by the sweeper; its objects may be gone.
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
        let name = target.0.name.clone();
        Ok(Done::with(bundle.current, [Change::Recover(cx.hsm.name.clone(), name)]))
    }
}
