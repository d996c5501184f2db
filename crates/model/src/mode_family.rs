//! The families of AES modes of operation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::field::{Field, InvalidValue};

/// The tag with which a caller selects the family of a key version at creation.
pub(super) const FAMILY_TAG: &str = "aes-mode-family";

/// A set of modes of operation that are safe together under one AES key.
///
/// Mixing families is unsafe: CBC with an IV chosen by the caller computes the raw block cipher, from which the key
/// stream and tags of GCM and the outputs of AES Key Wrap are derived.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ModeFamily {
    /// GCM.
    Gcm,
    /// CBC, with and without padding.
    Cbc,
    /// AES Key Wrap.
    KeyWrap,
}

impl ModeFamily {
    /// Every family.
    pub const ALL: [Self; 3] = [Self::Gcm, Self::Cbc, Self::KeyWrap];

    /// Returns the name in tags, in the database and on gRPC.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gcm => "gcm",
            Self::Cbc => "cbc",
            Self::KeyWrap => "keyWrap",
        }
    }
}

impl FromStr for ModeFamily {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::ALL.into_iter().find(|family| family.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            InvalidValue::new(Field::Tags, format!("the tag {FAMILY_TAG} is one of {names}"))
        })
    }
}

impl fmt::Display for ModeFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
