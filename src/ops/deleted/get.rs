//! Returns a deleted key.

use super::DeletedKeyBundle;
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::local_rbac::DataAction;
use crate::ops::{Cx, DeletedKey, Done, KeyPath, Operation};

/// Returns a deleted key (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct GetDeletedKey {
    /// The deleted key.
    pub key: KeyPath,
}

impl Operation for GetDeletedKey {
    const NAME: &'static str = "GetDeletedKey";
    const EVENT: &'static str = "KeyGetDeleted";
    const ACTION: DataAction = DataAction::DeletedKeyRead;
    const METER: Meter = Meter::Management;
    type Target = DeletedKey;
    type Reply = DeletedKeyBundle;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    async fn execute(self, target: DeletedKey, cx: &Cx) -> Result<Done<DeletedKeyBundle>> {
        Ok(Done::reply(DeletedKeyBundle::of(&target.0, cx.recovery_level())?))
    }
}
