//! Keys: create, import, get, list, update, rotate, back up, restore, delete, recover and purge.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/keys/about-keys-details> and
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod backup;
mod create;
mod deletion;
mod get;
mod import;
mod list;
mod near_expiry;
mod recovery;
mod restore;
mod rotate;
mod rotation_policy;
mod settings;
mod update;
mod versions;

use std::sync::Arc;

pub use backup::BackupKey;
pub use create::CreateKey;
pub use deletion::{
    DeleteKey, DeletedKeyBundle, GetDeletedKey, ListDeletedKeys, PurgeDeletedKey, PurgeExpiredKey,
    RecoverDeletedKey,
};
pub use get::GetKey;
pub use import::ImportKey;
pub use list::ListKeys;
pub use near_expiry::NoteNearExpiry;
pub(super) use recovery::CREATION_RECOVERY;
pub(super) use restore::{RESTORE_LOCK, RESTORE_RECOVERY, check_objects_absent};
pub use restore::{RestoreKey, RestoredKey};
pub use rotate::{RotateDueKey, RotateKey};
pub use rotation_policy::{GetKeyRotationPolicy, KeyRotationPolicy, UpdateKeyRotationPolicy};
pub use settings::NewKeySettings;
pub(super) use settings::{declare_version, verify_key_pair};
pub use update::{AttributeChanges, UpdateKeyVersion};
pub use versions::ListKeyVersions;

use crate::model::key::KeyVersion;
use crate::model::retention::RecoveryLevel;

/// A key version as surfaces show it.
#[derive(Clone, Debug)]
pub struct KeyBundle {
    /// The version.
    pub version: Arc<KeyVersion>,
    /// The recovery level of the key.
    pub level: RecoveryLevel,
    /// Whether it is the companion of a certificate.
    pub managed: bool,
}
