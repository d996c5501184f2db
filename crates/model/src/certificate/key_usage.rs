//! The key usage of certificates, and the key operations that it permits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::container_id::ContainerKind;
use crate::key::{KeyOperation, KeyOperations, KeyType};
use crate::{Error, Field, Result};

/// A usage of the key of a certificate (RFC 5280, section 4.2.1.3). The order is that of the bits in the extension.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyUsage {
    /// `digitalSignature`
    DigitalSignature,
    /// `nonRepudiation`
    NonRepudiation,
    /// `keyEncipherment`
    KeyEncipherment,
    /// `dataEncipherment`
    DataEncipherment,
    /// `keyAgreement`
    KeyAgreement,
    /// `keyCertSign`
    KeyCertSign,
    /// `cRLSign`
    CrlSign,
    /// `encipherOnly`
    EncipherOnly,
    /// `decipherOnly`
    DecipherOnly,
}

impl KeyUsage {
    /// Every usage, by the number of its bit.
    pub const ALL: [Self; 9] = [
        Self::DigitalSignature,
        Self::NonRepudiation,
        Self::KeyEncipherment,
        Self::DataEncipherment,
        Self::KeyAgreement,
        Self::KeyCertSign,
        Self::CrlSign,
        Self::EncipherOnly,
        Self::DecipherOnly,
    ];

    /// Returns the name that every surface uses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DigitalSignature => "digitalSignature",
            Self::NonRepudiation => "nonRepudiation",
            Self::KeyEncipherment => "keyEncipherment",
            Self::DataEncipherment => "dataEncipherment",
            Self::KeyAgreement => "keyAgreement",
            Self::KeyCertSign => "keyCertSign",
            Self::CrlSign => "cRLSign",
            Self::EncipherOnly => "encipherOnly",
            Self::DecipherOnly => "decipherOnly",
        }
    }

    /// Returns the operations that the usage permits on the companion key ("About Azure Key Vault certificates", table
    /// of key usages). `keyAgreement` permits none: vaults do not derive keys.
    const fn operations(self) -> &'static [KeyOperation] {
        match self {
            Self::DigitalSignature | Self::NonRepudiation | Self::KeyCertSign | Self::CrlSign => {
                &[KeyOperation::Sign, KeyOperation::Verify]
            }
            Self::KeyEncipherment => &[KeyOperation::WrapKey, KeyOperation::UnwrapKey],
            Self::DataEncipherment => &[KeyOperation::Encrypt, KeyOperation::Decrypt],
            Self::KeyAgreement => &[],
            Self::EncipherOnly => &[KeyOperation::Encrypt],
            Self::DecipherOnly => &[KeyOperation::Decrypt],
        }
    }
}

/// Returns the operations of the companion key of a certificate with these usages. An EC key has only `sign` and `verify`
/// of them. A key whose usages permit none has all operations of its type: a certificate without the extension does not restrict
/// its key (RFC 5280, 4.2.1.3).
pub fn key_operations(usages: &[KeyUsage], key_type: KeyType) -> KeyOperations {
    let all = key_type.default_operations(ContainerKind::Vault);
    let permitted = usages.iter().flat_map(|usage| usage.operations()).copied();
    let permitted: KeyOperations = permitted.filter(|operation| all.contains(*operation)).collect();
    if permitted.is_empty() { all } else { permitted }
}

impl FromStr for KeyUsage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        // RFC 5280 renames the second usage.
        if text.eq_ignore_ascii_case("contentCommitment") {
            return Ok(Self::NonRepudiation);
        }
        Self::ALL.into_iter().find(|usage| usage.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|usage| usage.as_str()).collect();
            Error::invalid(Field::PolicyKeyUsage, format!("a key usage is one of {}", names.join(", ")))
        })
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for KeyUsage {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<KeyUsage> for String {
    fn from(usage: KeyUsage) -> Self {
        usage.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::curve::Curve;

    #[test]
    fn usages_permit_documented_operations() {
        let (rsa, ec) = (KeyType::Rsa { bits: 2048 }, KeyType::Ec { curve: Curve::P256 });
        let every = "encrypt decrypt sign verify wrapKey unwrapKey";
        for (usages, key_type, operations) in [
            (&[KeyUsage::DigitalSignature][..], rsa, "sign verify"),
            (&[KeyUsage::KeyEncipherment], rsa, "wrapKey unwrapKey"),
            (&[KeyUsage::DataEncipherment, KeyUsage::CrlSign], rsa, "encrypt decrypt sign verify"),
            (&[KeyUsage::DecipherOnly], rsa, "decrypt"),
            (&[KeyUsage::EncipherOnly], rsa, "encrypt"),
            (&[KeyUsage::KeyAgreement], rsa, every),
            (&[KeyUsage::KeyAgreement], ec, "sign verify"),
            (&[KeyUsage::DigitalSignature, KeyUsage::KeyEncipherment], ec, "sign verify"),
            (&[], rsa, every),
            (&[], ec, "sign verify"),
        ] {
            let names: Vec<_> =
                key_operations(usages, key_type).iter().map(|operation| operation.as_str()).collect();
            assert_eq!(names.join(" "), operations, "{usages:?}");
        }
    }

    #[test]
    fn parses_names_of_usages() {
        for usage in KeyUsage::ALL {
            assert_eq!(usage.as_str().parse(), Ok(usage));
        }
        let error = "signing".parse::<KeyUsage>().unwrap_err();
        assert!(error.to_string().starts_with("policy.x509.key_usage: "), "{error}");
    }
}
