//! Says that the current version of a key expires soon, once.

use crate::model::change::Change;
use crate::model::due::Notice;
use crate::model::entry::Meter;
use crate::model::name::VersionId;
use crate::model::rbac::Action;
use crate::model::time::Work;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, KeyPath, LiveKey, Operation};

/// Notes that the current version of a key is near its expiry: what the scheduler does.
#[derive(Clone, Debug)]
pub struct NoteNearExpiry {
    /// Which key.
    pub key: KeyPath,
}

impl Operation for NoteNearExpiry {
    const NAME: &'static str = "NoteNearExpiry";
    const EVENT: &'static str = "KeyNearExpiryEventGridNotification";
    const ACTION: Action = Action::KeyRead;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveKey;
    type Reply = VersionId;

    fn target(&self) -> KeyPath {
        self.key.clone()
    }

    /// Rotated, or given another expiry, since it was seen to be due: then there is nothing to say.
    fn check(&self, target: &LiveKey, now: Timestamp) -> Result<()> {
        let key = &target.0;
        if key.is_due(&Work::NoteNearExpiry(key.name.clone()), now) {
            Ok(())
        } else {
            Err(Error::Conflict { what: format!("key {}", key.name) })
        }
    }

    async fn execute(self, target: LiveKey, cx: &Cx) -> Result<Done<VersionId>> {
        let key = &target.0;
        let current = key.current().ok_or_else(|| Error::internal(format!("{} has no version", key.name)))?;
        let note = Change::Note(cx.hsm.name.clone(), key.name.clone(), Notice::NearExpiry);
        Ok(Done::with(current.version, [note]))
    }
}
