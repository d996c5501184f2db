//! Key material in backups: whether it may be wrapped, and its wrapped form.

use serde::{Deserialize, Serialize};

use super::base64::base64url;

/// Whether the material of new keys may leave the token wrapped, for backups.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackupPolicy {
    /// Keys are created with `CKA_EXTRACTABLE` true and `CKA_SENSITIVE` true: the token returns them wrapped only.
    #[default]
    Wrappable,
    /// Keys are created with `CKA_EXTRACTABLE` false, and cannot be backed up.
    Never,
}

/// The material of one key version, wrapped by the token.
///
/// All wrapped values are the result of AES Key Wrap with Padding (RFC 5649) under the wrapping key of the security
/// domain. It authenticates neither the attributes of the key nor their relation to it; the backup that contains the
/// value does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedKey {
    /// The private key in PKCS#8 (RFC 5958), or the bytes of the AES key.
    #[serde(with = "base64url")]
    pub main: Vec<u8>,
    /// What an AES key has in addition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<WrappedSecret>,
}

/// What the backup of an AES key has in addition to the key: its HMAC companion, and results that only the same key
/// produces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedSecret {
    /// The HMAC companion object, which may be padded with zeros; absent if the token does not support HMAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hmac_companion: Option<WrappedCompanion>,
    /// One block encrypted with AES: the known answer of the AES key.
    #[serde(with = "base64url")]
    pub known_answer: Vec<u8>,
}

/// The known answer of an HMAC companion.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KnownMac(#[serde(with = "base64url")] pub Vec<u8>);

/// The wrapped HMAC companion object of an AES key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrappedCompanion {
    /// The bytes of the object.
    #[serde(with = "base64url")]
    pub wrapped: Vec<u8>,
    /// An HMAC-SHA-256: the known answer of the companion. Absent if the key is too short for the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_answer: Option<KnownMac>,
}
