//! `[crypto]`: restrictions on key use in addition to those of Azure.

use serde::{Deserialize, Serialize};

use crate::model::aes_modes::AesModes;
use crate::model::wrapped_key::BackupPolicy;

/// Restrictions on key use in addition to those of Azure.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crypto {
    /// Whether an AES key version may be used in all modes of operation or in one family of them; the default for HSMs
    /// without a setting of their own.
    pub aes_modes: AesModes,
    /// Whether new keys may be wrapped for backups; the default for HSMs without a setting of their own.
    pub backup: BackupPolicy,
}
