//! The security domain of a managed HSM, as it is stored.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::base64::base64url;
use super::name::VersionId;

/// The security domain of an HSM: two keys in its token, and secrets that are stored encrypted. HSMs with the same
/// secrets can restore each other's backups.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecurityDomain {
    /// Identifies the secrets: equal in all HSMs that share the domain.
    pub id: Uuid,
    /// The key in the token that wraps the material of keys for backups, and does nothing else.
    pub wrapping_key: VersionId,
    /// The key in the token that encrypts the secrets. It is generated in the token, and each HSM has its own.
    pub sealing_key: VersionId,
    /// The secrets, encrypted with the sealing key.
    pub secrets: Vec<SealedSecret>,
}

/// A secret of a security domain, encrypted with AES-256-GCM in the token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SealedSecret {
    /// The tag of the secret in the security domain file, such as `hsm_backup`.
    pub tag: String,
    /// The initialization vector.
    #[serde(with = "base64url")]
    pub iv: Vec<u8>,
    /// The ciphertext.
    #[serde(with = "base64url")]
    pub ciphertext: Vec<u8>,
    /// The authentication tag.
    #[serde(with = "base64url")]
    pub authentication_tag: Vec<u8>,
}

/// The key of an HSM that is not activated, for which the security domain of another one is encrypted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TransferKey {
    /// The RSA key in the token.
    pub object: VersionId,
    /// Its certificate, X.509 in DER.
    #[serde(with = "base64url")]
    pub certificate: Vec<u8>,
    /// When the certificate expires.
    pub expires: Timestamp,
}

impl SecurityDomain {
    /// Returns the identifiers of its objects in the token.
    pub const fn objects(&self) -> [VersionId; 2] {
        [self.wrapping_key, self.sealing_key]
    }
}
