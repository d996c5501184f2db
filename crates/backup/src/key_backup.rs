//! The backup of one key: a JWE that only an HSM with the same security domain can open.
//!
//! The form is that of Azure's key backups: compact serialization with the header
//! `{"alg":"dir","enc":"A256CBC-HS512","kid":"backup-protection-key"}`. The plaintext is JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use strongroom_security_domain::{ContentKey, decrypt_with, encrypt_with};

use crate::key_record::{InvalidRecord, KeyRecord};

/// The largest key backup that is read, in bytes. A key with 100 versions of RSA-4096 needs less than 1 MiB.
pub const MAX_KEY_BACKUP_BYTES: usize = 2 << 20;

/// The `kid` of the header, as recorded from Azure.
const KEY_ID: &str = "backup-protection-key";

const FORMAT: &str = "strongroom key backup";
const VERSION: u32 = 1;

/// A key backup in the clear, without key material in the clear.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyBackup(pub KeyRecord);

/// What every version of the format begins with.
#[derive(Deserialize)]
struct Preamble {
    format: String,
    version: u32,
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u32,
    key: &'a KeyRecord,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u32,
    key: KeyRecord,
}

/// Why a key backup cannot be opened or written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KeyBackupError {
    /// It is not a key backup, or it was modified, or it was made in another security domain. These cannot be
    /// distinguished without the key of that domain.
    NotAuthentic,
    /// It was made by another version of this service.
    OtherVersion(u32),
    /// It is authentic, but is not the backup of a key.
    Invalid(InvalidRecord),
    /// The cryptographic library failed.
    Library,
}

impl fmt::Display for KeyBackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Recorded from Azure.
            Self::NotAuthentic => f.write_str(
                "Backup blob belongs to a different crypto domain and cannot be used with this instance.",
            ),
            Self::OtherVersion(version) => {
                write!(
                    f,
                    "the backup has version {version} of its format; this service reads version {VERSION}"
                )
            }
            Self::Invalid(why) => write!(f, "the backup is authentic, but is not that of a key: {why}"),
            Self::Library => f.write_str("the cryptographic library failed"),
        }
    }
}

impl std::error::Error for KeyBackupError {}

impl KeyBackup {
    /// Encrypts the backup.
    ///
    /// # Errors
    /// [`KeyBackupError::Library`].
    pub fn seal(&self, key: &ContentKey) -> Result<String, KeyBackupError> {
        let written = Written { format: FORMAT, version: VERSION, key: &self.0 };
        let plaintext = serde_json::to_vec(&written).map_err(|_| KeyBackupError::Library)?;
        encrypt_with(key, KEY_ID, &plaintext).map_err(|_| KeyBackupError::Library)
    }

    /// Decrypts a backup.
    ///
    /// # Errors
    /// [`KeyBackupError`].
    pub fn open(key: &ContentKey, backup: &[u8]) -> Result<Self, KeyBackupError> {
        if backup.len() > MAX_KEY_BACKUP_BYTES {
            return Err(KeyBackupError::NotAuthentic);
        }
        let text = std::str::from_utf8(backup).map_err(|_| KeyBackupError::NotAuthentic)?;
        let plaintext = decrypt_with(key, KEY_ID, text).ok_or(KeyBackupError::NotAuthentic)?;
        Self::parse(&plaintext)
    }

    /// Parses the plaintext of a backup.
    ///
    /// # Errors
    /// [`KeyBackupError::OtherVersion`], [`KeyBackupError::Invalid`].
    pub fn parse(plaintext: &[u8]) -> Result<Self, KeyBackupError> {
        let invalid = |error: serde_json::Error| KeyBackupError::Invalid(InvalidRecord::from(error));
        let Preamble { format, version } = serde_json::from_slice(plaintext).map_err(invalid)?;
        if format != FORMAT {
            return Err(KeyBackupError::Invalid(InvalidRecord::other_format()));
        }
        if version != VERSION {
            return Err(KeyBackupError::OtherVersion(version));
        }
        let Read { key, .. } = serde_json::from_slice(plaintext).map_err(invalid)?;
        Ok(Self(key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key_record::tests::{container, key, record};

    fn content_key(byte: u8) -> ContentKey {
        ContentKey::from_slice(&[byte; 64]).unwrap()
    }

    #[test]
    fn opened_backup_has_everything_of_the_key() {
        let backup = KeyBackup(record());
        let text = backup.seal(&content_key(1)).unwrap();
        let opened = KeyBackup::open(&content_key(1), text.as_bytes()).unwrap();
        assert_eq!(opened, backup);
        assert_eq!(opened.0.to_key(&container()).unwrap(), key());
    }

    #[test]
    fn header_is_that_of_azure() {
        let text = KeyBackup(record()).seal(&content_key(1)).unwrap();
        let header = r#"{"alg":"dir","enc":"A256CBC-HS512","kid":"backup-protection-key"}"#;
        let found = crate::model::base64::decode(text.split('.').next().unwrap().as_bytes()).unwrap();
        assert_eq!(found.as_slice(), header.as_bytes());
    }

    #[test]
    fn rejects_modified_truncated_and_foreign_backups() {
        let text = KeyBackup(record()).seal(&content_key(1)).unwrap();
        let open = |text: &[u8]| KeyBackup::open(&content_key(1), text);
        assert_eq!(KeyBackup::open(&content_key(2), text.as_bytes()), Err(KeyBackupError::NotAuthentic));
        for length in 0..text.len() {
            assert_eq!(open(&text.as_bytes()[..length]), Err(KeyBackupError::NotAuthentic), "{length}");
        }
        for position in 0..text.len() {
            let mut modified = text.clone().into_bytes();
            modified[position] = if modified[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(open(&modified), Err(KeyBackupError::NotAuthentic), "{position}");
        }
        assert_eq!(open(&vec![b'.'; MAX_KEY_BACKUP_BYTES + 1]), Err(KeyBackupError::NotAuthentic));
    }

    #[test]
    fn names_version_of_other_formats() {
        let opened = |plaintext: &str| {
            let text = encrypt_with(&content_key(1), KEY_ID, plaintext.as_bytes()).unwrap();
            KeyBackup::open(&content_key(1), text.as_bytes())
        };
        let other = opened(r#"{"format":"strongroom key backup","version":2,"more":true}"#);
        assert_eq!(other, Err(KeyBackupError::OtherVersion(2)));
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"format":"another","version":1}"#,
            r#"{"format":"strongroom key backup","version":1}"#,
        ] {
            assert!(matches!(opened(wrong), Err(KeyBackupError::Invalid(_))), "{wrong}");
        }
    }

    #[test]
    fn a_datum_of_a_security_domain_is_not_a_key_backup() {
        let text = encrypt_with(&content_key(1), "hsm_backup", b"{}").unwrap();
        assert_eq!(KeyBackup::open(&content_key(1), text.as_bytes()), Err(KeyBackupError::NotAuthentic));
    }

    proptest! {
        #[test]
        fn parser_accepts_no_other_input(bytes: Vec<u8>) {
            prop_assert!(KeyBackup::open(&content_key(1), &bytes).is_err());
            prop_assert!(KeyBackup::parse(&bytes).is_err());
        }
    }
}
