//! Records that the current version of a key is near its expiry, once per expiry date.

use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::due::Notice;
use crate::model::local_rbac::DataAction;
use crate::model::name::VersionId;
use crate::model::time::ScheduledWork;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation};

/// Records that the current version of a key is near its expiry, for the scheduler.
#[derive(Clone, Debug)]
pub struct NoteNearExpiry {
    /// The key.
    pub key: KeyPath,
}

impl Operation for NoteNearExpiry {
    const NAME: &'static str = "NoteNearExpiry";
    const EVENT: &'static str = "KeyNearExpiryEventGridNotification";
    const ACTION: DataAction = DataAction::KeyRead;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = VersionId;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    /// Rejects a key that was rotated or whose expiry was changed since the work was scheduled.
    fn check(&self, target: &LiveKey, now: Timestamp) -> Result<()> {
        let key = &target.0;
        if key.is_due(&ScheduledWork::EmitNearExpiry(key.container.clone(), key.name.clone()), now) {
            Ok(())
        } else {
            Err(Error::Conflict { what: format!("key {}", key.name) })
        }
    }

    async fn execute(self, target: LiveKey, _: &Cx) -> Result<Done<VersionId>> {
        let key = &target.0;
        let current = key.current().ok_or_else(|| Error::internal(format!("{} has no version", key.name)))?;
        let note = Change::RecordNotice(key.container.clone(), key.name.clone(), Notice::NearExpiry);
        Ok(Done::with(current.version, [note]))
    }
}
