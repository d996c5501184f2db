//! Secrets of vaults: values that callers store, encrypted with the sealing key of their vault, and their versions.
//!
//! Source: "About Azure Key Vault secrets", <https://learn.microsoft.com/azure/key-vault/secrets/about-secrets>.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use super::container_id::SecretId;
use super::key_date::KeyDate;
use super::name::{SecretName, VaultName, VersionId};
use super::retention::Deletion;
use super::tags::Tags;
use super::{Error, Field, Result, Timestamp};

/// The largest value of a secret, in bytes of UTF-8 (same source: 25 KB).
// assumption: the unit of the limit is 1,024 bytes of the encoded text.
pub const MAX_VALUE_BYTES: usize = 25 * 1024;

/// The longest content type, in characters (same source).
pub const MAX_CONTENT_TYPE: usize = 255;

/// The largest number of tags, and the longest name and value of a tag, in characters (same source).
const MAX_TAGS: usize = 15;
const MAX_TAG_LENGTH: usize = 512;

/// The value of a secret in the clear: UTF-8 text, which is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct SecretValue(Zeroizing<String>);

impl SecretValue {
    /// Takes a value, which may be empty.
    ///
    /// # Errors
    /// `Invalid` if it is too long.
    pub fn new(text: Zeroizing<String>) -> Result<Self> {
        if text.len() > MAX_VALUE_BYTES {
            let why = format!("the value of a secret has at most {MAX_VALUE_BYTES} bytes");
            return Err(Error::invalid(Field::Value, why));
        }
        Ok(Self(text))
    }

    /// Takes the bytes of a value that was decrypted.
    ///
    /// # Errors
    /// `Internal` if they are not UTF-8.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        let text = std::str::from_utf8(&bytes).map_err(|_| Error::internal("a secret is not UTF-8"))?;
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    /// Writes no part of the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// A value encrypted with AES-256-GCM under the sealing key of its vault, bound to vault, secret and version.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedValue {
    /// The initialization vector.
    #[serde(with = "super::base64::base64url")]
    pub iv: Vec<u8>,
    /// The ciphertext.
    #[serde(with = "super::base64::base64url")]
    pub ciphertext: Vec<u8>,
    /// The authentication tag.
    #[serde(with = "super::base64::base64url")]
    pub tag: Vec<u8>,
}

impl fmt::Debug for SealedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedValue({} bytes)", self.ciphertext.len())
    }
}

/// The attributes of a secret version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecretAttributes {
    /// Whether the value can be read.
    pub enabled: bool,
    /// The time before which the value should not be used (`nbf`). Informative: the value can be read.
    pub not_before: Option<KeyDate>,
    /// The expiry (`exp`). Informative: the value can be read.
    pub expires: Option<KeyDate>,
    /// When the version was created.
    pub created: Timestamp,
    /// When the version was last changed.
    pub updated: Timestamp,
}

/// One version of a secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SecretVersion {
    /// The vault that holds it.
    pub vault: VaultName,
    /// The secret it belongs to.
    pub name: SecretName,
    /// Its identifier.
    pub version: VersionId,
    /// The encrypted value.
    pub value: SealedValue,
    /// What the value is, for the user.
    pub content_type: Option<String>,
    /// Its attributes.
    pub attributes: SecretAttributes,
    /// The user's tags.
    pub tags: Tags,
}

/// A secret: its versions, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Secret {
    /// The vault that holds it.
    pub vault: VaultName,
    /// Its name in its original spelling.
    pub name: SecretName,
    /// Its versions; never empty. The last one is the current version.
    pub versions: Vec<Arc<SecretVersion>>,
    /// `None` while live.
    pub deletion: Option<Deletion>,
    /// Whether it is the companion of the certificate of its name, and changes only with it.
    pub managed: bool,
}

impl Secret {
    /// Returns the current version; `None` only if the record is damaged.
    pub fn current(&self) -> Option<&Arc<SecretVersion>> {
        self.versions.last()
    }

    /// Returns a version, or the current one if `version` is `None`.
    pub fn version(&self, version: Option<VersionId>) -> Option<&Arc<SecretVersion>> {
        match version {
            None => self.current(),
            Some(version) => self.versions.iter().rev().find(|known| known.version == version),
        }
    }
}

/// Checks the tags of a secret.
///
/// # Errors
/// `Invalid` naming `tags`.
pub fn check_tags(tags: &Tags) -> Result<()> {
    if tags.len() > MAX_TAGS {
        return Err(Error::invalid(Field::Tags, "there are at most 15 tags"));
    }
    let fits = |text: &String| text.chars().count() <= MAX_TAG_LENGTH;
    if tags.iter().all(|(name, value)| !name.is_empty() && fits(name) && fits(value)) {
        return Ok(());
    }
    Err(Error::invalid(Field::Tags, "a tag name has 1 to 512 characters, a value at most 512"))
}

/// Checks a content type.
///
/// # Errors
/// `Invalid` naming `contentType`.
pub fn check_content_type(text: &str) -> Result<()> {
    if text.chars().count() <= MAX_CONTENT_TYPE {
        return Ok(());
    }
    Err(Error::invalid(Field::ContentType, "a content type has at most 255 characters"))
}

/// Checks a validity period: `not_before` lies before `expires`.
///
/// # Errors
/// `Invalid` naming `attributes.expires`.
pub fn check_validity(not_before: Option<KeyDate>, expires: Option<KeyDate>) -> Result<()> {
    match (not_before, expires) {
        (Some(from), Some(until)) if from >= until => {
            Err(Error::invalid(Field::AttributesExpires, "a secret must expire after it becomes valid"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_limited_in_bytes_and_not_printed() {
        let value = |text: String| SecretValue::new(Zeroizing::new(text));
        assert_eq!(value(String::new()).unwrap().as_str(), "");
        assert_eq!(value("ä".repeat(MAX_VALUE_BYTES / 2)).unwrap().as_str().len(), MAX_VALUE_BYTES);
        let long = value("ä".repeat(MAX_VALUE_BYTES / 2) + "x");
        assert!(matches!(long, Err(Error::Invalid { field: Field::Value, .. })));
        assert_eq!(format!("{:?}", value("hunter2".to_owned()).unwrap()), "SecretValue(…)");
    }

    #[test]
    fn tags_are_limited_in_number_and_length() {
        let tags = |count: usize, length: usize| -> Tags {
            (0..count).map(|index| (index.to_string(), "x".repeat(length))).collect()
        };
        assert_eq!(check_tags(&tags(15, 512)), Ok(()));
        for bad in [tags(16, 1), tags(1, 513), [(String::new(), String::new())].into()] {
            assert!(check_tags(&bad).is_err());
        }
    }
}
