//! Soft-deletes a key with all its versions.

use std::sync::Arc;

use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::deletion::{Deletable, Transition};
use crate::model::key::Key;
use crate::model::local_rbac::DataAction;
use crate::model::retention::Deletion;
use crate::ops::deleted::DeletedKeyBundle;
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation};

/// Soft-deletes a key and sets its scheduled purge date, which does not change later
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct DeleteKey {
    /// The key.
    pub key: KeyPath,
}

impl Operation for DeleteKey {
    const NAME: &'static str = "DeleteKey";
    const EVENT: &'static str = "KeyDelete";
    const ACTION: DataAction = DataAction::KeyDelete;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = DeletedKeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: LiveKey, cx: &Cx) -> Result<Done<DeletedKeyBundle>> {
        let deletion =
            Deletion { deleted_at: cx.now, scheduled_purge_at: cx.hsm.retention.purge_date(cx.now)? };
        let key = Deletable::Key(cx.hsm.name.clone(), target.0.name.clone());
        let deleted = Arc::new(Key { deletion: Some(deletion), ..target.0.as_ref().clone() });
        let bundle = DeletedKeyBundle::of(&deleted, cx.recovery_level())?;
        Ok(Done::with(bundle, [Change::Transition(key, Transition::SoftDelete(deletion))]))
    }
}
