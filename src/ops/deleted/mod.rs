//! Soft-deleted keys: get, list, recover and purge.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>

mod expire;
mod get;
mod list;
mod purge;
mod recover;
mod recovery;

use std::sync::Arc;

pub use expire::PurgeExpiredKey;
pub use get::GetDeletedKey;
pub use list::ListDeletedKeys;
pub use purge::PurgeDeletedKey;
pub use recover::RecoverDeletedKey;
pub(super) use recovery::PURGE_RECOVERY;

use super::keys::KeyBundle;
use crate::model::key::Key;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::{Error, Result};

/// A deleted key as surfaces show it: the bundle of its current version, and the dates of its deletion.
#[derive(Clone, Debug)]
pub struct DeletedKeyBundle {
    /// The bundle of the current version.
    pub current: KeyBundle,
    /// The deletion date and the scheduled purge date.
    pub deletion: Deletion,
}

impl DeletedKeyBundle {
    /// Returns the bundle of a deleted key.
    ///
    /// # Errors
    /// `Internal` if the key is not deleted or has no version, which the type of `key` does not exclude.
    pub(super) fn of(key: &Arc<Key>, level: RecoveryLevel) -> Result<Self> {
        match (key.current(), key.deletion) {
            (Some(version), Some(deletion)) => {
                Ok(Self { current: KeyBundle { version: version.clone(), level }, deletion })
            }
            _ => Err(Error::internal(format!("{} is not deleted or has no version", key.name))),
        }
    }
}
