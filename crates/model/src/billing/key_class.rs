//! The price classes of keys.

use serde::{Deserialize, Serialize};

use crate::key::KeyType;

/// Classes of keys with separate prices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyClass {
    /// RSA keys of 2048 bits.
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// Larger RSA keys, elliptic-curve keys, and symmetric keys, which vaults do not have.
    Advanced,
}

impl KeyClass {
    /// Returns the class of a key type.
    // assumption: no vault has symmetric keys, so no list has a price for them.
    pub const fn of(key_type: KeyType) -> Self {
        match key_type {
            KeyType::Rsa { bits: 2048 } => Self::Rsa2048,
            KeyType::Rsa { .. } | KeyType::Ec { .. } | KeyType::Oct { .. } => Self::Advanced,
        }
    }

    /// Returns its name in price lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rsa2048 => "rsa-2048",
            Self::Advanced => "advanced",
        }
    }
}
