//! `[crypto]`: how keys may be used, beyond what Azure says.

use serde::{Deserialize, Serialize};

use crate::model::aes_modes::AesModes;

/// How keys may be used, beyond what Azure says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crypto {
    /// Whether an AES key version serves all modes of operation or one family of them, in HSMs that do not say it
    /// themselves.
    pub aes_modes: AesModes,
}
