//! The backup of one secret of a vault, with the values of all its versions: a JWE that only vaults of the same subscription and
//! geography can open.
//!
//! The form follows that of Azure's backups: a byte with the length of a text that names the format, the text, and a JWE in
//! compact serialization. The plaintext is JSON.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use strongroom_security_domain::{ContentKey, GcmWrapped, WrappedContentKey};
use zeroize::Zeroizing;

use crate::model::Timestamp;
use crate::model::key::Tags;
use crate::model::key_date::KeyDate;
use crate::model::name::{SecretName, VersionId};
use crate::model::secret::{SecretAttributes, SecretValue, SecretVersion, check_content_type, check_tags};

/// The largest backup that is read, in bytes. 500 versions of 25 KiB need less than 20 MiB.
pub const MAX_SECRET_BACKUP_BYTES: usize = 24 << 20;

/// The name of the format, as recorded from Azure.
const MAGIC: &[u8] = b"\x29AzureKeyVaultSecretBackupV1.microsoft.com";

const FORMAT: &str = "strongroom secret backup";
const VERSION: u32 = 1;

/// A secret with the values of all its versions, oldest first. It names no vault: it may be restored to another one.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRecord {
    format: String,
    version: u32,
    /// Its name in the original spelling.
    pub name: SecretName,
    /// Its versions.
    pub versions: Vec<SecretVersionRecord>,
}

/// A version of a secret with its value.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretVersionRecord {
    /// The identifier.
    pub version: VersionId,
    #[serde(serialize_with = "write_value", deserialize_with = "read_value")]
    /// The value in the clear.
    pub value: SecretValue,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<KeyDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<KeyDate>,
    created: Timestamp,
    updated: Timestamp,
    tags: Tags,
}

fn write_value<S: Serializer>(value: &SecretValue, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(value.as_str())
}

fn read_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    let text = Zeroizing::new(String::deserialize(deserializer)?);
    SecretValue::new(text).map_err(|_| serde::de::Error::custom("a value is too long"))
}

impl SecretVersionRecord {
    /// Records a version with its value.
    pub fn of(version: &SecretVersion, value: SecretValue) -> Self {
        let SecretAttributes { enabled, not_before, expires, created, updated } = version.attributes;
        let (content_type, tags) = (version.content_type.clone(), version.tags.clone());
        Self {
            version: version.version,
            value,
            content_type,
            enabled,
            not_before,
            expires,
            created,
            updated,
            tags,
        }
    }

    /// Returns content type, attributes and tags.
    pub fn properties(&self) -> (Option<String>, SecretAttributes, Tags) {
        let Self { enabled, not_before, expires, created, updated, .. } = *self;
        let attributes = SecretAttributes { enabled, not_before, expires, created, updated };
        (self.content_type.clone(), attributes, self.tags.clone())
    }

    fn is_valid(&self) -> bool {
        self.content_type.as_deref().is_none_or(|text| check_content_type(text).is_ok())
            && check_tags(&self.tags).is_ok()
    }
}

impl SecretRecord {
    /// Records a secret.
    pub fn new(name: SecretName, versions: Vec<SecretVersionRecord>) -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, name, versions }
    }
}

/// Why a backup of a secret cannot be opened or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretBackupError {
    /// It is not the backup of a secret.
    OtherFormat,
    /// It was modified, or its content key is another one.
    NotAuthentic,
    /// It was made by another version of this service.
    OtherVersion(u32),
    /// It is authentic, but is not the backup of a secret that this service can have made.
    Invalid,
    /// The cryptographic library failed.
    Library,
}

impl fmt::Display for SecretBackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFormat => f.write_str("this is not the backup of a secret"),
            Self::NotAuthentic => f.write_str("the backup was modified"),
            Self::OtherVersion(version) => {
                write!(
                    f,
                    "the backup has version {version} of its format; this service reads version {VERSION}"
                )
            }
            Self::Invalid => f.write_str("the backup is authentic, but is not that of a secret"),
            Self::Library => f.write_str("the cryptographic library failed"),
        }
    }
}

impl std::error::Error for SecretBackupError {}

/// An encrypted backup of a secret. The name of its key says for which vaults it is.
#[derive(Debug)]
pub struct SecretBackup(Arc<GcmWrapped>);

impl SecretBackup {
    /// Encrypts a record with a content key, of which `wrapped` is the encrypted form. `key_id` names the key that encrypted it.
    ///
    /// # Errors
    /// [`SecretBackupError::Library`].
    pub fn seal(
        record: &SecretRecord,
        key: &ContentKey,
        wrapped: WrappedContentKey,
        key_id: &str,
    ) -> Result<Vec<u8>, SecretBackupError> {
        // Full capacity from the start: a vector that grows leaves a copy of the values in memory. JSON escapes a byte to at
        // most six.
        let values: usize = record.versions.iter().map(|version| 6 * version.value.as_str().len()).sum();
        let mut plaintext = Zeroizing::new(Vec::with_capacity(values + 64 * 1024 * record.versions.len()));
        serde_json::to_writer(&mut *plaintext, record).map_err(|_| SecretBackupError::Library)?;
        let jwe = GcmWrapped::encrypt(key, wrapped, key_id, &plaintext);
        let jwe = jwe.map_err(|_| SecretBackupError::Library)?;
        Ok([MAGIC, jwe.as_bytes()].concat())
    }

    /// Parses a backup without decrypting it.
    ///
    /// # Errors
    /// [`SecretBackupError::OtherFormat`].
    pub fn parse(backup: &[u8]) -> Result<Self, SecretBackupError> {
        let jwe = backup.strip_prefix(MAGIC).filter(|_| backup.len() <= MAX_SECRET_BACKUP_BYTES);
        let jwe = jwe.and_then(|jwe| GcmWrapped::parse(std::str::from_utf8(jwe).ok()?));
        jwe.map(|jwe| Self(Arc::new(jwe))).ok_or(SecretBackupError::OtherFormat)
    }

    /// Returns the name of the key that encrypted the content key.
    pub fn key_id(&self) -> &str {
        self.0.key_id()
    }

    /// Returns the encrypted content key.
    pub fn wrapped(&self) -> &WrappedContentKey {
        self.0.wrapped()
    }

    /// Decrypts the record.
    ///
    /// # Errors
    /// [`SecretBackupError`].
    pub fn open(&self, key: &ContentKey) -> Result<SecretRecord, SecretBackupError> {
        let plaintext = self.0.decrypt(key).ok_or(SecretBackupError::NotAuthentic)?;
        let record: SecretRecord =
            serde_json::from_slice(&plaintext).map_err(|_| SecretBackupError::Invalid)?;
        if record.format != FORMAT {
            return Err(SecretBackupError::Invalid);
        }
        if record.version != VERSION {
            return Err(SecretBackupError::OtherVersion(record.version));
        }
        let valid = !record.versions.is_empty() && record.versions.iter().all(SecretVersionRecord::is_valid);
        if valid { Ok(record) } else { Err(SecretBackupError::Invalid) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SecretRecord {
        let version = SecretVersionRecord {
            version: VersionId::from_bytes([7; 16]),
            value: SecretValue::new(Zeroizing::new("hunter2\u{1}\"".to_owned())).unwrap(),
            content_type: None,
            enabled: false,
            not_before: None,
            expires: KeyDate::from_second(7),
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            tags: [("a".to_owned(), "b".to_owned())].into(),
        };
        SecretRecord::new("Pay".parse().unwrap(), vec![version])
    }

    fn seal(record: &SecretRecord, key: &ContentKey) -> Vec<u8> {
        let wrapped = WrappedContentKey { iv: vec![1; 12], ciphertext: vec![2; 64], tag: vec![3; 16] };
        SecretBackup::seal(record, key, wrapped, "world").unwrap()
    }

    #[test]
    fn backups_round_trip() {
        let key = ContentKey::generate().unwrap();
        let sealed = seal(&record(), &key);
        assert!(sealed.starts_with(b")AzureKeyVaultSecretBackupV1.microsoft.com"));
        assert!(!String::from_utf8_lossy(&sealed).contains("hunter2"));
        let backup = SecretBackup::parse(&sealed).unwrap();
        assert_eq!((backup.key_id(), &backup.wrapped().iv[..]), ("world", &[1; 12][..]));
        let opened = backup.open(&key).unwrap();
        assert_eq!(opened.name.as_str(), "Pay");
        assert_eq!(opened.versions[0].value.as_str(), "hunter2\u{1}\"");
        assert_eq!(opened.versions[0].properties(), record().versions[0].properties());
        let other = backup.open(&ContentKey::generate().unwrap());
        assert_eq!(other.err(), Some(SecretBackupError::NotAuthentic));
    }

    #[test]
    fn rejects_other_documents() {
        let key = ContentKey::generate().unwrap();
        let sealed = seal(&record(), &key);
        for bad in [&b""[..], b"x", &sealed[1..], &sealed[..60]] {
            assert_eq!(SecretBackup::parse(bad).err(), Some(SecretBackupError::OtherFormat));
        }
        let mut modified = sealed.clone();
        let last = modified.len() - 1;
        modified[last] = if modified[last] == b'A' { b'Q' } else { b'A' };
        let opened = SecretBackup::parse(&modified).map(|backup| backup.open(&key).err());
        assert!(matches!(opened, Err(_) | Ok(Some(SecretBackupError::NotAuthentic))));
        let empty = SecretBackup::parse(&seal(&SecretRecord::new("a".parse().unwrap(), Vec::new()), &key));
        assert_eq!(empty.unwrap().open(&key).err(), Some(SecretBackupError::Invalid));
        let later = SecretRecord { version: 2, ..record() };
        let later = SecretBackup::parse(&seal(&later, &key)).unwrap().open(&key);
        assert_eq!(later.err(), Some(SecretBackupError::OtherVersion(2)));
    }
}
