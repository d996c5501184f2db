//! Secrets of vaults: set, get, list, update, back up, restore, delete, recover and purge.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets> and
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod backup;
mod deletion;
mod get;
mod list;
mod restore;
mod sealing;
mod set;
mod targets;
mod update;
mod versions;

use std::sync::Arc;

pub use backup::BackupSecret;
pub use deletion::{
    DeleteSecret, DeletedSecretBundle, GetDeletedSecret, ListDeletedSecrets, PurgeDeletedSecret,
    PurgeExpiredSecret, RecoverDeletedSecret,
};
pub use get::{GetSecret, RevealedSecret, ValueFormat};
pub use list::ListSecrets;
pub use restore::RestoreSecret;
pub(super) use restore::restored_secret;
pub use sealing::ensure_sealing_key;
pub(super) use sealing::{seal, unseal, unseal_value};
pub use set::{NewSecretSettings, SetSecret};
pub use targets::{AllSecrets, DeletedSecret, LiveSecret, LiveSecretVersion, NewSecretVersion, SecretPath};
pub use update::UpdateSecretVersion;
pub use versions::ListSecretVersions;

use crate::model::retention::RecoveryLevel;
use crate::model::secret::SecretVersion;

/// A secret version as surfaces show it, without its value.
#[derive(Clone, Debug)]
pub struct SecretBundle {
    /// The version.
    pub version: Arc<SecretVersion>,
    /// The recovery level of the secret.
    pub level: RecoveryLevel,
    /// Whether it is the companion of a certificate.
    pub managed: bool,
}
