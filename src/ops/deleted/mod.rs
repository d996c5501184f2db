//! Deleted keys: seen, recovered, purged.

mod expire;
mod get;
mod list;
mod purge;
mod recover;

use std::sync::Arc;

pub use expire::PurgeExpiredKey;
pub use get::GetDeletedKey;
pub use list::ListDeletedKeys;
pub use purge::PurgeDeletedKey;
pub use recover::RecoverDeletedKey;

use super::keys::KeyBundle;
use crate::model::key::Key;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::{Error, Result};

/// A deleted key as surfaces show it: its current version, and when it goes.
#[derive(Clone, Debug)]
pub struct DeletedKeyBundle {
    /// The current version, as it was.
    pub current: KeyBundle,
    /// The dates.
    pub deletion: Deletion,
}

impl DeletedKeyBundle {
    /// The bundle of a deleted key.
    ///
    /// # Errors
    /// `Internal` where the key is not deleted or has no version, which its type does not forbid.
    pub(super) fn of(key: &Arc<Key>, level: RecoveryLevel) -> Result<Self> {
        match (key.current(), key.deletion) {
            (Some(version), Some(deletion)) => {
                Ok(Self { current: KeyBundle { version: version.clone(), level }, deletion })
            }
            _ => Err(Error::internal(format!("{} is no deleted key with a version", key.name))),
        }
    }
}
