//! Key operations (`key_ops`), and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Error, Field, Result};

/// A key operation (`key_ops`) that a key version permits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KeyOperation {
    /// `encrypt`
    Encrypt,
    /// `decrypt`
    Decrypt,
    /// `sign`
    Sign,
    /// `verify`
    Verify,
    /// `wrapKey`
    WrapKey,
    /// `unwrapKey`
    UnwrapKey,
    /// `import`: a key exchange key for bring-your-own-key; excludes all others.
    Import,
    /// `export`
    Export,
    /// `deriveKey`
    DeriveKey,
}

impl KeyOperation {
    /// Every operation, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Encrypt,
        Self::Decrypt,
        Self::Sign,
        Self::Verify,
        Self::WrapKey,
        Self::UnwrapKey,
        Self::Import,
        Self::Export,
        Self::DeriveKey,
    ];

    /// Returns the name that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::Sign => "sign",
            Self::Verify => "verify",
            Self::WrapKey => "wrapKey",
            Self::UnwrapKey => "unwrapKey",
            Self::Import => "import",
            Self::Export => "export",
            Self::DeriveKey => "deriveKey",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    /// Whether the operation is allowed outside the validity period, so that existing ciphertexts and
    /// signatures stay usable (Key Vault documentation, "Date-time controlled operations").
    pub(super) const fn allowed_outside_validity(self) -> bool {
        matches!(self, Self::Decrypt | Self::UnwrapKey | Self::Verify)
    }
}

impl FromStr for KeyOperation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|operation| operation.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|operation| operation.as_str()).collect();
            Error::invalid(Field::KeyOps, format!("a key operation is one of {}", names.join(", ")))
        })
    }
}

impl fmt::Display for KeyOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of key operations. Stored and sent as a list in the order of [`KeyOperation::ALL`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct KeyOperations(u16);

impl KeyOperations {
    /// Whether the set contains the operation.
    pub const fn contains(self, operation: KeyOperation) -> bool {
        self.0 & operation.bit() != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the number of operations.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Returns the operations, in the order of [`KeyOperation::ALL`].
    pub fn iter(self) -> impl Iterator<Item = KeyOperation> {
        KeyOperation::ALL.into_iter().filter(move |operation| self.contains(*operation))
    }

    const fn with(self, operation: KeyOperation) -> Self {
        Self(self.0 | operation.bit())
    }
}

impl FromIterator<KeyOperation> for KeyOperations {
    fn from_iter<I: IntoIterator<Item = KeyOperation>>(operations: I) -> Self {
        operations.into_iter().fold(Self::default(), Self::with)
    }
}

impl<const N: usize> From<[KeyOperation; N]> for KeyOperations {
    fn from(operations: [KeyOperation; N]) -> Self {
        operations.into_iter().collect()
    }
}

impl fmt::Debug for KeyOperations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for KeyOperations {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for KeyOperations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Operations;

        impl<'de> Visitor<'de> for Operations {
            type Value = KeyOperations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of key operations")
            }

            fn visit_seq<A: SeqAccess<'de>>(
                self,
                mut list: A,
            ) -> std::result::Result<KeyOperations, A::Error> {
                let mut operations = KeyOperations::default();
                while let Some(operation) = list.next_element()? {
                    operations = operations.with(operation);
                }
                Ok(operations)
            }
        }

        deserializer.deserialize_seq(Operations)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_and_is_stored_like_an_ordered_set(
            listed in proptest::collection::vec(proptest::sample::select(&KeyOperation::ALL[..]), 0..12),
        ) {
            let set: BTreeSet<KeyOperation> = listed.iter().copied().collect();
            let operations: KeyOperations = listed.iter().copied().collect();
            prop_assert!(operations.iter().eq(set.iter().copied()));
            prop_assert_eq!((operations.len(), operations.is_empty()), (set.len(), set.is_empty()));
            for one in KeyOperation::ALL {
                prop_assert_eq!(operations.contains(one), set.contains(&one));
            }
            prop_assert_eq!(format!("{operations:?}"), format!("{set:?}"));
            let stored = serde_json::to_string(&operations).unwrap();
            prop_assert_eq!(&stored, &serde_json::to_string(&set).unwrap());
            prop_assert_eq!(serde_json::from_str::<KeyOperations>(&stored).unwrap(), operations);
            let sent = serde_json::to_string(&listed).unwrap();
            prop_assert_eq!(serde_json::from_str::<KeyOperations>(&sent).unwrap(), operations);
        }
    }

    #[test]
    fn rejects_what_is_no_list_of_operations() {
        for text in ["{}", "\"sign\"", "[\"sing\"]", "[1]", "null"] {
            assert!(serde_json::from_str::<KeyOperations>(text).is_err(), "{text}");
        }
    }
}
