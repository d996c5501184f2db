//! Validated names and identifiers: parsing checks the rules once, so values are always valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::field::{Field, InvalidValue};

/// Declares a string newtype with `Display`, `FromStr`, `AsRef<str>` and serde through the same check.
macro_rules! checked_name {
    ($(#[$doc:meta])* $name:ident, $field:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Returns the name in its original spelling.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                match check(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(why) => Err(InvalidValue::new(Field::$field, why)),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidValue;

            fn try_from(text: String) -> Result<Self, InvalidValue> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

/// Whether the text satisfies the rule of the names of vaults and managed HSMs, which are DNS labels.
fn is_container_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let characters = bytes.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    let hyphens = !text.contains("--") && !text.ends_with('-');
    characters
        && hyphens
        && (3..=24).contains(&text.len())
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
}

/// Whether the text satisfies the rule of the names of keys, secrets and certificates.
fn is_object_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

checked_name!(
    /// The name of a vault: 3-24 letters, digits and single hyphens, starting with a letter.
    ///
    /// Source: `Microsoft.KeyVault/vaults` name pattern `^[a-zA-Z0-9-]{3,24}$`, and "Vault name and Object name" of Azure's
    /// documentation.
    VaultName,
    Vault,
    |text| match is_container_name(text) {
        true => Ok(()),
        false => {
            Err("a vault name has 3 to 24 letters, digits and single hyphens, starts with a letter and does not end with a hyphen")
        }
    }
);

checked_name!(
    /// The name of a managed HSM: 3-24 letters, digits and single hyphens, starting with a letter.
    ///
    /// Source: `Microsoft.KeyVault/managedHSMs` name pattern `^[A-Za-z]([A-Za-z0-9]|\-[A-Za-z0-9])+$`.
    HsmName,
    Hsm,
    |text| {
        if is_container_name(text) {
            Ok(())
        } else {
            Err("an HSM name has 3 to 24 letters, digits and single hyphens, starts with a letter and does not end with a hyphen")
        }
    }
);

checked_name!(
    /// The name of a key: 1-127 letters, digits and hyphens.
    ///
    /// Source: the key name pattern `^[a-zA-Z0-9-]{1,127}$` of the Key Vault REST specification.
    KeyName,
    Key,
    |text| {
        if is_object_name(text) { Ok(()) } else { Err("a key name has 1 to 127 letters, digits and hyphens") }
    }
);

checked_name!(
    /// The name of a key, secret or certificate in a vault: 1-127 letters, digits and hyphens.
    ///
    /// Source: the name patterns `^[0-9a-zA-Z-]+$` of the Key Vault REST specification, and "Vault name and Object name" of
    /// Azure's documentation.
    ObjectName,
    Object,
    |text| match is_object_name(text) {
        true => Ok(()),
        false => Err("the name of an object has 1 to 127 letters, digits and hyphens"),
    }
);

checked_name!(
    /// The name of a certificate: 1-127 letters, digits and hyphens.
    ///
    /// Source: the certificate name pattern `^[0-9a-zA-Z-]+$` of the Key Vault REST specification, and "Vault name and Object
    /// name" of Azure's documentation.
    CertificateName,
    Certificate,
    |text| match is_object_name(text) {
        true => Ok(()),
        false => Err("a certificate name has 1 to 127 letters, digits and hyphens"),
    }
);

checked_name!(
    /// The name of an issuer of certificates as policies state it: `Self`, `Unknown`, or the name of an issuer of the vault, 1-127
    /// letters, digits and hyphens.
    IssuerName,
    PolicyIssuerName,
    |text| match is_object_name(text) {
        true => Ok(()),
        false => Err("the name of an issuer has 1 to 127 letters, digits and hyphens"),
    }
);

checked_name!(
    /// The name of a secret: 1-127 letters, digits and hyphens.
    ///
    /// Source: the secret name pattern `^[0-9a-zA-Z-]+$` of the Key Vault REST specification, and "Vault name and Object name"
    /// of Azure's documentation.
    SecretName,
    Secret,
    |text| match is_object_name(text) {
        true => Ok(()),
        false => Err("a secret name has 1 to 127 letters, digits and hyphens"),
    }
);

checked_name!(
    /// The name of a budget: 1-63 letters, digits, hyphens and underscores.
    ///
    /// Source: Azure's naming rules for `Microsoft.Consumption/budgets`.
    BudgetName,
    BudgetId,
    |text| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if (1..=63).contains(&text.len()) && text.bytes().all(fits) {
            Ok(())
        } else {
            Err("a budget's name has 1 to 63 letters, digits, hyphens and underscores")
        }
    }
);

impl BudgetName {
    /// Returns the case-insensitive key for comparing names.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl KeyName {
    /// Returns the case-insensitive key for comparing names: Key Vault names are unique ignoring case.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl ObjectName {
    /// Returns the case-insensitive key for comparing names: names of objects are unique ignoring case.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl CertificateName {
    /// Returns the case-insensitive key for comparing names: names of certificates are unique ignoring case.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl IssuerName {
    /// Returns the case-insensitive key for comparing names: names of issuers are compared ignoring case, as recorded.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl From<&CertificateName> for KeyName {
    /// Returns the name of the companion key.
    fn from(certificate: &CertificateName) -> Self {
        Self(certificate.0.clone())
    }
}

impl From<&CertificateName> for SecretName {
    /// Returns the name of the companion secret.
    fn from(certificate: &CertificateName) -> Self {
        Self(certificate.0.clone())
    }
}

// A certificate, its companion key and its companion secret have one name.
impl From<&CertificateName> for ObjectName {
    fn from(certificate: &CertificateName) -> Self {
        Self(std::sync::Arc::clone(&certificate.0))
    }
}

// The names of keys have the same rule.
impl From<&KeyName> for ObjectName {
    fn from(key: &KeyName) -> Self {
        Self(std::sync::Arc::clone(&key.0))
    }
}

impl From<&SecretName> for ObjectName {
    fn from(secret: &SecretName) -> Self {
        Self(std::sync::Arc::clone(&secret.0))
    }
}

impl SecretName {
    /// Returns the case-insensitive key for comparing names.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl VaultName {
    /// Returns the case-insensitive key for comparing names: a vault name is a DNS label.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl HsmName {
    /// Returns the case-insensitive key for comparing names: an HSM name is a DNS label.
    pub fn to_case_insensitive(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// The identifier of a key version: 16 bytes, written as 32 lower-case hexadecimal digits. The same bytes are the
/// `CKA_ID` of its object in the token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionId([u8; 16]);

impl VersionId {
    /// Creates an identifier from its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the 16 bytes of the `CKA_ID`.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl FromStr for VersionId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // Text of this length is a UUID only without hyphens and braces.
        let digits = (text.len() == 32).then(|| Uuid::try_parse(text).ok()).flatten();
        let wrong = || InvalidValue::new(Field::Version, "a version is 32 hexadecimal digits");
        digits.map(|digits| Self(digits.into_bytes())).ok_or_else(wrong)
    }
}

impl TryFrom<String> for VersionId {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<VersionId> for String {
    fn from(id: VersionId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The object id of a user, service principal or group: a GUID of the tenant's directory (`oid`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrincipalId(pub Uuid);

impl FromStr for PrincipalId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Uuid::parse_str(text).map(Self).map_err(|_| {
            InvalidValue::new(Field::PrincipalId, "a principal is named by its object id, a GUID")
        })
    }
}

impl fmt::Display for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for PrincipalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enforces_hsm_name_pattern() {
        for good in ["abc", "a-b", "Payroll1", "a23456789012345678901234"] {
            assert!(good.parse::<HsmName>().is_ok(), "{good}");
        }
        for bad in ["", "ab", "1ab", "-ab", "ab-", "a--b", "a_b", "a2345678901234567890123456", "näme"] {
            assert!(bad.parse::<HsmName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn enforces_key_name_and_version_patterns() {
        assert!("a".parse::<KeyName>().is_ok());
        assert!("x".repeat(127).parse::<KeyName>().is_ok());
        for bad in ["", "a b", "a/b", "ключ", &"x".repeat(128)] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad}");
        }
        let version: VersionId = "75F0e58fa686411f25e386edb8c4879c".parse().unwrap();
        assert_eq!(version.to_string(), "75f0e58fa686411f25e386edb8c4879c");
        for bad in ["", "75f0", "+5f0e58fa686411f25e386edb8c4879c", "75f0e58fa686411f25e386edb8c4879g"] {
            assert!(bad.parse::<VersionId>().is_err(), "{bad}");
        }
    }
}
